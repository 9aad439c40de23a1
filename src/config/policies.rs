//! What the policies of `[[clients]]` mean: grants, deny lists, views, hours.

mod raw;

use std::sync::Arc;

use jiff::civil::Time;
use jiff::tz::TimeZone;
use toml::Spanned;

use super::Reader;
use super::raw::{Client as RawClient, Grant as RawGrantTable};
use crate::calendar::domains::Domains;
use crate::calendar::{Capability, Mailbox};
use crate::client::{self, Ceiling, Grant, Hidden, Horizon, Pattern, People, Policy, Roster, Source, Within};
use crate::rosters;
use crate::tenant::{self, Tenant};

pub(super) use raw::{Hours, Mailboxes, View};

use raw::Elsewhere;

/// A grant's keys, of a client or of one of its grants.
pub(super) struct RawGrant<'a> {
    pub(super) capabilities: &'a [Spanned<String>],
    pub(super) mailboxes: &'a [Spanned<Mailboxes>],
    pub(super) ceiling: &'a Spanned<String>,
    pub(super) private_items: bool,
    pub(super) view: &'a View,
}

impl<'a> From<&'a RawClient> for RawGrant<'a> {
    fn from(raw: &'a RawClient) -> Self {
        let RawClient { capabilities, mailboxes, ceiling, private_items, view, .. } = raw;
        Self { capabilities, mailboxes, ceiling, private_items: *private_items, view }
    }
}

impl<'a> From<&'a RawGrantTable> for RawGrant<'a> {
    fn from(raw: &'a RawGrantTable) -> Self {
        let RawGrantTable { capabilities, mailboxes, ceiling, private_items, view } = raw;
        Self { capabilities, mailboxes, ceiling, private_items: *private_items, view }
    }
}

impl Reader<'_> {
    pub(super) fn grant(&mut self, raw: RawGrant<'_>) -> Grant {
        let is_write = |name: &&Spanned<String>| name.get_ref() == Capability::CalendarWrite.name();
        if let Some(write) = raw.capabilities.iter().find(is_write).filter(|_| !self.has_store) {
            let remedy = "needs a place for writes that are under way: add [store] with a path";
            self.problems.add(write, "clients.capabilities", remedy);
        }
        let ceiling = self.ceiling(raw.ceiling);
        Grant {
            capabilities: self.capabilities(raw.capabilities, "clients.capabilities"),
            mailboxes: self.mailboxes(raw.mailboxes, "clients.mailboxes"),
            view: Arc::new(self.view(raw.view, ceiling, raw.private_items)),
        }
    }

    /// Mailboxes that keys of a client name.
    pub(super) fn mailboxes(&mut self, entries: &[Spanned<Mailboxes>], key: &str) -> client::Mailboxes {
        let mut mailboxes = client::Mailboxes::default();
        for entry in entries {
            let source = match entry.get_ref() {
                Mailboxes::Pattern(text) if text.contains('@') || text == "*" => {
                    mailboxes.patterns.push(Pattern::new(text));
                    continue;
                }
                Mailboxes::Pattern(_) => {
                    self.problems.add(entry, key, "is no address pattern; write room-*@contoso.example");
                    continue;
                }
                Mailboxes::Elsewhere(Elsewhere::Group(address)) => self.list(entry, address, key).map(Source::Group),
                Mailboxes::Elsewhere(Elsewhere::Rooms(address)) => self.list(entry, address, key).map(Source::RoomList),
                Mailboxes::Elsewhere(Elsewhere::File(path)) => {
                    let path = self.folder.join(path);
                    if let Err(problem) = rosters::read(&path) {
                        self.problems.add(entry, key, &problem);
                    }
                    Some(Source::File(path))
                }
            };
            mailboxes.rosters.extend(source.map(|source| Arc::new(Roster::new(source))));
        }
        mailboxes
    }

    fn view(&mut self, raw: &View, ceiling: Ceiling, shows_private: bool) -> client::View {
        let View { subject, people, hidden, days_back, days_ahead } = raw;
        let people = people.as_ref().map_or(People::Shown, |text| match text.get_ref().as_str() {
            "shown" => People::Shown,
            "initials" => People::Initials,
            "hidden" => People::Hidden,
            _ => {
                self.problems.add(text, "clients.view.people", "is none of shown, initials, hidden");
                People::Hidden
            }
        });
        let mut all = Hidden::default();
        for name in hidden {
            let place = match name.get_ref().as_str() {
                "location" => &mut all.location,
                "body" => &mut all.body,
                "categories" => &mut all.categories,
                "online_meeting" => &mut all.online_meeting,
                "extended_properties" => &mut all.extended_properties,
                _ => {
                    let known = "is none of location, body, categories, online_meeting, extended_properties";
                    self.problems.add(name, "clients.view.hidden", known);
                    continue;
                }
            };
            *place = true;
        }
        client::View {
            ceiling,
            shows_private,
            subject: subject.as_deref().map(Into::into),
            people,
            hidden: all,
            horizon: Horizon { days_back: *days_back, days_ahead: *days_ahead },
        }
    }

    pub(super) fn hours(&mut self, raw: &Hours) -> Option<client::Hours> {
        let mut time = |text: &Spanned<String>| {
            let time = text.get_ref().parse::<Time>().ok();
            if time.is_none() {
                self.problems.add(text, "clients.read_only_hours", "is no time of day; write \"18:00\"");
            }
            time
        };
        let (from, to) = (time(&raw.from), time(&raw.to));
        let zone = TimeZone::get(raw.time_zone.get_ref()).ok();
        if zone.is_none() {
            self.problems.add(&raw.time_zone, "clients.read_only_hours", "is no IANA time zone; write Europe/Helsinki");
        }
        Some(client::Hours { from: from?, to: to?, zone: zone? })
    }

    fn ceiling(&mut self, text: &Spanned<String>) -> Ceiling {
        Ceiling::ALL.into_iter().find(|ceiling| ceiling.name() == text.get_ref()).unwrap_or_else(|| {
            self.problems.add(text, "clients.ceiling", "is none of time, subject_and_location, full");
            Ceiling::Time
        })
    }

    /// The tenants that a client is for, by their names; all of them where it names none.
    pub(super) fn within(&mut self, names: &[Spanned<String>], tenants: &[Tenant]) -> Option<Within> {
        for name in names {
            if !tenants.iter().any(|tenant| tenant.name == *name.get_ref()) {
                let remedy = format!("{:?} is the name of none of the [[tenants]]", name.get_ref());
                self.problems.add(name, "clients.tenants", &remedy);
            }
        }
        let is_named = |_, tenant: &Tenant| names.iter().any(|name| *name.get_ref() == tenant.name);
        let named = || names.iter().map(|name| name.get_ref().clone()).collect();
        (!names.is_empty()).then(|| Within { tenants: named(), domains: tenant::by_domain(tenants, is_named).0 })
    }

    /// Notes where other addresses of a denied mailbox would fit what is allowed, and nobody could tell.
    pub(super) fn deniable(&mut self, client: &RawClient, policy: &Policy, tenants: &[Tenant]) {
        let Some(entry) = client.deny.first() else { return };
        let is_meant =
            |tenant: &Tenant| policy.within.as_ref().is_none_or(|within| within.tenants.contains(&tenant.name));
        let wide = || policy.grants.iter().map(|grant| &grant.mailboxes).filter(|mailboxes| !mailboxes.are_exact());
        let is_reached = |domain: &String| wide().any(|mailboxes| mailboxes.reach(domain));
        for tenant in tenants.iter().filter(|tenant| is_meant(tenant) && tenant.domains.iter().any(is_reached)) {
            if !tenant.credentials.iter().any(|credential| credential.all_addresses) {
                let remedy = format!(
                    "an alias would evade it: a credential of tenant {} with the capability directory needs \
                     all_addresses = true; or allow single addresses instead of patterns and groups",
                    tenant.name
                );
                self.problems.add(entry, "clients.deny", &remedy);
            }
        }
    }

    /// The address of a list in a tenant's directory.
    fn list<T>(&mut self, entry: &Spanned<T>, text: &str, key: &str) -> Option<Mailbox> {
        let Ok(mailbox) = Mailbox::parse(text) else {
            self.problems.add(entry, key, &format!("{text:?} is no address"));
            return None;
        };
        match self.directories.find(&mailbox) {
            Some(true) => {}
            Some(false) => {
                let remedy = format!("{text} is in a tenant without a credential for the capability directory");
                self.problems.add(entry, key, &remedy);
            }
            None => self.problems.add(entry, key, &format!("{text} is in no tenant's domain")),
        }
        Some(mailbox)
    }
}

/// The tenants' domains, and whether a credential looks into the tenant's directory.
pub(super) fn directories(tenants: &[Tenant]) -> Domains<bool> {
    // What is wrong with domains is noted with the tenants.
    tenant::by_domain(tenants, |_, tenant| tenant.credential(Capability::Directory).is_some()).0
}
