//! What a demonstration prints: addresses, names, and commands that work when they are pasted.
//!
//! Must not know how any of it was started.

use std::fmt::Write as _;
use std::net::SocketAddr;
use std::path::Path;

use jiff::{Timestamp, ToSpan};

use super::clients::Clients;
use crate::app;

/// What there is to tell of.
#[derive(Clone, Copy)]
pub(super) struct Facts<'a> {
    pub(super) url: &'a str,
    pub(super) simulator: &'a str,
    pub(super) admin: SocketAddr,
    pub(super) authority: &'a Path,
    pub(super) clients: &'a Clients,
    pub(super) mailboxes: &'a [String],
}

impl Facts<'_> {
    /// What is printed first.
    pub(super) fn introduction(&self) -> String {
        let Self { url, simulator, admin, authority, clients, mailboxes } = *self;
        let (start, end) = days(app::now());
        let people: Vec<&str> = mailboxes.iter().take(2).map(String::as_str).collect();
        let envelope = google_shaped(&people, start, end);
        let Clients { demo, respa, account, mailbox, .. } = clients;
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _ = writeln!(text, "gateway      {url}/   (and {url}/EWS/Exchange.asmx)");
        let _ = writeln!(text, "simulator    {}   (Microsoft Graph and Entra)", simulator);
        let _ = writeln!(text, "operators    http://{}/metrics and /health", admin);
        let user = clients.demo_user();
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
}

/// Today and tomorrow.
pub(super) fn days(now: Timestamp) -> (Timestamp, Timestamp) {
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
