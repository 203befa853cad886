//! One peer: when to dial, whom to accept, and which of its connections is the session.

use std::collections::VecDeque;

use fastrand::Rng;

use crate::wire::{ErrorCode, Notification};

use super::collision::{Verdict, judge};
use super::connection::{Connection, Ending, Phase, Step, Stimulus};
use super::negotiation::our_open;
use super::timers::{BREATHER, Backoff, LONGEST_REFUSAL, PATIENCE, REDIAL, SHORT_LIVED};
use super::{
    Action, ConnId, Direction, DownReason, FsmConfig, Incoming, Moment, Negotiated, Outgoing, Refused, State,
    Timing, restart,
};

/// The state machine of one peer.
///
/// The driver reports what happens by `handle_*`, always with the present moment, then drains
/// [`poll_action`](Self::poll_action), does what it says in order, and calls
/// [`handle_timeout`](Self::handle_timeout) when [`poll_deadline`](Self::poll_deadline) has come. Whatever it
/// reports of a connection that is unknown or closed is ignored.
///
/// - A connection ends with exactly one [`Action::Down`] if it had its [`Action::Up`], else with one
///   [`Action::AttemptFailed`]; only a dial that is given up ends with nothing but its [`Action::Close`].
/// - [`Action::Close`] comes unless the driver itself reported the end.
/// - There are at most two connections: one attempt in each direction, or a session and one attempt beside it.
/// - An attempt of ours comes no sooner than 0.75 s after the end of the one before, one of the peer no sooner than
///   0.37 s, except after a session of 10 s or more, when the peer is accepted at once.
#[derive(Clone, Debug)]
pub struct PeerFsm {
    config: FsmConfig,
    rng: Rng,
    run: Run,
    connections: Vec<Connection>,
    /// When we may dial.
    dialling: Backoff,
    /// When the peer may dial.
    accepting: Backoff,
    last_id: u64,
    actions: VecDeque<Action>,
}

/// Whether the peer is wanted.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Run {
    /// No; with the answer to who dials all the same.
    Stopped(Refused),
    Running,
}

impl PeerFsm {
    /// A machine that is Idle until [`handle_start`](Self::handle_start). The seed is of its jitter.
    #[must_use]
    pub fn new(config: FsmConfig, seed: u64) -> Self {
        Self {
            config,
            rng: Rng::with_seed(seed),
            run: Run::Stopped(Refused(None)),
            connections: Vec::with_capacity(2),
            dialling: Backoff::default(),
            accepting: Backoff::default(),
            last_id: 0,
            actions: VecDeque::new(),
        }
    }

    /// ManualStart, AutomaticStart: dials within 100 ms unless passive, and accepts. Ignored when started already.
    pub fn handle_start(&mut self, now: Moment) {
        match self.run {
            Run::Stopped(_) => {
                self.run = Run::Running;
                self.dialling.reset();
                self.accepting.reset();
                self.dialling.spread(now, &mut self.rng);
            }
            Run::Running => {}
        }
    }

    /// ManualStop: sends this NOTIFICATION where TCP is up, and closes. Without one, closes silently, for a restart
    /// that keeps the routes at the peer. Idle, refusing the peer, until [`handle_start`](Self::handle_start).
    pub fn handle_stop(&mut self, now: Moment, reason: Option<Notification>) {
        let answer = reason.as_ref().map(|_| Notification::new(ErrorCode::CONNECTION_REJECTED));
        self.run = Run::Stopped(Refused(answer));
        self.stop_all(now, reason.as_ref());
        self.dialling.reset();
        self.accepting.reset();
    }

    /// AutomaticStop: as [`handle_stop`](Self::handle_stop), then starts again by itself, within 1 s. For what
    /// concerns one connection alone, [`Incoming::Malformed`] is the way. Ignored when stopped.
    pub fn handle_reset(&mut self, now: Moment, reason: Notification) {
        match self.run {
            Run::Stopped(_) => {}
            Run::Running => {
                let lasted = self.established_since().is_some_and(|since| now >= since + SHORT_LIVED);
                self.stop_all(now, Some(&reason));
                self.dialling.reset();
                self.dialling.pause(now, REDIAL, &mut self.rng);
                self.accepting.reset();
                if !lasted {
                    self.accepting.pause(now, BREATHER, &mut self.rng);
                }
            }
        }
    }

    /// The configuration changed: as [`handle_reset`](Self::handle_reset), and all that follows is by the new one.
    pub fn handle_config(&mut self, now: Moment, config: FsmConfig, reason: Notification) {
        self.handle_reset(now, reason);
        self.config = config;
    }

    /// So long after our restart no peer keeps routes of ours from before: our next OPEN does not speak of it.
    pub fn handle_restart_over(&mut self) {
        restart::told(&mut self.config.capabilities);
    }

    /// Durations changed: what begins from now on goes by the new ones.
    pub fn set_timing(&mut self, timing: Timing) {
        self.config.timing = timing;
    }

    /// The peer dialled us, and TCP is up.
    ///
    /// Beside an attempt of the peer that is younger than 5 s a new one is refused; an older one that still has not
    /// got to Established is taken for dead and gives way. Beside a session the new one is taken up to its OPEN.
    ///
    /// # Errors
    ///
    /// The answer to close it with, when the peer is not wanted, comes again too soon, or has an attempt under way.
    pub fn handle_accepted(&mut self, now: Moment) -> Result<ConnId, Refused> {
        match &self.run {
            Run::Stopped(refused) => return Err(refused.clone()),
            Run::Running => {}
        }
        let is_young = |attempt: &Connection| now < attempt.opened() + PATIENCE;
        let in_the_way = self.attempt_in_the_way();
        if self.accepting.holds(now) || in_the_way.is_some_and(is_young) {
            return Err(Refused(Some(Notification::new(ErrorCode::CONNECTION_REJECTED))));
        }
        if let Some(stale) = in_the_way.map(Connection::id) {
            self.deliver(now, stale, Stimulus::CollisionLost);
        }
        let conn = self.next_id();
        let delay = self.config.timing.delay_open;
        self.connections.push(Connection::accepted(conn, now, delay));
        if delay.is_zero() {
            self.say_open(conn);
        }
        Ok(conn)
    }

    /// TCP of a dial is up.
    pub fn handle_connected(&mut self, now: Moment, conn: ConnId) {
        self.deliver(now, conn, Stimulus::TcpUp);
    }

    /// A dial failed.
    pub fn handle_connect_failed(&mut self, now: Moment, conn: ConnId) {
        self.deliver(now, conn, Stimulus::TcpFailed);
    }

    /// TCP ended or failed. What was received before must have been handed in before.
    pub fn handle_closed(&mut self, now: Moment, conn: ConnId) {
        self.deliver(now, conn, Stimulus::TcpClosed);
    }

    /// The peer has taken nothing for the whole of the send hold time; [`SendHold`](super::SendHold) tells.
    pub fn handle_send_hold(&mut self, now: Moment, conn: ConnId) {
        self.deliver(now, conn, Stimulus::SendHoldDue);
    }

    /// A message came.
    pub fn handle_message(&mut self, now: Moment, conn: ConnId, message: Incoming) {
        self.deliver(now, conn, Stimulus::Message(message));
    }

    /// Something may be due. Early or often is harmless; late is what it is.
    pub fn handle_timeout(&mut self, now: Moment) {
        let ids: Vec<ConnId> = self.connections.iter().map(Connection::id).collect();
        for id in ids {
            let due = self.connection(id).and_then(|connection| connection.due(now));
            if let Some(stimulus) = due {
                self.deliver(now, id, stimulus);
            }
        }
        self.accepting.lapse(now);
        if self.dial_at().is_some_and(|at| at <= now) {
            self.dial(now);
        }
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called next, if nothing else happens before.
    #[must_use]
    pub fn poll_deadline(&self) -> Option<Moment> {
        let timers = self.connections.iter().filter_map(|connection| connection.timers().deadline());
        timers.chain(self.dial_at()).chain(self.accepting.until()).min()
    }

    /// The next thing to do.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// The state of the furthest connection. Without any: Active where the peer may dial now, else Idle.
    #[must_use]
    pub fn state(&self) -> State {
        let without = match self.run {
            Run::Running if self.accepting.until().is_none() => State::Active,
            Run::Running | Run::Stopped(_) => State::Idle,
        };
        self.connections.iter().map(Connection::state).max().unwrap_or(without)
    }

    /// The connection of the session, if there is one.
    #[must_use]
    pub fn established(&self) -> Option<ConnId> {
        self.connections.iter().find(|connection| connection.session().is_some()).map(Connection::id)
    }

    /// What the session agreed on, if there is one.
    #[must_use]
    pub fn negotiated(&self) -> Option<&Negotiated> {
        self.connections.iter().find_map(Connection::session).map(|session| session.negotiated.as_ref())
    }

    /// Since when the session is Established.
    #[must_use]
    pub fn established_since(&self) -> Option<Moment> {
        self.connections.iter().find_map(Connection::session).map(|session| session.since)
    }

    /// The state of one connection; `None` when it is unknown or closed.
    #[must_use]
    pub fn state_of(&self, conn: ConnId) -> Option<State> {
        self.connection(conn).map(Connection::state)
    }

    /// When we dial next, if we shall.
    #[must_use]
    pub fn dial_at(&self) -> Option<Moment> {
        let is_served = self.connections.iter().any(|connection| match connection.phase() {
            Phase::Connect => true,
            Phase::Delayed | Phase::OpenSent => connection.direction() == Direction::Outbound,
            Phase::Contested(_) | Phase::OpenConfirm(_) | Phase::Established(_) => true,
            Phase::Over => false,
        });
        let is_wanted = self.run == Run::Running && !self.config.passive && !is_served;
        is_wanted.then(|| self.dialling.until().unwrap_or_default())
    }

    /// Attempts of ours in a row that never reached Established.
    #[must_use]
    pub fn failed_dials(&self) -> u32 {
        self.dialling.failures()
    }

    /// Whether our next OPEN says that we have restarted: as configured, until the first session is Established or
    /// [`handle_restart_over`](Self::handle_restart_over).
    #[must_use]
    pub fn is_restarting(&self) -> bool {
        restart::is_restarting(&self.config.capabilities)
    }

    /// What it goes by.
    #[must_use]
    pub fn config(&self) -> &FsmConfig {
        &self.config
    }

    fn connection(&self, id: ConnId) -> Option<&Connection> {
        self.connections.iter().find(|connection| connection.id() == id)
    }

    fn next_id(&mut self) -> ConnId {
        self.last_id = self.last_id.saturating_add(1);
        ConnId(self.last_id)
    }

    /// The attempt that a newly accepted connection would make one too many.
    fn attempt_in_the_way(&self) -> Option<&Connection> {
        let has_session = self.established().is_some();
        self.connections.iter().find(|connection| {
            connection.session().is_none() && (has_session || connection.direction() == Direction::Inbound)
        })
    }

    fn say_open(&mut self, conn: ConnId) {
        self.actions.push_back(Action::Send(conn, Outgoing::Open(our_open(&self.config))));
    }

    fn dial(&mut self, now: Moment) {
        let conn = self.next_id();
        self.connections.push(Connection::dialled(conn, now));
        self.actions.push_back(Action::Dial(conn));
    }

    fn stop_all(&mut self, now: Moment, reason: Option<&Notification>) {
        // An attempt first, or the end of the session would clear its way.
        self.connections.sort_by_key(|connection| connection.session().is_some());
        let ids: Vec<ConnId> = self.connections.iter().map(Connection::id).collect();
        for id in ids {
            self.deliver(now, id, Stimulus::Stop(reason.cloned()));
        }
    }

    /// Gives a connection something to react to, and does what follows.
    fn deliver(&mut self, now: Moment, id: ConnId, stimulus: Stimulus) {
        let Some(connection) = self.connections.iter_mut().find(|connection| connection.id() == id) else {
            return;
        };
        match connection.handle(now, stimulus, &self.config, &mut self.rng) {
            Step::Stay => {}
            Step::Send(message) => self.actions.push_back(Action::Send(id, message)),
            Step::Agreed(agreed) => self.resolve(now, id, agreed),
            Step::AgreedEarly(agreed) => {
                self.say_open(id);
                self.resolve(now, id, agreed);
            }
            Step::Up(agreed) => self.up(id, agreed),
            Step::Claim(agreed) => {
                self.end_other(now, id, &Stimulus::CollisionLost);
                self.actions.push_back(Action::Send(id, Outgoing::Keepalive));
                self.up(id, agreed);
            }
            Step::End(ending, up_since) => self.ended(now, id, ending, up_since),
        }
    }

    /// A good OPEN came: the collision, if there is one, is resolved here.
    fn resolve(&mut self, now: Moment, id: ConnId, agreed: Box<Negotiated>) {
        let Some(new) = self.connection(id) else { return };
        let other = self.connections.iter().find(|connection| connection.id() != id);
        match judge(&self.config, new, &agreed, other) {
            Verdict::Proceed => {}
            Verdict::Prevail => self.end_other(now, id, &Stimulus::CollisionLost),
            Verdict::Supersede => self.end_other(now, id, &Stimulus::Superseded),
            Verdict::Yield => return self.deliver(now, id, Stimulus::CollisionLost),
            Verdict::Contest => {
                if let Some(connection) = self.connections.iter_mut().find(|one| one.id() == id) {
                    connection.contest(now, agreed);
                }
                return;
            }
        }
        if let Some(connection) = self.connections.iter_mut().find(|one| one.id() == id) {
            connection.confirm(now, agreed, &mut self.rng);
            self.actions.push_back(Action::Send(id, Outgoing::Keepalive));
        }
    }

    fn end_other(&mut self, now: Moment, id: ConnId, stimulus: &Stimulus) {
        let others: Vec<ConnId> =
            self.connections.iter().map(Connection::id).filter(|one| *one != id).collect();
        for other in others {
            self.deliver(now, other, stimulus.clone());
        }
    }

    fn up(&mut self, id: ConnId, agreed: Box<Negotiated>) {
        self.dialling.succeeded();
        restart::told(&mut self.config.capabilities);
        self.actions.push_back(Action::Up(id, agreed));
    }

    /// A connection is over: forgets it, says so, and sets when the next may come.
    fn ended(&mut self, now: Moment, id: ConnId, ending: Ending, up_since: Option<Moment>) {
        let Some(index) = self.connections.iter().position(|connection| connection.id() == id) else {
            return;
        };
        let direction = self.connections.remove(index).direction();
        let is_collision = match &ending {
            Ending::Send(answer) | Ending::Received(answer) => answer.code == ErrorCode::COLLISION,
            Ending::Closed | Ending::Dropped | Ending::Restart => false,
            Ending::GivenUp => true,
        };
        self.report(id, ending, up_since);
        match up_since {
            Some(since) => self.pause_after_session(now, since),
            None if is_collision && !self.connections.is_empty() => {
                self.pause_after_collision(now, direction)
            }
            None => self.count_failure(now, direction),
        }
        self.clear_way(now);
    }

    fn report(&mut self, id: ConnId, ending: Ending, up_since: Option<Moment>) {
        let (says, closes, reason) = match ending {
            Ending::Send(answer) => (Some(answer.clone()), true, Some(DownReason::Sent(answer))),
            Ending::Received(received) => (None, true, Some(DownReason::Received(received))),
            Ending::Closed => (None, false, Some(DownReason::ConnectionLost)),
            Ending::Dropped => (None, true, Some(DownReason::ConnectionLost)),
            Ending::Restart => (None, true, Some(DownReason::Restart)),
            Ending::GivenUp => (None, true, None),
        };
        self.actions.extend(says.map(|answer| Action::Send(id, Outgoing::Notification(answer))));
        self.actions.extend(closes.then_some(Action::Close(id)));
        self.actions.extend(reason.map(|reason| match up_since {
            Some(_) => Action::Down(id, reason),
            None => Action::AttemptFailed(id, reason),
        }));
    }

    fn pause_after_session(&mut self, now: Moment, since: Moment) {
        self.dialling.reset();
        self.dialling.pause(now, REDIAL, &mut self.rng);
        self.accepting.reset();
        if now < since + SHORT_LIVED {
            self.accepting.pause(now, BREATHER, &mut self.rng);
        }
    }

    fn pause_after_collision(&mut self, now: Moment, direction: Direction) {
        match direction {
            Direction::Outbound => self.dialling.pause(now, REDIAL, &mut self.rng),
            Direction::Inbound => self.accepting.pause(now, BREATHER, &mut self.rng),
        }
    }

    fn count_failure(&mut self, now: Moment, direction: Direction) {
        let Timing { connect_retry, max_backoff, delay_open: _ } = self.config.timing;
        match direction {
            Direction::Outbound => self.dialling.fail(now, connect_retry, max_backoff, &mut self.rng),
            Direction::Inbound => {
                let cap = max_backoff.min(LONGEST_REFUSAL);
                self.accepting.fail(now, connect_retry, cap, &mut self.rng);
            }
        }
    }

    /// Lets a contesting connection go on once there is no session.
    fn clear_way(&mut self, now: Moment) {
        if self.established().is_none() {
            let contesting = |one: &&Connection| matches!(one.phase(), Phase::Contested(_));
            if let Some(id) = self.connections.iter().find(contesting).map(Connection::id) {
                self.deliver(now, id, Stimulus::WayClear);
            }
        }
    }
}

#[cfg(test)]
mod tests;
