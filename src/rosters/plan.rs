//! What has to be read for policies: each list once, however many policies name it.
//!
//! Owns which tenants' people a deny list has to know. Must not read anything.

use std::collections::{BTreeMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use crate::calendar::Mailbox;
use crate::client::{Aliases, Client, DenyList, Mailboxes, Policy, Roster, Source};
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
    /// Policies' knowledge of it.
    pub(super) rosters: Vec<Arc<Roster>>,
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

/// A deny list, and what was noted for it, tenant by tenant.
#[derive(Debug)]
pub(super) struct Denied {
    pub(super) list: Arc<DenyList>,
    noted: Mutex<BTreeMap<String, Option<Aliases>>>,
}

impl Plan {
    /// What the clients' policies need of the tenants.
    #[must_use]
    pub fn of<'a>(clients: impl IntoIterator<Item = &'a Client>, tenants: &[Tenant]) -> Self {
        let mut plan = Self::default();
        for client in clients {
            for roster in client.policy.mailboxes().flat_map(|mailboxes| &mailboxes.rosters) {
                plan.add(roster, &client.id);
            }
            let Some(list) = &client.policy.denied else { continue };
            let concerned = tenants.iter().filter(|tenant| reaches(&client.policy, tenant));
            let concerned = concerned.filter(|tenant| tenant.credentials.iter().any(|it| it.all_addresses));
            let names: Vec<&str> = concerned.map(|tenant| tenant.name.as_str()).collect();
            if names.is_empty() {
                // Nobody can be asked: only single addresses are allowed, or such as nobody has.
                list.learn([]);
            }
            let noted = names.iter().map(|name| ((*name).to_owned(), None)).collect();
            let denied = Arc::new(Denied { list: Arc::clone(list), noted: Mutex::new(noted) });
            for name in names {
                plan.concern(name, &denied, &client.id);
            }
        }
        plan
    }

    fn add(&mut self, roster: &Arc<Roster>, client: &str) {
        let known = self.lists.iter_mut().find(|list| list.source == *roster.source());
        match known {
            Some(list) => {
                list.rosters.push(Arc::clone(roster));
                if list.clients.iter().all(|known| known != client) {
                    list.clients.push(client.to_owned());
                }
            }
            None => self.lists.push(List {
                source: roster.source().clone(),
                rosters: vec![Arc::clone(roster)],
                clients: vec![client.to_owned()],
            }),
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
    /// Takes what was read, and says whether it is something new.
    pub(super) fn replace(&self, members: HashSet<Mailbox>) -> bool {
        let members = Arc::new(members);
        // Each has to take it.
        self.rosters.iter().filter(|roster| roster.replace(Arc::clone(&members))).count() > 0
    }
}

impl Denied {
    /// Whether a list decides who is on it.
    pub(super) fn names(&self, list: &List) -> bool {
        let own = &self.list.listed().rosters;
        own.iter().any(|own| list.rosters.iter().any(|roster| Arc::ptr_eq(own, roster)))
    }

    /// Takes what was noted of a tenant's people; the deny list learns it as soon as all its tenants are known.
    pub(super) fn take(&self, tenant: &str, aliases: Aliases) {
        let mut noted = self.noted.lock().unwrap_or_else(PoisonError::into_inner);
        noted.insert(tenant.to_owned(), Some(aliases));
        let all: Option<Vec<&Aliases>> = noted.values().map(Option::as_ref).collect();
        if let Some(all) = all {
            self.list.learn(all);
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
