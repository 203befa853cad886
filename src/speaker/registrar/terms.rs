//! What the plan in force says of registrations: who has to announce, and where a provider's sessions are.

use std::collections::HashMap;
use std::sync::Arc;

use crate::config::{PeeringPlan, Plan, SessionPlan};
use crate::peering::{ConnectionState, PeeringServicePrefix, Required, ServiceSessions};
use crate::wire::{Asn, Family};

/// A provider, and one of its locations.
type Place = (Asn, Option<Arc<str>>);

/// What a plan says, by peering and by provider and location.
#[derive(Debug, Default)]
pub(super) struct Terms {
    peerings: HashMap<Arc<str>, Arc<Required>>,
    places: HashMap<Place, Required>,
}

impl Terms {
    /// Of a plan. O(sessions + connections).
    pub(super) fn of(plan: &Plan) -> Self {
        let mut peerings: HashMap<Arc<str>, Required> = HashMap::with_capacity(plan.peerings.len());
        for peering in &plan.peerings {
            let is_active = peering.has_active_connection();
            let has_irr = !plan.origin.irr_files.is_empty();
            peerings.insert(peering.name.clone(), Required { is_active, has_irr, ..Required::default() });
        }
        let mut each = |session: &SessionPlan, add: &mut dyn FnMut(&mut Required, Family)| {
            if session.connection_state != ConnectionState::Active {
                return;
            }
            let Some(required) = peerings.get_mut(&session.peering) else { return };
            let carried = Family::ALL.iter().filter(|family| *session.families.get(**family));
            carried.for_each(|family| add(required, *family));
        };
        for session in &plan.sessions {
            each(session, &mut |required, family| required.peers.get_mut(family).push(session.peer_address));
        }
        for range in &plan.ranges {
            each(&range.template, &mut |required, family| required.ranges.get_mut(family).push(range.range));
        }
        peerings.values_mut().for_each(|required| name_peers(required, plan));
        let mut places: HashMap<Place, Required> = HashMap::new();
        for peering in plan.peerings.iter().filter(|p| p.peering_service) {
            let Some(required) = peerings.get(&peering.name) else { continue };
            let place = places.entry((peering.peer_asn, peering.peering_location.clone())).or_default();
            place.is_active |= required.is_active;
            place.has_irr |= required.has_irr;
            for family in Family::ALL {
                place.peers.get_mut(family).extend(required.peers.get(family));
                place.ranges.get_mut(family).extend(required.ranges.get(family));
            }
            place.named.extend(&required.named);
        }
        let peerings = peerings.into_iter().map(|(name, required)| (name, Arc::new(required))).collect();
        Self { peerings, places }
    }

    /// The sessions that have to announce what is registered under a peering.
    pub(super) fn required(&self, peering: &str) -> Arc<Required> {
        self.peerings.get(peering).cloned().unwrap_or_default()
    }

    /// The provider's sessions for one of its customers' prefixes.
    pub(super) fn service_sessions(
        &self,
        peering: &PeeringPlan,
        prefix: &PeeringServicePrefix,
    ) -> ServiceSessions {
        let at = |location: Option<Arc<str>>| {
            self.places.get(&(peering.peer_asn, location)).cloned().unwrap_or_default()
        };
        let primary = prefix.primary_location.as_ref().or(peering.peering_location.as_ref());
        let backup = prefix.backup_location.as_ref();
        ServiceSessions { primary: at(primary.cloned()), backup: backup.map(|to| at(Some(to.clone()))) }
    }
}

/// Notes whom the plan names within a peering's ranges. O(ranges * sessions).
fn name_peers(required: &mut Required, plan: &Plan) {
    for range in Family::ALL.iter().flat_map(|family| required.ranges.get(*family)) {
        let peers = plan.sessions.iter().map(|session| session.peer_address);
        required.named.extend(peers.filter(|peer| range.contains(peer)));
    }
}
