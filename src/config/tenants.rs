//! What the `[[tenants]]` mean.

use std::num::NonZeroUsize;
use std::path::PathBuf;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use toml::Spanned;
use url::Url;

use super::{Reader, raw};
use crate::calendar::Capability;
use crate::calendar::domains::Domains;
use crate::tenant::{Cloud, Limits, Tenant};

impl Reader<'_> {
    /// The tenants, and the most that all their caches may hold.
    pub(super) fn tenants(&mut self, raw: Vec<Spanned<raw::Tenant>>, megabytes: u64) -> Vec<Tenant> {
        let (mut names, mut domains) = (raw::Seen::new(), Domains::default());
        self.one_default(&raw);
        self.shares(&raw, megabytes);
        raw.into_iter()
            .map(|tenant| {
                self.problems.unique(&mut names, &tenant.get_ref().name, &tenant, "tenants.name");
                for domain in &tenant.get_ref().domains {
                    if let Err(problem) = domains.insert(domain.get_ref(), ()) {
                        self.problems.add(domain, "tenants.domains", &problem);
                    }
                }
                self.tenant(tenant)
            })
            .collect()
    }

    fn one_default(&mut self, tenants: &[Spanned<raw::Tenant>]) {
        let defaults =
            tenants.iter().map(|tenant| &tenant.get_ref().default).filter(|is_default| *is_default.get_ref());
        for another in defaults.skip(1) {
            self.problems.add(another, "tenants.default", "is true of another tenant already");
        }
    }

    /// Whoever has no share of its own needs something to share.
    fn shares(&mut self, tenants: &[Spanned<raw::Tenant>], megabytes: u64) {
        let own: Vec<_> = tenants.iter().filter_map(|tenant| tenant.get_ref().cache_megabytes.as_ref()).collect();
        let taken = own.iter().fold(0, |sum: u64, share| sum.saturating_add(*share.get_ref()));
        let leaves_nothing = taken == megabytes && own.len() < tenants.len();
        if let Some(last) = own.last().filter(|_| taken > megabytes || leaves_nothing) {
            let remedy =
                format!("{taken} megabytes of tenants' own leave nothing of the {megabytes} of cache.megabytes");
            self.problems.add(last, "tenants.cache_megabytes", &remedy);
        }
    }

    fn tenant(&mut self, raw: Spanned<raw::Tenant>) -> Tenant {
        let cloud = self.cloud(&raw);
        if raw.get_ref().credentials.is_empty() {
            self.problems.add(&raw, "tenants.credentials", "at least one is needed");
        }
        if !is_path_segment(&raw.get_ref().id) {
            self.problems.add(&raw, "tenants.id", "is no directory (tenant) id");
        }
        self.audience(raw.get_ref(), &cloud.login);
        let raw = raw.into_inner();
        let concurrency = raw.concurrency.map(NonZeroUsize::get);
        let cache_megabytes = raw.cache_megabytes.map(Spanned::into_inner);
        Tenant {
            name: raw.name,
            id: raw.id,
            cloud,
            domains: raw.domains.into_iter().map(|domain| domain.into_inner().to_lowercase()).collect(),
            is_default: raw.default.into_inner(),
            limits: Limits { concurrency, cache_megabytes },
            credentials: raw.credentials.into_iter().map(|credential| self.credential(credential)).collect(),
        }
    }

    /// Assertions are made for the address that they are sent to, and Entra looks whether it is its own.
    fn audience(&mut self, tenant: &raw::Tenant, login: &Url) {
        let is_entra = || login.host_str().is_some_and(|host| LOGINS.contains(&host));
        let signs = || tenant.credentials.iter().any(|credential| !credential.get_ref().certificates.is_empty());
        if let Some(url) = tenant.login_url.as_ref().filter(|_| !is_loopback(login) && !is_entra() && signs()) {
            let remedy = "Entra would refuse assertions made for another address: use graph.proxy";
            self.problems.add(url, "tenants.login_url", remedy);
        }
    }

    fn cloud(&mut self, raw: &Spanned<raw::Tenant>) -> Cloud {
        let tenant = raw.get_ref();
        let login = tenant.login_url.as_ref().and_then(|url| self.origin(url, "tenants.login_url"));
        let graph = tenant.graph_url.as_ref().and_then(|url| self.origin(url, "tenants.graph_url"));
        let name = tenant.cloud.as_ref().map_or("global", |name| name.get_ref());
        let named = Cloud::named(name);
        if let (None, Some(name)) = (&named, &tenant.cloud) {
            self.problems.add(name, "tenants.cloud", "is none of global, us_government_l4, us_government_dod, china");
        }
        let extra_ca = tenant.extra_ca.as_ref().and_then(|path| self.authorities(path, "tenants.extra_ca"));
        let named = named.unwrap_or_else(|| {
            let nowhere = || Url::parse("https://invalid./").unwrap_or_else(|_| unreachable!("a constant URL"));
            Cloud { login: nowhere(), graph: nowhere(), resource: nowhere(), extra_ca: None }
        });
        Cloud {
            login: login.unwrap_or(named.login),
            graph: graph.unwrap_or(named.graph),
            resource: named.resource,
            extra_ca,
        }
    }

    /// Certificate authorities, as PEM.
    pub(super) fn authorities(&mut self, path: &Spanned<PathBuf>, key: &str) -> Option<Vec<u8>> {
        let pem = std::fs::read(self.folder.join(path.get_ref()));
        let pem = pem.map_err(|error| self.problems.add(path, key, &format!("cannot be read: {error}")));
        let pem = pem.ok()?;
        let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
        match certificates {
            Ok(certificates) if certificates.is_empty() => {
                self.problems.add(path, key, "holds no certificate in PEM");
            }
            Ok(_) => {}
            Err(error) => self.problems.add(path, key, &format!("is no PEM: {error}")),
        }
        Some(pem)
    }

    /// A URL without path; plain HTTP only to this host itself.
    fn origin(&mut self, text: &Spanned<String>, key: &str) -> Option<Url> {
        let url = self.url(text, key)?;
        if url.scheme() != "https" && !is_loopback(&url) {
            self.problems.add(text, key, "must be https: tokens and calendars go there");
        }
        if url.path() != "/" {
            self.problems.add(text, key, "must be an origin, without a path");
        }
        Some(url)
    }

    pub(super) fn capabilities(&mut self, names: &[Spanned<String>], key: &str) -> Vec<Capability> {
        let mut capabilities = Vec::new();
        for name in names {
            match Capability::ALL.into_iter().find(|capability| capability.name() == name.get_ref()) {
                Some(capability) => capabilities.push(capability),
                None => {
                    let known = Capability::ALL.map(Capability::name).join(", ");
                    self.problems.add(name, key, &format!("{:?} is none of {known}", name.get_ref()));
                }
            }
        }
        capabilities
    }
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    }
}

fn is_path_segment(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '.'))
}

/// Entra's login hosts: <https://learn.microsoft.com/entra/identity-platform/authentication-national-cloud>.
const LOGINS: [&str; 4] = [
    "login.microsoftonline.com",
    "login.microsoftonline.us",
    "login.chinacloudapi.cn",
    "login.partner.microsoftonline.cn",
];
