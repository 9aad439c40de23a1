//! Subscriptions and what is queued for them.

use rusqlite::{Transaction, params};

use super::Store;
use crate::failure::Failure;

/// A subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// Its id.
    pub id: String,
    /// Whose it is.
    pub client: String,
    /// After how many idle minutes a pull subscription ends; `None` for a streaming one.
    pub minutes: Option<u32>,
    /// The kinds of events, one bit each.
    pub types: u32,
    /// The mailboxes.
    pub mailboxes: Vec<String>,
    /// When it was used last; seconds since 1970.
    pub seen: i64,
    /// The number up to which events have arrived.
    pub acknowledged: i64,
    /// The number that was given last.
    pub last: i64,
    /// Whether events were dropped, and nobody was told so.
    pub missed: bool,
}

/// Where a subscription stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The subscription's id.
    pub subscription: String,
    /// When it was used last; seconds since 1970.
    pub seen: i64,
    /// The number up to which events have arrived.
    pub acknowledged: i64,
    /// The number that was given last.
    pub last: i64,
    /// Whether events were dropped, and nobody was told so.
    pub missed: bool,
}

/// An event in a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Queued {
    /// The subscription's id.
    pub subscription: String,
    /// Its number there.
    pub number: i64,
    /// Whose item.
    pub mailbox: String,
    /// The item's id.
    pub item: String,
    /// Its change key; empty where it is not known.
    pub change_key: String,
    /// The kind of event.
    pub kind: u8,
    /// When it was found out; seconds since 1970.
    pub at: i64,
}

/// What has become of queues.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct QueueChanges {
    /// Events that are new, or are another now.
    pub queued: Vec<Queued>,
    /// Events that are gone: subscription and number.
    pub gone: Vec<(String, i64)>,
    /// Where subscriptions stand.
    pub standing: Vec<Standing>,
}

impl QueueChanges {
    /// Whether nothing has become of any.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.queued.is_empty() && self.gone.is_empty() && self.standing.is_empty()
    }
}

impl Store {
    /// Notes a new subscription.
    ///
    /// # Errors
    /// [`Failure::Internal`] if it could not be noted.
    pub async fn add_subscription(&self, subscription: Subscription) -> Result<(), Failure> {
        self.run(move |store| {
            let sql = "INSERT INTO subscriptions \
                       (id, client, minutes, types, mailboxes, seen, acknowledged, last, missed) \
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
            let it = subscription;
            let mailboxes = it.mailboxes.join(" ");
            let values = params![
                it.id,
                it.client,
                it.minutes,
                it.types,
                mailboxes,
                it.seen,
                it.acknowledged,
                it.last,
                it.missed
            ];
            store.execute(sql, values).map(drop)
        })
        .await
    }

    /// Forgets subscriptions and their queues.
    ///
    /// # Errors
    /// [`Failure::Internal`] if they could not be forgotten.
    pub async fn remove_subscriptions(&self, ids: Vec<String>) -> Result<(), Failure> {
        self.run(move |store| {
            for id in ids {
                store.execute("DELETE FROM queued WHERE subscription = ?1", [&id])?;
                store.execute("DELETE FROM subscriptions WHERE id = ?1", [&id])?;
            }
            Ok(())
        })
        .await
    }

    /// All subscriptions, and all that is queued, by number.
    ///
    /// # Errors
    /// [`Failure::Internal`] if they cannot be read.
    pub async fn subscriptions(&self) -> Result<(Vec<Subscription>, Vec<Queued>), Failure> {
        self.run(|store| {
            let sql =
                "SELECT id, client, minutes, types, mailboxes, seen, acknowledged, last, missed FROM subscriptions";
            let mut rows = store.prepare(sql)?;
            let subscriptions = rows.query_map([], |row| {
                let mailboxes: String = row.get(4)?;
                Ok(Subscription {
                    id: row.get(0)?,
                    client: row.get(1)?,
                    minutes: row.get(2)?,
                    types: row.get(3)?,
                    mailboxes: mailboxes.split(' ').map(str::to_owned).collect(),
                    seen: row.get(5)?,
                    acknowledged: row.get(6)?,
                    last: row.get(7)?,
                    missed: row.get(8)?,
                })
            })?;
            let subscriptions = subscriptions.collect::<rusqlite::Result<_>>()?;
            let sql = "SELECT subscription, number, mailbox, item, change_key, kind, at FROM queued ORDER BY number";
            let mut rows = store.prepare(sql)?;
            let queued = rows.query_map([], |row| {
                Ok(Queued {
                    subscription: row.get(0)?,
                    number: row.get(1)?,
                    mailbox: row.get(2)?,
                    item: row.get(3)?,
                    change_key: row.get(4)?,
                    kind: row.get(5)?,
                    at: row.get(6)?,
                })
            })?;
            Ok((subscriptions, queued.collect::<rusqlite::Result<_>>()?))
        })
        .await
    }

    /// Notes what has become of queues. Of subscriptions that are gone nothing is noted.
    ///
    /// # Errors
    /// [`Failure::Internal`] if it could not be noted; then nothing of it was.
    pub async fn change_queues(&self, changes: QueueChanges) -> Result<(), Failure> {
        self.run(move |store| write(store, &changes)).await
    }
}

/// As [`Store::change_queues`].
pub(super) fn write(store: &Transaction<'_>, changes: &QueueChanges) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO queued (subscription, number, mailbox, item, change_key, kind, at) \
               SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7 WHERE EXISTS (SELECT 1 FROM subscriptions WHERE id = ?1)";
    let mut insert = store.prepare_cached(sql)?;
    for it in &changes.queued {
        insert.execute(params![it.subscription, it.number, it.mailbox, it.item, it.change_key, it.kind, it.at])?;
    }
    let mut delete = store.prepare_cached("DELETE FROM queued WHERE subscription = ?1 AND number = ?2")?;
    for (subscription, number) in &changes.gone {
        delete.execute(params![subscription, number])?;
    }
    let sql = "UPDATE subscriptions SET seen = ?2, acknowledged = ?3, last = ?4, missed = ?5 WHERE id = ?1";
    let mut update = store.prepare_cached(sql)?;
    for it in &changes.standing {
        update.execute(params![it.subscription, it.seen, it.acknowledged, it.last, it.missed])?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn subscription(id: &str) -> Subscription {
        Subscription {
            id: id.into(),
            client: "c".into(),
            minutes: Some(7),
            types: 5,
            mailboxes: vec!["a@example.com".into(), "b@example.com".into()],
            seen: 100,
            acknowledged: 0,
            last: 0,
            missed: false,
        }
    }

    fn queued(subscription: &str, number: i64) -> Queued {
        Queued {
            subscription: subscription.into(),
            number,
            mailbox: "a@example.com".into(),
            item: format!("item-{number}"),
            change_key: String::new(),
            kind: 1,
            at: 50,
        }
    }

    #[tokio::test]
    async fn queues_are_there_after_a_restart_and_gone_with_their_subscription() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store");
        let store = Store::open(&path).unwrap();
        store.add_subscription(subscription("one")).await.unwrap();
        store.add_subscription(Subscription { minutes: None, ..subscription("two") }).await.unwrap();
        let changes = QueueChanges {
            queued: vec![queued("one", 1), queued("two", 2), queued("one", 3), queued("nobody", 4)],
            gone: vec![("one".into(), 1)],
            standing: vec![Standing { subscription: "one".into(), seen: 200, acknowledged: 1, last: 3, missed: true }],
        };
        store.change_queues(changes).await.unwrap();
        drop(store);
        let store = Store::open(&path).unwrap();
        let (mut all, rows) = store.subscriptions().await.unwrap();
        all.sort_by(|a, b| a.id.cmp(&b.id));
        let one = Subscription { seen: 200, acknowledged: 1, last: 3, missed: true, ..subscription("one") };
        assert_eq!(all, [one, Subscription { minutes: None, ..subscription("two") }]);
        assert_eq!(rows, [queued("two", 2), queued("one", 3)]);
        store.remove_subscriptions(vec!["one".into(), "nobody".into()]).await.unwrap();
        let (all, rows) = store.subscriptions().await.unwrap();
        assert_eq!((all.len(), rows), (1, vec![queued("two", 2)]));
    }
}
