//! The load generator: keep-alive HTTP/1.1 over TLS 1.3, requests written as they were rendered.
//!
//! Owns connections, and closed and open loops. Must not know what is asked.

use std::error::Error;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures::future::try_join_all;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;

/// Where and how to connect.
#[derive(Clone)]
pub(crate) struct Target {
    address: SocketAddr,
    /// None for plain HTTP.
    tls: Option<TlsConnector>,
}

/// An open connection.
pub(crate) struct Connection {
    stream: Box<dyn Stream>,
    buffer: Vec<u8>,
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Stream for S {}

/// How to trust the servers' authority: TLS 1.3 alone.
pub(crate) fn connector(authority: &Path) -> Result<TlsConnector, Box<dyn Error>> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority)?)?;
    let config = ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS13])?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

impl Target {
    pub(crate) fn tls(address: SocketAddr, connector: &TlsConnector) -> Self {
        Self { address, tls: Some(connector.clone()) }
    }

    pub(crate) fn plain(address: SocketAddr) -> Self {
        Self { address, tls: None }
    }

    /// Opens a connection.
    pub(crate) async fn connect(&self) -> io::Result<Connection> {
        let stream = TcpStream::connect(self.address).await?;
        stream.set_nodelay(true)?;
        let stream: Box<dyn Stream> = match &self.tls {
            None => Box::new(stream),
            Some(tls) => Box::new(tls.connect(ServerName::from(self.address.ip()), stream).await?),
        };
        Ok(Connection { stream, buffer: Vec::with_capacity(64 << 10) })
    }

    /// Opens several connections.
    pub(crate) async fn connect_many(&self, count: usize) -> io::Result<Vec<Connection>> {
        try_join_all((0..count).map(|_| self.connect())).await
    }

    /// Sends requests at a fixed rate, whether or not earlier ones are answered, and measures how
    /// long each takes.
    pub(crate) async fn open_loop(
        &self,
        per_second: u32,
        requests: impl Iterator<Item = Vec<u8>>,
    ) -> Result<Vec<Duration>, Box<dyn Error>> {
        let idle = Arc::new(Mutex::new(self.connect_many(OPEN_AT_FIRST).await?));
        let mut ticks = tokio::time::interval(Duration::from_secs(1) / per_second);
        let mut asked = JoinSet::new();
        for request in requests {
            ticks.tick().await;
            let (idle, target) = (Arc::clone(&idle), self.clone());
            asked.spawn(async move {
                let waiting = lock(&idle).pop();
                let mut connection = match waiting {
                    Some(connection) => connection,
                    None => target.connect().await?,
                };
                let begun = Instant::now();
                connection.ask(&request).await?;
                let took = begun.elapsed();
                lock(&idle).push(connection);
                io::Result::Ok(took)
            });
        }
        let mut times = Vec::new();
        while let Some(took) = asked.join_next().await {
            times.push(took??);
        }
        Ok(times)
    }
}

impl Connection {
    /// Sends a request and reads the answer, which must be a success of known length. Gives its body.
    pub(crate) async fn ask(&mut self, request: &[u8]) -> io::Result<&[u8]> {
        self.stream.write_all(request).await?;
        self.stream.flush().await?;
        self.buffer.clear();
        let (head, length) = loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Some(found) = head(&self.buffer)? {
                break found;
            }
        };
        let whole = head + length;
        while self.buffer.len() < whole {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
        Ok(self.buffer.get(head..whole).unwrap_or_default())
    }
}

/// Sends the same request over each connection, again as soon as it is answered, for some time.
/// Gives the number of answers.
pub(crate) async fn closed_loop(connections: &mut [Connection], request: &[u8], time: Duration) -> io::Result<u64> {
    let until = Instant::now() + time;
    let counts = try_join_all(connections.iter_mut().map(async |connection| {
        let mut count = 0;
        while Instant::now() < until {
            connection.ask(request).await?;
            count += 1;
        }
        io::Result::Ok(count)
    }));
    Ok(counts.await?.into_iter().sum())
}

/// The lengths of a head, once it is there whole, and of the body that follows it.
fn head(bytes: &[u8]) -> io::Result<Option<(usize, usize)>> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else { return Ok(None) };
    let text = String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).to_ascii_lowercase();
    let bad = |what: &str| io::Error::new(io::ErrorKind::InvalidData, format!("{what}: {text}"));
    if !text.starts_with("http/1.1 200 ") {
        return Err(bad("not answered"));
    }
    let length = text.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    Ok(Some((end + 4, length.ok_or_else(|| bad("no content-length"))?)))
}

fn lock(idle: &Mutex<Vec<Connection>>) -> std::sync::MutexGuard<'_, Vec<Connection>> {
    idle.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Enough for Graph's latency at the rates that are measured.
const OPEN_AT_FIRST: usize = 64;
