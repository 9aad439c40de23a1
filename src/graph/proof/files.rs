//! Secrets in files.

use std::path::Path;

use secrecy::{ExposeSecret, SecretString};

use crate::tenant::Secret;

/// A secret, wherever it is.
///
/// # Errors
/// A text for the operator.
pub(super) fn read(secret: &Secret) -> Result<SecretString, String> {
    match secret {
        Secret::Kept(secret) => Ok(secret.clone()),
        Secret::File(path) => read_file(path),
    }
}

/// A file's text, without the white space around it.
///
/// # Errors
/// A text for the operator.
pub(super) fn read_file(path: &Path) -> Result<SecretString, String> {
    let text = std::fs::read_to_string(path).map(SecretString::from);
    let text = text.map_err(|error| format!("{}: {error}", path.display()))?;
    match text.expose_secret().trim() {
        "" => Err(format!("{}: is empty", path.display())),
        trimmed => Ok(SecretString::from(trimmed)),
    }
}
