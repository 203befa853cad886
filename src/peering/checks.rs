//! The checks that a partner's route has to pass, and what they look at of its attributes.

use std::collections::HashSet;

use serde::Serialize;

use crate::wire::{AsPath, Asn, AsnKind, Community, SegmentKind};

/// What marks a route as one for Peering Service: 8075:8007, which Azure calls the MAPS community.
pub(super) const MAPS: Community = Community(8075 << 16 | 8007);
/// The most hops of a registered prefix's path.
pub(super) const MOST_HOPS: usize = 3;
/// ASNs of a path that is too long which are looked through.
const MOST_COMPARED: usize = 64;
/// ExpressRoute's ASN.
const EXPRESS_ROUTE: Asn = Asn(12076);

/// One check of a route, as shown.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[allow(missing_docs, reason = "each is told by its reason, which has the documentation")]
pub enum Check {
    ConnectionState,
    PeeringService,
    AddressSpace,
    ExpressRoute,
    Leak,
    Registration,
    Community,
    PathLength,
    PrivateAsn,
    Prepending,
    Rpki,
    Irr,
}

impl Check {
    /// All of them, in the order in which they are told; that of [`Reason`](super::Reason).
    pub const ALL: [Self; 12] = [
        Self::ConnectionState,
        Self::PeeringService,
        Self::AddressSpace,
        Self::ExpressRoute,
        Self::Leak,
        Self::Registration,
        Self::Community,
        Self::PathLength,
        Self::PrivateAsn,
        Self::Prepending,
        Self::Rpki,
        Self::Irr,
    ];

    /// What has to hold.
    #[must_use]
    pub fn holds(self) -> &'static str {
        match self {
            Self::ConnectionState => "the connection is Active",
            Self::PeeringService => "the peering is used for Peering Service",
            Self::AddressSpace => "the prefix is public address space, and no default route",
            Self::ExpressRoute => "the path is without AS12076",
            Self::Leak => "the route is no leak (RFC 9234)",
            Self::Registration => "the prefix, or the ASN of its origin, is registered under the peering",
            Self::Community => "the community 8075:8007 is there",
            Self::PathLength => "the path has three ASNs at most",
            Self::PrivateAsn => "the path is without private ASNs",
            Self::Prepending => "no ASN stands in the path twice",
            Self::Rpki => "RPKI has the prefix with this origin",
            Self::Irr => "the routing registry has the prefix with this origin",
        }
    }

    /// Whether it may find another thing of each prefix of an UPDATE.
    pub(super) fn is_of_prefix(self) -> bool {
        match self {
            Self::AddressSpace | Self::Registration | Self::Rpki | Self::Irr => true,
            Self::ConnectionState
            | Self::PeeringService
            | Self::ExpressRoute
            | Self::Leak
            | Self::Community
            | Self::PathLength
            | Self::PrivateAsn
            | Self::Prepending => false,
        }
    }
}

/// What the checks look at of a route, beside its prefix. MULTI_EXIT_DISC is not among it: whatever the peer says in it
/// counts for nothing here.
#[derive(Clone, Copy, Debug)]
pub struct Facts<'a> {
    /// AS_PATH, with AS4_PATH in it.
    pub as_path: AsPath<'a>,
    /// COMMUNITIES.
    pub communities: &'a [Community],
    /// It is a leak by RFC 9234.
    pub is_leak: bool,
}

impl<'a> Facts<'a> {
    /// The AS that the route comes from, as RFC 6811 §2 has it: the last of the path, where that does not end in a set.
    #[must_use]
    pub fn origin(&self) -> Option<Asn> {
        let last = self.as_path.segments().last()?;
        match last.kind {
            SegmentKind::Sequence => last.asns().last(),
            SegmentKind::Set => None,
        }
    }

    pub(super) fn has_express_route(&self) -> bool {
        self.asns().any(|asn| asn == EXPRESS_ROUTE)
    }

    /// The ASNs that are looked through: of a path that is too long only the beginning, since a peer decides how long it
    /// is, and no route is accepted by it.
    fn asns(&self) -> impl Iterator<Item = Asn> {
        let most = if self.too_long().is_some() { MOST_COMPARED } else { usize::MAX };
        self.as_path.asns().take(most)
    }

    pub(super) fn has_maps_community(&self) -> bool {
        self.communities.contains(&MAPS)
    }

    /// How many hops there are, if they are too many.
    pub(super) fn too_long(&self) -> Option<usize> {
        Some(self.as_path.hop_count()).filter(|hops| *hops > MOST_HOPS)
    }

    /// The first private ASN that is not the one allowed.
    pub(super) fn private_asn(&self, allowed: Option<Asn>) -> Option<Asn> {
        self.asns().find(|asn| asn.kind() == AsnKind::Private && Some(*asn) != allowed)
    }

    /// The first ASN of the path's sequences that has been there before. Without memory for a path that is not too long;
    /// of one that is, only the beginning is looked at, since a peer decides how long it is.
    pub(super) fn prepended(&self) -> Option<Asn> {
        let sequences = || self.as_path.segments().filter(|segment| segment.kind == SegmentKind::Sequence);
        let mut asns = sequences().flat_map(|segment| segment.asns());
        if self.too_long().is_some() {
            let mut seen = HashSet::new();
            return asns.take(MOST_COMPARED).find(|asn| !seen.insert(*asn));
        }
        // MOST_HOPS of them, or fewer.
        let [first, second, third] = [asns.next(), asns.next(), asns.next()];
        second.filter(|_| second == first).or_else(|| third.filter(|_| third == first || third == second))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::AsPathBuf;

    fn path(segments: &[(SegmentKind, &[u32])]) -> AsPathBuf {
        let asns = |numbers: &[u32]| numbers.iter().copied().map(Asn).collect::<Vec<_>>();
        AsPathBuf::new(segments.iter().map(|(kind, numbers)| (*kind, asns(numbers))))
    }

    fn facts(path: &AsPathBuf) -> Facts<'_> {
        Facts { as_path: path.view(), communities: &[], is_leak: false }
    }

    #[test]
    fn an_asn_that_comes_again_is_found_wherever_it_stands() {
        const SEQUENCE: SegmentKind = SegmentKind::Sequence;
        for (numbers, expected) in [
            (&[][..], None),
            (&[3356], None),
            (&[3356, 3356], Some(3356)),
            (&[3356, 174, 3356], Some(3356)),
            (&[3356, 174, 174], Some(174)),
            (&[3356, 174, 7018], None),
            (&[1, 2, 3, 4, 5], None),
            (&[1, 2, 3, 4, 2], Some(2)),
        ] {
            let path = path(&[(SEQUENCE, numbers)]);
            assert_eq!(facts(&path).prepended(), expected.map(Asn), "{numbers:?}");
        }
        let path = path(&[(SEQUENCE, &[3356]), (SegmentKind::Set, &[7, 7]), (SEQUENCE, &[3356])]);
        assert_eq!(facts(&path).prepended(), Some(Asn(3356)), "over segments, and no set counts");
    }

    #[test]
    fn of_a_path_that_is_too_long_the_beginning_is_looked_through() {
        for (before, is_seen) in [(0, true), (MOST_COMPARED - 1, true), (MOST_COMPARED, false)] {
            for (asn, finds) in [
                (EXPRESS_ROUTE, (|f| f.has_express_route()) as fn(&Facts<'_>) -> bool),
                (Asn(64_512), |f| f.private_asn(None).is_some()),
            ] {
                let numbers: Vec<u32> = (1..).take(before).chain([asn.0]).chain([1, 2, 3, 4]).collect();
                let path = path(&[(SegmentKind::Sequence, &numbers)]);
                assert_eq!(finds(&facts(&path)), is_seen, "AS{asn} behind {before}");
            }
        }
        // Sets count as one hop each, so this path is not too long.
        let numbers: Vec<u32> = (1..=200).chain([12_076]).collect();
        assert!(facts(&path(&[(SegmentKind::Set, &numbers)])).has_express_route());
    }

    #[test]
    fn the_origin_is_the_last_of_a_sequence() {
        for (segments, origin) in [
            (&[][..], None),
            (&[(SegmentKind::Sequence, &[3356, 64_496][..])], Some(64_496)),
            (&[(SegmentKind::Sequence, &[3356]), (SegmentKind::Set, &[7, 8])], None),
            (&[(SegmentKind::Set, &[7]), (SegmentKind::Sequence, &[9])], Some(9)),
        ] {
            assert_eq!(facts(&path(segments)).origin(), origin.map(Asn), "{segments:?}");
        }
    }
}
