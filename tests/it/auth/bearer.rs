//! Tokens as credentials: only our own, while they hold, for clients that still are.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use calendar_relay::app;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

use super::{bare, status};
use crate::harness::{CLIENT, ISSUER, SIGNING_KEY, Setup};

const OTHER_KEY: &str = "fedcba9876543210fedcba9876543210";

/// The claims of a good token.
fn claims() -> Value {
    let now = app::now().as_second();
    json!({ "iss": ISSUER, "aud": ISSUER, "sub": CLIENT, "client_id": CLIENT, "iat": now, "nbf": now, "exp": now + 600, "jti": "1" })
}

fn signed(claims: &Value, id: &str, key: &str) -> String {
    let mut header = Header::new(Algorithm::HS256);
    header.kid = Some(id.to_owned());
    jsonwebtoken::encode(&header, claims, &EncodingKey::from_secret(key.as_bytes())).unwrap()
}

/// The good claims with one changed.
fn with(name: &str, value: Value) -> Value {
    let mut claims = claims();
    claims[name] = value;
    claims
}

#[tokio::test]
async fn only_tokens_of_our_own_that_hold() {
    let gateway = Setup { limits: "failures_per_minute = 1000".to_owned(), ..Setup::new() }.start().await;
    let token = gateway.token().await;
    assert_eq!(status(&gateway, bare(&gateway).bearer_auth(&token)).await, 200);
    assert_eq!(status(&gateway, bare(&gateway).header("authorization", format!("bearer {token}"))).await, 200);

    let now = app::now().as_second();
    let parts: Vec<&str> = token.split('.').collect();
    let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none","typ":"JWT","kid":"k1"}"#);
    let (head, rest) = parts[2].split_at(1);
    let turned = format!("{}{rest}", if head == "A" { "B" } else { "A" });
    for (what, bad) in [
        ("expired", signed(&with("exp", json!(now - 1)), "k1", SIGNING_KEY)),
        ("not yet valid", signed(&with("nbf", json!(now + 600)), "k1", SIGNING_KEY)),
        ("another audience", signed(&with("aud", json!("https://graph.microsoft.com")), "k1", SIGNING_KEY)),
        ("another issuer", signed(&with("iss", json!("https://evil.example")), "k1", SIGNING_KEY)),
        ("forged", signed(&claims(), "k1", OTHER_KEY)),
        ("an unknown key", signed(&claims(), "k9", SIGNING_KEY)),
        ("a removed client", signed(&with("sub", json!("formerly")), "k1", SIGNING_KEY)),
        ("a user name", signed(&with("sub", json!("interop@contoso.example")), "k1", SIGNING_KEY)),
        ("unsigned", format!("{none}.{}.", parts[1])),
        ("alg none with a signature", format!("{none}.{}.{}", parts[1], parts[2])),
        ("a turned signature", format!("{}.{}.{turned}", parts[0], parts[1])),
        ("rubbish", "a.b.c".to_owned()),
    ] {
        let answer = gateway.send(bare(&gateway).bearer_auth(&bad)).await;
        assert_eq!(answer.status, 401, "{what}");
    }
    gateway.done().await;
}

#[tokio::test]
async fn keys_rotate_without_an_outage() {
    let keys = |ids: &[(&str, &str)]| {
        let keys: Vec<String> =
            ids.iter().map(|(id, key)| format!("{{ id = \"{id}\", secret = {{ env = \"{key}\" }} }}")).collect();
        format!("lifetime = \"10m\"\nkeys = [{}]", keys.join(", "))
    };
    let old = Setup { tokens: keys(&[("old", SIGNING_KEY)]), ..Setup::new() }.start().await;
    let issued = old.token().await;
    old.done().await;
    let both = Setup { tokens: keys(&[("new", OTHER_KEY), ("old", SIGNING_KEY)]), ..Setup::new() }.start().await;
    assert_eq!(status(&both, bare(&both).bearer_auth(&issued)).await, 200);
    let fresh = both.token().await;
    assert_eq!(jsonwebtoken::decode_header(&fresh).unwrap().kid.as_deref(), Some("new"));
    both.done().await;
    let new = Setup { tokens: keys(&[("new", OTHER_KEY)]), ..Setup::new() }.start().await;
    assert_eq!(status(&new, bare(&new).bearer_auth(&fresh)).await, 200);
    assert_eq!(status(&new, bare(&new).bearer_auth(&issued)).await, 401);
    new.done().await;
}

#[tokio::test]
async fn lifetimes_are_those_of_the_configuration() {
    let tokens = format!("lifetime = \"10m\"\nkeys = [{{ id = \"k1\", secret = {{ env = \"{SIGNING_KEY}\" }} }}]");
    let gateway = Setup { tokens, ..Setup::new() }.start().await;
    let answer = gateway.form(&format!("client_id={CLIENT}&client_secret={}", crate::harness::SECRET)).await;
    assert_eq!(answer.json()["expires_in"], 600);
    gateway.done().await;
}
