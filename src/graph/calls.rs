//! The calls to Graph, one file each.

pub(super) mod calendar_view;
pub(super) mod delta;
pub(super) mod get_schedule;
pub(super) mod groups;
pub(super) mod places;
pub(super) mod subscriptions;
