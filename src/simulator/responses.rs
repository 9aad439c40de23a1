//! Answers to invitations, and cancelling: accept, tentativelyAccept, decline, cancel; of a meeting or of one
//! occurrence. <https://learn.microsoft.com/graph/api/event-decline>, <https://learn.microsoft.com/graph/api/event-cancel>

use serde_json::json;

use super::ask::Ask;
use super::error::{Answer, Refusal};
use super::events::{find, remove};
use super::invitations::{self, Reply};
use super::json::{boolean, known, object, text};

pub(super) fn respond(ask: &mut Ask<'_>) -> Result<Answer, Refusal> {
    ask.query.allow(&[], ask.strict)?;
    let key = ask.mailbox_key()?;
    let (number, day, stored) = find(ask)?;
    let body = if ask.body.is_empty() { json!({}) } else { ask.json_body()? };
    let fields = object(&body, "body")?;
    let action = ask.route.last.as_str();
    let names: &[&str] = match action {
        "cancel" => &["comment", "Comment"],
        "accept" => &["comment", "sendResponse"],
        _ => &["comment", "sendResponse", "proposedNewTime"],
    };
    known(fields, names, action, ask.strict)?;
    if let Some(comment) = fields.get("comment").filter(|comment| !comment.is_null()) {
        text(comment, "comment")?;
    }
    let sent = fields.get("sendResponse").map_or(Ok(true), |value| boolean(value, "sendResponse"))?;
    if action == "cancel" {
        if !stored.is_organizer {
            let message = "Your request can't be completed. You need to be an organizer to cancel a meeting.";
            return Err(Refusal::bad("ErrorInvalidRequest", message));
        }
        remove(ask, &key, stored, day);
        return Ok(Answer::empty(202));
    }
    if stored.is_organizer {
        let message =
            "Your request can't be completed. You can't respond to this meeting because you're the organizer.";
        return Err(Refusal::bad("ErrorInvalidRequest", message));
    }
    if fields.get("proposedNewTime").is_some_and(|time| !time.is_null()) {
        if !sent {
            let message = "A new time can only be proposed when a response is sent.";
            return Err(Refusal::bad("ErrorInvalidParameter", message));
        }
        if stored.properties.get("allowNewTimeProposals") == Some(&json!(false)) {
            let message = "The organizer does not allow new times to be proposed.";
            return Err(Refusal::bad("ErrorInvalidRequest", message));
        }
    }
    let response = match action {
        "accept" => "accepted",
        "decline" => "declined",
        _ => "tentativelyAccepted",
    };
    invitations::answer(ask.state, &key, number, &Reply { day, response, sent }, ask.now);
    Ok(Answer::empty(202))
}
