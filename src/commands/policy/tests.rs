//! Explanations of random policies say what the policies say.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::collections::HashSet;

use jiff::tz::TimeZone;
use proptest::prelude::*;
use serde_json::Value;
use tempfile::TempDir;

use super::*;
use crate::calendar::domains::Domains;
use crate::client::{Ceiling, Denial, DenyList, Everybody, Grant, Hours, Mailboxes, Policy, Roster, View, Within};

const ADDRESSES: [&str; 4] = ["a@x.example", "b@x.example", "a@y.example", "c@z.example"];
const PATTERNS: [&str; 5] = ["*", "*@x.example", "a@x.example", "?@y.example", "b*@x.example"];

fn mailbox(address: &str) -> Mailbox {
    Mailbox::parse(address).unwrap()
}

prop_compose! {
    /// Patterns, and perhaps a group that perhaps is known.
    fn mailboxes()(
        patterns in prop::sample::subsequence(PATTERNS.to_vec(), 0..3),
        group in prop::option::of(prop::option::of(prop::sample::subsequence(ADDRESSES.to_vec(), 0..3))),
    ) -> Mailboxes {
        let mut mailboxes = Mailboxes::of_patterns(&patterns);
        mailboxes.rosters.extend(group.map(|members| {
            let roster = Roster::new(Source::Group(mailbox("group@x.example")));
            if let Some(members) = members {
                roster.replace(members.into_iter().map(mailbox).collect::<HashSet<_>>());
            }
            Arc::new(roster)
        }));
        mailboxes
    }
}

prop_compose! {
    fn grant()(
        capabilities in prop::sample::subsequence(Capability::ALL.to_vec(), 1..5),
        mailboxes in mailboxes(),
        ceiling in prop::sample::select(Ceiling::ALL.to_vec()),
    ) -> Grant {
        Grant { capabilities, mailboxes, view: Arc::new(View::under(ceiling)) }
    }
}

prop_compose! {
    fn policy()(
        grants in prop::collection::vec(grant(), 1..4),
        denied in prop::option::of((mailboxes(), any::<bool>())),
        within in prop::option::of(any::<bool>()),
        hours in prop::option::of(Just(Hours { from: "08:00".parse().unwrap(), to: "18:00".parse().unwrap(), zone: TimeZone::UTC })),
    ) -> Policy {
        let mut policy = Policy { grants, read_only: hours, ..Policy::unlimited(&[], &[], Ceiling::Time) };
        policy.denied = denied.map(|(listed, knows)| {
            let list = DenyList::new(listed);
            if knows {
                let mut everybody = Everybody::default();
                everybody.add(vec![mailbox("a@x.example"), mailbox("c@z.example")]);
                everybody.add(vec![mailbox("b@x.example")]);
                list.learn(vec![Arc::new(everybody)]);
            }
            Arc::new(list)
        });
        policy.within = within.map(|has_y| {
            let mut domains = Domains::default();
            domains.insert("x.example", true).unwrap();
            domains.insert("y.example", has_y).unwrap();
            Within { tenants: ["t".to_owned()].into(), domains }
        });
        policy
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn an_explanation_says_what_the_policy_says(
        policy in policy(),
        address in prop::sample::select(ADDRESSES.to_vec()),
        capability in prop::sample::select(Capability::ALL.to_vec()),
        hour in 0_i64..24,
    ) {
        let client = Client::without_login("c", policy);
        let (mailbox, at) = (mailbox(address), Timestamp::from_second(hour * 3600).unwrap());
        let verdict = client.permit(&mailbox, capability, at);
        let explanation = Explanation::of(&client, &mailbox, Some(capability), at, &Serving::default(), true);
        let json = explanation.json("x", &Serving::default());
        let text = explanation.sentences().join("\n");
        prop_assert_eq!(json["allowed"].as_bool(), Some(verdict.is_ok()));
        prop_assert_eq!(json["reason"].as_str(), verdict.as_ref().err().map(|denial| denial.label()));
        let denied_by = json["denied_by"].as_array().unwrap();
        match verdict {
            Ok(permitted) => {
                prop_assert!(text.starts_with("Allowed: "), "{}", text);
                prop_assert!(denied_by.is_empty() && !json["grant"]["by"].as_array().unwrap().is_empty(), "{}", text);
                prop_assert_eq!(json["view"]["ceiling"].as_str(), Some(permitted.ceiling().name()));
            }
            Err(denial) => {
                prop_assert!(text.starts_with("Denied ("), "{}", text);
                prop_assert!(json["view"].is_null());
                let reason = match denial {
                    Denial::Capability => "No grant is for",
                    Denial::Mailbox => "names it.",
                    Denial::DenyList => "The deny list names it by ",
                    Denial::Tenant => "is not of one of them",
                    Denial::ReadOnlyHours => "is in that time",
                    Denial::NotKnownYet => "not",
                };
                prop_assert!(text.contains(reason), "{}", text);
                prop_assert_eq!(denial == Denial::DenyList && denied_by.is_empty(), false, "{}", text);
            }
        }
    }
}

/// A configuration with a file of denied mailboxes.
fn folder() -> TempDir {
    let folder = TempDir::new().unwrap();
    std::fs::write(folder.path().join("denied.txt"), "ceo@contoso.example # by hand\n").unwrap();
    let hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    let text = format!(
        "[server]\nlisten = '127.0.0.1:1'\npublic_url = 'https://x.example'\nplain = true\n\
         [tokens]\nkeys = [{{ id = 'a', secret = {{ file = 'key' }} }}]\n\
         [[tenants]]\nname = 'contoso'\nid = 't'\ndomains = ['contoso.example']\n\
         [[tenants.credentials]]\nclient_id = 'reader'\nsecret = {{ file = 'key' }}\ncapabilities = ['calendar_read']\n\
         rbac_scoped = true\n\
         [[tenants.credentials]]\nclient_id = 'd'\nsecret = {{ file = 'key' }}\ncapabilities = ['directory']\n\
         [[clients]]\nid = 'respa'\nusers = ['service@contoso.example']\nsecrets_sha256 = ['{hash}']\nceiling = 'full'\n\
         capabilities = ['calendar_read']\nmailboxes = ['room-1@contoso.example', 'ceo@contoso.example']\n\
         deny = [{{ file = 'denied.txt' }}]\n\
         [[clients]]\nid = 'wide'\nsecrets_sha256 = ['{hash}']\nceiling = 'full'\n\
         capabilities = ['calendar_read', 'out_of_office_read']\nmailboxes = ['*']\n\
         [[clients]]\nid = 'grouped'\nsecrets_sha256 = ['{hash}']\nceiling = 'full'\n\
         capabilities = ['calendar_read']\nmailboxes = [{{ group = 'rooms@contoso.example' }}]\n"
    );
    std::fs::write(folder.path().join("key"), "0123456789abcdef0123456789abcdef").unwrap();
    std::fs::write(folder.path().join("config.toml"), text).unwrap();
    folder
}

async fn explained(folder: &TempDir, client: &str, mailbox: &str, operation: &str) -> Result<(Ending, Value), String> {
    let settings = Settings {
        config: folder.path().join("config.toml"),
        client: client.to_owned(),
        mailbox: mailbox.to_owned(),
        operation: operation.to_owned(),
        at: Some("2027-03-10T18:30:00Z".to_owned()),
        online: false,
        json: true,
    };
    let mut out = Vec::new();
    let ending = explain(settings, &mut out).await.map_err(|trouble| trouble.text().to_owned())?;
    Ok((ending, serde_json::from_slice(&out).unwrap()))
}

#[tokio::test]
async fn the_way_to_graph_and_the_entries_are_named() {
    let folder = folder();
    let (ending, json) =
        explained(&folder, "Service@contoso.example", "room-1@contoso.example", "GetItem").await.unwrap();
    assert_eq!((ending, json["allowed"].as_bool()), (Ending::Well, Some(true)), "{json}");
    assert_eq!((json["client"].as_str(), json["capability"].as_str()), (Some("respa"), Some("calendar_read")));
    assert_eq!(json["grant"], serde_json::json!({ "number": 1, "by": ["its address"] }));
    assert_eq!(json["serving"]["tenant"], "contoso");
    let credential = &json["serving"]["credential"];
    assert_eq!((&credential["client_id"], &credential["proof"]), (&"reader".into(), &"secret".into()));
    assert_eq!(credential["permissions"], serde_json::json!(["Application Calendars.Read"]), "by Exchange's role");

    let (ending, json) = explained(&folder, "respa", "ceo@contoso.example", "calendar_read").await.unwrap();
    assert_eq!((ending, json["reason"].as_str()), (Ending::No, Some("deny_list")));
    assert!(json["denied_by"][0].as_str().unwrap().ends_with("denied.txt"), "{json}");
    let (ending, json) = explained(&folder, "respa", "room-1@contoso.example", "GetUserAvailability").await.unwrap();
    assert_eq!((ending, json["reason"].as_str()), (Ending::No, Some("capability")));
}

#[tokio::test]
async fn what_nobody_can_be_asked_for_is_not_allowed() {
    let folder = folder();
    for (mailbox, operation, reason) in [
        ("a@elsewhere.example", "GetItem", "no_tenant"),
        ("room-1@contoso.example", "out_of_office_read", "no_credential"),
    ] {
        let (ending, json) = explained(&folder, "wide", mailbox, operation).await.unwrap();
        assert_eq!((ending, json["allowed"].as_bool()), (Ending::No, Some(false)), "{json}");
        assert_eq!(json["reason"], reason, "{json}");
        assert!(json["sentences"][0].as_str().unwrap().starts_with("Not served"), "{json}");
        assert!(json["view"].is_null(), "{json}");
    }
}

#[tokio::test]
async fn a_list_that_was_not_read_leaves_it_open() {
    let folder = folder();
    let (ending, json) = explained(&folder, "grouped", "room-1@contoso.example", "GetItem").await.unwrap();
    assert_eq!(
        (ending, &json["allowed"], json["reason"].as_str()),
        (Ending::Trouble, &Value::Null, Some("not_known_yet"))
    );
    assert!(json["sentences"][0].as_str().unwrap().starts_with("Unknown: "), "{json}");
    let (ending, _) = explained(&folder, "grouped", "room-1@contoso.example", "SetUserOofSettings").await.unwrap();
    assert_eq!(ending, Ending::No, "no list gives a capability");
}

#[tokio::test]
async fn operations_that_any_client_may_ask_need_what_decides_what_they_tell() {
    let folder = folder();
    for (operation, capability) in [("ResolveNames", "directory"), ("ConvertId", "calendar_read")] {
        let (_, json) = explained(&folder, "respa", "room-1@contoso.example", operation).await.unwrap();
        assert_eq!(json["capability"], capability, "{json}");
    }
    let (ending, json) = explained(&folder, "respa", "room-1@contoso.example", "GetServerTimeZones").await.unwrap();
    assert_eq!((ending, &json["capability"]), (Ending::Well, &Value::Null), "{json}");
}

#[tokio::test]
async fn what_cannot_be_explained_says_what_there_is() {
    let folder = folder();
    for (client, mailbox, operation, expected) in [
        ("nobody", "a@contoso.example", "GetItem", "there are respa, wide, grouped"),
        ("respa", "nonsense", "GetItem", "not a valid SMTP address"),
        ("respa", "a@contoso.example", "Nothing", "GetUserAvailabilityRequest"),
    ] {
        let told = explained(&folder, client, mailbox, operation).await.unwrap_err();
        assert!(told.contains(expected), "{told}");
    }
}
