//! What `setup` writes where an operator is to write something, and how `check` knows it again.
//!
//! Owns these texts alone.

/// Stands for the id of an application that is still to be registered.
pub(super) const ID: &str = "00000000-0000-0000-0000-000000000000";

/// Stands for an application's client secret.
pub(super) fn secret(application: &str) -> String {
    format!("{BEGIN}{application}{END}")
}

/// Whether a text stands for a client secret.
pub(super) fn is_secret(text: &str) -> bool {
    text.trim().starts_with(BEGIN) && text.trim().ends_with(END)
}

const BEGIN: &str = "(the client secret of ";
const END: &str = " goes here)";
