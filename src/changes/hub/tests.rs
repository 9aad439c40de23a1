//! Whose subscriptions are, how long they last, and what survives a restart.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use tokio::time::advance;

use super::*;
use crate::calendar::event::EventId;
use crate::changes::change::{ChangeKind, EventType};
use crate::client::{Ceiling, Clients, Policy, Roster, Source};

fn clients() -> Clients {
    let client = |id: &str, mailboxes: &[&str]| {
        Client::without_login(id, Policy::unlimited(&[Capability::CalendarRead], mailboxes, Ceiling::Time))
    };
    Clients::new([client("respa", &["*@example.com"]), client("other", &["*@example.com"])])
}

fn hub_of(store: &Store, settings: Settings) -> Hub {
    Hub::new(settings, store.clone(), Arc::new(Metrics::new()), || Timestamp::UNIX_EPOCH)
}

fn hub() -> (Hub, Clients) {
    (hub_of(&Store::in_memory().unwrap(), Settings::default()), clients())
}

fn all() -> EventTypes {
    EventTypes::default().with(EventType::Created).with(EventType::Modified).with(EventType::Deleted)
}

fn order(minutes: Option<u32>, mailboxes: &[&str]) -> Order {
    let mailboxes = mailboxes.iter().map(|address| Mailbox::parse(address).unwrap()).collect();
    Order { minutes, types: all(), mailboxes }
}

fn change(mailbox: &str, item: &str) -> Change {
    Change {
        kind: ChangeKind::Created,
        mailbox: Mailbox::parse(mailbox).unwrap(),
        item: EventId::parse(item).unwrap(),
        change_key: "ck".into(),
        at: Timestamp::UNIX_EPOCH,
    }
}

fn items(next: Next) -> Vec<(String, Vec<String>)> {
    let items = |events: Vec<Event>| events.into_iter().map(|event| event.change.item.as_str().to_owned()).collect();
    match next {
        Next::Events(told, _) => told.into_iter().map(|(id, events)| (id, items(events))).collect(),
        Next::Nothing => Vec::new(),
        other => panic!("{other:?}"),
    }
}

fn later() -> Instant {
    Instant::now() + Duration::from_secs(1200)
}

#[tokio::test]
async fn a_subscription_is_its_clients_alone() {
    let (hub, clients) = hub();
    let (respa, other) = (clients.named("respa").unwrap(), clients.named("other").unwrap());
    let id = hub.add(respa, order(Some(5), &["a@example.com"])).await.unwrap();
    let start = watermark::write(&id, 0);
    assert!(hub.pull(respa, &id, &start).is_ok());
    assert_eq!(hub.pull(other, &id, &start).unwrap_err(), Failure::NoSuchSubscription);
    assert_eq!(hub.remove(other, &id).await, Err(Failure::NoSuchSubscription));
    assert_eq!(hub.pull(respa, "nobody's", &start).unwrap_err(), Failure::NoSuchSubscription);
    let bad = hub.attach(other, std::slice::from_ref(&id), later()).unwrap_err();
    assert_eq!(bad, (Failure::NoSuchSubscription, vec![id.clone()]));
    let bad = hub.attach(respa, &[id.clone(), "x".into(), "y".into()], later()).unwrap_err();
    assert_eq!(bad, (Failure::NotAStreamingSubscription, vec![id.clone()]), "the first that is wrong");
    assert_eq!(hub.remove(respa, &id).await, Ok(()));
    assert_eq!(hub.remove(respa, &id).await, Err(Failure::NoSuchSubscription));
}

#[tokio::test]
async fn each_client_has_its_share() {
    let settings = Settings { subscriptions_per_client: 2, streams_per_client: 1, ..Settings::default() };
    let hub = hub_of(&Store::in_memory().unwrap(), settings);
    let clients = clients();
    let respa = clients.named("respa").unwrap();
    let one = hub.add(respa, order(None, &["a@example.com"])).await.unwrap();
    let two = hub.add(respa, order(None, &["a@example.com"])).await.unwrap();
    assert_eq!(hub.add(respa, order(None, &["a@example.com"])).await, Err(Failure::TooManySubscriptions));
    assert!(hub.add(clients.named("other").unwrap(), order(None, &["a@example.com"])).await.is_ok());
    let open = hub.attach(respa, &[one], later()).unwrap();
    assert_eq!(hub.attach(respa, std::slice::from_ref(&two), later()).unwrap_err(), (Failure::TooManyStreams, vec![]));
    hub.detach(&open);
    assert!(hub.attach(respa, &[two], later()).is_ok());
}

#[tokio::test]
async fn changes_go_to_those_who_want_them_while_they_may_see_them() {
    let (hub, clients) = hub();
    let respa = clients.named("respa").unwrap();
    let a = hub.add(respa, order(None, &["a@example.com"])).await.unwrap();
    let both = hub.add(respa, order(None, &["a@example.com", "b@example.com"])).await.unwrap();
    let foreign = hub.add(respa, order(None, &["a@elsewhere.example"])).await.unwrap();
    hub.push(&[change("a@example.com", "one"), change("b@example.com", "two"), change("a@elsewhere.example", "three")]);
    let connection = hub.attach(respa, &[a.clone(), both.clone(), foreign, a.clone()], later()).unwrap();
    let told = items(hub.next(&connection));
    assert_eq!(told, [(a, vec!["one".to_owned()]), (both, vec!["one".to_owned(), "two".to_owned()])]);
    assert!(items(hub.next(&connection)).is_empty());
}

#[tokio::test]
async fn the_newest_connection_wins_and_gets_what_the_former_was_given() {
    let (hub, clients) = hub();
    let respa = clients.named("respa").unwrap();
    let id = hub.add(respa, order(None, &["a@example.com"])).await.unwrap();
    let first = hub.attach(respa, std::slice::from_ref(&id), later()).unwrap();
    hub.push(&[change("a@example.com", "one")]);
    assert_eq!(items(hub.next(&first)).len(), 1);
    let second = hub.attach(respa, std::slice::from_ref(&id), later()).unwrap();
    assert!(matches!(hub.next(&first), Next::Superseded));
    first.bell.notified().await;
    hub.arrived(&first, &[(id.clone(), 1)]);
    hub.detach(&first);
    assert_eq!(items(hub.next(&second)), [(id.clone(), vec!["one".to_owned()])]);
    hub.arrived(&second, &[(id.clone(), 1)]);
    hub.detach(&second);
    let third = hub.attach(respa, std::slice::from_ref(&id), later()).unwrap();
    assert!(items(hub.next(&third)).is_empty(), "it has arrived");
    hub.remove(respa, &id).await.unwrap();
    assert!(matches!(hub.next(&third), Next::Failed(Failure::NoSuchSubscription, lost) if lost == [id]));
}

#[tokio::test(start_paused = true)]
async fn who_is_not_used_ends_and_who_listens_does_not() {
    let (hub, clients) = hub();
    let respa = clients.named("respa").unwrap();
    let streaming = hub.add(respa, order(None, &["a@example.com"])).await.unwrap();
    let pull = hub.add(respa, order(Some(10), &["b@example.com"])).await.unwrap();
    let start = watermark::write(&pull, 0);
    let minutes = |count: u64| advance(Duration::from_secs(60 * count));
    let connection = hub.attach(respa, std::slice::from_ref(&streaming), later() + Duration::from_secs(1200)).unwrap();
    minutes(9).await;
    hub.expire().await.unwrap();
    assert!(hub.pull(respa, &pull, &start).is_ok(), "each call begins the time anew");
    minutes(9).await;
    hub.expire().await.unwrap();
    assert!(hub.pull(respa, &pull, &start).is_ok());
    minutes(10).await;
    hub.expire().await.unwrap();
    assert_eq!(hub.pull(respa, &pull, &start).unwrap_err(), Failure::NoSuchSubscription);
    assert!(!hub.wants(&Mailbox::parse("b@example.com").unwrap()));
    hub.detach(&connection);
    minutes(29).await;
    hub.expire().await.unwrap();
    assert!(hub.wants(&Mailbox::parse("a@example.com").unwrap()));
    let dead = hub.attach(respa, std::slice::from_ref(&streaming), later()).unwrap();
    minutes(29).await;
    hub.expire().await.unwrap();
    assert!(matches!(hub.next(&dead), Next::Superseded), "its time is over, and nobody reads it");
    minutes(30).await;
    hub.expire().await.unwrap();
    let bad = hub.attach(respa, std::slice::from_ref(&streaming), later()).unwrap_err();
    assert_eq!(bad, (Failure::NoSuchSubscription, vec![streaming]));
    assert_eq!(hub.store.subscriptions().await.unwrap().0, []);
}

#[tokio::test(start_paused = true)]
async fn a_restart_keeps_what_has_not_arrived() {
    let store = Store::in_memory().unwrap();
    let clients = clients();
    let respa = clients.named("respa").unwrap();
    let hub = hub_of(&store, Settings::default());
    let streaming = hub.add(respa, order(None, &["a@example.com"])).await.unwrap();
    let pull = hub.add(respa, order(Some(10), &["a@example.com"])).await.unwrap();
    hub.push(&["one", "two", "three"].map(|item| change("a@example.com", item)));
    let connection = hub.attach(respa, std::slice::from_ref(&streaming), later()).unwrap();
    items(hub.next(&connection));
    hub.arrived(&connection, &[(streaming.clone(), 2)]);
    hub.pull(respa, &pull, &watermark::write(&pull, 1)).unwrap();
    hub.save(None).await.unwrap();
    drop(hub);

    let hub = hub_of(&store, Settings::default());
    hub.restore(&clients).await.unwrap();
    let connection = hub.attach(respa, std::slice::from_ref(&streaming), later()).unwrap();
    assert_eq!(items(hub.next(&connection)), [(streaming, vec!["three".to_owned()])]);
    let pulled = hub.pull(respa, &pull, &watermark::write(&pull, 1)).unwrap();
    assert_eq!(pulled.events.iter().map(|event| event.number).collect::<Vec<_>>(), [2, 3]);
    assert_eq!(hub.pull(respa, &pull, &watermark::write(&pull, 0)).unwrap_err(), Failure::BadWatermark);
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_idle_time_counts_but_there_is_time_to_come_back() {
    let store = Store::in_memory().unwrap();
    let (clients, settings) = (clients(), Settings::default());
    let respa = clients.named("respa").unwrap();
    let hub = hub_of(&store, settings.clone());
    hub.add(respa, order(None, &["a@example.com"])).await.unwrap();
    drop(hub);
    let day_later = Hub::new(settings, store, Arc::new(Metrics::new()), || Timestamp::from_second(86_400).unwrap());
    day_later.restore(&clients).await.unwrap();
    advance(Duration::from_secs(110)).await;
    day_later.expire().await.unwrap();
    let mailbox = Mailbox::parse("a@example.com").unwrap();
    assert!(day_later.wants(&mailbox));
    advance(Duration::from_secs(11)).await;
    day_later.expire().await.unwrap();
    assert!(!day_later.wants(&mailbox));
}

#[tokio::test]
async fn a_client_that_may_no_longer_has_no_subscriptions() {
    let store = Store::in_memory().unwrap();
    let clients = clients();
    let hub = hub_of(&store, Settings::default());
    hub.add(clients.named("respa").unwrap(), order(None, &["a@example.com"])).await.unwrap();
    hub.add(clients.named("other").unwrap(), order(None, &["a@example.com"])).await.unwrap();
    drop(hub);
    let narrow = Policy::unlimited(&[Capability::CalendarRead], &["b@example.com"], Ceiling::Time);
    let fewer = Clients::new([Client::without_login("respa", narrow)]);
    let hub = hub_of(&store, Settings::default());
    hub.restore(&fewer).await.unwrap();
    assert!(hub.wanted().is_empty());
    assert_eq!(store.subscriptions().await.unwrap().0, []);
}

#[tokio::test]
async fn what_could_not_be_queued_is_said() {
    let settings = Settings { queue: 2, ..Settings::default() };
    let hub = hub_of(&Store::in_memory().unwrap(), settings);
    let clients = clients();
    let respa = clients.named("respa").unwrap();
    let streaming = hub.add(respa, order(None, &["a@example.com"])).await.unwrap();
    let pull = hub.add(respa, order(Some(1), &["a@example.com"])).await.unwrap();
    hub.push(&["one", "two", "three"].map(|item| change("a@example.com", item)));
    let connection = hub.attach(respa, std::slice::from_ref(&streaming), later()).unwrap();
    let Next::Failed(Failure::MissedEvents, missed) = hub.next(&connection) else { panic!("missed") };
    assert_eq!(missed, [streaming]);
    assert_eq!(items(hub.next(&connection))[0].1, ["two", "three"], "said once");
    let start = watermark::write(&pull, 0);
    assert_eq!(hub.pull(respa, &pull, &start).unwrap_err(), Failure::MissedEvents);
    assert_eq!(hub.pull(respa, &pull, &start).unwrap().events.len(), 2);
}

#[tokio::test]
async fn what_could_not_be_queued_is_said_after_a_restart_too_and_once() {
    let store = Store::in_memory().unwrap();
    let settings = Settings { queue: 2, ..Settings::default() };
    let clients = clients();
    let respa = clients.named("respa").unwrap();
    let hub = hub_of(&store, settings.clone());
    let streaming = hub.add(respa, order(None, &["a@example.com"])).await.unwrap();
    let pull = hub.add(respa, order(Some(5), &["a@example.com"])).await.unwrap();
    hub.push(&["one", "two", "three"].map(|item| change("a@example.com", item)));
    hub.save(None).await.unwrap();

    let hub = hub_of(&store, settings.clone());
    hub.restore(&clients).await.unwrap();
    let connection = hub.attach(respa, std::slice::from_ref(&streaming), later()).unwrap();
    assert!(matches!(hub.next(&connection), Next::Failed(Failure::MissedEvents, _)));
    let start = watermark::write(&pull, 0);
    assert_eq!(hub.pull(respa, &pull, &start).unwrap_err(), Failure::MissedEvents);
    hub.save(None).await.unwrap();

    let hub = hub_of(&store, settings);
    hub.restore(&clients).await.unwrap();
    let connection = hub.attach(respa, &[streaming], later()).unwrap();
    assert_eq!(items(hub.next(&connection))[0].1, ["two", "three"]);
    assert_eq!(hub.pull(respa, &pull, &start).unwrap().events.len(), 2);
}

/// A client whose mailboxes are those of a group that is not known yet.
fn doubtful() -> (Clients, Arc<Roster>) {
    let group = Arc::new(Roster::new(Source::Group(Mailbox::parse("rooms@example.com").unwrap())));
    let mut policy = Policy::unlimited(&[Capability::CalendarRead], &["sure@example.com"], Ceiling::Time);
    policy.grants[0].mailboxes.rosters.push(Arc::clone(&group));
    (Clients::new([Client::without_login("respa", policy)]), group)
}

fn members(addresses: &[&str]) -> HashSet<Mailbox> {
    addresses.iter().map(|address| Mailbox::parse(address).unwrap()).collect()
}

#[tokio::test]
async fn until_lists_are_read_subscriptions_stay_and_events_wait() {
    let store = Store::in_memory().unwrap();
    let (clients, group) = doubtful();
    let respa = clients.named("respa").unwrap();
    let hub = hub_of(&store, Settings::default());
    let streaming = hub.add(respa, order(None, &["a@example.com", "sure@example.com"])).await.unwrap();
    let pull = hub.add(respa, order(Some(10), &["a@example.com"])).await.unwrap();
    let other = hub.add(respa, order(None, &["gone@example.com"])).await.unwrap();
    let never = hub.add(respa, order(None, &["sure@example.com", "x@elsewhere.example"])).await.unwrap();
    hub.push(&[change("a@example.com", "one")]);
    hub.save(None).await.unwrap();
    drop(hub);

    let hub = hub_of(&store, Settings::default());
    hub.restore(&clients).await.unwrap();
    let connection = hub.attach(respa, std::slice::from_ref(&streaming), later()).unwrap();
    hub.push(&[change("a@example.com", "two"), change("gone@example.com", "three")]);
    assert!(matches!(hub.next(&connection), Next::Nothing));
    let start = watermark::write(&pull, 0);
    let pulled = hub.pull(respa, &pull, &start).unwrap();
    assert!(pulled.events.is_empty() && !pulled.more);
    hub.settle().await.unwrap();
    assert!(matches!(hub.next(&connection), Next::Nothing), "nothing is known yet");
    assert_eq!(store.subscriptions().await.unwrap().0.len(), 4);

    group.replace(members(&["a@example.com"]));
    hub.settle().await.unwrap();
    connection.bell.notified().await;
    assert_eq!(items(hub.next(&connection)), [(streaming, vec!["one".to_owned(), "two".to_owned()])]);
    assert_eq!(hub.pull(respa, &pull, &start).unwrap().events.len(), 2);
    for ended in [other, never] {
        assert_eq!(hub.remove(respa, &ended).await, Err(Failure::NoSuchSubscription));
    }
    assert_eq!(store.subscriptions().await.unwrap().0.len(), 2, "the list does not name the others");
}

#[tokio::test]
async fn what_may_not_be_told_at_delivery_is_never_told() {
    let store = Store::in_memory().unwrap();
    let (clients, group) = doubtful();
    group.replace(members(&["a@example.com", "b@example.com"]));
    let respa = clients.named("respa").unwrap();
    let hub = hub_of(&store, Settings::default());
    let streaming = hub.add(respa, order(None, &["a@example.com", "b@example.com"])).await.unwrap();
    let pull = hub.add(respa, order(Some(10), &["a@example.com", "b@example.com"])).await.unwrap();
    let connection = hub.attach(respa, std::slice::from_ref(&streaming), later()).unwrap();
    hub.push(&[change("a@example.com", "one"), change("b@example.com", "two")]);
    hub.save(None).await.unwrap();
    group.replace(members(&["b@example.com"]));
    assert_eq!(items(hub.next(&connection)), [(streaming, vec!["two".to_owned()])]);
    let pulled = hub.pull(respa, &pull, &watermark::write(&pull, 0)).unwrap();
    assert_eq!(pulled.events.iter().map(|event| event.number).collect::<Vec<_>>(), [2]);
    group.replace(members(&["a@example.com", "b@example.com"]));
    assert!(matches!(hub.next(&connection), Next::Nothing), "it is gone");
    hub.save(None).await.unwrap();
    let (_, queued) = store.subscriptions().await.unwrap();
    assert!(queued.iter().all(|row| row.mailbox == "b@example.com"), "{queued:?}");
}
