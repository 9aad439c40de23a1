//! Events that are being made: each is here from before Graph is asked until the caller may be told
//! that it is there.

use rusqlite::params;
use uuid::Uuid;

use super::Store;
use crate::failure::Failure;

/// An event that may be there although nobody was told so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// Its `transactionId`.
    pub id: Uuid,
    /// The mailbox whose calendar it is for.
    pub mailbox: String,
    /// When it was begun; seconds since 1970.
    pub since: i64,
}

impl Store {
    /// Notes an intent.
    ///
    /// # Errors
    /// [`Failure::Internal`] if it could not be noted.
    pub async fn intend(&self, intent: Intent) -> Result<(), Failure> {
        self.run(move |store| {
            let sql = "INSERT INTO intents (id, mailbox, since) VALUES (?1, ?2, ?3)";
            store.execute(sql, params![intent.id.to_string(), intent.mailbox, intent.since]).map(drop)
        })
        .await
    }

    /// Forgets an intent for its caller, who will be told what became of it. Says whether that may
    /// be told: not once the intent is doomed.
    ///
    /// # Errors
    /// [`Failure::Internal`] if it could not be forgotten.
    pub async fn settle(&self, id: Uuid) -> Result<bool, Failure> {
        self.change("DELETE FROM intents WHERE id = ?1 AND doomed = 0", id).await
    }

    /// Dooms an intent: its event may be deleted from now on, and no caller will be told that it is
    /// there. Says whether it was still noted.
    ///
    /// # Errors
    /// [`Failure::Internal`] if that could not be noted.
    pub async fn doom(&self, id: Uuid) -> Result<bool, Failure> {
        self.change("UPDATE intents SET doomed = 1 WHERE id = ?1", id).await
    }

    /// Forgets an intent whose event is certainly not there.
    ///
    /// # Errors
    /// [`Failure::Internal`] if it could not be forgotten.
    pub async fn forget(&self, id: Uuid) -> Result<(), Failure> {
        self.change("DELETE FROM intents WHERE id = ?1", id).await.map(drop)
    }

    /// Intents that were noted before a second, the oldest first.
    ///
    /// # Errors
    /// [`Failure::Internal`] if they cannot be read.
    pub async fn unsettled(&self, before: i64) -> Result<Vec<Intent>, Failure> {
        self.run(move |store| {
            let mut rows = store.prepare("SELECT id, mailbox, since FROM intents WHERE since < ?1 ORDER BY since")?;
            let rows = rows.query_map([before], |row| {
                let id: String = row.get(0)?;
                Ok(Intent { id: id.parse().unwrap_or_default(), mailbox: row.get(1)?, since: row.get(2)? })
            })?;
            rows.collect()
        })
        .await
    }

    /// Whether there was a row to change.
    async fn change(&self, sql: &'static str, id: Uuid) -> Result<bool, Failure> {
        self.run(move |store| Ok(store.execute(sql, [id.to_string()])? > 0)).await
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[tokio::test]
    async fn intents_are_there_until_they_are_settled_also_after_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store");
        let intent = |since| Intent { id: Uuid::new_v4(), mailbox: "r@example.com".into(), since };
        let (old, new) = (intent(5), intent(7));
        let store = Store::open(&path).unwrap();
        store.intend(new.clone()).await.unwrap();
        store.intend(old.clone()).await.unwrap();
        drop(store);
        let store = Store::open(&path).unwrap();
        assert_eq!(store.unsettled(6).await.unwrap(), std::slice::from_ref(&old));
        assert_eq!(store.unsettled(8).await.unwrap(), [old.clone(), new]);
        assert!(store.settle(old.id).await.unwrap());
        assert!(!store.settle(old.id).await.unwrap(), "settled once");
        assert_eq!(store.unsettled(6).await.unwrap(), []);
    }

    #[tokio::test]
    async fn either_the_caller_is_told_or_the_event_is_deleted() {
        let store = Store::in_memory().unwrap();
        let intent = |since| Intent { id: Uuid::new_v4(), mailbox: "r@example.com".into(), since };
        let (told, deleted) = (intent(5), intent(5));
        store.intend(told.clone()).await.unwrap();
        store.intend(deleted.clone()).await.unwrap();
        assert!(store.settle(told.id).await.unwrap());
        assert!(!store.doom(told.id).await.unwrap());
        assert!(store.doom(deleted.id).await.unwrap());
        assert!(!store.settle(deleted.id).await.unwrap());
        assert_eq!(store.unsettled(6).await.unwrap(), std::slice::from_ref(&deleted), "until it is certainly gone");
        store.forget(deleted.id).await.unwrap();
        assert_eq!(store.unsettled(6).await.unwrap(), []);
    }
}
