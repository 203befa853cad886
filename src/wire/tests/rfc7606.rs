//! Attribute × malformation → treatment, for an external peer.

use super::*;

const ACCEPT: Treatment = Treatment::Accept;
const DISCARD: Treatment = Treatment::AttributeDiscard;
const WITHDRAW: Treatment = Treatment::TreatAsWithdraw;
const RESET: Treatment = Treatment::SessionReset;

/// The well-known attributes, the one of the same code replaced where there is one, and 10.1.0.0/16, 10.2.3.0/24.
fn routes_with(attribute: Vec<u8>) -> Vec<u8> {
    let mut attributes = well_known();
    match attributes.iter_mut().find(|a| a[1] == attribute[1]) {
        Some(place) => *place = attribute,
        None => attributes.push(attribute),
    }
    body(&[], &attributes, &NLRI)
}

/// Decodes, and checks what follows from the treatment.
fn treatment(body: &[u8], ctx: &UpdateContext) -> Treatment {
    let update = decode_update(body, ctx);
    look_at(&update);
    update.treatment()
}

#[track_caller]
fn check(rows: &[(&str, Vec<u8>, Treatment)]) {
    for (name, attribute, wanted) in rows {
        let octets = routes_with(attribute.clone());
        let update = decode_update(&octets, &ctx());
        look_at(&update);
        let faults: Vec<String> = update.faults().iter().map(ToString::to_string).collect();
        assert_eq!(update.treatment(), *wanted, "{name}: {faults:?}");
        match wanted {
            Treatment::Accept | Treatment::AttributeDiscard => {
                let all = ["10.1.0.0/16 via 192.0.2.1", "10.2.3.0/24 via 192.0.2.1"];
                assert_eq!(announced(&update), all, "{name}");
            }
            Treatment::TreatAsWithdraw => {
                assert_eq!(withdrawn(&update), ["10.1.0.0/16", "10.2.3.0/24"], "{name}");
            }
            Treatment::SessionReset => {}
        }
    }
}

#[test]
fn values_and_lengths() {
    check(&[
        ("origin 0", attr(0x40, 1, &[0]), ACCEPT),
        ("origin 1", attr(0x40, 1, &[1]), ACCEPT),
        ("origin 2", attr(0x40, 1, &[2]), ACCEPT),
        ("origin 3", attr(0x40, 1, &[3]), WITHDRAW),
        ("origin 255", attr(0x40, 1, &[255]), WITHDRAW),
        ("origin empty", attr(0x40, 1, &[]), WITHDRAW),
        ("origin of 2", attr(0x40, 1, &[0, 0]), WITHDRAW),
        ("next hop empty", attr(0x40, 3, &[]), WITHDRAW),
        ("next hop of 3", attr(0x40, 3, &[192, 0, 2]), WITHDRAW),
        ("next hop of 5", attr(0x40, 3, &[192, 0, 2, 1, 0]), WITHDRAW),
        ("next hop of 16", attr(0x40, 3, &V6_HOP), WITHDRAW),
        ("med", attr(0x80, 4, &[0, 0, 0, 9]), ACCEPT),
        ("med empty", attr(0x80, 4, &[]), WITHDRAW),
        ("med of 3", attr(0x80, 4, &[0; 3]), WITHDRAW),
        ("med of 5", attr(0x80, 4, &[0; 5]), WITHDRAW),
        ("local pref", attr(0x40, 5, &[0, 0, 0, 9]), DISCARD),
        ("local pref of 3", attr(0x40, 5, &[0; 3]), DISCARD),
        ("local pref empty", attr(0x40, 5, &[]), DISCARD),
        ("atomic aggregate", attr(0x40, 6, &[]), ACCEPT),
        ("atomic aggregate of 1", attr(0x40, 6, &[0]), DISCARD),
        ("aggregator", attr(0xC0, 7, &[0, 0, 0xFD, 0xE9, 192, 0, 2, 9]), ACCEPT),
        ("aggregator of 6", attr(0xC0, 7, &[0xFD, 0xE9, 192, 0, 2, 9]), DISCARD),
        ("aggregator empty", attr(0xC0, 7, &[]), DISCARD),
        ("aggregator of 9", attr(0xC0, 7, &[1; 9]), DISCARD),
        ("aggregator AS 0", attr(0xC0, 7, &[0, 0, 0, 0, 192, 0, 2, 9]), DISCARD),
        ("communities", attr(0xC0, 8, &[0; 8]), ACCEPT),
        ("communities empty", attr(0xC0, 8, &[]), WITHDRAW),
        ("communities of 3", attr(0xC0, 8, &[0; 3]), WITHDRAW),
        ("communities of 6", attr(0xC0, 8, &[0; 6]), WITHDRAW),
        ("originator id", attr(0x80, 9, &[1, 2, 3, 4]), DISCARD),
        ("originator id of 3", attr(0x80, 9, &[1, 2, 3]), DISCARD),
        ("cluster list", attr(0x80, 10, &[1, 2, 3, 4]), DISCARD),
        ("cluster list empty", attr(0x80, 10, &[]), DISCARD),
        ("extended communities", attr(0xC0, 16, &[0; 16]), ACCEPT),
        ("extended communities empty", attr(0xC0, 16, &[]), WITHDRAW),
        ("extended communities of 12", attr(0xC0, 16, &[0; 12]), WITHDRAW),
        ("as4 path from a new speaker", attr(0xC0, 17, &sequence(&[65001])), DISCARD),
        ("as4 path, malformed, from a new speaker", attr(0xC0, 17, &[9]), DISCARD),
        ("as4 aggregator from a new speaker", attr(0xC0, 18, &[1; 8]), DISCARD),
        ("as4 path, set, from a new speaker", attr(0xC0, 17, &[1, 1, 0, 0, 0, 7]), DISCARD),
        ("pmsi tunnel", attr(0xC0, 22, &[0, 6, 0, 0, 1, 192, 0, 2, 9]), ACCEPT),
        ("pmsi tunnel of none", attr(0xC0, 22, &[0; 5]), ACCEPT),
        ("pmsi tunnel of 4", attr(0xC0, 22, &[0; 4]), WITHDRAW),
        ("pmsi tunnel empty", attr(0xC0, 22, &[]), WITHDRAW),
        ("pmsi tunnel of no type", attr(0xC0, 22, &[0, 0x55, 0, 0, 1]), WITHDRAW),
        ("pmsi tunnel, identifier cut", attr(0xC0, 22, &[0, 1, 0, 0, 1, 192, 0]), WITHDRAW),
        ("tunnels", attr(0xC0, 23, &[0, 8, 0, 5, 1, 0, 200, 0, 0]), ACCEPT),
        ("tunnel past the end", attr(0xC0, 23, &[0, 8, 0, 6, 1, 0]), WITHDRAW),
        ("sub-tlv past the tunnel", attr(0xC0, 23, &[0, 8, 0, 2, 1, 1]), WITHDRAW),
        ("sub-tlv before the end of the tunnel", attr(0xC0, 23, &[0, 8, 0, 3, 1, 0, 9]), WITHDRAW),
        ("tunnels empty", attr(0xC0, 23, &[]), WITHDRAW),
        ("traffic engineering empty", attr(0x80, 24, &[]), WITHDRAW),
        ("labels", attr(0xC0, 27, &[1; 14]), ACCEPT),
        ("labels of 8", attr(0xC0, 27, &[1; 8]), WITHDRAW),
        ("labels empty", attr(0xC0, 27, &[]), WITHDRAW),
        ("link state", attr(0x80, 29, &[4, 0, 0, 1, 9]), ACCEPT),
        ("link state, tlv past the end", attr(0x80, 29, &[4, 0, 0, 2, 9]), DISCARD),
        ("ipv6 extended communities", attr(0xC0, 25, &[0; 20]), ACCEPT),
        ("ipv6 extended communities of 16", attr(0xC0, 25, &[0; 16]), WITHDRAW),
        ("ipv6 extended communities empty", attr(0xC0, 25, &[]), WITHDRAW),
        ("aigp", attr(0x80, 26, &[1, 0, 11, 0, 0, 0, 0, 0, 0, 0, 9]), ACCEPT),
        ("aigp, junk", attr(0x80, 26, &[9]), ACCEPT),
        ("large communities", attr(0xC0, 32, &[0; 24]), ACCEPT),
        ("large communities empty", attr(0xC0, 32, &[]), WITHDRAW),
        ("large communities of 16", attr(0xC0, 32, &[0; 16]), WITHDRAW),
        ("only to customer", attr(0xC0, 35, &[0, 0, 0xFD, 0xE9]), ACCEPT),
        ("only to customer of 3", attr(0xC0, 35, &[0; 3]), WITHDRAW),
        ("only to customer of 1024", attr(0xC0, 35, &[0; 1024]), WITHDRAW),
        ("prefix sid", attr(0xC0, 40, &[1, 0, 7, 0, 0, 0, 0, 0, 0, 5]), ACCEPT),
        ("prefix sid, tlv past the end", attr(0xC0, 40, &[1, 0, 7, 0]), DISCARD),
        ("prefix sid empty", attr(0xC0, 40, &[]), DISCARD),
        ("prefix sid, label index of 6", attr(0xC0, 40, &[1, 0, 6, 0, 0, 0, 0, 0, 0]), DISCARD),
        ("prefix sid, srgb", attr(0xC0, 40, &[3, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0]), ACCEPT),
        ("prefix sid, srgb without ranges", attr(0xC0, 40, &[3, 0, 2, 0, 0]), DISCARD),
        ("attr set", attr(0xC0, 128, &[0, 0, 0, 7, 0x40, 1, 1, 0]), ACCEPT),
        ("attr set of 3", attr(0xC0, 128, &[0; 3]), WITHDRAW),
        ("attr set, attribute past the end", attr(0xC0, 128, &[0, 0, 0, 7, 0x40, 1, 2, 0]), WITHDRAW),
        ("unknown optional transitive", attr(0xC0, 200, &[1, 2]), ACCEPT),
        ("unknown optional transitive, partial", attr(0xE0, 200, &[1, 2]), ACCEPT),
        ("unknown optional", attr(0x80, 201, &[1, 2]), ACCEPT),
        ("unknown optional, empty", attr(0x80, 201, &[]), ACCEPT),
        ("unknown well-known", attr(0x40, 200, &[1, 2]), RESET),
        ("unknown, no flags", attr(0x00, 200, &[1, 2]), RESET),
        ("code 0, well-known", attr(0x40, 0, &[]), RESET),
    ]);
}

#[test]
fn as_paths() {
    let path_of = |octets: &[u8]| attr(0x40, 2, octets);
    let joined = |parts: &[&[u8]]| path_of(&parts.concat());
    let ours = sequence(&[65001]);
    check(&[
        ("one", path(&[65001]), ACCEPT),
        ("255 numbers", path(&[65001; 255]), ACCEPT),
        ("two sequences", joined(&[&ours, &sequence(&[7])]), ACCEPT),
        ("sequence and set", joined(&[&ours, &[1, 1, 0, 0, 0, 7]]), WITHDRAW),
        ("only a set", path_of(&[1, 1, 0, 0, 0xFD, 0xE9]), WITHDRAW),
        ("empty, so not from the peer", path_of(&[]), WITHDRAW),
        ("another first AS", path(&[65002, 65001]), WITHDRAW),
        ("one octet", path_of(&[2]), WITHDRAW),
        ("a segment of none", joined(&[&ours, &[2, 0]]), WITHDRAW),
        ("only a segment of none", path_of(&[2, 0]), WITHDRAW),
        ("one octet too many", joined(&[&ours, &[2]]), WITHDRAW),
        ("a count past the end", path_of(&[2, 2, 0, 0, 0xFD, 0xE9]), WITHDRAW),
        ("a count short of the end", path_of(&[2, 1, 0, 0, 0xFD, 0xE9, 0, 0, 0, 7]), WITHDRAW),
        ("two-octet numbers", path_of(&[2, 2, 0xFD, 0xE9, 0, 7]), WITHDRAW),
        ("segment type 0", joined(&[&ours, &[0, 1, 0, 0, 0, 7]]), WITHDRAW),
        ("segment type 5", joined(&[&ours, &[5, 1, 0, 0, 0, 7]]), WITHDRAW),
        ("confederation sequence", joined(&[&[3, 1, 0, 0, 0xFD, 0xE9], ours.as_slice()]), WITHDRAW),
        ("confederation set", joined(&[&ours, &[4, 1, 0, 0, 0, 7]]), WITHDRAW),
        ("AS 0", path(&[65001, 0, 7]), WITHDRAW),
        ("AS 0 in a set", joined(&[&ours, &[1, 1, 0, 0, 0, 0]]), WITHDRAW),
        ("AS_TRANS among four-octet numbers", path(&[65001, 23456]), ACCEPT),
        ("our own AS", path(&[65001, 8075]), ACCEPT),
    ]);
}

#[test]
fn flags_are_held_to_optional_and_transitive_alone() {
    let valid = [
        attr(0x40, 1, &[0]),
        path(&[65001]),
        next_hop(),
        attr(0x80, 4, &[0; 4]),
        attr(0x40, 6, &[]),
        attr(0xC0, 7, &[1; 8]),
        attr(0xC0, 8, &[0; 4]),
        attr(0xC0, 16, &[0; 8]),
        attr(0x80, 24, &[0; 4]),
        attr(0xC0, 25, &[0; 20]),
        attr(0xC0, 32, &[0; 12]),
        attr(0xC0, 35, &[1; 4]),
        attr(0xC0, 128, &[1; 4]),
    ];
    for attribute in valid {
        for flags in (0..=0xFF_u8).filter(|flags| flags & 0x10 == 0) {
            let mut changed = attribute.clone();
            changed[0] = flags;
            let wanted = if flags & 0xC0 == attribute[0] { ACCEPT } else { WITHDRAW };
            let octets = routes_with(changed);
            let update = decode_update(&octets, &ctx());
            assert_eq!(update.treatment(), wanted, "code {} flags {flags:#x}", attribute[1]);
            if wanted == WITHDRAW {
                let fault = update.faults().iter().next().unwrap();
                assert_eq!((fault.kind, fault.code()), (FaultKind::Flags(flags), ErrorCode::ATTRIBUTE_FLAGS));
            }
        }
    }
    // Where the attribute's own RFC has another treatment.
    check(&[("aigp, transitive", attr(0xC0, 26, &[1]), DISCARD)]);
    for code in [14, 15] {
        for flags in [0x00, 0x40, 0xC0] {
            let mut attribute =
                if code == 14 { mp_reach(2, 1, &V6_HOP, &V6_NLRI) } else { mp_unreach(2, 1, &V6_NLRI) };
            attribute[0] = flags;
            check(&[("multiprotocol flags", attribute, RESET)]);
        }
    }
}

#[test]
fn an_extended_length_is_taken_whatever_the_length() {
    let extended = |flags: u8, code: u8, value: &[u8]| {
        [&[flags | 0x10, code], be16(value.len()).as_slice(), value].concat()
    };
    check(&[
        ("origin", extended(0x40, 1, &[0]), ACCEPT),
        ("path", extended(0x40, 2, &sequence(&[65001])), ACCEPT),
        ("communities", extended(0xC0, 8, &[0; 4]), ACCEPT),
        ("med of 3", extended(0x80, 4, &[0; 3]), WITHDRAW),
    ]);
}

#[test]
fn next_hops_must_be_another_hosts() {
    for (octets, wanted) in [
        ([192, 0, 2, 1], ACCEPT),
        ([10, 0, 0, 1], ACCEPT),
        ([169, 254, 0, 1], ACCEPT),
        ([0, 0, 0, 0], WITHDRAW),
        ([0, 0, 0, 9], WITHDRAW),
        ([127, 0, 0, 1], WITHDRAW),
        ([224, 0, 0, 5], WITHDRAW),
        ([239, 1, 2, 3], WITHDRAW),
        ([240, 0, 0, 1], WITHDRAW),
        ([255, 255, 255, 255], WITHDRAW),
    ] {
        assert_eq!(treatment(&routes_with(attr(0x40, 3, &octets)), &ctx()), wanted, "{octets:?}");
    }
    let lab = UpdateContext { peer_address: "127.0.0.2".parse().unwrap(), ..ctx() };
    assert_eq!(treatment(&routes_with(attr(0x40, 3, &[127, 0, 0, 2])), &lab), ACCEPT);
    assert_eq!(treatment(&routes_with(attr(0x40, 3, &[127, 0, 0, 1])), &lab), WITHDRAW);
    assert_eq!(treatment(&routes_with(attr(0x40, 3, &[192, 0, 2, 2])), &ctx()), WITHDRAW, "our own");
    let unknown = UpdateContext { local_address: PerFamily::default(), ..ctx() };
    assert_eq!(treatment(&routes_with(attr(0x40, 3, &[192, 0, 2, 2])), &unknown), ACCEPT);
    let any = UpdateContext { peer_address: "0.0.0.0".parse().unwrap(), ..ctx() };
    assert_eq!(treatment(&routes_with(attr(0x40, 3, &[0; 4])), &any), WITHDRAW);
}

#[test]
fn ipv6_next_hops_must_be_another_hosts() {
    let update = |hop: &str| {
        let hop: std::net::Ipv6Addr = hop.parse().unwrap();
        body(&[], &[mp_reach(2, 1, &hop.octets(), &V6_NLRI), origin(), path(&[65001])], &[])
    };
    let lab = UpdateContext { peer_address: "::1".parse().unwrap(), ..ctx() };
    let lab4 = UpdateContext { peer_address: "127.0.0.2".parse().unwrap(), ..ctx() };
    for (hop, ctx, wanted) in [
        ("2001:db8::1", ctx(), ACCEPT),
        ("fe80::1", ctx(), ACCEPT),
        ("::ffff:192.0.2.1", ctx(), ACCEPT),
        ("::", ctx(), WITHDRAW),
        ("2001:db8::2", ctx(), WITHDRAW),
        ("::ffff:192.0.2.2", ctx(), WITHDRAW),
        ("ff02::1", ctx(), WITHDRAW),
        ("::1", ctx(), WITHDRAW),
        ("::ffff:127.0.0.2", ctx(), WITHDRAW),
        ("::ffff:0.0.0.0", ctx(), WITHDRAW),
        ("::1", lab, ACCEPT),
        ("::ffff:127.0.0.2", lab4, ACCEPT),
    ] {
        assert_eq!(treatment(&update(hop), &ctx), wanted, "{hop}");
    }
}

#[test]
fn a_missing_mandatory_attribute_withdraws() {
    for missing in 0..3 {
        let mut attributes = well_known();
        let code = attributes.remove(missing)[1];
        let octets = body(&[], &attributes, &NLRI);
        let update = decode_update(&octets, &ctx());
        assert_eq!(update.treatment(), WITHDRAW);
        let fault = update.faults().iter().next().unwrap();
        assert_eq!((fault.attribute, fault.kind), (Some(code), FaultKind::Missing));
        assert_eq!(withdrawn(&update).len(), 2);
    }
    assert_eq!(treatment(&body(&[], &[], &NLRI), &ctx()), WITHDRAW);
    // All but NEXT_HOP is mandatory with MP_REACH_NLRI, and nothing without routes.
    let reach = mp_reach(2, 1, &V6_HOP, &V6_NLRI);
    assert_eq!(treatment(&body(&[], &[reach.clone(), origin(), path(&[65001])], &[]), &ctx()), ACCEPT);
    assert_eq!(treatment(&body(&[], &[reach.clone(), origin()], &[]), &ctx()), WITHDRAW);
    assert_eq!(treatment(&body(&[], &[reach, path(&[65001])], &[]), &ctx()), WITHDRAW);
    assert_eq!(treatment(&body(&NLRI, &[], &[]), &ctx()), ACCEPT);
}

#[test]
fn of_an_attribute_that_comes_twice_the_first_counts() {
    let mut attributes = well_known();
    attributes.extend([attr(0x40, 1, &[9]), attr(0x80, 4, &[0, 0, 0, 1]), attr(0x80, 4, &[0, 0, 0, 2])]);
    attributes.extend([attr(0xC0, 200, &[1]), attr(0xC0, 200, &[2])]);
    let octets = body(&[], &attributes, &NLRI);
    let update = decode_update(&octets, &ctx());
    look_at(&update);
    assert_eq!(update.treatment(), DISCARD);
    assert_eq!(update.faults().iter().filter(|fault| fault.kind == FaultKind::Duplicate).count(), 3);
    assert_eq!((update.attributes().origin(), update.attributes().med()), (Some(Origin::Igp), Some(1)));
    assert_eq!(update.attributes().unrecognized().map(|a| a.value).collect::<Vec<_>>(), [[1]]);

    for twice in [mp_reach(2, 1, &V6_HOP, &V6_NLRI), mp_unreach(2, 1, &V6_NLRI), mp_reach(25, 70, &[], &[])] {
        let attributes = [vec![twice.clone(), twice], well_known()].concat();
        let octets = body(&[], &attributes, &NLRI);
        let update = decode_update(&octets, &ctx());
        assert_eq!(update.notification(), Some(&Notification::new(ErrorCode::MALFORMED_ATTRIBUTE_LIST)));
    }
}

#[test]
fn attributes_that_pass_the_end_withdraw_what_can_be_found() {
    let tail = |tail: &[u8]| body(&[], &[well_known().concat(), tail.to_vec()], &NLRI);
    for cut in [
        &[0xC0][..],
        &[0xC0, 8],
        &[0xD0, 8, 0],
        &[0xC0, 8, 1],
        &[0xC0, 8, 255, 0, 0, 0, 0],
        &[0xD0, 8, 255, 255, 1],
        &[0x40, 200, 9],
    ] {
        let octets = tail(cut);
        let update = decode_update(&octets, &ctx());
        look_at(&update);
        assert_eq!(update.treatment(), WITHDRAW, "{cut:?}");
        assert_eq!(withdrawn(&update), ["10.1.0.0/16", "10.2.3.0/24"], "{cut:?}");
    }
    // Where the routes themselves are in what is cut, they cannot be found.
    for cut in [&[0x80, 14, 9, 0, 2, 1][..], &[0x80, 15, 9, 0, 2, 1], &[0x80, 14], &[0x90, 15, 0]] {
        assert_eq!(treatment(&tail(cut), &ctx()), RESET, "{cut:?}");
    }
    // MP_REACH_NLRI before the cut was read, and behind it there could be another field.
    let first =
        body(&[], &[mp_reach(2, 1, &V6_HOP, &V6_NLRI), origin(), path(&[65001]), vec![0xC0, 8, 9]], &[]);
    let update = decode_update(&first, &ctx());
    assert_eq!((update.treatment(), withdrawn(&update)), (WITHDRAW, vec!["2001:db8:5::/48".to_owned()]));
    let last = body(&[], &[origin(), vec![0xC0, 8, 99], mp_reach(2, 1, &V6_HOP, &V6_NLRI)], &[]);
    assert_eq!(treatment(&last, &ctx()), RESET);
}

#[test]
fn the_strongest_treatment_counts() {
    let mut attributes = well_known();
    attributes.push(attr(0x40, 5, &[0; 4]));
    assert_eq!(treatment(&body(&[], &attributes, &NLRI), &ctx()), DISCARD);
    attributes.push(attr(0xC0, 8, &[0; 3]));
    assert_eq!(treatment(&body(&[], &attributes, &NLRI), &ctx()), WITHDRAW);
    attributes.push(attr(0x80, 15, &[0, 2]));
    let octets = body(&[], &attributes, &NLRI);
    let update = decode_update(&octets, &ctx());
    assert_eq!((update.treatment(), update.faults().count()), (RESET, 3));
    let wanted = Notification::with_data(ErrorCode::OPTIONAL_ATTRIBUTE, [0x80, 15, 2, 0, 2]);
    assert_eq!(update.notification(), Some(&wanted));
}

#[test]
fn of_equally_strong_faults_the_first_is_answered() {
    let octets = body(&[], &[attr(0x40, 5, &[0; 4]), attr(0x40, 1, &[9]), attr(0x80, 4, &[0; 3])], &[]);
    let update = decode_update(&octets, &ctx());
    let wanted = Notification::with_data(ErrorCode::INVALID_ORIGIN, attr(0x40, 1, &[9]));
    assert_eq!((update.treatment(), update.notification()), (RESET, Some(&wanted)));
}

#[test]
fn an_error_without_routes_to_withdraw_resets() {
    let bad_med = attr(0x80, 4, &[0; 3]);
    let octets = body(&[], std::slice::from_ref(&bad_med), &[]);
    let update = decode_update(&octets, &ctx());
    let wanted = Notification::with_data(ErrorCode::ATTRIBUTE_LENGTH, bad_med.clone());
    assert_eq!((update.treatment(), update.notification()), (RESET, Some(&wanted)));
    for (octets, wanted) in [
        (body(&NLRI, std::slice::from_ref(&bad_med), &[]), RESET),
        (body(&[], &[mp_unreach(2, 1, &V6_NLRI), bad_med.clone()], &[]), RESET),
        (body(&[], &[mp_reach(2, 1, &V6_HOP, &[]), bad_med.clone()], &[]), RESET),
        (body(&[], &[mp_unreach(2, 1, &V6_NLRI), vec![0x40]], &[]), RESET),
        (body(&[], &[mp_reach(2, 1, &V6_HOP, &V6_NLRI), bad_med.clone()], &[]), WITHDRAW),
        // Discards stay discards.
        (body(&[], &[attr(0x40, 5, &[0; 4])], &[]), DISCARD),
        (body(&NLRI, &[attr(0x40, 6, &[1])], &[]), DISCARD),
        // Routes of a family that we do not look at are routes.
        (body(&[], &[mp_reach(1, 128, &[0; 12], &[9]), bad_med], &[]), WITHDRAW),
    ] {
        assert_eq!(treatment(&octets, &ctx()), wanted, "{octets:?}");
    }
}

#[test]
fn prefixes_that_cannot_be_read_reset() {
    for nlri in [&[33, 1, 2, 3, 4, 5][..], &[255], &[24, 10, 1], &[8], &[16, 10, 1, 32, 10, 1, 1], &[32]] {
        for octets in [body(&[], &well_known(), nlri), body(nlri, &[], &[])] {
            let update = decode_update(&octets, &ctx());
            let wanted = Notification::new(ErrorCode::INVALID_NETWORK_FIELD);
            assert_eq!(update.notification(), Some(&wanted), "{nlri:?}");
        }
    }
    for nlri in [&[129; 18][..], &[64, 0x20], &[48, 1, 2, 3, 4, 5], &[0, 128]] {
        for attribute in [mp_reach(2, 1, &V6_HOP, nlri), mp_unreach(2, 1, nlri)] {
            let octets = body(&[], &[vec![attribute.clone()], well_known()].concat(), &[]);
            let update = decode_update(&octets, &ctx());
            let wanted = Notification::with_data(ErrorCode::OPTIONAL_ATTRIBUTE, attribute);
            assert_eq!(update.notification(), Some(&wanted), "{nlri:?}");
        }
    }
    // An IPv4 prefix of 33 bits is no better in MP_REACH_NLRI.
    let octets = body(&[], &[mp_reach(1, 1, &[192, 0, 2, 1], &[33, 1, 2, 3, 4, 5])], &[]);
    assert_eq!(treatment(&octets, &ctx()), RESET);
}

#[test]
fn a_next_hop_of_the_wrong_length_hides_the_prefixes() {
    let extended = UpdateContext { extended_next_hop: true, ..ctx() };
    for len in 0..=64 {
        let hop: Vec<u8> =
            V6_HOP.iter().chain(&LINK_LOCAL).chain(&V6_HOP).chain(&V6_HOP).copied().take(len).collect();
        let octets = |afi| body(&[], &[mp_reach(afi, 1, &hop, &[8, 0x20]), origin(), path(&[65001])], &[]);
        let wanted = |good| if good { ACCEPT } else { RESET };
        assert_eq!(treatment(&octets(2), &ctx()), wanted([16, 32].contains(&len)), "IPv6, {len}");
        assert_eq!(treatment(&octets(1), &ctx()), wanted(len == 4), "IPv4, {len}");
        assert_eq!(treatment(&octets(1), &extended), wanted([4, 16, 32].contains(&len)), "8950, {len}");
    }
}

#[test]
fn the_lengths_of_the_parts_must_fit_the_message() {
    for octets in [
        &[][..],
        &[0],
        &[0, 0],
        &[0, 0, 0],
        &[0, 1, 0, 0],
        &[0, 0, 0, 1],
        &[0xFF, 0xFF, 0, 0],
        &[0, 0, 0xFF, 0xFF],
        &[0, 2, 8, 10, 0, 1],
    ] {
        let update = decode_update(octets, &ctx());
        look_at(&update);
        let wanted = Notification::new(ErrorCode::MALFORMED_ATTRIBUTE_LIST);
        assert_eq!(update.notification(), Some(&wanted), "{octets:?}");
    }
}

#[test]
fn two_octet_peers() {
    let old = |attributes: &[Vec<u8>]| {
        let all = [vec![origin(), next_hop()], attributes.to_vec()].concat();
        body(&[], &all, &NLRI)
    };
    let path2 = attr(0x40, 2, &sequence2(&[65001, 23456]));
    let with = |attribute: Vec<u8>| old(&[path2.clone(), attribute]);
    for (name, octets, wanted) in [
        ("path", old(std::slice::from_ref(&path2)), ACCEPT),
        ("path with four-octet numbers", old(&[path(&[65001, 7, 8])]), WITHDRAW),
        ("AS 0", old(&[attr(0x40, 2, &sequence2(&[65001, 0]))]), WITHDRAW),
        ("another first AS", old(&[attr(0x40, 2, &sequence2(&[7, 65001]))]), WITHDRAW),
        ("aggregator", with(attr(0xC0, 7, &[1; 6])), ACCEPT),
        ("aggregator of 8", with(attr(0xC0, 7, &[1; 8])), DISCARD),
        ("as4 path", with(attr(0xC0, 17, &sequence(&[65001, 70000]))), ACCEPT),
        ("as4 path empty", with(attr(0xC0, 17, &[])), DISCARD),
        ("as4 path of 5", with(attr(0xC0, 17, &[2, 1, 0, 0, 7])), DISCARD),
        ("as4 path, segment of none", with(attr(0xC0, 17, &[2, 0])), DISCARD),
        ("as4 path, segment type 9", with(attr(0xC0, 17, &[9, 1, 0, 0, 0, 7])), DISCARD),
        ("as4 path, AS 0", with(attr(0xC0, 17, &sequence(&[65001, 0]))), DISCARD),
        ("as4 path, confederation", with(attr(0xC0, 17, &[3, 1, 0, 0, 0, 7])), ACCEPT),
        ("as4 path, set", with(attr(0xC0, 17, &[1, 1, 0, 0, 0, 7])), WITHDRAW),
        ("as4 path, set of a confederation", with(attr(0xC0, 17, &[4, 1, 0, 0, 0, 7])), WITHDRAW),
        ("as4 path of one octet", with(attr(0xC0, 17, &[2])), DISCARD),
        ("as4 aggregator", with(attr(0xC0, 18, &[1; 8])), ACCEPT),
        ("as4 aggregator of 6", with(attr(0xC0, 18, &[1; 6])), DISCARD),
        ("as4 aggregator AS 0", with(attr(0xC0, 18, &[0, 0, 0, 0, 1, 1, 1, 1])), DISCARD),
        ("as4 path, wrong flags", with(attr(0x40, 17, &sequence(&[65001]))), WITHDRAW),
    ] {
        assert_eq!(treatment(&octets, &two_octet()), wanted, "{name}");
    }
}
