//! Many mailboxes: how often Graph is asked about them, and how evenly.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use crate::calendar::Mailbox;
use crate::calendar::out_of_office::{Audience, AutomaticReplies, Status};
use crate::failure::Failure;
use crate::out_of_office::book::{Book, Known, Ticket};
use crate::out_of_office::pace::Pace;
use crate::out_of_office::state::Standing;

const MANY: usize = 10_000;

const PACE: Pace =
    Pace { interval: Duration::from_secs(60), longest_interval: Duration::from_secs(900), calls_per_second: 10 };

fn mailbox(number: usize) -> Mailbox {
    Mailbox::parse(&format!("m{number}@example.com")).unwrap()
}

fn off() -> AutomaticReplies {
    let (internal, external) = (String::new(), String::new());
    let (status, audience) = (Status::Disabled, Audience::Nobody);
    AutomaticReplies { status, audience, window: None, internal, external, language: None }
}

/// A tenant's Graph, and a clock, that go by themselves.
struct Crowd {
    book: Book,
    start: Instant,
    now: Instant,
    under_way: BinaryHeap<Reverse<(Instant, usize)>>,
    calls: Vec<Vec<Ticket>>,
    /// When calls began, and how many mailboxes they held.
    log: Vec<(Duration, usize)>,
    /// When each mailbox was looked at.
    looks: HashMap<Mailbox, Vec<Duration>>,
    most_under_way: usize,
    /// How long Graph takes for a call.
    call: Duration,
}

impl Crowd {
    fn new(pace: Pace) -> Self {
        let start = Instant::now();
        Self {
            book: Book::new(pace),
            start,
            now: start,
            under_way: BinaryHeap::new(),
            calls: Vec::new(),
            log: Vec::new(),
            looks: HashMap::new(),
            most_under_way: 0,
            call: Duration::from_millis(300),
        }
    }

    /// Mailboxes that have been watched, and that last changed so many seconds ago.
    fn restored(pace: Pace, mailboxes: usize, quiet: impl Fn(usize) -> i64) -> Self {
        let mut crowd = Self::new(pace);
        for number in 0..mailboxes {
            let changed = crowd.clock() - SignedDuration::from_secs(quiet(number));
            let known = Known {
                alias: String::new(),
                since: changed,
                tenant: Ok("t".into()),
                replies: Some(off()),
                standing: Some(Standing { away: None, changed }),
                is_sound: true,
            };
            let (clock, now) = (crowd.clock(), crowd.now);
            crowd.book.restore(mailbox(number), known, clock, now);
        }
        crowd.book.begin(crowd.now);
        crowd
    }

    fn clock(&self) -> Timestamp {
        let gone = SignedDuration::try_from(self.now - self.start).unwrap();
        Timestamp::from_second(2_000_000_000).unwrap() + gone
    }

    /// Goes on for some time, all answers being alike.
    fn go(&mut self, time: Duration, answer: &Result<AutomaticReplies, Failure>) {
        let end = self.now + time;
        loop {
            let (calls, wake) = self.book.take(self.now);
            for (_, tickets) in calls {
                self.log.push((self.now - self.start, tickets.len()));
                for ticket in &tickets {
                    self.looks.entry(ticket.mailbox.clone()).or_default().push(self.now - self.start);
                }
                self.under_way.push(Reverse((self.now + self.call, self.calls.len())));
                self.calls.push(tickets);
            }
            self.most_under_way = self.most_under_way.max(self.under_way.len());
            let done = self.under_way.peek().map(|Reverse((done, _))| *done);
            let next = [wake, done].into_iter().flatten().min().unwrap_or(end);
            if next >= end {
                self.now = end;
                return;
            }
            self.now = self.now.max(next);
            if done.is_some_and(|done| done <= self.now) {
                let Reverse((_, place)) = self.under_way.pop().unwrap();
                self.answer(place, answer);
            }
        }
    }

    fn answer(&mut self, place: usize, answer: &Result<AutomaticReplies, Failure>) {
        let (clock, now) = (self.clock(), self.now);
        let tickets = std::mem::take(&mut self.calls[place]);
        let outcomes = vec![answer.as_ref().err(); tickets.len()];
        self.book.done("t", &outcomes, now);
        for ticket in tickets {
            self.book.learn(&ticket, answer.clone(), clock, now);
            if let Some(finding) = self.book.finding(&ticket.mailbox, clock) {
                self.book.noted(&ticket.mailbox, finding, clock);
            }
        }
    }

    /// Calls and looks between two seconds.
    fn between(&self, from: u64, to: u64) -> (usize, usize) {
        let range = Duration::from_secs(from)..Duration::from_secs(to);
        let held = self.log.iter().filter(|(at, _)| range.contains(at));
        held.fold((0, 0), |(calls, looks), (_, mailboxes)| (calls + 1, looks + mailboxes))
    }

    fn most_a_second(&self) -> usize {
        let times: Vec<Duration> = self.log.iter().map(|(at, _)| *at).collect();
        let within =
            |at: &Duration| times.iter().filter(|it| (*at..*at + Duration::from_secs(1)).contains(*it)).count();
        times.iter().step_by(7).map(within).max().unwrap_or_default()
    }
}

#[test]
fn ten_thousand_that_change_often_are_each_looked_at_once_a_minute() {
    let mut crowd = Crowd::restored(PACE, MANY, |_| 0);
    crowd.go(Duration::from_secs(480), &Ok(off()));
    assert_eq!(crowd.looks.len(), MANY);
    for looks in crowd.looks.values() {
        assert!(looks[0] <= Duration::from_secs(64), "{:?}", looks[0]);
        for pair in looks.windows(2) {
            let apart = pair[1] - pair[0];
            assert!((50.0..65.0).contains(&apart.as_secs_f64()), "{apart:?}");
        }
    }
    assert!(crowd.most_a_second() <= 10, "{}", crowd.most_a_second());
    assert!(crowd.most_under_way <= 4);
    // 10,000 / 20 in 60 s are 500 calls a minute; a tenth sooner, and some a little early, are some more.
    let (calls, looks) = crowd.between(120, 480);
    assert!((500..=600).contains(&(calls / 6)), "{calls}");
    assert!(looks >= 19 * calls, "calls are full: {looks} in {calls}");
    for minute in (120..480).step_by(10) {
        let (calls, _) = crowd.between(minute, minute + 10);
        assert!((60..=100).contains(&calls), "evenly spread: {calls} at {minute}");
    }
}

#[test]
fn however_slow_graph_is_each_is_looked_at_once_a_minute() {
    let mut crowd = Crowd::restored(PACE, MANY, |_| 0);
    crowd.call = Duration::from_secs(2);
    crowd.go(Duration::from_secs(360), &Ok(off()));
    for looks in crowd.looks.values() {
        assert!(looks.windows(2).all(|pair| pair[1] - pair[0] < Duration::from_secs(67)), "{looks:?}");
    }
    assert!(crowd.most_a_second() <= 10);
    assert!((10..=30).contains(&crowd.most_under_way), "{}", crowd.most_under_way);
}

#[test]
fn ten_thousand_of_which_few_change_are_asked_for_rarely() {
    let mut crowd = Crowd::restored(PACE, MANY, |number| if number % 50 == 0 { 600 } else { 90 * 86_400 });
    crowd.go(Duration::from_secs(3600), &Ok(off()));
    // 200 once a minute and 9800 every quarter of an hour are 12,800 in a quarter; a tenth sooner, some more.
    let (calls, looks) = crowd.between(0, 3600);
    assert!((4 * 12_800..4 * 16_000).contains(&looks), "{looks}");
    assert!(calls <= looks / 10, "{looks} in {calls}");
    let often = &crowd.looks[&mailbox(50)];
    assert!((58..=75).contains(&often.len()), "{}", often.len());
    assert!((4..=6).contains(&crowd.looks[&mailbox(51)].len()));
}

#[test]
fn a_list_too_long_for_the_interval_is_looked_at_less_often_and_nobody_is_left_out() {
    let pace = Pace { calls_per_second: 2, ..PACE };
    let mut crowd = Crowd::restored(pace, MANY, |_| 0);
    crowd.go(Duration::from_secs(1250), &Ok(off()));
    // 40 looks a second: a round takes 250 s.
    assert!(crowd.most_a_second() <= 2);
    assert_eq!(crowd.looks.len(), MANY);
    for looks in crowd.looks.values() {
        assert!((4..=8).contains(&looks.len()), "{looks:?}");
        assert!(looks.windows(2).all(|pair| pair[1] - pair[0] < Duration::from_secs(330)), "{looks:?}");
    }
}

#[test]
fn thousands_that_are_new_at_once_are_paced() {
    let mut crowd = Crowd::new(PACE);
    let (clock, now) = (crowd.clock(), crowd.now);
    crowd.book.watch(mailbox(0), String::new(), clock, "t".into(), now);
    crowd.go(Duration::from_secs(1), &Ok(off()));
    assert_eq!(crowd.log.first(), Some(&(Duration::ZERO, 1)), "one that is new is looked at at once");
    let (clock, now) = (crowd.clock(), crowd.now);
    for number in 1..5000 {
        crowd.book.watch(mailbox(number), String::new(), clock, "t".into(), now);
    }
    crowd.go(Duration::from_secs(27), &Ok(off()));
    assert_eq!(crowd.looks.len(), 5000, "250 calls, ten a second");
    assert!(crowd.most_a_second() <= 10);
}

#[test]
fn while_graph_is_away_it_is_asked_a_little_and_afterwards_about_all() {
    let mut crowd = Crowd::restored(PACE, MANY, |_| 0);
    crowd.go(Duration::from_secs(120), &Ok(off()));
    crowd.go(Duration::from_secs(1200), &Err(Failure::Unavailable));
    let (calls, _) = crowd.between(180, 1320);
    assert!((10..=40).contains(&calls), "{calls} in 19 minutes");
    crowd.go(Duration::from_secs(180), &Ok(off()));
    assert!(crowd.most_a_second() <= 10);
    let lately = |looks: &Vec<Duration>| looks.iter().any(|at| *at > Duration::from_secs(1310));
    let seen: HashSet<_> = crowd.looks.iter().filter(|(_, looks)| lately(looks)).map(|(who, _)| who).collect();
    // All but the few that were asked for during the outage, and may wait longer.
    assert!(seen.len() > MANY - 40 * 20, "{}", seen.len());
}
