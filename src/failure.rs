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
    /// A change key that no item ever had.
    #[error("The change key is invalid.")]
    BadChangeKey,
    /// An id that no item or folder could have.
    #[error("Id is malformed.")]
    BadId,
    /// The merged free/busy interval is outside 5 to 1440 minutes or not below the window.
    #[error(
        "The specified merged free/busy interval is not valid. Specify an interval that is less than the free/busy time window and  between 5 and 1440 minutes."
    )]
    BadInterval,
    /// Content of an item that is no iCalendar.
    #[error("The MIME content is invalid.")]
    BadMime,
    /// A property that items of this kind do not have.
    #[error("The property {path} is not valid for this operation.")]
    BadProperty {
        /// The property's path.
        path: String,
    },
    /// A recurrence that contradicts itself.
    #[error("The recurrence is invalid.")]
    BadRecurrence,
    /// A subscription to nothing, or to what cannot be subscribed to.
    #[error("The subscription request is not valid.")]
    BadSubscriptionRequest,
    /// Automatic replies for a time that is over, or ends before it starts, or for none.
    #[error(
        "The duration of the scheduled Out of Office is not valid: it must end after it starts, and in the future."
    )]
    BadScheduledDuration,
    /// A value that the calendar service does not take.
    #[error("The calendar service does not accept a value of the item.")]
    BadValue,
    /// The free/busy view asked for is none of the five, or none was asked for.
    #[error("The requested free/busy view is not valid.")]
    BadView,
    /// A place in a queue of changes that is not there.
    #[error("The watermark is not valid.")]
    BadWatermark,
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
    /// A change that needs the key of what it changes.
    #[error("The change key is required for this operation.")]
    ChangeKeyRequired,
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
    /// An id without anything in it.
    #[error("Id must be non-empty.")]
    EmptyId,
    /// An event or a view that ends before it starts.
    #[error("EndDate is earlier than StartDate")]
    EndBeforeStart,
    /// A group that holds more members than one request may ask about.
    #[error("The group has too many members.")]
    GroupTooLarge,
    /// The caller impersonates a mailbox that it may not use.
    #[error("The account does not have permission to impersonate the requested user.")]
    ImpersonationDenied,
    /// An impersonation header that names nobody, or cannot be read.
    #[error("The ExchangeImpersonation SOAP header is not valid.")]
    ImpersonationInvalid,
    /// The request does not say who is to be told, which it must.
    #[error("The request does not say whether to tell the attendees or to send the item.")]
    InstructionMissing {
        /// What EWS calls it.
        code: &'static str,
    },
    /// A fault of our own: an answer that cannot be decoded, a broken invariant.
    #[error("An internal server error occurred. The operation failed.")]
    Internal,
    /// An answer to an invitation that was called off.
    #[error("The meeting was cancelled: there is nothing to answer.")]
    IsCancelled {
        /// What EWS calls it.
        code: &'static str,
    },
    /// An answer to an invitation of one's own.
    #[error("The calendar item is the organizer's own: there is nothing to answer.")]
    IsOrganizer {
        /// What EWS calls it.
        code: &'static str,
    },
    /// A folder of nobody in particular, from a client without a mailbox.
    #[error(
        "When making a request as an account that does not have a mailbox, you must specify the mailbox primary SMTP address for any distinguished folder Ids."
    )]
    MailboxRequired,
    /// Not XML, no SOAP envelope, a document type declaration, too deep, too long.
    #[error("The request is invalid.")]
    Malformed,
    /// Changes were dropped because nobody fetched them.
    #[error("Notification events were lost because too many of them were waiting. Read the folder again.")]
    MissedEvents,
    /// The request names no mailbox.
    #[error("There are no target users in the EmailAddress array.")]
    NoMailboxes,
    /// No folder under that id.
    #[error("The specified folder could not be found in the store.")]
    NoSuchFolder,
    /// No item under that id.
    #[error("The specified object was not found in the store.")]
    NoSuchItem,
    /// No mailbox under that address.
    #[error("Unable to resolve e-mail address {address} to an Active Directory object.")]
    NoSuchMailbox {
        /// The address that was asked for.
        address: String,
    },
    /// No subscription of the client's under that id, or none any more.
    #[error("The subscription was not found.")]
    NoSuchSubscription,
    /// A calendar item for a folder that is no calendar.
    #[error("Calendar items can only be kept in a calendar folder.")]
    NotACalendar,
    /// The id of something else, where that of an occurrence was wanted.
    #[error("The id is not that of an occurrence.")]
    NotAnOccurrence,
    /// A subscription that is listened to, where one was wanted that is asked.
    #[error("The subscription is not a pull subscription.")]
    NotAPullSubscription,
    /// The id of something else, where that of a series was wanted.
    #[error("The id is not that of a recurring master.")]
    NotASeries,
    /// A subscription that is asked, where one was wanted that is listened to.
    #[error("The subscription is not a streaming subscription.")]
    NotAStreamingSubscription,
    /// Only the organizer may do this.
    #[error("You must be the organizer to do this.")]
    NotOrganizer,
    /// An occurrence moved past its neighbours.
    #[error("Modified occurrence is crossing or overlapping adjacent occurrence.")]
    OccurrenceBoundary,
    /// An occurrence that was deleted.
    #[error("The occurrence was deleted from the recurrence.")]
    OccurrenceDeleted,
    /// An occurrence that the series never had.
    #[error("Occurrence index is out of recurrence range.")]
    OccurrenceOutOfRange,
    /// The mailbox is in another organisation, and the way there failed.
    #[error("Proxy web request failed.")]
    Proxy,
    /// A property that only the server sets.
    #[error("The property {path} cannot be set.")]
    ReadOnlyProperty {
        /// The property's path.
        path: String,
    },
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
    /// Automatic replies without one of their two texts.
    #[error("The Out of Office settings must have an internal and an external reply.")]
    ReplyMissing,
    /// More recipients than one request may ask about.
    #[error("The request names too many recipients: at most {most}.")]
    TooManyRecipients {
        /// How many it may name.
        most: usize,
    },
    /// Not answered before the deadline.
    #[error("Request could not be processed in time.")]
    TimedOut,
    /// An event of more than five years.
    #[error("The duration of the calendar item is too long: at most 5 years.")]
    TooLong,
    /// More items than one answer may hold.
    #[error(
        "You have exceeded the maximum number of objects that can be returned for the find operation. Use paging to reduce the result size and try your request again."
    )]
    TooManyFound,
    /// More mailboxes than one request may name.
    #[error(
        "There are too many target users in the EmailAddress array. The allowed size = 100; the actual size = {actual}."
    )]
    TooManyMailboxes {
        /// How many were named.
        actual: usize,
    },
    /// More extended properties, or longer names of them, than can be asked for at once.
    #[error("The request names too many extended properties: at most 50, and their names together are limited.")]
    TooManyProperties,
    /// More open streams than a client may have.
    #[error(
        "You have exceeded the available concurrent connections for your account.  Try again once your other requests have completed."
    )]
    TooManyStreams,
    /// More subscriptions than a client may have.
    #[error("You have exceeded the number of allowed subscriptions.")]
    TooManySubscriptions,
    /// More mailboxes than the out-of-office monitor can watch.
    #[error("As many mailboxes are watched as can be.")]
    TooManyWatches,
    /// Graph is out of reach or answers 5xx.
    #[error("The mailbox data source is unavailable.")]
    Unavailable,
    /// A time zone id that neither Windows nor CLDR knows, or rules that contradict themselves.
    #[error("The specified time zone isn't valid.")]
    UnknownTimeZone,
    /// An operation that Exchange has and the gateway does not, or that Graph lacks in the tenant's cloud.
    #[error("The operation {what} is not supported by this server.")]
    Unsupported {
        /// The operation's name.
        what: String,
    },
    /// A property that cannot be searched or sorted by.
    #[error("The property {path} cannot be used to search or sort.")]
    UnsupportedQuery {
        /// The property's path.
        path: String,
    },
    /// A `RequestServerVersion` that this server does not know.
    #[error("The request is invalid.")]
    UnsupportedVersion,
    /// A change of no property, or of several in one.
    #[error("An update must set exactly one property.")]
    UpdateCount,
    /// A change that names another property than it sets.
    #[error("The property that is set is not the one that is named.")]
    UpdateMismatch,
    /// A calendar view of a folder that is no calendar.
    #[error("The folder is no calendar, and has no calendar view.")]
    ViewOfNoCalendar,
    /// A calendar view of more than two years.
    #[error("The specified view range exceeds the maximum range of two years.")]
    ViewTooLarge,
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
    /// Attendees would be told although the request says that they must not be.
    #[error(
        "SendToNone is not possible here: the calendar service tells the attendees of every such change. Choose SendToAllAndSaveCopy."
    )]
    WouldNotify,
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
            | Self::BadChangeKey
            | Self::BadId
            | Self::BadMime
            | Self::BadProperty { .. }
            | Self::BadRecurrence
            | Self::BadScheduledDuration
            | Self::BadSubscriptionRequest
            | Self::BadValue
            | Self::BadWatermark
            | Self::ChangeKeyRequired
            | Self::EmptyId
            | Self::EndBeforeStart
            | Self::InstructionMissing { .. }
            | Self::IsCancelled { .. }
            | Self::IsOrganizer { .. }
            | Self::MailboxRequired
            | Self::NoSuchFolder
            | Self::MissedEvents
            | Self::NoSuchSubscription
            | Self::NotACalendar
            | Self::NotAPullSubscription
            | Self::NotAStreamingSubscription
            | Self::TooManyStreams
            | Self::NotAnOccurrence
            | Self::NotASeries
            | Self::NotOrganizer
            | Self::OccurrenceBoundary
            | Self::OccurrenceDeleted
            | Self::OccurrenceOutOfRange
            | Self::ReadOnlyProperty { .. }
            | Self::ReplyMissing
            | Self::TooLong
            | Self::TooManyFound
            | Self::TooManyProperties
            | Self::TooManyRecipients { .. }
            | Self::TooManySubscriptions
            | Self::TooManyWatches
            | Self::UpdateCount
            | Self::UpdateMismatch
            | Self::ViewOfNoCalendar
            | Self::ViewTooLarge
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
            Self::Internal | Self::Unsupported { .. } | Self::UnsupportedQuery { .. } | Self::WouldNotify => Blame::Us,
        }
    }

    /// The failure as a metric label.
    #[must_use]
    pub fn label(&self) -> &'static str {
        match self {
            Self::BadAddress { .. } => "bad_address",
            Self::WouldNotify => "would_notify",
            Self::ViewOfNoCalendar => "view_of_no_calendar",
            Self::ViewTooLarge => "view_too_large",
            Self::UpdateMismatch => "update_mismatch",
            Self::UpdateCount => "update_count",
            Self::UnsupportedQuery { .. } => "unsupported_query",
            Self::TooManyWatches => "too_many_watches",
            Self::TooManySubscriptions => "too_many_subscriptions",
            Self::TooManyStreams => "too_many_streams",
            Self::TooManyFound => "too_many_found",
            Self::TooManyProperties => "too_many_properties",
            Self::TooManyRecipients { .. } => "too_many_recipients",
            Self::TooLong => "too_long",
            Self::ReadOnlyProperty { .. } => "read_only_property",
            Self::ReplyMissing => "reply_missing",
            Self::OccurrenceOutOfRange => "occurrence_out_of_range",
            Self::OccurrenceDeleted => "occurrence_deleted",
            Self::OccurrenceBoundary => "occurrence_boundary",
            Self::NotOrganizer => "not_organizer",
            Self::NotAStreamingSubscription => "not_a_streaming_subscription",
            Self::NotAPullSubscription => "not_a_pull_subscription",
            Self::NotASeries => "not_a_series",
            Self::NotAnOccurrence => "not_an_occurrence",
            Self::NotACalendar => "not_a_calendar",
            Self::NoSuchSubscription => "no_such_subscription",
            Self::NoSuchFolder => "no_such_folder",
            Self::MissedEvents => "missed_events",
            Self::MailboxRequired => "mailbox_required",
            Self::IsCancelled { .. } => "is_cancelled",
            Self::IsOrganizer { .. } => "is_organizer",
            Self::InstructionMissing { .. } => "instruction_missing",
            Self::EndBeforeStart => "end_before_start",
            Self::EmptyId => "empty_id",
            Self::ChangeKeyRequired => "change_key_required",
            Self::BadWatermark => "bad_watermark",
            Self::BadSubscriptionRequest => "bad_subscription_request",
            Self::BadValue => "bad_value",
            Self::BadRecurrence => "bad_recurrence",
            Self::BadScheduledDuration => "bad_scheduled_duration",
            Self::BadProperty { .. } => "bad_property",
            Self::BadMime => "bad_mime",
            Self::BadId => "bad_id",
            Self::BadChangeKey => "bad_change_key",
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
