//! What the decoder accepts can be shown, whatever it is.

use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;

use crate::accept::{AdjRibIn, Budget};
use crate::control::json::ReceivedJson;
use crate::wire::{Asn, FirstAs, PerFamily, UpdateContext, decode_update};

fn attribute(flags: u8, code: u8, value: &[u8]) -> Vec<u8> {
    [&[flags | 0x10, code], u16::try_from(value.len()).unwrap().to_be_bytes().as_slice(), value].concat()
}

/// What is shown of the routes of these attributes, as JSON that was read back.
fn shown(attributes: &[u8]) -> Vec<serde_json::Value> {
    let ctx = UpdateContext {
        local_asn: Asn(8075),
        peer_asn: Asn(65001),
        peer_address: "192.0.2.1".parse().unwrap(),
        local_address: PerFamily::default(),
        first_as: FirstAs::Any,
        four_octet_as: true,
        families: PerFamily { ipv4: true, ipv6: true },
        extended_next_hop: true,
        add_path: PerFamily { ipv4: true, ipv6: false },
    };
    let len = u16::try_from(attributes.len()).unwrap().to_be_bytes();
    let octets = [&[0, 0], len.as_slice(), attributes, &[0, 0, 0, 7, 16, 10, 1]].concat();
    let mut rib = AdjRibIn::new(PerFamily { ipv4: 9, ipv6: 9 }, Arc::new(Budget::new(1000)));
    rib.apply(&decode_update(&octets, &ctx), 1).unwrap();
    let rows = rib.page(None, 9);
    let text = |route| serde_json::to_string(&ReceivedJson::new(route)).unwrap();
    rows.iter().map(|route| serde_json::from_str(&text(route)).unwrap()).collect()
}

proptest! {
    #[test]
    fn whatever_is_accepted_is_shown(
        path in vec(any::<u8>(), 0..20),
        more in vec((0_usize..12, vec(any::<u8>(), 0..40)), 0..8),
    ) {
        const KINDS: [(u8, u8); 12] = [
            (0xC0, 7), (0xC0, 8), (0x80, 4), (0xC0, 16), (0xC0, 22), (0xC0, 23), (0xC0, 25), (0xC0, 32), (0xC0, 35),
            (0xC0, 40), (0xC0, 128), (0xC0, 200),
        ];
        let numbers: Vec<u8> = path.iter().flat_map(|n| [0, 0, 1, *n]).collect();
        let sequence = [&[2, u8::try_from(path.len()).unwrap()], numbers.as_slice()].concat();
        let sequence = if path.is_empty() { Vec::new() } else { sequence };
        let mut attributes = [
            attribute(0x40, 1, &[0]),
            attribute(0x40, 2, &sequence),
            attribute(0x40, 3, &[192, 0, 2, 1]),
        ]
        .concat();
        for (kind, value) in &more {
            let (flags, code) = KINDS[*kind];
            // Mostly of a length that will do.
            let whole = value.len() - value.len() % 20;
            attributes.extend(attribute(flags, code, &value[..whole]));
        }
        for row in shown(&attributes) {
            prop_assert_eq!(&row["prefix"], "10.1.0.0/16");
            prop_assert_eq!(&row["pathId"], 7);
            prop_assert!(row["asPath"].is_string() && row["communities"].is_array());
        }
    }
}

#[test]
fn the_largest_that_is_accepted_is_shown_whole() {
    let communities = attribute(0xC0, 8, &[0xFF; 40_000]);
    let large = attribute(0xC0, 32, &[0xFF; 24_000]);
    let plain = [
        attribute(0x40, 1, &[2]),
        attribute(0x40, 2, &[2, 1, 0, 0, 0xFD, 0xE9]),
        attribute(0x40, 3, &[192, 0, 2, 1]),
    ]
    .concat();
    let rows = shown(&[plain, communities, large].concat());
    assert_eq!(rows[0]["communities"].as_array().unwrap().len(), 10_000);
    assert_eq!(rows[0]["largeCommunities"].as_array().unwrap().len(), 2_000);
}
