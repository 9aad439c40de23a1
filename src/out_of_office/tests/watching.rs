//! What the monitor does with what Graph tells it.

use std::sync::Arc;

use tokio::sync::Semaphore;

use super::bench::{Bench, clock, set, until};
use crate::failure::Failure;
use crate::out_of_office::Asker;

const ALL: &[&str] = &["*@example.com"];

fn told(who: &str, what: &str) -> (String, String) {
    (who.to_owned(), what.to_owned())
}

/// A change that somebody makes to the store behind our back.
fn sql(bench: &Bench, sql: &str) {
    rusqlite::Connection::open(bench.file()).unwrap().execute_batch(sql).unwrap();
}

#[tokio::test]
async fn the_first_look_is_told_and_then_each_change_once() {
    let mut bench = Bench::new().await;
    bench.set("anna", set("disabled", "old"));
    bench.run();
    let (mailbox, is_new) = bench.monitor.watch("Anna", Asker::Mediator).await.unwrap();
    assert_eq!((mailbox.as_str(), is_new), ("anna@example.com", true));
    assert!(!bench.monitor.watch("Anna", Asker::Mediator).await.unwrap().1);
    until(async || bench.looks("change") == 1).await;
    assert_eq!(bench.letters().await, [told("Anna", "False ")]);

    bench.set("anna", set("disabled", "another text"));
    bench.until_looked("nothing").await;
    bench.set("anna", set("alwaysEnabled", "<p>Gone &amp; away</p>"));
    bench.until_looked("change").await;
    bench.until_looked("nothing").await;
    bench.set("anna", set("AlwaysEnabled", "back in May"));
    bench.until_looked("change").await;
    let all = [told("Anna", "False "), told("Anna", "True Gone & away"), told("Anna", "True back in May")];
    assert_eq!(bench.letters().await, all);

    let watched = bench.monitor.watched("ANNA@example.com").unwrap();
    assert_eq!((watched.alias.as_str(), watched.problem), ("Anna", None));
    assert_eq!((watched.looked, watched.standing.as_ref().unwrap().changed), (Some(clock()), clock()));
    assert_eq!(bench.monitor.watches_after(None, usize::MAX).unwrap().len(), 1);
    assert_eq!(bench.metrics.away_watches.get(), 1);

    assert!(bench.monitor.unwatch("anna").await.unwrap().1);
    assert!(!bench.monitor.unwatch("anna").await.unwrap().1);
    assert_eq!((bench.letters().await, bench.metrics.away_watches.get()), (vec![], 0));
    assert!(bench.monitor.watched("anna").is_none() && bench.store.away_watches().await.unwrap().is_empty());
}

#[tokio::test]
async fn only_what_may_be_watched_is() {
    let bench = Bench::watching(&["a*@example.com", "*@elsewhere.org"]).await;
    let watch = async |name: &str| bench.monitor.watch(name, Asker::Mediator).await.unwrap_err().label();
    assert_eq!(watch("ben").await, "denied");
    assert_eq!(watch("anna@elsewhere.org").await, "no_such_mailbox");
    for bad in ["", " ", "@", "an na", "a@", &"a".repeat(400)] {
        assert_eq!(watch(bad).await, "bad_address", "{bad:?}");
    }
    assert!(matches!(bench.monitor.unwatch("a b").await, Err(Failure::BadAddress { .. })));
    assert_eq!(bench.monitor.watch(" ANNA ", Asker::Mediator).await.unwrap().0.as_str(), "anna@example.com");
    assert!(bench.store.away_watches().await.unwrap()[0].settings.is_none(), "Graph was not asked");
}

#[tokio::test]
async fn a_schedule_is_told_at_its_start_and_end_though_graph_is_down() {
    let mut bench = Bench::new().await;
    bench.set("anna", set("scheduled", "at lunch"));
    bench.run();
    bench.monitor.watch("anna", Asker::Mediator).await.unwrap();
    until(async || bench.looks("change") == 1).await;
    *bench.graph.is_down.lock().unwrap() = true;
    bench.pass(3600).await;
    until(async || bench.monitor.watched("anna").unwrap().standing.unwrap().away.is_some()).await;
    bench.pass(3600).await;
    until(async || bench.letters().await.len() == 3).await;
    assert_eq!(bench.letters().await, [told("anna", "False "), told("anna", "True at lunch"), told("anna", "False ")]);
}

#[tokio::test]
async fn what_cannot_be_noted_is_not_told_and_not_forgotten() {
    let mut bench = Bench::new().await;
    bench.set("anna", set("disabled", ""));
    bench.run();
    bench.monitor.watch("anna", Asker::Mediator).await.unwrap();
    until(async || bench.looks("change") == 1).await;
    sql(&bench, "ALTER TABLE outbox RENAME TO away");
    bench.set("anna", set("alwaysEnabled", "gone"));
    bench.until_looked("internal").await;
    assert!(bench.monitor.watched("anna").unwrap().standing.unwrap().away.is_none(), "memory follows the store");
    assert!(bench.monitor.watch("ben", Asker::Mediator).await.unwrap().1);
    let anna = bench.store.away_watches().await.unwrap().remove(0);
    assert!(anna.changed < Some(clock().as_second()) && anna.told.unwrap().contains("null"), "all of it or nothing");
    sql(&bench, "ALTER TABLE away RENAME TO outbox");
    bench.pass(61).await;
    until(async || bench.monitor.watched("anna").unwrap().standing.unwrap().away.is_some()).await;
    assert_eq!(bench.letters().await, [told("anna", "False "), told("anna", "True gone")]);
}

#[tokio::test]
async fn an_answer_that_was_asked_for_before_a_mailbox_was_watched_anew_is_nobodys() {
    let mut bench = Bench::new().await;
    bench.set("anna", set("disabled", ""));
    bench.run();
    bench.monitor.watch("anna", Asker::Mediator).await.unwrap();
    until(async || bench.looks("change") == 1).await;
    let gate = Arc::new(Semaphore::new(0));
    *bench.graph.gate.lock().unwrap() = Some(Arc::clone(&gate));
    bench.set("anna", set("alwaysEnabled", "never heard"));
    bench.pass(60).await;
    until(async || bench.graph.calls.lock().unwrap().len() == 2).await;
    *bench.graph.gate.lock().unwrap() = None;
    bench.set("anna", set("disabled", ""));
    assert!(bench.monitor.unwatch("anna").await.unwrap().1);
    assert!(bench.monitor.watch("anna@example.com", Asker::Mediator).await.unwrap().1);
    until(async || bench.looks("change") == 2).await;
    gate.add_permits(1);
    bench.until_looked("nothing").await;
    bench.until_looked("nothing").await;
    assert_eq!(bench.letters().await, [told("anna@example.com", "False ")]);
}

#[tokio::test]
async fn after_a_restart_nothing_is_told_again_and_what_is_damaged_is_looked_at_afresh() {
    let mut bench = Bench::new().await;
    for name in ["anna", "ben", "carl"] {
        bench.set(name, set("alwaysEnabled", name));
        bench.monitor.watch(name, Asker::Mediator).await.unwrap();
    }
    bench.run();
    until(async || bench.looks("change") == 3).await;
    bench.restart(ALL).await;
    assert_eq!(
        bench
            .monitor
            .watches_after(None, usize::MAX)
            .unwrap()
            .iter()
            .filter(|watched| watched.standing.is_some())
            .count(),
        3
    );
    bench.run();
    until(async || bench.looks("nothing") > 0).await;
    bench.until_looked("nothing").await;
    assert_eq!(bench.letters().await.len(), 3);

    sql(&bench, "UPDATE away_watches SET told = '{\"away' WHERE mailbox LIKE 'ben%'");
    sql(&bench, "UPDATE away_watches SET mailbox = 'rubbish' WHERE mailbox LIKE 'carl%'");
    bench.restart(ALL).await;
    assert_eq!(bench.monitor.watches_after(None, usize::MAX).unwrap().len(), 2);
    bench.run();
    until(async || bench.looks("change") == 1).await;
    assert_eq!(bench.letters().await.len(), 3, "what it is found to be waits to be told already");
    let rows = bench.store.away_watches().await.unwrap();
    assert!(rows.iter().any(|row| row.mailbox == "rubbish"), "it is kept");
    assert!(rows.iter().all(|row| row.told.as_deref() != Some("{\"away")));
}

#[tokio::test]
async fn who_may_not_be_watched_any_more_is_not_asked_for() {
    let mut bench = Bench::new().await;
    for name in ["anna", "ben"] {
        bench.set(name, set("disabled", ""));
        bench.monitor.watch(name, Asker::Mediator).await.unwrap();
    }
    bench.run();
    until(async || bench.looks("change") == 2).await;
    bench.graph.calls.lock().unwrap().clear();
    bench.restart(&["ben@*"]).await;
    bench.run();
    until(async || bench.looks("nothing") == 1).await;
    assert_eq!(*bench.graph.calls.lock().unwrap(), [["ben@example.com"]]);
    let anna = bench.monitor.watched("anna").unwrap();
    assert_eq!((anna.problem, anna.standing), (Some(Failure::Denied), None));
    assert!(bench.monitor.unwatch("anna").await.unwrap().1);
}

#[tokio::test]
async fn a_mediators_name_for_a_mailbox_is_kept_and_told() {
    let mut bench = Bench::new().await;
    bench.set("anna", set("alwaysEnabled", "gone"));
    bench.run();
    bench.monitor.watch(" anna@example.com ", Asker::Api).await.unwrap();
    until(async || bench.looks("change") == 1).await;
    let mut all = vec![told("anna@example.com", "True gone")];
    assert_eq!(bench.letters().await, all, "trimmed");
    for (name, asker) in [("Anna", Asker::Mediator), ("anna@example.com", Asker::Api), (" Anna", Asker::Mediator)] {
        assert!(!bench.monitor.watch(name, asker).await.unwrap().1);
        assert_eq!(bench.monitor.watched("anna").unwrap().alias, "Anna");
    }
    all.push(told("Anna", "True gone"));
    assert_eq!(bench.letters().await, all, "once");
    assert_eq!(bench.store.away_watches().await.unwrap()[0].alias, "Anna");
}

#[tokio::test]
async fn who_lacks_what_was_told_is_told_it_after_a_start_and_when_a_mediator_asks_again() {
    let mut bench = Bench::new().await;
    bench.set("anna", set("alwaysEnabled", "gone"));
    bench.run();
    bench.monitor.watch("anna", Asker::Mediator).await.unwrap();
    until(async || bench.looks("change") == 1).await;
    // The letter is given up, or the webhook is new.
    for fate in ["UPDATE outbox SET dead = 1, head = 0", "DELETE FROM outbox"] {
        sql(&bench, fate);
        bench.monitor.watch("anna", Asker::Api).await.unwrap();
        bench.until_looked("nothing").await;
        sql(&bench, "DELETE FROM outbox WHERE dead = 1");
        assert!(bench.letters().await.is_empty());
        bench.monitor.watch("anna", Asker::Mediator).await.unwrap();
        bench.monitor.watch("anna", Asker::Mediator).await.unwrap();
        assert_eq!(bench.letters().await, [told("anna", "True gone")]);

        sql(&bench, "DELETE FROM outbox");
        bench.restart(ALL).await;
        bench.run();
        until(async || bench.looks("nothing") == 1).await;
        assert_eq!(bench.letters().await, [told("anna", "True gone")]);
    }
}

#[tokio::test]
async fn what_is_not_true_any_more_when_it_can_be_noted_is_not_told() {
    let mut bench = Bench::new().await;
    bench.set("anna", set("scheduled", "at lunch"));
    bench.run();
    bench.pass(3600 + 3590).await;
    // Somebody else writes; whoever wants to write here waits.
    let other = rusqlite::Connection::open(bench.file()).unwrap();
    bench.monitor.watch("anna", Asker::Mediator).await.unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let monitor = Arc::clone(&bench.monitor);
    let ben = tokio::spawn(async move { monitor.watch("ben", Asker::Mediator).await });
    until(async || bench.monitor.watched("anna").unwrap().looked.is_some()).await;
    bench.pass(20).await;
    other.execute_batch("COMMIT").unwrap();
    ben.await.unwrap().unwrap();
    until(async || bench.looks("change") + bench.looks("nothing") > 0).await;
    assert_eq!(bench.letters().await, [told("anna", "False ")]);
}

#[tokio::test]
async fn twenty_are_asked_for_at_once_and_one_who_is_unknown_spoils_nothing() {
    let mut bench = Bench::new().await;
    for number in 0..45 {
        if number != 7 {
            bench.set(&format!("m{number}"), set("disabled", ""));
        }
        bench.monitor.watch(&format!("m{number}"), Asker::Mediator).await.unwrap();
    }
    bench.run();
    until(async || bench.looks("change") + bench.looks("no_such_mailbox") == 45).await;
    let mut calls: Vec<usize> = bench.graph.calls.lock().unwrap().iter().map(Vec::len).collect();
    calls.sort_unstable();
    assert_eq!(calls, [5, 20, 20]);
    assert_eq!(bench.looks("no_such_mailbox"), 1);
    let unknown = bench.monitor.watched("m7").unwrap();
    assert!(matches!(unknown.problem, Some(Failure::NoSuchMailbox { .. })) && unknown.standing.is_none());
}

#[tokio::test]
async fn what_is_begun_is_done_though_nobody_waits_for_it() {
    let bench = Bench::new().await;
    let hasty = |watching: std::pin::Pin<&mut dyn Future<Output = ()>>| {
        let mut context = std::task::Context::from_waker(std::task::Waker::noop());
        assert!(watching.poll(&mut context).is_pending());
    };
    {
        let watching = std::pin::pin!(async { drop(bench.monitor.watch("anna", Asker::Mediator).await) });
        hasty(watching);
    }
    until(async || bench.monitor.watched("anna").is_some()).await;
    {
        let unwatching = std::pin::pin!(async { drop(bench.monitor.unwatch("anna").await) });
        hasty(unwatching);
    }
    until(async || bench.monitor.watched("anna").is_none()).await;
    assert!(bench.store.away_watches().await.unwrap().is_empty());
}
