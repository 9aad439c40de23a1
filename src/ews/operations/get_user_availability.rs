//! GetUserAvailability: when people and rooms are free or busy. The main job.
//! <https://learn.microsoft.com/exchange/client-developer/web-service-reference/getuseravailability-operation>

mod answer;
mod found;
mod request;
mod suggest;
mod view;

use std::sync::atomic::Ordering::Relaxed;

use answer::{GetUserAvailabilityResponse, MailboxAnswer, Outcome};
use found::{Found, find};
use request::{FreeBusyViewOptions, TimeWindow};

pub(super) use request::GetUserAvailability;

use crate::calendar::free_busy;
use crate::calendar::zone::Zone;
use crate::calendar::{Capability, Mailbox, Window};
use crate::client::Permitted;
use crate::ews::fault::Family;
use crate::ews::operation::{Context, Operation};
use crate::ews::soap::Body;
use crate::failure::Failure;
use crate::graph::Detail;

impl Operation for GetUserAvailability {
    const NAME: &'static str = "GetUserAvailabilityRequest";
    const CAPABILITY: Option<Capability> = Some(Capability::FreeBusy);
    const FAMILY: Family = Family::Availability;
    type Response = GetUserAvailabilityResponse;

    fn parse(body: &mut Body<'_>) -> Result<Self, Failure> {
        Self::read(body.reader())
    }

    async fn run(self, context: &Context<'_>) -> Result<GetUserAvailabilityResponse, Failure> {
        let zone = self.zone(context)?;
        match self.mailboxes.len() {
            0 => return Err(Failure::NoMailboxes),
            1..=MOST_MAILBOXES => {}
            actual => return Err(Failure::TooManyMailboxes { actual }),
        }
        let free_busy = self.free_busy.as_ref().map(|options| Asked::of(options, &zone)).transpose()?;
        let suggestions = self.suggestions.as_ref().map(|options| suggest::window(options, &zone)).transpose()?;
        if free_busy.is_none() && suggestions.is_none() {
            return Err(Failure::BadView);
        }
        let mailboxes = permit(&self, context);
        context.journal.mailboxes.add(u32::try_from(mailboxes.len()).unwrap_or(u32::MAX));

        let answers = match &free_busy {
            Some(asked) => Some(answers(&mailboxes, asked, &zone, context).await?),
            None => None,
        };
        let suggestions = match (&self.suggestions, suggestions) {
            (Some(options), Some(window)) => {
                Some(suggest::suggest(&self.mailboxes, &mailboxes, options, window, &zone, context).await?)
            }
            _ => None,
        };
        let interval = free_busy.as_ref().map_or(DEFAULT_INTERVAL, |asked| asked.interval);
        Ok(GetUserAvailabilityResponse { answers, suggestions, interval, zone, version: context.header.version })
    }
}

/// What free/busy is asked for, checked.
struct Asked {
    window: Window,
    interval: u32,
    view: view::View,
}

impl Asked {
    fn of(options: &FreeBusyViewOptions, zone: &Zone) -> Result<Self, Failure> {
        let window = options.window.check(zone, "FreeBusyViewOptions.TimeWindow")?;
        let interval = options.interval.unwrap_or_else(|| i64::from(DEFAULT_INTERVAL));
        let valid = (5..=1440).contains(&interval) && interval * 60 < window.seconds();
        // Views without digits have no use for the interval, and clients leave nonsense there.
        if !valid && options.view.has_digits() {
            return Err(Failure::BadInterval);
        }
        let interval = u32::try_from(interval).ok().filter(|_| valid).unwrap_or(DEFAULT_INTERVAL);
        Ok(Self { window, interval, view: options.view })
    }
}

impl TimeWindow {
    /// The window as instants. Its length is measured on the zone's clock, so that 62 days are 62
    /// days over a change of the clock too.
    fn check(self, zone: &Zone, what: &'static str) -> Result<Window, Failure> {
        let bad = || Failure::BadWindow { what };
        let start = self.start.ok_or_else(bad)?.second(zone);
        let end = self.end.ok_or_else(bad)?.second(zone);
        let instant = |second| jiff::Timestamp::from_second(second).map_err(|_| bad());
        let window = Window::new(instant(start)?, instant(end)?).ok_or_else(bad)?;
        let on_the_clock = zone.local_of_second(end) - zone.local_of_second(start);
        let seconds = on_the_clock.min(window.seconds());
        if seconds > LONGEST_WINDOW_DAYS * DAY {
            return Err(Failure::WindowTooLarge { what, days: (seconds + DAY - 1) / DAY });
        }
        Ok(window)
    }
}

impl GetUserAvailability {
    /// The zone of the body, else that of the header, else UTC.
    fn zone(&self, context: &Context<'_>) -> Result<Zone, Failure> {
        match (&self.zone, &context.header.time_zone) {
            (Some(zone), _) => Ok(zone.clone()),
            (None, Some(header)) => header.zone(),
            (None, None) => Ok(Zone::utc()),
        }
    }
}

/// Each mailbox permitted, or why not.
fn permit(request: &GetUserAvailability, context: &Context<'_>) -> Vec<Result<Permitted, Failure>> {
    request.mailboxes.iter().map(|data| context.permit(&Mailbox::parse(&data.address)?, Capability::FreeBusy)).collect()
}

async fn answers(
    mailboxes: &[Result<Permitted, Failure>],
    asked: &Asked,
    zone: &Zone,
    context: &Context<'_>,
) -> Result<Vec<MailboxAnswer>, Failure> {
    let mut ceilings = mailboxes.iter().filter_map(|mailbox| mailbox.as_ref().ok()).map(Permitted::ceiling);
    let wants_details = ceilings.any(|ceiling| asked.view.given(ceiling, true).has_details());
    context.journal.details.store(wants_details, Relaxed);
    let detail = if wants_details { Detail::Full } else { Detail::Times };
    let mut answers = Vec::with_capacity(mailboxes.len());
    for (found, mailbox) in find(mailboxes, asked.window, detail, context).await.into_iter().zip(mailboxes) {
        let outcome = match (found, mailbox) {
            (Found::One(Ok(free_busy)), Ok(permitted)) => Outcome::FreeBusy {
                view: asked.view.given(permitted.ceiling(), free_busy.is_detailed()),
                free_busy,
                permitted: permitted.clone(),
            },
            (Found::Group(members), Ok(_)) => {
                let digits = view::digits(context.header.version);
                Outcome::Group(free_busy::merged(members.iter().flatten(), asked.window, asked.interval, zone, digits))
            }
            (Found::One(Err(failure)), _) => Outcome::Failed(failure),
            (_, Err(failure)) => Outcome::Failed(failure.clone()),
        };
        if let Outcome::Failed(failure) = &outcome {
            context.journal.fail(failure.label());
        }
        answers.push(MailboxAnswer { outcome, window: asked.window });
    }
    busy_as_a_whole(&answers).map_or(Ok(answers), Err)
}

/// When every mailbox failed because Graph is busy, the request as a whole is told to come back.
fn busy_as_a_whole(answers: &[MailboxAnswer]) -> Option<Failure> {
    let mut longest = None;
    for answer in answers {
        match &answer.outcome {
            Outcome::Failed(Failure::Busy { retry_after }) => longest = longest.max(Some(*retry_after)),
            _ => return None,
        }
    }
    longest.map(|retry_after| Failure::Busy { retry_after })
}

/// What Exchange allows in one request.
const MOST_MAILBOXES: usize = 100;
/// What Exchange 2013 and later allow.
const LONGEST_WINDOW_DAYS: i64 = 62;
const DAY: i64 = 86_400;
/// Minutes.
const DEFAULT_INTERVAL: u32 = 30;
