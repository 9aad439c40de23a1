//! `serve`: the gateway.

use std::path::Path;

use super::{Signals, Trouble, load};
use crate::app::App;
use crate::config::Config;

/// The configuration, read before anything is opened.
///
/// # Errors
/// Its mistakes.
pub fn configuration(path: &Path) -> Result<Config, Trouble> {
    load(path)
}

/// Serves until told to end.
///
/// # Errors
/// When certificates or ports cannot be used.
pub async fn run(config: Config) -> Result<(), Trouble> {
    let signals = Signals::new()?;
    let app = App::start(config).await?;
    let monitor = app.monitor_address().map(tracing::field::display);
    tracing::info!(address = %app.address(), admin = %app.admin_address(), monitor, "serving");
    signals.until_told(|| app.reload_certificates()).await;
    tracing::info!("draining");
    app.stop().await;
    Ok(())
}
