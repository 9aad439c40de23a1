//! A request's body: read to its end within a size and a time, and unpacked.
//!
//! Owns the limits on bodies. Must not know what they hold.

use std::io::Read;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use flate2::read::GzDecoder;
use http::StatusCode;
use http_body_util::{BodyExt, Limited};

/// Reads a body.
///
/// # Errors
/// The status to answer: 413 for too long, 408 for too slow, 400 for cut off.
pub(super) async fn read(body: Body, limit: usize, timeout: Duration) -> Result<Bytes, StatusCode> {
    match tokio::time::timeout(timeout, Limited::new(body, limit).collect()).await {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => Err(StatusCode::PAYLOAD_TOO_LARGE),
        Ok(Err(_)) => Err(StatusCode::BAD_REQUEST),
        Err(_) => Err(StatusCode::REQUEST_TIMEOUT),
    }
}

/// Reads a body and keeps nothing of it, within the same size and time.
pub(super) async fn discard(body: Body, limit: usize, timeout: Duration) {
    let mut body = Limited::new(body, limit);
    let end = async { while let Some(Ok(_)) = body.frame().await {} };
    // Whoever is too slow has the connection closed.
    let _ = tokio::time::timeout(timeout, end).await;
}

/// Why a body cannot be unpacked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Packed {
    /// Damaged, or cut off.
    Broken,
    /// Longer than the limit once unpacked.
    TooLong,
    /// Packed in a way that was not offered.
    Unknown,
}

/// Unpacks a body by its `Content-Encoding`.
pub(super) fn unpack(body: Bytes, encoding: Option<&str>, limit: usize) -> Result<Bytes, Packed> {
    match encoding.map(str::trim) {
        None | Some("" | "identity") => Ok(body),
        Some(gzip) if gzip.eq_ignore_ascii_case("gzip") || gzip.eq_ignore_ascii_case("x-gzip") => {
            let mut unpacked = Vec::with_capacity(body.len().saturating_mul(4).min(limit));
            let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
            GzDecoder::new(&*body).take(most).read_to_end(&mut unpacked).map_err(|_| Packed::Broken)?;
            if unpacked.len() > limit { Err(Packed::TooLong) } else { Ok(unpacked.into()) }
        }
        Some(_) => Err(Packed::Unknown),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn gzip(bytes: &[u8]) -> Bytes {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap().into()
    }

    #[test]
    fn gzip_is_unpacked_up_to_the_limit() {
        assert_eq!(unpack(gzip(b"hello"), Some("GZIP"), 5), Ok(Bytes::from_static(b"hello")));
        assert_eq!(unpack(gzip(b"hello!"), Some("gzip"), 5), Err(Packed::TooLong));
        assert_eq!(unpack(gzip(&vec![0; 50_000_000]), Some("gzip"), 1000), Err(Packed::TooLong));
        let whole = gzip(b"hello hello hello");
        assert_eq!(unpack(whole.slice(..whole.len() - 9), Some("gzip"), 100), Err(Packed::Broken));
        assert_eq!(unpack(Bytes::from_static(b"plain"), Some("gzip"), 100), Err(Packed::Broken));
        assert_eq!(unpack(whole, Some("br"), 100), Err(Packed::Unknown));
        assert_eq!(unpack(Bytes::from_static(b"x"), None, 1), Ok(Bytes::from_static(b"x")));
    }
}
