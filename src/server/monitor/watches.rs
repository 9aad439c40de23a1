//! `/watches`: who is watched, and how they stand.
//!
//! Owns paging and statuses. Must not know what a watch is made of: `view` does.

use axum::extract::{Request, State};
use axum::response::Response;
use http::{StatusCode, Uri};
use percent_encoding::percent_decode_str;
use serde_json::json;
use url::form_urlencoded;

use super::answer::{NO_ADDRESS, WATCH, WATCHES, done, failed, json, refused};
use super::front::{Front, FrontState};
use super::view::view;
use crate::calendar::Mailbox;
use crate::out_of_office::Watched;
use crate::server::capture::AsWritten;

/// `GET /watches`: some of the watched mailboxes, by address.
pub(super) async fn list(State(front): FrontState, uri: Uri) -> Response {
    match Range::read(uri.query().unwrap_or_default()) {
        Ok(range) => json(WATCHES, StatusCode::OK, page(&front.monitor.watches(), &range)),
        Err(why) => refused(WATCHES, StatusCode::BAD_REQUEST, why),
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
    match front.in_time(front.monitor.watch(&name)).await {
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
        Some(watched) => json(WATCH, status, view(&watched)),
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
                "after" => {
                    range.after =
                        Some(Mailbox::parse(&value).map_err(|_| "after: that is no address")?.as_str().to_owned())
                }
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

/// A page, and where the next one begins.
fn page(watches: &[Watched], range: &Range) -> String {
    let skipped = range
        .after
        .as_ref()
        .map_or(0, |after| watches.partition_point(|watched| watched.mailbox.as_str() <= after.as_str()));
    let mut rest = watches.iter().skip(skipped).peekable();
    let (mut text, mut last) = (String::from(r#"{"watches":["#), None);
    for watched in rest.by_ref().take(range.most) {
        if last.is_some() {
            text.push(',');
        }
        text.push_str(&view(watched));
        last = Some(&watched.mailbox);
        if text.len() >= LONGEST {
            break;
        }
    }
    let next = last.filter(|_| rest.peek().is_some()).map(Mailbox::as_str);
    text.push_str(&format!(r#"],"next":{}}}"#, json!(next)));
    text
}

const NOT_WATCHED: &str = "The mailbox is not watched";
/// Watches on a page of which nothing is said.
const USUAL: usize = 100;
const MOST: usize = 1000;
/// A page of so many bytes ends early: a message may have a hundred kilobytes.
const LONGEST: usize = 4 << 20;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use std::collections::BTreeSet;

    use jiff::Timestamp;
    use serde_json::Value;

    use super::*;
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
            standing: Some(Standing { away: Some(away), changed: Timestamp::UNIX_EPOCH }),
        }
    }

    /// All pages of a list, and how many there were.
    fn pages(watches: &[Watched], most: usize) -> (Vec<String>, usize) {
        let (mut seen, mut count, mut after) = (Vec::new(), 0, None);
        loop {
            let page: Value = serde_json::from_str(&page(watches, &Range { after, most })).unwrap();
            let found = page["watches"].as_array().unwrap();
            assert!(found.len() <= most);
            seen.extend(found.iter().map(|watched| watched["mailbox"].as_str().unwrap().to_owned()));
            count += 1;
            let Some(next) = page["next"].as_str() else { return (seen, count) };
            after = Some(next.to_owned());
        }
    }

    #[test]
    fn every_watch_is_on_one_page() {
        let watches: Vec<Watched> = (0..250).map(|number| watched(number, "x")).collect();
        let all: BTreeSet<&str> = watches.iter().map(|watched| watched.mailbox.as_str()).collect();
        for (most, expected) in [(1, 250), (100, 3), (125, 2), (250, 1), (1000, 1)] {
            let (seen, count) = pages(&watches, most);
            assert_eq!((seen.len(), count), (250, expected), "{most}");
            assert_eq!(seen.iter().map(String::as_str).collect::<BTreeSet<_>>(), all);
        }
        assert_eq!(pages(&[], 10), (Vec::new(), 1));
        let beyond = Range { after: Some("z@contoso.example".into()), most: 10 };
        assert_eq!(page(&watches, &beyond), r#"{"watches":[],"next":null}"#);
        let gone = Range { after: Some("u000247x@contoso.example".into()), most: 10 };
        assert_eq!(
            serde_json::from_str::<Value>(&page(&watches, &gone)).unwrap()["watches"][0]["mailbox"],
            "u000248@contoso.example"
        );
    }

    #[test]
    fn long_messages_make_pages_shorter() {
        let message = "y".repeat(100_000);
        let watches: Vec<Watched> = (0..60).map(|number| watched(number, &message)).collect();
        let (seen, count) = pages(&watches, 1000);
        // Each is there as HTML and as text.
        assert_eq!((seen.len(), count), (60, 3));
    }

    #[test]
    fn what_is_wanted_is_read() {
        let read = |query| Range::read(query).map(|range| (range.after, range.most));
        assert_eq!(read(""), Ok((None, 100)));
        assert_eq!(read("after=A%2Bb%40Contoso.example&limit=7"), Ok((Some("a+b@contoso.example".into()), 7)));
        for wrong in ["limit=0", "limit=1001", "limit=-1", "limit=", "limit=99999999999999999999", "after=x", "page=2"]
        {
            assert!(read(wrong).is_err(), "{wrong}");
        }
    }
}
