//! The simulator over HTTP, as any Graph client sees it. Every answer is checked against the JSON Schema.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

mod access;
mod batch;
mod calendar;
mod credentials;
mod delta;
mod directory;
mod extended;
mod faults;
mod free_busy;
mod items;
mod mail_tips;
mod permissions;
mod responses;
mod schema;
mod settings;
mod subscriptions;
mod tenants;

use std::cell::Cell;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Options, Simulator, World};

const TENANT: &str = "11111111-2222-4333-8444-555555555555";

thread_local! {
    // Each test has its own thread, and its simulator runs on it.
    static NOW: Cell<Timestamp> = Cell::new("2026-11-23T08:00:00Z".parse().unwrap());
}

fn clock() -> Timestamp {
    NOW.get()
}

struct Running {
    simulator: Simulator,
    http: reqwest::Client,
    token: String,
}

struct Reply {
    status: u16,
    headers: reqwest::header::HeaderMap,
    body: Value,
}

impl Reply {
    /// The body, after making sure of the status.
    #[track_caller]
    fn expect(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body
    }

    /// Status and code of a refusal.
    fn refusal(&self) -> (u16, &str) {
        (self.status, self.body["error"]["code"].as_str().unwrap_or_default())
    }
}

/// A small company: Anna and Bob, Carol with a custom zone, a room, a ghost without mailbox, groups.
fn small() -> Value {
    json!({ "tenants": [{
        "id": TENANT, "name": "T", "domains": ["t.example"],
        "applications": [
            { "name": "everything", "client_id": "app-everything", "client_secret": "secret", "roles": [
                "Calendars.ReadWrite", "User.Read.All", "Place.Read.All", "Group.ReadBasic.All", "GroupMember.Read.All", "OrgContact.Read.All"] },
            { "name": "basic", "client_id": "app-basic", "client_secret": "secret", "roles": ["Calendars.ReadBasic.All"] },
            { "name": "directory", "client_id": "app-directory", "client_secret": "secret", "roles": ["User.ReadBasic.All"] },
            { "name": "rooms", "client_id": "app-rooms", "client_secret": "secret",
              "rbac": [{ "role": "Application Calendars.Read", "mailboxes": ["room*@t.example"] }], "rbac_checks_targets": true },
            { "name": "old", "client_id": "app-old", "client_secret": "secret", "secret_expires": "2026-11-01T00:00:00Z" }
        ],
        "mailboxes": [
            { "address": "anna@t.example", "name": "Anna Aalto", "zone": "FLE Standard Time", "aliases": ["a.aalto@t.example"],
              "x500": ["/o=T/ou=Exchange Administrative Group (FYDIBOHF23SPDLT)/cn=Recipients/cn=aalto"],
              "title": "Engineer", "department": "Research", "company": "T", "office": "2.14", "phone": "+358 9 1", "mobile": "+358 40 1" },
            { "address": "bob@t.example", "name": "Bob Brown", "zone": "Eastern Standard Time", "shares_details": true,
              "hours": { "days": ["monday", "friday"], "start": "09:30", "end": "16:00" } },
            { "address": "carol@t.example", "name": "Carol Clark", "zone": "Australia/Sydney", "custom_zone": true },
            { "address": "room1@t.example", "name": "Room One", "kind": "room", "zone": "UTC", "room": { "capacity": 4 } },
            { "address": "ghost@t.example", "name": "Greta Ghost", "kind": "no_mailbox", "zone": "UTC" }
        ],
        "room_lists": [{ "address": "rooms@t.example", "name": "Rooms", "members": ["room1@t.example"] }],
        "contacts": [{ "address": "sam@supplier.example", "name": "Sam Supplier", "company": "Supplier" }],
        "groups": [
            { "address": "all@t.example", "name": "All", "members": ["team@t.example", "bob@t.example"] },
            { "address": "team@t.example", "name": "Team", "members": ["anna@t.example", "carol@t.example", "all@t.example"] }
        ]
    }]})
}

async fn start(world: &Value) -> Running {
    // Another test may have done it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let options = Options { listen: "127.0.0.1:0".parse().unwrap(), tls: None, clock, strict: true };
    let simulator = Simulator::start(World::from_json(&world.to_string()).unwrap(), options).await.unwrap();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut running = Running { simulator, http, token: String::new() };
    running.token = running.token_of("app-everything").await;
    running
}

impl Running {
    /// A token response; pairs of the form override or remove (when empty) the usual ones.
    async fn ask_token(&self, tenant: &str, changes: &[(&str, &str)]) -> Reply {
        let mut form = vec![
            ("grant_type", "client_credentials"),
            ("client_id", "app-everything"),
            ("client_secret", "secret"),
            ("scope", "https://graph.microsoft.com/.default"),
        ];
        for (name, value) in changes {
            form.retain(|(known, _)| known != name);
            if !value.is_empty() {
                form.push((name, value));
            }
        }
        let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let url = format!("{}/{tenant}/oauth2/v2.0/token", self.simulator.base_url());
        let kind = "application/x-www-form-urlencoded";
        read(self.http.post(url).header("content-type", kind).body(form).send().await.unwrap()).await
    }

    async fn token_of(&self, client_id: &str) -> String {
        let body = self.ask_token(TENANT, &[("client_id", client_id)]).await.expect(200);
        body["access_token"].as_str().unwrap().to_owned()
    }

    async fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Option<&Value>) -> Reply {
        let url =
            if path.starts_with("http") { path.to_owned() } else { format!("{}{path}", self.simulator.base_url()) };
        let mut request = self.http.request(method.parse().unwrap(), url).bearer_auth(&self.token);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        let reply = read(request.send().await.unwrap()).await;
        if path.contains("/v1.0/") {
            schema::check(method, path, &reply);
        }
        reply
    }

    async fn get(&self, path: &str) -> Reply {
        self.send("GET", path, &[], None).await
    }

    async fn post(&self, path: &str, body: &Value) -> Reply {
        self.send("POST", path, &[], Some(body)).await
    }

    /// Creates an event in UTC; `more` adds to it.
    async fn add(&self, owner: &str, subject: &str, start: &str, end: &str, more: Value) -> Value {
        let mut event = json!({
            "subject": subject,
            "start": { "dateTime": start, "timeZone": "UTC" },
            "end": { "dateTime": end, "timeZone": "UTC" },
        });
        event.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        self.post(&format!("/v1.0/users/{owner}/events"), &event).await.expect(201)
    }

    async fn view(&self, owner: &str, from: &str, to: &str) -> Vec<Value> {
        let path = format!("/v1.0/users/{owner}/calendarView?startDateTime={from}&endDateTime={to}&$top=1000");
        self.get(&path).await.expect(200)["value"].as_array().unwrap().clone()
    }

    async fn fault(&self, fault: Value) {
        self.post("/control/faults", &fault).await.expect(204);
    }

    async fn ledger(&self) -> Value {
        self.get("/control/ledger").await.expect(200)
    }
}

async fn read(response: reqwest::Response) -> Reply {
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let text = response.text().await.unwrap();
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Reply { status, headers, body }
}

fn weekly(start: &str, days: &[&str]) -> Value {
    json!({ "recurrence": {
        "pattern": { "type": "weekly", "interval": 1, "daysOfWeek": days },
        "range": { "type": "noEnd", "startDate": start },
    }})
}
