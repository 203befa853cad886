//! What the other side says, octet by octet: an encoder of its own, so that an error in peeringd's cannot hide.

use std::net::{Ipv4Addr, Ipv6Addr};

use super::case::PEER_ASN;

/// Message types.
pub(super) const OPEN: u8 = 1;
pub(super) const UPDATE: u8 = 2;
pub(super) const NOTIFICATION: u8 = 3;
pub(super) const KEEPALIVE: u8 = 4;
pub(super) const ROUTE_REFRESH: u8 = 5;

/// A length as two octets; one that does not fit is as good as any other wrong one.
fn be16(n: usize) -> [u8; 2] {
    u16::try_from(n).unwrap_or(u16::MAX).to_be_bytes()
}

/// A length as one octet, likewise.
fn be8(n: usize) -> u8 {
    u8::try_from(n).unwrap_or(u8::MAX)
}

/// A whole message.
pub(super) fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[0xFF; 16], &be16(body.len().saturating_add(19))[..], &[kind], body].concat()
}

pub(super) fn keepalive() -> Vec<u8> {
    message(KEEPALIVE, &[])
}

/// A capability.
pub(super) fn capability(code: u8, value: &[u8]) -> Vec<u8> {
    [&[code, be8(value.len())], value].concat()
}

/// Multiprotocol, unicast.
pub(super) fn multiprotocol(afi: u8) -> Vec<u8> {
    capability(1, &[0, afi, 0, 1])
}

/// Both families and four-octet AS numbers.
pub(super) fn usual() -> Vec<Vec<u8>> {
    vec![multiprotocol(1), multiprotocol(2), capability(65, &PEER_ASN.to_be_bytes())]
}

/// The usual ones and one more.
pub(super) fn usual_and(code: u8, value: &[u8]) -> Vec<Vec<u8>> {
    [usual(), vec![capability(code, value)]].concat()
}

/// The body of an OPEN.
#[derive(Clone, Debug)]
pub(super) struct OpenBody {
    pub(super) version: u8,
    pub(super) my_as: u16,
    pub(super) hold_time: u16,
    pub(super) id: Ipv4Addr,
    /// From the octet of their length on.
    pub(super) parameters: Vec<u8>,
}

impl OpenBody {
    pub(super) fn new(id: Ipv4Addr, capabilities: &[Vec<u8>]) -> Self {
        let parameters = classic(&[parameter(2, &capabilities.concat())]);
        let my_as = u16::try_from(PEER_ASN).unwrap_or(23456);
        Self { version: 4, my_as, hold_time: 90, id, parameters }
    }

    pub(super) fn octets(&self) -> Vec<u8> {
        let Self { version, my_as, hold_time, id, parameters } = self;
        [&[*version][..], &my_as.to_be_bytes(), &hold_time.to_be_bytes(), &id.octets(), parameters].concat()
    }

    pub(super) fn message(&self) -> Vec<u8> {
        message(OPEN, &self.octets())
    }
}

/// One optional parameter.
pub(super) fn parameter(kind: u8, value: &[u8]) -> Vec<u8> {
    [&[kind, be8(value.len())], value].concat()
}

/// The field of optional parameters.
pub(super) fn classic(parameters: &[Vec<u8>]) -> Vec<u8> {
    let all = parameters.concat();
    [&[be8(all.len())], all.as_slice()].concat()
}

/// The same in the extended form (RFC 9072), with one parameter of capabilities.
pub(super) fn extended(capabilities: &[u8]) -> Vec<u8> {
    let parameter = [&[2], &be16(capabilities.len())[..], capabilities].concat();
    [&[255, 255], &be16(parameter.len())[..], &parameter].concat()
}

/// A path attribute, its length in two octets where one is too small.
pub(super) fn attribute(flags: u8, code: u8, value: &[u8]) -> Vec<u8> {
    match u8::try_from(value.len()) {
        Ok(len) => [&[flags, code, len], value].concat(),
        Err(_) => [&[flags | 0x10, code], &be16(value.len())[..], value].concat(),
    }
}

pub(super) fn origin() -> Vec<u8> {
    attribute(0x40, 1, &[0])
}

/// AS_PATH of one AS_SEQUENCE.
pub(super) fn as_path(asns: &[u32]) -> Vec<u8> {
    attribute(0x40, 2, &segment(2, asns))
}

pub(super) fn segment(kind: u8, asns: &[u32]) -> Vec<u8> {
    let numbers: Vec<u8> = asns.iter().flat_map(|asn| asn.to_be_bytes()).collect();
    [&[kind, be8(asns.len())], numbers.as_slice()].concat()
}

/// The same with two-octet numbers.
pub(super) fn segment2(kind: u8, asns: &[u16]) -> Vec<u8> {
    let numbers: Vec<u8> = asns.iter().flat_map(|asn| asn.to_be_bytes()).collect();
    [&[kind, be8(asns.len())], numbers.as_slice()].concat()
}

pub(super) fn next_hop() -> Vec<u8> {
    attribute(0x40, 3, &[192, 0, 2, 7])
}

/// ORIGIN, AS_PATH and NEXT_HOP as they should be.
pub(super) fn well_known() -> Vec<Vec<u8>> {
    vec![origin(), as_path(&[PEER_ASN]), next_hop()]
}

/// The body of an UPDATE.
pub(super) fn update_body(withdrawn: &[u8], attributes: &[Vec<u8>], nlri: &[u8]) -> Vec<u8> {
    let attributes = attributes.concat();
    [&be16(withdrawn.len())[..], withdrawn, &be16(attributes.len()), &attributes, nlri].concat()
}

/// A whole UPDATE that announces with these attributes.
pub(super) fn announce(attributes: &[Vec<u8>], nlri: &[u8]) -> Vec<u8> {
    message(UPDATE, &update_body(&[], attributes, nlri))
}

/// 5.`n`.0.0/16.
pub(super) fn prefix(n: u8) -> [u8; 3] {
    [16, 5, n]
}

/// MP_REACH_NLRI, unicast.
pub(super) fn mp_reach(afi: u8, next_hop: &[u8], nlri: &[u8]) -> Vec<u8> {
    attribute(0x80, 14, &[&[0, afi, 1, be8(next_hop.len())], next_hop, &[0], nlri].concat())
}

/// MP_UNREACH_NLRI, unicast.
pub(super) fn mp_unreach(afi: u8, nlri: &[u8]) -> Vec<u8> {
    attribute(0x80, 15, &[&[0, afi, 1], nlri].concat())
}

/// 2001:db8::7.
pub(super) const V6_HOP: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 7);
/// 2a01:5::/32.
pub(super) const V6_NLRI: [u8; 5] = [32, 0x2a, 0x01, 0, 5];

/// A request for a family, or its begin or end.
pub(super) fn refresh(afi: u8, subtype: u8) -> Vec<u8> {
    message(ROUTE_REFRESH, &[0, afi, subtype, 1])
}
