//! A Graph that answers at once, or after a fixed time: tokens, getSchedule, and calendarView in
//! `$batch`. Every mailbox has the same twenty items in each week: five a day, Tuesday to Friday.
//!
//! Owns the counts of calls. Far from a simulator: it must not be what is measured.

use std::error::Error;
use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use jiff::ToSpan;
use jiff::civil::{DateTime, Weekday};
use serde_json::Value;
use tokio::net::{TcpListener, TcpStream};

/// A Graph that runs in this process.
pub(crate) struct Graph {
    pub(crate) address: SocketAddr,
    pub(crate) calls: Arc<Calls>,
}

/// Calls so far.
#[derive(Default)]
pub(crate) struct Calls {
    pub(crate) schedule: AtomicU64,
    pub(crate) token: AtomicU64,
    pub(crate) other: AtomicU64,
}

impl Graph {
    /// Starts one whose answers about calendars take `latency`.
    pub(crate) async fn start(latency: Duration) -> Result<Self, Box<dyn Error>> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let calls = Arc::new(Calls::default());
        let counts = Arc::clone(&calls);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(talk(stream, Arc::clone(&counts), latency));
            }
        });
        Ok(Self { address, calls })
    }
}

impl Calls {
    /// All but getSchedule and tokens.
    pub(crate) fn others(&self) -> u64 {
        self.other.load(Relaxed)
    }

    /// getSchedule.
    pub(crate) fn schedules(&self) -> u64 {
        self.schedule.load(Relaxed)
    }

    /// Token requests.
    pub(crate) fn tokens(&self) -> u64 {
        self.token.load(Relaxed)
    }
}

/// A getSchedule request as the gateway sends it, for asking this Graph directly.
pub(crate) fn schedule_request(address: &str, start: &str, end: &str) -> Vec<u8> {
    let body = format!(
        r#"{{"schedules":["{address}"],"startTime":{{"dateTime":"{start}","timeZone":"UTC"}},"endTime":{{"dateTime":"{end}","timeZone":"UTC"}},"availabilityViewInterval":1440}}"#
    );
    format!(
        "POST /v1.0/users/{address}/calendar/getSchedule HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

async fn talk(stream: TcpStream, calls: Arc<Calls>, latency: Duration) {
    let service = service_fn(|request| answer(request, &calls, latency));
    let _ = stream.set_nodelay(true);
    // The gateway closes connections as it likes.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}

async fn answer(
    request: Request<Incoming>,
    calls: &Calls,
    latency: Duration,
) -> Result<Response<Full<Bytes>>, Box<dyn Error + Send + Sync>> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    let path = parts.uri.path();
    let text = if path.ends_with("/token") {
        calls.token.fetch_add(1, Relaxed);
        r#"{"token_type":"Bearer","expires_in":3599,"access_token":"eyJ0eXAiOiJKV1QiLCJhbGciOiJSUzI1NiJ9.benchmark"}"#
            .to_owned()
    } else if path.ends_with("/getSchedule") {
        calls.schedule.fetch_add(1, Relaxed);
        pause(latency).await;
        schedules(&serde_json::from_slice(&body)?)?
    } else if path.ends_with("/$batch") {
        calls.other.fetch_add(1, Relaxed);
        pause(latency).await;
        views(&serde_json::from_slice(&body)?)?
    } else {
        calls.other.fetch_add(1, Relaxed);
        r#"{"value":[]}"#.to_owned()
    };
    let mut response = Response::new(Full::from(text));
    response.headers_mut().insert("content-type", http::HeaderValue::from_static("application/json"));
    Ok(response)
}

async fn pause(latency: Duration) {
    if !latency.is_zero() {
        tokio::time::sleep(latency).await;
    }
}

fn schedules(request: &Value) -> Result<String, Box<dyn Error + Send + Sync>> {
    let bound = |name: &str| request.pointer(&format!("/{name}/dateTime")).and_then(Value::as_str).ok_or("no bound");
    let mut items = String::new();
    for (_, start, end) in meetings(bound("startTime")?, bound("endTime")?)? {
        let comma = if items.is_empty() { "" } else { "," };
        write!(
            items,
            r#"{comma}{{"status":"busy","start":{{"dateTime":"{start}","timeZone":"UTC"}},"end":{{"dateTime":"{end}","timeZone":"UTC"}}}}"#
        )?;
    }
    let mut text = String::from(r#"{"value":["#);
    let names = request.get("schedules").and_then(Value::as_array).ok_or("no schedules")?;
    for (index, name) in names.iter().enumerate() {
        let comma = if index == 0 { "" } else { "," };
        write!(
            text,
            r#"{comma}{{"scheduleId":{name},"availabilityView":"","scheduleItems":[{items}],"workingHours":{HOURS}}}"#
        )?;
    }
    text.push_str("]}");
    Ok(text)
}

fn views(request: &Value) -> Result<String, Box<dyn Error + Send + Sync>> {
    let mut text = String::from(r#"{"responses":["#);
    let parts = request.get("requests").and_then(Value::as_array).ok_or("no requests")?;
    for (index, part) in parts.iter().enumerate() {
        let url = part.get("url").and_then(Value::as_str).ok_or("no url")?;
        let bound = |name: &str| {
            url.split(['?', '&']).find_map(|pair| pair.strip_prefix(name)).map(|value| value.replace("%3A", ":"))
        };
        let (start, end) = (bound("startDateTime=").ok_or("no start")?, bound("endDateTime=").ok_or("no end")?);
        let comma = if index == 0 { "" } else { "," };
        write!(
            text,
            r#"{comma}{{"id":{},"status":200,"headers":{{}},"body":{{"value":["#,
            part.get("id").ok_or("no id")?
        )?;
        for (number, start, end) in meetings(&start, &end)? {
            let comma = if number == 0 { "" } else { "," };
            write!(
                text,
                r#"{comma}{{"subject":"Planning of quarter {number}","isAllDay":false,"showAs":"busy","sensitivity":"normal","type":"occurrence","isReminderOn":true,"location":{{"displayName":"Room Saimaa {number}"}},"attendees":[{{"type":"required"}}],"start":{{"dateTime":"{start}","timeZone":"UTC"}},"end":{{"dateTime":"{end}","timeZone":"UTC"}}}}"#
            )?;
        }
        text.push_str("]}}");
    }
    text.push_str("]}");
    Ok(text)
}

/// A meeting: number, start, end.
type Meeting = (usize, String, String);

/// The meetings of a window.
fn meetings(start: &str, end: &str) -> Result<Vec<Meeting>, Box<dyn Error + Send + Sync>> {
    let (mut day, end) =
        (start.trim_end_matches('Z').parse::<DateTime>()?, end.trim_end_matches('Z').parse::<DateTime>()?);
    let mut meetings = Vec::new();
    while day < end {
        if !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday | Weekday::Monday) {
            for hour in [8, 9, 11, 13, 14] {
                let text = |minute| format!("{}T{hour:02}:{minute}:00.0000000", day.date());
                meetings.push((meetings.len(), text("00"), text("45")));
            }
        }
        day = day.checked_add(1.day())?;
    }
    Ok(meetings)
}

const HOURS: &str = r#"{"daysOfWeek":["monday","tuesday","wednesday","thursday","friday"],"startTime":"08:00:00.0000000","endTime":"17:00:00.0000000","timeZone":{"name":"FLE Standard Time"}}"#;
