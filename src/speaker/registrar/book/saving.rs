//! What is written down of it, and the keys that wait for that.

use std::sync::Arc;

use super::Book;
use crate::speaker::registrar::kept::{KeptAsn, KeptPrefix, KeptRegistrations, KeptServicePrefix};
use crate::speaker::registrar::keys::Owner;

impl Book {
    /// What is to be written down, where anything changed since it was last asked: [`Self::saved`] says that it was.
    /// O(registered).
    pub(in crate::speaker::registrar) fn unsaved(&mut self) -> Option<KeptRegistrations> {
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
    pub(in crate::speaker::registrar) fn take_new_key(&mut self) -> bool {
        self.keys.take_new()
    }

    /// What was taken to be written down is on disk, or there is none that it would be on: keys that waited for that are
    /// shown, and are good for whoever brought them. O(these).
    pub(in crate::speaker::registrar) fn saved(&mut self) {
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
    pub(in crate::speaker::registrar) fn save_again(&mut self) {
        self.is_unsaved = true;
    }

    /// How many keys wait to be written down.
    pub(in crate::speaker::registrar) fn hidden_keys(&self) -> usize {
        self.keys.waiting_count()
    }
}
