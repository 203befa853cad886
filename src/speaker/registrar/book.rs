//! All that is registered, and what sessions see of it. Knows neither tasks nor clocks: each step is short, and says what
//! time it is.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;

use super::events::Events;
use super::kept::{Found, KeptAsn, KeptPrefix, KeptRegistrations, KeptServicePrefix};
use super::mailbox::SeenBy;
use super::queue::Queue;
use super::registry::{PeeringRegistry, RegisteredAsnStatus, RegisteredPrefixStatus, ServicePrefixStatus};
use super::terms::Terms;
use super::tracked::{Judged, Judges, Now, Registered, Service, Tracked, new_key};
use crate::config::{PeeringPlan, Plan};
use crate::peering::{
    EventType, KeyHolder, LearnedType, PeeringServicePrefix, ProvisioningState, RegisteredPrefix,
    ServiceVerdict, Sighting, Verdict,
};
use crate::wire::Asn;

/// How long what is new waits, after the start, for sessions to come up.
const AFTER_START: Duration = Duration::from_secs(10);
/// How long verdicts from before the start stand, while peers that connect when they like come back and tables come in.
const AFTER_RESTART: Duration = Duration::from_secs(120);
/// How long a change of the plan has to reach the sessions.
const AFTER_CHANGE: Duration = Duration::from_secs(1);
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
    /// Of each partner's registered ASNs, the key.
    asns: HashMap<(Asn, Asn), Arc<str>>,
    /// Whose each key is, and what it stands for.
    keys: HashMap<Arc<str>, (Asn, KeyHolder)>,
    /// Which Peering Service prefixes a key was brought with.
    brought: HashMap<Arc<str>, Vec<IpNet>>,
    queue: Queue,
    found: Found,
    /// Peerings of which readers have not seen the newest.
    unpublished: HashSet<Arc<str>>,
    is_unsaved: bool,
    /// A key was issued that is nowhere but here.
    has_new_key: bool,
}

impl Book {
    /// With what a life before left.
    pub(super) fn new(kept: KeptRegistrations, events: Events, judges: Judges) -> Self {
        Self { found: kept.into(), events, judges, ..Self::default() }
    }

    /// Puts a plan in force. O(registered + sessions).
    pub(super) fn apply(&mut self, plan: &Arc<Plan>, now: Now) {
        let is_first = self.plan.is_none();
        let settles = now.moment + if is_first { AFTER_START } else { AFTER_CHANGE };
        let terms = Terms::of(plan);
        self.plan = Some(plan.clone());
        self.drop_strangers(plan);
        self.drop_unlisted(plan);
        self.list_asns(plan, &terms);
        for peering in &plan.peerings {
            for listed in &peering.registered_prefixes {
                self.list_prefix(peering, listed, &terms, (settles, now));
            }
            for listed in &peering.peering_service_prefixes {
                self.list_service_prefix(peering, listed, &terms, (settles, now));
            }
            self.unpublished.insert(peering.name.clone());
        }
        self.index();
        self.prefixes.keys().for_each(|prefix| self.queue.push(*prefix));
        self.events.keep_only(|name| plan.peerings.iter().any(|p| &*p.name == name));
        self.found = Found::default();
        self.is_unsaved = true;
    }

    /// Sessions that are no more see nothing.
    fn drop_strangers(&mut self, plan: &Plan) {
        let peers: HashSet<IpAddr> = plan.sessions.iter().map(|s| s.peer_address).collect();
        let is_known =
            |peer: &IpAddr| peers.contains(peer) || plan.ranges.iter().any(|r| r.range.contains(peer));
        self.prefixes.values_mut().for_each(|tracked| tracked.seen.retain(|peer, _| is_known(peer)));
        self.seers.retain(is_known);
        self.peers = peers;
    }

    /// What is listed no more, or under another peering, or with another key, is gone.
    fn drop_unlisted(&mut self, plan: &Plan) {
        let prefixes =
            plan.peerings.iter().flat_map(|p| p.registered_prefixes.iter().map(move |l| (l.prefix, p)));
        let prefixes: HashMap<IpNet, &Arc<PeeringPlan>> = prefixes.collect();
        let service =
            plan.peerings.iter().flat_map(|p| p.peering_service_prefixes.iter().map(move |l| (p, l)));
        let service: HashMap<IpNet, (&Arc<PeeringPlan>, &PeeringServicePrefix)> =
            service.map(|(p, l)| (l.prefix, (p, l))).collect();
        self.prefixes.retain(|prefix, tracked| {
            tracked.registered.take_if(|r| prefixes.get(prefix).is_none_or(|p| p.name != r.peering));
            tracked.service.take_if(|s| {
                service.get(prefix).is_none_or(|(p, l)| p.name != s.peering || l.key != s.status.key)
            });
            // What sessions see of it is kept as long as they do: they say it once.
            prefixes.contains_key(prefix) || service.contains_key(prefix) || !tracked.seen.is_empty()
        });
    }

    fn list_asns(&mut self, plan: &Plan, terms: &Terms) {
        let mut before = std::mem::take(&mut self.asns);
        for peering in &plan.peerings {
            for listed in &peering.registered_asns {
                let id = (peering.peer_asn, listed.asn);
                if self.asns.contains_key(&id) {
                    continue;
                }
                let kept = before.remove(&id).or_else(|| self.found.asns.remove(&id));
                let is_new = kept.is_none();
                let key = kept.or_else(|| terms.required(&peering.name).is_active.then(new_key));
                if let Some(key) = key {
                    self.has_new_key |= is_new;
                    self.asns.insert(id, key);
                }
            }
        }
    }

    fn list_prefix(
        &mut self,
        peering: &PeeringPlan,
        listed: &RegisteredPrefix,
        terms: &Terms,
        (settles, now): (Duration, Now),
    ) {
        let prefix = listed.prefix;
        let required = terms.required(&peering.name);
        let tracked = self.prefixes.entry(prefix).or_default();
        let kept = self.found.prefixes.remove(&(peering.name.clone(), prefix));
        let mut status = RegisteredPrefixStatus::new(listed.name.as_ref(), prefix);
        let mut registered = match tracked.registered.take() {
            Some(registered) => registered,
            None => {
                tracked.wait_until(settles_after(kept.is_some(), (settles, now)));
                let presence = kept.as_ref().map(|kept| kept.presence).unwrap_or_default();
                if let Some(KeptPrefix { verdict, key, .. }) = kept {
                    status = status.judged(verdict, key);
                }
                let (peering, partner) = (peering.name.clone(), peering.peer_asn);
                let (required, status) = (Arc::default(), Arc::new(status.clone()));
                Registered { peering, partner, required, status, presence }
            }
        };
        if registered.required != required {
            registered.required = required;
            tracked.wait_until(settles);
        }
        if registered.status.name != status.name {
            registered.status =
                Arc::new(RegisteredPrefixStatus { name: status.name, ..(*registered.status).clone() });
        }
        if registered.required.is_active && !registered.status.is_registered() {
            registered.put(Verdict::PENDING, now).into_iter().for_each(|event| self.events.record(event));
        }
        tracked.registered = Some(registered);
    }

    fn list_service_prefix(
        &mut self,
        peering: &PeeringPlan,
        listed: &PeeringServicePrefix,
        terms: &Terms,
        (settles, now): (Duration, Now),
    ) {
        let prefix = listed.prefix;
        let sessions = terms.service_sessions(peering, listed);
        let tracked = self.prefixes.entry(prefix).or_default();
        let kept = self.found.service_prefixes.remove(&(peering.name.clone(), prefix));
        let status = ServicePrefixStatus::new(listed.name.as_ref(), prefix, listed.key.as_ref());
        let service = match tracked.service.take() {
            Some(before) => {
                if before.sessions != sessions {
                    tracked.wait_until(settles);
                }
                let status = ServicePrefixStatus { verdict: before.status.verdict.clone(), ..status };
                Service { sessions, status: Arc::new(status), ..before }
            }
            None => {
                tracked.wait_until(settles_after(kept.is_some(), (settles, now)));
                let presence = kept.as_ref().map(|kept| kept.presence).unwrap_or_default();
                let verdict = kept.map_or_else(|| status.verdict.clone(), |kept| kept.verdict);
                let status = Arc::new(ServicePrefixStatus { verdict, ..status });
                let (peering, partner) = (peering.name.clone(), peering.peer_asn);
                Service { peering, partner, sessions, status, presence }
            }
        };
        tracked.service = Some(service);
    }

    /// Whose each key is, and who brought it.
    fn index(&mut self) {
        (self.keys, self.brought) = (HashMap::new(), HashMap::new());
        for ((partner, asn), key) in &self.asns {
            self.keys.insert(key.clone(), (*partner, KeyHolder::Asn(*asn)));
        }
        for (prefix, tracked) in &self.prefixes {
            if let Some(Registered { partner, status, .. }) = &tracked.registered
                && let Some(key) = &status.key
            {
                self.keys.insert(key.clone(), (*partner, KeyHolder::Prefix(*prefix)));
            }
            if let Some(key) = tracked.service.as_ref().and_then(|service| service.status.key.clone()) {
                self.brought.entry(key).or_default().push(*prefix);
            }
        }
    }

    /// What a session has now of a prefix.
    pub(super) fn see(&mut self, (peer, prefix): SeenBy, sighting: Option<Sighting>) {
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
        for _ in 0..most {
            let Some(prefix) = self.queue.pop() else { return };
            self.judge_one(prefix, now);
        }
    }

    fn judge_one(&mut self, prefix: IpNet, now: Now) {
        let Self { judges, prefixes, keys, .. } = self;
        let Some(tracked) = prefixes.get_mut(&prefix) else { return };
        let Tracked { seen, settles, registered, service } = tracked;
        settles.take_if(|at| *at <= now.moment);
        let settling = settles.is_some();
        let mut outcomes: Vec<(Arc<str>, Judged)> = Vec::with_capacity(2);
        let mut issued = None;
        if let Some(registered) = registered {
            let had_key = registered.status.key.is_some();
            let mut judged = registered.judge(judges, seen, settling, now);
            if let (Some(key), false) = (&registered.status.key, had_key) {
                keys.insert(key.clone(), (registered.partner, KeyHolder::Prefix(prefix)));
                issued = Some(key.clone());
                self.has_new_key = true;
            }
            let is_here = service.as_ref().is_some_and(|service| service.peering == registered.peering);
            if let (Judged::Changed(events), true) = (&mut judged, is_here) {
                // There it comes and goes as a Peering Service prefix.
                events.retain(|event| event.event_type == EventType::PrefixValidationEvent);
            }
            outcomes.push((registered.peering.clone(), judged));
        }
        if let Some(service) = service {
            let holder = service.status.key.as_ref().and_then(|key| keys.get(key));
            let holder = holder.filter(|(partner, _)| *partner == service.partner);
            let holder = holder.map_or(KeyHolder::Nobody, |(_, holder)| *holder);
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
        let waiting = issued.and_then(|key| self.brought.get(&key));
        waiting.into_iter().flatten().for_each(|prefix| self.queue.push(*prefix));
    }

    /// Whether every prefix of which something is new has been judged.
    pub(super) fn is_idle(&self) -> bool {
        self.queue.is_empty()
    }

    /// When something is to be judged again.
    pub(super) fn next(&self) -> Option<Duration> {
        self.queue.next()
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
            let provisioning_state =
                if key.is_some() { ProvisioningState::Succeeded } else { ProvisioningState::Failed };
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

    /// What is to be written down, where anything changed since it was last asked. O(registered).
    pub(super) fn unsaved(&mut self) -> Option<KeptRegistrations> {
        if !std::mem::take(&mut self.is_unsaved) {
            return None;
        }
        let mut kept = KeptRegistrations::default();
        for (prefix, tracked) in &self.prefixes {
            kept.registered_prefixes.extend(tracked.registered.as_ref().map(|r| KeptPrefix {
                peering: r.peering.clone(),
                prefix: *prefix,
                key: r.status.key.clone(),
                verdict: r.status.verdict.clone(),
                presence: r.presence,
            }));
            kept.peering_service_prefixes.extend(tracked.service.as_ref().map(|s| KeptServicePrefix {
                peering: s.peering.clone(),
                prefix: *prefix,
                verdict: s.status.verdict.clone(),
                presence: s.presence,
            }));
        }
        let asns = self.asns.iter();
        let asns =
            asns.map(|((partner, asn), key)| KeptAsn { asn: *asn, partner: *partner, key: key.clone() });
        kept.registered_asns.extend(asns);
        kept.registered_prefixes.sort_by_key(|kept| kept.prefix);
        kept.registered_asns.sort_by_key(|kept| (kept.partner, kept.asn));
        kept.peering_service_prefixes.sort_by_key(|kept| kept.prefix);
        Some(kept)
    }

    /// Whether a key was issued since it was last asked.
    pub(super) fn take_new_key(&mut self) -> bool {
        std::mem::take(&mut self.has_new_key)
    }

    /// What was taken to be written down was not.
    pub(super) fn save_again(&mut self) {
        self.is_unsaved = true;
    }

    /// The plan in force.
    pub(super) fn plan(&self) -> Option<&Arc<Plan>> {
        self.plan.as_ref()
    }
}

/// When a prefix that is listed just now is judged by what there is.
fn settles_after(is_kept: bool, (settles, now): (Duration, Now)) -> Duration {
    if is_kept { now.moment + AFTER_RESTART } else { settles }
}
