//! Roles and scopes, for every call: who has none is refused as Graph refuses.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::super::permissions::{is_exchange, needed};
use super::super::route::{Call, Route};
use super::{Running, schema, small, start};

/// A call: by method, path and body.
type Try = (Call, &'static str, String, Option<Value>);

/// Every call that needs a permission, about Anna or about nobody.
fn calls() -> Vec<Try> {
    let time = |hour: u8| json!({ "dateTime": format!("2026-11-24T{hour:02}:00:00"), "timeZone": "UTC" });
    let window = "startDateTime=2026-11-24T00:00:00Z&endDateTime=2026-11-25T00:00:00Z";
    let schedule = json!({ "schedules": ["anna@t.example"], "startTime": time(8), "endTime": time(9) });
    let event = json!({ "subject": "S", "start": time(8), "end": time(9) });
    let tips = json!({ "EmailAddresses": ["bob@t.example"], "MailTipsOptions": "automaticReplies" });
    let of_anna = [
        (Call::GetSchedule, "POST", "calendar/getSchedule".to_owned(), Some(schedule)),
        (Call::CalendarView, "GET", format!("calendarView?{window}"), None),
        (Call::CalendarViewDelta, "GET", format!("calendarView/delta?{window}"), None),
        (Call::ListEvents, "GET", "events".to_owned(), None),
        (Call::CreateEvent, "POST", "events".to_owned(), Some(event)),
        (Call::GetEvent, "GET", "events/AAMk".to_owned(), None),
        (Call::UpdateEvent, "PATCH", "events/AAMk".to_owned(), Some(json!({ "subject": "T" }))),
        (Call::DeleteEvent, "DELETE", "events/AAMk".to_owned(), None),
        (Call::ListInstances, "GET", format!("events/AAMk/instances?{window}"), None),
        (Call::RespondToEvent, "POST", "events/AAMk/accept".to_owned(), Some(json!({}))),
        (Call::GetMailboxSettings, "GET", "mailboxSettings".to_owned(), None),
        (Call::UpdateMailboxSettings, "PATCH", "mailboxSettings".to_owned(), Some(json!({ "timeZone": "UTC" }))),
        (Call::GetMailTips, "POST", "getMailTips".to_owned(), Some(tips)),
    ];
    let of_the_directory = [
        (Call::ListUsers, "users"),
        (Call::GetUser, "users/anna@t.example"),
        (Call::ListContacts, "contacts"),
        (Call::ListGroups, "groups"),
        (Call::GetGroup, "groups/x"),
        (Call::ListMembers, "groups/x/members"),
        (Call::ListTransitiveMembers, "groups/x/transitiveMembers"),
        (Call::ListRooms, "places/microsoft.graph.room"),
        (Call::ListRoomLists, "places/microsoft.graph.roomList"),
        (Call::ListRoomsOfList, "places/rooms@t.example/microsoft.graph.roomList/rooms"),
    ];
    let of_anna =
        of_anna.map(|(call, method, path, body)| (call, method, format!("/v1.0/users/anna@t.example/{path}"), body));
    let of_the_directory = of_the_directory.map(|(call, path)| (call, "GET", format!("/v1.0/{path}"), None));
    of_anna.into_iter().chain(of_the_directory).collect()
}

/// The status and code of a call by an application with these roles and scopes.
async fn told(running: &mut Running, change: Value, method: &str, path: &str, body: Option<&Value>) -> (u16, String) {
    running.send("PATCH", "/control/applications/app-basic", &[], Some(&change)).await.expect(204);
    running.token = running.token_of("app-basic").await;
    let reply = running.send(method, path, &[], body).await;
    (reply.status, reply.refusal().1.to_owned())
}

#[tokio::test]
async fn every_call_is_closed_without_a_role_and_opened_by_each_that_does() {
    let mut running = start(&small()).await;
    for (call, method, path, body) in calls() {
        let code = if is_exchange(call) { "ErrorAccessDenied" } else { "Authorization_RequestDenied" };
        let none = json!({ "roles": [], "rbac": [] });
        assert_eq!(told(&mut running, none, method, &path, body.as_ref()).await, (403, code.to_owned()), "{call:?}");
        // A batch is no way around it.
        let url = path.strip_prefix("/v1.0").unwrap();
        let mut item = json!({ "id": "1", "method": method, "url": url });
        if let Some(body) = &body {
            item["body"] = body.clone();
            item["headers"] = json!({ "Content-Type": "application/json" });
        }
        let batch = running.post("/v1.0/$batch", &json!({ "requests": [item] })).await.expect(200);
        assert_eq!(batch["responses"][0]["status"], 403, "{call:?}");
        assert_eq!(batch["responses"][0]["body"]["error"]["code"], code, "{call:?}");
        for role in needed(call) {
            let (status, _) = told(&mut running, json!({ "roles": [role] }), method, &path, body.as_ref()).await;
            assert_ne!(status, 403, "{call:?} is not opened by {role}");
        }
        let others =
            ["Calendars.ReadWrite", "MailboxSettings.ReadWrite", "Mail.Read", "User.Read.All", "Place.Read.All"];
        for role in others.into_iter().filter(|role| !needed(call).contains(role)) {
            let (status, _) = told(&mut running, json!({ "roles": [role] }), method, &path, body.as_ref()).await;
            assert_eq!(status, 403, "{call:?} is opened by {role}");
        }
    }
}

#[tokio::test]
async fn every_call_about_a_mailbox_is_bound_by_its_scope() {
    let mut running = start(&small()).await;
    for (call, method, path, body) in calls() {
        for role in needed(call) {
            let scope = |mailbox: &str| {
                let rbac = json!([{ "role": format!("Application {role}"), "mailboxes": [mailbox] }]);
                json!({ "roles": [], "rbac": rbac })
            };
            let (inside, _) = told(&mut running, scope("anna@t.example"), method, &path, body.as_ref()).await;
            let (outside, _) = told(&mut running, scope("bob@t.example"), method, &path, body.as_ref()).await;
            assert_eq!((inside != 403, outside), (is_exchange(call), 403), "{call:?} with {role}");
        }
    }
}

#[tokio::test]
async fn a_scope_holds_for_aliases_ids_and_strangers() {
    let mut running = start(&small()).await;
    let anna = running.get("/v1.0/users/anna@t.example").await.expect(200)["id"].as_str().unwrap().to_owned();
    running.token = running.token_of("app-rooms").await;
    let window = "calendarView?startDateTime=2026-11-24T00:00:00Z&endDateTime=2026-11-25T00:00:00Z";
    for outside in ["anna@t.example", "a.aalto@t.example", anna.as_str(), "nobody@t.example"] {
        let told = running.get(&format!("/v1.0/users/{outside}/{window}")).await;
        assert_eq!(told.refusal(), (403, "ErrorAccessDenied"), "{outside}");
    }
    let wanted = json!({ "changeType": "created", "notificationUrl": "http://127.0.0.1:1/", "resource": "users/anna@t.example/events",
        "expirationDateTime": "2026-11-24T00:00:00Z" });
    assert_eq!(running.post("/v1.0/subscriptions", &wanted).await.refusal(), (403, "ErrorAccessDenied"));
}

/// Both ways: each operation of Microsoft's list that is simulated is open to the roles listed there, and to no others.
#[test]
fn the_table_of_permissions_is_microsofts() {
    let Some(slice) = schema::shared("graph-permissions-slice.json") else { return };
    let mut seen = BTreeSet::new();
    let mut left_out = BTreeSet::new();
    for operation in slice["operations"].as_array().unwrap() {
        let (method, path) = (operation["method"].as_str().unwrap(), operation["path"].as_str().unwrap());
        let filled = path.replace("{event-id}", "AAMk").replace(['{', '}'], "");
        let Ok(route) = Route::find(method, &filled) else {
            left_out.insert(path.rsplit('/').next().unwrap());
            continue;
        };
        seen.insert(route.call);
        let listed = ["least", "other"].iter().flat_map(|kind| operation[*kind].as_array().unwrap());
        let mut listed: BTreeSet<&str> = listed
            .map(|role| match role.as_str().unwrap() {
                // The list calls the role by its delegated name.
                "Calendars.ReadBasic" => "Calendars.ReadBasic.All",
                role => role,
            })
            // Of Microsoft's own services, and in no reference.
            .filter(|role| !role.starts_with("Group-"))
            .collect();
        match route.call {
            // The pages leave it out, but whoever may write may read.
            Call::GetEvent | Call::ListInstances => listed.extend(["Calendars.ReadWrite"]),
            // Said to be more privileged than Calendars.Read, which it is not: the page of the call wants that one.
            Call::CalendarViewDelta => assert!(listed.remove("Calendars.ReadBasic.All")),
            _ => {}
        }
        let ours: BTreeSet<&str> = needed(route.call).iter().copied().collect();
        assert_eq!(ours, listed, "{:?}: {method} {path}", route.call);
    }
    let ours: BTreeSet<Call> = calls().into_iter().map(|(call, ..)| call).collect();
    let without = |call: &&Call| !needed(**call).is_empty();
    assert_eq!(seen.iter().filter(without).copied().collect::<BTreeSet<_>>(), ours, "each is tried above");
    let known = [
        "calendar",
        "attachments",
        "{attachment-id}",
        "findMeetingTimes",
        "translateExchangeIds",
        "supportedTimeZones()",
        "photo",
        "{place-id}",
    ];
    assert_eq!(left_out, BTreeSet::from(known), "not simulated");
}
