//! The running world: mailboxes with their stored events, groups and room lists, built from a seed.
//! Knows nothing of HTTP; calls read and change it under one lock.

use std::collections::{BTreeMap, HashMap};

use jiff::{Timestamp, ToSpan};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::draft::{Draft, STATUSES};
use super::event::{Address, Attendee, Event};
use super::ids;
use super::invitations;
use super::pattern;
use super::recurrence::{End, Recurrence};
use super::world::{Application, Hours, Kind, Room, SeedEvent, SeedList, SeedMailbox, World};
use super::zone::Zone;

pub(super) struct State {
    pub(super) tenants: Vec<Tenant>,
    /// By primary address in small letters.
    pub(super) mailboxes: BTreeMap<String, Mailbox>,
    /// Primary addresses and aliases, in small letters, to the key of `mailboxes`.
    names: HashMap<String, String>,
    /// Groups, room lists included, by address in small letters.
    pub(super) groups: BTreeMap<String, Group>,
    pub(super) working_elsewhere_digit: u8,
    pub(super) token_lifetime_seconds: i64,
    last_number: u64,
}

pub(super) struct Tenant {
    pub(super) id: String,
    pub(super) domains: Vec<String>,
    pub(super) applications: Vec<Application>,
}

pub(super) struct Mailbox {
    pub(super) id: Uuid,
    pub(super) tenant: String,
    pub(super) address: String,
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) aliases: Vec<String>,
    pub(super) zone: Zone,
    pub(super) custom_zone: bool,
    pub(super) hours: Hours,
    pub(super) shares_details: bool,
    pub(super) title: Option<String>,
    pub(super) office: Option<String>,
    pub(super) room: Room,
    pub(super) events: BTreeMap<u64, Event>,
    /// The event that a transactionId made, and from what.
    pub(super) transactions: HashMap<String, (Value, u64)>,
}

pub(super) struct Group {
    pub(super) id: Uuid,
    pub(super) tenant: String,
    pub(super) address: String,
    pub(super) name: String,
    pub(super) members: Vec<String>,
    pub(super) is_room_list: bool,
}

impl State {
    /// Builds the world; `now` is what seeds' relative days count from.
    pub(super) fn seed(world: &World, now: Timestamp) -> Result<Self, String> {
        let mut state = Self {
            tenants: Vec::new(),
            mailboxes: BTreeMap::new(),
            names: HashMap::new(),
            groups: BTreeMap::new(),
            working_elsewhere_digit: world.working_elsewhere_digit,
            token_lifetime_seconds: world.token_lifetime_seconds,
            last_number: 0,
        };
        for tenant in &world.tenants {
            state.tenants.push(Tenant {
                id: tenant.id.clone(),
                domains: tenant.domains.iter().map(|domain| domain.to_lowercase()).collect(),
                applications: tenant.applications.clone(),
            });
            for seed in &tenant.mailboxes {
                state.add_mailbox(seed, &tenant.id)?;
            }
            let lists = tenant.room_lists.iter().map(|list| (list, true));
            for (list, is_room_list) in lists.chain(tenant.groups.iter().map(|group| (group, false))) {
                state.add_group(list, &tenant.id, is_room_list)?;
            }
        }
        for mailbox in world.tenants.iter().flat_map(|tenant| &tenant.mailboxes) {
            for seed in &mailbox.events {
                let problem = |problem| format!("{}, event '{}': {problem}", mailbox.address, seed.subject);
                state.add_event(&mailbox.address.to_lowercase(), seed, now).map_err(problem)?;
            }
        }
        Ok(state)
    }

    /// The mailbox's key by primary address, alias or id, within a tenant.
    pub(super) fn resolve(&self, tenant: &str, name: &str) -> Option<&Mailbox> {
        let key = self.names.get(&name.to_lowercase());
        let found = match key {
            Some(key) => self.mailboxes.get(key),
            None => name.parse().ok().and_then(|id: Uuid| self.mailboxes.values().find(|mailbox| mailbox.id == id)),
        };
        found.filter(|mailbox| mailbox.tenant == tenant)
    }

    pub(super) fn mailbox_of(&mut self, address: &str) -> Option<&mut Mailbox> {
        let key = self.names.get(&address.to_lowercase())?;
        self.mailboxes.get_mut(key)
    }

    /// A number that no event and no change had before.
    pub(super) fn next_number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }

    fn add_mailbox(&mut self, seed: &SeedMailbox, tenant: &str) -> Result<(), String> {
        let key = seed.address.to_lowercase();
        let zone = Zone::named(&seed.zone)
            .ok_or_else(|| format!("{}: the zone '{}' is not known", seed.address, seed.zone))?;
        for name in seed.aliases.iter().map(|alias| alias.to_lowercase()).chain([key.clone()]) {
            if self.names.insert(name.clone(), key.clone()).is_some() {
                return Err(format!("the address {name} is used twice"));
            }
        }
        if seed.hours.days.iter().any(|day| super::zone::day_named(day).is_none()) {
            return Err(format!("{}: hours name an unknown day", seed.address));
        }
        let mailbox = Mailbox {
            id: ids::guid(&key),
            tenant: tenant.to_owned(),
            address: seed.address.clone(),
            name: seed.name.clone(),
            kind: seed.kind,
            aliases: seed.aliases.clone(),
            zone,
            custom_zone: seed.custom_zone,
            hours: seed.hours.clone(),
            shares_details: seed.shares_details,
            title: seed.title.clone(),
            office: seed.office.clone(),
            room: seed.room.clone().unwrap_or_default(),
            events: BTreeMap::new(),
            transactions: HashMap::new(),
        };
        self.mailboxes.insert(key, mailbox);
        Ok(())
    }

    fn add_group(&mut self, seed: &SeedList, tenant: &str, is_room_list: bool) -> Result<(), String> {
        let key = seed.address.to_lowercase();
        if self.names.contains_key(&key) {
            return Err(format!("the address {key} is used twice"));
        }
        let group = Group {
            id: ids::guid(&key),
            tenant: tenant.to_owned(),
            address: seed.address.clone(),
            name: seed.name.clone(),
            members: seed.members.iter().map(|member| member.to_lowercase()).collect(),
            is_room_list,
        };
        match self.groups.insert(key, group) {
            Some(old) => Err(format!("the address {} is used twice", old.address)),
            None => Ok(()),
        }
    }

    fn add_event(&mut self, owner: &str, seed: &SeedEvent, now: Timestamp) -> Result<(), String> {
        let (number, change) = (self.next_number(), self.next_number());
        let mailbox = self.mailboxes.get(owner).ok_or("no such mailbox")?;
        let mut event = new_event(number, change, mailbox, now);
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
            let invited = self.resolve_anywhere(address).ok_or_else(|| format!("unknown attendee {address}"))?;
            let who = Address { name: invited.name.clone(), address: invited.address.clone() };
            let role = if invited.kind == Kind::Room { "resource" } else { "required" };
            let answered = (response == "accepted").then_some(now);
            event.attendees.push(Attendee { who, role, response, answered });
        }
        if seed.cancelled {
            invitations::cancel(&mut event);
        }
        if let Some(mailbox) = self.mailboxes.get_mut(owner) {
            mailbox.events.insert(number, event);
        }
        invitations::share(self, owner, number, now);
        Ok(())
    }

    fn resolve_anywhere(&self, address: &str) -> Option<&Mailbox> {
        self.mailboxes.get(self.names.get(&address.to_lowercase())?)
    }
}

/// An event with nothing in it but its owner.
pub(super) fn new_event(number: u64, change: u64, owner: &Mailbox, now: Timestamp) -> Event {
    let uid = ids::guid(&format!("{}/{number}", owner.address)).simple().to_string().to_uppercase();
    let today = owner.zone.local(now);
    Event {
        number,
        uid: format!("040000008200E00074C5B7101A82E008{uid}"),
        change,
        created: now,
        modified: now,
        start: today,
        end: today,
        zone: owner.zone.clone(),
        end_zone: owner.zone.name.clone(),
        all_day: false,
        recurrence: None,
        exceptions: BTreeMap::new(),
        organizer: Address { name: owner.name.clone(), address: owner.address.clone() },
        is_organizer: true,
        response: "organizer",
        cancelled: false,
        attendees: Vec::new(),
        properties: Map::new(),
    }
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
