//! Whose item an id names: ids by their hashes, a bounded number of them, the newest kept.

use rusqlite::params;

use super::Store;
use crate::failure::Failure;

/// An item, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// A hash of the item's id.
    pub item: [u8; 16],
    /// The mailbox.
    pub mailbox: String,
}

impl Store {
    /// Remembers owners, and forgets the oldest of those that are more than `most`.
    ///
    /// # Errors
    /// [`Failure::Internal`] if they could not be noted.
    pub async fn note_owners(&self, owners: Vec<Owner>, now: i64, most: u32) -> Result<(), Failure> {
        self.run(move |store| {
            let mut insert =
                store.prepare("INSERT OR REPLACE INTO owners (item, mailbox, noted) VALUES (?1, ?2, ?3)")?;
            for owner in owners {
                insert.execute(params![owner.item, owner.mailbox, now])?;
            }
            let count: i64 = store.query_row("SELECT count(*) FROM owners", [], |row| row.get(0))?;
            let surplus = count - i64::from(most);
            if surplus > 0 {
                let sql = "DELETE FROM owners WHERE item IN (SELECT item FROM owners ORDER BY noted LIMIT ?1)";
                store.execute(sql, [surplus])?;
            }
            Ok(())
        })
        .await
    }

    /// All owners, the oldest first.
    ///
    /// # Errors
    /// [`Failure::Internal`] if they cannot be read.
    pub async fn owners(&self) -> Result<Vec<Owner>, Failure> {
        self.run(|store| {
            let mut rows = store.prepare("SELECT item, mailbox FROM owners ORDER BY noted")?;
            let rows = rows.query_map([], |row| Ok(Owner { item: row.get(0)?, mailbox: row.get(1)? }))?;
            rows.collect()
        })
        .await
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[tokio::test]
    async fn the_newest_are_kept() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store");
        let owner = |item| Owner { item: [item; 16], mailbox: format!("{item}@example.com") };
        let store = Store::open(&path).unwrap();
        store.note_owners(vec![owner(1), owner(2)], 10, 3).await.unwrap();
        store.note_owners(vec![owner(3)], 20, 3).await.unwrap();
        store.note_owners(vec![owner(1), owner(4)], 30, 3).await.unwrap();
        drop(store);
        let kept = Store::open(&path).unwrap().owners().await.unwrap();
        assert_eq!(kept, [owner(3), owner(1), owner(4)]);
    }
}
