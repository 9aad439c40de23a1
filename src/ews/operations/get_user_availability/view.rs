//! The five views of free/busy, which of them is given for the one asked, and what its digits and
//! words are in the caller's schema.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/freebusyviewtype>

use crate::calendar::free_busy::{BusyStatus, Digits};
use crate::client::Ceiling;
use crate::ews::soap::Version;
use crate::failure::Failure;

/// What an answer holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum View {
    /// The digits alone.
    MergedOnly,
    /// Times, and working hours.
    FreeBusy,
    /// Both.
    FreeBusyMerged,
    /// Times with details, and working hours.
    Detailed,
    /// All of it.
    DetailedMerged,
}

impl View {
    /// Reads `RequestedView`, a list in the schema: of several, the most telling. Some clients put
    /// spaces between the letters of the one they mean.
    pub(super) fn parse(text: &str) -> Result<Self, Failure> {
        let whole: String = text.split_whitespace().collect();
        let listed = text.split_whitespace().filter_map(Self::named).max();
        Self::named(&whole).or(listed).ok_or(Failure::BadView)
    }

    /// What may be given to a client with a ceiling, when Graph gave details or did not.
    pub(super) fn given(self, ceiling: Ceiling, detailed: bool) -> Self {
        match self {
            Self::Detailed if ceiling == Ceiling::Time || !detailed => Self::FreeBusy,
            Self::DetailedMerged if ceiling == Ceiling::Time || !detailed => Self::FreeBusyMerged,
            view => view,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::MergedOnly => "MergedOnly",
            Self::FreeBusy => "FreeBusy",
            Self::FreeBusyMerged => "FreeBusyMerged",
            Self::Detailed => "Detailed",
            Self::DetailedMerged => "DetailedMerged",
        }
    }

    pub(super) fn has_digits(self) -> bool {
        matches!(self, Self::MergedOnly | Self::FreeBusyMerged | Self::DetailedMerged)
    }

    pub(super) fn has_events(self) -> bool {
        self != Self::MergedOnly
    }

    pub(super) fn has_details(self) -> bool {
        matches!(self, Self::Detailed | Self::DetailedMerged)
    }

    fn named(name: &str) -> Option<Self> {
        [Self::MergedOnly, Self::FreeBusy, Self::FreeBusyMerged, Self::Detailed, Self::DetailedMerged]
            .into_iter()
            .find(|view| view.name() == name)
    }
}

/// Which digits the caller's schema knows.
pub(super) fn digits(version: Version) -> Digits {
    if version >= Version::Exchange2013 { Digits::Exchange2013 } else { Digits::Exchange2007 }
}

/// `BusyType`; schemas before Exchange 2013's have no working elsewhere.
pub(super) fn busy_type(status: BusyStatus, version: Version) -> &'static str {
    match status {
        BusyStatus::Free => "Free",
        BusyStatus::Tentative => "Tentative",
        BusyStatus::Busy => "Busy",
        BusyStatus::OutOfOffice => "OOF",
        BusyStatus::WorkingElsewhere if version < Version::Exchange2013 => "Free",
        BusyStatus::WorkingElsewhere => "WorkingElsewhere",
        BusyStatus::NoData => "NoData",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_means_its_most_telling_view() {
        assert_eq!(View::parse("F r e e B u s y"), Ok(View::FreeBusy));
        assert_eq!(View::parse("FreeBusy Detailed"), Ok(View::Detailed));
        assert_eq!(View::parse(" MergedOnly "), Ok(View::MergedOnly));
        for bad in ["", "None", "detailed", "Everything"] {
            assert_eq!(View::parse(bad), Err(Failure::BadView), "{bad}");
        }
    }

    #[test]
    fn no_more_is_given_than_the_ceiling_and_graph_allow() {
        assert_eq!(View::DetailedMerged.given(Ceiling::Time, true), View::FreeBusyMerged);
        assert_eq!(View::Detailed.given(Ceiling::Full, false), View::FreeBusy);
        assert_eq!(View::Detailed.given(Ceiling::SubjectAndLocation, true), View::Detailed);
        assert_eq!(View::MergedOnly.given(Ceiling::Full, true), View::MergedOnly);
    }
}
