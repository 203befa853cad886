mod backoff;
mod collision;
mod every;

use std::time::Duration;

use super::super::fixture::{at, drain, open_from, ours};
use super::super::negotiate;
use super::*;
use crate::wire::Open;

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
