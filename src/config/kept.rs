//! What became of connections, as it outlives the process: their states, their types, and a change of type under way. A config
//! is checked against it before it counts, at start as at a reload, and what is in force is the config with this laid over it.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::path::Path;
use std::sync::Arc;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::changes::is_as_before;
use super::place::Places;
use super::{ConnectionPlan, PeeringPlan, Plan, RangePlan, SessionPlan, renamed};
use crate::peering::{ConnectionState, PolicyGroup, TransitionRefused, downgrade_refusal};
use crate::rib::{Finding, Findings};

/// Every connection that there was, and whose type is to change next.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Kept {
    /// By name.
    pub connections: BTreeMap<Arc<str>, KeptConnection>,
    /// Changes of type that wait for one of the same peering; the first comes next.
    pub queue: VecDeque<TypeChange>,
}

/// A change of type that was asked for.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TypeChange {
    /// The connection.
    pub connection: Arc<str>,
    /// What it is to be.
    pub to: PolicyGroup,
}

/// What became of one connection.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct KeptConnection {
    /// Its state.
    pub state: ConnectionState,
    /// Mbps, where it was said.
    pub bandwidth_in_mbps: Option<u64>,
    /// Its policy group.
    pub policy_group: PolicyGroup,
    /// What the config said when it got that one by a change of type; the same where it got it by the config.
    pub configured: PolicyGroup,
    /// How far a change of its type is.
    pub change: Option<Change>,
    /// Whom its sessions are with: peers, and ranges of them. By these it is known again under another name; none in a file
    /// from before they were kept.
    #[serde(default)]
    pub peers: BTreeSet<IpNet>,
}

/// A change of type under way. The state is TypeChangeInProgress.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// What it is to be.
    pub to: PolicyGroup,
    /// How far it is.
    pub phase: Phase,
}

/// The phases of a change of type.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum Phase {
    /// All that was announced is being withdrawn.
    Draining,
    /// The sessions restart with the new policy group.
    Restarting,
}

impl Kept {
    /// Why a config cannot follow on what is kept, each with its place; `file` is where that is kept, for whom the process
    /// was down meanwhile.
    #[must_use]
    pub fn refusals(&self, plan: &Plan, file: Option<&Path>) -> Findings {
        let places = std::cell::LazyCell::new(|| Places::read(&plan.file));
        let or = file.map_or_else(String::new, |file| {
            format!("; moving {} away begins without what is known of connections", file.display())
        });
        let mut findings = Vec::new();
        let mut named: Vec<&str> = Vec::new();
        for (peering, connection) in connections(plan) {
            named.push(&connection.name);
            let Some(kept) = self.connections.get(&connection.name) else { continue };
            for Refusal { key, what, fix } in kept.refusals(peering, connection) {
                findings.push(Finding::error(places.of_connection(&connection.name, key), what, fix + &or));
            }
        }
        named.sort_unstable();
        let gone = self.connections.iter().filter(|(name, _)| named.binary_search(&&***name).is_err());
        for (name, kept) in gone {
            if let Err(refused) = kept.state.removal() {
                let what = format!("{name} has gone, and {refused}");
                let fix = format!("put it back until it is in another state{or}");
                findings.push(Finding::error(places.of_connection(name, "name"), what, fix));
            }
        }
        findings.extend(renamed::refused(self, plan, &or));
        Findings(findings)
    }

    /// Why a plan cannot follow on another while the daemon runs, by what is kept now. Asked before a reload makes a table,
    /// and again when it is put in force: the lifecycle goes on meanwhile.
    #[must_use]
    pub fn reload_refusals(&self, old: &Plan, new: &Plan) -> Findings {
        let mut refused = self.refusals(new, None);
        refused.0.extend(self.disturbed(old, new).0);
        refused
    }

    /// Why a plan cannot follow on another while types are changing: that allows no other change of the peering.
    #[must_use]
    pub fn disturbed(&self, old: &Plan, new: &Plan) -> Findings {
        let is_changing = |peering: &&Arc<PeeringPlan>| {
            let kept = peering.connections.iter().filter_map(|c| self.connections.get(&c.name));
            kept.into_iter().any(|kept| kept.change.is_some())
        };
        let has_failed = |peering: &PeeringPlan| {
            peering.connections.iter().any(|c| c.state == ConnectionState::ProvisioningFailed)
        };
        let disturbed = old.peerings.iter().filter(is_changing).filter(|was| {
            let is = new.peering(&was.name);
            is.is_none_or(|is| !has_failed(is) && !is_as_before((old, was), (new, is)))
        });
        let finding = |peering: &Arc<PeeringPlan>| {
            let what = format!("{} is changed while the type of one of its connections is", peering.name);
            let fix = "wait until `peeringd show connections` has it active again, or give up with connection_state: \
                       provisioning_failed";
            Finding::error(Places::read(&new.file).of_peering(&peering.name), what, fix)
        };
        Findings(disturbed.map(finding).collect())
    }

    /// What is kept once a plan, checked by [`Self::refusals`], is in force; changes of type under way go on.
    #[must_use]
    pub fn follow(&self, plan: &Plan) -> Self {
        let mut peers: HashMap<&str, BTreeSet<IpNet>> = HashMap::new();
        for (peer, session) in renamed::peers(plan) {
            peers.entry(&session.connection).or_default().insert(peer);
        }
        let follow = |(peering, connection): (&PeeringPlan, &ConnectionPlan)| {
            let (state, configured) = (connection.state, peering.policy_group());
            let new = KeptConnection {
                state,
                bandwidth_in_mbps: connection.bandwidth_in_mbps,
                policy_group: configured,
                configured,
                change: None,
                peers: peers.get(&*connection.name).cloned().unwrap_or_default(),
            };
            let kept =
                self.connections.get(&connection.name).map_or(new.clone(), |kept| kept.followed_by(new));
            (connection.name.clone(), kept)
        };
        let connections: BTreeMap<_, _> = connections(plan).map(follow).collect();
        let still = |change: &&TypeChange| {
            connections.get(&change.connection).is_some_and(|c| c.state == ConnectionState::Active)
        };
        let queue = self.queue.iter().filter(still).cloned().collect();
        Self { connections, queue }
    }

    /// A plan as it is in force: with the states and types that its connections have.
    #[must_use]
    pub fn overlaid(&self, plan: &Plan) -> Plan {
        let mut plan = plan.clone();
        for peering in &mut plan.peerings {
            if peering.connections.iter().any(|connection| self.differs(connection)) {
                *peering = Arc::new(self.overlaid_peering(peering));
            }
        }
        for session in &mut plan.sessions {
            self.lay_over(session);
        }
        for range in &mut plan.ranges {
            let mut template = range.template.clone();
            self.lay_over(&mut template);
            if !Arc::ptr_eq(&template, &range.template) {
                *range = Arc::new(RangePlan { template, ..RangePlan::clone(range) });
            }
        }
        plan
    }

    fn differs(&self, connection: &ConnectionPlan) -> bool {
        let kept = self.connections.get(&connection.name);
        kept.is_some_and(|kept| {
            (kept.state, kept.policy_group) != (connection.state, connection.policy_group)
        })
    }

    /// The peering is of another type once all its connections are.
    fn overlaid_peering(&self, peering: &PeeringPlan) -> PeeringPlan {
        let mut peering = peering.clone();
        for connection in &mut peering.connections {
            if let Some(kept) = self.connections.get(&connection.name) {
                let (state, policy_group) = (kept.state, kept.policy_group);
                *connection =
                    Arc::new(ConnectionPlan { state, policy_group, ..ConnectionPlan::clone(connection) });
            }
        }
        if let Some((first, others)) = peering.connections.split_first()
            && others.iter().all(|other| other.policy_group == first.policy_group)
        {
            let PolicyGroup { direct_peering_type, use_for_peering_service } = first.policy_group;
            (peering.direct_peering_type, peering.peering_service) =
                (direct_peering_type, use_for_peering_service);
        }
        peering
    }

    fn lay_over(&self, session: &mut Arc<SessionPlan>) {
        let Some(kept) = self.connections.get(&session.connection) else { return };
        if (kept.state, kept.policy_group) != (session.connection_state, session.policy_group) {
            let is_route_server = kept.policy_group.has_route_servers();
            *session = Arc::new(SessionPlan {
                connection_state: kept.state,
                policy_group: kept.policy_group,
                is_route_server,
                ..SessionPlan::clone(session)
            });
        }
    }
}

/// Every connection, with its peering.
pub(super) fn connections(plan: &Plan) -> impl Iterator<Item = (&PeeringPlan, &ConnectionPlan)> {
    plan.peerings
        .iter()
        .flat_map(|peering| peering.connections.iter().map(move |connection| (&**peering, &**connection)))
}

/// What may be written instead. A change of type is none of it: the config leaves that to its command.
fn way_on(name: &str, is: ConnectionState, refused: &TransitionRefused) -> String {
    let mut words: Vec<&str> = vec![is.config_name()];
    let next = refused.next.iter().filter(|state| **state != ConnectionState::TypeChangeRequested);
    words.extend(next.map(|state| state.config_name()));
    let write = format!("write {}", words.join(" or "));
    if refused.to == ConnectionState::TypeChangeInProgress {
        return format!("{write}, and change the type with `peeringd type-change {name} TYPE`");
    }
    write
}

struct Refusal {
    key: &'static str,
    what: String,
    fix: String,
}

impl KeptConnection {
    /// Whether the config leaves a change of type alone; otherwise it says that the change has failed.
    fn is_left(&self, state: ConnectionState) -> bool {
        let leaves = matches!(state, ConnectionState::Active | ConnectionState::TypeChangeInProgress);
        self.change.is_some() && leaves
    }

    fn refusals(&self, peering: &PeeringPlan, connection: &ConnectionPlan) -> Vec<Refusal> {
        let mut refusals = Vec::new();
        let (name, is) = (&connection.name, self.state);
        if let Err(refused) = is.transition(connection.state, peering.kind)
            && !self.is_left(connection.state)
        {
            let what = format!("{name} is {}, and {refused}", is.name());
            let fix = way_on(name, is, &refused);
            refusals.push(Refusal { key: "connection_state", what, fix });
        }
        if let (Some(from), Some(to)) = (self.bandwidth_in_mbps, connection.bandwidth_in_mbps)
            && let Some(refusal) = downgrade_refusal(from, to)
        {
            let what = refusal.trim_end_matches('.').to_owned();
            let fix = format!("write {from} or more");
            refusals.push(Refusal { key: "bandwidth_in_mbps", what, fix });
        }
        let (was, wanted) = (self.policy_group, peering.policy_group());
        let is_known = wanted == was || wanted == self.configured;
        if !is_known && (wanted.direct_peering_type != was.direct_peering_type || self.change.is_some()) {
            let (was, wanted) = (was.direct_peering_type, wanted.direct_peering_type);
            let what =
                format!("{name} is of type {}, and the config has {}", was.name(), wanted.config_name());
            let fix = format!(
                "write direct_peering_type: {}, and change connection by connection with `peeringd type-change {name} {}`",
                was.config_name(),
                wanted.config_name()
            );
            refusals.push(Refusal { key: "name", what, fix });
        }
        refusals
    }

    /// What is kept of the connection once the config has it as `new`. A bandwidth that is not said any more is what it was:
    /// it is not lowered by leaving it out first.
    fn followed_by(&self, new: Self) -> Self {
        let bandwidth_in_mbps = new.bandwidth_in_mbps.or(self.bandwidth_in_mbps);
        if self.is_left(new.state) {
            // A change of type under way: nothing else of it changes meanwhile.
            return Self { bandwidth_in_mbps, peers: new.peers, ..self.clone() };
        }
        let stays = new.configured == self.configured;
        let policy_group = if stays { self.policy_group } else { new.policy_group };
        Self { policy_group, bandwidth_in_mbps, ..new }
    }
}
