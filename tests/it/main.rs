//! Tests of the program as a whole, in one binary: the real server over real TLS on a port of its own,
//! a real HTTP client, and the Graph simulator behind it.
#![allow(
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::unwrap_used,
    reason = "tests: what is unexpected fails them, and the environment says where the schemas lie"
)]

mod audit;
mod auth;
mod cache;
mod cli;
mod credentials;
mod docs;
mod doctor;
mod failures;
mod free_busy;
mod harness;
mod items;
mod layers;
mod limits;
mod matrix;
mod monitor;
mod notifications;
mod operations;
mod out_of_office;
mod policies;
mod requests;
mod server;
mod setup;
mod views;
