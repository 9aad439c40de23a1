//! What has to be read for policies: each list once, however many policies name it.
//!
//! Owns which tenants' people a deny list has to know. Must not read anything.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use crate::calendar::Mailbox;
use crate::client::{Client, DenyList, Everybody, Grant, Mailboxes, Policy, Roster, Source};
use crate::tenant::Tenant;

/// All that has to be read.
#[derive(Debug, Default)]
pub struct Plan {
    pub(super) lists: Vec<List>,
    pub(super) people: Vec<People>,
}

/// A list that is kept elsewhere.
#[derive(Debug)]
pub(super) struct List {
    pub(super) source: Source,
    /// What policies that it allows more know of it.
    pub(super) rosters: Vec<Arc<Roster>>,
    /// What policies know of it where it denies, or shows less than a later grant.
    pub(super) denying: Vec<Arc<Roster>>,
    /// Whose policies.
    pub(super) clients: Vec<String>,
}

/// Everybody in a tenant.
#[derive(Debug)]
pub(super) struct People {
    pub(super) tenant: String,
    /// The deny lists that have to know them.
    pub(super) denied: Vec<Arc<Denied>>,
    pub(super) clients: Vec<String>,
}

/// A deny list, and who there is, tenant by tenant.
#[derive(Debug)]
pub(super) struct Denied {
    pub(super) list: Arc<DenyList>,
    told: Mutex<BTreeMap<String, Option<Arc<Everybody>>>>,
}

impl Plan {
    /// What the clients' policies need of the tenants.
    #[must_use]
    pub fn of<'a>(clients: impl IntoIterator<Item = &'a Client>, tenants: &[Tenant]) -> Self {
        let mut plan = Self::default();
        for client in clients {
            let mut grants = client.policy.grants.as_slice();
            while let [grant, later @ ..] = grants {
                let is_meant = |later: &Grant| grant.capabilities.iter().any(|capability| later.names(*capability));
                let denies = later.iter().any(is_meant);
                grant.mailboxes.rosters.iter().for_each(|roster| plan.add(roster, denies, &client.id));
                grants = later;
            }
            let Some(list) = &client.policy.denied else { continue };
            list.listed().rosters.iter().for_each(|roster| plan.add(roster, true, &client.id));
            let concerned = tenants.iter().filter(|tenant| reaches(&client.policy, tenant));
            let concerned = concerned.filter(|tenant| tenant.credentials.iter().any(|it| it.all_addresses));
            let names: Vec<&str> = concerned.map(|tenant| tenant.name.as_str()).collect();
            if names.is_empty() {
                // Nobody can be asked: only single addresses are allowed, or such as nobody has.
                list.learn(Vec::new());
            }
            let told = names.iter().map(|name| ((*name).to_owned(), None)).collect();
            let denied = Arc::new(Denied { list: Arc::clone(list), told: Mutex::new(told) });
            for name in names {
                plan.concern(name, &denied, &client.id);
            }
        }
        plan
    }

    fn add(&mut self, roster: &Arc<Roster>, denies: bool, client: &str) {
        let place = self.lists.iter().position(|list| list.source == *roster.source()).unwrap_or(self.lists.len());
        if place == self.lists.len() {
            self.lists.push(List::new(roster.source().clone()));
        }
        let Some(list) = self.lists.get_mut(place) else { return };
        let rosters = if denies { &mut list.denying } else { &mut list.rosters };
        rosters.push(Arc::clone(roster));
        if list.clients.iter().all(|known| known != client) {
            list.clients.push(client.to_owned());
        }
    }

    fn concern(&mut self, tenant: &str, denied: &Arc<Denied>, client: &str) {
        match self.people.iter_mut().find(|people| people.tenant == tenant) {
            Some(people) => {
                people.denied.push(Arc::clone(denied));
                people.clients.push(client.to_owned());
            }
            None => self.people.push(People {
                tenant: tenant.to_owned(),
                denied: vec![Arc::clone(denied)],
                clients: vec![client.to_owned()],
            }),
        }
    }
}

impl List {
    fn new(source: Source) -> Self {
        Self { source, rosters: Vec::new(), denying: Vec::new(), clients: Vec::new() }
    }

    /// How operators know it.
    pub(super) fn name(&self) -> String {
        match &self.source {
            Source::Group(group) => format!("group {group}"),
            Source::RoomList(rooms) => format!("room list {rooms}"),
            Source::File(path) => format!("file {}", path.display()),
        }
    }

    /// Takes what was read.
    pub(super) fn replace(&self, members: HashSet<Mailbox>) {
        let members = Arc::new(members);
        for roster in self.rosters.iter().chain(&self.denying) {
            roster.replace(Arc::clone(&members));
        }
    }

    /// Takes that there is no such list: it allows nobody. Whom it denied, it still does.
    pub(super) fn end(&self) {
        self.rosters.iter().for_each(|roster| _ = roster.replace(HashSet::new()));
    }

    /// Takes that nobody knows any more who is on it.
    pub(super) fn forget(&self) {
        self.rosters.iter().chain(&self.denying).for_each(|roster| roster.forget());
    }

    /// Whether it denies somebody.
    pub(super) fn denies(&self) -> bool {
        self.denying.iter().any(|roster| roster.size().is_some_and(|size| size > 0))
    }
}

impl People {
    /// How operators know them.
    pub(super) fn name(&self) -> String {
        format!("all addresses of tenant {}", self.tenant)
    }
}

impl Denied {
    /// Takes who there is in a tenant; the deny list learns it as soon as all its tenants are known. With nobody, they
    /// are not known any more.
    pub(super) fn take(&self, tenant: &str, everybody: Option<Arc<Everybody>>) {
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        told.insert(tenant.to_owned(), everybody);
        match told.values().cloned().collect::<Option<Vec<_>>>() {
            Some(all) => self.list.learn(all),
            None => self.list.forget(),
        }
    }
}

/// Whether a policy may allow mailboxes of a tenant.
fn reaches(policy: &Policy, tenant: &Tenant) -> bool {
    let is_meant = policy.within.as_ref().is_none_or(|within| within.tenants.contains(&tenant.name));
    let may_name = |mailboxes: &Mailboxes, domain: &str| !mailboxes.rosters.is_empty() || mailboxes.reach(domain);
    let is_named = |domain: &String| policy.grants.iter().any(|grant| may_name(&grant.mailboxes, domain));
    is_meant && tenant.domains.iter().any(is_named)
}
