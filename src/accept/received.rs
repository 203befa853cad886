//! A route as a peer announced it.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use crate::wire::{Community, ExtendedCommunity, LargeCommunity, Origin};

/// What a peer's UPDATE said of all its prefixes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ReceivedAttrs {
    /// ORIGIN.
    pub origin: Origin,
    /// The AS path as text, the way routers print it: `123 456 {7,8}`.
    pub as_path: String,
    /// MULTI_EXIT_DISC.
    pub med: Option<u32>,
    /// COMMUNITIES, in the order of the message.
    pub communities: Vec<Community>,
    /// EXTENDED COMMUNITIES, in the order of the message.
    pub extended_communities: Vec<ExtendedCommunity>,
    /// LARGE_COMMUNITY, in the order of the message.
    pub large_communities: Vec<LargeCommunity>,
}

/// One route of an Adj-RIB-In.
#[derive(Clone, Debug)]
pub struct ReceivedRoute {
    /// The prefix.
    pub prefix: IpNet,
    /// The next hop.
    pub next_hop: IpAddr,
    /// Shared by the prefixes of one UPDATE.
    pub attrs: Arc<ReceivedAttrs>,
    /// Seconds since the epoch at which it was last announced.
    pub received_at: u64,
}
