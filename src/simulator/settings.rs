//! Mailbox settings: all of them, each alone, and changes. <https://learn.microsoft.com/graph/api/user-get-mailboxsettings>,
//! <https://learn.microsoft.com/graph/api/user-update-mailboxsettings>

use serde_json::{Map, Value, json};

use super::ask::Ask;
use super::error::{Answer, Refusal};
use super::ids;
use super::json::{known, object, text};
use super::locale;
use super::query::project;
use super::replies::invalid_zone;
use super::schedule::working_hours;
use super::state::Mailbox;
use super::world::Kind;
use super::zone::Zone;

const PARTS: [&str; 9] = [
    "archiveFolder",
    "automaticRepliesSetting",
    "dateFormat",
    "delegateMeetingMessageDeliveryOptions",
    "language",
    "timeFormat",
    "timeZone",
    "userPurpose",
    "workingHours",
];

/// All settings, or the one that the path names.
pub(super) fn get(ask: &Ask<'_>) -> Result<Answer, Refusal> {
    let part = ask.route.item.as_str();
    ask.query.allow(if part.is_empty() { &["$select"] } else { &[] }, ask.strict)?;
    let select = ask.query.select(&PARTS, "mailboxSettings")?;
    let mailbox = mailbox(ask)?;
    let all = show(ask, mailbox);
    if part.is_empty() {
        return Ok(answer(ask, mailbox, "", project(all, select.as_deref())));
    }
    let shown = match all.get(part).cloned().unwrap_or_default() {
        Value::Object(fields) => Value::Object(fields),
        plain => json!({ "value": plain }),
    };
    Ok(answer(ask, mailbox, part, shown))
}

/// Changes the given settings and answers with them alone, each as a whole.
pub(super) fn update(ask: &mut Ask<'_>) -> Result<Answer, Refusal> {
    ask.query.allow(&[], ask.strict)?;
    let key = mailbox(ask)?.address.to_lowercase();
    let body = ask.json_body()?;
    let given = object(&body, "mailboxSettings")?;
    known(given, &PARTS, "mailboxSettings", ask.strict)?;
    let mut changes = Vec::new();
    for (name, value) in given.iter().filter(|(name, value)| PARTS.contains(&name.as_str()) && !value.is_null()) {
        changes.push(read(ask, name, value)?);
    }
    // Nothing is written unless everything can be.
    if let Some(mailbox) = ask.state.mailboxes.get_mut(&key) {
        for change in changes {
            change(mailbox);
        }
    }
    let mailbox = mailbox(ask)?;
    let names: Vec<String> = given.keys().cloned().collect();
    Ok(answer(ask, mailbox, "", project(show(ask, mailbox), Some(&names))))
}

type Change = Box<dyn FnOnce(&mut Mailbox)>;

fn read(ask: &Ask<'_>, name: &str, value: &Value) -> Result<Change, Refusal> {
    Ok(match name {
        "automaticRepliesSetting" => {
            let replies = mailbox(ask)?.replies.changed(value, ask.now, ask.strict)?;
            Box::new(|mailbox| mailbox.replies = replies)
        }
        "timeZone" => {
            let zone = Zone::named(text(value, name)?).ok_or_else(invalid_zone)?;
            Box::new(|mailbox| mailbox.zone = zone)
        }
        "language" => {
            let fields = object(value, name)?;
            known(fields, &["locale", "displayName"], "localeInfo", ask.strict)?;
            let locale = text(fields.get("locale").unwrap_or(&Value::Null), "locale")?.to_owned();
            Box::new(|mailbox| mailbox.language = locale)
        }
        "dateFormat" => {
            let format = text(value, name)?.to_owned();
            Box::new(|mailbox| mailbox.date_format = format)
        }
        "timeFormat" => {
            let format = text(value, name)?.to_owned();
            Box::new(|mailbox| mailbox.time_format = format)
        }
        _ => return Err(Refusal::bad("ErrorInvalidRequest", format!("The property '{name}' cannot be changed."))),
    })
}

/// The mailbox that the path names, if it has settings.
fn mailbox<'a>(ask: &'a Ask<'_>) -> Result<&'a Mailbox, Refusal> {
    let mailbox = ask.mailbox()?;
    if !mailbox.has_settings {
        return Err(Refusal::no_rest());
    }
    Ok(mailbox)
}

fn answer(ask: &Ask<'_>, mailbox: &Mailbox, part: &str, shown: Value) -> Answer {
    let slash = if part.is_empty() { "" } else { "/" };
    let context = format!("{}/v1.0/$metadata#users('{}')/mailboxSettings{slash}{part}", ask.here.origin, mailbox.id);
    let mut whole = Map::new();
    whole.insert("@odata.context".to_owned(), json!(context));
    if let Value::Object(fields) = shown {
        whole.extend(fields);
    }
    Answer::json(200, Value::Object(whole))
}

fn show(ask: &Ask<'_>, mailbox: &Mailbox) -> Value {
    let purpose = match mailbox.kind {
        Kind::Person | Kind::NoMailbox => "user",
        Kind::Shared => "shared",
        Kind::Room => "room",
    };
    json!({
        "archiveFolder": ids::guid(&format!("archive of {}", mailbox.id)).to_string(),
        "automaticRepliesSetting": mailbox.replies.show(&ask.preferences.zone_or_utc(), ask.state.enum_case),
        "dateFormat": mailbox.date_format,
        "delegateMeetingMessageDeliveryOptions": "sendToDelegateOnly",
        "language": locale::info(&mailbox.language),
        "timeFormat": mailbox.time_format,
        "timeZone": mailbox.zone.name,
        "userPurpose": ask.state.enum_case.write(purpose),
        "workingHours": working_hours(mailbox, ask.now),
    })
}
