//! Cases worked out by hand: exact octets, order, bounds.

use std::fmt::Debug;
use std::io::{Error, ErrorKind};

use super::super::super::naive::{self, Heard};
use super::*;

fn net(text: &str) -> IpNet {
    text.parse().unwrap()
}

fn routes(of: &[(&str, Spec)]) -> Routes {
    of.iter().map(|(text, spec)| (net(text), spec.clone())).collect()
}

fn board(of: &Routes) -> Board {
    Board::new(Arc::new(sample::generation(of, None, &mut Ranks::new(), 1)))
}

fn up(of: &Routes, session: &SessionProfile) -> Outbox {
    let mut outbox = Outbox::new();
    outbox.up(session.clone(), board(of).view(&selectors()[0]), Announcing::Yes);
    outbox
}

/// Everything that the outbox has, `each` octets a call.
fn take(outbox: &mut Outbox, each: usize) -> Vec<u8> {
    let mut stream = Vec::new();
    let wrote = outbox.write(7, usize::MAX, &mut |slices| {
        let all: Vec<u8> = slices.iter().flat_map(|slice| slice.to_vec()).collect();
        stream.extend_from_slice(&all[..each.min(all.len())]);
        Ok(each.min(all.len()))
    });
    assert_eq!(wrote.unwrap(), Wrote { bytes: stream.len(), outcome: Outcome::Drained });
    stream
}

/// The first octets that the outbox has; then the sink blocks.
fn take_just(outbox: &mut Outbox, octets: usize) -> Vec<u8> {
    let mut stream = Vec::new();
    let wrote = outbox.write(7, usize::MAX, &mut |slices| {
        if !stream.is_empty() {
            return Err(Error::from(ErrorKind::WouldBlock));
        }
        stream = slices.iter().flat_map(|slice| slice.to_vec()).take(octets).collect();
        Ok(stream.len())
    });
    assert_eq!(wrote.unwrap().bytes, octets);
    stream
}

fn messages(mut stream: &[u8]) -> Vec<Vec<u8>> {
    let mut all = Vec::new();
    while !stream.is_empty() {
        let (message, rest) = stream.split_at(usize::from(u16::from_be_bytes([stream[16], stream[17]])));
        all.push(message.to_vec());
        stream = rest;
    }
    all
}

fn words(stream: &[u8]) -> Vec<Word> {
    messages(stream).iter().map(|message| naive::read(message, 65_535)).collect()
}

/// The octets behind the marker.
fn bodies(stream: &[u8]) -> Vec<Vec<u8>> {
    messages(stream).iter().map(|message| message[16..].to_vec()).collect()
}

#[test]
fn each_form_of_update_is_right_to_the_octet() {
    let all = routes(&[("13.64.0.0/11", plain(1)), ("2603:1000::/24", plain(1))]);
    let mut outbox = up(&all, &session());
    let path = [0x40, 2, 6, 2, 1, 0, 0, 0x1F, 0x8B];
    let v4 = [
        &[0, 19 + 4 + 27 + 3, 2, 0, 0, 0, 27, 0x40, 1, 1, 0][..],
        &path,
        &[0x40, 3, 4, 192, 0, 2, 1, 0xC0, 8, 4, 0x1F, 0x8B, 0, 1],
        &[11, 13, 64],
    ];
    let v6 = [
        &[0, 19 + 4 + 29 + 20, 2, 0, 0, 0, 49, 0x90, 14, 0, 25, 0, 2, 1, 16][..],
        &[0x20, 1, 0x0D, 0xB8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0],
        &[24, 0x26, 0x03, 0x10],
        &[0x40, 1, 1, 0],
        &path,
        &[0xC0, 8, 4, 0x1F, 0x8B, 0, 1],
    ];
    let end4 = vec![0, 23, 2, 0, 0, 0, 0];
    let end6 = vec![0, 29, 2, 0, 0, 0, 6, 0x80, 15, 3, 0, 2, 1];
    assert_eq!(bodies(&take(&mut outbox, usize::MAX)), [v4.concat(), end4, v6.concat(), end6]);

    outbox.set_announcing(Announcing::No);
    let gone4 = vec![0, 26, 2, 0, 3, 11, 13, 64, 0, 0];
    let gone6 = vec![0, 34, 2, 0, 0, 0, 11, 0x90, 15, 0, 7, 0, 2, 1, 24, 0x26, 0x03, 0x10];
    assert_eq!(bodies(&take(&mut outbox, usize::MAX)), [gone4, gone6]);
}

#[test]
fn ipv4_over_an_ipv6_next_hop_uses_the_mp_forms_and_its_own_end_of_rib() {
    let mut outbox = up(
        &routes(&[("13.64.0.0/11", plain(1))]),
        &SessionProfile {
            extended_next_hop: true,
            families: PerFamily { ipv4: true, ipv6: false },
            ..session()
        },
    );
    let stream = take(&mut outbox, usize::MAX);
    let [announce, end] = &bodies(&stream)[..] else { panic!() };
    assert_eq!(announce[..15], [0, 71, 2, 0, 0, 0, 48, 0x90, 14, 0, 24, 0, 1, 1, 16]);
    assert_eq!(end[..], [0, 23, 2, 0, 0, 0, 0]);
    outbox.set_announcing(Announcing::No);
    let gone = vec![0, 33, 2, 0, 0, 0, 10, 0x90, 15, 0, 6, 0, 1, 1, 11, 13, 64];
    assert_eq!(bodies(&take(&mut outbox, usize::MAX)), [gone]);
}

#[test]
fn long_paths_are_split_and_old_peers_get_as_trans_and_as4_path() {
    let as_path: Vec<Asn> = (0..300).map(|i| Asn(196_608 + i)).collect();
    let long = Spec { attrs: AttrSet { as_path, ..AttrSet::default() }, ..Spec::default() };
    let old = SessionProfile { four_octet_as: false, ..session() };
    let stream = take(&mut up(&routes(&[("13.64.0.0/11", long.clone())]), &old), usize::MAX);
    let body = &bodies(&stream)[0][7..];
    // ORIGIN, then AS_PATH: 301 ASNs in segments of 255 and 46, two octets each.
    assert_eq!(body[4..14], [0x50, 2, 2, 94, 2, 255, 0x1F, 0x8B, 0x5B, 0xA0]);
    assert_eq!(body[8 + 2 + 510..][..4], [2, 46, 0x5B, 0xA0]);
    // NEXT_HOP, then AS4_PATH, four octets each.
    let as4 = &body[8 + 606 + 7..];
    assert_eq!(as4[..14], [0xD0, 17, 4, 184, 2, 255, 0, 0, 0x1F, 0x8B, 0, 3, 0, 0]);
    let Word::Announce(_, heard) = &words(&stream)[0] else { panic!() };
    assert_eq!(Some(heard), naive::route(&old, Family::Ipv4, &long.attrs, false).as_ref());
}

#[test]
fn an_old_peer_gets_as4_path_only_where_some_number_does_not_fit() {
    let old = SessionProfile { four_octet_as: false, ..session() };
    let stream = take(&mut up(&routes(&[("13.64.0.0/11", plain(1))]), &old), usize::MAX);
    assert_eq!(bodies(&stream)[0][7..][..11], [0x40, 1, 1, 0, 0x40, 2, 4, 2, 1, 0x1F, 0x8B]);
    let Word::Announce(_, heard) = &words(&stream)[0] else { panic!() };
    assert!(!heard.attributes.windows(2).any(|two| two == [0xC0, 17]));
}

/// Every knob of a session changes what some route's bytes are; equal profiles give equal bytes but for the next hop.
#[test]
fn each_knob_that_changes_bytes_is_in_the_profile() {
    let wide = AttrSet { as_path: vec![Asn(196_608)], ..AttrSet::default() };
    let base = session();
    let knobs = [
        SessionProfile { local_asn: Asn(64_496), ..base.clone() },
        SessionProfile { four_octet_as: false, ..base.clone() },
        SessionProfile { max_message_len: 65_535, ..base.clone() },
        SessionProfile { extended_next_hop: true, ..base.clone() },
        SessionProfile { otc: Some(Asn(8075)), ..base.clone() },
    ];
    for (i, other) in knobs.iter().enumerate() {
        assert_ne!(other.of(Family::Ipv4).0, base.of(Family::Ipv4).0, "knob {i}");
    }
    let all: Routes = sample::internet(3_000, 1, 5)
        .into_keys()
        .map(|net| (net, Spec { attrs: wide.clone(), ..Spec::default() }))
        .collect();
    let first = take(&mut up(&all, &base), usize::MAX);
    for (i, other) in knobs.iter().enumerate() {
        assert_ne!(take(&mut up(&all, other), usize::MAX), first, "knob {i} changes no byte");
    }
    let local = SessionProfile { link_local: "fe80::1".parse().ok(), ..base.clone() };
    assert_ne!(local.of(Family::Ipv6).0, base.of(Family::Ipv6).0);
    let six = Routes::from([("2001:db8::/32".parse().unwrap(), Spec::default())]);
    assert_ne!(take(&mut up(&six, &local), usize::MAX), take(&mut up(&six, &base), usize::MAX));
    let mut gshut = up(&all, &base);
    gshut.set_announcing(Announcing::GracefulShutdown);
    assert_ne!(take(&mut gshut, usize::MAX), first);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn equal_profiles_mean_equal_bytes_but_for_the_next_hop(
        a in arb_session(), b in arb_session(), spec in 0..specs().len(), gshut in any::<bool>(),
    ) {
        for of in Family::ALL {
            let ((one, one_hop), (two, two_hop)) = (a.of(of), b.of(of));
            if one != two || one_hop.is_none() || two_hop.is_none() {
                continue;
            }
            let strip_hop = |heard: Heard| {
                let mut octets = heard.attributes;
                if let Some(at) = octets.windows(3).position(|head| head == [0x40, 3, 4]) {
                    octets[at + 3..at + 7].fill(0);
                }
                (octets, heard.mp_next_hop.len())
            };
            let route = |session| naive::route(session, of, &specs()[spec].attrs, gshut).map(strip_hop);
            prop_assert_eq!(route(&a), route(&b));
        }
    }

    #[test]
    fn however_the_socket_splits_it_the_stream_is_the_same(
        routes in arb_routes(), session in 0..sessions().len(), splits in prop::collection::vec(1_usize..90, 1..40),
    ) {
        let session = &sessions()[session];
        let whole = take(&mut up(&routes, session), usize::MAX);
        let mut outbox = up(&routes, session);
        let mut stream = Vec::new();
        let mut splits = splits.into_iter().cycle();
        while outbox.wants_write() {
            let mut left = splits.next().unwrap();
            outbox.write(0, usize::MAX, &mut |slices| {
                if left == 0 {
                    return Err(Error::from(ErrorKind::WouldBlock));
                }
                let all: Vec<u8> = slices.iter().flat_map(|slice| slice.to_vec()).collect();
                let now = left.min(all.len());
                left -= now;
                stream.extend_from_slice(&all[..now]);
                Ok(now)
            }).unwrap();
        }
        prop_assert_eq!(stream, whole);
    }
}

fn arb_session() -> impl Strategy<Value = SessionProfile> {
    let hop4 = prop::option::of(0_u8..3).prop_map(|n| Some(IpAddr::from([192, 0, 2, n?])));
    let hop6 =
        prop::option::of(0_u16..3).prop_map(|n| Some(IpAddr::from([0x2001, 0xDB8, 0, 0, 0, 0, 0, n?])));
    let knobs = (any::<[bool; 6]>(), hop4, hop6);
    knobs.prop_map(|([four_octet_as, long, extended_next_hop, otc, wide, local], ipv4, ipv6)| {
        SessionProfile {
            local_asn: Asn(if wide { 196_608 } else { 8075 }),
            four_octet_as,
            max_message_len: if long { 65_535 } else { 110 },
            next_hop: PerFamily { ipv4, ipv6 },
            extended_next_hop,
            otc: otc.then_some(Asn(8075)),
            link_local: local.then(|| "fe80::1".parse().unwrap()),
            ..session()
        }
    })
}

#[test]
fn a_keepalive_waits_for_the_message_boundary_and_for_no_route() {
    let mut outbox = up(&sample::internet(3_000, 1, 1), &session());
    let begun = take_just(&mut outbox, 100);
    outbox.control(keepalive());
    outbox.control(keepalive());
    assert!(!outbox.control_is_flushed());
    let all = [begun, take(&mut outbox, usize::MAX)].concat();
    let kinds: Vec<u8> = messages(&all).iter().map(|message| message[18]).collect();
    assert_eq!(kinds[..3], [2, 4, 2]);
    assert_eq!(kinds.iter().filter(|kind| **kind == 4).count(), 1);
    assert_eq!((outbox.counters().keepalives, outbox.counters().others()), (1, 1));
    assert_eq!(outbox.counters().updates, kinds.len() as u64 - 1);
    assert_eq!(outbox.counters().announced, PerFamily { ipv4: 3_000, ipv6: 0 });
}

#[test]
fn after_a_notification_no_route_begins() {
    let mut outbox = up(&sample::internet(3_000, 1, 1), &session());
    let begun = take_just(&mut outbox, 100);
    let mut cease = keepalive();
    (cease[17], cease[18]) = (21, 3);
    cease.extend([6, 2]);
    outbox.control(keepalive());
    outbox.control(cease);
    outbox.control(keepalive());
    assert!(outbox.is_closing() && outbox.wants_write());
    let all = [begun, take(&mut outbox, 1)].concat();
    let kinds: Vec<u8> = messages(&all).iter().map(|message| message[18]).collect();
    assert_eq!(kinds, [2, 4, 3]);
    assert!(outbox.control_is_flushed() && !outbox.wants_write());
    outbox.down();
    assert!(!outbox.is_closing());
}

#[test]
fn control_messages_are_bounded_and_a_notification_always_finds_room() {
    let mut outbox = Outbox::new();
    let refresh = |n: u8| [&[0xFF; 16][..], &[0, 23, 5, 0, 1, n, 1]].concat();
    (0..40).for_each(|n| outbox.control(refresh(n)));
    assert_eq!(outbox.counters().control_dropped, 8);
    outbox.control([&[0xFF; 16][..], &[0, 21, 3, 6, 2]].concat());
    let kinds: Vec<u8> = messages(&take(&mut outbox, usize::MAX)).iter().map(|m| m[18]).collect();
    assert_eq!((kinds.len(), kinds.last()), (32, Some(&3)));
}

#[test]
fn outcomes_of_the_sink_are_told_apart() {
    let mut outbox = up(&sample::internet(50, 1, 1), &session());
    let mut tries = 0;
    let wrote = outbox.write(0, usize::MAX, &mut |_| {
        tries += 1;
        Err(Error::from(if tries == 1 { ErrorKind::Interrupted } else { ErrorKind::WouldBlock }))
    });
    assert_eq!((wrote.unwrap(), tries), (Wrote { bytes: 0, outcome: Outcome::Blocked }, 2));
    let broken = outbox.write(0, usize::MAX, &mut |_| Err(Error::from(ErrorKind::BrokenPipe)));
    assert_eq!(broken.unwrap_err().kind(), ErrorKind::BrokenPipe);
    assert_eq!(outbox.write(0, usize::MAX, &mut |_| Ok(0)).unwrap().outcome, Outcome::Blocked);
    assert_eq!(outbox.write(0, 0, &mut |_| Ok(1)).unwrap().outcome, Outcome::Budget);
    let one = outbox.write(0, 1, &mut |slices| Ok(slices.iter().map(|s| s.len()).sum())).unwrap();
    assert_eq!(one.outcome, Outcome::Budget);
    assert_eq!(outbox.counters().updates, 1);
}

#[test]
fn a_refresh_waits_for_end_of_rib_and_two_that_wait_are_one() {
    let session = SessionProfile { enhanced_route_refresh: true, ..session() };
    let mut outbox = up(&routes(&[("13.64.0.0/11", plain(1))]), &session);
    outbox.refresh(Family::Ipv4);
    outbox.refresh(Family::Ipv4);
    let heard = words(&take(&mut outbox, usize::MAX));
    let told = |word: &Word| matches!(word, Word::Announce(..));
    assert!(told(&heard[0]) && told(&heard[4]), "{heard:?}");
    assert_eq!(heard[1], Word::EndOfRib(Family::Ipv4));
    assert_eq!(heard[2..4], [Word::EndOfRib(Family::Ipv6), Word::Refresh(Family::Ipv4, 1)]);
    assert_eq!(heard[5..], [Word::Refresh(Family::Ipv4, 2)]);
    outbox.set_announcing(Announcing::No);
    outbox.refresh(Family::Ipv4);
    let heard = words(&take(&mut outbox, usize::MAX));
    assert!(matches!(heard[0], Word::Withdraw(_)));
    assert_eq!(heard[1..], [Word::Refresh(Family::Ipv4, 1), Word::Refresh(Family::Ipv4, 2)]);
}

#[test]
fn a_session_that_may_have_nothing_gets_end_of_rib_at_once() {
    let all = routes(&[("13.64.0.0/11", plain(1)), ("2603:1000::/24", plain(1))]);
    let mut outbox = Outbox::new();
    outbox.up(session(), board(&all).view(&selectors()[0]), Announcing::No);
    let ends = Family::ALL.map(Word::EndOfRib);
    assert_eq!(words(&take(&mut outbox, usize::MAX)), ends);
    outbox.set_announcing(Announcing::Yes);
    assert_eq!(outbox.pending(), PerFamily { ipv4: 1, ipv6: 1 });
    assert_eq!(words(&take(&mut outbox, usize::MAX)).len(), 2);
    assert_eq!(outbox.synced_at(), PerFamily { ipv4: Some(7), ipv6: Some(7) });
}

#[test]
fn what_leaves_no_room_is_left_out_and_named() {
    let huge = Spec {
        attrs: AttrSet { communities: (0..1_020).map(Community).collect(), ..AttrSet::default() },
        ..Spec::default()
    };
    let all = routes(&[("1.0.0.0/24", plain(1)), ("1.0.1.0/24", huge.clone()), ("1.0.2.0/24", huge)]);
    let view = board(&all).view(&selectors()[0]);
    let [left_out] = &view.left_out(&session())[..] else { panic!() };
    assert_eq!((left_out.family, left_out.prefixes, left_out.first), (Family::Ipv4, 2, net("1.0.1.0/24")));
    assert_eq!(left_out.place.0.to_str(), Some("sample.yaml"));
    let mut outbox = Outbox::new();
    outbox.up(session(), view.clone(), Announcing::Yes);
    take(&mut outbox, usize::MAX);
    assert_eq!((outbox.advertised().ipv4, outbox.left_out().len()), (1, 1));
    let long = SessionProfile { max_message_len: 65_535, ..session() };
    assert_eq!(view.left_out(&long), []);
}

#[test]
fn sessions_that_may_have_the_same_share_one_view() {
    let here = Spec { locations: vec!["Ashburn".into()], ..plain(2) };
    let board = board(&routes(&[("1.0.0.0/24", plain(1)), ("1.0.1.0/24", here)]));
    let [nowhere, ashburn, paris] = selectors().map(|selector| board.view(&selector));
    assert!(Arc::ptr_eq(&nowhere, &paris));
    assert!(!Arc::ptr_eq(&nowhere, &ashburn));
    assert!(Arc::ptr_eq(&ashburn, &board.view(&selectors()[1])));
    assert_eq!([nowhere, ashburn].map(|view| view.count(Family::Ipv4)), [1, 2]);
}

#[test]
fn a_change_of_class_alone_says_nothing_to_those_that_still_have_the_route() {
    let mut ranks = Ranks::new();
    let make = |spec: Spec, ranks: &mut Ranks| {
        Arc::new(sample::generation(
            &routes(&[("1.0.0.0/24", spec), ("1.0.1.0/24", plain(2))]),
            None,
            ranks,
            1,
        ))
    };
    let first = Board::new(make(plain(1), &mut ranks));
    let second = first.next(make(Spec { locations: vec!["Ashburn".into()], ..plain(1) }, &mut ranks));
    for (selector, words_heard) in selectors().iter().zip([1, 0, 1]) {
        let mut outbox = Outbox::new();
        outbox.up(session(), first.view(selector), Announcing::Yes);
        take(&mut outbox, usize::MAX);
        outbox.set_view(second.view(selector));
        assert_eq!(words(&take(&mut outbox, usize::MAX)).len(), words_heard);
    }
}

#[test]
fn a_peer_in_sync_shares_what_changes_and_holds_no_generation_but_its_target() {
    let mut ranks = Ranks::new();
    let mut routes = sample::internet(2_000, 5, 1);
    let first = Arc::new(sample::generation(&routes, None, &mut ranks, 1));
    let old = Arc::downgrade(&first);
    let board = Board::new(first);
    let mut outbox = Outbox::new();
    outbox.up(session(), board.view(&selectors()[0]), Announcing::Yes);
    take(&mut outbox, usize::MAX);
    routes.values_mut().step_by(3).for_each(|spec| *spec = plain(9));
    let next = board.next(Arc::new(sample::generation(&routes, Some(board.generation()), &mut ranks, 2)));
    next.prepare(&[session()]);
    outbox.set_view(next.view(&selectors()[0]));
    drop(board);
    assert_eq!(old.strong_count(), 0);
    assert!(outbox.pending().ipv4 > 0);
    assert_eq!(outbox.private_bytes(), 0);
    let begun = take_just(&mut outbox, 10);
    assert_eq!(begun.len(), 10);
    outbox.set_announcing(Announcing::GracefulShutdown);
    assert!(outbox.private_bytes() > 0);
    take(&mut outbox, usize::MAX);
    assert_eq!(outbox.private_bytes(), 0);
}

/// The refresh has passed the place that the route comes to, so only an exception can get it announced before EoRR.
#[test]
fn a_route_that_moves_behind_a_refresh_is_announced_before_its_end() {
    let here = Spec { locations: vec!["Ashburn".into()], ..plain(1) };
    let nets = universe();
    let first =
        nets.iter().map(|net| (*net, if *net == nets[7] { here.clone() } else { plain(1) })).collect();
    let session = SessionProfile { max_message_len: 4096, ..sessions()[1].clone() };
    let mut world = World::new(first, session);
    world.apply(Event::Select(1));
    world.drain();
    world.apply(Event::Refresh(Family::Ipv4));
    // BoRR, and the run of routes for everywhere.
    world.apply(Event::Write(usize::MAX, 1));
    world.apply(Event::Write(usize::MAX, 1));
    let [.., Word::Refresh(Family::Ipv4, 1), Word::Announce(said, _)] = &world.peer.words[..] else {
        panic!()
    };
    assert_eq!(said.len(), 19);
    world.apply(Event::Install(vec![(7, Some(0))]));
    world.drain();
    let Some(Word::Refresh(Family::Ipv4, 2)) = world.peer.words.last() else { panic!() };
}

#[test]
fn a_session_costs_little_and_can_go_to_any_thread() {
    fn may_be_shared<T: Send + Sync + Debug>() {}
    may_be_shared::<Outbox>();
    may_be_shared::<Board>();
    may_be_shared::<Told>();
    let outbox = up(&sample::internet(100, 3, 1), &session());
    assert!(format!("{outbox:?}").len() < 4_000, "{outbox:?}");
    let lane = size_of::<super::super::super::lane::Lane<u128>>();
    assert!(lane <= 256, "{lane}");
}
