//! What partners registered, and what became of it: sessions say what they see, and the registrar judges.
//!
//! One task owns the [`book`]; sessions leave word in its [`Mailbox`] and never wait for it, readers have a [`Registry`]
//! that it replaces whole.

mod answers;
mod apart;
mod book;
mod events;
mod kept;
mod keys;
mod mailbox;
mod queue;
mod registry;
mod task;
mod terms;
#[cfg(test)]
mod tests;
mod tracked;

use std::sync::Arc;

use arc_swap::ArcSwap;
use ipnet::IpNet;
use tokio::sync::{mpsc, oneshot, watch};

#[doc(hidden)]
pub use apart::{PenApart, RegistrarApart};
pub use book::CannotValidate;
pub use events::Events;
pub use kept::KeptState;
pub(in crate::speaker) use mailbox::{Mailbox, Pen};
pub use registry::{
    PeeringRegistry, RegisteredAsnStatus, RegisteredPrefixStatus, Registry, ServicePrefixStatus,
};
use task::{Links, Order};
use tracked::Judges;

use crate::config::Plan;
use crate::metrics::{Metrics, RegistryFigures};

/// Orders that may wait.
const WAITING_ORDERS: usize = 16;

/// A plan, and how many came before it.
type Numbered = (u64, Arc<Plan>);

/// The registrar as the supervisor has it.
#[derive(Debug)]
pub(in crate::speaker) struct Registrar {
    plans: watch::Sender<Numbered>,
    /// Where sessions leave what they see.
    pub(in crate::speaker) mailbox: Arc<Mailbox>,
    /// The way in for whoever looks.
    pub(in crate::speaker) desk: RegistrarDesk,
}

/// The way in for whoever looks; clones are cheap.
#[derive(Clone, Debug)]
pub(crate) struct RegistrarDesk {
    registry: Arc<ArcSwap<Registry>>,
    events: Events,
    orders: mpsc::Sender<Order>,
}

impl Registrar {
    /// Starts it on the runtime that this is called in.
    pub(in crate::speaker) fn start(
        plan: Arc<Plan>,
        kept: KeptState,
        events: Events,
        metrics: Metrics,
    ) -> Self {
        Self::with_judges(plan, kept, (events, metrics), Judges::default())
    }

    fn with_judges(
        plan: Arc<Plan>,
        kept: KeptState,
        (events, metrics): (Events, Metrics),
        judges: Judges,
    ) -> Self {
        let (plans, plans_rx) = watch::channel((0, plan));
        let (orders, orders_rx) = mpsc::channel(WAITING_ORDERS);
        let mailbox = Arc::<Mailbox>::default();
        let desk = RegistrarDesk { registry: Arc::default(), events, orders };
        tokio::spawn(task::run(Links {
            kept,
            events: desk.events.clone(),
            plans: plans_rx,
            mailbox: mailbox.clone(),
            orders: orders_rx,
            registry: desk.registry.clone(),
            metrics,
            judges,
        }));
        Self { plans, mailbox, desk }
    }

    /// Puts a plan in force. To be called before the sessions hear of it, so that nothing they say by it comes too early.
    pub(in crate::speaker) fn put(&self, plan: Arc<Plan>) {
        let number = self.plan_number().wrapping_add(1);
        self.plans.send_replace((number, plan));
    }

    /// The number of the plan in force, which sessions say when they have told all by it.
    pub(in crate::speaker) fn plan_number(&self) -> u64 {
        self.plans.borrow().0
    }

    /// Has it write down what there is, and end.
    pub(in crate::speaker) async fn end(&self) {
        let (done, ended) = oneshot::channel();
        if self.desk.orders.send(Order::End { done }).await.is_ok() {
            // It has ended too where it says nothing any more.
            drop(ended.await);
        }
    }
}

impl RegistrarDesk {
    pub(crate) fn registry(&self) -> Arc<Registry> {
        self.registry.load_full()
    }

    pub(crate) fn events(&self) -> &Events {
        &self.events
    }

    pub(crate) async fn validate(&self, prefix: IpNet) -> Result<(), CannotValidate> {
        let (reply, answer) = oneshot::channel();
        let order = Order::Validate { prefix, reply };
        self.orders.send(order).await.map_err(|_| CannotValidate::Gone)?;
        answer.await.map_err(|_| CannotValidate::Gone)?
    }

    /// One that nobody stands behind, with a registry that a test made.
    #[cfg(test)]
    pub(crate) fn of(registry: Registry, events: Events) -> Self {
        let (orders, _) = mpsc::channel(1);
        Self { registry: Arc::new(ArcSwap::from_pointee(registry)), events, orders }
    }
}

/// What is counted of a peering.
fn figures(registry: &PeeringRegistry) -> RegistryFigures {
    let figures = RegistryFigures::of(registry.peering.clone());
    for status in &registry.registered_prefixes {
        figures.count_registered(status.verdict.state);
    }
    for status in &registry.service_prefixes {
        figures.count_service(status.verdict.verdict.state);
    }
    figures
}
