//! All addresses of people at the simulator, with and without the permission to see them.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::{Value, json};
use url::Url;

use crate::calendar::Capability::{self, CalendarRead, Directory};
use crate::calendar::Mailbox;
use crate::client::{Ceiling, Client, Entitled, Policy};
use crate::failure::Failure;
use crate::graph::stub::{credential, journal};
use crate::graph::{Graphs, Settings};
use crate::metrics::Metrics;
use crate::simulator::{Options, Simulator, World};
use crate::tenant::{Cloud, Credential, Limits, Proof, Secret, Tenant};

const TENANT: &str = "11111111-2222-4333-8444-555555555555";

async fn simulator() -> Simulator {
    // Another test may have done it already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mailbox = |name: &str| json!({"address": format!("{name}@t.example"), "name": name, "zone": "UTC"});
    let mut aino = mailbox("aino");
    (aino["aliases"], aino["x500"]) = (json!(["a.x@t.example", "a.x@old.example"]), json!(["/o=Org/cn=aino"]));
    let application =
        |name: &str, roles: Value| json!({"name": name, "client_id": name, "client_secret": "s", "roles": roles});
    let world = json!({"tenants": [{
        "id": TENANT, "name": "T", "domains": ["t.example", "old.example"],
        "applications": [
            application("whole", json!(["User.Read.All", "GroupMember.Read.All"])),
            application("basic", json!(["User.ReadBasic.All", "GroupMember.Read.All"])),
            application("groups", json!(["GroupMember.Read.All"])),
        ],
        "mailboxes": [aino, mailbox("olli"), mailbox("ville")],
        "crowd": {"domain": "t.example", "count": 1000, "zone": "UTC"},
        "groups": [
            {"address": "all@t.example", "name": "All", "members": ["inner@t.example", "olli@t.example"]},
            {"address": "inner@t.example", "name": "Inner", "members": ["aino@t.example", "olli@t.example"]},
        ],
    }]});
    let options = Options {
        listen: "127.0.0.1:0".parse().unwrap(),
        tls: None,
        clock: || "2026-11-20T08:00:00Z".parse().unwrap(),
        strict: true,
    };
    Simulator::start(World::from_json(&world.to_string()).unwrap(), options).await.unwrap()
}

fn graphs(simulator: &Simulator, credentials: Vec<Credential>) -> Graphs {
    let origin = Url::parse(&simulator.base_url()).unwrap();
    let tenant = Tenant {
        name: "t".into(),
        id: TENANT.into(),
        cloud: Cloud { login: origin.clone(), graph: origin, ..Cloud::named("global").unwrap() },
        domains: vec!["t.example".into(), "old.example".into()],
        is_default: false,
        limits: Limits::default(),
        credentials,
    };
    Graphs::new(vec![tenant], Settings::default(), Arc::new(Metrics::new()), jiff::Timestamp::default).unwrap()
}

fn application(name: &str, capabilities: &[Capability], all_addresses: bool) -> Credential {
    let proof = Proof::Secret(Secret::Kept("s".to_owned().into()));
    Credential { client_id: name.to_owned(), proof, all_addresses, ..credential(capabilities) }
}

fn proof(capability: Capability) -> Entitled {
    Client::without_login("c", Policy::unlimited(&Capability::ALL, &["*"], Ceiling::Full)).entitle(capability).unwrap()
}

fn address(text: &str) -> Mailbox {
    Mailbox::parse(text).unwrap()
}

fn texts(told: Result<Vec<Mailbox>, Failure>) -> Vec<String> {
    told.unwrap().iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn all_addresses_of_everybody_are_told() {
    let simulator = simulator().await;
    let graphs = graphs(&simulator, vec![application("whole", &[], true), application("basic", &[Directory], false)]);
    let (directory, notes) = (proof(Directory), journal());
    let mut people = Vec::new();
    graphs.all_people(&directory, "t", &notes, |person| people.push(person)).await.unwrap();
    assert_eq!(people.len(), 1003, "over two pages");
    assert_eq!(people.iter().filter(|person| person.len() == 3).count(), 1);
    let distinct: BTreeSet<_> = people.iter().flatten().collect();
    assert_eq!(distinct.len(), 1005);
    assert_eq!(graphs.all_people(&directory, "other", &notes, |_| {}).await, Err(Failure::Denied));
    let other = graphs.all_people(&proof(CalendarRead), "t", &notes, |_| {}).await;
    assert_eq!(other, Err(Failure::Denied), "a proof of something else");
    simulator.stop().await;
}

#[tokio::test]
async fn a_basic_reader_tells_no_list_that_is_short() {
    let simulator = simulator().await;
    let (directory, notes) = (proof(Directory), journal());
    // Said to tell all, and not granted what it takes; and not said to.
    for said in [true, false] {
        let graphs = graphs(&simulator, vec![application("basic", &[Directory], said)]);
        let mut told = 0;
        let all = graphs.all_people(&directory, "t", &notes, |_| told += 1).await;
        assert_eq!((all, told), (Err(Failure::Denied), 0));
    }
    simulator.stop().await;
}

#[tokio::test]
async fn groups_are_told_with_as_much_of_each_member_as_the_credential_tells() {
    let simulator = simulator().await;
    let (directory, notes, all) = (proof(Directory), journal(), address("all@t.example"));
    let asked =
        async |credential, most| graphs(&simulator, vec![credential]).large_group(&directory, &all, most, &notes).await;
    let whole = texts(asked(application("whole", &[Directory], true), 2).await);
    assert_eq!(whole, ["a.x@old.example", "a.x@t.example", "aino@t.example", "olli@t.example"]);
    let basic = texts(asked(application("basic", &[Directory], false), 2).await);
    assert_eq!(basic, ["aino@t.example", "olli@t.example"]);
    assert_eq!(asked(application("whole", &[Directory], true), 1).await, Err(Failure::GroupTooLarge));
    assert_eq!(asked(application("basic", &[Directory], true), 9).await, Err(Failure::Denied), "said to tell all");
    assert_eq!(asked(application("groups", &[Directory], false), 9).await, Err(Failure::Denied), "nobody is named");
    let graphs = graphs(&simulator, vec![application("basic", &[Directory], false)]);
    let nobody = graphs.large_group(&directory, &address("nobody@t.example"), 9, &notes).await;
    assert_eq!(nobody, Err(Failure::NoSuchMailbox { address: "nobody@t.example".into() }));
    simulator.stop().await;
}
