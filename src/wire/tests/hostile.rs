//! Octets that did harm elsewhere, and all that is one change away from a valid message.

use super::*;

/// Decodes whatever it is, looks at all of it, and returns the treatment.
fn survive(octets: &[u8]) -> Treatment {
    let mut last = Treatment::Accept;
    for ctx in [two_octet(), UpdateContext { extended_next_hop: true, ..ctx() }, ctx()] {
        let update = decode_update(octets, &ctx);
        look_at(&update);
        last = update.treatment();
    }
    last
}

/// Every kind of attribute and field in one message.
fn rich() -> Vec<u8> {
    let attributes = [
        vec![mp_reach(2, 1, &[V6_HOP, LINK_LOCAL].concat(), &V6_NLRI), mp_unreach(2, 1, &V6_NLRI)],
        well_known(),
        vec![
            attr(0x80, 4, &[0; 4]),
            attr(0x40, 6, &[]),
            attr(0xC0, 7, &[1; 8]),
            attr(0xC0, 8, &[0; 8]),
            attr(0xC0, 16, &[0; 8]),
            attr(0xC0, 23, &[0, 8, 0, 2, 1, 0]),
            attr(0xC0, 32, &[0; 12]),
            attr(0xC0, 35, &[1; 4]),
            attr(0xC0, 40, &[0; 3]),
            attr(0xC0, 200, &[1; 300]),
        ],
    ]
    .concat();
    body(&NLRI, &attributes, &NLRI)
}

#[test]
fn every_truncation_of_an_update_has_an_outcome() {
    let octets = rich();
    assert_eq!(survive(&octets), Treatment::Accept);
    let routes_at = octets.len() - NLRI.len();
    for len in 0..octets.len() {
        let treatment = survive(&octets[..len]);
        if len < routes_at {
            assert_eq!(treatment, Treatment::SessionReset, "{len}");
        }
    }
}

#[test]
fn every_octet_may_have_any_value() {
    let octets = rich();
    for at in 0..octets.len().min(260) {
        for value in [0, 1, 2, 3, 4, 5, 15, 16, 32, 33, 127, 128, 129, 254, 255] {
            let mut octets = octets.clone();
            octets[at] = value;
            survive(&octets);
        }
    }
}

/// Every place read as a length of one octet and of two: none, one, the most, and one beside what it was.
#[test]
fn every_length_may_be_anything() {
    let extended = attr(0xD0, 200, &[1; 9]);
    let octets = [rich(), body(&NLRI, &[well_known(), vec![extended]].concat(), &NLRI)];
    for octets in octets {
        for at in 0..octets.len().saturating_sub(1) {
            let old = u16::from_be_bytes([octets[at], octets[at + 1]]);
            for new in [0, 1, 0xFF, 0x100, 0x7FFF, 0xFFFE, 0xFFFF, old.wrapping_sub(1), old.wrapping_add(1)] {
                let mut octets = octets.clone();
                octets[at..at + 2].copy_from_slice(&new.to_be_bytes());
                survive(&octets);
            }
            for new in [octets[at].wrapping_sub(1), octets[at].wrapping_add(1)] {
                let mut octets = octets.clone();
                octets[at] = new;
                survive(&octets);
            }
        }
    }
}

/// What each length of an UPDATE does at none, one, all there is, and one more.
#[test]
fn the_lengths_of_an_update_at_their_edges() {
    let with = |withdrawn: u16, attributes: u16, rest: &[u8]| {
        let [a, b] = [withdrawn.to_be_bytes(), attributes.to_be_bytes()];
        [a.as_slice(), &rest[..usize::from(withdrawn.min(2))], &b, &rest[usize::from(withdrawn.min(2))..]]
            .concat()
    };
    let all = [well_known().concat(), NLRI.to_vec()].concat();
    let (attributes, most) =
        (u16::try_from(all.len() - NLRI.len()).unwrap(), u16::try_from(all.len()).unwrap());
    for (len, wanted) in [
        // No attributes: all of it is prefixes, which they are not.
        (0, Treatment::SessionReset),
        (1, Treatment::SessionReset),
        (attributes, Treatment::Accept),
        // The prefixes taken for an attribute that is cut, and no prefixes left to withdraw.
        (most, Treatment::SessionReset),
        (most + 1, Treatment::SessionReset),
        (u16::MAX, Treatment::SessionReset),
    ] {
        assert_eq!(survive(&with(0, len, &all)), wanted, "{len} of attributes");
    }
    for (len, wanted) in [(0, Treatment::Accept), (1, Treatment::Accept), (2, Treatment::Accept)] {
        assert_eq!(survive(&body(&[8, 10][..len.min(1) * 2], &[], &[])), wanted, "{len}");
    }
    for len in [1, 3, 5, u16::MAX] {
        let octets = [len.to_be_bytes().as_slice(), &[8, 10, 0, 0]].concat();
        assert_eq!(survive(&octets), Treatment::SessionReset, "{len} of withdrawn routes");
    }
}

#[test]
fn every_attribute_length_may_be_zero_one_or_the_most() {
    for code in 0..=255 {
        for flags in [0x00, 0x40, 0x80, 0xC0] {
            for len in [0, 1, 2, 3, 4, 5, 255, 256, 4000, 65_000] {
                for octet in [0, 1, 255] {
                    let attribute = attr(flags, code, &vec![octet; len]);
                    survive(&body(&[], &[attribute], &NLRI));
                }
            }
            // A length that lies: nothing behind it.
            for lie in [&[flags, code, 255][..], &[flags | 0x10, code, 255, 255], &[flags, code, 1]] {
                let update = body(&[], &[well_known().concat(), lie.to_vec()], &NLRI);
                assert!(survive(&update) >= Treatment::TreatAsWithdraw);
            }
        }
    }
}

/// CVE-2017-15865: the data of a NOTIFICATION is what arrived, not what a length claimed.
#[test]
fn notification_data_is_never_more_than_arrived() {
    let cut = vec![0x90, 14, 0xFF, 0xFF, 0, 2, 1];
    let octets = body(&[], std::slice::from_ref(&cut), &[]);
    let update = decode_update(&octets, &ctx());
    assert_eq!(update.notification().unwrap().data, cut);
    let cut = vec![0xD0, 8, 0xFF, 0xFF, 1, 2];
    let octets = body(&[], std::slice::from_ref(&cut), &[]);
    let update = decode_update(&octets, &ctx());
    assert_eq!(update.notification().unwrap().data, cut);
}

/// CVE-2023-38802, CVE-2023-40457, CVE-2023-38283: a tunnel encapsulation of a bad length.
#[test]
fn a_bad_tunnel_encapsulation_withdraws() {
    for value in [&[][..], &[0], &[0, 1, 0], &[0, 1, 0, 255], &[0, 1, 0, 4, 1, 9, 0, 0], &[0; 5]] {
        let octets = body(&[], &[well_known(), vec![attr(0xC0, 23, value)]].concat(), &NLRI);
        assert_eq!(survive(&octets), Treatment::TreatAsWithdraw, "{value:?}");
    }
}

/// CVE-2023-46752: MP_REACH_NLRI with a next hop of 0, 1 and 255 octets and no prefixes.
#[test]
fn a_bad_mp_reach_resets() {
    for value in
        [&[0, 2, 1, 0, 0][..], &[0, 2, 1, 1, 9, 0], &[0, 2, 1, 255, 0], &[0, 2, 1, 16, 0], &[0, 2, 1]]
    {
        let octets = body(&[], &[attr(0x80, 14, value)], &[]);
        assert_eq!(survive(&octets), Treatment::SessionReset, "{value:?}");
    }
}

/// CVE-2023-46753: no mandatory attribute, only an unknown transitive one.
#[test]
fn an_unknown_attribute_alone() {
    let unknown = [attr(0xC0, 99, &[1, 2, 3])];
    assert_eq!(survive(&body(&[], &unknown, &NLRI)), Treatment::TreatAsWithdraw);
    assert_eq!(survive(&body(&[], &unknown, &[])), Treatment::Accept);
}

/// CVE-2023-47235: attributes, but no routes, and a malformed one among them.
#[test]
fn an_update_shaped_like_end_of_rib_is_none() {
    let octets = body(&[], &[origin(), path(&[65001])], &[]);
    let update = decode_update(&octets, &ctx());
    assert_eq!((update.treatment(), update.end_of_rib()), (Treatment::Accept, None));
    let octets = body(&[], &[attr(0x40, 1, &[9]), path(&[65001])], &[]);
    let update = decode_update(&octets, &ctx());
    assert_eq!((update.treatment(), update.end_of_rib()), (Treatment::SessionReset, None));
    assert_eq!(update.notification().unwrap().code, ErrorCode::INVALID_ORIGIN);
}

/// CVE-2026-41643: an AS_PATH without octets.
#[test]
fn an_empty_as_path_withdraws() {
    // Empty, or with nothing in it but a confederation's empty segment.
    for value in [&[][..], &[3, 0], &[4, 0]] {
        let octets = body(&[], &[origin(), attr(0x40, 2, value), next_hop()], &NLRI);
        assert_eq!(survive(&octets), Treatment::TreatAsWithdraw, "{value:?}");
    }
}

/// GHSA-4p9m-8gc4-rw2h: NEXT_HOP of 0, 3, 5 and 16 octets.
#[test]
fn a_bad_next_hop_withdraws() {
    for len in [0, 3, 5, 16] {
        let octets = body(&[], &[origin(), path(&[65001]), attr(0x40, 3, &vec![1; len])], &NLRI);
        assert_eq!(survive(&octets), Treatment::TreatAsWithdraw, "{len}");
    }
}

/// CVE-2026-49943: a message of 65,535 octets that is one AS_PATH.
#[test]
fn the_longest_as_path_is_read() {
    let segments: Vec<u8> = (0..64).flat_map(|_| sequence(&[65001; 253])).collect();
    let octets = body(&[], &[origin(), next_hop(), attr(0x40, 2, &segments)], &[8, 10]);
    let whole = message(2, &octets);
    assert!(whole.len() > 64_900);
    let found = frame(&whole, MAX_EXTENDED_MESSAGE_LEN).unwrap().unwrap();
    let update = decode_update(found.body, &ctx());
    assert_eq!(update.treatment(), Treatment::Accept);
    let path = update.attributes().as_path().unwrap();
    assert_eq!((path.hop_count(), path.asns().count()), (64 * 253, 64 * 253));
    assert_eq!(path.to_string().len(), 64 * 253 * 6 - 1);
}

/// INEX, October 2025: an unknown transitive attribute, of any size, is kept octet by octet.
#[test]
fn an_unknown_transitive_attribute_stays_as_it_is() {
    for len in [0, 1, 255, 256, 1024, 60_000] {
        for flags in [0xC0, 0xE0, 0xCF, 0xD0, 0xF5] {
            let value: Vec<u8> = (0..=255).cycle().take(len).collect();
            let attribute = if flags & 0x10 == 0 && len < 256 {
                attr(flags, 222, &value)
            } else {
                [&[flags | 0x10, 222], be16(len).as_slice(), &value].concat()
            };
            let octets = body(&[], &[well_known(), vec![attribute.clone()]].concat(), &NLRI);
            let update = decode_update(&octets, &ctx());
            assert_eq!(update.treatment(), Treatment::Accept);
            assert_eq!(
                update.attributes().unrecognized().map(|a| a.whole.to_vec()).collect::<Vec<_>>(),
                [attribute]
            );
        }
    }
}

/// May 2025: an attribute 40 of zeros, relayed by one make of router and fatal to another.
#[test]
fn a_prefix_sid_of_zeros_does_no_harm() {
    for len in 1..40 {
        let octets = body(&[], &[well_known(), vec![attr(0xC0, 40, &vec![0; len])]].concat(), &NLRI);
        let wanted = if len % 3 == 0 { Treatment::Accept } else { Treatment::AttributeDiscard };
        assert_eq!(survive(&octets), wanted, "{len}");
    }
}

/// NANOG, 2011: the low four flag bits are reserved, and ignored.
#[test]
fn reserved_flag_bits_are_ignored() {
    for low in 0..16 {
        let mut attributes = well_known();
        attributes.iter_mut().for_each(|a| a[0] |= low);
        let octets = body(&[], &attributes, &NLRI);
        assert_eq!(survive(&octets), Treatment::Accept, "{low}");
    }
}

#[test]
fn communities_up_to_the_size_of_a_message() {
    for (code, unit) in [(8, 4), (16, 8), (25, 20), (32, 12)] {
        let beside = well_known().concat().len() + NLRI.len() + 4 + 4;
        let most = (MAX_EXTENDED_MESSAGE_LEN - HEADER_LEN - beside) / unit;
        for (len, wanted) in [
            (unit, Treatment::Accept),
            (most * unit, Treatment::Accept),
            (most * unit - 1, Treatment::TreatAsWithdraw),
        ] {
            let octets = body(&[], &[well_known(), vec![attr(0xC0, code, &vec![1; len])]].concat(), &NLRI);
            assert!(octets.len() + HEADER_LEN <= MAX_EXTENDED_MESSAGE_LEN);
            let update = decode_update(&octets, &ctx());
            look_at(&update);
            assert_eq!(update.treatment(), wanted, "{len} of {code}");
            let of = update.attributes();
            let found = match code {
                8 => of.communities().len(),
                16 => of.extended_communities().len(),
                32 => of.large_communities().len(),
                // Those of IPv6 are checked, and kept by nobody.
                _ => continue,
            };
            assert_eq!(found, if wanted == Treatment::Accept { len / unit } else { 0 }, "{len} of {code}");
        }
    }
}

#[test]
fn attributes_up_to_the_size_of_a_message() {
    // One of each code that nobody has, and then as many repeats as there is room for.
    let each: Vec<Vec<u8>> = (130..=255).map(|code| attr(0xC0, code, &[])).collect();
    let octets = body(&[], &[well_known(), each.clone()].concat(), &NLRI);
    let update = decode_update(&octets, &ctx());
    look_at(&update);
    assert_eq!((update.treatment(), update.attributes().unrecognized().count()), (Treatment::Accept, 126));
    let repeats = vec![attr(0xC0, 200, &[]); 21_000];
    let octets = body(&[], &[well_known(), each, repeats].concat(), &NLRI);
    assert!(octets.len() + HEADER_LEN <= MAX_EXTENDED_MESSAGE_LEN);
    let update = decode_update(&octets, &ctx());
    look_at(&update);
    assert_eq!((update.treatment(), update.faults().count()), (Treatment::AttributeDiscard, 21_000));
    assert_eq!((update.faults().iter().count(), update.attributes().unrecognized().count()), (8, 126));
}

#[test]
fn a_message_of_default_routes_is_bounded() {
    let octets = body(&vec![0; 60_000], &well_known(), &vec![0; 5_000]);
    let update = decode_update(&octets, &ctx());
    assert_eq!((withdrawn(&update).len(), announced(&update).len()), (60_000, 5_000));
}
