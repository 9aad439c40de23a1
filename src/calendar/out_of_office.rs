//! Automatic replies: what is set, and what correspondents hear at an instant.
//!
//! Owns what a schedule means. Must not know how either wire writes it, nor who is told.

use jiff::Timestamp;

use super::Window;

/// Automatic replies of a mailbox, as they are set.
/// <https://learn.microsoft.com/graph/api/resources/automaticrepliessetting>
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AutomaticReplies {
    /// Whether they are sent.
    pub status: Status,
    /// Who gets one outside the organisation.
    pub audience: Audience,
    /// When they are sent, if scheduled. May be there otherwise, and means nothing then.
    pub window: Option<Window>,
    /// What correspondents in the organisation get: HTML, may be empty.
    pub internal: String,
    /// What others get: HTML, may be empty.
    pub external: String,
    /// The mailbox's language, as a BCP 47 tag, where it is known.
    pub language: Option<String>,
}

/// Whether automatic replies are sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// No.
    Disabled,
    /// Yes, until they are switched off.
    Enabled,
    /// Inside a window.
    Scheduled,
}

/// Who gets an automatic reply outside the organisation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// Nobody.
    Nobody,
    /// The mailbox's contacts.
    Contacts,
    /// Everybody.
    Everybody,
}

/// What correspondents hear of somebody who is away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Away {
    /// Who is told outside the organisation.
    pub audience: Audience,
    /// From when to when, if that is known.
    pub window: Option<Window>,
    /// What correspondents in the organisation get: HTML.
    pub internal: String,
    /// What others get: HTML, empty if nobody outside gets any.
    pub external: String,
}

/// What somebody who is about to write to a mailbox is told of its owner's absence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tip {
    /// The reply that would come: HTML, empty if none would.
    pub message: String,
    /// Its language, as a BCP 47 tag, where it is known.
    pub language: Option<String>,
    /// From when to when it is sent, if that is scheduled.
    pub window: Option<Window>,
}

impl AutomaticReplies {
    /// What correspondents hear at an instant; `None` if the mailbox's owner is not away then.
    #[must_use]
    pub fn at(&self, now: Timestamp) -> Option<Away> {
        let window = match self.status {
            Status::Disabled => return None,
            Status::Enabled => None,
            Status::Scheduled => Some(self.window.filter(|window| window.start() <= now && now < window.end())?),
        };
        let external = if self.audience == Audience::Nobody { String::new() } else { self.external.clone() };
        Some(Away { audience: self.audience, window, internal: self.internal.clone(), external })
    }

    /// When [`Self::at`] will next answer otherwise without anybody setting anything: the next bound
    /// of a schedule.
    #[must_use]
    pub fn next_turn(&self, now: Timestamp) -> Option<Timestamp> {
        let window = self.window.filter(|_| self.status == Status::Scheduled)?;
        [window.start(), window.end()].into_iter().find(|bound| *bound > now)
    }

    /// What somebody who is about to write is told, from inside the organisation or from outside.
    /// Of strangers nobody knows whether they are among the contacts: they are told nothing then.
    #[must_use]
    pub fn tip(&self, now: Timestamp, is_inside: bool) -> Tip {
        let Some(away) = self.at(now) else { return Tip::default() };
        let message = match (is_inside, away.audience) {
            (true, _) => away.internal,
            (false, Audience::Everybody) => away.external,
            (false, Audience::Nobody | Audience::Contacts) => return Tip::default(),
        };
        Tip { message, language: self.language.clone(), window: away.window }
    }
}

impl Tip {
    /// What is told at an instant, which may be later than when the tip was asked for: nothing once its window is over.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Self {
        if self.window.is_some_and(|window| window.end() <= now) { Self::default() } else { self }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn replies(status: Status, audience: Audience) -> AutomaticReplies {
        let (internal, external) = ("in".to_owned(), "out".to_owned());
        let window = Window::new(at(100), at(200));
        AutomaticReplies { status, audience, window, internal, external, language: None }
    }

    #[test]
    fn a_schedule_counts_inside_its_window_alone() {
        let replies = replies(Status::Scheduled, Audience::Everybody);
        let away = |second| replies.at(at(second)).is_some();
        assert_eq!([99, 100, 199, 200].map(away), [false, true, true, false]);
        let next = |second| replies.next_turn(at(second)).map(Timestamp::as_second);
        assert_eq!([0, 99, 100, 199, 200].map(next), [Some(100), Some(100), Some(200), Some(200), None]);
        assert_eq!(AutomaticReplies { window: None, ..replies }.at(at(150)), None);
    }

    #[test]
    fn without_a_schedule_the_window_means_nothing() {
        let replies = replies(Status::Enabled, Audience::Nobody);
        let away = replies.at(at(500)).unwrap();
        assert_eq!((away.window, replies.next_turn(at(0))), (None, None));
        assert_eq!((away.internal.as_str(), away.external.as_str()), ("in", ""), "nobody outside is told");
        assert_eq!(AutomaticReplies { status: Status::Disabled, ..replies }.at(at(150)), None);
    }

    #[test]
    fn a_tip_ends_with_its_window() {
        let tip = replies(Status::Scheduled, Audience::Everybody).tip(at(150), true);
        assert_eq!((tip.clone().at(at(199)), tip.clone().at(at(200))), (tip, Tip::default()));
    }

    #[test]
    fn strangers_are_told_what_everybody_is() {
        let tip = |audience, is_inside| replies(Status::Enabled, audience).tip(at(0), is_inside).message;
        assert_eq!(tip(Audience::Nobody, true), "in");
        assert_eq!(
            [Audience::Nobody, Audience::Contacts, Audience::Everybody].map(|it| tip(it, false)),
            ["", "", "out"]
        );
        assert_eq!(replies(Status::Scheduled, Audience::Everybody).tip(at(0), true), Tip::default());
    }
}
