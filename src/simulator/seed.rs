//! How a seed becomes the running world, and is checked by that.
//! Knows the seed's form and what is stored; nothing of HTTP.

use std::collections::HashMap;

use jiff::{Timestamp, ToSpan};
use serde_json::{Map, Value, json};

use super::calendar::Calendar;
use super::draft::{Draft, STATUSES};
use super::event::{Address, Attendee, Event};
use super::ids;
use super::invitations;
use super::pattern;
use super::recurrence::{End, Recurrence};
use super::replies::{AUDIENCES, Replies, STATUSES as REPLY_STATUSES};
use super::state::{Group, Mailbox, State, Tenant, new_event};
use super::world::{self, Kind, SeedEvent, SeedList, SeedMailbox, SeedReplies, World};
use super::zone::{Zone, day_named};

impl World {
    /// Reads a seed. The error says where the text is wrong, or which address, zone or event does not fit.
    ///
    /// # Errors
    /// A text for people, with the line and column where serde found the problem.
    pub fn from_json(text: &str) -> Result<Self, String> {
        let mut world: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if world.tenants.is_empty() {
            return Err("a world needs at least one tenant".to_owned());
        }
        if !(1..=86_400).contains(&world.token_lifetime_seconds) {
            return Err("token_lifetime_seconds must be from 1 to 86400".to_owned());
        }
        for tenant in &mut world.tenants {
            gather(tenant)?;
        }
        world.build(Timestamp::UNIX_EPOCH)?;
        Ok(world)
    }

    /// The company that ships with the program.
    pub fn company() -> Self {
        match Self::from_json(include_str!("../../fixtures/worlds/company.json")) {
            Ok(world) => world,
            Err(problem) => unreachable!("the built-in company is checked by a test: {problem}"),
        }
    }

    /// The world as it begins; `now` is what the seed's relative days count from.
    pub(super) fn build(&self, now: Timestamp) -> Result<State, String> {
        let mut state = State::empty(self.working_elsewhere_digit, self.enum_case, self.token_lifetime_seconds);
        for tenant in &self.tenants {
            state.tenants.push(Tenant {
                id: tenant.id.clone(),
                domains: tenant.domains.iter().map(|domain| domain.to_lowercase()).collect(),
                applications: tenant.applications.clone(),
                contacts: tenant.contacts.clone(),
            });
            for seed in &tenant.mailboxes {
                state.add_mailbox(mailbox(seed, &tenant.id, now)?)?;
            }
            let lists = tenant.room_lists.iter().map(|list| (list, true));
            for (list, is_room_list) in lists.chain(tenant.groups.iter().map(|group| (group, false))) {
                state.add_group(group(list, &tenant.id, is_room_list))?;
            }
        }
        for mailbox in self.tenants.iter().flat_map(|tenant| &tenant.mailboxes) {
            for seed in &mailbox.events {
                let problem = |problem| format!("{}, event '{}': {problem}", mailbox.address, seed.subject);
                add_event(&mut state, &mailbox.address.to_lowercase(), seed, now).map_err(problem)?;
            }
        }
        state.settle();
        Ok(state)
    }
}

/// Gives a tenant the mailboxes of its crowd.
fn gather(tenant: &mut world::Tenant) -> Result<(), String> {
    let Some(crowd) = &tenant.crowd else { return Ok(()) };
    if !tenant.domains.contains(&crowd.domain) {
        return Err(format!("the crowd's domain {} is none of {}", crowd.domain, tenant.name));
    }
    for number in 1..=crowd.count {
        let seed = json!({
            "address": format!("person-{number}@{}", crowd.domain),
            "name": format!("Person {number}"),
            "zone": crowd.zone,
        });
        tenant.mailboxes.push(serde_json::from_value(seed).map_err(|error| error.to_string())?);
    }
    Ok(())
}

fn mailbox(seed: &SeedMailbox, tenant: &str, now: Timestamp) -> Result<Mailbox, String> {
    let zone =
        Zone::named(&seed.zone).ok_or_else(|| format!("{}: the zone '{}' is not known", seed.address, seed.zone))?;
    if seed.hours.days.iter().any(|day| day_named(day).is_none()) {
        return Err(format!("{}: hours name an unknown day", seed.address));
    }
    let replies = match &seed.automatic_replies {
        None => Replies::new(now),
        Some(given) => {
            replies(given, &zone, now).map_err(|problem| format!("{}, automatic replies: {problem}", seed.address))?
        }
    };
    Ok(Mailbox {
        id: ids::guid(&seed.address.to_lowercase()),
        tenant: tenant.to_owned(),
        address: seed.address.clone(),
        name: seed.name.clone(),
        kind: seed.kind,
        aliases: seed.aliases.clone(),
        zone,
        custom_zone: seed.custom_zone,
        hours: seed.hours.clone(),
        shares_details: seed.shares_details,
        has_settings: seed.has_settings,
        replies,
        language: seed.language.clone(),
        date_format: "M/d/yyyy".to_owned(),
        time_format: "h:mm tt".to_owned(),
        x500: seed.x500.clone(),
        profile: seed.profile.clone(),
        room: seed.room.clone().unwrap_or_default(),
        calendar: Calendar::default(),
        transactions: HashMap::new(),
    })
}

/// A schedule of a seed may be over.
fn replies(seed: &SeedReplies, zone: &Zone, now: Timestamp) -> Result<Replies, String> {
    let member = |given: &str, allowed: &[&'static str]| {
        let found = allowed.iter().find(|known| **known == given).copied();
        found.ok_or_else(|| format!("'{given}' is none of {}", allowed.join(", ")))
    };
    let mut replies = Replies {
        status: member(&seed.status, &REPLY_STATUSES)?,
        audience: member(seed.audience.as_deref().unwrap_or("all"), &AUDIENCES)?,
        internal: seed.internal.clone(),
        external: seed.external.clone(),
        ..Replies::new(now)
    };
    let midnight = jiff::civil::Time::midnight();
    let start = match (seed.start, seed.day) {
        (Some(start), None) => start.0,
        (None, Some(day)) => {
            let today = zone.local(now).date();
            today.saturating_add(day.days()).to_datetime(seed.at.map_or(midnight, |at| at.0))
        }
        (None, None) if replies.schedule().is_none() => return Ok(replies),
        _ => return Err("either start or day is needed".to_owned()),
    };
    let end = match (seed.minutes, seed.days) {
        (Some(minutes), None) if minutes > 0 => start.saturating_add(minutes.minutes()),
        (None, Some(days)) if days > 0 => start.saturating_add(days.days()),
        _ => return Err("either minutes or days is needed".to_owned()),
    };
    (replies.start, replies.end) = (zone.instant(start), zone.instant(end));
    Ok(replies)
}

fn group(seed: &SeedList, tenant: &str, is_room_list: bool) -> Group {
    Group {
        id: ids::guid(&seed.address.to_lowercase()),
        tenant: tenant.to_owned(),
        address: seed.address.clone(),
        name: seed.name.clone(),
        members: seed.members.iter().map(|member| member.to_lowercase()).collect(),
        is_room_list,
    }
}

/// Stores a seeded event and invites its attendees.
fn add_event(state: &mut State, owner: &str, seed: &SeedEvent, now: Timestamp) -> Result<(), String> {
    let number = state.next_number();
    let mailbox = state.mailboxes.get(owner).ok_or("no such mailbox")?;
    let mut event = new_event(number, mailbox, now);
    place(&mut event, seed, now)?;
    event.properties.insert("subject".to_owned(), json!(seed.subject));
    let texts = [("showAs", &seed.show_as), ("sensitivity", &seed.sensitivity)];
    for (name, value) in texts {
        if let Some(value) = value {
            event.properties.insert(name.to_owned(), json!(value));
        }
    }
    let mut rest = Map::new();
    if let Some(location) = &seed.location {
        rest.insert("location".to_owned(), json!({ "displayName": location }));
    }
    if let Some(body) = &seed.body {
        rest.insert("body".to_owned(), json!({ "contentType": "text", "content": body }));
    }
    let draft = Draft::read(&Value::Object(rest), true).map_err(|refusal| refusal.message)?;
    draft.apply(&mut event).map_err(|refusal| refusal.message)?;
    if !STATUSES.contains(&event.show_as()) {
        return Err("show_as is not one of Graph's".to_owned());
    }
    for (address, response) in [(&seed.attendees, "accepted"), (&seed.undecided, "none")]
        .iter()
        .flat_map(|(list, response)| list.iter().map(move |address| (address, *response)))
    {
        let invited = state.mailbox_of(address).ok_or_else(|| format!("unknown attendee {address}"))?;
        let who = Address { name: invited.name.clone(), address: invited.address.clone() };
        let role = if invited.kind == Kind::Room { "resource" } else { "required" };
        let answered = (response == "accepted").then_some(now);
        event.attendees.push(Attendee { who, role, response, answered });
    }
    if seed.cancelled {
        invitations::cancel(&mut event);
    }
    invitations::publish(state, owner, event, now);
    Ok(())
}

/// Gives a seeded event its times and its recurrence.
fn place(event: &mut Event, seed: &SeedEvent, now: Timestamp) -> Result<(), String> {
    if let Some(name) = &seed.zone {
        event.zone = Zone::named(name).ok_or_else(|| format!("the zone '{name}' is not known"))?;
        event.end_zone.clone_from(name);
    }
    let midnight = jiff::civil::Time::midnight();
    event.start = match (seed.start, seed.day) {
        (Some(start), None) => start.0,
        (None, Some(day)) => {
            let today = event.zone.local(now).date();
            today.saturating_add(day.days()).to_datetime(seed.at.map_or(midnight, |at| at.0))
        }
        _ => return Err("either start or day is needed".to_owned()),
    };
    event.all_day = seed.days.is_some();
    event.end = match (seed.minutes, seed.days) {
        (Some(minutes), None) => event.start.saturating_add(minutes.minutes()),
        (None, Some(days)) => event.start.saturating_add(days.days()),
        _ => return Err("either minutes or days is needed".to_owned()),
    };
    let Some(repeat) = &seed.repeat else { return Ok(()) };
    event.recurrence = Some(Recurrence {
        pattern: pattern::read_pattern(repeat, true).map_err(|refusal| refusal.message)?,
        start: event.start.date(),
        end: match (seed.until, seed.times) {
            (Some(day), _) => End::On(day.0),
            (None, Some(times)) => End::After(times),
            (None, None) => End::Never,
        },
        zone: event.zone.name.clone(),
    });
    let plain = event.clone();
    for moved in &seed.moved {
        let mut exception = plain.clone();
        exception.recurrence = None;
        exception.start = moved.start.0;
        let minutes = moved.minutes.or(seed.minutes).unwrap_or(30);
        exception.end = moved.start.0.saturating_add(minutes.minutes());
        exception.properties.insert("subject".to_owned(), json!(seed.subject));
        event.exceptions.insert(moved.date.0, Some(Box::new(exception)));
    }
    event.exceptions.extend(seed.except.iter().map(|day| (day.0, None)));
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    #[test]
    fn the_company_is_as_large_as_promised() {
        let company = World::company();
        assert!(company.mailboxes().len() >= 50, "{} people", company.mailboxes().len());
        assert!(company.rooms().len() >= 20, "{} rooms", company.rooms().len());
        for name in [
            "gateway-free-busy",
            "gateway-calendar-read",
            "gateway-calendar-write",
            "gateway-directory",
            "gateway-people",
            "gateway-out-of-office-read",
            "gateway-out-of-office-write",
            "gateway-mail-tips",
            "everything",
        ] {
            assert!(company.application(name).is_some(), "{name}");
        }
    }

    #[test]
    fn the_company_knows_every_kind_of_reply() {
        let now = "2026-11-23T08:00:00Z".parse().unwrap();
        let state = World::company().build(now).unwrap();
        let replies = |who: &str| state.mailbox_of(who).unwrap().replies.clone();
        let away = |who: &str| (replies(who).status, replies(who).audience, replies(who).are_sent(now));
        assert_eq!(away("anna.baker@contoso.example"), ("disabled", "all", false));
        assert_eq!(away("brian.cole@contoso.example"), ("scheduled", "contactsOnly", false));
        assert_eq!(away("greta.schulz@contoso.example"), ("scheduled", "all", true));
        assert_eq!(away("kabir.gupta@contoso.example"), ("scheduled", "all", false));
        assert_eq!(away("charlotte.reed@contoso.example"), ("alwaysEnabled", "none", true));
        let greta = replies("greta.schulz@contoso.example");
        assert_eq!(greta.start.to_string(), "2026-11-21T23:00:00Z", "midnight in Berlin");
    }

    #[test]
    fn a_crowd_gathers() {
        let seed = r#"{"tenants":[{"id":"t","name":"T","domains":["t.example"],"applications":[],"mailboxes":[],
            "crowd":{"count":10000,"domain":"t.example","zone":"FLE Standard Time"}}]}"#;
        let world = World::from_json(seed).unwrap();
        assert_eq!(world.mailboxes().len(), 10_000);
        assert_eq!(world.mailboxes()[9_999], "person-10000@t.example");
        let stray = seed.replace("\"domain\":\"t.example\"", "\"domain\":\"u.example\"");
        assert!(World::from_json(&stray).unwrap_err().contains("u.example"));
    }

    #[test]
    fn a_wrong_seed_is_explained() {
        assert!(World::from_json("{\"tenants\":[]}").unwrap_err().contains("tenant"));
        assert!(World::from_json("{\"tenants\":[],\"x\":1}").unwrap_err().contains("unknown field"));
        let seed = r#"{"tenants":[{"id":"t","name":"T","domains":["t.example"],"applications":[],
            "mailboxes":[{"address":"a@t.example","name":"A","zone":"Nowhere"}]}]}"#;
        assert!(World::from_json(seed).unwrap_err().contains("Nowhere"));
        let seed = seed.replace("Nowhere", "UTC");
        assert!(World::from_json(&seed).is_ok());
        for (wrong, problem) in [
            (r#"{"status":"away"}"#, "alwaysEnabled"),
            (r#"{"status":"scheduled"}"#, "start or day"),
            (r#"{"status":"scheduled","day":0,"days":0}"#, "minutes or days"),
            (r#"{"status":"disabled","message":""}"#, "message"),
        ] {
            let wrong = seed.replace("\"zone\"", &format!("\"automatic_replies\":{wrong},\"zone\""));
            assert!(World::from_json(&wrong).unwrap_err().contains(problem), "{problem}");
        }
        let unknown = seed.replace("\"zone\"", "\"colour\":\"red\",\"zone\"");
        assert!(World::from_json(&unknown).unwrap_err().contains("colour"));
    }
}
