//! What differs between peers: the session as negotiated, and of it, what changes the bytes of an UPDATE.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::wire::{Asn, Family, MAX_EXTENDED_MESSAGE_LEN, PerFamily};

/// The shortest message limit that is taken at its word; RFC 4271 knows none below 4,096.
const LEAST_MESSAGE_LEN: usize = 64;

/// A session as its OPENs settled it, for what is sent on it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SessionProfile {
    /// Our ASN, the first in every AS_PATH.
    pub local_asn: Asn,
    /// Four-octet AS numbers were negotiated (RFC 6793).
    pub four_octet_as: bool,
    /// The longest message the peer takes: 4,096, or 65,535 with RFC 8654. Held to 64–65,535.
    pub max_message_len: usize,
    /// The families negotiated.
    pub families: PerFamily<bool>,
    /// The next hop of each family's routes: an IPv4 address for IPv4 (an IPv6 one with `extended_next_hop`), an IPv6
    /// address for IPv6. A negotiated family without a usable one is told nothing but End-of-RIB.
    pub next_hop: PerFamily<Option<IpAddr>>,
    /// Our address on the link that is shared with the peer, for RFC 2545 §3: it stands behind a global IPv6 next hop.
    pub link_local: Option<Ipv6Addr>,
    /// RFC 8950 was negotiated: IPv4 routes go in MP_REACH_NLRI with an IPv6 next hop, that of `next_hop.ipv4` if it
    /// is one, else that of `next_hop.ipv6`.
    pub extended_next_hop: bool,
    /// RFC 7313 was negotiated: a refresh begins with BoRR and ends with EoRR.
    pub enhanced_route_refresh: bool,
    /// Attach ONLY_TO_CUSTOMER with this ASN (RFC 9234 §5).
    pub otc: Option<Asn>,
}

/// How routes are announced on a session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Announcing {
    /// As the view has them.
    Yes,
    /// Likewise, with the community GRACEFUL_SHUTDOWN (RFC 8326) on each.
    GracefulShutdown,
    /// Not at all: what was told is withdrawn, and of what was not, nothing is said.
    No,
}

/// Where a family's NLRI stands in an UPDATE, and the length of the next hop beside it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) enum Reach {
    /// In the NLRI field, with a NEXT_HOP attribute (RFC 4271 §4.3).
    Classic,
    /// In MP_REACH_NLRI, with a global IPv6 address.
    Mp16,
    /// In MP_REACH_NLRI, with a global and a link-local IPv6 address (RFC 2545 §3).
    Mp32,
}

/// Everything about a peer that changes the bytes of its UPDATEs, but for the octets of the next hop: the key of all
/// that is shared between peers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct Profile {
    pub(super) family: Family,
    pub(super) reach: Reach,
    pub(super) local_asn: Asn,
    pub(super) four_octet_as: bool,
    pub(super) max_len: usize,
    pub(super) otc: Option<Asn>,
    pub(super) gshut: bool,
}

/// A next hop as it goes on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum NextHop {
    V4(Ipv4Addr),
    V6(Ipv6Addr),
    V6WithLinkLocal(Ipv6Addr, Ipv6Addr),
}

impl NextHop {
    /// The address that a receiver would name.
    pub(super) fn address(self) -> IpAddr {
        match self {
            Self::V4(ip) => IpAddr::V4(ip),
            Self::V6(ip) | Self::V6WithLinkLocal(ip, _) => IpAddr::V6(ip),
        }
    }

    fn reach(self) -> Reach {
        match self {
            Self::V4(_) => Reach::Classic,
            Self::V6(_) => Reach::Mp16,
            Self::V6WithLinkLocal(_, _) => Reach::Mp32,
        }
    }
}

impl SessionProfile {
    /// The profile and next hop of a family; without a usable next hop, `None` for it.
    pub(super) fn of(&self, family: Family) -> (Profile, Option<NextHop>) {
        // Taken apart whole: a further knob must be placed here before this compiles.
        let Self {
            local_asn,
            four_octet_as,
            max_message_len,
            families: _,
            next_hop: _,
            link_local: _,
            extended_next_hop: _,
            enhanced_route_refresh: _,
            otc,
        } = *self;
        let next_hop = self.next_hop_of(family);
        let profile = Profile {
            family,
            reach: next_hop.map_or(
                match family {
                    Family::Ipv4 => Reach::Classic,
                    Family::Ipv6 => Reach::Mp16,
                },
                NextHop::reach,
            ),
            local_asn,
            four_octet_as,
            max_len: max_message_len.clamp(LEAST_MESSAGE_LEN, MAX_EXTENDED_MESSAGE_LEN),
            otc,
            gshut: false,
        };
        (profile, next_hop)
    }

    fn next_hop_of(&self, family: Family) -> Option<NextHop> {
        let v6 = |ip: Option<IpAddr>| match ip {
            Some(IpAddr::V6(ip)) => Some(match self.link_local {
                Some(local) if !ip.is_unicast_link_local() => NextHop::V6WithLinkLocal(ip, local),
                Some(_) | None => NextHop::V6(ip),
            }),
            Some(IpAddr::V4(_)) | None => None,
        };
        match (family, self.extended_next_hop, self.next_hop.ipv4) {
            (Family::Ipv6, _, _) => v6(self.next_hop.ipv6),
            (Family::Ipv4, true, own) => v6(own).or_else(|| v6(self.next_hop.ipv6)),
            (Family::Ipv4, false, Some(IpAddr::V4(ip))) => Some(NextHop::V4(ip)),
            (Family::Ipv4, false, Some(IpAddr::V6(_)) | None) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session() -> SessionProfile {
        SessionProfile {
            local_asn: Asn(8075),
            four_octet_as: true,
            max_message_len: 4096,
            families: PerFamily { ipv4: true, ipv6: true },
            next_hop: PerFamily { ipv4: None, ipv6: None },
            extended_next_hop: false,
            enhanced_route_refresh: false,
            link_local: None,
            otc: None,
        }
    }

    #[test]
    fn each_family_gets_the_next_hop_that_its_form_can_carry() {
        let four: IpAddr = "192.0.2.1".parse().unwrap();
        let six: IpAddr = "2001:db8::1".parse().unwrap();
        let other: IpAddr = "2001:db8::2".parse().unwrap();
        let hop = |v4, v6, extended_next_hop, family| {
            let next_hop = PerFamily { ipv4: v4, ipv6: v6 };
            let (profile, hop) = SessionProfile { next_hop, extended_next_hop, ..session() }.of(family);
            (profile.reach, hop.map(NextHop::address))
        };
        use Family::{Ipv4, Ipv6};
        assert_eq!(hop(Some(four), Some(six), false, Ipv4), (Reach::Classic, Some(four)));
        assert_eq!(hop(Some(four), Some(six), true, Ipv4), (Reach::Mp16, Some(six)));
        assert_eq!(hop(Some(other), Some(six), true, Ipv4), (Reach::Mp16, Some(other)));
        assert_eq!(hop(Some(six), None, false, Ipv4), (Reach::Classic, None));
        assert_eq!(hop(Some(four), None, true, Ipv4), (Reach::Classic, None));
        assert_eq!(hop(None, Some(six), false, Ipv6), (Reach::Mp16, Some(six)));
        assert_eq!(hop(None, Some(four), false, Ipv6), (Reach::Mp16, None));
    }

    #[test]
    fn a_link_local_address_stands_behind_a_global_one_and_not_behind_itself() {
        let local: Ipv6Addr = "fe80::1".parse().unwrap();
        let hop = |address: &str| {
            let next_hop = PerFamily { ipv4: None, ipv6: Some(address.parse().unwrap()) };
            SessionProfile { next_hop, link_local: Some(local), ..session() }.of(Family::Ipv6)
        };
        let (profile, both) = hop("2001:db8::1");
        let global = "2001:db8::1".parse().unwrap();
        assert_eq!((profile.reach, both), (Reach::Mp32, Some(NextHop::V6WithLinkLocal(global, local))));
        let (profile, alone) = hop("fe80::1");
        assert_eq!((profile.reach, alone), (Reach::Mp16, Some(NextHop::V6(local))));
    }

    #[test]
    fn message_limits_outside_the_protocol_are_held_to_it() {
        let max =
            |max_message_len| SessionProfile { max_message_len, ..session() }.of(Family::Ipv4).0.max_len;
        assert_eq!([max(0), max(4096), max(1 << 20)], [64, 4096, 65535]);
    }
}
