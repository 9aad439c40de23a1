//! A gateway with the clients of the matrix, and what each request does: its answer, its calls to Graph, what is
//! counted and what is logged.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use percent_encoding::percent_decode_str;
use serde_json::Value;
use tracing::subscriber::DefaultGuard;

use super::plain_way;
use super::policies::Policy;
use super::rows::{self, Row, Told, Way};
use super::world::{self, LOCAL_PARTS, MARKS, Named, TEXTS};
use crate::harness::answer::Element;
use crate::harness::requests::{envelope, envelope_with};
use crate::harness::{Answer, Gateway, SECRET, Setup};

/// A gateway whose first client may do everything, and those of some policies.
pub(super) struct Stage {
    gateway: Gateway,
    log: Log,
    /// Whether calendars are watched for subscriptions: they are looked at whether somebody asks or not.
    watches: Cell<bool>,
    _subscriber: DefaultGuard,
}

/// What a request did.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Seen {
    status: u16,
    headers: Vec<(String, String)>,
    body: String,
    /// Calls to Graph.
    calls: Vec<String>,
    /// What was counted how often.
    counted: BTreeMap<String, i64>,
}

/// A header that names a mailbox.
#[derive(Clone, Debug)]
pub(super) enum Header {
    None,
    Anchor(String),
    /// Its form, and whom it names.
    Impersonation(&'static str, String),
}

impl Stage {
    pub(super) async fn start(policies: &[Policy]) -> Self {
        let log = Log::default();
        let writer = log.clone();
        // The level and the form are those of the program's defaults.
        let subscriber = tracing_subscriber::fmt()
            .json()
            .with_max_level(tracing::Level::INFO)
            .with_writer(move || writer.clone())
            .finish();
        let subscriber = tracing::subscriber::set_default(subscriber);
        let all = "\"free_busy\", \"calendar_read\", \"calendar_write\", \"out_of_office_read\", \"out_of_office_write\", \
                   \"directory\"";
        let trusted =
            crate::harness::client("*@contoso.example", "full", "requests_per_second = 100000\nburst = 100000\n");
        let mut clients = trusted.replace("\"free_busy\", \"calendar_read\", \"directory\"", all);
        policies.iter().for_each(|policy| clients.push_str(&policy.text()));
        let gateway = Setup {
            world: world::world(),
            clients,
            // Nobody looks at watched calendars in between.
            more: "[store]\npath = ':memory:'\n[changes]\ninterval = \"1h\"\n".to_owned(),
            // What was asked before makes no difference.
            cache: "lifetime = \"0s\"\nunknown_lifetime = \"0s\"\nstale = \"0s\"\nout_of_office_lifetime = \"0s\""
                .to_owned(),
            credentials: vec![
                ("free_busy", "free-busy"),
                ("calendar_read", "calendar-read"),
                ("calendar_write", "writer"),
                ("out_of_office_read", "settings-read"),
                ("out_of_office_write", "settings-write"),
                ("all_addresses", "everything"),
            ],
            ..Setup::new()
        };
        Self { gateway: gateway.start().await, log, watches: Cell::new(false), _subscriber: subscriber }
    }

    /// One way of naming a mailbox: refused by each policy, whoever is named, and then granted to the client that may.
    pub(super) async fn judge(&self, row: &Row, cell: &rows::Cell, policies: &[&Policy]) {
        let gateway = &self.gateway;
        let hidden = world::hidden(gateway, cell.way).await;
        let nobody = world::nobody(gateway, &hidden).await;
        let outside = world::outside(gateway, &hidden).await;
        let others: &[&Named] = if cell.way == Way::Mention { &[&nobody] } else { &[&nobody, &outside] };
        let mut near = world::permitted(gateway, cell.way).await;
        self.watches.set(self.watches.get() || cell.way == Way::Subscription);
        for policy in policies {
            let what = format!("{} {:?} {}", row.operation, cell.way, policy.client);
            let told = policy.expects(row, cell);
            let seen = self.exchange(&policy.client, &Header::None, &(cell.ask)(&hidden, &near), &hidden, &near).await;
            told.check(&seen, &what);
            for of in others.iter().filter(|_| policy.hides(cell)) {
                if row.writes {
                    near = world::permitted(gateway, cell.way).await;
                }
                let other = self.exchange(&policy.client, &Header::None, &(cell.ask)(of, &near), of, &near).await;
                assert_eq!(seen.told_to_outsiders(cell.way), other.told_to_outsiders(cell.way), "{what}");
            }
            if row.writes {
                near = world::permitted(gateway, cell.way).await;
            }
        }
        let request = envelope(&(cell.ask)(&hidden, &near));
        let what = format!("{} {:?}", row.operation, cell.way);
        let answer = self.first_piece(self.gateway.post(request)).await;
        assert_eq!((answer.status, codes(&answer.body)), (200, owned(cell.granted)), "{what}: {}", answer.body);
        let tells = MARKS.iter().skip(TEXTS).any(|mark| answer.body.contains(mark));
        assert!(tells || !row.shows || !cell.shows, "{what}: {}", answer.body);
        self.unsubscribe(&answer).await;
    }

    /// A plain request with headers that name somebody whom clients may not act as: in each form, what they are told.
    /// The client that may act as anybody can, with the first.
    pub(super) async fn cannot_act_as(&self, row: &Row, policies: &[Policy], forms: &[(&'static str, &'static str)]) {
        let (near, hidden, nobody, outside) = self.cast(row).await;
        for (policy, (form, code)) in policies.iter().flat_map(|policy| forms.iter().map(move |form| (policy, form))) {
            let what = format!("{} {form} {}", row.operation, policy.client);
            let mut first = None;
            for of in [&hidden, &nobody, &outside] {
                let header = Header::Impersonation(form, of.address.clone());
                let seen = self.exchange(&policy.client, &header, &(row.plain)(&near), of, &near).await;
                Told::Fault(code).check(&seen, &what);
                assert_eq!(first.get_or_insert_with(|| seen.clone()), &seen, "{what}");
            }
        }
        let header = Header::Impersonation(forms[0].0, hidden.address);
        let request = header.envelope(&(row.plain)(&near));
        let answer = self.first_piece(self.gateway.post(request)).await;
        assert_eq!(answer.status, 200, "{}: {}", row.operation, answer.body);
        assert!(codes(&answer.body).iter().all(|code| code == "NoError"), "{}: {}", row.operation, answer.body);
        self.unsubscribe(&answer).await;
    }

    /// A header changes nothing, whomever it names.
    pub(super) async fn is_ignored(&self, row: &Row, policy: &Policy, header: impl Fn(&str) -> Header) {
        let mut first: Option<Seen> = None;
        let (mut near, hidden, nobody, outside) = self.cast(row).await;
        // Who subscribes first has a calendar watched, which it is until that subscription ends.
        self.exchange(&policy.client, &Header::None, &(row.plain)(&near), &hidden, &near).await;
        for (of, header) in [
            (&hidden, header(&hidden.address)),
            (&nobody, header(&nobody.address)),
            (&outside, header(&outside.address)),
            (&hidden, Header::None),
        ] {
            if row.writes {
                near = world::permitted(&self.gateway, plain_way(row)).await;
            }
            let seen = self.exchange(&policy.client, &header, &(row.plain)(&near), of, &near).await;
            assert_eq!(first.get_or_insert_with(|| seen.clone()), &seen, "{} {header:?}", row.operation);
        }
    }

    pub(super) async fn done(self) {
        let metrics = self.metrics().await;
        let log = self.log.text();
        assert!(log.contains("\"request\""), "nothing was logged: {log}");
        for text in [&metrics, &log] {
            for hidden in LOCAL_PARTS.iter().chain(MARKS.iter().skip(TEXTS)) {
                let line = text.lines().find(|line| line.contains(hidden));
                assert!(line.is_none(), "{hidden}: {line:?}");
            }
        }
        assert!(!metrics.contains('@'), "{metrics}");
        self.gateway.done().await;
    }

    /// Somebody permitted, somebody hidden, nobody, and somebody outside.
    async fn cast(&self, row: &Row) -> (Named, Named, Named, Named) {
        let near = world::permitted(&self.gateway, plain_way(row)).await;
        self.watches.set(self.watches.get() || plain_way(row) == Way::Subscription);
        let hidden = world::hidden(&self.gateway, Way::Address).await;
        let nobody = world::nobody(&self.gateway, &hidden).await;
        let outside = world::outside(&self.gateway, &hidden).await;
        (near, hidden, nobody, outside)
    }

    /// Sends a request about somebody, and looks at all that comes of it.
    async fn exchange(&self, client: &str, header: &Header, body: &str, of: &Named, near: &Named) -> Seen {
        self.forget().await;
        let before = counters(&self.metrics().await);
        let request = header.envelope(body);
        let post = self.gateway.http.post(self.gateway.url("/EWS/Exchange.asmx")).header("content-type", "text/xml");
        let post = post.basic_auth(client, Some(SECRET)).body(request.clone());
        let answer = self.gateway.send(header.add_to(post)).await;
        let after = counters(&self.metrics().await);
        for mark in MARKS.iter().filter(|mark| !request.contains(**mark)) {
            assert!(!answer.body.contains(mark), "{mark} is told: {body}\n{}", answer.body);
        }
        let ledger = self.gateway.ledger().await;
        self.watches.set(self.watches.get() || answer.body.contains("<m:SubscriptionId>"));
        let watches = self.watches.get();
        let is_asked = |call: &&Value| call["call"] != "token" && !(watches && call["call"] == "calendarViewDelta");
        let calls: Vec<&Value> = ledger["calls"].as_array().unwrap().iter().filter(is_asked).collect();
        for call in &calls {
            let about = about(call);
            for address in [&of.address, &of.alias, &of.list] {
                assert!(address.is_empty() || !about.contains(address.as_str()), "Graph is asked: {body}\n{call}");
            }
        }
        let plain = |text: &str| anonymous(text, &[of, near]);
        let headers = answer.headers.iter().map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()));
        let of_the_moment = ["request-id", "date", "content-length"];
        Seen {
            status: answer.status,
            headers: headers.filter(|(name, _)| !of_the_moment.contains(&&**name)).collect(),
            body: plain(&answer.body),
            calls: calls.iter().map(|call| call["call"].as_str().unwrap().to_owned()).collect(),
            counted: difference(&before, &after, watches),
        }
    }

    /// The answer, or what has come of it where it goes on.
    async fn first_piece(&self, request: reqwest::RequestBuilder) -> Answer {
        let mut response = request.send().await.unwrap();
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let mut body = String::new();
        while let Some(piece) = response.chunk().await.unwrap() {
            body.push_str(std::str::from_utf8(&piece).unwrap());
            if body.ends_with("</Envelope>") {
                break;
            }
        }
        self.gateway.keep(&body);
        self.watches.set(self.watches.get() || body.contains("<m:SubscriptionId>"));
        Answer { status, headers, body }
    }

    /// Ends the subscription that an answer is about, so that nobody watches a calendar for it.
    async fn unsubscribe(&self, answer: &Answer) {
        for id in Element::parse(&answer.body).all("SubscriptionId") {
            let body = format!("<m:Unsubscribe><m:SubscriptionId>{}</m:SubscriptionId></m:Unsubscribe>", id.text);
            self.gateway.soap(&envelope(&body)).await;
        }
    }

    async fn forget(&self) {
        let url = format!("{}/control/ledger", self.gateway.simulator.base_url());
        assert_eq!(self.gateway.http.delete(url).send().await.unwrap().status(), 204);
    }

    async fn metrics(&self) -> String {
        self.gateway.get(self.gateway.admin_url("/metrics")).await.body
    }
}

impl Seen {
    /// What is the same whether there is a mailbox or not. That a client uses ids of a mailbox that it may not use is
    /// counted for the operator, who knows what there is.
    fn told_to_outsiders(&self, way: Way) -> Self {
        let mut seen = self.clone();
        if way.is_by_id() {
            seen.counted.retain(|name, _| !name.starts_with("calendar_relay_denied"));
        }
        seen
    }
}

impl Header {
    fn envelope(&self, body: &str) -> String {
        let Self::Impersonation(form, of) = self else { return envelope(body) };
        let header = format!(
            "<t:RequestServerVersion Version=\"Exchange2016\"/><t:ExchangeImpersonation><t:ConnectingSID><t:{form}>{of}\
             </t:{form}></t:ConnectingSID></t:ExchangeImpersonation>"
        );
        envelope_with(&header, body)
    }

    fn add_to(&self, request: reqwest::RequestBuilder) -> reqwest::RequestBuilder {
        match self {
            Self::Anchor(of) => request.header("x-anchormailbox", of),
            Self::None | Self::Impersonation(..) => request,
        }
    }
}

impl Told {
    #[track_caller]
    fn check(self, seen: &Seen, what: &str) {
        let body = Element::parse(&seen.body);
        match self {
            Self::Fault(code) => {
                assert_eq!(seen.status, 500, "{what}: {}", seen.body);
                let fault = body.child("Body").child("Fault");
                assert_eq!(fault.at("faultcode"), format!("a:{code}"), "{what}");
            }
            Self::Codes(expected) => assert_eq!((seen.status, codes(&seen.body)), (200, owned(expected)), "{what}"),
            Self::Each(code) => {
                let codes = codes(&seen.body);
                assert!(!codes.is_empty() && codes.iter().all(|found| found == code), "{what}: {}", seen.body);
                assert_eq!(seen.status, 200, "{what}");
            }
        }
    }
}

/// Whom a call to Graph is about. Busy times are asked for in anybody's name who was asked about lately, whoever asks.
fn about(call: &Value) -> String {
    match call["call"].as_str().unwrap() {
        "getSchedule" => call["schedules"].to_string(),
        _ => percent_decode_str(call["path"].as_str().unwrap()).decode_utf8().unwrap().into_owned(),
    }
}

fn owned(codes: &[&str]) -> Vec<String> {
    codes.iter().map(|code| (*code).to_owned()).collect()
}

/// The response codes, in their order.
fn codes(body: &str) -> Vec<String> {
    Element::parse(body).all("ResponseCode").iter().map(|code| code.text.clone()).collect()
}

/// A text in which nobody is named, and no new item.
fn anonymous(text: &str, named: &[&Named]) -> String {
    let mut plain = text.to_owned();
    for name in named.iter().flat_map(|named| named.texts()) {
        plain = plain.replace(name, "*");
    }
    for (begin, end) in [(" ChangeKey=\"", '"'), (" Id=\"AAMk", '"'), ("<m:SubscriptionId>", '<')] {
        let mut parts = plain.split(begin);
        let mut rest = parts.next().unwrap().to_owned();
        for part in parts {
            rest.push_str(begin);
            rest.push_str(&part[part.find(end).unwrap()..]);
        }
        plain = rest;
    }
    plain
}

/// All counters that are not of time.
fn counters(metrics: &str) -> BTreeMap<String, i64> {
    let lines = metrics.lines().filter(|line| !line.starts_with('#'));
    let pairs = lines.filter_map(|line| line.rsplit_once(' '));
    let counters = pairs.filter(|(name, _)| name.split('{').next().is_some_and(|name| name.ends_with("_total")));
    counters.map(|(name, value)| (name.to_owned(), value.parse().unwrap())).collect()
}

fn difference(before: &BTreeMap<String, i64>, after: &BTreeMap<String, i64>, watches: bool) -> BTreeMap<String, i64> {
    let of_the_moment = ["graph_tokens", "watch_rounds", "call=\"delta\""];
    let left_out = if watches { &of_the_moment[..] } else { &of_the_moment[..1] };
    let changed = after.iter().map(|(name, value)| (name.clone(), value - before.get(name).unwrap_or(&0)));
    changed.filter(|(name, more)| *more != 0 && !left_out.iter().any(|part| name.contains(part))).collect()
}

/// What was logged.
#[derive(Clone, Debug, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
