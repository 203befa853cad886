//! What each session's routes are judged by, as the plan has it: what is registered is shared by a peering's sessions.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use ipnet::IpNet;

use super::origin::OriginsInForce;
use crate::config::{PeeringPlan, Plan, SessionPlan};
use crate::peering::{Enforcement, ImportPolicy, OriginTables, Registered};
use crate::rib::Generation;

/// The policies of a plan.
#[derive(Debug, Default)]
pub(super) struct Imports {
    lab: bool,
    /// By the peering's name: of those that are used for Peering Service.
    registered: HashMap<Arc<str>, Arc<Registered>>,
    /// What we announce.
    ours: Option<Arc<Generation>>,
    origins: Arc<OriginTables>,
    enforce: Enforcement,
    med: u32,
}

impl Imports {
    /// Those of a new plan. What is registered as before stays the very same, and so are the policies.
    pub(super) fn next(&self, plan: &Plan, ours: Option<Arc<Generation>>) -> Self {
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
            ours,
            origins: self.origins.clone(),
            enforce: self.enforce,
            med: plan.policy.received_med,
        }
    }

    /// From now on.
    pub(super) fn judge_origins_by(&mut self, in_force: &OriginsInForce) {
        self.origins = in_force.tables.clone();
        self.enforce = in_force.enforce;
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
            ours: self.ours.clone().filter(|_| registered.is_some_and(|r| r.has_origins())),
            registered: registered.cloned().unwrap_or_default(),
            origins: self.origins.clone(),
            enforce: self.enforce,
            med: self.med,
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

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config::load_text;

    /// A partner in two locations, another partner, and a customer's prefix that the first registered in one of them.
    fn plan() -> Plan {
        let peering = |name: &str, asn: u32, n: u8, rest: &str| {
            format!(
                "- name: {name}\n  peer_asn: {asn}\n  peering_service: true\n{rest}  connections:\n  - name: {name}-1\n    \
                 bgp_session: {{microsoft_session_ipv4_address: 127.0.0.1, peer_session_ipv4_address: 127.0.7.{n}}}\n"
            )
        };
        let text = [
            "lab: true\nrouter: {router_id: 127.0.0.1}\nrib: rib\npeerings:\n".to_owned(),
            peering("ashburn", 3356, 1, "  registered_prefixes: [5.1.0.0/24, 5.2.0.0/24]\n"),
            peering("chicago", 3356, 2, "  registered_asns: [174]\n"),
            peering(
                "other",
                7018,
                3,
                "  peering_service_prefixes: [{prefix: 5.1.0.0/24}, {prefix: 5.3.0.0/24}]\n",
            ),
        ]
        .concat();
        load_text(Path::new("peeringd.yaml"), text).unwrap().0
    }

    fn registered(imports: &Imports, plan: &Plan, session: usize) -> Vec<(String, bool)> {
        let registered = imports.policy(&plan.sessions[session]).registered.clone();
        let watched = registered.watched().iter().enumerate();
        watched.map(|(place, prefix)| (prefix.to_string(), registered.is_own(place))).collect()
    }

    #[test]
    fn a_customers_prefix_is_taken_from_all_peerings_of_who_registered_it_and_looked_out_for_on_all() {
        let plan = plan();
        let imports = Imports::default().next(&plan, None);
        let of = |prefix: &str, own| (prefix.to_owned(), own);
        let all = [of("5.1.0.0/24", true), of("5.2.0.0/24", true), of("5.3.0.0/24", false)];
        assert_eq!(registered(&imports, &plan, 0), all);
        assert_eq!(registered(&imports, &plan, 1), [of("5.1.0.0/24", true), of("5.3.0.0/24", false)]);
        assert_eq!(registered(&imports, &plan, 2), [of("5.1.0.0/24", false), of("5.3.0.0/24", false)]);
        let policy = imports.policy(&plan.sessions[1]);
        assert!(
            policy.registered.has_origin(Some(crate::wire::Asn(174))) && policy.peering_service && policy.lab
        );
    }

    #[test]
    fn a_reload_that_registers_nothing_new_leaves_the_policies_as_they_are() {
        let plan = plan();
        let before = Imports::default().next(&plan, None);
        let after = before.next(&plan, None);
        for session in &plan.sessions {
            let (before, after) = (before.policy(session), after.policy(session));
            assert!(before == after && Arc::ptr_eq(&before.registered, &after.registered));
        }
    }
}
