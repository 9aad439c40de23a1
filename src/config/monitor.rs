//! What `[monitor]` and its `[[monitor.webhooks]]` mean.

mod raw;

use std::net::IpAddr;

use ipnet::IpNet;
use secrecy::ExposeSecret;
use toml::Spanned;
use url::Url;

use raw::{Kind, RawWebhook};

use super::raw::Seen;
use super::values::SecretReference;
use super::{Monitor, Reader, Server};
use crate::calendar::Mailbox;
use crate::calendar::domains::Domains;
use crate::client::Networks;
use crate::out_of_office::{Form, Settings, SigningKey, Webhook};
use crate::outbound::{Outbound, Target};
use crate::server::monitor::Access;
use crate::tenant::Tenant;

pub(super) use raw::RawMonitor;

impl Reader<'_> {
    pub(super) fn monitor(&mut self, raw: Spanned<RawMonitor>, server: &Server, tenants: &[Tenant]) -> Monitor {
        if !self.has_store {
            let remedy = "needs a place for what was told and what is still to be: add [store] with a path";
            self.problems.add(&raw, "monitor", remedy);
        }
        let networks = self.networks(&raw.get_ref().networks, "monitor.networks");
        self.check_listener(&raw, server, &networks);
        if raw.get_ref().longest_interval < raw.get_ref().interval {
            self.problems.add(&raw, "monitor.longest_interval", "is shorter than monitor.interval");
        }
        let raw = raw.into_inner();
        if raw.mailboxes.get_ref().is_empty() {
            let remedy = "nobody may be watched: write patterns, such as \"*@contoso.example\"";
            self.problems.add(&raw.mailboxes, "monitor.mailboxes", remedy);
        }
        let default_domain = raw.default_domain.map(|text| self.default_domain(text, tenants));
        let mut names = Seen::new();
        let webhooks = raw.webhooks.into_iter().filter_map(|webhook| {
            self.problems.unique(
                &mut names,
                webhook.get_ref().name.get_ref(),
                &webhook.get_ref().name,
                "monitor.webhooks.name",
            );
            self.webhook(webhook.into_inner())
        });
        let webhooks = webhooks.collect();
        Monitor {
            listen: raw.listen,
            tls: *raw.tls.get_ref(),
            access: Access {
                networks,
                hosts: raw.hosts.iter().map(|host| self.host(host)).collect(),
                token: raw.token.map(|token| self.secret(&token, "monitor.token")),
            },
            settings: Settings {
                mailboxes: self.patterns(raw.mailboxes.get_ref(), "monitor.mailboxes"),
                default_domain,
                interval: raw.interval,
                longest_interval: raw.longest_interval,
                calls_per_second: raw.calls_per_second.get(),
                give_up: raw.give_up,
                webhooks,
            },
        }
    }

    /// Callers need not show who they are, so that whoever may reach the listener is to be meant.
    fn check_listener(&mut self, raw: &Spanned<RawMonitor>, server: &Server, networks: &Networks) {
        let RawMonitor { listen, tls, plain, .. } = raw.get_ref();
        match (*tls.get_ref(), *plain.get_ref()) {
            (true, true) => self.problems.add(plain, "monitor.plain", "is true, and so is tls: remove one of them"),
            (true, false) if server.tls.is_none() => {
                self.problems.add(tls, "monitor.tls", "needs certificate and private_key in [server]");
            }
            (false, false) if !listen.ip().is_loopback() => {
                let remedy = "is not on this host alone: set tls = true, or plain = true in a network that is trusted";
                self.problems.add(raw, "monitor.listen", remedy);
            }
            _ => {}
        }
        if !listen.ip().is_loopback() && *networks == Networks::default() {
            let remedy = "list who may call the monitor from other hosts, or let it listen on 127.0.0.1";
            self.problems.add(raw, "monitor.networks", remedy);
        }
    }

    fn default_domain(&mut self, text: Spanned<String>, tenants: &[Tenant]) -> String {
        let domain = text.get_ref().to_lowercase();
        let mut domains = Domains::default();
        for listed in tenants.iter().flat_map(|tenant| &tenant.domains) {
            // What is wrong with them is told where they are listed.
            let _ = domains.insert(listed, ());
        }
        let somebody = Mailbox::parse(&format!("somebody@{domain}"));
        if !somebody.is_ok_and(|somebody| domains.find(&somebody).is_some()) {
            self.problems.add(&text, "monitor.default_domain", "is no tenant's domain; write one without @");
        }
        domain
    }

    fn webhook(&mut self, raw: RawWebhook) -> Option<Webhook> {
        let url = self.webhook_url(&raw);
        let keys: Vec<_> = raw.secrets.iter().filter_map(|secret| self.signing_key(secret)).collect();
        let form = match (raw.kind.get_ref(), raw.secrets.first()) {
            (Kind::Mediator, Some(secret)) => {
                self.problems.add(secret, "monitor.webhooks.secrets", "a mediator checks no signature: remove them");
                Form::Mediator
            }
            (Kind::Mediator, None) => Form::Mediator,
            (Kind::Standard, Some(_)) => Form::Standard { keys },
            (Kind::Standard, None) => {
                let remedy = "a standard webhook needs secrets, at least one";
                self.problems.add(&raw.kind, "monitor.webhooks.secrets", remedy);
                Form::Standard { keys }
            }
        };
        let private_networks = raw.private_networks.iter().filter_map(|text| self.network(text)).collect();
        let extra_ca = raw.extra_ca.and_then(|path| self.authorities(&path, "monitor.webhooks.extra_ca"));
        let target =
            Target { url: url?, private_networks, extra_ca, timeout: raw.timeout, user_agent: USER_AGENT.into() };
        // What is wrong with certificates has been told already.
        if let Err(problem) = Outbound::new(Target { extra_ca: None, ..target.clone() }) {
            self.problems.add(&raw.url, "monitor.webhooks.url", &problem);
        }
        if raw.name.get_ref().trim().is_empty() {
            self.problems.add(&raw.name, "monitor.webhooks.name", "is empty");
        }
        Some(Webhook { name: raw.name.into_inner(), target, form })
    }

    fn webhook_url(&mut self, raw: &RawWebhook) -> Option<Url> {
        let (text, key) = (&raw.url, "monitor.webhooks.url");
        let url = self.url(text, key)?;
        if url.scheme() == "http" && !raw.plain {
            self.problems.add(text, key, "is not https: set plain = true if the network is trusted with what is told");
        }
        if url.scheme() == "https" && raw.plain {
            self.problems.add(text, key, "is https, yet plain is true: remove one of them");
        }
        if !url.username().is_empty() || url.password().is_some() || url.fragment().is_some() {
            self.problems.add(text, key, "must have neither a user name nor a fragment");
        }
        if raw.kind.get_ref() == &Kind::Mediator && url.query().is_some() {
            self.problems.add(text, key, "must have no query: the mediator's paths are below it");
        }
        Some(url)
    }

    fn signing_key(&mut self, reference: &Spanned<SecretReference>) -> Option<SigningKey> {
        let secret = self.secret(reference, "monitor.webhooks.secrets");
        // What cannot be read has been told already.
        if secret.expose_secret().is_empty() {
            return None;
        }
        let key = SigningKey::parse(&secret);
        key.inspect_err(|remedy| self.problems.add(reference, "monitor.webhooks.secrets", remedy)).ok()
    }

    /// A name by which this host is called, as it is compared.
    fn host(&mut self, text: &Spanned<String>) -> String {
        let host = text.get_ref().strip_suffix('.').unwrap_or(text.get_ref()).to_ascii_lowercase();
        let is_of_a_name = |character: char| character.is_ascii_alphanumeric() || "-_.".contains(character);
        if host.is_empty() || !host.chars().all(is_of_a_name) {
            self.problems.add(text, "monitor.hosts", "is no host's name; write it without scheme, port and path");
        }
        host
    }

    fn network(&mut self, text: &Spanned<String>) -> Option<IpNet> {
        let entry = text.get_ref();
        let network = entry.parse::<IpNet>().or_else(|_| entry.parse::<IpAddr>().map(IpNet::from)).ok();
        if network.is_none() {
            self.problems.add(
                text,
                "monitor.webhooks.private_networks",
                "is no network; write 10.1.2.0/24 or an address",
            );
        }
        network
    }
}

const USER_AGENT: &str = concat!("calendar-relay/", env!("CARGO_PKG_VERSION"));
