//! Automatic replies and what was told of them, as the store keeps them: JSON.
//!
//! Owns that form alone. What a later release adds is passed over, and what an earlier one left out is empty.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::calendar::Window;
use crate::calendar::out_of_office::{Audience, AutomaticReplies, Away, Status};

/// Writes automatic replies.
pub(super) fn write_replies(replies: &AutomaticReplies) -> String {
    let status = match replies.status {
        Status::Disabled => KeptStatus::Disabled,
        Status::Enabled => KeptStatus::Enabled,
        Status::Scheduled => KeptStatus::Scheduled,
    };
    let AutomaticReplies { audience, window, internal, external, language, .. } = replies;
    let language = language.clone();
    write(&KeptReplies {
        version: VERSION,
        status,
        texts: Texts::new(*audience, *window, internal, external),
        language,
    })
}

/// Reads automatic replies.
pub(super) fn read_replies(text: &str) -> Option<AutomaticReplies> {
    let KeptReplies { status, texts, language, .. } = serde_json::from_str(text).ok()?;
    let status = match status {
        KeptStatus::Disabled => Status::Disabled,
        KeptStatus::Enabled => Status::Enabled,
        KeptStatus::Scheduled => Status::Scheduled,
    };
    let (window, audience) = (texts.window()?, texts.audience());
    let Texts { internal, external, .. } = texts;
    Some(AutomaticReplies { status, audience, window, internal, external, language })
}

/// Writes what was told.
pub(super) fn write_told(away: Option<&Away>) -> String {
    let away = away.map(|it| Texts::new(it.audience, it.window, &it.internal, &it.external));
    write(&KeptTold { version: VERSION, away })
}

/// Reads what was told.
pub(super) fn read_told(text: &str) -> Option<Option<Away>> {
    let KeptTold { away: Some(texts), .. } = serde_json::from_str(text).ok()? else { return Some(None) };
    let (window, audience) = (texts.window()?, texts.audience());
    let Texts { internal, external, .. } = texts;
    Some(Some(Away { audience, window, internal, external }))
}

#[derive(Serialize, Deserialize)]
struct KeptReplies {
    version: u32,
    status: KeptStatus,
    texts: Texts,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    language: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct KeptTold {
    version: u32,
    away: Option<Texts>,
}

#[derive(Serialize, Deserialize)]
struct Texts {
    audience: KeptAudience,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    start: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    end: Option<String>,
    #[serde(default)]
    internal: String,
    #[serde(default)]
    external: String,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum KeptStatus {
    Disabled,
    Enabled,
    Scheduled,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum KeptAudience {
    Nobody,
    Contacts,
    Everybody,
}

impl Texts {
    fn new(audience: Audience, window: Option<Window>, internal: &str, external: &str) -> Self {
        let audience = match audience {
            Audience::Nobody => KeptAudience::Nobody,
            Audience::Contacts => KeptAudience::Contacts,
            Audience::Everybody => KeptAudience::Everybody,
        };
        let bound = |bound: fn(&Window) -> Timestamp| window.as_ref().map(|window| bound(window).to_string());
        let (start, end) = (bound(Window::start), bound(Window::end));
        Self { audience, start, end, internal: internal.to_owned(), external: external.to_owned() }
    }

    fn audience(&self) -> Audience {
        match self.audience {
            KeptAudience::Nobody => Audience::Nobody,
            KeptAudience::Contacts => Audience::Contacts,
            KeptAudience::Everybody => Audience::Everybody,
        }
    }

    fn window(&self) -> Option<Option<Window>> {
        let (Some(start), Some(end)) = (&self.start, &self.end) else { return Some(None) };
        Window::new(start.parse().ok()?, end.parse().ok()?).map(Some)
    }
}

/// Texts, names and numbers alone can always be written.
fn write(kept: &impl Serialize) -> String {
    serde_json::to_string(kept).unwrap_or_default()
}

/// Of the form; for a release that would have to tell.
const VERSION: u32 = 1;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use proptest::prelude::*;

    use super::*;

    prop_compose! {
        fn replies()(
            status in prop::sample::select(vec![Status::Disabled, Status::Enabled, Status::Scheduled]),
            audience in prop::sample::select(vec![Audience::Nobody, Audience::Contacts, Audience::Everybody]),
            bounds in prop::option::of((-1_000_000_000_i64..4_000_000_000, 1..1_000_000_i64, 0..1_000_000_000_i32)),
            internal in any::<String>(),
            external in any::<String>(),
            language in prop::option::of("[a-z]{2}"),
        ) -> AutomaticReplies {
            let window = bounds.and_then(|(start, length, part)| {
                Window::new(Timestamp::new(start, part).ok()?, Timestamp::new(start + length, part).ok()?)
            });
            AutomaticReplies { status, audience, window, internal, external, language }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_again(replies in replies()) {
            prop_assert_eq!(read_replies(&write_replies(&replies)), Some(replies.clone()));
            let AutomaticReplies { audience, window, internal, external, .. } = replies;
            let away = Away { audience, window, internal, external };
            prop_assert_eq!(read_told(&write_told(Some(&away))), Some(Some(away)));
        }
    }

    #[test]
    fn other_releases_are_understood_and_rubbish_is_not() {
        assert_eq!(read_told(&write_told(None)), Some(None));
        let later = r#"{"version":2,"status":"scheduled","mood":"gay","texts":{"audience":"everybody","colour":1,
            "start":"2027-01-01T00:00:00Z","end":"2027-01-02T00:00:00Z","internal":"in"}}"#;
        let replies = read_replies(later).unwrap();
        assert_eq!(
            (replies.status, replies.internal.as_str(), replies.external.as_str()),
            (Status::Scheduled, "in", "")
        );
        assert_eq!(replies.window.unwrap().end(), "2027-01-02T00:00:00Z".parse().unwrap());
        for bad in ["", "{}", "null", "\u{0}", r#"{"version":1,"status":"perhaps","texts":{"audience":"everybody"}}"#] {
            assert_eq!(read_replies(bad), None, "{bad}");
        }
        let backwards =
            r#"{"version":1,"away":{"audience":"nobody","start":"2027-01-02T00:00:00Z","end":"2027-01-01T00:00:00Z"}}"#;
        for bad in ["", "[1]", r#"{"version":1,"away":{"audience":"dogs"}}"#, backwards] {
            assert_eq!(read_told(bad), None, "{bad}");
        }
    }
}
