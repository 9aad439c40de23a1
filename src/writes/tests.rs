//! Creates that end badly, against the simulator.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, clippy::indexing_slicing, reason = "tests")]

use std::time::Duration;

use jiff::SignedDuration;
use jiff::civil::date;
use serde_json::{Value, json};
use tokio::time::Instant;
use url::Url;

use super::sweep::Sweep;
use super::*;
use crate::calendar::event::ZonedTime;
use crate::calendar::recurrence::{Pattern, Range, RangeEnd, Recurrence};
use crate::calendar::{Capability, Mailbox};
use crate::client::{Ceiling, Client, Policy};
use crate::graph::{EventParts, Settings};
use crate::metrics::Metrics;
use crate::simulator::{Options, Simulator, World};
use crate::tenant::{Cloud, Credential, Limits, Proof, Secret, Tenant};

struct Bench {
    simulator: Simulator,
    http: reqwest::Client,
    graphs: Arc<Graphs>,
    store: Store,
    writes: Writes,
    mailbox: Permitted,
}

const MAILBOX: &str = "vera@contoso.example";
const WORLD: &str = r#"{"tenants": [{"id": "11111111-2222-4333-8444-555555555555", "name": "Contoso", "domains": ["contoso.example"],
    "applications": [{"name": "a", "client_id": "app", "client_secret": "a-simulated-secret", "roles": ["Calendars.ReadWrite"]}],
    "mailboxes": [{"address": "vera@contoso.example", "name": "Vera", "zone": "UTC", "events": []}]}]}"#;

fn now() -> Timestamp {
    "2027-01-11T08:00:00Z".parse().unwrap()
}

/// Long after every request of now has ended.
fn later() -> Timestamp {
    now() + SignedDuration::from_hours(1)
}

fn journal(time: Duration) -> Journal {
    Journal::new(Uuid::new_v4(), now(), Instant::now() + time)
}

fn change() -> EventChange {
    let at = |hour| Some(ZonedTime { local: date(2027, 1, 11).at(hour, 0, 0, 0), zone: None });
    EventChange { subject: Some("x".into()), start: at(9), end: at(10), ..EventChange::default() }
}

impl Bench {
    async fn new() -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let options = Options { listen: "127.0.0.1:0".parse().unwrap(), tls: None, clock: now, strict: true };
        let simulator = Simulator::start(World::from_json(WORLD).unwrap(), options).await.unwrap();
        let origin = Url::parse(&simulator.base_url()).unwrap();
        let tenant = Tenant {
            name: "contoso".into(),
            id: "11111111-2222-4333-8444-555555555555".into(),
            cloud: Cloud { login: origin.clone(), graph: origin, ..Cloud::named("global").unwrap() },
            domains: vec!["contoso.example".into()],
            is_default: false,
            limits: Limits::default(),
            credentials: vec![Credential {
                client_id: "app".into(),
                proof: Proof::Secret(Secret::Kept("a-simulated-secret".to_owned().into())),
                secret_expires: None,
                capabilities: vec![Capability::CalendarWrite],
                rbac_scoped: false,
                mail_tips: false,
                all_addresses: false,
            }],
        };
        let graphs = Arc::new(
            Graphs::new(vec![tenant], Settings::default(), Arc::new(Metrics::new()), jiff::Timestamp::default).unwrap(),
        );
        let store = Store::in_memory().unwrap();
        let writes = Writes::new(Arc::clone(&graphs), store.clone());
        let client = Client::without_login("c", Policy::unlimited(&[Capability::CalendarWrite], &["*"], Ceiling::Full));
        let mailbox = client
            .permit(&Mailbox::parse(MAILBOX).unwrap(), Capability::CalendarWrite, jiff::Timestamp::UNIX_EPOCH)
            .unwrap();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { simulator, http, graphs, store, writes, mailbox }
    }

    async fn fault(&self, fault: Value) {
        let url = format!("{}/control/faults", self.simulator.base_url());
        assert_eq!(self.http.post(url).body(fault.to_string()).send().await.unwrap().status(), 204);
    }

    async fn calm(&self) {
        let url = format!("{}/control/faults", self.simulator.base_url());
        assert_eq!(self.http.delete(url).send().await.unwrap().status(), 204);
    }

    async fn create(&self, time: Duration) -> Result<Event, Failure> {
        self.writes.create(&self.mailbox, &change(), &[], &journal(time)).await
    }

    async fn events(&self) -> usize {
        let journal = journal(LONG);
        self.graphs.events(&self.mailbox, &EventParts::default(), &journal).await.unwrap().len()
    }

    async fn intents(&self) -> usize {
        self.store.unsettled(i64::MAX).await.unwrap().len()
    }

    fn sweep(&self) -> Sweep<'_, fn() -> Timestamp> {
        Sweep::new(&self.graphs, &self.store, LONG, later)
    }
}

const LONG: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(300);

/// Lets time pass at once.
async fn pass(seconds: u64) {
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(seconds)).await;
    tokio::time::resume();
}

#[tokio::test]
async fn what_was_told_stays() {
    let bench = Bench::new().await;
    bench.create(LONG).await.unwrap();
    assert_eq!(bench.intents().await, 0);
    bench.sweep().once().await;
    assert_eq!(bench.events().await, 1);
}

#[tokio::test]
async fn an_answer_that_was_lost_is_no_second_event() {
    let bench = Bench::new().await;
    bench.fault(json!({"call": "createEvent", "after_commit": true, "cut": true, "times": 1})).await;
    bench.create(LONG).await.unwrap();
    assert_eq!((bench.events().await, bench.intents().await), (1, 0));
}

#[tokio::test]
async fn what_was_made_and_told_to_have_failed_is_deleted_and_looked_for_again() {
    let bench = Bench::new().await;
    bench.fault(json!({"call": "createEvent", "after_commit": true, "cut": true})).await;
    bench.create(SHORT).await.unwrap_err();
    bench.calm().await;
    assert_eq!((bench.events().await, bench.intents().await), (1, 1));
    let young = Sweep::new(&bench.graphs, &bench.store, LONG, now);
    young.once().await;
    assert_eq!(bench.events().await, 1, "the caller may still be waiting");
    let sweep = bench.sweep();
    sweep.once().await;
    assert_eq!((bench.events().await, bench.intents().await), (0, 1));
    for seconds in [5, 5, 30] {
        pass(seconds).await;
        sweep.once().await;
        assert_eq!(bench.intents().await, 1, "Graph may still be making another one");
    }
    pass(120).await;
    sweep.once().await;
    assert_eq!(bench.intents().await, 0);
}

#[tokio::test]
async fn what_an_earlier_process_left_is_deleted() {
    let bench = Bench::new().await;
    let id = Uuid::new_v4();
    bench.store.intend(Intent { id, mailbox: MAILBOX.into(), since: now().as_second() }).await.unwrap();
    bench.graphs.create_event(&bench.mailbox, &change(), id, &journal(LONG)).await.unwrap();
    bench.sweep().once().await;
    assert_eq!(bench.events().await, 0);
}

#[tokio::test]
async fn a_create_that_is_given_up_is_not_told_even_if_it_succeeds() {
    let bench = Bench::new().await;
    bench.fault(json!({"call": "createEvent", "delay_ms": 300, "times": 1})).await;
    let sweep = bench.sweep();
    let meanwhile = async {
        while bench.intents().await == 0 {}
        sweep.once().await;
    };
    let (outcome, ()) = tokio::join!(bench.create(LONG), meanwhile);
    assert_eq!(outcome, Err(Failure::TimedOut));
    assert_eq!(bench.events().await, 1);
    pass(5).await;
    sweep.once().await;
    assert_eq!(bench.events().await, 0);
}

#[tokio::test]
async fn a_caller_who_leaves_is_told_nothing_and_leaves_nothing() {
    let bench = Bench::new().await;
    bench.fault(json!({"call": "createEvent", "after_commit": true, "delay_ms": 10_000, "times": 1})).await;
    let leaves = async { while bench.events().await == 0 {} };
    tokio::select! {
        _ = bench.create(LONG) => panic!("nobody answered"),
        () = leaves => {}
    }
    assert_eq!(bench.intents().await, 1);
    bench.sweep().once().await;
    assert_eq!(bench.events().await, 0);
}

#[tokio::test]
async fn what_is_refused_is_not_looked_for() {
    let bench = Bench::new().await;
    bench.fault(json!({"call": "createEvent", "status": 403, "code": "ErrorAccessDenied"})).await;
    assert_eq!(bench.create(LONG).await, Err(Failure::Denied));
    assert_eq!(bench.intents().await, 0);
}

#[tokio::test]
async fn while_graph_is_away_nothing_is_forgotten() {
    let bench = Bench::new().await;
    bench.fault(json!({"call": "createEvent", "after_commit": true, "cut": true})).await;
    bench.create(SHORT).await.unwrap_err();
    bench.fault(json!({"call": "listEvents", "status": 403, "code": "ErrorAccessDenied"})).await;
    let sweep = bench.sweep();
    for _ in 0..10 {
        sweep.once().await;
        pass(600).await;
    }
    assert_eq!(bench.intents().await, 1);
    bench.calm().await;
    sweep.once().await;
    assert_eq!(bench.events().await, 0);
}

#[tokio::test]
async fn a_series_begins_without_the_days_that_it_leaves_out() {
    let bench = Bench::new().await;
    let range = Range { start: date(2027, 1, 11), end: RangeEnd::After(5) };
    let series = Recurrence { pattern: Pattern::Daily { interval: 1 }, range, zone: None };
    let change = EventChange { recurrence: Some(Some(series)), ..change() };
    let without = [date(2027, 1, 12), date(2027, 1, 14)];
    let event = bench.writes.create(&bench.mailbox, &change, &without, &journal(LONG)).await.unwrap();
    let parts = EventParts { exceptions: true, ..EventParts::default() };
    let is = bench.graphs.event(&bench.mailbox, &event.id, &parts, &journal(LONG)).await.unwrap();
    assert_eq!((is.deleted, is.change_key), (without.to_vec(), event.change_key));
    assert_eq!(bench.intents().await, 0);
}

#[tokio::test]
async fn days_that_are_left_out_may_be_years_apart_and_some_not_of_the_series() {
    let bench = Bench::new().await;
    let range = Range { start: date(2027, 1, 11), end: RangeEnd::On(date(2037, 1, 11)) };
    let series = Recurrence { pattern: Pattern::Daily { interval: 1 }, range, zone: None };
    let change = EventChange { recurrence: Some(Some(series)), ..change() };
    let within = [date(2027, 1, 12), date(2029, 6, 28), date(2029, 7, 1), date(2031, 12, 24), date(2037, 1, 11)];
    let without = [&within[..], &[date(2026, 1, 1), date(2038, 1, 1), jiff::civil::Date::MAX]].concat();
    let event = bench.writes.create(&bench.mailbox, &change, &without, &journal(LONG)).await.unwrap();
    let parts = EventParts { exceptions: true, ..EventParts::default() };
    let is = bench.graphs.event(&bench.mailbox, &event.id, &parts, &journal(LONG)).await.unwrap();
    assert_eq!(is.deleted, within);
}
