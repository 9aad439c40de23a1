//! What `[server]` means.

use std::path::PathBuf;

use toml::Spanned;
use url::Url;

use super::{Reader, Server, raw};
use crate::client::Networks;
use crate::server::tls::CertificateFiles;
use crate::server::{Proxies, RouteNetworks};

impl Reader<'_> {
    pub(super) fn server(&mut self, raw: raw::Server) -> Server {
        let public_url = raw.public_url.get_ref().trim_end_matches('/').to_owned();
        let url = Url::parse(&public_url).ok().filter(|url| url.scheme() == "https" && url.host().is_some());
        if url.is_none() {
            self.problems.add(&raw.public_url, "server.public_url", "is no https URL; write the one that clients use");
        }
        let client_ca = self.client_ca(raw.client_ca, &raw.plain);
        let plain = *raw.plain.get_ref();
        let tls = match (plain, raw.certificate, raw.private_key) {
            (false, Some(certificate), Some(private_key)) => Some(CertificateFiles {
                certificate: self.folder.join(certificate),
                private_key: self.folder.join(private_key),
                client_ca,
            }),
            (false, _, _) => {
                self.problems.add(&raw.plain, "server.certificate", "certificate and private_key are both needed");
                None
            }
            (true, None, None) => {
                if !raw.listen.ip().is_loopback() {
                    let remedy = "plain HTTP is for a TLS proxy on the same host: listen on 127.0.0.1 or [::1]";
                    self.problems.add(&raw.plain, "server.plain", remedy);
                }
                None
            }
            (true, _, _) => {
                self.problems.add(
                    &raw.plain,
                    "server.plain",
                    "is true, yet there is a certificate: remove one of them",
                );
                None
            }
        };
        let trusted_proxies = self.networks(&raw.trusted_proxies, "server.trusted_proxies");
        if raw.proxy_protocol && trusted_proxies == Networks::default() {
            self.problems.add(&raw.plain, "server.proxy_protocol", "needs trusted_proxies: who may send the header");
        }
        let proxies = Proxies { trusted: trusted_proxies, header: raw.forwarded_header, protocol: raw.proxy_protocol };
        let host = url.and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default();
        let networks = RouteNetworks {
            soap: self.networks(&raw.networks.soap, "server.networks.soap"),
            token: self.networks(&raw.networks.token, "server.networks.token"),
            health: self.networks(&raw.networks.health, "server.networks.health"),
            graph_notifications: self
                .networks(&raw.networks.graph_notifications, "server.networks.graph_notifications"),
        };
        Server { listen: raw.listen, public_url, host, tls, proxies, networks }
    }

    fn client_ca(&mut self, path: Option<Spanned<PathBuf>>, plain: &Spanned<bool>) -> Option<PathBuf> {
        let path = path?;
        if *plain.get_ref() {
            let remedy = "cannot be used where another program ends TLS: server.plain is true";
            self.problems.add(&path, "server.client_ca", remedy);
        }
        Some(self.folder.join(path.into_inner()))
    }
}
