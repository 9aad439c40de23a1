//! Subscriptions to calendars: what there is, who is told of which change, and what is withheld on demand.
//! Knows changes of events and the courier, no calls.
//! <https://learn.microsoft.com/graph/api/resources/subscription>

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use url::Url;
use uuid::Uuid;

use super::courier::{Courier, Tally};
use super::error::Refusal;
use super::ids::{self, Form};
use super::lock::lock;
use super::state::{ChangeKind, News};
use super::token::Identity;
use super::zone::wire_instant;

/// Active subscriptions of all applications to one mailbox.
const MOST_PER_MAILBOX: usize = 1000;

/// One subscription to the events of a mailbox.
#[derive(Clone, Debug)]
pub(super) struct Subscription {
    pub(super) id: Uuid,
    pub(super) tenant: String,
    pub(super) application: String,
    pub(super) mailbox: Uuid,
    /// As it was given.
    pub(super) resource: String,
    pub(super) kinds: Vec<ChangeKind>,
    pub(super) url: Url,
    pub(super) lifecycle_url: Option<Url>,
    pub(super) client_state: Option<String>,
    pub(super) expires: Timestamp,
    pub(super) ids: Form,
    pub(super) tally: Arc<Tally>,
}

/// What the control endpoint does to notifications.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Withheld {
    /// Notifications are lost.
    #[serde(default)]
    pub(super) drop: bool,
    /// How many; all when absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) times: Option<u32>,
    #[serde(default)]
    pub(super) delay_ms: u64,
}

/// A lifecycle event to send now. <https://learn.microsoft.com/graph/change-notifications-lifecycle-events>
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Lifecycle {
    event: LifecycleEvent,
    /// The subscription's id; all when absent.
    #[serde(default)]
    subscription: Option<String>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
enum LifecycleEvent {
    SubscriptionRemoved,
    Missed,
    ReauthorizationRequired,
}

#[derive(Default)]
pub(super) struct Subscriptions {
    pub(super) courier: Courier,
    active: Mutex<Vec<Subscription>>,
    withheld: Mutex<Withheld>,
}

impl Subscriptions {
    /// Whether there is room for it beside the others.
    ///
    /// # Errors
    /// 409 for one that the application has already, 403 beyond the quota of the mailbox.
    pub(super) fn admit(&self, new: &Subscription, now: Timestamp) -> Result<(), Refusal> {
        self.expire(now);
        let active = lock(&self.active);
        let same = |one: &&Subscription| {
            one.tenant == new.tenant
                && one.application == new.application
                && one.mailbox == new.mailbox
                && one.kinds == new.kinds
        };
        if active.iter().any(|one| same(&one)) {
            let message = "A subscription with the same resource and change type exists already.";
            return Err(Refusal::new(409, "Conflict", message));
        }
        if active.iter().filter(|one| one.mailbox == new.mailbox).count() >= MOST_PER_MAILBOX {
            return Err(Refusal::new(403, "ErrorTooManySubscriptions", "The quota of subscriptions is used up."));
        }
        Ok(())
    }

    pub(super) fn add(&self, new: Subscription) {
        lock(&self.active).push(new);
    }

    /// An application's own ones.
    pub(super) fn of(&self, who: &Identity, now: Timestamp) -> Vec<Subscription> {
        self.expire(now);
        lock(&self.active).iter().filter(|one| one.is_of(who)).cloned().collect()
    }

    /// Changes one of an application's own.
    pub(super) fn change(
        &self,
        who: &Identity,
        id: &str,
        now: Timestamp,
        change: impl FnOnce(&mut Subscription),
    ) -> Result<Subscription, Refusal> {
        self.expire(now);
        let mut active = lock(&self.active);
        let found = active.iter_mut().find(|one| one.is_of(who) && one.id.to_string() == id);
        let found = found.ok_or_else(|| Refusal::new(404, "ResourceNotFound", "The object was not found."))?;
        change(found);
        Ok(found.clone())
    }

    pub(super) fn remove(&self, id: Uuid) {
        lock(&self.active).retain(|one| one.id != id);
    }

    /// Tells the subscribers what happened.
    pub(super) fn tell(&self, news: &[News], now: Timestamp) {
        if news.is_empty() {
            return;
        }
        self.expire(now);
        let active = lock(&self.active).clone();
        for subscription in active {
            let concerns = |one: &&News| one.mailbox == subscription.mailbox && subscription.kinds.contains(&one.kind);
            let items: Vec<Value> = news.iter().filter(concerns).map(|one| subscription.notification(one)).collect();
            if items.is_empty() {
                continue;
            }
            match self.withhold() {
                None => {
                    subscription.tally.dropped.fetch_add(1, Ordering::Relaxed);
                }
                Some(delay) => {
                    let body = json!({ "value": items });
                    self.courier.deliver(&subscription.url, &body, delay, &subscription.tally);
                }
            }
        }
    }

    /// What happens to notifications from now on.
    pub(super) fn set_withheld(&self, withheld: Withheld) {
        *lock(&self.withheld) = withheld;
    }

    /// Sends a lifecycle event; says to how many.
    pub(super) fn send_lifecycle(&self, lifecycle: &Lifecycle) -> usize {
        let mut concerned = lock(&self.active).clone();
        concerned.retain(|one| lifecycle.subscription.as_ref().is_none_or(|id| *id == one.id.to_string()));
        let mut sent = 0;
        for one in concerned {
            if lifecycle.event == LifecycleEvent::SubscriptionRemoved {
                self.remove(one.id);
            }
            if let Some(url) = &one.lifecycle_url {
                let body = json!({ "value": [one.lifecycle(lifecycle.event)] });
                self.courier.deliver(url, &body, Duration::ZERO, &one.tally);
                sent += 1;
            }
        }
        sent
    }

    /// All of them, with what became of their notifications.
    pub(super) fn show(&self, now: Timestamp) -> Value {
        self.expire(now);
        let shown = |one: &Subscription| json!({ "subscription": one.show(false), "notifications": *one.tally });
        let all: Vec<Value> = lock(&self.active).iter().map(shown).collect();
        json!({ "subscriptions": all, "withheld": *lock(&self.withheld) })
    }

    /// Forgets all of them, as after an outage.
    pub(super) fn clear(&self) {
        lock(&self.active).clear();
    }

    fn expire(&self, now: Timestamp) {
        lock(&self.active).retain(|one| one.expires > now);
    }

    /// The delay of the next notification, or `None` when it is to be lost.
    fn withhold(&self) -> Option<Duration> {
        let mut withheld = lock(&self.withheld);
        let delay = Duration::from_millis(withheld.delay_ms);
        if !withheld.drop || withheld.times == Some(0) {
            return Some(delay);
        }
        withheld.times = withheld.times.map(|times| times - 1);
        None
    }
}

impl Subscription {
    /// Whether an application made it, in the tenant that it speaks for now.
    fn is_of(&self, who: &Identity) -> bool {
        self.tenant == who.tenant && self.application == who.client_id
    }

    /// The clientState is given back to whoever creates a subscription, and never again.
    pub(super) fn show(&self, with_state: bool) -> Value {
        json!({
            "id": self.id.to_string(),
            "resource": self.resource,
            "applicationId": self.application,
            "changeType": self.kinds.iter().map(|kind| word(*kind)).collect::<Vec<_>>().join(","),
            "clientState": self.client_state.as_ref().filter(|_| with_state),
            "notificationUrl": self.url.as_str(),
            "lifecycleNotificationUrl": self.lifecycle_url.as_ref().map(Url::as_str),
            "expirationDateTime": wire_instant(self.expires),
            "creatorId": ids::guid(&format!("service principal of {}", self.application)).to_string(),
            "includeResourceData": null,
            "latestSupportedTlsVersion": "v1_2",
            "encryptionCertificate": null,
            "encryptionCertificateId": null,
            "notificationQueryOptions": null,
            "notificationUrlAppId": null,
        })
    }

    fn notification(&self, news: &News) -> Value {
        let id = ids::item(self.ids, news.mailbox, news.number, None);
        let resource = format!("Users/{}/Events/{id}", news.mailbox);
        json!({
            "id": Uuid::new_v4().to_string(),
            "subscriptionId": self.id.to_string(),
            "subscriptionExpirationDateTime": wire_instant(self.expires),
            "clientState": self.client_state,
            "changeType": word(news.kind),
            "resource": resource,
            "tenantId": self.tenant,
            "resourceData": {
                "@odata.type": "#Microsoft.Graph.Event",
                "@odata.id": resource,
                "@odata.etag": format!("W/\"{}\"", ids::change_key(news.mailbox, news.change)),
                "id": id,
            },
        })
    }

    fn lifecycle(&self, event: LifecycleEvent) -> Value {
        json!({
            "subscriptionId": self.id.to_string(),
            "subscriptionExpirationDateTime": wire_instant(self.expires),
            "clientState": self.client_state,
            "tenantId": self.tenant,
            "lifecycleEvent": event,
        })
    }
}

fn word(kind: ChangeKind) -> &'static str {
    match kind {
        ChangeKind::Created => "created",
        ChangeKind::Updated => "updated",
        ChangeKind::Deleted => "deleted",
    }
}
