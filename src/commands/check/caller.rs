//! A caller's way to the gateway, from outside: its public URL, a token, and a look-up.
//!
//! Owns the requests; trusts whom callers trust, not whom the gateway does. Must not know how the gateway answers them.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::CONTENT_TYPE;
use reqwest::tls::TlsInfo;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::form_urlencoded;

use super::certificate;
use crate::calendar::{Capability, Mailbox, Window};
use crate::client::Client;
use crate::ews::pull::Pull;
use crate::ews::xml::Xml;
use crate::graph::{Finding, Sheet, Verdict};
use crate::https::{cause, trust};
use crate::server::tls::CertificateFiles;

/// A client, and what it shows.
#[derive(Debug)]
pub struct Caller {
    /// Its id or user name.
    pub client: String,
    /// The file with its secret.
    pub secret_file: PathBuf,
    /// Its certificate with its key, PEM, where it shows one.
    pub certificate: Option<PathBuf>,
}

/// The way.
pub(super) struct Way {
    client: reqwest::Client,
    url: String,
}

impl Way {
    /// A way to a public URL; `authorities` are trusted besides the host's own, PEM; `certificate` is shown.
    ///
    /// # Errors
    /// A text for the operator: no or unreadable certificates.
    pub(super) fn new(
        url: &str,
        authorities: Option<&[u8]>,
        certificate: Option<CertifiedKey>,
    ) -> Result<Self, String> {
        let mut tls = trust(true, authorities)?;
        if let Some(certificate) = certificate {
            tls.client_auth_cert_resolver = Arc::new(SingleCertAndKey::from(certificate));
        }
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .tls_info(true)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(PATIENCE);
        Ok(Self { client: client.build().map_err(|error| cause(&error))?, url: url.to_owned() })
    }

    /// Whether the gateway answers there, with a certificate that callers trust.
    pub(super) async fn reach(&self, now: Timestamp) -> Vec<Finding> {
        let mut sheet = Sheet::of(&self.url);
        let answer = self.client.get(format!("{}/health-check", self.url)).send().await;
        match answer {
            Err(error) => {
                let problem = cause(&error);
                let remedy = if problem.contains("certificate") {
                    "serve the whole chain, from an authority that callers trust; a private one is named by --public-ca"
                } else {
                    "is the gateway running, and is its public URL reachable from here? Run this where callers are"
                };
                sheet.note("public_url", Verdict::Failed, problem, Some(remedy.to_owned()));
            }
            Ok(response) => {
                let certificate = response.extensions().get::<TlsInfo>().and_then(TlsInfo::peer_certificate);
                match certificate {
                    Some(certificate) => certificate::expiry("public_certificate", certificate, now, &mut sheet),
                    None => sheet.skip("public_certificate", "the certificate was not told"),
                }
                let status = response.status().as_u16();
                let body = response.text().await.unwrap_or_default();
                if status == 200 && body.trim() == "success" {
                    sheet.ok("public_url", "answers, with a chain that callers trust");
                } else if status == 403 {
                    let remedy = "run it where callers are, or let this host in by server.networks".to_owned();
                    let text = "HTTP 403 for /health-check: the gateway does not admit this host";
                    sheet.note("public_url", Verdict::Warning, text, Some(remedy));
                } else {
                    let remedy = "another server answers there: send it on to the gateway".to_owned();
                    let text = format!("HTTP {status} for /health-check, and not the gateway's word");
                    sheet.note("public_url", Verdict::Failed, text, Some(remedy));
                }
            }
        }
        sheet.findings()
    }

    async fn token(&self, client: &str, secret: &SecretString) -> Result<SecretString, Told> {
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_id", client)
            .append_pair("client_secret", secret.expose_secret())
            .finish();
        let request = self.client.post(format!("{}/token", self.url));
        let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form);
        let (status, body) = send(request).await.map_err(Told::lost)?;
        let answer: TokenAnswer = serde_json::from_str(&body).unwrap_or_default();
        answer.access_token.ok_or_else(|| {
            let error = answer.error.unwrap_or_else(|| "no token answer".to_owned());
            Told::status(status, &format!("HTTP {status} from {}/token: {error}", self.url))
        })
    }

    async fn look_up(&self, token: &SecretString, mailbox: &Mailbox, window: Window) -> Result<String, Told> {
        let request = self.client.post(format!("{}/", self.url)).bearer_auth(token.expose_secret());
        let request = request.header(CONTENT_TYPE, "text/xml; charset=utf-8").body(question(mailbox, window));
        match send(request).await.map_err(Told::lost)? {
            (200, body) => match code(&body).as_deref() {
                Some("NoError") => Ok(format!("{mailbox}: its busy times are told")),
                Some(code) => Err(Told::failed(format!("{mailbox}: {code}"), LOG)),
                None => Err(Told::failed("the answer holds no FreeBusyResponse".to_owned(), ANOTHER)),
            },
            (status, _) => Err(Told::status(status, &format!("HTTP {status}"))),
        }
    }
}

impl Caller {
    /// Goes a client's way: a token, then busy times of the first mailbox that it may use.
    pub(super) async fn walk(
        &self,
        url: &str,
        authorities: Option<&[u8]>,
        clients: &[Client],
        mailboxes: &[Mailbox],
        window: Window,
        now: Timestamp,
    ) -> Vec<Finding> {
        let mut sheet = Sheet::of(format!("client {}", self.client));
        let name = &self.client;
        let is_named = |client: &&Client| {
            client.id.eq_ignore_ascii_case(name) || client.users.iter().any(|user| user.eq_ignore_ascii_case(name))
        };
        let Some(client) = clients.iter().find(is_named) else {
            let names: Vec<&str> = clients.iter().map(|client| client.id.as_str()).collect();
            let remedy = format!("there are {}", names.join(", "));
            sheet.note(TOKEN, Verdict::Failed, "the configuration has no such client", Some(remedy));
            return sheet.findings();
        };
        if !client.certificates.is_empty() && self.certificate.is_none() {
            sheet.skip(TOKEN, "the client must show a certificate: name it, with its key, by --client-certificate");
            return sheet.findings();
        }
        let (way, token) = match self.authenticate(url, authorities).await {
            Ok(both) => both,
            Err(told) => {
                told.note(TOKEN, &mut sheet);
                return sheet.findings();
            }
        };
        sheet.ok(TOKEN, format!("{url}/token gives a token"));
        let permitted = |mailbox: &&Mailbox| client.permit(mailbox, Capability::FreeBusy, now).is_ok();
        match (client.entitle(Capability::FreeBusy), mailboxes.iter().find(permitted)) {
            (Err(_), _) => sheet.skip(LOOK_UP, "the client's policy has no free_busy, which is what is tried"),
            (Ok(_), None) if mailboxes.is_empty() => {
                sheet.skip(LOOK_UP, "no mailbox to look up: name one with --mailbox");
            }
            (Ok(_), None) => {
                sheet.skip(LOOK_UP, "the client may look up none of the mailboxes: name one with --mailbox")
            }
            (Ok(_), Some(mailbox)) => match way.look_up(&token, mailbox, window).await {
                Ok(text) => sheet.ok(LOOK_UP, text),
                Err(told) => told.note(LOOK_UP, &mut sheet),
            },
        }
        sheet.findings()
    }

    async fn authenticate(&self, url: &str, authorities: Option<&[u8]>) -> Result<(Way, SecretString), Told> {
        let file = |problem: String| Told::failed(problem, "name a file that this user can read");
        let secret = std::fs::read_to_string(&self.secret_file);
        let secret = secret.map_err(|error| file(format!("{}: {error}", self.secret_file.display())))?;
        let certificate = self.certificate.as_ref().map(|path| {
            let files = CertificateFiles { certificate: path.clone(), private_key: path.clone(), client_ca: None };
            files.read().map_err(|problem| file(problem.to_string()))
        });
        let way = Way::new(url, authorities, certificate.transpose()?).map_err(file)?;
        let token = way.token(&self.client, &secret.trim().into()).await?;
        Ok((way, token))
    }
}

/// What came instead, and what an operator can do about it.
#[derive(Debug)]
struct Told {
    verdict: Verdict,
    text: String,
    remedy: &'static str,
}

impl Told {
    fn failed(text: String, remedy: &'static str) -> Self {
        Self { verdict: Verdict::Failed, text, remedy }
    }

    /// No answer came.
    fn lost(problem: String) -> Self {
        Self::failed(problem, "is the gateway running, and is its public URL reachable from here?")
    }

    fn status(status: u16, text: &str) -> Self {
        match status {
            // Whether they do admit it is not known here: a proxy or translation of addresses may be on the way.
            403 => Self {
                verdict: Verdict::Warning,
                text: format!("{text}: the client's networks do not admit this host"),
                remedy: "run it where the client runs",
            },
            401 => Self::failed(
                text.to_owned(),
                "is it the secret that setup or client-secret showed, and has the gateway been started with this \
                 configuration?",
            ),
            429 | 503 => {
                Self::failed(text.to_owned(), "try again in a minute: the gateway limits requests and log-ins")
            }
            500 => Self::failed(text.to_owned(), LOG),
            _ => Self::failed(text.to_owned(), ANOTHER),
        }
    }

    fn note(self, check: &'static str, sheet: &mut Sheet) {
        sheet.note(check, self.verdict, self.text, Some(self.remedy.to_owned()));
    }
}

/// RFC 6749 §5.
#[derive(Default, Deserialize)]
struct TokenAnswer {
    access_token: Option<SecretString>,
    error: Option<String>,
}

async fn send(request: reqwest::RequestBuilder) -> Result<(u16, String), String> {
    let response = request.send().await.map_err(|error| cause(&error))?;
    let status = response.status().as_u16();
    Ok((status, response.text().await.map_err(|error| cause(&error))?))
}

/// GetUserAvailability of one mailbox, as Google's client asks
/// (<https://learn.microsoft.com/exchange/client-developer/web-service-reference/getuseravailability-operation>).
fn question(mailbox: &Mailbox, window: Window) -> String {
    let mut xml = Xml::default();
    xml.raw(concat!(
        r#"<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/""#,
        r#" xmlns:m="http://schemas.microsoft.com/exchange/services/2006/messages""#,
        r#" xmlns:t="http://schemas.microsoft.com/exchange/services/2006/types"><s:Header>"#,
        r#"<t:RequestServerVersion Version="Exchange2013"/></s:Header><s:Body><m:GetUserAvailabilityRequest>"#,
        "<t:TimeZone><t:Bias>0</t:Bias><t:StandardTime><t:Bias>0</t:Bias><t:Time>00:00:00</t:Time>",
        "<t:DayOrder>0</t:DayOrder><t:Month>0</t:Month><t:DayOfWeek>Sunday</t:DayOfWeek></t:StandardTime>",
        "<t:DaylightTime><t:Bias>0</t:Bias><t:Time>00:00:00</t:Time><t:DayOrder>0</t:DayOrder><t:Month>0</t:Month>",
        "<t:DayOfWeek>Sunday</t:DayOfWeek></t:DaylightTime></t:TimeZone>",
        "<m:MailboxDataArray><t:MailboxData><t:Email><t:Address>",
    ));
    xml.text(mailbox.as_str());
    xml.raw(concat!(
        "</t:Address></t:Email><t:AttendeeType>Required</t:AttendeeType></t:MailboxData></m:MailboxDataArray>",
        "<t:FreeBusyViewOptions><t:TimeWindow><t:StartTime>",
    ));
    xml.local_time(window.start().as_second());
    xml.raw("</t:StartTime><t:EndTime>");
    xml.local_time(window.end().as_second());
    xml.raw(concat!(
        "</t:EndTime></t:TimeWindow><t:MergedFreeBusyIntervalInMinutes>30</t:MergedFreeBusyIntervalInMinutes>",
        "<t:RequestedView>FreeBusy</t:RequestedView></t:FreeBusyViewOptions></m:GetUserAvailabilityRequest>",
        "</s:Body></s:Envelope>",
    ));
    xml.finish()
}

/// The response code of the first FreeBusyResponse.
fn code(answer: &str) -> Option<String> {
    let mut pull = Pull::new(answer);
    let mut is_inside = false;
    loop {
        // The end of an element leads to its parent's next child; the end of the document is an error.
        let Some(start) = pull.child().ok()? else { continue };
        match start.local() {
            "FreeBusyResponse" => is_inside = true,
            "ResponseCode" if is_inside => return Some(pull.text().ok()?.into_owned()),
            _ => {}
        }
    }
}

const TOKEN: &str = "caller_token";
const LOOK_UP: &str = "caller_look_up";
const LOG: &str = "what is refused has its reason in the gateway's log";
const ANOTHER: &str = "another server answers there: send it on to the gateway";
/// For one exchange.
const PATIENCE: Duration = Duration::from_secs(20);
