//! Refreshes, ONLY_TO_CUSTOMER, GRACEFUL_SHUTDOWN, and limits that are near.

use std::time::Duration;

use super::*;
use crate::fsm::Moment;
use crate::wire::Role;

fn many() -> AdjRibIn {
    rib(100, &Arc::new(Budget::new(100)))
}

fn with(attributes: &[Vec<u8>], prefixes: &[&str]) -> Vec<u8> {
    body(&[], &[&[path(&[65001])], attributes].concat(), prefixes)
}

fn otc(asn: u32) -> Vec<u8> {
    attribute(0xC0, 35, &asn.to_be_bytes())
}

fn graceful_shutdown() -> Vec<u8> {
    attribute(0xC0, 8, &0xFFFF_0000_u32.to_be_bytes())
}

#[test]
fn what_a_refresh_does_not_name_again_goes_at_its_end() {
    let budget = Arc::new(Budget::new(100));
    let mut rib = rib(100, &budget);
    apply(&mut rib, &announce(&["10.0.0.0/8", "11.0.0.0/8", "12.0.0.0/8"]), 1).unwrap();
    apply(&mut rib, &announce_v6(&["2001:db8:1::/48"]), 1).unwrap();
    rib.begin_refresh(Moment::default(), Family::Ipv4);
    apply(&mut rib, &announce(&["11.0.0.0/8", "13.0.0.0/8"]), 2).unwrap();
    assert_eq!(rib.count().ipv4, 4, "nothing goes before the end");
    assert_eq!(rib.end_refresh(Family::Ipv4), 2);
    assert_eq!(prefixes(&rib.page(None, 9)), ["11.0.0.0/8", "13.0.0.0/8", "2001:db8:1::/48"]);
    assert_eq!(budget.held(), 3, "their room is given back");
}

#[test]
fn an_end_without_a_beginning_is_nothing_and_a_second_beginning_begins_anew() {
    let mut rib = many();
    apply(&mut rib, &announce(&["10.0.0.0/8"]), 1).unwrap();
    assert_eq!(rib.end_refresh(Family::Ipv4), 0);
    rib.begin_refresh(Moment::default(), Family::Ipv4);
    apply(&mut rib, &announce(&["10.0.0.0/8"]), 2).unwrap();
    rib.begin_refresh(Moment::default(), Family::Ipv4);
    assert_eq!((rib.end_refresh(Family::Ipv4), rib.end_refresh(Family::Ipv4)), (1, 0));
    rib.begin_refresh(Moment::default(), Family::Ipv6);
    rib.clear();
    apply(&mut rib, &announce_v6(&["2001:db8:1::/48"]), 3).unwrap();
    assert_eq!(rib.end_refresh(Family::Ipv6), 0, "a session's end ends its refreshes");
}

#[test]
fn a_refresh_without_an_end_is_over_after_a_while_and_nothing_goes() {
    let at = |secs| Moment(Duration::from_secs(secs));
    let mut rib = many();
    apply(&mut rib, &announce(&["10.0.0.0/8", "11.0.0.0/8"]), 1).unwrap();
    assert_eq!(rib.refresh_until(), None);
    rib.begin_refresh(at(100), Family::Ipv4);
    rib.begin_refresh(at(200), Family::Ipv6);
    apply(&mut rib, &announce(&["10.0.0.0/8"]), 2).unwrap();
    assert_eq!(rib.refresh_until(), Some(at(460)));
    assert_eq!(rib.handle_refresh_timeout(at(459)), PerFamily::default());
    assert_eq!(rib.handle_refresh_timeout(at(460)), PerFamily { ipv4: true, ipv6: false });
    assert_eq!(rib.refresh_until(), Some(at(560)), "the other family's");
    assert_eq!((rib.end_refresh(Family::Ipv4), rib.count().ipv4), (0, 2), "an end too late");
    // One that begins anew has its time anew, and its end counts.
    rib.begin_refresh(at(500), Family::Ipv4);
    rib.begin_refresh(at(800), Family::Ipv4);
    assert_eq!(rib.handle_refresh_timeout(at(900)), PerFamily { ipv4: false, ipv6: true });
    apply(&mut rib, &announce(&["10.0.0.0/8"]), 3).unwrap();
    assert_eq!((rib.end_refresh(Family::Ipv4), rib.refresh_until()), (1, None));
    rib.begin_refresh(at(1000), Family::Ipv4);
    rib.forget_refreshes();
    assert_eq!(rib.refresh_until(), None);
}

#[test]
fn leaks_are_held_marked_and_counted() {
    let mut rib = many();
    rib.set_otc_rule(Some(OtcRule { local: Role::Peer, peer_asn: Asn(65001) }));
    let applied = apply(&mut rib, &with(&[otc(174)], &["10.0.0.0/8", "11.0.0.0/8"]), 1).unwrap();
    assert_eq!((applied.leaks, applied.announced.ipv4), (2, 2));
    let applied = apply(&mut rib, &with(&[otc(65001)], &["12.0.0.0/8"]), 1).unwrap();
    assert_eq!(applied.leaks, 0);
    apply(&mut rib, &announce(&["13.0.0.0/8"]), 1).unwrap();
    let of = |rib: &AdjRibIn, prefix: &str| {
        let attrs = rib.get(key(prefix)).unwrap().attrs;
        (attrs.only_to_customer, attrs.is_leak)
    };
    assert_eq!(of(&rib, "10.0.0.0/8"), (Some(Asn(174)), true));
    assert_eq!(of(&rib, "12.0.0.0/8"), (Some(Asn(65001)), false));
    assert_eq!(of(&rib, "13.0.0.0/8"), (Some(Asn(65001)), false), "added, as from any peer");
    assert_eq!(rib.leaks(), 2);
    apply(&mut rib, &announce(&["10.0.0.0/8"]), 2).unwrap();
    assert_eq!(rib.leaks(), 1, "a route that is replaced is no leak any more");
    apply(&mut rib, &body(&["11.0.0.0/8"], &[], &[]), 3).unwrap();
    assert_eq!(rib.leaks(), 0);
    rib.set_otc_rule(None);
    apply(&mut rib, &with(&[otc(174)], &["10.0.0.0/8"]), 4).unwrap();
    assert_eq!(of(&rib, "10.0.0.0/8"), (Some(Asn(174)), false), "without a role it is only kept");
}

#[test]
fn routes_in_graceful_shutdown_are_counted_however_they_go() {
    let mut rib = many();
    let five: Vec<String> = (1..=5).map(|n| format!("{n}.0.0.0/8")).collect();
    let five: Vec<&str> = five.iter().map(String::as_str).collect();
    apply(&mut rib, &with(&[graceful_shutdown()], &five), 1).unwrap();
    assert_eq!(rib.graceful_shutdown(), 5);
    apply(&mut rib, &body(&["1.0.0.0/8"], &[], &[]), 2).unwrap();
    apply(&mut rib, &announce(&["2.0.0.0/8"]), 2).unwrap();
    assert_eq!(rib.graceful_shutdown(), 3);
    rib.begin_refresh(Moment::default(), Family::Ipv4);
    apply(&mut rib, &with(&[graceful_shutdown()], &["3.0.0.0/8"]), 3).unwrap();
    rib.end_refresh(Family::Ipv4);
    assert_eq!(rib.graceful_shutdown(), 1);
    rib.clear();
    assert_eq!(rib.graceful_shutdown(), 0);
}

#[test]
fn a_limit_is_near_from_its_percentage_on() {
    let mut rib = rib(8, &Arc::new(Budget::new(100)));
    let limits = PerFamily { ipv4: Some(8), ipv6: Some(8) };
    let near = |rib: &AdjRibIn, percent| {
        let PerFamily { ipv4, ipv6 } = rib.near_limit(limits, percent);
        (ipv4, ipv6)
    };
    apply(&mut rib, &announce(&["1.0.0.0/8", "2.0.0.0/8", "3.0.0.0/8", "4.0.0.0/8", "5.0.0.0/8"]), 1)
        .unwrap();
    assert_eq!(near(&rib, 75), (false, false));
    apply(&mut rib, &announce(&["6.0.0.0/8"]), 1).unwrap();
    assert_eq!((near(&rib, 75), near(&rib, 76)), ((true, false), (false, false)));
    let limits = PerFamily { ipv4: None, ..limits };
    assert!(!rib.near_limit(limits, 1).ipv4, "the process's own limit is nobody's");
}
