//! The insides of attributes that we have no use for, as far as their RFCs tell whole from malformed.

use nom::Parser;
use nom::bytes::complete::take;
use nom::multi::length_data;
use nom::number::complete::{be_u8, be_u16};

use super::Parsed;
use super::attribute::RawAttribute;

/// Parts up to the end, each of which `part` takes off the front.
fn are_all(mut value: &[u8], part: impl Fn(&[u8]) -> Option<&[u8]>) -> bool {
    while !value.is_empty() {
        let Some(rest) = part(value) else { return false };
        value = rest;
    }
    true
}

/// Tunnels, each of whole sub-TLVs, up to the end (RFC 9012 §2, §13).
pub(super) fn are_tunnels(value: &[u8]) -> bool {
    are_all(value, |value| {
        let tunnel: Parsed<'_, (u16, &[u8])> = (be_u16, length_data(be_u16)).parse(value);
        let (rest, (_, sub_tlvs)) = tunnel.ok()?;
        are_all(sub_tlvs, sub_tlv).then_some(rest)
    })
}

/// A type of 128 or more has a length of two octets (RFC 9012 §2).
fn sub_tlv(value: &[u8]) -> Option<&[u8]> {
    let (kind, after) = value.split_first()?;
    let sub_tlv: Parsed<'_, &[u8]> =
        if *kind < 128 { length_data(be_u8).parse(after) } else { length_data(be_u16).parse(after) };
    sub_tlv.ok().map(|(rest, _)| rest)
}

/// The TLVs of BGP-LS, whose types have two octets (RFC 9552 §5.1).
pub(super) fn are_link_state(value: &[u8]) -> bool {
    are_all(value, |value| {
        let tlv: Parsed<'_, (u16, &[u8])> = (be_u16, length_data(be_u16)).parse(value);
        tlv.ok().map(|(rest, _)| rest)
    })
}

/// The TLVs of Prefix-SID (RFC 8669 §3): those of a label index have 7 octets, those of an originator's SRGB 2 and then
/// 6 for each range; others are passed over.
pub(super) fn are_segment_ids(value: &[u8]) -> bool {
    are_all(value, |value| {
        let tlv: Parsed<'_, (u8, &[u8])> = (be_u8, length_data(be_u16)).parse(value);
        let (rest, (kind, inside)) = tlv.ok()?;
        let fits = match kind {
            1 => inside.len() == 7,
            3 => inside.get(2..).is_some_and(|ranges| !ranges.is_empty() && ranges.len().is_multiple_of(6)),
            _ => true,
        };
        fits.then_some(rest)
    })
}

/// Labels of three octets, each behind the address of a PE, which has 4 octets or 16 (RFC 6514 §8).
pub(super) fn are_labels(value: &[u8]) -> bool {
    value.len().is_multiple_of(4 + 3) || value.len().is_multiple_of(16 + 3)
}

/// Flags 1, type 1, label 3, and an identifier of the type's own length (RFC 6514 §5, RFC 7524, RFC 8556, RFC 9574).
/// A type that is not defined is malformed too.
pub(super) fn is_pmsi_tunnel(value: &[u8]) -> bool {
    let fields: Parsed<'_, (u8, u8, &[u8])> = (be_u8, be_u8, take(3_usize)).parse(value);
    let Ok((identifier, (_, kind, _))) = fields else { return false };
    let len = identifier.len();
    // The high bit makes a composite of the same type (RFC 8317 §7).
    match kind & 0x7F {
        0 => len == 0,
        // An LSP by RSVP-TE: 12 octets with IPv4, 24 with IPv6.
        1 => len == 12 || len == 24,
        // A FEC of mLDP: type, family and address of the root, opaque values.
        2 | 7 => len >= 10,
        // Sender and group.
        3..=5 => len == 8 || len == 32,
        // The tunnel's end.
        6 => len == 4 || len == 16,
        // Defined elsewhere, or for trials.
        8 | 0x0A..=0x0D | 0x7B..=0x7E => true,
        _ => false,
    }
}

/// An AS number of four octets, and whole attributes behind it (RFC 6368 §5).
pub(super) fn is_attribute_set(value: &[u8]) -> bool {
    let inside = value.get(4..);
    inside
        .is_some_and(|inside| are_all(inside, |value| RawAttribute::split(value).ok().map(|(rest, _)| rest)))
}
