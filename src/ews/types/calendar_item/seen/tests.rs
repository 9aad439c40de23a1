//! Whatever a view hides is in nothing that is made of an event.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use proptest::prelude::*;

use super::super::super::shape::Wanted;
use super::super::tests::{client_viewer, meeting, series};
use super::super::{Occurrences, value_of, write};
use super::*;
use crate::calendar::event::{Attendee, Body, Person, PropertyId, PropertyName, PropertyValue, Role, Sensitivity};
use crate::client::{Hidden, Horizon, Policy};
use crate::ews::types::property_path::PropertyPath;

const SUBJECT: &str = "subjectmark";
const LOCATION: &str = "locationmark";
const BODY: &str = "bodymark";
const CATEGORY: &str = "categorymark";
const JOIN: &str = "joinmark";
const PERSON: &str = "personmark";
const COPY: &str = "copymark";

/// What of a random event differs.
#[derive(Clone, Copy, Debug)]
struct Traits {
    is_private: bool,
    is_series: bool,
    is_organizer: bool,
    is_html: bool,
    is_online: bool,
    has_link_as_location: bool,
}

fn event(traits: Traits) -> Event {
    let person = |name: &str, address: &str| Person { name: name.to_owned(), address: address.to_owned() };
    let attendee = |person, role| Attendee {
        person,
        role,
        response: crate::calendar::event::Response::Tentative,
        responded: None,
    };
    let all = [SUBJECT, LOCATION, BODY, CATEGORY, JOIN, PERSON, COPY].map(str::to_owned).to_vec();
    let body = match traits.is_online {
        true => format!("<p>{BODY} <a href='https://{JOIN}.example/1'>join</a></p>"),
        false => format!("<p>{BODY}</p>"),
    };
    Event {
        subject: format!("The {SUBJECT}"),
        location: match traits.has_link_as_location {
            true => format!("{LOCATION} https://{JOIN}.example/1"),
            false => LOCATION.to_owned(),
        },
        body: Some(Body { content: body, is_html: traits.is_html }),
        categories: vec![CATEGORY.to_owned()],
        sensitivity: if traits.is_private { Sensitivity::Private } else { Sensitivity::Normal },
        organizer: Some(person("Personmark Boss", "personmark@example.com")),
        is_organizer: traits.is_organizer,
        attendees: vec![
            attendee(person("Personmark Ann", "ann.personmark@example.com"), Role::Required),
            attendee(person("", "personmark.ben@example.com"), Role::Optional),
            attendee(person("Personmark Room", "room.personmark@example.com"), Role::Resource),
        ],
        is_online_meeting: traits.is_online,
        join_url: traits.is_online.then(|| format!("https://{JOIN}.example/1")),
        properties: vec![
            (named("String", 0x37), PropertyValue::One(SUBJECT.to_owned())),
            (named("String", 0x0e04), PropertyValue::One(PERSON.to_owned())),
            (named("Binary", 0x1013), PropertyValue::One(BODY.to_owned())),
            (named("StringArray", 0x6001), PropertyValue::Many(all)),
        ],
        ..if traits.is_series { series() } else { meeting() }
    }
}

fn named(kind: &'static str, tag: u16) -> PropertyId {
    PropertyId { kind, name: PropertyName::Tag(tag) }
}

fn viewer(view: View) -> Viewer {
    let mut policy = Policy::unlimited(&[Capability::CalendarRead], &["*@example.com"], Ceiling::Full);
    let view = Arc::new(view);
    policy.grants.iter_mut().for_each(|grant| grant.view = Arc::clone(&view));
    client_viewer(policy, None)
}

/// All that can be found out: the item, its iCalendar, and every value that can be searched and sorted by.
fn told(event: &Event, viewer: &Viewer) -> String {
    let seen = viewer.see(event);
    let ids: Vec<PropertyId> = event.properties.iter().map(|(id, _)| id.clone()).collect();
    let fields = Field::all().chain([Field::ExtendedProperty]).collect();
    let wanted = Wanted { fields, extended: ids.clone(), ..Wanted::default() };
    let changed = vec![Event { kind: EventKind::Exception, ..event.clone() }];
    let occurrences = Occurrences { first: Some(event.clone()), last: Some(event.clone()), changed };
    let mut xml = Xml::default();
    write(&mut xml, &seen, &wanted, viewer, &occurrences);
    let text = xml.finish();
    let (_, mime) = text.split_once(r#"<t:MimeContent CharacterSet="UTF-8">"#).unwrap();
    let (mime, _) = mime.split_once('<').unwrap();
    let unfolded = String::from_utf8(STANDARD.decode(mime).unwrap()).unwrap().replace("\r\n ", "");
    let fields = Field::all().map(PropertyPath::Field);
    let values = fields.chain(ids.into_iter().map(PropertyPath::Extended));
    let values: Vec<String> = values.map(|path| format!("{:?}", value_of(&seen, &path))).collect();
    format!("{text}\n{unfolded}\n{}", values.join("\n")).to_lowercase()
}

fn any_view() -> impl Strategy<Value = View> {
    let people = prop::sample::select(vec![People::Shown, People::Initials, People::Hidden]);
    let hidden = any::<(bool, bool, bool, bool, bool)>();
    let ceiling = prop::sample::select(Ceiling::ALL.to_vec());
    (ceiling, any::<bool>(), any::<bool>(), people, hidden).prop_map(|(ceiling, private, replaces, people, hidden)| {
        let (location, body, categories, online_meeting, extended_properties) = hidden;
        View {
            shows_private: private,
            subject: replaces.then(|| "Something".into()),
            people,
            hidden: Hidden { location, body, categories, online_meeting, extended_properties },
            ..View::under(ceiling)
        }
    })
}

fn any_traits() -> impl Strategy<Value = Traits> {
    any::<(bool, bool, bool, bool, bool, bool)>().prop_map(
        |(is_private, is_series, is_organizer, is_html, is_online, has_link_as_location)| Traits {
            is_private,
            is_series,
            is_organizer,
            is_html,
            is_online,
            has_link_as_location,
        },
    )
}

proptest! {
    #[test]
    fn what_is_hidden_is_nowhere(view in any_view(), traits in any_traits()) {
        let event = event(traits);
        let ceiling = view.ceiling_of(traits.is_private);
        let (is_time, is_full) = (ceiling == Ceiling::Time, ceiling == Ceiling::Full);
        let text = told(&event, &viewer(view.clone()));
        for (mark, is_hidden) in [
            (SUBJECT, is_time || view.subject.is_some()),
            (LOCATION, is_time || view.hidden.location),
            (BODY, !is_full || view.hidden.body),
            (CATEGORY, !is_full || view.hidden.categories),
            (JOIN, is_time || view.hidden.online_meeting),
            (PERSON, !is_full || view.people != People::Shown),
            (COPY, !is_full || !view.is_plain()),
        ] {
            prop_assert!(!is_hidden || !text.contains(mark), "{mark}: {text}");
        }
        let is_plain = is_full && view.is_plain();
        prop_assert!(!is_plain || [SUBJECT, LOCATION, BODY, CATEGORY, PERSON, COPY].iter().all(|mark| text.contains(mark)));
        prop_assert!(text.contains("<t:start>") && text.contains("dtstart"));
    }
}

#[test]
fn people_are_shown_by_initials_and_addresses_name_nobody() {
    let traits = Traits {
        is_private: false,
        is_series: false,
        is_organizer: true,
        is_html: true,
        is_online: false,
        has_link_as_location: false,
    };
    let text = told(&event(traits), &viewer(View { people: People::Initials, ..View::under(Ceiling::Full) }));
    assert!(text.contains("<t:displayto>p.a.</t:displayto>") && text.contains("<t:ismeeting>true"), "{text}");
    assert!(text.contains(":invalid:nomail") && !text.contains("mailto:"), "{text}");
    // Clients rely on an organizer's address.
    assert!(!text.contains("<t:organizer>"), "{text}");
}

#[test]
fn a_series_tells_of_no_occurrence_beyond_the_horizon() {
    let sees = |days_ahead| {
        let horizon = Horizon { days_back: Some(1), days_ahead: Some(days_ahead) };
        let viewer = viewer(View { horizon, ..View::under(Ceiling::Full) });
        let event = series();
        let seen = viewer.see(&event);
        (viewer.reaches(&event), seen.event().exceptions.len(), seen.event().deleted.len())
    };
    // Now is 2027-01-05; the series begins on 03-22, on 03-29 it is left out, and on 04-06 there is a moved one.
    assert!(!sees(70).0);
    assert_eq!(sees(80), (true, 0, 0));
    assert_eq!(sees(85), (true, 0, 1));
    assert_eq!(sees(100), (true, 1, 1));
}
