//! Route objects of routing registries (RFC 2622 §4, RFC 4012 §3) and what they say of a route.

use std::path::PathBuf;
use std::sync::Arc;

use ipnet::IpNet;

use super::Validity;
use super::covering::Covering;
use crate::wire::Asn;

/// The most routes that one file may have: more than any registry's.
pub const MAX_IRR_ROUTES: usize = 4_000_000;

/// Routes that an origin registered. A route object stands for exactly its prefix; a list of prefixes may take in longer
/// ones.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct IrrRoute {
    /// Without host bits.
    pub prefix: IpNet,
    /// The shortest length, at least the prefix's.
    pub min_len: u8,
    /// The longest.
    pub max_len: u8,
    /// Whose.
    pub origin: Asn,
}

/// One file of routes.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct IrrFile {
    /// As the operator named it.
    pub path: Arc<PathBuf>,
    /// In the order of the file.
    pub routes: Vec<IrrRoute>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Registered {
    min_len: u8,
    max_len: u8,
    origin: Asn,
}

/// Every route of all files, each once.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct IrrTable {
    routes: Covering<Registered>,
}

impl IrrTable {
    /// Of routes in any order. O(n log n).
    #[must_use]
    pub fn new(mut routes: Vec<IrrRoute>) -> Self {
        routes.sort_unstable();
        routes.dedup();
        let registered =
            |r: IrrRoute| (r.prefix, Registered { min_len: r.min_len, max_len: r.max_len, origin: r.origin });
        Self { routes: Covering::of_sorted(routes.into_iter().map(registered)) }
    }

    /// Valid where the route is registered with this origin, invalid where it is with others only. A route object for a
    /// shorter prefix says nothing of its parts.
    #[must_use]
    pub fn validate(&self, prefix: IpNet, origin: Option<Asn>) -> Validity {
        let len = prefix.prefix_len();
        let mut found = Validity::Unknown;
        for routes in self.routes.covering(prefix) {
            let mut left = routes;
            // Routes with the same lengths stand together, sorted by origin.
            while let Some(first) = left.first() {
                let lengths = (first.min_len, first.max_len);
                let (same, others) =
                    left.split_at(left.partition_point(|route| (route.min_len, route.max_len) <= lengths));
                left = others;
                if !(first.min_len..=first.max_len).contains(&len) {
                    continue;
                }
                if origin.is_some_and(|asn| same.binary_search_by_key(&asn, |route| route.origin).is_ok()) {
                    return Validity::Valid;
                }
                found = Validity::Invalid;
            }
        }
        found
    }

    /// How many routes of IPv4 and of IPv6 there are.
    #[must_use]
    pub fn count(&self) -> (usize, usize) {
        self.routes.count()
    }
}
