//! What is told of registered prefixes, and how another policy comes to all routes.

use super::*;

#[test]
fn f40_a_session_tells_of_a_registered_prefix_what_it_has_and_when_it_has_it_no_more() {
    let mut rib = rib_with(policy());
    assert_eq!(told(&mut rib), Map::new(), "what was never there is not told");
    take(&mut rib, &body(&[], &good(), &["5.1.0.0/16", "5.1.0.0/17", "6.0.0.0/8"]));
    let seen = told(&mut rib);
    let sighting = seen["5.1.0.0/16"].clone().unwrap();
    assert_eq!((sighting.origin, sighting.received_at), (Some(Asn(ORIGIN)), 7));
    assert_eq!((sighting.reasons.len(), seen.len()), (0, 1), "and of nothing but registered prefixes");
    assert!(!rib.has_to_judge());

    take(&mut rib, &body(&[], &[path(&[PEER])], &["5.1.0.0/16"]));
    assert_eq!(told(&mut rib)["5.1.0.0/16"].clone().unwrap().reasons, [Reason::MissingCommunity]);
    take(&mut rib, &body(&["5.1.0.0/16", "5.2.3.0/24"], &[], &[]));
    assert_eq!(told(&mut rib), Map::from([("5.1.0.0/16".to_owned(), None)]), "gone is told once");

    take(&mut rib, &body(&[], &good(), &["5.1.0.0/16"]));
    told(&mut rib);
    rib.mark_stale(Family::Ipv4, Leftover::Keep);
    assert_eq!(told(&mut rib), Map::from([("5.1.0.0/16".to_owned(), None)]), "stale is as good as gone");
    assert_eq!(rib.accepted().ipv4, 1, "and still held as it was");
    rib.clear();
    assert_eq!((rib.accepted().ipv4, told(&mut rib)), (0, Map::new()));
}

#[test]
fn f40_a_turn_looks_at_so_many_paths_and_stops_at_an_accepted_one() {
    let mut rib = rib_with(policy());
    let of = |prefix: &str, ids: std::ops::Range<u32>| -> Vec<u8> {
        let nlri = nlri(&[prefix]);
        ids.flat_map(|id| [&id.to_be_bytes()[..], &nlri].concat()).collect()
    };
    let announce = |rib: &mut AdjRibIn, attributes: &[Vec<u8>], reach: &[u8]| {
        let octets = [body(&[], attributes, &[]), reach.to_vec()].concat();
        let families = PerFamily { ipv4: true, ipv6: true };
        let context = UpdateContext { peer_asn: Asn(PEER), families, add_path: families, ..ctx() };
        let update = decode_update(&octets, &context);
        assert_eq!(update.treatment(), Treatment::Accept, "{:?}", update.faults());
        rib.apply(&update, 7).unwrap();
    };
    let refused = [path(&[PEER, ORIGIN])];
    announce(&mut rib, &refused, &of("5.1.0.0/16", 1..11));
    announce(&mut rib, &refused, &of("5.2.3.0/24", 1..2));
    assert_eq!((rib.take_sightings(10).len(), rib.take_sightings(10).len()), (1, 1), "ten paths are a turn");
    announce(&mut rib, &good(), &of("5.1.0.0/16", 1..2));
    announce(&mut rib, &refused, &of("5.2.3.0/24", 1..2));
    let seen = rib.take_sightings(2);
    let counts: Vec<usize> = seen.iter().map(|(_, seen)| seen.as_ref().unwrap().reasons.len()).collect();
    assert_eq!(counts, [0, 1], "behind the accepted one nothing is looked at");
}

#[test]
fn f40_a_refresh_by_which_nothing_went_has_nothing_to_tell() {
    let mut rib = rib_with(policy());
    take(&mut rib, &body(&[], &good(), &["5.1.0.0/16"]));
    told(&mut rib);
    rib.begin_refresh(Moment::default(), Family::Ipv4);
    take(&mut rib, &body(&[], &good(), &["5.1.0.0/16"]));
    told(&mut rib);
    assert_eq!((rib.end_refresh(Family::Ipv4), rib.has_to_judge()), (0, false));
    rib.begin_refresh(Moment::default(), Family::Ipv4);
    assert_eq!((rib.end_refresh(Family::Ipv4), rib.has_to_judge()), (1, true));
    assert_eq!(rib.take_sightings(2), [(net("5.1.0.0/16"), None)], "and of its family only");
    assert!(!rib.has_to_judge());
}

#[test]
fn a_new_policy_comes_to_every_route_a_turn_at_a_time() {
    let closed = ImportPolicy { connection_state: ConnectionState::Validating, ..policy() };
    let mut rib = rib_with(closed.clone());
    take(&mut rib, &body(&[], &good(), &["5.1.0.0/16", "5.2.3.0/24", "6.0.0.0/8"]));
    let hop = "2001:db8::1".parse::<std::net::Ipv6Addr>().unwrap().octets();
    let reach = [&[0, 2, 1, 16], hop.as_slice(), &[0], &nlri(&["2a00:1::/32"])].concat();
    take(&mut rib, &body(&[], &[attribute(0x80, 14, &reach), path(&[PEER]), maps()], &[]));
    told(&mut rib);
    assert_eq!(rib.accepted(), PerFamily::default());

    let open = policy();
    rib.set_policy(Arc::new(open.clone()));
    let mut counts = Vec::new();
    let mut seen = Map::new();
    while rib.has_to_judge() {
        rib.judge_more(1);
        seen.extend(rib.take_sightings(1).into_iter().map(|(prefix, s)| (prefix, s.unwrap().reasons.len())));
        let PerFamily { ipv4, ipv6 } = rib.accepted();
        counts.push((ipv4, ipv6));
    }
    assert_eq!(counts, [(1, 0), (2, 0), (2, 0), (2, 1), (2, 1)]);
    assert_eq!(seen, OURS.map(|prefix| (net(prefix), 0)).into());
    rib.set_policy(Arc::new(open));
    assert!(!rib.has_to_judge(), "the same policy is nothing new");
    rib.set_policy(Arc::new(closed));
    while rib.has_to_judge() {
        rib.judge_more(usize::MAX);
        rib.take_sightings(usize::MAX);
    }
    assert_eq!(rib.accepted(), PerFamily::default());
}

#[test]
fn policies_that_come_faster_than_routes_are_judged_leave_none_unjudged() {
    let all: Vec<String> = (0..10).map(|n| format!("5.{n}.0.0/16")).collect();
    let nets = || all.iter().map(|text| net(text));
    let open =
        |med: u32| ImportPolicy { registered: Arc::new(Registered::new(nets(), [], [])), med, ..policy() };
    let closed = ImportPolicy { connection_state: ConnectionState::Validating, ..open(0) };
    let mut rib = rib_with(closed.clone());
    let texts: Vec<&str> = all.iter().map(String::as_str).collect();
    take(&mut rib, &body(&[], &good(), &texts));
    for turn in 1..=13 {
        rib.set_policy(Arc::new(open(turn)));
        rib.judge_more(1);
    }
    assert_eq!(rib.accepted().ipv4, 10, "none of the policies saw more than one");
    // Half way round, all are judged by the one that came then, and not only those behind.
    rib.set_policy(Arc::new(closed));
    let mut turns = 0;
    while rib.accepted().ipv4 > 0 {
        rib.judge_more(1);
        turns += 1;
        assert!(turns < 20, "{} are left", rib.accepted().ipv4);
    }
    while rib.has_to_judge() {
        rib.judge_more(1);
        rib.take_sightings(usize::MAX);
        turns += 1;
        assert!(turns < 30, "it comes to an end");
    }
}

#[test]
fn a_prefix_that_is_registered_no_more_is_told_to_be_gone_and_told_again_when_it_is() {
    let mut rib = rib_with(policy());
    take(&mut rib, &body(&[], &good(), &["5.1.0.0/16"]));
    assert!(told(&mut rib)["5.1.0.0/16"].is_some());
    let fewer = Arc::new(Registered::new([net("5.2.3.0/24")], [], []));
    rib.set_policy(Arc::new(ImportPolicy { registered: fewer, ..policy() }));
    assert_eq!(told(&mut rib), Map::from([("5.1.0.0/16".to_owned(), None)]));
    rib.set_policy(Arc::new(policy()));
    assert!(told(&mut rib)["5.1.0.0/16"].is_some());
}

#[test]
fn of_several_paths_the_accepted_one_is_told_of_or_else_the_one_with_fewest_reasons() {
    let both = PerFamily { ipv4: true, ipv6: true };
    let context = UpdateContext { peer_asn: Asn(PEER), families: both, add_path: both, ..ctx() };
    let mut rib = rib_with(policy());
    let take = |rib: &mut AdjRibIn, id: u32, attributes: &[Vec<u8>]| {
        let nlri = [&id.to_be_bytes()[..], &nlri(&["5.1.0.0/16"])].concat();
        let octets =
            [body(&[], attributes, &["1.0.0.0/8"]).split_last_chunk::<2>().unwrap().0, &nlri].concat();
        assert_eq!(rib.apply(&decode_update(&octets, &context), 1).unwrap().announced.ipv4, 1);
        told(rib)["5.1.0.0/16"].clone().unwrap().reasons
    };
    assert_eq!(take(&mut rib, 1, &[path(&[PEER, 1, 2, 3])]).len(), 2);
    assert_eq!(take(&mut rib, 2, &[path(&[PEER])]), [Reason::MissingCommunity]);
    assert_eq!(take(&mut rib, 3, &[path(&[PEER]), maps()]), []);
    for id in 4..200 {
        assert_eq!(take(&mut rib, id, &[path(&[PEER])]), [], "path {id}");
    }
    assert_eq!(take(&mut rib, 3, &[path(&[PEER])]), [Reason::MissingCommunity]);
    assert_eq!(take(&mut rib, 150, &[path(&[PEER]), maps()]), [], "however far behind it stands");
    assert_eq!(rib.explain(net("5.1.0.0/16")).paths.len(), 64);
}
