//! Subscribe: from now on changes in calendars are queued for the client.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/subscribe-operation>
//!
//! Streaming and pull subscriptions; no push, since the gateway does not call addresses that its
//! callers choose. A subscription belongs to the client that logged in, whomever it impersonates.

use crate::calendar::Capability;
use crate::changes::{EventTypes, Order, watermark};
use crate::client::Permitted;
use crate::ews::fault::Family;
use crate::ews::operation::{Context, Operation, Response};
use crate::ews::pull::{Pull, Start};
use crate::ews::soap::{Body, MESSAGES};
use crate::ews::target;
use crate::ews::types::folder::Folder;
use crate::ews::types::{notification, value};
use crate::ews::xml::Xml;
use crate::failure::Failure;

/// The request.
#[derive(Debug)]
pub(super) struct Subscribe {
    kind: Kind,
    everything: bool,
    folders: Vec<Result<Folder, Failure>>,
    types: EventTypes,
    watermark: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Ends after so many idle minutes.
    Pull(u32),
    Push,
    Streaming,
}

/// The answer: the subscription's id, and for pull ones where it begins.
#[derive(Debug)]
pub(super) struct SubscribeResponse {
    id: String,
    watermark: Option<String>,
}

impl Operation for Subscribe {
    const NAME: &'static str = "Subscribe";
    const CAPABILITY: Option<Capability> = Some(Capability::CalendarRead);
    const FAMILY: Family = Family::AllOrNothing;
    type Response = SubscribeResponse;

    fn parse(body: &mut Body<'_>) -> Result<Self, Failure> {
        let reader = body.reader();
        let mut subscribe = None;
        while let Some(part) = reader.child()? {
            let kind = match part.local() {
                "PullSubscriptionRequest" => Kind::Pull(LEAST_MINUTES),
                "PushSubscriptionRequest" => Kind::Push,
                "StreamingSubscriptionRequest" => Kind::Streaming,
                _ => {
                    reader.skip()?;
                    continue;
                }
            };
            value::once(&mut subscribe, Self::read(&part, kind, reader)?, "Subscribe")?;
        }
        subscribe.ok_or_else(|| value::missing("StreamingSubscriptionRequest"))
    }

    async fn run(self, context: &Context<'_>) -> Result<SubscribeResponse, Failure> {
        let minutes = match self.kind {
            Kind::Push => return Err(Failure::Unsupported { what: "Subscribe with PushSubscriptionRequest".into() }),
            Kind::Pull(minutes) => Some(minutes),
            Kind::Streaming => None,
        };
        // It could only be one of a subscription that there is, and that one can be asked itself.
        if self.watermark.is_some() {
            return Err(Failure::BadWatermark);
        }
        let calendars = self.calendars(context)?;
        let mailboxes = calendars.iter().map(|calendar| calendar.mailbox().clone()).collect();
        let order = Order { minutes, types: self.types, mailboxes };
        let id = context.changes.subscribe(context.client, calendars, order, context.journal.deadline).await?;
        let watermark = minutes.map(|_| watermark::write(&id, 0));
        Ok(SubscribeResponse { id, watermark })
    }
}

impl Subscribe {
    fn read(start: &Start<'_>, mut kind: Kind, reader: &mut Pull<'_>) -> Result<Self, Failure> {
        let everything = start.attribute("SubscribeToAllFolders")?;
        let everything = everything.is_some_and(|value| value == "1" || value.eq_ignore_ascii_case("true"));
        let (mut folders, mut types, mut watermark) = (Vec::new(), None, None);
        while let Some(part) = reader.child()? {
            match part.local() {
                "FolderIds" => {
                    while let Some(folder) = reader.child()? {
                        match Folder::read(&folder, reader)? {
                            Some(folder) => folders.push(folder),
                            None => reader.skip()?,
                        }
                    }
                }
                "EventTypes" => value::once(&mut types, event_types(reader)?, "EventTypes")?,
                "Watermark" => watermark = Some(reader.text()?.into_owned()).filter(|text| !text.is_empty()),
                "Timeout" => {
                    let minutes = value::number(reader, "Timeout")?;
                    if !(LEAST_MINUTES..=MOST_MINUTES).contains(&minutes) {
                        return Err(out_of_range("Timeout", LEAST_MINUTES, MOST_MINUTES));
                    }
                    if let Kind::Pull(asked) = &mut kind {
                        *asked = minutes;
                    }
                }
                _ => reader.skip()?,
            }
        }
        if folders.len() > MOST_FOLDERS {
            return Err(Failure::BadSubscriptionRequest);
        }
        let types = types.ok_or_else(|| value::missing("EventTypes"))?;
        Ok(Self { kind, everything, folders, types, watermark })
    }

    /// The calendars, each once and permitted.
    fn calendars(&self, context: &Context<'_>) -> Result<Vec<Permitted>, Failure> {
        let permit = |folder: Option<&Folder>| match target::calendar(context, folder, Capability::CalendarRead) {
            // Nothing is known of other folders, so nothing of them can be told.
            Err(Failure::NotACalendar) => Err(Failure::BadSubscriptionRequest),
            permitted => permitted,
        };
        if self.everything {
            return Ok(vec![permit(None)?]);
        }
        let mut calendars: Vec<Permitted> = Vec::with_capacity(self.folders.len());
        for folder in &self.folders {
            let calendar = permit(Some(folder.as_ref().map_err(Clone::clone)?))?;
            if calendars.iter().all(|known| known.mailbox() != calendar.mailbox()) {
                calendars.push(calendar);
            }
        }
        if calendars.is_empty() { Err(Failure::BadSubscriptionRequest) } else { Ok(calendars) }
    }
}

impl Response for SubscribeResponse {
    fn write(&self, xml: &mut Xml) {
        xml.raw(r#"<m:SubscribeResponse xmlns:m=""#).raw(MESSAGES).raw(r#""><m:ResponseMessages>"#);
        xml.raw(r#"<m:SubscribeResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode>"#);
        xml.raw("<m:SubscriptionId>").text(&self.id).raw("</m:SubscriptionId>");
        if let Some(watermark) = &self.watermark {
            xml.raw("<m:Watermark>").raw(watermark).raw("</m:Watermark>");
        }
        xml.raw("</m:SubscribeResponseMessage></m:ResponseMessages></m:SubscribeResponse>");
    }
}

fn event_types(reader: &mut Pull<'_>) -> Result<EventTypes, Failure> {
    let (mut types, mut any) = (EventTypes::default(), false);
    while let Some(kind) = reader.child()? {
        if kind.local() != "EventType" {
            reader.skip()?;
            continue;
        }
        let name = reader.text()?;
        types = notification::with_type(types, &name).ok_or_else(|| Failure::Schema {
            path: "EventType".to_owned(),
            problem: "the name of a kind of events was expected".to_owned(),
        })?;
        any = true;
    }
    if any { Ok(types) } else { Err(value::missing("EventType")) }
}

fn out_of_range(element: &str, least: u32, most: u32) -> Failure {
    Failure::Schema { path: element.to_owned(), problem: format!("a number from {least} to {most} was expected") }
}

/// `SubscriptionTimeoutType`.
const LEAST_MINUTES: u32 = 1;
const MOST_MINUTES: u32 = 1440;
/// Calendars of one subscription.
const MOST_FOLDERS: usize = 200;
