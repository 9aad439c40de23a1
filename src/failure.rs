//! Every way a request fails, in neither wire's words.
//!
//! Owns the one list of failures and who is to blame for each. Must not know HTTP, SOAP or Graph:
//! `ews/fault.rs` and `graph/fault.rs` hold the two tables that translate it.

use std::time::Duration;

/// Why a request, or the part of it that concerns one mailbox, could not be answered.
///
/// `Display` is safe to show to the caller; what only the operator may read goes to the log where
/// the failure is made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// An address that is not a mailbox address.
    #[error("E-mail address {address} is not a valid SMTP address.")]
    BadAddress {
        /// What the caller sent, shortened.
        address: String,
    },
    /// The merged free/busy interval is outside 5 to 1440 minutes or not below the window.
    #[error(
        "The specified merged free/busy interval is not valid. Specify an interval that is less than the free/busy time window and  between 5 and 1440 minutes."
    )]
    BadInterval,
    /// The free/busy view asked for is none of the five, or none was asked for.
    #[error("The requested free/busy view is not valid.")]
    BadView,
    /// A window that ends before it starts, or whose bounds cannot be read.
    #[error("The time duration specified for {what} is invalid.")]
    BadWindow {
        /// The element that held it.
        what: &'static str,
    },
    /// Too many calls: Graph said so, or a limit of our own.
    #[error("The server cannot service this request right now. Try again later.")]
    Busy {
        /// How long the caller should wait.
        retry_after: Duration,
    },
    /// Changed by somebody else meanwhile.
    #[error(
        "The send or update operation could not be performed because the change key passed in the request does not match the current change key for the item."
    )]
    Conflict,
    /// Entra or Graph refuses our own credential; only an operator can help.
    #[error("The gateway's access to the calendar service was refused.")]
    CredentialRefused,
    /// Policy, or Graph, forbids it.
    #[error("Access is denied. Check credentials and try again.")]
    Denied,
    /// A group that holds more members than one request may ask about.
    #[error("The group has too many members.")]
    GroupTooLarge,
    /// The caller impersonates a mailbox that it may not use.
    #[error("The account does not have permission to impersonate the requested user.")]
    ImpersonationDenied,
    /// An impersonation header that names nobody, or cannot be read.
    #[error("The ExchangeImpersonation SOAP header is not valid.")]
    ImpersonationInvalid,
    /// A fault of our own: an answer that cannot be decoded, a broken invariant.
    #[error("An internal server error occurred. The operation failed.")]
    Internal,
    /// Not XML, no SOAP envelope, a document type declaration, too deep, too long.
    #[error("The request is invalid.")]
    Malformed,
    /// No item under that id.
    #[error("The specified object was not found in the store.")]
    NoSuchItem,
    /// No mailbox under that address.
    #[error("Unable to resolve e-mail address {address} to an Active Directory object.")]
    NoSuchMailbox {
        /// The address that was asked for.
        address: String,
    },
    /// The request names no mailbox.
    #[error("There are no target users in the EmailAddress array.")]
    NoMailboxes,
    /// The mailbox is in another organisation, and the way there failed.
    #[error("Proxy web request failed.")]
    Proxy,
    /// More calendar entries than one answer may hold.
    #[error("The result set contains too many calendar entries. The allowed size = 1000.")]
    ResultTooBig,
    /// A well-formed document that is not what the schema says.
    #[error("The request failed schema validation: {problem}")]
    Schema {
        /// The element in question.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Not answered before the deadline.
    #[error("Request could not be processed in time.")]
    TimedOut,
    /// More mailboxes than one request may name.
    #[error(
        "There are too many target users in the EmailAddress array. The allowed size = 100; the actual size = {actual}."
    )]
    TooManyMailboxes {
        /// How many were named.
        actual: usize,
    },
    /// Graph is out of reach or answers 5xx.
    #[error("The mailbox data source is unavailable.")]
    Unavailable,
    /// A time zone id that neither Windows nor CLDR knows, or rules that contradict themselves.
    #[error("The specified time zone isn't valid.")]
    UnknownTimeZone,
    /// An operation that Exchange has and the gateway does not.
    #[error("The operation {what} is not supported by this server.")]
    Unsupported {
        /// The operation's name.
        what: String,
    },
    /// A `RequestServerVersion` that this server does not know.
    #[error("The request is invalid.")]
    UnsupportedVersion,
    /// A window longer than 62 days.
    #[error(
        "The requested time duration specified for {what} is too long. The allowed limit = 62 days; the actual limit = {days} days."
    )]
    WindowTooLarge {
        /// The element that held it.
        what: &'static str,
        /// Its length in whole days, rounded up.
        days: i64,
    },
}

/// Whom a failure is counted against.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blame {
    /// The request was wrong.
    Caller,
    /// Microsoft Graph, Entra or the network between.
    Graph,
    /// A permission, a policy or a credential of the tenant.
    Tenant,
    /// The gateway.
    Us,
}

impl Failure {
    /// Who is to blame.
    #[must_use]
    pub fn blame(&self) -> Blame {
        match self {
            Self::BadAddress { .. }
            | Self::BadInterval
            | Self::BadView
            | Self::BadWindow { .. }
            | Self::Conflict
            | Self::GroupTooLarge
            | Self::ImpersonationInvalid
            | Self::Malformed
            | Self::NoMailboxes
            | Self::NoSuchItem
            | Self::NoSuchMailbox { .. }
            | Self::ResultTooBig
            | Self::Schema { .. }
            | Self::TooManyMailboxes { .. }
            | Self::UnknownTimeZone
            | Self::UnsupportedVersion
            | Self::WindowTooLarge { .. } => Blame::Caller,
            Self::Busy { .. } | Self::Proxy | Self::TimedOut | Self::Unavailable => Blame::Graph,
            Self::CredentialRefused | Self::Denied | Self::ImpersonationDenied => Blame::Tenant,
            Self::Internal | Self::Unsupported { .. } => Blame::Us,
        }
    }

    /// The failure as a metric label.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::BadAddress { .. } => "bad_address",
            Self::BadInterval => "bad_interval",
            Self::BadView => "bad_view",
            Self::BadWindow { .. } => "bad_window",
            Self::Busy { .. } => "busy",
            Self::Conflict => "conflict",
            Self::CredentialRefused => "credential_refused",
            Self::Denied => "denied",
            Self::GroupTooLarge => "group_too_large",
            Self::ImpersonationDenied => "impersonation_denied",
            Self::ImpersonationInvalid => "impersonation_invalid",
            Self::Internal => "internal",
            Self::Malformed => "malformed",
            Self::NoMailboxes => "no_mailboxes",
            Self::NoSuchItem => "no_such_item",
            Self::NoSuchMailbox { .. } => "no_such_mailbox",
            Self::Proxy => "proxy",
            Self::ResultTooBig => "result_too_big",
            Self::Schema { .. } => "schema",
            Self::TimedOut => "timed_out",
            Self::TooManyMailboxes { .. } => "too_many_mailboxes",
            Self::Unavailable => "unavailable",
            Self::UnknownTimeZone => "unknown_time_zone",
            Self::Unsupported { .. } => "unsupported",
            Self::UnsupportedVersion => "unsupported_version",
            Self::WindowTooLarge { .. } => "window_too_large",
        }
    }

    /// Whether an older answer may stand in for the one that failed: only when Graph was busy, slow
    /// or away, never after it said no.
    #[must_use]
    pub fn allows_stale(&self) -> bool {
        matches!(self, Self::Busy { .. } | Self::TimedOut | Self::Unavailable)
    }
}
