//! Which tips are asked for: `MailTipsRequested`.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/mailtipsrequested>

use crate::ews::types::value::wrong;
use crate::failure::Failure;

/// The tips that are asked for, each once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Tips {
    asked: Vec<&'static str>,
}

impl Tips {
    /// All that Exchange has had from the beginning: of newer ones old clients know nothing.
    pub(super) fn all() -> Self {
        Self { asked: NAMES.iter().copied().take(FROM_THE_BEGINNING).collect() }
    }

    /// Reads a list; an empty one asks for all.
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        let words: Vec<&str> = text.split_whitespace().collect();
        if let Some(unknown) = words.iter().find(|word| **word != ALL && !NAMES.contains(word)) {
            let shortened: String = unknown.chars().take(40).collect();
            return Err(wrong("MailTipsRequested", &format!("'{shortened}' is no mail tip")));
        }
        let Self { asked: all } =
            if words.is_empty() || words.contains(&ALL) { Self::all() } else { Self { asked: Vec::new() } };
        Ok(Self { asked: NAMES.into_iter().filter(|name| all.contains(name) || words.contains(name)).collect() })
    }

    /// Whether it is asked who is away.
    pub(super) fn out_of_office(&self) -> bool {
        self.asked.contains(&OUT_OF_OFFICE)
    }

    /// Whether it is asked who is there at all.
    pub(super) fn invalid_recipient(&self) -> bool {
        self.asked.contains(&INVALID_RECIPIENT)
    }

    /// Whether any that the gateway can tell is among them.
    pub(super) fn are_known(&self) -> bool {
        self.out_of_office() || self.invalid_recipient()
    }

    /// Those that are not told, as a list: all, unless the gateway tells what it can.
    pub(super) fn pending(&self, is_told: bool) -> String {
        let known = [OUT_OF_OFFICE, INVALID_RECIPIENT];
        let others: Vec<&str> = self.asked.iter().copied().filter(|name| !(is_told && known.contains(name))).collect();
        others.join(" ")
    }
}

const ALL: &str = "All";
const OUT_OF_OFFICE: &str = "OutOfOfficeMessage";
const INVALID_RECIPIENT: &str = "InvalidRecipient";
/// `MailTipTypes`, in the schema's order.
const NAMES: [&str; 12] = [
    OUT_OF_OFFICE,
    "MailboxFullStatus",
    "CustomMailTip",
    "ExternalMemberCount",
    "TotalMemberCount",
    "MaxMessageSize",
    "DeliveryRestriction",
    "ModerationStatus",
    INVALID_RECIPIENT,
    "Scope",
    "RecipientSuggestions",
    "PreferAccessibleContent",
];
/// How many of them Exchange 2010 has.
const FROM_THE_BEGINNING: usize = 9;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const OTHERS: &str = "MailboxFullStatus CustomMailTip ExternalMemberCount TotalMemberCount MaxMessageSize \
         DeliveryRestriction ModerationStatus";

    #[test]
    fn all_are_those_that_every_client_knows() {
        for text in ["All", "", " \n ", "All All", "All CustomMailTip", "OutOfOfficeMessage All"] {
            assert_eq!(Tips::parse(text).unwrap(), Tips::all(), "{text:?}");
        }
        assert!(Tips::all().out_of_office());
        assert_eq!(Tips::all().pending(true), OTHERS);
        assert_eq!(Tips::all().pending(false), format!("OutOfOfficeMessage {OTHERS} InvalidRecipient"));
        assert_eq!(Tips::parse("Scope All").unwrap().pending(true), format!("{OTHERS} Scope"));
    }

    #[test]
    fn what_is_asked_for_by_name() {
        for (text, out_of_office, pending) in [
            ("OutOfOfficeMessage", true, ""),
            ("MaxMessageSize\n OutOfOfficeMessage\tCustomMailTip MaxMessageSize", true, "CustomMailTip MaxMessageSize"),
            ("PreferAccessibleContent", false, "PreferAccessibleContent"),
        ] {
            let tips = Tips::parse(text).unwrap();
            assert_eq!((tips.out_of_office(), tips.pending(true).as_str()), (out_of_office, pending), "{text:?}");
        }
    }

    #[test]
    fn unknown_names_are_refused() {
        for text in ["outofofficemessage", "All Nothing", "All,CustomMailTip", "0"] {
            assert!(matches!(Tips::parse(text), Err(Failure::Schema { .. })), "{text}");
        }
    }
}
