//! The judge of every answer: Microsoft's metadata as JSON Schema, strict about properties nobody knows.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, LazyLock, Mutex};

use serde_json::{Value, json};

use super::super::route::{Call, Route};
use super::Reply;

/// Checks a reply against the schema of its call, or of errors.
#[track_caller]
pub(super) fn check(method: &str, path: &str, reply: &Reply) {
    let Some(definition) = definition(method, path, reply.status) else { return };
    let Some(validator) = validator(definition) else { return };
    let problems: Vec<String> =
        validator.iter_errors(&reply.body).map(|error| format!("{}: {error}", error.instance_path())).collect();
    assert!(problems.is_empty(), "{method} {path} is no {definition}: {problems:?}\n{}", reply.body);
}

/// Checks what was sent to a subscriber.
#[track_caller]
pub(super) fn check_notification(body: &Value) {
    let Some(validator) = validator("microsoft.graph.changeNotificationCollection") else { return };
    let problems: Vec<String> = validator.iter_errors(body).map(|error| error.to_string()).collect();
    assert!(problems.is_empty(), "{problems:?}\n{body}");
}

fn definition(method: &str, path: &str, status: u16) -> Option<&'static str> {
    if status >= 400 {
        return Some("graph.odataError");
    }
    let path = path.split_once("/v1.0")?.1.split('?').next()?;
    let route = Route::find(method, path).ok()?;
    match route.call {
        Call::GetMailboxSettings => match route.item.as_str() {
            "" => Some("users.mailboxSettings.get.response.200"),
            "automaticRepliesSetting" => Some("users.mailboxSettings.automaticReplies.response.200"),
            "workingHours" => Some("users.mailboxSettings.workingHours.response.200"),
            "timeZone" => Some("users.mailboxSettings.timeZone.response.200"),
            "userPurpose" => Some("users.mailboxSettings.userPurpose.response.200"),
            "language" => Some("microsoft.graph.localeInfo"),
            _ => None,
        },
        Call::UpdateMailboxSettings => Some("users.mailboxSettings.update.response.200"),
        Call::GetMailTips => Some("users.getMailTips.response.200"),
        Call::GetSchedule => Some("calendar.getSchedule.response.200"),
        Call::CalendarView => Some("users.calendarView.response.200"),
        Call::CalendarViewDelta => Some("users.calendarView.delta.response.200"),
        Call::ListEvents => Some("users.events.list.response.200"),
        Call::CreateEvent => Some("users.events.create.response.201"),
        Call::GetEvent => Some("users.events.get.response.200"),
        Call::UpdateEvent => Some("users.events.update.response.200"),
        Call::ListInstances => Some("users.events.instances.response.200"),
        Call::ListUsers => Some("users.list.response.200"),
        Call::GetUser => Some("users.get.response.200"),
        Call::ListContacts => Some("contacts.list.response.200"),
        Call::ListGroups => Some("groups.list.response.200"),
        Call::GetGroup => Some("groups.get.response.200"),
        Call::ListMembers => Some("groups.members.response.200"),
        Call::ListTransitiveMembers => Some("groups.transitiveMembers.response.200"),
        Call::ListRooms => Some("places.rooms.response.200"),
        Call::ListRoomLists => Some("places.roomLists.response.200"),
        Call::ListRoomsOfList => Some("places.roomList.rooms.response.200"),
        Call::ListSubscriptions => Some("subscriptions.list.response.200"),
        Call::CreateSubscription => Some("subscriptions.create.response.201"),
        Call::GetSubscription => Some("subscriptions.get.response.200"),
        Call::UpdateSubscription => Some("subscriptions.update.response.200"),
        Call::DeleteSubscription | Call::ReauthorizeSubscription => None,
        Call::Batch => Some("batch.response.200"),
        Call::DeleteEvent | Call::RespondToEvent | Call::Token | Call::Unknown => None,
    }
}

fn validator(definition: &'static str) -> Option<Arc<jsonschema::Validator>> {
    static SCHEMA: LazyLock<Option<Value>> = LazyLock::new(|| shared("graph-calendar.strict.schema.json"));
    static COMPILED: LazyLock<Mutex<HashMap<&'static str, Arc<jsonschema::Validator>>>> = LazyLock::new(Mutex::default);
    let definitions = SCHEMA.as_ref()?.get("$defs")?;
    let mut compiled = COMPILED.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let validator = compiled.entry(definition).or_insert_with(|| {
        let schema = json!({ "$ref": format!("#/$defs/{definition}"), "$defs": definitions });
        Arc::new(jsonschema::validator_for(&schema).expect("the schema is valid"))
    });
    Some(Arc::clone(validator))
}

/// A file of Microsoft's metadata, beside the checkout or where the environment says.
pub(super) fn shared(name: &str) -> Option<Value> {
    let beside = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let named = option_env!("CALENDAR_RELAY_SHARED").map(PathBuf::from);
    let folders = [Some(beside), named].into_iter().flatten();
    let Some(file) = folders.map(|folder| folder.join("schemas/graph").join(name)).find(|file| file.exists()) else {
        eprintln!("SKIPPED: {name} was not found, so nothing is checked against it");
        return None;
    };
    Some(serde_json::from_str(&std::fs::read_to_string(file).expect("readable")).expect("JSON"))
}

#[test]
fn the_judge_notices_what_is_wrong() {
    let Some(validator) = validator("calendar.getSchedule.response.200") else { return };
    let with = |item: Value| json!({ "value": [{ "scheduleId": "a@t.example", "scheduleItems": [item] }] });
    assert!(validator.is_valid(&with(json!({ "status": "busy" }))));
    assert!(!validator.is_valid(&with(json!({ "status": "occupied" }))));
    assert!(!validator.is_valid(&with(json!({ "state": "busy" }))));
}
