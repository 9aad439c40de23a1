//! `POST /users/{mailbox}/getMailTips`: what somebody inside the organisation who is about to write to up to
//! twenty recipients is told of their absence. Least permission that shows no mail: `MailTips.ReadBasic.All`.
//!
//! <https://learn.microsoft.com/graph/api/user-getmailtips>
//!
//! Owns this call's JSON. Must not know caches.

use serde::{Deserialize, Serialize};

use crate::calendar::out_of_office::Tip;
use crate::calendar::{Mailbox, Window};
use crate::failure::Failure;
use crate::graph::fault::{self, Trouble};
use crate::graph::json::{Page, decode, encode, language, received};
use crate::graph::visit::Visit;

/// Recipients of one call. Graph names no limit; Exchange's own is higher, and no answer should grow too long.
pub(in crate::graph) const MOST_RECIPIENTS: usize = 20;
const NAME: &str = "mail_tips";

/// What is told of a recipient: nothing where Graph finds no tip and no error, as of a list or a contact.
pub(in crate::graph) type Told = Result<Option<Tip>, Failure>;

/// Asks for recipients' tips, as the mailbox that is visited is told them. Each has its own outcome, in their order.
///
/// # Errors
/// What failed the call as a whole.
pub(in crate::graph) async fn mail_tips(
    visit: Visit<'_>,
    recipients: &[Mailbox],
) -> Result<Vec<Option<Told>>, Trouble> {
    let email_addresses = recipients.iter().map(Mailbox::as_str).collect();
    let body = encode(&Request { email_addresses, mail_tips_options: "automaticReplies" })?;
    let call = visit.call(NAME, visit.url(&["getMailTips"])).posting(body);
    read(recipients, &visit.send(&call).await?)
}

/// Gives each recipient its tip, by the address that it was asked under, which one of several may not come back under:
/// then there is none.
///
/// # Errors
/// [`Failure::Internal`] for an answer that cannot be read.
pub(in crate::graph) fn read(recipients: &[Mailbox], body: &[u8]) -> Result<Vec<Option<Told>>, Trouble> {
    let mut tips = decode::<Page<Tips>>(NAME, body)?.value;
    if let ([recipient], 1) = (recipients, tips.len()) {
        // The only one, even if Graph calls it by its primary address.
        return Ok(vec![tips.pop().map(|tips| tips.read(recipient))]);
    }
    let told = recipients.iter().map(|recipient| {
        let place = tips.iter().position(|tips| tips.is_of(recipient))?;
        Some(tips.swap_remove(place).read(recipient))
    });
    Ok(told.collect())
}

/// The names are those of the documents, and unlike those of other calls.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Request<'a> {
    email_addresses: Vec<&'a str>,
    mail_tips_options: &'static str,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Tips {
    email_address: Option<Address>,
    automatic_replies: Option<Replies>,
    error: Option<Problem>,
}

#[derive(Debug, Deserialize)]
struct Address {
    address: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Replies {
    message: Option<String>,
    message_language: Option<Locale>,
    scheduled_start_time: Option<serde_json::Value>,
    scheduled_end_time: Option<serde_json::Value>,
}

#[derive(Debug, Deserialize)]
struct Locale {
    locale: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Problem {
    code: Option<String>,
    message: Option<String>,
}

impl Tips {
    fn is_of(&self, recipient: &Mailbox) -> bool {
        let address = self.email_address.as_ref().and_then(|address| address.address.as_deref());
        address.is_some_and(|address| address.trim().to_lowercase() == recipient.as_str())
    }

    fn read(self, recipient: &Mailbox) -> Told {
        if let Some(problem) = self.error {
            let (code, message) = (problem.code.unwrap_or_default(), problem.message.unwrap_or_default());
            return Err(fault::tip(&code, &message, recipient));
        }
        Ok(self.automatic_replies.map(Replies::read))
    }
}

impl Replies {
    fn read(self) -> Tip {
        let message = self.message.unwrap_or_default();
        if message.is_empty() {
            return Tip::default();
        }
        let bounds = [self.scheduled_start_time, self.scheduled_end_time].map(|given| received(given).ok().flatten());
        let window = match bounds {
            [Some(start), Some(end)] => Window::new(start, end),
            _ => None,
        };
        let language = self.message_language.and_then(|language_of| language(language_of.locale.as_deref()));
        Tip { message, language, window }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    const ANSWER: &[u8] = include_bytes!("../../../fixtures/graph/mail_tips/kinds.json");

    fn mailboxes<const N: usize>(names: [&str; N]) -> [Mailbox; N] {
        names.map(|name| Mailbox::parse(&format!("{name}@contoso.example")).unwrap())
    }

    #[test]
    fn each_recipient_has_its_own_outcome() {
        let asked = mailboxes(["nobody", "danas", "fannyd", "broken", "room"]);
        let told = read(&asked, ANSWER).unwrap();
        assert_eq!(told[0], Some(Err(Failure::NoSuchMailbox { address: "nobody@contoso.example".into() })));
        let away = told[1].clone().unwrap().unwrap().unwrap();
        assert!(away.message.contains("I am on vacation right now"));
        let window = Window::new("2026-11-20T02:00:00Z".parse().unwrap(), "2026-11-24T02:00:00Z".parse().unwrap());
        assert_eq!((away.language.as_deref(), away.window), (Some("en-US"), window));
        assert_eq!(told[2], Some(Ok(Some(Tip::default()))));
        assert_eq!(told[3], Some(Ok(None)), "neither a tip nor an error");
        assert_eq!(told[4], None, "not in the answer");
    }

    #[test]
    fn one_recipient_may_come_back_under_another_address_but_not_one_of_several() {
        let answer = br#"{"value": [{"emailAddress": {"address": "primary@contoso.example"},
            "automaticReplies": {"message": "away", "scheduledStartTime": {"dateTime": "?", "timeZone": "UTC"}}}]}"#;
        let [alias, other] = mailboxes(["alias", "other"]);
        let told = read(std::slice::from_ref(&alias), answer).unwrap();
        assert_eq!(told, [Some(Ok(Some(Tip { message: "away".into(), language: None, window: None })))]);
        assert_eq!(read(&[alias, other], answer).unwrap(), [None, None]);
    }
}
