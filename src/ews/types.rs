//! Elements that several operations share.

pub mod body;
pub mod calendar_item;
pub mod calendar_item_draft;
pub mod extended_property;
pub mod folder;
pub mod instruction;
pub mod item_id;
pub mod mailbox;
pub mod notification;
pub mod oof_settings;
pub mod property_path;
pub mod recurrence;
pub mod response_message;
pub mod restriction;
pub mod shape;
pub mod sort_order;
pub mod time;
pub mod time_zone;
pub mod value;
