//! Somebody who is told, and how: what a letter says, how it is signed, and which answers mean that it arrived.
//!
//! Owns what the two forms share; `recipient/` has one file for each. Must not know when letters are sent.

mod mediator;
mod news;
mod standard;
mod words;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use jiff::Timestamp;
use sha2::{Digest, Sha256};
use uuid::Uuid;

use super::settings::{Form, Webhook};
use crate::outbound::{Answered, Outbound, Unreachable};
use crate::store::Letter;
use standard::Keys;

pub(super) use news::News;
pub(super) use words::Problem;

/// A webhook with its connections.
#[derive(Debug)]
pub(super) struct Recipient {
    name: String,
    outbound: Outbound,
    way: Way,
}

/// Why a letter has not arrived.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NotDelivered {
    pub(super) why: Why,
    pub(super) problem: Problem,
}

/// What a recipient means that has not taken a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// It does not take it.
    Refused,
    /// Something is wrong with itself: it may take it when that is mended.
    Failed,
    /// It takes nothing for the moment, and says for how long.
    Later(Duration),
    /// It does not answer.
    Unreachable,
}

/// A form, ready for use.
#[derive(Debug)]
enum Way {
    Mediator,
    Standard(Keys),
}

/// Whether an answer says that a letter has arrived, and if not, what it says.
type Judge = fn(&Answered) -> Result<(), Problem>;

impl Recipient {
    /// Gets ready; sends nothing.
    ///
    /// # Errors
    /// A text for the operator: unusable certificates or keys, or an address that is not public.
    pub(super) fn new(webhook: Webhook) -> Result<Self, String> {
        let Webhook { name, target, form } = webhook;
        let told = |problem: String| format!("webhook {name}: {problem}");
        let way = match form {
            Form::Mediator => Way::Mediator,
            Form::Standard { keys } => Way::Standard(Keys::new(keys).map_err(told)?),
        };
        let outbound = Outbound::new(target).map_err(told)?;
        Ok(Self { name, outbound, way })
    }

    /// Its name in the configuration.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The letter about news. Whether they are any to this recipient, its gist says.
    pub(super) fn letter(&self, news: News<'_>, made: Timestamp) -> Letter {
        let (body, gist) = match self.way {
            Way::Mediator => mediator::body(news),
            Way::Standard(_) => standard::body(news, made),
        };
        Letter {
            id: format!("msg_{}", Uuid::new_v4().simple()),
            target: self.name.clone(),
            mailbox: news.mailbox.to_string(),
            body,
            gist: digest(&gist),
            made: made.as_second(),
        }
    }

    /// Delivers a letter.
    ///
    /// # Errors
    /// [`NotDelivered`].
    pub(super) async fn deliver(&self, letter: &Letter, now: Timestamp) -> Result<(), NotDelivered> {
        let body = letter.body.clone();
        let (answered, judge): (_, Judge) = match &self.way {
            Way::Mediator => (self.outbound.post(&mediator::SET_STATUS, &[], body).await, mediator::arrived),
            Way::Standard(keys) => {
                let headers = keys.headers(&letter.id, now, &body);
                (self.outbound.post(&[], &headers, body).await, standard::arrived)
            }
        };
        let answered = answered.map_err(|Unreachable(text)| NotDelivered {
            why: Why::Unreachable,
            problem: Problem { logged: text.clone(), text },
        })?;
        judge(&answered).map_err(|problem| NotDelivered::of(&answered, problem))
    }

    /// Asks a mediator for the watches that it wants; others have none. It asks for them before it answers.
    ///
    /// # Errors
    /// A text for the log.
    pub(super) async fn synchronise(&self) -> Result<(), String> {
        match self.way {
            Way::Mediator => mediator::synchronise(&self.outbound).await,
            Way::Standard(_) => Ok(()),
        }
    }
}

impl NotDelivered {
    /// What an answer means that says that nothing has arrived. Whoever answers for another that it does not answer
    /// (RFC 9110 §15.6.3 to §15.6.5) has not seen what the letter says.
    fn of(answered: &Answered, problem: Problem) -> Self {
        let why = match (answered.status, answered.retry_after) {
            (429 | 503, Some(pause)) => Why::Later(pause),
            (429, None) => Why::Later(PAUSE),
            (408 | 502 | 503 | 504, _) => Why::Unreachable,
            (425 | 500.., _) => Why::Failed,
            _ => Why::Refused,
        };
        Self { why, problem }
    }
}

/// Of two texts the same only if they are.
fn digest(text: &str) -> String {
    STANDARD_NO_PAD.encode(Sha256::digest(text))
}

/// For whoever wants less and does not say how much.
const PAUSE: Duration = Duration::from_secs(30);
#[cfg(test)]
mod tests;
