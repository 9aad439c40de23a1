//! Users, groups, places; and the company that ships.

use serde_json::{Value, json};

use super::super::World;
use super::{Running, small, start};

const LEGACY: &str = "/o=T/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn=aalto";

async fn names(running: &Running, path: &str) -> Vec<String> {
    let answer = running.get(path).await.expect(200);
    let all = answer["value"].as_array().unwrap().iter();
    all.map(|one| one["displayName"].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn users_are_found_by_address_and_alias() {
    let mut running = start(&small()).await;
    let find = |filter: &str| format!("/v1.0/users?$filter={}", filter.replace(' ', "%20"));
    assert_eq!(
        names(&running, &find("mail eq 'ANNA@t.example' or userPrincipalName eq 'anna@t.example'")).await,
        ["Anna Aalto"]
    );
    let alias = find("proxyAddresses/any(p:p eq 'smtp:a.aalto@t.example')");
    assert_eq!(names(&running, &alias).await, ["Anna Aalto"]);
    assert!(names(&running, &find("mail eq 'nobody@t.example'")).await.is_empty());
    assert_eq!(running.get(&find("mail ne 'x'")).await.refusal(), (400, "Request_UnsupportedQuery"));
    assert_eq!(running.get("/v1.0/users/nobody@t.example").await.refusal(), (404, "Request_ResourceNotFound"));
    let anna = running.get("/v1.0/users/anna@t.example?$select=id,mail,proxyAddresses").await.expect(200);
    let proxies = ["SMTP:anna@t.example", "smtp:a.aalto@t.example", &format!("x500:{LEGACY}")];
    assert_eq!(anna["proxyAddresses"], json!(proxies));
    let by_id = running.get(&format!("/v1.0/users/{}", anna["id"].as_str().unwrap())).await.expect(200);
    assert_eq!(by_id["mail"], "anna@t.example");
    for (filter, expected) in [
        (format!("proxyAddresses/any(p:p eq 'x500:{}')", LEGACY.to_lowercase()), 1),
        ("proxyAddresses/any(p:p eq 'SMTP:ANNA@t.example')".to_owned(), 1),
        ("proxyAddresses/any(p:p eq 'smtp:anna@t.example')".to_owned(), 0),
        ("startswith(displayName,'an') or startswith(givenName,'an') or startswith(surname,'an')".to_owned(), 1),
        ("startswith(mail,'B') or startswith(surname,'CLA')".to_owned(), 2),
    ] {
        assert_eq!(names(&running, &find(&filter)).await.len(), expected, "{filter}");
    }
    let all = "displayName,givenName,surname,mail,proxyAddresses,userPrincipalName,id,jobTitle,department,companyName,\
        officeLocation,businessPhones,mobilePhone";
    let whole = running.get(&format!("/v1.0/users/anna@t.example?$select={all}")).await.expect(200);
    assert_eq!((&whole["department"], &whole["companyName"]), (&json!("Research"), &json!("T")));
    assert_eq!((&whole["businessPhones"], &whole["mobilePhone"]), (&json!(["+358 9 1"]), &json!("+358 40 1")));
    running.token = running.token_of("app-directory").await;
    let basic = running.get(&format!("/v1.0/users/anna@t.example?$select={all}")).await.expect(200);
    assert!(basic.get("proxyAddresses").is_none() && basic.get("jobTitle").is_none(), "{basic}");
    assert_eq!(basic["surname"], "Aalto");
    assert_eq!(running.get(&alias).await.refusal(), (403, "Authorization_RequestDenied"));
    assert_eq!(names(&running, &find("mail eq 'anna@t.example'")).await, ["Anna Aalto"]);
}

#[tokio::test]
async fn contacts_are_found_by_mail_and_name() {
    let mut running = start(&small()).await;
    let find = |filter: &str| format!("/v1.0/contacts?$filter={}", filter.replace(' ', "%20"));
    assert_eq!(names(&running, &find("mail eq 'SAM@supplier.example'")).await, ["Sam Supplier"]);
    assert_eq!(names(&running, &find("startswith(surname,'sup')")).await, ["Sam Supplier"]);
    assert!(names(&running, &find("mail eq 'anna@t.example'")).await.is_empty());
    running.token = running.token_of("app-directory").await;
    assert_eq!(running.get("/v1.0/contacts").await.refusal(), (403, "Authorization_RequestDenied"));
}

#[tokio::test]
async fn groups_are_expanded_through_circles() {
    let running = start(&small()).await;
    let groups = running.get("/v1.0/groups?$filter=mail%20eq%20'all@t.example'").await.expect(200);
    let id = groups["value"][0]["id"].as_str().unwrap();
    assert_eq!(names(&running, &format!("/v1.0/groups/{id}/members")).await, ["Team", "Bob Brown"]);
    let users = names(&running, &format!("/v1.0/groups/{id}/transitiveMembers/microsoft.graph.user")).await;
    assert_eq!(users, ["Anna Aalto", "Carol Clark", "Bob Brown"]);
    let all = running.get(&format!("/v1.0/groups/{id}/transitiveMembers")).await.expect(200);
    assert_eq!(all["value"][0]["@odata.type"], "#microsoft.graph.group");
    assert_eq!(running.get("/v1.0/groups/x/members").await.status, 404);
}

#[tokio::test]
async fn collections_of_the_directory_page_by_token() {
    let running = start(&small()).await;
    let mut next = Some("/v1.0/users?$top=2&$select=displayName".to_owned());
    let mut found = Vec::new();
    while let Some(link) = next {
        let page = running.get(&link).await.expect(200);
        found.extend(page["value"].as_array().unwrap().clone());
        next = page["@odata.nextLink"].as_str().map(str::to_owned);
        assert!(
            next.as_ref()
                .is_none_or(|link| link.contains("skiptoken") && link.starts_with(&running.simulator.base_url()))
        );
    }
    assert_eq!(found.len(), 5);
    assert_eq!(running.get("/v1.0/users?$skiptoken=x").await.refusal(), (400, "Directory_ExpiredPageToken"));
}

#[tokio::test]
async fn rooms_are_found_through_their_lists() {
    let running = start(&small()).await;
    assert_eq!(names(&running, "/v1.0/places/microsoft.graph.roomList").await, ["Rooms"]);
    assert_eq!(names(&running, "/v1.0/places/rooms@t.example/microsoft.graph.roomList/rooms").await, ["Room One"]);
    let rooms = running.get("/v1.0/places/microsoft.graph.room?$top=1").await.expect(200);
    assert_eq!((&rooms["value"][0]["capacity"], rooms.get("@odata.nextLink")), (&json!(4), None::<&Value>));
    assert_eq!(running.get("/v1.0/places/x@t.example/microsoft.graph.roomList/rooms").await.status, 404);
}

/// Every calendar of the shipped company, through every kind of call that reads one.
#[tokio::test]
async fn the_company_answers_as_the_schema_says() {
    let text = include_str!("../../../fixtures/worlds/company.json");
    let mut world: Value = serde_json::from_str(text).unwrap();
    let tenant = world["tenants"][0].as_object_mut().unwrap();
    tenant.insert("id".to_owned(), json!(super::TENANT));
    let everything =
        tenant["applications"].as_array_mut().unwrap().iter_mut().find(|one| one["name"] == "everything").unwrap();
    everything["client_id"] = json!("app-everything");
    everything["client_secret"] = json!("secret");
    let running = start(&world).await;
    let company = World::company();
    let mailboxes = [company.mailboxes(), company.rooms()].concat();
    let mut busy_days = 0;
    for chunk in mailboxes.chunks(20) {
        let body = json!({ "schedules": chunk,
            "startTime": { "dateTime": "2026-11-23T00:00:00", "timeZone": "UTC" }, "endTime": { "dateTime": "2026-11-25T00:00:00", "timeZone": "UTC" } });
        let path = format!("/v1.0/users/{}/calendar/getSchedule", chunk[0]);
        let answer = running.post(&path, &body).await.expect(200);
        for schedule in answer["value"].as_array().unwrap() {
            assert_eq!(schedule.get("error"), None, "{schedule}");
            busy_days += usize::from(schedule["availabilityView"].as_str().unwrap().contains('2'));
        }
    }
    assert!(busy_days >= 60, "only {busy_days} calendars have something today or tomorrow");
    for address in &mailboxes {
        running.view(address, "2026-11-23T00:00:00Z", "2026-12-07T00:00:00Z").await;
        running.get(&format!("/v1.0/users/{address}/events?$top=100")).await.expect(200);
    }
    running.get("/v1.0/users").await.expect(200);
    running.get("/v1.0/groups").await.expect(200);
    let lists = running.get("/v1.0/places/microsoft.graph.roomList").await.expect(200);
    for list in lists["value"].as_array().unwrap() {
        let address = list["emailAddress"].as_str().unwrap();
        assert!(!names(&running, &format!("/v1.0/places/{address}/microsoft.graph.roomList/rooms")).await.is_empty());
    }
}
