//! What a valid UPDATE says.

use super::*;

#[test]
fn ipv4_routes_come_out_with_their_attributes() {
    let attributes = [
        vec![
            attr(0x40, 1, &[2]),
            attr(0x40, 2, &[sequence(&[65001, 3356]), sequence(&[7, 8])].concat()),
            next_hop(),
        ],
        vec![
            attr(0x80, 4, &[0, 0, 1, 0]),
            attr(0x40, 6, &[]),
            attr(0xC0, 7, &[0, 0, 0x0D, 0x1C, 192, 0, 2, 9]),
            attr(0xC0, 8, &[0x1F, 0x8B, 0x1F, 0x47, 0xFF, 0xFF, 0xFF, 1]),
            attr(0xC0, 16, &[0, 2, 0x1F, 0x8B, 0, 0, 0, 100]),
            attr(0xC0, 32, &[0, 0, 0x1F, 0x8B, 0, 0, 0, 1, 0, 0, 0, 2]),
            attr(0xC0, 35, &[0, 0, 0xFD, 0xE9]),
            attr(0xE0, 200, &[1, 2, 3]),
            attr(0x80, 201, &[4]),
        ],
    ]
    .concat();
    let octets = body(&[8, 11, 0], &attributes, &NLRI);
    let update = decode_update(&octets, &ctx());
    look_at(&update);
    assert_eq!((update.treatment(), update.faults().count()), (Treatment::Accept, 0));
    assert_eq!(announced(&update), ["10.1.0.0/16 via 192.0.2.1", "10.2.3.0/24 via 192.0.2.1"]);
    assert_eq!(withdrawn(&update), ["11.0.0.0/8", "0.0.0.0/0"]);
    assert_eq!((update.end_of_rib(), update.has_loop()), (None, false));

    let of = update.attributes();
    let path = of.as_path().unwrap();
    assert_eq!((path.to_string(), path.hop_count()), ("65001 3356 7 8".to_owned(), 4));
    assert_eq!(path.asns().map(|asn| asn.0).collect::<Vec<_>>(), [65001, 3356, 7, 8]);
    assert_eq!((of.origin(), of.med(), of.atomic_aggregate()), (Some(Origin::Incomplete), Some(256), true));
    assert_eq!(of.aggregator(), Some(Aggregator { asn: Asn(3356), bgp_id: [192, 0, 2, 9].into() }));
    assert_eq!(of.communities().map(|c| c.to_string()).collect::<Vec<_>>(), ["8075:8007", "65535:65281"]);
    assert_eq!(of.extended_communities().map(|c| c.to_string()).collect::<Vec<_>>(), ["rt:8075:100"]);
    assert_eq!(of.large_communities().map(|c| c.to_string()).collect::<Vec<_>>(), ["8075:1:2"]);
    assert_eq!(of.only_to_customer(), Some(Asn(65001)));
    let kept: Vec<_> = of.unrecognized().collect();
    assert_eq!(kept.len(), 1);
    assert_eq!(kept[0].whole, [0xE0, 200, 3, 1, 2, 3]);
}

#[test]
fn ipv6_routes_come_out_with_either_form_of_next_hop() {
    for (hop, link_local) in
        [(V6_HOP.to_vec(), None), ([V6_HOP, LINK_LOCAL].concat(), Some(LINK_LOCAL.into()))]
    {
        let attributes =
            [mp_reach(2, 1, &hop, &[&V6_NLRI[..], &[0], &[128; 17]].concat()), origin(), path(&[65001])];
        let octets = body(&[], &attributes, &[]);
        let update = decode_update(&octets, &ctx());
        let reach = update.announced().next().unwrap();
        assert_eq!(reach.next_hop, NextHop { address: "2001:db8::1".parse().unwrap(), link_local });
        let nets: Vec<String> = reach.nlri.into_iter().map(|net| net.to_string()).collect();
        let last = "8080:8080:8080:8080:8080:8080:8080:8080/128";
        assert_eq!(nets, ["2001:db8:5::/48", "::/0", last]);
    }
}

#[test]
fn over_link_local_addresses_a_peer_may_have_no_global_one() {
    let local = std::net::Ipv6Addr::from(LINK_LOCAL);
    let over_link_local = UpdateContext { peer_address: local.into(), ..ctx() };
    let none = [0; 16];
    for (hop, context, expected) in [
        ([none, LINK_LOCAL].concat(), &over_link_local, Treatment::Accept),
        ([none, LINK_LOCAL].concat(), &ctx(), Treatment::TreatAsWithdraw),
        ([none, none].concat(), &over_link_local, Treatment::TreatAsWithdraw),
        (none.to_vec(), &over_link_local, Treatment::TreatAsWithdraw),
    ] {
        let octets = body(&[], &[mp_reach(2, 1, &hop, &V6_NLRI), origin(), path(&[65001])], &[]);
        let update = decode_update(&octets, context);
        assert_eq!(update.treatment(), expected, "{hop:?}");
        let next_hops: Vec<NextHop> = update.announced().map(|reach| reach.next_hop).collect();
        let alone = NextHop { address: local.into(), link_local: None };
        assert_eq!(next_hops.contains(&alone), expected == Treatment::Accept, "{next_hops:?}");
    }
}

#[test]
fn one_update_may_carry_both_families_and_both_directions() {
    let attributes =
        [vec![mp_reach(2, 1, &V6_HOP, &V6_NLRI), mp_unreach(2, 1, &[16, 0x20, 2])], well_known()].concat();
    let octets = body(&[8, 11], &attributes, &NLRI);
    let update = decode_update(&octets, &ctx());
    look_at(&update);
    assert_eq!(
        announced(&update),
        ["10.1.0.0/16 via 192.0.2.1", "10.2.3.0/24 via 192.0.2.1", "2001:db8:5::/48 via 2001:db8::1"]
    );
    assert_eq!(withdrawn(&update), ["11.0.0.0/8", "2002::/16"]);
}

#[test]
fn ipv4_in_mp_reach_has_its_own_next_hop() {
    let extended = UpdateContext { extended_next_hop: true, ..ctx() };
    for (hop, text) in [(&[198, 51, 100, 1][..], "198.51.100.1"), (&V6_HOP, "2001:db8::1")] {
        let attributes = [mp_reach(1, 1, hop, &[8, 11]), origin(), path(&[65001])];
        let octets = body(&[], &attributes, &[]);
        assert_eq!(announced(&decode_update(&octets, &extended)), [format!("11.0.0.0/8 via {text}")]);
    }
    // NEXT_HOP is ignored where it is for no route, but not its length.
    let attributes = [mp_reach(1, 1, &[198, 51, 100, 1], &[8, 11]), origin(), path(&[65001])];
    let with = |next_hop| body(&[], &[attributes.to_vec(), vec![next_hop]].concat(), &[]);
    assert_eq!(decode_update(&with(attr(0x40, 3, &[0; 4])), &ctx()).treatment(), Treatment::Accept);
    assert_eq!(decode_update(&with(attr(0x40, 3, &[0; 5])), &ctx()).treatment(), Treatment::TreatAsWithdraw);
}

#[test]
fn host_bits_are_ignored() {
    let octets = body(&[], &well_known(), &[9, 10, 0xFF, 1, 0xFF, 0, 31, 1, 2, 3, 255]);
    let nets: Vec<String> = announced(&decode_update(&octets, &ctx()));
    let via = |net: &str| format!("{net} via 192.0.2.1");
    assert_eq!(nets, ["10.128.0.0/9", "128.0.0.0/1", "0.0.0.0/0", "1.2.3.254/31"].map(via));
}

#[test]
fn end_of_rib_is_told_from_all_that_looks_like_it() {
    let end = |octets: &[u8], ctx: &UpdateContext| decode_update(octets, ctx).end_of_rib();
    let of4 = body(&[], &[], &[]);
    let of6 = body(&[], &[mp_unreach(2, 1, &[])], &[]);
    assert_eq!(end(&of4, &ctx()), Some(Family::Ipv4));
    assert_eq!(end(&of6, &ctx()), Some(Family::Ipv6));
    assert_eq!(end(&body(&[], &[mp_unreach(1, 1, &[])], &[]), &ctx()), Some(Family::Ipv4));

    for octets in [
        body(&[], &[mp_unreach(2, 1, &[]), origin()], &[]),
        body(&[], &[origin(), path(&[65001])], &[]),
        body(&[], &[mp_unreach(2, 1, &V6_NLRI)], &[]),
        body(&[8, 10], &[mp_unreach(2, 1, &[])], &[]),
        body(&[8, 10], &[], &[]),
        body(&[], &[mp_reach(2, 1, &V6_HOP, &[])], &[]),
        body(&[], &[mp_unreach(2, 1, &[]), mp_unreach(2, 1, &[])], &[]),
        body(&[], &[mp_unreach(1, 128, &[])], &[]),
        body(&[], &[attr(0xC0, 200, &[])], &[]),
    ] {
        assert_eq!(end(&octets, &ctx()), None, "{octets:?}");
    }
    let only6 = UpdateContext { families: PerFamily { ipv4: false, ipv6: true }, ..ctx() };
    assert_eq!((end(&of4, &only6), end(&of6, &only6)), (None, Some(Family::Ipv6)));
}

#[test]
fn routes_of_a_family_that_was_not_negotiated_are_not_looked_at() {
    let only6 = UpdateContext { families: PerFamily { ipv4: false, ipv6: true }, ..ctx() };
    let only4 = UpdateContext { families: PerFamily { ipv4: true, ipv6: false }, ..ctx() };
    let junk = [255; 9];
    for (octets, ctx) in [
        (body(&junk, &well_known(), &junk), only6),
        (body(&[], &[mp_reach(2, 1, &[1], &junk), origin(), path(&[65001])], &[]), only4),
        (body(&[], &[mp_unreach(2, 1, &junk)], &[]), only4),
        // Flow specifications (RFC 8955) and BGP-LS, whatever is in them.
        (body(&[], &[mp_reach(1, 133, &[], &junk), origin(), path(&[65001])], &[]), ctx()),
        (body(&[], &[mp_unreach(16388, 71, &junk)], &[]), ctx()),
    ] {
        let update = decode_update(&octets, &ctx);
        look_at(&update);
        assert_eq!(update.treatment(), Treatment::AttributeDiscard, "{octets:?}");
        assert!(announced(&update).is_empty() && withdrawn(&update).is_empty());
        let fault = update.faults().iter().next().unwrap();
        assert!(matches!(fault.kind, FaultKind::FamilyNotNegotiated { .. }));
    }
    // Those of the family that was negotiated are, in the same message.
    let octets = body(&[], &[vec![mp_reach(2, 1, &[1], &junk)], well_known()].concat(), &NLRI);
    assert_eq!(announced(&decode_update(&octets, &only4)).len(), 2);
}

#[test]
fn our_own_as_in_the_path_marks_a_loop_and_is_no_error() {
    for (asns, has_loop) in
        [(&[65001, 8075][..], true), (&[65001, 8075, 3356], true), (&[65001, 80750], false)]
    {
        let octets = body(&[], &[origin(), path(asns), next_hop()], &NLRI);
        let update = decode_update(&octets, &ctx());
        assert_eq!((update.treatment(), update.has_loop()), (Treatment::Accept, has_loop));
        assert_eq!(update.faults().count(), usize::from(has_loop));
    }
    let in_set = attr(0x40, 2, &[sequence(&[65001]), vec![1, 1, 0, 0, 0x1F, 0x8B]].concat());
    let octets = body(&[], &[origin(), in_set, next_hop()], &NLRI);
    assert!(decode_update(&octets, &ctx()).has_loop());
}

#[test]
fn a_route_server_need_not_be_in_the_path() {
    let server = UpdateContext { first_as: FirstAs::Any, ..ctx() };
    for value in [sequence(&[3356]), vec![]] {
        let octets = body(&[], &[origin(), attr(0x40, 2, &value), next_hop()], &NLRI);
        assert_eq!(decode_update(&octets, &server).treatment(), Treatment::Accept);
        assert_eq!(decode_update(&octets, &ctx()).treatment(), Treatment::TreatAsWithdraw);
    }
}

/// The path that a two-octet peer's attributes make.
fn merged(as_path: &[u8], as4_path: &[u8], more: &[Vec<u8>]) -> String {
    let attributes =
        [vec![origin(), next_hop(), attr(0x40, 2, as_path), attr(0xC0, 17, as4_path)], more.to_vec()]
            .concat();
    let octets = body(&[], &attributes, &NLRI);
    let update = decode_update(&octets, &two_octet());
    // A path with a set in it is shown all the same.
    let is_set = |fault: &Fault| fault.kind == FaultKind::AsPath(AsPathFault::Set);
    assert!(update.faults().iter().all(is_set), "{:?}", update.faults());
    let path = update.attributes().as_path().unwrap();
    assert_eq!(path.to_string().split(' ').count(), path.hop_count());
    path.to_string()
}

#[test]
fn a_path_of_its_own_takes_four_octets_for_each_as() {
    let value = [sequence(&[65001, 4_200_000_000]), vec![1, 2, 0, 0, 0, 7, 0, 0, 0, 8]].concat();
    let octets = body(&[], &[origin(), attr(0x40, 2, &value), next_hop()], &NLRI);
    let own = AsPathBuf::from(&decode_update(&octets, &ctx()).attributes().as_path().unwrap());
    assert_eq!(own.heap_octets(), value.len());
    assert_eq!((own.to_string(), own.view().hop_count()), ("65001 4200000000 {7,8}".to_owned(), 3));
    let made = AsPathBuf::new([
        (SegmentKind::Sequence, vec![Asn(65001), Asn(4_200_000_000)]),
        (SegmentKind::Set, vec![Asn(7), Asn(8)]),
    ]);
    assert_eq!(made, own);
    assert_eq!(serde_json::to_string(&made).unwrap(), "\"65001 4200000000 {7,8}\"");
    assert_eq!(AsPathBuf::default().to_string(), "");

    let long = AsPathBuf::new([(SegmentKind::Sequence, [Asn(9); 600])]);
    assert_eq!((long.view().segments().count(), long.view().hop_count()), (3, 600));
}

#[test]
fn as4_path_takes_the_place_of_the_end_of_as_path() {
    let old = sequence2(&[65001, 3356, 23456, 23456]);
    for (as4, wanted) in [
        (sequence(&[70000, 80000]), "65001 3356 70000 80000"),
        (sequence(&[3356, 70000, 80000]), "65001 3356 70000 80000"),
        (sequence(&[65001, 3356, 70000, 80000]), "65001 3356 70000 80000"),
        // Longer than AS_PATH: ignored.
        (sequence(&[1, 65001, 3356, 70000, 80000]), "65001 3356 23456 23456"),
        (
            [sequence(&[70000]), vec![1, 2, 0, 1, 0, 0, 0, 2, 0, 0]].concat(),
            "65001 3356 70000 {65536,131072}",
        ),
        // Segments of confederations do not count.
        ([vec![3, 1, 0, 0, 0, 9], sequence(&[80000])].concat(), "65001 3356 23456 80000"),
        (vec![3, 1, 0, 0, 0, 9], "65001 3356 23456 23456"),
    ] {
        assert_eq!(merged(&old, &as4, &[]), wanted);
    }
    // A set counts as one, and is not split; sequences are.
    let with_set = [sequence2(&[65001]), vec![1, 2, 0, 7, 0, 8], sequence2(&[9, 23456])].concat();
    assert_eq!(merged(&with_set, &sequence(&[70000]), &[]), "65001 {7,8} 9 70000");
    assert_eq!(merged(&with_set, &sequence(&[9, 70000]), &[]), "65001 {7,8} 9 70000");
    assert_eq!(merged(&with_set, &sequence(&[5, 9, 70000]), &[]), "65001 5 9 70000");
}

#[test]
fn an_aggregator_that_is_not_as_trans_makes_both_four_octet_attributes_stale() {
    let old = sequence2(&[65001, 23456]);
    let aggregator = |asn: u16| attr(0xC0, 7, &[&asn.to_be_bytes(), [192, 0, 2, 9].as_slice()].concat());
    let as4 = attr(0xC0, 18, &[0, 1, 0x11, 0x70, 192, 0, 2, 8]);
    let tail = sequence(&[70000]);
    assert_eq!(merged(&old, &tail, &[aggregator(7), as4.clone()]), "65001 23456");
    assert_eq!(merged(&old, &tail, &[aggregator(23456), as4.clone()]), "65001 70000");
    assert_eq!(merged(&old, &tail, &[aggregator(7)]), "65001 70000");
    assert_eq!(merged(&old, &tail, std::slice::from_ref(&as4)), "65001 70000");

    let attributes = [origin(), next_hop(), attr(0x40, 2, &old), aggregator(23456), as4];
    let octets = body(&[], &attributes, &NLRI);
    let update = decode_update(&octets, &two_octet());
    let wanted = Aggregator { asn: Asn(70000), bgp_id: [192, 0, 2, 8].into() };
    assert_eq!(update.attributes().aggregator(), Some(wanted));
}

#[test]
fn a_peer_with_a_large_number_is_as_trans_in_two_octets() {
    let large = UpdateContext { peer_asn: Asn(70001), ..two_octet() };
    let octets = body(&[], &[origin(), next_hop(), attr(0x40, 2, &sequence2(&[23456, 7]))], &NLRI);
    assert_eq!(decode_update(&octets, &large).treatment(), Treatment::Accept);
    assert_eq!(decode_update(&octets, &two_octet()).treatment(), Treatment::TreatAsWithdraw);
}

#[test]
fn faults_beyond_the_list_are_counted() {
    let attributes: Vec<Vec<u8>> = (0..20).map(|_| attr(0x80, 4, &[0; 4])).collect();
    let octets = body(&[], &[well_known(), attributes].concat(), &NLRI);
    let update = decode_update(&octets, &ctx());
    assert_eq!((update.faults().count(), update.faults().iter().count()), (19, Faults::LISTED));
}

#[test]
fn an_update_is_small_enough_to_be_moved_about() {
    assert!(size_of::<Update<'_>>() <= 256, "{}", size_of::<Update<'_>>());
}
