//! `[audit]` as it is written.
//!
//! Owns its shape. Must not know what it means.

use std::path::PathBuf;

use serde::Deserialize;
use toml::Spanned;

use crate::config::values::SecretReference;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::config) struct RawAudit {
    pub(super) file: Option<PathBuf>,
    #[serde(default)]
    pub(super) stdout: bool,
    pub(super) hash_key: Option<Spanned<SecretReference>>,
}
