//! Rooms and room lists. <https://learn.microsoft.com/graph/api/place-list>

use serde_json::{Value, json};
use uuid::Uuid;

use super::ask::Ask;
use super::error::{Answer, Refusal};
use super::ids;
use super::query::{Page, project};
use super::state::{Group, Mailbox};
use super::world::Kind;

const OPTIONS: [&str; 4] = ["$top", "$skip", "$select", "$count"];
const ROOM: [&str; 15] = [
    "id",
    "placeId",
    "displayName",
    "nickname",
    "emailAddress",
    "capacity",
    "building",
    "floorNumber",
    "floorLabel",
    "bookingType",
    "isWheelChairAccessible",
    "phone",
    "label",
    "address",
    "tags",
];
const ROOM_LIST: [&str; 5] = ["id", "displayName", "emailAddress", "address", "phone"];

pub(super) fn rooms(ask: &Ask<'_>) -> Result<Answer, Refusal> {
    let all = ask.state.mailboxes.values().filter(|mailbox| mailbox.kind == Kind::Room && mailbox.tenant == ask.tenant);
    show_rooms(ask, all, "places/microsoft.graph.room")
}

pub(super) fn room_lists(ask: &Ask<'_>) -> Result<Answer, Refusal> {
    ask.query.allow(&OPTIONS, ask.strict)?;
    let select = ask.query.select(&ROOM_LIST, "roomList")?;
    let page = Page::by_skip(ask.query, 100, 1000)?;
    let all = ask.state.groups.values().filter(|group| group.is_room_list && group.tenant == ask.tenant);
    let show = |list: &Group| project(room_list(list), select.as_deref());
    Ok(Answer::json(200, page.cut(all.collect(), show, "places/microsoft.graph.roomList", ask.query, ask.here)))
}

/// A list is named by its address, or by its place id.
pub(super) fn rooms_of_list(ask: &Ask<'_>) -> Result<Answer, Refusal> {
    let name = ask.route.owner.to_lowercase();
    let mut lists = ask.state.groups.values().filter(|group| group.is_room_list && group.tenant == ask.tenant);
    let found =
        lists.find(|list| list.address.eq_ignore_ascii_case(&name) || place_id(&list.address).to_string() == name);
    let list =
        found.ok_or_else(|| Refusal::new(404, "ErrorItemNotFound", format!("The place '{name}' was not found.")))?;
    let members = list.members.iter().filter_map(|member| ask.state.mailboxes.get(member));
    let members = members.filter(|mailbox| mailbox.tenant == ask.tenant);
    show_rooms(ask, members, &format!("places('{name}')/microsoft.graph.roomList/rooms"))
}

fn show_rooms<'a>(ask: &Ask<'_>, all: impl Iterator<Item = &'a Mailbox>, context: &str) -> Result<Answer, Refusal> {
    ask.query.allow(&OPTIONS, ask.strict)?;
    let select = ask.query.select(&ROOM, "room")?;
    let page = Page::by_skip(ask.query, 100, 1000)?;
    let show = |mailbox: &Mailbox| project(room(mailbox), select.as_deref());
    Ok(Answer::json(200, page.cut(all.collect(), show, context, ask.query, ask.here)))
}

fn place_id(address: &str) -> Uuid {
    ids::guid(&format!("place of {}", address.to_lowercase()))
}

fn room(mailbox: &Mailbox) -> Value {
    let id = place_id(&mailbox.address).to_string();
    json!({
        "id": id,
        "placeId": id,
        "displayName": mailbox.name,
        "nickname": mailbox.name,
        "emailAddress": mailbox.address,
        "capacity": mailbox.room.capacity,
        "building": mailbox.room.building,
        "floorNumber": mailbox.room.floor,
        "floorLabel": mailbox.room.floor.map(|floor| floor.to_string()),
        "bookingType": "standard",
        "isWheelChairAccessible": false,
        "phone": "",
        "label": null,
        "tags": [],
        "address": { "city": mailbox.room.city, "countryOrRegion": mailbox.room.country },
    })
}

fn room_list(list: &Group) -> Value {
    json!({
        "id": place_id(&list.address).to_string(),
        "displayName": list.name,
        "emailAddress": list.address,
        "phone": "",
        "address": null,
    })
}
