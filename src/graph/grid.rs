//! The windows that Graph is asked for: aligned ones, so that overlapping requests share answers.
//!
//! Owns alignment, widening and splitting. Must not know what is asked.

use jiff::Timestamp;

use crate::calendar::Window;

const DAY: i64 = 86_400;
/// 1970-01-05, the first Monday: windows of seven days are weeks.
const ORIGIN: i64 = 4 * DAY;
/// getSchedule's longest window (<https://learn.microsoft.com/graph/outlook-get-free-busy-schedule>).
const LONGEST: i64 = 62 * DAY;
/// Mailboxes asked about in different stretches share a call as long as it asks for no more.
const LONGEST_JOINT: i64 = 28 * DAY;

/// Windows of equal length, side by side over all time.
#[derive(Clone, Copy, Debug)]
pub(super) struct Grid {
    seconds: i64,
}

/// What one call asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Stretch {
    /// Windows of the grid, both ends included, widened by a day on each side.
    Aligned { first: i32, last: i32 },
    /// Exactly this, because the windows that hold it hold too much.
    Exact(Window),
}

impl Stretch {
    /// Whether an answer about this tells all of the other.
    pub(super) fn contains(self, other: Self) -> bool {
        match (self, other) {
            (Self::Aligned { first, last }, Self::Aligned { first: from, last: to }) => first <= from && to <= last,
            _ => self == other,
        }
    }
}

impl Grid {
    pub(super) fn new(days: u8) -> Self {
        Self { seconds: i64::from(days.clamp(1, 30)) * DAY }
    }

    /// The first and the last window that a stretch of time touches.
    pub(super) fn touched(self, window: Window) -> (i32, i32) {
        let end = window.end().as_second() + i64::from(window.end().subsec_nanosecond() > 0) - 1;
        (self.index(window.start().as_second()), self.index(end.max(window.start().as_second())))
    }

    /// Windows as calls may ask for them, none longer than Graph allows.
    pub(super) fn aligned(self, first: i32, last: i32) -> impl Iterator<Item = Stretch> {
        let most = i32::try_from((LONGEST - 2 * DAY) / self.seconds).unwrap_or(1).max(1);
        (first..=last)
            .step_by(usize::try_from(most).unwrap_or(1))
            .map(move |start| Stretch::Aligned { first: start, last: last.min(start.saturating_add(most - 1)) })
    }

    /// A window as calls may ask for it exactly.
    pub(super) fn exact(window: Window) -> impl Iterator<Item = Stretch> {
        let mut start = window.start();
        std::iter::from_fn(move || {
            let end = window.end().min(instant(start.as_second().saturating_add(LONGEST)));
            let piece = Window::new(start, end)?;
            start = end;
            Some(Stretch::Exact(piece))
        })
    }

    /// The stretch that tells both, unless that asks for much more than either.
    pub(super) fn join(self, one: Stretch, other: Stretch) -> Option<Stretch> {
        if one.contains(other) {
            return Some(one);
        }
        let (Stretch::Aligned { first, last }, Stretch::Aligned { first: from, last: to }) = (one, other) else {
            return None;
        };
        let (first, last) = (first.min(from), last.max(to));
        let seconds = (i64::from(last) - i64::from(first) + 1) * self.seconds;
        (seconds <= LONGEST_JOINT || other.contains(one)).then_some(Stretch::Aligned { first, last })
    }

    /// What a window of the grid covers: itself and a day on each side, because an all-day item
    /// floats, and is seen up to fourteen hours from where UTC has it.
    pub(super) fn covers(self, index: i32) -> Window {
        let start = ORIGIN + i64::from(index) * self.seconds;
        window(start - DAY, start + self.seconds + DAY)
    }

    /// What a call asks for.
    pub(super) fn asked(self, stretch: Stretch) -> Window {
        match stretch {
            Stretch::Exact(window) => window,
            Stretch::Aligned { first, last } => {
                let (first, last) = (self.covers(first), self.covers(last));
                Window::new(first.start(), last.end()).unwrap_or(first)
            }
        }
    }

    /// What the spans cover that a call's answer is cut into.
    pub(super) fn cuts(self, stretch: Stretch) -> Vec<Window> {
        match stretch {
            Stretch::Exact(window) => vec![window],
            Stretch::Aligned { first, last } => (first..=last).map(|index| self.covers(index)).collect(),
        }
    }

    fn index(self, second: i64) -> i32 {
        i32::try_from((second - ORIGIN).div_euclid(self.seconds)).unwrap_or(i32::MAX)
    }
}

fn window(start: i64, end: i64) -> Window {
    let smallest = || Window::new(Timestamp::MIN, Timestamp::UNIX_EPOCH);
    Window::new(instant(start), instant(end)).or_else(smallest).unwrap_or_else(|| unreachable!("1970 is after -9999"))
}

fn instant(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap_or(if second < 0 { Timestamp::MIN } else { Timestamp::MAX })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn between(start: &str, end: &str) -> Window {
        Window::new(at(start), at(end)).unwrap()
    }

    #[test]
    fn weeks_begin_on_monday_and_are_widened() {
        let grid = Grid::new(7);
        let week = between("2026-11-16T00:00:00Z", "2026-11-23T00:00:00Z");
        let (first, last) = grid.touched(week);
        assert_eq!(first, last);
        assert_eq!(grid.covers(first), between("2026-11-15T00:00:00Z", "2026-11-24T00:00:00Z"));
        let (first, last) = grid.touched(between("2026-11-15T22:00:00Z", "2026-11-22T22:00:00Z"));
        assert_eq!(last - first, 1);
        let both = Stretch::Aligned { first, last };
        assert_eq!(grid.asked(both), between("2026-11-08T00:00:00Z", "2026-11-24T00:00:00Z"));
        assert_eq!(grid.cuts(both).len(), 2);
    }

    #[test]
    fn no_call_asks_for_more_than_62_days() {
        for days in [1, 7, 14, 30] {
            let grid = Grid::new(days);
            let (first, last) = grid.touched(between("2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z"));
            let mut next = first;
            for stretch in grid.aligned(first, last) {
                assert!(grid.asked(stretch).seconds() <= LONGEST, "{days}");
                let Stretch::Aligned { first, last } = stretch else { panic!("aligned") };
                assert_eq!(first, next);
                next = last + 1;
            }
            assert_eq!(next, last + 1);
        }
        let pieces: Vec<_> = Grid::exact(between("2026-01-01T00:00:00Z", "2026-04-01T00:00:00Z")).collect();
        assert_eq!(pieces.len(), 2);
    }

    #[test]
    fn the_ends_of_time_are_survived() {
        let grid = Grid::new(1);
        let all = Window::new(Timestamp::MIN, Timestamp::MAX).unwrap();
        let (first, last) = grid.touched(all);
        assert!(grid.covers(first).seconds() > 0 && grid.covers(last).seconds() > 0);
        assert!(grid.covers(i32::MAX).seconds() > 0);
    }
}
