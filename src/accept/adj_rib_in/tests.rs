mod accepting;
mod extensions;

use std::collections::BTreeMap as Map;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::wire::{Asn, FirstAs, UpdateContext, decode_update};

fn ctx() -> UpdateContext {
    UpdateContext {
        local_asn: Asn(8075),
        peer_asn: Asn(65001),
        peer_address: "192.0.2.1".parse().unwrap(),
        local_address: PerFamily::default(),
        first_as: FirstAs::Peer,
        four_octet_as: true,
        families: PerFamily { ipv4: true, ipv6: true },
        extended_next_hop: false,
        add_path: PerFamily::default(),
    }
}

fn nlri(nets: &[&str]) -> Vec<u8> {
    nets.iter()
        .flat_map(|net| {
            let net: IpNet = net.parse().unwrap();
            let octets = match net {
                IpNet::V4(net) => net.addr().octets().to_vec(),
                IpNet::V6(net) => net.addr().octets().to_vec(),
            };
            let len = net.prefix_len();
            std::iter::once(len).chain(octets.into_iter().take(usize::from(len).div_ceil(8)))
        })
        .collect()
}

pub(in crate::accept) fn attribute(flags: u8, code: u8, value: &[u8]) -> Vec<u8> {
    [&[flags | 0x10, code], u16::try_from(value.len()).unwrap().to_be_bytes().as_slice(), value].concat()
}

pub(in crate::accept) fn path(asns: &[u32]) -> Vec<u8> {
    let numbers: Vec<u8> = asns.iter().flat_map(|n| n.to_be_bytes()).collect();
    attribute(0x40, 2, &[&[2, u8::try_from(asns.len()).unwrap()], numbers.as_slice()].concat())
}

/// The body of an UPDATE: IPv4 withdrawn, attributes behind ORIGIN and NEXT_HOP, IPv4 announced.
pub(in crate::accept) fn body(withdrawn: &[&str], attributes: &[Vec<u8>], announced: &[&str]) -> Vec<u8> {
    let (withdrawn, announced) = (nlri(withdrawn), nlri(announced));
    let mut all = attributes.concat();
    if !announced.is_empty() || !all.is_empty() {
        all.extend([attribute(0x40, 1, &[0]), attribute(0x40, 3, &[192, 0, 2, 1])].concat());
    }
    let len = |octets: &[u8]| u16::try_from(octets.len()).unwrap().to_be_bytes();
    [&len(&withdrawn), withdrawn.as_slice(), &len(&all), &all, &announced].concat()
}

pub(in crate::accept) fn announce(prefixes: &[&str]) -> Vec<u8> {
    body(&[], &[path(&[65001])], prefixes)
}

pub(in crate::accept) fn announce_v6(prefixes: &[&str]) -> Vec<u8> {
    let hop = "2001:db8::1".parse::<std::net::Ipv6Addr>().unwrap().octets();
    let reach = [&[0, 2, 1, 16], hop.as_slice(), &[0], &nlri(prefixes)].concat();
    body(&[], &[attribute(0x80, 14, &reach), path(&[65001])], &[])
}

pub(in crate::accept) fn rib(limit: u64, budget: &Arc<Budget>) -> AdjRibIn {
    AdjRibIn::new(PerFamily { ipv4: limit, ipv6: limit }, Arc::clone(budget))
}

pub(in crate::accept) fn apply(
    rib: &mut AdjRibIn,
    octets: &[u8],
    now: u64,
) -> Result<Applied, LimitExceeded> {
    rib.apply(&decode_update(octets, &ctx()), now)
}

/// The only path of a prefix.
fn key(prefix: &str) -> PathKey {
    (prefix.parse().unwrap(), PathId::default())
}

fn prefixes(routes: &[ReceivedRoute]) -> Vec<String> {
    routes.iter().map(|route| route.prefix.to_string()).collect()
}

#[test]
fn routes_are_held_replaced_and_withdrawn() {
    let budget = Arc::new(Budget::new(100));
    let mut rib = rib(100, &budget);
    let applied = apply(&mut rib, &announce(&["10.0.0.0/8", "11.0.0.0/8", "10.0.0.0/8"]), 5).unwrap();
    assert_eq!((applied.announced.ipv4, applied.withdrawn.ipv4), (3, 0));
    apply(&mut rib, &announce_v6(&["2001:db8:1::/48"]), 6).unwrap();
    assert_eq!((rib.count(), budget.held()), (PerFamily { ipv4: 2, ipv6: 1 }, 3));

    let route = rib.get(key("10.0.0.0/8")).unwrap();
    assert_eq!((route.next_hop.to_string().as_str(), route.received_at), ("192.0.2.1", 5));
    assert_eq!(route.attrs.as_path.to_string(), "65001");
    let route = rib.get(key("2001:db8:1::/48")).unwrap();
    assert_eq!((route.next_hop.to_string().as_str(), route.received_at), ("2001:db8::1", 6));
    assert!(rib.get(key("10.0.0.0/9")).is_none());

    let again = body(&[], &[path(&[65001, 7]), attribute(0x80, 4, &[0, 0, 0, 9])], &["10.0.0.0/8"]);
    apply(&mut rib, &again, 7).unwrap();
    let route = rib.get(key("10.0.0.0/8")).unwrap();
    assert_eq!(
        (route.attrs.as_path.to_string(), route.attrs.med, route.received_at),
        ("65001 7".to_owned(), Some(9), 7)
    );
    assert_eq!((rib.count().ipv4, budget.held()), (2, 3));

    let applied = apply(&mut rib, &body(&["10.0.0.0/8", "12.0.0.0/8"], &[], &[]), 8).unwrap();
    assert_eq!(applied.withdrawn, PerFamily { ipv4: 2, ipv6: 0 });
    assert_eq!((rib.count().ipv4, budget.held()), (1, 2));
}

#[test]
fn a_prefix_both_withdrawn_and_announced_is_announced() {
    let budget = Arc::new(Budget::new(100));
    let mut rib = rib(100, &budget);
    apply(&mut rib, &body(&["10.0.0.0/8"], &[path(&[65001])], &["10.0.0.0/8"]), 1).unwrap();
    assert_eq!(rib.count().ipv4, 1);
}

#[test]
fn what_is_treated_as_withdrawn_or_loops_goes() {
    let budget = Arc::new(Budget::new(100));
    let mut rib = rib(100, &budget);
    apply(&mut rib, &announce(&["10.0.0.0/8", "11.0.0.0/8", "12.0.0.0/8"]), 1).unwrap();

    let bad = body(&[], &[path(&[65001]), attribute(0x80, 4, &[0; 3])], &["10.0.0.0/8"]);
    let applied = apply(&mut rib, &bad, 2).unwrap();
    assert_eq!((applied.treatment, applied.withdrawn.ipv4), (Treatment::TreatAsWithdraw, 1));

    let applied =
        apply(&mut rib, &body(&[], &[path(&[65001, 8075])], &["11.0.0.0/8", "13.0.0.0/8"]), 3).unwrap();
    assert_eq!((applied.treatment, applied.withdrawn.ipv4), (Treatment::Accept, 2));
    assert_eq!(applied.announced, PerFamily::default());
    assert_eq!(prefixes(&rib.page(None, 10)), ["12.0.0.0/8"]);
    assert_eq!(budget.held(), 1);
}

#[test]
fn a_session_reset_changes_nothing() {
    let budget = Arc::new(Budget::new(100));
    let mut rib = rib(100, &budget);
    apply(&mut rib, &announce(&["10.0.0.0/8"]), 1).unwrap();
    let applied = apply(&mut rib, &[0, 2, 8, 10, 0, 9], 2).unwrap();
    assert_eq!((applied.treatment, rib.count().ipv4), (Treatment::SessionReset, 1));
}

#[test]
fn end_of_rib_is_passed_on() {
    let budget = Arc::new(Budget::new(1));
    let mut rib = rib(1, &budget);
    assert_eq!(apply(&mut rib, &[0, 0, 0, 0], 1).unwrap().end_of_rib, Some(Family::Ipv4));
    assert_eq!(apply(&mut rib, &announce(&["10.0.0.0/8"]), 1).unwrap().end_of_rib, None);
}

#[test]
fn the_prefix_past_the_limit_is_not_held() {
    let budget = Arc::new(Budget::new(100));
    let mut rib = rib(2, &budget);
    let error = apply(&mut rib, &announce(&["10.0.0.0/8", "11.0.0.0/8", "12.0.0.0/8"]), 1).unwrap_err();
    assert_eq!(error, LimitExceeded::Session { family: Family::Ipv4, limit: 2 });
    assert_eq!((rib.count().ipv4, budget.held()), (2, 2));
    let wanted = Notification::with_data(ErrorCode(6, 1), [0, 1, 1, 0, 0, 0, 2]);
    assert_eq!(error.notification(), wanted);

    // What is held may still change, and the families have limits of their own.
    apply(&mut rib, &announce(&["10.0.0.0/8", "11.0.0.0/8"]), 2).unwrap();
    apply(&mut rib, &announce_v6(&["2001:db8:1::/48", "2001:db8:2::/48"]), 2).unwrap();
    let error = apply(&mut rib, &announce_v6(&["2001:db8:3::/48"]), 2).unwrap_err();
    assert_eq!(error.notification().data, [0, 2, 1, 0, 0, 0, 2]);

    let huge = LimitExceeded::Session { family: Family::Ipv4, limit: u64::MAX };
    assert_eq!(huge.notification().data, [0, 1, 1, 255, 255, 255, 255]);
}

#[test]
fn a_limit_of_zero_holds_nothing() {
    let budget = Arc::new(Budget::new(100));
    let mut rib = rib(0, &budget);
    assert!(apply(&mut rib, &announce(&["10.0.0.0/8"]), 1).is_err());
    assert_eq!((rib.count().ipv4, budget.held()), (0, 0));
}

#[test]
fn sessions_share_the_budget_and_give_it_back() {
    let budget = Arc::new(Budget::new(3));
    let (mut one, mut two) = (rib(100, &budget), rib(100, &budget));
    apply(&mut one, &announce(&["10.0.0.0/8", "11.0.0.0/8"]), 1).unwrap();
    let error = apply(&mut two, &announce(&["10.0.0.0/8", "11.0.0.0/8"]), 1).unwrap_err();
    assert_eq!(error, LimitExceeded::Process { limit: 3 });
    assert_eq!(error.notification(), Notification::new(ErrorCode(6, 8)));
    assert_eq!((two.count().ipv4, budget.held()), (1, 3));

    one.clear();
    assert_eq!((one.count(), budget.held()), (PerFamily::default(), 1));
    apply(&mut two, &announce(&["11.0.0.0/8", "12.0.0.0/8"]), 1).unwrap();
    drop(two);
    assert_eq!(budget.held(), 0);
}

#[test]
fn attributes_have_a_bound_too() {
    let budget = Arc::new(Budget::new(1_000_000));
    let small = Arc::new(Budget::new(10_000));
    let (mut roomy, mut tight) = (rib(10_000, &budget), rib(10_000, &small));
    let many: Vec<u8> = (0..60_000_u32).map(|n| n.to_be_bytes()[3]).collect();
    let mut refused = None;
    for n in 0..200_u32 {
        let [_, _, _, d] = n.to_be_bytes();
        let prefix = format!("10.{d}.0.0/16");
        let octets = body(&[], &[path(&[65001]), attribute(0xC0, 8, &many)], &[&prefix]);
        apply(&mut roomy, &octets, 1).unwrap();
        if let Err(error) = apply(&mut tight, &octets, 1) {
            refused = Some((n, error));
            break;
        }
    }
    // 60,000 octets each in seven eighths of 10,000 × 512.
    let (n, error) = refused.unwrap();
    assert_eq!((n, error), (75, LimitExceeded::ProcessAttributes));
    assert_eq!(error.notification(), Notification::new(ErrorCode::OUT_OF_RESOURCES));
    // A route that goes gives its attributes back.
    apply(&mut tight, &body(&["10.0.0.0/16"], &[], &[]), 2).unwrap();
    apply(&mut tight, &body(&[], &[path(&[65001]), attribute(0xC0, 8, &many)], &["10.90.0.0/16"]), 2)
        .unwrap();
}

/// An UPDATE of one prefix, 10.n.0.0/16, with 60,000 octets of communities.
fn heavy(n: u8) -> Vec<u8> {
    body(&[], &[path(&[65001]), attribute(0xC0, 8, &[n; 60_000])], &[&format!("10.{n}.0.0/16")])
}

#[test]
fn a_hog_of_attributes_ends_itself_and_no_other() {
    let budget = Arc::new(Budget::new(10_000));
    let (mut hog, mut innocent) = (rib(1000, &budget), rib(1000, &budget));
    apply(&mut innocent, &announce(&["11.0.0.0/8"]), 1).unwrap();
    // 2,000 × 512 octets are less than 1 MiB.
    let error = (0..=255).find_map(|n| apply(&mut hog, &heavy(n), 1).err()).unwrap();
    assert_eq!(error, LimitExceeded::SessionAttributes { limit: 1 << 20 });
    assert_eq!(error.notification(), Notification::new(ErrorCode(6, 8)));
    assert_eq!(hog.count().ipv4, 17);
    apply(&mut innocent, &announce(&["12.0.0.0/8"]), 2).unwrap();
}

#[test]
fn a_hog_within_its_own_limits_leaves_room_for_the_innocent() {
    let budget = Arc::new(Budget::new(1000));
    let (mut hog, mut innocent) = (rib(u64::MAX, &budget), rib(u64::MAX, &budget));
    apply(&mut innocent, &announce(&["11.0.0.0/8"]), 1).unwrap();
    let one = |n: u32| announce(&[&format!("10.{}.{}.0/24", n >> 8, n & 255)]);
    let error = (0..2000).find_map(|n| apply(&mut hog, &one(n), 1).err()).unwrap();
    assert_eq!(error, LimitExceeded::Process { limit: 1000 });
    assert!((870..=876).contains(&hog.count().ipv4), "{:?}", hog.count());
    for n in 0..100 {
        apply(&mut innocent, &one(n), 2).unwrap();
    }
}

#[test]
fn a_hog_of_attributes_without_limits_of_its_own_leaves_room_too() {
    let budget = Arc::new(Budget::new(8192));
    let (mut hog, mut innocent) = (rib(u64::MAX, &budget), rib(u64::MAX, &budget));
    let error = (0..=255).find_map(|n| apply(&mut hog, &heavy(n), 1).err()).unwrap();
    assert_eq!(error, LimitExceeded::ProcessAttributes);
    for n in 0..5 {
        apply(&mut innocent, &heavy(n), 1).unwrap();
    }
    assert_eq!(apply(&mut hog, &heavy(255), 1).unwrap_err(), LimitExceeded::ProcessAttributes);
    hog.clear();
    for n in 5..50 {
        apply(&mut innocent, &heavy(n), 1).unwrap();
    }
}

#[test]
fn prefixes_of_both_families_count_as_held() {
    let budget = Arc::new(Budget::new(80));
    let mut rib = rib(u64::MAX, &budget);
    for n in 0..35 {
        apply(&mut rib, &announce(&[&format!("10.{n}.0.0/16")]), 1).unwrap();
    }
    let one = |n: u32| announce_v6(&[&format!("2001:db8:{n:x}::/48")]);
    assert!((0..80).find_map(|n| apply(&mut rib, &one(n), 1).err()).is_some());
    assert_eq!(rib.count(), PerFamily { ipv4: 35, ipv6: 36 });
}

#[test]
fn limits_set_below_what_is_held_are_exceeded() {
    let budget = Arc::new(Budget::new(100_000));
    let mut rib = rib(10_000, &budget);
    assert_eq!(rib.exceeded(), None);
    apply(&mut rib, &announce(&["10.0.0.0/8", "11.0.0.0/8"]), 1).unwrap();
    apply(&mut rib, &announce_v6(&["2001:db8:1::/48"]), 1).unwrap();
    let mut exceeded = |ipv4, ipv6| {
        rib.set_limits(PerFamily { ipv4, ipv6 });
        rib.exceeded()
    };
    assert_eq!(exceeded(2, 1), None);
    assert_eq!(exceeded(1, 1), Some(LimitExceeded::Session { family: Family::Ipv4, limit: 1 }));
    assert_eq!(exceeded(2, 0), Some(LimitExceeded::Session { family: Family::Ipv6, limit: 0 }));
    assert_eq!(exceeded(10_000, 10_000), None);

    for n in 0..30 {
        apply(&mut rib, &heavy(n), 2).unwrap();
    }
    assert_eq!(rib.exceeded(), None);
    rib.set_limits(PerFamily { ipv4: 100, ipv6: 100 });
    assert_eq!(rib.exceeded(), Some(LimitExceeded::SessionAttributes { limit: 1 << 20 }));
    rib.clear();
    assert_eq!(rib.exceeded(), None);
}

#[test]
fn routes_of_one_update_share_their_attributes() {
    let budget = Arc::new(Budget::new(100));
    let mut rib = rib(100, &budget);
    apply(&mut rib, &announce(&["10.0.0.0/8", "11.0.0.0/8"]), 1).unwrap();
    let page = rib.page(None, 10);
    assert!(Arc::ptr_eq(&page[0].attrs, &page[1].attrs));
}

#[test]
fn pages_follow_each_other_through_both_families() {
    let budget = Arc::new(Budget::new(100));
    let mut rib = rib(100, &budget);
    apply(&mut rib, &announce(&["11.0.0.0/8", "10.0.0.0/16", "10.0.0.0/8"]), 1).unwrap();
    apply(&mut rib, &announce_v6(&["2001:db8:2::/48", "2001:db8::/32"]), 1).unwrap();
    let all = ["10.0.0.0/8", "10.0.0.0/16", "11.0.0.0/8", "2001:db8::/32", "2001:db8:2::/48"];
    assert_eq!(prefixes(&rib.page(None, usize::MAX)), all);
    for size in 1..=6 {
        let (mut after, mut seen) = (None, Vec::new());
        loop {
            let page = rib.page(after, size);
            assert!(page.len() <= size);
            let Some(last) = page.last() else { break };
            after = Some(last.key());
            seen.extend(prefixes(&page));
        }
        assert_eq!(seen, all, "pages of {size}");
    }
    // A place that is not held is a place all the same.
    assert_eq!(prefixes(&rib.page(Some(key("10.0.0.0/12")), 2)), ["10.0.0.0/16", "11.0.0.0/8"]);
    assert!(rib.page(None, 0).is_empty());
}

/// NLRI of IPv4 with path identifiers.
fn paths(paths: &[(u32, &str)]) -> Vec<u8> {
    paths.iter().flat_map(|(id, net)| [&id.to_be_bytes(), nlri(&[net]).as_slice()].concat()).collect()
}

/// Announces and withdraws IPv4 by ADD-PATH, and IPv6 without.
fn apply_paths(
    rib: &mut AdjRibIn,
    withdrawn: &[(u32, &str)],
    announced: &[(u32, &str)],
    asns: &[u32],
) -> Result<Applied, LimitExceeded> {
    let ctx = UpdateContext { add_path: PerFamily { ipv4: true, ipv6: false }, ..ctx() };
    let attributes = [path(asns), attribute(0x40, 1, &[0]), attribute(0x40, 3, &[192, 0, 2, 1])].concat();
    let attributes = if announced.is_empty() { Vec::new() } else { attributes };
    let (withdrawn, announced) = (paths(withdrawn), paths(announced));
    let len = |octets: &[u8]| u16::try_from(octets.len()).unwrap().to_be_bytes();
    let octets =
        [&len(&withdrawn), withdrawn.as_slice(), &len(&attributes), &attributes, &announced].concat();
    rib.apply(&decode_update(&octets, &ctx), 1)
}

#[test]
fn paths_of_one_prefix_are_held_beside_each_other() {
    let budget = Arc::new(Budget::new(100));
    let mut rib = rib(3, &budget);
    let net = "10.0.0.0/8";
    apply_paths(&mut rib, &[], &[(7, net), (1, net)], &[65001]).unwrap();
    apply_paths(&mut rib, &[], &[(u32::MAX, net)], &[65001, 3356]).unwrap();
    let held = |rib: &AdjRibIn| -> Vec<(u32, String)> {
        let page = rib.page(None, 10).into_iter();
        page.map(|route| (route.path_id.number(), route.attrs.as_path.to_string())).collect()
    };
    let one = |id: u32, path: &str| (id, path.to_owned());
    assert_eq!(held(&rib), [one(1, "65001"), one(7, "65001"), one(u32::MAX, "65001 3356")]);
    assert_eq!((rib.count().ipv4, budget.held()), (3, 3));

    // A path announced again replaces itself, and another one is beyond the limit.
    apply_paths(&mut rib, &[], &[(7, net)], &[65001, 174]).unwrap();
    let error = apply_paths(&mut rib, &[], &[(8, net)], &[65001]).unwrap_err();
    assert_eq!(error, LimitExceeded::Session { family: Family::Ipv4, limit: 3 });

    // Pages end between paths.
    let first = rib.page(None, 2).pop().unwrap();
    assert_eq!(first.attrs.as_path.to_string(), "65001 174");
    assert_eq!(rib.page(Some(first.key()), 9).len(), 1);
    assert!(rib.page(Some((net.parse().unwrap(), PathId::MAX)), 9).is_empty());
    assert!(rib.get(key(net)).is_none(), "no path has the number 0");

    // Withdrawn one by one, and by the path alone.
    let applied = apply_paths(&mut rib, &[(1, net), (2, net)], &[], &[]).unwrap();
    assert_eq!(applied.withdrawn.ipv4, 2);
    assert_eq!((rib.count().ipv4, budget.held()), (2, 2));
    // A loop is a withdrawal of that path.
    apply_paths(&mut rib, &[], &[(7, net)], &[65001, 8075]).unwrap();
    assert_eq!(held(&rib), [one(u32::MAX, "65001 3356")]);
    rib.clear();
    assert_eq!(budget.held(), 0);
}

proptest! {
    /// Against a map that knows nothing of budgets or of the wire.
    #[test]
    fn any_history_ends_as_in_a_plain_map(
        history in vec((vec(0_u8..6, 0..4), vec(0_u8..6, 0..4), 0_u8..3), 0..40),
    ) {
        let budget = Arc::new(Budget::new(1000));
        let mut rib = rib(1000, &budget);
        let mut model: Map<String, u64> = Map::new();
        for (now, (withdrawn, announced, kind)) in (1_u64..).zip(history) {
            let texts = |numbers: &[u8]| numbers.iter().map(|n| format!("{n}.0.0.0/8")).collect::<Vec<_>>();
            let (withdrawn, announced) = (texts(&withdrawn), texts(&announced));
            let (w, a): (Vec<&str>, Vec<&str>) =
                (withdrawn.iter().map(String::as_str).collect(), announced.iter().map(String::as_str).collect());
            let asns: &[u32] = if kind == 2 { &[65001, 8075] } else { &[65001] };
            let mut attributes = vec![path(asns)];
            if kind == 1 && !a.is_empty() {
                attributes.push(attribute(0x80, 4, &[]));
            }
            apply(&mut rib, &body(&w, &attributes, &a), now).unwrap();
            withdrawn.iter().for_each(|p| { model.remove(p); });
            for prefix in announced {
                if kind == 0 { model.insert(prefix, now); } else { model.remove(&prefix); }
            }
            let held: Map<String, u64> =
                rib.page(None, 100).into_iter().map(|r| (r.prefix.to_string(), r.received_at)).collect();
            prop_assert_eq!(&held, &model);
            let len = u64::try_from(model.len()).unwrap();
            prop_assert_eq!((rib.count().ipv4, budget.held()), (len, len));
        }
        rib.clear();
        prop_assert_eq!(budget.held(), 0);
    }
}
