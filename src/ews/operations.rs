//! The list of operations: a `mod` line and an entry for each.

mod convert_id;
mod create_item;
mod delete_item;
mod find_folder;
mod find_item;
mod get_delegate;
mod get_events;
mod get_folder;
mod get_item;
mod get_mail_tips;
mod get_room_lists;
mod get_rooms;
mod get_server_time_zones;
mod get_service_configuration;
mod get_streaming_events;
mod get_user_availability;
mod get_user_oof_settings;
mod resolve_names;
mod set_user_oof_settings;
mod subscribe;
mod unsubscribe;
mod update_item;

use super::operation::Entry;

/// What the gateway does: every operation that a caller may ask for.
pub const OPERATIONS: &[Entry] = &[
    Entry::of::<get_user_availability::GetUserAvailability>(),
    Entry::of::<get_server_time_zones::GetServerTimeZones>(),
    Entry::of::<convert_id::ConvertId>(),
    Entry::of::<get_room_lists::GetRoomLists>(),
    Entry::of::<get_rooms::GetRooms>(),
    Entry::of::<find_item::FindItem>(),
    Entry::of::<get_item::GetItem>(),
    Entry::of::<find_folder::FindFolder>(),
    Entry::of::<get_folder::GetFolder>(),
    Entry::of::<resolve_names::ResolveNames>(),
    Entry::of::<get_delegate::GetDelegate>(),
    Entry::of::<create_item::CreateItem>(),
    Entry::of::<update_item::UpdateItem>(),
    Entry::of::<delete_item::DeleteItem>(),
    Entry::of::<subscribe::Subscribe>(),
    Entry::of::<get_events::GetEvents>(),
    Entry::of::<get_streaming_events::GetStreamingEvents>(),
    Entry::of::<unsubscribe::Unsubscribe>(),
    Entry::of::<get_user_oof_settings::GetUserOofSettings>(),
    Entry::of::<set_user_oof_settings::SetUserOofSettings>(),
    Entry::of::<get_mail_tips::GetMailTips>(),
    Entry::of::<get_service_configuration::GetServiceConfiguration>(),
];

/// What Exchange 2019 does (its WSDL, and the reference of EWS operations): a caller that asks for
/// one of these which the gateway lacks is told so by name.
/// <https://learn.microsoft.com/exchange/client-developer/web-service-reference/ews-operations-in-exchange>
#[rustfmt::skip]
pub(super) const EXCHANGE_OPERATIONS: &[&str] = &[
    "AddDelegate", "AddDistributionGroupToImList", "AddImContactToGroup", "AddImGroup",
    "AddNewImContactToGroup", "AddNewTelUriContactToGroup", "AddTag", "ApplyConversationAction",
    "ArchiveItem", "ConvertId", "CopyFolder", "CopyItem",
    "CreateAttachment", "CreateFolder", "CreateFolderPath", "CreateItem",
    "CreateManagedFolder", "CreateMeetingInstance", "CreateMeetingSpace", "CreateUserConfiguration",
    "DeleteAttachment", "DeleteFolder", "DeleteItem", "DeleteMeetingInstance",
    "DeleteMeetingSpace", "DeleteSearchSuggestion", "DeleteUserConfiguration", "DisableApp",
    "DisconnectPhoneCall", "EmptyFolder", "EndSearchSession", "ExecuteSearch",
    "ExpandDL", "ExportItems", "FindAvailableMeetingTimes", "FindConversation",
    "FindFolder", "FindItem", "FindMeetingSpaceByJoinUrl", "FindMeetingTimeCandidates",
    "FindMessageTrackingReport", "FindPeople", "FindTags", "GetAppManifests",
    "GetAppMarketplaceUrl", "GetAttachment", "GetClientAccessToken", "GetConversationItems",
    "GetDelegate", "GetDiscoverySearchConfiguration", "GetEvents", "GetFolder",
    "GetHoldOnMailboxes", "GetImItemList", "GetImItems", "GetInboxRules",
    "GetItem", "GetLastPrivateCatalogUpdate", "GetMailTips", "GetMeetingInstance",
    "GetMeetingSpace", "GetMessageTrackingReport", "GetNonIndexableItemDetails", "GetNonIndexableItemStatistics",
    "GetPasswordExpirationDate", "GetPersona", "GetPhoneCallInformation", "GetPrivateCatalogAddIns",
    "GetReminders", "GetRoomLists", "GetRooms", "GetSearchSuggestions",
    "GetSearchableMailboxes", "GetServerTimeZones", "GetServiceConfiguration", "GetSharingFolder",
    "GetSharingMetadata", "GetSpecificUserConfiguration", "GetStreamingEvents", "GetUserAvailability",
    "GetUserConfiguration", "GetUserOofSettings", "GetUserPhoto", "GetUserRetentionPolicyTags",
    "HideTag", "InstallApp", "MarkAllItemsAsRead", "MarkAsJunk",
    "MoveFolder", "MoveItem", "PerformReminderAction", "PlayOnPhone",
    "RefreshSharingFolder", "RemoveContactFromImList", "RemoveDelegate", "RemoveDistributionGroupFromImList",
    "RemoveImContactFromGroup", "RemoveImGroup", "ReportMessage", "ResolveNames",
    "SearchMailboxes", "SendItem", "SetHoldOnMailboxes", "SetImGroup",
    "SetImListMigrationCompleted", "SetTeamMailbox", "SetUserOofSettings", "SetUserPhoto",
    "StartSearchSession", "Subscribe", "SyncFolderHierarchy", "SyncFolderItems",
    "UninstallApp", "UnpinTeamMailbox", "Unsubscribe", "UpdateDelegate",
    "UpdateFolder", "UpdateInboxRules", "UpdateItem", "UpdateItemInRecoverableItems",
    "UpdateMeetingInstance", "UpdateMeetingSpace", "UpdateUserConfiguration", "UploadItems",
];
