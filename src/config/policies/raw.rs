//! Policies as they are written.
//!
//! Owns the shape of mailboxes, views and hours. Must not know what they mean.

use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

/// Mailboxes: a pattern, or where a list of them is kept.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(in crate::config) enum Mailboxes {
    Pattern(String),
    Elsewhere(Elsewhere),
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(in crate::config) enum Elsewhere {
    Group(String),
    #[serde(rename = "room_list")]
    Rooms(String),
    File(PathBuf),
}

/// How much is shown, beyond ceiling and private items.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct View {
    pub(super) subject: Option<String>,
    pub(super) people: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) hidden: Vec<Spanned<String>>,
    pub(super) days_back: Option<u16>,
    pub(super) days_ahead: Option<u16>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct Hours {
    pub(super) from: Spanned<String>,
    pub(super) to: Spanned<String>,
    pub(super) time_zone: Spanned<String>,
}
