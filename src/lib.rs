//! An EWS-compatible HTTPS gateway that answers from Microsoft Graph.
//!
//! Two wires, one small core: [`ews`] speaks SOAP, [`graph`] speaks REST, [`calendar`] knows what
//! a calendar is and speaks neither. `ARCHITECTURE.md` has the map and three walkthroughs.

pub mod calendar;
pub mod client;
pub mod failure;
pub mod graph;
pub mod journal;
pub mod metrics;
pub mod tenant;
