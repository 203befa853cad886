//! Back-off: how soon a peer is dialled, and accepted, after what failed.

use super::*;

#[test]
fn the_back_off_grows_over_failed_dials_up_to_its_cap_and_a_session_resets_it() {
    let mut bench = Bench::new();
    bench.dial();
    for (nth, step) in [5, 10, 20, 40, 60, 60].into_iter().enumerate() {
        let conn = ConnId(u64::try_from(nth).unwrap() + 1);
        bench.fsm.handle_connect_failed(bench.now, conn);
        assert_eq!(bench.drain(), [Action::AttemptFailed(conn, DownReason::ConnectionLost)]);
        assert!(!bench.refuses(), "that our dial fails is not the peer's dial's fault");
        let (_, waited) = bench.dial();
        let full = Duration::from_secs(step);
        assert!(waited >= full * 3 / 4 && waited <= full, "{step} s: {waited:?}");
    }
    assert_eq!(bench.fsm.failed_dials(), 6);
    let conn = ConnId(7);
    bench.fsm.handle_connected(bench.now, conn);
    bench.establish(conn);
    bench.close(conn);
    let (_, waited) = bench.dial();
    assert!(waited <= Duration::from_secs(1), "{waited:?}");
}

#[test]
fn an_attempt_refused_by_a_notification_counts_as_failed() {
    let mut bench = Bench::new();
    let mut waits = Vec::new();
    for _ in 0..3 {
        let conn = bench.connect();
        bench.hear(conn, Incoming::Notification(cease(ErrorCode::CONNECTION_REJECTED)));
        let mut peek = bench.clone();
        waits.push(peek.dial().1);
    }
    assert!(waits[0] <= Duration::from_secs(5) && waits[1] > Duration::from_secs(5), "{waits:?}");
    assert!(waits[2] > Duration::from_secs(10), "{waits:?}");
}

#[test]
fn a_lost_collision_with_nothing_left_counts_as_failed() {
    let mut bench = Bench::new();
    for _ in 0..3 {
        let conn = bench.connect();
        bench.hear(conn, Incoming::Notification(cease(ErrorCode::COLLISION)));
    }
    assert_eq!(bench.fsm.failed_dials(), 3);
    let (_, waited) = bench.dial();
    assert!(waited > Duration::from_secs(10), "{waited:?}");
}

#[test]
fn a_session_forgives_the_failures_before_it() {
    let mut bench = Bench::new();
    for _ in 0..3 {
        let (dial, _) = bench.dial();
        bench.fsm.handle_connect_failed(bench.now, dial);
    }
    let conn = bench.accept();
    bench.establish(conn);
    assert_eq!(bench.fsm.failed_dials(), 0);
}

#[test]
fn a_peer_that_keeps_failing_is_held_off_but_never_for_more_than_a_minute() {
    let timing = Timing { max_backoff: Duration::from_secs(3600), ..ours().timing };
    let config = FsmConfig { passive: true, timing, ..ours() };
    let mut bench = Bench::with(config);
    for nth in 0..10 {
        let conn = bench.accept();
        bench.open(conn, LOWER);
        let bad = cease(ErrorCode::BAD_MESSAGE_LENGTH);
        bench.hear(conn, Incoming::Malformed(bad));
        assert_eq!(bench.fsm.state(), State::Idle);
        assert!(bench.refuses(), "at once");
        let step = (5_000 << nth).min(60_000);
        bench.pass(step * 3 / 4 - 1);
        assert!(bench.refuses(), "{nth}");
        bench.pass(step / 4 + 1);
        assert_eq!(bench.fsm.state(), State::Active);
        assert!(!bench.refuses(), "{nth}");
    }
}

#[test]
fn after_a_session_the_peer_is_accepted_again_at_once() {
    let mut bench = Bench::new();
    let conn = bench.accept();
    bench.establish(conn);
    bench.pass(20_000);
    bench.close(conn);
    assert!(!bench.refuses());
}

/// How often a machine without any back-off configured dials and accepts in 60 s, asked each millisecond, when each
/// accepted connection goes as far as `to` and is closed.
fn storm(to: State) -> (u32, u32) {
    let timing =
        Timing { connect_retry: Duration::ZERO, max_backoff: Duration::ZERO, delay_open: Duration::ZERO };
    let config = FsmConfig { timing, ..ours() };
    let mut bench = Bench::with(config);
    let (mut dials, mut accepts) = (0, 0);
    for _ in 0..60_000 {
        bench.wait(1);
        bench.fsm.handle_timeout(bench.now);
        for action in bench.drain() {
            if let Action::Dial(conn) = action {
                dials += 1;
                bench.fsm.handle_connect_failed(bench.now, conn);
            }
        }
        if let Ok(conn) = bench.fsm.handle_accepted(bench.now) {
            accepts += 1;
            if to >= State::OpenConfirm {
                bench.open(conn, LOWER);
            }
            if to == State::Established {
                bench.keepalive(conn);
            }
            bench.close(conn);
        }
    }
    (dials, accepts)
}

#[test]
fn no_peer_makes_a_busy_loop() {
    for to in [State::OpenSent, State::OpenConfirm] {
        let (dials, accepts) = storm(to);
        assert!((59..=81).contains(&dials) && (59..=81).contains(&accepts), "{to:?}: {dials}, {accepts}");
    }
    let (dials, accepts) = storm(State::Established);
    assert!(dials == 0 && (119..=161).contains(&accepts), "the peer is quicker: {dials}, {accepts}");
}

#[test]
fn beside_a_session_a_flood_of_opens_is_held_off() {
    let mut bench = Bench::new();
    let session = bench.accept();
    bench.establish(session);
    let mut accepted = 0;
    for _ in 0..60_000 {
        bench.wait(1);
        if let Ok(conn) = bench.fsm.handle_accepted(bench.now) {
            accepted += 1;
            assert_eq!(bench.open(conn, HIGHER), said(conn, ErrorCode::COLLISION));
        }
    }
    assert!((100..=161).contains(&accepted), "{accepted} in 60 s");
    assert_eq!(bench.fsm.established(), Some(session));
}
