//! `/watches`: who is watched, and how they stand.
//!
//! Owns paging and statuses. Must not know what is told of one: `out_of_office` does.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use http::{StatusCode, Uri};
use percent_encoding::percent_decode_str;
use serde_json::json;
use url::form_urlencoded;

use super::answer::{NO_ADDRESS, WATCH, WATCHES, crowded, done, failed, json, refused};
use super::front::{Front, FrontState, NAME};
use crate::failure::Failure;
use crate::out_of_office::{Asker, Watched};
use crate::server::capture::AsWritten;

/// `GET /watches`: some of the watched mailboxes, by address.
pub(super) async fn list(State(front): FrontState, uri: Uri) -> Response {
    let range = match Range::read(uri.query().unwrap_or_default()) {
        Ok(range) => range,
        Err(why) => return refused(WATCHES, StatusCode::BAD_REQUEST, why),
    };
    let Ok(place) = Arc::clone(&front.readers).try_acquire_owned() else {
        front.metrics.limited(NAME, "concurrency");
        return crowded(WATCHES);
    };
    // It takes its time to make texts of long messages; and its place, even if nobody waits for it any more.
    let reading = tokio::task::spawn_blocking(move || {
        let _place = place;
        page(&range, |after, most| front.monitor.watches_after(after, most))
    });
    match reading.await.unwrap_or(Err(Failure::Internal)) {
        Ok(page) => json(WATCHES, StatusCode::OK, page),
        Err(failure) => failed(WATCHES, &failure),
    }
}

/// `GET /watches/{address}`.
pub(super) async fn show(State(front): FrontState, request: Request) -> Response {
    match name(&request) {
        Some(name) => standing(&front, &name, StatusCode::OK),
        None => refused(WATCH, StatusCode::BAD_REQUEST, NO_ADDRESS),
    }
}

/// `PUT /watches/{address}`: whoever is watched already stays so.
pub(super) async fn add(State(front): FrontState, request: Request) -> Response {
    let Some(name) = name(&request) else { return refused(WATCH, StatusCode::BAD_REQUEST, NO_ADDRESS) };
    match front.in_time(front.monitor.watch(&name, Asker::Api)).await {
        Ok((mailbox, true)) => standing(&front, mailbox.as_str(), StatusCode::CREATED),
        Ok((mailbox, false)) => standing(&front, mailbox.as_str(), StatusCode::OK),
        Err(failure) => failed(WATCH, &failure),
    }
}

/// `DELETE /watches/{address}`.
pub(super) async fn remove(State(front): FrontState, request: Request) -> Response {
    let Some(name) = name(&request) else { return refused(WATCH, StatusCode::BAD_REQUEST, NO_ADDRESS) };
    match front.in_time(front.monitor.unwatch(&name)).await {
        Ok((_, true)) => done(WATCH),
        Ok((_, false)) => refused(WATCH, StatusCode::NOT_FOUND, NOT_WATCHED),
        Err(failure) => failed(WATCH, &failure),
    }
}

fn standing(front: &Front, name: &str, status: StatusCode) -> Response {
    match front.monitor.watched(name) {
        Some(watched) => json(WATCH, status, watched.to_json()),
        None => refused(WATCH, StatusCode::NOT_FOUND, NOT_WATCHED),
    }
}

/// The name in the path, in the case in which it was written: whoever is told of it knows it so.
fn name(request: &Request) -> Option<String> {
    let uri = request.extensions().get::<AsWritten>().map_or_else(|| request.uri(), |written| &written.0);
    let (_, segment) = uri.path().rsplit_once('/')?;
    percent_decode_str(segment).decode_utf8().ok().map(Into::into)
}

/// Which watches are wanted.
#[derive(Debug, PartialEq, Eq)]
struct Range {
    /// Those whose address comes after this one.
    after: Option<String>,
    most: usize,
}

impl Range {
    fn read(query: &str) -> Result<Self, &'static str> {
        let mut range = Self { after: None, most: USUAL };
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "after" => range.after = Some(value.into_owned()),
                "limit" => {
                    let limit = value.parse().ok().filter(|limit| (1..=MOST).contains(limit));
                    range.most = limit.ok_or("limit: write a number from 1 to 1000")?;
                }
                _ => return Err("There is only after and limit"),
            }
        }
        Ok(range)
    }
}

/// A page of watches, and where the next one begins if there are more. They are read a few at a time: those after one,
/// at most so many.
fn page(range: &Range, read: impl Fn(Option<&str>, usize) -> Result<Vec<Watched>, Failure>) -> Result<String, Failure> {
    let (mut text, mut count, mut last) = (String::from(r#"{"watches":["#), 0, None);
    let next = 'page: loop {
        // One more than there is place for shows whether there is a next page.
        let most = (range.most - count + 1).min(AT_ONCE);
        let some = read(last.as_deref().or(range.after.as_deref()), most)?;
        let are_all = some.len() < most;
        for watched in some {
            if count == range.most || text.len() >= LONGEST {
                break 'page last;
            }
            if count > 0 {
                text.push(',');
            }
            text.push_str(&watched.to_json());
            count += 1;
            last = Some(watched.mailbox.as_str().to_owned());
        }
        if are_all {
            break None;
        }
    };
    text.push_str(&format!(r#"],"next":{}}}"#, json!(next)));
    Ok(text)
}

const NOT_WATCHED: &str = "The mailbox is not watched";
/// Watches on a page of which nothing is said.
const USUAL: usize = 100;
const MOST: usize = 1000;
/// Watches that are read at a time.
const AT_ONCE: usize = 16;
/// A page of so many bytes ends early: a message may have a hundred kilobytes.
const LONGEST: usize = 4 << 20;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use std::cell::Cell;

    use jiff::Timestamp;
    use serde_json::Value;

    use super::*;
    use crate::calendar::Mailbox;
    use crate::calendar::out_of_office::{Audience, Away};
    use crate::out_of_office::Standing;

    fn watched(number: usize, message: &str) -> Watched {
        let away =
            Away { audience: Audience::Everybody, window: None, internal: String::new(), external: message.into() };
        Watched {
            mailbox: Mailbox::parse(&format!("u{number:06}@contoso.example")).unwrap(),
            alias: String::new(),
            since: Timestamp::UNIX_EPOCH,
            looked: None,
            problem: None,
            standing: Some(Standing { away: Some(away.into()), changed: Timestamp::UNIX_EPOCH }),
        }
    }

    /// A list of these, and how many of them were read.
    struct Shelf {
        watches: Vec<Watched>,
        read: Cell<usize>,
    }

    impl Shelf {
        fn new(length: usize, message: &str) -> Self {
            Self { watches: (0..length).map(|number| watched(number, message)).collect(), read: Cell::new(0) }
        }

        fn page(&self, after: Option<&str>, most: usize) -> String {
            let range = Range { after: after.map(str::to_owned), most };
            let read = |after: Option<&str>, most: usize| {
                let rest = self.watches.iter().filter(|watched| Some(watched.mailbox.as_str()) > after);
                let some: Vec<Watched> = rest.take(most).cloned().collect();
                self.read.set(self.read.get() + some.len());
                Ok(some)
            };
            page(&range, read).unwrap()
        }

        /// How many watches there are, the last of them, and what comes next.
        fn told(&self, after: Option<&str>, most: usize) -> (usize, Value, Value) {
            let page: Value = serde_json::from_str(&self.page(after, most)).unwrap();
            let watches = page["watches"].as_array().unwrap();
            (watches.len(), watches.last().unwrap()["mailbox"].clone(), page["next"].clone())
        }
    }

    #[test]
    fn a_page_tells_whether_there_are_more() {
        for length in [4, 15, 16, 17, 31, 32, 33, 40] {
            let (shelf, name) = (Shelf::new(length, "x"), |number| format!("u{number:06}@contoso.example"));
            let end = Value::from(name(length - 1));
            assert_eq!(shelf.told(None, length), (length, end.clone(), Value::Null));
            assert_eq!(shelf.told(None, length + 1), (length, end.clone(), Value::Null));
            let before = Value::from(name(length - 2));
            assert_eq!(shelf.told(None, length - 1), (length - 1, before.clone(), before));
            assert_eq!(shelf.told(Some(&name(0)), 100), (length - 1, end, Value::Null));
        }
        assert_eq!(Shelf::new(0, "").page(None, 10), r#"{"watches":[],"next":null}"#);
    }

    #[test]
    fn long_messages_make_pages_shorter() {
        let shelf = Shelf::new(60, &"y".repeat(100_000));
        // Each message is there as HTML and as text.
        let last = Value::from("u000020@contoso.example");
        assert_eq!(shelf.told(None, 1000), (21, last.clone(), last));
        assert_eq!(shelf.read.get(), 2 * AT_ONCE, "not all of them");
    }

    #[test]
    fn what_is_wanted_is_read() {
        let read = |query| Range::read(query).map(|range| (range.after, range.most));
        assert_eq!(read(""), Ok((None, 100)));
        assert_eq!(read("after=A%2Bb%40Contoso.example&limit=7"), Ok((Some("A+b@Contoso.example".into()), 7)));
        for wrong in ["limit=0", "limit=1001", "limit=-1", "limit=", "limit=99999999999999999999", "page=2"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
