//! Mail tips: what somebody who is about to write is told of each recipient.
//! <https://learn.microsoft.com/graph/api/user-getmailtips>

use serde_json::{Map, Value, json};

use super::ask::Ask;
use super::error::{Answer, Refusal};
use super::json::{array, known, missing, object, text};
use super::locale;
use super::state::{Group, Mailbox};
use super::world::Kind;
use super::zone::wire_in;

const MOST_RECIPIENTS: usize = 100;
/// The tips that can be asked for.
const TIPS: [&str; 10] = [
    "automaticReplies",
    "mailboxFullStatus",
    "customMailTip",
    "externalMemberCount",
    "totalMemberCount",
    "maxMessageSize",
    "deliveryRestriction",
    "moderationStatus",
    "recipientScope",
    "recipientSuggestions",
];
/// Bytes.
const LARGEST_MESSAGE: i32 = 36 << 20;

pub(super) fn get(ask: &Ask<'_>) -> Result<Answer, Refusal> {
    ask.query.allow(&[], ask.strict)?;
    ask.mailbox()?;
    let (recipients, tips) = read(ask)?;
    let value: Vec<Value> = recipients.iter().map(|address| one(ask, address, &tips)).collect();
    let context = format!("{}/v1.0/$metadata#Collection(microsoft.graph.mailTips)", ask.here.origin);
    Ok(Answer::json(200, json!({ "@odata.context": context, "value": value })))
}

fn read(ask: &Ask<'_>) -> Result<(Vec<String>, Vec<&'static str>), Refusal> {
    const NAMES: [&str; 2] = ["EmailAddresses", "MailTipsOptions"];
    let body = ask.json_body()?;
    // Names of parameters are taken in any case of letters.
    let canonical = |name: &String| {
        let found = NAMES.iter().find(|known| known.eq_ignore_ascii_case(name));
        found.map_or_else(|| name.clone(), |name| (*name).to_owned())
    };
    let fields: Map<String, Value> =
        object(&body, "body")?.iter().map(|(name, value)| (canonical(name), value.clone())).collect();
    known(&fields, &NAMES, "getMailTipsRequestBody", ask.strict)?;
    let addresses = array(fields.get("EmailAddresses").ok_or_else(|| missing("EmailAddresses"))?, "EmailAddresses")?;
    if addresses.is_empty() || addresses.len() > MOST_RECIPIENTS {
        let message = format!("EmailAddresses must have from 1 to {MOST_RECIPIENTS} members, not {}.", addresses.len());
        return Err(Refusal::bad("ErrorInvalidRequest", message));
    }
    let addresses = addresses.iter().map(|one| text(one, "EmailAddresses").map(str::to_owned));
    let tips = match fields.get("MailTipsOptions") {
        None | Some(Value::Null) => TIPS.to_vec(),
        Some(options) => {
            text(options, "MailTipsOptions")?.split(',').map(|name| tip(name.trim())).collect::<Result<_, _>>()?
        }
    };
    Ok((addresses.collect::<Result<_, _>>()?, tips))
}

fn tip(name: &str) -> Result<&'static str, Refusal> {
    let found = TIPS.iter().find(|known| known.eq_ignore_ascii_case(name)).copied();
    found.ok_or_else(|| Refusal::bad("InvalidArguments", format!("Requested value '{name}' was not found.")))
}

fn one(ask: &Ask<'_>, address: &str, tips: &[&'static str]) -> Value {
    let mut shown = Map::new();
    shown.insert("emailAddress".to_owned(), json!({ "name": "", "address": address }));
    let mailbox = ask.state.mailbox_of(address).filter(|mailbox| mailbox.kind != Kind::NoMailbox);
    let group = ask.state.groups.get(&address.to_lowercase()).filter(|group| group.tenant == ask.tenant);
    if mailbox.is_none() && group.is_none() {
        let message = "The recipient could not be found.";
        shown.insert("error".to_owned(), json!({ "code": "ErrorMailRecipientNotFound", "message": message }));
        return Value::Object(shown);
    }
    for tip in tips {
        let (name, value) = match *tip {
            "automaticReplies" => match mailbox {
                Some(mailbox) => ("automaticReplies", replies(ask, mailbox)),
                // Nobody of a group is away.
                None => continue,
            },
            "mailboxFullStatus" => ("mailboxFull", json!(false)),
            "deliveryRestriction" => ("deliveryRestricted", json!(false)),
            "moderationStatus" => ("isModerated", json!(false)),
            "externalMemberCount" => (*tip, json!(0)),
            "totalMemberCount" => (*tip, json!(group.map_or(1, |group| group.members.len()))),
            "maxMessageSize" => (*tip, json!(LARGEST_MESSAGE)),
            "recipientScope" => (*tip, json!(scope(ask, mailbox, group))),
            "recipientSuggestions" => (*tip, json!([])),
            _ => (*tip, json!("")),
        };
        shown.insert(name.to_owned(), value);
    }
    Value::Object(shown)
}

fn scope(ask: &Ask<'_>, mailbox: Option<&Mailbox>, group: Option<&Group>) -> &'static str {
    let is_inside = group.is_some() || mailbox.is_some_and(|mailbox| mailbox.tenant == ask.tenant);
    if is_inside { "internal" } else { "external" }
}

/// Who writes from another tenant is outside; whether among the contacts, nobody knows here.
fn replies(ask: &Ask<'_>, mailbox: &Mailbox) -> Value {
    let replies = &mailbox.replies;
    let message = match (mailbox.tenant == ask.tenant, replies.audience) {
        (true, _) => &replies.internal,
        (false, "all") => &replies.external,
        (false, _) => return silence(),
    };
    if !mailbox.has_settings || !replies.are_sent(ask.now) {
        return silence();
    }
    let mut shown = json!({ "message": message, "messageLanguage": locale::info(&mailbox.language) });
    if let (Some((start, end)), Some(fields)) = (replies.schedule(), shown.as_object_mut()) {
        let zone = ask.preferences.zone_or_utc();
        fields.insert("scheduledStartTime".to_owned(), wire_in(zone.local(start), &zone));
        fields.insert("scheduledEndTime".to_owned(), wire_in(zone.local(end), &zone));
    }
    shown
}

/// Of somebody who is not away.
fn silence() -> Value {
    json!({ "message": "" })
}
