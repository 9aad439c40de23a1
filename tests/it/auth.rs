//! Who may call: tokens, names and secrets, NTLM, and from where.

mod attacks;
mod bearer;
mod certificates;
mod ntlm;
mod tokens;

use reqwest::RequestBuilder;

use crate::harness::requests::envelope;
use crate::harness::{CLIENT, Gateway, SECRET, Setup};

fn lists() -> String {
    envelope("<m:GetRoomLists/>")
}

/// A SOAP request without credentials.
fn bare(gateway: &Gateway) -> RequestBuilder {
    gateway.http.post(gateway.url("/EWS/Exchange.asmx")).header("content-type", "text/xml; charset=utf-8").body(lists())
}

async fn status(gateway: &Gateway, request: RequestBuilder) -> u16 {
    gateway.send(request).await.status
}

#[tokio::test]
async fn nobody_is_challenged_with_both_schemes() {
    let gateway = Setup::new().start().await;
    for path in ["/", "/EWS/Exchange.asmx"] {
        for request in [gateway.http.get(gateway.url(path)), gateway.http.post(gateway.url(path)).body(lists())] {
            let answer = gateway.send(request).await;
            assert_eq!(answer.status, 401);
            assert_eq!(answer.body, "");
            let challenges: Vec<&str> =
                answer.headers.get_all("www-authenticate").iter().map(|value| value.to_str().unwrap()).collect();
            assert!(
                challenges[0].starts_with("Basic realm=") && challenges[1].starts_with("Bearer "),
                "{challenges:?}"
            );
            assert!(answer.header("ms-diagnostics-public").contains("Modern Auth"));
        }
    }
    gateway.done().await;
}

#[tokio::test]
async fn names_and_secrets() {
    let gateway = Setup::new().start().await;
    for user in [CLIENT, "Interop@Contoso.Example", "CONTOSO\\interop"] {
        assert_eq!(status(&gateway, bare(&gateway).basic_auth(user, Some(SECRET))).await, 200, "{user}");
    }
    for (user, secret) in [(CLIENT, "wrong"), (CLIENT, ""), ("nobody", SECRET), ("", ""), ("contoso.example", SECRET)] {
        let answer = gateway.send(bare(&gateway).basic_auth(user, Some(secret))).await;
        assert_eq!(answer.status, 401, "{user}");
        assert!(answer.headers.get("www-authenticate").is_some());
    }
    for odd in ["Basic", "Basic !!!", "Negotiate YII=", "Bearer", "Basic aW50ZXJvcA=="] {
        assert_eq!(status(&gateway, bare(&gateway).header("authorization", odd)).await, 401, "{odd}");
    }
    gateway.done().await;
}

#[tokio::test]
async fn chosen_passwords_are_argon2id() {
    let mut out = Vec::new();
    calendar_relay::commands::credentials::hash_password(&mut &b"correct horse battery\n"[..], &mut out).unwrap();
    let line = String::from_utf8(out).unwrap();
    let mut setup = Setup::new();
    setup.clients.push_str(&format!(
        "[[clients]]\nid = \"person\"\n{line}capabilities = [\"directory\"]\nmailboxes = [\"*\"]\nceiling = \"time\"\n"
    ));
    let gateway = setup.start().await;
    for _ in 0..2 {
        assert_eq!(status(&gateway, bare(&gateway).basic_auth("person", Some("correct horse battery"))).await, 200);
        assert_eq!(status(&gateway, bare(&gateway).basic_auth("person", Some("correct horse"))).await, 401);
    }
    // One client's password is not another's.
    assert_eq!(status(&gateway, bare(&gateway).basic_auth(CLIENT, Some("correct horse battery"))).await, 401);
    gateway.done().await;
}

#[tokio::test]
async fn an_address_that_fails_too_often_is_told_to_wait_but_right_secrets_still_work() {
    let gateway = Setup { limits: "failures_per_minute = 3".to_owned(), ..Setup::new() }.start().await;
    for _ in 0..3 {
        assert_eq!(status(&gateway, bare(&gateway).basic_auth(CLIENT, Some("wrong"))).await, 401);
    }
    let answer = gateway.send(bare(&gateway).basic_auth(CLIENT, Some("wrong"))).await;
    let (code, fault) = answer.fault();
    assert_eq!(code, "ErrorServerBusy");
    assert!(fault.all("Value").iter().any(|value| value.attribute("Name") == "BackOffMilliseconds"));
    let answer = gateway.form(&format!("client_id={CLIENT}&client_secret=wrong")).await;
    assert_eq!((answer.status, answer.header("retry-after")), (429, "60"));
    assert_eq!(status(&gateway, bare(&gateway).basic_auth(CLIENT, Some(SECRET))).await, 200);
    assert!(gateway.figure("calendar_relay_limited_total{client=\"-\",limit=\"authentication\"}").await >= 2);
    gateway.done().await;
}

#[tokio::test]
async fn networks_are_checked_for_each_route() {
    let elsewhere = "networks = [\"192.0.2.0/24\"]\n";
    let gateway = Setup::client(&["*"], elsewhere).start().await;
    let token = gateway.token().await;
    assert_eq!(status(&gateway, bare(&gateway).bearer_auth(token)).await, 403);
    assert_eq!(status(&gateway, bare(&gateway).basic_auth(CLIENT, Some(SECRET))).await, 403);
    assert_eq!(status(&gateway, bare(&gateway).basic_auth(CLIENT, Some("wrong"))).await, 401);
    gateway.done().await;

    let elsewhere = "token_networks = [\"google-calendar-interop\"]\n";
    let gateway = Setup::client(&["*"], elsewhere).start().await;
    let answer = gateway.form(&format!("client_id={CLIENT}&client_secret={SECRET}")).await;
    assert_eq!((answer.status, answer.json()["error"].as_str()), (403, Some("unauthorized_client")));
    assert_eq!(status(&gateway, bare(&gateway).basic_auth(CLIENT, Some(SECRET))).await, 200);
    gateway.done().await;
}
