//! The configuration as `setup` writes it, with comments.
//!
//! Owns its text. Must not write files, nor know how answers were had.

use std::fmt::Write as _;
use std::path::Path;

use url::{Host, Url};

use super::answers::{Answers, Client, Monitor};
use super::applications::Application;
use super::flags::Purpose;
use super::questions::name;
use crate::calendar::Capability;
use crate::commands::credentials::sha256;
use crate::tenant::{Certificate, Proof, Secret};

/// Its name.
pub(super) const CONFIG: &str = "calendar-relay.toml";

/// Where the key of tokens is.
pub(super) const TOKEN_KEY: &str = "secrets/token-key";

/// Where a client's NT hash is.
pub(super) fn nt_hash_file(client: &Client) -> String {
    format!("secrets/{}.nt", client.id)
}

/// The configuration; `passwords` are the clients', in their order.
pub(super) fn text(answers: &Answers, passwords: &[String]) -> String {
    let mut text = String::from(
        "# Written by `calendar-relay setup`. config.example.toml shows every key, with its default.\n\
         # Check it with `calendar-relay check --config FILE [--online]`. Relative paths start at this file's folder.\n",
    );
    server(&mut text, answers);
    if answers.needs_store() {
        text.push_str(
            "\n# One file for what must survive a restart; only the gateway may read it.\n[store]\n\
             path = \"calendar-relay.sqlite\"\n",
        );
    }
    if let Some(it) = &answers.monitor {
        monitor(&mut text, it, answers);
    }
    tenant(&mut text, answers);
    for (it, password) in answers.clients.iter().zip(passwords) {
        client(&mut text, it, password, answers);
    }
    text
}

fn server(text: &mut String, answers: &Answers) {
    let it = &answers.server;
    put(text, format_args!("\n[server]\nlisten = {}", quoted(&it.listen.to_string())));
    put(text, format_args!("# How clients reach the gateway.\npublic_url = {}", quoted(&it.public_url)));
    match &it.tls {
        Some((certificate, key)) => put(
            text,
            format_args!(
                "# Read again when they change.\ncertificate = {}\nprivate_key = {}",
                path(certificate),
                path(key)
            ),
        ),
        None => put(
            text,
            format_args!(
                "# A TLS proxy on this host serves HTTPS, and says where requests come from.\nplain = true\n\
                 trusted_proxies = [\"127.0.0.1\", \"::1\"]"
            ),
        ),
    }
    let key = quoted(TOKEN_KEY);
    put(
        text,
        format_args!(
            "\n[tokens]\n# The first key signs, all of them verify: to rotate, put a new one first.\n\
             keys = [{{ id = \"1\", secret = {{ file = {key} }} }}]"
        ),
    );
    if it.tls.is_none() && answers.clients.iter().any(|client| client.ntlm) {
        put(text, format_args!("\n[ntlm]\n# Behind a TLS proxy, too.\nplain = true"));
    }
}

fn monitor(text: &mut String, monitor: &Monitor, answers: &Answers) {
    let mailboxes = list(&answers.everybody());
    let domain = answers.tenant.domains.first().map_or_else(String::new, |domain| quoted(domain));
    put(
        text,
        format_args!(
            "\n# Watches automatic replies. It listens on this host alone, unless listen and networks say otherwise.\n\
             [monitor]\nlisten = \"127.0.0.1:8445\"\n# Who may be watched.\nmailboxes = {mailboxes}\n\
             # The domain of names without one.\ndefault_domain = {domain}"
        ),
    );
    let Some(url) = &monitor.mediator else { return };
    put(
        text,
        format_args!(
            "\n[[monitor.webhooks]]\nname = \"mediator\"\nkind = \"mediator\"\nurl = {}",
            quoted(url.as_str())
        ),
    );
    if url.scheme() == "http" {
        put(text, format_args!("# In a network that is trusted with what is told.\nplain = true"));
    }
    put(text, format_args!("{}", private_networks(url)));
}

/// A target that is named by its address may be there, public or not.
fn private_networks(url: &Url) -> String {
    match url.host() {
        Some(Host::Ipv4(address)) => format!("private_networks = [\"{address}\"]"),
        Some(Host::Ipv6(address)) => format!("private_networks = [\"{address}\"]"),
        Some(Host::Domain(_)) | None => "# If its address is not public: private_networks = [\"10.1.2.3\"]".to_owned(),
    }
}

fn tenant(text: &mut String, answers: &Answers) {
    let it = &answers.tenant;
    put(
        text,
        format_args!(
            "\n[[tenants]]\nname = {}\nid = {}\ncloud = {}\n\
             # An address outside these domains is never asked for.\ndomains = {}",
            quoted(&it.name),
            quoted(&it.id),
            quoted(&name(&it.cloud)),
            list(&it.domains)
        ),
    );
    let tried = answers.scope.iter().flat_map(|scope| [("allowed", &scope.allowed), ("forbidden", &scope.forbidden)]);
    let tried: Vec<String> =
        tried.filter_map(|(key, mailbox)| Some(format!("{key} = {}", quoted(mailbox.as_ref()?)))).collect();
    if !tried.is_empty() {
        let tried = tried.join(", ");
        put(text, format_args!("# What `calendar-relay check --online` tries.\ncheck = {{ {tried} }}"));
    }
    for application in &answers.applications {
        credential(text, application);
    }
}

fn credential(text: &mut String, application: &Application) {
    let it = &application.credential;
    let graph = application.roles();
    let graph: Vec<&str> = graph.iter().map(|role| role.name).collect();
    put(text, format_args!("\n# The application {}.", application.name));
    if !graph.is_empty() {
        put(text, format_args!("# Permissions of Microsoft Graph: {}.", graph.join(", ")));
    }
    if it.rbac_scoped {
        let roles = application.exchange_roles().join(", ");
        put(text, format_args!("# Roles of Exchange, for the mailboxes of its scope: {roles}."));
    }
    put(text, format_args!("[[tenants.credentials]]"));
    if !application.is_known() {
        put(text, format_args!("# To be replaced by the application's id, when it is registered."));
    }
    put(text, format_args!("client_id = {}", quoted(&it.client_id)));
    match &it.proof {
        Proof::Secret(Secret::File(file)) => put(text, format_args!("secret = {{ file = {} }}", path(file))),
        Proof::Certificates(all) => put(text, format_args!("certificates = [{}]", certificates(all))),
        Proof::FederatedToken(file) => put(text, format_args!("federated_token_file = {}", path(file))),
        Proof::ManagedIdentity { .. } => put(text, format_args!("managed_identity = true")),
        Proof::Secret(Secret::Kept(_)) => unreachable!("no secret is among the answers"),
    }
    put(text, format_args!("capabilities = {}", capabilities(&it.capabilities)));
    if it.rbac_scoped {
        put(text, format_args!("# Allowed mailbox by mailbox; then each call asks for one.\nrbac_scoped = true"));
    }
    if it.mail_tips {
        put(text, format_args!("mail_tips = true"));
    }
    if it.all_addresses {
        put(text, format_args!("all_addresses = true"));
    }
}

fn certificates(all: &[Certificate]) -> String {
    let one = |certificate: &Certificate| match certificate {
        Certificate::Pem { certificate, private_key } => {
            format!("{{ certificate = {}, private_key = {} }}", path(certificate), path(private_key))
        }
        Certificate::Pkcs12 { .. } => unreachable!("setup asks for PEM"),
    };
    all.iter().map(one).collect::<Vec<_>>().join(", ")
}

fn client(text: &mut String, client: &Client, password: &str, answers: &Answers) {
    let about = match client.purpose {
        Purpose::Google => "Google Calendar Interop: look-ups, and nothing else.",
        Purpose::Rooms => "The room system: the rooms, and nothing else.",
        Purpose::Other | Purpose::OutOfOffice => "Another client.",
    };
    put(text, format_args!("\n# {about}\n[[clients]]\nid = {}", quoted(&client.id)));
    if let Some(user) = &client.user {
        put(text, format_args!("# Its user name, where it logs in by HTTP Basic.\nusers = [{}]", quoted(user)));
    }
    let digest = sha256(password);
    put(text, format_args!("# Of the secret that setup showed.\nsecrets_sha256 = [\"{digest}\"]"));
    if client.ntlm {
        put(text, format_args!("nt_hashes = [{{ file = {} }}]", quoted(&nt_hash_file(client))));
    }
    let names_everybody = client.mailboxes == answers.everybody();
    let mut all = client.capabilities.clone();
    all.extend((client.directory && names_everybody).then_some(Capability::Directory));
    put(
        text,
        format_args!(
            "capabilities = {}\nmailboxes = {}\n# The most it may see; of private items only their times.\nceiling = {}",
            capabilities(&all),
            list(&client.mailboxes),
            quoted(client.ceiling.name())
        ),
    );
    if client.directory && !names_everybody {
        let everybody = list(&answers.everybody());
        put(
            text,
            format_args!(
                "# It may list rooms, and look up people's names.\n\
                 grants = [{{ capabilities = [\"directory\"], mailboxes = {everybody}, ceiling = \"time\" }}]"
            ),
        );
    }
    if client.purpose == Purpose::Google {
        put(text, format_args!("# Where Google looks up from.\nnetworks = [\"google-calendar-interop\"]"));
    }
}

fn capabilities(all: &[Capability]) -> String {
    list(&all.iter().map(|capability| capability.name().to_owned()).collect::<Vec<_>>())
}

fn list(values: &[String]) -> String {
    format!("[{}]", values.iter().map(|value| quoted(value)).collect::<Vec<_>>().join(", "))
}

fn path(path: &Path) -> String {
    quoted(&path.to_string_lossy())
}

/// A TOML string: JSON escapes what TOML wants escaped, in a way that TOML knows
/// (<https://toml.io/en/v1.0.0#string>); only DEL is left, which no answer may hold.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

fn put(text: &mut String, line: std::fmt::Arguments<'_>) {
    // Writing to a string cannot fail.
    let _ = writeln!(text, "{line}");
}
