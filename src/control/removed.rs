//! What a reload has removed and is not closed yet, beside what the plan has.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use crate::config::{ConnectionPlan, PeeringPlan, Plan};
use crate::speaker::{Handle, Leaving};

/// Sessions that are being removed, with their connections and peerings.
pub(super) struct Removed {
    /// Of each connection, also of those that stay.
    sessions: HashMap<Arc<str>, Vec<Arc<Leaving>>>,
    /// A session of each connection that is removed itself, by peering.
    connections: BTreeMap<Arc<str>, Vec<Arc<Leaving>>>,
    /// Peerings that are removed themselves.
    peerings: Vec<Arc<PeeringPlan>>,
}

impl Removed {
    /// O(connections).
    pub(super) fn of(handle: &Handle, plan: &Plan) -> Self {
        let mut removed =
            Self { sessions: HashMap::new(), connections: BTreeMap::new(), peerings: Vec::new() };
        let leaving = handle.leaving();
        if leaving.is_empty() {
            return removed;
        }
        let connections = plan.peerings.iter().flat_map(|peering| &peering.connections);
        let mut known: HashSet<Arc<str>> = connections.map(|connection| connection.name.clone()).collect();
        let mut peerings: HashSet<Arc<str>> =
            plan.peerings.iter().map(|peering| peering.name.clone()).collect();
        for of in leaving {
            if peerings.insert(of.peering.name.clone()) {
                removed.peerings.push(of.peering.clone());
            }
            if known.insert(of.connection.name.clone()) {
                removed.connections.entry(of.peering.name.clone()).or_default().push(of.clone());
            }
            removed.sessions.entry(of.connection.name.clone()).or_default().push(of);
        }
        removed
    }

    /// A connection's sessions.
    pub(super) fn sessions(&self, connection: &str) -> &[Arc<Leaving>] {
        self.sessions.get(connection).map_or(&[], Vec::as_slice)
    }

    /// A peering's connections.
    pub(super) fn connections(&self, peering: &str) -> impl Iterator<Item = &Arc<ConnectionPlan>> {
        self.connections.get(peering).into_iter().flatten().map(|of| &of.connection)
    }

    /// All connections, each with its peering.
    pub(super) fn places(&self) -> impl Iterator<Item = (&Arc<PeeringPlan>, &Arc<ConnectionPlan>)> {
        self.connections.values().flatten().map(|of| (&of.peering, &of.connection))
    }

    /// The peerings.
    pub(super) fn peerings(&self) -> &[Arc<PeeringPlan>] {
        &self.peerings
    }

    /// Whether a peering is among them.
    pub(super) fn has_peering(&self, name: &str) -> bool {
        self.peerings.iter().any(|peering| *peering.name == *name)
    }
}
