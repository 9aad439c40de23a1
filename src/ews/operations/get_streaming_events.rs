//! GetStreamingEvents: what happens, as it happens, in one answer that goes on for minutes.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/getstreamingevents-operation>
//!
//! The answer is a row of whole envelopes. Clients take each piece that arrives for one of them, so
//! there is one for each word, and errors come in the same form. The published schema puts
//! `Notification` and the ids of `ErrorSubscriptionIds` into the types namespace; servers send and
//! clients read them in that of messages.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use futures::stream;

use crate::calendar::{Capability, Mailbox};
use crate::changes::{BadIds, Change, Event, Stream, Word};
use crate::ews::fault::Family;
use crate::ews::operation::{Answer, Context, Operation, Piece, Response};
use crate::ews::pull::Pull;
use crate::ews::soap::{self, Body, MESSAGES, TYPES};
use crate::ews::types::{notification, response_message, value};
use crate::ews::xml::Xml;
use crate::failure::Failure;
use crate::items::Items;
use crate::journal::{Journal, Judged};

/// The request: which subscriptions, and for how long.
#[derive(Debug)]
pub(super) struct GetStreamingEvents {
    ids: Vec<String>,
    minutes: u64,
}

/// The answer: a stream, or what is wrong with which ids.
#[derive(Debug)]
pub(super) struct GetStreamingEventsResponse {
    stream: Result<Stream, BadIds>,
    items: Arc<Items>,
    /// Whose items need not be remembered.
    own: Option<Mailbox>,
}

impl Operation for GetStreamingEvents {
    const NAME: &'static str = "GetStreamingEvents";
    const CAPABILITY: Option<Capability> = Some(Capability::CalendarRead);
    const FAMILY: Family = Family::PerItem;
    type Response = GetStreamingEventsResponse;

    fn parse(body: &mut Body<'_>) -> Result<Self, Failure> {
        let reader = body.reader();
        let (mut ids, mut minutes) = (None, None);
        while let Some(part) = reader.child()? {
            match part.local() {
                "SubscriptionIds" => value::once(&mut ids, read_ids(reader)?, "SubscriptionIds")?,
                "ConnectionTimeout" => {
                    value::once(&mut minutes, value::number(reader, "ConnectionTimeout")?, "ConnectionTimeout")?;
                }
                _ => reader.skip()?,
            }
        }
        let ids = ids.ok_or_else(|| value::missing("SubscriptionIds"))?;
        if !(1..=MOST_IDS).contains(&ids.len()) {
            return Err(not_from("SubscriptionIds", "1 to 200 ids were expected"));
        }
        let minutes = minutes.ok_or_else(|| value::missing("ConnectionTimeout"))?;
        if !(1..=MOST_MINUTES).contains(&minutes) {
            return Err(not_from("ConnectionTimeout", "a number from 1 to 30 was expected"));
        }
        Ok(Self { ids, minutes })
    }

    async fn run(self, context: &Context<'_>) -> Result<GetStreamingEventsResponse, Failure> {
        let length = Duration::from_secs(60 * self.minutes);
        let stream = context.changes.stream(context.client, &self.ids, length);
        let (items, own) = (Arc::clone(context.items), context.client.mailbox.clone());
        Ok(GetStreamingEventsResponse { stream, items, own })
    }
}

impl Response for GetStreamingEventsResponse {
    /// The first word alone.
    fn write(&self, xml: &mut Xml) {
        match &self.stream {
            Ok(_) => write_status(xml, "OK"),
            Err((failure, ids)) => write_failure(xml, failure, ids),
        }
    }

    fn into_answer(self, journal: &Journal) -> Answer {
        if let Err((failure, _)) = &self.stream {
            journal.told(&[failure.label()]);
            let envelope = soap::streamed_envelope(self.size(), |xml| self.write(xml));
            return Answer::Stream(Box::pin(stream::iter([Piece { envelope, judged: Vec::new() }])));
        }
        let Self { stream, items, own } = self;
        Answer::Stream(Box::pin(stream::unfold(stream, move |stream| {
            let (items, own) = (Arc::clone(&items), own.clone());
            async move {
                let mut stream = stream.ok()?;
                let word = stream.next().await?;
                let mut mailboxes = BTreeSet::new();
                for change in changes(&word) {
                    if own.as_ref() != Some(&change.mailbox) {
                        items.note(&change.item, &change.mailbox);
                    }
                    mailboxes.insert(&change.mailbox);
                }
                let judged = mailboxes.into_iter().map(judged).collect();
                Some((Piece { envelope: envelope(&word), judged }, Ok(stream)))
            }
        })))
    }
}

fn changes(word: &Word) -> impl Iterator<Item = &Change> {
    let told = if let Word::Events(told) = word { told.as_slice() } else { &[] };
    told.iter().flat_map(|(_, events)| events).map(|event| &event.change)
}

/// The policy was asked as the events were taken from their queue.
fn judged(mailbox: &Mailbox) -> Judged {
    let (mailbox, capability) = (Some(mailbox.clone()), Some(Capability::CalendarRead));
    Judged { mailbox, capability, verdict: Ok(notification::VIEW) }
}

fn envelope(word: &Word) -> String {
    let size = match word {
        Word::Events(told) => told.iter().map(|(_, events)| 200 + notification::SIZE * events.len()).sum(),
        Word::Alive | Word::Closed | Word::Failed(..) => 0,
    };
    soap::streamed_envelope(512 + size, |xml| match word {
        Word::Alive => write_status(xml, "OK"),
        Word::Closed => write_status(xml, "Closed"),
        Word::Failed(failure, ids) => write_failure(xml, failure, ids),
        Word::Events(told) => write_events(xml, told),
    })
}

fn write_events(xml: &mut Xml, told: &[(String, Vec<Event>)]) {
    begin(xml, "Success");
    xml.raw("<m:ResponseCode>NoError</m:ResponseCode><m:Notifications>");
    for (id, events) in told {
        xml.raw("<m:Notification><t:SubscriptionId>").text(id).raw("</t:SubscriptionId>");
        for event in events {
            notification::write_event(xml, event, None);
        }
        xml.raw("</m:Notification>");
    }
    xml.raw("</m:Notifications>");
    end(xml);
}

fn write_status(xml: &mut Xml, status: &str) {
    begin(xml, "Success");
    xml.raw("<m:ResponseCode>NoError</m:ResponseCode><m:ConnectionStatus>").raw(status).raw("</m:ConnectionStatus>");
    end(xml);
}

fn write_failure(xml: &mut Xml, failure: &Failure, ids: &[String]) {
    begin(xml, "Error");
    response_message::write_failure(xml, failure, GetStreamingEvents::FAMILY);
    if !ids.is_empty() {
        xml.raw("<m:ErrorSubscriptionIds>");
        for id in ids {
            xml.raw("<m:SubscriptionId>").text(id).raw("</m:SubscriptionId>");
        }
        xml.raw("</m:ErrorSubscriptionIds>");
    }
    // Outlook for Mac asks again and again where it does not say so.
    xml.raw("<m:ConnectionStatus>Closed</m:ConnectionStatus>");
    end(xml);
}

fn begin(xml: &mut Xml, class: &str) {
    xml.raw(r#"<m:GetStreamingEventsResponse xmlns:m=""#).raw(MESSAGES).raw(r#"" xmlns:t=""#).raw(TYPES);
    xml.raw(r#""><m:ResponseMessages><m:GetStreamingEventsResponseMessage ResponseClass=""#).raw(class).raw(r#"">"#);
}

fn end(xml: &mut Xml) {
    xml.raw("</m:GetStreamingEventsResponseMessage></m:ResponseMessages></m:GetStreamingEventsResponse>");
}

fn read_ids(reader: &mut Pull<'_>) -> Result<Vec<String>, Failure> {
    let mut ids = Vec::new();
    while let Some(part) = reader.child()? {
        match part.local() {
            "SubscriptionId" => ids.push(reader.text()?.into_owned()),
            _ => reader.skip()?,
        }
    }
    Ok(ids)
}

fn not_from(element: &str, problem: &str) -> Failure {
    Failure::Schema { path: element.to_owned(), problem: problem.to_owned() }
}

const MOST_IDS: usize = 200;
const MOST_MINUTES: u64 = 30;
