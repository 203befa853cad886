//! What a plan lists, and what becomes of the rest.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;

use super::Book;
use crate::config::{PeeringPlan, Plan};
use crate::peering::{PeeringServicePrefix, RegisteredPrefix, Verdict};
use crate::speaker::registrar::kept::KeptPrefix;
use crate::speaker::registrar::keys::Owner;
use crate::speaker::registrar::registry::{RegisteredPrefixStatus, ServicePrefixStatus};
use crate::speaker::registrar::terms::Terms;
use crate::speaker::registrar::tracked::{Now, Registered, Service};
use crate::wire::Asn;

/// How long what is new waits, after the start, for sessions to come up.
const AFTER_START: Duration = Duration::from_secs(10);
/// How long verdicts from before the start stand, while peers that connect when they like come back and tables come in.
const AFTER_RESTART: Duration = Duration::from_secs(120);
/// How long a change of the plan has to reach the sessions.
const AFTER_CHANGE: Duration = Duration::from_secs(1);

impl Book {
    /// Puts a plan in force. O(registered + sessions).
    pub(in crate::speaker::registrar) fn apply(&mut self, plan: &Arc<Plan>, number: u64, now: Now) {
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
        let unlisted = std::mem::take(&mut self.found).into_keys(plan);
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
}

/// When a prefix that is listed just now is judged by what there is.
fn settles_after(is_kept: bool, (settles, now): (Duration, Now)) -> Duration {
    if is_kept { now.moment + AFTER_RESTART } else { settles }
}
