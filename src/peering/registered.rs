//! What the sessions of one peering may announce: prefixes and ASNs registered under it, for look-up by the route.

use std::collections::{HashMap, HashSet};

use ipnet::IpNet;

use crate::wire::{Asn, Family, PerFamily};

/// What is registered under one peering, shared by its sessions. Look-up is by exact match, since a verdict is of exactly
/// the prefix that was registered.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Registered {
    /// Those that may be announced, then those that are only looked out for.
    watched: Vec<IpNet>,
    /// Each one's place in `watched`.
    places: HashMap<IpNet, usize>,
    /// How many of `watched` may be announced.
    own: usize,
    asns: HashSet<Asn>,
    /// The lengths that there are, so that most of a full table is known by its length not to be there.
    lengths: PerFamily<Lengths>,
}

/// Which prefix lengths there are of a family: 0 to 128.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
struct Lengths([u128; 2]);

impl Lengths {
    fn insert(&mut self, length: u8) {
        let [low, high] = &mut self.0;
        match u32::from(length).checked_sub(128) {
            None => *low |= 1 << length,
            Some(beyond) => *high |= 1_u128.checked_shl(beyond).unwrap_or(0),
        }
    }

    fn has(self, length: u8) -> bool {
        let [low, high] = self.0;
        match u32::from(length).checked_sub(128) {
            None => low >> length & 1 == 1,
            Some(beyond) => high.checked_shr(beyond).unwrap_or(0) & 1 == 1,
        }
    }
}

impl Registered {
    /// Prefixes and origin ASNs that may be announced, and prefixes that are only looked out for. O(n).
    #[must_use]
    pub fn new(
        prefixes: impl IntoIterator<Item = IpNet>,
        asns: impl IntoIterator<Item = Asn>,
        looked_for: impl IntoIterator<Item = IpNet>,
    ) -> Self {
        let mut registered = Self { asns: asns.into_iter().collect(), ..Self::default() };
        prefixes.into_iter().for_each(|prefix| registered.watch(prefix));
        registered.own = registered.watched.len();
        looked_for.into_iter().for_each(|prefix| registered.watch(prefix));
        registered
    }

    fn watch(&mut self, prefix: IpNet) {
        if let std::collections::hash_map::Entry::Vacant(place) = self.places.entry(prefix) {
            place.insert(self.watched.len());
            self.watched.push(prefix);
            self.lengths.get_mut(family(&prefix)).insert(prefix.prefix_len());
        }
    }

    /// Every prefix that somebody waits to hear of, by its place.
    #[must_use]
    pub fn watched(&self) -> &[IpNet] {
        &self.watched
    }

    /// A prefix's place among those that are watched. O(1).
    #[must_use]
    pub fn place(&self, prefix: IpNet) -> Option<usize> {
        if !self.lengths.get(family(&prefix)).has(prefix.prefix_len()) {
            return None;
        }
        self.places.get(&prefix).copied()
    }

    /// Whether the prefix at a place may be announced, rather than being looked out for only.
    #[must_use]
    pub fn is_own(&self, place: usize) -> bool {
        place < self.own
    }

    /// Whether any prefix of this origin may be announced.
    #[must_use]
    pub fn has_origin(&self, origin: Option<Asn>) -> bool {
        origin.is_some_and(|asn| self.asns.contains(&asn))
    }

    /// Whether any prefix of some origin may be announced.
    #[must_use]
    pub fn has_origins(&self) -> bool {
        !self.asns.is_empty()
    }

    /// The shortest prefix that may be announced and covers this one without being it. O(its length).
    #[must_use]
    pub fn cover(&self, prefix: IpNet) -> Option<IpNet> {
        (0..prefix.prefix_len())
            .filter_map(|length| IpNet::new(prefix.addr(), length).ok())
            .map(|cover| cover.trunc())
            .find(|cover| self.place(*cover).is_some_and(|place| self.is_own(place)))
    }
}

fn family(prefix: &IpNet) -> Family {
    match prefix {
        IpNet::V4(_) => Family::Ipv4,
        IpNet::V6(_) => Family::Ipv6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(text: &str) -> IpNet {
        text.parse().unwrap()
    }

    #[test]
    fn a_prefix_is_found_by_exact_match_only() {
        let all = ["13.0.0.0/8", "13.1.0.0/16", "2a00::/128", "2a00::/0", "13.1.0.0/16"].map(net);
        let registered = Registered::new(all, [Asn(3356)], [net("5.0.0.0/24"), net("13.0.0.0/8")]);
        assert_eq!(registered.watched().len(), 5, "each once");
        for (prefix, own) in [
            ("13.0.0.0/8", Some(true)),
            ("13.1.0.0/16", Some(true)),
            ("2a00::/128", Some(true)),
            ("5.0.0.0/24", Some(false)),
            ("13.1.0.0/17", None),
            ("13.2.0.0/16", None),
            ("2a00::/127", None),
        ] {
            assert_eq!(registered.place(net(prefix)).map(|at| registered.is_own(at)), own, "{prefix}");
        }
        assert_eq!(registered.cover(net("13.1.2.0/24")), Some(net("13.0.0.0/8")), "the shortest");
        assert_eq!(registered.cover(net("13.0.0.0/8")), None, "itself is no cover");
        assert_eq!(registered.cover(net("5.0.0.0/25")), None, "one that is only looked for is none");
        assert!(registered.has_origin(Some(Asn(3356))));
        assert!(!registered.has_origin(Some(Asn(174))) && !registered.has_origin(None));
    }
}
