//! What is asked: look-ups in the form of Google Calendar Interop, and a stream of realistic ones.

use std::error::Error;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::civil::{Date, DateTime};
use jiff::{Timestamp, ToSpan};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// The client's id.
pub(crate) const CLIENT: &str = "bench";
/// Its secret.
pub(crate) const SECRET: &str = "benchmark-secret-0123456789abcdef";
/// The secret's SHA-256.
pub(crate) const SECRET_SHA256: &str = "4498665a5b47faad69b142ece379e6538c4032371e05bbe806838f19d6130211";
/// Where all mailboxes are.
pub(crate) const DOMAIN: &str = "bench.example";

/// How a request says who it is from.
pub(crate) enum Credentials {
    /// The client's secret.
    Basic,
    /// A token of the gateway's.
    Bearer(String),
}

/// From when to when, in UTC.
#[derive(Clone, Copy)]
pub(crate) struct Span {
    pub(crate) start: DateTime,
    pub(crate) end: DateTime,
}

/// Look-ups as many users of a calendar make them: some mailboxes are asked for far more often than
/// others (Zipf, exponent 1.1), windows are days and weeks around today from midnight to midnight
/// in Helsinki, and 45 % repeat one of the last five hundred.
pub(crate) struct Users {
    random: StdRng,
    /// The cumulative share of each mailbox.
    shares: Vec<f64>,
    monday: Date,
    recent: Vec<(usize, Span)>,
}

/// The address of a mailbox by its number.
pub(crate) fn address(number: usize) -> String {
    format!("firstname.lastname{number}@{DOMAIN}")
}

/// This week's Monday.
pub(crate) fn monday(now: Timestamp) -> Result<Date, Box<dyn Error>> {
    let today = now.to_zoned(jiff::tz::TimeZone::UTC).date();
    Ok(today.checked_sub(i64::from(today.weekday().to_monday_zero_offset()).days())?)
}

impl Span {
    /// Days of UTC.
    pub(crate) fn days(first: Date, days: i64) -> Result<Self, Box<dyn Error>> {
        Ok(Self { start: first.at(0, 0, 0, 0), end: first.checked_add(days.days())?.at(0, 0, 0, 0) })
    }
}

impl Credentials {
    fn header(&self) -> String {
        match self {
            Self::Basic => format!("Basic {}", STANDARD.encode(format!("{CLIENT}:{SECRET}"))),
            Self::Bearer(token) => format!("Bearer {token}"),
        }
    }
}

/// A request for a token.
pub(crate) fn token() -> Vec<u8> {
    let body = format!("grant_type=client_credentials&client_id={CLIENT}&client_secret={SECRET}");
    post("/token", "application/x-www-form-urlencoded", "", &body)
}

/// A look-up.
pub(crate) fn look_up(mailboxes: &[String], span: Span, view: &str, credentials: &Credentials) -> Vec<u8> {
    let mailboxes: String = mailboxes
        .iter()
        .map(|address| {
            format!("<ns2:MailboxData><ns2:Email><ns2:Address>{address}</ns2:Address></ns2:Email><ns2:AttendeeType>Required</ns2:AttendeeType></ns2:MailboxData>")
        })
        .collect();
    let Span { start, end } = span;
    let body = format!(
        r#"<SOAP-ENV:Envelope xmlns:SOAP-ENV="http://schemas.xmlsoap.org/soap/envelope/" xmlns:ns2="http://schemas.microsoft.com/exchange/services/2006/types" xmlns:ns3="http://schemas.microsoft.com/exchange/services/2006/messages"><SOAP-ENV:Header><ns2:RequestServerVersion Version="Exchange2013"/></SOAP-ENV:Header><SOAP-ENV:Body><ns3:GetUserAvailabilityRequest><ns2:TimeZone><ns2:Bias>0</ns2:Bias><ns2:StandardTime><ns2:Bias>0</ns2:Bias><ns2:Time>00:00:00</ns2:Time><ns2:DayOrder>0</ns2:DayOrder><ns2:Month>0</ns2:Month><ns2:DayOfWeek>Sunday</ns2:DayOfWeek></ns2:StandardTime><ns2:DaylightTime><ns2:Bias>0</ns2:Bias><ns2:Time>00:00:00</ns2:Time><ns2:DayOrder>0</ns2:DayOrder><ns2:Month>0</ns2:Month><ns2:DayOfWeek>Sunday</ns2:DayOfWeek></ns2:DaylightTime></ns2:TimeZone><ns3:MailboxDataArray>{mailboxes}</ns3:MailboxDataArray><ns2:FreeBusyViewOptions><ns2:TimeWindow><ns2:StartTime>{start}</ns2:StartTime><ns2:EndTime>{end}</ns2:EndTime></ns2:TimeWindow><ns2:MergedFreeBusyIntervalInMinutes>30</ns2:MergedFreeBusyIntervalInMinutes><ns2:RequestedView>{view}</ns2:RequestedView></ns2:FreeBusyViewOptions></ns3:GetUserAvailabilityRequest></SOAP-ENV:Body></SOAP-ENV:Envelope>"#
    );
    post("/", "text/xml; charset=utf-8", &format!("authorization: {}\r\n", credentials.header()), &body)
}

impl Users {
    pub(crate) fn new(mailboxes: usize, monday: Date) -> Self {
        let mut sum = 0.0;
        let mut rank = 0.0_f64;
        let weights = (0..mailboxes).map(|_| {
            rank += 1.0;
            sum += rank.powf(-1.1);
            sum
        });
        let mut shares: Vec<f64> = weights.collect();
        shares.iter_mut().for_each(|share| *share /= sum);
        Self { random: StdRng::seed_from_u64(7), shares, monday, recent: Vec::new() }
    }

    /// The next look-up: which mailbox, and when.
    pub(crate) fn next(&mut self) -> Result<(usize, Span), Box<dyn Error>> {
        let from = self.recent.len().saturating_sub(500);
        if from < self.recent.len() && self.random.random_bool(0.45) {
            let again = self.random.random_range(from..self.recent.len());
            return Ok(self.recent.get(again).copied().ok_or("no such look-up")?);
        }
        let share: f64 = self.random.random();
        let mailbox = self.shares.partition_point(|upper| *upper < share).min(self.shares.len() - 1);
        // A day of this week or the next, or one of these weeks, from Sunday or from Monday.
        let (first, days) = match self.random.random_range(0..10) {
            0..6 => (self.random.random_range(0..12), 1),
            6..8 => (self.random.random_range(0..2) * 7, 7),
            _ => (self.random.random_range(0..2) * 7 - 1, 7),
        };
        let start = self.monday.at(0, 0, 0, 0).checked_add(i64::from(first).days())?.checked_sub(2.hours())?;
        let span = Span { start, end: start.checked_add(i64::from(days).days())? };
        self.recent.push((mailbox, span));
        Ok((mailbox, span))
    }
}

fn post(path: &str, content_type: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("POST {path} HTTP/1.1\r\nhost: localhost\r\n{headers}content-type: {content_type}\r\ncontent-length: {length}\r\n\r\n{body}").into_bytes()
}
