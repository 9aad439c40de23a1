//! A gateway with the clients of the matrix, and what each request does: its answer, its calls to Graph, what is
//! counted and what is logged.

mod log;
mod seen;

use std::cell::Cell;

use serde_json::Value;
use tracing::subscriber::DefaultGuard;

use self::log::Log;
use self::seen::{Seen, about, anonymous, codes, counters, difference, owned};
use super::plain_way;
use super::policies::{Policy, ROSTER};
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
        let (log, subscriber) = Log::begin();
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
            files: vec![(ROSTER, world::PERMITTED.join("\n"))],
            ..Setup::new()
        };
        let gateway = gateway.start().await;
        // Each list has been read, and all addresses of those who are denied are known.
        assert_eq!(gateway.figure("calendar_relay_rosters_unknown ").await, 0);
        Self { gateway, log, watches: Cell::new(false), _subscriber: subscriber }
    }

    /// One way of naming a mailbox: refused by each policy, whoever is named, and then granted to the client that may.
    pub(super) async fn judge(&self, row: &Row, cell: &rows::Cell, policies: &[&Policy]) {
        let gateway = &self.gateway;
        let hidden = world::hidden(gateway, cell.way).await;
        let nobody = world::nobody(gateway, &hidden).await;
        let outside = world::outside(gateway, &hidden).await;
        let as_nobody: fn(&Seen, Way) -> Seen = Seen::told_of_nobody;
        let others = [(&nobody, as_nobody), (&outside, Seen::told_of_strangers)];
        let others = if cell.way == Way::Mention { &others[..1] } else { &others };
        let mut near = world::permitted(gateway, cell.way).await;
        self.watches.set(self.watches.get() || cell.way == Way::Subscription);
        for policy in policies {
            let what = format!("{} {:?} {}", row.operation, cell.way, policy.client);
            let expected = policy.expects(row, cell);
            let seen = self.exchange(&policy.client, &Header::None, &(cell.ask)(&hidden, &near), &hidden, &near).await;
            expected.check(&seen, &what);
            for (of, told) in others.iter().filter(|_| policy.hides(cell)) {
                if row.writes {
                    near = world::permitted(gateway, cell.way).await;
                }
                let other = self.exchange(&policy.client, &Header::None, &(cell.ask)(of, &near), of, &near).await;
                assert_eq!(told(&seen, cell.way), told(&other, cell.way), "{what}");
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
