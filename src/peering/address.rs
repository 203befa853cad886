//! The addresses of a session, as Azure gives them out: on a direct link they follow from its prefix, on an exchange
//! they are two hosts of the exchange's network.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::IpNet;
use thiserror::Error;

/// The two ends of a session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LinkAddresses {
    /// The partner's.
    pub peer: IpAddr,
    /// Ours.
    pub microsoft: IpAddr,
}

/// A prefix that no direct link has.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Error)]
pub enum LinkPrefixError {
    /// IPv4.
    #[error("must be /30 or /31")]
    Ipv4Length,
    /// IPv6.
    #[error("must be /64 to /127")]
    Ipv6Length,
}

/// The addresses of a direct link: of a /31 or /127 the peer has the first and Microsoft the second, of any other the
/// peer has the first usable (network + 1) and Microsoft the second (network + 2).
///
/// # Errors
/// Where the length is not one that Azure takes: /30 or /31, and /64 to /127.
pub fn link_addresses(prefix: IpNet) -> Result<LinkAddresses, LinkPrefixError> {
    match prefix {
        IpNet::V4(net) => {
            let first = match net.prefix_len() {
                30 => 1,
                31 => 0,
                _ => return Err(LinkPrefixError::Ipv4Length),
            };
            let base = net.network().to_bits();
            let host = |n: u32| IpAddr::V4(Ipv4Addr::from_bits(base | n));
            Ok(LinkAddresses { peer: host(first), microsoft: host(first + 1) })
        }
        IpNet::V6(net) => {
            let first = match net.prefix_len() {
                64..=126 => 1,
                127 => 0,
                _ => return Err(LinkPrefixError::Ipv6Length),
            };
            let base = net.network().to_bits();
            let host = |n: u128| IpAddr::V6(Ipv6Addr::from_bits(base | n));
            Ok(LinkAddresses { peer: host(first), microsoft: host(first + 1) })
        }
    }
}

/// Whether two addresses can be the ends of one direct link: the two of a /31, the two hosts of a /30, or within a /64.
#[must_use]
pub fn on_one_link(a: IpAddr, b: IpAddr) -> bool {
    match (a, b) {
        (IpAddr::V4(a), IpAddr::V4(b)) => {
            let (a, b) = (a.to_bits(), b.to_bits());
            let hosts = |n: u32| matches!(n & 3, 1 | 2);
            a ^ b == 1 || (a >> 2 == b >> 2 && a != b && hosts(a) && hosts(b))
        }
        (IpAddr::V6(a), IpAddr::V6(b)) => a != b && a.to_bits() >> 64 == b.to_bits() >> 64,
        (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
    }
}

/// Whether an address can be a host's in a network: inside it, and neither its IPv4 network nor broadcast address.
#[must_use]
pub fn is_host_of(net: IpNet, address: IpAddr) -> bool {
    let reserved = match net {
        IpNet::V4(net) => net.prefix_len() < 31 && (address == net.network() || address == net.broadcast()),
        IpNet::V6(net) => net.prefix_len() < 127 && address == net.network(),
    };
    net.contains(&address) && !reserved
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_follow_from_the_prefix_as_recorded() {
        for (prefix, peer, microsoft) in [
            ("104.44.14.34/31", "104.44.14.34", "104.44.14.35"),
            ("4.68.74.180/30", "4.68.74.181", "4.68.74.182"),
            ("4.71.156.72/30", "4.71.156.73", "4.71.156.74"),
            ("2a01:111:2000:1::2044/126", "2a01:111:2000:1::2045", "2a01:111:2000:1::2046"),
            ("2a01:111:2000:1::2044/127", "2a01:111:2000:1::2044", "2a01:111:2000:1::2045"),
            ("2a01:111:2000:1::/64", "2a01:111:2000:1::1", "2a01:111:2000:1::2"),
        ] {
            let expected =
                LinkAddresses { peer: peer.parse().unwrap(), microsoft: microsoft.parse().unwrap() };
            assert_eq!(link_addresses(prefix.parse().unwrap()), Ok(expected), "{prefix}");
        }
        for prefix in ["4.68.74.0/24", "4.68.74.0/29", "4.68.74.1/32"] {
            assert_eq!(link_addresses(prefix.parse().unwrap()), Err(LinkPrefixError::Ipv4Length), "{prefix}");
        }
        for prefix in ["2a01::/63", "2a01::1/128"] {
            assert_eq!(link_addresses(prefix.parse().unwrap()), Err(LinkPrefixError::Ipv6Length), "{prefix}");
        }
    }

    #[test]
    fn every_link_prefix_gives_two_addresses_on_one_link() {
        for prefix in
            ["4.68.74.180/30", "104.44.14.34/31", "2a01:111:2000:1::/64", "2a01::2/127", "2a01::4/126"]
        {
            let net: IpNet = prefix.parse().unwrap();
            let LinkAddresses { peer, microsoft } = link_addresses(net).unwrap();
            assert!(
                on_one_link(peer, microsoft) && is_host_of(net, peer) && is_host_of(net, microsoft),
                "{prefix}"
            );
        }
    }

    #[test]
    fn what_is_no_link_is_told_apart() {
        for (a, b) in [
            ("4.68.74.180", "4.68.74.182"),
            ("4.68.74.182", "4.68.74.184"),
            ("4.68.74.181", "4.68.74.181"),
            ("2a01::1", "2a01:0:0:1::2"),
            ("4.68.74.181", "2a01::1"),
        ] {
            assert!(!on_one_link(a.parse().unwrap(), b.parse().unwrap()), "{a} {b}");
        }
        for (net, address) in [("198.51.100.0/24", "198.51.100.0"), ("198.51.100.0/24", "198.51.100.255")] {
            assert!(!is_host_of(net.parse().unwrap(), address.parse().unwrap()), "{net} {address}");
        }
    }
}
