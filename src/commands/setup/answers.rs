//! What was answered, checked: everything that is written follows from it.
//!
//! Owns the questions and their order. Must not know what is written.

use std::net::SocketAddr;
use std::path::PathBuf;

use url::Url;

use super::applications::{self, Application, Means, Plan};
use super::flags::{CloudName, Flags, Kind, Limit, Purpose};
use super::questions::{Question, Questions, name, named, names};
use super::values;
use crate::calendar::Capability;
use crate::client::Ceiling;
use crate::commands::Trouble;

/// Everything that was answered.
#[derive(Debug)]
pub(super) struct Answers {
    pub(super) server: Server,
    pub(super) tenant: Tenant,
    pub(super) means: Means,
    pub(super) applications: Vec<Application>,
    pub(super) scope: Option<Scope>,
    pub(super) clients: Vec<Client>,
    pub(super) monitor: Option<Monitor>,
}

/// Where clients connect.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) public_url: String,
    pub(super) listen: SocketAddr,
    /// Certificate and key; a proxy has them without these.
    pub(super) tls: Option<(PathBuf, PathBuf)>,
}

/// Whose calendars.
#[derive(Debug)]
pub(super) struct Tenant {
    pub(super) name: String,
    pub(super) id: String,
    pub(super) cloud: CloudName,
    pub(super) domains: Vec<String>,
}

/// What Exchange limits applications to.
#[derive(Debug)]
pub(super) struct Scope {
    /// The group whose members; rooms and equipment without one.
    pub(super) group: Option<String>,
    pub(super) allowed: Option<String>,
    pub(super) forbidden: Option<String>,
}

/// One program that may call.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) purpose: Purpose,
    pub(super) id: String,
    pub(super) user: Option<String>,
    pub(super) capabilities: Vec<Capability>,
    pub(super) mailboxes: Vec<String>,
    pub(super) ceiling: Ceiling,
    /// Whether it may list rooms and look up names of everybody, besides.
    pub(super) directory: bool,
    pub(super) ntlm: bool,
}

/// The out-of-office monitor.
#[derive(Debug)]
pub(super) struct Monitor {
    pub(super) mediator: Option<Url>,
}

impl Answers {
    /// Takes flags, and asks for the rest.
    ///
    /// # Errors
    /// What is missing or wrong, with its flag.
    pub(super) fn collect(flags: &Flags, ask: &mut Questions<'_>) -> Result<Self, Trouble> {
        let text = format!("What for? Several separated by commas, of {}", names::<Purpose>());
        let given = joined(&flags.purposes.iter().map(name).collect::<Vec<_>>());
        let purposes =
            ask.ask(required("purpose", &text), given.as_deref(), |text| values::listed(text, named::<Purpose>))?;
        let server = server(flags, ask)?;
        let tenant = tenant(flags, ask)?;
        let clients = clients(flags, ask, &purposes, &tenant.domains)?;
        let monitor = monitor(flags, ask, &purposes)?;
        let means = means(flags, ask)?;
        let scope = scope(flags, ask)?;
        let mut applications = applications::divide(&Plan {
            capabilities: &capabilities(&clients, monitor.is_some()),
            mail_tips: flags.mail_tips,
            all_addresses: flags.all_addresses,
            single: flags.single_application,
            rbac: scope.is_some(),
            means: &means,
        });
        client_ids(flags, ask, &mut applications)?;
        Ok(Self { server, tenant, means, applications, scope, clients, monitor })
    }

    /// Whether anything must survive a restart.
    pub(super) fn needs_store(&self) -> bool {
        let writes = self.clients.iter().any(|client| client.capabilities.contains(&Capability::CalendarWrite));
        writes || self.monitor.is_some()
    }

    /// The patterns of all of the tenant's mailboxes.
    pub(super) fn everybody(&self) -> Vec<String> {
        self.tenant.domains.iter().map(|domain| format!("*@{domain}")).collect()
    }
}

fn server(flags: &Flags, ask: &mut Questions<'_>) -> Result<Server, Trouble> {
    let question = required("public-url", "The address at which clients reach the gateway, https://...");
    let public_url = ask.ask(question, flags.public_url.as_deref(), values::public_url)?;
    let (certificate, key) = (shown(flags.tls_certificate.as_ref())?, shown(flags.tls_key.as_ref())?);
    let has_files = certificate.is_some() || key.is_some();
    let plain = !has_files && ask.whether("plain", "Does a TLS proxy on this host serve HTTPS?", flags.plain)?;
    let (default, tls) = if plain {
        ("127.0.0.1:8080", None)
    } else {
        let question = required("tls-certificate", "The gateway's certificate chain, PEM (with a TLS proxy: --plain)");
        let certificate = ask.ask(question, certificate.as_deref(), values::path)?;
        let key = ask.ask(required("tls-key", "Its key, PEM"), key.as_deref(), values::path)?;
        ("0.0.0.0:8443", Some((certificate, key)))
    };
    let question = Question { flag: "listen", text: "Where to listen", default: Some(default) };
    let listen = ask.ask(question, flags.listen.map(|listen| listen.to_string()).as_deref(), |text| {
        let listen =
            text.trim().parse::<SocketAddr>().map_err(|_| format!("{text:?} is no address; write {default}"))?;
        if plain && !listen.ip().is_loopback() {
            return Err("behind a TLS proxy the gateway listens on this host alone; write 127.0.0.1:8080".to_owned());
        }
        Ok(listen)
    })?;
    Ok(Server { public_url, listen, tls })
}

fn tenant(flags: &Flags, ask: &mut Questions<'_>) -> Result<Tenant, Trouble> {
    let question = required("tenant-id", "Directory (tenant) id");
    let id = ask.ask(question, flags.tenant_id.as_deref(), values::guid)?;
    let text = format!("Cloud, one of {}", names::<CloudName>());
    let question = Question { flag: "cloud", text: &text, default: Some("global") };
    let cloud = ask.ask(question, flags.cloud.as_ref().map(name).as_deref(), named)?;
    let question = required("domain", "The tenant's mail domains, separated by commas");
    let domains = ask.ask(question, joined(&flags.domains).as_deref(), values::domains)?;
    let first = domains.first().and_then(|domain| domain.split('.').next());
    let default = first.filter(|name| values::plain_name(name).is_ok()).unwrap_or("tenant");
    let name = values::plain_name(flags.tenant_name.as_deref().unwrap_or(default));
    let name = name.map_err(|problem| format!("--tenant-name: {problem}"))?;
    Ok(Tenant { name, id, cloud, domains })
}

fn clients(
    flags: &Flags,
    ask: &mut Questions<'_>,
    purposes: &[Purpose],
    domains: &[String],
) -> Result<Vec<Client>, Trouble> {
    let lists = purposes.iter().any(|purpose| matches!(purpose, Purpose::Google | Purpose::Rooms));
    let text = "May clients list rooms, and look up people's names?";
    let directory = lists && ask.whether("directory", text, flags.directory)?;
    let everybody: Vec<String> = domains.iter().map(|domain| format!("*@{domain}")).collect();
    let mut clients = Vec::new();
    for purpose in purposes {
        match purpose {
            Purpose::Google => clients.push(google(flags, ask, everybody.clone(), directory)?),
            Purpose::Rooms => clients.push(rooms(flags, ask, domains, directory)?),
            Purpose::Other => clients.push(other(flags, ask, everybody.clone())?),
            Purpose::OutOfOffice => {}
        }
    }
    let mut names: Vec<String> =
        clients.iter().flat_map(|it| [Some(&it.id), it.user.as_ref()]).flatten().cloned().collect();
    names.iter_mut().for_each(|name| name.make_ascii_lowercase());
    names.sort_unstable();
    match names.windows(2).find(|pair| matches!(pair, [one, other] if one == other)) {
        Some(pair) => Err(format!("two clients have the name {:?}: give one another", pair.first()).into()),
        None => Ok(clients),
    }
}

fn google(flags: &Flags, ask: &mut Questions<'_>, mailboxes: Vec<String>, directory: bool) -> Result<Client, Trouble> {
    let domain = mailboxes.first().and_then(|pattern| pattern.split('@').nth(1)).unwrap_or_default();
    let default = format!("calendar-interop@{domain}");
    let text = "The Exchange role account for Google's admin console; no mailbox is needed";
    let question = Question { flag: "google-account", text, default: Some(&default) };
    let user = ask.ask(question, flags.google_account.as_deref(), values::mailbox)?;
    Ok(Client {
        purpose: Purpose::Google,
        id: "google-calendar-interop".to_owned(),
        user: Some(user),
        capabilities: vec![Capability::FreeBusy],
        mailboxes,
        ceiling: Ceiling::Time,
        directory,
        ntlm: false,
    })
}

fn rooms(flags: &Flags, ask: &mut Questions<'_>, domains: &[String], directory: bool) -> Result<Client, Trouble> {
    let question = required("rooms", "The rooms: addresses separated by commas, * stands for any characters");
    let mailboxes = ask.ask(question, joined(&flags.rooms).as_deref(), |text| values::patterns(text, domains))?;
    let question = Question { flag: "rooms-account", text: "The room system's user name", default: Some("rooms") };
    let id = ask.ask(question, flags.rooms_account.as_deref(), values::plain_name)?;
    let ntlm = ask.whether("ntlm", "Does it log in by NTLM, as Respa does?", flags.ntlm)?;
    Ok(Client {
        purpose: Purpose::Rooms,
        id,
        user: None,
        capabilities: vec![Capability::CalendarRead, Capability::CalendarWrite],
        mailboxes,
        ceiling: Ceiling::Full,
        directory,
        ntlm,
    })
}

fn other(flags: &Flags, ask: &mut Questions<'_>, mailboxes: Vec<String>) -> Result<Client, Trouble> {
    let text = "The other client's id and user name";
    let question = Question { flag: "other-client", text, default: Some("legacy-client") };
    let id = ask.ask(question, flags.other_client.as_deref(), values::plain_name)?;
    let text = format!("What it may do, of {}", Capability::ALL.map(Capability::name).join(", "));
    let question = Question { flag: "other-capability", text: &text, default: Some(Capability::FreeBusy.name()) };
    let capabilities = ask.ask(question, joined(&flags.other_capabilities).as_deref(), values::capabilities)?;
    let text = format!("The most it may see, of {}", Ceiling::ALL.map(Ceiling::name).join(", "));
    let question = Question { flag: "other-ceiling", text: &text, default: Some(Ceiling::Time.name()) };
    let ceiling = ask.ask(question, flags.other_ceiling.as_deref(), values::ceiling)?;
    Ok(Client {
        purpose: Purpose::Other,
        id,
        user: None,
        capabilities,
        mailboxes,
        ceiling,
        directory: false,
        ntlm: false,
    })
}

fn monitor(flags: &Flags, ask: &mut Questions<'_>, purposes: &[Purpose]) -> Result<Option<Monitor>, Trouble> {
    if !purposes.contains(&Purpose::OutOfOffice) {
        return Ok(None);
    }
    let text = "The mediator that the monitor tells, http://... (empty: none)";
    let question = Question { flag: "mediator-url", text, default: Some("") };
    let mediator = ask.ask(question, flags.mediator_url.as_deref(), values::mediator)?;
    Ok(Some(Monitor { mediator }))
}

fn means(flags: &Flags, ask: &mut Questions<'_>) -> Result<Means, Trouble> {
    let text = format!("How do the applications prove who they are? One of {}", names::<Kind>());
    let given = flags.credential.as_ref().map(name);
    Ok(match ask.ask(required("credential", &text), given.as_deref(), named::<Kind>)? {
        Kind::Secret => Means::Secrets,
        Kind::Certificate => {
            let given = shown(flags.entra_certificate.as_ref())?;
            let question = required("entra-certificate", "The certificate that Entra knows, PEM");
            let certificate = ask.ask(question, given.as_deref(), values::path)?;
            let given = shown(flags.entra_key.as_ref())?;
            let private_key = ask.ask(required("entra-key", "Its RSA key, PEM"), given.as_deref(), values::path)?;
            Means::Certificate { certificate, private_key }
        }
        Kind::FederatedToken => {
            let given = shown(flags.federated_token_file.as_ref())?;
            let text = "Where the platform puts the token";
            let question = Question { flag: "federated-token-file", text, default: Some(KUBERNETES) };
            Means::FederatedToken(ask.ask(question, given.as_deref(), values::path)?)
        }
        Kind::ManagedIdentity => Means::ManagedIdentity,
    })
}

fn scope(flags: &Flags, ask: &mut Questions<'_>) -> Result<Option<Scope>, Trouble> {
    let text = format!("Should Exchange limit the applications to some mailboxes? One of {}", names::<Limit>());
    let question = Question { flag: "rbac", text: &text, default: Some("none") };
    let group = match ask.ask(question, flags.rbac.as_ref().map(name).as_deref(), named::<Limit>)? {
        Limit::None => return Ok(None),
        Limit::Rooms => None,
        Limit::Group => {
            let question = required("rbac-group", "The group whose direct members they may use");
            Some(ask.ask(question, flags.rbac_group.as_deref(), values::group)?)
        }
    };
    let mut mailbox = |flag, text, given: Option<&str>| {
        ask.ask(Question { flag, text, default: Some("") }, given, values::optional_mailbox)
    };
    let text = "A mailbox that they may use, to try (empty: none)";
    let allowed = mailbox("allowed-mailbox", text, flags.allowed_mailbox.as_deref())?;
    let text = "A mailbox that they may not use, to try (empty: none)";
    let forbidden = mailbox("forbidden-mailbox", text, flags.forbidden_mailbox.as_deref())?;
    Ok(Some(Scope { group, allowed, forbidden }))
}

fn client_ids(flags: &Flags, ask: &mut Questions<'_>, applications: &mut [Application]) -> Result<(), Trouble> {
    let mut given = Vec::new();
    for text in &flags.client_ids {
        let parts = text.split_once('=').filter(|(name, _)| applications.iter().any(|it| it.name == *name));
        let known = || applications.iter().map(|it| it.name).collect::<Vec<_>>().join(", ");
        given.push(parts.ok_or_else(|| format!("--client-id: write APPLICATION=ID, with one of {}", known()))?);
    }
    ask.say("Ids of the applications. Empty: it is not registered yet, and its id can be written down later.")?;
    for application in applications {
        let given = given.iter().find(|(name, _)| *name == application.name).map(|(_, id)| *id);
        let text = format!("Application (client) id of {}", application.name);
        let question = Question { flag: "client-id", text: &text, default: Some("") };
        let id = ask.ask(question, given, |text| match text.trim() {
            "" => Ok(None),
            text => values::guid(text).map(Some),
        })?;
        if let Some(id) = id {
            application.credential.client_id = id;
        }
    }
    Ok(())
}

/// What all clients together may do.
fn capabilities(clients: &[Client], monitor: bool) -> Vec<Capability> {
    let mut all: Vec<Capability> = clients.iter().flat_map(|client| &client.capabilities).copied().collect();
    if clients.iter().any(|client| client.directory) {
        all.push(Capability::Directory);
    }
    if monitor {
        all.push(Capability::OutOfOfficeRead);
    }
    all
}

fn required<'a>(flag: &'a str, text: &'a str) -> Question<'a> {
    Question { flag, text, default: None }
}

fn joined(values: &[String]) -> Option<String> {
    (!values.is_empty()).then(|| values.join(","))
}

fn shown(path: Option<&PathBuf>) -> Result<Option<String>, Trouble> {
    let read = |path: &PathBuf| path.to_str().map(str::to_owned).ok_or("a path is no UTF-8");
    Ok(path.map(read).transpose()?)
}

/// Where the workload identity of Kubernetes in Azure puts its token.
const KUBERNETES: &str = "/var/run/secrets/azure/tokens/azure-identity-token";
