//! Whatever happens, in whichever order: what was told is what the last look said, and nothing else ever was.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use tokio::time::Instant;

use crate::calendar::out_of_office::{Audience, AutomaticReplies, Away, Status};
use crate::calendar::{Mailbox, Window};
use crate::failure::Failure;
use crate::out_of_office::book::{Book, Finding, Known, Learned, Ticket};
use crate::out_of_office::pace::Pace;
use crate::out_of_office::record;
use crate::out_of_office::state::Standing;

#[derive(Clone, Debug)]
enum Step {
    /// The owner sets something.
    Set(AutomaticReplies),
    /// So many seconds go by, and the clock is set by so many.
    Pass(u64, i64),
    /// Graph is asked about what is due.
    Ask,
    /// It answers the oldest question, or fails.
    Answer(bool),
    /// Turns are told.
    Turn,
    /// The store fails from now on, or works.
    Store(bool),
    Watch,
    Unwatch,
    Restart,
}

/// One mailbox, its owner, Graph and the store.
struct World {
    book: Book,
    mailbox: Mailbox,
    set: AutomaticReplies,
    clock: Timestamp,
    instant: Instant,
    store_works: bool,
    /// What the store has: replies and what was told, once something was.
    row: Option<Option<(String, String, i64)>>,
    /// Questions under way: whether they are of this watch, and what was set when they were asked.
    asked: Vec<(bool, Ticket, AutomaticReplies)>,
    /// What the last look of this watch said.
    seen: Option<AutomaticReplies>,
    /// What was told of this watch.
    told: Vec<Option<Arc<Away>>>,
}

const PACE: Pace =
    Pace { interval: Duration::from_secs(20), longest_interval: Duration::from_secs(200), calls_per_second: 1 };

impl World {
    fn new() -> Self {
        let off = AutomaticReplies {
            status: Status::Disabled,
            audience: Audience::Everybody,
            window: None,
            internal: String::new(),
            external: String::new(),
            language: None,
        };
        let mut world = Self {
            book: Book::new(PACE),
            mailbox: Mailbox::parse("anna@example.com").unwrap(),
            set: off,
            clock: Timestamp::from_second(1_000).unwrap(),
            instant: Instant::now(),
            store_works: true,
            row: None,
            asked: Vec::new(),
            seen: None,
            told: Vec::new(),
        };
        world.step(Step::Watch);
        world
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Set(replies) => self.set = replies,
            Step::Pass(seconds, by) => {
                self.instant += Duration::from_secs(seconds);
                self.clock += SignedDuration::from_secs(i64::try_from(seconds).unwrap() + by);
            }
            Step::Ask => {
                let (calls, _) = self.book.take(self.instant);
                for ticket in calls.into_iter().flat_map(|(_, tickets)| tickets) {
                    assert!(self.asked.iter().all(|(is_current, ..)| !is_current), "one look at a time");
                    self.asked.push((true, ticket, self.set.clone()));
                }
            }
            Step::Answer(is_well) => {
                if !self.asked.is_empty() {
                    let asked = self.asked.remove(0);
                    self.answer(asked, is_well);
                }
            }
            Step::Turn => {
                for mailbox in self.book.turns(self.clock, self.instant).of {
                    assert_eq!(mailbox, self.mailbox);
                    self.settle();
                }
            }
            Step::Store(works) => self.store_works = works,
            Step::Watch if self.store_works => {
                if self.row.is_none() {
                    (self.row, self.seen, self.told) = (Some(None), None, Vec::new());
                }
                self.book.watch(self.mailbox.clone(), "anna".into(), self.clock, "t".into(), self.instant);
            }
            Step::Unwatch if self.store_works => {
                self.row = None;
                self.book.unwatch(&self.mailbox);
                self.asked.iter_mut().for_each(|(is_current, ..)| *is_current = false);
            }
            Step::Watch | Step::Unwatch => {}
            Step::Restart => self.restart(),
        }
    }

    fn answer(&mut self, (is_current, ticket, set): (bool, Ticket, AutomaticReplies), is_well: bool) {
        let answer = if is_well { Ok(set.clone()) } else { Err(Failure::Unavailable) };
        let failed = answer.as_ref().err().cloned();
        self.book.done("t", &[failed.as_ref()], self.instant);
        let learned = self.book.learn(&ticket, answer, self.clock, self.instant);
        assert_eq!(learned == Learned::Outdated, !is_current);
        if is_current && is_well {
            self.seen = Some(set);
            self.settle();
        }
    }

    fn settle(&mut self) {
        let Some(finding) = self.book.finding(&self.mailbox, self.clock) else { return };
        if !self.store_works {
            return;
        }
        let Finding { replies, now, is_heard, .. } = finding.clone();
        assert_eq!(Some(&replies), self.seen.as_ref(), "an older look never overrides a newer one");
        if is_heard {
            assert_eq!(now.away.as_deref(), replies.at(self.clock).as_ref(), "only what is true is told");
            assert_ne!(Some(&now.away), self.told.last(), "nothing is told twice");
            self.told.push(now.away.clone());
        }
        let told = record::write_told(now.away.as_deref());
        self.row = Some(Some((record::write_replies(&replies), told, now.changed.as_second())));
        self.book.noted(&self.mailbox, finding, self.clock);
    }

    fn restart(&mut self) {
        self.asked.clear();
        self.book = Book::new(PACE);
        let Some(row) = &self.row else { return };
        let replies = row.as_ref().map(|(replies, ..)| record::read_replies(replies).unwrap());
        let standing = row.as_ref().map(|(_, told, changed)| {
            let changed = Timestamp::from_second(*changed).unwrap();
            Standing { away: record::read_told(told).unwrap().map(Arc::new), changed }
        });
        self.seen.clone_from(&replies);
        let (alias, since, tenant) = ("anna".to_owned(), self.clock, Ok("t".to_owned()));
        let known = Known { alias, since, tenant, replies, standing, is_sound: true };
        self.book.restore(self.mailbox.clone(), known, self.clock, self.instant);
        self.book.begin(self.instant);
    }

    /// All goes well for an hour.
    fn calm_down(&mut self) {
        self.step(Step::Store(true));
        for step in [Step::Turn, Step::Ask, Step::Answer(true), Step::Pass(10, 0)].iter().cycle().take(4 * 360) {
            self.step(step.clone());
        }
    }
}

fn replies() -> impl Strategy<Value = AutomaticReplies> {
    let status = prop::sample::select(vec![Status::Disabled, Status::Enabled, Status::Scheduled, Status::Scheduled]);
    let audience = prop::sample::select(vec![Audience::Nobody, Audience::Everybody]);
    let window = prop::option::weighted(0.9, (0..3_000_i64, 1..800_i64));
    (status, audience, window, 0..2_u8, 0..2_u8).prop_map(|(status, audience, window, internal, external)| {
        let at = |second| Timestamp::from_second(second).unwrap();
        let window = window.and_then(|(start, length)| Window::new(at(start), at(start + length)));
        let (internal, external) = (format!("in {internal}"), format!("out {external}"));
        AutomaticReplies { status, audience, window, internal, external, language: None }
    })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => replies().prop_map(Step::Set),
        6 => (0..120_u64).prop_map(|seconds| Step::Pass(seconds, 0)),
        1 => (0..10_u64, -900..900_i64).prop_map(|(seconds, by)| Step::Pass(seconds, by)),
        6 => Just(Step::Ask),
        6 => prop::bool::weighted(0.8).prop_map(Step::Answer),
        5 => Just(Step::Turn),
        1 => any::<bool>().prop_map(Step::Store),
        2 => Just(Step::Watch),
        1 => Just(Step::Unwatch),
        1 => Just(Step::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn what_was_told_last_is_what_the_last_look_says(steps in prop::collection::vec(step(), 0..120)) {
        let mut world = World::new();
        for step in steps {
            world.step(step);
        }
        world.calm_down();
        world.step(Step::Watch);
        world.calm_down();
        prop_assert_eq!(world.told.last(), Some(&world.set.at(world.clock).map(Arc::new)));
        let standing = world.book.watched(&world.mailbox).unwrap().standing.unwrap();
        prop_assert_eq!(Some(&standing.away), world.told.last());
    }
}

fn scheduled(start: i64, end: i64) -> AutomaticReplies {
    let at = |second| Timestamp::from_second(second).unwrap();
    AutomaticReplies { status: Status::Scheduled, window: Window::new(at(start), at(end)), ..World::new().set }
}

/// A world that has been looked at once, at 1000 seconds.
fn looked_at(set: AutomaticReplies) -> World {
    let mut world = World::new();
    world.set = set;
    world.step(Step::Ask);
    world.step(Step::Answer(true));
    world
}

fn is_away(world: &World) -> Vec<bool> {
    world.told.iter().map(Option::is_some).collect()
}

#[test]
fn a_schedule_is_told_on_time_without_asking() {
    let mut world = looked_at(scheduled(1030, 1100));
    for away in [vec![false], vec![false, true], vec![false, true, false]] {
        world.step(Step::Turn);
        assert_eq!(is_away(&world), away);
        let rest = world.book.turns(world.clock, world.instant).rest.as_secs();
        assert_eq!(rest, [30, 60, 60][away.len() - 1], "at most a minute, since the clock may be set");
        world.step(Step::Pass([30, 70, 0][away.len() - 1], 0));
    }
    let standing = world.book.watched(&world.mailbox).unwrap().standing.unwrap();
    assert_eq!(standing.changed.as_second(), 1100);
    let (calls, _) = world.book.take(world.instant + Duration::from_secs(3));
    assert_eq!(calls.len(), 1, "it is looked at soon after");
}

#[test]
fn shortly_before_a_turn_it_is_looked_whether_it_still_holds() {
    let mut world = looked_at(scheduled(21_000, 22_000));
    let mut looks = Vec::new();
    while world.clock.as_second() < 21_000 {
        world.step(Step::Ask);
        if !world.asked.is_empty() {
            looks.push(world.clock.as_second());
        }
        world.step(Step::Answer(true));
        world.step(Step::Pass(1, 0));
    }
    let (last, former) = (looks[looks.len() - 1], looks[looks.len() - 2]);
    assert!((20_939..=20_971).contains(&last), "{last}");
    assert!(last - former <= 201 && looks.len() < 250, "{looks:?}");
}

#[test]
fn a_turn_that_passed_meanwhile_waits_for_a_look_but_not_for_long() {
    let asleep = |world: &mut World| {
        world.step(Step::Restart);
        world.step(Step::Turn);
        assert_eq!(is_away(world), [false]);
    };
    let mut world = looked_at(scheduled(1100, 9000));
    world.step(Step::Pass(105, 0));
    asleep(&mut world);
    world.set = World::new().set;
    world.step(Step::Ask);
    world.step(Step::Answer(true));
    world.step(Step::Pass(100, 0));
    world.step(Step::Turn);
    assert_eq!(is_away(&world), [false], "it was called off meanwhile");

    let mut world = looked_at(scheduled(1100, 9000));
    world.step(Step::Pass(105, 0));
    asleep(&mut world);
    world.step(Step::Ask);
    world.step(Step::Answer(false));
    world.step(Step::Pass(59, 0));
    world.step(Step::Turn);
    assert_eq!(is_away(&world), [false]);
    world.step(Step::Pass(1, 0));
    world.step(Step::Turn);
    assert_eq!(is_away(&world), [false, true], "Graph cannot be asked");
    let standing = world.book.watched(&world.mailbox).unwrap().standing.unwrap();
    assert_eq!(standing.changed.as_second(), 1100, "since when it is true");
}

#[test]
fn what_is_not_heard_is_noted_and_not_told() {
    let mut world = looked_at(World::new().set);
    let look = |world: &mut World, set: AutomaticReplies| {
        world.set = set;
        world.step(Step::Pass(30, 0));
        world.step(Step::Ask);
        world.step(Step::Answer(true));
    };
    let off = World::new().set;
    look(&mut world, AutomaticReplies { internal: "other".into(), ..off.clone() });
    assert_eq!(is_away(&world), [false]);
    look(&mut world, scheduled(5000, 6000));
    assert_eq!(is_away(&world), [false]);
    assert!(world.row.clone().unwrap().unwrap().0.contains("scheduled"), "it will be told at the start");
    look(&mut world, off);
    assert!(world.row.clone().unwrap().unwrap().0.contains("disabled"), "and is not when it is called off");
    assert_eq!(is_away(&world), [false]);
}

#[test]
fn of_a_damaged_row_nothing_is_believed() {
    let mut world = looked_at(scheduled(900, 9000));
    let known = Known {
        alias: "anna".into(),
        since: world.clock,
        tenant: Ok("t".into()),
        replies: Some(scheduled(900, 9000)),
        standing: None,
        is_sound: false,
    };
    world.book = Book::new(PACE);
    world.book.restore(world.mailbox.clone(), known, world.clock, world.instant);
    world.book.begin(world.instant);
    assert_eq!(world.book.turns(world.clock, world.instant).of, []);
    let (calls, _) = world.book.take(world.instant);
    let learned = world.book.learn(&calls[0].1[0], Ok(world.set.clone()), world.clock, world.instant);
    assert_eq!(learned, Learned::News);
    assert!(world.book.finding(&world.mailbox, world.clock).unwrap().is_heard);
}

#[test]
fn a_look_that_was_under_way_at_a_turn_is_followed_by_another() {
    let mut world = looked_at(scheduled(1030, 9000));
    world.step(Step::Pass(29, 0));
    world.step(Step::Ask);
    assert_eq!(world.asked.len(), 1);
    world.step(Step::Pass(1, 0));
    world.step(Step::Turn);
    assert_eq!(is_away(&world), [false, true]);
    world.step(Step::Answer(true));
    world.step(Step::Pass(1, 0));
    world.step(Step::Ask);
    assert!(world.asked.is_empty());
    world.step(Step::Pass(2, 0));
    world.step(Step::Ask);
    assert_eq!(world.asked.len(), 1, "soon after the turn");
    world.step(Step::Answer(true));
    world.step(Step::Pass(9, 0));
    world.step(Step::Ask);
    assert!(world.asked.is_empty(), "and then at its pace");
}

#[test]
fn turns_are_found_without_walking_all_and_again_when_the_clock_is_set_back() {
    let mut world = looked_at(scheduled(1030, 2000));
    world.step(Step::Pass(30, 0));
    world.step(Step::Turn);
    world.step(Step::Turn);
    assert_eq!(is_away(&world), [false, true]);
    world.step(Step::Pass(0, -60));
    for _ in 0..2 {
        world.step(Step::Turn);
        world.step(Step::Pass(60, -60));
    }
    assert_eq!(is_away(&world), [false, true, false], "it is not away yet");
    world.step(Step::Pass(0, 60));
    world.step(Step::Turn);
    assert_eq!(is_away(&world), [false, true, false, true]);
}

#[test]
fn of_whom_nobody_may_ask_any_more_nothing_is_told() {
    for why in [Failure::Denied, Failure::NoSuchMailbox { address: String::new() }] {
        let mut world = looked_at(scheduled(1100, 9000));
        let known = Known {
            alias: "anna".into(),
            since: world.clock,
            tenant: Err(why.clone()),
            replies: Some(scheduled(1100, 9000)),
            standing: world.book.watched(&world.mailbox).unwrap().standing,
            is_sound: true,
        };
        world.book = Book::new(PACE);
        world.book.restore(world.mailbox.clone(), known, world.clock, world.instant);
        world.book.begin(world.instant);
        world.step(Step::Pass(200, 0));
        assert_eq!(world.book.turns(world.clock, world.instant).of, []);
        assert!(world.book.take(world.instant).0.is_empty());
        let watched = world.book.watched(&world.mailbox).unwrap();
        assert_eq!((watched.standing, watched.problem), (None, Some(why)));
    }
}

#[test]
fn a_name_that_is_hardly_one_is_asked_for_seldom_unless_somebody_asks_again() {
    let mut world = World::new();
    let mut asked = Vec::new();
    for second in 0..200_000_u32 {
        let (calls, _) = world.book.take(world.instant);
        for ticket in calls.into_iter().flat_map(|(_, tickets)| tickets) {
            asked.push(second);
            let failure = Failure::NoSuchMailbox { address: String::new() };
            world.book.done("t", &[Some(&failure)], world.instant);
            world.book.learn(&ticket, Err(failure), world.clock, world.instant);
        }
        if second == 190_000 {
            world.step(Step::Watch);
        }
        world.step(Step::Pass(1, 0));
    }
    let apart: Vec<u32> = asked.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert!((800..=900).contains(&apart[0]) && apart[6] > 50_000, "{apart:?}");
    assert_eq!(asked.last(), Some(&190_900));
}
