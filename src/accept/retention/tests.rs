use std::sync::Arc;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::accept::adj_rib_in::tests::{announce, announce_v6, apply, attribute, body, path, rib};
use crate::accept::{Budget, LimitExceeded};
use crate::wire::{Community, ErrorCode, Notification};

const BOTH: PerFamily<bool> = PerFamily { ipv4: true, ipv6: true };

fn at(secs: u64) -> Moment {
    Moment(Duration::from_secs(secs))
}

/// A peer that asks for this long for both families, and still forwards.
fn asks(restart_time: u64, stale_time: u64) -> GracefulRestart {
    let stale_time = Duration::from_secs(stale_time);
    let kept = Kept { graceful: true, forwarding: true, stale_time };
    GracefulRestart {
        peer_restarted: false,
        notification: true,
        restart_time: Duration::from_secs(restart_time),
        families: PerFamily { ipv4: kept, ipv6: kept },
    }
}

/// A session's routes and what becomes of them.
struct Bench {
    retention: Retention,
    rib: AdjRibIn,
    budget: Arc<Budget>,
}

impl Bench {
    /// In a session since second 0, with two IPv4 routes and an IPv6 one.
    fn with_routes(agreed: GracefulRestart) -> Self {
        let budget = Arc::new(Budget::new(1000));
        let mut bench = Self { retention: Retention::default(), rib: rib(100, &budget), budget };
        bench.up(0, Some(agreed));
        apply(&mut bench.rib, &announce(&["10.0.0.0/8", "11.0.0.0/8"]), 1).unwrap();
        apply(&mut bench.rib, &announce_v6(&["2001:db8::/32"]), 1).unwrap();
        bench
    }

    fn up(&mut self, secs: u64, agreed: Option<GracefulRestart>) -> PerFamily<u64> {
        self.retention.up(at(secs), agreed, BOTH, &mut self.rib)
    }

    fn lost(&mut self, secs: u64) -> PerFamily<u64> {
        self.down(secs, &DownReason::ConnectionLost)
    }

    fn down(&mut self, secs: u64, reason: &DownReason) -> PerFamily<u64> {
        self.retention.down(at(secs), reason, &mut self.rib)
    }

    fn pass(&mut self, secs: u64) -> PerFamily<u64> {
        self.retention.handle_timeout(at(secs), &mut self.rib)
    }

    /// Each route: `!` for a stale one, and `+` behind one with LLGR_STALE.
    fn held(&self) -> String {
        let routes = self.rib.page(None, 100);
        let told = routes.iter().map(|route| {
            let stale = if route.stale { "!" } else { "" };
            let last = if route.attrs.communities.contains(&Community::LLGR_STALE) { "+" } else { "" };
            format!("{stale}{}{last}", route.prefix)
        });
        told.collect::<Vec<_>>().join(" ")
    }

    fn check(&self) {
        let count = self.rib.count();
        assert_eq!(self.budget.held(), count.ipv4 + count.ipv6);
        let is_stale = |v4: bool| {
            self.rib.page(None, 1000).iter().filter(|r| r.stale && r.prefix.addr().is_ipv4() == v4).count()
        };
        let stale = PerFamily { ipv4: is_stale(true) as u64, ipv6: is_stale(false) as u64 };
        assert_eq!(self.rib.stale(), stale);
        if stale != PerFamily::default() {
            assert!(self.retention.poll_deadline().is_some(), "nothing is stale for ever");
        }
    }
}

#[test]
fn a_lost_session_leaves_stale_routes_for_the_restart_time() {
    let mut bench = Bench::with_routes(asks(90, 0));
    assert_eq!(bench.lost(10), PerFamily { ipv4: 2, ipv6: 1 });
    assert_eq!(bench.held(), "!10.0.0.0/8 !11.0.0.0/8 !2001:db8::/32");
    assert_eq!(bench.retention.poll_deadline(), Some(at(100)));
    assert_eq!(bench.retention.ends().ipv4, Some(at(100)));
    assert_eq!(bench.pass(99), PerFamily::default());
    bench.check();
    assert_eq!(bench.pass(100), PerFamily { ipv4: 2, ipv6: 1 });
    assert_eq!((bench.held().as_str(), bench.retention.poll_deadline()), ("", None));
    bench.check();
}

#[test]
fn end_of_rib_ends_what_was_not_announced_again() {
    let mut bench = Bench::with_routes(asks(90, 0));
    bench.lost(10);
    assert_eq!(bench.up(20, Some(asks(90, 0))), PerFamily::default());
    apply(&mut bench.rib, &announce(&["10.0.0.0/8", "12.0.0.0/8"]), 21).unwrap();
    assert_eq!(bench.held(), "10.0.0.0/8 !11.0.0.0/8 12.0.0.0/8 !2001:db8::/32");
    bench.check();
    assert_eq!(bench.retention.end_of_rib(Family::Ipv4, &mut bench.rib), 1);
    assert_eq!(bench.held(), "10.0.0.0/8 12.0.0.0/8 !2001:db8::/32");
    // A peer that never ends its table does not keep the others for ever.
    assert_eq!(bench.retention.poll_deadline(), Some(at(20) + REFRESH_WITHIN));
    assert_eq!(bench.pass(20 + 360), PerFamily { ipv4: 0, ipv6: 1 });
    assert_eq!(bench.held(), "10.0.0.0/8 12.0.0.0/8");
    bench.check();
}

#[test]
fn a_withdrawn_stale_route_is_gone() {
    let mut bench = Bench::with_routes(asks(90, 0));
    bench.lost(10);
    bench.up(20, Some(asks(90, 0)));
    apply(&mut bench.rib, &body(&["10.0.0.0/8"], &[], &[]), 21).unwrap();
    assert_eq!(bench.held(), "!11.0.0.0/8 !2001:db8::/32");
    bench.check();
}

#[test]
fn without_forwarding_or_without_the_family_stale_routes_go_at_once() {
    let mut gone_v6 = asks(90, 0);
    gone_v6.families.ipv6 = Kept::default();
    let mut forgetful = asks(90, 0);
    forgetful.families.ipv4.forwarding = false;
    for (agreed, families, left) in [
        (None, BOTH, ""),
        (Some(GracefulRestart::default()), BOTH, ""),
        (Some(gone_v6), BOTH, "!10.0.0.0/8 !11.0.0.0/8"),
        (Some(forgetful), BOTH, "!2001:db8::/32"),
        (Some(asks(90, 0)), PerFamily { ipv4: false, ipv6: true }, "!2001:db8::/32"),
    ] {
        let mut bench = Bench::with_routes(asks(90, 0));
        bench.lost(10);
        bench.retention.up(at(20), agreed, families, &mut bench.rib);
        assert_eq!(bench.held(), left);
        bench.check();
    }
}

#[test]
fn what_ends_for_good_leaves_nothing() {
    let cease = Notification::new(ErrorCode::ADMIN_RESET);
    let hard = DownReason::Received(Notification::hard_reset(&cease));
    for (agreed, reason, left) in [
        (asks(90, 0), DownReason::Received(cease.clone()), "!10.0.0.0/8 !11.0.0.0/8 !2001:db8::/32"),
        (asks(90, 600), hard, ""),
        (GracefulRestart { notification: false, ..asks(90, 0) }, DownReason::Sent(cease), ""),
        (GracefulRestart::default(), DownReason::ConnectionLost, ""),
        (asks(0, 0), DownReason::ConnectionLost, ""),
    ] {
        let mut bench = Bench::with_routes(agreed);
        bench.down(10, &reason);
        assert_eq!(bench.held(), left, "{reason:?}");
        bench.check();
    }
}

#[test]
fn a_family_that_the_peer_does_not_list_goes_with_the_session() {
    let mut agreed = asks(90, 0);
    agreed.families.ipv4.graceful = false;
    let mut bench = Bench::with_routes(agreed);
    assert_eq!(bench.lost(10), PerFamily { ipv4: 0, ipv6: 1 });
    assert_eq!(bench.held(), "!2001:db8::/32");
    bench.check();
}

#[test]
fn a_second_restart_ends_what_was_stale_before() {
    let mut bench = Bench::with_routes(asks(90, 0));
    bench.lost(10);
    bench.up(20, Some(asks(90, 0)));
    apply(&mut bench.rib, &announce(&["10.0.0.0/8"]), 21).unwrap();
    assert_eq!(bench.lost(30), PerFamily { ipv4: 1, ipv6: 0 });
    assert_eq!(bench.held(), "!10.0.0.0/8");
    assert_eq!(bench.retention.poll_deadline(), Some(at(120)));
    bench.check();
}

#[test]
fn after_the_restart_time_routes_are_long_lived_but_for_no_llgr() {
    let mut bench = Bench::with_routes(asks(90, 600));
    let no_llgr = attribute(0xC0, 8, &Community::NO_LLGR.0.to_be_bytes());
    apply(&mut bench.rib, &body(&[], &[path(&[65001]), no_llgr], &["12.0.0.0/8"]), 2).unwrap();
    bench.lost(10);
    assert_eq!(bench.held(), "!10.0.0.0/8 !11.0.0.0/8 !12.0.0.0/8 !2001:db8::/32");
    assert_eq!(bench.retention.ends().ipv6, Some(at(700)));
    assert_eq!(bench.pass(100), PerFamily { ipv4: 1, ipv6: 0 });
    assert_eq!(bench.held(), "!10.0.0.0/8+ !11.0.0.0/8+ !2001:db8::/32+");
    bench.check();
    // The session is back: the time runs on, and what is announced again is as new.
    bench.up(110, Some(asks(90, 600)));
    apply(&mut bench.rib, &announce(&["10.0.0.0/8"]), 111).unwrap();
    assert_eq!(bench.held(), "10.0.0.0/8 !11.0.0.0/8+ !2001:db8::/32+");
    assert_eq!(bench.retention.poll_deadline(), Some(at(700)));
    assert_eq!(bench.pass(700), PerFamily { ipv4: 1, ipv6: 1 });
    assert_eq!(bench.held(), "10.0.0.0/8");
    bench.check();
}

#[test]
fn a_long_lived_time_is_not_begun_anew_by_a_second_restart() {
    let mut bench = Bench::with_routes(asks(90, 600));
    bench.lost(10);
    bench.pass(100);
    bench.up(650, Some(asks(90, 600)));
    apply(&mut bench.rib, &announce(&["10.0.0.0/8"]), 651).unwrap();
    bench.lost(660);
    // What was long-lived before stays so.
    assert_eq!(bench.held(), "!10.0.0.0/8 !11.0.0.0/8+ !2001:db8::/32+");
    assert_eq!(bench.retention.ends(), PerFamily { ipv4: Some(at(700)), ipv6: Some(at(700)) });
    bench.up(670, Some(asks(90, 600)));
    assert_eq!(bench.retention.poll_deadline(), Some(at(700)));
    assert_eq!(bench.pass(700), PerFamily { ipv4: 2, ipv6: 1 });
    bench.check();
}

#[test]
fn after_a_whole_table_a_long_lived_time_is_a_new_one() {
    let mut bench = Bench::with_routes(asks(0, 600));
    bench.lost(10);
    assert_eq!(
        bench.held(),
        "!10.0.0.0/8+ !11.0.0.0/8+ !2001:db8::/32+",
        "no restart time: long-lived at once"
    );
    bench.up(20, Some(asks(0, 600)));
    apply(&mut bench.rib, &announce(&["10.0.0.0/8"]), 21).unwrap();
    for family in Family::ALL {
        bench.retention.end_of_rib(family, &mut bench.rib);
    }
    bench.lost(100);
    assert_eq!(bench.held(), "!10.0.0.0/8+");
    assert_eq!(bench.retention.ends(), PerFamily { ipv4: Some(at(700)), ipv6: None });
    bench.check();
}

#[test]
fn stale_routes_keep_no_other_out() {
    let budget = Arc::new(Budget::new(1000));
    let mut bench = Bench { retention: Retention::default(), rib: rib(2, &budget), budget };
    bench.up(0, Some(asks(90, 0)));
    apply(&mut bench.rib, &announce(&["10.0.0.0/8", "11.0.0.0/8"]), 1).unwrap();
    bench.lost(10);
    bench.up(20, Some(asks(90, 0)));
    let applied = apply(&mut bench.rib, &announce(&["12.0.0.0/8", "13.0.0.0/8"]), 21).unwrap();
    assert_eq!((applied.announced.ipv4, bench.held().as_str()), (2, "12.0.0.0/8 13.0.0.0/8"));
    bench.check();
    let exceeded = apply(&mut bench.rib, &announce(&["14.0.0.0/8"]), 22).unwrap_err();
    assert_eq!(exceeded, LimitExceeded::Session { family: Family::Ipv4, limit: 2 });

    bench.lost(30);
    bench.rib.set_limits(PerFamily { ipv4: 1, ipv6: 1 });
    assert_eq!((bench.held().as_str(), bench.rib.exceeded()), ("", None));
    bench.check();
}

#[test]
fn stale_routes_of_one_session_keep_no_other_out_and_are_to_go() {
    let budget = Arc::new(Budget::new(10));
    let eight: Vec<String> = (10..18).map(|n| format!("{n}.0.0.0/8")).collect();
    let eight: Vec<&str> = eight.iter().map(String::as_str).collect();
    let mut gone = Bench { retention: Retention::default(), rib: rib(100, &budget), budget: budget.clone() };
    let mut live = rib(100, &budget);
    gone.up(0, Some(asks(90, 0)));
    apply(&mut gone.rib, &announce(&eight), 1).unwrap();
    gone.lost(10);
    gone.check();
    apply(&mut live, &announce(&["20.0.0.0/8", "21.0.0.0/8"]), 11).unwrap();
    assert!(!budget.is_overdrawn(), "there is room for both");
    apply(&mut live, &announce(&eight), 11).unwrap_err();
    assert_eq!((live.count().ipv4, budget.held(), budget.is_overdrawn()), (9, 17, true));
    // Whose session comes back meanwhile takes room as anybody does, and its own stale routes are the first to go.
    gone.up(12, Some(asks(90, 0)));
    apply(&mut gone.rib, &announce(&["10.0.0.0/8"]), 13).unwrap();
    assert_eq!((gone.held().as_str(), budget.held(), budget.is_overdrawn()), ("10.0.0.0/8", 10, false));
    apply(&mut gone.rib, &announce(&["11.0.0.0/8"]), 14).unwrap_err();
    drop((gone, live));
    assert_eq!(budget.held(), 0);
}

#[derive(Clone, Debug)]
enum Act {
    Up(Option<GracefulRestart>),
    Announce(Vec<u8>),
    Withdraw(Vec<u8>),
    EndOfRib,
    Down(DownReason),
    Limit(u64),
}

fn acts() -> impl Strategy<Value = Act> {
    let agreed =
        (any::<bool>(), 0..3_u64, any::<[(bool, bool); 2]>(), 0..3_u64).prop_map(|(n, time, kept, long)| {
            let of = |(graceful, forwarding)| Kept {
                graceful,
                forwarding,
                stale_time: Duration::from_secs(long * 20),
            };
            let families = PerFamily { ipv4: of(kept[0]), ipv6: of(kept[1]) };
            let restart_time = Duration::from_secs(time * 10);
            GracefulRestart { peer_restarted: false, notification: n, restart_time, families }
        });
    let cease = Notification::new(ErrorCode::ADMIN_RESET);
    let hard = Notification::hard_reset(&cease);
    let reasons = vec![
        DownReason::ConnectionLost,
        DownReason::Sent(cease.clone()),
        DownReason::Received(cease),
        DownReason::Received(hard),
    ];
    prop_oneof![
        3 => proptest::option::weighted(0.9, agreed).prop_map(Act::Up),
        5 => vec(0..8_u8, 1..4).prop_map(Act::Announce),
        1 => vec(0..8_u8, 1..4).prop_map(Act::Withdraw),
        1 => Just(Act::EndOfRib),
        3 => proptest::sample::select(reasons).prop_map(Act::Down),
        1 => (0..8_u64).prop_map(Act::Limit),
    ]
}

proptest! {
    /// Whatever happens: the counts are right, what is stale has an end, and no stale route outlives the longest time that
    /// any peer asked for.
    #[test]
    fn no_stale_route_is_forgotten(history in vec((0..40_u64, acts()), 0..40)) {
        let budget = Arc::new(Budget::new(1000));
        let mut bench = Bench { retention: Retention::default(), rib: rib(6, &budget), budget };
        let (mut now, mut is_up) = (0, false);
        for (pause, act) in history {
            now += pause;
            bench.pass(now);
            bench.check();
            let texts = |numbers: &[u8]| numbers.iter().map(|n| format!("{n}.0.0.0/8")).collect::<Vec<_>>();
            match act {
                Act::Up(agreed) if !is_up => {
                    bench.up(now, agreed);
                    is_up = true;
                    prop_assert!(agreed.is_some() || bench.rib.stale() == PerFamily::default());
                }
                Act::Announce(numbers) if is_up => {
                    let texts = texts(&numbers);
                    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                    if apply(&mut bench.rib, &announce(&texts), now).is_err() {
                        bench.down(now, &DownReason::Sent(Notification::hard_reset(&Notification::new(
                            ErrorCode::MAX_PREFIXES,
                        ))));
                        is_up = false;
                        prop_assert_eq!(bench.rib.count(), PerFamily::default());
                    }
                }
                Act::Withdraw(numbers) if is_up => {
                    let texts = texts(&numbers);
                    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
                    apply(&mut bench.rib, &body(&texts, &[], &[]), now).unwrap();
                }
                Act::EndOfRib if is_up => {
                    bench.retention.end_of_rib(Family::Ipv4, &mut bench.rib);
                    prop_assert_eq!(bench.rib.stale().ipv4, 0);
                }
                Act::Down(reason) if is_up => {
                    bench.down(now, &reason);
                    is_up = false;
                    prop_assert_eq!(bench.rib.stale(), bench.rib.count(), "without a session all is stale");
                }
                Act::Limit(limit) => bench.rib.set_limits(PerFamily { ipv4: limit.max(6), ipv6: limit }),
                Act::Up(_) | Act::Announce(_) | Act::Withdraw(_) | Act::EndOfRib | Act::Down(_) => {}
            }
            bench.check();
            let ends = bench.retention.ends();
            prop_assert!(ends.ipv4.is_none_or(|end| end > at(now)));
            prop_assert!(ends.ipv4 <= Some(at(now) + REFRESH_WITHIN.max(Duration::from_secs(20 + 40))));
        }
        // Each of its times is over.
        bench.pass(now + 1000);
        prop_assert_eq!(bench.rib.stale(), PerFamily::default());
        prop_assert_eq!(bench.retention.poll_deadline(), None);
    }
}
