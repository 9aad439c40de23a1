//! The back wire as a whole, over loopback.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, reason = "tests")]

mod absences;
mod addresses;
mod caching;
mod changing;
mod credentials;
mod details;
mod doctor;
mod events;
mod failing;
mod schema;
mod secure;
mod simulated;
mod tenants;
