//! `demo`: simulator and gateway on loopback, and what to try.

mod clients;

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use jiff::{Timestamp, ToSpan};
use serde_json::json;

use super::certificate::{self, Made};
use super::credentials::new_secret;
use super::{Signals, Trouble, simulate, table};
use crate::app::{self, App};
use crate::config::Config;
use crate::graph::Graphs;
use crate::simulator::{Application, Simulator, Tenant};

use clients::Clients;

/// How to demonstrate.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where the gateway listens.
    pub listen: SocketAddr,
    /// Where the simulator listens.
    pub simulator_listen: SocketAddr,
    /// Where operators look.
    pub admin_listen: SocketAddr,
    /// More names for the certificate.
    pub hostnames: Vec<String>,
    /// A seed; the built-in company without one.
    pub world: Option<PathBuf>,
    /// Where to write the details as JSON.
    pub details: Option<PathBuf>,
}

/// A running demonstration.
pub struct Demo {
    app: App,
    simulator: Simulator,
    certificates: Made,
    clients: Clients,
    simulator_tenant: String,
    master: Application,
    mailboxes: Vec<String>,
    rooms: Vec<String>,
}

/// Demonstrates until told to end.
///
/// # Errors
/// When the world, a port or a file cannot be used.
pub async fn run(settings: Settings) -> Result<(), Trouble> {
    let signals = Signals::new()?;
    let details = settings.details.clone();
    let demo = Demo::start(settings).await?;
    if let Some(path) = details {
        std::fs::write(&path, serde_json::to_string_pretty(&demo.details())?)
            .map_err(|error| format!("{}: {error}", path.display()))?;
    }
    println!("{}", demo.introduction());
    println!("{}", demo.look().await?);
    println!("Ctrl-C ends the demonstration.");
    signals.until_told(|| demo.app.reload_certificates()).await;
    demo.stop().await;
    Ok(())
}

impl Demo {
    /// Starts both on loopback.
    ///
    /// # Errors
    /// When the world or a port cannot be used.
    pub async fn start(settings: Settings) -> Result<Self, Trouble> {
        let world = simulate::world(settings.world.as_deref())?;
        let (mailboxes, rooms) = (world.mailboxes(), world.rooms());
        let tenants = world.tenants().to_vec();
        let tenant = tenants.first().ok_or("the world has no tenant")?;
        let domains = tenants.iter().flat_map(|tenant| &tenant.domains).cloned().collect();
        let clients = Clients::new(&mailboxes, &rooms, domains).ok_or("the world has no mailbox")?;
        let master = tenant.applications.iter().max_by_key(|application| application.roles.len()).cloned();
        let master = master.ok_or("the world's tenant has no application")?;
        let simulator_tenant = tenant.id.clone();
        let simulator = simulate::start(world, settings.simulator_listen, None).await?;

        let listener =
            std::net::TcpListener::bind(settings.listen).map_err(|error| format!("{}: {error}", settings.listen))?;
        let listen = listener.local_addr()?;
        drop(listener);
        let prefix = format!("demo-{}-{}", std::process::id(), listen.port());
        let certificates = certificate::make(&simulate::folder(), &prefix, &settings.hostnames)?;
        let text = configuration(&settings, listen, &certificates, &simulator.base_url(), &tenants, &clients)?;
        let key = new_secret();
        let variable = |name: &str| {
            if name == SIGNING_KEY {
                return Some(key.clone());
            }
            let mut applications = tenants.iter().flat_map(|tenant| &tenant.applications);
            let application = applications.find(|application| application.client_id == name);
            application.map(|application| application.client_secret.clone()).or_else(|| clients.nt_hash(name))
        };
        let app = App::start(Config::parse(&text, Path::new("."), &variable)?).await?;
        Ok(Self { app, simulator, certificates, clients, simulator_tenant, master, mailboxes, rooms })
    }

    /// What programs need to know of it.
    #[must_use]
    pub fn details(&self) -> serde_json::Value {
        let simulator = self.simulator.base_url();
        json!({
            "url": format!("{}/", self.url()),
            "ews_url": format!("{}/EWS/Exchange.asmx", self.url()),
            "token_url": format!("{}/token", self.url()),
            "client_id": self.clients.demo.id,
            "client_secret": self.clients.demo.password,
            "basic_username": self.clients.demo_user(),
            "basic_password": self.clients.demo.password,
            "respa_username": format!("EXAMPLE\\{}", self.clients.respa.id),
            "respa_password": self.clients.respa.password,
            "account_username": self.clients.account.id,
            "account_password": self.clients.account.password,
            "account_mailbox": self.clients.mailbox,
            "ca_file": self.authority(),
            "simulator_url": simulator,
            "simulator_tenant": self.simulator_tenant,
            "simulator_client_id": self.master.client_id,
            "simulator_client_secret": self.master.client_secret,
            "simulator_control_url": format!("{simulator}/control"),
            "admin_url": format!("http://{}", self.app.admin_address()),
            "mailboxes": self.mailboxes,
            "rooms": self.rooms,
        })
    }

    /// Whose calendars there are.
    pub(super) fn graphs(&self) -> &Graphs {
        self.app.graphs()
    }

    /// Ends both.
    pub async fn stop(self) {
        self.app.stop().await;
        self.simulator.stop().await;
    }

    fn url(&self) -> String {
        let address = self.app.address();
        if address.ip().is_unspecified() {
            format!("https://localhost:{}", address.port())
        } else {
            format!("https://{address}")
        }
    }

    fn authority(&self) -> PathBuf {
        let path = &self.certificates.authority;
        std::fs::canonicalize(path).unwrap_or_else(|_| path.clone())
    }

    fn introduction(&self) -> String {
        let (url, authority) = (self.url(), self.authority());
        let (start, end) = days(app::now());
        let people: Vec<&str> = self.mailboxes.iter().take(2).map(String::as_str).collect();
        let envelope = google_shaped(&people, start, end);
        let Clients { demo, respa, account, mailbox, .. } = &self.clients;
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "gateway      {url}/   (and {url}/EWS/Exchange.asmx)");
        let _ = writeln!(text, "simulator    {}   (Microsoft Graph and Entra)", self.simulator.base_url());
        let _ = writeln!(text, "operators    http://{}/metrics and /health", self.app.admin_address());
        let user = self.clients.demo_user();
        let _ = writeln!(
            text,
            "client       {}   secret {}   (HTTP Basic: {user}, the same secret)",
            demo.id, demo.password
        );
        let _ = writeln!(text, "for Respa    EXAMPLE\\{}   password {}   (all rooms)", respa.id, respa.password);
        let _ = writeln!(text, "account      {}   password {}   ({mailbox})", account.id, account.password);
        let _ = writeln!(text, "authority    {}\n", authority.display());
        let _ = writeln!(text, "A token, as Google Calendar Interop gets it:\n");
        let _ = writeln!(
            text,
            "TOKEN=$(curl -sS --cacert '{}' '{url}/token' -d grant_type=client_credentials -d client_id={} -d client_secret={} | sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/')\n",
            authority.display(),
            demo.id,
            demo.password
        );
        let _ = writeln!(text, "A look-up, as Google Calendar Interop posts it:\n");
        let _ = writeln!(
            text,
            "curl -sS --cacert '{}' '{url}/' -H \"Authorization: Bearer $TOKEN\" -H 'Content-Type: text/xml; charset=utf-8' -d '{envelope}'\n",
            authority.display()
        );
        text
    }

    /// What the gateway itself sees of the first mailboxes.
    async fn look(&self) -> Result<String, Trouble> {
        let addresses: Vec<String> = self.mailboxes.iter().take(3).chain(self.rooms.iter().take(1)).cloned().collect();
        let (start, end) = days(app::now());
        let window = table::window(start, end)?;
        let seen = table::table(self.graphs(), &addresses, window, &crate::calendar::zone::Zone::utc()).await?;
        Ok(format!("What the gateway sees (UTC):\n\n{seen}"))
    }
}

/// The configuration of a demonstration, in the form that operators write.
fn configuration(
    settings: &Settings,
    listen: SocketAddr,
    certificates: &Made,
    simulator: &str,
    tenants: &[Tenant],
    clients: &Clients,
) -> Result<String, Trouble> {
    let mut text = String::new();
    writeln!(
        text,
        "[server]\nlisten = \"{listen}\"\npublic_url = \"https://localhost:{}\"\ncertificate = {:?}\nprivate_key = {:?}\n\
         [admin]\nlisten = \"{}\"\n[limits]\nconnections = 10000\nconnections_per_address = 10000\ndrain_delay = \"0s\"\n[cache]\nlifetime = \"5s\"\n[store]\npath = \":memory:\"\n[tokens]\nkeys = [{{ id = \"demo\", secret = {{ env = \"{SIGNING_KEY}\" }} }}]\n\
         {}",
        listen.port(),
        certificates.files.certificate,
        certificates.files.private_key,
        settings.admin_listen,
        clients.configuration(),
    )?;
    for tenant in tenants {
        writeln!(
            text,
            "[[tenants]]\nname = {:?}\nid = {:?}\nlogin_url = \"{simulator}/\"\ngraph_url = \"{simulator}/\"\ndomains = {:?}",
            tenant.name, tenant.id, tenant.domains
        )?;
        for (capability, roles) in NEEDS {
            if let Some(application) = narrowest(tenant, roles) {
                writeln!(
                    text,
                    "[[tenants.credentials]]\nclient_id = {:?}\nsecret = {{ env = {:?} }}\ncapabilities = [{capability:?}]",
                    application.client_id, application.client_id
                )?;
            }
        }
    }
    Ok(text)
}

/// The application with the fewest roles that has one of each set.
fn narrowest<'a>(tenant: &'a Tenant, needed: &[&[&str]]) -> Option<&'a Application> {
    let serves = |application: &&Application| {
        needed.iter().all(|any| any.iter().any(|role| application.roles.iter().any(|held| held == role)))
    };
    tenant.applications.iter().filter(serves).min_by_key(|application| application.roles.len())
}

/// Today and tomorrow.
fn days(now: Timestamp) -> (Timestamp, Timestamp) {
    let today =
        now.to_zoned(jiff::tz::TimeZone::UTC).start_of_day().unwrap_or_else(|_| now.to_zoned(jiff::tz::TimeZone::UTC));
    let end = today.checked_add(2.days()).unwrap_or_else(|_| today.clone());
    (today.timestamp(), end.timestamp())
}

/// A request in the form of Google Calendar Interop.
fn google_shaped(addresses: &[&str], start: Timestamp, end: Timestamp) -> String {
    let local = |at: Timestamp| at.strftime("%Y-%m-%dT%H:%M:%S").to_string();
    let mailboxes: String = addresses
        .iter()
        .map(|address| {
            format!(
                "<ns2:MailboxData><ns2:Email><ns2:Address>{address}</ns2:Address></ns2:Email><ns2:AttendeeType>Required</ns2:AttendeeType></ns2:MailboxData>"
            )
        })
        .collect();
    format!(
        "<SOAP-ENV:Envelope xmlns:SOAP-ENV=\"http://schemas.xmlsoap.org/soap/envelope/\" xmlns:ns2=\"http://schemas.microsoft.com/exchange/services/2006/types\" xmlns:ns3=\"http://schemas.microsoft.com/exchange/services/2006/messages\"><SOAP-ENV:Header/><SOAP-ENV:Body><ns3:GetUserAvailabilityRequest><ns3:MailboxDataArray>{mailboxes}</ns3:MailboxDataArray><ns2:FreeBusyViewOptions><ns2:TimeWindow><ns2:StartTime>{}</ns2:StartTime><ns2:EndTime>{}</ns2:EndTime></ns2:TimeWindow><ns2:MergedFreeBusyIntervalInMinutes>30</ns2:MergedFreeBusyIntervalInMinutes><ns2:RequestedView>FreeBusyMerged</ns2:RequestedView></ns2:FreeBusyViewOptions></ns3:GetUserAvailabilityRequest></SOAP-ENV:Body></SOAP-ENV:Envelope>",
        local(start),
        local(end)
    )
}

/// What the signing key is called in the configuration.
const SIGNING_KEY: &str = "DEMO_SIGNING_KEY";
/// The Graph permissions that each capability needs: one of each set.
const NEEDS: [(&str, &[&[&str]]); 6] = [
    ("free_busy", &[&["Calendars.ReadBasic.All", "Calendars.Read"]]),
    ("calendar_read", &[&["Calendars.Read"]]),
    ("calendar_write", &[&["Calendars.ReadWrite"]]),
    ("out_of_office_read", &[&["MailboxSettings.Read"]]),
    ("out_of_office_write", &[&["MailboxSettings.ReadWrite"]]),
    (
        "directory",
        &[
            &["Place.Read.All"],
            &["GroupMember.Read.All", "GroupMember.ReadBasic.All"],
            &["User.ReadBasic.All", "User.Read.All"],
        ],
    ),
];
