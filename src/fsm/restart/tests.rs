use std::time::Duration;

use super::super::fixture::{at, drain, open_from, ours};
use super::super::{Action, ConnId, Event, Incoming, Outgoing, PeerFsm};
use super::*;

const V4: (u16, u8) = (1, 1);
const V6: (u16, u8) = (2, 1);

fn gr(notification: bool, restart_time: u16, families: &[(u16, u8, bool)]) -> Capability {
    Capability::GracefulRestart { restarting: false, notification, restart_time, families: families.to_vec() }
}

fn llgr(families: &[(u16, u8, bool, u32)]) -> Capability {
    Capability::LongLivedGracefulRestart(families.to_vec())
}

fn kept(graceful: bool, forwarding: bool, secs: u64) -> Kept {
    Kept { graceful, forwarding, stale_time: Duration::from_secs(secs) }
}

#[test]
fn both_sides_must_list_it() {
    let one = [gr(true, 120, &[(V4.0, V4.1, true)])];
    assert_eq!(between(&one, &[]), None);
    assert_eq!(between(&[], &one), None);
    // The long-lived capability by itself means nothing.
    assert_eq!(between(&[llgr(&[])], &[llgr(&[(V4.0, V4.1, true, 60)])]), None);
}

#[test]
fn what_the_peer_lists_counts_and_n_of_both_sides() {
    let ours = [gr(true, 120, &[]), llgr(&[(V4.0, V4.1, true, 5), (V6.0, V6.1, true, 3600)])];
    for (theirs_n, ours_n) in [(false, true), (true, false), (true, true)] {
        let theirs = [gr(theirs_n, 4095, &[(V4.0, V4.1, true), (25, 70, true)])];
        let agreed = between(&[gr(ours_n, 120, &[])], &theirs).unwrap();
        assert_eq!(agreed.notification, theirs_n && ours_n);
        assert_eq!(agreed.restart_time, Duration::from_secs(4095));
        assert_eq!(agreed.families, PerFamily { ipv4: kept(true, true, 0), ipv6: Kept::default() });
    }
    let theirs = [
        gr(false, 0, &[(V4.0, V4.1, false)]),
        llgr(&[(V6.0, V6.1, true, 0x00FF_FFFF), (V4.0, V4.1, false, 4)]),
    ];
    // As long as the peer asks for, and no longer than we do.
    let families = PerFamily { ipv4: kept(true, false, 4), ipv6: kept(false, true, 3600) };
    assert_eq!(between(&ours, &theirs).unwrap().families, families);
    // Where we do not list the long-lived one, or not of this family, theirs is not agreed on.
    let families = PerFamily { ipv4: kept(true, false, 0), ipv6: Kept::default() };
    assert_eq!(between(&ours[..1], &theirs).unwrap().families, families);
    assert_eq!(between(&[gr(true, 120, &[]), llgr(&[])], &theirs).unwrap().families, families);
}

#[test]
fn the_last_of_several_counts() {
    let theirs = [gr(true, 10, &[(V4.0, V4.1, true)]), gr(false, 20, &[])];
    let agreed = between(&[gr(true, 120, &[])], &theirs).unwrap();
    assert_eq!((agreed.restart_time, agreed.notification), (Duration::from_secs(20), false));
    assert_eq!(agreed.families, PerFamily::default());
}

#[test]
fn routes_outlive_what_the_rfcs_say() {
    let plain = GracefulRestart::default();
    let with_n = GracefulRestart { notification: true, ..plain };
    let cease = Notification::new(ErrorCode::ADMIN_RESET);
    let hard = Notification::hard_reset(&cease);
    for (reason, none, plainly, with_notification) in [
        (DownReason::ConnectionLost, false, true, true),
        (DownReason::Sent(cease.clone()), false, false, true),
        (DownReason::Received(cease), false, false, true),
        (DownReason::Sent(Notification::new(ErrorCode::HOLD_TIMER_EXPIRED)), false, false, true),
        (DownReason::Sent(hard.clone()), false, false, false),
        (DownReason::Received(hard), false, false, false),
        (DownReason::Restart, false, false, false),
    ] {
        assert_eq!(keeps_routes(None, &reason), none, "{reason:?}");
        assert_eq!(keeps_routes(Some(plain), &reason), plainly, "{reason:?}");
        assert_eq!(keeps_routes(Some(with_n), &reason), with_notification, "{reason:?}");
    }
}

/// Our machine with graceful restart, and the peer's capability.
struct Bench {
    fsm: PeerFsm,
    now: u64,
}

impl Bench {
    fn new() -> Self {
        let mut config = ours();
        config.capabilities.push(Capability::GracefulRestart {
            restarting: true,
            notification: true,
            restart_time: 120,
            families: vec![(1, 1, true), (2, 1, true)],
        });
        let mut fsm = PeerFsm::new(config, 7);
        fsm.handle_start(at(0));
        Self { fsm, now: 60_000 }
    }

    /// The peer dials; our OPEN on that connection says whether we have restarted.
    fn accept(&mut self) -> (ConnId, bool) {
        self.now += 60_000;
        let conn = self.fsm.handle_accepted(at(self.now)).unwrap();
        let restarting = drain(&mut self.fsm).into_iter().find_map(|action| {
            let Action::Send(_, Outgoing::Open(open)) = action else { return None };
            Some(is_restarting(&open.capabilities))
        });
        (conn, restarting.unwrap())
    }

    fn open(&mut self, conn: ConnId, theirs: Option<Capability>) {
        let mut open = open_from(4);
        open.capabilities.extend(theirs);
        self.fsm.handle_message(at(self.now), conn, Incoming::Open(open));
    }

    fn establish(&mut self, theirs: Option<Capability>) -> (ConnId, bool) {
        let (conn, restarting) = self.accept();
        self.open(conn, theirs);
        self.fsm.handle_message(at(self.now), conn, Incoming::Keepalive);
        assert_eq!(self.fsm.established(), Some(conn));
        drain(&mut self.fsm);
        (conn, restarting)
    }

    /// What a stop of ours makes of this NOTIFICATION.
    fn stop(&mut self, reason: ErrorCode) -> Notification {
        self.stop_by(Notification::new(reason))
    }

    fn stop_by(&mut self, reason: Notification) -> Notification {
        self.fsm.handle_stop(at(self.now), Some(reason));
        let said = drain(&mut self.fsm).into_iter().find_map(|action| {
            let Action::Send(_, Outgoing::Notification(said)) = action else { return None };
            Some(said)
        });
        self.fsm.handle_start(at(self.now));
        said.unwrap()
    }
}

#[test]
fn our_restart_is_told_until_a_session_is_established() {
    let mut bench = Bench::new();
    let (conn, restarting) = bench.accept();
    assert!(restarting);
    bench.open(conn, None);
    bench.fsm.handle_closed(at(bench.now), conn);
    assert!(bench.establish(None).1, "the first did not get to Established");
    assert!(!bench.fsm.is_restarting());
    bench.stop(ErrorCode::ADMIN_RESET);
    assert!(!bench.establish(None).1);
}

#[test]
fn long_after_our_restart_it_is_told_no_more() {
    let mut bench = Bench::new();
    assert!(bench.accept().1);
    bench.fsm.handle_restart_over();
    assert!(!bench.fsm.is_restarting());
    let mut bench = Bench::new();
    drop(bench.fsm.handle(at(0), Event::RestartOver));
    assert!(!bench.accept().1);
}

#[test]
fn an_end_for_long_is_a_hard_reset_where_the_peer_knows_it() {
    let codes = [
        (ErrorCode::ADMIN_SHUTDOWN, true),
        (ErrorCode::PEER_DECONFIGURED, true),
        (ErrorCode::MAX_PREFIXES, true),
        (ErrorCode::ADMIN_RESET, false),
        (ErrorCode::CONFIG_CHANGE, false),
        (ErrorCode::OUT_OF_RESOURCES, false),
    ];
    for (code, is_hard) in codes {
        let mut bench = Bench::new();
        bench.establish(Some(gr(true, 120, &[])));
        let (plain, hard) = (Notification::new(code), Notification::hard_reset(&Notification::new(code)));
        assert_eq!(bench.stop(code), if is_hard { hard.clone() } else { plain.clone() });
        // One that is hard already stays as it is.
        bench.establish(Some(gr(true, 120, &[])));
        assert_eq!(bench.stop_by(hard.clone()), hard);
        for theirs in [None, Some(gr(false, 120, &[(1, 1, true)]))] {
            let mut bench = Bench::new();
            bench.establish(theirs.clone());
            assert_eq!(bench.stop(code), plain, "{theirs:?}");
            bench.establish(theirs);
            assert_eq!(bench.stop_by(hard.clone()), plain);
        }
    }
}

#[test]
fn before_the_peers_open_a_hard_reset_is_told_by_what_it_carries() {
    let mut bench = Bench::new();
    let plain = Notification::new(ErrorCode::ADMIN_SHUTDOWN);
    bench.accept();
    assert_eq!(bench.stop_by(Notification::hard_reset(&plain)), plain);
    bench.accept();
    let bare = bench.stop_by(Notification::new(ErrorCode::HARD_RESET));
    assert_eq!(bare, Notification::new(ErrorCode::ADMIN_RESET));
}
