//! What one session's routes are judged by, and the judging: all that decides it is here, and nothing else does.

use std::sync::Arc;

use ipnet::IpNet;

use super::checks::{Check, Facts};
use super::finding::{Finding, Note};
use super::origin::{OriginTables, RouteOrigin, Validity};
use super::reason::Reason;
use super::{ConnectionState, Registered};
use crate::rib::{Generation, special};
use crate::wire::Asn;

/// What registries say that keeps a route from being accepted; it is shown either way.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Enforcement {
    /// RPKI says that the origin may not announce it.
    pub rpki_invalid: bool,
    /// RPKI has nothing on the prefix.
    pub rpki_unknown: bool,
    /// The routing registry has the prefix for other origins only.
    pub irr_invalid: bool,
    /// The routing registry does not have the prefix.
    pub irr_unknown: bool,
}

/// What one session's routes are judged by. Sessions of a peering share the large parts.
#[derive(Clone, Debug)]
pub struct ImportPolicy {
    /// Routes are used in `Active` only; in any other state the policy is DENY ALL.
    pub connection_state: ConnectionState,
    /// Voice: routes are used once BFD is up, which is not supported.
    pub needs_bfd: bool,
    /// Azure's useForPeeringService: without it nothing can be registered, so nothing is accepted (RFC 8212).
    pub peering_service: bool,
    /// Lab mode: private and documentation space may be announced, and the peer's own ASN may be a private one.
    pub lab: bool,
    /// The peer's ASN.
    pub peer_asn: Asn,
    /// What is registered under the peering.
    pub registered: Arc<Registered>,
    /// What we announce, where any prefix of a registered origin is taken: not if it is ours. Prefixes that are registered
    /// are compared with it beforehand.
    pub ours: Option<Arc<Generation>>,
    /// What registries know of origins.
    pub origins: Arc<OriginTables>,
    /// What of that keeps a route out.
    pub enforce: Enforcement,
    /// What routes have as their MULTI_EXIT_DISC, whatever the peer sent: Microsoft overwrites it (peering policy).
    pub med: u32,
}

/// Nothing is accepted.
impl Default for ImportPolicy {
    fn default() -> Self {
        Self {
            connection_state: ConnectionState::None,
            needs_bfd: false,
            peering_service: false,
            lab: false,
            peer_asn: Asn(0),
            registered: Arc::default(),
            ours: None,
            origins: Arc::default(),
            enforce: Enforcement::default(),
            med: 0,
        }
    }
}

impl PartialEq for ImportPolicy {
    fn eq(&self, other: &Self) -> bool {
        let Self {
            connection_state,
            needs_bfd,
            peering_service,
            lab,
            peer_asn,
            registered,
            ours,
            origins,
            enforce,
            med,
        } = self;
        *connection_state == other.connection_state
            && *needs_bfd == other.needs_bfd
            && *peering_service == other.peering_service
            && *lab == other.lab
            && *peer_asn == other.peer_asn
            && *registered == other.registered
            && ours.as_ref().map(|g| g.hash()) == other.ours.as_ref().map(|g| g.hash())
            && Arc::ptr_eq(origins, &other.origins)
            && *enforce == other.enforce
            && *med == other.med
    }
}

/// What the attributes of an UPDATE come to, for each of its prefixes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Judged {
    /// Whether every check that is not of a prefix holds.
    passes: bool,
    origin: Option<Asn>,
    origin_is_registered: bool,
}

impl ImportPolicy {
    /// Judges what all prefixes of an UPDATE have in common, so that it is done once. O(communities), since a path that is
    /// too long is not looked through.
    #[must_use]
    pub fn judge(&self, facts: &Facts<'_>) -> Judged {
        let common = || Check::ALL.into_iter().filter(|check| !check.is_of_prefix());
        let is_short = facts.too_long().is_none();
        let passes = is_short && common().all(|check| self.check_common(check, facts).is_none());
        if !passes {
            return Judged { passes, origin: None, origin_is_registered: false };
        }
        let origin = facts.origin();
        Judged { passes, origin, origin_is_registered: self.registered.has_origin(origin) }
    }

    /// Whether a route is accepted: its prefix, that prefix's [`Registered::place`], and what its attributes came to. It
    /// is where [`Self::reasons`] has none. O(1), but for what registries are asked where that is enforced.
    #[must_use]
    pub fn accepts(&self, prefix: IpNet, place: Option<usize>, judged: Judged) -> bool {
        judged.passes
            && (judged.origin_is_registered || place.is_some_and(|place| self.registered.is_own(place)))
            && self.space_refusal(prefix).is_none()
            && self.ours(prefix).is_none()
            && self.rpki_refusal(prefix, judged.origin).is_none()
            && self.irr_refusal(prefix, judged.origin).is_none()
    }

    /// Everything that keeps a route from being accepted, in the order of [`Check::ALL`].
    #[must_use]
    pub fn reasons(&self, prefix: IpNet, facts: &Facts<'_>) -> Vec<Reason> {
        self.made().filter_map(|check| self.check(check, prefix, facts)).collect()
    }

    /// Every check that is made of a route, in order, and what it found.
    pub fn checks(&self, prefix: IpNet, facts: &Facts<'_>) -> impl Iterator<Item = (Check, Finding)> {
        self.made().map(move |check| {
            let refusal = self.check(check, prefix, facts).map(Finding::Fails);
            let noted = || self.note(check, prefix, facts.origin()).map(Finding::Noted);
            (check, refusal.or_else(noted).unwrap_or(Finding::Holds))
        })
    }

    fn made(&self) -> impl Iterator<Item = Check> {
        Check::ALL.into_iter().filter(|check| self.makes(*check))
    }

    /// What is registered is asked of on peerings for Peering Service only.
    fn makes(&self, check: Check) -> bool {
        match check {
            Check::ConnectionState
            | Check::PeeringService
            | Check::AddressSpace
            | Check::ExpressRoute
            | Check::Leak => true,
            Check::Registration
            | Check::Community
            | Check::PathLength
            | Check::PrivateAsn
            | Check::Prepending
            | Check::Rpki
            | Check::Irr => self.peering_service,
        }
    }

    fn check(&self, check: Check, prefix: IpNet, facts: &Facts<'_>) -> Option<Reason> {
        match check {
            Check::AddressSpace => {
                let special = self.space_refusal(prefix).map(|what| Reason::Special(prefix, what));
                special.or_else(|| self.ours(prefix).map(Reason::Ours))
            }
            Check::Registration => self.registration(prefix, facts.origin()),
            Check::Rpki => self.rpki_refusal(prefix, facts.origin()),
            Check::Irr => self.irr_refusal(prefix, facts.origin()),
            Check::ConnectionState
            | Check::PeeringService
            | Check::ExpressRoute
            | Check::Leak
            | Check::Community
            | Check::PathLength
            | Check::PrivateAsn
            | Check::Prepending => self.check_common(check, facts),
        }
    }

    /// A check that finds the same of every prefix of an UPDATE.
    fn check_common(&self, check: Check, facts: &Facts<'_>) -> Option<Reason> {
        match check {
            Check::ConnectionState => {
                let state = self.connection_state;
                let not_active = state != ConnectionState::Active;
                let needs_bfd = || self.needs_bfd.then_some(Reason::NeedsBfd);
                not_active.then_some(Reason::ConnectionNotActive(state)).or_else(needs_bfd)
            }
            Check::PeeringService => (!self.peering_service).then_some(Reason::NotPeeringService),
            Check::ExpressRoute => facts.has_express_route().then_some(Reason::ExpressRoute),
            Check::Leak => facts.is_leak.then_some(Reason::Leak),
            Check::Community => (!facts.has_maps_community()).then_some(Reason::MissingCommunity),
            Check::PathLength => facts.too_long().map(Reason::PathTooLong),
            Check::PrivateAsn => facts.private_asn(self.lab.then_some(self.peer_asn)).map(Reason::PrivateAsn),
            Check::Prepending => facts.prepended().map(Reason::Prepended),
            Check::AddressSpace | Check::Registration | Check::Rpki | Check::Irr => None,
        }
    }

    fn registration(&self, prefix: IpNet, origin: Option<Asn>) -> Option<Reason> {
        let place = self.registered.place(prefix);
        let is_own = place.is_some_and(|place| self.registered.is_own(place));
        if is_own || self.registered.has_origin(origin) {
            return None;
        }
        Some(Reason::NotRegistered { covered_by: self.registered.cover(prefix) })
    }

    /// Why nobody may announce a prefix.
    fn space_refusal(&self, prefix: IpNet) -> Option<&'static str> {
        special::reason(&prefix).filter(|_| !(self.lab && special::is_for_labs(&prefix)))
    }

    /// What of ours a prefix has addresses of.
    fn ours(&self, prefix: IpNet) -> Option<IpNet> {
        self.ours.as_ref()?.overlap(prefix)
    }

    /// What RPKI has against a route, where that is to keep it out; it is not asked where nothing is.
    fn rpki_refusal(&self, prefix: IpNet, origin: Option<Asn>) -> Option<Reason> {
        let Enforcement { rpki_invalid, rpki_unknown, irr_invalid: _, irr_unknown: _ } = self.enforce;
        if !rpki_invalid && !rpki_unknown {
            return None;
        }
        match self.rpki_validity(prefix, origin) {
            Validity::Invalid => rpki_invalid.then_some(Reason::RpkiInvalid),
            Validity::Unknown => rpki_unknown.then_some(Reason::RpkiUnknown),
            Validity::Valid => None,
        }
    }

    /// The same of the routing registry.
    fn irr_refusal(&self, prefix: IpNet, origin: Option<Asn>) -> Option<Reason> {
        let Enforcement { rpki_invalid: _, rpki_unknown: _, irr_invalid, irr_unknown } = self.enforce;
        if !irr_invalid && !irr_unknown {
            return None;
        }
        match self.origins.irr.validate(prefix, origin) {
            Validity::Invalid => irr_invalid.then_some(Reason::IrrInvalid),
            Validity::Unknown => irr_unknown.then_some(Reason::IrrUnknown),
            Validity::Valid => None,
        }
    }

    fn rpki_validity(&self, prefix: IpNet, origin: Option<Asn>) -> Validity {
        let (validity, _) = self.origins.rpki.validate(prefix, origin);
        validity
    }

    /// What there is to say of a route that a check lets through.
    fn note(&self, check: Check, prefix: IpNet, origin: Option<Asn>) -> Option<Note> {
        match check {
            Check::Rpki => Note::of_rpki(self.rpki_validity(prefix, origin)),
            Check::Irr => Note::of_irr(self.origins.irr.validate(prefix, origin)),
            Check::ConnectionState
            | Check::PeeringService
            | Check::AddressSpace
            | Check::ExpressRoute
            | Check::Leak
            | Check::Registration
            | Check::Community
            | Check::PathLength
            | Check::PrivateAsn
            | Check::Prepending => None,
        }
    }

    /// What registries know of a route.
    #[must_use]
    pub fn origin_of(&self, prefix: IpNet, origin: Option<Asn>) -> RouteOrigin {
        self.origins.validate(prefix, origin)
    }
}
