//! What a stream's client is told, and when.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use jiff::Timestamp;

use super::*;
use crate::calendar::event::EventId;
use crate::calendar::{Capability, Mailbox};
use crate::changes::change::{Change, ChangeKind, EventType, EventTypes};
use crate::changes::hub::Order;
use crate::changes::settings::Settings;
use crate::client::{Ceiling, Policy};
use crate::metrics::Metrics;
use crate::store::Store;

struct Scene {
    hub: Arc<Hub>,
    client: Arc<Client>,
    id: String,
}

impl Scene {
    async fn new() -> Self {
        let policy = Policy::unlimited(&[Capability::CalendarRead], &["*"], Ceiling::Time);
        let client = Arc::new(Client::without_login("c", policy));
        let (store, metrics) = (Store::in_memory().unwrap(), Arc::new(Metrics::new()));
        let hub = Arc::new(Hub::new(Settings::default(), store, metrics, || Timestamp::UNIX_EPOCH));
        let order = Order {
            minutes: None,
            types: EventTypes::default().with(EventType::Created),
            mailboxes: vec![Mailbox::parse("a@example.com").unwrap()],
        };
        let id = hub.add(&client, order).await.unwrap();
        Self { hub, client, id }
    }

    fn stream(&self, minutes: u64) -> Stream {
        Stream::open(&self.hub, &self.client, std::slice::from_ref(&self.id), Duration::from_secs(60 * minutes))
            .unwrap()
    }

    fn happen(&self, item: &str) {
        let mailbox = Mailbox::parse("a@example.com").unwrap();
        let item = EventId::parse(item).unwrap();
        let (kind, at) = (ChangeKind::Created, Timestamp::UNIX_EPOCH);
        self.hub.push(&[Change { kind, mailbox: mailbox.clone(), item, change_key: String::new(), at }]);
        self.hub.ring(&mailbox);
    }
}

/// A word in short, and after how many seconds it came.
async fn word(stream: &mut Stream) -> (String, u64) {
    let begun = Instant::now();
    let word = match stream.next().await {
        None => "end".to_owned(),
        Some(Word::Alive) => "alive".to_owned(),
        Some(Word::Closed) => "closed".to_owned(),
        Some(Word::Failed(failure, ids)) => format!("{} {}", failure.label(), ids.len()),
        Some(Word::Events(told)) => {
            let items = told.iter().flat_map(|(_, events)| events).map(|event| event.change.item.as_str());
            items.collect::<Vec<_>>().join(" ")
        }
    };
    (word, begun.elapsed().as_secs())
}

async fn words(stream: &mut Stream, count: usize) -> Vec<(String, u64)> {
    let mut words = Vec::new();
    for _ in 0..count {
        words.push(word(stream).await);
    }
    words
}

fn expected(words: &[(&str, u64)]) -> Vec<(String, u64)> {
    words.iter().map(|(word, seconds)| ((*word).to_owned(), *seconds)).collect()
}

#[tokio::test(start_paused = true)]
async fn a_quiet_stream_says_that_it_is_alive_and_closes_in_time() {
    let scene = Scene::new().await;
    let mut stream = scene.stream(1);
    let heard = words(&mut stream, 4).await;
    assert_eq!(heard, expected(&[("alive", 0), ("alive", 30), ("closed", 30), ("end", 0)]));
    assert_eq!(word(&mut stream).await.0, "end");
}

#[tokio::test(start_paused = true)]
async fn events_come_at_once_and_then_together() {
    let scene = Scene::new().await;
    scene.happen("before");
    let mut stream = scene.stream(20);
    assert_eq!(words(&mut stream, 2).await, expected(&[("alive", 0), ("before", 0)]));
    scene.happen("one");
    scene.happen("two");
    assert_eq!(word(&mut stream).await, ("one two".to_owned(), 2), "after a quiet second and more");
    tokio::time::advance(Duration::from_secs(5)).await;
    scene.happen("three");
    assert_eq!(word(&mut stream).await, ("three".to_owned(), 0));
    assert_eq!(word(&mut stream).await, ("alive".to_owned(), 30));
}

#[tokio::test(start_paused = true)]
async fn many_events_come_in_parts() {
    let scene = Scene::new().await;
    for number in 0..120 {
        scene.happen(&format!("n{number}"));
    }
    let mut stream = scene.stream(20);
    let heard = words(&mut stream, 4).await;
    let counts: Vec<(usize, u64)> = heard.iter().map(|(words, seconds)| (words.split(' ').count(), *seconds)).collect();
    assert_eq!(counts, [(1, 0), (50, 0), (50, 0), (20, 0)]);
}

#[tokio::test(start_paused = true)]
async fn it_ends_when_another_begins_or_the_subscription_or_the_process_ends() {
    let scene = Scene::new().await;
    let mut first = scene.stream(20);
    word(&mut first).await;
    let mut second = scene.stream(20);
    assert_eq!(words(&mut first, 2).await, expected(&[("closed", 0), ("end", 0)]));
    drop(first);
    word(&mut second).await;
    scene.hub.remove(&scene.client, &scene.id).await.unwrap();
    assert_eq!(words(&mut second, 2).await, expected(&[("no_such_subscription 1", 0), ("end", 0)]));

    let scene = Scene::new().await;
    let mut stream = scene.stream(20);
    word(&mut stream).await;
    scene.hub.closing.cancel();
    assert_eq!(words(&mut stream, 2).await, expected(&[("closed", 0), ("end", 0)]));
}

#[tokio::test(start_paused = true)]
async fn what_was_not_sent_is_told_again_and_what_was_sent_is_not() {
    let scene = Scene::new().await;
    let mut stream = scene.stream(20);
    word(&mut stream).await;
    scene.happen("one");
    assert_eq!(word(&mut stream).await.0, "one");
    // Nobody has asked for the next word: the last may still be here.
    drop(stream);
    let mut stream = scene.stream(20);
    assert_eq!(words(&mut stream, 2).await, expected(&[("alive", 0), ("one", 0)]));
    let asked = tokio::time::timeout(Duration::from_secs(1), stream.next()).await;
    assert!(asked.is_err(), "nothing more");
    drop(stream);
    let mut stream = scene.stream(20);
    assert_eq!(words(&mut stream, 2).await, expected(&[("alive", 0), ("alive", 30)]));
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_seems_open_but_is_not_loses_nothing() {
    let scene = Scene::new().await;
    let mut lost = scene.stream(20);
    word(&mut lost).await;
    scene.happen("one");
    word(&mut lost).await;
    assert!(tokio::time::timeout(Duration::from_secs(20), lost.next()).await.is_err());
    let mut new = scene.stream(20);
    assert_eq!(words(&mut new, 2).await, expected(&[("alive", 0), ("one", 0)]), "the client may never have got it");
    assert!(tokio::time::timeout(Duration::from_secs(29), new.next()).await.is_err());
    assert_eq!(word(&mut new).await.0, "alive");
    assert!(tokio::time::timeout(Duration::from_secs(5), new.next()).await.is_err());
    let mut newest = scene.stream(20);
    assert_eq!(words(&mut newest, 2).await, expected(&[("alive", 0), ("alive", 30)]), "by now it must have");
}
