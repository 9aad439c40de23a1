//! The flags of `setup`: what may be answered beforehand.
//!
//! Owns their names and what help says of them. Must not know what they mean.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Answers that are given beforehand. Secrets are never among them: other users of a host see what a program is
/// called with.
#[derive(Args, Clone, Debug, Default)]
pub struct Flags {
    /// The folder to write into.
    #[arg(long, default_value = ".")]
    pub output: PathBuf,
    /// Ask nothing: what has no flag and no default is an error.
    #[arg(long)]
    pub yes: bool,
    /// Overwrite a configuration that is there already. Keys and secrets that you have put there are kept.
    #[arg(long)]
    pub force: bool,

    /// What the gateway is for; several separated by commas.
    #[arg(long = "purpose", value_enum, value_delimiter = ',')]
    pub purposes: Vec<Purpose>,
    /// The address at which clients reach the gateway: https, and its name.
    #[arg(long)]
    pub public_url: Option<String>,
    /// Where to listen; 0.0.0.0:8443, or 127.0.0.1:8080 with --plain.
    #[arg(long)]
    pub listen: Option<SocketAddr>,
    /// A TLS proxy on the same host serves HTTPS.
    #[arg(long, conflicts_with_all = ["tls_certificate", "tls_key"])]
    pub plain: bool,
    /// The gateway's own certificate chain, PEM.
    #[arg(long)]
    pub tls_certificate: Option<PathBuf>,
    /// Its key, PEM.
    #[arg(long)]
    pub tls_key: Option<PathBuf>,

    /// The directory (tenant) id.
    #[arg(long)]
    pub tenant_id: Option<String>,
    /// What to call the tenant in logs and metrics; the first part of its first domain.
    #[arg(long)]
    pub tenant_name: Option<String>,
    /// Where the tenant lives; global.
    #[arg(long, value_enum)]
    pub cloud: Option<CloudName>,
    /// The tenant's mail domains; several separated by commas.
    #[arg(long = "domain")]
    pub domains: Vec<String>,

    /// How the tenant's applications prove who they are.
    #[arg(long, value_enum)]
    pub credential: Option<Kind>,
    /// The certificate that Entra knows, PEM.
    #[arg(long)]
    pub entra_certificate: Option<PathBuf>,
    /// Its key, PEM.
    #[arg(long)]
    pub entra_key: Option<PathBuf>,
    /// Where the platform puts the token that Entra trusts.
    #[arg(long)]
    pub federated_token_file: Option<PathBuf>,
    /// An application's id, as APPLICATION=ID; repeat it. What is not known yet can be written into the configuration
    /// later.
    #[arg(long = "client-id")]
    pub client_ids: Vec<String>,
    /// One application for everything, instead of a small one for each part.
    #[arg(long)]
    pub single_application: bool,
    /// Clients may list rooms and look up people's names.
    #[arg(long)]
    pub directory: bool,
    /// An application for Microsoft's own mail tips.
    #[arg(long)]
    pub mail_tips: bool,
    /// An application that knows all addresses of people, which policies that deny some mailboxes need.
    #[arg(long)]
    pub all_addresses: bool,

    /// The mailboxes to which Exchange limits the applications, by RBAC for Applications.
    #[arg(long, value_enum)]
    pub rbac: Option<Limit>,
    /// The group whose direct members they are, with --rbac group.
    #[arg(long)]
    pub rbac_group: Option<String>,
    /// A mailbox that the applications may use, to try.
    #[arg(long)]
    pub allowed_mailbox: Option<String>,
    /// A mailbox that they may not use, to try.
    #[arg(long)]
    pub forbidden_mailbox: Option<String>,

    /// The Exchange role account that Google's admin console asks for; calendar-interop@ the first domain.
    #[arg(long)]
    pub google_account: Option<String>,
    /// The rooms that are booked: addresses, * stands for any characters; several separated by commas.
    #[arg(long)]
    pub rooms: Vec<String>,
    /// The user name of the room system; rooms.
    #[arg(long)]
    pub rooms_account: Option<String>,
    /// The room system logs in by NTLM, as Respa does.
    #[arg(long)]
    pub ntlm: bool,
    /// The mediator of a telephone system that the out-of-office monitor tells.
    #[arg(long)]
    pub mediator_url: Option<String>,
    /// The id and user name of another client; legacy-client.
    #[arg(long)]
    pub other_client: Option<String>,
    /// What the other client may do, separated by commas; free_busy.
    #[arg(long = "other-capability")]
    pub other_capabilities: Vec<String>,
    /// The most that the other client may see: time, subject_and_location or full; time.
    #[arg(long)]
    pub other_ceiling: Option<String>,

    /// An application's manifest to merge into, as [APPLICATION=]FILE; repeat it. The file itself is not changed.
    #[arg(long = "manifest")]
    pub manifests: Vec<String>,
    /// Leave permissions of Graph that are not needed out of merged manifests.
    #[arg(long)]
    pub prune: bool,
}

/// What a gateway is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Purpose {
    /// Google Calendar Interop looks up when people are busy.
    Google,
    /// A room system such as Respa books rooms.
    Rooms,
    /// Automatic replies are watched, and a telephone system is told.
    OutOfOffice,
    /// Some other program that speaks EWS.
    Other,
}

/// How an application proves who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Kind {
    /// A client secret, in a file.
    Secret,
    /// A certificate.
    Certificate,
    /// A token of a platform that Entra trusts, such as Kubernetes.
    FederatedToken,
    /// The identity of a machine in Azure.
    ManagedIdentity,
}

/// Where a tenant lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum CloudName {
    /// Everybody else.
    Global,
    /// US government, L4 (GCC High).
    UsGovernmentL4,
    /// US government, Department of Defense (L5).
    UsGovernmentDod,
    /// China, by 21Vianet.
    China,
}

/// Which mailboxes Exchange limits the applications to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Limit {
    /// No limit of Exchange's: Graph permissions are for all mailboxes of the tenant.
    None,
    /// Rooms and equipment.
    Rooms,
    /// Direct members of a group.
    Group,
}
