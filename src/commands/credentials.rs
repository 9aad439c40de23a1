//! `client-secret` and `hash-password`: credentials of clients.

use std::fmt::Write as _;
use std::io::{BufRead, Write};

use argon2::Argon2;
use argon2::password_hash::PasswordHasher;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};

use super::Trouble;

/// A new secret of 256 bits.
#[must_use]
pub fn new_secret() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 32]>())
}

/// SHA-256 of a secret, in hexadecimal.
#[must_use]
pub fn sha256(secret: &str) -> String {
    Sha256::digest(secret.as_bytes()).iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
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
