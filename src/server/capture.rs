//! Capture mode: whole exchanges in files, to see what a client really sends and is answered.
//!
//! Owns what is left out of them. Off unless the configuration has it.

use std::fmt::Write as _;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

use axum::body::Body;
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, StatusCode, Uri, header};
use http_body_util::BodyExt;
use tokio::io::AsyncWriteExt;
use uuid::Uuid;

use super::body;
use super::streaming::{NOT_COLLECTED, Streamed};

/// Writes exchanges to files, up to a number of them.
#[derive(Debug)]
pub struct Capture {
    directory: PathBuf,
    addresses: bool,
    left: AtomicUsize,
    /// A body's bytes at most.
    limit: usize,
}

/// A request's address as the client wrote it, where it was changed.
#[derive(Clone, Debug)]
pub(super) struct AsWritten(pub(super) Uri);

impl Capture {
    /// Files go to `directory`, which is made if need be, `files` of them at most, with the first
    /// `limit` bytes of a body; addresses are disguised unless `addresses` is set.
    ///
    /// # Errors
    /// When no file can be written there; the text is for the operator.
    pub fn open(directory: PathBuf, addresses: bool, files: usize, limit: usize) -> io::Result<Self> {
        let trial = directory.join(".trial");
        let tried = DirBuilder::new().recursive(true).mode(0o700).create(&directory);
        tried.and_then(|()| std::fs::write(&trial, "")).and_then(|()| std::fs::remove_file(&trial)).map_err(
            |error| io::Error::new(error.kind(), format!("capture.directory {}: {error}", directory.display())),
        )?;
        Ok(Self { directory, addresses, left: AtomicUsize::new(files), limit })
    }

    /// Writes one exchange in the background.
    fn write(&self, request_id: Uuid, exchange: &str) {
        let text = if self.addresses { exchange.to_owned() } else { disguise(exchange) };
        let path = self.directory.join(format!("{request_id}.txt"));
        tokio::spawn(async move {
            let mut options = tokio::fs::OpenOptions::new();
            let written = async {
                let mut file = options.write(true).create_new(true).mode(0o600).open(&path).await?;
                file.write_all(text.as_bytes()).await?;
                file.flush().await
            };
            if let Err(error) = written.await {
                tracing::warn!(path = %path.display(), %error, "capture: the exchange cannot be written");
            }
        });
    }
}

/// The layer, below compression, so that answers can be read.
pub(super) async fn capture(State(capture): State<Option<Arc<Capture>>>, request: Request, next: Next) -> Response {
    let Some(capture) = capture.filter(|_| !request.uri().path().starts_with("/health-check")) else {
        return next.run(request).await;
    };
    if capture.left.fetch_update(Relaxed, Relaxed, |left| left.checked_sub(1)).is_err() {
        return next.run(request).await;
    }
    let sent = Arc::new(Mutex::new(Vec::new()));
    let (parts, body) = request.into_parts();
    let (copy, limit) = (Arc::clone(&sent), capture.limit);
    // Copied on its way, so that it is read within the same limits as ever.
    let body = Body::new(body.map_frame(move |frame| {
        let mut copy = copy.lock().unwrap_or_else(PoisonError::into_inner);
        let data = frame.data_ref().map_or(&[] as &[u8], |data| data);
        let left = limit.saturating_sub(copy.len());
        copy.extend(data.iter().take(left));
        frame
    }));
    let (answered, answer) = next.run(Request::from_parts(parts.clone(), body)).await.into_parts();
    let goes_on = answered.extensions.get::<Streamed>().is_some();
    let (left, answer) = match goes_on {
        true => (Some(answer), Bytes::from_static(NOT_COLLECTED)),
        false => (None, answer.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default()),
    };
    let sent = Bytes::from(std::mem::take(&mut *sent.lock().unwrap_or_else(PoisonError::into_inner)));
    let request_id = parts.extensions.get::<Uuid>().copied().unwrap_or_else(Uuid::new_v4);
    let mut text = request_text(&parts, sent, limit);
    text.push_str(&response_text(parts.uri.path(), answered.status, &answered.headers, &answer));
    capture.write(request_id, &text);
    Response::from_parts(answered, left.unwrap_or_else(|| Body::from(answer)))
}

fn request_text(parts: &Parts, body: Bytes, limit: usize) -> String {
    let uri = parts.extensions.get::<AsWritten>().map_or(&parts.uri, |AsWritten(uri)| uri);
    let query = uri.query().map(|query| format!("?{}", form(query.as_bytes()))).unwrap_or_default();
    let mut text = format!("{} {}{query} {:?}\n", parts.method, uri.path(), parts.version);
    push_headers(&mut text, &parts.headers);
    let encoding = parts.headers.get(header::CONTENT_ENCODING).and_then(|value| value.to_str().ok());
    let body = body::unpack(body.clone(), encoding, limit).unwrap_or(body);
    let body = if parts.uri.path() == TOKEN { form(&body) } else { String::from_utf8_lossy(&body).into_owned() };
    text + &format!("\n{body}\n\n")
}

fn response_text(path: &str, status: StatusCode, headers: &HeaderMap, body: &[u8]) -> String {
    let mut text = format!("{status}\n");
    push_headers(&mut text, headers);
    let body = if path == TOKEN && status.is_success() { LEFT_OUT.into() } else { String::from_utf8_lossy(body) };
    text + &format!("\n{body}\n")
}

fn push_headers(text: &mut String, headers: &HeaderMap) {
    for (name, value) in headers {
        let secret = name == header::AUTHORIZATION
            || name == header::COOKIE
            || name == header::PROXY_AUTHORIZATION
            || name == header::SET_COOKIE;
        let value = if secret { scheme(value) } else { String::from_utf8_lossy(value.as_bytes()).into_owned() };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "{name}: {value}");
    }
}

/// A form or a query, of which only what is known to be no secret is kept.
fn form(bytes: &[u8]) -> String {
    let pairs = url::form_urlencoded::parse(bytes).map(|(name, value)| {
        if NO_SECRETS.contains(&&*name) {
            format!("{name}: {value}")
        } else if !value.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c)) {
            format!("{name}: {LEFT_OUT}")
        } else {
            LEFT_OUT.to_owned()
        }
    });
    pairs.collect::<Vec<_>>().join("; ")
}

/// The scheme alone of an authorization.
fn scheme(value: &http::HeaderValue) -> String {
    let scheme = value.to_str().ok().and_then(|value| value.split(' ').next()).unwrap_or("?");
    format!("{scheme} {LEFT_OUT}")
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

/// Where secrets are sent.
const TOKEN: &str = "/token";
const LEFT_OUT: &str = "(left out)";
/// What is kept of a form.
const NO_SECRETS: &[&str] = &["grant_type", "client_id", "scope", "resource", "audience"];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    use axum::Router;
    use axum::middleware::from_fn_with_state;
    use axum::routing::{get, post};
    use tower::ServiceExt;

    use super::*;

    /// What is written of one exchange, and its file's mode.
    async fn captured(request: http::request::Builder, body: &'static str) -> Vec<(String, u32)> {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("deep/captures");
        let capture = Some(Arc::new(Capture::open(directory.clone(), false, 10, 100).unwrap()));
        let echo = async |body: Bytes| (StatusCode::UNAUTHORIZED, [("www-authenticate", "Basic")], body);
        let router: Router = Router::new()
            .route("/health-check", get(async || "success"))
            .route("/token", post(async |body: Bytes| body))
            .route("/ews", post(echo))
            .layer(from_fn_with_state(capture, super::capture));
        let sent = router.oneshot(request.body(Body::from(body)).unwrap()).await.unwrap();
        sent.into_body().collect().await.unwrap();
        // The file is written by a task.
        let files = || files(&directory);
        for _ in 0..1000 {
            if !files().is_empty() {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
        files()
    }

    fn files(directory: &Path) -> Vec<(String, u32)> {
        let entries = std::fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
        let read = |path: PathBuf| {
            (std::fs::read_to_string(&path).unwrap(), std::fs::metadata(&path).unwrap().permissions().mode() & 0o777)
        };
        entries.map(read).filter(|(text, _)| !text.is_empty()).collect()
    }

    #[tokio::test]
    async fn refused_requests_are_written_whole_for_the_operator_alone() {
        let written = AsWritten("/EWS?token=abc".parse().unwrap());
        let request = Request::post("/ews").header("authorization", "Basic abc").extension(written);
        let expected = "POST /EWS?token: (left out) HTTP/1.1\nauthorization: Basic (left out)\n\n<a>xx@b</a>\n\n\
            401 Unauthorized\ncontent-type: application/octet-stream\nwww-authenticate: Basic\n\n<a>xx@b</a>\n";
        assert_eq!(captured(request, "<a>me@b</a>").await, [(expected.to_owned(), 0o600)]);
    }

    #[tokio::test]
    async fn secrets_and_tokens_are_left_out() {
        let body = "grant_type=client_credentials&client_id=me%40b&client_secret=hush&{\"secret\":\"hush\"}";
        let [(text, _)] = captured(Request::post("/token"), body).await.try_into().unwrap();
        let form = "grant_type: client_credentials; client_id: xx@b; client_secret: (left out); (left out)";
        assert!(text.contains(form), "{text}");
        assert!(!text.contains("hush"), "{text}");
    }

    #[test]
    fn a_directory_that_cannot_be_used_is_named() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = Capture::open(file.path().to_owned(), false, 1, 1).unwrap_err().to_string();
        assert!(error.contains(&file.path().display().to_string()), "{error}");
    }

    #[test]
    fn addresses_and_authorizations_are_disguised() {
        let text = "<t:Address>alice.o'neil+1@contoso.example</t:Address> bob@x, 3@y";
        assert_eq!(disguise(text), "<t:Address>xxxxx.x'xxxx+x@contoso.example</t:Address> xxx@x, x@y");
        assert_eq!(scheme(&"Basic abc".parse().unwrap()), "Basic (left out)");
        assert_eq!(scheme(&"Bearer a.b.c".parse().unwrap()), "Bearer (left out)");
    }
}
