//! From method and path to a call. Knows every path that is simulated, and nothing of what the calls do.

use serde::{Deserialize, Serialize};

use super::error::Refusal;

/// The calls, under the names that faults and the ledger use.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum Call {
    Token,
    GetSchedule,
    CalendarView,
    CalendarViewDelta,
    ListEvents,
    CreateEvent,
    GetEvent,
    UpdateEvent,
    DeleteEvent,
    ListInstances,
    RespondToEvent,
    GetMailboxSettings,
    UpdateMailboxSettings,
    GetMailTips,
    ListUsers,
    GetUser,
    ListContacts,
    ListGroups,
    GetGroup,
    ListMembers,
    ListTransitiveMembers,
    ListRooms,
    ListRoomLists,
    ListRoomsOfList,
    ListSubscriptions,
    CreateSubscription,
    GetSubscription,
    UpdateSubscription,
    DeleteSubscription,
    ReauthorizeSubscription,
    Batch,
    Unknown,
}

/// A call and what its path names.
#[derive(Clone, Debug)]
pub(super) struct Route {
    pub(super) call: Call,
    /// The user, group or place.
    pub(super) owner: String,
    /// The event or subscription, or one of the mailbox settings.
    pub(super) item: String,
    /// The path's last segment: the action, or the type of an OData cast.
    pub(super) last: String,
}

impl Route {
    /// Finds the call of a path below `/v1.0`.
    ///
    /// # Errors
    /// 400 for a segment that is not known, 405 for a wrong method on one that is.
    pub(super) fn find(method: &str, path: &str) -> Result<Self, Refusal> {
        let decode = |part: &str| percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned();
        let parts: Vec<String> = path.split('/').filter(|part| !part.is_empty()).map(decode).collect();
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        let last = parts.last().copied().unwrap_or_default();
        let (methods, owner, item) = calls(&parts)?;
        let found = methods.iter().find(|(name, _)| *name == method);
        let call = found.map(|(_, call)| *call).ok_or_else(|| {
            Refusal::new(405, "Request_BadRequest", "Specified HTTP method is not allowed for the request target.")
        })?;
        Ok(Self { call, owner: owner.to_owned(), item: item.to_owned(), last: last.to_owned() })
    }

    pub(super) fn is_about_subscriptions(&self) -> bool {
        matches!(
            self.call,
            Call::ListSubscriptions
                | Call::CreateSubscription
                | Call::GetSubscription
                | Call::UpdateSubscription
                | Call::DeleteSubscription
                | Call::ReauthorizeSubscription
        )
    }

    /// A path that leads nowhere, for the ledger.
    pub(super) fn nowhere() -> Self {
        Self { call: Call::Unknown, owner: String::new(), item: String::new(), last: String::new() }
    }
}

type Methods = &'static [(&'static str, Call)];

const EVENTS: Methods = &[("GET", Call::ListEvents), ("POST", Call::CreateEvent)];
const EVENT: Methods = &[("GET", Call::GetEvent), ("PATCH", Call::UpdateEvent), ("DELETE", Call::DeleteEvent)];

const SETTINGS: Methods = &[("GET", Call::GetMailboxSettings), ("PATCH", Call::UpdateMailboxSettings)];
const SETTING: Methods = &[("GET", Call::GetMailboxSettings)];

const SUBSCRIPTIONS: Methods = &[("GET", Call::ListSubscriptions), ("POST", Call::CreateSubscription)];
const SUBSCRIPTION: Methods =
    &[("GET", Call::GetSubscription), ("PATCH", Call::UpdateSubscription), ("DELETE", Call::DeleteSubscription)];

fn calls<'a>(parts: &[&'a str]) -> Result<(Methods, &'a str, &'a str), Refusal> {
    Ok(match *parts {
        ["$batch"] => (&[("POST", Call::Batch)], "", ""),
        ["me", ..] => {
            let message = "/me request is only valid with delegated authentication flow.";
            return Err(Refusal::bad("BadRequest", message));
        }
        ["users"] => (&[("GET", Call::ListUsers)], "", ""),
        ["users", user] => (&[("GET", Call::GetUser)], user, ""),
        ["users", user, "calendar", "getSchedule" | "microsoft.graph.getSchedule"] => {
            (&[("POST", Call::GetSchedule)], user, "")
        }
        ["users", user, "calendarView"] | ["users", user, "calendar", "calendarView"] => {
            (&[("GET", Call::CalendarView)], user, "")
        }
        ["users", user, "calendarView", "delta" | "delta()" | "microsoft.graph.delta()"]
        | ["users", user, "calendar", "calendarView", "delta" | "delta()" | "microsoft.graph.delta()"] => {
            (&[("GET", Call::CalendarViewDelta)], user, "")
        }
        ["users", user, "events"] | ["users", user, "calendar", "events"] => (EVENTS, user, ""),
        ["users", user, "events", event] | ["users", user, "calendar", "events", event] => (EVENT, user, event),
        ["users", user, "events", event, "instances"] | ["users", user, "calendar", "events", event, "instances"] => {
            (&[("GET", Call::ListInstances)], user, event)
        }
        ["users", user, "events", event, action] | ["users", user, "calendar", "events", event, action]
            if matches!(action, "accept" | "tentativelyAccept" | "decline" | "cancel") =>
        {
            (&[("POST", Call::RespondToEvent)], user, event)
        }
        ["users", user, "mailboxSettings"] => (SETTINGS, user, ""),
        ["users", user, "mailboxSettings", part]
            if matches!(
                part,
                "automaticRepliesSetting"
                    | "dateFormat"
                    | "delegateMeetingMessageDeliveryOptions"
                    | "language"
                    | "timeFormat"
                    | "timeZone"
                    | "userPurpose"
                    | "workingHours"
            ) =>
        {
            (SETTING, user, part)
        }
        ["users", user, "getMailTips" | "microsoft.graph.getMailTips"] => (&[("POST", Call::GetMailTips)], user, ""),
        ["subscriptions"] => (SUBSCRIPTIONS, "", ""),
        ["subscriptions", id] => (SUBSCRIPTION, "", id),
        ["subscriptions", id, "reauthorize"] => (&[("POST", Call::ReauthorizeSubscription)], "", id),
        ["contacts"] => (&[("GET", Call::ListContacts)], "", ""),
        ["groups"] => (&[("GET", Call::ListGroups)], "", ""),
        ["groups", group] => (&[("GET", Call::GetGroup)], group, ""),
        ["groups", group, "members"] | ["groups", group, "members", "microsoft.graph.user"] => {
            (&[("GET", Call::ListMembers)], group, "")
        }
        ["groups", group, "transitiveMembers"] | ["groups", group, "transitiveMembers", "microsoft.graph.user"] => {
            (&[("GET", Call::ListTransitiveMembers)], group, "")
        }
        ["places", "microsoft.graph.room"] => (&[("GET", Call::ListRooms)], "", ""),
        ["places", "microsoft.graph.roomList" | "microsoft.graph.roomlist"] => {
            (&[("GET", Call::ListRoomLists)], "", "")
        }
        ["places", list, "microsoft.graph.roomList" | "microsoft.graph.roomlist", "rooms"] => {
            (&[("GET", Call::ListRoomsOfList)], list, "")
        }
        _ => {
            let segment = parts.last().copied().unwrap_or_default();
            return Err(Refusal::bad("BadRequest", format!("Resource not found for the segment '{segment}'.")));
        }
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    #[test]
    fn paths_are_decoded_after_they_are_split() {
        let route = Route::find("GET", "/users/o%27brien%2Fx%40t.example/calendar/events/AAMk%3D").unwrap();
        assert_eq!(
            (route.call, route.owner.as_str(), route.item.as_str()),
            (Call::GetEvent, "o'brien/x@t.example", "AAMk=")
        );
        assert_eq!(Route::find("PUT", "/users/a/events").unwrap_err().status, 405);
        assert_eq!(Route::find("GET", "/me/events").unwrap_err().status, 400);
        assert!(Route::find("GET", "/users/a/messages").unwrap_err().message.contains("'messages'"));
    }
}
