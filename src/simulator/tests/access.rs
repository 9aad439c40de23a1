//! Tokens, permissions, headers.

use std::sync::Arc;

use jiff::ToSpan;
use serde_json::{Value, json};

use super::super::{Options, Simulator, World};
use super::{NOW, TENANT, clock, small, start};

/// Tenant, changes of the form, then status, error and AADSTS number.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], u16, &'a str, i64);

#[tokio::test]
async fn the_token_endpoint_refuses_as_entra_does() {
    let running = start(&small()).await;
    let kind = ("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
    let cases: [Case; 12] = [
        (TENANT, &[("client_secret", "wrong")], 401, "invalid_client", 7_000_215),
        (TENANT, &[("client_secret", "")], 401, "invalid_client", 7_000_216),
        (TENANT, &[("client_id", "app-old")], 401, "invalid_client", 7_000_222),
        (TENANT, &[("client_id", "nobody")], 400, "unauthorized_client", 700_016),
        (TENANT, &[("client_id", "")], 400, "invalid_request", 900_144),
        (TENANT, &[("scope", "https://graph.microsoft.com/Calendars.Read")], 400, "invalid_scope", 1_002_012),
        (TENANT, &[("scope", "a/.default b/.default")], 400, "invalid_scope", 70011),
        (TENANT, &[("scope", "https://other.example/.default")], 400, "invalid_resource", 500_011),
        (TENANT, &[("grant_type", "password")], 400, "unsupported_grant_type", 70003),
        (TENANT, &[("client_secret", ""), kind, ("client_assertion", "a.b.c")], 401, "invalid_client", 50027),
        ("99999999-2222-4333-8444-555555555555", &[], 400, "invalid_request", 90002),
        ("nonsense", &[], 400, "invalid_request", 900_023),
    ];
    for (tenant, changes, status, error, code) in cases {
        let reply = running.ask_token(tenant, changes).await;
        assert_eq!((reply.status, reply.body["error"].as_str()), (status, Some(error)), "{changes:?} {}", reply.body);
        assert_eq!(reply.body["error_codes"], json!([code]));
        let text = reply.body["error_description"].as_str().unwrap();
        assert!(
            text.starts_with(&format!("AADSTS{code}: ")) && text.contains("\r\nTimestamp: 2026-11-23 08:00:00Z"),
            "{text}"
        );
        assert!(reply.headers["cache-control"].to_str().unwrap().contains("no-store"));
    }
}

#[tokio::test]
async fn a_token_serves_until_it_expires() {
    let running = start(&small()).await;
    let issued = running.ask_token("T.example", &[]).await.expect(200);
    assert_eq!((&issued["token_type"], &issued["expires_in"]), (&json!("Bearer"), &json!(3599)));
    assert_eq!(running.token.split('.').count(), 3);
    let path = "/v1.0/users/anna@t.example/events";
    running.get(path).await.expect(200);
    NOW.set(NOW.get() + 3599.seconds());
    let reply = running.get(path).await;
    assert_eq!(reply.refusal(), (401, "InvalidAuthenticationToken"));
    assert!(reply.headers["www-authenticate"].to_str().unwrap().starts_with("Bearer realm=\"\""));
    assert!(reply.body["error"]["message"].as_str().unwrap().contains("expired"));
}

#[tokio::test]
async fn other_tokens_are_refused() {
    let mut running = start(&small()).await;
    let good = running.token.clone();
    let outlook = running.ask_token(TENANT, &[("scope", "https://outlook.office365.com/.default")]).await.expect(200);
    let other = start(&small()).await;
    let (head, signature) = good.rsplit_once('.').unwrap();
    let forged = format!("{head}.{}", signature.chars().rev().collect::<String>());
    for token in ["", "x", "a.b.c", &forged, &other.token, outlook["access_token"].as_str().unwrap()] {
        running.token = token.to_owned();
        assert_eq!(running.get("/v1.0/users").await.refusal(), (401, "InvalidAuthenticationToken"), "{token}");
    }
}

#[tokio::test]
async fn the_secret_may_come_as_http_basic() {
    let running = start(&small()).await;
    let url = format!("{}/{TENANT}/oauth2/v2.0/token", running.simulator.base_url());
    let form = "grant_type=client_credentials&scope=https%3A%2F%2Fgraph.microsoft.com%2F.default";
    let request = running.http.post(url).basic_auth("app-basic", Some("secret")).body(form);
    assert_eq!(request.send().await.unwrap().status(), 200);
}

#[tokio::test]
async fn each_call_needs_its_role() {
    let mut running = start(&small()).await;
    let event = running
        .add(
            "anna@t.example",
            "A",
            "2026-11-24T10:00:00",
            "2026-11-24T11:00:00",
            json!({ "body": { "content": "hidden" } }),
        )
        .await;
    running.token = running.token_of("app-basic").await;
    let shown =
        running.get(&format!("/v1.0/users/anna@t.example/events/{}", event["id"].as_str().unwrap())).await.expect(200);
    assert!(shown.get("body").is_none() && shown.get("bodyPreview").is_none());
    let body = json!({ "start": { "dateTime": "2026-11-24T10:00:00", "timeZone": "UTC" }, "end": { "dateTime": "2026-11-24T11:00:00", "timeZone": "UTC" } });
    assert_eq!(running.post("/v1.0/users/anna@t.example/events", &body).await.refusal(), (403, "ErrorAccessDenied"));
    assert_eq!(running.get("/v1.0/users").await.refusal(), (403, "Authorization_RequestDenied"));
    assert_eq!(running.get("/v1.0/places/microsoft.graph.room").await.status, 403);
}

#[tokio::test]
async fn rbac_reaches_its_mailboxes_only() {
    let mut running = start(&small()).await;
    running.token = running.token_of("app-rooms").await;
    let window = "calendarView?startDateTime=2026-11-24T00:00:00Z&endDateTime=2026-11-25T00:00:00Z";
    assert_eq!(running.get(&format!("/v1.0/users/room1@t.example/{window}")).await.status, 200);
    assert_eq!(
        running.get(&format!("/v1.0/users/anna@t.example/{window}")).await.refusal(),
        (403, "ErrorAccessDenied")
    );
    let body = json!({ "schedules": ["room1@t.example", "anna@t.example"],
        "startTime": { "dateTime": "2026-11-24T10:00:00", "timeZone": "UTC" }, "endTime": { "dateTime": "2026-11-24T11:00:00", "timeZone": "UTC" } });
    let answer = running.post("/v1.0/users/room1@t.example/calendar/getSchedule", &body).await.expect(200);
    assert_eq!(answer["value"][0].get("error"), None);
    assert_eq!(answer["value"][1]["error"]["responseCode"], "5016");
    assert_eq!(running.post("/v1.0/users/anna@t.example/calendar/getSchedule", &body).await.status, 403);
}

#[tokio::test]
async fn every_answer_has_graphs_headers() {
    let running = start(&small()).await;
    let id = "0f8fad5b-d9cb-469f-a165-70867728950e";
    for path in ["/v1.0/users", "/v1.0/nonsense"] {
        let reply = running.send("GET", path, &[("client-request-id", id)], None).await;
        assert_eq!(reply.headers["client-request-id"], id);
        assert!(reply.headers["x-ms-ags-diagnostic"].to_str().unwrap().contains("ServerInfo"));
        assert!(reply.headers["content-type"].to_str().unwrap().starts_with("application/json;odata.metadata=minimal"));
        assert_eq!(reply.headers["odata-version"], "4.0");
        if reply.status == 400 {
            let inner = &reply.body["error"]["innerError"];
            assert_eq!(inner["client-request-id"], id);
            assert_eq!(inner["request-id"], reply.headers["request-id"].to_str().unwrap());
            assert_eq!(inner["date"], "2026-11-23T08:00:00");
        }
    }
}

#[tokio::test]
async fn answers_are_compressed_for_those_who_ask() {
    let running = start(&small()).await;
    let url = format!("{}/v1.0/users", running.simulator.base_url());
    let plain = reqwest::Client::builder().no_proxy().no_gzip().build().unwrap();
    let response = plain.get(&url).bearer_auth(&running.token).header("accept-encoding", "gzip").send().await.unwrap();
    assert_eq!(response.headers()["content-encoding"], "gzip");
    let body: Value = running.get("/v1.0/users").await.expect(200);
    assert!(body["value"].as_array().unwrap().len() > 3);
}

#[tokio::test]
async fn tls_and_http_2_are_served() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let chain = vec![made.cert.der().clone()];
    let mut tls = rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap();
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let options = Options { listen: "127.0.0.1:0".parse().unwrap(), tls: Some(Arc::new(tls)), clock, strict: true };
    let simulator = Simulator::start(World::from_json(&small().to_string()).unwrap(), options).await.unwrap();
    let root = reqwest::Certificate::from_pem(made.cert.pem().as_bytes()).unwrap();
    let client = reqwest::Client::builder().no_proxy().tls_certs_only([root]).build().unwrap();
    let base = simulator.base_url();
    assert!(base.starts_with("https://127.0.0.1:"));
    let form = format!(
        "grant_type=client_credentials&client_id=app-everything&client_secret=secret&scope={}",
        url::form_urlencoded::byte_serialize(format!("{base}/.default").as_bytes()).collect::<String>()
    );
    let response = client.post(format!("{base}/{TENANT}/oauth2/v2.0/token")).body(form).send().await.unwrap();
    let token: Value = response.json().await.unwrap();
    let token = token["access_token"].as_str().unwrap();
    let response = client.get(format!("{base}/v1.0/users?$top=1")).bearer_auth(token).send().await.unwrap();
    assert_eq!((response.version(), response.status().as_u16()), (reqwest::Version::HTTP_2, 200));
    let page: Value = response.json().await.unwrap();
    assert!(page["@odata.nextLink"].as_str().unwrap().starts_with(&base), "{page}");
    simulator.stop().await;
}
