//! Why a policy allows something, or does not, in plain sentences.
//!
//! The verdict is the policy's own; here is only told what led to it.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::serving::Serving;
use crate::calendar::{Capability, Mailbox};
use crate::client::{Client, Denial, Mailboxes, Match, People, Permitted, Source, View};

/// A verdict with its reasons.
#[derive(Debug)]
pub(super) struct Explanation {
    client: String,
    mailbox: Mailbox,
    capability: Option<Capability>,
    at: Timestamp,
    verdict: Result<Option<Permitted>, Denial>,
    /// The grant that names the mailbox, counted from 1, and by what.
    grant: Option<(usize, Vec<String>)>,
    /// By what the deny list names the mailbox.
    denied_by: Vec<String>,
    sentences: Vec<String>,
}

impl Explanation {
    pub(super) fn of(client: &Client, mailbox: &Mailbox, capability: Option<Capability>, at: Timestamp) -> Self {
        let verdict = match capability {
            Some(capability) => client.permit(mailbox, capability, at).map(Some),
            None => Ok(None),
        };
        let mut it = Self {
            client: client.id.clone(),
            mailbox: mailbox.clone(),
            capability,
            at,
            verdict,
            grant: None,
            denied_by: Vec::new(),
            sentences: Vec::new(),
        };
        it.tell_verdict();
        if let Some(capability) = capability {
            it.tell_tenants(client);
            it.tell_grant(client, capability);
            it.tell_deny_list(client);
            it.tell_hours(client, capability);
        }
        if let Ok(Some(permitted)) = &it.verdict {
            it.sentences.extend(of_view(permitted.view()));
        }
        it
    }

    pub(super) fn is_allowed(&self) -> bool {
        self.verdict.is_ok()
    }

    /// How much is seen, if it is allowed.
    pub(super) fn view(&self) -> Option<&View> {
        self.verdict.as_ref().ok()?.as_ref().map(Permitted::view)
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
            "allowed": self.is_allowed(),
            "reason": self.verdict.as_ref().err().map(|denial| denial.label()),
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

    fn tell_verdict(&mut self) {
        let (client, mailbox) = (&self.client, &self.mailbox);
        let what = self.capability.map_or("this", Capability::name);
        self.sentences.push(match &self.verdict {
            Ok(None) => {
                "Allowed: the operation needs no capability, and opens no mailbox by itself. Where it tells of \
                         one, calendar_read decides (ConvertId), or directory (ResolveNames)."
                    .to_owned()
            }
            Ok(Some(_)) => format!("Allowed: client {client} may use {mailbox} for {what}."),
            Err(denial) => {
                let label = denial.label();
                format!("Denied ({label}): client {client} may not use {mailbox} for {what}: {}.", why(*denial))
            }
        });
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
        if self.denied_by.is_empty() && matches!(self.verdict, Err(Denial::DenyList)) {
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
