//! Capture mode: whole SOAP exchanges in files, to see what a client really sends.
//!
//! Owns what is left out of them. Off unless the configuration has it.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use http::{HeaderMap, header};
use uuid::Uuid;

/// Writes exchanges to files, up to a number of them.
#[derive(Debug)]
pub struct Capture {
    directory: PathBuf,
    addresses: bool,
    left: AtomicUsize,
}

impl Capture {
    /// Files go to `directory`, `files` of them at most; addresses are disguised unless
    /// `addresses` is set.
    #[must_use]
    pub fn new(directory: PathBuf, addresses: bool, files: usize) -> Self {
        Self { directory, addresses, left: AtomicUsize::new(files) }
    }

    /// Writes one exchange in the background.
    pub(super) fn write(&self, request_id: Uuid, headers: &HeaderMap, request: &[u8], response: &str) {
        if self.left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_err() {
            return;
        }
        let mut text = String::new();
        for (name, value) in headers {
            let secret = name == header::AUTHORIZATION || name == header::COOKIE || name == header::PROXY_AUTHORIZATION;
            let value = if secret { scheme(value) } else { String::from_utf8_lossy(value.as_bytes()).into_owned() };
            text.push_str(&format!("{name}: {value}\n"));
        }
        text.push_str(&format!("\n{}\n\n{response}\n", String::from_utf8_lossy(request)));
        let text = if self.addresses { text } else { disguise(&text) };
        let directory = self.directory.clone();
        let path = directory.join(format!("{request_id}.txt"));
        tokio::spawn(async move {
            let made = tokio::fs::create_dir_all(&directory).await;
            let written = match made {
                Ok(()) => tokio::fs::write(&path, text).await,
                Err(error) => Err(error),
            };
            if let Err(error) = written {
                tracing::warn!(path = %path.display(), %error, "capture: the exchange cannot be written");
            }
        });
    }
}

/// The scheme alone of an authorization.
fn scheme(value: &http::HeaderValue) -> String {
    let scheme = value.to_str().ok().and_then(|value| value.split(' ').next()).unwrap_or("?");
    format!("{scheme} (left out)")
}

/// Puts `x` for each letter and digit of what stands before an `@`.
fn disguise(text: &str) -> String {
    let mut disguised = String::with_capacity(text.len());
    let mut word = String::new();
    for character in text.chars() {
        match character {
            '@' => disguised.extend(word.drain(..).map(|c| if c.is_alphanumeric() { 'x' } else { c }).chain(['@'])),
            c if c.is_alphanumeric() || "!#$%'*+-./=?^_`{|}~".contains(c) => word.push(c),
            c => {
                disguised.push_str(&word);
                word.clear();
                disguised.push(c);
            }
        }
    }
    disguised + &word
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn addresses_and_authorizations_are_disguised() {
        let text = "<t:Address>alice.o'neil+1@contoso.example</t:Address> bob@x, 3@y";
        assert_eq!(disguise(text), "<t:Address>xxxxx.x'xxxx+x@contoso.example</t:Address> xxx@x, x@y");
        assert_eq!(scheme(&"Basic abc".parse().unwrap()), "Basic (left out)");
        assert_eq!(scheme(&"Bearer a.b.c".parse().unwrap()), "Bearer (left out)");
    }
}
