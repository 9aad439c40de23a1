//! Acknowledging at once what arrives in pieces.
//!
//! Several SOAP libraries write a request's head and body separately with Nagle's algorithm on:
//! their body waits for our acknowledgement of the head, which the kernel holds back for 40 ms.
//! Must not know what is read.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// A connection that acknowledges at once whenever more is waited for.
#[derive(Debug)]
pub(super) struct QuickAck {
    stream: TcpStream,
    /// Something was read since the last acknowledgement was asked for.
    owes: bool,
}

impl QuickAck {
    pub(super) fn new(stream: TcpStream) -> Self {
        Self { stream, owes: false }
    }
}

impl AsyncRead for QuickAck {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_read(context, buffer);
        if polled.is_pending() && std::mem::take(&mut self.owes) {
            // A system without the option is only slower.
            #[cfg(target_os = "linux")]
            let _ = self.stream.set_quickack(true);
        }
        ready!(polled)?;
        self.owes = true;
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for QuickAck {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, buffer: &[u8]) -> Poll<io::Result<usize>> {
        // What is written carries the acknowledgement.
        self.owes = false;
        Pin::new(&mut self.stream).poll_write(context, buffer)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.owes = false;
        Pin::new(&mut self.stream).poll_write_vectored(context, buffers)
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
