//! The running world: mailboxes with their stored events, groups and room lists.
//! Knows neither HTTP nor how a seed fills it; calls read and change it under one lock.

use std::collections::{BTreeMap, HashMap};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::calendar::Calendar;
use super::error::Refusal;
use super::event::{Address, Event};
use super::extended::Extended;
use super::ids;
use super::replies::Replies;
use super::world::{Application, Contact, EnumCase, Hours, Kind, Profile, Room};
use super::zone::Zone;

pub(super) struct State {
    pub(super) tenants: Vec<Tenant>,
    /// By primary address in small letters.
    pub(super) mailboxes: BTreeMap<String, Mailbox>,
    /// Primary addresses and aliases, in small letters, to the key of `mailboxes`.
    names: HashMap<String, String>,
    /// Mailboxes' ids to the key of `mailboxes`.
    ids: HashMap<Uuid, String>,
    /// Groups, room lists included, by address in small letters.
    pub(super) groups: BTreeMap<String, Group>,
    pub(super) working_elsewhere_digit: u8,
    pub(super) enum_case: EnumCase,
    pub(super) token_lifetime_seconds: i64,
    last_number: u64,
    news: Vec<News>,
}

/// What happened to an event, for whoever subscribed to it.
#[derive(Clone, Debug)]
pub(super) struct News {
    pub(super) mailbox: Uuid,
    pub(super) number: u64,
    /// The change that made it so.
    pub(super) change: u64,
    pub(super) kind: ChangeKind,
}

/// Graph's changeType.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum ChangeKind {
    Created,
    Updated,
    Deleted,
}

pub(super) struct Tenant {
    pub(super) id: String,
    pub(super) domains: Vec<String>,
    pub(super) applications: Vec<Application>,
    pub(super) contacts: Vec<Contact>,
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
    pub(super) has_settings: bool,
    pub(super) replies: Replies,
    /// A BCP 47 tag.
    pub(super) language: String,
    pub(super) date_format: String,
    pub(super) time_format: String,
    pub(super) x500: Vec<String>,
    pub(super) profile: Profile,
    pub(super) room: Room,
    pub(super) calendar: Calendar,
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
    /// A world in which nobody lives yet.
    pub(super) fn empty(working_elsewhere_digit: u8, enum_case: EnumCase, token_lifetime_seconds: i64) -> Self {
        Self {
            tenants: Vec::new(),
            mailboxes: BTreeMap::new(),
            names: HashMap::new(),
            ids: HashMap::new(),
            groups: BTreeMap::new(),
            working_elsewhere_digit,
            enum_case,
            token_lifetime_seconds,
            last_number: 0,
            news: Vec::new(),
        }
    }

    /// Takes a mailbox in, if nobody has one of its addresses.
    pub(super) fn add_mailbox(&mut self, mailbox: Mailbox) -> Result<(), String> {
        let key = mailbox.address.to_lowercase();
        for name in mailbox.aliases.iter().map(|alias| alias.to_lowercase()).chain([key.clone()]) {
            if self.names.insert(name.clone(), key.clone()).is_some() {
                return Err(format!("the address {name} is used twice"));
            }
        }
        self.ids.insert(mailbox.id, key.clone());
        self.mailboxes.insert(key, mailbox);
        Ok(())
    }

    /// Takes a group in, if no mailbox and no group has its address.
    pub(super) fn add_group(&mut self, group: Group) -> Result<(), String> {
        let key = group.address.to_lowercase();
        if self.names.contains_key(&key) {
            return Err(format!("the address {key} is used twice"));
        }
        match self.groups.insert(key, group) {
            Some(old) => Err(format!("the address {} is used twice", old.address)),
            None => Ok(()),
        }
    }

    /// The mailbox's key by primary address, alias or id, within a tenant.
    pub(super) fn resolve(&self, tenant: &str, name: &str) -> Option<&Mailbox> {
        let by_name = self.names.get(&name.to_lowercase());
        let key = by_name.or_else(|| self.ids.get(&name.parse::<Uuid>().ok()?))?;
        self.mailboxes.get(key).filter(|mailbox| mailbox.tenant == tenant)
    }

    /// An application of a tenant.
    pub(super) fn application(&self, tenant: &str, client_id: &str) -> Result<&Application, Refusal> {
        let tenants = self.tenants.iter().filter(|one| one.id == tenant);
        let found = tenants.flat_map(|tenant| &tenant.applications).find(|one| one.client_id == client_id);
        found.ok_or_else(|| Refusal::unauthenticated("The application of the token is not known."))
    }

    /// The mailbox that an address belongs to, in any tenant.
    pub(super) fn mailbox_of(&self, address: &str) -> Option<&Mailbox> {
        self.mailboxes.get(self.names.get(&address.to_lowercase())?)
    }

    /// Stores an event of a mailbox, new or changed, under the next change. Exceptions that changed with it have
    /// the change 0, and get the same one.
    pub(super) fn put(&mut self, owner: &str, mut event: Event, now: Timestamp) {
        event.change = self.next_number();
        event.modified = now;
        for exception in event.exceptions.values_mut().flatten().filter(|exception| exception.change == 0) {
            (exception.change, exception.modified) = (event.change, now);
        }
        let Some(mailbox) = self.mailboxes.get_mut(owner) else { return };
        let is_new = !mailbox.calendar.events().contains_key(&event.number);
        let kind = if is_new { ChangeKind::Created } else { ChangeKind::Updated };
        let (number, change) = (event.number, event.change);
        self.news.push(News { mailbox: mailbox.id, number, change, kind });
        mailbox.calendar.put(event);
    }

    /// Removes an event of a mailbox.
    pub(super) fn remove(&mut self, owner: &str, number: u64) {
        let change = self.next_number();
        let Some(mailbox) = self.mailboxes.get_mut(owner) else { return };
        if mailbox.calendar.remove(number, change) {
            self.news.push(News { mailbox: mailbox.id, number, change, kind: ChangeKind::Deleted });
        }
    }

    /// What happened since this was asked last.
    pub(super) fn take_news(&mut self) -> Vec<News> {
        std::mem::take(&mut self.news)
    }

    /// Lets the world begin as it is now.
    pub(super) fn settle(&mut self) {
        self.news.clear();
        for mailbox in self.mailboxes.values_mut() {
            mailbox.calendar.forget(self.last_number);
        }
    }

    /// The number of the last change.
    pub(super) fn last_change(&self) -> u64 {
        self.last_number
    }

    /// A number that no event and no change had before.
    pub(super) fn next_number(&mut self) -> u64 {
        self.last_number += 1;
        self.last_number
    }
}

/// An event with nothing in it but its owner.
pub(super) fn new_event(number: u64, owner: &Mailbox, now: Timestamp) -> Event {
    let uid = ids::guid(&format!("{}/{number}", owner.address)).simple().to_string().to_uppercase();
    let today = owner.zone.local(now);
    Event {
        number,
        uid: format!("040000008200E00074C5B7101A82E008{uid}"),
        change: 0,
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
        answered: None,
        cancelled: false,
        attendees: Vec::new(),
        properties: Map::new(),
        extended: Extended::default(),
    }
}
