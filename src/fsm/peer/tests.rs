use std::time::Duration;

use super::super::collision::favoured;
use super::super::fixture::{at, drain, open_from, ours, speaker, theirs};
use super::super::{Event, negotiate};
use super::*;
use crate::wire::{Capability, Open};

/// A BGP Identifier below ours, and above it.
const LOWER: u8 = 4;
const HIGHER: u8 = 9;

fn cease(code: ErrorCode) -> Notification {
    Notification::new(code)
}

/// A machine with the moment, so that tests read as stories.
#[derive(Clone)]
struct Bench {
    fsm: PeerFsm,
    now: Moment,
}

impl Bench {
    fn with(config: FsmConfig) -> Self {
        let mut bench = Self { fsm: PeerFsm::new(config, 7), now: at(1_000_000) };
        bench.fsm.handle_start(bench.now);
        assert_eq!(bench.drain(), []);
        bench
    }

    fn new() -> Self {
        Self::with(ours())
    }

    fn drain(&mut self) -> Vec<Action> {
        drain(&mut self.fsm)
    }

    fn wait(&mut self, ms: u64) {
        self.now = self.now + Duration::from_millis(ms);
    }

    /// Lets time pass, with each deadline met, and gives all that was wanted meanwhile.
    fn pass(&mut self, ms: u64) -> Vec<Action> {
        let end = self.now + Duration::from_millis(ms);
        let mut actions = self.drain();
        while let Some(next) = self.fsm.poll_deadline().filter(|next| *next <= end) {
            self.now = self.now.max(next);
            self.fsm.handle_timeout(self.now);
            actions.extend(self.drain());
            assert!(self.fsm.poll_deadline().is_none_or(|after| after > self.now), "nothing stays due");
        }
        self.now = end;
        actions
    }

    /// Waits for the next dial, and says how long it took.
    fn dial(&mut self) -> (ConnId, Duration) {
        let start = self.now;
        loop {
            let next = self.fsm.poll_deadline().expect("a dial is to come");
            self.now = self.now.max(next);
            self.fsm.handle_timeout(self.now);
            for action in self.drain() {
                if let Action::Dial(conn) = action {
                    return (conn, self.now.0 - start.0);
                }
            }
            assert!(self.fsm.poll_deadline().is_none_or(|after| after > self.now), "nothing stays due");
        }
    }

    fn connect(&mut self) -> ConnId {
        let (conn, _) = self.dial();
        self.fsm.handle_connected(self.now, conn);
        assert_eq!(self.drain(), [Action::Send(conn, Outgoing::Open(our_open(self.fsm.config())))]);
        conn
    }

    fn accept(&mut self) -> ConnId {
        let conn = self.fsm.handle_accepted(self.now).expect("accepted");
        assert_eq!(self.fsm.state_of(conn), Some(State::OpenSent));
        conn
    }

    fn hear(&mut self, conn: ConnId, message: Incoming) -> Vec<Action> {
        self.drain();
        self.fsm.handle_message(self.now, conn, message);
        self.drain()
    }

    fn open(&mut self, conn: ConnId, id: u8) -> Vec<Action> {
        self.hear(conn, Incoming::Open(open_from(id)))
    }

    fn keepalive(&mut self, conn: ConnId) -> Vec<Action> {
        self.hear(conn, Incoming::Keepalive)
    }

    /// A connection made Established.
    fn establish(&mut self, conn: ConnId) {
        self.open(conn, LOWER);
        let actions = self.keepalive(conn);
        assert!(matches!(actions.as_slice(), [Action::Up(up, _)] if *up == conn), "{actions:?}");
        assert_eq!(self.fsm.established(), Some(conn));
    }

    fn close(&mut self, conn: ConnId) -> Vec<Action> {
        self.fsm.handle_closed(self.now, conn);
        self.drain()
    }

    fn refuses(&mut self) -> bool {
        match self.fsm.clone().handle_accepted(self.now) {
            Ok(_) => false,
            Err(Refused(answer)) => {
                assert_eq!(answer, Some(cease(ErrorCode::CONNECTION_REJECTED)));
                true
            }
        }
    }
}

fn said(conn: ConnId, code: ErrorCode) -> [Action; 3] {
    let answer = cease(code);
    [
        Action::Send(conn, Outgoing::Notification(answer.clone())),
        Action::Close(conn),
        Action::AttemptFailed(conn, DownReason::Sent(answer)),
    ]
}

fn downed(conn: ConnId, code: ErrorCode) -> [Action; 3] {
    let [send, close, _] = said(conn, code);
    [send, close, Action::Down(conn, DownReason::Sent(cease(code)))]
}

fn confirmed(conn: ConnId) -> Action {
    Action::Send(conn, Outgoing::Keepalive)
}

// The ordinary course.

#[test]
fn a_dial_leads_to_a_session() {
    let mut bench = Bench::new();
    assert_eq!(bench.fsm.state(), State::Active);
    let (conn, waited) = bench.dial();
    assert!(waited <= Duration::from_millis(100));
    assert_eq!(bench.fsm.state(), State::Connect);
    bench.fsm.handle_connected(bench.now, conn);
    assert_eq!(bench.drain(), [Action::Send(conn, Outgoing::Open(our_open(&ours())))]);
    assert_eq!(bench.fsm.state(), State::OpenSent);
    assert_eq!(bench.open(conn, LOWER), [confirmed(conn)]);
    assert_eq!(bench.fsm.state(), State::OpenConfirm);
    let agreed = negotiate(&ours(), Direction::Outbound, open_from(LOWER)).unwrap();
    assert_eq!(bench.keepalive(conn), [Action::Up(conn, Box::new(agreed.clone()))]);
    assert_eq!(bench.fsm.state(), State::Established);
    assert_eq!(bench.fsm.negotiated(), Some(&agreed));
    assert_eq!(bench.fsm.established_since(), Some(bench.now));
}

#[test]
fn an_accepted_connection_leads_to_a_session_and_no_dial_follows() {
    let mut bench = Bench::new();
    let conn = bench.accept();
    assert_eq!(bench.drain(), [Action::Send(conn, Outgoing::Open(our_open(&ours())))]);
    bench.establish(conn);
    assert_eq!(bench.fsm.negotiated().unwrap().direction, Direction::Inbound);
    assert!(bench.pass(80_000).iter().all(|action| *action == confirmed(conn)));
}

#[test]
fn a_passive_peer_is_never_dialled() {
    let mut bench = Bench::with(FsmConfig { passive: true, ..ours() });
    assert_eq!(bench.pass(3_600_000), []);
    assert_eq!(bench.fsm.state(), State::Active);
    let conn = bench.accept();
    bench.establish(conn);
    bench.close(conn);
    assert_eq!(bench.pass(3_600_000), []);
}

#[test]
fn keepalives_are_sent_when_due_and_silence_ends_the_session() {
    for hold_time in [3_u16, 90] {
        let mut bench = Bench::with(FsmConfig { hold_time, ..ours() });
        let conn = bench.accept();
        bench.establish(conn);
        let hold = u64::from(hold_time) * 1000;
        let sent = bench.pass(hold - 1);
        assert!(sent.iter().all(|action| *action == confirmed(conn)), "{sent:?}");
        assert!((2..=4).contains(&sent.len()), "{hold_time}: {}", sent.len());
        let end = bench.pass(1);
        assert!(end.ends_with(&downed(conn, ErrorCode::HOLD_TIMER_EXPIRED)), "{end:?}");
    }
}

#[test]
fn a_session_is_kept_as_long_as_something_comes() {
    let mut bench = Bench::with(FsmConfig { hold_time: 3, ..ours() });
    let conn = bench.accept();
    bench.establish(conn);
    for message in [Incoming::Keepalive, Incoming::Update, Incoming::RouteRefresh].iter().cycle().take(60) {
        let sent = bench.pass(2_900);
        assert!(sent.iter().all(|action| *action == confirmed(conn)));
        assert_eq!(bench.hear(conn, message.clone()), []);
    }
    assert_eq!(bench.fsm.established(), Some(conn));
}

#[test]
fn hold_time_0_needs_no_keepalives() {
    let mut bench = Bench::with(FsmConfig { hold_time: 0, passive: true, ..ours() });
    let conn = bench.accept();
    bench.establish(conn);
    assert_eq!(bench.pass(86_400_000), []);
    assert_eq!(bench.fsm.established(), Some(conn));
}

#[test]
fn a_peer_that_never_speaks_is_left_after_240_s() {
    let mut bench = Bench::with(FsmConfig { passive: true, ..ours() });
    let conn = bench.accept();
    bench.drain();
    assert_eq!(bench.pass(239_999), []);
    assert_eq!(bench.pass(1), said(conn, ErrorCode::HOLD_TIMER_EXPIRED));
}

#[test]
fn a_dial_that_gets_nowhere_is_given_up_and_the_next_one_follows() {
    let mut bench = Bench::new();
    let (first, _) = bench.dial();
    let actions = bench.pass(20_000);
    assert_eq!(actions, [Action::Close(first), Action::AttemptFailed(first, DownReason::ConnectionLost)]);
    let (second, waited) = bench.dial();
    assert_ne!(first, second);
    assert!(waited <= Duration::from_secs(5));
    bench.fsm.handle_connected(bench.now, first);
    assert_eq!(bench.drain(), [], "the news comes too late");
}

#[test]
fn a_notification_is_not_answered() {
    let mut bench = Bench::new();
    let conn = bench.accept();
    bench.establish(conn);
    let received = cease(ErrorCode::ADMIN_SHUTDOWN);
    assert_eq!(
        bench.hear(conn, Incoming::Notification(received.clone())),
        [Action::Close(conn), Action::Down(conn, DownReason::Received(received))]
    );
}

// DelayOpen.

fn delaying(secs: u64) -> Bench {
    let timing = Timing { delay_open: Duration::from_secs(secs), ..ours().timing };
    Bench::with(FsmConfig { timing, ..ours() })
}

/// Both directions with TCP up and our OPENs held back.
fn both_delayed(secs: u64) -> (Bench, ConnId, ConnId) {
    let mut bench = delaying(secs);
    let (outbound, _) = bench.dial();
    bench.fsm.handle_connected(bench.now, outbound);
    let inbound = bench.fsm.handle_accepted(bench.now).expect("accepted");
    assert_eq!(bench.drain(), [], "no OPEN yet");
    (bench, outbound, inbound)
}

#[test]
fn our_open_waits_in_connect_or_active() {
    let (mut bench, outbound, inbound) = both_delayed(10);
    assert_eq!(bench.fsm.state_of(outbound), Some(State::Connect));
    assert_eq!(bench.fsm.state_of(inbound), Some(State::Active));
    assert_eq!(bench.pass(9_999), []);
    let ours = our_open(bench.fsm.config());
    let mut opens = bench.pass(1);
    opens.sort_by_key(|action| format!("{action:?}"));
    let wanted = [outbound, inbound].map(|conn| Action::Send(conn, Outgoing::Open(ours.clone())));
    assert_eq!(opens, wanted);
    assert_eq!(bench.fsm.state_of(inbound), Some(State::OpenSent));
}

#[test]
fn the_peers_open_ends_the_wait() {
    for outbound_first in [true, false] {
        let (mut bench, outbound, inbound) = both_delayed(60);
        let conn = if outbound_first { outbound } else { inbound };
        let ours = our_open(bench.fsm.config());
        let wanted = [Action::Send(conn, Outgoing::Open(ours)), confirmed(conn)];
        assert_eq!(bench.open(conn, LOWER), wanted, "OPEN, then KEEPALIVE (event 20)");
        assert!(matches!(bench.keepalive(conn).as_slice(), [Action::Up(up, _)] if *up == conn));
    }
}

#[test]
fn beside_a_session_a_late_open_loses_after_ours_is_said() {
    let mut bench = delaying(60);
    let session = bench.fsm.handle_accepted(bench.now).unwrap();
    bench.establish(session);
    let other = bench.fsm.handle_accepted(bench.now).unwrap();
    let ours = our_open(bench.fsm.config());
    let mut wanted = vec![Action::Send(other, Outgoing::Open(ours))];
    wanted.extend(said(other, ErrorCode::COLLISION));
    assert_eq!(bench.open(other, HIGHER), wanted);
    assert_eq!(bench.fsm.established(), Some(session));
}

#[test]
fn while_our_open_waits_anything_but_an_open_ends_the_connection() {
    for message in [Incoming::Keepalive, Incoming::Update, Incoming::RouteRefresh] {
        let (mut bench, outbound, _) = both_delayed(60);
        let lost = Action::AttemptFailed(outbound, DownReason::ConnectionLost);
        assert_eq!(bench.hear(outbound, message), [Action::Close(outbound), lost]);
    }
    let (mut bench, outbound, _) = both_delayed(60);
    let bad = Open { my_as: 1, ..open_from(LOWER) };
    assert_eq!(bench.hear(outbound, Incoming::Open(bad)), said(outbound, ErrorCode::BAD_PEER_AS));
}

#[test]
fn a_changed_delay_counts_for_the_next_connection() {
    let mut bench = delaying(60);
    bench.fsm.set_timing(ours().timing);
    bench.accept();
}

// Send hold.

#[test]
fn a_peer_that_takes_nothing_is_told_so_and_is_dialled_again() {
    let mut bench = Bench::with(FsmConfig { hold_time: 0, ..ours() });
    let conn = bench.accept();
    bench.establish(conn);
    bench.fsm.handle_send_hold(bench.now, ConnId(77));
    assert_eq!(bench.drain(), [], "news of another connection");
    bench.fsm.handle_send_hold(bench.now, conn);
    assert_eq!(bench.drain(), downed(conn, ErrorCode::SEND_HOLD_TIMER_EXPIRED));
    let (_, waited) = bench.dial();
    assert!(waited <= Duration::from_secs(1));
}

// Start, stop, reset.

#[test]
fn a_stop_says_why_where_tcp_is_up_and_lasts_until_the_next_start() {
    let mut bench = Bench::new();
    let (dial, _) = bench.dial();
    let conn = bench.accept();
    bench.drain();
    bench.fsm.handle_stop(bench.now, Some(cease(ErrorCode::ADMIN_SHUTDOWN)));
    let mut expected = vec![Action::Close(dial)];
    expected.extend(said(conn, ErrorCode::ADMIN_SHUTDOWN));
    assert_eq!(bench.drain(), expected);
    assert_eq!(bench.fsm.state(), State::Idle);
    assert_eq!(bench.pass(3_600_000), []);
    assert!(bench.refuses());
    bench.fsm.handle_start(bench.now);
    let (_, waited) = bench.dial();
    assert!(waited <= Duration::from_millis(100), "an operator's start waits for no back-off");
}

#[test]
fn a_restart_goes_without_a_word_and_refuses_without_a_word() {
    let mut bench = Bench::new();
    let conn = bench.accept();
    bench.establish(conn);
    bench.fsm.handle_stop(bench.now, None);
    assert_eq!(bench.drain(), [Action::Close(conn), Action::Down(conn, DownReason::Restart)]);
    assert_eq!(bench.fsm.handle_accepted(bench.now), Err(Refused(None)));
}

#[test]
fn before_the_start_nobody_is_accepted_and_nothing_is_due() {
    let mut fsm = PeerFsm::new(ours(), 7);
    assert_eq!(fsm.handle_accepted(at(0)), Err(Refused(None)));
    assert_eq!(fsm.poll_deadline(), None);
    fsm.handle_timeout(at(1_000_000));
    fsm.handle_reset(at(1_000_000), cease(ErrorCode::ADMIN_RESET));
    assert_eq!(fsm.poll_deadline(), None);
    assert_eq!(fsm.state(), State::Idle);
}

#[test]
fn a_second_start_changes_nothing() {
    let mut bench = Bench::new();
    let conn = bench.accept();
    bench.establish(conn);
    bench.fsm.handle_start(bench.now);
    assert_eq!(bench.drain(), []);
    assert_eq!(bench.fsm.established(), Some(conn));
}

#[test]
fn a_reset_says_why_and_starts_again_within_a_second() {
    let mut bench = Bench::new();
    let conn = bench.accept();
    bench.establish(conn);
    bench.pass(30_000);
    bench.fsm.handle_reset(bench.now, cease(ErrorCode::ADMIN_RESET));
    assert_eq!(bench.drain(), downed(conn, ErrorCode::ADMIN_RESET));
    assert!(!bench.refuses(), "after a session that lasted, at once");
    let (_, waited) = bench.dial();
    assert!(waited >= Duration::from_millis(750) && waited <= Duration::from_secs(1));
}

#[test]
fn a_new_configuration_resets_and_counts_from_then_on() {
    let mut bench = Bench::new();
    let conn = bench.accept();
    bench.establish(conn);
    let config = FsmConfig { hold_time: 30, ..ours() };
    bench.fsm.handle_config(bench.now, config.clone(), cease(ErrorCode::CONFIG_CHANGE));
    assert_eq!(bench.drain(), downed(conn, ErrorCode::CONFIG_CHANGE));
    let conn = bench.connect();
    bench.establish(conn);
    assert_eq!(bench.fsm.negotiated().unwrap().hold_time, 30);
    assert_eq!(bench.fsm.config(), &config);
}

// Back-off.

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

// A second connection of the peer.

#[test]
fn beside_a_young_attempt_of_the_peer_a_new_one_is_refused() {
    let mut bench = Bench::new();
    let conn = bench.accept();
    bench.wait(4_999);
    assert!(bench.refuses());
    bench.establish(conn);
}

#[test]
fn an_attempt_of_the_peer_without_progress_gives_way_to_a_new_one() {
    for with_open in [false, true] {
        let mut bench = Bench::new();
        let old = bench.accept();
        if with_open {
            bench.open(old, LOWER);
        }
        bench.drain();
        bench.wait(5_000);
        let new = bench.accept();
        let mut expected = said(old, ErrorCode::COLLISION).to_vec();
        expected.push(Action::Send(new, Outgoing::Open(our_open(&ours()))));
        assert_eq!(bench.drain(), expected);
        bench.establish(new);
    }
}

#[test]
fn beside_a_session_a_new_connection_is_taken_up_to_its_open() {
    let mut bench = Bench::new();
    let session = bench.accept();
    bench.establish(session);
    let new = bench.accept();
    assert_eq!(bench.open(new, HIGHER), said(new, ErrorCode::COLLISION));
    assert_eq!(bench.fsm.established(), Some(session));
    bench.wait(1_000);
    let new = bench.accept();
    bench.drain();
    assert_eq!(bench.close(session).len(), 1, "the session's end may be noticed after the new dial");
    bench.establish(new);
}

fn with_graceful_restart(open: Open, families: Vec<(u16, u8, bool)>) -> Incoming {
    let mut open = open;
    open.capabilities.push(Capability::GracefulRestart {
        restarting: true,
        notification: false,
        restart_time: 120,
        families,
    });
    Incoming::Open(open)
}

#[test]
fn a_peer_with_graceful_restart_that_lost_its_session_is_not_locked_out() {
    for (families, lives) in [(vec![(1, 1, true)], true), (vec![], false)] {
        let mut bench = Bench::new();
        let session = bench.accept();
        bench.establish(session);
        bench.pass(5_000);
        let new = bench.accept();
        let actions = bench.hear(new, with_graceful_restart(open_from(LOWER), families));
        if lives {
            let lost = Action::Down(session, DownReason::ConnectionLost);
            assert_eq!(actions, [Action::Close(session), lost, confirmed(new)]);
            assert!(matches!(bench.keepalive(new).as_slice(), [Action::Up(..)]));
        } else {
            assert_eq!(actions, said(new, ErrorCode::COLLISION), "a helper keeps no routes of its own");
        }
    }
}

#[test]
fn the_late_twin_of_a_collision_is_no_restart() {
    let mut bench = Bench::new();
    let session = bench.accept();
    bench.establish(session);
    bench.pass(1_000);
    let new = bench.accept();
    let actions = bench.hear(new, with_graceful_restart(open_from(LOWER), vec![(1, 1, true)]));
    assert_eq!(actions, said(new, ErrorCode::COLLISION));
}

// Collision.

#[test]
fn the_higher_identifier_is_favoured_and_between_equal_ones_the_higher_asn() {
    let theirs = theirs();
    for (ours_is_higher, config) in [
        (true, ours()),
        (false, FsmConfig { local_id: "10.0.0.3".parse().unwrap(), ..ours() }),
        (false, FsmConfig { local_id: "9.255.255.255".parse().unwrap(), ..ours() }),
        (false, FsmConfig { local_id: theirs.local_id, ..ours() }),
        (true, speaker(64501, theirs.local_id, 64500)),
    ] {
        let agreed = negotiate(&config, Direction::Inbound, our_open(&theirs)).unwrap();
        let expected = if ours_is_higher { Direction::Outbound } else { Direction::Inbound };
        assert_eq!(favoured(&config, &agreed), expected, "{config:?}");
    }
}

/// Both directions in OpenSent.
fn both_open_sent() -> (Bench, ConnId, ConnId) {
    let mut bench = Bench::new();
    let outbound = bench.connect();
    let inbound = bench.accept();
    bench.drain();
    (bench, outbound, inbound)
}

#[test]
fn the_second_open_resolves_the_collision_whichever_it_is() {
    for (id, outbound_first) in [(LOWER, true), (LOWER, false), (HIGHER, true), (HIGHER, false)] {
        let (mut bench, outbound, inbound) = both_open_sent();
        let (first, second) = if outbound_first { (outbound, inbound) } else { (inbound, outbound) };
        let (winner, loser) = if id == LOWER { (outbound, inbound) } else { (inbound, outbound) };
        assert_eq!(bench.open(first, id), [confirmed(first)], "a connection without its OPEN is left alone");
        let mut expected = said(loser, ErrorCode::COLLISION).to_vec();
        if winner == second {
            expected.push(confirmed(second));
        }
        assert_eq!(bench.open(second, id), expected, "{id} {outbound_first}");
        assert_eq!(bench.close(loser), [], "late news of the loser");
        assert_eq!(bench.hear(loser, Incoming::Keepalive), []);
        assert_eq!(bench.hear(loser, Incoming::Notification(cease(ErrorCode::COLLISION))), []);
        assert!(matches!(bench.keepalive(winner).as_slice(), [Action::Up(conn, _)] if *conn == winner));
        let calm = bench.pass(60_000);
        assert!(calm.iter().all(|action| *action == confirmed(winner)), "{calm:?}");
    }
}

#[test]
fn a_dial_under_way_is_given_up_once_the_peer_has_shown_itself() {
    for id in [LOWER, HIGHER] {
        let mut bench = Bench::new();
        let (dial, _) = bench.dial();
        let inbound = bench.accept();
        assert_eq!(bench.open(inbound, id), [Action::Close(dial), confirmed(inbound)]);
        bench.fsm.handle_connected(bench.now, dial);
        assert_eq!(bench.drain(), []);
        assert!(matches!(bench.keepalive(inbound).as_slice(), [Action::Up(..)]));
    }
}

#[test]
fn a_dial_goes_out_beside_an_inbound_connection_that_is_silent() {
    let mut bench = Bench::new();
    let inbound = bench.accept();
    let outbound = bench.connect();
    bench.establish(outbound);
    assert_eq!(bench.open(inbound, LOWER), said(inbound, ErrorCode::COLLISION));
    assert_eq!(bench.fsm.established(), Some(outbound));
}

#[test]
fn when_the_winner_dies_the_loser_was_not_promoted_and_a_new_dial_follows_soon() {
    let (mut bench, outbound, inbound) = both_open_sent();
    bench.open(outbound, LOWER);
    bench.open(inbound, LOWER);
    bench.close(outbound);
    assert_eq!(bench.fsm.state_of(inbound), None);
    let (_, waited) = bench.dial();
    assert!(waited <= Duration::from_secs(5));
    bench.wait(500);
    assert!(!bench.refuses(), "a lost collision is not a failure");
}

/// The session went up on the inbound connection though ours, already open, should have won.
fn contested() -> (Bench, ConnId, ConnId) {
    let (mut bench, outbound, inbound) = both_open_sent();
    bench.establish(inbound);
    assert_eq!(bench.open(outbound, LOWER), [], "no word on it before the peer has chosen");
    assert_eq!(bench.fsm.state_of(outbound), Some(State::OpenConfirm));
    (bench, outbound, inbound)
}

#[test]
fn a_peer_that_closes_the_session_for_the_favoured_connection_gets_that() {
    let (mut bench, outbound, inbound) = contested();
    let lost = cease(ErrorCode::COLLISION);
    assert_eq!(
        bench.hear(inbound, Incoming::Notification(lost.clone())),
        [Action::Close(inbound), Action::Down(inbound, DownReason::Received(lost)), confirmed(outbound)]
    );
    assert!(matches!(bench.keepalive(outbound).as_slice(), [Action::Up(..)]));
    assert_eq!(bench.fsm.established(), Some(outbound));
}

#[test]
fn a_peer_that_confirms_the_favoured_connection_gets_that() {
    let (mut bench, outbound, inbound) = contested();
    let mut expected = downed(inbound, ErrorCode::COLLISION).to_vec();
    expected.push(confirmed(outbound));
    let agreed = negotiate(&ours(), Direction::Outbound, open_from(LOWER)).unwrap();
    expected.push(Action::Up(outbound, Box::new(agreed)));
    assert_eq!(bench.keepalive(outbound), expected);
    assert_eq!(bench.fsm.established(), Some(outbound));
}

#[test]
fn a_peer_that_keeps_the_session_keeps_it() {
    let (mut bench, outbound, inbound) = contested();
    let lost = cease(ErrorCode::COLLISION);
    assert_eq!(
        bench.hear(outbound, Incoming::Notification(lost.clone())),
        [Action::Close(outbound), Action::AttemptFailed(outbound, DownReason::Received(lost))]
    );
    assert_eq!(bench.fsm.established(), Some(inbound));
    let (mut bench, outbound, inbound) = contested();
    assert_eq!(bench.pass(2_000), said(outbound, ErrorCode::COLLISION), "or does not choose");
    assert_eq!(bench.fsm.established(), Some(inbound));
}

#[test]
fn a_stop_in_a_contest_ends_both() {
    let mut bench = Bench::new();
    let inbound = bench.accept();
    let outbound = bench.connect();
    bench.establish(inbound);
    assert_eq!(bench.open(outbound, LOWER), []);
    bench.fsm.handle_stop(bench.now, Some(cease(ErrorCode::ADMIN_SHUTDOWN)));
    let mut expected = said(outbound, ErrorCode::ADMIN_SHUTDOWN).to_vec();
    expected.extend(downed(inbound, ErrorCode::ADMIN_SHUTDOWN));
    assert_eq!(bench.drain(), expected, "and neither clears the way of the other");
}

// Every situation × every event.

fn situations() -> Vec<(&'static str, Bench, Vec<ConnId>)> {
    let mut list = Vec::new();
    let mut stopped = Bench::new();
    stopped.fsm.handle_stop(stopped.now, Some(cease(ErrorCode::ADMIN_SHUTDOWN)));
    list.push(("stopped", stopped, vec![]));
    list.push(("active", Bench::new(), vec![]));
    let mut held = Bench::new();
    let conn = held.accept();
    held.close(conn);
    list.push(("idle hold", held, vec![]));
    let mut connect = Bench::new();
    let (dial, _) = connect.dial();
    list.push(("connect", connect, vec![dial]));
    let (bench, outbound, inbound) = both_delayed(20);
    list.push(("both delayed", bench, vec![outbound, inbound]));
    let (bench, outbound, inbound) = both_open_sent();
    list.push(("both open sent", bench.clone(), vec![outbound, inbound]));
    let mut confirm = bench.clone();
    confirm.open(outbound, LOWER);
    list.push(("open confirm and open sent", confirm.clone(), vec![outbound, inbound]));
    confirm.keepalive(outbound);
    list.push(("established and open sent", confirm, vec![outbound, inbound]));
    let (bench, outbound, inbound) = contested();
    list.push(("contested", bench, vec![outbound, inbound]));
    for (_, bench, _) in &mut list {
        bench.drain();
    }
    list
}

fn messages() -> Vec<Incoming> {
    vec![
        Incoming::Open(open_from(LOWER)),
        Incoming::Open(open_from(HIGHER)),
        Incoming::Open(Open { my_as: 1, ..open_from(LOWER) }),
        Incoming::Keepalive,
        Incoming::Update,
        Incoming::RouteRefresh,
        Incoming::Notification(cease(ErrorCode::COLLISION)),
        Incoming::Malformed(cease(ErrorCode::BAD_MESSAGE_LENGTH)),
    ]
}

fn events_of(conn: ConnId) -> Vec<Event> {
    let mut events =
        vec![Event::Connected(conn), Event::ConnectFailed(conn), Event::Closed(conn), Event::SendHold(conn)];
    events.extend(messages().into_iter().map(|message| Event::Message(conn, message)));
    events
}

#[test]
fn in_no_situation_does_news_of_an_unknown_or_closed_connection_matter() {
    for (name, mut bench, live) in situations() {
        let stale = (0..40).map(ConnId).filter(|conn| !live.contains(conn));
        for event in stale.flat_map(events_of) {
            let before = format!("{:?}", bench.fsm);
            assert_eq!(bench.fsm.handle(bench.now, event.clone()), None);
            assert_eq!(format!("{:?}", bench.fsm), before, "{name}: {event:?}");
        }
    }
}

/// What holds after any event, in any situation.
fn check_sound(before: &Bench, after: &mut Bench, context: &str) {
    let actions = after.drain();
    let mut open: Vec<ConnId> = before.fsm.connections.iter().map(Connection::id).collect();
    let mut up = before.fsm.established();
    for action in &actions {
        match action {
            Action::Dial(conn) => open.push(*conn),
            Action::Send(conn, Outgoing::Open(_)) if !open.contains(conn) => open.push(*conn),
            Action::Send(conn, _) => assert!(open.contains(conn), "{context}: {actions:?}"),
            Action::Close(conn) => {
                assert!(open.contains(conn), "{context}: {actions:?}");
                open.retain(|one| one != conn);
            }
            Action::Up(conn, _) => assert_eq!(up.replace(*conn), None, "{context}: {actions:?}"),
            Action::Down(conn, _) => assert_eq!(up.take(), Some(*conn), "{context}: {actions:?}"),
            Action::AttemptFailed(conn, _) => assert_ne!(up, Some(*conn), "{context}: {actions:?}"),
        }
    }
    assert_eq!(up, after.fsm.established(), "{context}: {actions:?}");
    assert!(after.fsm.connections.len() <= 2, "{context}");
    after.fsm.handle_timeout(after.now);
    after.drain();
    let again = format!("{:?}", after.fsm);
    after.fsm.handle_timeout(after.now);
    assert_eq!(format!("{:?}", after.fsm), again, "{context}: a second timeout at once does nothing");
    assert!(after.fsm.poll_deadline().is_none_or(|next| next > after.now), "{context}: nothing stays due");
}

#[test]
fn every_situation_times_every_event_is_sound() {
    for (name, bench, live) in situations() {
        let mut events = vec![
            Event::Start,
            Event::Stop(None),
            Event::Stop(Some(cease(ErrorCode::ADMIN_SHUTDOWN))),
            Event::Reset(cease(ErrorCode::ADMIN_RESET)),
            Event::Config(Box::new(ours()), cease(ErrorCode::CONFIG_CHANGE)),
            Event::Timing(Timing { delay_open: Duration::from_secs(5), ..ours().timing }),
            Event::Accepted,
            Event::Timeout,
        ];
        events.extend(live.into_iter().flat_map(events_of));
        for late in [0, 10_000, 3_600_000] {
            for event in &events {
                let mut after = bench.clone();
                after.wait(late);
                drop(after.fsm.handle(after.now, event.clone()));
                check_sound(&bench, &mut after, &format!("{name}, {late} ms: {event:?}"));
            }
        }
    }
}
