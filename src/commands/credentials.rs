//! `client-secret`, `client-password` and `hash-password`: credentials of clients.

use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::{BufRead, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use argon2::Argon2;
use argon2::password_hash::PasswordHasher;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::Trouble;
use crate::server::ntlm;

/// A new secret of 256 bits.
#[must_use]
pub fn new_secret() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

/// SHA-256 of a secret, in hexadecimal.
#[must_use]
pub fn sha256(secret: &str) -> String {
    hex(&Sha256::digest(secret.as_bytes()))
}

/// The NT hash of a password, in hexadecimal; for NTLM as good as the password itself.
#[must_use]
pub fn nt_hash(password: &str) -> String {
    hex(&ntlm::nt_hash(password))
}

/// Prints a new secret, and what to put into the configuration.
///
/// # Errors
/// When nothing can be printed.
pub fn client_secret(out: &mut impl Write) -> Result<(), Trouble> {
    let secret = new_secret();
    writeln!(out, "secret for the client (shown once): {secret}")?;
    writeln!(out, "line for the configuration:         secrets_sha256 = [\"{}\"]", sha256(&secret))?;
    Ok(())
}

/// Prints a new password that works by Basic, for tokens and by NTLM alike, and what to put into the
/// configuration; its NT hash goes to a new file that only its owner can read.
///
/// # Errors
/// When the file is there already or cannot be written; then no password is printed.
pub fn client_password(nt_hash_file: &Path, out: &mut impl Write) -> Result<(), Trouble> {
    let password = new_secret();
    let trouble = |error| format!("{}: {error}", nt_hash_file.display());
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(nt_hash_file).map_err(trouble)?;
    file.write_all(format!("{}\n", nt_hash(&password)).as_bytes()).map_err(trouble)?;
    let path = nt_hash_file.canonicalize().map_err(trouble)?;
    writeln!(out, "password for the client (shown once): {password}")?;
    writeln!(out, "lines for the configuration:          secrets_sha256 = [\"{}\"]", sha256(&password))?;
    writeln!(out, "                                      nt_hashes = [{{ file = {path:?} }}]")?;
    Ok(())
}

/// Reads a password from the first line of `input`, and prints what to put into the configuration.
///
/// # Errors
/// When there is none, or it is short.
pub fn hash_password(input: &mut impl BufRead, out: &mut impl Write) -> Result<(), Trouble> {
    let mut password = String::new();
    input.read_line(&mut password)?;
    let password = password.trim_end_matches(['\r', '\n']);
    if password.chars().count() < SHORTEST_PASSWORD {
        return Err(format!(
            "a password needs at least {SHORTEST_PASSWORD} characters; better let `client-secret` make one"
        )
        .into());
    }
    let hash = Argon2::default().hash_password(password.as_bytes())?;
    writeln!(out, "passwords_argon2id = [\"{hash}\"]")?;
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

const SHORTEST_PASSWORD: usize = 12;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use argon2::password_hash::PasswordVerifier;
    use argon2::password_hash::phc::PasswordHash;

    use super::*;

    #[test]
    fn the_printed_hash_is_the_secrets() {
        let mut out = Vec::new();
        client_secret(&mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let secret = text.lines().next().unwrap().rsplit(' ').next().unwrap();
        assert!(text.contains(&sha256(secret)));
        assert_eq!(sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    #[test]
    fn both_verifiers_are_of_the_password_that_is_printed() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("client.nt");
        let mut out = Vec::new();
        client_password(&file, &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let password = text.lines().next().unwrap().rsplit(' ').next().unwrap();
        assert!(text.contains(&sha256(password)) && text.contains("client.nt"), "{text}");
        assert_eq!(std::fs::read_to_string(&file).unwrap().trim(), nt_hash(password));
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(!text.contains(&nt_hash(password)));
        let mut again = Vec::new();
        assert!(client_password(&file, &mut again).is_err() && again.is_empty(), "a hash in use is not overwritten");
    }

    #[test]
    fn a_password_is_hashed_and_a_short_one_refused() {
        let mut out = Vec::new();
        hash_password(&mut &b"correct horse battery\n"[..], &mut out).unwrap();
        let text = String::from_utf8(out).unwrap();
        let hash = text.split('"').nth(1).unwrap();
        let parsed = PasswordHash::new(hash).unwrap();
        assert!(Argon2::default().verify_password(b"correct horse battery", &parsed).is_ok());
        assert!(hash_password(&mut &b"short\n"[..], &mut Vec::new()).is_err());
    }
}
