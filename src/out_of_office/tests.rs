//! Tests of the monitor as a whole.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

mod bench;
mod crowd;
mod model;
mod watching;
