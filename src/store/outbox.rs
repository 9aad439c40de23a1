//! What is still to be told to webhooks, and what could not be.
//!
//! Letters about one mailbox to one target go out in the order of their numbers, one at a time: the first that is not
//! given up is the head of its queue, and says so in its row, so that what is due is found without reading the rest.

pub(super) mod posting;

use std::sync::PoisonError;
use std::time::Duration;

use rusqlite::{OptionalExtension, Row, Transaction, params, params_from_iter};
use tokio::time::Instant;

use super::Store;
use crate::failure::Failure;

#[cfg(test)]
use posting::post;

/// Something to tell.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Its id, the same each time that it is sent.
    pub id: String,
    /// The webhook's name in the configuration.
    pub target: String,
    /// Whom it is about.
    pub mailbox: String,
    /// JSON.
    pub body: String,
    /// Stands for all of it that matters to whoever gets it: another letter with the same gist tells it nothing.
    pub gist: String,
    /// When it was written; seconds since 1970.
    pub made: i64,
}

/// A letter in the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Its place; later ones are higher.
    pub number: i64,
    /// The letter.
    pub letter: Letter,
    /// Since when its delivery is tried: when it was written, or when an operator had it sent again; seconds since 1970.
    pub since: i64,
    /// How often it was refused since.
    pub tries: u32,
    /// When it is sent next, if no other about the same mailbox comes before it; seconds since 1970.
    pub next: i64,
    /// Why it could not be sent last time.
    pub problem: Option<String>,
    /// Given up: sent again only when an operator says so.
    pub is_dead: bool,
    /// A later one about the same mailbox has arrived: not sent again.
    pub is_superseded: bool,
}

/// Which letters an operator means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Selection {
    /// All that were given up.
    Dead,
    /// One.
    Number(i64),
}

impl Store {
    /// Of letters those that tell their target something: another thing than what it has, and will have when all that
    /// waits has arrived. Changes nothing.
    ///
    /// # Errors
    /// [`Failure::Internal`] if that cannot be read.
    pub async fn owed(&self, letters: Vec<Letter>) -> Result<Vec<Letter>, Failure> {
        self.read(move |store| {
            let mut owed = Vec::new();
            for letter in letters {
                if posting::is_owed(store, &letter)? {
                    owed.push(letter);
                }
            }
            Ok(owed)
        })
        .await
    }

    /// Letters to a target that are to be sent by a second: of each mailbox the first that is not given up, those
    /// first that have waited longest. What is put off for longer than `longest` from then is to be sent too: a clock has
    /// been set back since.
    ///
    /// # Errors
    /// [`Failure::Internal`] if they cannot be read.
    pub async fn due_letters(
        &self,
        target: String,
        by: i64,
        longest: i64,
        most: usize,
    ) -> Result<Vec<Waiting>, Failure> {
        self.read(move |store| {
            let most = i64::try_from(most).unwrap_or(i64::MAX);
            let mut due: Vec<Waiting> = store
                .prepare_cached(&due())?
                .query_map(params![target, by, most], waiting)?
                .collect::<Result<_, _>>()?;
            let values = params![target, by.saturating_add(longest), most];
            for stranded in store.prepare_cached(&stranded())?.query_map(values, waiting)? {
                due.push(stranded?);
            }
            Ok(due)
        })
        .await
    }

    /// Forgets a letter that has arrived, and notes that it has.
    ///
    /// # Errors
    /// [`Failure::Internal`] if that could not be noted: it will be sent again.
    pub async fn delivered(&self, number: i64) -> Result<(), Failure> {
        self.run(move |store| {
            // It may have been thrown away while it was under way.
            let Some((target, mailbox, gist)) = remove(store, number)? else { return Ok(()) };
            store.prepare_cached(ARRIVED)?.execute(params![target, mailbox, number, gist])?;
            // An operator may have had an earlier one sent again while this one was under way.
            store.prepare_cached(OVERTAKE)?.execute(params![target, mailbox, number])?;
            lead(store, &target, &mailbox)
        })
        .await
    }

    /// Puts a letter off until a second.
    ///
    /// # Errors
    /// [`Failure::Internal`] if that could not be noted.
    pub async fn put_off(&self, number: i64, tries: u32, next: i64, problem: String) -> Result<(), Failure> {
        self.run(move |store| store.prepare_cached(PUT_OFF)?.execute(params![number, tries, next, problem]).map(drop))
            .await
    }

    /// Has letters that were put off sent from a second on.
    ///
    /// # Errors
    /// [`Failure::Internal`] if that could not be noted.
    pub async fn hurry(&self, numbers: Vec<i64>, next: i64) -> Result<(), Failure> {
        self.run(move |store| {
            let mut update = store.prepare_cached(HURRY)?;
            numbers.iter().try_for_each(|number| update.execute([number, &next]).map(drop))
        })
        .await
    }

    /// Gives a letter up; those after it are sent.
    ///
    /// # Errors
    /// [`Failure::Internal`] if that could not be noted.
    pub async fn give_up(&self, number: i64, tries: u32, problem: String) -> Result<(), Failure> {
        self.run(move |store| {
            let values = params![number, tries, problem];
            match store.prepare_cached(GIVE_UP)?.query_row(values, queue).optional()? {
                Some((target, mailbox)) => lead(store, &target, &mailbox),
                None => Ok(()),
            }
        })
        .await
    }

    /// All letters, those given up too, in their order.
    ///
    /// # Errors
    /// [`Failure::Internal`] if they cannot be read.
    pub async fn letters(&self) -> Result<Vec<Waiting>, Failure> {
        self.read(|store| store.prepare(&all())?.query_map([], waiting)?.collect()).await
    }

    /// How many letters wait, and how many were given up.
    ///
    /// # Errors
    /// [`Failure::Internal`] if they cannot be counted.
    pub async fn outbox_size(&self) -> Result<(u64, u64), Failure> {
        self.read(|store| {
            let mut count = store.prepare_cached(COUNT)?;
            let mut count =
                |is_dead: bool| count.query_row([is_dead], |row| row.get::<_, i64>(0)).map(i64::unsigned_abs);
            Ok((count(false)?, count(true)?))
        })
        .await
    }

    /// Sends letters again from a second on, in their old place. Gives the numbers of those that will be, and of
    /// those that will not, because a later one about the same mailbox has arrived.
    ///
    /// # Errors
    /// [`Failure::Internal`] if that could not be noted.
    pub async fn send_again(&self, which: Selection, from: i64) -> Result<(Vec<i64>, Vec<i64>), Failure> {
        self.run(move |store| {
            let (mut again, mut superseded) = (Vec::new(), Vec::new());
            let mut update = store.prepare(SEND_AGAIN)?;
            for letter in selected(store, which)? {
                if letter.is_superseded {
                    superseded.push(letter.number);
                } else {
                    let (target, mailbox) = update.query_row([letter.number, from], queue)?;
                    lead(store, &target, &mailbox)?;
                    again.push(letter.number);
                }
            }
            Ok((again, superseded))
        })
        .await
    }

    /// Gives up what waits for targets that are not among those named; says how much that is.
    ///
    /// # Errors
    /// [`Failure::Internal`] if that could not be noted.
    pub async fn give_up_strangers(&self, targets: Vec<String>) -> Result<usize, Failure> {
        let waits = self.read(|store| store.prepare(TARGETS)?.query_map([], |row| row.get(0))?.collect());
        let waits: Vec<String> = waits.await?;
        let strangers: Vec<String> = waits.into_iter().filter(|target| !targets.contains(target)).collect();
        if strangers.is_empty() {
            return Ok(0);
        }
        self.run(move |store| {
            let mut update = store.prepare(NO_SUCH_TARGET)?;
            strangers.iter().try_fold(0, |sum, target| Ok(sum + update.execute([target])?))
        })
        .await
    }

    /// Throws letters away; says how many there were.
    ///
    /// # Errors
    /// [`Failure::Internal`] if that could not be noted.
    pub async fn drop_letters(&self, which: Selection) -> Result<usize, Failure> {
        self.run(move |store| {
            let letters = selected(store, which)?;
            for letter in &letters {
                if let Some((target, mailbox, _)) = remove(store, letter.number)? {
                    // It may have arrived without our knowing.
                    store.prepare_cached(UNCERTAIN)?.execute(params![target, mailbox, letter.number])?;
                    lead(store, &target, &mailbox)?;
                }
            }
            Ok(letters.len())
        })
        .await
    }

    /// Tells the operator now and then that letters had to go.
    pub(super) fn warn_of_crowd(&self, webhook: &str) {
        let mut warned = self.warned.lock().unwrap_or_else(PoisonError::into_inner);
        if warned.is_none_or(|at| at.elapsed() >= BETWEEN_WARNINGS) {
            *warned = Some(Instant::now());
            tracing::warn!(
                webhook,
                most = posting::MOST,
                "too many letters about one mailbox wait: old ones that were never sent are thrown away for new ones"
            );
        }
    }

    /// Puts letters into the outbox, for tests of what is done with them.
    #[cfg(test)]
    pub(crate) async fn post(&self, letters: Vec<Letter>) -> Result<(), Failure> {
        self.run(move |store| letters.iter().try_for_each(|letter| post(store, letter).map(drop))).await
    }

    /// Has every change fail, as on a disk that can no longer be written.
    #[cfg(test)]
    #[allow(clippy::unwrap_used, reason = "tests")]
    pub(crate) fn refuse_writing(&self, is_refused: bool) {
        self.connection.lock().unwrap().pragma_update(None, "query_only", is_refused).unwrap();
    }
}

/// Makes the first living letter of a queue its head, and no other.
fn lead(store: &Transaction<'_>, target: &str, mailbox: &str) -> rusqlite::Result<()> {
    let first = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, bool>(1)?));
    let first = store.prepare_cached(FIRST)?.query_row([target, mailbox], first).optional()?;
    let Some((number, false)) = first else { return Ok(()) };
    store.prepare_cached(LEAD)?.execute(params![target, mailbox, number]).map(drop)
}

/// Takes a letter out, and gives its target, its mailbox and its gist.
fn remove(store: &Transaction<'_>, number: i64) -> rusqlite::Result<Option<(String, String, String)>> {
    let removed = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?, row.get(2)?));
    store.prepare_cached(REMOVE)?.query_row([number], removed).optional()
}

fn selected(store: &Transaction<'_>, which: Selection) -> rusqlite::Result<Vec<Waiting>> {
    let number = match which {
        Selection::Dead => None,
        Selection::Number(number) => Some(number),
    };
    store.prepare(&choice(which))?.query_map(params_from_iter(number), waiting)?.collect()
}

fn due() -> String {
    format!("SELECT {COLUMNS} FROM outbox WHERE target = ?1 AND head = 1 AND next <= ?2 ORDER BY next, number LIMIT ?3")
}

fn stranded() -> String {
    format!("SELECT {COLUMNS} FROM outbox WHERE target = ?1 AND head = 1 AND next > ?2 ORDER BY next, number LIMIT ?3")
}

fn all() -> String {
    format!("SELECT {COLUMNS} FROM outbox ORDER BY number")
}

fn choice(which: Selection) -> String {
    let condition = match which {
        Selection::Dead => "dead = 1",
        Selection::Number(_) => "number = ?1",
    };
    format!("SELECT {COLUMNS} FROM outbox WHERE {condition} ORDER BY number")
}

const BETWEEN_WARNINGS: Duration = Duration::from_secs(3600);
const PUT_OFF: &str = "UPDATE outbox SET tries = ?2, next = ?3, problem = ?4 WHERE number = ?1 AND dead = 0";
const HURRY: &str = "UPDATE outbox SET next = min(next, ?2) WHERE number = ?1 AND dead = 0";
const GIVE_UP: &str = "UPDATE outbox SET tries = ?2, problem = ?3, dead = 1, head = 0 WHERE number = ?1 \
    RETURNING target, mailbox";
const COUNT: &str = "SELECT count(*) FROM outbox WHERE dead = ?1";
const SEND_AGAIN: &str = "UPDATE outbox SET dead = 0, tries = 0, since = ?2, next = ?2 WHERE number = ?1 \
    RETURNING target, mailbox";
/// Each queue has a head as long as something waits in it.
const TARGETS: &str = "SELECT DISTINCT target FROM outbox WHERE head = 1";
const NO_SUCH_TARGET: &str = "UPDATE outbox SET dead = 1, head = 0, problem = 'no such webhook' \
    WHERE target = ?1 AND dead = 0 AND mailbox IN (SELECT mailbox FROM outbox WHERE target = ?1 AND head = 1)";
const FIRST: &str =
    "SELECT number, head FROM outbox WHERE target = ?1 AND mailbox = ?2 AND dead = 0 ORDER BY number LIMIT 1";
const LEAD: &str = "UPDATE outbox SET head = (number = ?3) \
    WHERE target = ?1 AND mailbox = ?2 AND dead = 0 AND head <> (number = ?3)";
const REMOVE: &str = "DELETE FROM outbox WHERE number = ?1 RETURNING target, mailbox, gist";
const ARRIVED: &str = "INSERT INTO delivered (target, mailbox, number, gist) VALUES (?1, ?2, ?3, ?4) \
    ON CONFLICT DO UPDATE SET number = max(number, excluded.number), gist = excluded.gist";
const OVERTAKE: &str = "UPDATE outbox SET dead = 1, head = 0, problem = 'a later one arrived before it' \
    WHERE target = ?1 AND mailbox = ?2 AND dead = 0 AND number < ?3";
const UNCERTAIN: &str = "UPDATE delivered SET gist = NULL WHERE target = ?1 AND mailbox = ?2 AND number < ?3";
/// As [`waiting`] reads them.
const COLUMNS: &str = "number, id, target, mailbox, body, gist, made, since, tries, next, problem, dead, \
    EXISTS (SELECT 1 FROM delivered WHERE delivered.target = outbox.target AND delivered.mailbox = outbox.mailbox \
            AND delivered.number > outbox.number)";

fn waiting(row: &Row<'_>) -> rusqlite::Result<Waiting> {
    Ok(Waiting {
        number: row.get(0)?,
        letter: Letter {
            id: row.get(1)?,
            target: row.get(2)?,
            mailbox: row.get(3)?,
            body: row.get(4)?,
            gist: row.get(5)?,
            made: row.get(6)?,
        },
        since: row.get(7)?,
        tries: row.get(8)?,
        next: row.get(9)?,
        problem: row.get(10)?,
        is_dead: row.get(11)?,
        is_superseded: row.get(12)?,
    })
}

/// Target and mailbox.
fn queue(row: &Row<'_>) -> rusqlite::Result<(String, String)> {
    Ok((row.get(0)?, row.get(1)?))
}

#[cfg(test)]
mod tests;
