//! Starts and ends the sessions' tasks, gives each its intent, and starts again what died.

mod lifecycle;
mod ranges;
mod reload;

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::{ArcSwap, ArcSwapOption};
use ipnet::IpNet;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::{Id, JoinError, JoinSet};
use tokio::time::timeout;
use tracing::{error, warn};

use super::clock::Clock;
use super::flight::Recorder;
use super::gauges;
use super::handle::{Ask, Handle, SessionEntry};
use super::imports::Imports;
use super::keyring::Keyring;
use super::leaving::Leavers;
use super::ledger::Ledger;
use super::lifecycle::{Lifecycle, Resumed, TypeChangeOrder};
use super::listen::{self, Admitted, Door, Doors, Entrance, Listeners, Newcomer};
use super::origin::{self, OriginsInForce};
use super::peer::{Intent, Links, Order, Peer};
use super::pool::Pool;
use super::registrar::{Events, Registrar};
use super::said::Said;
use super::snapshot::{Overview, SessionSnapshot};
use super::status::Status;
use super::terms::{self, Life};
use crate::advertise::{Board, Selector, SessionProfile};
use crate::config::{OriginPlan, Plan, SessionPlan};
use crate::fsm::Moment;
use crate::metrics::{Metrics, SessionLabels};
use crate::rib::{Findings, Generation};
use crate::wire::Notification;

/// How long sessions may take to end when the process stops; systemd and the operator wait for it.
const STOP_WITHIN: Duration = Duration::from_secs(3);
/// How long the state of registrations may take to be written then.
const STATE_WITHIN: Duration = Duration::from_secs(1);
/// How long a session whose task died stays down.
const AFTER_PANIC: Duration = Duration::from_secs(1);
/// Connections of one peer that may wait for its task.
const WAITING_CONNECTIONS: usize = 4;
/// Questions to one session that may wait for its task.
const WAITING_ASKS: usize = 16;
/// Connections out of ranges that may wait for their sessions to start.
const WAITING_NEWCOMERS: usize = 16;
/// Orders to change a type that may wait.
const WAITING_ORDERS: usize = 4;

/// What the supervisor is told.
#[derive(Debug)]
enum Command {
    Reload { plan: Arc<Plan>, generation: Arc<Generation>, done: oneshot::Sender<Result<(), Findings>> },
    Refused { why: Arc<str> },
    Ping(oneshot::Sender<()>),
    Stop { notification: Option<Notification>, done: oneshot::Sender<()> },
}

/// A running speaker: sessions, listeners and the task that watches over them.
#[derive(Clone, Debug)]
pub struct Speaker {
    handle: Handle,
    commands: mpsc::Sender<Command>,
}

/// The speaker has ended.
#[derive(Debug, thiserror::Error)]
#[error("the speaker has ended")]
pub struct Ended;

/// Why a reload came to nothing; what was in force still is.
#[derive(Debug, thiserror::Error)]
pub enum NotReloaded {
    /// What became of connections since the config was read does not allow it.
    #[error("the reload is refused: {0}")]
    Refused(Findings),
    /// The speaker has stopped.
    #[error(transparent)]
    Ended(#[from] Ended),
}

impl Speaker {
    /// Starts every session of a plan. Must be called within a runtime, which carries all of it.
    #[must_use]
    pub fn start(
        plan: Arc<Plan>,
        generation: Arc<Generation>,
        listeners: Listeners,
        metrics: Metrics,
    ) -> Self {
        Self::resume(plan, generation, listeners, metrics, Resumed::default())
    }

    /// The same, going on where a life before ended; the plan was checked against that.
    #[must_use]
    pub fn resume(
        plan: Arc<Plan>,
        generation: Arc<Generation>,
        listeners: Listeners,
        metrics: Metrics,
        resumed: Resumed,
    ) -> Self {
        let Resumed { kept, store, registrations } = resumed;
        let events = Events::with(registrations.events());
        let lifecycle = Lifecycle::start(plan, kept, store, events.clone());
        let plan = lifecycle.plan();
        let overview = Overview {
            started: Clock::unix(),
            ready: true,
            lab: plan.lab,
            local_asn: plan.router.asn,
            router_id: plan.router.router_id,
            last_reload_error: None,
        };
        let (overview_tx, overview) = watch::channel(overview);
        let (origins, origin_plans) = origin::start(&plan.origin, &metrics);
        let mut imports = Imports::default().next(&plan, Some(generation.clone()));
        imports.judge_origins_by(&origins.in_force().borrow());
        let registrar = Registrar::start(plan.clone(), registrations, events, metrics.clone());
        let (type_changes, orders) = mpsc::channel(WAITING_ORDERS);
        let leavers = Leavers::default();
        let handle = Handle {
            sessions: Arc::new(ArcSwap::from_pointee(Vec::new())),
            generation: Arc::new(ArcSwapOption::from(Some(generation.clone()))),
            overview,
            plan: Arc::new(ArcSwap::new(plan.clone())),
            origins,
            registrar: registrar.desk.clone(),
            kept: lifecycle.shared(),
            type_changes,
            leaving: leavers.shared(),
        };
        let listeners: Vec<_> = listeners.into_inner().into_iter().map(Arc::new).collect();
        let mut supervisor = Supervisor {
            board: Arc::new(Board::new(generation)),
            pool: Pool::new(plan.limits.received_prefixes),
            ledger: Arc::default(),
            origin_plans,
            origins: handle.origins.in_force(),
            imports,
            recorder: Recorder::start(&plan.state_dir, &metrics),
            clock: Clock::start(),
            doors: Arc::default(),
            keyring: Keyring::new(listeners.clone()),
            keyless: HashSet::new(),
            said: Said::default(),
            registrar,
            handle: handle.clone(),
            metrics,
            overview: overview_tx,
            plan,
            lifecycle,
            running: HashMap::new(),
            leavers,
            tasks: JoinSet::new(),
        };
        for session in supervisor.plan.sessions.clone() {
            supervisor.spawn(session, Life::Another(Moment::default()), Duration::ZERO);
        }
        supervisor.keyless = supervisor.keyring.put(&supervisor.plan);
        supervisor.publish();
        supervisor.advance();
        let (newcomers, newcomers_rx) = mpsc::channel(WAITING_NEWCOMERS);
        let metrics = supervisor.metrics.clone();
        let entrance = Entrance { doors: supervisor.doors.clone(), newcomers, metrics };
        let mut accepting = JoinSet::new();
        for listener in listeners {
            accepting.spawn(listen::accept(listener, entrance.clone()));
        }
        let (commands, inbox) = mpsc::channel(4);
        tokio::spawn(supervisor.run(inbox, orders, newcomers_rx, accepting));
        Self { handle, commands }
    }

    /// The way in for whoever looks.
    #[must_use]
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Puts a plan and a generation in force; comes back when every session has been told. A session is the same where
    /// its peer's address is; one that the plan leaves as it was is not touched but for what it advertises.
    ///
    /// # Errors
    /// [`NotReloaded`] where connections have gone on so that the plan cannot follow, or the speaker has stopped.
    pub async fn reload(&self, plan: Arc<Plan>, generation: Arc<Generation>) -> Result<(), NotReloaded> {
        let reloaded = self.order(|done| Command::Reload { plan, generation, done }).await?;
        reloaded.map_err(NotReloaded::Refused)
    }

    /// Until the speaker has ended, by itself or because it was stopped.
    pub async fn ended(&self) {
        self.commands.closed().await;
    }

    /// Notes that a reload was refused, for whoever looks.
    ///
    /// # Errors
    /// [`Ended`] where the speaker has stopped.
    pub async fn refused(&self, why: impl Into<Arc<str>>) -> Result<(), Ended> {
        self.commands.send(Command::Refused { why: why.into() }).await.map_err(|_| Ended)
    }

    /// Answers once the supervisor has: what the watchdog is fed by.
    ///
    /// # Errors
    /// [`Ended`] where the speaker has stopped.
    pub async fn ping(&self) -> Result<(), Ended> {
        self.order(Command::Ping).await
    }

    /// Ends every session, with a NOTIFICATION or, so that peers take it for a restart, without one; comes back when
    /// they are closed, 3 s later at most.
    ///
    /// # Errors
    /// [`Ended`] where the speaker has stopped before.
    pub async fn stop(&self, notification: Option<Notification>) -> Result<(), Ended> {
        self.order(|done| Command::Stop { notification, done }).await
    }

    async fn order<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Result<T, Ended> {
        let (done, answer) = oneshot::channel();
        self.commands.send(command(done)).await.map_err(|_| Ended)?;
        answer.await.map_err(|_| Ended)
    }
}

/// A session's task as the supervisor knows it.
#[derive(Debug)]
struct Running {
    task: Id,
    intent: watch::Sender<Intent>,
    door: Door,
    entry: SessionEntry,
    profile: watch::Receiver<Option<SessionProfile>>,
}

impl Running {
    /// Has the session end, and its task with it.
    fn leave(&self, notification: Option<Notification>) {
        self.intent.send_modify(|intent| intent.order = Order::Leave(notification));
    }
}

/// Owns the tasks of all sessions.
struct Supervisor {
    /// The plan in force: the config's, with what has become of its connections.
    plan: Arc<Plan>,
    board: Arc<Board>,
    pool: Pool,
    ledger: Arc<Ledger>,
    /// What the keeper of origins goes by.
    origin_plans: watch::Sender<OriginPlan>,
    /// What it has put in force.
    origins: watch::Receiver<OriginsInForce>,
    imports: Imports,
    recorder: Recorder,
    clock: Clock,
    doors: Arc<ArcSwap<Doors>>,
    keyring: Keyring,
    /// Who has an MD5 key that the listeners could not take, and so is not let in.
    keyless: HashSet<IpNet>,
    said: Said,
    /// What sessions see of registered prefixes goes there.
    registrar: Registrar,
    handle: Handle,
    metrics: Metrics,
    overview: watch::Sender<Overview>,
    lifecycle: Lifecycle,
    /// By the peer's address, which is what makes a session the same from one plan to the next.
    running: HashMap<IpAddr, Running>,
    /// Those that the plan has no more.
    leavers: Leavers,
    tasks: JoinSet<()>,
}

impl Supervisor {
    async fn run(
        mut self,
        mut inbox: mpsc::Receiver<Command>,
        mut orders: mpsc::Receiver<TypeChangeOrder>,
        mut newcomers: mpsc::Receiver<Newcomer>,
        mut accepting: JoinSet<()>,
    ) {
        loop {
            let command = tokio::select! {
                command = inbox.recv() => command,
                Some(ended) = self.tasks.join_next_with_id() => {
                    self.on_task_ended(ended);
                    continue;
                }
                Some(newcomer) = newcomers.recv() => {
                    self.on_newcomer(newcomer);
                    continue;
                }
                Some(order) = orders.recv() => {
                    self.on_type_change(order);
                    continue;
                }
                Ok(()) = self.origins.changed() => {
                    self.on_origins();
                    continue;
                }
                Some(looked) = self.lifecycle.looked() => {
                    self.on_looked(looked);
                    continue;
                }
            };
            match command {
                Some(Command::Reload { plan, generation, done }) => {
                    let reloaded = self.reload(plan, generation).await;
                    answer(done, reloaded);
                }
                Some(Command::Refused { why }) => {
                    self.overview.send_modify(|o| o.last_reload_error = Some(why));
                }
                Some(Command::Ping(done)) => answer(done, ()),
                Some(Command::Stop { notification, done }) => {
                    accepting.abort_all();
                    self.keyring = Keyring::new(Vec::new());
                    self.stop(notification).await;
                    answer(done, ());
                    return;
                }
                None => return,
            }
        }
    }

    /// Starts a session's task, after a pause.
    fn spawn(&mut self, plan: Arc<SessionPlan>, life: Life, pause: Duration) {
        let metrics = self.metrics.session(labels(&plan));
        let view = self.board.view(&selector(&plan));
        let import = self.imports.policy(&plan);
        let intent = Intent {
            plan: plan.clone(),
            number: self.registrar.plan_number(),
            view,
            import,
            order: Order::Run,
        };
        let (intent, intent_rx) = watch::channel(intent);
        let (accepted, accepted_rx) = mpsc::channel::<Admitted>(WAITING_CONNECTIONS);
        let (ask, asks) = mpsc::channel::<Ask>(WAITING_ASKS);
        let capabilities = terms::capabilities(self.plan.router.asn, &plan, life, self.clock.now());
        let first = Arc::new(Status::before_start(&plan, capabilities, &metrics));
        let (snapshot, snapshot_rx) = watch::channel::<Arc<SessionSnapshot>>(first);
        let (profile_tx, profile) = watch::channel(None);
        let links = Links {
            router: self.plan.router.clone(),
            intent: intent_rx,
            accepted: accepted_rx,
            asks,
            snapshot,
            profile: profile_tx,
            metrics,
            pool: self.pool.clone(),
            pen: self.registrar.mailbox.pen(plan.peer_address),
            ledger: self.ledger.clone(),
            recorder: self.recorder.clone(),
            clock: self.clock,
            life,
        };
        let session = async move {
            tokio::time::sleep(pause).await;
            Peer::new(links).run().await;
        };
        let task = self.tasks.spawn(session).id();
        let peer = plan.peer_address;
        let door = Door { plan, accepted };
        let entry = SessionEntry { snapshot: snapshot_rx, ask };
        self.running.insert(peer, Running { task, intent, door, entry, profile });
    }

    /// Tells the listeners and whoever looks which sessions there are: those of the plan in its order, then those of
    /// ranges by address.
    fn publish(&self) {
        let named = self.plan.sessions.iter().filter_map(|s| self.running.get(&s.peer_address));
        let mut of_ranges: Vec<&Running> = self.running.values().filter(|r| r.range().is_some()).collect();
        of_ranges.sort_by_key(|r| r.door.plan.peer_address);
        let all: Vec<&Running> = named.chain(of_ranges).collect();
        let let_in = all.iter().filter(|r| {
            let peers = r.range().unwrap_or(r.door.plan.peer_address.into());
            !self.keyless.contains(&peers)
        });
        let ranges = self.plan.ranges.iter().filter(|range| !self.keyless.contains(&range.range));
        self.doors.store(Arc::new(Doors {
            sessions: let_in.map(|r| (r.door.plan.peer_address, r.door.clone())).collect(),
            ranges: ranges.cloned().collect(),
        }));
        self.handle.sessions.store(Arc::new(all.iter().map(|r| r.entry.clone()).collect()));
    }

    /// A session's task ended: as it was told to, which has been seen to, or by a panic, after which it starts again.
    fn on_task_ended(&mut self, ended: Result<(Id, ()), JoinError>) {
        let (id, died) = match ended {
            Ok((id, ())) => (id, None),
            Err(error) => (error.id(), Some(error)),
        };
        self.leavers.forget(id);
        let Some(peer) = self.running.iter().find(|(_, r)| r.task == id).map(|(peer, _)| *peer) else {
            return;
        };
        self.running.remove(&peer);
        if let Some(plan) = self.plan.sessions.iter().find(|s| s.peer_address == peer).cloned() {
            let died = died.map_or_else(|| "it ended unasked".to_owned(), |error| error.to_string());
            error!(session = %plan.name, error = died, "a session's task died; the session starts again");
            if let Some(metrics) = self.metrics.find_session(peer) {
                gauges::after_death(&metrics);
            }
            self.spawn(plan, Life::Another(self.clock.now()), AFTER_PANIC);
        } else {
            // One of a range, whose peer comes again if it wants to.
            if let Some(died) = died {
                error!(%peer, error = %died, "a session's task died");
            }
            self.metrics.remove_session(peer);
        }
        self.publish();
    }

    async fn stop(&mut self, notification: Option<Notification>) {
        // First, since for a prefix it is no change that we stop.
        let written = async { tokio::join!(self.registrar.end(), self.lifecycle.end()) };
        if timeout(STATE_WITHIN, written).await.is_err() {
            warn!("the state of registrations and connections took too long to write");
        }
        for running in std::mem::take(&mut self.running).into_values() {
            running.leave(notification.clone());
        }
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if timeout(STOP_WITHIN, all).await.is_err() {
            warn!("sessions that were to end took too long");
        }
        self.tasks.abort_all();
    }
}

fn labels(plan: &SessionPlan) -> SessionLabels {
    SessionLabels { connection: plan.connection.clone(), session_ip: plan.peer_address }
}

fn answer<T>(done: oneshot::Sender<T>, what: T) {
    if done.send(what).is_err() {
        tracing::debug!("whoever asked has gone");
    }
}

/// Which routes a session may have.
fn selector(plan: &SessionPlan) -> Selector {
    Selector { peering: plan.peering.clone(), location: plan.peering_location.clone() }
}
