//! The file: append only, opened anew when somebody has moved it away.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::Duration;

use super::queue::Waiting;

/// Where an audit log goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// A file, at its end; made again where it was moved away.
    File(PathBuf),
    /// Standard output.
    Stdout,
}

/// An open log.
pub(super) struct File {
    target: Target,
    open: Option<fs::File>,
}

impl File {
    pub(super) fn open(target: Target) -> io::Result<Self> {
        let open = match &target {
            Target::File(path) => Some(open(path)?),
            Target::Stdout => None,
        };
        Ok(Self { target, open })
    }

    /// Writes what comes, until nobody can send any more.
    pub(super) fn write_all(mut self, mut waiting: Waiting, failed: impl Fn()) {
        while let Some((block, lines)) = waiting.block() {
            let mut written = 0;
            while let Err(error) = self.write(&block, &mut written) {
                tracing::error!(%error, "the audit log cannot be written: requests will be refused until it can");
                failed();
                self.open = None;
                #[expect(clippy::disallowed_methods, reason = "this thread does nothing else")]
                sleep(TRY_AGAIN);
            }
            waiting.written(&block, lines);
        }
    }

    /// Writes the rest of a block; `written` counts what went out, so that nothing is written twice.
    fn write(&mut self, block: &[u8], written: &mut usize) -> io::Result<()> {
        while let Some(rest) = block.get(*written..).filter(|rest| !rest.is_empty()) {
            *written += match &self.target {
                Target::Stdout => io::stdout().write(rest)?,
                Target::File(path) => {
                    if self.open.as_ref().is_none_or(|open| was_moved(open, path)) {
                        self.open = Some(open(path)?);
                    }
                    match &mut self.open {
                        Some(file) => file.write(rest)?,
                        None => 0,
                    }
                }
            };
        }
        if self.target == Target::Stdout { io::stdout().flush() } else { Ok(()) }
    }
}

/// Only the gateway's own user may read it. A file that others may read or write is taken from them; where it is not
/// the gateway's own, that fails.
fn open(path: &Path) -> io::Result<fs::File> {
    let file = OpenOptions::new().append(true).create(true).mode(OWN).open(path)?;
    let found = file.metadata()?;
    if found.is_file() && found.mode() & OTHERS != 0 {
        file.set_permissions(fs::Permissions::from_mode(OWN))?;
    }
    Ok(file)
}

/// Whether the path leads elsewhere now, as after a rotation.
fn was_moved(open: &fs::File, path: &Path) -> bool {
    let is_same = |here: fs::Metadata, there: fs::Metadata| here.ino() == there.ino() && here.dev() == there.dev();
    !open.metadata().ok().zip(fs::metadata(path).ok()).is_some_and(|(here, there)| is_same(here, there))
}

const OWN: u32 = 0o600;
const OTHERS: u32 = 0o077;
const TRY_AGAIN: Duration = Duration::from_secs(1);
