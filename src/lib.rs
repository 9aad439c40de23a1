//! An EWS-compatible HTTPS gateway that answers from Microsoft Graph.
//!
//! Two wires, one small core: [`ews`] speaks SOAP, [`graph`] speaks REST, [`calendar`] knows what
//! a calendar is and speaks neither. A request comes in at [`server`], whose route table fits a
//! screen, becomes an operation in `ews/operations/`, and asks [`graph`], whose `calls/` hold one
//! file for each call. [`app`] puts the parts together. `ARCHITECTURE.md` has the map and
//! walkthroughs.

pub mod admin;
pub mod app;
pub mod audit;
pub mod calendar;
pub mod changes;
pub mod client;
pub mod commands;
pub mod config;
pub mod ews;
pub mod failure;
pub mod graph;
mod https;
pub mod items;
pub mod journal;
pub mod metrics;
pub mod out_of_office;
pub mod outbound;
pub mod rosters;
pub mod server;
pub mod simulator;
pub mod store;
pub mod tenant;
pub mod writes;
