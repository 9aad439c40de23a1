//! `simulate`: the Graph simulator, and the mediator of a telephone system beside it.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use url::Url;

use super::{Signals, Trouble, certificate};
use crate::app;
use crate::server::tls::Certificates;
use crate::simulator::mediator::{self, Mediator};
use crate::simulator::{Options, Simulator, World};

/// How to simulate.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where to listen.
    pub listen: SocketAddr,
    /// A seed; the built-in company without one.
    pub world: Option<PathBuf>,
    /// TLS with a certificate of the moment, whose authority is written to this file's folder.
    pub tls: bool,
    /// Where a mediator listens; none without it.
    pub mediator_listen: Option<SocketAddr>,
    /// The monitor that the mediator tells whom to watch.
    pub monitor: Option<Url>,
    /// Whom it tells to watch.
    pub mediator_users: Vec<String>,
}

/// A world from a file, or the built-in company.
///
/// # Errors
/// What is wrong with the file.
pub fn world(path: Option<&Path>) -> Result<World, Trouble> {
    let Some(path) = path else { return Ok(World::company()) };
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    World::from_json(&text).map_err(|problem| format!("{}: {problem}", path.display()).into())
}

/// Simulates until told to end.
///
/// # Errors
/// When the world or the address cannot be used.
pub async fn run(settings: Settings) -> Result<(), Trouble> {
    let signals = Signals::new()?;
    let world = world(settings.world.as_deref())?;
    let made = settings.tls.then(|| certificate::make(&folder(), &format!("simulator-{}", std::process::id()), &[]));
    let made = made.transpose()?;
    let tls = match &made {
        Some(made) => {
            println!("authority    {}", made.authority.display());
            Some(Certificates::new(made.files.clone())?.server_config())
        }
        None => None,
    };
    let simulator = start(world, settings.listen, tls).await?;
    println!("simulator    {}", simulator.base_url());
    println!("control      {}/control", simulator.base_url());
    let mediator = match settings.mediator_listen {
        Some(listen) => {
            let mediator = mediate(listen, settings.monitor, settings.mediator_users).await?;
            println!("mediator     {}", mediator.base_url());
            Some(mediator)
        }
        None => None,
    };
    signals.until_told(|| {}).await;
    if let Some(mediator) = mediator {
        mediator.stop().await;
    }
    simulator.stop().await;
    Ok(())
}

/// Starts a simulator by the system's clock.
pub(super) async fn start(
    world: World,
    listen: SocketAddr,
    tls: Option<Arc<rustls::ServerConfig>>,
) -> std::io::Result<Simulator> {
    Simulator::start(world, Options { listen, tls, clock: app::now, strict: true }).await
}

/// Starts a mediator by the system's clock.
pub(super) async fn mediate(listen: SocketAddr, monitor: Option<Url>, users: Vec<String>) -> std::io::Result<Mediator> {
    Mediator::start(mediator::Options { listen, monitor, users, clock: app::now }).await
}

/// Where certificates of the moment are written: the project's `certs`, or the system's folder for
/// temporary files.
pub(super) fn folder() -> PathBuf {
    let certs = Path::new("certs");
    if certs.is_dir() { certs.to_owned() } else { std::env::temp_dir() }
}
