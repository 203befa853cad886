//! Tests over the whole codec, with an encoder of UPDATEs of their own.

mod add_path;
mod framing;
mod hostile;
mod open;
mod registry;
mod rfc7606;
mod round_trip;
mod small_messages;
mod update;

use super::*;

/// A context like that of most sessions: both families, four-octet AS numbers, AS 65001 as the peer of AS 8075.
fn ctx() -> UpdateContext {
    UpdateContext {
        local_asn: Asn(8075),
        peer_asn: Asn(65001),
        peer_address: "192.0.2.1".parse().unwrap(),
        local_address: PerFamily {
            ipv4: Some("192.0.2.2".parse().unwrap()),
            ipv6: Some("2001:db8::2".parse().unwrap()),
        },
        first_as: FirstAs::Peer,
        four_octet_as: true,
        families: PerFamily { ipv4: true, ipv6: true },
        extended_next_hop: false,
        add_path: PerFamily::default(),
    }
}

fn two_octet() -> UpdateContext {
    UpdateContext { four_octet_as: false, ..ctx() }
}

fn be16(n: usize) -> [u8; 2] {
    u16::try_from(n).unwrap().to_be_bytes()
}

/// Flags, code, length (of two octets where one is too small), value.
fn attr(flags: u8, code: u8, value: &[u8]) -> Vec<u8> {
    match u8::try_from(value.len()) {
        Ok(len) => [&[flags, code, len], value].concat(),
        Err(_) => [&[flags | 0x10, code], be16(value.len()).as_slice(), value].concat(),
    }
}

/// The body of an UPDATE.
fn body(withdrawn: &[u8], attributes: &[Vec<u8>], nlri: &[u8]) -> Vec<u8> {
    let attributes = attributes.concat();
    [&be16(withdrawn.len()), withdrawn, &be16(attributes.len()), &attributes, nlri].concat()
}

/// Header and body.
fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[0xFF; 16], be16(19 + body.len()).as_slice(), &[kind], body].concat()
}

fn origin() -> Vec<u8> {
    attr(0x40, 1, &[0])
}

/// One AS_SEQUENCE of four-octet numbers.
fn path(asns: &[u32]) -> Vec<u8> {
    attr(0x40, 2, &sequence(asns))
}

fn sequence(asns: &[u32]) -> Vec<u8> {
    let numbers: Vec<u8> = asns.iter().flat_map(|n| n.to_be_bytes()).collect();
    [&[2, u8::try_from(asns.len()).unwrap()], numbers.as_slice()].concat()
}

fn sequence2(asns: &[u16]) -> Vec<u8> {
    let numbers: Vec<u8> = asns.iter().flat_map(|n| n.to_be_bytes()).collect();
    [&[2, u8::try_from(asns.len()).unwrap()], numbers.as_slice()].concat()
}

fn next_hop() -> Vec<u8> {
    attr(0x40, 3, &[192, 0, 2, 1])
}

/// ORIGIN, AS_PATH and NEXT_HOP as they should be.
fn well_known() -> Vec<Vec<u8>> {
    vec![origin(), path(&[65001, 3356]), next_hop()]
}

/// 10.1.0.0/16 and 10.2.3.0/24.
const NLRI: [u8; 7] = [16, 10, 1, 24, 10, 2, 3];

/// 2001:db8::1.
const V6_HOP: [u8; 16] = [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
/// fe80::1.
const LINK_LOCAL: [u8; 16] = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
/// 2001:db8:5::/48.
const V6_NLRI: [u8; 7] = [48, 0x20, 1, 0x0d, 0xb8, 0, 5];

fn mp_reach(afi: u16, safi: u8, next_hop: &[u8], nlri: &[u8]) -> Vec<u8> {
    let len = u8::try_from(next_hop.len()).unwrap();
    attr(0x80, 14, &[&afi.to_be_bytes(), [safi, len].as_slice(), next_hop, &[0], nlri].concat())
}

fn mp_unreach(afi: u16, safi: u8, nlri: &[u8]) -> Vec<u8> {
    attr(0x80, 15, &[&afi.to_be_bytes(), [safi].as_slice(), nlri].concat())
}

/// The announced prefixes as text, each with its next hop.
fn announced(update: &Update<'_>) -> Vec<String> {
    update
        .announced()
        .flat_map(|reach| {
            reach.nlri.into_iter().map(move |net| format!("{net} via {}", reach.next_hop.address))
        })
        .collect()
}

/// The withdrawn prefixes as text.
fn withdrawn(update: &Update<'_>) -> Vec<String> {
    update.withdrawn().flatten().map(|net| net.to_string()).collect()
}

/// Touches every part of an UPDATE that can be looked at, and checks what holds of all of them.
fn look_at(update: &Update<'_>) {
    let (reached, gone) = (announced(update), withdrawn(update));
    match update.treatment() {
        Treatment::Accept | Treatment::AttributeDiscard => {
            if !reached.is_empty() {
                assert!(update.attributes().origin().is_some() && update.attributes().as_path().is_some());
            }
        }
        Treatment::TreatAsWithdraw => assert!(reached.is_empty()),
        Treatment::SessionReset => assert!(reached.is_empty() && gone.is_empty()),
    }
    assert_eq!(update.treatment() == Treatment::SessionReset, update.notification().is_some());
    if let Some(path) = update.attributes().as_path() {
        let own = AsPathBuf::from(&path);
        assert_eq!(own.to_string(), path.to_string());
        assert!(own.view().asns().eq(path.asns()));
    }
    let listed = update.faults().iter().map(|fault| {
        assert!(!fault.to_string().is_empty());
        fault.treatment
    });
    let strongest = listed.max().unwrap_or_default();
    assert!(strongest <= update.treatment());
    if update.treatment() > Treatment::Accept {
        assert!(update.faults().count() > 0);
    }
    let attributes = update.attributes();
    let text = attributes.as_path().map(|path| (path.to_string(), path.hop_count(), path.asns().count()));
    if let Some((text, _, count)) = text {
        assert_eq!(text.split([' ', ',']).filter(|s| !s.is_empty()).count(), count, "{text}");
    }
    let counts = (
        attributes.communities().count(),
        attributes.extended_communities().count(),
        attributes.large_communities().count(),
        attributes.unrecognized().count(),
    );
    assert!(counts.0 + counts.1 + counts.2 + counts.3 < 65_536);
}
