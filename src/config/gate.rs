//! The gate of registration: nothing is registered under a peering before one of its connections is Active, as in the portal,
//! where "Add registered prefix" is disabled until then. What was registered before stays, whatever becomes of connections.

use std::collections::HashSet;

use ipnet::IpNet;

use super::place::Places;
use super::{PeeringPlan, Plan};
use crate::rib::Finding;
use crate::wire::Asn;

/// The most that is named in a finding.
const MOST_NAMED: usize = 3;

/// What can be registered under a peering.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Registration {
    /// A prefix.
    Prefix(IpNet),
    /// A customer's ASN.
    Asn(Asn),
}

/// Why a plan cannot register what it lists: an error for each list with something new in it of a peering without an Active
/// connection. `is_registered` knows what was registered before. O(registered).
pub fn registration_refusals(
    plan: &Plan,
    is_registered: impl Fn(&PeeringPlan, Registration) -> bool,
) -> Vec<Finding> {
    let mut refusals = Vec::new();
    let places = std::cell::LazyCell::new(|| Places::read(&plan.file));
    for peering in plan.peerings.iter().filter(|peering| !peering.has_active_connection()) {
        let prefixes = peering.registered_prefixes.iter();
        let prefixes =
            prefixes.map(|listed| (Registration::Prefix(listed.prefix), listed.prefix.to_string()));
        let asns = peering.registered_asns.iter();
        let asns = asns.map(|listed| (Registration::Asn(listed.asn), format!("AS{}", listed.asn)));
        for (key, listed) in
            [("registered_prefixes", prefixes.collect::<Vec<_>>()), ("registered_asns", asns.collect())]
        {
            let new = listed.into_iter().filter(|(what, _)| !is_registered(peering, *what));
            let new: Vec<String> = new.map(|(_, name)| name).collect();
            if !new.is_empty() {
                refusals.push(refusal(key, &new, peering, &places));
            }
        }
    }
    refusals
}

fn refusal(key: &str, new: &[String], peering: &PeeringPlan, places: &Places) -> Finding {
    let states = peering.connections.iter().map(|c| format!("{} is {}", c.name, c.state.name()));
    let states: Vec<String> = states.collect();
    let why = if states.is_empty() { "there is none".to_owned() } else { named(&states) };
    let what = format!(
        "{key} of {}: {} cannot be registered before a connection of the peering is Active ({why})",
        peering.name,
        named(new)
    );
    let fix = "list it in the reload that makes a connection active, or in a later one";
    Finding::error(places.in_peering(&peering.name, key), what, fix)
}

/// `a, b, c and 4 more`.
fn named(all: &[String]) -> String {
    let first = all.get(..MOST_NAMED).unwrap_or(all).join(", ");
    match all.len().saturating_sub(MOST_NAMED) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

/// What a plan would register while another is in force, which has registered all that it lists.
pub(super) fn refused(old: &Plan, new: &Plan) -> Vec<Finding> {
    let listed = |peering: &PeeringPlan| {
        let name = peering.name.clone();
        let prefixes = peering.registered_prefixes.iter().map(|listed| Registration::Prefix(listed.prefix));
        let asns = peering.registered_asns.iter().map(|listed| Registration::Asn(listed.asn));
        prefixes.chain(asns).map(move |what| (name.clone(), what)).collect::<Vec<_>>()
    };
    let before = std::cell::LazyCell::new(|| {
        old.peerings.iter().flat_map(|peering| listed(peering)).collect::<HashSet<_>>()
    });
    registration_refusals(new, |peering, what| before.contains(&(peering.name.clone(), what)))
}
