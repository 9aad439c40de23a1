//! `demo`: simulator and gateway on loopback, and what to try.

mod clients;
mod configuration;
mod introduction;
pub mod monitor;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde_json::json;

use super::certificate::{self, Made};
use super::credentials::new_secret;
use super::{Signals, Trouble, simulate, table};
use crate::app::{self, App};
use crate::config::Config;
use crate::graph::Graphs;
use crate::simulator::{Application, Simulator};

use clients::Clients;
use configuration::{Listens, SIGNING_KEY, configuration};
use introduction::{Facts, days};
use monitor::Stand;

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
    /// Where the monitor and its mediator listen, if they are to be shown.
    pub monitor: Option<monitor::Settings>,
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
    monitor: Option<Stand>,
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

        let listen = free(settings.listen)?;
        let monitor = match settings.monitor {
            Some(monitor) => {
                let listen = free(monitor.listen)?;
                Some(Stand::start(monitor::Settings { listen, ..monitor }, &mailboxes).await?)
            }
            None => None,
        };
        let prefix = format!("demo-{}-{}", std::process::id(), listen.port());
        let certificates = certificate::make(&simulate::folder(), &prefix, &settings.hostnames)?;
        let listens = Listens { gateway: listen, admin: settings.admin_listen };
        let mut text = configuration(listens, &certificates, &simulator.base_url(), &tenants, &clients)?;
        if let Some(monitor) = &monitor {
            text.push_str(&monitor.configuration(clients.domains()));
        }
        let key = new_secret();
        let variable = |name: &str| {
            if name == SIGNING_KEY {
                return Some(key.clone());
            }
            if let Some(secret) = monitor.as_ref().and_then(|monitor| monitor.secret(name)) {
                return Some(secret);
            }
            let mut applications = tenants.iter().flat_map(|tenant| &tenant.applications);
            let application = applications.find(|application| application.client_id == name);
            application.map(|application| application.client_secret.clone()).or_else(|| clients.nt_hash(name))
        };
        let app = App::start(Config::parse(&text, Path::new("."), &variable)?).await?;
        Ok(Self { app, simulator, certificates, clients, monitor, simulator_tenant, master, mailboxes, rooms })
    }

    /// What programs need to know of it.
    #[must_use]
    pub fn details(&self) -> serde_json::Value {
        let simulator = self.simulator.base_url();
        let mut details = json!({
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
        });
        if let (Some(monitor), Some(details)) = (&self.monitor, details.as_object_mut()) {
            details.extend(monitor.details().into_iter().map(|(name, value)| (name.to_owned(), value.into())));
        }
        details
    }

    /// Whose calendars there are.
    pub(super) fn graphs(&self) -> &Graphs {
        self.app.graphs()
    }

    /// Ends all.
    pub async fn stop(self) {
        self.app.stop().await;
        if let Some(monitor) = self.monitor {
            monitor.stop().await;
        }
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
        let (url, authority, simulator) = (self.url(), self.authority(), self.simulator.base_url());
        let facts = Facts {
            url: &url,
            simulator: &simulator,
            admin: self.app.admin_address(),
            authority: &authority,
            clients: &self.clients,
            mailboxes: &self.mailboxes,
        };
        let mut text = facts.introduction();
        if let Some(monitor) = &self.monitor {
            let token = format!("{simulator}/{}/oauth2/v2.0/token", self.simulator_tenant);
            text.push_str(&monitor.introduction(&simulator, &token, &self.master, &self.clients.mailbox));
        }
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

/// The address with a port that is free at the moment: others are told of it before it is listened on.
fn free(listen: SocketAddr) -> Result<SocketAddr, Trouble> {
    let listener = std::net::TcpListener::bind(listen).map_err(|error| format!("{listen}: {error}"))?;
    Ok(listener.local_addr()?)
}
