//! `demo --monitor`: the out-of-office monitor, and a stand-in for the mediator that it tells.
//!
//! Owns their part of the configuration and of what is printed. Must not know the rest of the demonstration.

use std::net::SocketAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use url::Url;

use super::super::{Trouble, simulate};
use crate::simulator::Application;
use crate::simulator::mediator::Mediator;

/// Where the monitor and the mediator listen.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The monitor.
    pub listen: SocketAddr,
    /// The mediator.
    pub mediator_listen: SocketAddr,
}

/// A mediator that runs, and what the monitor is to know of it.
pub(super) struct Stand {
    listen: SocketAddr,
    mediator: Mediator,
    /// The key that the standard webhook's letters are signed with.
    secret: String,
}

impl Stand {
    /// Starts a mediator that has all mailboxes watched.
    pub(super) async fn start(settings: Settings, mailboxes: &[String]) -> Result<Self, Trouble> {
        let Settings { listen, mediator_listen } = settings;
        let monitor = Some(Url::parse(&format!("http://{listen}"))?);
        let users = mailboxes.to_vec();
        let mediator = simulate::mediate(mediator_listen, monitor, users).await;
        let mediator = mediator.map_err(|error| format!("{mediator_listen}: {error}"))?;
        let secret = format!("whsec_{}", STANDARD.encode(rand::random::<[u8; 32]>()));
        Ok(Self { listen, mediator, secret })
    }

    /// Its part of the configuration.
    pub(super) fn configuration(&self, domains: &[String]) -> String {
        let everybody: Vec<String> = domains.iter().map(|domain| format!("*@{domain}")).collect();
        let default_domain = domains.first().map(|domain| format!("default_domain = {domain:?}\n")).unwrap_or_default();
        let (listen, mediator) = (self.listen, self.mediator.base_url());
        let webhook = "plain = true\nprivate_networks = [\"127.0.0.0/8\", \"::1\"]";
        format!(
            "[monitor]\nlisten = \"{listen}\"\nmailboxes = {everybody:?}\n{default_domain}\
             interval = \"2s\"\nlongest_interval = \"2s\"\n\
             [[monitor.webhooks]]\nname = \"mediator\"\nkind = \"mediator\"\nurl = \"{mediator}\"\n{webhook}\n\
             [[monitor.webhooks]]\nname = \"standard\"\nkind = \"standard\"\nurl = \"{mediator}/hook\"\n{webhook}\n\
             secrets = [{{ env = \"{SECRET}\" }}]\n"
        )
    }

    /// The secret that the configuration refers to by this name.
    pub(super) fn secret(&self, name: &str) -> Option<String> {
        (name == SECRET).then(|| self.secret.clone())
    }

    /// What programs need to know of it.
    pub(super) fn details(&self) -> [(&'static str, String); 3] {
        [
            ("monitor_url", self.url()),
            ("mediator_url", self.mediator.base_url()),
            ("webhook_secret", self.secret.clone()),
        ]
    }

    /// What to try: a reply of a mailbox's is set with the application's token, and arrives.
    pub(super) fn introduction(
        &self,
        simulator: &str,
        token: &str,
        application: &Application,
        mailbox: &str,
    ) -> String {
        let (url, mediator) = (self.url(), self.mediator.base_url());
        let Application { client_id, client_secret, .. } = application;
        let scope = "https%3A%2F%2Fgraph.microsoft.com%2F.default";
        let reply = "{\"automaticRepliesSetting\": {\"status\": \"alwaysEnabled\", \"externalAudience\": \"all\", \
            \"internalReplyMessage\": \"<p>Gone fishing.</p>\", \
            \"externalReplyMessage\": \"<p>Back on Monday.<br>Fish &amp; chips then.</p>\"}}";
        format!(
            "monitor      {url}   (POST /monitor, GET /watches, GET /openapi.json)\n\
             mediator     {mediator}   (a stand-in: GET /control/received shows what it was told)\n\n\
             Somebody switches automatic replies on, in Microsoft Graph:\n\n\
             GRAPH_TOKEN=$(curl -sS '{token}' -d grant_type=client_credentials -d client_id={client_id} \
             -d client_secret={client_secret} -d scope={scope} | sed 's/.*\"access_token\":\"\\([^\"]*\\)\".*/\\1/')\n\n\
             curl -sS -X PATCH '{simulator}/v1.0/users/{mailbox}/mailboxSettings' \
             -H \"Authorization: Bearer $GRAPH_TOKEN\" -H 'Content-Type: application/json' -d '{reply}'\n\n\
             Two seconds later the mediator has been told:\n\n\
             curl -sS '{mediator}/control/received'\n\n\
             and this is how the mailbox stands:\n\n\
             curl -sS '{url}/watches/{mailbox}'\n"
        )
    }

    /// Ends the mediator.
    pub(super) async fn stop(self) {
        self.mediator.stop().await;
    }

    fn url(&self) -> String {
        format!("http://{}", self.listen)
    }
}

/// What the standard webhook's key is called in the configuration.
const SECRET: &str = "DEMO_WEBHOOK_SECRET";
