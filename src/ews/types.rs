//! Elements that several operations share.

pub mod mailbox;
pub mod response_message;
pub mod time_zone;
pub mod value;
