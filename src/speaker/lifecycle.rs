//! What becomes of connections while the daemon runs: their states, and changes of type, one connection of a peering at a
//! time. All of it is the supervisor's, and outlives the process in `connections.json`.

mod events;
mod keeper;

use std::collections::{HashSet, VecDeque};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use ipnet::IpNet;
use thiserror::Error;
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tracing::info;

use self::keeper::Keeper;
use super::clock::Clock;
use super::registrar::{self, KeptState};
use super::snapshot::SessionSnapshot;
use super::store::{StateError, Store};
use crate::config::{Change, ConnectionPlan, Kept, KeptConnection, PeeringPlan, Phase, Plan, TypeChange};
use crate::fsm::State;
use crate::peering::{ConnectionState, DirectPeeringType, PolicyGroup, Shortfall};
use crate::rib::Findings;

pub(super) use events::Events;

/// The file's name in `state_dir`.
const FILE: &str = "connections.json";
/// How long what was announced may take to be withdrawn before the sessions restart all the same: what a peer that reads
/// nothing has not heard, it loses with the session.
const DRAIN_WITHIN: Duration = Duration::from_secs(30);

/// What a speaker begins with of a life before, and where it keeps what the next is to begin with.
#[derive(Debug, Default)]
pub struct Resumed {
    /// The states and types of connections.
    pub kept: Kept,
    /// Where they are kept; nowhere in a demonstration.
    pub store: Option<Store>,
    /// What partners registered, and events.
    pub registrations: KeptState,
}

/// Reads what a life before kept of connections, and says where that is. A file that is not there is the first life.
///
/// # Errors
/// Where there is one that cannot be read.
pub fn read_connections(plan: &Plan) -> Result<(Kept, PathBuf), StateError> {
    let kept = Store::new(&plan.state_dir).read(FILE)?;
    Ok((kept.unwrap_or_default(), plan.state_dir.join(FILE)))
}

/// An order to change the type of a connection.
#[derive(Debug)]
pub(crate) struct TypeChangeOrder {
    pub(crate) connection: String,
    /// A type, or `peering_service`.
    pub(crate) to: String,
    pub(crate) reply: oneshot::Sender<Result<TypeChangeBegun, CannotChangeType>>,
}

/// What became of the order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TypeChangeBegun {
    /// What the connection was.
    pub from: PolicyGroup,
    /// What it is to be.
    pub to: PolicyGroup,
    /// How many changes of the same peering come first.
    pub ahead: usize,
}

/// Why the type of a connection does not change.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum CannotChangeType {
    /// There is no such connection.
    #[error("no connection is called {0}")]
    NoConnection(String),
    /// There is no such type.
    #[error("{0} is no type: write one of {types}, or peering_service", types = crate::peering::DirectPeeringType::CONFIG_NAMES.join(", "))]
    NoType(String),
    /// It has that type already.
    #[error("{0} is {1} already")]
    Same(Arc<str>, PolicyGroup),
    /// Its type is changing, or about to.
    #[error("the type of {0} is changing already")]
    Pending(Arc<str>),
    /// The connection itself is not Active.
    #[error("{0} is {state}, and a type changes in Active only", state = .1.name())]
    NotActive(Arc<str>, ConnectionState),
    /// The new type wants another session address provider.
    #[error(
        "the session addresses of {0} are the peer's, and a voice connection has Microsoft's, or the other way round"
    )]
    Provider(Arc<str>),
    /// The peering has a prefix registered that a voice peering does not take.
    #[error("the peering of {0} has {1} registered, and a voice peering takes nothing longer than /24")]
    TooLong(Arc<str>, IpNet),
    /// Other connections of the peering have changed their type, or are about to, to another one.
    #[error("{1} of the same peering is of type {other} or is to be, and a peering has one: change {0} to that, or the other one back first", other = .2.name())]
    OtherType(Arc<str>, Arc<str>, DirectPeeringType),
    /// The peering does not allow it.
    #[error("the connections of {peering} cannot change their type: {lacks}", lacks = in_words(.lacks))]
    Peering {
        /// The peering.
        peering: Arc<str>,
        /// What it lacks.
        lacks: Vec<Shortfall>,
    },
    /// The speaker has ended.
    #[error("the speaker has ended")]
    Ended,
}

fn in_words(lacks: &[Shortfall]) -> String {
    let one = |lack: &Shortfall| format!("{lack} ({}): {}", lack.name(), lack.way_out());
    lacks.iter().map(one).collect::<Vec<_>>().join("; ")
}

/// A watch over the sessions of a connection whose type changes has ended.
#[derive(Debug)]
pub(super) struct Looked {
    connection: Arc<str>,
    change: Change,
    /// The sessions took too long.
    timed_out: bool,
}

/// The lifecycle of all connections.
pub(super) struct Lifecycle {
    /// The plan as the config has it.
    wanted: Arc<Plan>,
    /// For whoever looks, and for the next life.
    kept: Arc<ArcSwap<Kept>>,
    keeper: Option<Keeper>,
    events: Events,
    watches: JoinSet<Looked>,
    /// Phases that have a watch.
    watched: HashSet<(Arc<str>, Change)>,
}

impl Lifecycle {
    /// Begins where a life before ended; the plan was checked against that.
    pub(super) fn start(
        wanted: Arc<Plan>,
        kept: Kept,
        store: Option<Store>,
        events: registrar::Events,
    ) -> Self {
        let kept = Arc::new(kept.follow(&wanted));
        let keeper = store.map(|store| Keeper::start(store, FILE, kept.clone()));
        Self {
            wanted,
            kept: Arc::new(ArcSwap::new(kept)),
            keeper,
            events: Events(events),
            watches: JoinSet::new(),
            watched: HashSet::new(),
        }
    }

    /// For whoever looks.
    pub(super) fn shared(&self) -> Arc<ArcSwap<Kept>> {
        self.kept.clone()
    }

    /// The plan in force.
    pub(super) fn plan(&self) -> Arc<Plan> {
        Arc::new(self.kept.load().overlaid(&self.wanted))
    }

    /// Why another config cannot follow on what has become of connections.
    pub(super) fn refusals(&self, wanted: &Plan) -> Findings {
        self.kept.load().reload_refusals(&self.wanted, wanted)
    }

    /// Another config counts; gives the plan in force.
    pub(super) fn follow(&mut self, wanted: Arc<Plan>) -> Arc<Plan> {
        let before = self.kept.load_full();
        self.wanted = wanted;
        let kept = before.follow(&self.wanted);
        for (name, now) in &kept.connections {
            if let Some(was) = before.connections.get(name).filter(|was| was.state != now.state) {
                self.say_state(name, was.state, now.state);
            }
        }
        self.keep(kept);
        self.plan()
    }

    fn keep(&self, kept: Kept) {
        let kept = Arc::new(kept);
        if let Some(keeper) = &self.keeper {
            keeper.keep(kept.clone());
        }
        self.kept.store(kept);
    }

    /// Until what is kept is written.
    pub(super) async fn end(&mut self) {
        self.watches.abort_all();
        if let Some(keeper) = self.keeper.take() {
            keeper.end().await;
        }
    }

    /// The connections whose sessions a watch has looked at, one by one as it ends.
    pub(super) async fn looked(&mut self) -> Option<Looked> {
        match self.watches.join_next().await {
            Some(Ok(looked)) => Some(looked),
            Some(Err(_)) | None => None,
        }
    }

    /// Takes an order to change the type of a connection, or says why not.
    pub(super) fn order(
        &mut self,
        connection: &str,
        word: &str,
    ) -> Result<TypeChangeBegun, CannotChangeType> {
        let kept = self.kept.load_full();
        let plan = self.plan();
        let found = plan.peerings.iter().find_map(|peering| {
            let found = peering.connection(connection)?;
            Some((peering, found))
        });
        let (peering, found) = found.ok_or_else(|| CannotChangeType::NoConnection(connection.to_owned()))?;
        let name = found.name.clone();
        let from = found.policy_group;
        let to = from.changed_to(word).ok_or_else(|| CannotChangeType::NoType(word.to_owned()))?;
        if is_changing(&kept, &name) || kept.queue.iter().any(|change| change.connection == name) {
            return Err(CannotChangeType::Pending(name));
        }
        if to == from {
            return Err(CannotChangeType::Same(name, from));
        }
        if found.state != ConnectionState::Active {
            return Err(CannotChangeType::NotActive(name, found.state));
        }
        let wanted = to.direct_peering_type.session_address_provider();
        if wanted.zip(found.session_address_provider).is_some_and(|(wanted, given)| wanted != given) {
            return Err(CannotChangeType::Provider(name));
        }
        if to.direct_peering_type == DirectPeeringType::Voice
            && let Some(prefix) = peering.too_long_for_voice()
        {
            return Err(CannotChangeType::TooLong(name, prefix));
        }
        if let Some((other, its)) = other_type(&kept, peering, &name, to) {
            return Err(CannotChangeType::OtherType(name, other, its));
        }
        let lacks = lacks(&kept, &plan, peering, (from, to));
        if !lacks.is_empty() {
            return Err(CannotChangeType::Peering { peering: peering.name.clone(), lacks });
        }
        let of_peering = |other: &&Arc<str>| peering.connection(other).is_some();
        let queued = kept.queue.iter().map(|change| &change.connection).filter(of_peering).count();
        let under_way = peering.connections.iter().filter(|c| is_changing(&kept, &c.name)).count();
        let mut kept = Kept::clone(&kept);
        kept.queue.push_back(TypeChange { connection: name.clone(), to });
        self.keep(kept);
        info!(connection = %name, %from, %to, ahead = queued + under_way, "a change of type was asked for");
        Ok(TypeChangeBegun { from, to, ahead: queued + under_way })
    }

    /// Begins the changes of type whose turn it is: of each peering one at a time, and only where it still allows one.
    /// Whether there was one.
    pub(super) fn begin_next(&mut self) -> bool {
        let mut kept = Kept::clone(&self.kept.load());
        if kept.queue.is_empty() {
            return false;
        }
        let plan = self.plan();
        let (mut begun, mut dropped) = (Vec::new(), Vec::new());
        for peering in &plan.peerings {
            if peering.connections.iter().any(|c| is_changing(&kept, &c.name)) {
                continue;
            }
            let Some((change, connection)) = next_of(&kept, peering) else { continue };
            let from = connection.policy_group;
            let lacks = lacks(&kept, &plan, peering, (from, change.to));
            if !lacks.is_empty() {
                dropped.extend(
                    take_queue(&mut kept, peering).into_iter().map(|change| (change, in_words(&lacks))),
                );
                continue;
            }
            kept.queue.retain(|other| *other != change);
            if let Some(connection) = kept.connections.get_mut(&change.connection) {
                connection.state = ConnectionState::TypeChangeInProgress;
                connection.change = Some(Change { to: change.to, phase: Phase::Draining });
                begun.push((change, from));
            }
        }
        if begun.is_empty() && dropped.is_empty() {
            return false;
        }
        self.keep(kept);
        for (change, why) in dropped {
            self.say_dropped(&change, &why);
        }
        let has_begun = !begun.is_empty();
        for (change, from) in begun {
            let name = &change.connection;
            self.say_state(name, ConnectionState::Active, ConnectionState::TypeChangeRequested);
            self.say_type(name, from, change.to);
            self.say_state(name, ConnectionState::TypeChangeRequested, ConnectionState::TypeChangeInProgress);
        }
        has_begun
    }

    /// The changes of type under way.
    pub(super) fn under_way(&self) -> Vec<(Arc<str>, Change)> {
        let kept = self.kept.load();
        let all = kept.connections.iter();
        all.filter_map(|(name, connection)| Some((name.clone(), connection.change?))).collect()
    }

    /// A phase of a change has come to its end: the next one, or the end of it all.
    pub(super) fn next_phase(&mut self, name: &Arc<str>) {
        let mut kept = Kept::clone(&self.kept.load());
        let Some(connection) = kept.connections.get_mut(name) else { return };
        let Some(change) = connection.change else { return };
        match change.phase {
            Phase::Draining => {
                info!(connection = %name, from = %connection.policy_group, to = %change.to, "drained; the sessions restart");
                connection.change = Some(Change { phase: Phase::Restarting, ..change });
                connection.policy_group = change.to;
                self.keep(kept);
            }
            Phase::Restarting => {
                connection.change = None;
                connection.state = ConnectionState::Active;
                self.keep(kept);
                self.say_state(name, ConnectionState::TypeChangeInProgress, ConnectionState::Active);
            }
        }
    }

    /// Watches the sessions of a connection until each has come to the end of a phase.
    pub(super) fn watch(
        &mut self,
        connection: Arc<str>,
        change: Change,
        sessions: Vec<watch::Receiver<Arc<SessionSnapshot>>>,
    ) {
        if !self.watched.insert((connection.clone(), change)) {
            return;
        }
        self.watches.spawn(async move {
            let all = async {
                for mut session in sessions {
                    // One that has gone is looked for again.
                    drop(session.wait_for(|snapshot| has_reached(change, snapshot)).await);
                }
            };
            let timed_out = match change.phase {
                Phase::Draining => timeout(DRAIN_WITHIN, all).await.is_err(),
                Phase::Restarting => {
                    all.await;
                    false
                }
            };
            Looked { connection, change, timed_out }
        });
    }

    /// A watch has ended; which connection it was of, where its sessions took too long and nothing else came of it.
    pub(super) fn unwatch(&mut self, looked: Looked) -> Option<Arc<str>> {
        let Looked { connection, change, timed_out } = looked;
        let kept = self.kept.load();
        let is_still = kept.connections.get(&connection).is_some_and(|kept| kept.change == Some(change));
        let key = (connection, change);
        self.watched.remove(&key);
        (timed_out && is_still).then_some(key.0)
    }

    fn say_state(&self, name: &str, from: ConnectionState, to: ConnectionState) {
        self.events.say(events::state(Clock::unix(), self.peering(name), name, from, to));
    }

    fn say_type(&self, name: &str, from: PolicyGroup, to: PolicyGroup) {
        self.events.say(events::type_change(Clock::unix(), self.peering(name), name, from, to));
    }

    fn say_dropped(&self, change: &TypeChange, why: &str) {
        let name = &change.connection;
        self.events.say(events::type_change_dropped(Clock::unix(), self.peering(name), name, change.to, why));
    }

    fn peering(&self, connection: &str) -> Arc<str> {
        let has = |peering: &&Arc<PeeringPlan>| peering.connection(connection).is_some();
        self.wanted.peerings.iter().find(has).map_or_else(|| Arc::from(""), |peering| peering.name.clone())
    }
}

fn is_changing(kept: &Kept, name: &str) -> bool {
    kept.connections.get(name).is_some_and(|KeptConnection { change, .. }| change.is_some())
}

/// Another connection of the peering that has become, or is to become, of another new type: types are converted by peering,
/// and only the use for Peering Service is one of each connection. Back to what the config has each may go.
fn other_type(
    kept: &Kept,
    peering: &PeeringPlan,
    name: &str,
    to: PolicyGroup,
) -> Option<(Arc<str>, DirectPeeringType)> {
    let to = to.direct_peering_type;
    let configured = |name: &str| Some(kept.connections.get(name)?.configured.direct_peering_type);
    if configured(name) == Some(to) {
        return None;
    }
    let target = |other: &Arc<ConnectionPlan>| {
        let queued = kept.queue.iter().find(|change| change.connection == other.name);
        let under_way = || kept.connections.get(&other.name)?.change.map(|change| change.to);
        let group = queued.map(|change| change.to).or_else(under_way).unwrap_or(other.policy_group);
        (other.name.clone(), group.direct_peering_type)
    };
    let others = peering.connections.iter().filter(|other| &*other.name != name);
    others.map(target).find(|(other, its)| *its != to && configured(other) != Some(*its))
}

/// The change of a peering that comes next, and its connection.
fn next_of<'a>(kept: &Kept, peering: &'a PeeringPlan) -> Option<(TypeChange, &'a ConnectionPlan)> {
    kept.queue.iter().find_map(|change| {
        let connection = peering.connection(&change.connection)?;
        Some((change.clone(), &**connection))
    })
}

/// Takes what waits of a peering out of the queue.
fn take_queue(kept: &mut Kept, peering: &PeeringPlan) -> VecDeque<TypeChange> {
    let (taken, left) = std::mem::take(&mut kept.queue)
        .into_iter()
        .partition(|change| peering.connection(&change.connection).is_some());
    kept.queue = left;
    taken
}

/// What keeps a peering from such a change, one connection after the other; the first step into Peering Service asks for
/// all that MAPS does.
fn lacks(
    kept: &Kept,
    plan: &Plan,
    peering: &PeeringPlan,
    (from, to): (PolicyGroup, PolicyGroup),
) -> Vec<Shortfall> {
    let named = plan.sessions.iter().map(|session| &**session);
    let templates = plan.ranges.iter().map(|range| &*range.template);
    let standing = peering.standing(named.chain(templates).filter(|session| session.peering == peering.name));
    // A connection that the config itself has put into a change is nobody's to wait for.
    let is_settled =
        |c: &Arc<ConnectionPlan>| c.state == ConnectionState::Active || is_changing(kept, &c.name);
    let mut lacks = standing.type_change();
    if !peering.connections.iter().all(is_settled) {
        lacks.push(Shortfall::NotAllActive);
    }
    if to.use_for_peering_service && !from.use_for_peering_service {
        let others = standing.maps_eligibility().into_iter();
        // Connections may be changing, one after the other.
        lacks.extend(others.filter(|lack| *lack != Shortfall::NotAllActive));
    }
    let mut seen = Vec::new();
    lacks.retain(|lack| {
        !seen.contains(lack) && {
            seen.push(*lack);
            true
        }
    });
    lacks
}

/// Whether a session has come to the end of a phase: nothing is left to withdraw, or it is up again as another.
pub(super) fn has_reached(change: Change, snapshot: &SessionSnapshot) -> bool {
    let is_up = snapshot.state == State::Established;
    let left = |counts: &crate::wire::PerFamily<u64>| counts.ipv4 + counts.ipv6;
    match change.phase {
        Phase::Draining => {
            let is_told = snapshot.plan.connection_state == ConnectionState::TypeChangeInProgress;
            is_told && (!is_up || left(&snapshot.advertised) + left(&snapshot.pending) == 0)
        }
        Phase::Restarting => is_up && snapshot.plan.policy_group == change.to,
    }
}
