//! Several tenants beside each other, and which credential of a tenant is used for what.

use std::io::Write;
use std::sync::{Arc, Mutex};

use serde_json::json;
use tokio::sync::Semaphore;

use crate::calendar::Capability::{
    self, CalendarRead, CalendarWrite, Directory, FreeBusy, OutOfOfficeRead, OutOfOfficeWrite,
};
use crate::calendar::Mailbox;
use crate::calendar::event::{EventChange, EventId};
use crate::calendar::out_of_office::{Audience, AutomaticReplies, Status};
use crate::calendar::person::Query;
use crate::client::{Ceiling, Client, Entitled, Permitted, Policy, Within};
use crate::failure::Failure;
use crate::graph::stub::{Reply, Seen, Stub, credential, journal, wednesday};
use crate::graph::{CircuitState, Detail, EventParts, Graphs, Settings, Since};
use crate::metrics::Metrics;
use crate::tenant::{Cloud, Credential, Limits, Tenant};

fn tenant(stub: &Stub, name: &str, domains: &[&str], credentials: Vec<Credential>) -> Tenant {
    let origin = url::Url::parse(&stub.origin).unwrap();
    Tenant {
        name: name.into(),
        id: name.into(),
        cloud: Cloud { login: origin.clone(), graph: origin, ..Cloud::named("global").unwrap() },
        domains: domains.iter().map(|domain| (*domain).to_owned()).collect(),
        is_default: false,
        limits: Limits::default(),
        credentials,
    }
}

fn graphs(tenants: Vec<Tenant>) -> Graphs {
    Graphs::new(tenants, Settings::default(), Arc::new(Metrics::new()), jiff::Timestamp::default).unwrap()
}

/// Somebody who may do everything, with a ceiling.
fn client(ceiling: Ceiling) -> Client {
    Client::without_login("c", Policy::unlimited(&Capability::ALL, &["*"], ceiling))
}

fn permit(address: &str, capability: Capability, ceiling: Ceiling) -> Permitted {
    client(ceiling).permit(&Mailbox::parse(address).unwrap(), capability, jiff::Timestamp::UNIX_EPOCH).unwrap()
}

fn directory() -> Entitled {
    client(Ceiling::Full).entitle(Directory).unwrap()
}

/// One person, group or list, whatever is asked for.
fn page(name: &str) -> Reply {
    let one =
        json!({"displayName": name, "mail": format!("{name}@x.example"), "emailAddress": format!("{name}@x.example")});
    Reply::json(200, &json!({"value": [one]}))
}

fn is_for_a_token(seen: &Seen) -> bool {
    seen.path.ends_with("/token")
}

#[tokio::test]
async fn one_tenants_failing_graph_is_no_other_tenants_trouble() {
    let (dead, busy) = (Stub::start(|_| None).await, Stub::start(|_| None).await);
    let gate = Arc::new(Semaphore::new(0));
    dead.script(|seen| seen.is_schedule().then(|| Reply::error(500, "ErrorInternalServerError")));
    busy.script(|seen| {
        seen.is_schedule().then(|| Reply::error(429, "ApplicationThrottled").header("retry-after", 3000))
    });
    let (slow, well) = (Stub::start(|_| None).await, Stub::start(|_| None).await);
    let held = Arc::clone(&gate);
    slow.script(move |seen| seen.is_schedule().then(|| Reply::error(500, "x").behind(&held)));
    let of = |stub, name: &str| tenant(stub, name, &[&format!("{name}.example")], vec![credential(&[FreeBusy])]);
    let all = vec![of(&dead, "dead"), of(&busy, "busy"), of(&slow, "slow"), of(&well, "well")];
    let graphs = Arc::new(graphs(all));
    let ask = |addresses: &[String]| {
        let asked: Vec<_> = addresses.iter().map(|address| permit(address, FreeBusy, Ceiling::Time)).collect();
        let graphs = Arc::clone(&graphs);
        async move { graphs.free_busy(&asked, wednesday(), Detail::Times, &journal()).await }
    };
    for turn in 0..6 {
        let asked = ["dead", "busy", "well"].map(|name| format!("m{turn}@{name}.example"));
        let told = ask(&asked).await;
        assert!(matches!(told[0], Err(Failure::Unavailable)), "{told:?}");
        assert!(matches!(told[1], Err(Failure::Busy { .. })), "{told:?}");
        assert!(told[2].is_ok(), "{told:?}");
    }
    let states: Vec<_> = graphs.status().into_iter().map(|tenant| tenant.circuit).collect();
    assert!(matches!(states[0], CircuitState::Open(_)), "{states:?}");
    assert_eq!(states[1..], [CircuitState::Closed; 3]);

    let waiting = tokio::spawn(ask(&["a@slow.example".to_owned()]));
    slow.arrived(1).await;
    assert!(ask(&["late@well.example".to_owned()]).await[0].is_ok(), "while another waits for a slow tenant");
    waiting.abort();
}

#[tokio::test]
async fn each_tenant_has_its_own_share_of_the_cache_and_its_own_limit() {
    let stub = Stub::start(|_| None).await;
    let limits = Limits { concurrency: Some(3), cache_megabytes: Some(1) };
    let of = |name: &str| tenant(&stub, name, &[&format!("{name}.example")], vec![credential(&[FreeBusy])]);
    let metrics = Arc::new(Metrics::new());
    let all = vec![of("a"), Tenant { limits, ..of("b") }];
    let graphs = Graphs::new(all, Settings::default(), Arc::clone(&metrics), jiff::Timestamp::default).unwrap();
    assert!(!Arc::ptr_eq(&graphs.graphs[0].fills.cache, &graphs.graphs[1].fills.cache));
    let asked = ["m@a.example", "m@b.example"].map(|address| permit(address, FreeBusy, Ceiling::Time));
    for _ in 0..2 {
        assert!(graphs.free_busy(&asked, wednesday(), Detail::Times, &journal()).await.iter().all(Result::is_ok));
    }
    assert_eq!(stub.calls().len(), 2, "each once");
    let [a, _] = asked;
    graphs.changed([a.mailbox()]);
    let asked = ["m@a.example", "m@b.example"].map(|address| permit(address, FreeBusy, Ceiling::Time));
    assert!(graphs.free_busy(&asked, wednesday(), Detail::Times, &journal()).await.iter().all(Result::is_ok));
    assert_eq!(stub.calls().len(), 3, "one of them again");
    let figures = metrics.render();
    for line in ["cache_entries{tenant=\"a\"}", "cache_entries{tenant=\"b\"}", "cache_size_bytes{tenant=\"a\"}"] {
        assert!(figures.contains(line), "{line} in {figures}");
    }
    assert!(figures.contains("graph_concurrency_limit{tenant=\"b\"} 3"), "{figures}");
}

#[tokio::test]
async fn the_longest_domain_says_whose_an_address_is() {
    let stub = Stub::start(|_| None).await;
    let of = |name, domains: &[&str]| tenant(&stub, name, domains, vec![credential(&[FreeBusy])]);
    let graphs = graphs(vec![
        of("under", &["*.contoso.example"]),
        of("own", &["Contoso.example", "emea.contoso.example"]),
        of("deep", &["*.emea.contoso.example"]),
    ]);
    let whose = |address: &str| graphs.tenant_of(&Mailbox::parse(address).unwrap());
    assert_eq!(whose("a@contoso.example"), Some("own"));
    assert_eq!(whose("a@EMEA.contoso.example"), Some("own"));
    assert_eq!(whose("a@apac.contoso.example"), Some("under"));
    assert_eq!(whose("a@fi.emea.contoso.example"), Some("deep"));
    assert_eq!(whose("a@notcontoso.example"), None);
    let mailbox = Mailbox::parse("a@contoso.example").unwrap();
    assert_eq!(graphs.serving(&mailbox, FreeBusy), Some(("own", "app-1")));
    assert_eq!(graphs.serving(&mailbox, Directory), None);
}

#[tokio::test]
async fn a_bare_name_is_looked_for_in_the_default_tenant() {
    let stubs = [Stub::start(|_| None).await, Stub::start(|_| None).await];
    for stub in &stubs {
        stub.script(|seen| (!is_for_a_token(seen)).then(|| page("anna")));
    }
    let with = |default: [bool; 2]| {
        let of = |place: usize, domain| {
            let made = tenant(&stubs[place], domain, &[domain], vec![credential(&[Directory])]);
            Tenant { is_default: default[place], ..made }
        };
        vec![of(0, "a.example"), of(1, "b.example")]
    };
    let asked = async |default, query: Query| {
        let before = [0, 1].map(|place| stubs[place].calls().len());
        graphs(with(default)).people(&directory(), &query, &journal()).await.unwrap();
        [0, 1].map(|place| stubs[place].calls().len() > before[place])
    };
    let name = || Query::Beginning("ann".into());
    assert_eq!(asked([false, true], name()).await, [false, true]);
    assert_eq!(asked([false, false], name()).await, [true, true], "there is no default");
    assert_eq!(asked([false, true], Query::LegacyName("/o=x/cn=anna".into())).await, [true, true]);
    let address = Query::Address(Mailbox::parse("anna@a.example").unwrap());
    assert_eq!(asked([false, true], address).await, [true, false]);
    let two = Graphs::new(with([true; 2]), Settings::default(), Arc::new(Metrics::new()), jiff::Timestamp::default);
    assert!(two.unwrap_err().contains("default"));
}

#[tokio::test]
async fn nobody_is_asked_in_a_tenant_that_the_client_is_not_for() {
    let stubs = [Stub::start(|_| None).await, Stub::start(|_| None).await];
    // The first is the default, and fails.
    stubs[0].script(|seen| (!is_for_a_token(seen)).then(|| Reply::error(503, "serviceNotAvailable")));
    stubs[1].script(|seen| (!is_for_a_token(seen)).then(|| page("anna")));
    let of = |place: usize, domain| tenant(&stubs[place], domain, &[domain], vec![credential(&[Directory])]);
    let graphs = graphs(vec![Tenant { is_default: true, ..of(0, "a.example") }, of(1, "b.example")]);
    let mut within = Within { tenants: ["b.example".to_owned()].into(), ..Within::default() };
    for (domain, is_meant) in [("a.example", false), ("b.example", true)] {
        within.domains.insert(domain, is_meant).unwrap();
    }
    let policy = Policy { within: Some(within), ..Policy::unlimited(&Capability::ALL, &["*"], Ceiling::Full) };
    let proof = Client::without_login("c", policy).entitle(Directory).unwrap();
    assert!(proof.is_for("b.example") && !proof.is_for("a.example") && directory().is_for("a.example"));
    let address = |text: &str| Query::Address(Mailbox::parse(text).unwrap());
    for (query, found) in [
        (Query::Beginning("ann".into()), 1),
        (Query::LegacyName("/o=x/cn=anna".into()), 1),
        (address("anna@b.example"), 1),
        (address("anna@a.example"), 0),
    ] {
        let told = graphs.people(&proof, &query, &journal()).await;
        assert_eq!(told.map(|told| told.len()), Ok(found), "{query:?}");
    }
    assert_eq!(graphs.room_lists(&proof, &journal()).await.unwrap().len(), 1);
    assert!(stubs[0].calls().is_empty(), "{:?}", stubs[0].calls());
    assert!(graphs.room_lists(&directory(), &journal()).await.is_err(), "whoever is for both is told");
}

#[tokio::test]
async fn those_who_may_be_seen_are_not_hidden_behind_others() {
    let stub = Stub::start(|_| None).await;
    stub.script(|seen| {
        let people = (0..500).map(|n| json!({"displayName": format!("P{n:03}"), "mail": format!("p{n}@a.example")}));
        let people: Vec<_> = people.filter(|_| seen.path.ends_with("/users")).collect();
        (!is_for_a_token(seen)).then(|| Reply::json(200, &json!({"value": people})))
    });
    let graphs = graphs(vec![tenant(&stub, "t", &["a.example"], vec![credential(&[Directory])])]);
    let told = graphs.people(&directory(), &Query::Beginning("p".into()), &journal()).await.unwrap();
    assert_eq!((told.len(), told[499].name.as_str()), (500, "P499"));
    assert!(stub.calls().iter().all(|call| call.query["$top"] == "999"));
}

#[tokio::test]
async fn a_call_that_a_cloud_lacks_is_told_and_spoils_nothing_else() {
    let (lacking, whole) = (Stub::start(|_| None).await, Stub::start(|_| None).await);
    whole.script(|seen| (!is_for_a_token(seen)).then(|| page("list")));
    let of = |stub, name: &str| tenant(stub, name, &[&format!("{name}.example")], vec![credential(&[Directory])]);
    let no_segment = json!({"error": {"code": "BadRequest", "message": "Resource not found for the segment 'x'."}});
    for lack in [Reply::error(501, "NotImplemented"), Reply::error(404, "x"), Reply::json(400, &no_segment)] {
        lacking.script(move |seen| (!is_for_a_token(seen)).then(|| lack.clone()));
        let graphs = graphs(vec![of(&lacking, "lacking"), of(&whole, "whole")]);
        let lists = graphs.room_lists(&directory(), &journal()).await.unwrap();
        assert_eq!(lists.len(), 1, "those of the other tenant");
        let list = permit("list@lacking.example", Directory, Ceiling::Full);
        for _ in 0..6 {
            assert!(graphs.rooms(&list, &journal()).await.is_err());
        }
        assert!(graphs.status().iter().all(|tenant| tenant.circuit == CircuitState::Closed));
    }
}

/// The application that each call was made with, by the token that it carries.
fn applications(stub: &Stub) -> Vec<(String, String)> {
    let short = |seen: &Seen| seen.path.rsplit('/').next().unwrap_or_default().to_owned();
    let who = |seen: &Seen| seen.headers["authorization"].to_str().unwrap().trim_start_matches("Bearer ").to_owned();
    stub.calls().iter().map(|seen| (format!("{} {}", seen.method, short(seen)), who(seen))).collect()
}

/// Tokens are their application's ids.
fn token(seen: &Seen) -> Option<Reply> {
    let id = seen.text.split('&').find_map(|pair| pair.strip_prefix("client_id="))?;
    is_for_a_token(seen)
        .then(|| Reply::json(200, &json!({"token_type": "Bearer", "expires_in": 3599, "access_token": id})))
}

fn named(name: &str, capabilities: &[Capability]) -> Credential {
    Credential { client_id: name.to_owned(), ..credential(capabilities) }
}

#[tokio::test]
async fn no_call_uses_a_wider_credential_than_it_needs() {
    let stub = Stub::start(token).await;
    let credentials = vec![
        named("writer", &[FreeBusy, CalendarRead, CalendarWrite]),
        named("reader", &[CalendarRead]),
        named("times", &[FreeBusy]),
    ];
    let graphs = graphs(vec![tenant(&stub, "t", &["t.example"], credentials)]);
    let asked = [permit("a@t.example", FreeBusy, Ceiling::Time), permit("b@t.example", FreeBusy, Ceiling::Full)];
    graphs.free_busy(&asked, wednesday(), Detail::Full, &journal()).await;
    let schedules: Vec<_> = stub.calls().into_iter().filter(Seen::is_schedule).collect();
    assert!(schedules.iter().any(|seen| seen.schedules().contains(&"a@t.example")), "times from getSchedule");
    for (call, application) in applications(&stub) {
        assert_eq!(application, if call.contains("getSchedule") { "times" } else { "reader" }, "{call}");
    }
    let before = stub.calls().len();
    let (writer, id) = (permit("a@t.example", CalendarWrite, Ceiling::Full), EventId::parse("AAMk=").unwrap());
    let change = EventChange { attendees: Some(Vec::new()), ..EventChange::default() };
    let event = json!({"id": "AAMk=", "subject": "s", "attendees": [], "organizer": null});
    stub.script(move |seen| token(seen).or_else(|| (seen.method == "GET").then(|| Reply::json(200, &event))));
    let _ = graphs.update_event(&writer, &id, &change, None, &journal()).await;
    let _ = graphs.delete_event(&writer, &id, None, &journal()).await;
    // Working hours may still come in.
    let calls = applications(&stub).into_iter().skip(before).filter(|(call, _)| !call.contains("getSchedule"));
    let calls: Vec<_> = calls.collect();
    assert!(calls.iter().any(|(call, _)| call.starts_with("GET")), "{calls:?}");
    assert!(calls.iter().any(|(call, _)| call.starts_with("DELETE")), "{calls:?}");
    for (call, application) in calls {
        assert_eq!(application, if call.starts_with("GET") { "reader" } else { "writer" }, "{call}");
    }
}

#[tokio::test]
async fn a_credential_that_writes_reads_for_writing_alone() {
    let stub = Stub::start(token).await;
    let graphs = graphs(vec![tenant(&stub, "t", &["t.example"], vec![named("writer", &[CalendarWrite])])]);
    let id = EventId::parse("AAMk=").unwrap();
    let parts = EventParts::default();
    let read = async |capability| {
        let mailbox = permit("a@t.example", capability, Ceiling::Full);
        graphs.event(&mailbox, &id, &parts, &journal()).await
    };
    assert_eq!(read(CalendarRead).await.unwrap_err(), Failure::Denied);
    assert!(stub.calls().is_empty());
    assert_ne!(read(CalendarWrite).await.unwrap_err(), Failure::Denied);
    assert_eq!(stub.calls().len(), 1);
}

#[tokio::test]
async fn the_operator_is_told_of_each_missing_credential_once() {
    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);
    impl Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let lines = Lines::default();
    let writer = lines.clone();
    let log = tracing_subscriber::fmt().with_ansi(false).with_writer(move || writer.clone()).finish();
    let _guard = tracing::subscriber::set_default(log);
    let stub = Stub::start(|_| None).await;
    let graphs = graphs(vec![
        tenant(&stub, "first", &["first.example"], Vec::new()),
        tenant(&stub, "second", &["second.example"], Vec::new()),
    ]);
    let (notes, id) = (journal(), EventId::parse("AAMk=").unwrap());
    let (internal, external) = (String::new(), String::new());
    let (status, audience) = (Status::Disabled, Audience::Everybody);
    let replies = AutomaticReplies { status, audience, window: None, internal, external, language: None };
    for _ in 0..2 {
        for tenant in ["first", "second"] {
            let of = |capability| permit(&format!("a@{tenant}.example"), capability, Ceiling::Full);
            let told = graphs.free_busy(&[of(FreeBusy)], wednesday(), Detail::Full, &notes).await;
            assert_eq!(told[0].as_ref().unwrap_err(), &Failure::Denied);
            let denied = [
                graphs.event(&of(CalendarRead), &id, &EventParts::default(), &notes).await.err(),
                graphs.round(&of(CalendarRead), &Since::Link("x".into()), &notes).await.err(),
                graphs.call_off(&of(CalendarRead), "s", &notes).await.err(),
                graphs.delete_event(&of(CalendarWrite), &id, None, &notes).await.err(),
                graphs.automatic_replies(&of(OutOfOfficeRead), &notes).await.err(),
                graphs.mail_tips(&[of(OutOfOfficeRead)], None, &notes).await.remove(0).err(),
                graphs.look_at_automatic_replies(&[of(OutOfOfficeRead)], &notes).await.remove(0).err(),
                graphs.set_automatic_replies(&of(OutOfOfficeWrite), &replies, &notes).await.err(),
                graphs.members(&of(Directory), &notes).await.err(),
                graphs.rooms(&of(Directory), &notes).await.err(),
                graphs.people(&directory(), &Query::Address(of(Directory).mailbox().clone()), &notes).await.err(),
                graphs.large_group(&directory(), of(Directory).mailbox(), 9, &notes).await.err(),
                graphs.all_people(&directory(), tenant, &notes, |_| {}).await.err(),
            ];
            assert!(denied.iter().all(|failure| *failure == Some(Failure::Denied)), "{denied:?}");
        }
        assert_eq!(graphs.room_lists(&directory(), &notes).await.unwrap_err(), Failure::Denied);
    }
    assert!(stub.tokens().is_empty() && stub.calls().is_empty());
    let text = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    for tenant in ["first", "second"] {
        for capability in Capability::ALL {
            let told = text.lines().filter(|line| {
                line.contains("ERROR") && line.contains(tenant) && line.contains(&format!("\"{}\"", capability.name()))
            });
            assert_eq!(told.count(), 1, "{tenant} {}: {text}", capability.name());
        }
    }
}

#[tokio::test]
async fn tokens_are_for_the_clouds_own_graph() {
    for (name, scope) in [
        ("global", "https%3A%2F%2Fgraph.microsoft.com%2F.default"),
        ("us_government_l4", "https%3A%2F%2Fgraph.microsoft.us%2F.default"),
        ("us_government_dod", "https%3A%2F%2Fdod-graph.microsoft.us%2F.default"),
        ("china", "https%3A%2F%2Fmicrosoftgraph.chinacloudapi.cn%2F.default"),
    ] {
        let stub = Stub::start(|_| None).await;
        let mut one = tenant(&stub, "t", &["t.example"], vec![credential(&[FreeBusy])]);
        one.cloud.resource = Cloud::named(name).unwrap().resource;
        let asked = [permit("a@t.example", FreeBusy, Ceiling::Time)];
        assert!(graphs(vec![one]).free_busy(&asked, wednesday(), Detail::Times, &journal()).await[0].is_ok());
        let form = &stub.tokens()[0].text;
        assert!(form.split('&').any(|pair| pair == format!("scope={scope}")), "{name}: {form}");
    }
}
