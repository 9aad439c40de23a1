//! How much of an event a caller gets: zone, form of ids and bodies, `$select`, `$expand`, and what its role hides.
//! Knows requests and the form of events, not where events come from.

use jiff::civil::Date;
use serde_json::{Map, Value, json};

use super::ask::Ask;
use super::error::Refusal;
use super::event::{Kind, Occurrence};
use super::expand::Expand;
use super::query::project;
use super::render::{self, Look};
use super::state::Mailbox;

/// What a request asks to see of each event.
pub(super) struct Shape {
    look: Look,
    select: Option<Vec<String>>,
    expand: Expand,
    origin: String,
    of_one: bool,
}

impl Shape {
    /// Of an event that the path names.
    pub(super) fn of_one(ask: &Ask<'_>, mailbox: &Mailbox) -> Result<Self, Refusal> {
        Self::read(ask, mailbox, true)
    }

    /// Of each event of a collection.
    pub(super) fn of_many(ask: &Ask<'_>, mailbox: &Mailbox) -> Result<Self, Refusal> {
        Self::read(ask, mailbox, false)
    }

    fn read(ask: &Ask<'_>, mailbox: &Mailbox, of_one: bool) -> Result<Self, Refusal> {
        let look = Look {
            zone: ask.preferences.zone_or_utc(),
            text_body: ask.preferences.text_body,
            basic: ask.grants.is_basic(&mailbox.address),
            ids: ask.preferences.ids,
        };
        let select = ask.query.select(&render::PROPERTIES, "event")?;
        let expand = Expand::parse(ask.query.get("$expand"), of_one)?;
        Ok(Self { look, select, expand, origin: ask.here.origin.clone(), of_one })
    }

    pub(super) fn show(&self, one: &Occurrence<'_>, mailbox: &Mailbox) -> Value {
        let Value::Object(mut fields) = render::event(one, mailbox, &self.look) else { return Value::Null };
        let is_master = one.kind == Kind::Master && self.of_one;
        if is_master && self.selects("cancelledOccurrences") {
            let cancelled = render::cancelled_occurrences(one.event, mailbox, &self.look);
            fields.insert("cancelledOccurrences".to_owned(), cancelled);
        }
        let Value::Object(mut shown) = project(Value::Object(fields), self.select.as_deref()) else {
            return Value::Null;
        };
        if !self.look.basic {
            self.add_extended(&mut shown, one, mailbox);
        }
        if is_master && self.expand.exceptions {
            let exceptions = one.series.changed_days();
            let exceptions = exceptions.map(|one| render::event(&one, mailbox, &self.look)).collect();
            shown.insert("exceptionOccurrences".to_owned(), Value::Array(exceptions));
        }
        Value::Object(shown)
    }

    /// The id of an event, or of its occurrence on a day, in the form that the caller prefers.
    pub(super) fn id(&self, mailbox: &Mailbox, number: u64, day: Option<Date>) -> String {
        self.look.id(mailbox, number, day)
    }

    fn selects(&self, name: &str) -> bool {
        self.select.as_ref().is_some_and(|names| names.iter().any(|one| one == name))
    }

    /// Extended properties that were asked for; where there are none, Graph leaves the collection out.
    fn add_extended(&self, shown: &mut Map<String, Value>, one: &Occurrence<'_>, mailbox: &Mailbox) {
        let collections = [
            ("singleValueExtendedProperties", one.event.extended.show_singles(&self.expand.singles)),
            ("multiValueExtendedProperties", one.event.extended.show_lists(&self.expand.lists)),
        ];
        let id = self.look.id(mailbox, one.series.number, one.day);
        for (name, found) in collections.into_iter().filter(|(_, found)| !found.is_empty()) {
            let context = format!(
                "{}/v1.0/$metadata#users('{}')/events('{}')/{name}",
                self.origin,
                mailbox.address,
                percent_encoding::utf8_percent_encode(&id, percent_encoding::NON_ALPHANUMERIC)
            );
            shown.insert(format!("{name}@odata.context"), json!(context));
            shown.insert(name.to_owned(), Value::Array(found));
        }
    }
}
