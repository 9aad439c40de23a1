//! The calls about subscriptions: create with its handshake, list, get, renew, delete, reauthorize.
//! <https://learn.microsoft.com/graph/api/subscription-post-subscriptions>

use std::sync::{Arc, Mutex};

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use url::{Host, Url};
use uuid::Uuid;

use super::error::{Answer, Refusal};
use super::json::{body, known, missing, object, text};
use super::lock::lock;
use super::permissions::Grants;
use super::query::Preferences;
use super::request::Request;
use super::route::{Call, Route};
use super::state::{ChangeKind, State};
use super::subscriptions::{Subscription, Subscriptions};
use super::token::Identity;

const NAMES: [&str; 8] = [
    "changeType",
    "notificationUrl",
    "lifecycleNotificationUrl",
    "resource",
    "expirationDateTime",
    "clientState",
    "latestSupportedTlsVersion",
    "includeResourceData",
];
/// Longest and shortest lifetime of a subscription to events, in minutes.
const LONGEST: i64 = 10_080;
const SHORTEST: i64 = 45;
const LONGEST_STATE: usize = 128;

/// One call about subscriptions.
pub(super) struct Subscribing<'a> {
    pub(super) subscriptions: &'a Subscriptions,
    pub(super) state: &'a Mutex<State>,
    pub(super) identity: &'a Identity,
    pub(super) request: &'a Request,
    pub(super) route: &'a Route,
    pub(super) preferences: &'a Preferences,
    pub(super) now: Timestamp,
    pub(super) strict: bool,
}

impl Subscribing<'_> {
    pub(super) async fn serve(&self) -> Result<Answer, Refusal> {
        let (who, id) = (self.identity, self.route.item.as_str());
        let one = |change: &dyn Fn(&mut Subscription)| self.subscriptions.change(who, id, self.now, change);
        match self.route.call {
            Call::CreateSubscription => self.create().await,
            Call::GetSubscription => Ok(self.whole(200, &one(&|_| ())?, false)),
            Call::UpdateSubscription => {
                let given = body(&self.request.body)?;
                let fields = object(&given, "subscription")?;
                known(fields, &["expirationDateTime"], "subscription", self.strict)?;
                let expires = self.expiration(fields)?;
                Ok(self.whole(200, &one(&|subscription| subscription.expires = expires)?, false))
            }
            Call::DeleteSubscription => {
                self.subscriptions.remove(one(&|_| ())?.id);
                Ok(Answer::empty(204))
            }
            Call::ReauthorizeSubscription => one(&|_| ()).map(|_| Answer::empty(204)),
            _ => {
                let all = self.subscriptions.of(who, self.now);
                let value: Vec<Value> = all.iter().map(|subscription| subscription.show(false)).collect();
                let context = format!("{}/v1.0/$metadata#subscriptions", self.request.origin);
                Ok(Answer::json(200, json!({ "@odata.context": context, "value": value })))
            }
        }
    }

    async fn create(&self) -> Result<Answer, Refusal> {
        let given = body(&self.request.body)?;
        let fields = object(&given, "subscription")?;
        known(fields, &NAMES, "subscription", self.strict)?;
        if fields.get("includeResourceData") == Some(&Value::Bool(true)) {
            return Err(invalid("Resource data is not simulated in notifications."));
        }
        let resource = need(fields, "resource")?;
        let state = fields.get("clientState").filter(|state| !state.is_null());
        let state = state.map(|state| text(state, "clientState")).transpose()?.map(str::to_owned);
        if state.as_ref().is_some_and(|state| state.chars().count() > LONGEST_STATE) {
            return Err(invalid("The clientState must not be longer than 128 characters."));
        }
        let lifecycle = fields.get("lifecycleNotificationUrl").filter(|url| !url.is_null());
        let lifecycle = lifecycle.map(|url| text(url, "lifecycleNotificationUrl")).transpose()?;
        let new = Subscription {
            id: Uuid::new_v4(),
            tenant: self.identity.tenant.clone(),
            application: self.identity.client_id.clone(),
            mailbox: self.mailbox(resource)?,
            resource: resource.to_owned(),
            kinds: kinds(need(fields, "changeType")?)?,
            url: address(need(fields, "notificationUrl")?)?,
            lifecycle_url: lifecycle.map(address).transpose()?,
            client_state: state,
            expires: self.expiration(fields)?,
            ids: self.preferences.ids,
            tally: Arc::default(),
        };
        self.subscriptions.admit(&new, self.now)?;
        let courier = &self.subscriptions.courier;
        for url in [Some(&new.url), new.lifecycle_url.as_ref()].into_iter().flatten() {
            courier.validate(url).await?;
        }
        // Another one may have come meanwhile.
        self.subscriptions.admit(&new, self.now)?;
        self.subscriptions.add(new.clone());
        Ok(self.whole(201, &new, true))
    }

    /// The mailbox of `users/{id}/events`, if the application may read its events.
    fn mailbox(&self, resource: &str) -> Result<Uuid, Refusal> {
        let resource = resource.trim_start_matches('/');
        let name = match resource.strip_prefix("users('").or_else(|| resource.strip_prefix("Users('")) {
            Some(rest) => rest.strip_suffix("')/events"),
            None => {
                let rest = resource.strip_prefix("users/").or_else(|| resource.strip_prefix("Users/"));
                rest.and_then(|rest| rest.strip_suffix("/events").or_else(|| rest.strip_suffix("/calendar/events")))
            }
        };
        let name = name.filter(|name| !name.is_empty() && !name.contains('/'));
        let name = name.ok_or_else(|| invalid("The resource is none whose changes can be subscribed to."))?;
        let state = lock(self.state);
        let application = state.application(&self.identity.tenant, &self.identity.client_id)?;
        let grants = Grants { roles: &self.identity.roles, application };
        let found = state.resolve(&self.identity.tenant, name);
        grants.check(Call::CalendarViewDelta, found.map(|mailbox| mailbox.address.as_str()))?;
        let found = found.ok_or_else(|| Refusal::new(404, "ResourceNotFound", "The mailbox was not found."))?;
        Ok(found.id)
    }

    fn expiration(&self, fields: &Map<String, Value>) -> Result<Timestamp, Refusal> {
        let given = need(fields, "expirationDateTime")?;
        let expires: Timestamp = given.parse().map_err(|_| invalid("The expirationDateTime is not valid."))?;
        if expires <= self.now {
            return Err(invalid("Subscription expiration must be in the future."));
        }
        if expires > self.now + SignedDuration::from_mins(LONGEST) {
            return Err(invalid("Subscription expiration can only be 10080 minutes in the future."));
        }
        Ok(expires.max(self.now + SignedDuration::from_mins(SHORTEST)))
    }

    fn whole(&self, status: u16, subscription: &Subscription, with_state: bool) -> Answer {
        let mut shown = subscription.show(with_state);
        if let Some(fields) = shown.as_object_mut() {
            let context = format!("{}/v1.0/$metadata#subscriptions/$entity", self.request.origin);
            fields.insert("@odata.context".to_owned(), json!(context));
        }
        Answer::json(status, shown)
    }
}

/// The kinds of changes, in one order.
fn kinds(given: &str) -> Result<Vec<ChangeKind>, Refusal> {
    let words: Vec<&str> = given.split(',').map(str::trim).collect();
    let known = [("created", ChangeKind::Created), ("updated", ChangeKind::Updated), ("deleted", ChangeKind::Deleted)];
    if words.iter().any(|word| !known.iter().any(|(name, _)| name.eq_ignore_ascii_case(word))) {
        return Err(invalid("The changeType must be made of created, updated and deleted."));
    }
    let wanted = known.into_iter().filter(|(name, _)| words.iter().any(|word| word.eq_ignore_ascii_case(name)));
    Ok(wanted.map(|(_, kind)| kind).collect())
}

/// An address to send to: https, or plain http on this machine.
fn address(given: &str) -> Result<Url, Refusal> {
    let wrong = || invalid("The notification URL must be an absolute https URL.");
    let url = Url::parse(given).map_err(|_| wrong())?;
    let is_here = match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => return Err(wrong()),
    };
    if url.scheme() == "https" || (url.scheme() == "http" && is_here) { Ok(url) } else { Err(wrong()) }
}

fn need<'a>(fields: &'a Map<String, Value>, name: &str) -> Result<&'a str, Refusal> {
    text(fields.get(name).ok_or_else(|| missing(name))?, name)
}

fn invalid(problem: &str) -> Refusal {
    Refusal::bad("InvalidRequest", problem)
}
