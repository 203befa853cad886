//! Address space that no one may announce on the public Internet (IANA special-purpose registries, RFC 6890).

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::net::Ipv6Addr;

/// IPv4: network, length, what it is.
const V4: [([u8; 4], u8, &str); 18] = [
    ([0, 0, 0, 0], 8, "\"this network\" space (RFC 791)"),
    ([10, 0, 0, 0], 8, "private space (RFC 1918)"),
    ([100, 64, 0, 0], 10, "shared space for carrier-grade NAT (RFC 6598)"),
    ([127, 0, 0, 0], 8, "loopback space (RFC 1122)"),
    ([169, 254, 0, 0], 16, "link-local space (RFC 3927)"),
    ([172, 16, 0, 0], 12, "private space (RFC 1918)"),
    ([192, 0, 0, 0], 24, "IETF protocol assignments (RFC 6890)"),
    ([192, 0, 2, 0], 24, "documentation space (RFC 5737)"),
    ([192, 31, 196, 0], 24, "AS112 space (RFC 7535)"),
    ([192, 52, 193, 0], 24, "AMT space (RFC 7450)"),
    ([192, 88, 99, 0], 24, "6to4 relay space (RFC 7526)"),
    ([192, 168, 0, 0], 16, "private space (RFC 1918)"),
    ([192, 175, 48, 0], 24, "AS112 space (RFC 7534)"),
    ([198, 18, 0, 0], 15, "benchmarking space (RFC 2544)"),
    ([198, 51, 100, 0], 24, "documentation space (RFC 5737)"),
    ([203, 0, 113, 0], 24, "documentation space (RFC 5737)"),
    ([224, 0, 0, 0], 4, "multicast space (RFC 5771)"),
    ([240, 0, 0, 0], 4, "reserved space (RFC 1112)"),
];

/// IPv6, within 2000::/3: first four groups, length, what it is.
const V6: [([u16; 4], u8, &str); 5] = [
    ([0x2001, 0, 0, 0], 23, "IETF protocol assignments (RFC 2928)"),
    ([0x2001, 0x0db8, 0, 0], 32, "documentation space (RFC 3849)"),
    ([0x2002, 0, 0, 0], 16, "6to4 space (RFC 3056)"),
    ([0x2620, 0x004f, 0x8000, 0], 48, "AS112 space (RFC 7534)"),
    ([0x3fff, 0, 0, 0], 20, "documentation space (RFC 9637)"),
];

/// Why a prefix may not be announced: it is a default route, or it touches space that is set aside, as a part of it or
/// by covering it. `None` for global unicast space. O(1).
#[must_use]
pub fn reason(net: &IpNet) -> Option<&'static str> {
    if net.prefix_len() == 0 {
        return Some("a default route");
    }
    match net {
        IpNet::V4(net) => {
            let (bits, length) = (net.addr().to_bits(), net.prefix_len());
            V4.iter().find_map(|(special, len, why)| {
                // One holds the other where they agree in as many bits as the shorter has.
                let differ =
                    (bits ^ u32::from_be_bytes(*special)).leading_zeros() < u32::from(length.min(*len));
                (!differ).then_some(*why)
            })
        }
        IpNet::V6(net) => {
            let first = net.network().segments().first().copied().unwrap_or(0);
            if first >> 13 != 1 || net.prefix_len() < 3 {
                return Some("outside global unicast space 2000::/3 (RFC 4291)");
            }
            V6.iter().find_map(|([a, b, c, d], len, why)| {
                let special = Ipv6Net::new(Ipv6Addr::new(*a, *b, *c, *d, 0, 0, 0, 0), *len).ok()?;
                (special.contains(net) || net.contains(&special)).then_some(*why)
            })
        }
    }
}

/// Space that a lab may use although nobody announces it: private, shared, for benchmarks and for documentation.
const LABS_V4: [([u8; 4], u8); 8] = [
    ([10, 0, 0, 0], 8),
    ([100, 64, 0, 0], 10),
    ([172, 16, 0, 0], 12),
    ([192, 0, 2, 0], 24),
    ([192, 168, 0, 0], 16),
    ([198, 18, 0, 0], 15),
    ([198, 51, 100, 0], 24),
    ([203, 0, 113, 0], 24),
];
/// The same of IPv6: unique local space, and that for documentation.
const LABS_V6: [([u16; 2], u8); 3] = [([0xfc00, 0], 7), ([0x2001, 0x0db8], 32), ([0x3fff, 0], 20)];

/// Whether a prefix lies within space that a lab may use. O(1).
#[must_use]
pub fn is_for_labs(net: &IpNet) -> bool {
    match net {
        IpNet::V4(net) => LABS_V4
            .iter()
            .any(|(lab, len)| Ipv4Net::new((*lab).into(), *len).is_ok_and(|lab| lab.contains(net))),
        IpNet::V6(net) => LABS_V6.iter().any(|([a, b], len)| {
            let lab = Ipv6Net::new(Ipv6Addr::new(*a, *b, 0, 0, 0, 0, 0, 0), *len);
            lab.is_ok_and(|lab| lab.contains(net))
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lab_has_space_of_its_own_and_no_more() {
        for prefix in ["10.1.0.0/16", "203.0.113.0/24", "fd00:1::/32", "2001:db8::/48", "198.18.0.0/15"] {
            assert!(is_for_labs(&prefix.parse().unwrap()), "{prefix}");
        }
        for prefix in ["0.0.0.0/0", "8.0.0.0/6", "169.254.0.0/16", "224.0.0.0/24", "fe80::/10", "13.0.0.0/8"]
        {
            assert!(!is_for_labs(&prefix.parse().unwrap()), "{prefix}");
        }
    }

    #[test]
    fn special_space_is_named_whether_inside_or_covering() {
        for (prefix, word) in [
            ("0.0.0.0/0", "default"),
            ("::/0", "default"),
            ("10.1.0.0/16", "1918"),
            ("8.0.0.0/6", "1918"),
            ("192.0.2.128/25", "5737"),
            ("fc00::/7", "2000::/3"),
            ("fe80::/10", "2000::/3"),
            ("2001:db8:1::/48", "3849"),
            ("2001::/16", "2928"),
            ("255.255.255.255/32", "1112"),
        ] {
            let why = reason(&prefix.parse().unwrap());
            assert!(why.is_some_and(|w| w.contains(word)), "{prefix}: {why:?}");
        }
    }

    #[test]
    fn global_space_is_let_through() {
        for prefix in ["13.64.0.0/11", "192.0.1.0/24", "172.32.0.0/11", "2603:1000::/24", "2001:4898::/32"] {
            assert_eq!(reason(&prefix.parse().unwrap()), None, "{prefix}");
        }
    }
    proptest::proptest! {
        #![proptest_config(proptest::prelude::ProptestConfig {
            failure_persistence: None,
            ..proptest::prelude::ProptestConfig::default()
        })]
        #[test]
        fn ipv4_space_is_touched_from_inside_and_from_outside(bits: u32, len in 1_u8..=32, near in 0..V4.len(), keep in 0_u32..32) {
            // Half of the addresses share their first bits with a special one, so that both answers are common.
            let special = u32::from_be_bytes(V4[near].0);
            let bits = if bits & 1 == 0 { bits } else { special ^ (bits >> keep) };
            let net = ipnet::Ipv4Net::new(bits.into(), len).unwrap().trunc();
            let touches = V4.iter().any(|(special, len, _)| {
                let special = ipnet::Ipv4Net::new((*special).into(), *len).unwrap();
                special.contains(&net) || net.contains(&special)
            });
            proptest::prop_assert_eq!(reason(&net.into()).is_some(), touches);
        }
    }
}
