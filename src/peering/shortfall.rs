//! What a peering lacks: redundancy as Peering Service asks for it, and what a partner still needs to become one (MAPS).

use std::fmt;
use std::sync::Arc;

use super::DirectPeeringType;
use super::{ConnectionState, Kind, PolicyGroup};

/// One thing that a peering lacks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shortfall {
    /// It was set up outside Azure and is no resource yet; Peering Service requires the conversion.
    Legacy,
    /// No agreement was signed, without which "Use for Peering Service" is disabled.
    NoAgreement,
    /// Peering Service is for direct peerings.
    NotDirect,
    /// Fewer connections than two, or than one with route servers.
    TooFewConnections,
    /// Two of its connections are on one edge router.
    OneRouter,
    /// Its connections differ in bandwidth.
    UnequalBandwidth,
    /// A connection is in another state than Active.
    NotAllActive,
    /// One of IPv4 and IPv6 is on none of its sessions.
    OneFamily,
}

impl Shortfall {
    /// A name that stays.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Legacy => "LegacyPeering",
            Self::NoAgreement => "NoSignedAgreement",
            Self::NotDirect => "NotDirectPeering",
            Self::TooFewConnections => "TooFewConnections",
            Self::OneRouter => "ConnectionsOnOneRouter",
            Self::UnequalBandwidth => "UnequalBandwidth",
            Self::NotAllActive => "ConnectionsNotActive",
            Self::OneFamily => "OneAddressFamily",
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn way_out(self) -> &'static str {
        match self {
            Self::Legacy => "convert it to an Azure resource: peeringd import-peering, then legacy: false",
            Self::NoAgreement => "have the agreement signed, then write maps_agreement: true",
            Self::NotDirect => "Azure has this for direct peerings only; ix_rs is the type for route servers",
            Self::TooFewConnections => "add one on another router, of equal bandwidth",
            Self::OneRouter => "put the connections on two routers",
            Self::UnequalBandwidth => "give them equal bandwidth, so that one can stand in for the other",
            Self::NotAllActive => "wait until every connection is Active",
            Self::OneFamily => "add sessions of the other family: both are expected at every location",
        }
    }
}

impl fmt::Display for Shortfall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Legacy => "it is a legacy peering",
            Self::NoAgreement => "no agreement on Peering Service is signed",
            Self::NotDirect => "it is an exchange peering",
            Self::TooFewConnections => "it has fewer connections than Peering Service asks for",
            Self::OneRouter => "its connections are on one router, and Peering Service asks for two",
            Self::UnequalBandwidth => "its connections differ in bandwidth",
            Self::NotAllActive => "not all its connections are Active",
            Self::OneFamily => "it carries one address family only",
        })
    }
}

/// A connection, as far as redundancy goes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Link {
    /// Its state.
    pub state: ConnectionState,
    /// Mbps, where it is known.
    pub bandwidth_in_mbps: Option<u64>,
    /// Microsoft's router, where it is known.
    pub edge_router: Option<Arc<str>>,
}

/// Where a peering stands.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Standing {
    /// Direct or exchange.
    pub kind: Kind,
    /// Its policy group.
    pub group: PolicyGroup,
    /// Set up outside Azure.
    pub is_legacy: bool,
    /// Whether the agreement is signed, where that is known.
    pub agreement: Option<bool>,
    /// Its connections.
    pub links: Vec<Link>,
    /// IPv4 and IPv6 are both on some session.
    pub has_both_families: bool,
}

impl Standing {
    /// Whether it has as many connections as Peering Service asks for. What backs up the route servers of an exchange is at
    /// the exchange, so that one is enough there.
    fn has_enough_links(&self) -> bool {
        let wanted = if self.group.direct_peering_type == DirectPeeringType::IxRs { 1 } else { 2 };
        self.links.len() >= wanted
    }

    fn is_on_one_router(&self) -> bool {
        let mut routers: Vec<&str> =
            self.links.iter().filter_map(|link| link.edge_router.as_deref()).collect();
        let said = routers.len();
        routers.sort_unstable();
        routers.dedup();
        said >= 2 && routers.len() == 1
    }

    /// Whether the connections differ in bandwidth, as far as it is known.
    #[must_use]
    pub fn is_unequal(&self) -> bool {
        let mut known = self.links.iter().filter_map(|link| link.bandwidth_in_mbps);
        known.next().is_some_and(|first| known.any(|other| other != first))
    }

    fn lacks(&self, shortfall: Shortfall) -> bool {
        match shortfall {
            Shortfall::Legacy => self.is_legacy,
            Shortfall::NoAgreement => self.agreement.is_none_or(|signed| !signed),
            Shortfall::NotDirect => self.kind == Kind::Exchange,
            Shortfall::TooFewConnections => !self.has_enough_links(),
            Shortfall::OneRouter => self.is_on_one_router(),
            Shortfall::UnequalBandwidth => self.is_unequal(),
            Shortfall::NotAllActive => self.links.iter().any(|link| link.state != ConnectionState::Active),
            Shortfall::OneFamily => !self.has_both_families,
        }
    }

    /// What of Peering Service's redundancy it lacks; empty for a peering that is not used for it.
    #[must_use]
    pub fn redundancy(&self) -> Vec<Shortfall> {
        use Shortfall::{OneRouter, TooFewConnections, UnequalBandwidth};
        let of_service = self.group.use_for_peering_service;
        let all = [TooFewConnections, OneRouter, UnequalBandwidth].into_iter();
        all.filter(|shortfall| of_service && self.lacks(*shortfall)).collect()
    }

    /// What it lacks to be used for Peering Service (MAPS); empty where it could be, or is without lacking anything.
    #[must_use]
    pub fn maps_eligibility(&self) -> Vec<Shortfall> {
        use Shortfall::{
            Legacy, NoAgreement, NotAllActive, NotDirect, OneFamily, OneRouter, TooFewConnections,
            UnequalBandwidth,
        };
        let all = [
            Legacy,
            NoAgreement,
            NotDirect,
            TooFewConnections,
            OneRouter,
            UnequalBandwidth,
            NotAllActive,
            OneFamily,
        ];
        // Without the agreement it would not be used for it.
        let is_signed = self.group.use_for_peering_service && self.agreement.is_none();
        all.into_iter()
            .filter(|shortfall| self.lacks(*shortfall) && !(is_signed && *shortfall == NoAgreement))
            .collect()
    }

    /// What keeps its connections from changing their type, one after the other: at least two of equal bandwidth, all
    /// Active, or in a change themselves, on a direct peering that is a resource.
    #[must_use]
    pub fn type_change(&self) -> Vec<Shortfall> {
        use Shortfall::{Legacy, NotAllActive, NotDirect, TooFewConnections, UnequalBandwidth};
        let is_settled = |link: &Link| match link.state {
            ConnectionState::Active
            | ConnectionState::TypeChangeRequested
            | ConnectionState::TypeChangeInProgress => true,
            ConnectionState::None
            | ConnectionState::PendingApproval
            | ConnectionState::Approved
            | ConnectionState::ProvisioningStarted
            | ConnectionState::ProvisioningFailed
            | ConnectionState::ProvisioningCompleted
            | ConnectionState::Validating
            | ConnectionState::ExternalBlocker
            | ConnectionState::PendingRemove => false,
        };
        [
            (Legacy, self.is_legacy),
            (NotDirect, self.kind == Kind::Exchange),
            (TooFewConnections, self.links.len() < 2),
            (UnequalBandwidth, self.is_unequal()),
            (NotAllActive, !self.links.iter().all(is_settled)),
        ]
        .into_iter()
        .filter_map(|(shortfall, lacks)| lacks.then_some(shortfall))
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::Shortfall::*;
    use super::*;

    fn link(state: ConnectionState, mbps: u64, router: &str) -> Link {
        Link { state, bandwidth_in_mbps: Some(mbps), edge_router: Some(router.into()) }
    }

    fn good() -> Standing {
        Standing {
            kind: Kind::Direct,
            group: PolicyGroup { use_for_peering_service: true, ..PolicyGroup::default() },
            is_legacy: false,
            agreement: Some(true),
            links: vec![
                link(ConnectionState::Active, 10_000, "a"),
                link(ConnectionState::Active, 10_000, "b"),
            ],
            has_both_families: true,
        }
    }

    #[test]
    fn f24_what_redundancy_lacks_is_named() {
        assert_eq!(good().redundancy(), []);
        let alone = Standing { links: vec![link(ConnectionState::Active, 10_000, "a")], ..good() };
        assert_eq!(alone.redundancy(), [TooFewConnections]);
        let links =
            vec![link(ConnectionState::Active, 10_000, "a"), link(ConnectionState::Active, 20_000, "a")];
        let poor = Standing { links: links.clone(), ..good() };
        assert_eq!(poor.redundancy(), [OneRouter, UnequalBandwidth]);
        let unknown =
            links.into_iter().map(|link| Link { edge_router: None, bandwidth_in_mbps: None, ..link });
        assert_eq!(Standing { links: unknown.collect(), ..good() }.redundancy(), []);
        let ordinary = Standing { group: PolicyGroup::default(), ..poor };
        assert_eq!(ordinary.redundancy(), []);
        let route_servers =
            PolicyGroup { direct_peering_type: DirectPeeringType::IxRs, use_for_peering_service: true };
        assert_eq!(Standing { group: route_servers, ..alone }.redundancy(), []);
    }

    #[test]
    fn eligibility_says_all_that_is_missing() {
        assert_eq!(good().maps_eligibility(), []);
        let ordinary = Standing { agreement: None, group: PolicyGroup::default(), ..good() };
        assert_eq!(ordinary.maps_eligibility(), [NoAgreement]);
        // Whoever is used for it has signed.
        assert_eq!(Standing { agreement: None, ..good() }.maps_eligibility(), []);
        let nothing = Standing {
            kind: Kind::Exchange,
            is_legacy: true,
            agreement: Some(false),
            links: vec![link(ConnectionState::Validating, 10_000, "a")],
            has_both_families: false,
            ..good()
        };
        let expected = [Legacy, NoAgreement, NotDirect, TooFewConnections, NotAllActive, OneFamily];
        assert_eq!(nothing.maps_eligibility(), expected);
        assert_eq!(nothing.type_change(), [Legacy, NotDirect, TooFewConnections, NotAllActive]);
        let mut changing = good();
        changing.links[1].state = ConnectionState::TypeChangeInProgress;
        assert_eq!(changing.type_change(), []);
    }
}
