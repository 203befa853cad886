//! Which routes are accepted.

mod telling;

use super::*;
use crate::fsm::Moment;
use crate::peering::origin::{IrrRoute, IrrTable, RpkiTable, Vrp};
use crate::peering::{
    Check, ConnectionState, Enforcement, Finding, ImportPolicy, Note, OriginTables, Reason, Registered,
    Sighting,
};
use crate::rib::Ranks;
use crate::rib::sample::{generation, plain};

const PEER: u32 = 3356;
const ORIGIN: u32 = 174;
/// Registered in every test.
const OURS: [&str; 3] = ["5.1.0.0/16", "5.2.3.0/24", "2a00:1::/32"];

fn net(text: &str) -> IpNet {
    text.parse().unwrap()
}

fn policy() -> ImportPolicy {
    ImportPolicy {
        connection_state: ConnectionState::Active,
        peering_service: true,
        peer_asn: Asn(PEER),
        registered: Arc::new(Registered::new(OURS.map(net), [], [])),
        ..ImportPolicy::default()
    }
}

fn rib_with(policy: ImportPolicy) -> AdjRibIn {
    let mut rib = rib(10_000, &Arc::new(Budget::new(10_000)));
    rib.set_policy(Arc::new(policy));
    rib
}

fn take(rib: &mut AdjRibIn, octets: &[u8]) -> Applied {
    let both = PerFamily { ipv4: true, ipv6: true };
    let context = UpdateContext { peer_asn: Asn(PEER), families: both, ..ctx() };
    let update = decode_update(octets, &context);
    assert_eq!(update.treatment(), Treatment::Accept, "{:?}", update.faults());
    rib.apply(&update, 7).unwrap()
}

/// COMMUNITIES.
fn communities(all: &[(u16, u16)]) -> Vec<u8> {
    let octets: Vec<u8> = all.iter().flat_map(|(a, b)| [a.to_be_bytes(), b.to_be_bytes()].concat()).collect();
    attribute(0xc0, 8, &octets)
}

fn maps() -> Vec<u8> {
    communities(&[(8075, 8007)])
}

fn good() -> [Vec<u8>; 2] {
    [path(&[PEER, ORIGIN]), maps()]
}

/// Announces a prefix with these attributes to a session with this policy; why it is not accepted.
fn reasons(policy: ImportPolicy, attributes: &[Vec<u8>], prefix: &str) -> Vec<Reason> {
    let mut rib = rib_with(policy);
    take(&mut rib, &body(&[], attributes, &[prefix]));
    let reasons = rib.get(key(prefix)).unwrap().reasons;
    let accepted = rib.accepted();
    assert_eq!(accepted.ipv4 + accepted.ipv6, u64::from(reasons.is_empty()), "the count is of the same");
    reasons
}

fn told(rib: &mut AdjRibIn) -> Map<String, Option<Sighting>> {
    rib.take_sightings(usize::MAX).into_iter().map(|(prefix, seen)| (prefix.to_string(), seen)).collect()
}

#[test]
fn f15_a_path_with_as12076_is_not_accepted() {
    let through = [path(&[PEER, 12076]), maps()];
    assert_eq!(reasons(policy(), &through, "5.1.0.0/16"), [Reason::ExpressRoute]);
    assert_eq!(reasons(policy(), &good(), "5.1.0.0/16"), []);
}

#[test]
fn f27_nothing_is_used_until_the_connection_is_active() {
    use ConnectionState as State;
    for state in [
        State::None,
        State::PendingApproval,
        State::Approved,
        State::ProvisioningStarted,
        State::ProvisioningFailed,
        State::ProvisioningCompleted,
        State::Validating,
        State::TypeChangeRequested,
        State::TypeChangeInProgress,
        State::ExternalBlocker,
    ] {
        let policy = ImportPolicy { connection_state: state, ..policy() };
        assert_eq!(reasons(policy, &good(), "5.1.0.0/16"), [Reason::ConnectionNotActive(state)]);
    }
    let voice = ImportPolicy { needs_bfd: true, ..policy() };
    assert_eq!(reasons(voice, &good(), "5.1.0.0/16"), [Reason::NeedsBfd]);
}

#[test]
fn f33_a_limit_is_of_one_family_and_counts_what_is_held_too() {
    let mut rib = AdjRibIn::new(PerFamily { ipv4: 2, ipv6: 0 }, Arc::new(Budget::new(100)));
    rib.set_policy(Arc::new(policy()));
    take(&mut rib, &body(&[], &good(), &["5.1.0.0/16", "6.0.0.0/16"]));
    assert_eq!((rib.count().ipv4, rib.accepted().ipv4), (2, 1));
    let more = body(&[], &good(), &["5.2.3.0/24"]);
    let context = UpdateContext { peer_asn: Asn(PEER), ..ctx() };
    let passed = rib.apply(&decode_update(&more, &context), 1).unwrap_err();
    assert_eq!(passed, LimitExceeded::Session { family: Family::Ipv4, limit: 2 });
    assert_eq!(passed.notification().code, ErrorCode::MAX_PREFIXES);
    rib.set_limits(PerFamily { ipv4: u64::MAX, ipv6: u64::MAX });
    take(&mut rib, &more);
    assert_eq!((rib.exceeded(), rib.accepted().ipv4), (None, 2), "changed without a restart");
}

#[test]
fn f34_bogons_and_a_default_route_are_refused() {
    let all = |prefix: &str| {
        let registered = Arc::new(Registered::new([net(prefix)], [], []));
        ImportPolicy { registered, ..policy() }
    };
    for (prefix, in_a_lab) in [
        ("0.0.0.0/0", false),
        ("10.0.0.0/8", true),
        ("172.16.0.0/24", true),
        ("192.168.1.0/24", true),
        ("192.0.2.0/24", true),
        ("198.51.100.0/24", true),
        ("203.0.113.0/24", true),
        ("169.254.0.0/16", false),
        ("224.0.0.0/8", false),
        ("127.0.0.0/8", false),
    ] {
        let refused = reasons(all(prefix), &good(), prefix);
        assert!(matches!(refused.as_slice(), [Reason::Special(_, _)]), "{prefix}: {refused:?}");
        let lab = ImportPolicy { lab: true, ..all(prefix) };
        assert_eq!(reasons(lab, &good(), prefix).is_empty(), in_a_lab, "{prefix}");
    }
    let [refused] = reasons(all("192.168.1.0/24"), &good(), "192.168.1.0/24").try_into().unwrap();
    assert_eq!(refused.to_string(), "Invalid IP prefix 192.168.1.0/24");
    assert_eq!(refused.detail().as_deref(), Some("it is private space (RFC 1918)"));
}

#[test]
fn f35_only_registered_prefixes_are_accepted_and_others_held_with_the_reason() {
    let not_registered = |covered_by| vec![Reason::NotRegistered { covered_by }];
    assert_eq!(reasons(policy(), &good(), "5.1.0.0/16"), []);
    assert_eq!(reasons(policy(), &good(), "6.0.0.0/16"), not_registered(None));
    let elsewhere = ImportPolicy { peering_service: false, ..policy() };
    assert_eq!(reasons(elsewhere, &good(), "5.1.0.0/16"), [Reason::NotPeeringService]);
    assert_eq!(Reason::NotPeeringService.to_string(), "The peering is not used for Peering Service");
    assert_eq!(reasons(ImportPolicy::default(), &good(), "5.1.0.0/16").len(), 2, "none is the first policy");
}

#[test]
fn f36_a_route_without_the_maps_community_says_so() {
    for attributes in [vec![path(&[PEER])], vec![path(&[PEER]), communities(&[(8075, 8006), (8007, 8075)])]] {
        let reasons = reasons(policy(), &attributes, "5.1.0.0/16");
        assert_eq!(reasons, [Reason::MissingCommunity]);
        assert_eq!(reasons[0].to_string(), "Advertisement missing MAPS community");
    }
}

#[test]
fn f37_a_path_of_four_is_too_long() {
    assert_eq!(reasons(policy(), &[path(&[PEER, 1, 2]), maps()], "5.1.0.0/16"), []);
    let four = reasons(policy(), &[path(&[PEER, 1, 2, 3]), maps()], "5.1.0.0/16");
    assert_eq!(four, [Reason::PathTooLong(4)]);
    assert_eq!(four[0].to_string(), "AS path isn't correct");
}

#[test]
fn f38_a_private_asn_anywhere_in_the_path_is_an_error() {
    for asn in [64_512, 65_534, 4_200_000_000, 4_294_967_294] {
        for asns in [&[PEER, asn][..], &[PEER, asn, 174]] {
            let found = reasons(policy(), &[path(asns), maps()], "5.1.0.0/16");
            assert_eq!(found, [Reason::PrivateAsn(Asn(asn))]);
            assert_eq!(found[0].to_string(), "AS path isn't correct");
        }
    }
    for asn in [64_511, 65_535, 64_496, 4_199_999_999] {
        assert_eq!(
            reasons(policy(), &[path(&[PEER, asn]), maps()], "5.1.0.0/16"),
            [],
            "AS{asn} is not private"
        );
    }
}

#[test]
fn f38_in_a_lab_the_peers_own_asn_may_be_private_and_no_other() {
    let lab = |lab| ImportPolicy { lab, peer_asn: Asn(65_001), ..policy() };
    let judged = |lab, asns: &[u32]| {
        let mut rib = rib_with(lab);
        apply(&mut rib, &body(&[], &[path(asns), maps()], &["5.1.0.0/16"]), 1).unwrap();
        rib.get(key("5.1.0.0/16")).unwrap().reasons
    };
    assert_eq!(judged(lab(true), &[65_001, 174]), []);
    assert_eq!(judged(lab(true), &[65_001, 65_002]), [Reason::PrivateAsn(Asn(65_002))]);
    assert_eq!(judged(lab(false), &[65_001, 174]), [Reason::PrivateAsn(Asn(65_001))]);
}

#[test]
fn f39_an_asn_that_is_repeated_is_a_finding() {
    let found = reasons(policy(), &[path(&[PEER, PEER, 174]), maps()], "5.1.0.0/16");
    assert_eq!(found, [Reason::Prepended(Asn(PEER))]);
    let found = reasons(policy(), &[path(&[PEER, 174, 174, 174]), maps()], "5.1.0.0/16");
    assert_eq!(found, [Reason::PathTooLong(4), Reason::Prepended(Asn(174))]);
}

#[test]
fn every_reason_is_told_in_order() {
    let policy = ImportPolicy { connection_state: ConnectionState::Validating, ..policy() };
    let found = reasons(policy, &[path(&[PEER, 12076, 64_512, 64_512])], "10.0.0.0/8");
    let expected = [
        Reason::ConnectionNotActive(ConnectionState::Validating),
        Reason::Special(net("10.0.0.0/8"), "private space (RFC 1918)"),
        Reason::ExpressRoute,
        Reason::NotRegistered { covered_by: None },
        Reason::MissingCommunity,
        Reason::PathTooLong(4),
        Reason::PrivateAsn(Asn(64_512)),
        Reason::Prepended(Asn(64_512)),
    ];
    assert_eq!(found, expected);
    assert!(found.iter().all(|reason| !reason.remedy().is_empty()));
}

#[test]
fn f46_a_registered_prefix_longer_than_24_is_accepted_like_any_other() {
    for prefix in ["5.2.3.0/25", "5.2.3.4/32"] {
        let registered = Arc::new(Registered::new([net(prefix)], [], []));
        assert_eq!(reasons(ImportPolicy { registered, ..policy() }, &good(), prefix), []);
    }
}

#[test]
fn f47_a_more_specific_of_a_registered_prefix_is_not_that_prefix() {
    let found = reasons(policy(), &good(), "5.1.2.0/24");
    assert_eq!(found, [Reason::NotRegistered { covered_by: Some(net("5.1.0.0/16")) }]);
    assert_eq!(found[0].to_string(), "The prefix is not registered; 5.1.0.0/16, which covers it, is");
    assert_eq!(found[0].remedy(), "announce 5.1.0.0/16 as it is registered, or register this prefix as well");
    let mut rib = rib_with(policy());
    take(&mut rib, &body(&[], &good(), &["5.1.2.0/24"]));
    assert_eq!(told(&mut rib), Map::new(), "nor is the registered one there by it");
}

#[test]
fn f48_any_prefix_of_a_registered_origin_is_accepted() {
    let registered = || Arc::new(Registered::new([], [Asn(ORIGIN)], []));
    let by_asn = || ImportPolicy { registered: registered(), ..policy() };
    assert_eq!(reasons(by_asn(), &good(), "6.0.0.0/16"), []);
    assert_eq!(
        reasons(by_asn(), &[path(&[PEER, ORIGIN, 9]), maps()], "6.0.0.0/16").len(),
        1,
        "by the origin"
    );
}

/// Whoever may announce whatever comes from an ASN still takes nothing of our own space from us.
#[test]
fn f48_a_registered_origin_announces_nothing_of_ours() {
    let told = ["6.0.0.0/16", "2a00:5::/32"].map(|prefix| (net(prefix), plain(1))).into();
    let ours = Some(Arc::new(generation(&told, None, &mut Ranks::new(), 1)));
    let registered = Arc::new(Registered::new([], [Asn(ORIGIN)], []));
    let policy = || ImportPolicy { registered: registered.clone(), ours: ours.clone(), ..policy() };
    let overlap = |ours: &str| vec![Reason::Ours(net(ours))];
    assert_eq!(reasons(policy(), &good(), "6.0.0.0/16"), overlap("6.0.0.0/16"));
    assert_eq!(reasons(policy(), &good(), "6.0.3.0/24"), overlap("6.0.0.0/16"), "within ours");
    assert_eq!(reasons(policy(), &good(), "6.0.0.0/8"), overlap("6.0.0.0/16"), "ours is within it");
    assert_eq!(reasons(policy(), &good(), "6.1.0.0/16"), [], "beside it");
    assert_eq!(reasons(ImportPolicy { ours: None, ..policy() }, &good(), "6.0.3.0/24"), []);
    let one = policy();
    let of = |routes| {
        let table = generation(routes, None, &mut Ranks::new(), 2);
        ImportPolicy { ours: Some(Arc::new(table)), ..one.clone() }
    };
    assert_eq!(of(&told), one, "another table with the same routes is no other policy");
    assert_ne!(of(&[(net("6.0.0.0/16"), plain(1))].into()), one);
}

#[test]
fn f51_med_is_overwritten_by_policy_and_the_peers_counts_for_nothing() {
    let med = |value: u32| attribute(0x80, 4, &value.to_be_bytes());
    let [path, maps] = good();
    for set in [0, 77] {
        let mut rib = rib_with(ImportPolicy { med: set, ..policy() });
        for value in [0, 1, u32::MAX] {
            take(&mut rib, &body(&[], &[path.clone(), med(value), maps.clone()], &["5.1.0.0/16"]));
            let route = rib.get(key("5.1.0.0/16")).unwrap();
            assert_eq!((route.med, route.reasons.len()), (set, 0), "{value} was sent");
            assert_eq!(route.attrs.med, Some(value), "what came is still to be seen");
        }
        take(&mut rib, &body(&[], &[path.clone(), maps.clone()], &["5.1.0.0/16"]));
        let route = rib.get(key("5.1.0.0/16")).unwrap();
        assert_eq!((route.med, route.attrs.med, rib.accepted().ipv4), (set, None, 1));
    }
}

#[test]
fn f55_what_registries_say_of_a_route_that_is_let_in_is_told_as_it_is() {
    let tables = |origin: u32| OriginTables {
        rpki: Arc::new(RpkiTable::new(
            &[Vrp { prefix: net("5.1.0.0/16"), max_len: 16, asn: Asn(origin) }],
            &[],
        )),
        irr: Arc::new(IrrTable::new(vec![IrrRoute {
            prefix: net("5.1.0.0/16"),
            min_len: 16,
            max_len: 16,
            origin: Asn(origin),
        }])),
    };
    let refuse = Enforcement { rpki_invalid: true, rpki_unknown: true, irr_invalid: true, irr_unknown: true };
    let found = |origins: OriginTables, enforce| {
        let mut rib = rib_with(ImportPolicy { origins: Arc::new(origins), enforce, ..policy() });
        take(&mut rib, &body(&[], &good(), &["5.1.0.0/16"]));
        let [path] = rib.explain(net("5.1.0.0/16")).paths.try_into().unwrap();
        let of = |check| path.checks.iter().find(|(made, _)| *made == check).unwrap().1;
        (of(Check::Rpki), of(Check::Irr), rib.accepted().ipv4)
    };
    let show = Enforcement::default();
    let (noted, fails) = (Finding::Noted, Finding::Fails);
    assert_eq!(found(tables(ORIGIN), show), (Finding::Holds, Finding::Holds, 1));
    assert_eq!(found(tables(9), show), (noted(Note::RpkiInvalid), noted(Note::IrrInvalid), 1));
    assert_eq!(found(tables(9), refuse), (fails(Reason::RpkiInvalid), fails(Reason::IrrInvalid), 0));
    assert_eq!(found(OriginTables::default(), show), (noted(Note::RpkiUnknown), noted(Note::IrrUnknown), 1));
    assert_eq!(
        found(OriginTables::default(), refuse),
        (fails(Reason::RpkiUnknown), fails(Reason::IrrUnknown), 0)
    );
    let unsigned = Enforcement { rpki_unknown: true, ..show };
    assert_eq!(found(tables(9), unsigned).0, noted(Note::RpkiInvalid), "each by itself");
    assert_eq!(found(OriginTables::default(), unsigned).2, 0);
    let said = Note::RpkiInvalid.to_string();
    assert_eq!(said, "RPKI: Invalid, which the config lets in (rpki.invalid: show)");
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    #[test]
    fn what_is_counted_as_accepted_is_what_has_no_reason(
        asns in vec(prop_oneof![Just(PEER), Just(174), Just(12076), Just(64_512), 1_u32..9], 0..5),
        has_maps: bool, lab: bool, by_asn: bool, which in 0_usize..5,
    ) {
        let prefix = ["5.1.0.0/16", "5.1.0.0/17", "10.0.0.0/8", "0.0.0.0/0", "6.0.0.0/8"][which];
        let asns: Vec<u32> = std::iter::once(PEER).chain(asns).collect();
        let attributes: Vec<Vec<u8>> =
            std::iter::once(path(&asns)).chain(has_maps.then(maps)).collect();
        let own = [net("5.1.0.0/16"), net("10.0.0.0/8")];
        let registered = Arc::new(Registered::new(own, by_asn.then_some(Asn(174)), []));
        let policy = ImportPolicy { lab, registered, ..policy() };
        // It compares the two itself.
        let found = reasons(policy.clone(), &attributes, prefix);
        let mut rib = rib_with(ImportPolicy::default());
        take(&mut rib, &body(&[], &attributes, &[prefix]));
        rib.set_policy(Arc::new(policy));
        rib.judge_more(1);
        prop_assert_eq!(rib.accepted().ipv4 == 1, found.is_empty());
    }
}
