//! All that is registered, and what sessions see of it. Knows neither tasks nor clocks: each step is short, and says what
//! time it is.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;

use super::answers::Answers;
use super::events::Events;
use super::kept::{Found, KeptAsn, KeptPrefix, KeptRegistrations, KeptServicePrefix};
use super::keys::{Keys, Owner};
use super::queue::Queue;
use super::registry::{PeeringRegistry, RegisteredAsnStatus, RegisteredPrefixStatus, ServicePrefixStatus};
use super::terms::Terms;
use super::tracked::{Judged, Judges, Now, Registered, Service, Tracked};
use crate::config::{PeeringPlan, Plan};
use crate::peering::{
    EventType, LearnedType, PeeringServicePrefix, ProvisioningState, RegisteredPrefix, ServiceVerdict,
    Sighting, Verdict,
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

    /// Puts a plan in force. O(registered + sessions).
    pub(super) fn apply(&mut self, plan: &Arc<Plan>, number: u64, now: Now) {
        let is_first = self.plan.is_none();
        let settles = now.moment + if is_first { AFTER_START } else { AFTER_CHANGE };
        let terms = Terms::of(plan);
        self.plan = Some(plan.clone());
        self.drop_strangers(plan);
        if !is_first {
            self.answers.ask(number, &self.peers, now.moment);
        }
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
        let unlisted = std::mem::take(&mut self.found).into_keys();
        unlisted.for_each(|(owner, key)| self.keys.retire(owner, key));
        self.keys.say_retired();
        self.is_unsaved = true;
    }

    /// Sessions that are no more see nothing.
    fn drop_strangers(&mut self, plan: &Plan) {
        let peers: HashSet<IpAddr> = plan.sessions.iter().map(|s| s.peer_address).collect();
        let is_known =
            |peer: &IpAddr| peers.contains(peer) || plan.ranges.iter().any(|r| r.range.contains(peer));
        self.prefixes.values_mut().for_each(|tracked| tracked.seen.retain(|peer, _| is_known(peer)));
        self.seers.retain(is_known);
        self.answers.keep_only(is_known);
        self.peers = peers;
    }

    /// What is listed no more, or under another peering, or another partner's, or with another key, is gone.
    fn drop_unlisted(&mut self, plan: &Plan) {
        let prefixes =
            plan.peerings.iter().flat_map(|p| p.registered_prefixes.iter().map(move |l| (l.prefix, p)));
        let prefixes: HashMap<IpNet, &Arc<PeeringPlan>> = prefixes.collect();
        let service =
            plan.peerings.iter().flat_map(|p| p.peering_service_prefixes.iter().map(move |l| (p, l)));
        let service: HashMap<IpNet, (&Arc<PeeringPlan>, &PeeringServicePrefix)> =
            service.map(|(p, l)| (l.prefix, (p, l))).collect();
        let Self { prefixes: all, keys, .. } = self;
        all.retain(|prefix, tracked| {
            let gone = tracked.registered.take_if(|r| {
                prefixes.get(prefix).is_none_or(|p| p.name != r.peering || p.peer_asn != r.partner)
            });
            if let Some(gone) = gone
                && let Some(key) = gone.status.key.clone()
            {
                keys.retire(gone.owner(), key);
            }
            tracked.service.take_if(|s| {
                service.get(prefix).is_none_or(|(p, l)| {
                    p.name != s.peering || p.peer_asn != s.partner || l.key != s.status.key
                })
            });
            // What sessions see of it is kept as long as they do: they say it once.
            prefixes.contains_key(prefix) || service.contains_key(prefix) || !tracked.seen.is_empty()
        });
    }

    fn list_asns(&mut self, plan: &Plan, terms: &Terms) {
        let Self { asns, found, keys, .. } = self;
        let listed: HashSet<(Asn, Asn)> = plan
            .peerings
            .iter()
            .flat_map(|peering| peering.registered_asns.iter().map(|l| (peering.peer_asn, l.asn)))
            .collect();
        for ((partner, asn), key) in asns.extract_if(|id, _| !listed.contains(id)) {
            keys.retire(Owner::Asn { partner, asn }, key);
        }
        for peering in &plan.peerings {
            for asn in peering.registered_asns.iter().map(|listed| listed.asn) {
                let partner = peering.peer_asn;
                if let Some(key) = found.asns.remove(&(partner, asn)) {
                    asns.insert((partner, asn), key);
                } else if !asns.contains_key(&(partner, asn)) && terms.required(&peering.name).is_active {
                    keys.issue(Owner::Asn { partner, asn });
                }
            }
        }
        keys.drop_waiting(|owner| match owner {
            Owner::Prefix { .. } => true,
            Owner::Asn { partner, asn } => listed.contains(&(*partner, *asn)),
        });
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
        let kept = self.found.take_prefix(&peering.name, peering.peer_asn, prefix);
        let mut status = RegisteredPrefixStatus::new(listed.name.as_ref(), prefix);
        let mut registered = match tracked.registered.take() {
            Some(registered) => registered,
            None => {
                self.answers.hold(prefix);
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
            self.answers.hold(prefix);
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
                    self.answers.hold(prefix);
                    tracked.wait_until(settles);
                }
                let status = ServicePrefixStatus { verdict: before.status.verdict.clone(), ..status };
                Service { sessions, status: Arc::new(status), ..before }
            }
            None => {
                self.answers.hold(prefix);
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

    /// Whose each key is, and who brought it; of what is listed no more, none waits to be shown.
    fn index(&mut self) {
        let Self { keys, prefixes, asns, .. } = self;
        keys.clear_index();
        for ((partner, asn), key) in asns {
            keys.show(&Owner::Asn { partner: *partner, asn: *asn }, key.clone());
        }
        for (prefix, tracked) in &*prefixes {
            if let Some(registered) = &tracked.registered
                && let Some(key) = &registered.status.key
            {
                keys.show(&registered.owner(), key.clone());
            }
            if let Some(key) = tracked.service.as_ref().and_then(|service| service.status.key.clone()) {
                keys.bring(key, *prefix);
            }
        }
        keys.drop_waiting(|owner| match owner {
            Owner::Prefix { prefix, .. } => {
                let tracked = prefixes.get(prefix).and_then(|tracked| tracked.registered.as_ref());
                tracked.is_some_and(|registered| registered.owner() == *owner)
            }
            Owner::Asn { .. } => true,
        });
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
            let name = listed.name.clone().unwrap_or_else(|| listed.asn.to_string().into());
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

    /// What is to be written down, where anything changed since it was last asked: [`Self::saved`] says that it was.
    /// O(registered).
    pub(super) fn unsaved(&mut self) -> Option<KeptRegistrations> {
        if !std::mem::take(&mut self.is_unsaved) {
            return None;
        }
        let mut kept = KeptRegistrations::default();
        for (prefix, tracked) in &self.prefixes {
            kept.registered_prefixes.extend(tracked.registered.as_ref().map(|r| KeptPrefix {
                peering: r.peering.clone(),
                partner: Some(r.partner),
                prefix: *prefix,
                key: r.status.key.clone().or_else(|| self.keys.waiting(&r.owner()).cloned()),
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
        let waiting = self.keys.all_waiting().filter_map(|(owner, key)| match owner {
            Owner::Asn { partner, asn } => Some(KeptAsn { asn: *asn, partner: *partner, key: key.clone() }),
            Owner::Prefix { .. } => None,
        });
        kept.registered_asns.extend(waiting);
        kept.removed_keys = self.keys.removed();
        self.keys.write();
        kept.registered_prefixes.sort_by_key(|kept| kept.prefix);
        kept.registered_asns.sort_by_key(|kept| (kept.partner, kept.asn));
        kept.peering_service_prefixes.sort_by_key(|kept| kept.prefix);
        Some(kept)
    }

    /// Whether a key was issued since it was last asked.
    pub(super) fn take_new_key(&mut self) -> bool {
        self.keys.take_new()
    }

    /// What was taken to be written down is on disk, or there is none that it would be on: keys that waited for that are
    /// shown, and are good for whoever brought them. O(these).
    pub(super) fn saved(&mut self) {
        for (owner, key) in self.keys.written() {
            match &owner {
                Owner::Prefix { peering, prefix, .. } => {
                    let tracked = self.prefixes.get_mut(prefix);
                    let Some(registered) = tracked.and_then(|tracked| tracked.registered.as_mut()) else {
                        continue;
                    };
                    let verdict = registered.status.verdict.clone();
                    registered.status = Arc::new(registered.status.judged(verdict, Some(key.clone())));
                    self.unpublished.insert(peering.clone());
                }
                Owner::Asn { partner, asn } => {
                    self.asns.insert((*partner, *asn), key.clone());
                    let peerings = self.plan.iter().flat_map(|plan| &plan.peerings);
                    let of_partner = peerings.filter(|peering| peering.peer_asn == *partner);
                    self.unpublished.extend(of_partner.map(|peering| peering.name.clone()));
                }
            }
            self.keys.brought_with(&key).iter().for_each(|prefix| self.queue.push(*prefix));
            self.keys.show(&owner, key);
        }
    }

    /// What was taken to be written down was not.
    pub(super) fn save_again(&mut self) {
        self.is_unsaved = true;
    }

    /// How many keys wait to be written down.
    pub(super) fn hidden_keys(&self) -> usize {
        self.keys.waiting_count()
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

/// When a prefix that is listed just now is judged by what there is.
fn settles_after(is_kept: bool, (settles, now): (Duration, Now)) -> Duration {
    if is_kept { now.moment + AFTER_RESTART } else { settles }
}
