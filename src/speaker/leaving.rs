//! Sessions that the config has no more, until their connections are closed: Azure's PendingRemove.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::ArcSwap;
use tokio::task::Id;

use super::snapshot::SessionSnapshot;
use crate::config::{ConnectionPlan, PeeringPlan, Plan};

/// A session that is being removed, and what it was of.
#[derive(Clone, Debug)]
pub struct Leaving {
    /// Its peering, which may be removed with it.
    pub peering: Arc<PeeringPlan>,
    /// Its connection, likewise.
    pub connection: Arc<ConnectionPlan>,
    /// As it was last.
    pub session: Arc<SessionSnapshot>,
}

impl Leaving {
    /// A session that a plan had; none where it came out of a range, since those sessions are no resources. O(peerings).
    #[must_use]
    pub fn of(plan: &Plan, session: Arc<SessionSnapshot>) -> Option<Self> {
        if session.plan.transport.range.is_some() {
            return None;
        }
        let peering = plan.peering(&session.plan.peering)?;
        let connection = peering.connection(&session.plan.connection)?;
        Some(Self { peering: peering.clone(), connection: connection.clone(), session })
    }
}

/// For whoever looks.
pub(super) type Shared = Arc<ArcSwap<Vec<Arc<Leaving>>>>;

/// All that are being removed, by the task that still runs.
#[derive(Debug, Default)]
pub(super) struct Leavers {
    by_task: HashMap<Id, Arc<Leaving>>,
    shared: Shared,
}

impl Leavers {
    pub(super) fn shared(&self) -> Shared {
        self.shared.clone()
    }

    pub(super) fn add(&mut self, task: Id, leaving: Leaving) {
        self.by_task.insert(task, Arc::new(leaving));
        self.publish();
    }

    /// A task has ended.
    pub(super) fn forget(&mut self, task: Id) {
        if self.by_task.remove(&task).is_some() {
            self.publish();
        }
    }

    fn publish(&self) {
        let mut all: Vec<Arc<Leaving>> = self.by_task.values().cloned().collect();
        all.sort_by(|a, b| a.session.plan.name.cmp(&b.session.plan.name));
        self.shared.store(Arc::new(all));
    }
}
