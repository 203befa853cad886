//! One state machine, watched: whatever it is told, what it asks for stays within what it promises.

use std::collections::BTreeMap;
use std::time::Duration;

use peeringd::fsm::{
    Action, ConnId, DownReason, Event, FsmConfig, Moment, Outgoing, PeerFsm, Refused, State, Timing, replay,
};
use peeringd::wire::{Asn, Capability, PerFamily};

/// A connection as its driver sees it.
#[derive(Default)]
struct Seen {
    /// TCP is up.
    is_open: bool,
    /// Messages sent on it.
    sent: usize,
    /// A NOTIFICATION was sent: nothing but Close may follow.
    is_ending: bool,
}

/// A machine, what it was told, and what it asked for.
pub struct Watched {
    fsm: PeerFsm,
    config: FsmConfig,
    seed: u64,
    connections: BTreeMap<ConnId, Seen>,
    up: Option<ConnId>,
    told: Vec<(Moment, Event)>,
    asked: Vec<(Moment, Action)>,
}

impl Watched {
    /// A machine that has not started.
    #[must_use]
    pub fn new(config: FsmConfig, seed: u64) -> Self {
        Self {
            fsm: PeerFsm::new(config.clone(), seed),
            config,
            seed,
            connections: BTreeMap::new(),
            up: None,
            told: Vec::new(),
            asked: Vec::new(),
        }
    }

    /// The machine itself.
    #[must_use]
    pub fn fsm(&self) -> &PeerFsm {
        &self.fsm
    }

    /// How many connections are not over.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.connections.len()
    }

    /// The `nth` connection that is not over, or one that never was.
    #[must_use]
    pub fn conn(&self, nth: usize) -> ConnId {
        self.connections.keys().nth(nth).copied().unwrap_or(ConnId(u64::MAX))
    }

    /// Tells it something; returns what it asks for, and, of an accepted connection, the answer.
    pub fn tell(&mut self, now: Moment, event: Event) -> (Vec<Action>, Option<Result<ConnId, Refused>>) {
        self.told.push((now, event.clone()));
        let answer = self.fsm.handle(now, event.clone());
        match (&event, &answer) {
            (Event::Connected(conn), _) => {
                if let Some(seen) = self.connections.get_mut(conn) {
                    seen.is_open = true;
                }
            }
            (Event::Accepted, Some(Ok(conn))) => {
                let seen = Seen { is_open: true, ..Seen::default() };
                assert!(self.connections.insert(*conn, seen).is_none(), "{conn:?} again");
            }
            _ => {}
        }
        let actions: Vec<Action> = std::iter::from_fn(|| self.fsm.poll_action()).collect();
        for action in &actions {
            self.check(action);
            self.asked.push((now, action.clone()));
        }
        if let Event::Closed(conn) | Event::ConnectFailed(conn) = event
            && self.fsm.state_of(conn).is_none()
        {
            self.connections.remove(&conn);
        }
        self.check_state(now, event == Event::Timeout);
        (actions, answer)
    }

    fn check(&mut self, action: &Action) {
        match action {
            Action::Dial(conn) => {
                assert!(!self.config.passive, "a passive speaker dials");
                assert!(self.connections.insert(*conn, Seen::default()).is_none(), "{conn:?} again");
            }
            Action::Send(conn, message) => {
                let seen = self.connections.get_mut(conn).expect("a connection that is there");
                assert!(seen.is_open && !seen.is_ending, "{message:?} on {conn:?}");
                assert_eq!(
                    seen.sent == 0,
                    matches!(message, Outgoing::Open(_)),
                    "OPEN is the first, and once"
                );
                seen.sent += 1;
                seen.is_ending = matches!(message, Outgoing::Notification(_));
            }
            Action::Close(conn) => {
                assert!(self.connections.remove(conn).is_some(), "{conn:?} is closed twice");
            }
            Action::Up(conn, _) => assert_eq!(self.up.replace(*conn), None, "two Ups without a Down"),
            Action::Down(conn, reason) => {
                assert_eq!(self.up.take(), Some(*conn), "a Down without its Up");
                self.check_end(*conn, reason);
            }
            Action::AttemptFailed(conn, reason) => {
                assert_ne!(self.up, Some(*conn), "a session is no attempt");
                self.check_end(*conn, reason);
            }
        }
    }

    /// It is over: closed before, or by the driver's own word.
    fn check_end(&mut self, conn: ConnId, reason: &DownReason) {
        assert!(self.fsm.state_of(conn).is_none(), "{conn:?} goes on after {reason:?}");
        if self.connections.contains_key(&conn) {
            assert_eq!(*reason, DownReason::ConnectionLost, "only what is lost needs no Close");
        }
    }

    fn check_state(&self, now: Moment, is_timeout: bool) {
        assert!(self.connections.len() <= 2, "{} connections", self.connections.len());
        assert_eq!(self.fsm.established(), self.up);
        assert_eq!(self.fsm.state() == State::Established, self.up.is_some());
        assert_eq!(self.fsm.negotiated().is_some(), self.up.is_some());
        if is_timeout {
            assert!(self.fsm.poll_deadline().is_none_or(|at| at > now), "still due after a timeout");
        }
        // Refusing ends within a minute, dialling waits no longer than the longest back-off.
        let longest = self.config.timing.max_backoff.max(Duration::from_secs(60)) + Duration::from_secs(1);
        assert!(self.fsm.dial_at().is_none_or(|at| at <= now + longest));
    }

    /// The recorded run gives the same again.
    pub fn check_replay(self) {
        assert_eq!(replay(self.config, self.seed, self.told), self.asked);
    }
}

/// AS64500 + `who` as 10.0.0.`id`, the other one's peer.
#[must_use]
pub fn speaker(who: u32, id: u8, hold_time: u16, passive: bool) -> FsmConfig {
    let asn = |who: u32| Asn(64_500 + who);
    FsmConfig {
        local_asn: asn(who),
        local_id: [10, 0, 0, id].into(),
        peer_asn: asn(1 - who),
        hold_time,
        passive,
        families: PerFamily { ipv4: true, ipv6: true },
        capabilities: vec![
            Capability::Multiprotocol(1, 1),
            Capability::Multiprotocol(2, 1),
            Capability::RouteRefresh,
            Capability::FourOctetAs(asn(who)),
            Capability::GracefulRestart {
                restarting: false,
                notification: false,
                restart_time: 120,
                families: vec![(1, 1, true)],
            },
        ],
        role: None,
        strict_role: false,
        timing: Timing { connect_retry: Duration::from_secs(1), max_backoff: Duration::from_secs(60), delay_open: Duration::ZERO },
    }
}
