//! Several tenants in one world: what is one's own, the others do not see.

use serde_json::{Value, json};

use super::{Running, TENANT, small, start};

const OTHER: &str = "99999999-2222-4333-8444-555555555555";

/// The small company and another one, whose application has the same id, as where one application serves both.
async fn two() -> Running {
    let mut world = small();
    let other = json!({
        "id": OTHER, "name": "U", "domains": ["u.example"],
        "applications": [{ "name": "everything", "client_id": "app-everything", "client_secret": "secret", "roles": [
            "Calendars.ReadWrite", "User.Read.All", "Place.Read.All", "Group.ReadBasic.All", "GroupMember.Read.All",
            "OrgContact.Read.All", "MailboxSettings.Read"] }],
        "mailboxes": [
            { "address": "uma@u.example", "name": "Uma Ulm", "zone": "UTC",
              "events": [{ "subject": "Hers", "start": "2026-11-24T10:00", "minutes": 60 }] },
            { "address": "room@u.example", "name": "Room U", "kind": "room", "zone": "UTC" }
        ],
        "room_lists": [{ "address": "rooms@u.example", "name": "Rooms of U", "members": ["room@u.example", "room1@t.example"] }],
        "groups": [{ "address": "all@u.example", "name": "All of U", "members": ["uma@u.example", "anna@t.example", "team@t.example"] }],
    });
    world["tenants"].as_array_mut().unwrap().push(other);
    start(&world).await
}

async fn of(running: &mut Running, tenant: &str) {
    let issued = running.ask_token(tenant, &[]).await.expect(200);
    running.token = issued["access_token"].as_str().unwrap().to_owned();
}

async fn ids(running: &Running, path: &str) -> Vec<String> {
    let all = running.get(path).await.expect(200);
    all["value"].as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_token_of_one_tenant_sees_nothing_of_another() {
    let mut running = two().await;
    of(&mut running, OTHER).await;
    let group = ids(&running, "/v1.0/groups?$filter=mail%20eq%20'all@u.example'").await.remove(0);
    let uma = running.get("/v1.0/users/uma@u.example").await.expect(200)["id"].as_str().unwrap().to_owned();
    let event = ids(&running, "/v1.0/users/uma@u.example/events").await.remove(0);
    let own = ["users", "groups", "places/microsoft.graph.room", "places/microsoft.graph.roomList", "contacts"];
    let mut theirs = Vec::new();
    for list in own {
        theirs.extend(ids(&running, &format!("/v1.0/{list}")).await);
    }
    assert_eq!(theirs.len(), 2 + 2 + 1 + 1);
    let members = ids(&running, &format!("/v1.0/groups/{group}/transitiveMembers")).await;
    assert_eq!(members, std::slice::from_ref(&uma), "members of another tenant are none");
    let rooms = ids(&running, "/v1.0/places/rooms@u.example/microsoft.graph.roomList/rooms").await;
    assert_eq!(rooms.len(), 1);

    of(&mut running, TENANT).await;
    for list in own {
        let seen = ids(&running, &format!("/v1.0/{list}")).await;
        assert!(!seen.is_empty() && seen.iter().all(|id| !theirs.contains(id)), "{list}");
    }
    let window = "startDateTime=2026-11-24T00:00:00Z&endDateTime=2026-11-25T00:00:00Z";
    for path in [
        "users/uma@u.example".to_owned(),
        format!("users/{uma}"),
        "users/uma@u.example/events".to_owned(),
        format!("users/{uma}/calendarView?{window}"),
        format!("users/{uma}/calendarView/delta?{window}"),
        format!("users/uma@u.example/events/{event}"),
        format!("users/anna@t.example/events/{event}"),
        format!("users/uma@u.example/events/{event}/instances?{window}"),
        format!("groups/{group}"),
        format!("groups/{group}/members"),
        format!("groups/{group}/transitiveMembers/microsoft.graph.user"),
        "places/rooms@u.example/microsoft.graph.roomList/rooms".to_owned(),
    ] {
        let told = running.get(&format!("/v1.0/{path}")).await;
        assert!(matches!(told.status, 400 | 404), "{path}: {} {}", told.status, told.body);
        assert!(!told.body.to_string().contains("Uma"), "{path}: {}", told.body);
    }
    let body = json!({ "schedules": ["anna@t.example", "uma@u.example"],
        "startTime": { "dateTime": "2026-11-24T00:00:00", "timeZone": "UTC" }, "endTime": { "dateTime": "2026-11-25T00:00:00", "timeZone": "UTC" } });
    let told = running.post("/v1.0/users/anna@t.example/calendar/getSchedule", &body).await.expect(200);
    assert_eq!(told["value"][1]["error"]["responseCode"], "5016");
    assert_eq!(running.post("/v1.0/users/uma@u.example/calendar/getSchedule", &body).await.status, 404);
}

#[tokio::test]
async fn subscriptions_belong_to_a_tenant_too() {
    let mut running = two().await;
    let receiver = axum::Router::new().fallback(|request: axum::extract::Request| async move {
        let query = request.uri().query().unwrap_or_default().as_bytes();
        url::form_urlencoded::parse(query).find(|(name, _)| name == "validationToken").unwrap().1.into_owned()
    });
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, receiver).await });
    of(&mut running, OTHER).await;
    let wanted = json!({ "changeType": "created", "notificationUrl": url, "resource": "users/uma@u.example/events",
        "expirationDateTime": "2026-11-24T00:00:00Z" });
    let made = running.post("/v1.0/subscriptions", &wanted).await.expect(201);
    let path = format!("/v1.0/subscriptions/{}", made["id"].as_str().unwrap());
    of(&mut running, TENANT).await;
    assert_eq!(running.get("/v1.0/subscriptions").await.expect(200)["value"], json!([]));
    assert_eq!(running.get(&path).await.status, 404);
    assert_eq!(running.send("DELETE", &path, &[], None).await.status, 404);
    let theirs: Value = running.post("/v1.0/subscriptions", &wanted).await.body;
    assert_eq!(theirs["error"]["code"], "ResourceNotFound");
    of(&mut running, OTHER).await;
    running.get(&path).await.expect(200);
}

#[tokio::test]
async fn an_application_is_changed_in_one_tenant_alone() {
    let mut running = two().await;
    let none = json!({ "tenant": OTHER, "roles": [] });
    running.send("PATCH", "/control/applications/app-everything", &[], Some(&none)).await.expect(204);
    of(&mut running, TENANT).await;
    assert_eq!(running.get("/v1.0/users").await.status, 200);
    of(&mut running, OTHER).await;
    assert_eq!(running.get("/v1.0/users").await.refusal(), (403, "Authorization_RequestDenied"));
}

#[tokio::test]
async fn members_of_groups_come_in_pages() {
    let mut world = small();
    let people: Vec<String> = (1..=250).map(|number| format!("person-{number}@t.example")).collect();
    let tenant = &mut world["tenants"][0];
    tenant["crowd"] = json!({ "count": 250, "domain": "t.example", "zone": "UTC" });
    tenant["groups"] = json!([
        { "address": "crowd@t.example", "name": "Crowd", "members": people },
        { "address": "all@t.example", "name": "All", "members": ["anna@t.example", "crowd@t.example", "person-7@t.example"] },
    ]);
    let running = start(&world).await;
    let group = ids(&running, "/v1.0/groups?$filter=mail%20eq%20'all@t.example'").await.remove(0);
    let mut next = Some(format!("/v1.0/groups/{group}/transitiveMembers/microsoft.graph.user?$select=id,mail"));
    let (mut pages, mut found) = (0, Vec::new());
    while let Some(link) = next {
        let page = running.get(&link).await.expect(200);
        found.extend(page["value"].as_array().unwrap().iter().map(|one| one["mail"].as_str().unwrap().to_owned()));
        next = page["@odata.nextLink"].as_str().map(str::to_owned);
        pages += 1;
    }
    assert_eq!((pages, found.len()), (3, 251), "each once, however many ways lead to them");
    found.sort();
    found.dedup();
    assert_eq!(found.len(), 251);
}
