//! All that is registered, and what sessions see of it. Knows neither tasks nor clocks: each step is short, and says what
//! time it is.

mod plan;
mod saving;

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;

use super::answers::Answers;
use super::events::Events;
use super::kept::{Found, KeptRegistrations};
use super::keys::{Keys, Owner};
use super::queue::Queue;
use super::registry::{PeeringRegistry, RegisteredAsnStatus};
use super::tracked::{Judged, Judges, Now, Tracked};
use crate::config::{PeeringPlan, Plan};
use crate::peering::{EventType, LearnedType, ProvisioningState, ServiceVerdict, Sighting, Verdict};
use crate::wire::Asn;

/// How long a prefix that is to be validated again is Pending.
const VALIDATING: Duration = Duration::from_millis(300);

/// Why a prefix cannot be validated.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CannotValidate {
    /// No peering has it.
    #[error("{0} is neither a registered prefix nor a Peering Service prefix")]
    Unknown(IpNet),
    /// It is listed, and cannot be registered.
    #[error("{0} is not registered: no connection of its peering has been Active yet")]
    NotRegistered(IpNet),
    /// There is nobody to do it.
    #[error("the speaker has stopped")]
    Gone,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Book {
    judges: Judges,
    events: Events,
    plan: Option<Arc<Plan>>,
    peers: HashSet<IpAddr>,
    /// Who has seen any of the prefixes since they were last forgotten.
    seers: HashSet<IpAddr>,
    prefixes: HashMap<IpNet, Tracked>,
    /// Of each partner's registered ASNs, the key that is shown.
    asns: HashMap<(Asn, Asn), Arc<str>>,
    keys: Keys,
    queue: Queue,
    answers: Answers,
    found: Found,
    /// Peerings of which readers have not seen the newest.
    unpublished: HashSet<Arc<str>>,
    is_unsaved: bool,
}

impl Book {
    /// With what a life before left.
    pub(super) fn new(mut kept: KeptRegistrations, events: Events, judges: Judges) -> Self {
        let keys = Keys::with(std::mem::take(&mut kept.removed_keys));
        Self { found: kept.into(), keys, events, judges, ..Self::default() }
    }

    /// What a session has now of a prefix.
    pub(super) fn see(&mut self, (peer, prefix): (IpAddr, IpNet), sighting: Option<Sighting>) {
        if !self.is_known(peer) {
            return;
        }
        let Some(tracked) = self.prefixes.get_mut(&prefix) else { return };
        match sighting {
            Some(sighting) => {
                self.seers.insert(peer);
                tracked.seen.insert(peer, sighting)
            }
            None => tracked.seen.remove(&peer),
        };
        if tracked.is_nothing() {
            self.prefixes.remove(&prefix);
        } else {
            self.queue.push(prefix);
        }
    }

    fn is_known(&self, peer: IpAddr) -> bool {
        let in_range = |plan: &Arc<Plan>| plan.ranges.iter().any(|range| range.range.contains(&peer));
        self.peers.contains(&peer) || self.plan.as_ref().is_some_and(in_range)
    }

    /// A session sees nothing any more. O(registered), and O(1) where it saw none of it: of peers within a range many come
    /// and go.
    pub(super) fn forget(&mut self, peer: IpAddr) {
        self.answers.gone(peer);
        if !self.seers.remove(&peer) {
            return;
        }
        let Self { prefixes, queue, .. } = self;
        prefixes.retain(|prefix, tracked| {
            if tracked.seen.remove(&peer).is_some() {
                queue.push(*prefix);
            }
            !tracked.is_nothing()
        });
    }

    /// A session has told all that there is by a plan.
    pub(super) fn answered(&mut self, peer: IpAddr, plan: u64) {
        if self.is_known(peer) {
            self.answers.answered(peer, plan);
        }
    }

    /// Has a prefix validated again.
    ///
    /// # Errors
    /// Where there is nothing to validate.
    pub(super) fn validate(&mut self, prefix: IpNet, now: Now) -> Result<(), CannotValidate> {
        let tracked = self.prefixes.get_mut(&prefix).ok_or(CannotValidate::Unknown(prefix))?;
        let is_listed_only = tracked.registered.as_ref().is_some_and(|r| !r.status.is_registered());
        if is_listed_only && tracked.service.is_none() {
            return Err(CannotValidate::NotRegistered(prefix));
        }
        if let Some(registered) = tracked.registered.as_mut().filter(|_| !is_listed_only) {
            registered.put(Verdict::PENDING, now).into_iter().for_each(|event| self.events.record(event));
            self.unpublished.insert(registered.peering.clone());
        }
        if let Some(service) = &mut tracked.service {
            let pending = ServiceVerdict { verdict: Verdict::PENDING, learned_type: LearnedType::None };
            service.put(pending, now).into_iter().for_each(|event| self.events.record(event));
            self.unpublished.insert(service.peering.clone());
        }
        self.queue.push_later(now.moment + VALIDATING, prefix);
        self.is_unsaved = true;
        Ok(())
    }

    /// Judges up to so many of the prefixes of which something is new. O(of these).
    pub(super) fn judge(&mut self, most: usize, now: Now) {
        self.queue.on_time(now.moment);
        self.answers.released(now.moment).into_iter().for_each(|prefix| self.queue.push(prefix));
        for _ in 0..most {
            let Some(prefix) = self.queue.pop() else { return };
            self.judge_one(prefix, now);
        }
    }

    fn judge_one(&mut self, prefix: IpNet, now: Now) {
        if self.answers.holds(&prefix) {
            return;
        }
        let Self { judges, prefixes, keys, .. } = self;
        let Some(tracked) = prefixes.get_mut(&prefix) else { return };
        let Tracked { seen, settles, registered, service } = tracked;
        settles.take_if(|at| *at <= now.moment);
        let settling = settles.is_some();
        let mut outcomes: Vec<(Arc<str>, Judged)> = Vec::with_capacity(2);
        if let Some(registered) = registered {
            let mut judged = registered.judge(judges, seen, settling, now);
            if registered.lacks_key() {
                keys.issue(registered.owner());
                self.is_unsaved = true;
            }
            let is_here = service.as_ref().is_some_and(|service| service.peering == registered.peering);
            if let (Judged::Changed(events), true) = (&mut judged, is_here) {
                // There it comes and goes as a Peering Service prefix.
                events.retain(|event| event.event_type == EventType::PrefixValidationEvent);
            }
            outcomes.push((registered.peering.clone(), judged));
        }
        if let Some(service) = service {
            let holder = keys.holder(service.status.key.as_ref(), service.partner);
            outcomes.push((service.peering.clone(), service.judge(judges, holder, seen, settling, now)));
        }
        let is_settled = registered.as_ref().is_none_or(|r| r.required.is_settled(prefix, seen))
            && service.as_ref().is_none_or(|s| s.sessions.is_settled(prefix, seen));
        // What comes after that is a change.
        settles.take_if(|_| is_settled);
        let later = *settles;
        for (peering, outcome) in outcomes {
            match outcome {
                Judged::Same => {}
                Judged::Unsettled => later.into_iter().for_each(|at| self.queue.push_later(at, prefix)),
                Judged::Changed(events) => {
                    events.into_iter().for_each(|event| self.events.record(event));
                    self.unpublished.insert(peering);
                    self.is_unsaved = true;
                }
            }
        }
    }

    /// Whether every prefix of which something is new has been judged.
    pub(super) fn is_idle(&self) -> bool {
        self.queue.is_empty()
    }

    /// When something is to be judged again.
    pub(super) fn next(&self) -> Option<Duration> {
        [self.queue.next(), self.answers.next()].into_iter().flatten().min()
    }

    /// Peerings that readers have not seen the newest of, each as it is now. O(registered under them).
    pub(super) fn publish(&mut self) -> Vec<Arc<PeeringRegistry>> {
        let unpublished = std::mem::take(&mut self.unpublished);
        let plan = self.plan.iter().flat_map(|plan| &plan.peerings);
        plan.filter(|p| unpublished.contains(&p.name)).map(|p| Arc::new(self.registry(p))).collect()
    }

    fn registry(&self, peering: &PeeringPlan) -> PeeringRegistry {
        let tracked = |prefix: &IpNet| self.prefixes.get(prefix);
        let registered =
            peering.registered_prefixes.iter().filter_map(|l| tracked(&l.prefix)?.registered.as_ref());
        let service =
            peering.peering_service_prefixes.iter().filter_map(|l| tracked(&l.prefix)?.service.as_ref());
        let asns = peering.registered_asns.iter().map(|listed| {
            let key = self.asns.get(&(peering.peer_asn, listed.asn)).cloned();
            let owner = Owner::Asn { partner: peering.peer_asn, asn: listed.asn };
            let is_registered = key.is_some() || self.keys.waiting(&owner).is_some();
            let provisioning_state =
                if is_registered { ProvisioningState::Succeeded } else { ProvisioningState::Failed };
            let name = listed.resource_name().name;
            Arc::new(RegisteredAsnStatus { name, asn: listed.asn, key, provisioning_state })
        });
        let mut registry = PeeringRegistry {
            peering: peering.name.clone(),
            registered_prefixes: registered.map(|r| r.status.clone()).collect(),
            registered_asns: asns.collect(),
            service_prefixes: service.map(|s| s.status.clone()).collect(),
        };
        registry.registered_prefixes.sort_by_key(|status| status.prefix);
        registry.registered_asns.sort_by_key(|status| status.asn);
        registry.service_prefixes.sort_by_key(|status| status.prefix);
        registry
    }

    /// Whether readers have not seen the newest of anything.
    pub(super) fn is_unpublished(&self) -> bool {
        !self.unpublished.is_empty()
    }

    /// The plan in force.
    pub(super) fn plan(&self) -> Option<&Arc<Plan>> {
        self.plan.as_ref()
    }
}
