//! Certificates for demonstrations and tests: an authority of the moment, and a server's
//! certificate from it.

use std::io;
use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose,
};

use crate::server::tls::CertificateFiles;

/// Where the files are; they are removed when this is dropped.
#[derive(Debug)]
pub struct Made {
    /// The authority, for clients.
    pub authority: PathBuf,
    /// The server's chain and key.
    pub files: CertificateFiles,
}

/// Makes both for localhost, its addresses and `names`, and writes them to `folder`, their names
/// beginning with `prefix`.
///
/// # Errors
/// When a name is none, or a file cannot be written.
pub fn make(folder: &Path, prefix: &str, names: &[String]) -> io::Result<Made> {
    let path = |name: &str| folder.join(format!("{prefix}-{name}.pem"));
    let made = Made {
        authority: path("ca"),
        files: CertificateFiles { certificate: path("chain"), private_key: path("key"), client_ca: None },
    };
    let (authority, chain, key) = pems(names).map_err(io::Error::other)?;
    std::fs::create_dir_all(folder)?;
    std::fs::write(&made.authority, authority)?;
    std::fs::write(&made.files.certificate, chain)?;
    write_private(&made.files.private_key, &key)?;
    Ok(made)
}

fn pems(names: &[String]) -> Result<(String, String, String), rcgen::Error> {
    let mut authority = CertificateParams::default();
    authority.distinguished_name.push(DnType::CommonName, "calendar-relay demonstration authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    authority.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let authority_key = KeyPair::generate()?;
    let authority_certificate = authority.self_signed(&authority_key)?;
    let issuer = Issuer::new(authority, authority_key);

    let own = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let mut server = CertificateParams::new(own.into_iter().chain(names.iter().cloned()).collect::<Vec<_>>())?;
    server.distinguished_name.push(DnType::CommonName, "localhost");
    server.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    server.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    server.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    let certificate = server.signed_by(&key, &issuer)?;
    let authority = authority_certificate.pem();
    Ok((authority.clone(), certificate.pem() + &authority, key.serialize_pem()))
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    use std::io::Write;
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())
}

impl Drop for Made {
    fn drop(&mut self) {
        for path in [&self.authority, &self.files.certificate, &self.files.private_key] {
            // What is gone already need not be removed.
            let _ = std::fs::remove_file(path);
        }
    }
}
