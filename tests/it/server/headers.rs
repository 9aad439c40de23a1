//! Headers that every answer has, and those that none has.

use super::NINA;
use crate::harness::{Answer, CLIENT, Gateway, SECRET, Setup};

#[track_caller]
fn is_guarded(answer: &Answer, cache: &str, what: &str) {
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("content-security-policy", "default-src 'none'; frame-ancestors 'none'"),
        ("x-frame-options", "DENY"),
        ("referrer-policy", "no-referrer"),
        ("cache-control", cache),
    ] {
        let values: Vec<_> = answer.headers.get_all(name).iter().collect();
        assert_eq!(values, [value], "{what}: {name}");
    }
    for name in ["server", "x-powered-by", "via"] {
        assert!(answer.headers.get(name).is_none(), "{what}: {name}");
    }
}

async fn all(gateway: &Gateway) -> Vec<(u16, &'static str, Answer)> {
    let http = &gateway.http;
    let form = |secret: &str| format!("client_id={CLIENT}&client_secret={secret}");
    let get = |path: &str| gateway.send(http.get(gateway.url(path)));
    let json = http.post(gateway.url("/")).header("content-type", "application/json");
    vec![
        (200, "private", gateway.soap(&NINA.xml()).await),
        (500, "private", gateway.soap("<no envelope").await),
        (401, "no-store", gateway.send(http.post(gateway.url("/")).body("x")).await),
        (413, "no-store", gateway.soap(&"x".repeat(2000)).await),
        (415, "no-store", gateway.send(json.basic_auth(CLIENT, Some(SECRET)).body("{}")).await),
        (200, "no-store", gateway.form(&form(SECRET)).await),
        (401, "no-store", gateway.form(&form("wrong")).await),
        (400, "no-store", gateway.form("client_id=a&client_id=a").await),
        (405, "no-store", get("/token").await),
        (401, "no-store", get("/").await),
        (404, "no-store", get("/nothing").await),
        (404, "no-store", get("/EWS/Services.wsdl").await),
        (404, "no-store", gateway.send(http.post(gateway.url("/graph/notifications"))).await),
        (200, "no-store", get("/.well-known/oauth-authorization-server").await),
        (200, "no-store", get("/health-check").await),
        (403, "no-store", gateway.send(http.get(gateway.url("/health-check")).header("x-forwarded-for", "::1")).await),
    ]
}

#[tokio::test]
async fn every_answer_is_of_no_use_to_browsers_and_caches() {
    let server = "trusted_proxies = [\"127.0.0.1\"]\nnetworks = { health = [\"127.0.0.1\"] }".to_owned();
    let setup = Setup { server, limits: "body_bytes = 1900".to_owned(), ..Setup::new() };
    let gateway = setup.start().await;
    for (status, cache, answer) in all(&gateway).await {
        assert_eq!(answer.status, status, "{answer:?}");
        is_guarded(&answer, cache, &format!("{status} {}", answer.body));
        assert_eq!(answer.header("strict-transport-security"), "max-age=31536000");
    }
    for path in ["/metrics", "/health", "/nothing"] {
        let answer = gateway.get(gateway.admin_url(path)).await;
        is_guarded(&answer, "no-store", path);
        assert_eq!(answer.header("strict-transport-security"), "", "it is plain");
    }
    gateway.done().await;
}
