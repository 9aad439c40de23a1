//! Deny lists through the whole program: whatever names a denied mailbox, the answer is that of one that the policy
//! does not know.

use serde_json::json;

use crate::harness::requests::{envelope, envelope_with};
use crate::harness::{Gateway, Setup};

/// Everybody but Nina, by one of her addresses.
async fn start() -> Gateway {
    let keys = "deny = [\"n.new@contoso.example\"]\n";
    let mut setup = Setup::client(&["*@contoso.example"], keys);
    setup.credentials.retain(|(capability, _)| *capability != "directory");
    setup.credentials.push(("all_addresses", "everything"));
    setup.start().await
}

fn folder(mailbox: &str, impersonated: Option<&str>) -> String {
    let body = format!(
        "<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape><m:FolderIds>\
         <t:DistinguishedFolderId Id=\"calendar\"><t:Mailbox><t:EmailAddress>{mailbox}</t:EmailAddress></t:Mailbox>\
         </t:DistinguishedFolderId></m:FolderIds></m:GetFolder>"
    );
    let Some(address) = impersonated else { return envelope(&body) };
    let header = format!(
        "<t:RequestServerVersion Version=\"Exchange2013\"/><t:ExchangeImpersonation><t:ConnectingSID><t:SmtpAddress>\
         {address}</t:SmtpAddress></t:ConnectingSID></t:ExchangeImpersonation>"
    );
    envelope_with(&header, &body)
}

#[tokio::test]
async fn all_addresses_of_a_denied_mailbox_are_denied() {
    let gateway = start().await;
    let elsewhere = gateway.soap(&folder("somebody@elsewhere.example", None)).await;
    assert!(elsewhere.body.contains("ErrorAccessDenied"), "{}", elsewhere.body);
    for address in ["nina@contoso.example", "n.new@contoso.example", "N.New@Contoso.example"] {
        let denied = gateway.soap(&folder(address, None)).await;
        assert_eq!((denied.status, &denied.body), (elsewhere.status, &elsewhere.body), "{address}");
    }
    let allowed = gateway.soap(&folder("hanna@contoso.example", None)).await;
    assert!(allowed.body.contains("NoError"), "{}", allowed.body);
    for address in ["nobody@contoso.example", "n\u{ed}na@contoso.example"] {
        let denied = gateway.soap(&folder(address, None)).await;
        assert_eq!((denied.status, &denied.body), (elsewhere.status, &elsewhere.body), "{address}");
    }
    let asked = gateway.ledger().await["calls"].to_string();
    assert!(!asked.contains("nina@contoso.example") && !asked.contains("nobody@contoso.example"), "{asked}");
    gateway.done().await;
}

#[tokio::test]
async fn impersonating_a_denied_mailbox_looks_like_impersonating_one_that_the_policy_does_not_know() {
    let gateway = start().await;
    let as_whom = async |address| gateway.soap(&folder("hanna@contoso.example", Some(address))).await;
    let unknown = as_whom("somebody@elsewhere.example").await;
    assert!(unknown.body.contains("ErrorImpersonateUserDenied"), "{}", unknown.body);
    for address in ["nina@contoso.example", "n.new@contoso.example"] {
        let denied = as_whom(address).await;
        assert_eq!((denied.status, &denied.body), (unknown.status, &unknown.body), "{address}");
    }
    assert!(as_whom("hanna@contoso.example").await.body.contains("NoError"));
    gateway.done().await;
}

#[tokio::test]
async fn while_nobody_tells_all_addresses_nobody_is_allowed_by_a_pattern() {
    let gateway = start().await;
    let gateway = gateway
        .restart(async |simulator| {
            let http = reqwest::Client::builder().no_proxy().build().unwrap();
            let url = format!("{}/control/faults", simulator.base_url());
            let fault = json!({ "call": "listUsers", "status": 403, "times": 1000 });
            assert!(http.post(url).body(fault.to_string()).send().await.unwrap().status().is_success());
        })
        .await;
    let hanna = gateway.soap(&folder("hanna@contoso.example", None)).await;
    assert!(hanna.body.contains("ErrorAccessDenied"), "{}", hanna.body);
    assert_eq!(gateway.figure("calendar_relay_rosters_unknown ").await, 1);
    gateway.done().await;
}
