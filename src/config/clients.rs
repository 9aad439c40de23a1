//! What the `[[clients]]` mean.

use std::sync::Arc;

use argon2::password_hash::phc::PasswordHash;
use secrecy::{ExposeSecret, SecretBox};
use toml::Spanned;

use super::policies::directories;
use super::values::SecretReference;
use super::{Reader, raw};
use crate::calendar::Mailbox;
use crate::client::{CertificateName, Client, DenyList, Policy};
use crate::tenant::Tenant;

impl Reader<'_> {
    pub(super) fn clients(&mut self, raw: Vec<Spanned<raw::Client>>, tenants: &[Tenant]) -> Vec<Client> {
        self.directories = directories(tenants);
        let mut names = raw::Seen::new();
        raw.into_iter()
            .map(|client| {
                for name in std::iter::once(&client.get_ref().id).chain(&client.get_ref().users) {
                    self.problems.unique(&mut names, name, &client, "clients.id and clients.users");
                }
                if let Some(name) = client.get_ref().certificate_names.first().filter(|_| !self.has_client_ca) {
                    let remedy = "needs server.client_ca: the authorities that sign clients' certificates";
                    self.problems.add(name, "clients.certificate_names", remedy);
                }
                self.client(client, tenants)
            })
            .collect()
    }

    fn client(&mut self, raw: Spanned<raw::Client>, tenants: &[Tenant]) -> Client {
        let client = raw.get_ref();
        if client.secrets_sha256.is_empty() && client.passwords_argon2id.is_empty() && client.nt_hashes.is_empty() {
            self.problems.add(&raw, "clients", "a client needs secrets_sha256, passwords_argon2id or nt_hashes");
        }
        let secrets = client.secrets_sha256.iter().filter_map(|text| self.sha256(text)).collect();
        for hash in &client.passwords_argon2id {
            if !PasswordHash::new(hash.get_ref()).is_ok_and(|hash| hash.algorithm.as_str() == "argon2id") {
                let remedy = "is no argon2id hash; make one with `calendar-relay hash-password`";
                self.problems.add(hash, "clients.passwords_argon2id", remedy);
            }
        }
        let nt_hashes = client.nt_hashes.iter().filter_map(|reference| self.nt_hash(reference)).collect();
        let certificates = client.certificate_names.iter().filter_map(|text| self.certificate_name(text)).collect();
        let mut grants = vec![self.grant(client.into())];
        grants.extend(client.grants.iter().map(|grant| self.grant(grant.into())));
        let denied = self.mailboxes(&client.deny, "clients.deny");
        let mailbox = client.mailbox.as_ref().and_then(|text| self.mailbox(text));
        let policy = Policy {
            grants,
            within: self.within(&client.tenants, tenants),
            denied: (!denied.is_empty()).then(|| Arc::new(DenyList::new(denied))),
            read_only: client.read_only_hours.as_ref().and_then(|hours| self.hours(hours)),
            requests_per_second: client.requests_per_second,
            burst: client.burst,
            concurrency: client.concurrency.max(1),
            networks: self.networks(&client.networks, "clients.networks"),
            token_networks: self.networks(&client.token_networks, "clients.token_networks"),
        };
        self.deniable(client, &policy, tenants);
        let raw = raw.into_inner();
        Client {
            id: raw.id,
            users: raw.users.iter().map(|user| user.to_lowercase()).collect(),
            secrets,
            passwords: raw.passwords_argon2id.into_iter().map(Spanned::into_inner).collect(),
            nt_hashes,
            certificates,
            mailbox,
            policy,
        }
    }

    fn mailbox(&mut self, text: &Spanned<String>) -> Option<Mailbox> {
        let mailbox = Mailbox::parse(text.get_ref()).ok();
        if mailbox.is_none() {
            self.problems.add(text, "clients.mailbox", "is no address");
        }
        mailbox
    }

    fn sha256(&mut self, text: &Spanned<String>) -> Option<[u8; 32]> {
        let digest = unhex(text.get_ref());
        if digest.is_none() {
            let remedy = "is no SHA-256 in hexadecimal; make one with `calendar-relay client-secret`";
            self.problems.add(text, "clients.secrets_sha256", remedy);
        }
        digest
    }

    fn nt_hash(&mut self, reference: &Spanned<SecretReference>) -> Option<SecretBox<[u8; 16]>> {
        let text = self.secret(reference, "clients.nt_hashes");
        if text.expose_secret().is_empty() {
            return None;
        }
        let hash = unhex(text.expose_secret()).map(|hash| SecretBox::new(Box::new(hash)));
        if hash.is_none() {
            let remedy = "holds no 32 hexadecimal digits; make it with `calendar-relay client-password`";
            self.problems.add(reference, "clients.nt_hashes", remedy);
        }
        hash
    }

    fn certificate_name(&mut self, text: &Spanned<String>) -> Option<CertificateName> {
        let name = CertificateName::parse(text.get_ref());
        if name.is_none() {
            let remedy = "is neither a DNS name, without patterns, nor cn: and a common name, nor sha256: and 64 \
                          hexadecimal digits";
            self.problems.add(text, "clients.certificate_names", remedy);
        }
        name
    }
}

fn unhex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let mut digest = [0; N];
    if text.len() != 2 * digest.len() || !text.is_ascii() {
        return None;
    }
    for (index, byte) in digest.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * index..2 * index + 2)?, 16).ok()?;
    }
    Some(digest)
}
