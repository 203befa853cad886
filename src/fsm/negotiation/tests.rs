use std::net::Ipv4Addr;

use super::super::fixture::{open_from, ours};
use super::*;

fn agree(open: Open) -> Result<Negotiated, Notification> {
    negotiate(&ours(), Direction::Outbound, open)
}

fn refusal(open: Open) -> ErrorCode {
    agree(open).unwrap_err().code
}

fn with_as(my_as: u16, four_octets: &[u32]) -> Open {
    let capabilities = four_octets.iter().map(|asn| Capability::FourOctetAs(Asn(*asn))).collect();
    Open { my_as, capabilities, ..open_from(4) }
}

fn with(capabilities: Vec<Capability>) -> Open {
    Open { capabilities, ..open_from(4) }
}

fn families(capabilities: Vec<Capability>) -> (bool, bool) {
    let common = agree(with(capabilities)).unwrap().families;
    (common.ipv4, common.ipv6)
}

#[test]
fn our_open_says_what_is_configured() {
    let mut config = ours();
    assert_eq!(our_open(&config).my_as, 8075);
    assert_eq!(our_open(&config).asn(), Asn(8075));
    config.local_asn = Asn(400_000);
    assert_eq!(our_open(&config).my_as, 23456, "AS_TRANS where the number does not fit");
}

#[test]
fn an_ordinary_open_agrees() {
    let agreed = agree(open_from(4)).unwrap();
    assert_eq!(agreed.peer_asn, Asn(64500));
    assert_eq!(agreed.hold_time, 90);
    assert_eq!(agreed.families, PerFamily { ipv4: true, ipv6: true });
    assert!(agreed.four_octet_as && agreed.route_refresh);
    assert!(!agreed.enhanced_route_refresh && !agreed.extended_message);
    assert!(!agreed.extended_next_hop && agreed.graceful_restart.is_none());
}

#[test]
fn the_peer_as_is_the_configured_one_stated_without_contradiction() {
    for (my_as, four_octets) in
        [(64500, &[64500][..]), (64500, &[]), (23456, &[64500]), (64500, &[64500, 64500])]
    {
        assert_eq!(
            agree(with_as(my_as, four_octets)).unwrap().peer_asn,
            Asn(64500),
            "{my_as} {four_octets:?}"
        );
    }
    let bad = [
        (64501, &[][..]),
        (64501, &[64501]),
        (64501, &[64500]),
        (64500, &[64501]),
        (23456, &[64501]),
        (0, &[]),
        (0, &[64500]),
        (64500, &[0]),
        (0, &[0]),
        (23456, &[]),
        (23456, &[23456]),
        (64500, &[23456]),
        (64500, &[64500, 64501]),
    ];
    for (my_as, four_octets) in bad {
        assert_eq!(refusal(with_as(my_as, four_octets)), ErrorCode::BAD_PEER_AS, "{my_as} {four_octets:?}");
    }
}

#[test]
fn as_0_and_as_trans_are_nobodys_even_if_configured() {
    for nobody in [0, 23456] {
        let config = FsmConfig { peer_asn: Asn(nobody), ..ours() };
        let my_as = u16::try_from(nobody).unwrap();
        for open in [with_as(my_as, &[]), with_as(my_as, &[nobody])] {
            let answer = negotiate(&config, Direction::Inbound, open).unwrap_err();
            assert_eq!(answer.code, ErrorCode::BAD_PEER_AS, "{nobody}");
        }
    }
}

#[test]
fn a_four_octet_peer_is_known_by_its_capability() {
    let config = FsmConfig { peer_asn: Asn(400_000), ..ours() };
    let open = with_as(23456, &[400_000]);
    assert_eq!(negotiate(&config, Direction::Inbound, open).unwrap().peer_asn, Asn(400_000));
}

#[test]
fn the_smaller_hold_time_counts_and_1_and_2_are_refused() {
    for (theirs, agreed) in
        [(0, Some(0)), (1, None), (2, None), (3, Some(3)), (90, Some(90)), (65535, Some(90))]
    {
        let open = Open { hold_time: theirs, ..open_from(4) };
        match agreed {
            Some(seconds) => assert_eq!(agree(open).unwrap().hold_time, seconds),
            None => assert_eq!(refusal(open), ErrorCode::UNACCEPTABLE_HOLD_TIME, "{theirs}"),
        }
    }
}

#[test]
fn the_bgp_identifier_is_not_zero_and_not_ours_within_our_as() {
    let with_id = |bgp_id| Open { bgp_id, ..open_from(4) };
    assert_eq!(refusal(with_id(Ipv4Addr::UNSPECIFIED)), ErrorCode::BAD_BGP_IDENTIFIER);
    assert!(agree(with_id(ours().local_id)).is_ok(), "another AS may have it (RFC 6286)");
    assert!(agree(with_id(Ipv4Addr::new(224, 0, 0, 1))).is_ok(), "any other number is good (RFC 6286)");
    let internal = FsmConfig { local_asn: Asn(64500), ..ours() };
    let answer = negotiate(&internal, Direction::Inbound, with_id(internal.local_id)).unwrap_err();
    assert_eq!(answer.code, ErrorCode::BAD_BGP_IDENTIFIER);
}

#[test]
fn families_are_those_that_both_list() {
    let (v4, v6) = (Capability::Multiprotocol(1, 1), Capability::Multiprotocol(2, 1));
    let evpn = Capability::Multiprotocol(25, 70);
    assert_eq!(families(vec![v4.clone(), v6.clone()]), (true, true));
    assert_eq!(families(vec![v6.clone()]), (false, true), "IPv4 is not implied once something is listed");
    assert_eq!(families(vec![v4.clone(), evpn.clone()]), (true, false));
    assert_eq!(families(vec![]), (true, false), "plain RFC 4271");
    assert_eq!(families(vec![Capability::RouteRefresh]), (true, false));
    assert_eq!(refusal(with(vec![evpn.clone()])), ErrorCode::UNSUPPORTED_CAPABILITY);
}

#[test]
fn without_a_common_family_the_answer_lists_what_we_miss() {
    let answer = agree(with(vec![Capability::Multiprotocol(1, 2)])).unwrap_err();
    assert_eq!(answer.code, ErrorCode::UNSUPPORTED_CAPABILITY);
    assert_eq!(answer.data, [1, 4, 0, 1, 0, 1, 1, 4, 0, 2, 0, 1]);
    let only_v6 = FsmConfig { families: PerFamily { ipv4: false, ipv6: true }, ..ours() };
    let answer = negotiate(&only_v6, Direction::Inbound, with(vec![])).unwrap_err();
    assert_eq!(answer.data, [1, 4, 0, 2, 0, 1], "a peer of plain RFC 4271 has no IPv6");
}

#[test]
fn an_extension_needs_both_sides() {
    let extension = |capability: Capability| {
        let one = agree(with(vec![capability.clone()])).unwrap();
        let mut config = ours();
        config.capabilities.push(capability.clone());
        let both = negotiate(&config, Direction::Inbound, with(vec![capability])).unwrap();
        (one, both)
    };
    let (one, both) = extension(Capability::EnhancedRouteRefresh);
    assert!(!one.enhanced_route_refresh && both.enhanced_route_refresh);
    let (one, both) = extension(Capability::ExtendedMessage);
    assert!(!one.extended_message && both.extended_message);
    let (one, both) = extension(Capability::ExtendedNextHop(vec![(1, 1, 2)]));
    assert!(!one.extended_next_hop && both.extended_next_hop);
    let (_, labelled) = extension(Capability::ExtendedNextHop(vec![(1, 4, 2)]));
    assert!(!labelled.extended_next_hop, "another SAFI");
    let two_octets = agree(with_as(64500, &[])).unwrap();
    assert!(!two_octets.four_octet_as);
}

fn with_role(role: Option<Role>, strict_role: bool, theirs: &[u8]) -> Result<Option<Role>, ErrorCode> {
    let config = FsmConfig { role, strict_role, ..ours() };
    let open = with(theirs.iter().map(|code| Capability::Role(*code)).collect());
    let agreed = negotiate(&config, Direction::Inbound, open);
    agreed.map(|agreed| agreed.peer_role).map_err(|answer| answer.code)
}

#[test]
fn roles_are_a_pair_of_the_table_or_the_session_is_refused() {
    let good = [(0, 3), (1, 2), (2, 1), (3, 0), (4, 4)];
    for ours in Role::ALL {
        for theirs in 0..=255 {
            let wanted = if good.contains(&(ours.code(), theirs)) {
                Ok(Some(ours.counterpart()))
            } else {
                Err(ErrorCode(2, 11))
            };
            for strict in [false, true] {
                assert_eq!(with_role(Some(ours), strict, &[theirs]), wanted, "{ours} {theirs}");
            }
        }
    }
}

#[test]
fn a_role_is_needed_only_where_the_config_is_strict() {
    assert_eq!(with_role(Some(Role::Provider), false, &[]), Ok(None));
    assert_eq!(with_role(Some(Role::Provider), true, &[]), Err(ErrorCode::ROLE_MISMATCH));
    assert_eq!(with_role(None, true, &[0]), Ok(None), "without one of our own, theirs is not looked at");
    assert_eq!(with_role(None, false, &[3, 4]), Ok(None));
}

#[test]
fn two_roles_are_a_mismatch_unless_they_are_one() {
    assert_eq!(with_role(Some(Role::Peer), false, &[4, 4]), Ok(Some(Role::Peer)));
    assert_eq!(with_role(Some(Role::Peer), false, &[4, 3]), Err(ErrorCode::ROLE_MISMATCH));
}

#[test]
fn several_paths_come_where_the_peer_sends_what_we_take() {
    let agreed = |ours_list, theirs: Vec<Capability>| {
        let mut config = ours();
        config.capabilities.push(Capability::AddPath(ours_list));
        let both = [Capability::Multiprotocol(1, 1), Capability::Multiprotocol(2, 1)];
        let open = with([both.to_vec(), theirs].concat());
        let agreed = negotiate(&config, Direction::Inbound, open).unwrap().add_path_receive;
        (agreed.ipv4, agreed.ipv6)
    };
    let of = |list: &[(u16, u8, u8)]| vec![Capability::AddPath(list.to_vec())];
    let receive = || vec![(1, 1, 1), (2, 1, 1)];
    for (theirs, wanted) in [
        (vec![], (false, false)),
        (of(&[(1, 1, 2)]), (true, false)),
        (of(&[(1, 1, 3), (2, 1, 2)]), (true, true)),
        (of(&[(1, 1, 1), (2, 1, 1)]), (false, false)),
        (of(&[(1, 128, 2), (2, 4, 3)]), (false, false)),
        ([of(&[(1, 1, 2)]), of(&[(2, 1, 2)])].concat(), (true, true)),
    ] {
        assert_eq!(agreed(receive(), theirs.clone()), wanted, "{theirs:?}");
        assert_eq!(agreed(vec![(1, 1, 2), (2, 1, 2)], theirs), (false, false), "we only send");
    }
    let plain = with(vec![Capability::AddPath(vec![(1, 1, 3)])]);
    assert_eq!(agree(plain).unwrap().add_path_receive, PerFamily::default(), "we list nothing");
}

#[test]
fn the_first_error_of_the_rfcs_order_is_the_answer() {
    let mut open = Open { my_as: 0, hold_time: 1, bgp_id: Ipv4Addr::UNSPECIFIED, ..with(vec![]) };
    assert_eq!(refusal(open.clone()), ErrorCode::BAD_PEER_AS);
    open.my_as = 64500;
    assert_eq!(refusal(open.clone()), ErrorCode::UNACCEPTABLE_HOLD_TIME);
    open.hold_time = 3;
    assert_eq!(refusal(open), ErrorCode::BAD_BGP_IDENTIFIER);
}
