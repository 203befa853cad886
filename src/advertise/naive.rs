//! UPDATEs written and read the plain way, for tests: knows no profiles, shares nothing with the hot path.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::profile::SessionProfile;
use crate::wire::{AttrSet, Family};

/// A route as a peer holds it: every attribute but the MP ones, octet by octet, and the next hop of MP_REACH_NLRI.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Heard {
    pub(super) attributes: Vec<u8>,
    pub(super) mp_next_hop: Vec<u8>,
}

/// A message as a peer understands it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Word {
    Withdraw(Vec<IpNet>),
    Announce(Vec<IpNet>, Heard),
    EndOfRib(Family),
    /// ROUTE-REFRESH of a family, and its subtype.
    Refresh(Family, u8),
    /// Any other type.
    Other(u8),
}

fn next_hop(session: &SessionProfile, family: Family) -> Option<IpAddr> {
    let v4 = session.next_hop.ipv4;
    let v6 = session.next_hop.ipv6.filter(IpAddr::is_ipv6);
    match family {
        Family::Ipv6 => v6,
        Family::Ipv4 if session.extended_next_hop => v4.filter(IpAddr::is_ipv6).or(v6),
        Family::Ipv4 => v4.filter(IpAddr::is_ipv4),
    }
}

/// What the peer of a session should hold of a route; `None` if it cannot be said to it.
pub(super) fn route(session: &SessionProfile, family: Family, attrs: &AttrSet, gshut: bool) -> Option<Heard> {
    let hop = next_hop(session, family)?;
    let heard = whatever_the_length(session, hop, attrs, gshut);
    let mp = if heard.mp_next_hop.is_empty() { 0 } else { 4 + 5 + heard.mp_next_hop.len() };
    let longest = if family == Family::Ipv4 { 5 } else { 17 };
    if 23 + heard.attributes.len() + mp + longest <= session.max_message_len {
        Some(heard)
    } else if gshut {
        route(session, family, attrs, false)
    } else {
        None
    }
}

fn whatever_the_length(session: &SessionProfile, hop: IpAddr, attrs: &AttrSet, gshut: bool) -> Heard {
    let mut all: Vec<(u8, u8, Vec<u8>)> = vec![(0x40, 1, vec![attrs.origin.code()])];
    let path: Vec<u32> = [session.local_asn.0].into_iter().chain(attrs.as_path.iter().map(|a| a.0)).collect();
    let wide = |wide: bool| {
        let mut value = Vec::new();
        for part in path.chunks(255) {
            value.extend([2, u8::try_from(part.len()).unwrap()]);
            for asn in part {
                if wide {
                    value.extend(asn.to_be_bytes());
                } else {
                    value.extend(u16::try_from(*asn).unwrap_or(23456).to_be_bytes());
                }
            }
        }
        value
    };
    all.push((0x40, 2, wide(session.four_octet_as)));
    if !session.four_octet_as && path.iter().any(|asn| *asn > 65535) {
        all.push((0xC0, 17, wide(true)));
    }
    let mut mp_next_hop = Vec::new();
    match hop {
        IpAddr::V4(ip) => all.push((0x40, 3, ip.octets().to_vec())),
        IpAddr::V6(ip) => {
            mp_next_hop = ip.octets().to_vec();
            let local = session.link_local.filter(|_| !ip.is_unicast_link_local());
            mp_next_hop.extend(local.iter().flat_map(Ipv6Addr::octets));
        }
    }
    if let Some(med) = attrs.med {
        all.push((0x80, 4, med.to_be_bytes().to_vec()));
    }
    let mut communities: Vec<u32> = attrs.communities.iter().map(|c| c.0).collect();
    if gshut {
        communities.push(0xFFFF_0000);
    }
    communities.sort_unstable();
    communities.dedup();
    if !communities.is_empty() {
        all.push((0xC0, 8, communities.iter().flat_map(|c| c.to_be_bytes()).collect()));
    }
    if !attrs.extended_communities.is_empty() {
        all.push((0xC0, 16, attrs.extended_communities.iter().flat_map(|c| c.0).collect()));
    }
    if !attrs.large_communities.is_empty() {
        let large = attrs.large_communities.iter().flat_map(|c| c.0).flat_map(u32::to_be_bytes);
        all.push((0xC0, 32, large.collect()));
    }
    if let Some(otc) = session.otc {
        all.push((0xC0, 35, otc.0.to_be_bytes().to_vec()));
    }
    all.sort_unstable_by_key(|(_, kind, _)| *kind);
    let mut attributes = Vec::new();
    for (flags, kind, value) in all {
        if value.len() > 255 {
            attributes.extend([flags | 0x10, kind]);
            attributes.extend(u16::try_from(value.len()).unwrap().to_be_bytes());
        } else {
            attributes.extend([flags, kind, u8::try_from(value.len()).unwrap()]);
        }
        attributes.extend(value);
    }
    Heard { attributes, mp_next_hop }
}

/// Reads one whole message, and holds it to the rules: header, lengths, MP attributes first and alone where they
/// withdraw, no attribute twice or out of order, never reach and unreach in one.
pub(super) fn read(message: &[u8], max_len: usize) -> Word {
    assert_eq!(message[..16], [0xFF; 16]);
    assert_eq!(usize::from(u16_at(message, 16)), message.len());
    assert!(message.len() <= max_len, "{} octets are more than {max_len}", message.len());
    let body = &message[19..];
    match message[18] {
        2 => update(body),
        5 => {
            assert_eq!(body.len(), 4);
            Word::Refresh(Family::from_afi_safi(u16_at(body, 0), body[3]).unwrap(), body[2])
        }
        kind => Word::Other(kind),
    }
}

fn update(body: &[u8]) -> Word {
    let withdrawn_len = usize::from(u16_at(body, 0));
    let withdrawn = prefixes(Family::Ipv4, &body[2..2 + withdrawn_len]);
    let rest = &body[2 + withdrawn_len..];
    let attributes_len = usize::from(u16_at(rest, 0));
    let mut attributes = &rest[2..2 + attributes_len];
    let nlri = prefixes(Family::Ipv4, &rest[2 + attributes_len..]);
    let (mut others, mut last) = (Vec::new(), 0);
    let (mut reach, mut unreach) = (None, None);
    let mut first = true;
    while !attributes.is_empty() {
        let (flags, kind) = (attributes[0], attributes[1]);
        let (len, at) = if flags & 0x10 == 0 {
            (usize::from(attributes[2]), 3)
        } else {
            (usize::from(u16_at(attributes, 2)), 4)
        };
        let value = &attributes[at..at + len];
        if kind == 14 || kind == 15 {
            assert!(first, "an MP attribute that is not the first");
            let family = Family::from_afi_safi(u16_at(value, 0), value[2]).unwrap();
            if kind == 14 {
                let hop_len = usize::from(value[3]);
                assert_eq!(value[4 + hop_len], 0);
                reach = Some((prefixes(family, &value[5 + hop_len..]), value[4..4 + hop_len].to_vec()));
            } else {
                unreach = Some((family, prefixes(family, &value[3..])));
            }
        } else {
            assert!(kind > last, "attribute {kind} behind {last}");
            assert!(flags & 0x10 == 0 || len > 255);
            last = kind;
            others.extend_from_slice(&attributes[..at + len]);
        }
        first = false;
        attributes = &attributes[at + len..];
    }
    match (withdrawn.is_empty(), nlri.is_empty(), reach, unreach) {
        (true, true, None, None) => {
            assert!(others.is_empty());
            Word::EndOfRib(Family::Ipv4)
        }
        (false, true, None, None) => {
            assert!(others.is_empty());
            Word::Withdraw(withdrawn)
        }
        (true, true, None, Some((family, gone))) => {
            assert!(others.is_empty());
            if gone.is_empty() { Word::EndOfRib(family) } else { Word::Withdraw(gone) }
        }
        (true, false, None, None) => {
            Word::Announce(nlri, Heard { attributes: others, mp_next_hop: Vec::new() })
        }
        (true, true, Some((nets, mp_next_hop)), None) => {
            assert!(!nets.is_empty());
            Word::Announce(nets, Heard { attributes: others, mp_next_hop })
        }
        mixed => panic!("reach and unreach, or both forms, in one UPDATE: {mixed:?}"),
    }
}

fn prefixes(family: Family, mut nlri: &[u8]) -> Vec<IpNet> {
    let mut nets = Vec::new();
    while let Some(len) = nlri.first() {
        let octets = usize::from(*len).div_ceil(8);
        let mut all = [0; 16];
        all[..octets].copy_from_slice(&nlri[1..=octets]);
        nets.push(match family {
            Family::Ipv4 => {
                let ip = Ipv4Addr::new(all[0], all[1], all[2], all[3]);
                IpNet::V4(Ipv4Net::new(ip, *len).unwrap())
            }
            Family::Ipv6 => IpNet::V6(Ipv6Net::new(Ipv6Addr::from(all), *len).unwrap()),
        });
        assert_eq!(nets.last().unwrap().trunc(), *nets.last().unwrap());
        nlri = &nlri[1 + octets..];
    }
    nets
}

fn u16_at(octets: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([octets[at], octets[at + 1]])
}
