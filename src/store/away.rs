//! Whose automatic replies are watched, what they were, and what was told of them.

use rusqlite::{Transaction, params};

use super::Store;
use super::outbox::{self, Letter};
use crate::failure::Failure;

/// A mailbox whose automatic replies are watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwayWatch {
    /// Its address.
    pub mailbox: String,
    /// What whoever asked for the watch calls it.
    pub alias: String,
    /// Since when it is watched; seconds since 1970.
    pub since: i64,
    /// Its automatic replies when it was last looked at, in the monitor's own form; `None` before the first look.
    pub settings: Option<String>,
    /// What was told last, in the monitor's own form; `None` before anything was.
    pub told: Option<String>,
    /// When that changed; seconds since 1970.
    pub changed: Option<i64>,
}

/// What a look at a mailbox brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AwayChange {
    /// The mailbox.
    pub mailbox: String,
    /// As in [`AwayWatch::settings`].
    pub settings: String,
    /// As in [`AwayWatch::told`].
    pub told: String,
    /// As in [`AwayWatch::changed`].
    pub changed: i64,
    /// Whom to tell what.
    pub letters: Vec<Letter>,
}

impl Store {
    /// All watches.
    ///
    /// # Errors
    /// [`Failure::Internal`] if they cannot be read.
    pub async fn away_watches(&self) -> Result<Vec<AwayWatch>, Failure> {
        self.run(|store| {
            let sql = "SELECT mailbox, alias, since, settings, told, changed FROM away_watches ORDER BY mailbox";
            let mut rows = store.prepare(sql)?;
            let rows = rows.query_map([], |row| {
                Ok(AwayWatch {
                    mailbox: row.get(0)?,
                    alias: row.get(1)?,
                    since: row.get(2)?,
                    settings: row.get(3)?,
                    told: row.get(4)?,
                    changed: row.get(5)?,
                })
            })?;
            rows.collect()
        })
        .await
    }

    /// Watches a mailbox from a second on; one that is watched already goes on with what is known, under
    /// the new alias. Says whether it is new.
    ///
    /// # Errors
    /// [`Failure::Internal`] if that could not be noted.
    pub async fn watch_away(&self, mailbox: String, alias: String, since: i64) -> Result<bool, Failure> {
        self.run(move |store| {
            if store.execute("UPDATE away_watches SET alias = ?2 WHERE mailbox = ?1", [&mailbox, &alias])? > 0 {
                return Ok(false);
            }
            let sql = "INSERT INTO away_watches (mailbox, alias, since) VALUES (?1, ?2, ?3)";
            store.execute(sql, params![mailbox, alias, since])?;
            Ok(true)
        })
        .await
    }

    /// Watches a mailbox no more, and forgets what was told of it, was still to be told, and could not be. Says whether it
    /// was watched.
    ///
    /// # Errors
    /// [`Failure::Internal`] if that could not be noted.
    pub async fn unwatch_away(&self, mailbox: String) -> Result<bool, Failure> {
        let (was_watched, waiting, given_up) = self
            .run(move |store| {
                let (waiting, given_up) = outbox::posting::forget(store, &mailbox)?;
                let watches = store.execute("DELETE FROM away_watches WHERE mailbox = ?1", [&mailbox])?;
                Ok((watches > 0, waiting, given_up))
            })
            .await?;
        if waiting + given_up > 0 {
            tracing::info!(
                waiting,
                given_up,
                "a mailbox is not watched any more: letters about it that waited or were given up are dropped"
            );
        }
        Ok(was_watched)
    }

    /// Notes what a look brought and puts those letters into the outbox that are owed (see [`Self::owed`]), both or
    /// neither. Gives the targets of these; `None` if the mailbox is not watched any more, and nothing was noted.
    ///
    /// # Errors
    /// [`Failure::Internal`] if it could not be noted.
    pub async fn note_away(&self, change: AwayChange) -> Result<Option<Vec<String>>, Failure> {
        let noted = self.run(move |store| {
            let sql = "UPDATE away_watches SET settings = ?2, told = ?3, changed = ?4 WHERE mailbox = ?1";
            let values = params![change.mailbox, change.settings, change.told, change.changed];
            if store.prepare_cached(sql)?.execute(values)? == 0 {
                return Ok(None);
            }
            post_owed(store, change.letters).map(Some)
        });
        let Some((targets, crowded)) = noted.await? else { return Ok(None) };
        crowded.into_iter().for_each(|webhook| self.warn_of_crowd(&webhook));
        Ok(Some(targets))
    }

    /// Puts those letters about a mailbox into the outbox that are owed (see [`Self::owed`]), if it is watched. Gives their
    /// targets.
    ///
    /// # Errors
    /// [`Failure::Internal`] if they could not be noted.
    pub async fn remind_away(&self, mailbox: String, letters: Vec<Letter>) -> Result<Vec<String>, Failure> {
        let posted = self.run(move |store| {
            match store.prepare_cached("SELECT 1 FROM away_watches WHERE mailbox = ?1")?.exists([mailbox])? {
                true => post_owed(store, letters),
                false => Ok((Vec::new(), None)),
            }
        });
        let (targets, crowded) = posted.await?;
        crowded.into_iter().for_each(|webhook| self.warn_of_crowd(&webhook));
        Ok(targets)
    }
}

/// Posts letters that are owed. Gives their targets, and one of these that has too many.
fn post_owed(store: &Transaction<'_>, letters: Vec<Letter>) -> rusqlite::Result<(Vec<String>, Option<String>)> {
    let (mut targets, mut crowded) = (Vec::new(), None);
    for letter in letters {
        if outbox::posting::is_owed(store, &letter)? {
            if outbox::posting::post(store, &letter)? {
                crowded = Some(letter.target.clone());
            }
            targets.push(letter.target);
        }
    }
    Ok((targets, crowded))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const ANNA: &str = "anna@example.com";

    fn letter(mailbox: &str, id: &str) -> Letter {
        let (id, gist) = (id.to_owned(), id.to_owned());
        Letter { id, target: "phone".into(), mailbox: mailbox.into(), body: "{}".into(), gist, made: 5 }
    }

    fn change(mailbox: &str, letters: &[&str]) -> AwayChange {
        AwayChange {
            mailbox: mailbox.into(),
            settings: "set".into(),
            told: "told".into(),
            changed: 7,
            letters: letters.iter().map(|id| letter(mailbox, id)).collect(),
        }
    }

    async fn ids(store: &Store) -> Vec<String> {
        let read = |store: &rusqlite::Transaction<'_>| {
            let mut rows = store.prepare("SELECT id FROM outbox ORDER BY number")?;
            rows.query_map([], |row| row.get(0))?.collect()
        };
        store.run(read).await.unwrap()
    }

    #[tokio::test]
    async fn a_change_and_its_letters_survive_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store");
        let store = Store::open(&path).unwrap();
        assert!(store.watch_away(ANNA.into(), "anna".into(), 3).await.unwrap());
        let targets = store.note_away(change(ANNA, &["1", "2", "2"])).await.unwrap();
        assert_eq!(targets, Some(vec!["phone".to_owned(), "phone".to_owned()]), "the second is not told twice");
        assert_eq!(store.note_away(change(ANNA, &["2"])).await.unwrap(), Some(vec![]));
        assert!(!store.watch_away(ANNA.into(), "Anna".into(), 9).await.unwrap(), "it is watched already");
        drop(store);
        let store = Store::open(&path).unwrap();
        let watch = AwayWatch {
            mailbox: ANNA.into(),
            alias: "Anna".into(),
            since: 3,
            settings: Some("set".into()),
            told: Some("told".into()),
            changed: Some(7),
        };
        assert_eq!(store.away_watches().await.unwrap(), [watch]);
        assert_eq!(ids(&store).await, ["1", "2"]);
    }

    #[tokio::test]
    async fn of_what_is_not_watched_nothing_is_noted() {
        let store = Store::in_memory().unwrap();
        assert_eq!(store.note_away(change(ANNA, &["1"])).await.unwrap(), None);
        assert_eq!((store.away_watches().await.unwrap(), ids(&store).await.len()), (vec![], 0));
    }

    #[tokio::test]
    async fn with_a_watch_go_its_letters_and_what_is_known_of_them() {
        let store = Store::in_memory().unwrap();
        for mailbox in [ANNA, "ben@example.com"] {
            store.watch_away(mailbox.into(), mailbox.into(), 3).await.unwrap();
        }
        store.note_away(change(ANNA, &["dead", "1"])).await.unwrap();
        store.note_away(change("ben@example.com", &["2"])).await.unwrap();
        let bury =
            |store: &rusqlite::Transaction<'_>| store.execute("UPDATE outbox SET dead = 1 WHERE id = 'dead'", []);
        store.run(bury).await.unwrap();
        assert!(store.unwatch_away(ANNA.into()).await.unwrap());
        assert_eq!(ids(&store).await, ["2"]);
        assert!(!store.unwatch_away(ANNA.into()).await.unwrap());
        store.watch_away(ANNA.into(), ANNA.into(), 8).await.unwrap();
        let again = store.away_watches().await.unwrap().remove(0);
        assert_eq!((again.since, again.settings, again.told, again.changed), (8, None, None, None));
        store.note_away(change(ANNA, &["3"])).await.unwrap();
        store.delivered(4).await.unwrap();
        assert_eq!(store.note_away(change(ANNA, &["3"])).await.unwrap(), Some(vec![]), "it has that");
        store.unwatch_away(ANNA.into()).await.unwrap();
        store.watch_away(ANNA.into(), ANNA.into(), 9).await.unwrap();
        assert_eq!(store.note_away(change(ANNA, &["3"])).await.unwrap().unwrap().len(), 1, "it is told afresh");
    }

    #[tokio::test]
    async fn letters_that_cannot_be_posted_take_the_change_with_them() {
        let store = Store::in_memory().unwrap();
        store.watch_away(ANNA.into(), "anna".into(), 3).await.unwrap();
        store.run(|store| store.execute_batch("DROP TABLE outbox")).await.unwrap();
        assert_eq!(store.note_away(change(ANNA, &["1"])).await, Err(Failure::Internal));
        assert_eq!(store.away_watches().await.unwrap().remove(0).told, None);
    }
}
