//! Calendars that are watched: how far they were read, and what is known of their items.

use std::collections::{BTreeMap, BTreeSet};

use rusqlite::{Row, Transaction, params};

use super::Store;
use super::subscriptions::{self, QueueChanges};
use crate::failure::Failure;

/// A calendar that is watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Watch {
    /// Whose.
    pub mailbox: String,
    /// Tells this watch from an earlier one of the same calendar.
    pub born: String,
    /// Where to ask what has changed since.
    pub link: String,
    /// The stretch of time that is watched; seconds since 1970.
    pub start: i64,
    /// Its end.
    pub end: i64,
    /// Where changes are told of by themselves.
    pub hook: Option<Hook>,
}

/// An arrangement by which changes are told of by themselves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hook {
    /// Its id.
    pub id: String,
    /// A hash of the secret that comes with what is told.
    pub proof: [u8; 32],
    /// When it ends; seconds since 1970.
    pub end: i64,
}

/// What is known of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its id.
    pub item: String,
    /// Another one after each change.
    pub mark: String,
    /// The series of an occurrence; empty for any other item.
    pub series: String,
    /// When it is; seconds since 1970.
    pub start: i64,
    /// Its end.
    pub end: i64,
}

/// What reading on has brought.
#[derive(Clone, Debug, Default)]
pub struct WatchChanges {
    /// Items that are new, or are another now.
    pub known: Vec<Known>,
    /// Items that are gone.
    pub gone: Vec<String>,
    /// Whether `known` is all there is.
    pub afresh: bool,
    /// What has become of queues by it.
    pub queues: QueueChanges,
}

impl Store {
    /// All calendars that are watched.
    ///
    /// # Errors
    /// [`Failure::Internal`] if they cannot be read.
    pub async fn watches(&self) -> Result<Vec<Watch>, Failure> {
        self.run(|store| {
            let sql = "SELECT mailbox, born, link, start, finish, hook, hook_proof, hook_end FROM watches";
            let mut rows = store.prepare(sql)?;
            let rows = rows.query_map([], |row| {
                let hook: Option<String> = row.get(5)?;
                let hook = hook.map(|id| Ok::<_, rusqlite::Error>(Hook { id, proof: row.get(6)?, end: row.get(7)? }));
                Ok(Watch {
                    mailbox: row.get(0)?,
                    born: row.get(1)?,
                    link: row.get(2)?,
                    start: row.get(3)?,
                    end: row.get(4)?,
                    hook: hook.transpose()?,
                })
            })?;
            rows.collect()
        })
        .await
    }

    /// What is known of some items of a calendar; and of their series, and of some more series, how
    /// many other items are known to belong to them.
    ///
    /// # Errors
    /// [`Failure::Internal`] if it cannot be read.
    pub async fn known(
        &self,
        mailbox: String,
        items: Vec<String>,
        mut series: BTreeSet<String>,
    ) -> Result<(Vec<Known>, BTreeMap<String, i64>), Failure> {
        self.run(move |store| {
            let sql = "SELECT item, mark, series, start, finish FROM known WHERE mailbox = ?1 AND item = ?2";
            let mut by_id = store.prepare(sql)?;
            let mut found = Vec::new();
            for item in &items {
                found.extend(by_id.query_map([&mailbox, item], known)?.collect::<rusqlite::Result<Vec<_>>>()?);
            }
            series.extend(found.iter().map(|item| item.series.clone()).filter(|series| !series.is_empty()));
            let mut count =
                store.prepare("SELECT count(*) FROM known WHERE mailbox = ?1 AND series = ?2 AND series <> ''")?;
            let counts = series.into_iter().map(|series| {
                let many = count.query_row([&mailbox, &series], |row| row.get(0))?;
                Ok((series, many))
            });
            let counts = counts.collect::<rusqlite::Result<_>>()?;
            Ok((found, counts))
        })
        .await
    }

    /// What is known of all items of a calendar.
    ///
    /// # Errors
    /// [`Failure::Internal`] if it cannot be read.
    pub async fn all_known(&self, mailbox: String) -> Result<Vec<Known>, Failure> {
        self.run(move |store| {
            let mut rows = store.prepare("SELECT item, mark, series, start, finish FROM known WHERE mailbox = ?1")?;
            rows.query_map([&mailbox], known)?.collect()
        })
        .await
    }

    /// Notes how far a calendar was read and what that has brought, all of it or nothing.
    ///
    /// # Errors
    /// [`Failure::Internal`] if it could not be noted; then nothing of it was.
    pub async fn advance(&self, watch: Watch, changes: WatchChanges) -> Result<(), Failure> {
        self.run(move |store| {
            write(store, &watch)?;
            if changes.afresh {
                store.execute("DELETE FROM known WHERE mailbox = ?1", [&watch.mailbox])?;
            }
            let sql = "INSERT OR REPLACE INTO known (mailbox, item, mark, series, start, finish) \
                       VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
            let mut insert = store.prepare_cached(sql)?;
            for it in &changes.known {
                insert.execute(params![watch.mailbox, it.item, it.mark, it.series, it.start, it.end])?;
            }
            let mut delete = store.prepare_cached("DELETE FROM known WHERE mailbox = ?1 AND item = ?2")?;
            for item in &changes.gone {
                delete.execute([&watch.mailbox, item])?;
            }
            subscriptions::write(store, &changes.queues)
        })
        .await
    }

    /// Forgets a calendar, unless it has been watched anew since.
    ///
    /// # Errors
    /// [`Failure::Internal`] if it could not be forgotten.
    pub async fn forget_watch(&self, mailbox: String, born: String) -> Result<(), Failure> {
        self.run(move |store| {
            if store.execute("DELETE FROM watches WHERE mailbox = ?1 AND born = ?2", [&mailbox, &born])? > 0 {
                store.execute("DELETE FROM known WHERE mailbox = ?1", [&mailbox])?;
            }
            Ok(())
        })
        .await
    }
}

fn write(store: &Transaction<'_>, watch: &Watch) -> rusqlite::Result<()> {
    let sql = "INSERT OR REPLACE INTO watches (mailbox, born, link, start, finish, hook, hook_proof, hook_end) \
               VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
    let hook = watch.hook.as_ref();
    let (id, proof, end) = (hook.map(|it| &it.id), hook.map(|it| it.proof), hook.map(|it| it.end));
    let values = params![watch.mailbox, watch.born, watch.link, watch.start, watch.end, id, proof, end];
    store.execute(sql, values).map(drop)
}

fn known(row: &Row<'_>) -> rusqlite::Result<Known> {
    Ok(Known { item: row.get(0)?, mark: row.get(1)?, series: row.get(2)?, start: row.get(3)?, end: row.get(4)? })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn item(name: &str, mark: &str) -> Known {
        Known { item: name.into(), mark: mark.into(), series: String::new(), start: 1, end: 2 }
    }

    #[tokio::test]
    async fn a_watch_goes_on_after_a_restart_and_a_later_one_is_not_forgotten_with_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store");
        let store = Store::open(&path).unwrap();
        let hook = Hook { id: "h".into(), proof: [7; 32], end: 9 };
        let first = Watch {
            mailbox: "a@example.com".into(),
            born: "1".into(),
            link: "https://graph/1".into(),
            start: 10,
            end: 20,
            hook: Some(hook),
        };
        let all = WatchChanges { known: vec![item("a", "1"), item("b", "1")], afresh: true, ..Default::default() };
        store.advance(first.clone(), all).await.unwrap();
        drop(store);
        let store = Store::open(&path).unwrap();
        assert_eq!(store.watches().await.unwrap(), std::slice::from_ref(&first));
        let some = WatchChanges { known: vec![item("a", "2")], gone: vec!["b".into()], ..Default::default() };
        store.advance(Watch { link: "https://graph/2".into(), ..first.clone() }, some).await.unwrap();
        let mailbox = || "a@example.com".to_owned();
        assert_eq!(store.all_known(mailbox()).await.unwrap(), [item("a", "2")]);
        let one = Known { series: "s".into(), ..item("one", "1") };
        let more = WatchChanges {
            known: vec![one.clone(), Known { item: "two".into(), ..one.clone() }],
            ..Default::default()
        };
        store.advance(first.clone(), more).await.unwrap();
        let asked = vec!["a".into(), "b".into(), "one".into()];
        let (known, counts) = store.known(mailbox(), asked, ["t".to_owned()].into()).await.unwrap();
        assert_eq!(known, [item("a", "2"), one]);
        assert_eq!(counts, [("s".to_owned(), 2), ("t".to_owned(), 0)].into());
        let afresh = WatchChanges { known: vec![item("c", "1")], afresh: true, ..Default::default() };
        store.advance(Watch { born: "2".into(), hook: None, ..first }, afresh).await.unwrap();
        store.forget_watch(mailbox(), "1".into()).await.unwrap();
        assert_eq!(store.all_known(mailbox()).await.unwrap(), [item("c", "1")]);
        store.forget_watch(mailbox(), "2".into()).await.unwrap();
        assert_eq!((store.watches().await.unwrap(), store.all_known(mailbox()).await.unwrap()), (vec![], vec![]));
    }
}
