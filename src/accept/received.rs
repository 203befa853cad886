//! A route as a peer announced it.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use crate::peering::{Reason, RouteOrigin};
use crate::wire::{AsPathBuf, Asn, Attributes, Community, ExtendedCommunity, LargeCommunity, Origin, PathId};

/// What a peer's UPDATE said of all its prefixes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ReceivedAttrs {
    /// ORIGIN.
    pub origin: Origin,
    /// The AS path, AS4_PATH included; it displays the way routers print it: `123 456 {7,8}`.
    pub as_path: AsPathBuf,
    /// MULTI_EXIT_DISC.
    pub med: Option<u32>,
    /// COMMUNITIES, in the order of the message.
    pub communities: Vec<Community>,
    /// EXTENDED COMMUNITIES, in the order of the message.
    pub extended_communities: Vec<ExtendedCommunity>,
    /// LARGE_COMMUNITY, in the order of the message.
    pub large_communities: Vec<LargeCommunity>,
    /// ONLY_TO_CUSTOMER: as announced, or the peer's ASN where RFC 9234 §5 adds it.
    pub only_to_customer: Option<Asn>,
    /// By RFC 9234 §5 the route is a leak, and not to be used.
    pub is_leak: bool,
}

impl ReceivedAttrs {
    /// Whether the peer is about to take the route away (RFC 8326).
    #[must_use]
    pub fn has_graceful_shutdown(&self) -> bool {
        self.communities.contains(&Community::GRACEFUL_SHUTDOWN)
    }

    /// About how much memory it takes.
    pub(super) fn octets(&self) -> u64 {
        let lists = size_of_val(self.communities.as_slice())
            .saturating_add(size_of_val(self.extended_communities.as_slice()))
            .saturating_add(size_of_val(self.large_communities.as_slice()));
        let all = size_of::<Self>().saturating_add(lists).saturating_add(self.as_path.heap_octets());
        u64::try_from(all).unwrap_or(u64::MAX)
    }
}

impl From<&Attributes<'_>> for ReceivedAttrs {
    fn from(attributes: &Attributes<'_>) -> Self {
        Self {
            origin: attributes.origin().unwrap_or_default(),
            as_path: attributes.as_path().map(|path| AsPathBuf::from(&path)).unwrap_or_default(),
            med: attributes.med(),
            communities: attributes.communities().collect(),
            extended_communities: attributes.extended_communities().collect(),
            large_communities: attributes.large_communities().collect(),
            only_to_customer: attributes.only_to_customer(),
            is_leak: false,
        }
    }
}

/// What one route of an Adj-RIB-In is held by, in the order of lists.
pub type PathKey = (IpNet, PathId);

/// One route of an Adj-RIB-In.
#[derive(Clone, Debug)]
pub struct ReceivedRoute {
    /// The prefix.
    pub prefix: IpNet,
    /// Which of the prefix's paths it is (RFC 7911); 0 where ADD-PATH is not in use.
    pub path_id: PathId,
    /// The next hop.
    pub next_hop: IpAddr,
    /// MULTI_EXIT_DISC as the policy sets it; what the peer sent is in `attrs` and counts for nothing.
    pub med: u32,
    /// Shared by the prefixes of one UPDATE.
    pub attrs: Arc<ReceivedAttrs>,
    /// Seconds since the epoch at which it was last announced.
    pub received_at: u64,
    /// It is of a session before, and the peer has not announced it again (RFC 4724 §4.2).
    pub stale: bool,
    /// What registries know of its origin.
    pub validity: RouteOrigin,
    /// Every check that it fails; none: it is accepted.
    pub reasons: Vec<Reason>,
}

impl ReceivedRoute {
    /// What it is held by.
    #[must_use]
    pub fn key(&self) -> PathKey {
        (self.prefix, self.path_id)
    }
}
