//! Whose calendars, with which application.
//!
//! Owns Microsoft 365 tenants as the configuration describes them. Must not send anything.

pub mod permissions;

use std::path::PathBuf;

use jiff::Timestamp;
use secrecy::SecretString;
use url::Url;

use crate::calendar::Capability;
use crate::calendar::domains::Domains;

/// A Microsoft 365 tenant.
#[derive(Debug)]
pub struct Tenant {
    /// Its name in the configuration, in logs and metrics.
    pub name: String,
    /// Its directory (tenant) id.
    pub id: String,
    /// Where its login and its Graph live.
    pub cloud: Cloud,
    /// Its mail domains: `contoso.example` is exactly that one, `*.contoso.example` every one under it.
    pub domains: Vec<String>,
    /// Whether it is asked where a request names neither an address nor a domain. One tenant is at most; the only one
    /// always is.
    pub is_default: bool,
    /// Its own limits, where it has some.
    pub limits: Limits,
    /// Its applications, in the configuration's order.
    pub credentials: Vec<Credential>,
}

/// Limits of one tenant, instead of those that all share.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    /// Calls at once.
    pub concurrency: Option<usize>,
    /// The most memory that what is remembered of its busy times may take.
    pub cache_megabytes: Option<u64>,
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
    /// The credential that serves a capability: the narrowest that does, and no other when that one is refused.
    ///
    /// Narrow is what does little harm in the wrong hands. An application that may write is wider than any that may
    /// only read, whatever else they serve, for what is read can be kept from most, and what is overwritten is gone.
    /// Of those that may write as much, fewer powers are narrower: capabilities, mail tips, all addresses. Of as many,
    /// one that Exchange RBAC holds to some mailboxes is narrower than one that reaches all; and as nothing stands in
    /// for it, its scope also bounds what the gateway reaches. Else the first listed is.
    #[must_use]
    pub fn credential(&self, capability: Capability) -> Option<(usize, &Credential)> {
        self.narrowest(|credential| credential.capabilities.contains(&capability))
    }

    /// The credential that mail tips are asked for with, the narrowest.
    #[must_use]
    pub fn mail_tips(&self) -> Option<usize> {
        self.narrowest(|credential| credential.mail_tips).map(|(place, _)| place)
    }

    /// The credential that can tell all addresses of a user, the narrowest.
    #[must_use]
    pub fn all_addresses(&self) -> Option<usize> {
        self.narrowest(|credential| credential.all_addresses).map(|(place, _)| place)
    }

    /// The credential that looks into groups and, if any does, can tell all addresses of their members.
    #[must_use]
    pub fn members(&self) -> Option<usize> {
        let reads = |credential: &Credential| credential.capabilities.contains(&Capability::Directory);
        let whole = self.narrowest(|credential| reads(credential) && credential.all_addresses);
        whole.or_else(|| self.narrowest(reads)).map(|(place, _)| place)
    }

    fn narrowest(&self, serves: impl Fn(&Credential) -> bool) -> Option<(usize, &Credential)> {
        let serving = self.credentials.iter().enumerate().filter(|(_, credential)| serves(credential));
        // Of equals it is the first.
        serving.min_by_key(|(_, credential)| credential.width())
    }
}

/// What `of` says of each tenant, and its place, by its mail domains; and what is wrong with these, for the operator: what
/// is no mail domain, and what is listed already, which is the first tenant's.
pub fn by_domain<T>(tenants: &[Tenant], of: impl Fn(usize, &Tenant) -> T) -> (Domains<T>, Vec<String>) {
    let (mut domains, mut problems) = (Domains::default(), Vec::new());
    for (place, tenant) in tenants.iter().enumerate() {
        for domain in &tenant.domains {
            let listed = domains.insert(domain, of(place, tenant));
            problems.extend(listed.err().map(|problem| format!("tenant {}: domains: {problem}", tenant.name)));
        }
    }
    (domains, problems)
}

impl Credential {
    /// How wide it is, see [`Tenant::credential`].
    fn width(&self) -> (usize, usize, bool) {
        let writes = [Capability::CalendarWrite, Capability::OutOfOfficeWrite];
        let writes = writes.iter().filter(|capability| self.capabilities.contains(capability)).count();
        let powers = self.capabilities.len() + usize::from(self.mail_tips) + usize::from(self.all_addresses);
        (writes, powers, !self.rbac_scoped)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use secrecy::SecretString;

    use super::*;
    use crate::calendar::Mailbox;
    use Capability::{CalendarRead, CalendarWrite, Directory, FreeBusy, OutOfOfficeRead};

    fn credential(client_id: &str, capabilities: &[Capability]) -> Credential {
        Credential {
            client_id: client_id.to_owned(),
            proof: Proof::Secret(Secret::Kept(SecretString::from("s"))),
            secret_expires: None,
            capabilities: capabilities.to_vec(),
            rbac_scoped: false,
            mail_tips: false,
            all_addresses: false,
        }
    }

    fn tenant(credentials: Vec<Credential>) -> Tenant {
        let cloud = Cloud::named("global").unwrap();
        let (name, id) = ("t".to_owned(), "i".to_owned());
        Tenant { name, id, cloud, domains: Vec::new(), is_default: false, limits: Limits::default(), credentials }
    }

    #[test]
    fn the_narrowest_credential_serves() {
        let tenant = tenant(vec![
            credential("writer", &[FreeBusy, CalendarWrite]),
            credential("wide", &[FreeBusy, CalendarRead, OutOfOfficeRead]),
            credential("first", &[FreeBusy, CalendarRead]),
            credential("second", &[FreeBusy, CalendarRead]),
            Credential { mail_tips: true, ..credential("tips", &[OutOfOfficeRead]) },
            Credential { rbac_scoped: true, ..credential("scoped", &[OutOfOfficeRead, CalendarRead]) },
        ]);
        let serving = |capability| tenant.credential(capability).map(|(_, credential)| credential.client_id.as_str());
        assert_eq!(serving(FreeBusy), Some("first"), "not the one that may write, though it serves as little");
        assert_eq!(serving(CalendarRead), Some("scoped"), "of as wide ones the one that reaches fewer mailboxes");
        assert_eq!(serving(CalendarWrite), Some("writer"));
        assert_eq!(serving(OutOfOfficeRead), Some("scoped"), "mail tips are a power, too");
        assert_eq!((serving(Directory), tenant.mail_tips(), tenant.all_addresses()), (None, Some(4), None));
    }

    #[test]
    fn a_domain_is_the_first_tenants_that_lists_it() {
        let of = |domains: &[&str]| Tenant {
            domains: domains.iter().map(|domain| (*domain).to_owned()).collect(),
            ..tenant(Vec::new())
        };
        let tenants = [of(&["a.example", "*.a.example"]), of(&["b.example", "A.example", "nonsense"])];
        let (places, problems) = by_domain(&tenants, |place, _| place);
        let find = |text: &str| places.find(&Mailbox::parse(text).unwrap()).copied();
        let found = ["x@a.example", "x@y.a.example", "x@b.example", "x@c.example"].map(find);
        assert_eq!(found, [Some(0), Some(0), Some(1), None]);
        assert!(problems.len() == 2 && problems.iter().all(|problem| problem.starts_with("tenant t: domains: ")));
    }

    #[test]
    fn all_addresses_may_have_an_application_of_their_own() {
        let all =
            |name, capabilities: &[Capability]| Credential { all_addresses: true, ..credential(name, capabilities) };
        let basic = || credential("basic", &[Directory]);
        let apart = tenant(vec![basic(), all("addresses", &[])]);
        assert_eq!((apart.members(), apart.all_addresses()), (Some(0), Some(1)));
        let one = tenant(vec![basic(), all("directory", &[Directory])]);
        assert_eq!((one.members(), one.all_addresses()), (Some(1), Some(1)));
        assert_eq!(one.credential(Directory).map(|(place, _)| place), Some(0), "names need no aliases");
    }

    #[test]
    fn each_cloud_has_its_own_login_graph_and_resource() {
        // https://learn.microsoft.com/graph/deployments
        for (name, login, graph) in [
            ("global", "login.microsoftonline.com", "graph.microsoft.com"),
            ("us_government_l4", "login.microsoftonline.us", "graph.microsoft.us"),
            ("us_government_dod", "login.microsoftonline.us", "dod-graph.microsoft.us"),
            ("china", "login.chinacloudapi.cn", "microsoftgraph.chinacloudapi.cn"),
        ] {
            let cloud = Cloud::named(name).unwrap();
            let found =
                [&cloud.login, &cloud.graph, &cloud.resource].map(|url| (url.scheme(), url.host_str().unwrap()));
            assert_eq!(found, [("https", login), ("https", graph), ("https", graph)], "{name}");
        }
        assert!(Cloud::named("germany").is_none(), "closed in 2021");
    }
}
