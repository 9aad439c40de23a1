//! The calls to Graph, one file each.

pub(super) mod addresses;
pub(super) mod all_users;
pub(super) mod calendar_view;
pub(super) mod delta;
pub(super) mod event_cancel;
pub(super) mod event_create;
pub(super) mod event_delete;
pub(super) mod event_get;
pub(super) mod event_instances;
pub(super) mod event_list;
pub(super) mod event_reply;
pub(super) mod event_update;
pub(super) mod event_view;
pub(super) mod get_schedule;
pub(super) mod group_people;
pub(super) mod groups;
pub(super) mod mail_tips;
pub(super) mod mailbox_settings;
pub(super) mod places;
pub(super) mod subscriptions;
pub(super) mod users;
