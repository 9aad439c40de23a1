//! `GET` and `PATCH /users/{mailbox}/mailboxSettings`, and `GET …/automaticRepliesSetting` twenty to a
//! `$batch`: automatic replies. Least permission: `MailboxSettings.Read`, to set them
//! `MailboxSettings.ReadWrite`.
//!
//! <https://learn.microsoft.com/graph/api/user-get-mailboxsettings>,
//! <https://learn.microsoft.com/graph/api/user-update-mailboxsettings>,
//! <https://learn.microsoft.com/graph/json-batching>
//!
//! Owns these calls' addresses and JSON. Must not know caches.

use std::time::Duration;

use http::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::time::Instant;
use uuid::Uuid;

use crate::calendar::out_of_office::{Audience, AutomaticReplies, Status};
use crate::calendar::{Mailbox, Window};
use crate::failure::Failure;
use crate::graph::batch::{self, Outcome};
use crate::graph::client::{Call, Client};
use crate::graph::fault::{self, DEFAULT_RETRY_AFTER, Trouble};
use crate::graph::json::{SentTime, decode, encode, language, received};
use crate::graph::visit::Visit;

const NAME: &str = "mailbox_settings";
const UPDATE: &str = "mailbox_settings_update";

/// A mailbox's automatic replies, with its language.
///
/// # Errors
/// What failed the call; [`Failure::Internal`] for settings that nobody can make sense of.
pub(in crate::graph) async fn mailbox_settings(visit: Visit<'_>) -> Result<AutomaticReplies, Trouble> {
    let url = visit.url(&["mailboxSettings"]);
    read(&visit.send(&visit.call(NAME, url)).await?)
}

/// Automatic replies of up to twenty mailboxes, sorted and each there once, without their language;
/// each with its own outcome, in their order. None is asked for again here: [`Failure::Busy`] says how
/// long Graph wants a mailbox to be left alone, and its lane is closed until then.
///
/// # Errors
/// What failed the batch as a whole.
pub(in crate::graph) async fn automatic_replies(
    client: &Client,
    credential: usize,
    mailboxes: &[Mailbox],
    id: Uuid,
    deadline: Instant,
) -> Result<Vec<Result<AutomaticReplies, Failure>>, Trouble> {
    let address = |mailbox: &Mailbox| {
        client.relative(&client.url(&["users", mailbox.as_str(), "mailboxSettings", "automaticRepliesSetting"]))
    };
    let urls: Vec<_> = mailboxes.iter().map(address).collect();
    let urls = urls.iter().map(String::as_str);
    let replies = batch::get(client, NAME, (credential, mailboxes), urls, id, deadline).await?;
    // What nobody can make sense of is so again at the next look: whoever looks tells the operator of it now and then.
    let told = mailboxes.iter().zip(replies).map(|(mailbox, reply)| match reply.read::<Value>(NAME, mailbox) {
        Outcome::Told(setting) => Replies::from_value(setting).map_err(|Unknown(part)| {
            tracing::debug!(call = NAME, part, "a part of automatic replies of Graph's cannot be read");
            Failure::Internal
        }),
        Outcome::Later(refusal, _) => {
            batch::put_off(client, (credential, mailbox), &refusal, 1, deadline);
            Err(Failure::Busy { retry_after: refusal.wait().unwrap_or(DEFAULT_RETRY_AFTER).max(SHORTEST_WAIT) })
        }
        Outcome::Failed(failure) => Err(fault::about(mailbox, failure)),
    });
    Ok(told.collect())
}

/// Sets a mailbox's automatic replies, all but their language. Done twice it does no more than once.
///
/// # Errors
/// What failed the call; [`Failure::BadScheduledDuration`], also for a schedule without a window.
pub(in crate::graph) async fn set_automatic_replies(
    visit: Visit<'_>,
    replies: &AutomaticReplies,
) -> Result<(), Trouble> {
    let body = Some(encode(&Update { automatic_replies_setting: Sent::of(replies)? })?);
    let url = visit.url(&["mailboxSettings"]);
    // It answers with what it has set, which nobody needs.
    visit.send(&Call { method: Method::PATCH, body, ..visit.call(UPDATE, url) }).await.map(|_| ())
}

/// What an answer about a single mailbox tells.
///
/// # Errors
/// As [`mailbox_settings`].
pub(in crate::graph) fn read(body: &[u8]) -> Result<AutomaticReplies, Trouble> {
    let settings: Settings = decode(NAME, body)?;
    let language = settings.language.and_then(|locale| language(locale.locale.as_deref()));
    let replies = settings.automatic_replies_setting.read(language).map_err(|Unknown(part)| {
        tracing::error!(call = NAME, part, "a part of automatic replies of Graph's cannot be read");
        Failure::Internal
    });
    Ok(replies?)
}

/// What the parts of an answer tell, if all are about one mailbox; parts that failed are left out.
///
/// # Errors
/// [`Failure::Internal`] for an answer that cannot be read.
pub(in crate::graph) fn read_batch(mailbox: &Mailbox, body: &[u8]) -> Result<Vec<AutomaticReplies>, Trouble> {
    let told = batch::read(NAME, body)?.into_iter().filter_map(|reply| match reply.read::<Replies>(NAME, mailbox) {
        Outcome::Told(replies) => replies.read(None).ok(),
        Outcome::Later(..) | Outcome::Failed(_) => None,
    });
    Ok(told.collect())
}

/// A mailbox that Graph puts off is left alone for so long at least.
const SHORTEST_WAIT: Duration = Duration::from_secs(1);

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Settings {
    automatic_replies_setting: Replies,
    language: Option<Locale>,
}

#[derive(Debug, Deserialize)]
struct Locale {
    locale: Option<String>,
}

/// <https://learn.microsoft.com/graph/api/resources/automaticrepliessetting>. Its bounds mean something
/// only in a schedule: elsewhere one that cannot be read does no harm.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Replies {
    status: Option<String>,
    external_audience: Option<String>,
    scheduled_start_date_time: Option<Value>,
    scheduled_end_date_time: Option<Value>,
    internal_reply_message: Option<String>,
    external_reply_message: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Update<'a> {
    automatic_replies_setting: Sent<'a>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Sent<'a> {
    status: &'static str,
    external_audience: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    scheduled_start_date_time: Option<SentTime>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scheduled_end_date_time: Option<SentTime>,
    internal_reply_message: &'a str,
    external_reply_message: &'a str,
}

/// A part of automatic replies that nobody can make sense of.
struct Unknown(&'static str);

impl Replies {
    /// Of a part of a batch, without a language.
    fn from_value(setting: Value) -> Result<AutomaticReplies, Unknown> {
        serde_json::from_value::<Self>(setting).map_err(|_| Unknown("all of it"))?.read(None)
    }

    fn read(self, language: Option<String>) -> Result<AutomaticReplies, Unknown> {
        let status = status(self.status.as_deref())?;
        let window = match [self.scheduled_start_date_time, self.scheduled_end_date_time].map(received) {
            [Ok(Some(start)), Ok(Some(end))] => Window::new(start, end),
            [Err(_), _] | [_, Err(_)] if status == Status::Scheduled => return Err(Unknown("scheduled time")),
            _ => None,
        };
        Ok(AutomaticReplies {
            status,
            audience: audience(self.external_audience.as_deref())?,
            window,
            internal: self.internal_reply_message.unwrap_or_default(),
            external: self.external_reply_message.unwrap_or_default(),
            language,
        })
    }
}

impl<'a> Sent<'a> {
    fn of(replies: &'a AutomaticReplies) -> Result<Self, Failure> {
        let window = match replies.status {
            Status::Disabled | Status::Enabled => None,
            Status::Scheduled => Some(replies.window.ok_or(Failure::BadScheduledDuration)?),
        };
        let (start, end) = window.map(SentTime::of).unzip();
        Ok(Self {
            status: match replies.status {
                Status::Disabled => "disabled",
                Status::Enabled => "alwaysEnabled",
                Status::Scheduled => "scheduled",
            },
            external_audience: match replies.audience {
                Audience::Nobody => "none",
                Audience::Contacts => "contactsOnly",
                Audience::Everybody => "all",
            },
            scheduled_start_date_time: start,
            scheduled_end_date_time: end,
            internal_reply_message: &replies.internal,
            external_reply_message: &replies.external,
        })
    }
}

/// Whether replies are sent. Of a name that nobody knows, or none, it cannot be said that they are not.
fn status(name: Option<&str>) -> Result<Status, Unknown> {
    match name.unwrap_or_default().to_ascii_lowercase().as_str() {
        "disabled" => Ok(Status::Disabled),
        "alwaysenabled" => Ok(Status::Enabled),
        "scheduled" => Ok(Status::Scheduled),
        _ => Err(Unknown("status")),
    }
}

/// Who gets replies outside. A name that nobody knows is no guess: whoever reads settings and writes them
/// back would change it.
fn audience(name: Option<&str>) -> Result<Audience, Unknown> {
    match name.unwrap_or("none").to_ascii_lowercase().as_str() {
        "none" => Ok(Audience::Nobody),
        "contactsonly" => Ok(Audience::Contacts),
        "all" => Ok(Audience::Everybody),
        _ => Err(Unknown("externalAudience")),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;

    fn of(setting: &Value) -> Result<AutomaticReplies, Failure> {
        let body = json!({"automaticRepliesSetting": setting}).to_string();
        read(body.as_bytes()).map_err(Failure::from)
    }

    fn window(start: &str, end: &str) -> Option<Window> {
        Window::new(start.parse().unwrap(), end.parse().unwrap())
    }

    fn time(clock: &str, zone: &str) -> Value {
        json!({"dateTime": clock, "timeZone": zone})
    }

    #[test]
    fn a_mailbox_with_a_schedule() {
        let told = read(include_bytes!("../../../fixtures/graph/mailbox_settings/scheduled.json")).unwrap();
        assert_eq!((told.status, told.audience), (Status::Scheduled, Audience::Everybody), "in any case");
        assert_eq!(told.window, window("2026-11-20T07:00:00Z", "2026-11-27T07:00:00Z"));
        assert_eq!(told.language.as_deref(), Some("fi-FI"));
        assert!(told.internal.contains("<p>Olen lomalla &amp; palaan.") && told.external.contains("חופשה 🌴"));
    }

    #[test]
    fn the_parts_of_a_batch() {
        let body = include_bytes!("../../../fixtures/graph/mailbox_settings/batch.json");
        let told = read_batch(&Mailbox::parse("a@example.com").unwrap(), body).unwrap();
        let [told] = &told[..] else { panic!("one can be read") };
        assert_eq!((told.status, told.audience, &told.language), (Status::Enabled, Audience::Nobody, &None));
        assert_eq!(
            told.window,
            window("2026-03-19T02:00:00Z", "2026-03-20T02:00:00Z"),
            "there, though it means nothing"
        );
    }

    #[test]
    fn times_are_read_in_any_zone_and_odd_windows_are_none() {
        let scheduled = |start: Value, end: Value| {
            of(&json!({"status": "scheduled", "scheduledStartDateTime": start, "scheduledEndDateTime": end}))
                .map(|told| told.window)
        };
        let noon = || time("2026-07-01T12:00:00.0000000", "FLE Standard Time");
        assert_eq!(
            scheduled(noon(), time("2026-07-01T12:00:00", "America/New_York")),
            Ok(window("2026-07-01T09:00:00Z", "2026-07-01T16:00:00Z"))
        );
        assert_eq!(scheduled(noon(), noon()), Ok(None));
        assert_eq!(scheduled(noon(), time("2025-01-01T00:00:00", "UTC")), Ok(None));
        assert_eq!(scheduled(noon(), Value::Null), Ok(None));
        let odd = time("2026-07-01T12:00:00", "Customized Time Zone");
        assert_eq!(scheduled(noon(), odd.clone()), Err(Failure::Internal), "it may be a good one");
        let disabled = of(&json!({"status": "disabled", "scheduledStartDateTime": odd, "scheduledEndDateTime": 7}));
        assert_eq!(disabled.unwrap().window, None, "it means nothing here");
    }

    #[test]
    fn what_nobody_knows_is_not_taken_for_present() {
        assert_eq!(of(&json!({"status": "quarantined"})), Err(Failure::Internal));
        assert_eq!(of(&json!({"externalAudience": "all"})), Err(Failure::Internal));
        assert_eq!(of(&Value::Null), Err(Failure::Internal));
        assert_eq!(of(&json!({"status": "disabled", "externalAudience": "partners"})), Err(Failure::Internal));
        let bare = of(&json!({"status": "DISABLED", "externalAudience": null, "internalReplyMessage": null})).unwrap();
        assert_eq!(
            (bare.audience, bare.internal.as_str(), bare.at(Timestamp::UNIX_EPOCH)),
            (Audience::Nobody, "", None)
        );
    }

    #[test]
    fn a_schedule_is_sent_only_when_it_counts_and_in_utc() {
        let window = window("2026-12-24T10:00:00.5Z", "2027-01-07T22:00:00.5Z");
        let long = "🌴 שלום ".repeat(8_000);
        let replies = |status| AutomaticReplies {
            status,
            audience: Audience::Contacts,
            window,
            internal: long.clone(),
            external: String::new(),
            language: Some("fi".into()),
        };
        let sent = serde_json::to_value(Sent::of(&replies(Status::Scheduled)).unwrap()).unwrap();
        let expected = json!({
            "status": "scheduled", "externalAudience": "contactsOnly",
            "scheduledStartDateTime": time("2026-12-24T10:00:00", "UTC"),
            "scheduledEndDateTime": time("2027-01-07T22:00:01", "UTC"),
            "internalReplyMessage": long, "externalReplyMessage": "",
        });
        assert_eq!(sent, expected);
        let sent = serde_json::to_value(Sent::of(&replies(Status::Enabled)).unwrap()).unwrap();
        assert_eq!((sent.as_object().unwrap().len(), &sent["status"]), (4, &json!("alwaysEnabled")));
        assert_eq!(of(&expected).unwrap().internal, long, "and comes back as it went");
        let none = AutomaticReplies { window: None, ..replies(Status::Scheduled) };
        assert_eq!(Sent::of(&none).unwrap_err(), Failure::BadScheduledDuration);
    }
}
