//! `POST /token`: RFC 6749 §4.4 and §5.2, as tolerant as callers need.

use crate::harness::{CLIENT, ISSUER, SECRET, Setup};

#[tokio::test]
async fn a_token_by_form_or_basic_with_whatever_callers_add() {
    let gateway = Setup::new().start().await;
    let credentials = format!("client_id={CLIENT}&client_secret={SECRET}");
    for form in [
        format!("grant_type=client_credentials&{credentials}"),
        credentials.clone(),
        format!("grant_type=&{credentials}"),
        format!("grant_type=client_credentials&{credentials}&scope=https%3A%2F%2Foutlook.office365.com%2F.default"),
        format!("{credentials}&resource=anything&audience=x&unknown=1"),
    ] {
        let answer = gateway.form(&form).await;
        assert_eq!(answer.status, 200, "{form}: {}", answer.body);
        let token = answer.json();
        assert_eq!((token["token_type"].as_str(), token["expires_in"].as_u64()), (Some("Bearer"), Some(3600)));
        assert_eq!((answer.header("cache-control"), answer.header("pragma")), ("no-store", "no-cache"));
    }
    for body in ["", "grant_type=client_credentials"] {
        let post = gateway.http.post(gateway.url("/TOKEN")).basic_auth(CLIENT, Some(SECRET));
        let post = post.header("content-type", "application/x-www-form-urlencoded").body(body);
        assert_eq!(gateway.send(post).await.status, 200);
    }
    gateway.done().await;
}

#[tokio::test]
async fn refusals_are_those_of_the_rfc() {
    let gateway = Setup::new().start().await;
    for (form, status, error) in [
        (format!("client_id={CLIENT}&client_secret=wrong"), 401, "invalid_client"),
        (format!("client_id=nobody&client_secret={SECRET}"), 401, "invalid_client"),
        (format!("client_id={CLIENT}"), 401, "invalid_client"),
        (String::new(), 401, "invalid_client"),
        (format!("grant_type=password&client_id={CLIENT}&client_secret={SECRET}"), 400, "unsupported_grant_type"),
        (
            format!("grant_type=authorization_code&client_id={CLIENT}&client_secret={SECRET}"),
            400,
            "unsupported_grant_type",
        ),
    ] {
        let answer = gateway.form(&form).await;
        assert_eq!((answer.status, answer.json()["error"].as_str()), (status, Some(error)), "{form}");
        assert_eq!(answer.headers.get("www-authenticate").is_some(), status == 401);
        assert!(answer.header("content-type").starts_with("application/json"));
        assert!(!answer.body.contains(SECRET));
    }
    let long = gateway.form(&"x".repeat(100_000)).await;
    assert_eq!((long.status, long.json()["error"].as_str()), (413, Some("invalid_request")));
    let get = gateway.get(gateway.url("/token")).await;
    assert_eq!(get.status, 405);
    gateway.done().await;
}

#[tokio::test]
async fn metadata_names_the_issuer_of_the_configuration() {
    let gateway = Setup::new().start().await;
    let request =
        gateway.http.get(gateway.url("/.well-known/oauth-authorization-server")).header("host", "evil.example");
    let metadata = gateway.send(request).await.json();
    assert_eq!(metadata["issuer"], ISSUER);
    assert_eq!(metadata["token_endpoint"], format!("{ISSUER}/token"));
    assert_eq!(metadata["grant_types_supported"][0], "client_credentials");
    gateway.done().await;
}
