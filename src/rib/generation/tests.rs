use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use proptest::prelude::*;

use super::super::sample::{Spec, generation, internet, plain, rows};
use super::*;
use crate::rib::Row;

fn net(text: &str) -> IpNet {
    text.parse().unwrap()
}

fn routes(of: &[(&str, u16)]) -> BTreeMap<IpNet, Spec> {
    of.iter().map(|(text, set)| (net(text), plain(*set))).collect()
}

#[test]
fn a_route_is_found_with_its_place_and_selectors() {
    let mut all = routes(&[("13.64.0.0/11", 1), ("20.33.0.0/16", 2), ("2603:1000::/24", 1)]);
    let here = Spec { locations: vec!["Ashburn".into()], peerings: vec!["x".into()], ..plain(2) };
    all.insert(net("20.33.4.0/24"), here);
    let g = generation(&all, None, &mut Ranks::new(), 3);
    assert_eq!((g.number(), g.installed_at(), g.count()), (3, 300, PerFamily { ipv4: 3, ipv6: 1 }));
    let route = g.get(net("20.33.4.0/24")).unwrap();
    assert_eq!(route.attrs.communities, plain(2).attrs.communities);
    assert_eq!((route.peering_locations, route.peerings), (vec!["Ashburn".to_owned()], vec!["x".to_owned()]));
    assert_eq!((route.file.to_str(), route.line), (Some("sample.yaml"), 7));
    assert_eq!(route.since, (3, 300));
    assert_eq!(g.get(net("20.33.0.0/17")), None);
    assert_eq!(g.get(net("2603:1000::/24")).unwrap().source.as_deref(), Some("group 0"));
}

#[test]
fn unchanged_routes_keep_their_time_and_unused_times_go() {
    let mut ranks = Ranks::new();
    let first =
        generation(&routes(&[("1.0.0.0/24", 1), ("1.0.1.0/24", 1), ("1.0.2.0/24", 2)]), None, &mut ranks, 1);
    let second = routes(&[("1.0.0.0/24", 1), ("1.0.1.0/24", 2), ("1.0.2.0/24", 2), ("1.0.3.0/24", 1)]);
    let second = generation(&second, Some(&first), &mut ranks, 2);
    let since = |g: &Generation, text: &str| g.get(net(text)).unwrap().since.0;
    let all = ["1.0.0.0/24", "1.0.1.0/24", "1.0.2.0/24", "1.0.3.0/24"];
    assert_eq!(all.map(|p| since(&second, p)), [1, 2, 1, 2]);
    let third = routes(&[("1.0.1.0/24", 2), ("1.0.3.0/24", 3)]);
    let third = generation(&third, Some(&second), &mut ranks, 3);
    assert_eq!([since(&third, "1.0.1.0/24"), since(&third, "1.0.3.0/24")], [2, 3]);
    assert_eq!(third.v4.changes(), [(2, 200), (3, 300)]);
}

#[test]
fn the_hash_is_of_content_alone() {
    let mut ranks = Ranks::new();
    let all = routes(&[("1.0.0.0/24", 1), ("1.0.1.0/24", 2), ("2603:1000::/24", 1)]);
    let one = generation(&all, None, &mut ranks, 1);
    // Other ranks, lines, number and time.
    let mut other_ranks = Ranks::new();
    let before = generation(&routes(&[("9.0.0.0/8", 2)]), None, &mut other_ranks, 1);
    let mut shifted = rows(&all);
    shifted.files[0].first_line = 0;
    let two = Generation::build(shifted, Some(&before), &mut other_ranks, 7, 9).unwrap();
    assert_ne!(one.v4.ranked(0).unwrap().rank, two.v4.ranked(0).unwrap().rank);
    assert_eq!(one.hash_hex(), two.hash_hex());
    assert_eq!(one.hash_hex().len(), 64);
    for other in [
        routes(&[("1.0.0.0/24", 1), ("1.0.1.0/24", 1), ("2603:1000::/24", 1)]),
        routes(&[("1.0.0.0/24", 2), ("1.0.1.0/24", 1), ("2603:1000::/24", 1)]),
        routes(&[("1.0.0.0/24", 1), ("1.0.1.0/24", 2)]),
        routes(&[("1.0.0.0/24", 1), ("1.0.1.0/25", 2), ("2603:1000::/24", 1)]),
    ] {
        assert_ne!(generation(&other, None, &mut ranks, 1).hash(), one.hash(), "{other:?}");
    }
    let mut elsewhere = all.clone();
    elsewhere.get_mut(&net("1.0.0.0/24")).unwrap().locations = vec!["Ashburn".into()];
    assert_ne!(generation(&elsewhere, None, &mut ranks, 1).hash(), one.hash());
}

#[test]
fn the_hash_has_not_changed_by_accident() {
    let all = routes(&[("1.0.0.0/24", 1), ("2603:1000::/24", 1)]);
    let g = generation(&all, None, &mut Ranks::new(), 1);
    expect_test::expect!["0c6aba01a207277508bcc41d5f51e6d64dff72550fe2ec98661f8c6ea7628015"]
        .assert_eq(&g.hash_hex());
}

#[test]
fn rows_that_break_their_contract_are_refused() {
    let good = rows(&routes(&[("1.0.0.0/24", 1), ("1.0.1.0/24", 1)]));
    let build = |change: &dyn Fn(&mut Vec<Row<u32>>)| {
        let mut rows = good.clone();
        change(&mut rows.v4);
        Generation::build(rows, None, &mut Ranks::new(), 1, 1).map(|g| g.count().ipv4)
    };
    assert_eq!(build(&|_| ()), Ok(2));
    assert!(matches!(build(&|r| r.reverse()), Err(BuildError::Row { index: 1, .. })));
    assert!(matches!(build(&|r| r[1] = r[0]), Err(BuildError::Row { index: 1, .. })));
    assert!(matches!(build(&|r| r[0].addr += 1), Err(BuildError::Row { index: 0, .. })));
    assert!(matches!(build(&|r| r[0].len = 33), Err(BuildError::Row { index: 0, .. })));
    assert!(matches!(build(&|r| r[1].group = 1), Err(BuildError::Row { index: 1, .. })));
}

#[test]
fn groups_on_one_line_are_told_apart() {
    let mut rows = rows(&routes(&[("1.0.0.0/24", 1), ("1.0.1.0/24", 2)]));
    rows.groups.iter_mut().for_each(|g| g.line = 1);
    rows.v4.iter_mut().for_each(|r| r.line = 1);
    let g = Generation::build(rows, None, &mut Ranks::new(), 1, 1).unwrap();
    let source = |text: &str| g.get(net(text)).unwrap().source.unwrap().to_string();
    assert_eq!([source("1.0.0.0/24"), source("1.0.1.0/24")], ["group 0", "group 1"]);
}

#[test]
fn an_empty_load_is_an_empty_generation() {
    let g = Generation::build(Rows::default(), None, &mut Ranks::new(), 1, 1).unwrap();
    assert_eq!(g.count(), PerFamily { ipv4: 0, ipv6: 0 });
    assert!(g.page(Family::Ipv4, None, 10).is_empty());
    assert_eq!(g.longest_match("1.2.3.4".parse().unwrap()), None);
    assert_eq!((g.v4.strip().end(), g.v4.strip().number_at(0)), (0, 0));
}

#[test]
fn the_strip_has_every_prefix_once_in_wire_order_and_can_be_searched() {
    let all = internet(5_000, 9, 1);
    let g = generation(&all, None, &mut Ranks::new(), 1);
    let strip = g.v4.strip();
    let mut want: Vec<(u32, Prefix<u32>)> =
        (0..g.v4.count()).map(|i| (g.v4.ranked(i).unwrap().rank, g.v4.prefix(i).unwrap())).collect();
    want.sort_unstable();
    let mut at = 0;
    for (number, (rank, prefix)) in (0..).zip(want) {
        assert_eq!(strip.prefix_at(at), Some(prefix));
        assert_eq!(strip.runs()[strip.run_at(at)].ranked.rank, rank);
        assert_eq!(strip.number_at(at), number);
        assert_eq!(strip.lower_bound(rank, prefix), at);
        let longer = Prefix { len: prefix.len + 1, ..prefix };
        at += u32::try_from(super::super::prefix::nlri_len(prefix.len)).unwrap();
        assert_eq!(strip.lower_bound(rank, longer), at);
    }
    assert_eq!((at, strip.number_at(at), strip.prefix_at(at)), (strip.end(), 5_000, None));
    assert_eq!((0..strip.runs().len()).map(|r| strip.count_of(r)).sum::<u32>(), 5_000);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn look_up_agrees_with_a_map(
        entries in prop::collection::btree_map(arb_net(), 0_u16..4, 0..60),
        probes in prop::collection::vec(arb_net(), 20),
        limit in 1_usize..9,
    ) {
        let all: BTreeMap<IpNet, Spec> = entries.iter().map(|(net, set)| (*net, plain(*set))).collect();
        let g = generation(&all, None, &mut Ranks::new(), 1);
        for probe in probes.iter().chain(all.keys()) {
            prop_assert_eq!(g.get(*probe).map(|r| r.attrs), all.get(probe).map(|s| s.attrs.clone().into()));
            let ip: IpAddr = probe.addr();
            let longest = all.keys().filter(|n| n.contains(&ip)).max_by_key(|n| n.prefix_len());
            prop_assert_eq!(g.longest_match(ip).map(|r| r.prefix), longest.copied());
            let cover = all.keys().filter(|n| n.contains(probe)).min_by_key(|n| n.prefix_len());
            let within = all.keys().find(|n| probe.contains(*n));
            prop_assert_eq!(g.overlap(*probe), cover.or(within).copied());
            for family in Family::ALL {
                let behind = |n: &&IpNet| of(family, n) && *n > probe;
                let want: Vec<_> = all.keys().filter(behind).take(limit).copied().collect();
                let page: Vec<_> = g.page(family, Some(*probe), limit).iter().map(|r| r.prefix).collect();
                prop_assert_eq!(page, want);
            }
        }
        let pages: Vec<_> = Family::ALL.into_iter().flat_map(|f| g.page(f, None, usize::MAX)).collect();
        prop_assert_eq!(pages.iter().map(|r| r.prefix).collect::<Vec<_>>(), all.keys().copied().collect::<Vec<_>>());
    }
}

fn of(family: Family, net: &IpNet) -> bool {
    matches!((family, net), (Family::Ipv4, IpNet::V4(_)) | (Family::Ipv6, IpNet::V6(_)))
}

/// Prefixes from a small space, so that they nest and repeat.
fn arb_net() -> impl Strategy<Value = IpNet> {
    let v4 = (0_u32..16, 0_u8..=32)
        .prop_map(|(a, len)| Prefix { addr: (a << 28 | a) & u32::mask(len), len }.to_net());
    let v6 = (0_u128..16, 0_u8..=128)
        .prop_map(|(a, len)| Prefix { addr: (a << 124 | a) & u128::mask(len), len }.to_net());
    prop_oneof![3 => v4, 1 => v6]
}
