//! Elements that several operations share.

pub mod calendar_item_draft;
pub mod folder;
pub mod instruction;
pub mod item_id;
pub mod mailbox;
pub mod plain_text;
pub mod property_path;
pub mod response_message;
pub mod time_zone;
pub mod value;
