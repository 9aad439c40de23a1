//! The order in which every request is treated: route, token, limits, faults, permissions, the call, the ledger.
//! Knows HTTP as method, path, headers and bytes; connections and compression are elsewhere.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::future::BoxFuture;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::administration;
use super::ask::Ask;
use super::batch;
use super::calls;
use super::control::Controls;
use super::denial::Denial;
use super::error::{Answer, Refusal};
use super::faults::{Ending, Fate, ScheduleError};
use super::ledger::Entry;
use super::lock::lock;
use super::machine;
use super::permissions::{Grants, is_exchange};
use super::query::{Here, Preferences, Query};
use super::request::Request;
use super::route::{Call, Route};
use super::schedule;
use super::state::State;
use super::subscribe::Subscribing;
use super::token::{Identity, Tokens};
use super::zone::wire_instant;

/// Everything that lives as long as the simulator.
pub(super) struct Service {
    pub(super) controls: Controls,
    state: Mutex<State>,
    clock: fn() -> Timestamp,
    strict: bool,
    tokens: Tokens,
}

impl Service {
    pub(super) fn new(state: State, clock: fn() -> Timestamp, strict: bool) -> Self {
        Self { controls: Controls::default(), state: Mutex::new(state), clock, strict, tokens: Tokens::new() }
    }

    /// Serves a request of any kind.
    pub(super) async fn serve(self: &Arc<Self>, request: Request) -> Answer {
        if let Some(path) = request.path.strip_prefix("/control/applications") {
            return administration::serve(&mut lock(&self.state), &request.method, path, &request.body);
        }
        if let Some(path) = request.path.strip_prefix("/control/") {
            return self.controls.serve(&request.method, path, &request.body, (self.clock)());
        }
        if request.path == machine::PATH {
            return self.token(None, &request).await;
        }
        if let Some(tenant) = request.path.strip_suffix("/oauth2/v2.0/token") {
            return self.token(Some(tenant.trim_start_matches('/')), &request).await;
        }
        self.graph(request).await
    }

    /// Serves a Graph call; an item of a batch is one, too.
    pub(super) fn graph(self: &Arc<Self>, request: Request) -> BoxFuture<'_, Answer> {
        Box::pin(async move {
            let now = (self.clock)();
            let request_id = uuid::Uuid::new_v4().to_string();
            let client_request_id = request.header("client-request-id").map(str::to_owned);
            let found = match request.path.strip_prefix("/v1.0") {
                Some(path) => Route::find(&request.method, path),
                None => Err(Refusal::bad("BadRequest", "Invalid version.")),
            };
            let (route, missing) = match found {
                Ok(route) => (route, None),
                Err(refusal) => (Route::nowhere(), Some(refusal)),
            };
            let (identity, mailbox) = self.who(&request, &route, now);
            let body = serde_json::from_slice(&request.body).unwrap_or(Value::Null);
            let schedules = schedule::asked_for(&body);
            let known = identity.as_ref().ok().map(|identity| (identity.tenant.clone(), identity.client_id.clone()));
            let (tenant, application) = known.unzip();
            let entry = Entry {
                time: wire_instant(now),
                call: route.call,
                method: request.method.clone(),
                path: request.path.clone(),
                tenant,
                application,
                mailbox: is_exchange(route.call).then_some(mailbox),
                schedules,
                status: None,
                client_request_id: client_request_id.clone(),
                request_id: request_id.clone(),
                body,
            };
            let answered = match missing {
                Some(refusal) => Err(refusal),
                None => self.answer(&request, &route, identity, &entry, now).await,
            };
            let known_id = client_request_id.as_deref().unwrap_or(&request_id);
            let mut answer = answered.unwrap_or_else(|refusal| refusal.answer(now, &request_id, known_id));
            answer.headers.extend([
                ("request-id", request_id.clone()),
                ("client-request-id", known_id.to_owned()),
                ("x-ms-ags-diagnostic", DIAGNOSTIC.to_owned()),
                ("strict-transport-security", "max-age=31536000".to_owned()),
                ("odata-version", "4.0".to_owned()),
            ]);
            let status = (!answer.cut).then_some(answer.status);
            lock(&self.controls.ledger).record(Entry { status, ..entry });
            answer
        })
    }

    /// Who asks, and about which mailbox: whichever of its names the path has, it is one for limits, faults
    /// and the ledger.
    fn who(&self, request: &Request, route: &Route, now: Timestamp) -> (Result<Identity, Refusal>, String) {
        let state = lock(&self.state);
        let identity = self.tokens.verify(&state, request.header("authorization"), &request.origin, now);
        let mailbox = identity.as_ref().ok().and_then(|identity| state.resolve(&identity.tenant, &route.owner));
        let mailbox = mailbox.map_or_else(|| route.owner.clone(), |mailbox| mailbox.address.clone());
        (identity, mailbox)
    }

    async fn answer(
        self: &Arc<Self>,
        request: &Request,
        route: &Route,
        identity: Result<Identity, Refusal>,
        entry: &Entry,
        now: Timestamp,
    ) -> Result<Answer, Refusal> {
        // A call counts against the limits while it lasts, an injected delay included.
        let running = match (&identity, &entry.mailbox) {
            (Ok(identity), Some(mailbox)) => Some(self.controls.throttle.enter(&identity.client_id, mailbox, now)),
            (Ok(_), None) | (Err(_), _) => None,
        };
        let mut mailboxes = entry.schedules.clone();
        mailboxes.push(entry.mailbox.clone().unwrap_or_else(|| route.owner.clone()));
        let fate = self.fate(route.call, &mailboxes).await;
        if let Some(ending) = fate.before.ending {
            return ended(ending, Answer::json(200, json!({})));
        }
        let identity = identity?;
        let _running = running.transpose()?;
        let answered = if route.call == Call::Batch {
            batch::serve(request, self.strict, self.clock, |item| self.graph(item)).await
        } else if route.is_about_subscriptions() {
            let subscriptions = &self.controls.subscriptions;
            let (state, identity, preferences) = (&self.state, &identity, &preferences(request)?);
            let strict = self.strict;
            Subscribing { subscriptions, state, identity, request, route, preferences, now, strict }.serve().await
        } else {
            self.call(request, route, &identity, &fate.schedule_errors, now)
        };
        pause(fate.after.delay_ms).await;
        match (fate.after.ending, answered) {
            (Some(ending), Ok(answer)) => ended(ending, answer),
            (_, answered) => answered,
        }
    }

    fn call(
        &self,
        request: &Request,
        route: &Route,
        identity: &Identity,
        schedule_errors: &[(String, ScheduleError)],
        now: Timestamp,
    ) -> Result<Answer, Refusal> {
        let query = Query::parse(&request.query)?;
        let preferences = preferences(request)?;
        let applied = preferences.applied.join(", ");
        let mut state = lock(&self.state);
        let application = state.application(&identity.tenant, &identity.client_id)?.clone();
        let grants = Grants { roles: &identity.roles, application: &application };
        let named = state.resolve(&identity.tenant, &route.owner).map(|mailbox| mailbox.address.clone());
        grants.check(route.call, named.as_deref())?;
        let here = Here { origin: request.origin.clone(), path: request.path.clone() };
        let ask = Ask {
            state: &mut state,
            grants,
            tenant: &identity.tenant,
            route,
            query: &query,
            preferences,
            headers: &request.headers,
            body: &request.body,
            here: &here,
            now,
            strict: self.strict,
            delta_tokens: &self.controls.delta_tokens,
            schedule_errors,
        };
        let answered = calls::serve(ask);
        let news = state.take_news();
        drop(state);
        self.controls.subscriptions.tell(&news, now);
        let mut answer = answered?;
        if !applied.is_empty() {
            answer.headers.push(("preference-applied", applied));
        }
        Ok(answer)
    }

    /// Serves a tenant's token endpoint, or that of the machine.
    async fn token(self: &Arc<Self>, tenant: Option<&str>, request: &Request) -> Answer {
        let now = (self.clock)();
        let sent = if tenant.is_some() { &request.body[..] } else { request.query.as_bytes() };
        let form: HashMap<String, String> = url::form_urlencoded::parse(sent).into_owned().collect();
        let shown = |name: &str| form.get(name).cloned();
        let mut entry = Entry {
            time: wire_instant(now),
            call: Call::Token,
            method: request.method.clone(),
            path: request.path.clone(),
            tenant: tenant.map(str::to_owned),
            application: shown("client_id"),
            mailbox: None,
            schedules: Vec::new(),
            status: None,
            client_request_id: request.header("client-request-id").map(str::to_owned),
            request_id: uuid::Uuid::new_v4().to_string(),
            // Never the secret.
            body: json!({ "grant_type": shown("grant_type"), "scope": shown("scope"), "resource": shown("resource") }),
        };
        let mut answer = match self.fate(Call::Token, &[]).await.before.ending {
            Some(Ending::Cut | Ending::Half) => Answer { cut: true, ..Answer::empty(503) },
            Some(Ending::Garbage) => Answer { garbage: true, ..Answer::json(200, json!({})) },
            Some(Ending::Refused { status, code, message, retry_after }) => {
                let mut answer = match tenant {
                    Some(_) => Denial::injected(status, &code, &message).answer(now),
                    None => machine::refusal(status, &code, &message),
                };
                answer.headers.extend(retry_after.map(|seconds| ("retry-after", seconds.to_string())));
                answer
            }
            None => self.issue(tenant, request, &form, now),
        };
        answer.headers.push(("x-ms-request-id", entry.request_id.clone()));
        answer.headers.extend(entry.client_request_id.clone().map(|id| ("client-request-id", id)));
        entry.status = (!answer.cut).then_some(answer.status);
        lock(&self.controls.ledger).record(entry);
        answer
    }

    fn issue(&self, tenant: Option<&str>, request: &Request, form: &HashMap<String, String>, now: Timestamp) -> Answer {
        let state = lock(&self.state);
        let Some(tenant) = tenant else {
            let wanted = machine::read(request);
            return wanted.map_or_else(
                |refusal| refusal,
                |wanted| self.tokens.issue_to_machine(&state, &wanted, &request.origin, now),
            );
        };
        if request.method != "POST" {
            let message = format!("The endpoint only accepts POST requests. Received a {} request.", request.method);
            return Denial::injected(400, "900561", &message).answer(now);
        }
        let basic = request.header("authorization");
        let issued = self.tokens.issue(&state, tenant, basic, form, &request.origin, now);
        issued.unwrap_or_else(|denial| denial.answer(now))
    }

    async fn fate(&self, call: Call, mailboxes: &[String]) -> Fate {
        let fate = lock(&self.controls.faults).decide(call, mailboxes, rand::random::<f64>);
        pause(fate.before.delay_ms).await;
        fate
    }
}

async fn pause(milliseconds: u64) {
    if milliseconds > 0 {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
    }
}

/// What becomes of an answer that a fault meets.
fn ended(ending: Ending, answer: Answer) -> Result<Answer, Refusal> {
    match ending {
        Ending::Half if answer.body.is_some() => Ok(Answer { half: true, ..answer }),
        Ending::Cut | Ending::Half => Ok(Answer { cut: true, ..Answer::empty(503) }),
        Ending::Garbage => Ok(Answer { garbage: true, ..answer }),
        Ending::Refused { status, code, message, retry_after } => {
            Err(Refusal { retry_after, ..Refusal::new(status, &code, message) })
        }
    }
}

fn preferences(request: &Request) -> Result<Preferences, Refusal> {
    Preferences::parse(request.headers.get_all("prefer").iter().filter_map(|value| value.to_str().ok()))
}

const DIAGNOSTIC: &str = r#"{"ServerInfo":{"DataCenter":"Simulator","Slice":"E","Ring":"5","ScaleUnit":"000","RoleInstance":"SIM0000000A"}}"#;
