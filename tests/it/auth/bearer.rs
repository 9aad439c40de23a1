//! Tokens as credentials: while they hold, and over a rotation of keys. What is no token of ours is in `attacks`.

use super::{bare, status};
use crate::harness::{CLIENT, SIGNING_KEY, Setup};

const OTHER_KEY: &str = "fedcba9876543210fedcba9876543210";

#[tokio::test]
async fn tokens_let_their_client_in() {
    let gateway = Setup::new().start().await;
    let token = gateway.token().await;
    assert_eq!(status(&gateway, bare(&gateway).bearer_auth(&token)).await, 200);
    assert_eq!(status(&gateway, bare(&gateway).header("authorization", format!("bearer {token}"))).await, 200);
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
