//! `/watches`: who is watched, and how they stand.
//!
//! Owns paging and statuses. Must not know what is told of one: `out_of_office` does.

use axum::extract::{Request, State};
use axum::response::Response;
use http::{StatusCode, Uri};
use percent_encoding::percent_decode_str;
use serde_json::json;
use url::form_urlencoded;

use super::answer::{NO_ADDRESS, WATCH, WATCHES, done, failed, json, refused};
use super::front::{Front, FrontState};
use crate::out_of_office::{Asker, Watched};
use crate::server::capture::AsWritten;

/// `GET /watches`: some of the watched mailboxes, by address.
pub(super) async fn list(State(front): FrontState, uri: Uri) -> Response {
    let Range { after, most } = match Range::read(uri.query().unwrap_or_default()) {
        Ok(range) => range,
        Err(why) => return refused(WATCHES, StatusCode::BAD_REQUEST, why),
    };
    // One more shows whether there is a next page.
    match front.monitor.watches_after(after.as_deref(), most + 1) {
        Ok(watches) => json(WATCHES, StatusCode::OK, page(&watches, most)),
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

/// A page of at most so many watches, and where the next one begins if there are more.
fn page(watches: &[Watched], most: usize) -> String {
    let mut rest = watches.iter().peekable();
    let (mut text, mut last) = (String::from(r#"{"watches":["#), None);
    for watched in rest.by_ref().take(most) {
        if last.is_some() {
            text.push(',');
        }
        text.push_str(&watched.to_json());
        last = Some(watched.mailbox.as_str());
        if text.len() >= LONGEST {
            break;
        }
    }
    let next = last.filter(|_| rest.peek().is_some());
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

    #[test]
    fn a_page_tells_whether_there_are_more() {
        let watches: Vec<Watched> = (0..4).map(|number| watched(number, "x")).collect();
        let next = |watches: &[Watched], most| {
            let page: Value = serde_json::from_str(&page(watches, most)).unwrap();
            (page["watches"].as_array().unwrap().len(), page["next"].clone())
        };
        assert_eq!(next(&watches, 3), (3, "u000002@contoso.example".into()));
        assert_eq!(next(&watches, 4), (4, Value::Null));
        assert_eq!(page(&[], 10), r#"{"watches":[],"next":null}"#);
    }

    #[test]
    fn long_messages_make_pages_shorter() {
        let message = "y".repeat(100_000);
        let watches: Vec<Watched> = (0..60).map(|number| watched(number, &message)).collect();
        let page: Value = serde_json::from_str(&page(&watches, 1000)).unwrap();
        // Each message is there as HTML and as text.
        assert_eq!(page["watches"].as_array().unwrap().len(), 21);
        assert_eq!(page["next"], "u000020@contoso.example");
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
