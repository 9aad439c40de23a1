//! New items, changed ones and deleted ones.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use calendar_relay::calendar::Capability;

use super::*;

fn create(folder: &str, item: &str) -> String {
    format!(
        "<m:CreateItem SendMeetingInvitations=\"SendToAllAndSaveCopy\" MessageDisposition=\"SendAndSaveCopy\">\
         <m:SavedItemFolderId>{folder}</m:SavedItemFolderId><m:Items>{item}</m:Items></m:CreateItem>"
    )
}

fn new_item(more: &str) -> String {
    format!(
        "<t:CalendarItem><t:Subject>New</t:Subject><t:Start>2028-02-01T10:00:00Z</t:Start>\
         <t:End>2028-02-01T11:00:00Z</t:End>{more}</t:CalendarItem>"
    )
}

fn attendee(of: &Named) -> String {
    format!(
        "<t:RequiredAttendees><t:Attendee><t:Mailbox><t:EmailAddress>{}</t:EmailAddress></t:Mailbox></t:Attendee>\
         </t:RequiredAttendees>",
        of.address
    )
}

/// An item that comes as iCalendar text, and says that it is somebody's.
fn foreign(of: &Named) -> String {
    let text = format!(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y//EN\r\nBEGIN:VEVENT\r\nUID:one\r\nDTSTAMP:20270101T000000Z\r\n\
         DTSTART:20280202T100000Z\r\nDTEND:20280202T110000Z\r\nSUMMARY:New\r\nORGANIZER:mailto:{}\r\nEND:VEVENT\r\n\
         END:VCALENDAR\r\n",
        of.address
    );
    format!(
        "<t:CalendarItem><t:MimeContent CharacterSet=\"UTF-8\">{}</t:MimeContent></t:CalendarItem>",
        STANDARD.encode(text)
    )
}

fn respond(kind: &str, of: &Named) -> String {
    create(OWN_CALENDAR, &format!("<t:{kind}><t:ReferenceItemId Id=\"{}\"/></t:{kind}>", of.invitation))
}

pub(super) const CREATE_ITEM: Row = Row {
    operation: "CreateItem",
    capability: Some(Capability::CalendarWrite),
    missing: Some(DENIED_AS_A_WHOLE),
    writes: true,
    shows: false,
    cells: &[
        Cell::new(Way::Folder, |of, _| create(&calendar(of), &new_item("")), DENIED, ONE),
        Cell::new(Way::FolderId, |of, _| create(&calendar_id(of), &new_item("")), DENIED, ONE),
        Cell::new(Way::Folder, |of, near| create(&calendar(of), &new_item(&attendee(near))), DENIED, ONE),
        Cell::new(Way::Invitation, |of, _| respond("AcceptItem", of), NO_SUCH_ITEM, ONE),
        Cell::new(Way::Invitation, |of, _| respond("TentativelyAcceptItem", of), NO_SUCH_ITEM, ONE),
        Cell::new(Way::Invitation, |of, _| respond("DeclineItem", of), NO_SUCH_ITEM, ONE),
        Cell::new(
            Way::Invitation,
            |of, _| respond("CancelCalendarItem", of),
            NO_SUCH_ITEM,
            &["ErrorCalendarIsNotOrganizer"],
        ),
        // That takes place.
        Cell::new(Way::Invitation, |of, _| respond("RemoveItem", of), NO_SUCH_ITEM, &["ErrorInvalidOperation"]),
        // Whoever may write a calendar may invite anybody to it.
        Cell::told(Way::Mention, |of, near| create(&calendar(near), &new_item(&attendee(of))), ONE),
        // Whose calendar it goes to says the folder.
        Cell::told(Way::Mention, |of, near| create(&calendar(near), &foreign(of)), ONE),
    ],
    plain: |_| create(OWN_CALENDAR, &new_item("")),
};

fn update(names: &[String]) -> String {
    let one = |name: &String| {
        format!(
            "<t:ItemChange>{name}<t:Updates><t:SetItemField><t:FieldURI FieldURI=\"calendar:Location\"/><t:CalendarItem>\
             <t:Location>Elsewhere</t:Location></t:CalendarItem></t:SetItemField></t:Updates></t:ItemChange>"
        )
    };
    let all: String = names.iter().map(one).collect();
    format!(
        "<m:UpdateItem ConflictResolution=\"AlwaysOverwrite\" SendMeetingInvitationsOrCancellations=\"SendToNone\">\
         <m:ItemChanges>{all}</m:ItemChanges></m:UpdateItem>"
    )
}

pub(super) const UPDATE_ITEM: Row = Row {
    operation: "UpdateItem",
    capability: Some(Capability::CalendarWrite),
    missing: Some(DENIED_AS_A_WHOLE),
    writes: true,
    shows: false,
    cells: &[
        Cell::new(Way::Item, |of, _| update(&[item(of)]), NO_SUCH_ITEM, ONE),
        Cell::new(Way::Nth, |of, _| update(&[nth(of)]), NO_SUCH_ITEM, ONE),
        Cell::new(Way::SeriesOf, |of, _| update(&[series_of(of)]), NO_SUCH_ITEM, ONE),
        Cell::new(
            Way::BesideItem,
            |of, near| update(&[item(near), item(of)]),
            Told::Codes(&["NoError", "ErrorItemNotFound"]),
            TWO,
        ),
    ],
    plain: |near| update(&[item(near)]),
};

fn delete(names: &str) -> String {
    format!(
        "<m:DeleteItem DeleteType=\"HardDelete\" SendMeetingCancellations=\"SendToNone\"><m:ItemIds>{names}</m:ItemIds>\
         </m:DeleteItem>"
    )
}

pub(super) const DELETE_ITEM: Row = Row {
    operation: "DeleteItem",
    capability: Some(Capability::CalendarWrite),
    missing: Some(DENIED_AS_A_WHOLE),
    writes: true,
    shows: false,
    cells: &[
        Cell::new(Way::Item, |of, _| delete(&item(of)), NO_SUCH_ITEM, ONE),
        Cell::new(Way::Nth, |of, _| delete(&nth(of)), NO_SUCH_ITEM, ONE),
        Cell::new(Way::SeriesOf, |of, _| delete(&series_of(of)), NO_SUCH_ITEM, ONE),
        Cell::new(
            Way::BesideItem,
            |of, near| delete(&(item(near) + &item(of))),
            Told::Codes(&["NoError", "ErrorItemNotFound"]),
            TWO,
        ),
    ],
    plain: |near| delete(&item(near)),
};
