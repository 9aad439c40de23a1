//! From where each route may be called, whoever calls.
//!
//! Owns which path belongs to which list. Clients have lists of their own besides. Must not know what the routes do,
//! nor what is answered to others.

use crate::client::Networks;

/// From where each route may be called; an empty list means from anywhere.
#[derive(Clone, Debug, Default)]
pub struct RouteNetworks {
    /// SOAP requests: `/` and all below `/EWS/`.
    pub soap: Networks,
    /// Tokens, and the metadata about them.
    pub token: Networks,
    /// Health, which names no tenant.
    pub health: Networks,
    /// What Microsoft Graph tells of changes by itself.
    pub graph_notifications: Networks,
}

impl RouteNetworks {
    /// A path's list and the name of its route in logs and metrics; `None` where there is nothing.
    pub(super) fn of(&self, path: &str) -> Option<(&Networks, &'static str)> {
        match path {
            "/" => Some((&self.soap, "soap")),
            "/token" | "/.well-known/oauth-authorization-server" => Some((&self.token, "token")),
            _ if path.starts_with("/ews/") => Some((&self.soap, "soap")),
            _ if path.starts_with("/graph/") => Some((&self.graph_notifications, "notifications")),
            _ if path.starts_with("/health-check") => Some((&self.health, "health")),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_path_has_the_list_of_its_route() {
        let networks = RouteNetworks::default();
        let route = |path| networks.of(path).map(|(_, route)| route);
        for (path, name) in [
            ("/", Some("soap")),
            ("/ews/exchange.asmx", Some("soap")),
            ("/ews/services.wsdl", Some("soap")),
            ("/token", Some("token")),
            ("/.well-known/oauth-authorization-server", Some("token")),
            ("/graph/notifications", Some("notifications")),
            ("/graph/lifecycle", Some("notifications")),
            ("/health-check", Some("health")),
            ("/health-check/ready", Some("health")),
            ("/elsewhere", None),
        ] {
            assert_eq!(route(path), name, "{path}");
        }
    }
}
