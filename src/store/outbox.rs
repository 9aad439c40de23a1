//! What is still to be told to webhooks, and what could not be.
//!
//! Letters about one mailbox to one target go out in the order of their numbers, one at a time.

use rusqlite::{Transaction, params};

use super::Store;
use crate::failure::Failure;

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
    /// How often it was refused.
    pub tries: u32,
    /// When it is sent next; seconds since 1970.
    pub next: i64,
    /// Why it could not be sent last time.
    pub problem: Option<String>,
    /// Given up: sent again only when an operator says so.
    pub is_dead: bool,
}

/// Which letters an operator means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Selection {
    /// All that were given up.
    Dead,
    /// One.
    Number(i64),
}

/// Puts a letter into the outbox, to be sent at once.
pub(super) fn post(store: &Transaction<'_>, letter: &Letter) -> rusqlite::Result<()> {
    let sql = "INSERT INTO outbox (id, target, mailbox, body, made, next) VALUES (?1, ?2, ?3, ?4, ?5, ?5)";
    let Letter { id, target, mailbox, body, made } = letter;
    store.prepare_cached(sql)?.execute(params![id, target, mailbox, body, made]).map(drop)
}

impl Store {
    /// Letters to a target that are to be sent by a second: of each mailbox the first that is not given up, those
    /// first that have waited longest.
    ///
    /// # Errors
    /// [`Failure::Internal`] if they cannot be read.
    pub async fn due_letters(&self, target: String, by: i64, most: usize) -> Result<Vec<Waiting>, Failure> {
        let _ = (target, by, most);
        Err(Failure::Internal)
    }

    /// Forgets a letter that has arrived, and notes that it has.
    ///
    /// # Errors
    /// [`Failure::Internal`] if that could not be noted: it will be sent again.
    pub async fn delivered(&self, number: i64) -> Result<(), Failure> {
        let _ = number;
        Err(Failure::Internal)
    }

    /// Puts a letter off until a second.
    ///
    /// # Errors
    /// [`Failure::Internal`] if that could not be noted.
    pub async fn put_off(&self, number: i64, tries: u32, next: i64, problem: String) -> Result<(), Failure> {
        let _ = (number, tries, next, problem);
        Err(Failure::Internal)
    }

    /// Gives a letter up; those after it are sent.
    ///
    /// # Errors
    /// [`Failure::Internal`] if that could not be noted.
    pub async fn give_up(&self, number: i64, tries: u32, problem: String) -> Result<(), Failure> {
        let _ = (number, tries, problem);
        Err(Failure::Internal)
    }

    /// All letters, those given up too, in their order.
    ///
    /// # Errors
    /// [`Failure::Internal`] if they cannot be read.
    pub async fn letters(&self) -> Result<Vec<Waiting>, Failure> {
        Err(Failure::Internal)
    }

    /// How many letters wait, and how many were given up.
    ///
    /// # Errors
    /// [`Failure::Internal`] if they cannot be counted.
    pub async fn outbox_size(&self) -> Result<(u64, u64), Failure> {
        Err(Failure::Internal)
    }

    /// Sends letters again from a second on, in their old place. Gives the numbers of those that will be, and of
    /// those that will not, because a later one about the same mailbox has arrived.
    ///
    /// # Errors
    /// [`Failure::Internal`] if that could not be noted.
    pub async fn send_again(&self, which: Selection, from: i64) -> Result<(Vec<i64>, Vec<i64>), Failure> {
        let _ = (which, from);
        Err(Failure::Internal)
    }

    /// Throws letters away; says how many there were.
    ///
    /// # Errors
    /// [`Failure::Internal`] if that could not be noted.
    pub async fn drop_letters(&self, which: Selection) -> Result<usize, Failure> {
        let _ = which;
        Err(Failure::Internal)
    }
}
