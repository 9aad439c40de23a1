//! Events and people at the simulator, which knows Graph's documents and nothing of this wire.

use std::time::Duration;

use jiff::civil::{DateTime, date};
use serde_json::{Value, json};
use tokio::time::Instant;
use uuid::Uuid;

use crate::calendar::Capability::{self, CalendarWrite, Directory, FreeBusy};
use crate::calendar::Mailbox;
use crate::calendar::event::{
    Attendee, Body, EventChange, EventKind, Person, PropertyId, PropertyName, PropertyValue, Response, Role, When,
    ZonedTime,
};
use crate::calendar::free_busy::BusyStatus;
use crate::calendar::person::{EntryKind, Query};
use crate::calendar::recurrence::{Pattern, Range, RangeEnd, Recurrence};
use crate::client::{Ceiling, Client, Permitted, Policy};
use crate::failure::Failure;
use crate::graph::stub::window;
use crate::graph::{Detail, EventParts, Graphs, Reply, ReplyKind, Settings};
use crate::journal::Journal;
use crate::metrics::Metrics;
use crate::simulator::{Options, Simulator, World};
use crate::tenant::{Cloud, Credential, Limits, Proof, Secret, Tenant};

/// A simulator, and the graphs that ask it.
struct Stage {
    simulator: Simulator,
    graphs: Graphs,
    client: Client,
    http: reqwest::Client,
}

impl Stage {
    async fn new() -> Self {
        // Another test may have done it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let world = World::from_json(&WORLD.to_string()).unwrap();
        let options = Options {
            listen: "127.0.0.1:0".parse().unwrap(),
            tls: None,
            clock: || "2026-11-20T08:00:00Z".parse().unwrap(),
            strict: true,
        };
        let simulator = Simulator::start(world, options).await.unwrap();
        let origin = url::Url::parse(&simulator.base_url()).unwrap();
        let cloud = Cloud { login: origin.clone(), graph: origin, ..Cloud::named("global").unwrap() };
        let credential = |name: &str, capabilities: &[Capability]| Credential {
            client_id: format!("app-{name}"),
            proof: Proof::Secret(Secret::Kept(format!("secret-of-{name}").into())),
            secret_expires: None,
            capabilities: capabilities.to_vec(),
            rbac_scoped: false,
            mail_tips: false,
            all_addresses: false,
        };
        let tenant = Tenant {
            name: "t".into(),
            id: "11111111-2222-4333-8444-555555555555".into(),
            cloud,
            domains: vec!["t.example".into()],
            is_default: false,
            limits: Limits::default(),
            credentials: vec![credential("write", &[FreeBusy, CalendarWrite]), credential("basic", &[Directory])],
        };
        let graphs =
            Graphs::new(vec![tenant], Settings::default(), Metrics::new().into(), jiff::Timestamp::default).unwrap();
        let policy = Policy::unlimited(&Capability::ALL, &["*"], Ceiling::Full);
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { simulator, graphs, client: Client::without_login("c", policy), http }
    }

    fn permit(&self, address: &str) -> Permitted {
        self.client.permit(&Mailbox::parse(address).unwrap(), CalendarWrite, jiff::Timestamp::UNIX_EPOCH).unwrap()
    }

    /// Calls of a kind that came to the simulator so far.
    async fn calls(&self, call: &str) -> usize {
        let url = format!("{}/control/ledger", self.simulator.base_url());
        let ledger = self.http.get(url).send().await.unwrap();
        let ledger: Value = serde_json::from_slice(&ledger.bytes().await.unwrap()).unwrap();
        ledger["calls"].as_array().unwrap().iter().filter(|one| one["call"] == call).count()
    }

    async fn fault(&self, fault: Value) {
        let url = format!("{}/control/faults", self.simulator.base_url());
        let told = self.http.post(url).body(fault.to_string()).send().await.unwrap();
        assert_eq!(told.status(), 204);
    }

    /// How many times somebody is busy on the day of [`meeting`].
    async fn busy(&self, address: &str) -> usize {
        let permitted =
            [self.client.permit(&Mailbox::parse(address).unwrap(), FreeBusy, jiff::Timestamp::UNIX_EPOCH).unwrap()];
        let day = window("2026-11-23T00:00:00Z", "2026-11-24T00:00:00Z");
        let told = self.graphs.free_busy(&permitted, day, Detail::Times, &journal()).await.remove(0);
        told.unwrap().items().filter(|(item, _)| item.status() != BusyStatus::Free).count()
    }
}

static WORLD: std::sync::LazyLock<Value> = std::sync::LazyLock::new(|| {
    let mailbox = |name: &str, kind: &str| json!({"address": format!("{name}@t.example"), "name": format!("{name} X"), "kind": kind, "zone": "FLE Standard Time"});
    let mut aino = mailbox("aino", "person");
    aino["aliases"] = json!(["a.x@t.example"]);
    aino["x500"] = json!(["/o=Org/cn=aino"]);
    json!({"tenants": [{
        "id": "11111111-2222-4333-8444-555555555555", "name": "T", "domains": ["t.example"],
        "applications": [
            {"name": "write", "client_id": "app-write", "client_secret": "secret-of-write",
                "roles": ["Calendars.ReadWrite"]},
            {"name": "basic", "client_id": "app-basic", "client_secret": "secret-of-basic",
                "roles": ["User.ReadBasic.All", "GroupMember.Read.All"]},
        ],
        "mailboxes": [aino, mailbox("olli", "person"), mailbox("room", "room")],
        "groups": [{"address": "all@t.example", "name": "All of us", "members": ["aino@t.example"]}],
    }]})
});

fn journal() -> Journal {
    let deadline = Instant::now() + Duration::from_secs(20);
    Journal::new(Uuid::nil(), "2026-11-20T08:00:00Z".parse().unwrap(), deadline)
}

fn at(text: &str) -> Option<ZonedTime> {
    Some(ZonedTime { local: text.parse::<DateTime>().unwrap(), zone: Some("FLE Standard Time".into()) })
}

fn invited(name: &str) -> Attendee {
    let person = Person { name: name.into(), address: format!("{name}@t.example") };
    Attendee { person, role: Role::Required, response: Response::None, responded: None }
}

fn meeting() -> EventChange {
    EventChange {
        subject: Some("Planning".into()),
        start: at("2026-11-23T09:00:00"),
        end: at("2026-11-23T10:00:00"),
        attendees: Some(vec![invited("olli")]),
        ..EventChange::default()
    }
}

fn whole() -> EventParts {
    EventParts { body: true, exceptions: true, properties: Vec::new() }
}

#[tokio::test]
async fn what_is_written_is_read() {
    let stage = Stage::new().await;
    let (aino, notes) = (stage.permit("aino@t.example"), journal());
    let tag = PropertyId { kind: "Integer", name: PropertyName::Tag(0x1234) };
    let set = Uuid::from_u128(7);
    let names = PropertyId { kind: "StringArray", name: PropertyName::Text(set, "It's, (mine)".into()) };
    let properties = vec![
        (tag.clone(), Some(PropertyValue::One("5".into()))),
        (names.clone(), Some(PropertyValue::Many(vec!["a".into(), "b".into()]))),
    ];
    let change = EventChange {
        body: Some(Body { content: "<p>The agenda</p>".into(), is_html: true }),
        attendees: None,
        held_back: Some(vec![invited("olli")]),
        show_as: Some(BusyStatus::OutOfOffice),
        categories: Some(vec!["Red".into()]),
        uid: Some("my-uid".into()),
        properties: properties.clone(),
        ..meeting()
    };
    let made = stage.graphs.create_event(&aino, &change, Uuid::new_v4(), &notes).await.unwrap();
    assert!(made.is_held_back && made.uid.as_deref() == Some("my-uid"));
    let parts = EventParts { properties: vec![tag.clone(), names], ..whole() };
    let read = stage.graphs.event(&aino, &made.id, &parts, &notes).await.unwrap();
    assert_eq!((&read.id, &read.change_key), (&made.id, &made.change_key));
    assert!(read.is_held_back && read.body.as_ref().unwrap().content.contains("agenda"));
    assert_eq!((read.uid.as_deref(), read.attendees.as_slice()), (Some("my-uid"), [invited("olli")].as_slice()));
    assert_eq!(read.start_zone.as_deref(), Some("FLE Standard Time"));
    let values: Vec<_> = read.properties.into_iter().map(|(id, value)| (id, Some(value))).collect();
    assert_eq!(values, properties);
    let when =
        When::Timed { start: "2026-11-23T07:00:00Z".parse().unwrap(), end: "2026-11-23T08:00:00Z".parse().unwrap() };
    assert_eq!((read.when, read.show_as), (when, BusyStatus::OutOfOffice));
    assert_eq!(stage.busy("olli@t.example").await, 0, "who is held back is not told");

    let invite =
        EventChange { attendees: Some(vec![invited("olli")]), properties: vec![(tag, None)], ..EventChange::default() };
    let updated = stage.graphs.update_event(&aino, &made.id, &invite, Some(&made.change_key), &notes).await.unwrap();
    assert_ne!(updated.change_key, made.change_key);
    let read = stage.graphs.event(&aino, &made.id, &parts, &notes).await.unwrap();
    assert!(!read.is_held_back && read.attendees.len() == 1 && read.properties.len() == 1);
    assert_eq!(stage.busy("olli@t.example").await, 1, "what was remembered is worth nothing after a write");
    let stale = stage.graphs.update_event(&aino, &made.id, &invite, Some(&made.change_key), &notes).await;
    assert_eq!(stale.unwrap_err(), Failure::Conflict);

    let stranger = stage.permit("olli@t.example");
    let foreign = stage.graphs.event(&stranger, &made.id, &parts, &notes).await;
    assert_eq!(foreign.unwrap_err(), Failure::NoSuchItem);
    stage.graphs.delete_event(&aino, &made.id, None, &notes).await.unwrap();
    assert_eq!(stage.busy("olli@t.example").await, 0);
    assert_eq!(stage.graphs.delete_event(&aino, &made.id, None, &notes).await, Err(Failure::NoSuchItem));
}

#[tokio::test]
async fn a_series_with_its_exceptions_and_a_view_of_it() {
    let stage = Stage::new().await;
    let (aino, notes) = (stage.permit("aino@t.example"), journal());
    let recurrence = Recurrence {
        pattern: Pattern::Daily { interval: 1 },
        range: Range { start: date(2026, 11, 23), end: RangeEnd::After(5) },
        zone: Some("FLE Standard Time".into()),
    };
    let change = EventChange { attendees: None, recurrence: Some(Some(recurrence.clone())), ..meeting() };
    let series = stage.graphs.create_event(&aino, &change, Uuid::new_v4(), &notes).await.unwrap();
    assert_eq!((series.kind, series.recurrence.as_ref()), (EventKind::Master, Some(&recurrence)));
    let days = EventChange {
        start: at("2026-11-26T00:00:00"),
        end: at("2026-11-27T00:00:00"),
        is_all_day: Some(true),
        attendees: None,
        ..meeting()
    };
    stage.graphs.create_event(&aino, &days, Uuid::new_v4(), &notes).await.unwrap();

    let week = window("2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z");
    let usual = EventParts::default();
    let instances = |most| stage.graphs.occurrences(&aino, &series.id, week, most, &usual, &notes);
    let occurrences = instances(100).await.unwrap();
    assert_eq!(occurrences.len(), 5);
    assert_eq!(instances(2).await.unwrap().len(), 2);
    let moved =
        EventChange { start: at("2026-11-24T15:00:00"), end: at("2026-11-24T16:00:00"), ..EventChange::default() };
    stage.graphs.update_event(&aino, &occurrences[1].id, &moved, None, &notes).await.unwrap();
    stage.graphs.delete_event(&aino, &occurrences[2].id, None, &notes).await.unwrap();
    let across = EventChange { start: at("2026-11-26T08:00:00"), end: at("2026-11-26T20:00:00"), ..moved };
    let crossing = stage.graphs.update_event(&aino, &occurrences[4].id, &across, None, &notes).await;
    assert_eq!(crossing.unwrap_err(), Failure::OccurrenceBoundary);

    let many = [series.id.clone(), occurrences[3].id.clone(), occurrences[2].id.clone()];
    let read = stage.graphs.events_by_id(&aino, &many, &whole(), &notes).await;
    let alone = stage.graphs.event(&aino, &series.id, &whole(), &notes).await.unwrap();
    assert_eq!(read[0].as_ref().unwrap(), &alone);
    assert_eq!((alone.deleted.as_slice(), alone.exceptions.len()), ([date(2026, 11, 25)].as_slice(), 1));
    assert_eq!(read[1].as_ref().unwrap().series.as_ref(), Some(&series.id));
    assert_eq!(read[2], Err(Failure::NoSuchItem));

    let view = stage.graphs.view(&aino, week, &EventParts::default(), &notes).await.unwrap();
    let kinds: Vec<_> = view.iter().map(|event| event.kind).collect();
    use EventKind::{Exception, Occurrence, Single};
    assert_eq!(kinds, [Occurrence, Exception, Single, Occurrence, Occurrence]);
    let morning = window("2026-11-25T10:00:00Z", "2026-11-25T11:00:00Z");
    let view = stage.graphs.view(&aino, morning, &EventParts::default(), &notes).await.unwrap();
    assert!(view.len() == 1 && view[0].when.is_all_day(), "it is the 26th somewhere");
    let listed = stage.graphs.events(&aino, &EventParts::default(), &notes).await.unwrap();
    assert_eq!(listed.iter().map(|event| event.kind).collect::<Vec<_>>(), [EventKind::Master, Single]);
    let single = stage.graphs.occurrences(&aino, &listed[1].id, week, 9, &EventParts::default(), &notes).await;
    assert_eq!(single.unwrap_err(), Failure::NotASeries);
}

#[tokio::test]
async fn what_was_done_without_our_hearing_of_it_is_done_once() {
    let stage = Stage::new().await;
    let (aino, notes) = (stage.permit("aino@t.example"), journal());
    let lost = |call: &str| json!({"call": call, "cut": true, "after_commit": true, "times": 1});
    let id = Uuid::new_v4();
    stage.fault(lost("createEvent")).await;
    let made = stage.graphs.create_event(&aino, &meeting(), id, &notes).await.unwrap();
    assert_eq!(stage.calls("createEvent").await, 2);
    assert_eq!(stage.graphs.created_event(&aino, id, &notes).await.unwrap(), Some(made.id.clone()));
    assert_eq!(stage.graphs.created_event(&aino, Uuid::new_v4(), &notes).await.unwrap(), None);
    let other = EventChange { subject: Some("Other".into()), ..meeting() };
    let known = stage.graphs.create_event(&aino, &other, id, &notes).await.unwrap();
    assert_eq!((&known.id, known.subject.as_str()), (&made.id, "Planning"), "the transaction made that one");
    assert_eq!(stage.graphs.events(&aino, &EventParts::default(), &notes).await.unwrap().len(), 1);

    let change = EventChange {
        subject: Some("Later".into()),
        body: Some(Body { content: "Bring\r\nlunch".into(), is_html: false }),
        start: at("2026-11-23T11:00:00"),
        end: at("2026-11-23T12:00:00"),
        ..EventChange::default()
    };
    stage.fault(lost("updateEvent")).await;
    let updated = stage.graphs.update_event(&aino, &made.id, &change, Some(&made.change_key), &notes).await.unwrap();
    assert_eq!(stage.calls("updateEvent").await, 2);
    assert_eq!((updated.subject.as_str(), updated.change_key != made.change_key), ("Later", true));

    let olli = stage.permit("olli@t.example");
    let copy = stage.graphs.events(&olli, &EventParts::default(), &notes).await.unwrap().remove(0);
    let reply = Reply { kind: ReplyKind::Accept, comment: String::new(), sends: true, proposed: None };
    stage.fault(lost("respondToEvent")).await;
    stage.graphs.reply(&olli, &copy.id, &reply, &notes).await.unwrap();
    let copy = stage.graphs.event(&olli, &copy.id, &whole(), &notes).await.unwrap();
    assert_eq!(copy.response, Response::Accepted);
    let own = stage.graphs.reply(&aino, &made.id, &reply, &notes).await;
    assert_eq!(own, Err(Failure::IsOrganizer { code: "ErrorCalendarIsOrganizerForAccept" }));
    assert_eq!(stage.graphs.cancel_event(&olli, &copy.id, "", &notes).await, Err(Failure::NotOrganizer));

    stage.fault(lost("respondToEvent")).await;
    stage.graphs.cancel_event(&aino, &made.id, "Sorry", &notes).await.unwrap();
    let made = stage.graphs.create_event(&aino, &meeting(), Uuid::new_v4(), &notes).await.unwrap();
    stage.fault(lost("deleteEvent")).await;
    stage.graphs.delete_event(&aino, &made.id, Some(&made.change_key), &notes).await.unwrap();
    assert_eq!(stage.calls("deleteEvent").await, 2);
    assert!(stage.graphs.events(&aino, &EventParts::default(), &notes).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_view_is_whole_or_fails() {
    let stage = Stage::new().await;
    let (aino, notes) = (stage.permit("aino@t.example"), journal());
    let recurrence = Recurrence {
        pattern: Pattern::Daily { interval: 1 },
        range: Range { start: date(2026, 11, 23), end: RangeEnd::Never },
        zone: None,
    };
    for _ in 0..3 {
        let change = EventChange { attendees: None, recurrence: Some(Some(recurrence.clone())), ..meeting() };
        stage.graphs.create_event(&aino, &change, Uuid::new_v4(), &notes).await.unwrap();
    }
    let long = window("2026-11-23T00:00:00Z", "2028-11-22T00:00:00Z");
    let view = stage.graphs.view(&aino, long, &EventParts::default(), &notes).await.unwrap();
    assert_eq!((view.len(), stage.calls("calendarView").await), (3 * 730, 3));
    assert!(view.is_sorted_by_key(|event| event.original_start));
    stage.fault(json!({"call": "calendarView", "status": 403, "code": "ErrorAccessDenied", "times": 1})).await;
    let refused = stage.graphs.view(&aino, long, &EventParts::default(), &notes).await;
    assert_eq!(refused.unwrap_err(), Failure::Denied);
}

#[tokio::test]
async fn what_graph_refuses_is_the_callers_fault() {
    let stage = Stage::new().await;
    let (aino, notes) = (stage.permit("aino@t.example"), journal());
    let zone = |zone: &str| Some(ZonedTime { zone: Some(zone.into()), ..at("2026-11-23T09:00:00").unwrap() });
    let cases = [
        (EventChange { end: at("2026-11-22T09:00:00"), ..meeting() }, Failure::EndBeforeStart),
        (EventChange { is_all_day: Some(true), ..meeting() }, Failure::BadValue),
        (EventChange { start: zone("Moon"), ..meeting() }, Failure::UnknownTimeZone),
    ];
    for (change, expected) in cases {
        let told = stage.graphs.create_event(&aino, &change, Uuid::new_v4(), &notes).await;
        assert_eq!(told.unwrap_err().failure, expected);
    }
    let read_only = stage.client.permit(aino.mailbox(), Capability::CalendarRead, jiff::Timestamp::UNIX_EPOCH).unwrap();
    let told = stage.graphs.create_event(&read_only, &meeting(), Uuid::new_v4(), &notes).await;
    assert_eq!(told.unwrap_err().failure, Failure::Denied);
    let told = stage.graphs.events(&read_only, &whole(), &notes).await;
    assert_eq!(told.unwrap_err(), Failure::Denied, "no credential is there for reading alone");
    assert!(stage.graphs.events(&aino, &whole(), &notes).await.unwrap().is_empty(), "who writes may read for it");
    let times = stage.client.permit(aino.mailbox(), FreeBusy, jiff::Timestamp::UNIX_EPOCH).unwrap();
    assert_eq!(stage.graphs.events(&times, &whole(), &notes).await.unwrap_err(), Failure::Denied);
}

#[tokio::test]
async fn people_are_found_with_as_much_as_may_be_read() {
    let stage = Stage::new().await;
    let (proof, notes) = (stage.client.entitle(Directory).unwrap(), journal());
    let find = |query| {
        let (graphs, proof, notes) = (&stage.graphs, &proof, &notes);
        async move { graphs.people(proof, &query, notes).await.unwrap() }
    };
    let address = |text: &str| Query::Address(Mailbox::parse(text).unwrap());
    stage.fault(json!({"call": "listUsers", "status": 403, "code": "Authorization_RequestDenied", "times": 1})).await;
    let found = find(address("aino@t.example")).await;
    assert_eq!((found.len(), found[0].name.as_str(), found[0].kind), (1, "aino X", EntryKind::Mailbox));
    assert!(found[0].proxies.is_empty());
    assert_eq!(stage.calls("listUsers").await, 2, "once for all, and then for less");
    let found = find(address("all@t.example")).await;
    assert_eq!((found[0].name.as_str(), found[0].kind), ("All of us", EntryKind::Group));
    assert_eq!(stage.calls("listUsers").await, 3, "that less may be read is remembered");
    assert_eq!(find(address("all@t.example")).await.len(), 1);
    assert_eq!(stage.calls("listUsers").await, 3, "and what was told");
    let found = find(Query::Beginning("A".into())).await;
    let names: Vec<_> = found.iter().map(|entry| entry.name.as_str()).collect();
    assert_eq!(names, ["All of us", "aino X"]);
    for nobody in [address("a.x@t.example"), Query::LegacyName("/o=Org/cn=aino".into()), address("x@other.example")] {
        assert!(find(nobody).await.is_empty(), "aliases may not be read");
    }
    assert!(find(Query::Beginning(" ".into())).await.is_empty());
}
