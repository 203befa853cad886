//! The libraries, each used the fastest way its documentation shows.

use std::net::{IpAddr, Ipv4Addr};

use bench_receiver::wire::{Frame, HEADER_LEN, frame};

use crate::tally::{NEXT_HOP, Tally};

pub struct Library {
    pub name: &'static str,
    pub decode: fn(&[u8]) -> Tally,
}

pub const LIBRARIES: [Library; 5] = [
    Library { name: "peeringd", decode: peeringd },
    Library { name: "bgpkit-parser 0.23", decode: bgpkit },
    Library { name: "netgauze-bgp-pkt 0.13", decode: netgauze },
    Library { name: "zettabgp 0.6", decode: zettabgp },
    Library { name: "routecore 0.7", decode: routecore },
];

/// Calls `each` with every whole message of the stream.
fn messages<'a>(mut stream: &'a [u8], mut each: impl FnMut(&'a [u8])) {
    while let Frame::Whole(_, _, length) = frame(stream) {
        let (message, rest) = stream.split_at(length);
        each(message);
        stream = rest;
    }
}

fn peeringd(stream: &[u8]) -> Tally {
    use peeringd::wire::{
        Asn, FirstAs, MAX_MESSAGE_LEN, Nlri, PerFamily, Treatment, UpdateContext, decode_update, frame,
    };
    let context = UpdateContext {
        local_asn: Asn(65001),
        peer_asn: Asn(8075),
        peer_address: NEXT_HOP.into(),
        local_address: PerFamily::default(),
        first_as: FirstAs::Peer,
        four_octet_as: true,
        families: PerFamily { ipv4: true, ipv6: false },
        extended_next_hop: false,
        add_path: PerFamily::default(),
    };
    let mut tally = Tally::default();
    let mut rest = stream;
    while let Some(message) = frame(rest, MAX_MESSAGE_LEN).expect("a header") {
        rest = &rest[message.whole.len()..];
        let update = decode_update(message.body, &context);
        assert_eq!(update.treatment(), Treatment::Accept);
        let attributes = update.attributes();
        tally.attribute(attributes.origin().expect("ORIGIN") as u32);
        for asn in attributes.as_path().expect("AS_PATH").asns() {
            tally.attribute(asn.0);
        }
        for community in attributes.communities() {
            tally.attribute(community.0);
        }
        for reach in update.announced() {
            let IpAddr::V4(next_hop) = reach.next_hop.address else { panic!("an IPv4 next hop") };
            tally.attribute(next_hop.to_bits());
            let Nlri::Ipv4(prefixes) = reach.nlri else { panic!("IPv4 prefixes") };
            for prefix in prefixes {
                tally.prefix(prefix.addr(), prefix.prefix_len());
            }
        }
    }
    tally
}

fn bgpkit(stream: &[u8]) -> Tally {
    use bgpkit_parser::models::{AsPathSegment, AsnLength, AttributeValue, BgpMessage, Community, Origin};
    use bgpkit_parser::parser::bgp::parse_bgp_message;
    let mut tally = Tally::default();
    // It parses shared octets; one copy of the whole stream is the least that it asks for.
    let mut input = bytes::Bytes::copy_from_slice(stream);
    while !input.is_empty() {
        let length = usize::from(u16::from_be_bytes([input[16], input[17]]));
        let mut message = input.split_to(length);
        let BgpMessage::Update(update) =
            parse_bgp_message(&mut message, false, &AsnLength::Bits32).expect("a message")
        else {
            panic!("an UPDATE")
        };
        for attribute in update.attributes.iter() {
            match attribute {
                AttributeValue::Origin(Origin::IGP) => tally.attribute(0),
                AttributeValue::AsPath(path) => {
                    for segment in path.iter_segments() {
                        let AsPathSegment::AsSequence(asns) = segment else { panic!("a sequence") };
                        asns.iter().for_each(|asn| tally.attribute((*asn).into()));
                    }
                }
                AttributeValue::NextHop(IpAddr::V4(next_hop)) => tally.attribute(next_hop.to_bits()),
                AttributeValue::Communities(communities) => {
                    for community in communities {
                        let Community::Custom(asn, value) = *community else { panic!("a plain community") };
                        tally.attribute(u32::from(asn) << 16 | u32::from(value));
                    }
                }
                other => panic!("{other:?}"),
            }
        }
        for prefix in &update.announced_prefixes {
            net(&mut tally, &prefix.prefix);
        }
    }
    tally
}

fn net(tally: &mut Tally, net: &ipnet::IpNet) {
    let IpAddr::V4(address) = net.addr() else { panic!("an IPv4 prefix") };
    tally.prefix(address, net.prefix_len());
}

fn netgauze(stream: &[u8]) -> Tally {
    use netgauze_bgp_pkt::BgpMessage;
    use netgauze_bgp_pkt::path_attribute::{AsPath, PathAttributeValue};
    use netgauze_bgp_pkt::wire::deserializer::BgpParsingContext;
    use netgauze_parse_utils::reader::SliceReader;
    use netgauze_parse_utils::traits::ParseFromWithOneInput;
    let mut context = BgpParsingContext::default();
    context.set_asn4(true);
    let mut tally = Tally::default();
    messages(stream, |message| {
        let BgpMessage::Update(update) =
            BgpMessage::parse(&mut SliceReader::new(message), &mut context).expect("a message")
        else {
            panic!("an UPDATE")
        };
        for attribute in update.path_attributes() {
            match attribute.value() {
                PathAttributeValue::Origin(origin) => tally.attribute(*origin as u32),
                PathAttributeValue::AsPath(AsPath::As4PathSegments(segments)) => segments
                    .iter()
                    .flat_map(|segment| segment.as_numbers())
                    .for_each(|asn| tally.attribute(*asn)),
                PathAttributeValue::NextHop(hop) => tally.attribute(hop.next_hop().to_bits()),
                PathAttributeValue::Communities(communities) => {
                    communities.communities().iter().for_each(|community| tally.attribute(community.value()))
                }
                other => panic!("{other:?}"),
            }
        }
        for prefix in update.nlri() {
            let net = prefix.network().address();
            tally.prefix(net.addr(), net.prefix_len());
        }
    });
    tally
}

fn zettabgp(stream: &[u8]) -> Tally {
    use zettabgp::prelude::*;
    let mut parameters =
        BgpSessionParams::new(65001, 90, BgpTransportMode::IPv4, Ipv4Addr::new(10, 76, 0, 1), vec![]);
    // The guess at ADD-PATH costs it time and is not needed.
    parameters.fuzzy_pathid = false;
    let mut tally = Tally::default();
    messages(stream, |message| {
        let mut update = BgpUpdateMessage::new();
        update.decode_from(&parameters, &message[HEADER_LEN..]).expect("an UPDATE");
        for attribute in &update.attrs {
            match attribute {
                BgpAttrItem::Origin(origin) => tally.attribute(match origin.value {
                    BgpAttrOrigin::Igp => 0,
                    BgpAttrOrigin::Egp => 1,
                    BgpAttrOrigin::Incomplete => 2,
                }),
                BgpAttrItem::ASPath(path) => {
                    for item in &path.value {
                        let BgpASitem::Seq(sequence) = item else { panic!("a sequence") };
                        sequence.value.iter().for_each(|asn| tally.attribute(asn.value));
                    }
                }
                BgpAttrItem::NextHop(BgpNextHop { value: IpAddr::V4(hop) }) => tally.attribute(hop.to_bits()),
                BgpAttrItem::CommunityList(list) => {
                    list.value.iter().for_each(|community| tally.attribute(community.value));
                }
                other => panic!("{other:?}"),
            }
        }
        let BgpAddrs::IPV4U(prefixes) = &update.updates else { panic!("IPv4 prefixes") };
        for prefix in prefixes {
            tally.prefix(prefix.addr, prefix.prefixlen);
        }
    });
    tally
}

fn routecore(stream: &[u8]) -> Tally {
    use routecore::bgp::message::SessionConfig;
    use routecore::bgp::message::update::UpdateMessage;
    use routecore::bgp::nlri::afisafi::{Ipv4UnicastNlri, IsPrefix};
    use routecore::bgp::types::{NextHop, OriginType};
    let session = SessionConfig::modern();
    let mut tally = Tally::default();
    messages(stream, |message| {
        let update = UpdateMessage::from_octets(message, &session).expect("an UPDATE");
        match update.origin().expect("sound").expect("ORIGIN") {
            OriginType::Igp => tally.attribute(0),
            other => panic!("{other:?}"),
        }
        for segment in update.aspath().expect("sound").expect("AS_PATH").segments() {
            segment.asns().for_each(|asn| tally.attribute(asn.into_u32()));
        }
        match update.conventional_next_hop().expect("sound").expect("NEXT_HOP") {
            NextHop::Unicast(IpAddr::V4(hop)) => tally.attribute(hop.to_bits()),
            other => panic!("{other:?}"),
        }
        for community in update.communities().expect("sound").expect("COMMUNITIES") {
            tally.attribute(u32::from_be_bytes(community.to_raw()));
        }
        let prefixes = update.typed_announcements::<_, Ipv4UnicastNlri>().expect("sound").expect("prefixes");
        for nlri in prefixes {
            let (address, length) = nlri.expect("a prefix").prefix().addr_and_len();
            let IpAddr::V4(address) = address else { panic!("an IPv4 prefix") };
            tally.prefix(address, length);
        }
    });
    tally
}
