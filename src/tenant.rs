//! Whose calendars, with which application.
//!
//! Owns Microsoft 365 tenants as the configuration describes them. Must not send anything.

pub mod permissions;

use std::path::PathBuf;

use jiff::Timestamp;
use secrecy::SecretString;
use url::Url;

use crate::calendar::Capability;

/// A Microsoft 365 tenant.
#[derive(Debug)]
pub struct Tenant {
    /// Its name in the configuration, in logs and metrics.
    pub name: String,
    /// Its directory (tenant) id.
    pub id: String,
    /// Where its login and its Graph live.
    pub cloud: Cloud,
    /// Its mail domains, lower-case.
    pub domains: Vec<String>,
    /// Its applications, the narrowest first.
    pub credentials: Vec<Credential>,
}

/// Where a tenant's login and Graph live.
#[derive(Clone, Debug)]
pub struct Cloud {
    /// Microsoft Entra's origin, such as `https://login.microsoftonline.com/`.
    pub login: Url,
    /// Microsoft Graph's origin, such as `https://graph.microsoft.com/`.
    pub graph: Url,
    /// What tokens are for: Microsoft Graph's own origin, also where `graph` is a proxy before it.
    pub resource: Url,
    /// Certificate authorities to trust besides the usual ones, as PEM; for proxies and tests.
    pub extra_ca: Option<Vec<u8>>,
}

/// One Entra application of a tenant, bound to the capabilities that it serves.
#[derive(Debug)]
pub struct Credential {
    /// Application (client) id.
    pub client_id: String,
    /// How it proves who it is.
    pub proof: Proof,
    /// When its secret expires, where the configuration says so; certificates tell it themselves.
    pub secret_expires: Option<Timestamp>,
    /// What it serves.
    pub capabilities: Vec<Capability>,
    /// Scoped by Exchange RBAC for Applications: one mailbox a call, itself in the URL, because
    /// nobody has documented whether the other mailboxes of a call are checked.
    pub rbac_scoped: bool,
    /// Holds `MailTips.ReadBasic.All`: mail tips are asked for as such, and not taken from mailboxes'
    /// settings.
    pub mail_tips: bool,
    /// Holds `User.Read.All` instead of `User.ReadBasic.All`: it can tell all addresses of a mailbox, which policies
    /// that deny some mailboxes need to know.
    pub all_addresses: bool,
}

/// How an application proves who it is. What lies in files is read anew for each token, so that it can be changed
/// without a restart.
#[derive(Debug)]
pub enum Proof {
    /// A client secret.
    Secret(Secret),
    /// Certificates, of which Entra knows at least one; several while they are changed.
    Certificates(Vec<Certificate>),
    /// A token of somebody whom Entra trusts to tell who we are, such as a Kubernetes cluster's for a workload: a file.
    FederatedToken(PathBuf),
    /// The identity of the machine in Azure that the gateway runs on.
    ManagedIdentity {
        /// Where the machine tells of it: an origin, usually `http://169.254.169.254/`.
        endpoint: Url,
    },
}

/// A secret, or where it is.
#[derive(Clone, Debug)]
pub enum Secret {
    /// Itself.
    Kept(SecretString),
    /// A file; white space around it is left out.
    File(PathBuf),
}

/// A certificate with its key, in files.
#[derive(Clone, Debug)]
pub enum Certificate {
    /// PEM; both may be in one file.
    Pem {
        /// The certificate, the first in the file.
        certificate: PathBuf,
        /// Its RSA key.
        private_key: PathBuf,
    },
    /// PKCS #12.
    Pkcs12 {
        /// The file.
        path: PathBuf,
        /// What it is locked with.
        password: Secret,
    },
}

impl Cloud {
    /// A national cloud by its name in the configuration: `global`, `us_government_l4`,
    /// `us_government_dod` or `china`
    /// (<https://learn.microsoft.com/graph/deployments>).
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let (login, graph) = match name {
            "global" => ("https://login.microsoftonline.com/", "https://graph.microsoft.com/"),
            "us_government_l4" => ("https://login.microsoftonline.us/", "https://graph.microsoft.us/"),
            "us_government_dod" => ("https://login.microsoftonline.us/", "https://dod-graph.microsoft.us/"),
            "china" => ("https://login.chinacloudapi.cn/", "https://microsoftgraph.chinacloudapi.cn/"),
            _ => return None,
        };
        let graph = Url::parse(graph).ok()?;
        Some(Self { login: Url::parse(login).ok()?, resource: graph.clone(), graph, extra_ca: None })
    }
}

impl Tenant {
    /// The credential that serves a capability, the narrowest first: the one that serves the
    /// fewest capabilities.
    #[must_use]
    pub fn credential(&self, capability: Capability) -> Option<(usize, &Credential)> {
        self.credentials
            .iter()
            .enumerate()
            .filter(|(_, credential)| credential.capabilities.contains(&capability))
            .min_by_key(|(_, credential)| credential.capabilities.len())
    }

    /// The credential that mail tips are asked for with, the narrowest first.
    #[must_use]
    pub fn mail_tips(&self) -> Option<usize> {
        let tipped = self.credentials.iter().enumerate().filter(|(_, credential)| credential.mail_tips);
        tipped.min_by_key(|(_, credential)| credential.capabilities.len()).map(|(place, _)| place)
    }
}
