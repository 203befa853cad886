//! Locations that Peering Service prefixes name: only where their provider has a peering for Peering Service can they be
//! announced.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::PeeringPlan;
use super::faults::{At, Faults};
use super::written::Peering;
use crate::rib::load::collect::near;
use crate::wire::Asn;

/// Where partners are, and where they are said to be.
#[derive(Default)]
pub(super) struct Locations {
    peerings: BTreeMap<Asn, BTreeSet<Arc<str>>>,
    named: Vec<(Asn, &'static str, At<Arc<str>>)>,
}

impl Locations {
    /// Notes where one peering is, and what its lists name.
    pub(super) fn peering(&mut self, written: &Peering, plan: &PeeringPlan) {
        if !plan.peering_service {
            return;
        }
        let here = self.peerings.entry(plan.peer_asn).or_default();
        here.extend(plan.peering_location.clone());
        for At { value, mark } in &written.peering_service_prefixes {
            for (key, location) in
                [("primary_location", &value.primary_location), ("backup_location", &value.backup_location)]
            {
                let at = |location: &Arc<str>| At { value: location.clone(), mark: *mark };
                self.named.extend(location.as_ref().map(|location| (plan.peer_asn, key, at(location))));
            }
        }
    }

    /// A warning for each location in which the partner has no such peering: the prefix cannot be Verified.
    pub(super) fn check(&self, faults: &mut Faults) {
        for (partner, key, At { value: location, mark }) in &self.named {
            let Some(known) = self.peerings.get(partner).filter(|known| !known.contains(location)) else {
                continue;
            };
            let what = format!("{key} {location}, where AS{partner} has no peering for Peering Service");
            let fix = match near(location, known.iter().map(|known| &**known)) {
                Some(near) => format!("did you mean {near}?"),
                None => "name the peering_location of one: until there is one the prefix is not Verified"
                    .to_owned(),
            };
            faults.warning(*mark, what, fix);
        }
    }
}
