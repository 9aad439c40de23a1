//! `outbox`: what webhooks are still to be told, for operators.
//!
//! Works on the store's file, whether or not a gateway runs with it; that looks into it every few seconds.

use std::io::Write;
use std::path::Path;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::Trouble;
use crate::app;
use crate::config::Config;
use crate::store::{Selection, Store, Waiting};

/// Shows all letters, as a table or as JSON.
///
/// # Errors
/// When there is no store, or it cannot be read.
pub async fn list(config: &Path, json: bool, out: &mut impl Write) -> Result<(), Trouble> {
    let letters = open(config)?.letters().await?;
    if json {
        let letters: Vec<Value> = letters.iter().map(whole).collect();
        serde_json::to_writer_pretty(&mut *out, &letters)?;
        writeln!(out)?;
        return Ok(());
    }
    write!(out, "{}", table(&letters))?;
    let dead = letters.iter().filter(|letter| letter.is_dead).count();
    writeln!(out, "{} waiting, {dead} given up", letters.len() - dead)?;
    Ok(())
}

/// Sends one letter again, or all that were given up.
///
/// # Errors
/// When there is no such letter, it has been overtaken, there is no store, or it cannot be written.
pub async fn retry(config: &Path, number: Option<i64>, out: &mut impl Write) -> Result<(), Trouble> {
    let which = selection(number);
    let (again, overtaken) = open(config)?.send_again(which, app::now().as_second()).await?;
    for number in &again {
        writeln!(out, "{number}: is sent again")?;
    }
    for number in &overtaken {
        writeln!(out, "{number}: is not sent again, for a later one about the same mailbox has arrived")?;
    }
    match (number, again.len() + overtaken.len()) {
        (Some(number), 0) => Err(none(number)),
        (Some(number), _) if again.is_empty() => {
            Err(format!("to throw it away: calendar-relay outbox drop {number}").into())
        }
        (None, 0) => Ok(writeln!(out, "no letter was given up")?),
        _ => Ok(()),
    }
}

/// Throws one letter away, or all that were given up.
///
/// # Errors
/// When there is no such letter, there is no store, or it cannot be written.
pub async fn drop(config: &Path, number: Option<i64>, out: &mut impl Write) -> Result<(), Trouble> {
    let dropped = open(config)?.drop_letters(selection(number)).await?;
    match (number, dropped) {
        (Some(number), 0) => Err(none(number)),
        (_, 1) => Ok(writeln!(out, "threw 1 letter away")?),
        (_, many) => Ok(writeln!(out, "threw {many} letters away")?),
    }
}

fn selection(number: Option<i64>) -> Selection {
    number.map_or(Selection::Dead, Selection::Number)
}

fn none(number: i64) -> Trouble {
    format!("there is no letter {number}: calendar-relay outbox list shows all").into()
}

/// The store of a configuration, which is not made if it is not there.
fn open(config: &Path) -> Result<Store, Trouble> {
    let text = std::fs::read_to_string(config).map_err(|error| format!("{}: {error}", config.display()))?;
    let folder = config.parent().unwrap_or_else(|| Path::new("."));
    let path = Config::store_path(&text, folder)
        .map_err(|problems| format!("{} has mistakes:\n{problems}", config.display()))?
        .ok_or_else(|| format!("{}: has no [store] with a path; letters are kept there", config.display()))?;
    if !path.try_exists().map_err(|error| format!("store {}: {error}", path.display()))? {
        return Err(format!("store {}: is not there yet; the gateway makes it", path.display()).into());
    }
    Ok(Store::open(&path)?)
}

/// A line for each letter.
fn table(letters: &[Waiting]) -> String {
    let head = ["NUMBER", "TARGET", "MAILBOX", "MADE", "TRIES", "NEXT", "PROBLEM"].map(str::to_owned);
    let lines: Vec<[String; 7]> = std::iter::once(head).chain(letters.iter().map(line)).collect();
    let mut widths = [0; 7];
    for line in &lines {
        for (width, cell) in widths.iter_mut().zip(line) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let mut table = String::new();
    for line in &lines {
        let cells = line.iter().zip(widths).map(|(cell, width)| format!("{cell:width$}"));
        table.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        table.push('\n');
    }
    table
}

fn line(letter: &Waiting) -> [String; 7] {
    let next = match (letter.is_dead, letter.is_superseded) {
        (true, true) => "given up, overtaken".to_owned(),
        (true, false) => "given up".to_owned(),
        (false, _) => instant(due(letter)),
    };
    let (about, problem) = (&letter.letter, letter.problem.clone().unwrap_or_default());
    let (made, tries) = (instant(about.made), letter.tries.to_string());
    [letter.number.to_string(), about.target.clone(), about.mailbox.clone(), made, tries, next, problem]
}

/// All that is known of a letter; `body` is what the webhook is sent.
fn whole(letter: &Waiting) -> Value {
    let about = &letter.letter;
    json!({
        "number": letter.number,
        "id": about.id,
        "target": about.target,
        "mailbox": about.mailbox,
        "made": instant(about.made),
        "tried_since": instant(letter.since),
        "tries": letter.tries,
        "next": (!letter.is_dead).then(|| instant(due(letter))),
        "given_up": letter.is_dead,
        "overtaken": letter.is_superseded,
        "problem": letter.problem,
        "body": serde_json::from_str::<Value>(&about.body).unwrap_or_else(|_| Value::String(about.body.clone())),
    })
}

/// When a letter is sent: one that was not put off, since it was written.
fn due(letter: &Waiting) -> i64 {
    letter.next.max(letter.since)
}

/// RFC 3339, in UTC.
fn instant(second: i64) -> String {
    Timestamp::from_second(second).map_or_else(|_| second.to_string(), |instant| instant.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use std::path::PathBuf;

    use tempfile::TempDir;

    use super::*;
    use crate::store::Letter;

    struct Bench {
        folder: TempDir,
        config: PathBuf,
        /// As the gateway has it while the operator works.
        store: Store,
    }

    impl Bench {
        async fn new() -> Self {
            let folder = TempDir::new().unwrap();
            let config = folder.path().join("relay.toml");
            let text = include_str!("../../config.example.toml").replace("# [store]\n# path", "[store]\npath");
            std::fs::write(&config, text).unwrap();
            let store = Store::open(&folder.path().join("calendar-relay.sqlite")).unwrap();
            let letter = |number: usize, mailbox: &str| Letter {
                id: format!("msg_{number}"),
                target: "phone".into(),
                mailbox: format!("{mailbox}@example.com"),
                body: format!("{{\"n\":{number}}}"),
                gist: number.to_string(),
                made: 1_795_000_000,
            };
            let letters = ["kim", "kim", "robin", "sandy"].iter().enumerate().map(|(at, it)| letter(at + 1, it));
            store.post(letters.collect()).await.unwrap();
            store.give_up(1, 11, "answers 404: unknown".into()).await.unwrap();
            store.delivered(2).await.unwrap();
            store.give_up(3, 11, "answers 500".into()).await.unwrap();
            store.put_off(4, 2, 1_795_000_600, "answers 403".into()).await.unwrap();
            Self { folder, config, store }
        }

        async fn list(&self, json: bool) -> String {
            let mut out = Vec::new();
            list(&self.config, json, &mut out).await.unwrap();
            String::from_utf8(out).unwrap()
        }

        async fn retry(&self, number: Option<i64>) -> (Option<String>, String) {
            let mut out = Vec::new();
            let trouble = retry(&self.config, number, &mut out).await.err();
            (trouble.map(|it| it.text().to_owned()), String::from_utf8(out).unwrap())
        }

        async fn drop(&self, number: Option<i64>) -> Result<String, String> {
            let mut out = Vec::new();
            drop(&self.config, number, &mut out).await.map_err(|it| it.text().to_owned())?;
            Ok(String::from_utf8(out).unwrap())
        }

        async fn due(&self) -> Vec<i64> {
            let due = self.store.due_letters("phone".into(), i64::MAX, 0, 9).await.unwrap();
            due.iter().map(|it| it.number).collect()
        }
    }

    #[tokio::test]
    async fn letters_are_shown_with_what_is_wrong_with_them() {
        let bench = Bench::new().await;
        let expected = "\
NUMBER  TARGET  MAILBOX            MADE                  TRIES  NEXT                  PROBLEM
1       phone   kim@example.com    2026-11-18T11:06:40Z  11     given up, overtaken   answers 404: unknown
3       phone   robin@example.com  2026-11-18T11:06:40Z  11     given up              answers 500
4       phone   sandy@example.com  2026-11-18T11:06:40Z  2      2026-11-18T11:16:40Z  answers 403
1 waiting, 2 given up
";
        assert_eq!(bench.list(false).await, expected);
        let all: Value = serde_json::from_str(&bench.list(true).await).unwrap();
        let expected = json!({
            "number": 3, "id": "msg_3", "target": "phone", "mailbox": "robin@example.com",
            "made": "2026-11-18T11:06:40Z", "tried_since": "2026-11-18T11:06:40Z", "tries": 11, "next": null,
            "given_up": true, "overtaken": false, "problem": "answers 500", "body": {"n": 3},
        });
        assert_eq!((all.as_array().unwrap().len(), &all[1]), (3, &expected));
        assert_eq!(all[2]["next"], "2026-11-18T11:16:40Z");
    }

    #[tokio::test]
    async fn what_was_given_up_is_sent_again_unless_it_was_overtaken() {
        let bench = Bench::new().await;
        assert_eq!(bench.due().await, [4]);
        let overtaken = "1: is not sent again, for a later one about the same mailbox has arrived\n";
        let (trouble, told) = bench.retry(Some(1)).await;
        assert_eq!(
            (trouble.as_deref(), told.as_str()),
            (Some("to throw it away: calendar-relay outbox drop 1"), overtaken)
        );
        assert_eq!(bench.retry(None).await, (None, format!("3: is sent again\n{overtaken}")));
        assert_eq!(bench.due().await, [4, 3]);
        assert_eq!(bench.retry(Some(4)).await, (None, "4: is sent again\n".to_owned()));
        assert!(bench.retry(Some(99)).await.0.unwrap().contains("no letter 99"));
    }

    #[tokio::test]
    async fn letters_are_thrown_away() {
        let bench = Bench::new().await;
        assert_eq!(bench.drop(None).await.unwrap(), "threw 2 letters away\n");
        assert_eq!(bench.drop(None).await.unwrap(), "threw 0 letters away\n");
        assert_eq!(bench.retry(None).await, (None, "no letter was given up\n".to_owned()));
        assert_eq!(bench.drop(Some(4)).await.unwrap(), "threw 1 letter away\n", "also one that is not given up");
        assert!(bench.drop(Some(4)).await.unwrap_err().contains("no letter 4"));
        assert!(bench.list(false).await.ends_with("PROBLEM\n0 waiting, 0 given up\n"));
    }

    #[tokio::test]
    async fn without_a_store_the_operator_is_told_so_and_none_is_made() {
        let bench = Bench::new().await;
        let missing = bench.folder.path().join("calendar-relay.sqlite.gone");
        std::fs::rename(bench.folder.path().join("calendar-relay.sqlite"), missing).unwrap();
        assert!(bench.drop(None).await.unwrap_err().contains("not there yet"));
        std::fs::write(&bench.config, include_str!("../../config.example.toml")).unwrap();
        assert!(bench.drop(None).await.unwrap_err().contains("has no [store] with a path"));
        assert!(!bench.folder.path().join("calendar-relay.sqlite").exists());
        std::fs::write(&bench.config, "nonsense").unwrap();
        assert!(bench.drop(None).await.unwrap_err().contains("has mistakes"));
        std::fs::remove_file(&bench.config).unwrap();
        assert!(bench.drop(None).await.unwrap_err().contains("relay.toml"));
    }
}
