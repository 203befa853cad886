//! One TCP connection: the states of RFC 4271 §8.2.2 that belong to a connection, each × every event.
//!
//! Idle is the peer's, and so is Active without a connection: a connection begins in Connect where we dial and in
//! OpenSent, or with DelayOpen in Active, where the peer did, and is forgotten when it is over. What the other connection
//! has to do with it is the peer's to say.
//!
//! Of the events of §8.1, the starts (1, 3–7), IdleHoldTimer (13) and the refusal of an incoming TCP connection (14–15,
//! 17) are the peer's too. A bad header or OPEN (21, 22, 24, 28) comes as `Incoming::Malformed` with its answer, and what
//! is wrong between two good OPENs is found here. 29 is RFC 9687's.

use std::mem;
use std::time::Duration;

use fastrand::Rng;

use crate::wire::{ErrorCode, Notification, Open, codes};

use super::negotiation::{negotiate, our_open};
use super::timers::{CONTEST, DIAL_LIMIT, Due, OPEN_HOLD, Timers};
use super::{
    ConnId, Direction, FsmConfig, GracefulRestart, Incoming, Moment, Negotiated, Outgoing, State, restart,
};

/// A session that is, or was, Established.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Session {
    pub(super) negotiated: Box<Negotiated>,
    pub(super) since: Moment,
}

/// Where a connection is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    /// We dial; TCP is not up yet.
    Connect,
    /// TCP is up, and our OPEN waits for the peer's, as long as DelayOpenTimer runs: Connect where we dialled, Active
    /// where the peer did.
    Delayed,
    /// TCP is up, our OPEN is sent, the peer's has not come.
    OpenSent,
    /// A good OPEN came while the other connection was Established, but this is the one that should have won. The
    /// peer may be about to close the other; it shows its choice by a KEEPALIVE here or the end of either one.
    Contested(Box<Negotiated>),
    /// Both OPENs are good, our KEEPALIVE is sent.
    OpenConfirm(Box<Negotiated>),
    /// Routes may flow.
    Established(Session),
    /// Ended.
    Over,
}

/// What can happen to a connection, with the events of RFC 4271 §8.1 that it stands for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Stimulus {
    /// The dial succeeded: 16.
    TcpUp,
    /// The dial failed: 18.
    TcpFailed,
    /// TCP ended: 18.
    TcpClosed,
    /// A message came: 19, 21–22, 24–28.
    Message(Incoming),
    /// The time for the present state is over: 9 in Connect, 12 while our OPEN waits, else 10.
    HoldDue,
    /// A KEEPALIVE is due: 11.
    KeepaliveDue,
    /// The peer takes nothing that it is sent: 29.
    SendHoldDue,
    /// 2 and 8, with the NOTIFICATION to send, or none for a restart that keeps the routes.
    Stop(Option<Notification>),
    /// The other connection won: 23.
    CollisionLost,
    /// The peer has restarted and this session is dead on its side (RFC 4724 §5).
    Superseded,
    /// There is no longer a session that this connection contests.
    WayClear,
}

/// How a connection ends.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Ending {
    /// With this NOTIFICATION of ours.
    Send(Notification),
    /// With this NOTIFICATION of the peer.
    Received(Notification),
    /// TCP is gone already.
    Closed,
    /// We close TCP without a word, as if it were gone.
    Dropped,
    /// We close TCP without a word, to restart.
    Restart,
    /// A dial that is no longer wanted.
    GivenUp,
}

/// What the peer is to do about a stimulus.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Step {
    /// Nothing.
    Stay,
    /// Send this.
    Send(Outgoing),
    /// The OPENs agree: judge the collision, then confirm, contest, or end this one.
    Agreed(Box<Negotiated>),
    /// The same, and our own OPEN is to be sent before all: 20.
    AgreedEarly(Box<Negotiated>),
    /// Established.
    Up(Box<Negotiated>),
    /// Established over the other connection's session: end that, send a KEEPALIVE here.
    Claim(Box<Negotiated>),
    /// Over; since when it had been Established, if it had.
    End(Ending, Option<Moment>),
}

/// One TCP connection.
#[derive(Clone, Debug)]
pub(super) struct Connection {
    id: ConnId,
    direction: Direction,
    /// When TCP came up; until then, when we dialled.
    opened: Moment,
    timers: Timers,
    phase: Phase,
}

impl Connection {
    /// A dial under way.
    pub(super) fn dialled(id: ConnId, now: Moment) -> Self {
        let timers = Timers::limit(now + DIAL_LIMIT);
        Self { id, direction: Direction::Outbound, opened: now, timers, phase: Phase::Connect }
    }

    /// A connection that the peer dialled, on which our OPEN is sent at once, or waits so long for the peer's.
    pub(super) fn accepted(id: ConnId, now: Moment, delay_open: Duration) -> Self {
        let (phase, limit) = opening(delay_open);
        let timers = Timers::limit(now + limit);
        Self { id, direction: Direction::Inbound, opened: now, timers, phase }
    }

    pub(super) fn id(&self) -> ConnId {
        self.id
    }

    pub(super) fn direction(&self) -> Direction {
        self.direction
    }

    pub(super) fn opened(&self) -> Moment {
        self.opened
    }

    pub(super) fn phase(&self) -> &Phase {
        &self.phase
    }

    pub(super) fn timers(&self) -> &Timers {
        &self.timers
    }

    /// The state in the RFC's words.
    pub(super) fn state(&self) -> State {
        match self.phase {
            Phase::Connect => State::Connect,
            Phase::Delayed => match self.direction {
                Direction::Outbound => State::Connect,
                Direction::Inbound => State::Active,
            },
            Phase::OpenSent => State::OpenSent,
            Phase::Contested(_) | Phase::OpenConfirm(_) => State::OpenConfirm,
            Phase::Established(_) => State::Established,
            Phase::Over => State::Idle,
        }
    }

    /// The session, if it is Established.
    pub(super) fn session(&self) -> Option<&Session> {
        if let Phase::Established(session) = &self.phase { Some(session) } else { None }
    }

    /// What the timers say is due.
    pub(super) fn due(&self, now: Moment) -> Option<Stimulus> {
        self.timers.due(now).map(|due| match due {
            Due::Hold => Stimulus::HoldDue,
            Due::Keepalive => Stimulus::KeepaliveDue,
        })
    }

    /// [`Step::Agreed`], and no collision: a KEEPALIVE is being sent.
    pub(super) fn confirm(&mut self, now: Moment, agreed: Box<Negotiated>, rng: &mut Rng) {
        self.timers = Timers::confirm(now, agreed.hold_time, rng);
        self.phase = Phase::OpenConfirm(agreed);
    }

    /// [`Step::Agreed`], and the other connection is Established though this one should win.
    pub(super) fn contest(&mut self, now: Moment, agreed: Box<Negotiated>) {
        self.timers = Timers::limit(now + CONTEST);
        self.phase = Phase::Contested(agreed);
    }

    /// One cell of the table: this state × that event.
    pub(super) fn handle(
        &mut self,
        now: Moment,
        stimulus: Stimulus,
        config: &FsmConfig,
        rng: &mut Rng,
    ) -> Step {
        let (phase, step) = match mem::replace(&mut self.phase, Phase::Over) {
            Phase::Connect => self.in_connect(now, stimulus, config),
            Phase::Delayed => self.in_delayed(now, stimulus, config),
            Phase::OpenSent => self.in_open_sent(stimulus, config),
            Phase::Contested(agreed) => self.in_contested(now, stimulus, agreed, rng),
            Phase::OpenConfirm(agreed) => self.in_open_confirm(now, stimulus, agreed, rng),
            Phase::Established(session) => self.in_established(now, stimulus, session, rng),
            Phase::Over => in_over(&stimulus),
        };
        self.phase = phase;
        step
    }

    fn in_connect(&mut self, now: Moment, stimulus: Stimulus, config: &FsmConfig) -> (Phase, Step) {
        match stimulus {
            Stimulus::TcpUp => {
                let (phase, limit) = opening(config.timing.delay_open);
                self.opened = now;
                self.timers = Timers::limit(now + limit);
                let waits = phase == Phase::Delayed;
                (phase, if waits { Step::Stay } else { Step::Send(Outgoing::Open(our_open(config))) })
            }
            Stimulus::TcpFailed | Stimulus::TcpClosed => over(Ending::Closed),
            // Nothing can be heard before TCP is up; §8.2.2 drops the connection for each of them.
            Stimulus::Message(
                Incoming::Open(_)
                | Incoming::Keepalive
                | Incoming::Update
                | Incoming::RouteRefresh
                | Incoming::Notification(_)
                | Incoming::Malformed(_),
            ) => over(Ending::Dropped),
            Stimulus::HoldDue | Stimulus::Superseded => over(Ending::Dropped),
            Stimulus::Stop(_) | Stimulus::CollisionLost => over(Ending::GivenUp),
            Stimulus::KeepaliveDue | Stimulus::SendHoldDue | Stimulus::WayClear => {
                (Phase::Connect, Step::Stay)
            }
        }
    }

    /// What §8.2.2 has in Connect and in Active while DelayOpenTimer runs, with SendNOTIFICATIONwithoutOPEN.
    fn in_delayed(&mut self, now: Moment, stimulus: Stimulus, config: &FsmConfig) -> (Phase, Step) {
        match stimulus {
            Stimulus::HoldDue => {
                self.timers = Timers::limit(now + OPEN_HOLD);
                (Phase::OpenSent, Step::Send(Outgoing::Open(our_open(config))))
            }
            Stimulus::Message(Incoming::Open(open)) => match negotiate(config, self.direction, open) {
                Ok(agreed) => (Phase::OpenSent, Step::AgreedEarly(Box::new(agreed))),
                Err(answer) => over(Ending::Send(answer)),
            },
            Stimulus::Message(Incoming::Keepalive | Incoming::Update | Incoming::RouteRefresh) => {
                over(Ending::Dropped)
            }
            Stimulus::Message(Incoming::Notification(received)) => over(Ending::Received(received)),
            Stimulus::Message(Incoming::Malformed(answer)) => over(Ending::Send(answer)),
            Stimulus::TcpFailed | Stimulus::TcpClosed => over(Ending::Closed),
            Stimulus::Stop(reason) => over(stopped(reason, None)),
            Stimulus::CollisionLost => over(Ending::Send(Notification::new(ErrorCode::COLLISION))),
            Stimulus::Superseded => over(Ending::Dropped),
            Stimulus::TcpUp | Stimulus::KeepaliveDue | Stimulus::SendHoldDue | Stimulus::WayClear => {
                (Phase::Delayed, Step::Stay)
            }
        }
    }

    fn in_open_sent(&mut self, stimulus: Stimulus, config: &FsmConfig) -> (Phase, Step) {
        match stimulus {
            Stimulus::Message(Incoming::Open(open)) => self.heard_open(open, config),
            Stimulus::Message(Incoming::Keepalive) => {
                over(unexpected(ErrorCode::FSM_OPEN_SENT, codes::message::KEEPALIVE))
            }
            Stimulus::Message(Incoming::Update) => {
                over(unexpected(ErrorCode::FSM_OPEN_SENT, codes::message::UPDATE))
            }
            Stimulus::Message(Incoming::RouteRefresh) => {
                over(unexpected(ErrorCode::FSM_OPEN_SENT, codes::message::ROUTE_REFRESH))
            }
            Stimulus::Message(Incoming::Notification(received)) => over(Ending::Received(received)),
            Stimulus::Message(Incoming::Malformed(answer)) => over(Ending::Send(answer)),
            Stimulus::TcpFailed | Stimulus::TcpClosed => over(Ending::Closed),
            Stimulus::HoldDue => over(Ending::Send(Notification::new(ErrorCode::HOLD_TIMER_EXPIRED))),
            Stimulus::Stop(reason) => over(stopped(reason, None)),
            Stimulus::CollisionLost => over(Ending::Send(Notification::new(ErrorCode::COLLISION))),
            Stimulus::Superseded => over(Ending::Dropped),
            Stimulus::TcpUp | Stimulus::KeepaliveDue | Stimulus::SendHoldDue | Stimulus::WayClear => {
                (Phase::OpenSent, Step::Stay)
            }
        }
    }

    fn heard_open(&self, open: Open, config: &FsmConfig) -> (Phase, Step) {
        match negotiate(config, self.direction, open) {
            Ok(agreed) => (Phase::OpenSent, Step::Agreed(Box::new(agreed))),
            Err(answer) => over(Ending::Send(answer)),
        }
    }

    fn in_contested(
        &mut self,
        now: Moment,
        stimulus: Stimulus,
        agreed: Box<Negotiated>,
        rng: &mut Rng,
    ) -> (Phase, Step) {
        match stimulus {
            Stimulus::Message(Incoming::Keepalive) => {
                self.timers = Timers::confirm(now, agreed.hold_time, rng);
                self.timers.heard(now);
                let session = Session { negotiated: agreed.clone(), since: now };
                (Phase::Established(session), Step::Claim(agreed))
            }
            Stimulus::WayClear => {
                self.timers = Timers::confirm(now, agreed.hold_time, rng);
                (Phase::OpenConfirm(agreed), Step::Send(Outgoing::Keepalive))
            }
            Stimulus::Message(Incoming::Open(_)) => {
                over(unexpected(ErrorCode::FSM_OPEN_CONFIRM, codes::message::OPEN))
            }
            Stimulus::Message(Incoming::Update) => {
                over(unexpected(ErrorCode::FSM_OPEN_CONFIRM, codes::message::UPDATE))
            }
            Stimulus::Message(Incoming::RouteRefresh) => {
                over(unexpected(ErrorCode::FSM_OPEN_CONFIRM, codes::message::ROUTE_REFRESH))
            }
            Stimulus::Message(Incoming::Notification(received)) => over(Ending::Received(received)),
            Stimulus::Message(Incoming::Malformed(answer)) => over(Ending::Send(answer)),
            Stimulus::TcpFailed | Stimulus::TcpClosed => over(Ending::Closed),
            // The peer had time to choose and kept the session.
            Stimulus::HoldDue | Stimulus::CollisionLost => {
                over(Ending::Send(Notification::new(ErrorCode::COLLISION)))
            }
            Stimulus::Stop(reason) => over(stopped(reason, None)),
            Stimulus::Superseded => over(Ending::Dropped),
            Stimulus::TcpUp | Stimulus::KeepaliveDue | Stimulus::SendHoldDue => {
                (Phase::Contested(agreed), Step::Stay)
            }
        }
    }

    fn in_open_confirm(
        &mut self,
        now: Moment,
        stimulus: Stimulus,
        agreed: Box<Negotiated>,
        rng: &mut Rng,
    ) -> (Phase, Step) {
        match stimulus {
            Stimulus::Message(Incoming::Keepalive) => {
                self.timers.heard(now);
                let session = Session { negotiated: agreed.clone(), since: now };
                (Phase::Established(session), Step::Up(agreed))
            }
            Stimulus::Message(Incoming::Open(_)) => {
                over(unexpected(ErrorCode::FSM_OPEN_CONFIRM, codes::message::OPEN))
            }
            Stimulus::Message(Incoming::Update) => {
                over(unexpected(ErrorCode::FSM_OPEN_CONFIRM, codes::message::UPDATE))
            }
            Stimulus::Message(Incoming::RouteRefresh) => {
                over(unexpected(ErrorCode::FSM_OPEN_CONFIRM, codes::message::ROUTE_REFRESH))
            }
            Stimulus::Message(Incoming::Notification(received)) => over(Ending::Received(received)),
            Stimulus::Message(Incoming::Malformed(answer)) => over(Ending::Send(answer)),
            Stimulus::TcpFailed | Stimulus::TcpClosed => over(Ending::Closed),
            Stimulus::HoldDue => over(Ending::Send(Notification::new(ErrorCode::HOLD_TIMER_EXPIRED))),
            Stimulus::SendHoldDue => {
                over(Ending::Send(Notification::new(ErrorCode::SEND_HOLD_TIMER_EXPIRED)))
            }
            Stimulus::KeepaliveDue => {
                self.timers.sent_keepalive(now, rng);
                (Phase::OpenConfirm(agreed), Step::Send(Outgoing::Keepalive))
            }
            Stimulus::Stop(reason) => over(stopped(reason, None)),
            Stimulus::CollisionLost => over(Ending::Send(Notification::new(ErrorCode::COLLISION))),
            Stimulus::Superseded => over(Ending::Dropped),
            Stimulus::TcpUp | Stimulus::WayClear => (Phase::OpenConfirm(agreed), Step::Stay),
        }
    }

    fn in_established(
        &mut self,
        now: Moment,
        stimulus: Stimulus,
        session: Session,
        rng: &mut Rng,
    ) -> (Phase, Step) {
        let down = |ending| (Phase::Over, Step::End(ending, Some(session.since)));
        match stimulus {
            Stimulus::Message(Incoming::Keepalive | Incoming::Update | Incoming::RouteRefresh) => {
                self.timers.heard(now);
                (Phase::Established(session), Step::Stay)
            }
            Stimulus::Message(Incoming::Open(_)) => {
                down(unexpected(ErrorCode::FSM_ESTABLISHED, codes::message::OPEN))
            }
            Stimulus::Message(Incoming::Notification(received)) => down(Ending::Received(received)),
            Stimulus::Message(Incoming::Malformed(answer)) => down(Ending::Send(answer)),
            Stimulus::TcpFailed | Stimulus::TcpClosed => down(Ending::Closed),
            Stimulus::HoldDue => down(Ending::Send(Notification::new(ErrorCode::HOLD_TIMER_EXPIRED))),
            Stimulus::SendHoldDue => {
                down(Ending::Send(Notification::new(ErrorCode::SEND_HOLD_TIMER_EXPIRED)))
            }
            Stimulus::KeepaliveDue => {
                self.timers.sent_keepalive(now, rng);
                (Phase::Established(session), Step::Send(Outgoing::Keepalive))
            }
            Stimulus::Stop(reason) => down(stopped(reason, session.negotiated.graceful_restart)),
            Stimulus::CollisionLost => down(Ending::Send(Notification::new(ErrorCode::COLLISION))),
            Stimulus::Superseded => down(Ending::Dropped),
            Stimulus::TcpUp | Stimulus::WayClear => (Phase::Established(session), Step::Stay),
        }
    }
}

/// A connection that is over stays so, whatever is still heard of it.
fn in_over(stimulus: &Stimulus) -> (Phase, Step) {
    match stimulus {
        Stimulus::TcpUp
        | Stimulus::TcpFailed
        | Stimulus::TcpClosed
        | Stimulus::Message(
            Incoming::Open(_)
            | Incoming::Keepalive
            | Incoming::Update
            | Incoming::RouteRefresh
            | Incoming::Notification(_)
            | Incoming::Malformed(_),
        )
        | Stimulus::HoldDue
        | Stimulus::KeepaliveDue
        | Stimulus::SendHoldDue
        | Stimulus::Stop(_)
        | Stimulus::CollisionLost
        | Stimulus::Superseded
        | Stimulus::WayClear => (Phase::Over, Step::Stay),
    }
}

/// Where a connection is once TCP is up, and how long it may stay there.
fn opening(delay_open: Duration) -> (Phase, Duration) {
    if delay_open.is_zero() { (Phase::OpenSent, OPEN_HOLD) } else { (Phase::Delayed, delay_open) }
}

/// The end of a connection that never was Established.
fn over(ending: Ending) -> (Phase, Step) {
    (Phase::Over, Step::End(ending, None))
}

/// A message that the state does not expect: its type is the data of the NOTIFICATION (RFC 6608 §3).
fn unexpected(code: ErrorCode, message_type: u8) -> Ending {
    Ending::Send(Notification::with_data(code, [message_type]))
}

/// What was agreed with the peer decides in which words it is told.
fn stopped(reason: Option<Notification>, agreed: Option<GracefulRestart>) -> Ending {
    reason.map_or(Ending::Restart, |reason| Ending::Send(restart::worded(reason, agreed)))
}

#[cfg(test)]
mod tests;
