//! TLS 1.2 and 1.3, and certificates that are read again when they change.
//!
//! Owns certificate files, the authorities of clients' certificates among them. Must not know what is served, nor which
//! client a certificate is of.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::danger::ClientCertVerifier;
use rustls::server::{NoServerSessionStorage, ProducesTickets, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{InconsistentKeys, RootCertStore, ServerConfig};
use tokio_util::sync::CancellationToken;

use super::ntlm::Binding;

/// A certificate chain and its key, in PEM files.
#[derive(Clone, Debug)]
pub struct CertificateFiles {
    /// The chain, the server's own certificate first.
    pub certificate: PathBuf,
    /// The key.
    pub private_key: PathBuf,
    /// The authorities that sign clients' certificates; without them no client is asked for one.
    pub client_ca: Option<PathBuf>,
}

/// Certificate files, and what was last read from them.
#[derive(Debug)]
pub struct Certificates {
    files: CertificateFiles,
    current: ArcSwap<Current>,
    /// Held while the files are read again.
    reading: Mutex<()>,
    ticketer: Arc<dyn ProducesTickets>,
    /// Of the certificates so far, the newest first: clients that resume a session know an older one.
    bindings: ArcSwap<Vec<Binding>>,
}

/// What was last read.
#[derive(Debug)]
struct Current {
    config: Arc<ServerConfig>,
    /// The authorities of clients' certificates.
    authorities: Vec<CertificateDer<'static>>,
    /// Cancelled when other authorities are read: what was verified with these counts no more.
    outdated: CancellationToken,
}

/// Why certificate files cannot be used.
#[derive(Debug)]
pub struct BadCertificate(String);

impl CertificateFiles {
    /// Reads them.
    ///
    /// # Errors
    /// When one cannot be read, or the key is not the certificate's.
    pub fn read(&self) -> Result<CertifiedKey, BadCertificate> {
        let bad = |path: &PathBuf, what: &dyn fmt::Display| BadCertificate(format!("{}: {what}", path.display()));
        let chain: Vec<_> = CertificateDer::pem_file_iter(&self.certificate)
            .and_then(Iterator::collect)
            .map_err(|error| bad(&self.certificate, &error))?;
        if chain.is_empty() {
            return Err(bad(&self.certificate, &"there is no certificate in the file"));
        }
        let key = PrivateKeyDer::from_pem_file(&self.private_key).map_err(|error| bad(&self.private_key, &error))?;
        let key = ring::sign::any_supported_type(&key).map_err(|error| bad(&self.private_key, &error))?;
        let pair = CertifiedKey::new(chain, key);
        match pair.keys_match() {
            Ok(()) | Err(rustls::Error::InconsistentKeys(InconsistentKeys::Unknown)) => Ok(pair),
            Err(_) => Err(bad(&self.private_key, &format!("is not the key of {}", self.certificate.display()))),
        }
    }

    /// What clients' certificates are verified with, and the authorities in it, in an order of their own. Who shows none
    /// is served; who shows a wrong one is not.
    fn verifier(&self) -> Result<Option<Verifier>, BadCertificate> {
        let Some(path) = &self.client_ca else { return Ok(None) };
        let bad = |what: &dyn fmt::Display| BadCertificate(format!("{}: {what}", path.display()));
        let (mut roots, mut authorities) = (RootCertStore::empty(), Vec::new());
        for authority in CertificateDer::pem_file_iter(path).map_err(|error| bad(&error))? {
            let authority = authority.map_err(|error| bad(&error))?;
            roots.add(authority.clone()).map_err(|error| bad(&error))?;
            authorities.push(authority);
        }
        authorities.sort_unstable_by(|one, other| one.as_ref().cmp(other.as_ref()));
        authorities.dedup();
        let provider = Arc::new(ring::default_provider());
        let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).allow_unauthenticated();
        builder.build().map(|verifier| Some((verifier, authorities))).map_err(|error| bad(&error))
    }

    fn changed(&self) -> Vec<Option<SystemTime>> {
        let paths = [&self.certificate, &self.private_key].into_iter().chain(&self.client_ca);
        paths.map(|path| std::fs::metadata(path).and_then(|data| data.modified()).ok()).collect()
    }
}

impl Certificates {
    /// Reads the files.
    ///
    /// # Errors
    /// As [`CertificateFiles::read`].
    pub fn new(files: CertificateFiles) -> Result<Arc<Self>, BadCertificate> {
        let ticketer = ring::Ticketer::new().map_err(|error| BadCertificate(error.to_string()))?;
        let (current, binding) = load(&files, &ticketer)?;
        let bindings = ArcSwap::from_pointee(binding.into_iter().collect());
        Ok(Arc::new(Self {
            files,
            current: ArcSwap::from_pointee(current),
            reading: Mutex::default(),
            ticketer,
            bindings,
        }))
    }

    /// Reads the files again; what was read before stays if they cannot be used. Open connections
    /// are not touched, but for those over which a certificate was shown, if the authorities have changed.
    pub fn reload(&self) {
        let _one = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        match load(&self.files, &self.ticketer) {
            Ok((mut new, binding)) => {
                let older = self.bindings.load();
                let bindings = binding.into_iter().chain(older.iter().copied()).take(MOST_BINDINGS);
                self.bindings.store(Arc::new(bindings.collect()));
                let old = self.current.load();
                let is_same = new.authorities == old.authorities;
                if is_same {
                    new.outdated = old.outdated.clone();
                }
                let old = self.current.swap(Arc::new(new));
                if !is_same {
                    old.outdated.cancel();
                }
                tracing::info!(certificate = %self.files.certificate.display(), "certificate read");
            }
            Err(error) => {
                tracing::error!(%error, "the new certificate cannot be used; the old one stays: mend the files")
            }
        }
    }

    /// Whether this is the channel binding of one of the certificates.
    pub(super) fn are_bound_by(&self, binding: &[u8; 16]) -> bool {
        self.bindings.load().iter().any(|ours| ours.0 == *binding)
    }

    /// Reads the files again whenever they have changed.
    pub async fn watch(self: Arc<Self>, end: CancellationToken) {
        let mut last = self.files.changed();
        while end.run_until_cancelled(tokio::time::sleep(LOOK_AGAIN)).await.is_some() {
            let now = self.files.changed();
            if now != last {
                last = now;
                self.reload();
            }
        }
    }

    /// The TLS configuration of a server, as the files were last read.
    #[must_use]
    pub fn server_config(&self) -> Arc<ServerConfig> {
        Arc::clone(&self.current.load().config)
    }

    /// The same, with what is cancelled when the certificates that clients show under it count no more.
    pub(super) fn current(&self) -> (Arc<ServerConfig>, CancellationToken) {
        let current = self.current.load();
        (Arc::clone(&current.config), current.outdated.clone())
    }
}

type Verifier = (Arc<dyn ClientCertVerifier>, Vec<CertificateDer<'static>>);

impl fmt::Display for BadCertificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for BadCertificate {}

fn load(
    files: &CertificateFiles,
    ticketer: &Arc<dyn ProducesTickets>,
) -> Result<(Current, Option<Binding>), BadCertificate> {
    let (pair, verifier) = (files.read()?, files.verifier()?);
    let binding = binding(&pair);
    let builder = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| BadCertificate(error.to_string()))?;
    let resumes = verifier.is_none();
    let (builder, authorities) = match verifier {
        Some((verifier, authorities)) => (builder.with_client_cert_verifier(verifier), authorities),
        None => (builder.with_no_client_auth(), Vec::new()),
    };
    let mut config = builder.with_cert_resolver(Arc::new(SingleCertAndKey::from(pair)));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    if resumes {
        config.ticketer = Arc::clone(ticketer);
    } else {
        // A resumed session would bring its certificate along unverified, though it has ended or its authority is gone.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
    }
    Ok((Current { config: Arc::new(config), authorities, outdated: CancellationToken::new() }, binding))
}

fn binding(pair: &CertifiedKey) -> Option<Binding> {
    pair.cert.first().map(|certificate| Binding::of(certificate))
}

/// Certificates are renewed days before the older ones end.
const MOST_BINDINGS: usize = 4;
/// How often the files' times are looked at.
const LOOK_AGAIN: Duration = Duration::from_secs(10);
