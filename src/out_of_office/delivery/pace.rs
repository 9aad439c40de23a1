//! How many letters are sent at once to one recipient.
//!
//! Owns what is known of whether it answers. While it does, several letters are under way; when it falls silent, nothing
//! is sent for a while, and then one letter at a time until one arrives. A letter that makes it fall silent again and
//! again, while others arrive, waits longer each time, so that it does not hold up the others. Must not know the store.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use tokio::time::Instant;

/// What is known of a recipient.
#[derive(Debug, Default)]
pub(super) struct Pace {
    silence: Option<Silence>,
    /// Letters that were put off since the last sign of life.
    held: HashSet<i64>,
    /// How often others arrived after a letter had met with silence.
    overtaken: HashMap<i64, u32>,
    /// How often in a row a letter was put off by somebody who is there.
    put_off: HashMap<i64, u32>,
}

/// It does not answer, or wants to be left alone.
#[derive(Debug)]
struct Silence {
    until: Instant,
    pause: Duration,
    is_probed: bool,
    /// How many letters in a row have met with it.
    met: u32,
    /// How many in a row were told to come later.
    told: u32,
}

impl Pace {
    /// How many letters may be sent now.
    pub(super) fn room(&self, now: Instant, under_way: usize) -> usize {
        match &self.silence {
            None => AT_ONCE.saturating_sub(under_way),
            Some(silence) if silence.is_probed || now < silence.until => 0,
            Some(_) => 1,
        }
    }

    /// When there will be room again without anything happening.
    pub(super) fn wake(&self, now: Instant) -> Option<Instant> {
        self.silence.as_ref().map(|silence| silence.until).filter(|until| *until > now)
    }

    /// A letter is sent; says whether it is one to find out whether anybody answers.
    pub(super) fn start(&mut self) -> bool {
        match &mut self.silence {
            Some(silence) => {
                silence.is_probed = true;
                true
            }
            None => false,
        }
    }

    /// A letter has arrived; says whether that ends a silence that was news.
    pub(super) fn arrived(&mut self, number: i64) -> bool {
        self.forget(number);
        self.silence.take().is_some_and(|silence| silence.met >= NEWS)
    }

    /// Letters that met with silence once, and are due now that there was a sign of life.
    pub(super) fn hurried(&mut self) -> Vec<i64> {
        let mut hurried = Vec::new();
        for number in self.held.drain() {
            let overtaken = self.overtaken.entry(number).or_default();
            if *overtaken == 0 {
                hurried.push(number);
            }
            *overtaken = overtaken.saturating_add(1);
        }
        hurried
    }

    /// A letter was refused: somebody is there, but whether the next one arrives is not known.
    pub(super) fn refused(&mut self, number: i64, is_probe: bool, now: Instant) {
        self.forget(number);
        self.answered(is_probe, now);
    }

    /// The recipient failed over a letter: as a refusal, but of itself. Says how often in a row.
    pub(super) fn failed(&mut self, number: i64, is_probe: bool, now: Instant) -> u32 {
        let times = self.put_off(number);
        self.forget_silence(number);
        self.answered(is_probe, now);
        times
    }

    fn answered(&mut self, is_probe: bool, now: Instant) {
        if let (true, Some(silence)) = (is_probe, &mut self.silence) {
            silence.is_probed = false;
            silence.until = now;
        }
    }

    /// The recipient wants to be left alone for a time; says how long the letter waits. Whoever says again and again
    /// that it is no time at all gets longer and longer ones.
    pub(super) fn later(&mut self, number: i64, pause: Duration, is_probe: bool, now: Instant) -> Duration {
        let wait = pause.max(doubled(self.put_off(number)));
        let fresh = Silence { until: now, pause: FIRST_PAUSE, is_probed: false, met: 0, told: 0 };
        let is_first = self.silence.is_none();
        let silence = self.silence.get_or_insert(fresh);
        silence.told = silence.told.saturating_add(u32::from(is_first || is_probe));
        silence.until = silence.until.max(now + pause.max(doubled(silence.told)).min(LONGEST_PAUSE));
        silence.is_probed &= !is_probe;
        wait
    }

    /// A letter met with silence; says how long it waits.
    pub(super) fn unreachable(&mut self, number: i64, is_probe: bool, now: Instant) -> Duration {
        self.held.insert(number);
        let silence = match &mut self.silence {
            Some(silence) if is_probe => {
                silence.pause = if silence.met == 0 { FIRST_PAUSE } else { (silence.pause * 2).min(LONGEST_PAUSE) };
                silence.until = now + silence.pause;
                silence.is_probed = false;
                silence.met = silence.met.saturating_add(1);
                silence
            }
            // It was under way when the silence began.
            Some(silence) => silence,
            None => {
                let fresh = Silence { until: now + FIRST_PAUSE, pause: FIRST_PAUSE, is_probed: false, met: 1, told: 0 };
                self.silence.insert(fresh)
            }
        };
        match self.overtaken.get(&number) {
            Some(overtaken) => silence.pause.max(doubled(overtaken.saturating_add(1))),
            None => silence.pause,
        }
    }

    /// Whether the operator is to know of the silence, once for each.
    pub(super) fn is_news(&self) -> bool {
        self.silence.as_ref().is_some_and(|silence| silence.met == NEWS)
    }

    /// A letter is no longer one that met with silence.
    pub(super) fn forget(&mut self, number: i64) {
        self.forget_silence(number);
        self.put_off.remove(&number);
    }

    fn forget_silence(&mut self, number: i64) {
        self.held.remove(&number);
        self.overtaken.remove(&number);
    }

    fn put_off(&mut self, number: i64) -> u32 {
        let times = self.put_off.entry(number).or_default();
        *times = times.saturating_add(1);
        *times
    }
}

/// The first pause, twice as long with each further time.
fn doubled(times: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(1 << times.saturating_sub(1).min(MOST_DOUBLED)).min(LONGEST_OF_ONE)
}

/// Letters under way at once.
const AT_ONCE: usize = 8;
/// A connection breaks now and then; after so many letters in a row it is more than that.
const NEWS: u32 = 3;
const FIRST_PAUSE: Duration = Duration::from_secs(1);
const LONGEST_PAUSE: Duration = Duration::from_secs(60);
const MOST_DOUBLED: u32 = 9;
/// For one letter that others overtake.
const LONGEST_OF_ONE: Duration = Duration::from_secs(300);

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn pauses_grow_to_a_minute_and_one_letter_at_a_time_is_sent_after_each() {
        let (mut pace, mut now) = (Pace::default(), Instant::now());
        assert_eq!((pace.room(now, 0), pace.room(now, 5), pace.room(now, 8), pace.wake(now)), (8, 3, 0, None));
        assert!(!pace.start());
        let mut pauses = vec![pace.unreachable(1, false, now).as_secs()];
        for number in 2..10 {
            let until = pace.wake(now).unwrap();
            assert_eq!(pace.room(until - SECOND / 2, 0), 0);
            now = until;
            assert_eq!((pace.room(now, 0), pace.wake(now)), (1, None));
            assert!(pace.start());
            assert_eq!(pace.room(now, 1), 0, "one at a time");
            pauses.push(pace.unreachable(number, true, now).as_secs());
            assert_eq!(pace.wake(now).unwrap() - now, Duration::from_secs(*pauses.last().unwrap()));
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 60, 60, 60]);
        assert!(pace.arrived(9), "that was news");
        assert_eq!((pace.room(now, 0), pace.wake(now)), (8, None));
        let mut hurried = pace.hurried();
        hurried.sort_unstable();
        assert_eq!(hurried, [1, 2, 3, 4, 5, 6, 7, 8]);
        assert!(pace.hurried().is_empty());
    }

    #[test]
    fn letters_that_were_under_way_together_meet_with_one_silence() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        for number in 0..8 {
            assert_eq!(pace.unreachable(number, false, now), SECOND);
            assert!(!pace.is_news());
        }
        assert_eq!(pace.wake(now), Some(now + SECOND));
        assert!(!pace.arrived(8), "nobody was told");
        assert_eq!(pace.room(now, 0), 8, "one that was under way too");
    }

    #[test]
    fn the_operator_is_told_once_for_each_silence() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        for _ in 0..2 {
            let mut news = Vec::new();
            for number in 0..6 {
                pace.unreachable(number, number > 0, now);
                news.push(pace.is_news());
            }
            assert_eq!(news, [false, false, true, false, false, false]);
            assert!(pace.arrived(9));
        }
    }

    #[test]
    fn a_letter_that_others_overtake_waits_longer_each_time() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        let mut pauses = Vec::new();
        for round in 0..12 {
            pauses.push(pace.unreachable(1, false, now).as_secs());
            pace.arrived(2);
            assert_eq!(pace.hurried().is_empty(), round > 0, "due at once after the first time alone");
        }
        assert_eq!(pauses, [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]);
        pace.arrived(1);
        assert_eq!(pace.unreachable(1, false, now), SECOND);
    }

    #[test]
    fn a_refusal_is_an_answer_but_not_yet_an_arrival() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        pace.unreachable(1, false, now);
        pace.start();
        pace.refused(2, true, now);
        assert_eq!((pace.room(now, 0), pace.wake(now)), (1, None), "the next one at once, alone");
        pace.start();
        pace.arrived(3);
        assert_eq!(pace.room(now, 0), 8);
    }

    #[test]
    fn whoever_wants_to_be_left_alone_is_for_a_minute_at_most() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        assert_eq!(pace.later(1, 20 * SECOND, false, now), 20 * SECOND);
        pace.later(2, 10 * SECOND, false, now);
        assert_eq!((pace.room(now, 0), pace.wake(now)), (0, Some(now + 20 * SECOND)));
        let now = now + 20 * SECOND;
        assert_eq!(pace.room(now, 0), 1);
        assert!(pace.start());
        assert_eq!(pace.later(1, 3600 * SECOND, true, now), 3600 * SECOND);
        assert_eq!(pace.wake(now), Some(now + 60 * SECOND));
        let now = now + 60 * SECOND;
        pace.start();
        assert_eq!(pace.unreachable(1, true, now), SECOND, "that is another thing");
        assert!(!pace.arrived(2), "and no news");
    }

    #[test]
    fn whoever_wants_no_pause_at_all_is_asked_more_and_more_seldom() {
        let (mut pace, mut now) = (Pace::default(), Instant::now());
        let mut pauses = Vec::new();
        for round in 0..8 {
            assert_eq!(pace.room(now, 0), if round == 0 { 8 } else { 1 });
            let is_probe = pace.start();
            let wait = pace.later(1, Duration::ZERO, is_probe, now);
            let until = pace.wake(now).unwrap();
            pauses.push((wait.as_secs(), (until - now).as_secs()));
            now = until;
        }
        let expected = [(1, 1), (2, 2), (4, 4), (8, 8), (16, 16), (32, 32), (64, 60), (128, 60)];
        assert_eq!(pauses, expected);
        // Others arrive: the letter by itself waits on.
        pace.arrived(2);
        assert_eq!(pace.later(1, Duration::ZERO, false, now).as_secs(), 256);
        assert_eq!(pace.wake(now), Some(now + SECOND));
        pace.arrived(1);
        assert_eq!(pace.later(1, Duration::ZERO, false, now), SECOND);
    }

    #[test]
    fn failures_of_a_letter_are_counted_until_it_is_taken_or_refused() {
        let (mut pace, now) = (Pace::default(), Instant::now());
        assert_eq!((pace.failed(1, false, now), pace.failed(1, false, now), pace.failed(2, false, now)), (1, 2, 1));
        assert_eq!(pace.room(now, 0), 8, "somebody is there");
        pace.refused(1, false, now);
        pace.arrived(2);
        assert_eq!((pace.failed(1, false, now), pace.failed(2, false, now)), (1, 1));
    }
}
