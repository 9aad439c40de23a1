//! A caller's way to the gateway, from outside: its public URL, a token, and a look-up.
//!
//! Owns the requests; trusts whom callers trust, not whom the gateway does. Must not know how the gateway answers them.

use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::CONTENT_TYPE;
use reqwest::tls::TlsInfo;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use url::form_urlencoded;

use super::certificate;
use crate::calendar::{Mailbox, Window};
use crate::ews::pull::Pull;
use crate::ews::xml::Xml;
use crate::graph::{Finding, Sheet, Verdict};
use crate::https::{cause, trust};

/// The way.
pub(super) struct Way {
    client: reqwest::Client,
    url: String,
}

impl Way {
    /// A way to a public URL; `authorities` are trusted besides the host's own, PEM.
    ///
    /// # Errors
    /// A text for the operator: no or unreadable certificates.
    pub(super) fn new(url: &str, authorities: Option<&[u8]>) -> Result<Self, String> {
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(trust(true, authorities)?)
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
                } else {
                    let remedy = "another server answers there: send it on to the gateway".to_owned();
                    let text = format!("HTTP {status} for /health-check, and not the gateway's word");
                    sheet.note("public_url", Verdict::Failed, text, Some(remedy));
                }
            }
        }
        sheet.findings()
    }

    /// Goes a client's way: a token, then busy times of a mailbox with it.
    pub(super) async fn walk(
        &self,
        client: &str,
        secret: &SecretString,
        mailbox: Option<&Mailbox>,
        window: Window,
    ) -> Vec<Finding> {
        let mut sheet = Sheet::of(format!("client {client}"));
        match self.token(client, secret).await {
            Ok(token) => {
                sheet.ok("caller_token", format!("{}/token gives a token", self.url));
                match mailbox {
                    Some(mailbox) => self.look_up(&token, mailbox, window, &mut sheet).await,
                    None => sheet.skip("caller_look_up", "no mailbox to look up: name one with --mailbox"),
                }
            }
            Err(problem) => sheet.note("caller_token", Verdict::Failed, problem, None),
        }
        sheet.findings()
    }

    async fn token(&self, client: &str, secret: &SecretString) -> Result<SecretString, String> {
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .append_pair("client_id", client)
            .append_pair("client_secret", secret.expose_secret())
            .finish();
        let request = self.client.post(format!("{}/token", self.url));
        let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(form);
        let (status, body) = send(request).await?;
        let told: Told = serde_json::from_str(&body).unwrap_or_default();
        told.access_token.ok_or_else(|| {
            let error = told.error.unwrap_or_else(|| "no token answer".to_owned());
            format!("HTTP {status} from {}/token: {error}", self.url)
        })
    }

    async fn look_up(&self, token: &SecretString, mailbox: &Mailbox, window: Window, sheet: &mut Sheet) {
        const CHECK: &str = "caller_look_up";
        let request = self.client.post(format!("{}/", self.url)).bearer_auth(token.expose_secret());
        let request = request.header(CONTENT_TYPE, "text/xml; charset=utf-8").body(question(mailbox, window));
        match send(request).await {
            Err(problem) => sheet.note(CHECK, Verdict::Failed, problem, None),
            Ok((200, body)) => match code(&body).as_deref() {
                Some("NoError") => sheet.ok(CHECK, format!("{mailbox}: its busy times are told")),
                Some(code) => {
                    let remedy = "what is refused has its reason in the gateway's log".to_owned();
                    sheet.note(CHECK, Verdict::Failed, format!("{mailbox}: {code}"), Some(remedy));
                }
                None => sheet.note(CHECK, Verdict::Failed, "the answer holds no FreeBusyResponse", None),
            },
            Ok((status, _)) => sheet.note(CHECK, Verdict::Failed, format!("HTTP {status}"), None),
        }
    }
}

/// RFC 6749 §5.
#[derive(Default, Deserialize)]
struct Told {
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

/// For one exchange.
const PATIENCE: Duration = Duration::from_secs(20);
