//! The rows of the matrix: for each operation the ways in which a request names a mailbox, and what the caller is told
//! where a policy forbids it.

mod directory;
mod out_of_office;
mod reading;
mod subscriptions;
mod writing;

use calendar_relay::calendar::Capability;
use calendar_relay::ews::OPERATIONS;
use calendar_relay::ews::operation::Entry;

use super::world::Named;

/// A way of naming a mailbox in a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// By its address.
    Address,
    /// By another of its addresses.
    Alias,
    /// A folder of it, by the folder's name.
    Folder,
    /// A folder of it, by an id that was given out.
    FolderId,
    /// An item of it, by an id that was given out.
    Item,
    /// As the n-th of a series.
    Nth,
    /// As the series of an occurrence.
    SeriesOf,
    /// An invitation that is answered.
    Invitation,
    /// Another client's subscription.
    Subscription,
    /// As a member of a group.
    Member,
    /// By the beginning of its name.
    Name,
    /// By its distinguished name.
    LegacyName,
    /// Not at all: it is found in a list.
    Listed,
    /// Beside a mailbox that is permitted.
    Beside,
    /// An item of it beside another's.
    BesideItem,
    /// In a place that is not looked at: who writes, who is invited, who is a delegate.
    Mention,
}

/// What a caller is told.
#[derive(Clone, Copy, Debug)]
pub(super) enum Told {
    /// A SOAP fault, with HTTP's 500.
    Fault(&'static str),
    /// An answer with these response codes.
    Codes(&'static [&'static str]),
    /// An answer with this response code throughout.
    Each(&'static str),
}

/// What a request asks: about a mailbox, beside one that is permitted.
pub(super) type Ask = fn(&Named, &Named) -> String;

/// One way of naming a mailbox to an operation.
pub(super) struct Cell {
    pub(super) way: Way,
    pub(super) ask: Ask,
    /// What a client is told that may not use the mailbox.
    pub(super) denied: Told,
    /// What it is told where it has a mailbox of its own, if that is something else.
    pub(super) with_own: Option<Told>,
    /// What a client is told that may.
    pub(super) granted: &'static [&'static str],
    /// Whether such a client sees something of the mailbox, where the operation shows any.
    pub(super) shows: bool,
}

/// An operation's ways.
pub(super) struct Row {
    pub(super) operation: &'static str,
    /// What it takes, also where the operation as such takes nothing.
    pub(super) capability: Option<Capability>,
    /// What a client is told that has not got the capability at all, if that is something else.
    pub(super) missing: Option<Told>,
    /// Whether items are not what they were afterwards.
    pub(super) writes: bool,
    /// Whether those who may see something of the mailbox.
    pub(super) shows: bool,
    pub(super) cells: &'static [Cell],
    /// A request about a permitted mailbox, which headers may turn into one about another.
    pub(super) plain: fn(&Named) -> String,
}

impl Cell {
    const fn new(way: Way, ask: Ask, denied: Told, granted: &'static [&'static str]) -> Self {
        Self { way, ask, denied, with_own: None, granted, shows: true }
    }

    /// One that is told the same whether it may or not.
    const fn told(way: Way, ask: Ask, codes: &'static [&'static str]) -> Self {
        Self::new(way, ask, Told::Codes(codes), codes)
    }

    /// One that shows nothing of the mailbox.
    const fn silent(self) -> Self {
        Self { shows: false, ..self }
    }

    const fn with_own(self, told: Told) -> Self {
        Self { with_own: Some(told), ..self }
    }
}

impl Way {
    /// Whether an id is all that there is of the mailbox.
    pub(super) fn is_by_id(self) -> bool {
        matches!(
            self,
            Self::Item | Self::Nth | Self::SeriesOf | Self::Invitation | Self::Subscription | Self::BesideItem
        )
    }
}

/// Each operation's ways.
pub(super) const ROWS: &[Row] = &[
    reading::GET_USER_AVAILABILITY,
    reading::GET_SERVER_TIME_ZONES,
    reading::CONVERT_ID,
    reading::FIND_ITEM,
    reading::GET_ITEM,
    reading::FIND_FOLDER,
    reading::GET_FOLDER,
    directory::GET_ROOM_LISTS,
    directory::GET_ROOMS,
    directory::RESOLVE_NAMES,
    directory::GET_DELEGATE,
    writing::CREATE_ITEM,
    writing::UPDATE_ITEM,
    writing::DELETE_ITEM,
    subscriptions::SUBSCRIBE,
    subscriptions::GET_EVENTS,
    subscriptions::GET_STREAMING_EVENTS,
    subscriptions::UNSUBSCRIBE,
    out_of_office::GET_USER_OOF_SETTINGS,
    out_of_office::SET_USER_OOF_SETTINGS,
    out_of_office::GET_MAIL_TIPS,
    out_of_office::GET_SERVICE_CONFIGURATION,
];

const _: () = assert!(have_rows(OPERATIONS), "an operation has no row in the matrix");
const _: () = assert!(OPERATIONS.len() == ROWS.len(), "a row of the matrix is of no operation, or there twice");

const fn have_rows(operations: &[Entry]) -> bool {
    let mut index = 0;
    while index < operations.len() {
        let mut row = 0;
        while row < ROWS.len() && !is_same(operations[index].name, ROWS[row].operation) {
            row += 1;
        }
        if row == ROWS.len() {
            return false;
        }
        index += 1;
    }
    true
}

const fn is_same(one: &str, other: &str) -> bool {
    let (one, other) = (one.as_bytes(), other.as_bytes());
    let mut index = 0;
    while index < one.len() && index < other.len() && one[index] == other[index] {
        index += 1;
    }
    index == one.len() && index == other.len()
}

/// The default calendar of a mailbox, by its name.
fn calendar(of: &Named) -> String {
    format!(
        "<t:DistinguishedFolderId Id=\"calendar\"><t:Mailbox><t:EmailAddress>{}</t:EmailAddress></t:Mailbox>\
         </t:DistinguishedFolderId>",
        of.address
    )
}

/// The same by its id.
fn calendar_id(of: &Named) -> String {
    format!("<t:FolderId Id=\"{}\"/>", of.folder)
}

/// The caller's own.
const OWN_CALENDAR: &str = "<t:DistinguishedFolderId Id=\"calendar\"/>";

fn item(of: &Named) -> String {
    format!("<t:ItemId Id=\"{}\"/>", of.item)
}

fn nth(of: &Named) -> String {
    format!("<t:OccurrenceItemId RecurringMasterId=\"{}\" InstanceIndex=\"2\"/>", of.series)
}

fn series_of(of: &Named) -> String {
    format!("<t:RecurringMasterItemId OccurrenceId=\"{}\"/>", of.occurrence)
}

const DENIED: Told = Told::Each("ErrorAccessDenied");
const DENIED_AS_A_WHOLE: Told = Told::Fault("ErrorAccessDenied");
const NO_SUCH_ITEM: Told = Told::Each("ErrorItemNotFound");
const ONE: &[&str] = &["NoError"];
const TWO: &[&str] = &["NoError", "NoError"];
const THREE: &[&str] = &["NoError", "NoError", "NoError"];
