//! Why a policy allows something, or does not, in plain sentences.
//!
//! The verdict is the policy's own; here is only told what led to it.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::serving::{Lack, Serving};
use crate::calendar::{Capability, Mailbox};
use crate::client::{Client, Denial, Mailboxes, Match, People, Permitted, Source, View};

/// What would come of it.
#[derive(Debug)]
pub(super) enum Outcome {
    /// It would be done; where no capability is concerned, for any client.
    Allowed(Option<Permitted>),
    /// The policy says no.
    Denied(Denial),
    /// The policy says yes, and the mailbox is in no tenant.
    NoTenant,
    /// The policy says yes, and the mailbox's tenant has no credential for it.
    NoCredential,
    /// A list decides that was not to be read.
    Unknown,
}

/// An outcome with its reasons.
#[derive(Debug)]
pub(super) struct Explanation {
    client: String,
    mailbox: Mailbox,
    capability: Option<Capability>,
    at: Timestamp,
    outcome: Outcome,
    /// The grant that names the mailbox, counted from 1, and by what.
    grant: Option<(usize, Vec<String>)>,
    /// By what the deny list names the mailbox.
    denied_by: Vec<String>,
    sentences: Vec<String>,
}

impl Explanation {
    /// Of lists that were to be read and could not be, the gateway knows no more: then it is a denial.
    pub(super) fn of(
        client: &Client,
        mailbox: &Mailbox,
        capability: Option<Capability>,
        at: Timestamp,
        serving: &Serving,
        online: bool,
    ) -> Self {
        let verdict = match capability {
            Some(capability) => client.permit(mailbox, capability, at).map(Some),
            None => Ok(None),
        };
        let outcome = match (verdict, serving.lack()) {
            (Ok(_), Some(Lack::Tenant)) => Outcome::NoTenant,
            (Ok(_), Some(Lack::Credential)) => Outcome::NoCredential,
            (Ok(permitted), None) => Outcome::Allowed(permitted),
            // Whatever the list says, nobody can be asked.
            (Err(Denial::NotKnownYet), Some(Lack::Tenant)) if !online => Outcome::NoTenant,
            (Err(Denial::NotKnownYet), Some(Lack::Credential)) if !online => Outcome::NoCredential,
            (Err(Denial::NotKnownYet), None) if !online => Outcome::Unknown,
            (Err(denial), _) => Outcome::Denied(denial),
        };
        let mut it = Self {
            client: client.id.clone(),
            mailbox: mailbox.clone(),
            capability,
            at,
            outcome,
            grant: None,
            denied_by: Vec::new(),
            sentences: Vec::new(),
        };
        it.tell_outcome();
        if let Some(capability) = capability {
            it.tell_tenants(client);
            it.tell_grant(client, capability);
            it.tell_deny_list(client);
            it.tell_hours(client, capability);
        }
        if let Outcome::Allowed(Some(permitted)) = &it.outcome {
            it.sentences.extend(of_view(permitted.view()));
        }
        it
    }

    pub(super) fn outcome(&self) -> &Outcome {
        &self.outcome
    }

    /// How much is seen, if it is allowed.
    pub(super) fn view(&self) -> Option<&View> {
        match &self.outcome {
            Outcome::Allowed(permitted) => permitted.as_ref().map(Permitted::view),
            Outcome::Denied(_) | Outcome::NoTenant | Outcome::NoCredential | Outcome::Unknown => None,
        }
    }

    pub(super) fn add(&mut self, sentences: impl IntoIterator<Item = String>) {
        self.sentences.extend(sentences);
    }

    pub(super) fn sentences(&self) -> &[String] {
        &self.sentences
    }

    pub(super) fn json(&self, operation: &str, serving: &Serving) -> Value {
        let view = self.view().map(|view| {
            let hidden = hidden(view);
            json!({
                "ceiling": view.ceiling.name(), "private_items": view.shows_private, "subject": view.subject,
                "people": people(view.people), "hidden": hidden,
                "days_back": view.horizon.days_back, "days_ahead": view.horizon.days_ahead,
            })
        });
        json!({
            "allowed": self.outcome.is_allowed(),
            "reason": self.outcome.reason(),
            "client": self.client,
            "mailbox": self.mailbox.as_str(),
            "operation": operation,
            "capability": self.capability.map(Capability::name),
            "at": self.at.to_string(),
            "grant": self.grant.as_ref().map(|(number, by)| json!({ "number": number, "by": by })),
            "denied_by": self.denied_by,
            "view": view,
            "serving": serving.json(),
            "sentences": self.sentences,
        })
    }

    fn tell_outcome(&mut self) {
        let (client, mailbox) = (&self.client, &self.mailbox);
        let what = self.capability.map_or("this", Capability::name);
        let not = |why: &str| {
            let label = self.outcome.reason().unwrap_or_default();
            format!("({label}): client {client} may not use {mailbox} for {what}: {why}.")
        };
        let sentence = match &self.outcome {
            Outcome::Allowed(None) => {
                "Allowed: the operation needs no capability, and opens no mailbox by itself.".to_owned()
            }
            Outcome::Allowed(Some(_)) => format!("Allowed: client {client} may use {mailbox} for {what}."),
            Outcome::Denied(denial) => format!("Denied {}", not(why(*denial))),
            Outcome::NoTenant => format!("Not served {}", not("the mailbox is in no tenant's domain")),
            Outcome::NoCredential => format!("Not served {}", not("the mailbox's tenant has no credential for it")),
            Outcome::Unknown => {
                format!("Unknown: whether client {client} may use {mailbox} for {what} depends on what was not read.")
            }
        };
        self.sentences.push(sentence);
    }

    fn tell_tenants(&mut self, client: &Client) {
        let Some(within) = &client.policy.within else { return };
        let is_meant = within.domains.find(&self.mailbox) == Some(&true);
        let (is, names) = (if is_meant { "is" } else { "is not" }, within.tenants.join(", "));
        self.sentences.push(format!("The client is for the tenants {names} alone; the mailbox {is} of one of them."));
    }

    fn tell_grant(&mut self, client: &Client, capability: Capability) {
        let policy = &client.policy;
        let told = match policy.naming(&self.mailbox, capability) {
            Ok((grant, _)) => {
                let number = policy.grants.iter().position(|known| std::ptr::eq(known, grant)).unwrap_or_default() + 1;
                let by = entries(&grant.mailboxes, &self.mailbox);
                let told = format!("Grant {number} names it for {}, by {}.", capability.name(), by.join(" and "));
                self.grant = Some((number, by));
                told
            }
            Err(Denial::Capability) => format!("No grant is for {}.", capability.name()),
            Err(Denial::NotKnownYet) => {
                let meant = policy.grants.iter().filter(|grant| grant.names(capability));
                let unread: Vec<String> = meant.flat_map(|grant| unread(&grant.mailboxes)).collect();
                format!("It may be named by what was not read: {}.", unread.join(", "))
            }
            Err(_) => format!("No grant for {} names it.", capability.name()),
        };
        self.sentences.push(told);
    }

    fn tell_deny_list(&mut self, client: &Client) {
        let Some(denied) = &client.policy.denied else { return };
        self.denied_by = entries(denied.listed(), &self.mailbox);
        if let Some(owner) = denied.owner(&self.mailbox).filter(|_| self.denied_by.is_empty()) {
            self.denied_by.push(format!("its owner's address {owner}"));
        }
        if self.denied_by.is_empty() && matches!(self.outcome, Outcome::Denied(Denial::DenyList)) {
            self.denied_by
                .push("being nobody's address in the directory, where no entry allows it by itself".to_owned());
        }
        let unread = unread(denied.listed());
        self.sentences.push(match &self.denied_by[..] {
            [] if !unread.is_empty() => {
                format!("The deny list may name it by what was not read: {}.", unread.join(", "))
            }
            [] if !denied.knows_addresses() => {
                "The deny list does not name it, but may name its owner by another address: which addresses denied \
                 mailboxes have is not known."
                    .to_owned()
            }
            [] => "The deny list does not name it.".to_owned(),
            by => format!("The deny list names it by {}.", by.join(" and ")),
        });
    }

    fn tell_hours(&mut self, client: &Client, capability: Capability) {
        let Some(hours) = client.policy.read_only.as_ref().filter(|_| capability.changes()) else { return };
        let zone = hours.zone.iana_name().unwrap_or("UTC");
        let is = if hours.include(self.at) { "is" } else { "is not" };
        let (from, to, at) = (hours.from, hours.to, self.at);
        self.sentences.push(format!("Nothing may be changed from {from} to {to} ({zone}); {at} {is} in that time."));
    }
}

impl Outcome {
    /// Whether it would be done; nothing where that cannot be told.
    fn is_allowed(&self) -> Option<bool> {
        match self {
            Self::Allowed(_) => Some(true),
            Self::Denied(_) | Self::NoTenant | Self::NoCredential => Some(false),
            Self::Unknown => None,
        }
    }

    /// Why it would not be done, or cannot be told.
    fn reason(&self) -> Option<&'static str> {
        match self {
            Self::Allowed(_) => None,
            Self::Denied(denial) => Some(denial.label()),
            Self::NoTenant => Some("no_tenant"),
            Self::NoCredential => Some("no_credential"),
            Self::Unknown => Some(Denial::NotKnownYet.label()),
        }
    }
}

fn why(denial: Denial) -> &'static str {
    match denial {
        Denial::Capability => "its policy does not have the capability",
        Denial::Mailbox => "its policy does not name the mailbox",
        Denial::DenyList => "its deny list names the mailbox",
        Denial::Tenant => "it is not for the mailbox's tenant",
        Denial::ReadOnlyHours => "nothing may be changed at that time",
        Denial::NotKnownYet => "what decides about the mailbox is not known yet",
    }
}

/// By what mailboxes name one of them.
fn entries(mailboxes: &Mailboxes, mailbox: &Mailbox) -> Vec<String> {
    let patterns = mailboxes.patterns.iter().filter(|pattern| pattern.matches(mailbox));
    let patterns = patterns.map(|pattern| match pattern.is_exact() {
        true => "its address".to_owned(),
        false => format!("the pattern {pattern:?}"),
    });
    let rosters = mailboxes.rosters.iter().filter(|roster| roster.names(mailbox) > Match::NotKnownYet);
    patterns.chain(rosters.map(|roster| of_source(roster.source()))).collect()
}

/// The lists that have not been read.
fn unread(mailboxes: &Mailboxes) -> Vec<String> {
    let unread = mailboxes.rosters.iter().filter(|roster| roster.size().is_none());
    unread.map(|roster| of_source(roster.source())).collect()
}

fn of_source(source: &Source) -> String {
    match source {
        Source::Group(group) => format!("the group {group}"),
        Source::RoomList(list) => format!("the room list {list}"),
        Source::File(path) => format!("the file {}", path.display()),
    }
}

fn of_view(view: &View) -> Vec<String> {
    let private = if view.shows_private { "too" } else { "shown as times only" };
    let mut sentences = vec![format!("It sees up to {}, private items {private}.", view.ceiling.name())];
    if let Some(subject) = &view.subject {
        sentences.push(format!("Instead of subjects it sees {subject:?}."));
    }
    match view.people {
        People::Shown => {}
        People::Initials => sentences.push("Of people it sees initials.".to_owned()),
        People::Hidden => sentences.push("It sees no people.".to_owned()),
    }
    let hidden = hidden(view);
    if !hidden.is_empty() {
        sentences.push(format!("Never shown: {}.", hidden.join(", ")));
    }
    let days = |days: Option<u16>| days.map_or_else(|| "all days".to_owned(), |days| format!("{days} days"));
    if !view.horizon.is_endless() {
        let (back, ahead) = (days(view.horizon.days_back), days(view.horizon.days_ahead));
        sentences.push(format!("It sees {back} back and {ahead} ahead."));
    }
    sentences
}

fn people(people: People) -> &'static str {
    match people {
        People::Shown => "shown",
        People::Initials => "initials",
        People::Hidden => "hidden",
    }
}

/// What is never shown, by the names in the configuration.
fn hidden(view: &View) -> Vec<&'static str> {
    let it = view.hidden;
    let all = [
        (it.location, "location"),
        (it.body, "body"),
        (it.categories, "categories"),
        (it.online_meeting, "online_meeting"),
        (it.extended_properties, "extended_properties"),
    ];
    all.into_iter().filter(|(is_hidden, _)| *is_hidden).map(|(_, name)| name).collect()
}
