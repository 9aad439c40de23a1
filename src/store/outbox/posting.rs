//! What is put into the outbox: only what tells its target something, and not without bound.
//!
//! Must not know how letters are delivered.

use rusqlite::{OptionalExtension, Row, Transaction, params};

use super::{Letter, lead};

/// Whether a letter tells its target another thing than what it has, or will have.
///
/// What was given up may have arrived all the same: whoever was sent that last has nothing for certain.
pub(in crate::store) fn is_owed(store: &Transaction<'_>, letter: &Letter) -> rusqlite::Result<bool> {
    let Letter { target, mailbox, .. } = letter;
    let last = |row: &Row<'_>| Ok((row.get::<_, i64>(0)?, row.get::<_, Option<String>>(1)?));
    let mut known = store.prepare_cached(LAST_WAITING)?.query_row([target, mailbox], last).optional()?;
    if known.is_none() {
        known = store.prepare_cached(LAST_ARRIVED)?.query_row([target, mailbox], last).optional()?;
    }
    match known {
        Some((number, Some(gist))) if gist == letter.gist => {
            store.prepare_cached(LATER_DEAD)?.exists(params![target, mailbox, number])
        }
        _ => Ok(true),
    }
}

/// Puts a letter into the outbox, to be sent at once. Says whether another one had to go for it.
pub(in crate::store) fn post(store: &Transaction<'_>, letter: &Letter) -> rusqlite::Result<bool> {
    let Letter { id, target, mailbox, body, gist, made } = letter;
    store.prepare_cached(POST)?.execute(params![id, target, mailbox, body, gist, made])?;
    lead(store, target, mailbox)?;
    let count = store.prepare_cached(COUNT)?.query_row([target, mailbox], |row| row.get::<_, i64>(0))?;
    Ok(count > MOST && store.prepare_cached(MAKE_ROOM)?.execute([target, mailbox])? > 0)
}

/// Forgets all about a mailbox: what waits, what was given up, and what has arrived. Says how much of the first two.
pub(in crate::store) fn forget(store: &Transaction<'_>, mailbox: &str) -> rusqlite::Result<(usize, usize)> {
    let fates =
        store.prepare_cached(FORGET)?.query_map([mailbox], |row| row.get(0))?.collect::<Result<Vec<bool>, _>>()?;
    store.prepare_cached(FORGET_ARRIVED)?.execute([mailbox])?;
    let given_up = fates.iter().filter(|is_dead| **is_dead).count();
    Ok((fates.len() - given_up, given_up))
}

/// Letters about one mailbox that wait for one target. Each tells how the mailbox stands, so that the newest matter most;
/// the first may be under way.
pub(super) const MOST: i64 = 100;

pub(super) const LAST_WAITING: &str = "SELECT number, gist FROM outbox \
    WHERE target = ?1 AND mailbox = ?2 AND dead = 0 ORDER BY number DESC LIMIT 1";
pub(super) const LAST_ARRIVED: &str = "SELECT number, gist FROM delivered WHERE target = ?1 AND mailbox = ?2";
pub(super) const LATER_DEAD: &str =
    "SELECT 1 FROM outbox WHERE target = ?1 AND mailbox = ?2 AND dead = 1 AND number > ?3 LIMIT 1";
/// Due whatever the clock says, and whatever it is set to.
pub(super) const POST: &str = "INSERT INTO outbox (id, target, mailbox, body, gist, made, since, next) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, 0)";
pub(super) const COUNT: &str = "SELECT count(*) FROM outbox WHERE target = ?1 AND mailbox = ?2 AND dead = 0";
pub(super) const MAKE_ROOM: &str = "DELETE FROM outbox WHERE number = (SELECT number FROM outbox \
    WHERE target = ?1 AND mailbox = ?2 AND dead = 0 AND head = 0 AND problem IS NULL ORDER BY number LIMIT 1)";
pub(super) const FORGET: &str = "DELETE FROM outbox WHERE mailbox = ?1 RETURNING dead";
pub(super) const FORGET_ARRIVED: &str = "DELETE FROM delivered WHERE mailbox = ?1";
