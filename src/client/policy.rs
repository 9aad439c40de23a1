//! What a client may do: the one place that decides.

use std::num::NonZeroU32;
use std::sync::Arc;

use jiff::Timestamp;
use tokio::sync::Semaphore;

use super::denial::Denial;
use super::deny_list::DenyList;
use super::hours::Hours;
use super::mailboxes::{Mailboxes, Match};
use super::networks::Networks;
use super::permitted::{Entitled, Permitted};
use super::view::{Ceiling, View};
use crate::calendar::domains::Domains;
use crate::calendar::{Capability, Mailbox};

/// What a client may do, and how much of it. Nothing is allowed that is not named.
#[derive(Clone, Debug)]
pub struct Policy {
    /// What for, in whose mailboxes; what several grants name, the first of them permits.
    pub grants: Vec<Grant>,
    /// The tenants that it is for, where it is not for all.
    pub within: Option<Within>,
    /// Whose mailboxes it may not use, whatever the grants say.
    pub denied: Option<Arc<DenyList>>,
    /// When it may change nothing.
    pub read_only: Option<Hours>,
    /// Requests a second in the long run.
    pub requests_per_second: NonZeroU32,
    /// Requests at once after a rest.
    pub burst: NonZeroU32,
    /// Requests under way at once.
    pub concurrency: usize,
    /// Where it may send SOAP requests from.
    pub networks: Networks,
    /// Where it may ask for tokens from.
    pub token_networks: Networks,
}

/// Some tenants.
#[derive(Clone, Debug, Default)]
pub struct Within {
    /// Their names in the configuration.
    pub tenants: Arc<[String]>,
    /// The domains of all tenants there are, and whether it is one of these.
    pub domains: Domains<bool>,
}

/// Capabilities in mailboxes.
#[derive(Clone, Debug)]
pub struct Grant {
    /// What for.
    pub capabilities: Vec<Capability>,
    /// In whose mailboxes.
    pub mailboxes: Mailboxes,
    /// How much is seen of them.
    pub view: Arc<View>,
}

impl Policy {
    /// A policy without limits on rate, concurrency and networks.
    #[must_use]
    pub fn unlimited(capabilities: &[Capability], mailboxes: &[&str], ceiling: Ceiling) -> Self {
        let (capabilities, mailboxes) = (capabilities.to_vec(), Mailboxes::of_patterns(mailboxes));
        Self {
            grants: vec![Grant { capabilities, mailboxes, view: Arc::new(View::under(ceiling)) }],
            within: None,
            denied: None,
            read_only: None,
            requests_per_second: NonZeroU32::MAX,
            burst: NonZeroU32::MAX,
            concurrency: Semaphore::MAX_PERMITS,
            networks: Networks::default(),
            token_networks: Networks::default(),
        }
    }

    /// All mailboxes that lists kept elsewhere decide about, of grants and of the deny list.
    pub fn mailboxes(&self) -> impl Iterator<Item = &Mailboxes> {
        let granted = self.grants.iter().map(|grant| &grant.mailboxes);
        granted.chain(self.denied.iter().map(|denied| denied.listed()))
    }

    /// The grant that decides about a mailbox, and how it names it; what else the policy says is not looked at.
    ///
    /// # Errors
    /// [`Denial::Capability`], [`Denial::Mailbox`], and [`Denial::NotKnownYet`] where a list may name it.
    pub fn naming(&self, mailbox: &Mailbox, capability: Capability) -> Result<(&Grant, Match), Denial> {
        let found = self.grant(mailbox, |grant| grant.names(capability));
        match found {
            Err(Denial::Mailbox) => self.entitle(capability).and(found),
            found => found,
        }
    }

    /// Where a grant may show less than a later one for the same capability that names more than single addresses: asked
    /// for by an address that the first does not know, the same mailbox would be shown by the second. The grants'
    /// places, and the capability.
    #[must_use]
    pub fn shadowed(&self) -> Vec<(usize, usize, Capability)> {
        let mut all = Vec::new();
        for (place, first) in self.grants.iter().enumerate().filter(|(_, grant)| !grant.mailboxes.is_empty()) {
            for (later, second) in self.grants.iter().enumerate().skip(place + 1) {
                let is_other = !second.view.is_within(&first.view) && !second.mailboxes.are_exact();
                let both = first.capabilities.iter().filter(|capability| is_other && second.names(**capability));
                all.extend(both.map(|capability| (place, later, *capability)));
            }
        }
        all
    }

    pub(super) fn permit(
        &self,
        mailbox: &Mailbox,
        capability: Capability,
        now: Timestamp,
    ) -> Result<Permitted, Denial> {
        self.reach(mailbox)?;
        let (grant, how) = self.naming(mailbox, capability)?;
        if let Some(denied) = &self.denied {
            denied.check(mailbox, how)?;
        }
        if capability.changes() && self.read_only.as_ref().is_some_and(|hours| hours.include(now)) {
            return Err(Denial::ReadOnlyHours);
        }
        Ok(Permitted::new(mailbox.clone(), capability, Arc::clone(&grant.view)))
    }

    pub(super) fn recognise(&self, mailbox: &Mailbox) -> Result<(), Denial> {
        self.reach(mailbox)?;
        let (_, how) = self.grant(mailbox, |_| true)?;
        self.denied.as_ref().map_or(Ok(()), |denied| denied.check(mailbox, how))
    }

    pub(super) fn entitle(&self, capability: Capability) -> Result<Entitled, Denial> {
        let is_named = self.grants.iter().any(|grant| grant.names(capability));
        let tenants = self.within.as_ref().map(|within| Arc::clone(&within.tenants));
        if is_named { Ok(Entitled::new(capability, tenants)) } else { Err(Denial::Capability) }
    }

    /// Whether the client is for the mailbox's tenant.
    fn reach(&self, mailbox: &Mailbox) -> Result<(), Denial> {
        let is_meant = |within: &Within| within.domains.find(mailbox).is_some_and(|is_meant| *is_meant);
        if self.within.as_ref().is_none_or(is_meant) { Ok(()) } else { Err(Denial::Tenant) }
    }

    /// The first grant that names the mailbox. One that may name it, and is not known yet, lets no later one decide:
    /// it could show more.
    fn grant(&self, mailbox: &Mailbox, is_meant: impl Fn(&Grant) -> bool) -> Result<(&Grant, Match), Denial> {
        for grant in self.grants.iter().filter(|grant| is_meant(grant)) {
            match grant.mailboxes.find(mailbox) {
                Match::No => {}
                Match::NotKnownYet => return Err(Denial::NotKnownYet),
                how @ (Match::Widely | Match::Exactly) => return Ok((grant, how)),
            }
        }
        Err(Denial::Mailbox)
    }
}

impl Grant {
    /// Whether it is for a capability.
    #[must_use]
    pub fn names(&self, capability: Capability) -> bool {
        self.capabilities.contains(&capability)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::client::{Roster, Source};

    fn mailbox(address: &str) -> Mailbox {
        Mailbox::parse(address).unwrap()
    }

    fn permit(policy: &Policy, address: &str, capability: Capability) -> Result<Permitted, Denial> {
        policy.permit(&mailbox(address), capability, Timestamp::UNIX_EPOCH)
    }

    #[test]
    fn only_what_the_policy_names_is_permitted() {
        let mailboxes = ["*@Contoso.example", "room-?@x.example"];
        let policy = Policy::unlimited(&[Capability::FreeBusy], &mailboxes, Ceiling::Time);
        let permitted = permit(&policy, "Alice@CONTOSO.example", Capability::FreeBusy).unwrap();
        assert_eq!(permitted.mailbox().as_str(), "alice@contoso.example");
        assert_eq!((permitted.capability(), permitted.ceiling()), (Capability::FreeBusy, Ceiling::Time));
        for denied in
            ["alice@contoso.example.evil", "alice@notcontoso.example", "a@sub.contoso.example", "room-12@x.example"]
        {
            assert_eq!(permit(&policy, denied, Capability::FreeBusy).unwrap_err(), Denial::Mailbox, "{denied}");
        }
        let denial = permit(&policy, "alice@contoso.example", Capability::CalendarRead).unwrap_err();
        assert_eq!(denial, Denial::Capability);
        assert!(policy.entitle(Capability::Directory).is_err());
    }

    #[test]
    fn each_capability_has_its_own_mailboxes() {
        let mut policy = Policy::unlimited(&[Capability::FreeBusy], &["*@contoso.example"], Ceiling::Time);
        policy.grants.push(Grant {
            capabilities: vec![Capability::CalendarRead],
            mailboxes: Mailboxes::of_patterns(&["a@contoso.example"]),
            view: Arc::new(View { shows_private: true, ..View::under(Ceiling::Full) }),
        });
        let ceiling_of_private =
            |address, capability| permit(&policy, address, capability).map(|permitted| permitted.ceiling_of(true));
        assert_eq!(ceiling_of_private("a@contoso.example", Capability::CalendarRead), Ok(Ceiling::Full));
        assert_eq!(ceiling_of_private("a@contoso.example", Capability::FreeBusy), Ok(Ceiling::Time));
        assert_eq!(ceiling_of_private("b@contoso.example", Capability::CalendarRead), Err(Denial::Mailbox));
        assert_eq!(ceiling_of_private("b@contoso.example", Capability::FreeBusy), Ok(Ceiling::Time));
    }

    #[test]
    fn a_list_that_is_not_known_lets_no_wider_grant_decide() {
        let mut policy = Policy::unlimited(&[Capability::FreeBusy], &["*@contoso.example"], Ceiling::Full);
        let group = Arc::new(Roster::new(Source::Group(mailbox("few@contoso.example"))));
        policy.grants.insert(
            0,
            Grant {
                capabilities: vec![Capability::FreeBusy],
                mailboxes: Mailboxes { patterns: Vec::new(), rosters: vec![Arc::clone(&group)] },
                view: Arc::new(View::under(Ceiling::Time)),
            },
        );
        let ceiling = |address| permit(&policy, address, Capability::FreeBusy).map(|permitted| permitted.ceiling());
        assert_eq!(ceiling("a@contoso.example"), Err(Denial::NotKnownYet));
        group.replace(std::collections::HashSet::from([mailbox("a@contoso.example")]));
        assert_eq!(ceiling("a@contoso.example"), Ok(Ceiling::Time));
        assert_eq!(ceiling("b@contoso.example"), Ok(Ceiling::Full));
    }

    #[test]
    fn a_view_that_another_address_evades_is_named() {
        let grant = |mailboxes: &[&str], ceiling| Grant {
            capabilities: vec![Capability::FreeBusy, Capability::CalendarRead],
            mailboxes: Mailboxes::of_patterns(mailboxes),
            view: Arc::new(View::under(ceiling)),
        };
        let mut policy = Policy::unlimited(&[Capability::FreeBusy], &["a@x.example"], Ceiling::Full);
        policy.grants.push(grant(&["ceo@x.example"], Ceiling::Time));
        policy.grants.push(grant(&["b@x.example"], Ceiling::Full));
        policy.grants.push(grant(&["*@x.example"], Ceiling::SubjectAndLocation));
        let expected = [(1, 3, Capability::FreeBusy), (1, 3, Capability::CalendarRead)];
        assert_eq!(policy.shadowed(), expected);
    }

    #[test]
    fn a_client_may_be_for_some_tenants_only() {
        let mut within = Within::default();
        for (domain, is_meant) in
            [("contoso.example", true), ("*.contoso.example", false), ("emea.contoso.example", true)]
        {
            within.domains.insert(domain, is_meant).unwrap();
        }
        let policy =
            Policy { within: Some(within), ..Policy::unlimited(&[Capability::FreeBusy], &["*"], Ceiling::Time) };
        for (address, expected) in [
            ("a@contoso.example", Ok(())),
            ("a@emea.contoso.example", Ok(())),
            ("a@asia.contoso.example", Err(Denial::Tenant)),
            ("a@nobody.example", Err(Denial::Tenant)),
        ] {
            assert_eq!(permit(&policy, address, Capability::FreeBusy).map(drop), expected, "{address}");
            assert_eq!(policy.recognise(&mailbox(address)), expected, "{address}");
        }
    }

    #[test]
    fn nothing_is_changed_in_read_only_hours() {
        let hours =
            Hours { from: "08:00".parse().unwrap(), to: "09:00".parse().unwrap(), zone: jiff::tz::TimeZone::UTC };
        let both = [Capability::CalendarWrite, Capability::CalendarRead];
        let policy =
            Policy { read_only: Some(hours), ..Policy::unlimited(&both, &["*@contoso.example"], Ceiling::Full) };
        let at = |hour: i64, capability| {
            let now = Timestamp::from_second(hour * 3600).unwrap();
            policy.permit(&mailbox("a@contoso.example"), capability, now).map(drop)
        };
        assert_eq!(at(8, Capability::CalendarWrite), Err(Denial::ReadOnlyHours));
        assert_eq!((at(9, Capability::CalendarWrite), at(8, Capability::CalendarRead)), (Ok(()), Ok(())));
    }
}
