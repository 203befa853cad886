//! Path identifiers before prefixes (RFC 7911).

use super::*;

/// ADD-PATH for IPv4, for IPv6, or for both.
fn with(ipv4: bool, ipv6: bool) -> UpdateContext {
    UpdateContext { add_path: PerFamily { ipv4, ipv6 }, ..ctx() }
}

/// Each prefix behind a path identifier.
fn paths(paths: &[(u32, &[u8])]) -> Vec<u8> {
    paths.iter().flat_map(|(id, prefix)| [&id.to_be_bytes(), *prefix].concat()).collect()
}

/// What is announced or withdrawn, with its path identifiers.
fn listed(nlri: Nlri<'_>) -> Vec<String> {
    match nlri {
        Nlri::Ipv4(prefixes) => prefixes.map(|net| net.to_string()).collect(),
        Nlri::Ipv6(prefixes) => prefixes.map(|net| net.to_string()).collect(),
        Nlri::Ipv4Paths(paths) => paths.map(|(id, net)| format!("{net} path {id:?}")).collect(),
        Nlri::Ipv6Paths(paths) => paths.map(|(id, net)| format!("{net} path {id:?}")).collect(),
    }
}

#[test]
fn paths_come_out_of_all_four_fields() {
    let (ten, v6) = (&[8, 10][..], &V6_NLRI[..]);
    let attributes = [
        vec![
            mp_reach(2, 1, &V6_HOP, &paths(&[(1, v6), (u32::MAX, v6)])),
            mp_unreach(2, 1, &paths(&[(7, v6), (8, &[0])])),
        ],
        well_known(),
    ]
    .concat();
    let octets = body(&paths(&[(0, ten), (3, &[0])]), &attributes, &paths(&[(4, ten), (5, ten)]));
    let update = decode_update(&octets, &with(true, true));
    look_at(&update);
    assert_eq!((update.treatment(), update.faults().count()), (Treatment::Accept, 0));
    let announced: Vec<String> = update.announced().flat_map(|reach| listed(reach.nlri)).collect();
    assert_eq!(
        announced,
        [
            "10.0.0.0/8 path 4",
            "10.0.0.0/8 path 5",
            "2001:db8:5::/48 path 1",
            "2001:db8:5::/48 path 4294967295"
        ]
    );
    let withdrawn: Vec<String> = update.withdrawn().flat_map(listed).collect();
    assert_eq!(withdrawn, ["10.0.0.0/8 path 0", "0.0.0.0/0 path 3", "2001:db8:5::/48 path 7", "::/0 path 8"]);
}

#[test]
fn each_family_has_its_own_form() {
    let attributes = [vec![mp_reach(2, 1, &V6_HOP, &V6_NLRI)], well_known()].concat();
    let octets = body(&[], &attributes, &paths(&[(9, &[8, 10])]));
    let update = decode_update(&octets, &with(true, false));
    assert_eq!(update.treatment(), Treatment::Accept);
    let announced: Vec<String> = update.announced().flat_map(|reach| listed(reach.nlri)).collect();
    assert_eq!(announced, ["10.0.0.0/8 path 9", "2001:db8:5::/48"]);
    // The same octets in the other form are prefixes that cannot be read, or others than were meant.
    assert_eq!(decode_update(&octets, &with(false, true)).treatment(), Treatment::SessionReset);
}

#[test]
fn what_is_cut_within_an_identifier_or_a_prefix_resets() {
    let whole = paths(&[(1, &[16, 10, 1]), (2, &[24, 10, 2, 3])]);
    for len in 0..=whole.len() {
        let cut = &whole[..len];
        let complete = [0, 7, whole.len()].contains(&len);
        let classic = [body(&[], &well_known(), cut), body(cut, &[], &[])];
        for octets in classic {
            let update = decode_update(&octets, &with(true, false));
            look_at(&update);
            let wanted = (!complete).then(|| Notification::new(ErrorCode::INVALID_NETWORK_FIELD));
            assert_eq!(update.notification(), wanted.as_ref(), "{len}");
        }
        for attribute in [mp_reach(2, 1, &V6_HOP, cut), mp_unreach(2, 1, cut)] {
            let octets = body(&[], &[vec![attribute.clone()], well_known()].concat(), &[]);
            let update = decode_update(&octets, &with(false, true));
            look_at(&update);
            let reset = || Notification::with_data(ErrorCode::OPTIONAL_ATTRIBUTE, attribute.clone());
            let wanted = (!complete).then(reset);
            assert_eq!(update.notification(), wanted.as_ref(), "{len}");
        }
    }
    for (family, bits) in [(with(true, false), 33), (with(true, false), 255)] {
        let octets = body(&[], &well_known(), &paths(&[(1, &[&[bits], [9; 32].as_slice()].concat())]));
        let wanted = Notification::new(ErrorCode::INVALID_NETWORK_FIELD);
        assert_eq!(decode_update(&octets, &family).notification(), Some(&wanted));
    }
}

#[test]
fn treated_as_withdrawn_each_path_goes_alone() {
    let mut attributes = well_known();
    attributes.push(attr(0x80, 4, &[0; 3]));
    let octets = body(&[], &attributes, &paths(&[(4, &[8, 10]), (5, &[8, 10])]));
    let update = decode_update(&octets, &with(true, false));
    assert_eq!(update.treatment(), Treatment::TreatAsWithdraw);
    let withdrawn: Vec<String> = update.withdrawn().flat_map(listed).collect();
    assert_eq!(withdrawn, ["10.0.0.0/8 path 4", "10.0.0.0/8 path 5"]);
}

#[test]
fn the_end_of_rib_has_no_identifier() {
    let both = with(true, true);
    assert_eq!(decode_update(&body(&[], &[], &[]), &both).end_of_rib(), Some(Family::Ipv4));
    let of6 = body(&[], &[mp_unreach(2, 1, &[])], &[]);
    assert_eq!(decode_update(&of6, &both).end_of_rib(), Some(Family::Ipv6));
}

proptest::proptest! {
    #[test]
    fn any_octets_have_an_outcome(octets in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
        for ctx in [with(true, true), with(true, false), with(false, true)] {
            look_at(&decode_update(&octets, &ctx));
        }
    }

    #[test]
    fn any_paths_come_out_as_they_went_in(
        ids in proptest::collection::vec((proptest::prelude::any::<u32>(), 0_u8..=32, proptest::prelude::any::<u32>()), 1..40),
    ) {
        let net = |(_, len, address): &(u32, u8, u32)| ipnet::Ipv4Net::new((*address).into(), *len).unwrap().trunc();
        let octets: Vec<u8> = ids
            .iter()
            .flat_map(|path| {
                let octets = net(path).network().octets();
                let held = &octets[..usize::from(path.1).div_ceil(8)];
                [&path.0.to_be_bytes(), [path.1].as_slice(), held].concat()
            })
            .collect();
        let octets = body(&octets, &well_known(), &octets);
        let update = decode_update(&octets, &with(true, false));
        proptest::prop_assert_eq!(update.treatment(), Treatment::Accept);
        let wanted: Vec<String> = ids.iter().map(|path| format!("{} path {}", net(path), path.0)).collect();
        let announced: Vec<String> = update.announced().flat_map(|reach| listed(reach.nlri)).collect();
        let withdrawn: Vec<String> = update.withdrawn().flat_map(listed).collect();
        proptest::prop_assert_eq!(&announced, &wanted);
        proptest::prop_assert_eq!(&withdrawn, &wanted);
    }
}
