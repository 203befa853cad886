//! The sessions that a verdict asks for.

use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;

use super::Seen;
use crate::peering::{Reason, Sighting};
use crate::wire::PerFamily;

/// The sessions of a peering's Active connections, which are those that must have a prefix of it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Required {
    /// Whether any connection is Active.
    pub is_active: bool,
    /// The peers that are to announce a prefix, by its family, in the order of the config.
    pub peers: PerFamily<Vec<IpAddr>>,
    /// Where peers come from that the config does not name: whichever of them announce it.
    pub ranges: PerFamily<Vec<IpNet>>,
    /// Peers within those addresses that the config does name, here or elsewhere: they are sessions of their own, and none
    /// of a range.
    pub named: BTreeSet<IpAddr>,
    /// Whether there is a routing registry, in which an origin is then to be.
    pub has_irr: bool,
}

/// The family that a prefix is of.
pub(super) fn of_family<T>(prefix: IpNet, values: &PerFamily<T>) -> &T {
    match prefix {
        IpNet::V4(_) => &values.ipv4,
        IpNet::V6(_) => &values.ipv6,
    }
}

/// What the required sessions have of a prefix.
pub(super) struct Found<'a> {
    /// Those that have it, in the order of the config.
    pub(super) seen: Vec<(IpAddr, &'a Sighting)>,
    /// Those that do not; of ranges that nobody has it from, the ranges.
    pub(super) missing: Vec<String>,
}

impl Required {
    /// Looks for the required sessions among those that see a prefix. O(required + seen).
    pub(super) fn find<'a>(&self, prefix: IpNet, seen: &'a Seen) -> Found<'a> {
        let mut found = Found { seen: Vec::new(), missing: Vec::new() };
        for peer in of_family(prefix, &self.peers) {
            match seen.get(peer) {
                Some(sighting) => found.seen.push((*peer, sighting)),
                None => found.missing.push(peer.to_string()),
            }
        }
        for range in of_family(prefix, &self.ranges) {
            let before = found.seen.len();
            let within = seen.iter().filter(|(peer, _)| range.contains(*peer) && !self.named.contains(peer));
            found.seen.extend(within.map(|(peer, sighting)| (*peer, sighting)));
            if found.seen.len() == before {
                found.missing.push(range.to_string());
            }
        }
        found
    }

    /// Of the required sessions those that have the prefix, and have judged it as of an Active connection.
    pub(super) fn judged<'a>(&self, prefix: IpNet, seen: &'a Seen) -> Vec<(IpAddr, &'a Sighting)> {
        let mut seen = self.find(prefix, seen).seen;
        seen.retain(|(_, sighting)| is_judged(sighting));
        seen
    }

    /// Whether every one of them has the prefix, and has judged it as of an Active connection.
    #[must_use]
    pub fn is_settled(&self, prefix: IpNet, seen: &Seen) -> bool {
        let found = self.find(prefix, seen);
        found.missing.is_empty() && found.seen.iter().all(|(_, sighting)| is_judged(sighting))
    }

    /// How many sessions are to announce a prefix of this family; a range is one.
    pub(super) fn count(&self, prefix: IpNet) -> usize {
        of_family(prefix, &self.peers).len() + of_family(prefix, &self.ranges).len()
    }
}

/// Whether it is the word of a session that knows its connection as Active.
fn is_judged(sighting: &Sighting) -> bool {
    !sighting.reasons.iter().any(|reason| matches!(reason, Reason::ConnectionNotActive(_)))
}
