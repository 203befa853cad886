//! Names in the RIB that mean nothing in the config: such a group is advertised to nobody.

use std::collections::{BTreeMap, HashSet};

use super::Plan;
use crate::rib::load::collect::near;
use crate::rib::{Finding, Findings, Group, Rows};

/// A warning for each name that no peering has, at the first group that has it.
pub(super) fn warnings(plan: &Plan, rows: &Rows) -> Findings {
    let locations: HashSet<&str> =
        plan.peerings.iter().filter_map(|p| p.peering_location.as_deref()).collect();
    let names: HashSet<&str> = plan.peerings.iter().map(|p| &*p.name).collect();
    let mut findings = unknown(rows, "peering_locations", |group| &group.peering_locations, &locations);
    findings.append(&mut unknown(rows, "peerings", |group| &group.peerings, &names));
    findings.sort_by(|a, b| a.place.cmp(&b.place));
    Findings(findings)
}

fn unknown(rows: &Rows, key: &str, named: fn(&Group) -> &Vec<String>, known: &HashSet<&str>) -> Vec<Finding> {
    let mut first: BTreeMap<&str, u32> = BTreeMap::new();
    for group in &rows.groups {
        for name in named(group).iter().filter(|name| !known.contains(name.as_str())) {
            first.entry(name).or_insert(group.line);
        }
    }
    let warning = |(name, line): (&str, u32)| {
        let place = rows.place(line)?;
        let mut sorted: Vec<&str> = known.iter().copied().collect();
        sorted.sort_unstable();
        let fix = match near(name, sorted) {
            Some(near) => format!("did you mean {near}?"),
            None => "these prefixes are advertised to nobody; name a peering of the config".to_owned(),
        };
        Some(Finding::warning(place, format!("{key} names {name}, which no peering of the config has"), fix))
    };
    first.into_iter().filter_map(warning).collect()
}
