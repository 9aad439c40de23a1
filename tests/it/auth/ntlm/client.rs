//! A small NTLM client, written from [MS-NLMP] for these tests alone, over connections that they can tell apart.
//!
//! [MS-NLMP]: https://learn.microsoft.com/en-us/openspecs/windows_protocols/ms-nlmp/

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use md4::Md4;
use md5::{Digest, Md5};
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufStream};
use tokio::net::TcpStream;

use crate::harness::{Gateway, trusting};

/// A connection of HTTP/1.1.
pub(super) struct Connection {
    stream: BufStream<Box<dyn Stream>>,
    /// More header lines for each request.
    pub(super) headers: String,
    pub(super) body: String,
}

pub(super) trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// The header of an answer.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) status: u16,
    lines: Vec<(String, String)>,
}

/// What a client may say of itself besides.
#[derive(Clone, Copy)]
pub(super) struct Login<'a> {
    pub(super) domain: &'a str,
    pub(super) user: &'a str,
    pub(super) password: &'a str,
    pub(super) has_mic: bool,
    pub(super) binding: Option<[u8; 16]>,
}

impl Connection {
    pub(super) async fn open(gateway: &Gateway, body: String) -> Self {
        Self::over(trusting(&gateway.made.authority, &["http/1.1"]), gateway, body).await
    }

    /// With these settings, where the gateway speaks TLS.
    pub(super) async fn over(tls: rustls::ClientConfig, gateway: &Gateway, body: String) -> Self {
        let stream = TcpStream::connect(gateway.app.address()).await.unwrap();
        let stream: Box<dyn Stream> = if gateway.url("").starts_with("https") {
            let connector = tokio_rustls::TlsConnector::from(std::sync::Arc::new(tls));
            Box::new(connector.connect("localhost".try_into().unwrap(), stream).await.unwrap())
        } else {
            Box::new(stream)
        };
        Self { stream: BufStream::new(stream), headers: String::new(), body }
    }

    /// Posts the body; the connection has to outlive the answer.
    pub(super) async fn post(&mut self, authorization: Option<&str>) -> Head {
        let authorization = authorization.map(|value| format!("Authorization: {value}\r\n")).unwrap_or_default();
        let request = format!(
            "POST /EWS/Exchange.asmx HTTP/1.1\r\nHost: localhost\r\nContent-Type: text/xml\r\nContent-Length: {}\r\n{authorization}{}\r\n{}",
            self.body.len(),
            self.headers,
            self.body
        );
        self.stream.write_all(request.as_bytes()).await.unwrap();
        self.stream.flush().await.unwrap();
        let mut lines = Vec::new();
        loop {
            let mut line = String::new();
            assert_ne!(self.stream.read_line(&mut line).await.unwrap(), 0, "the connection was closed");
            if line == "\r\n" {
                break;
            }
            lines.push(line.trim_end().to_owned());
        }
        let status = lines.remove(0).split(' ').nth(1).unwrap().parse().unwrap();
        let pairs = lines.iter().map(|line| line.split_once(": ").unwrap());
        let head = Head { status, lines: pairs.map(|(name, value)| (name.to_lowercase(), value.to_owned())).collect() };
        let length = head.all("content-length")[0].parse().unwrap();
        self.stream.read_exact(&mut vec![0; length]).await.unwrap();
        head
    }

    /// The gateway's challenge.
    pub(super) async fn challenge(&mut self) -> Vec<u8> {
        let head = self.post(Some(&header("NTLM", NEGOTIATE))).await;
        assert_eq!(head.status, 401);
        head.message("NTLM")
    }

    /// A whole handshake, and the status at its end.
    pub(super) async fn log_in(&mut self, login: Login<'_>) -> u16 {
        let challenge = self.challenge().await;
        self.post(Some(&header("NTLM", &login.answer(&challenge)))).await.status
    }
}

impl Head {
    pub(super) fn all(&self, name: &str) -> Vec<&str> {
        self.lines.iter().filter(|(it, _)| it == name).map(|(_, value)| value.as_str()).collect()
    }

    /// The message in the one challenge.
    pub(super) fn message(&self, scheme: &str) -> Vec<u8> {
        let challenges = self.all("www-authenticate");
        assert_eq!(challenges.len(), 1, "{self:?}");
        STANDARD.decode(challenges[0].strip_prefix(scheme).unwrap().trim()).unwrap()
    }
}

impl<'a> Login<'a> {
    pub(super) fn new(user: &'a str, password: &'a str) -> Self {
        let (domain, user) = user.split_once('\\').unwrap_or(("", user));
        Self { domain, user, password, has_mic: true, binding: None }
    }

    /// AUTHENTICATE_MESSAGE for a challenge (§3.1.5.1.2).
    pub(super) fn answer(&self, challenge: &[u8]) -> Vec<u8> {
        let mut info = field(challenge, 40)[..field(challenge, 40).len() - 4].to_vec();
        let time = find(&info, 7).expect("the challenge has a time");
        if self.has_mic {
            info.extend([6, 0, 4, 0, 2, 0, 0, 0]);
        }
        if let Some(binding) = self.binding {
            info.extend([&[10, 0, 16, 0][..], &binding].concat());
        }
        let blob = [&[1, 1, 0, 0, 0, 0, 0, 0][..], &time, &[0x5a; 8], &[0; 4], &info, &[0; 8]].concat();
        let hash: [u8; 16] = Md4::digest(wide(self.password)).into();
        let identity = [wide(&self.user.to_uppercase()), wide(self.domain)].concat();
        let key = mac(&hash, &identity);
        let proof = mac(&key, &[&challenge[24..32], &blob].concat());
        let mut message = self.message(&[&proof[..], &blob].concat());
        if self.has_mic {
            let all = [NEGOTIATE, challenge, &message].concat();
            message[72..88].copy_from_slice(&mac(&mac(&key, &proof), &all));
        }
        message
    }

    /// The message around a response, with zeros for a MIC.
    pub(super) fn message(&self, response: &[u8]) -> Vec<u8> {
        let (domain, user, machine) = (wide(self.domain), wide(self.user), wide("TEST"));
        let mut payload = Vec::new();
        let mut head = b"NTLMSSP\0\x03\0\0\0".to_vec();
        for value in [&[0; 24], response, &domain, &user, &machine, &[]] {
            let length = u16::try_from(value.len()).unwrap().to_le_bytes();
            head.extend([length, length].concat());
            head.extend(u32::try_from(88 + payload.len()).unwrap().to_le_bytes());
            payload.extend(value);
        }
        head.extend(0xa288_8205_u32.to_le_bytes());
        [head, vec![0; 8 + 16], payload].concat()
    }
}

/// `Authorization` with a message.
pub(super) fn header(scheme: &str, message: &[u8]) -> String {
    format!("{scheme} {}", STANDARD.encode(message))
}

/// The channel binding of a certificate whose signature has SHA-256.
pub(super) fn binding(certificate: &[u8]) -> [u8; 16] {
    let hash = sha2::Sha256::digest(certificate);
    let mut data = vec![0; 16];
    data.extend([53, 0, 0, 0]);
    data.extend(b"tls-server-end-point:");
    data.extend(hash);
    Md5::digest(data).into()
}

/// The NT hash of a password, in hexadecimal.
pub(super) fn hash_of(password: &str) -> String {
    Md4::digest(wide(password)).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn field(message: &[u8], at: usize) -> &[u8] {
    let length = usize::from(u16::from_le_bytes([message[at], message[at + 1]]));
    let start = usize::from(u16::from_le_bytes([message[at + 4], message[at + 5]]));
    &message[start..start + length]
}

/// The value of an AV pair.
fn find(mut pairs: &[u8], id: u8) -> Option<Vec<u8>> {
    while pairs.len() >= 4 {
        let (value, rest) = pairs[4..].split_at(usize::from(pairs[2]));
        if pairs[0] == id {
            return Some(value.to_vec());
        }
        pairs = rest;
    }
    None
}

fn wide(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

fn mac(key: &[u8], data: &[u8]) -> [u8; 16] {
    let mut mac = Hmac::<Md5>::new_from_slice(key).unwrap();
    mac.update(data);
    mac.finalize().into_bytes().into()
}

/// NEGOTIATE_MESSAGE with nothing but flags, and no names.
pub(super) const NEGOTIATE: &[u8] = b"NTLMSSP\0\x01\0\0\0\x05\x82\x08\xa2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
