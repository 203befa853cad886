//! The task of one session: its state machine, its connections, its Adj-RIB-In, and what it is told to do.
//!
//! One task owns all of it, so nothing of a session is shared or locked. A socket that would block never blocks the
//! task; whoever looks gets a snapshot.

mod incident;
mod incoming;
mod judging;
mod orders;
mod progress;
mod refresh;
mod restart;
mod room;
mod traffic;
mod transport;
mod turn;
mod wait;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tracing::{debug, info, warn};

use self::refresh::Refresh;
use self::wait::Dial;
use super::clock::Clock;
use super::connection::Connection;
use super::flight::Recorder;
use super::handle::Ask;
use super::hold_down::HoldDown;
use super::ledger::Ledger;
use super::listen::Admitted;
use super::pool::Pool;
use super::registrar::Pen;
use super::snapshot::SessionSnapshot;
use super::status::{Held, Status};
use super::{system, terms};
use crate::accept::{AdjRibIn, Retention};
use crate::advertise::{Announcing, Outbox, SessionProfile, View};
use crate::config::{RouterPlan, SessionPlan, needs_reset};
use crate::fsm::{Action, ConnId, DownReason, Moment, Outgoing, PeerFsm, SendHold};
use crate::metrics::SessionMetrics;
use crate::peering::ImportPolicy;
use crate::wire::{MAX_EXTENDED_MESSAGE_LEN, Notification, PerFamily};

/// Refused connections that may be closing when another is refused by name; past it they are just closed. The state
/// machine's own, two at most at a time, do not count against it.
const MAX_REFUSED: usize = 8;

/// What a session is to do now; the newest word counts.
#[derive(Clone, Debug)]
pub(super) struct Intent {
    /// The plan, whose addresses and OPEN do not change in a task's life.
    pub(super) plan: Arc<SessionPlan>,
    /// The number of the whole plan, by which the registrar knows who has heard of it.
    pub(super) number: u64,
    /// What to advertise.
    pub(super) view: Arc<View>,
    /// What the peer's routes are judged by.
    pub(super) import: Arc<ImportPolicy>,
    /// Whether to go on.
    pub(super) order: Order,
}

/// Whether a session goes on.
#[derive(Clone, Debug)]
pub(super) enum Order {
    /// It does.
    Run,
    /// It ends, and its task with it: with this NOTIFICATION, or, for a restart, without one.
    Leave(Option<Notification>),
}

/// What a session's task is given.
pub(super) struct Links {
    pub(super) router: RouterPlan,
    pub(super) intent: watch::Receiver<Intent>,
    pub(super) accepted: mpsc::Receiver<Admitted>,
    pub(super) asks: mpsc::Receiver<Ask>,
    pub(super) snapshot: watch::Sender<Arc<SessionSnapshot>>,
    /// What the session sends by, while it is Established: what a new table is prepared for.
    pub(super) profile: watch::Sender<Option<SessionProfile>>,
    pub(super) metrics: Arc<SessionMetrics>,
    pub(super) pool: Pool,
    /// By which the registrar hears of what the peer announces.
    pub(super) pen: Pen,
    pub(super) ledger: Arc<Ledger>,
    pub(super) recorder: Recorder,
    pub(super) clock: Clock,
    pub(super) life: terms::Life,
}

type Refreshes = PerFamily<Refresh>;

/// The task of one session.
pub(super) struct Peer {
    intent: Intent,
    fsm: PeerFsm,
    /// One that we dialled and one that the peer did, at most.
    connections: Vec<Connection>,
    dialing: Option<(ConnId, Dial)>,
    closing: JoinSet<()>,
    adj_rib_in: AdjRibIn,
    retention: Retention,
    /// The plan by which the registrar has been told all.
    answered: Option<u64>,
    /// When the peer is to have told its table, at the latest.
    told_by: Option<Moment>,
    context: Option<crate::wire::UpdateContext>,
    hold_down: HoldDown,
    send_hold: Option<SendHold>,
    refreshes: Refreshes,
    /// The dial whose failure has been told in the system's words.
    told: Option<ConnId>,
    /// The dial that was last given up without an answer.
    unanswered: Option<ConnId>,
    /// A turn's worth was not enough: the others come first.
    busy: bool,
    /// Routes were taken in since it was last looked whether there is room for them.
    has_taken: bool,
    overdrawn: watch::Receiver<()>,
    /// The peer has come, if only once.
    has_served: bool,
    /// Octets of private deltas, as the ledger has them.
    held: usize,
    /// What is wrong with the message at hand, for the NOTIFICATION that will answer it.
    because: Option<String>,
    status: Status,
    links: Links,
}

impl Peer {
    /// A session that has not started yet.
    pub(super) fn new(links: Links) -> Self {
        let intent = links.intent.borrow().clone();
        let plan = &intent.plan;
        let config = terms::fsm_config(&links.router, plan, links.life, links.clock.now());
        let status = Status::new(plan, config.capabilities.clone(), links.metrics.clone());
        let mut adj_rib_in = AdjRibIn::new(terms::limits(plan), links.pool.budget().clone());
        adj_rib_in.set_policy(intent.import.clone());
        Self {
            fsm: PeerFsm::new(config, fastrand::u64(..)),
            connections: Vec::new(),
            dialing: None,
            closing: JoinSet::new(),
            adj_rib_in,
            retention: Retention::default(),
            answered: None,
            told_by: None,
            context: None,
            hold_down: HoldDown::No,
            send_hold: None,
            refreshes: Refreshes::default(),
            told: None,
            unanswered: None,
            busy: false,
            has_taken: false,
            overdrawn: links.pool.subscribe(),
            has_served: false,
            held: 0,
            because: None,
            status,
            intent,
            links,
        }
    }

    fn now(&self) -> Moment {
        self.links.clock.now()
    }

    fn on_intent(&mut self, intent: Intent) {
        let announcing = announcing(&intent.plan);
        self.adj_rib_in.set_limits(terms::limits(&intent.plan));
        self.adj_rib_in.set_policy(intent.import.clone());
        let now = self.now();
        match &intent.order {
            Order::Leave(notification) => {
                let last_word = notification.clone().map(|n| orders::farewell(n, &intent.plan));
                self.fsm.handle_stop(now, last_word);
                self.hold_down = HoldDown::No;
            }
            Order::Run if needs_reset(&self.intent.plan, &intent.plan) => {
                self.reconfigure(&intent.plan);
            }
            Order::Run => self.fsm.set_timing(terms::timing(&intent.plan)),
        }
        let restart =
            |plan: &SessionPlan| (plan.protocol.max_prefix_action, plan.protocol.max_prefix_restart);
        if self.intent.plan.max_prefixes != intent.plan.max_prefixes
            || restart(&self.intent.plan) != restart(&intent.plan)
        {
            // A session held down over the limit before is given another try.
            self.hold_down.lift(now);
        }
        let before = std::mem::replace(&mut self.intent, intent);
        // What a reset ends is gone before the rest is told of the new table, and its NOTIFICATION signed as before.
        self.act();
        self.change_key(&before.plan);
        let view = self.intent.view.clone();
        if let Some(conn) = self.established_mut() {
            conn.outbox.set_view(view);
            conn.outbox.set_announcing(announcing);
            let left_out = conn.outbox.left_out();
            self.status.left_out(&left_out);
        }
        self.set_send_hold();
        self.watch_limits();
        if let Some(exceeded) = self.adj_rib_in.exceeded() {
            self.limit_passed(&exceeded);
        }
        self.give_way();
    }

    fn on_dialled(&mut self, conn: ConnId, stream: std::io::Result<TcpStream>) {
        self.dialing = None;
        let now = self.now();
        let transport = &self.intent.plan.transport;
        // The plan may have changed since the dial began.
        let fit =
            |stream| system::prepare(&stream, self.intent.plan.peer_address, transport).map(|()| stream);
        match stream.and_then(fit) {
            Ok(stream) => {
                self.connections.push(Connection::new(conn, stream));
                self.fsm.handle_connected(now, conn);
            }
            Err(error) => {
                self.status.connect_failed(&error);
                self.told = Some(conn);
                self.fsm.handle_connect_failed(now, conn);
            }
        }
        self.act();
    }

    fn on_accepted(&mut self, Admitted { stream, by }: Admitted) {
        let now = self.now();
        self.has_served = true;
        if by.transport != self.intent.plan.transport {
            debug!("connection closed: it has waited since before the session asked for what it does now");
            self.status.inbound_refused();
            return;
        }
        match self.fsm.handle_accepted(now) {
            Ok(conn) => self.connections.push(Connection::new(conn, stream)),
            Err(refused) => {
                self.status.inbound_refused();
                let room = self.closing.len() < MAX_REFUSED;
                if let (true, Some(notification)) = (room, refused.0) {
                    let mut connection = Connection::new(ConnId(u64::MAX), stream);
                    connection.outbox.control(notification.encode());
                    self.status.notification_sent(&notification);
                    self.close(connection);
                }
            }
        }
        self.act();
    }

    /// Whatever is due by the clock. A hold timer is only believed once what has arrived is read.
    fn on_due(&mut self) {
        let now = self.now();
        if self.hold_down.when().is_some_and(|at| at <= now) {
            self.hold_down = HoldDown::No;
            self.fsm.handle_start(now);
            self.act();
        }
        self.refresh_due();
        self.send_hold_due();
        self.stale_due();
        self.restart_due();
        self.unended_due();
        if self.fsm.poll_deadline().is_some_and(|at| at <= now) {
            self.read_all();
            self.fsm.handle_timeout(now);
            self.act();
        }
    }

    /// The ids as they are now: what is done to one connection may end another.
    fn connection_ids(&self) -> Vec<ConnId> {
        self.connections.iter().map(|c| c.id).collect()
    }

    fn connection_mut(&mut self, conn: ConnId) -> Option<&mut Connection> {
        self.connections.iter_mut().find(|c| c.id == conn)
    }

    fn remove(&mut self, conn: ConnId) -> Option<Connection> {
        let at = self.connections.iter().position(|c| c.id == conn)?;
        Some(self.connections.remove(at))
    }

    fn established_mut(&mut self) -> Option<&mut Connection> {
        let conn = self.fsm.established()?;
        self.connection_mut(conn)
    }

    /// Carries out what the state machine asks for.
    fn act(&mut self) {
        while let Some(action) = self.fsm.poll_action() {
            match action {
                Action::Dial(conn) => {
                    let plan = &self.intent.plan;
                    let to = SocketAddr::new(plan.peer_address, plan.peer_port);
                    let dial = system::dial(plan.local_address, to, plan.transport.clone());
                    self.status.connect_attempt();
                    self.dialing = Some((conn, Box::pin(dial)));
                }
                Action::Send(conn, message) => self.send(conn, &message),
                Action::Close(conn) => self.end(conn),
                Action::Up(conn, negotiated) => self.up(conn, *negotiated),
                Action::Down(_, reason) => self.down(&reason),
                Action::AttemptFailed(conn, reason) => self.attempt_failed(conn, &reason),
            }
        }
    }

    fn attempt_failed(&mut self, conn: ConnId, reason: &DownReason) {
        if self.told.take_if(|told| *told == conn).is_some() {
            return;
        }
        match self.unanswered.take_if(|dial| *dial == conn) {
            Some(_) => self.status.connect_unanswered(&self.intent.plan),
            None => self.status.attempt_failed(reason),
        }
    }

    fn send(&mut self, conn: ConnId, message: &Outgoing) {
        let bytes = match message {
            Outgoing::Open(open) => match open.encode_in(self.intent.plan.protocol.parameter_form) {
                Ok(bytes) => bytes,
                Err(error) => {
                    tracing::error!(%error, "our own OPEN cannot be encoded");
                    self.lost(conn);
                    return;
                }
            },
            Outgoing::Keepalive => crate::wire::KEEPALIVE.to_vec(),
            Outgoing::Notification(notification) => notification.encode(),
        };
        if let Some(connection) = self.connection_mut(conn) {
            connection.outbox.control(bytes);
        }
        if let Outgoing::Notification(notification) = message {
            self.record_sent(conn, notification);
            self.status.notification_sent(notification);
        }
    }

    /// Ends a connection, or a dial under way.
    fn end(&mut self, conn: ConnId) {
        if self.dialing.take_if(|(id, _)| *id == conn).is_some() {
            self.unanswered = Some(conn);
        }
        if let Some(connection) = self.remove(conn) {
            self.close(connection);
        }
    }

    fn close(&mut self, mut connection: Connection) {
        connection.outbox.finish();
        self.closing.spawn(connection.close());
    }

    fn up(&mut self, conn: ConnId, negotiated: crate::fsm::Negotiated) {
        let (plan, local_asn) = (self.intent.plan.clone(), self.links.router.asn);
        info!(
            peer_id = %negotiated.peer_open.bgp_id,
            hold_time = negotiated.hold_time,
            families = %terms::family_names(negotiated.families),
            "session established"
        );
        if terms::lacks_next_hop(&plan, &negotiated) {
            warn!(
                "the peer takes no IPv4 routes by way of IPv6, and there is no next_hop_v4: it is told none"
            );
        }
        self.context = Some(terms::update_context(local_asn, &plan, &negotiated));
        self.adj_rib_in.set_otc_rule(terms::otc_rule(&plan));
        let view = self.intent.view.clone();
        let profile = terms::session_profile(local_asn, &plan, &negotiated);
        self.links.profile.send_replace(Some(profile.clone()));
        if let Some(connection) = self.connection_mut(conn) {
            // Our OPEN lists extended messages, and that alone allows the peer to send them (RFC 8654 §4).
            connection.max_message_len = MAX_EXTENDED_MESSAGE_LEN;
            connection.outbox.up(profile, view, announcing(&plan));
            let left_out = connection.outbox.left_out();
            self.status.left_out(&left_out);
        }
        self.refresh_stale(&negotiated);
        self.await_table();
        self.status.up(negotiated);
        self.set_send_hold();
    }

    fn down(&mut self, reason: &DownReason) {
        self.links.profile.send_replace(None);
        self.refreshes = Refreshes::default();
        self.adj_rib_in.forget_refreshes();
        self.context = None;
        self.send_hold = None;
        self.status.down(reason);
        self.keep_stale(reason);
        self.watch_limits();
    }

    fn publish(&mut self) {
        let (state, conn) = (self.fsm.state(), self.fsm.established());
        let connection = self.connections.iter().find(|c| conn.is_none_or(|conn| c.id == conn));
        let local = connection.and_then(Connection::local_ip);
        let outbox = connection.filter(|_| conn.is_some()).map(|c| &c.outbox);
        let held = outbox.map_or(0, Outbox::private_bytes);
        if held != self.held {
            self.held = held;
            self.links.ledger.enter(self.intent.plan.peer_address, held);
        }
        self.status.set_hold_down(self.hold_down);
        let (ends, stale) = (self.retention.ends(), self.adj_rib_in.stale());
        let stale_until = PerFamily::from_fn(|family| ends.get(family).filter(|_| *stale.get(family) > 0));
        let held = Held { rib: &self.adj_rib_in, stale_until, clock: self.links.clock };
        let snapshot = self.status.snapshot(&self.intent.plan, state, local, outbox, &held);
        if let Some(snapshot) = snapshot {
            self.links.snapshot.send_replace(Arc::new(snapshot));
        }
    }
}

/// A session comes up with DENY ALL where no routes may flow.
fn announcing(plan: &SessionPlan) -> Announcing {
    match (plan.deny_all(), plan.protocol.graceful_shutdown) {
        (None, false) => Announcing::Yes,
        (None, true) => Announcing::GracefulShutdown,
        (Some(_), _) => Announcing::No,
    }
}
