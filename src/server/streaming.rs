//! Answers that go on: how they differ from others on their way out.
//!
//! Owns the mark on such a response, what keeps its connection from being taken for an idle one, and
//! how long a connection may take nothing of what is written to it. Must not know what is answered.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use http::{Extensions, HeaderMap, StatusCode, Version};
use hyper::body::Frame;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// Marks a response whose body goes on for minutes, piece by piece: neither to be packed nor
/// collected.
#[derive(Clone, Copy, Debug)]
pub(super) struct Streamed;

/// Whether a response may be packed: pieces must leave as they are, at once.
pub(super) fn may_be_packed(_: StatusCode, _: Version, _: &HeaderMap, extensions: &Extensions) -> bool {
    extensions.get::<Streamed>().is_none()
}

/// A body that keeps something until it has ended.
pub(super) fn keeping<T: Send + Unpin + 'static>(body: Body, kept: T) -> Body {
    Body::new(Keeping { body, kept: Some(kept) })
}

struct Keeping<T> {
    body: Body,
    kept: Option<T>,
}

impl<T: Send + Unpin + 'static> HttpBody for Keeping<T> {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(context);
        if let Poll::Ready(None | Some(Err(_))) = frame {
            self.kept = None;
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        self.body.size_hint()
    }
}

/// A connection that breaks when its other end takes nothing for too long. Without that, a client
/// that reads no more would hold its place for as long as it likes.
#[derive(Debug)]
pub(super) struct Patient<S> {
    stream: S,
    patience: Duration,
    /// Runs while something waits to be written.
    until: Option<Pin<Box<Sleep>>>,
}

impl<S> Patient<S> {
    pub(super) fn new(stream: S, patience: Duration) -> Self {
        Self { stream, patience, until: None }
    }

    fn hold<T>(&mut self, context: &mut Context<'_>, polled: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.until = None;
            return polled;
        }
        let patience = self.patience;
        let until = self.until.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + patience)));
        match until.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Patient<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Patient<S> {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(context, buffer);
        self.hold(context, polled)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(context, buffers);
        self.hold(context, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

/// What stands for such a body where exchanges are written down.
pub(super) const NOT_COLLECTED: &[u8] = b"(a stream)";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use std::sync::Arc;

    use http_body_util::BodyExt;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn who_takes_nothing_is_cut_off_and_who_takes_little_is_not() {
        let (here, mut there) = tokio::io::duplex(10);
        let mut stream = Patient::new(here, Duration::from_secs(60));
        let slow = tokio::spawn(async move {
            let mut taken = [0; 10];
            for _ in 0..5 {
                tokio::time::sleep(Duration::from_secs(50)).await;
                there.read_exact(&mut taken).await.unwrap();
            }
            there
        });
        stream.write_all(&[1; 60]).await.unwrap();
        let _there = slow.await.unwrap();
        let begun = Instant::now();
        let error = stream.write_all(&[1; 20]).await.unwrap_err();
        assert_eq!((error.kind(), begun.elapsed().as_secs()), (io::ErrorKind::TimedOut, 60));
    }

    #[tokio::test]
    async fn what_a_body_keeps_is_let_go_at_its_end() {
        let kept = Arc::new(());
        let mut body = keeping(Body::from("text"), Arc::clone(&kept));
        assert_eq!(body.frame().await.unwrap().unwrap().into_data().unwrap(), "text");
        assert_eq!(Arc::strong_count(&kept), 2);
        assert!(body.frame().await.is_none());
        assert_eq!(Arc::strong_count(&kept), 1);
    }
}
