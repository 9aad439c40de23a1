//! Lists at files and at the simulator.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use serde_json::{Value, json};
use tempfile::TempDir;

use super::*;
use crate::calendar::Capability::{Directory, FreeBusy};
use crate::calendar::Mailbox;
use crate::client::{Ceiling, Client, Denial, DenyList, Mailboxes, Policy, Roster, Within};
use crate::graph;
use crate::simulator::{Options, Simulator, World};
use crate::tenant::{Cloud, Credential, Limits, Proof, Secret, Tenant};

const MAX_AGE: Duration = Duration::from_secs(86_400);

/// A simulator and clients whose policies name lists.
struct Stage {
    simulator: Simulator,
    rosters: Rosters,
    clients: Vec<Client>,
    http: reqwest::Client,
}

impl Stage {
    async fn new(clients: Vec<Client>, refresh: Duration) -> Self {
        // Another test may have done it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let options = Options { listen: "127.0.0.1:0".parse().unwrap(), tls: None, clock: now, strict: true };
        let simulator = Simulator::start(World::from_json(&world().to_string()).unwrap(), options).await.unwrap();
        let tenants = vec![tenant(&simulator.base_url())];
        let plan = Plan::of(&clients, &tenants);
        let metrics = Arc::new(Metrics::new());
        let graphs = Graphs::new(tenants, graph::Settings::default(), Arc::clone(&metrics), now).unwrap();
        let rosters = Rosters::new(plan, Settings { refresh, max_age: MAX_AGE }, Arc::new(graphs), metrics, now);
        Self { simulator, rosters, clients, http: reqwest::Client::builder().no_proxy().build().unwrap() }
    }

    async fn refresh(&self) {
        self.rosters.refresh_once(Duration::from_secs(30)).await;
    }

    fn may(&self, client: usize, address: &str) -> Result<(), Denial> {
        self.clients[client].permit(&mailbox(address), FreeBusy, now()).map(drop)
    }

    /// Calls of a kind that came to the simulator so far.
    async fn calls(&self, path: &str) -> usize {
        let url = format!("{}/control/ledger", self.simulator.base_url());
        let ledger = self.http.get(url).send().await.unwrap();
        let ledger: Value = serde_json::from_slice(&ledger.bytes().await.unwrap()).unwrap();
        let is_such = |call: &&Value| call["call"].as_str().is_some_and(|call| call == path);
        ledger["calls"].as_array().unwrap().iter().filter(is_such).count()
    }

    async fn fault(&self, fault: Value) {
        let url = format!("{}/control/faults", self.simulator.base_url());
        let told = self.http.post(url).body(fault.to_string()).send().await.unwrap();
        assert_eq!(told.status(), 204);
    }
}

fn now() -> Timestamp {
    "2026-11-20T08:00:00Z".parse().unwrap()
}

fn world() -> Value {
    let mailbox = |name: &str, aliases: &[&str]| json!({"address": format!("{name}@t.example"), "name": name, "zone": "UTC", "aliases": aliases});
    json!({"tenants": [{
        "id": "11111111-2222-4333-8444-555555555555", "name": "T", "domains": ["t.example"],
        "applications": [{"name": "directory", "client_id": "app", "client_secret": "secret",
            "roles": ["User.Read.All", "GroupMember.Read.All", "Place.Read.All"]}],
        "mailboxes": [
            mailbox("boss", &["big.boss@t.example", "chief@t.example"]), mailbox("aino", &["a@t.example"]), mailbox("olli", &[]),
            {"address": "room@t.example", "name": "Room", "kind": "room", "zone": "UTC"},
        ],
        "room_lists": [{"address": "rooms@t.example", "name": "Rooms", "members": ["room@t.example"]}],
        "groups": [
            {"address": "team@t.example", "name": "Team", "members": ["aino@t.example"]},
            {"address": "board@t.example", "name": "Board", "members": ["boss@t.example"]},
        ],
    }]})
}

fn tenant(simulator: &str) -> Tenant {
    let origin = url::Url::parse(simulator).unwrap();
    let credential = Credential {
        client_id: "app".into(),
        proof: Proof::Secret(Secret::Kept("secret".into())),
        secret_expires: None,
        capabilities: vec![Directory],
        rbac_scoped: false,
        mail_tips: false,
        all_addresses: true,
    };
    Tenant {
        name: "t".into(),
        id: "11111111-2222-4333-8444-555555555555".into(),
        cloud: Cloud { login: origin.clone(), graph: origin, ..Cloud::named("global").unwrap() },
        domains: vec!["t.example".into()],
        is_default: false,
        limits: Limits::default(),
        credentials: vec![credential],
    }
}

fn mailbox(address: &str) -> Mailbox {
    Mailbox::parse(address).unwrap()
}

fn listed(sources: impl IntoIterator<Item = Source>) -> Mailboxes {
    let rosters = sources.into_iter().map(|source| Arc::new(Roster::new(source))).collect();
    Mailboxes { patterns: Vec::new(), rosters }
}

fn client(allowed: Mailboxes, denied: Option<Mailboxes>) -> Client {
    let mut policy = Policy::unlimited(&[FreeBusy], &[], Ceiling::Time);
    policy.grants[0].mailboxes = allowed;
    policy.denied = denied.map(|denied| Arc::new(DenyList::new(denied)));
    Client::without_login("c", policy)
}

#[tokio::test]
async fn files_are_read_when_they_change_and_stay_as_they_were_when_they_are_spoilt() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("rooms.txt");
    let write = |text: &str| std::fs::write(&path, text).unwrap();
    let allowed = || listed([Source::File(path.clone())]);
    let stage = Stage::new(vec![client(allowed(), None), client(allowed(), None)], Duration::from_secs(900)).await;
    assert_eq!(stage.may(0, "a@t.example"), Err(Denial::NotKnownYet));
    stage.refresh().await;
    assert_eq!((stage.may(0, "a@t.example"), stage.rosters.unknown()), (Err(Denial::NotKnownYet), 1), "no file yet");
    write("a@t.example\n");
    stage.refresh().await;
    assert_eq!((stage.may(0, "a@t.example"), stage.may(1, "a@t.example")), (Ok(()), Ok(())));
    assert_eq!((stage.may(0, "bb@t.example"), stage.rosters.unknown()), (Err(Denial::Mailbox), 0));
    write("a@t.example\nnonsense\nbb@t.example");
    stage.refresh().await;
    assert_eq!((stage.may(0, "a@t.example"), stage.rosters.unknown()), (Ok(()), 1));
    assert_eq!(stage.may(0, "bb@t.example"), Err(Denial::Mailbox), "half of a file is none");
    std::fs::remove_file(&path).unwrap();
    stage.refresh().await;
    assert_eq!(stage.may(0, "a@t.example"), Ok(()));
    write("bb@t.example\n");
    stage.refresh().await;
    assert_eq!((stage.may(0, "bb@t.example"), stage.may(1, "a@t.example")), (Ok(()), Err(Denial::Mailbox)));
    assert_eq!(stage.rosters.unknown(), 0);
    stage.simulator.stop().await;
}

#[tokio::test]
async fn groups_and_room_lists_are_asked_for_once_for_all_policies_and_what_fails_stays_as_it_was() {
    let sources = || [Source::Group(mailbox("team@t.example")), Source::RoomList(mailbox("rooms@t.example"))];
    let clients = vec![client(listed(sources()), None), client(listed(sources()), None)];
    let stage = Stage::new(clients, Duration::from_nanos(1)).await;
    stage.fault(json!({ "call": "listTransitiveMembers", "status": 503, "times": 100 })).await;
    stage.refresh().await;
    assert_eq!(stage.rosters.unknown(), 1);
    assert_eq!(stage.may(0, "room@t.example"), Ok(()), "one list does not wait for the other");
    assert_eq!(stage.may(0, "aino@t.example"), Err(Denial::NotKnownYet));
    let url = format!("{}/control/faults", stage.simulator.base_url());
    stage.http.delete(&url).send().await.unwrap();
    stage.refresh().await;
    for client in [0, 1] {
        for (address, expected) in [
            ("aino@t.example", Ok(())),
            ("a@t.example", Ok(())),
            ("room@t.example", Ok(())),
            ("olli@t.example", Err(Denial::Mailbox)),
        ] {
            assert_eq!(stage.may(client, address), expected, "{address}");
        }
    }
    let before = stage.calls("listRoomsOfList").await;
    stage.fault(json!({ "call": "listTransitiveMembers", "status": 403, "times": 100 })).await;
    stage.refresh().await;
    assert_eq!((stage.may(0, "aino@t.example"), stage.rosters.unknown()), (Ok(()), 1));
    assert!(stage.calls("listRoomsOfList").await <= before + 1);
    stage.simulator.stop().await;
}

#[tokio::test]
async fn all_addresses_of_denied_people_are_learnt_also_when_a_list_names_them_later() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("denied.txt");
    std::fs::write(&path, "# nobody\n").unwrap();
    let mut denied = listed([Source::Group(mailbox("board@t.example")), Source::File(path.clone())]);
    denied.patterns = Mailboxes::of_patterns(&["chief@t.example"]).patterns;
    let clients = vec![client(Mailboxes::of_patterns(&["*"]), Some(denied))];
    let stage = Stage::new(clients, Duration::from_secs(900)).await;
    assert_eq!(stage.may(0, "olli@t.example"), Err(Denial::NotKnownYet));
    stage.refresh().await;
    for address in ["boss@t.example", "chief@t.example", "Big.Boss@t.example"] {
        assert_eq!(stage.may(0, address), Err(Denial::DenyList), "{address}");
    }
    assert_eq!((stage.may(0, "a@t.example"), stage.may(0, "olli@t.example")), (Ok(()), Ok(())));
    std::fs::write(&path, "aino@t.example\n").unwrap();
    stage.refresh().await;
    for address in ["aino@t.example", "a@t.example"] {
        assert_eq!(stage.may(0, address), Err(Denial::DenyList), "{address}");
    }
    assert_eq!(stage.may(0, "olli@t.example"), Ok(()));
    stage.simulator.stop().await;
}

#[test]
fn only_tenants_that_a_policy_reaches_have_to_tell_of_their_people() {
    let tenants = [
        tenant("http://127.0.0.1:9/"),
        Tenant { name: "u".into(), domains: vec!["*.u.example".into()], ..tenant("http://127.0.0.1:9/") },
    ];
    let planned = |allowed: &[&str], within: &[&str]| {
        let mut client = client(Mailboxes::of_patterns(allowed), Some(Mailboxes::of_patterns(&["x@t.example"])));
        let names = within.iter().map(ToString::to_string).collect();
        client.policy.within = (!within.is_empty()).then(|| Within { tenants: names, ..Within::default() });
        let plan = Plan::of([&client], &tenants);
        let known = client.policy.denied.as_ref().unwrap().knows_addresses();
        (plan.people.iter().map(|people| people.tenant.clone()).collect::<Vec<_>>(), known)
    };
    assert_eq!(planned(&["*"], &[]), (vec!["t".to_owned(), "u".to_owned()], false));
    assert_eq!(planned(&["*"], &["u"]), (vec!["u".to_owned()], false));
    assert_eq!(planned(&["*@a.u.example"], &[]), (vec!["u".to_owned()], false));
    assert_eq!(planned(&["*@nobody.example"], &[]), (vec![], true), "there is nobody to ask");
}

#[tokio::test]
async fn under_a_deny_list_who_is_not_known_to_the_directory_is_denied_like_who_is_on_it() {
    let denied = Mailboxes::of_patterns(&["chief@t.example"]);
    let allowed = Mailboxes::of_patterns(&["*@t.example", "team@t.example"]);
    let stage = Stage::new(vec![client(allowed, Some(denied))], Duration::from_secs(900)).await;
    assert_eq!(stage.may(0, "team@t.example"), Err(Denial::NotKnownYet), "it could be an alias too");
    stage.refresh().await;
    for address in ["board@t.example", "nobody@t.example", "b\u{f6}ss@t.example", "big.boss@t.example"] {
        assert_eq!(stage.may(0, address), Err(Denial::DenyList), "{address}");
    }
    assert_eq!((stage.may(0, "team@t.example"), stage.may(0, "room@t.example")), (Ok(()), Ok(())));
    stage.simulator.stop().await;
}

#[tokio::test]
async fn a_group_that_is_not_there_allows_nobody_and_is_named() {
    let group = || listed([Source::Group(mailbox("taem@t.example"))]);
    let mut narrow = client(group(), None);
    narrow.policy.grants.push(client(Mailboxes::of_patterns(&["*"]), None).policy.grants.remove(0));
    let clients = vec![client(group(), None), narrow];
    let stage = Stage::new(clients, Duration::from_secs(900)).await;
    stage.refresh().await;
    assert_eq!(stage.may(0, "aino@t.example"), Err(Denial::Mailbox));
    assert_eq!(stage.may(1, "aino@t.example"), Err(Denial::NotKnownYet), "a later grant could show more");
    let problems = stage.rosters.problems();
    assert_eq!((problems.len(), problems[0].0.as_str()), (1, "group taem@t.example"));
    assert!(problems[0].1.contains("GroupMember.Read.All"), "{problems:?}");
    stage.simulator.stop().await;
}

#[tokio::test]
async fn what_cannot_be_read_again_counts_for_a_time_only() {
    let group = listed([Source::Group(mailbox("team@t.example"))]);
    let stage = Stage::new(vec![client(group, None)], Duration::from_nanos(1)).await;
    stage.refresh().await;
    stage.fault(json!({ "call": "listTransitiveMembers", "status": 403, "times": 100 })).await;
    stage.refresh().await;
    assert_eq!(stage.may(0, "aino@t.example"), Ok(()));
    let expired = |state: &Kept<List>| state.state().end = Some(Instant::now());
    stage.rosters.lists.iter().for_each(expired);
    stage.refresh().await;
    assert_eq!(stage.may(0, "aino@t.example"), Err(Denial::NotKnownYet));
    stage.simulator.stop().await;
}

#[tokio::test]
async fn a_deny_list_that_becomes_empty_denies_as_before() {
    let folder = TempDir::new().unwrap();
    let path = folder.path().join("denied.txt");
    std::fs::write(&path, "aino@t.example\n").unwrap();
    let denied = listed([Source::File(path.clone())]);
    let stage = Stage::new(vec![client(Mailboxes::of_patterns(&["*"]), Some(denied))], Duration::from_secs(900)).await;
    stage.refresh().await;
    std::fs::write(&path, "").unwrap();
    stage.refresh().await;
    assert_eq!((stage.may(0, "a@t.example"), stage.rosters.unknown()), (Err(Denial::DenyList), 1));
    std::fs::write(&path, "boss@t.example\n").unwrap();
    stage.refresh().await;
    assert_eq!((stage.may(0, "a@t.example"), stage.may(0, "chief@t.example")), (Ok(()), Err(Denial::DenyList)));
    assert_eq!(stage.rosters.unknown(), 0);
    stage.simulator.stop().await;
}
