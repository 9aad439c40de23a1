//! What the command line's roles do.
//!
//! Each returns what to tell the operator when it fails; `main.rs` only prints that.

pub mod certificate;
pub mod check;
pub mod credentials;
pub mod demo;
pub mod lookup;
pub mod outbox;
mod placeholder;
pub mod policy;
pub mod serve;
pub mod setup;
pub mod simulate;
mod table;

use std::fmt;
use std::path::Path;
use std::process::ExitCode;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::config::Config;

/// What a role that answers a question ends with: its exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Ending {
    /// Nothing failed; it is allowed.
    Well = 0,
    /// Something failed; it is not allowed.
    No = 1,
    /// There is no answer: the question is wrong, or what decides was not to be had.
    Trouble = 2,
    /// There are warnings and nothing failed; told where that was asked for.
    Warned = 3,
}

impl From<Ending> for ExitCode {
    fn from(ending: Ending) -> Self {
        Self::from(ending as u8)
    }
}

/// Why a role ended without doing its work: a text for the operator.
#[derive(Debug)]
pub struct Trouble(String);

impl<E: fmt::Display> From<E> for Trouble {
    fn from(error: E) -> Self {
        Self(error.to_string())
    }
}

impl Trouble {
    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }
}

/// Reads and checks a configuration file.
pub(crate) fn load(path: &Path) -> Result<Config, Trouble> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    Config::parse(&text, folder, &variable)
        .map_err(|problems| Trouble(format!("{} has mistakes:\n{problems}", path.display())))
}

#[expect(clippy::disallowed_methods, reason = "secrets may be in the environment; only commands read it")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// Hears what the process is told. To be had before anything says that the role is ready: until then
/// a signal ends the process at once.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hang_up: Signal,
}

impl Signals {
    /// Hears from now on.
    ///
    /// # Errors
    /// If the system does not let it.
    pub(crate) fn new() -> std::io::Result<Self> {
        let (terminate, interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
        Ok(Self { terminate, interrupt, hang_up: signal(SignalKind::hangup())? })
    }

    /// Waits until the process is told to end, or was meanwhile; reads certificates again on SIGHUP.
    pub(crate) async fn until_told(mut self, reload: impl Fn()) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hang_up.recv() => reload(),
            }
        }
    }
}
