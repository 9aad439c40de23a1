//! Elements that several operations share.

pub mod folder;
pub mod item_id;
pub mod mailbox;
pub mod notification;
pub mod response_message;
pub mod time_zone;
pub mod value;
