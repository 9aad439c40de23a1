//! Whom requests are about: a mailbox that is hidden from some clients, one that is not there, one that is nobody's to
//! serve, and one that all may use. What tells of the hidden one is found again wherever it comes out.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::rows::Way;
use crate::harness::answer::Element;
use crate::harness::requests::envelope;
use crate::harness::{Gateway, Setup};
use crate::items::item_id;

pub(super) const NINA: &str = "nina@contoso.example";
/// Her colleague, who invites people.
const HOST: &str = "hanna@contoso.example";
/// Somebody whose items the gateway never gave out.
const UNSEEN: &str = "free@contoso.example";
const HIDDEN: &str = "quillon@contoso.example";
const HIDDEN_ALIAS: &str = "q.aldous@contoso.example";
const HIDDEN_LIST: &str = "cellars@contoso.example";
const HIDDEN_ROOM: &str = "cellar-7@contoso.example";
const NOBODY: &str = "vanisher@contoso.example";
const NOBODY_ALIAS: &str = "v.nish@contoso.example";
const NO_LIST: &str = "attics@contoso.example";
/// A list that holds the hidden room and another.
pub(super) const MIXED_LIST: &str = "floor@contoso.example";
/// Members of groups are always somebody: another one whom none may use.
const BOSS: &str = "boss@contoso.example";
/// Groups of Nina and the hidden mailbox, and of Nina and that other.
const GROUP: &str = "readers@contoso.example";
const OTHER_GROUP: &str = "writers@contoso.example";

/// Whom all clients of the matrix may use.
pub(super) const PERMITTED: [&str; 7] =
    [NINA, HOST, GROUP, OTHER_GROUP, MIXED_LIST, "room-1@contoso.example", "room-list@contoso.example"];
/// Whom none may, by their main addresses: their others are for the gateway to find out.
pub(super) const DENIED: [&str; 6] = [HIDDEN, HIDDEN_LIST, HIDDEN_ROOM, NOBODY, NO_LIST, BOSS];

/// What tells of the hidden mailbox, its list and its room.
pub(super) const MARKS: [&str; 14] = [
    HIDDEN,
    HIDDEN_ALIAS,
    HIDDEN_LIST,
    HIDDEN_ROOM,
    "zq-seven",
    "Zebulon",
    "Quarrel",
    "MarkedSubject",
    "MarkedPlace",
    "MarkedText",
    "MarkedReply",
    "MarkedRoom",
    "MarkedList",
    "MarkedTitle",
];

/// How many of the marks are addresses.
pub(super) const TEXTS: usize = 4;

/// What must not be in a log or a metric: local parts.
pub(super) const LOCAL_PARTS: [&str; 7] = ["quillon", "q.aldous", "cellar", "vanisher", "v.nish", "attics", "stranger"];

/// All that names a mailbox.
#[derive(Clone, Debug, Default)]
pub(super) struct Named {
    pub(super) address: String,
    pub(super) alias: String,
    /// The id of its calendar.
    pub(super) folder: String,
    pub(super) item: String,
    pub(super) series: String,
    /// The first of the series.
    pub(super) occurrence: String,
    /// An invitation of somebody else's.
    pub(super) invitation: String,
    /// Subscriptions to its calendar.
    pub(super) pull: String,
    pub(super) watermark: String,
    pub(super) streaming: String,
    /// A group that it is in.
    pub(super) group: String,
    /// A list of rooms that is hidden, or not there, as the mailbox is.
    pub(super) list: String,
    /// The beginning of its name.
    pub(super) name: String,
    pub(super) legacy_name: String,
}

impl Named {
    /// All texts, the longer ones first.
    pub(super) fn texts(&self) -> Vec<&str> {
        let Self { address, alias, folder, item, series, occurrence, invitation, .. } = self;
        let Self { pull, watermark, streaming, group, list, name, legacy_name, .. } = self;
        let all = [address, alias, folder, item, series, occurrence, invitation];
        let more = [pull, watermark, streaming, group, list, name, legacy_name];
        let mut texts: Vec<&str> =
            all.into_iter().chain(more).map(String::as_str).filter(|it| !it.is_empty()).collect();
        texts.sort_by_key(|text| std::cmp::Reverse(text.len()));
        texts
    }
}

/// The small world, and the hidden mailbox in it.
pub(super) fn world() -> String {
    let mut world: Value = serde_json::from_str(&Setup::new().world).unwrap();
    let tenant = &mut world["tenants"][0];
    let mut add = |list: &str, value: Value| tenant[list].as_array_mut().unwrap().push(value);
    add(
        "applications",
        json!({ "name": "writer", "client_id": "app-writer", "client_secret": "simulated-secret-of-writer",
                "roles": ["Calendars.ReadWrite"] }),
    );
    add(
        "mailboxes",
        json!({
            "address": HIDDEN, "name": "Zebulon Quarrel", "aliases": [HIDDEN_ALIAS], "zone": "UTC",
            "x500": ["/o=Contoso/ou=People/cn=zq-seven"], "title": "MarkedTitle",
            "automatic_replies": { "status": "alwaysEnabled", "internal": "MarkedReply", "external": "MarkedReply" },
            "events": [{ "subject": "MarkedSubject", "location": "MarkedPlace", "body": "MarkedText",
                         "start": "2027-03-10T10:00", "minutes": 60 }]
        }),
    );
    add("mailboxes", json!({ "address": HIDDEN_ROOM, "name": "MarkedRoom", "kind": "room", "zone": "UTC" }));
    add("room_lists", json!({ "address": HIDDEN_LIST, "name": "MarkedList", "members": [HIDDEN_ROOM] }));
    add(
        "room_lists",
        json!({ "address": MIXED_LIST, "name": "Floor", "members": ["room-1@contoso.example", HIDDEN_ROOM] }),
    );
    add("groups", json!({ "address": GROUP, "name": "Readers", "members": [NINA, HIDDEN] }));
    add("groups", json!({ "address": OTHER_GROUP, "name": "Writers", "members": [NINA, BOSS] }));
    world.to_string()
}

/// The hidden mailbox, as those know it who may use it.
pub(super) async fn hidden(gateway: &Gateway, way: Way) -> Named {
    let name = Named {
        alias: HIDDEN_ALIAS.to_owned(),
        group: GROUP.to_owned(),
        list: HIDDEN_LIST.to_owned(),
        name: "Zebulon".to_owned(),
        legacy_name: "/o=Contoso/ou=People/cn=zq-seven".to_owned(),
        ..Named::default()
    };
    known(gateway, HIDDEN, way, name).await
}

/// A mailbox that every client may use.
pub(super) async fn permitted(gateway: &Gateway, way: Way) -> Named {
    known(gateway, NINA, way, Named::default()).await
}

/// Somebody who is not there, and ids that the gateway never gave out.
pub(super) async fn nobody(gateway: &Gateway, hidden: &Named) -> Named {
    let name = Named {
        address: NOBODY.to_owned(),
        alias: NOBODY_ALIAS.to_owned(),
        group: OTHER_GROUP.to_owned(),
        list: NO_LIST.to_owned(),
        name: "Yorick".to_owned(),
        legacy_name: "/o=Contoso/ou=People/cn=yo-eight".to_owned(),
        ..Named::default()
    };
    unknown(gateway, hidden, name).await
}

/// Somebody of no tenant.
pub(super) async fn outside(gateway: &Gateway, hidden: &Named) -> Named {
    let name = Named {
        address: "stranger@elsewhere.example".to_owned(),
        alias: "strange@elsewhere.example".to_owned(),
        group: OTHER_GROUP.to_owned(),
        list: "stranger.list@elsewhere.example".to_owned(),
        name: "Xanthippe".to_owned(),
        legacy_name: "/o=Elsewhere/ou=People/cn=xa-nine".to_owned(),
        ..Named::default()
    };
    unknown(gateway, hidden, name).await
}

async fn unknown(gateway: &Gateway, like: &Named, name: Named) -> Named {
    let text = String::from_utf8(STANDARD.decode(&like.folder).unwrap()).unwrap();
    let at = json!({ "dateTime": "2028-01-11T10:00:00", "timeZone": "UTC" });
    let event = gateway.meet(UNSEEN, json!({ "subject": "Unseen", "start": at, "end": at })).await;
    let id = event["id"].as_str().unwrap().replace('-', "/").replace('_', "+");
    let of = |known: &String| if known.is_empty() { String::new() } else { id.clone() };
    let no_subscription = |known: &String| known.chars().rev().collect();
    Named {
        folder: STANDARD.encode(text.replace(&like.address, &name.address)),
        item: of(&like.item),
        series: of(&like.series),
        occurrence: of(&like.occurrence),
        invitation: of(&like.invitation),
        pull: no_subscription(&like.pull),
        streaming: no_subscription(&like.streaming),
        watermark: like.watermark.clone(),
        ..name
    }
}

/// A mailbox with the ids that a way takes, given out by the gateway a moment ago.
async fn known(gateway: &Gateway, address: &str, way: Way, name: Named) -> Named {
    let mut named = Named { address: address.to_owned(), ..name };
    let asked = format!(
        "<m:GetFolder><m:FolderShape><t:BaseShape>IdOnly</t:BaseShape></m:FolderShape><m:FolderIds>{}</m:FolderIds>\
         </m:GetFolder>",
        calendar(address)
    );
    named.folder = ask(gateway, &asked).await.all("FolderId")[0].attribute("Id").to_owned();
    match way {
        Way::Item | Way::BesideItem => named.item = create(gateway, address, subject_of(address), "").await,
        Way::Nth | Way::SeriesOf => {
            named.series = create(gateway, address, subject_of(address), DAILY).await;
            named.occurrence = first_of(gateway, &named.series).await;
        }
        Way::Invitation => named.invitation = invite(gateway, address).await,
        Way::Subscription => {
            let kind = |kind: &str, more: &str| {
                format!(
                    "<m:Subscribe><m:{kind}><t:FolderIds>{}</t:FolderIds><t:EventTypes><t:EventType>CreatedEvent\
                     </t:EventType></t:EventTypes>{more}</m:{kind}></m:Subscribe>",
                    calendar(address)
                )
            };
            let pull = ask(gateway, &kind("PullSubscriptionRequest", "<t:Timeout>60</t:Timeout>")).await;
            named.pull.clone_from(&pull.all("SubscriptionId")[0].text);
            named.watermark.clone_from(&pull.all("Watermark")[0].text);
            let streaming = ask(gateway, &kind("StreamingSubscriptionRequest", "")).await;
            named.streaming.clone_from(&streaming.all("SubscriptionId")[0].text);
        }
        _ => {}
    }
    named
}

fn subject_of(address: &str) -> &'static str {
    if address == HIDDEN { "MarkedSubject" } else { "Ordinary" }
}

async fn ask(gateway: &Gateway, body: &str) -> Element {
    gateway.ask(&envelope(body)).await
}

fn calendar(address: &str) -> String {
    format!(
        "<t:DistinguishedFolderId Id=\"calendar\"><t:Mailbox><t:EmailAddress>{address}</t:EmailAddress></t:Mailbox>\
         </t:DistinguishedFolderId>"
    )
}

async fn create(gateway: &Gateway, address: &str, subject: &str, more: &str) -> String {
    let body = format!(
        "<m:CreateItem SendMeetingInvitations=\"SendToAllAndSaveCopy\"><m:SavedItemFolderId>{}</m:SavedItemFolderId><m:Items>\
         <t:CalendarItem><t:Subject>{subject}</t:Subject><t:Start>2028-01-11T09:00:00Z</t:Start>\
         <t:End>2028-01-11T10:00:00Z</t:End>{more}</t:CalendarItem></m:Items></m:CreateItem>",
        calendar(address)
    );
    item_id(&ask(gateway, &body).await).0
}

/// The first occurrence of a series.
async fn first_of(gateway: &Gateway, series: &str) -> String {
    let body = format!(
        "<m:GetItem><m:ItemShape><t:BaseShape>IdOnly</t:BaseShape></m:ItemShape><m:ItemIds>\
         <t:OccurrenceItemId RecurringMasterId=\"{series}\" InstanceIndex=\"1\"/></m:ItemIds></m:GetItem>"
    );
    item_id(&ask(gateway, &body).await).0
}

/// The copy of an invitation that a mailbox got.
async fn invite(gateway: &Gateway, address: &str) -> String {
    let subject = format!("MarkedSubject {}", uuid::Uuid::new_v4());
    let attendee = format!(
        "<t:RequiredAttendees><t:Attendee><t:Mailbox><t:EmailAddress>{address}</t:EmailAddress></t:Mailbox></t:Attendee>\
         </t:RequiredAttendees>"
    );
    create(gateway, HOST, &subject, &attendee).await;
    let body = format!(
        "<m:FindItem Traversal=\"Shallow\"><m:ItemShape><t:BaseShape>Default</t:BaseShape></m:ItemShape>\
         <m:CalendarView StartDate=\"2028-01-11T08:00:00Z\" EndDate=\"2028-01-11T11:00:00Z\"/><m:ParentFolderIds>{}\
         </m:ParentFolderIds></m:FindItem>",
        calendar(address)
    );
    let found = ask(gateway, &body).await;
    let copy = found.all("CalendarItem").into_iter().find(|item| item.at("Subject").ends_with(&subject)).unwrap();
    copy.child("ItemId").attribute("Id").to_owned()
}

const DAILY: &str = "<t:Recurrence><t:DailyRecurrence><t:Interval>1</t:Interval></t:DailyRecurrence><t:NumberedRecurrence>\
    <t:StartDate>2028-01-11</t:StartDate><t:NumberOfOccurrences>5</t:NumberOfOccurrences></t:NumberedRecurrence></t:Recurrence>";
