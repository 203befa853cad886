//! A peer that hears every message at its first octet must hold, at every moment, what the outbox says it was told.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use proptest::prelude::*;

use super::super::naive::Word;
use super::super::view::{Board, Selector};
use super::*;
use crate::rib::Ranks;
use crate::rib::sample::{self, Spec, plain};
use crate::wire::{Asn, AttrSet, Community, LargeCommunity};

mod density;
mod hand;
mod large;
mod world;

use world::{Event, World};

type Routes = BTreeMap<IpNet, Spec>;

/// A session with both families, IPv4 in the classic form.
pub(super) fn session() -> SessionProfile {
    SessionProfile {
        local_asn: Asn(8075),
        four_octet_as: true,
        max_message_len: 4096,
        families: PerFamily { ipv4: true, ipv6: true },
        next_hop: PerFamily {
            ipv4: Some("192.0.2.1".parse().unwrap()),
            ipv6: Some("2001:db8::1".parse().unwrap()),
        },
        extended_next_hop: false,
        enhanced_route_refresh: false,
        link_local: None,
        otc: None,
    }
}

/// Sessions that differ in every knob, most with messages so short that a few prefixes fill one.
fn sessions() -> Vec<SessionProfile> {
    let six: Option<IpAddr> = "2001:db8::7".parse().ok();
    vec![
        session(),
        SessionProfile { max_message_len: 100, enhanced_route_refresh: true, ..session() },
        SessionProfile { max_message_len: 100, four_octet_as: false, otc: Some(Asn(8075)), ..session() },
        SessionProfile { max_message_len: 120, extended_next_hop: true, ..session() },
        SessionProfile {
            max_message_len: 110,
            families: PerFamily { ipv4: true, ipv6: false },
            local_asn: Asn(196_608),
            ..session()
        },
        SessionProfile {
            max_message_len: 97,
            next_hop: PerFamily { ipv4: None, ipv6: six },
            enhanced_route_refresh: true,
            four_octet_as: false,
            local_asn: Asn(196_608),
            ..session()
        },
        SessionProfile { max_message_len: 140, link_local: "fe80::7".parse().ok(), ..session() },
    ]
}

fn selectors() -> [Selector; 3] {
    let selector = |peering: &str, location: Option<&str>| Selector {
        peering: peering.into(),
        location: location.map(Into::into),
    };
    [selector("one", None), selector("one", Some("Ashburn")), selector("two", Some("Paris"))]
}

/// Attribute sets and classes: some equal in attributes but not in class, some too large for short messages.
fn specs() -> Vec<Spec> {
    let communities = |n: u32| (0..n).map(|c| Community(8075 << 16 | c)).collect();
    let with = |attrs| Spec { attrs, ..Spec::default() };
    let none = AttrSet::default;
    vec![
        plain(1),
        plain(2),
        Spec { locations: vec!["Ashburn".into()], ..plain(1) },
        Spec { locations: vec!["Ashburn".into(), "Paris".into()], ..plain(3) },
        Spec { peerings: vec!["two".into()], ..plain(2) },
        with(AttrSet { communities: communities(10), ..none() }),
        with(AttrSet { communities: communities(12), ..none() }),
        with(AttrSet { med: Some(40), large_communities: vec![LargeCommunity([8075, 1, 2])], ..none() }),
        with(AttrSet { as_path: vec![Asn(196_609), Asn(64500)], ..none() }),
        with(AttrSet { communities: vec![Community(0xFFFF_0000), Community(0xFFFF_FF01)], ..none() }),
    ]
}

/// Every prefix that a table of these tests may have.
fn universe() -> Vec<IpNet> {
    let v4 = (0..10).flat_map(|i| [format!("20.{i}.0.0/16"), format!("20.{i}.128.0/{}", 17 + i)]);
    let v6 = (0..8).map(|i| format!("2603:10{i:02x}::/{}", 32 + i));
    v4.chain(v6).map(|text| text.parse().unwrap()).collect()
}

fn family(net: &IpNet) -> Family {
    if net.addr().is_ipv4() { Family::Ipv4 } else { Family::Ipv6 }
}

/// A KEEPALIVE.
pub(super) fn keepalive() -> Vec<u8> {
    let mut message = vec![0xFF; 16];
    message.extend([0, 19, 4]);
    message
}

fn arb_changes() -> impl Strategy<Value = Vec<(usize, Option<usize>)>> {
    let spec = prop_oneof![1 => Just(None), 3 => (0..specs().len()).prop_map(Some)];
    prop::collection::vec((0..universe().len(), spec), 1..8)
}

fn arb_announcing() -> impl Strategy<Value = Announcing> {
    prop_oneof![
        3 => Just(Announcing::Yes),
        2 => Just(Announcing::GracefulShutdown),
        2 => Just(Announcing::No)
    ]
}

fn arb_event() -> impl Strategy<Value = Event> {
    let octets = prop_oneof![
        1 => Just(0_usize), 2 => Just(1), 4 => 2_usize..70, 6 => 70_usize..300, 1 => Just(usize::MAX)
    ];
    let budget = prop_oneof![1 => Just(0_usize), 2 => 1_usize..300, 5 => Just(usize::MAX)];
    prop_oneof![
        5 => arb_changes().prop_map(Event::Install),
        2 => arb_changes().prop_map(Event::InstallInSync),
        1 => Just(Event::Empty),
        2 => Just(Event::Rollback),
        2 => (0..selectors().len()).prop_map(Event::Select),
        4 => arb_announcing().prop_map(Event::Announce),
        3 => prop_oneof![Just(Family::Ipv4), Just(Family::Ipv6)].prop_map(Event::Refresh),
        1 => (0..sessions().len(), arb_announcing()).prop_map(|(s, a)| Event::Reconnect(s, a)),
        1 => Just(Event::Keepalive),
        24 => (octets, budget).prop_map(|(octets, budget)| Event::Write(octets, budget)),
    ]
}

fn arb_routes() -> impl Strategy<Value = Routes> {
    prop::collection::vec(prop::option::weighted(0.8, 0..specs().len()), universe().len()).prop_map(|of| {
        let chosen = universe().into_iter().zip(of);
        chosen.filter_map(|(net, spec)| Some((net, specs()[spec?].clone()))).collect()
    })
}

/// Changes of mind between two messages: this is how all four zones come to be used, and one ink more is wanted.
fn arb_restless() -> impl Strategy<Value = Vec<Event>> {
    let change = prop_oneof![
        6 => arb_announcing().prop_map(Event::Announce),
        2 => arb_changes().prop_map(Event::Install),
        1 => Just(Event::Refresh(Family::Ipv4)),
        1 => (0..selectors().len()).prop_map(Event::Select),
    ];
    let message = (1_usize..4).prop_map(|messages| Event::Write(messages * 60, 1));
    prop::collection::vec((change, message), 10..40)
        .prop_map(|pairs| pairs.into_iter().flat_map(|(change, message)| [change, message]).collect())
}

fn run(routes: Routes, session: usize, events: Vec<Event>) {
    let mut world = World::new(routes, sessions()[session].clone());
    for event in events {
        world.apply(event);
    }
    world.drain();
}

/// `PROPTEST_CASES` asks for more.
fn config() -> ProptestConfig {
    let asked = std::env::var("PROPTEST_CASES").is_ok();
    let default = ProptestConfig { failure_persistence: None, ..ProptestConfig::default() };
    if asked { default } else { ProptestConfig { cases: 300, ..default } }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn a_peer_holds_what_it_was_told_at_every_octet(
        routes in arb_routes(),
        session in 0..sessions().len(),
        events in prop::collection::vec(arb_event(), 1..60),
    ) {
        run(routes, session, events);
    }

    #[test]
    fn it_does_so_when_minds_change_at_every_message(
        routes in arb_routes(),
        session in 0..sessions().len(),
        events in arb_restless(),
    ) {
        run(routes, session, events);
    }
}
