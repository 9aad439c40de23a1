//! The order of letters, what an operator does with them, and what becomes of them when the file fails.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::path::Path;
use std::time::Duration;

use rusqlite::Connection;

use super::*;

const DAY: i64 = 86_400;

fn letter(mailbox: &str, made: i64) -> Letter {
    let (id, body) = (format!("{mailbox}-{made}"), "{}".to_owned());
    Letter { id, target: "m".into(), mailbox: mailbox.into(), body, gist: made.to_string(), made }
}

async fn store_of(letters: &[(&str, i64)]) -> Store {
    let store = Store::in_memory().unwrap();
    store.post(letters.iter().map(|(mailbox, made)| letter(mailbox, *made)).collect()).await.unwrap();
    store
}

async fn due(store: &Store, by: i64) -> Vec<i64> {
    let due = store.due_letters("m".into(), by, DAY, 100).await.unwrap();
    due.iter().map(|waiting| waiting.number).collect()
}

async fn dead(store: &Store) -> Vec<i64> {
    let letters = store.letters().await.unwrap();
    letters.iter().filter(|waiting| waiting.is_dead).map(|waiting| waiting.number).collect()
}

#[tokio::test]
async fn of_each_mailbox_the_first_is_due_and_the_longest_waiting_comes_first() {
    let store = store_of(&[("a", 10), ("b", 5), ("a", 11), ("c", 50)]).await;
    store.post(vec![Letter { target: "other".into(), ..letter("a", 1) }]).await.unwrap();
    assert_eq!(due(&store, 0).await, [1, 2, 4], "whatever the clock says");
    assert_eq!(store.due_letters("m".into(), 50, DAY, 1).await.unwrap().len(), 1);
    let first = &store.due_letters("m".into(), 50, DAY, 2).await.unwrap()[0];
    let expected = Waiting {
        number: 1,
        letter: letter("a", 10),
        since: 10,
        tries: 0,
        next: 0,
        problem: None,
        is_dead: false,
        is_superseded: false,
    };
    assert_eq!(first, &expected);

    store.put_off(1, 1, 60, "broken".into()).await.unwrap();
    assert_eq!(due(&store, 59).await, [2, 4], "nothing overtakes a letter that was put off");
    assert_eq!(due(&store, 60).await, [2, 4, 1]);
    store.delivered(1).await.unwrap();
    assert_eq!(due(&store, 60).await, [2, 3, 4]);
    assert_eq!(store.outbox_size().await.unwrap(), (4, 0));
}

#[tokio::test]
async fn whoever_was_put_off_may_be_hurried_and_never_slowed() {
    let store = store_of(&[("a", 10), ("b", 10)]).await;
    store.put_off(1, 0, 500, String::new()).await.unwrap();
    store.hurry(vec![1, 2, 99], 100).await.unwrap();
    assert_eq!((due(&store, 99).await, due(&store, 100).await), (vec![2], vec![2, 1]));
}

#[tokio::test]
async fn a_letter_that_is_given_up_lets_the_next_pass_and_can_come_back() {
    let store = store_of(&[("a", 10), ("a", 11)]).await;
    store.give_up(1, 11, "no".into()).await.unwrap();
    assert_eq!((due(&store, 20).await, dead(&store).await), (vec![2], vec![1]));
    assert_eq!(store.outbox_size().await.unwrap(), (1, 1));
    assert_eq!(store.send_again(Selection::Dead, 30).await.unwrap(), (vec![1], vec![]));
    assert_eq!(due(&store, 29).await, [] as [i64; 0], "its old place is before the other");
    let back = store.due_letters("m".into(), 30, DAY, 9).await.unwrap();
    assert_eq!((back.len(), back[0].number, back[0].tries, back[0].since), (1, 1, 0, 30));
    assert_eq!(back[0].letter.made, 10);
    store.delivered(1).await.unwrap();
    assert_eq!(due(&store, 30).await, [2]);
}

#[tokio::test]
async fn what_was_overtaken_is_not_sent_again() {
    let store = store_of(&[("a", 10), ("a", 11), ("b", 12), ("a", 13)]).await;
    for number in [1, 3] {
        store.give_up(number, 11, "no".into()).await.unwrap();
    }
    store.delivered(2).await.unwrap();
    let superseded: Vec<bool> = store.letters().await.unwrap().iter().map(|it| it.is_superseded).collect();
    assert_eq!(superseded, [true, false, false]);
    assert_eq!(store.send_again(Selection::Number(1), 30).await.unwrap(), (vec![], vec![1]));
    assert_eq!(store.send_again(Selection::Dead, 30).await.unwrap(), (vec![3], vec![1]));
    assert_eq!((due(&store, 30).await, dead(&store).await), (vec![4, 3], vec![1]));
    assert_eq!(store.send_again(Selection::Number(99), 30).await.unwrap(), (vec![], vec![]));
}

#[tokio::test]
async fn what_is_overtaken_while_it_waits_again_is_given_up_again() {
    let store = store_of(&[("a", 10), ("a", 11)]).await;
    store.give_up(1, 11, "no".into()).await.unwrap();
    assert_eq!(due(&store, 20).await, [2], "and now it is under way");
    store.send_again(Selection::Dead, 30).await.unwrap();
    store.delivered(2).await.unwrap();
    assert_eq!((due(&store, 99).await, dead(&store).await), (vec![], vec![1]));
}

#[tokio::test]
async fn letters_are_thrown_away_by_number_or_all_that_were_given_up() {
    let store = store_of(&[("a", 10), ("a", 11), ("b", 12), ("c", 13)]).await;
    assert_eq!(store.drop_letters(Selection::Number(1)).await.unwrap(), 1);
    assert_eq!(store.drop_letters(Selection::Number(1)).await.unwrap(), 0);
    assert_eq!(due(&store, 99).await, [2, 3, 4]);
    for number in [2, 3] {
        store.give_up(number, 11, "no".into()).await.unwrap();
    }
    assert_eq!(store.drop_letters(Selection::Dead).await.unwrap(), 2);
    assert_eq!((due(&store, 99).await, dead(&store).await), (vec![4], vec![]));
    // One that was under way when it was thrown away.
    store.delivered(1).await.unwrap();
    store.put_off(1, 1, 1, String::new()).await.unwrap();
    store.give_up(1, 1, String::new()).await.unwrap();
    assert_eq!(store.letters().await.unwrap().len(), 1);
    store.post(vec![letter("a", 20)]).await.unwrap();
    assert_eq!(due(&store, 99).await, [4, 5], "no number is given twice");
}

#[tokio::test]
async fn letters_survive_a_restart_and_two_processes_share_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let store = Store::open(&path).unwrap();
    let operator = Store::open(&path).unwrap();
    let (ours, theirs) = tokio::join!(
        async {
            for made in 0..50 {
                store.post(vec![letter("a", made)]).await.unwrap();
                store.delivered(due(&store, 99).await[0]).await.unwrap();
            }
            store.letters().await.unwrap().len()
        },
        async {
            for made in 0..50 {
                operator.post(vec![letter("b", made)]).await.unwrap();
            }
            operator.send_again(Selection::Dead, 0).await.unwrap()
        },
    );
    assert_eq!(theirs, (vec![], vec![]));
    assert!(ours <= 50 + 50);
    drop((store, operator));
    let store = Store::open(&path).unwrap();
    assert_eq!(store.outbox_size().await.unwrap(), (50, 0), "100 were posted, 50 of them delivered");
}

#[tokio::test]
async fn what_a_clock_that_was_wrong_has_put_off_is_due() {
    let store = store_of(&[("a", 10), ("b", 10), ("b", 11)]).await;
    store.put_off(1, 1, 100 + DAY, "no".into()).await.unwrap();
    store.put_off(2, 1, 101 + DAY, "no".into()).await.unwrap();
    assert_eq!(due(&store, 100).await, [2], "nothing is put off for longer than a day");
    assert_eq!(due(&store, 101).await, [] as [i64; 0]);
}

/// Whether a letter about `a` is owed.
async fn is_owed(store: &Store, gist: &str) -> bool {
    let letter = Letter { gist: gist.into(), ..letter("a", 99) };
    let others = [Letter { mailbox: "b".into(), ..letter.clone() }, Letter { target: "n".into(), ..letter.clone() }];
    let owed = store.owed(vec![letter.clone(), others[0].clone(), others[1].clone()]).await.unwrap();
    assert!(owed.ends_with(&others), "others have nothing");
    owed.contains(&letter)
}

#[tokio::test]
async fn a_letter_is_owed_if_it_says_another_thing_than_the_last_that_waits_or_has_arrived() {
    let store = store_of(&[("a", 1), ("a", 2)]).await;
    assert_eq!((is_owed(&store, "1").await, is_owed(&store, "2").await), (true, false));
    store.delivered(1).await.unwrap();
    assert_eq!((is_owed(&store, "1").await, is_owed(&store, "2").await), (true, false));
    store.delivered(2).await.unwrap();
    assert_eq!((is_owed(&store, "1").await, is_owed(&store, "2").await), (true, false));
    store.refuse_writing(true);
    assert!(is_owed(&store, "3").await, "nothing is written for that");
}

#[tokio::test]
async fn of_what_was_given_up_nobody_knows_whether_it_has_arrived() {
    let store = store_of(&[("a", 1), ("a", 2)]).await;
    store.delivered(1).await.unwrap();
    store.give_up(2, 11, "no".into()).await.unwrap();
    assert!(is_owed(&store, "1").await, "it may have the second");
    assert!(is_owed(&store, "2").await, "it may have the first");
    store.post(vec![Letter { gist: "1".into(), ..letter("a", 3) }]).await.unwrap();
    assert_eq!((is_owed(&store, "1").await, is_owed(&store, "2").await), (false, true));
    store.delivered(3).await.unwrap();
    assert_eq!((is_owed(&store, "1").await, is_owed(&store, "2").await), (false, true));
    assert_eq!(store.send_again(Selection::Dead, 9).await.unwrap(), (vec![], vec![2]), "it is told no more");

    // Nor of what was thrown away.
    store.post(vec![letter("a", 4)]).await.unwrap();
    store.drop_letters(Selection::Number(4)).await.unwrap();
    assert!(is_owed(&store, "1").await && is_owed(&store, "4").await);
    // What was dropped before the last arrived does not matter.
    store.post(vec![letter("a", 5)]).await.unwrap();
    store.delivered(5).await.unwrap();
    store.drop_letters(Selection::Dead).await.unwrap();
    assert!(!is_owed(&store, "5").await);
}

#[tokio::test]
async fn an_earlier_one_that_is_sent_again_is_not_the_last_word() {
    let store = store_of(&[("a", 1), ("a", 2)]).await;
    for number in [1, 2] {
        store.give_up(number, 11, "no".into()).await.unwrap();
    }
    store.send_again(Selection::Number(1), 9).await.unwrap();
    assert!(is_owed(&store, "1").await, "the second may be sent again as well, and then is the last");
}

#[tokio::test]
async fn of_too_many_the_oldest_that_was_never_sent_goes() {
    let store = Store::in_memory().unwrap();
    store.post((0..100).map(|made| letter("a", made)).collect()).await.unwrap();
    store.post(vec![letter("b", 1)]).await.unwrap();
    assert_eq!(store.outbox_size().await.unwrap(), (101, 0));
    store.put_off(1, 1, 9, "no".into()).await.unwrap();
    store.post(vec![letter("a", 200), letter("a", 201)]).await.unwrap();
    let numbers: Vec<i64> = store.letters().await.unwrap().iter().map(|it| it.number).collect();
    assert_eq!((numbers.len(), &numbers[..3], numbers[100]), (101, &[1, 4, 5][..], 103));
    assert_eq!(due(&store, 99).await, [101, 1]);
}

#[tokio::test]
async fn what_waits_for_somebody_who_is_gone_is_given_up() {
    let store = store_of(&[("a", 1), ("a", 2), ("b", 3)]).await;
    store.post(vec![Letter { target: "gone".into(), ..letter("a", 4) }]).await.unwrap();
    store.post(vec![Letter { target: "gone".into(), ..letter("a", 5) }]).await.unwrap();
    store.give_up(4, 1, "no".into()).await.unwrap();
    assert_eq!(store.give_up_strangers(vec!["m".into()]).await.unwrap(), 1);
    assert_eq!(store.give_up_strangers(vec!["m".into()]).await.unwrap(), 0);
    let problems: Vec<_> = store.letters().await.unwrap().into_iter().map(|it| (it.is_dead, it.problem)).collect();
    let expected = [(false, None), (false, None), (false, None), (true, Some("no")), (true, Some("no such webhook"))];
    assert_eq!(problems, expected.map(|(is_dead, problem)| (is_dead, problem.map(str::to_owned))));
    assert_eq!(store.give_up_strangers(vec![]).await.unwrap(), 3);
    assert_eq!(store.outbox_size().await.unwrap(), (0, 5));
}

#[test]
fn nothing_is_looked_for_by_reading_everything() {
    let store = Store::in_memory().unwrap();
    let connection = store.connection.lock().unwrap();
    let plan = |sql: &str| -> Vec<String> {
        let mut statement = connection.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).unwrap();
        let values = vec![0; statement.parameter_count()];
        statement.query_map(params_from_iter(values), |row| row.get(3)).unwrap().map(Result::unwrap).collect()
    };
    let formatted = [super::due(), stranded(), choice(Selection::Dead), choice(Selection::Number(1))];
    let constant =
        [PUT_OFF, HURRY, GIVE_UP, COUNT, SEND_AGAIN, NO_SUCH_TARGET, FIRST, LEAD, REMOVE, OVERTAKE, UNCERTAIN];
    let posting = [
        posting::LAST_WAITING,
        posting::LAST_ARRIVED,
        posting::LATER_DEAD,
        posting::COUNT,
        posting::MAKE_ROOM,
        posting::FORGET,
        posting::FORGET_ARRIVED,
    ];
    for sql in formatted.iter().map(String::as_str).chain(constant).chain(posting) {
        let plan = plan(sql);
        let is_bad = |step: &String| step.contains("TEMP B-TREE") || step.contains("SCAN");
        assert!(!plan.is_empty() && !plan.iter().any(is_bad), "{sql}: {plan:?}");
    }
    let due = plan(&super::due());
    assert_eq!(due[0], "SEARCH outbox USING INDEX outbox_heads (target=? AND next<?)", "{due:?}");
    assert!(plan(COUNT)[0].contains("COVERING INDEX outbox_fates"));
    assert!(plan(FIRST)[0].contains("outbox_queues (mailbox=? AND target=? AND dead=?)"), "{:?}", plan(FIRST));
    assert!(plan(TARGETS)[0].contains("INDEX outbox_heads"), "one for each queue: {:?}", plan(TARGETS));
}

/// Each way to change the outbox, and what must be there when it failed.
async fn fails_and_keeps_everything(store: &Store) {
    let before = store.letters().await.unwrap();
    assert!(store.post(vec![letter(&"b".repeat(9000), 20)]).await.is_err());
    let unchanged = store.letters().await.unwrap();
    assert_eq!(unchanged, before);
}

#[tokio::test]
async fn on_a_full_disk_nothing_is_lost_and_what_is_there_can_go_out() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&folder.path().join("store")).unwrap();
    store.post(vec![letter("a", 1), letter("a", 2)]).await.unwrap();
    store.connection.lock().unwrap().pragma_update(None, "max_page_count", 1).unwrap();
    fails_and_keeps_everything(&store).await;
    // Several in one go: all or none.
    let many = (0..500).map(|made| letter(&format!("c{made}"), made)).collect();
    assert_eq!(store.post(many).await.unwrap_err(), Failure::Internal);
    assert_eq!(store.outbox_size().await.unwrap(), (2, 0));
    store.delivered(1).await.unwrap();
    assert_eq!(due(&store, 99).await, [2]);
}

#[tokio::test]
async fn what_cannot_be_written_fails_and_is_still_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store");
    let store = Store::open(&path).unwrap();
    store.post(vec![letter("a", 1), letter("a", 2)]).await.unwrap();
    let before = store.letters().await.unwrap();
    {
        // Another process that does not let go.
        store.connection.lock().unwrap().busy_timeout(Duration::ZERO).unwrap();
        let other = Connection::open(&path).unwrap();
        other.execute_batch("BEGIN IMMEDIATE").unwrap();
        nothing_can_be_noted(&store).await;
        other.execute_batch("COMMIT").unwrap();
        assert_eq!(store.letters().await.unwrap(), before);
    }
    store.refuse_writing(true);
    nothing_can_be_noted(&store).await;
    assert_eq!(store.letters().await.unwrap(), before, "reading goes on");
    store.refuse_writing(false);
    store.delivered(1).await.unwrap();
    assert_eq!(due(&store, 99).await, [2]);
    drop(store);
    assert_eq!(rows(&path), 1);
}

async fn nothing_can_be_noted(store: &Store) {
    assert_eq!(store.delivered(1).await, Err(Failure::Internal));
    assert_eq!(store.put_off(1, 1, 9, String::new()).await, Err(Failure::Internal));
    assert_eq!(store.hurry(vec![1], 0).await, Err(Failure::Internal));
    assert_eq!(store.give_up(1, 1, String::new()).await, Err(Failure::Internal));
    assert_eq!(store.send_again(Selection::Number(1), 0).await, Err(Failure::Internal));
    assert_eq!(store.drop_letters(Selection::Number(1)).await, Err(Failure::Internal));
    assert_eq!(store.post(vec![letter("b", 1)]).await, Err(Failure::Internal));
}

fn rows(path: &Path) -> i64 {
    let connection = Connection::open(path).unwrap();
    connection.query_row("SELECT count(*) FROM outbox", [], |row| row.get(0)).unwrap()
}
