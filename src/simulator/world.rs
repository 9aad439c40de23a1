//! The seed of a simulated Microsoft 365: tenants, their applications, mailboxes, rooms, groups and events.
//! Owns the seed's JSON form (documented in `fixtures/worlds/README.md`); knows nothing of HTTP or Graph.

use std::fmt::Display;
use std::str::FromStr;

use serde::de::Error;
use serde::{Deserialize, Deserializer};

use super::registered::{Certificate, PublicKey};

/// A parsed and checked seed.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct World {
    #[serde(default = "default_lifetime")]
    pub(super) token_lifetime_seconds: i64,
    /// The digit of working elsewhere in an availabilityView; Microsoft's pages disagree between 4 and 0.
    #[serde(default = "default_elsewhere")]
    pub(super) working_elsewhere_digit: u8,
    /// The letters of enumerations in mailbox settings.
    #[serde(default)]
    pub(super) enum_case: EnumCase,
    pub(super) tenants: Vec<Tenant>,
}

/// How enumerations are written: the documentation of mailbox settings does not keep to one way.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum EnumCase {
    /// `alwaysEnabled`, as the metadata has it.
    #[default]
    Canonical,
    /// `AlwaysEnabled`.
    Pascal,
}

impl EnumCase {
    pub(super) fn write(self, member: &str) -> String {
        let mut letters = member.chars();
        match (self, letters.next()) {
            (Self::Pascal, Some(first)) => first.to_uppercase().chain(letters).collect(),
            (Self::Canonical, _) | (Self::Pascal, None) => member.to_owned(),
        }
    }
}

/// A tenant of a [`World`].
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tenant {
    /// The tenant's GUID.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Its mail domains, the default one first.
    pub domains: Vec<String>,
    /// Its registered applications.
    pub applications: Vec<Application>,
    pub(super) mailboxes: Vec<SeedMailbox>,
    #[serde(default)]
    pub(super) crowd: Option<Crowd>,
    #[serde(default)]
    pub(super) room_lists: Vec<SeedList>,
    #[serde(default)]
    pub(super) groups: Vec<SeedList>,
    #[serde(default)]
    pub(super) contacts: Vec<Contact>,
}

/// An Entra application with its consented roles.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Application {
    /// What people call it.
    pub name: String,
    /// The application's (client) id, a GUID.
    pub client_id: String,
    /// Its secret; empty when it has none. Plain text, since a seed is a public fixture and opens nothing but a simulator.
    #[serde(default)]
    pub client_secret: String,
    /// The instant after which the secret is refused with AADSTS7000222.
    #[serde(default)]
    pub(super) secret_expires: Option<Parsed<jiff::Timestamp>>,
    /// Certificates that it signs assertions with.
    #[serde(default)]
    pub(super) certificates: Vec<Parsed<Certificate>>,
    /// Who else may speak for it.
    #[serde(default)]
    pub(super) federated: Vec<Federated>,
    /// Whether it is an identity of the machine whose identity service is simulated.
    #[serde(default)]
    pub(super) managed_identity: bool,
    /// Application permissions of Graph, for example `Calendars.ReadBasic.All`.
    #[serde(default)]
    pub roles: Vec<String>,
    #[serde(default)]
    pub(super) rbac: Vec<Rbac>,
    #[serde(default)]
    pub(super) rbac_checks_targets: bool,
}

/// A federated identity credential: whose tokens about whom are taken for the application's own.
/// <https://learn.microsoft.com/graph/api/resources/federatedidentitycredential>
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Federated {
    pub(super) issuer: String,
    pub(super) subject: String,
    #[serde(default = "default_audience")]
    pub(super) audience: String,
    /// The issuer's key, which Entra fetches from the issuer.
    pub(super) key: Parsed<PublicKey>,
}

/// An Exchange RBAC assignment: a role over the mailboxes that match.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Rbac {
    pub(super) role: String,
    pub(super) mailboxes: Vec<String>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    #[default]
    Person,
    Shared,
    Room,
    /// A directory user without an Exchange Online mailbox.
    NoMailbox,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SeedMailbox {
    pub(super) address: String,
    pub(super) name: String,
    #[serde(default)]
    pub(super) kind: Kind,
    #[serde(default)]
    pub(super) aliases: Vec<String>,
    /// Legacy distinguished names: `/o=…/cn=…`.
    #[serde(default)]
    pub(super) x500: Vec<String>,
    pub(super) zone: String,
    /// Give the zone as a customTimeZone instead of by name.
    #[serde(default)]
    pub(super) custom_zone: bool,
    #[serde(default)]
    pub(super) hours: Hours,
    #[serde(default)]
    pub(super) shares_details: bool,
    /// Whether there are mailbox settings.
    #[serde(default = "yes")]
    pub(super) has_settings: bool,
    #[serde(default)]
    pub(super) automatic_replies: Option<SeedReplies>,
    #[serde(default = "default_language")]
    pub(super) language: String,
    #[serde(flatten)]
    pub(super) profile: Profile,
    #[serde(default)]
    pub(super) room: Option<Room>,
    #[serde(default)]
    pub(super) events: Vec<SeedEvent>,
}

/// Automatic replies of a seed. A schedule begins at `start` or, counted from the clock's today, at `day` and `at`, on the
/// mailbox's clock.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SeedReplies {
    /// Graph's status.
    pub(super) status: String,
    /// Graph's externalAudience; everybody when absent.
    #[serde(default)]
    pub(super) audience: Option<String>,
    #[serde(default)]
    pub(super) internal: String,
    #[serde(default)]
    pub(super) external: String,
    #[serde(default)]
    pub(super) start: Option<Parsed<jiff::civil::DateTime>>,
    #[serde(default)]
    pub(super) day: Option<i32>,
    #[serde(default)]
    pub(super) at: Option<Parsed<jiff::civil::Time>>,
    #[serde(default)]
    pub(super) minutes: Option<i32>,
    #[serde(default)]
    pub(super) days: Option<i32>,
}

/// People without a story: `person-1@domain`, `person-2@domain`, and so on.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Crowd {
    pub(super) count: u32,
    pub(super) domain: String,
    #[serde(default = "default_zone")]
    pub(super) zone: String,
}

/// What a directory tells of a person beside names and addresses.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Profile {
    #[serde(default)]
    pub(super) title: Option<String>,
    #[serde(default)]
    pub(super) office: Option<String>,
    #[serde(default)]
    pub(super) company: Option<String>,
    #[serde(default)]
    pub(super) department: Option<String>,
    #[serde(default)]
    pub(super) phone: Option<String>,
    #[serde(default)]
    pub(super) mobile: Option<String>,
}

/// A mail contact of the organisation: somebody outside, with an address and no mailbox.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Contact {
    pub(super) address: String,
    pub(super) name: String,
    #[serde(default)]
    pub(super) company: Option<String>,
    #[serde(default)]
    pub(super) department: Option<String>,
    #[serde(default)]
    pub(super) title: Option<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Hours {
    pub(super) days: Vec<String>,
    pub(super) start: Parsed<jiff::civil::Time>,
    pub(super) end: Parsed<jiff::civil::Time>,
}

impl Default for Hours {
    fn default() -> Self {
        let days = ["monday", "tuesday", "wednesday", "thursday", "friday"].map(str::to_owned).to_vec();
        Self { days, start: Parsed(jiff::civil::time(8, 0, 0, 0)), end: Parsed(jiff::civil::time(17, 0, 0, 0)) }
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Room {
    #[serde(default)]
    pub(super) capacity: Option<i32>,
    #[serde(default)]
    pub(super) building: Option<String>,
    #[serde(default)]
    pub(super) floor: Option<i32>,
    #[serde(default)]
    pub(super) city: Option<String>,
    #[serde(default)]
    pub(super) country: Option<String>,
}

/// A room list or a group: an address and its members' addresses.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SeedList {
    pub(super) address: String,
    pub(super) name: String,
    pub(super) members: Vec<String>,
}

/// An event of a seed. Its time is `start` or, counted from the clock's today, `day` and `at`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct SeedEvent {
    pub(super) subject: String,
    #[serde(default)]
    pub(super) location: Option<String>,
    #[serde(default)]
    pub(super) body: Option<String>,
    #[serde(default)]
    pub(super) start: Option<Parsed<jiff::civil::DateTime>>,
    #[serde(default)]
    pub(super) day: Option<i32>,
    #[serde(default)]
    pub(super) at: Option<Parsed<jiff::civil::Time>>,
    #[serde(default)]
    pub(super) minutes: Option<i32>,
    /// An all-day event of so many days.
    #[serde(default)]
    pub(super) days: Option<i32>,
    #[serde(default)]
    pub(super) zone: Option<String>,
    #[serde(default)]
    pub(super) show_as: Option<String>,
    #[serde(default)]
    pub(super) sensitivity: Option<String>,
    #[serde(default)]
    pub(super) cancelled: bool,
    /// Graph's recurrencePattern.
    #[serde(default)]
    pub(super) repeat: Option<serde_json::Value>,
    #[serde(default)]
    pub(super) until: Option<Parsed<jiff::civil::Date>>,
    #[serde(default)]
    pub(super) times: Option<u32>,
    /// Days of the series without their occurrence.
    #[serde(default)]
    pub(super) except: Vec<Parsed<jiff::civil::Date>>,
    /// Occurrences at another time.
    #[serde(default)]
    pub(super) moved: Vec<Moved>,
    /// Invited people and rooms who accepted.
    #[serde(default)]
    pub(super) attendees: Vec<String>,
    /// Invited people who have not answered.
    #[serde(default)]
    pub(super) undecided: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Moved {
    pub(super) date: Parsed<jiff::civil::Date>,
    pub(super) start: Parsed<jiff::civil::DateTime>,
    #[serde(default)]
    pub(super) minutes: Option<i32>,
}

/// A date, a time or a key as text in the seed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parsed<T>(pub(super) T);

impl<'de, T: FromStr<Err: Display>> Deserialize<'de> for Parsed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map(Self).map_err(D::Error::custom)
    }
}

impl World {
    /// Addresses of people and shared mailboxes, in the seed's order.
    pub fn mailboxes(&self) -> Vec<String> {
        self.addresses(|kind| matches!(kind, Kind::Person | Kind::Shared))
    }

    /// Addresses of rooms, in the seed's order.
    pub fn rooms(&self) -> Vec<String> {
        self.addresses(|kind| kind == Kind::Room)
    }

    /// The tenants with their domains and applications; there is at least one.
    pub fn tenants(&self) -> &[Tenant] {
        &self.tenants
    }

    /// The first tenant's application of that name.
    pub fn application(&self, name: &str) -> Option<&Application> {
        self.tenants.first()?.applications.iter().find(|application| application.name == name)
    }

    fn addresses(&self, wanted: impl Fn(Kind) -> bool) -> Vec<String> {
        let all = self.tenants.iter().flat_map(|tenant| &tenant.mailboxes);
        all.filter(|mailbox| wanted(mailbox.kind)).map(|mailbox| mailbox.address.clone()).collect()
    }
}

fn default_lifetime() -> i64 {
    3599
}

fn default_audience() -> String {
    "api://AzureADTokenExchange".to_owned()
}

fn default_zone() -> String {
    "UTC".to_owned()
}

fn default_language() -> String {
    "en-US".to_owned()
}

fn yes() -> bool {
    true
}

fn default_elsewhere() -> u8 {
    4
}
