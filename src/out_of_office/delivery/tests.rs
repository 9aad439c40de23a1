//! When letters are sent, on a clock that goes as fast as it can.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::cell::Cell;
use std::sync::Mutex;

use tokio::task::JoinHandle;

use super::*;
use crate::out_of_office::recipient::Problem;
use crate::out_of_office::settings::{Form, Webhook};
use crate::outbound::stub::{Stub, reply, target};
use crate::store::Selection;

thread_local! { static START: Cell<Option<Instant>> = const { Cell::new(None) } }

fn clock() -> Timestamp {
    Timestamp::from_second(1_000_000).unwrap() + START.get().unwrap().elapsed()
}

/// Seconds since the bench was set up.
fn second() -> u64 {
    START.get().unwrap().elapsed().as_secs()
}

/// A letter that was sent: when, and what it said.
type Seen = (u64, String);
type Answer = Result<(), NotDelivered>;

struct Bench {
    store: Store,
    metrics: Arc<Metrics>,
    post: Arc<Notify>,
    seen: Arc<Mutex<Vec<Seen>>>,
    end: CancellationToken,
    running: Option<JoinHandle<()>>,
}

fn failed(why: Why, text: &str) -> Answer {
    Err(NotDelivered { why, problem: Problem { logged: "answers".into(), text: text.into() } })
}

fn refused() -> Answer {
    failed(Why::Refused, "no")
}

fn unreachable() -> Answer {
    failed(Why::Unreachable, "nobody")
}

impl Bench {
    fn new() -> Self {
        Self::of(Store::in_memory().unwrap())
    }

    fn of(store: Store) -> Self {
        START.set(Some(Instant::now()));
        let (metrics, post, seen) = (Arc::default(), Arc::default(), Arc::default());
        Self { store, metrics, post, seen, end: CancellationToken::new(), running: None }
    }

    async fn letters(&self) -> Vec<Waiting> {
        self.store.letters().await.unwrap()
    }

    /// Runs with a recipient that takes `latency` for each letter, and answers as `script` says from the body and the
    /// second.
    fn start(&mut self, latency: Duration, script: impl Fn(&str, u64) -> Answer + Clone + Send + Sync + 'static) {
        let webhook = Webhook { name: "phone".into(), target: target("http://127.0.0.1:9"), form: Form::Mediator };
        let delivery = Delivery {
            recipient: Arc::new(Recipient::new(webhook).unwrap()),
            store: self.store.clone(),
            give_up: GIVE_UP,
            metrics: Arc::clone(&self.metrics),
            clock,
            post: Arc::clone(&self.post),
        };
        let (seen, end) = (Arc::clone(&self.seen), self.end.clone());
        let send = move |letter: Letter, _| {
            seen.lock().unwrap().push((second(), letter.body.clone()));
            let script = script.clone();
            async move {
                sleep(latency).await;
                script(&letter.body, second())
            }
        };
        self.running = Some(tokio::spawn(async move { delivery.work(send, &end).await }));
    }

    async fn post(&self, bodies: &[&str]) {
        let letter = |body: &&str| Letter {
            id: (*body).to_owned(),
            target: "phone".into(),
            mailbox: body[..1].to_owned(),
            body: (*body).to_owned(),
            gist: (*body).to_owned(),
            made: clock().as_second(),
        };
        self.store.post(bodies.iter().map(letter).collect()).await.unwrap();
        self.post.notify_waiters();
    }

    /// Lets time pass until no letter waits.
    async fn until_none_waits(&self) {
        while self.store.outbox_size().await.unwrap().0 > 0 {
            sleep(Duration::from_millis(500)).await;
        }
    }

    fn seen(&self) -> Vec<Seen> {
        std::mem::take(&mut self.seen.lock().unwrap())
    }

    fn seconds(&self) -> Vec<u64> {
        self.seen().into_iter().map(|(second, _)| second).collect()
    }

    fn bodies(&self) -> Vec<String> {
        self.seen().into_iter().map(|(_, body)| body).collect()
    }

    fn counted(&self, outcome: &'static str) -> u64 {
        self.metrics.letters.get_or_create(&WebhookLabels { webhook: "phone".into(), outcome }).get()
    }

    async fn stop(&mut self) {
        self.end.cancel();
        self.running.take().unwrap().await.unwrap();
    }
}

const QUICK: Duration = Duration::from_millis(20);
const GIVE_UP: Duration = Duration::from_secs(10_000);

#[tokio::test(start_paused = true)]
async fn letters_go_out_at_once_in_order_for_each_mailbox_and_eight_at_a_time() {
    let mut bench = Bench::new();
    bench.post(&["a1", "a2", "a3", "b1", "c1", "d1", "e1", "f1", "g1", "h1", "i1"]).await;
    bench.start(Duration::from_secs(1), |_, _| Ok(()));
    bench.until_none_waits().await;
    let seen = bench.seen();
    let at = |second| seen.iter().filter(|it| it.0 == second).map(|it| it.1.as_str()).collect::<Vec<_>>();
    assert_eq!(at(0), ["a1", "b1", "c1", "d1", "e1", "f1", "g1", "h1"]);
    assert_eq!(at(1).len(), 2, "{seen:?}");
    assert_eq!(at(2), ["a3"]);
    assert_eq!((bench.counted("delivered"), bench.letters().await.len()), (11, 0));

    bench.post(&["a4"]).await;
    let (before, start) = (second(), Instant::now());
    bench.until_none_waits().await;
    assert_eq!(bench.seconds(), [before], "it was woken");
    assert!(start.elapsed() < LOOK);
}

#[tokio::test(start_paused = true)]
async fn a_refused_letter_comes_back_by_the_schedule_until_it_is_given_up() {
    let mut bench = Bench::new();
    bench.post(&["a1", "a2", "b1"]).await;
    bench.start(QUICK, |body, _| if body == "a1" { refused() } else { Ok(()) });
    sleep(Duration::from_secs(3000)).await;
    let seen = bench.seen();
    assert_eq!(seen[1], (0, "b1".to_owned()), "others are not held up");
    let tries: Vec<u64> = seen.iter().filter(|it| it.1 == "a1").map(|it| it.0).collect();
    let pauses: Vec<u64> = tries.windows(2).map(|pair| pair[1] - pair[0]).collect();
    assert_eq!((seen.len(), pauses.len()), (7, 5), "and nothing of its mailbox overtakes it: {seen:?}");
    for (pause, least) in pauses.iter().zip([5, 30, 120, 600, 1800]) {
        assert!((least..=least + least / 10 + 4).contains(pause), "{pause} for {least}");
    }
    // The last time.
    bench.store.put_off(1, 10, clock().as_second(), "no".into()).await.unwrap();
    bench.until_none_waits().await;
    assert_eq!(bench.bodies(), ["a1", "a2"], "the next of the mailbox comes when the first is given up");
    let told = |it: &Waiting| (it.letter.body.clone(), it.tries, it.problem.clone(), it.is_dead, it.is_superseded);
    let dead: Vec<_> = bench.letters().await.iter().map(told).collect();
    assert_eq!(dead, [("a1".into(), 11, Some("no".into()), true, true)]);
    assert_eq!((bench.counted("refused"), bench.counted("given_up"), bench.counted("delivered")), (7, 1, 2));
    sleep(LOOK).await;
    assert_eq!((bench.metrics.letters_waiting.get(), bench.metrics.letters_dead.get()), (0, 1));
}

#[tokio::test(start_paused = true)]
async fn a_recipient_that_is_silent_for_an_hour_is_tried_once_a_minute_and_then_gets_everything() {
    let mut bench = Bench::new();
    let mailboxes: Vec<String> = ('a'..='z').map(|it| format!("{it}1")).collect();
    bench.post(&mailboxes.iter().map(String::as_str).collect::<Vec<_>>()).await;
    bench.start(QUICK, |_, second| if second < 3600 { unreachable() } else { Ok(()) });
    bench.until_none_waits().await;
    let seen = bench.seen();
    let probes: Vec<u64> = seen.iter().filter(|it| it.0 < 3600).map(|it| it.0).collect();
    assert_eq!(probes[..14], [0, 0, 0, 0, 0, 0, 0, 0, 1, 3, 7, 15, 31, 63]);
    assert!((70..75).contains(&probes.len()), "{probes:?}");
    assert!(probes[14..].windows(2).all(|pair| (60..=61).contains(&(pair[1] - pair[0]))), "{probes:?}");
    let first: HashSet<&str> = seen.iter().take(26).map(|it| it.1.as_str()).collect();
    assert_eq!(first.len(), 26, "each goes to the back after it was tried");
    let (answered, last) = (seen.iter().find(|it| it.0 >= 3600).unwrap().0, seen.last().unwrap().0);
    assert!(answered <= 3661 && last <= answered + 1, "full speed at once: {answered} to {last}");
    assert_eq!((bench.counted("delivered"), bench.counted("refused"), bench.counted("given_up")), (26, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn a_letter_that_breaks_the_recipient_holds_up_no_other() {
    let mut bench = Bench::new();
    bench.start(QUICK, |body, _| if body == "p1" { unreachable() } else { Ok(()) });
    bench.post(&["p1"]).await;
    for round in 0..600_u32 {
        let body = format!("{}{round}", char::from_digit(10 + round % 8, 36).unwrap());
        bench.post(&[&body]).await;
        sleep(Duration::from_secs(1)).await;
    }
    let seen = bench.seen();
    let poison = seen.iter().filter(|it| it.1 == "p1").count();
    assert!((8..14).contains(&poison), "{poison} times");
    assert_eq!(bench.counted("delivered"), 600);
    let late = seen.iter().filter(|it| it.1 != "p1").filter(|it| {
        let round: u64 = it.1[1..].parse().unwrap();
        it.0 > round + 2
    });
    assert_eq!(late.count(), 0, "{seen:?}");
    assert_eq!(bench.letters().await[0].tries, 0);
}

#[tokio::test(start_paused = true)]
async fn a_letter_that_never_arrives_is_given_up_when_it_is_old() {
    let mut bench = Bench::new();
    bench.post(&["a1"]).await;
    bench.start(QUICK, |_, _| unreachable());
    bench.until_none_waits().await;
    let last = bench.seen().last().unwrap().0;
    assert!((10_000..10_120).contains(&last), "{last}");
    let dead = &bench.letters().await[0];
    assert_eq!((dead.is_dead, dead.tries, dead.problem.as_deref()), (true, 0, Some("nobody")));
    // An operator has it sent again: it has its whole time again.
    bench.store.send_again(Selection::Dead, clock().as_second()).await.unwrap();
    sleep(Duration::from_secs(9_000)).await;
    assert_eq!(bench.store.outbox_size().await.unwrap(), (1, 0));
    assert!(bench.seen().len() > 100);
}

#[tokio::test(start_paused = true)]
async fn whoever_wants_less_for_a_while_gets_less() {
    let mut bench = Bench::new();
    let later = || failed(Why::Later(Duration::from_secs(40)), "slowly");
    bench.start(QUICK, move |body, second| if body == "a1" && second < 30 { later() } else { Ok(()) });
    bench.post(&["a1", "a2"]).await;
    sleep(Duration::from_secs(5)).await;
    bench.post(&["b1"]).await;
    bench.until_none_waits().await;
    let seen = bench.seen();
    assert_eq!(seen[0], (0, "a1".to_owned()));
    assert_eq!(seen[1], (40, "b1".to_owned()), "it wants nothing for that time");
    assert_eq!((seen[2].1.as_str(), seen[3].1.as_str()), ("a1", "a2"));
    assert!(seen.last().unwrap().0 <= 43, "{seen:?}");
    assert_eq!((bench.counted("later"), bench.counted("refused")), (1, 0));
}

#[tokio::test(start_paused = true)]
async fn whoever_fails_for_hours_is_told_soon_after_and_nothing_is_lost() {
    let mut bench = Bench::new();
    bench.post(&["a1", "b1", "b2", "c1"]).await;
    let broken = |body: &str, second| second < 7200 && body != "c1";
    bench.start(QUICK, move |body, second| if broken(body, second) { failed(Why::Failed, "oops") } else { Ok(()) });
    bench.until_none_waits().await;
    let seen = bench.seen();
    assert!(seen.contains(&(0, "c1".to_owned())), "it holds up no other: {seen:?}");
    let tries = seen.iter().filter(|it| it.1 == "a1").count();
    assert!((20..30).contains(&tries), "{tries}");
    let last = seen.last().unwrap();
    assert!((7200..7200 + 335).contains(&last.0), "{last:?}");
    assert_eq!((bench.counted("delivered"), bench.counted("given_up"), bench.counted("refused")), (4, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn whoever_fails_to_the_end_is_given_up_by_age_and_failures_are_no_refusals() {
    let mut bench = Bench::new();
    bench.post(&["a1", "b1"]).await;
    bench.start(QUICK, |body, second| match body {
        "b1" if second >= 5000 => refused(),
        _ => failed(Why::Failed, "oops"),
    });
    sleep(Duration::from_secs(5400)).await;
    assert_eq!(bench.store.outbox_size().await.unwrap(), (2, 0));
    assert!((1..5).contains(&bench.letters().await[1].tries), "its schedule begins with the first refusal");
    sleep(Duration::from_secs(5000)).await;
    let dead = &bench.letters().await[0];
    assert_eq!((dead.is_dead, dead.tries, dead.problem.as_deref()), (true, 0, Some("oops")));
}

#[tokio::test(start_paused = true)]
async fn whoever_says_later_and_means_now_is_not_asked_all_the_time() {
    let mut bench = Bench::new();
    bench.post(&["a1", "b1"]).await;
    bench.start(QUICK, |_, _| failed(Why::Later(Duration::ZERO), "slowly"));
    sleep(Duration::from_secs(600)).await;
    let seen = bench.seen();
    assert!((10..22).contains(&seen.len()), "{seen:?}");
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_back_holds_up_nothing() {
    let mut bench = Bench::new();
    bench.post(&["a1", "b1"]).await;
    let now = clock().as_second();
    // As if both were written, and one put off, by a clock that was a year ahead.
    bench.store.put_off(1, 1, now + 365 * 86_400, "no".into()).await.unwrap();
    bench.start(QUICK, |_, _| Ok(()));
    sleep(LOOK).await;
    let mut bodies = bench.bodies();
    bodies.sort_unstable();
    assert_eq!(bodies, ["a1", "b1"]);
}

#[tokio::test(start_paused = true)]
async fn what_an_operator_puts_back_is_sent_without_a_restart() {
    let mut bench = Bench::new();
    bench.post(&["a1"]).await;
    bench.store.give_up(1, 11, "no".into()).await.unwrap();
    bench.start(QUICK, |_, _| Ok(()));
    sleep(Duration::from_secs(600)).await;
    assert!(bench.bodies().is_empty());
    bench.store.send_again(Selection::Number(1), clock().as_second()).await.unwrap();
    sleep(LOOK + QUICK).await;
    assert_eq!(bench.bodies(), ["a1"]);
}

#[tokio::test(start_paused = true)]
async fn what_is_under_way_at_the_end_is_finished_and_nothing_else_begun() {
    let mut bench = Bench::new();
    bench.post(&["a1", "a2"]).await;
    bench.start(Duration::from_secs(5), |_, _| Ok(()));
    sleep(Duration::from_secs(1)).await;
    bench.stop().await;
    assert_eq!((second(), bench.bodies()), (5, vec!["a1".to_owned()]));
    let left: Vec<i64> = bench.letters().await.iter().map(|it| it.number).collect();
    assert_eq!(left, [2]);
    // The next start goes on from there.
    let mut next = Bench::of(bench.store.clone());
    next.start(QUICK, |_, _| Ok(()));
    next.until_none_waits().await;
    assert_eq!(next.bodies(), ["a2"]);
}

#[tokio::test(start_paused = true)]
async fn while_the_store_fails_nothing_is_sent_twice_and_afterwards_all_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut bench = Bench::of(Store::open(&folder.path().join("store")).unwrap());
    bench.post(&["a1", "a2", "b1"]).await;
    let store = bench.store.clone();
    bench.start(Duration::from_secs(1), move |_, second| {
        // Breaks while the first letters are under way.
        if second == 1 {
            store.refuse_writing(true);
        }
        Ok(())
    });
    sleep(Duration::from_secs(600)).await;
    assert_eq!(bench.bodies(), ["a1", "b1"], "sent, and not noted");
    bench.store.refuse_writing(false);
    bench.until_none_waits().await;
    assert_eq!(bench.bodies(), ["a2"]);
    assert_eq!(bench.counted("delivered"), 3);
}

#[tokio::test(start_paused = true)]
async fn from_a_recipient_that_fails_now_and_then_everything_arrives_in_order() {
    let mut bench = Bench::new();
    let arrived: Arc<Mutex<Vec<String>>> = Arc::default();
    let (taken, count) = (Arc::clone(&arrived), Arc::new(Mutex::new(0_u32)));
    bench.start(QUICK, move |body, _| {
        let mut count = count.lock().unwrap();
        *count += 1;
        match count.wrapping_mul(2_654_435_761) >> 28 {
            0 | 1 => unreachable(),
            2 | 3 => refused(),
            4 => failed(Why::Later(Duration::from_secs(3)), "slowly"),
            // The answer to what has arrived is lost now and then.
            kind => {
                taken.lock().unwrap().push(body.to_owned());
                if kind == 5 { unreachable() } else { Ok(()) }
            }
        }
    });
    for round in 100..110 {
        for mailbox in 'a'..='t' {
            bench.post(&[&format!("{mailbox}{round}")]).await;
        }
        sleep(Duration::from_secs(1)).await;
    }
    bench.until_none_waits().await;
    assert!(second() < 1200, "{}", second());
    assert_eq!((bench.counted("delivered"), bench.counted("given_up")), (200, 0));
    for mailbox in 'a'..='t' {
        let mut told: Vec<String> =
            arrived.lock().unwrap().iter().filter(|it| it.starts_with(mailbox)).cloned().collect();
        assert!(told.is_sorted(), "{told:?}");
        told.dedup();
        assert_eq!(told, (100..110).map(|round| format!("{mailbox}{round}")).collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn letters_go_through_the_recipient() {
    let bench = Bench::new();
    let (seen, is_told) = (Arc::new(Notify::new()), CancellationToken::new());
    let hears = Arc::clone(&seen);
    let stub = Stub::start(move |_| {
        hears.notify_one();
        reply(200, r#"{"result": "True"}"#)
    });
    let stub = stub.await;
    let webhook = Webhook { name: "phone".into(), target: stub.target(), form: Form::Mediator };
    let delivery = Delivery {
        recipient: Arc::new(Recipient::new(webhook).unwrap()),
        store: bench.store.clone(),
        give_up: GIVE_UP,
        metrics: Arc::clone(&bench.metrics),
        clock,
        post: Arc::clone(&bench.post),
    };
    let running = tokio::spawn(delivery.run(is_told.clone()));
    bench.post(&["a1"]).await;
    seen.notified().await;
    is_told.cancel();
    running.await.unwrap();
    assert_eq!((bench.letters().await, bench.counted("delivered")), (vec![], 1));
    assert_eq!((stub.seen().len(), stub.seen()[0].body.as_str()), (1, "a1"));
}
