//! What `[audit]` means.

mod raw;

use toml::Spanned;

use super::Reader;
use crate::audit::{Settings, Target};

pub(super) use raw::RawAudit;

impl Reader<'_> {
    pub(super) fn audit(&mut self, raw: Spanned<RawAudit>) -> Settings {
        let target = match (&raw.get_ref().file, raw.get_ref().stdout) {
            (Some(file), false) => Target::File(self.folder.join(file)),
            (None, true) => Target::Stdout,
            _ => {
                self.problems.add(&raw, "audit", "needs exactly one of file and stdout = true");
                Target::Stdout
            }
        };
        let hash_key = raw.into_inner().hash_key.map(|key| self.long_secret(&key, "audit.hash_key"));
        Settings { target, hash_key }
    }
}
