//! Busy times, items, folders and ids.

use calendar_relay::calendar::Capability;

use super::*;

const WINDOW: &str = "<t:TimeWindow><t:StartTime>2027-03-10T00:00:00</t:StartTime>\
    <t:EndTime>2027-03-11T00:00:00</t:EndTime></t:TimeWindow>";

fn availability(addresses: &[&str], view: &str, more: &str) -> String {
    let one = |address: &&str| {
        format!(
            "<t:MailboxData><t:Email><t:Address>{address}</t:Address></t:Email><t:AttendeeType>Required</t:AttendeeType>\
             </t:MailboxData>"
        )
    };
    let all: String = addresses.iter().map(one).collect();
    format!(
        "<m:GetUserAvailabilityRequest><m:MailboxDataArray>{all}</m:MailboxDataArray><t:FreeBusyViewOptions>{WINDOW}\
         <t:MergedFreeBusyIntervalInMinutes>30</t:MergedFreeBusyIntervalInMinutes>\
         <t:RequestedView>{view}</t:RequestedView></t:FreeBusyViewOptions>{more}</m:GetUserAvailabilityRequest>"
    )
}

const SUGGESTIONS: &str = "<t:SuggestionsViewOptions><t:MeetingDurationInMinutes>60</t:MeetingDurationInMinutes>\
    <t:DetailedSuggestionsWindow><t:StartTime>2027-03-10T00:00:00</t:StartTime><t:EndTime>2027-03-11T00:00:00</t:EndTime>\
    </t:DetailedSuggestionsWindow></t:SuggestionsViewOptions>";

const NO_ACCESS: Told = Told::Each("ErrorNoFreeBusyAccess");

pub(super) const GET_USER_AVAILABILITY: Row = Row {
    operation: "GetUserAvailabilityRequest",
    capability: Some(Capability::FreeBusy),
    missing: Some(Told::Fault("ErrorNoFreeBusyAccess")),
    writes: false,
    shows: true,
    cells: &[
        Cell::new(Way::Address, |of, _| availability(&[&of.address], "Detailed", ""), NO_ACCESS, ONE),
        Cell::new(
            Way::Alias,
            |of, near| availability(&[&near.address, &of.alias], "FreeBusy", ""),
            Told::Codes(&["NoError", "ErrorNoFreeBusyAccess"]),
            TWO,
        )
        .silent(),
        Cell::new(
            Way::Beside,
            |of, near| availability(&[&near.address, &of.address], "DetailedMerged", SUGGESTIONS),
            Told::Codes(&["NoError", "ErrorNoFreeBusyAccess", "NoError"]),
            THREE,
        ),
        // One member who is not permitted closes the group: digits would be those of the others, and tell whose they
        // are not.
        Cell::new(Way::Member, |of, _| availability(&[&of.group], "MergedOnly", ""), NO_ACCESS, ONE).silent(),
    ],
    plain: |near| availability(&[&near.address], "Detailed", ""),
};

pub(super) const GET_SERVER_TIME_ZONES: Row = Row {
    operation: "GetServerTimeZones",
    capability: None,
    missing: None,
    writes: false,
    shows: false,
    cells: &[],
    plain: |_| "<m:GetServerTimeZones><m:Ids><t:Id>UTC</t:Id></m:Ids></m:GetServerTimeZones>".to_owned(),
};

fn convert(ids: &[(&str, &str)]) -> String {
    let one =
        |(id, mailbox): &(&str, &str)| format!("<t:AlternateId Format=\"EwsId\" Id=\"{id}\" Mailbox=\"{mailbox}\"/>");
    let all: String = ids.iter().map(one).collect();
    format!("<m:ConvertId DestinationFormat=\"OwaId\"><m:SourceIds>{all}</m:SourceIds></m:ConvertId>")
}

pub(super) const CONVERT_ID: Row = Row {
    operation: "ConvertId",
    capability: Some(Capability::CalendarRead),
    missing: None,
    writes: false,
    shows: false,
    cells: &[
        Cell::new(Way::FolderId, |of, _| convert(&[(&of.folder, &of.address)]), DENIED, ONE),
        // Whoever has a mailbox has all ids that nobody else is known to have.
        Cell::new(Way::Item, |of, _| convert(&[(&of.item, &of.address)]), NO_SUCH_ITEM, ONE).with_own(Told::Codes(ONE)),
        Cell::new(
            Way::Beside,
            |of, near| convert(&[(&near.folder, &of.address), (&of.folder, &near.address)]),
            Told::Codes(&["NoError", "ErrorAccessDenied"]),
            TWO,
        ),
    ],
    plain: |near| convert(&[(&near.folder, &near.address)]),
};

fn find_item(folders: &str) -> String {
    format!(
        "<m:FindItem Traversal=\"Shallow\"><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape></m:ItemShape>\
         <m:CalendarView StartDate=\"2027-03-10T00:00:00Z\" EndDate=\"2027-03-11T00:00:00Z\"/><m:ParentFolderIds>{folders}\
         </m:ParentFolderIds></m:FindItem>"
    )
}

pub(super) const FIND_ITEM: Row = Row {
    operation: "FindItem",
    capability: Some(Capability::CalendarRead),
    missing: Some(DENIED_AS_A_WHOLE),
    writes: false,
    shows: true,
    cells: &[
        Cell::new(Way::Folder, |of, _| find_item(&calendar(of)), DENIED_AS_A_WHOLE, ONE),
        Cell::new(Way::FolderId, |of, _| find_item(&calendar_id(of)), DENIED_AS_A_WHOLE, ONE),
        Cell::new(Way::Beside, |of, near| find_item(&(calendar(near) + &calendar(of))), DENIED_AS_A_WHOLE, TWO),
    ],
    plain: |_| find_item(OWN_CALENDAR),
};

fn get_item(items: &str) -> String {
    format!(
        "<m:GetItem><m:ItemShape><t:BaseShape>AllProperties</t:BaseShape><t:IncludeMimeContent>true</t:IncludeMimeContent>\
         </m:ItemShape><m:ItemIds>{items}</m:ItemIds></m:GetItem>"
    )
}

pub(super) const GET_ITEM: Row = Row {
    operation: "GetItem",
    capability: Some(Capability::CalendarRead),
    missing: Some(DENIED_AS_A_WHOLE),
    writes: false,
    shows: true,
    cells: &[
        Cell::new(Way::Item, |of, _| get_item(&item(of)), NO_SUCH_ITEM, ONE),
        Cell::new(Way::Nth, |of, _| get_item(&nth(of)), NO_SUCH_ITEM, ONE),
        Cell::new(Way::SeriesOf, |of, _| get_item(&series_of(of)), NO_SUCH_ITEM, ONE),
        Cell::new(
            Way::BesideItem,
            |of, near| get_item(&(item(near) + &item(of))),
            Told::Codes(&["NoError", "ErrorItemNotFound"]),
            TWO,
        ),
    ],
    plain: |near| get_item(&item(near)),
};

fn find_folder(folders: &str) -> String {
    let folders = folders.replace("\"calendar\"", "\"msgfolderroot\"");
    format!(
        "<m:FindFolder Traversal=\"Deep\"><m:FolderShape><t:BaseShape>AllProperties</t:BaseShape></m:FolderShape>\
         <m:ParentFolderIds>{folders}</m:ParentFolderIds></m:FindFolder>"
    )
}

pub(super) const FIND_FOLDER: Row = Row {
    operation: "FindFolder",
    capability: Some(Capability::CalendarRead),
    missing: Some(DENIED_AS_A_WHOLE),
    writes: false,
    shows: false,
    cells: &[
        Cell::new(Way::Folder, |of, _| find_folder(&calendar(of)), DENIED, ONE),
        Cell::new(Way::FolderId, |of, _| find_folder(&calendar_id(of)), DENIED, ONE),
        Cell::new(
            Way::Beside,
            |of, near| find_folder(&(calendar(near) + &calendar(of))),
            Told::Codes(&["NoError", "ErrorAccessDenied"]),
            TWO,
        ),
    ],
    plain: |_| find_folder(OWN_CALENDAR),
};

fn get_folder(folders: &str) -> String {
    format!(
        "<m:GetFolder><m:FolderShape><t:BaseShape>AllProperties</t:BaseShape></m:FolderShape>\
         <m:FolderIds>{folders}</m:FolderIds></m:GetFolder>"
    )
}

pub(super) const GET_FOLDER: Row = Row {
    operation: "GetFolder",
    capability: Some(Capability::CalendarRead),
    missing: Some(DENIED_AS_A_WHOLE),
    writes: false,
    shows: false,
    cells: &[
        Cell::new(Way::Folder, |of, _| get_folder(&calendar(of)), DENIED, ONE),
        Cell::new(Way::FolderId, |of, _| get_folder(&calendar_id(of)), DENIED, ONE),
        Cell::new(
            Way::Beside,
            |of, near| get_folder(&(calendar(near) + &calendar(of))),
            Told::Codes(&["NoError", "ErrorAccessDenied"]),
            TWO,
        ),
    ],
    plain: |_| get_folder(OWN_CALENDAR),
};
