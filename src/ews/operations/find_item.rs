//! FindItem: what a calendar holds, over a stretch of time or page by page.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/finditem-operation>
//!
//! Either everything is told or nothing is: callers take what is missing for deleted, and do not look at the messages
//! of single folders. So whatever goes wrong is a fault.

mod page;
mod request;

use futures::future::try_join_all;
use jiff::{SignedDuration, Timestamp, ToSpan};
use tokio::task::yield_now;

use self::page::{Page, Rest, View};
use self::request::{Request, Traversal};
use crate::calendar::event::Event;
use crate::calendar::zone::Zone;
use crate::calendar::{Capability, Window};
use crate::client::{Horizon, Permitted};
use crate::ews::fault::Family;
use crate::ews::operation::{Context, Operation, Response};
use crate::ews::soap::{Body, MESSAGES, TYPES};
use crate::ews::target::{self, CALENDAR};
use crate::ews::types::calendar_item::{self, Occurrences, Seen, Viewer};
use crate::ews::types::folder::tree::Known;
use crate::ews::types::folder::{Folder, tree};
use crate::ews::types::property_path::PropertyPath;
use crate::ews::types::restriction;
use crate::ews::types::shape::{Giving, Wanted};
use crate::ews::types::value::WireTime;
use crate::ews::xml::Xml;
use crate::failure::Failure;
use crate::graph::EventParts;

/// The request.
#[derive(Debug)]
pub(super) struct FindItem(Request);

/// The answer: a page of each folder.
#[derive(Debug)]
pub(super) struct FindItemResponse {
    wanted: Wanted,
    /// Each folder once.
    folders: Vec<(Viewer, Page)>,
    /// Which of them stand in the answer, in the order of the request.
    order: Vec<usize>,
}

/// A folder of a mailbox.
#[derive(Debug)]
struct Place {
    known: &'static Known,
    mailbox: Permitted,
}

impl Operation for FindItem {
    const NAME: &'static str = "FindItem";
    const CAPABILITY: Option<Capability> = Some(Capability::CalendarRead);
    const FAMILY: Family = Family::AllOrNothing;
    type Response = FindItemResponse;

    fn parse(body: &mut Body<'_>) -> Result<Self, Failure> {
        request::parse(body).map(Self)
    }

    async fn run(self, context: &Context<'_>) -> Result<FindItemResponse, Failure> {
        let wanted = self.0.shape.wanted(Giving::List, context.header.version)?;
        let parts = self.parts(&wanted);
        let places = self.0.folders.iter().map(|folder| Place::of(folder, context));
        let (places, order) = each_once(places.collect::<Result<_, _>>()?);
        let folders = try_join_all(places.into_iter().map(|place| self.find(place, &parts, context))).await?;
        Ok(FindItemResponse { wanted, folders, order })
    }
}

impl FindItem {
    /// What has to be read of each event: to show it, and to search and sort by it.
    fn parts(&self, wanted: &Wanted) -> EventParts {
        let mut paths: Vec<&PropertyPath> = self.0.sort.paths().collect();
        self.0.restriction.iter().for_each(|restriction| restriction.paths(&mut |path| paths.push(path)));
        let (extended, body) = restriction::needs(paths.into_iter());
        let mut parts = EventParts { exceptions: false, ..wanted.parts() };
        parts.body |= body;
        parts.properties.extend(extended.into_iter().filter(|id| !wanted.extended.contains(id)));
        parts
    }

    async fn find(
        &self,
        Place { known, mailbox }: Place,
        parts: &EventParts,
        context: &Context<'_>,
    ) -> Result<(Viewer, Page), Failure> {
        let viewer = Viewer::new(context.client, &context.header, mailbox.clone(), context.journal.now)?;
        let zone = viewer.zone().cloned().unwrap_or_else(Zone::utc);
        let stretch = match &self.0.view {
            View::Calendar { start, end, .. } => Some(Stretch::of(*start, *end, &zone)?),
            _ => None,
        };
        let is_calendar = known.name == CALENDAR;
        if stretch.is_some() && !is_calendar {
            return Err(Failure::ViewOfNoCalendar);
        }
        let events = match &stretch {
            _ if !is_calendar || self.0.traversal == Traversal::Associated => Vec::new(),
            Some(stretch) => match stretch.within(mailbox.view().horizon, context.journal.now) {
                Some(window) => context.graphs.view(&mailbox, window, parts, context.journal).await?,
                None => Vec::new(),
            },
            None => context.graphs.events(&mailbox, parts, context.journal).await?,
        };
        let page = self.0.view.page(self.sorted(&viewer, events, stretch.as_ref(), &zone).await)?;
        for event in &page.events {
            target::remember(context, &event.id, mailbox.mailbox());
        }
        Ok((viewer, page))
    }

    /// The events that are searched for, in order: by start, unless the request says otherwise.
    ///
    /// Others get their turn in between, and the deadline its chance.
    async fn sorted(&self, viewer: &Viewer, events: Vec<Event>, stretch: Option<&Stretch>, zone: &Zone) -> Vec<Event> {
        let is_found = |seen: &Seen<'_>| {
            stretch.is_none_or(|stretch| stretch.has(seen))
                && self.0.restriction.as_ref().is_none_or(|restriction| restriction.holds(seen, zone))
        };
        let mut found = Vec::new();
        for (place, event) in events.into_iter().enumerate() {
            if place > 0 && place % AT_ONCE == 0 {
                yield_now().await;
            }
            if !viewer.reaches(&event) {
                continue;
            }
            let seen = viewer.see(&event);
            if is_found(&seen) {
                let (keys, start) = (self.0.sort.keys(&seen), seen.start());
                drop(seen);
                found.push((keys, start, event));
            }
        }
        found.sort_by(|(one, start, _), (other, begin, _)| self.0.sort.compare(one, other).then(start.cmp(begin)));
        found.into_iter().map(|(.., event)| event).collect()
    }
}

impl Place {
    fn of(folder: &Result<Folder, Failure>, context: &Context<'_>) -> Result<Self, Failure> {
        let folder = folder.as_ref().map_err(Clone::clone)?;
        let known = tree::known(&folder.name).ok_or(Failure::NoSuchFolder)?;
        Ok(Self { known, mailbox: target::folder(context, Some(folder), Capability::CalendarRead)? })
    }
}

/// Each place once, and which of them were named, in order.
fn each_once(named: Vec<Place>) -> (Vec<Place>, Vec<usize>) {
    let (mut places, mut order): (Vec<Place>, Vec<usize>) = (Vec::new(), Vec::new());
    for place in named {
        let same =
            |other: &Place| other.known.name == place.known.name && other.mailbox.mailbox() == place.mailbox.mailbox();
        let at = places.iter().position(same).unwrap_or_else(|| {
            places.push(place);
            places.len() - 1
        });
        order.push(at);
    }
    (places, order)
}

/// A stretch of time, as clients mean it.
#[derive(Debug)]
struct Stretch {
    start: i64,
    end: i64,
    /// With a day on each side: whole days are elsewhere in Graph's eyes than in the client's.
    around: Window,
}

impl Stretch {
    fn of(start: WireTime, end: WireTime, zone: &Zone) -> Result<Self, Failure> {
        let (start, end) = (start.second(zone), end.second(zone));
        if end < start {
            return Err(Failure::EndBeforeStart);
        }
        let far = |_| Failure::ViewTooLarge;
        let first = Timestamp::from_second(start).map_err(far)?;
        let last = first.to_zoned(jiff::tz::TimeZone::UTC).checked_add(2.years()).map_err(far)?;
        if end > last.timestamp().as_second() {
            return Err(Failure::ViewTooLarge);
        }
        let from = Timestamp::from_second(start - DAY).map_err(far)?;
        let until = Timestamp::from_second(end + DAY).map_err(far)?;
        let around = Window::new(from, until).ok_or(Failure::EndBeforeStart)?;
        Ok(Self { start, end, around })
    }

    /// What of it has to be read, as far as a client sees; again with a day on each side.
    fn within(&self, horizon: Horizon, now: Timestamp) -> Option<Window> {
        let seen = horizon.within(self.around, now)?;
        let day = SignedDuration::from_secs(DAY);
        let start = seen.start().checked_sub(day).unwrap_or(Timestamp::MIN);
        let end = seen.end().checked_add(day).unwrap_or(Timestamp::MAX);
        Window::new(start.max(self.around.start()), end.min(self.around.end()))
    }

    /// What ends when the stretch begins is outside
    /// (<https://learn.microsoft.com/exchange/client-developer/web-service-reference/calendarview>).
    fn has(&self, seen: &Seen<'_>) -> bool {
        seen.end() > self.start && seen.start() < self.end
    }
}

impl FindItemResponse {
    fn pages(&self) -> impl Iterator<Item = &(Viewer, Page)> {
        self.order.iter().filter_map(|at| self.folders.get(*at))
    }
}

impl Response for FindItemResponse {
    fn size(&self) -> usize {
        let items: usize = self.pages().map(|(_, page)| page.events.len()).sum();
        1024 + items * (256 + 64 * self.wanted.fields.len())
    }

    fn write(&self, xml: &mut Xml) {
        xml.raw(r#"<m:FindItemResponse xmlns:m=""#).raw(MESSAGES).raw(r#"" xmlns:t=""#).raw(TYPES);
        xml.raw(r#""><m:ResponseMessages>"#);
        for (viewer, page) in self.pages() {
            xml.raw(r#"<m:FindItemResponseMessage ResponseClass="Success"><m:ResponseCode>NoError</m:ResponseCode>"#);
            xml.raw(r#"<m:RootFolder"#);
            match page.rest {
                Rest::None => {}
                Rest::Indexed { next } => {
                    xml.raw(r#" IndexedPagingOffset=""#).number(next).raw(r#"""#);
                }
                Rest::Fractional { next, of } => {
                    xml.raw(r#" NumeratorOffset=""#).number(next).raw(r#"" AbsoluteDenominator=""#);
                    xml.number(of).raw(r#"""#);
                }
            }
            xml.raw(r#" TotalItemsInView=""#).number(page.total).raw(r#"" IncludesLastItemInRange=""#);
            xml.boolean(page.is_last).raw(r#""><t:Items>"#);
            for event in &page.events {
                calendar_item::write(xml, &viewer.see(event), &self.wanted, viewer, &Occurrences::default());
            }
            xml.raw("</t:Items></m:RootFolder></m:FindItemResponseMessage>");
        }
        xml.raw("</m:ResponseMessages></m:FindItemResponse>");
    }
}

const DAY: i64 = 86_400;
/// Items that are looked at in one go.
const AT_ONCE: usize = 16;

#[cfg(test)]
mod tests;
