//! A cheap call for each thing that a credential serves.
//!
//! Owns which call shows a capability: always one that reads, also for capabilities that write.

use std::collections::BTreeMap;
use std::slice;

use crate::calendar::{Capability, Mailbox, Window};
use crate::failure::Failure;
use crate::graph::calls::calendar_view::{calendar_view, first_pages};
use crate::graph::calls::get_schedule::get_schedule;
use crate::graph::calls::mail_tips::mail_tips;
use crate::graph::calls::mailbox_settings::mailbox_settings;
use crate::graph::calls::places;
use crate::graph::client::Client;
use crate::graph::fault::Trouble;
use crate::graph::finding::{Sheet, Verdict};
use crate::graph::listing::Told;
use crate::graph::visit::Visit;
use crate::journal::Journal;
use crate::tenant::{Credential, permissions};

/// Mailboxes to try a credential with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Trial {
    /// The tenant's name in the configuration.
    pub tenant: String,
    /// Application (client) id.
    pub client_id: String,
    /// One that it must reach.
    pub allowed: Option<Mailbox>,
    /// One that it must not reach, where Exchange scopes it.
    pub forbidden: Option<Mailbox>,
}

/// A credential under examination.
#[derive(Clone, Copy)]
pub(super) struct Patient<'a> {
    pub(super) client: &'a Client,
    /// Of the credential.
    pub(super) index: usize,
    pub(super) credential: &'a Credential,
    pub(super) window: Window,
    pub(super) journal: &'a Journal,
}

impl Patient<'_> {
    /// Makes the call that shows whether a capability reaches a mailbox.
    ///
    /// # Errors
    /// As the call.
    pub(super) async fn ask(&self, capability: Capability, mailbox: &Mailbox) -> Result<String, Trouble> {
        let Self { client, index, window, journal, .. } = *self;
        match capability {
            Capability::FreeBusy => items(self.schedule(mailbox, mailbox).await?),
            Capability::CalendarRead | Capability::CalendarWrite => {
                let mut asks = first_pages(client, slice::from_ref(mailbox), window);
                loop {
                    let (id, deadline) = (journal.request_id, journal.deadline);
                    let (told, left) = calendar_view(client, index, asks, id, deadline).await?;
                    if left.is_empty() {
                        return items(told);
                    }
                    asks = left;
                }
            }
            Capability::OutOfOfficeRead | Capability::OutOfOfficeWrite => {
                mailbox_settings(Visit { client, credential: index, mailbox, journal }).await?;
                Ok("automatic replies are shown".to_owned())
            }
            Capability::Directory => self.directory().await,
        }
    }

    async fn directory(&self) -> Result<String, Trouble> {
        let lists = places::room_lists(self.client, self.index, self.journal).await?;
        Ok(format!("{} room lists", lists.len()))
    }

    /// Asks for a mailbox's busy times through another's calendar.
    ///
    /// # Errors
    /// As the call.
    pub(super) async fn schedule(&self, through: &Mailbox, of: &Mailbox) -> Result<Vec<Told>, Trouble> {
        let (id, deadline) = (self.journal.request_id, self.journal.deadline);
        get_schedule(self.client, self.index, through, slice::from_ref(of), self.window, id, deadline).await
    }
}

/// Tries each capability; gives those that answered for `allowed`.
pub(super) async fn attempt(
    patient: &Patient<'_>,
    allowed: Option<&Mailbox>,
    sheet: &mut Sheet,
) -> BTreeMap<&'static str, bool> {
    let mut answered = BTreeMap::new();
    for capability in patient.credential.capabilities.iter().copied() {
        let check = capability.name();
        let (whom, told) = match (capability, allowed) {
            (Capability::Directory, _) => (String::new(), patient.directory().await),
            (_, Some(mailbox)) => (format!("{mailbox}: "), patient.ask(capability, mailbox).await),
            (_, None) => {
                sheet.skip(check, NO_MAILBOX);
                continue;
            }
        };
        answered.insert(check, told.is_ok());
        match told {
            Ok(text) if capability.changes() => {
                sheet.ok(check, format!("{whom}{text}; writing was not tried"));
                if patient.credential.rbac_scoped {
                    writing(capability, allowed, sheet);
                }
            }
            Ok(text) => sheet.ok(check, format!("{whom}{text}")),
            Err(trouble) => {
                let remedy = remedy(patient.credential, capability, allowed, &trouble.failure);
                sheet.note(check, Verdict::Failed, format!("{whom}{}", words(&trouble)), remedy);
            }
        }
    }
    if patient.credential.mail_tips {
        tips(patient, allowed, sheet).await;
    }
    answered
}

/// What no token shows, and nothing that only reads proves.
fn writing(capability: Capability, mailbox: Option<&Mailbox>, sheet: &mut Sheet) {
    let roles: Vec<&str> = permissions::of(capability).iter().filter_map(|need| need.exchange).collect();
    let mailbox = mailbox.map_or("MAILBOX", Mailbox::as_str);
    let text = format!(
        "{}: reading shows nothing of the right to write, and no token shows what Exchange grants",
        capability.name()
    );
    let remedy = format!(
        "Test-ServicePrincipalAuthorization -Identity <object id> -Resource {mailbox} must list {} as in scope",
        roles.join(", ")
    );
    sheet.note("writing", Verdict::Warning, text, Some(remedy));
}

async fn tips(patient: &Patient<'_>, allowed: Option<&Mailbox>, sheet: &mut Sheet) {
    let Some(mailbox) = allowed else {
        return sheet.skip("mail_tips", NO_MAILBOX);
    };
    let Patient { client, index, journal, .. } = *patient;
    let told = mail_tips(Visit { client, credential: index, mailbox, journal }, slice::from_ref(mailbox)).await;
    let told = told.and_then(|told| {
        let tip = told.into_iter().flatten().next().ok_or_else(|| Trouble::from(Failure::Internal))?;
        tip.map_err(Trouble::from)
    });
    match told {
        Ok(_) => sheet.ok("mail_tips", format!("{mailbox}: mail tips are shown")),
        Err(trouble) => sheet.note("mail_tips", Verdict::Failed, format!("{mailbox}: {}", words(&trouble)), None),
    }
}

fn remedy(
    credential: &Credential,
    capability: Capability,
    mailbox: Option<&Mailbox>,
    failure: &Failure,
) -> Option<String> {
    let by_exchange = credential.rbac_scoped && capability != Capability::Directory;
    match (failure, mailbox) {
        (Failure::Denied, Some(mailbox)) if by_exchange => Some(format!(
            "is {mailbox} in the scope, and the role assigned? Test-ServicePrincipalAuthorization -Identity <object id> \
             -Resource {mailbox} tells; a change takes 30 minutes to 2 hours until it is in force"
        )),
        (Failure::Denied, _) => {
            let least: Vec<_> = permissions::of(capability).iter().map(|need| need.least.name).collect();
            Some(format!("it needs {}, with admin consent", least.join(", ")))
        }
        (Failure::NoSuchMailbox { .. }, _) => Some("name a mailbox that exists".to_owned()),
        _ => None,
    }
}

const NO_MAILBOX: &str = "no mailbox to try: name one with --mailbox, or as tenants.check.allowed";

/// How many items a mailbox's listing has.
fn items(told: Vec<Told>) -> Result<String, Trouble> {
    let (_, listing) = told.into_iter().next().ok_or_else(|| Trouble::from(Failure::Internal))?;
    Ok(format!("{} items", listing.map_err(Trouble::from)?.items.len()))
}

/// Graph's own words, or ours for the failure.
pub(super) fn words(trouble: &Trouble) -> String {
    trouble.told.clone().unwrap_or_else(|| trouble.failure.to_string())
}
