//! What each session's routes are judged by, as the plan has it: what is registered is shared by a peering's sessions.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use ipnet::IpNet;

use crate::config::{PeeringPlan, Plan, SessionPlan};
use crate::peering::{Enforcement, ImportPolicy, OriginTables, Registered};

/// The policies of a plan.
#[derive(Debug, Default)]
pub(super) struct Imports {
    lab: bool,
    /// By the peering's name: of those that are used for Peering Service.
    registered: HashMap<Arc<str>, Arc<Registered>>,
    origins: Arc<OriginTables>,
    enforce: Enforcement,
}

impl Imports {
    /// Those of a new plan. What is registered as before stays the very same, and so are the policies.
    pub(super) fn next(&self, plan: &Plan) -> Self {
        let looked_for: Vec<IpNet> =
            plan.peerings.iter().flat_map(|p| &p.peering_service_prefixes).map(|p| p.prefix).collect();
        let of = |peering: &Arc<PeeringPlan>| {
            let new = registered(plan, peering, &looked_for);
            let before = self.registered.get(&peering.name).filter(|before| ***before == new);
            (peering.name.clone(), before.cloned().unwrap_or_else(|| Arc::new(new)))
        };
        Self {
            lab: plan.lab,
            registered: plan.peerings.iter().filter(|p| p.peering_service).map(of).collect(),
            origins: self.origins.clone(),
            enforce: self.enforce,
        }
    }

    /// What a session's routes are judged by.
    pub(super) fn policy(&self, session: &SessionPlan) -> Arc<ImportPolicy> {
        let registered = self.registered.get(&session.peering);
        Arc::new(ImportPolicy {
            connection_state: session.connection_state,
            needs_bfd: session.policy_group.needs_bfd(),
            peering_service: registered.is_some(),
            lab: self.lab,
            peer_asn: session.peer_asn,
            registered: registered.cloned().unwrap_or_default(),
            origins: self.origins.clone(),
            enforce: self.enforce,
        })
    }
}

/// What is registered under a peering, and beside that every Peering Service prefix is looked out for: its customer's
/// provider has to announce it in two locations, and so on sessions of two peerings. A prefix is registered under one
/// only, so that one that a partner registered is also taken from the partner's other peerings.
fn registered(plan: &Plan, peering: &PeeringPlan, looked_for: &[IpNet]) -> Registered {
    let of_partner = plan.peerings.iter().filter(|other| other.peer_asn == peering.peer_asn);
    let partners: HashSet<IpNet> =
        of_partner.flat_map(|other| &other.registered_prefixes).map(|r| r.prefix).collect();
    let own = peering.registered_prefixes.iter().map(|r| r.prefix);
    Registered::new(
        own.chain(looked_for.iter().copied().filter(|prefix| partners.contains(prefix))),
        peering.registered_asns.iter().map(|r| r.asn),
        looked_for.iter().copied(),
    )
}
