//! From where each route may be called.

use super::NINA;
use crate::harness::{CLIENT, SECRET, Setup};

const PATHS: [(&str, &str); 7] = [
    ("soap", "/EWS/Exchange.asmx"),
    ("soap", "/"),
    ("soap", "/EWS/Services.wsdl"),
    ("token", "/token"),
    ("health", "/health-check"),
    ("health", "/health-check/ready"),
    ("graph_notifications", "/graph/notifications"),
];

#[tokio::test]
async fn each_route_has_networks_of_its_own() {
    for route in ["soap", "token", "health", "graph_notifications"] {
        let server = format!(
            "trusted_proxies = [\"127.0.0.1\"]\nnetworks = {{ {route} = [\"192.0.2.0/24\", \"2001:db8::/32\"] }}"
        );
        let gateway = Setup { server, ..Setup::new() }.start().await;
        let mut refused = 0;
        for (name, path) in PATHS {
            for (from, is_listed) in [("192.0.2.7", true), ("2001:db8::7", true), ("198.51.100.7", false)] {
                for method in [reqwest::Method::GET, reqwest::Method::POST, reqwest::Method::DELETE] {
                    let request = gateway.http.request(method, gateway.url(path)).header("x-forwarded-for", from);
                    let answer = gateway.send(request.basic_auth(CLIENT, Some(SECRET)).body("x")).await;
                    let is_refused = answer.status == 403 && answer.body == "Not from this network.\n";
                    assert_eq!(is_refused, name == route && !is_listed, "{route}: {path} from {from}: {answer:?}");
                    refused += u64::from(is_refused);
                }
            }
        }
        let line = "calendar_relay_denied_total{client=\"-\",reason=\"network\"}";
        assert_eq!(gateway.figure(line).await, refused);
        gateway.done().await;
    }
}

#[tokio::test]
async fn without_lists_every_route_is_open_to_all() {
    let gateway = Setup { server: "trusted_proxies = [\"127.0.0.1\"]".to_owned(), ..Setup::new() }.start().await;
    let post = gateway.post(NINA.xml()).header("x-forwarded-for", "198.51.100.7");
    assert_eq!(gateway.send(post).await.status, 200);
    for (_, path) in PATHS {
        let get = gateway.http.get(gateway.url(path)).header("x-forwarded-for", "198.51.100.7");
        assert_ne!(gateway.send(get).await.status, 403, "{path}");
    }
    gateway.done().await;
}
