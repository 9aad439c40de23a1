//! Rooms, people and delegates.

use calendar_relay::calendar::Capability;

use super::*;
use crate::matrix::world::MIXED_LIST;

pub(super) const GET_ROOM_LISTS: Row = Row {
    operation: "GetRoomLists",
    capability: Some(Capability::Directory),
    missing: Some(DENIED_AS_A_WHOLE),
    writes: false,
    shows: true,
    cells: &[Cell::told(Way::Listed, |_, _| "<m:GetRoomLists/>".to_owned(), ONE)],
    plain: |_| "<m:GetRoomLists/>".to_owned(),
};

fn get_rooms(list: &str) -> String {
    format!("<m:GetRooms><m:RoomList><t:EmailAddress>{list}</t:EmailAddress></m:RoomList></m:GetRooms>")
}

pub(super) const GET_ROOMS: Row = Row {
    operation: "GetRooms",
    capability: Some(Capability::Directory),
    missing: Some(DENIED_AS_A_WHOLE),
    writes: false,
    shows: true,
    cells: &[
        Cell::new(Way::Address, |of, _| get_rooms(&of.list), DENIED, ONE),
        Cell::told(Way::Listed, |_, _| get_rooms(MIXED_LIST), ONE),
    ],
    plain: |_| get_rooms(MIXED_LIST),
};

fn resolve(entries: &[&str]) -> String {
    let entries: String =
        entries.iter().map(|entry| format!("<m:UnresolvedEntry>{entry}</m:UnresolvedEntry>")).collect();
    format!("<m:ResolveNames ReturnFullContactData=\"true\">{entries}</m:ResolveNames>")
}

const NOBODY: Told = Told::Each("ErrorNameResolutionNoResults");

pub(super) const RESOLVE_NAMES: Row = Row {
    operation: "ResolveNames",
    capability: Some(Capability::Directory),
    missing: Some(DENIED),
    writes: false,
    shows: true,
    cells: &[
        Cell::new(Way::Address, |of, _| resolve(&[&of.address]), NOBODY, ONE),
        Cell::new(Way::Alias, |of, _| resolve(&[&format!("smtp:{}", of.alias)]), NOBODY, ONE),
        Cell::new(Way::Name, |of, _| resolve(&[&of.name]), NOBODY, ONE),
        Cell::new(Way::LegacyName, |of, _| resolve(&[&of.legacy_name]), NOBODY, ONE),
        Cell::new(
            Way::Beside,
            |of, near| resolve(&[&near.address, &of.address]),
            Told::Codes(&["NoError", "ErrorNameResolutionNoResults"]),
            TWO,
        ),
    ],
    plain: |near| resolve(&[&near.address]),
};

fn get_delegate(of: &str, user: &str) -> String {
    format!(
        "<m:GetDelegate IncludePermissions=\"true\"><m:Mailbox><t:EmailAddress>{of}</t:EmailAddress></m:Mailbox>{user}\
         </m:GetDelegate>"
    )
}

fn user(of: &Named) -> String {
    format!("<m:UserIds><t:UserId><t:PrimarySmtpAddress>{}</t:PrimarySmtpAddress></t:UserId></m:UserIds>", of.address)
}

pub(super) const GET_DELEGATE: Row = Row {
    operation: "GetDelegate",
    capability: Some(Capability::CalendarRead),
    missing: Some(DENIED_AS_A_WHOLE),
    writes: false,
    shows: false,
    cells: &[
        Cell::new(Way::Address, |of, _| get_delegate(&of.address, ""), DENIED, ONE),
        Cell::new(Way::Alias, |of, _| get_delegate(&of.alias, ""), DENIED, ONE),
        // Nobody is anybody's delegate.
        Cell::told(Way::Mention, |of, near| get_delegate(&near.address, &user(of)), &["NoError", "ErrorNotDelegate"]),
    ],
    plain: |near| get_delegate(&near.address, ""),
};
