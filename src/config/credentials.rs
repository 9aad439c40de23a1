//! What the `[[tenants.credentials]]` mean.

use std::path::Path;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use toml::Spanned;
use url::Url;

use super::Reader;
use super::raw;
use super::values::SecretReference;
use crate::tenant::{Certificate, Credential, Proof, Secret};

impl Reader<'_> {
    pub(super) fn credential(&mut self, raw: Spanned<raw::Credential>) -> Credential {
        let proof = self.proof(&raw);
        let raw = raw.into_inner();
        let capabilities = self.capabilities(&raw.capabilities, "tenants.credentials.capabilities");
        let secret_expires = raw.secret_expires.and_then(|day| self.day(&day, "tenants.credentials.secret_expires"));
        let raw::Credential { client_id, rbac_scoped, mail_tips, all_addresses, .. } = raw;
        if *mail_tips.get_ref() && rbac_scoped {
            let remedy = "Exchange has no role for mail tips: use an application with MailTips.ReadBasic.All for them";
            self.problems.add(&mail_tips, "tenants.credentials.mail_tips", remedy);
        }
        let mail_tips = mail_tips.into_inner();
        Credential { client_id, proof, secret_expires, capabilities, rbac_scoped, mail_tips, all_addresses }
    }

    fn proof(&mut self, raw: &Spanned<raw::Credential>) -> Proof {
        let it = raw.get_ref();
        let ways =
            [it.secret.is_some(), !it.certificates.is_empty(), it.federated_token_file.is_some(), it.managed_identity];
        if ways.into_iter().filter(|way| *way).count() != 1 {
            let remedy = "needs exactly one of secret, certificates, federated_token_file and managed_identity = true";
            self.problems.add(raw, "tenants.credentials", remedy);
        }
        if let Some(path) = &it.federated_token_file {
            self.readable(path, path.get_ref(), "tenants.credentials.federated_token_file");
            return Proof::FederatedToken(self.folder.join(path.get_ref()));
        }
        if it.managed_identity {
            let default = || Url::parse(MACHINE).unwrap_or_else(|_| unreachable!("a constant URL"));
            let endpoint = it.managed_identity_url.as_ref();
            let endpoint = endpoint.and_then(|url| self.url(url, "tenants.credentials.managed_identity_url"));
            return Proof::ManagedIdentity { endpoint: endpoint.unwrap_or_else(default) };
        }
        if let Some(secret) = &it.secret {
            return Proof::Secret(self.kept_or_file(secret, "tenants.credentials.secret"));
        }
        Proof::Certificates(it.certificates.iter().filter_map(|certificate| self.certificate(certificate)).collect())
    }

    fn certificate(&mut self, raw: &Spanned<raw::Certificate>) -> Option<Certificate> {
        const KEY: &str = "tenants.credentials.certificates";
        match raw.get_ref() {
            raw::Certificate {
                certificate: Some(certificate),
                private_key: Some(private_key),
                pkcs12: None,
                password: None,
            } => {
                self.readable(raw, certificate, KEY);
                self.readable(raw, private_key, KEY);
                let (certificate, private_key) = (self.folder.join(certificate), self.folder.join(private_key));
                Some(Certificate::Pem { certificate, private_key })
            }
            raw::Certificate { certificate: None, private_key: None, pkcs12: Some(path), password: Some(password) } => {
                self.readable(raw, path, KEY);
                let password = self.kept_or_file(password, "tenants.credentials.certificates.password");
                Some(Certificate::Pkcs12 { path: self.folder.join(path), password })
            }
            _ => {
                let remedy = "is { certificate = PEM, private_key = PEM } or { pkcs12 = FILE, password = SECRET }";
                self.problems.add(raw, KEY, remedy);
                None
            }
        }
    }

    /// A secret that is checked now; one in a file is read again each time that it is needed.
    fn kept_or_file(&mut self, reference: &Spanned<SecretReference>, key: &str) -> Secret {
        let now = self.secret(reference, key);
        match reference.get_ref() {
            SecretReference::Env(_) => Secret::Kept(now),
            SecretReference::File(path) => Secret::File(self.folder.join(path)),
        }
    }

    /// Notes a file that cannot be read.
    pub(super) fn readable<T>(&mut self, at: &Spanned<T>, path: &Path, key: &str) {
        let path = self.folder.join(path);
        if let Err(error) = std::fs::File::open(&path) {
            self.problems.add(at, key, &format!("{} cannot be read: {error}", path.display()));
        }
    }

    /// The first instant of a day of UTC.
    fn day(&mut self, text: &Spanned<String>, key: &str) -> Option<Timestamp> {
        let day = text.get_ref().parse::<Date>().ok().and_then(|day| day.to_zoned(TimeZone::UTC).ok());
        if day.is_none() {
            self.problems.add(text, key, "is no date; write \"2027-05-01\"");
        }
        day.map(|day| day.timestamp())
    }
}

/// Where a machine in Azure tells of its identity.
const MACHINE: &str = "http://169.254.169.254/";
