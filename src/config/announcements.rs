//! What sessions are to be told, as a whole: how much of it there is, and that Peering Service hears the same everywhere.

use std::cell::LazyCell;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::place::Places;
use super::{PeeringPlan, Plan};
use crate::rib::{Finding, Findings, Group, Rows};
use crate::wire::PerFamily;

/// The prefixes of each group, by its place in [`Rows::groups`].
type Counts = Vec<PerFamily<u64>>;
/// Read where there is something to say.
type LazyPlaces<'a> = LazyCell<Places, Box<dyn FnOnce() -> Places + 'a>>;

/// Warnings on the RIB as the peerings of a plan are told it. O(prefixes + groups × peerings).
pub(super) fn warnings(plan: &Plan, rows: &Rows) -> Findings {
    let counts = counts(rows);
    let places = LazyPlaces::new(Box::new(|| Places::read(&plan.file)));
    let mut findings = budgets(plan, rows, &counts, &places);
    findings.extend(differences(plan, rows, &counts, &places));
    Findings(findings)
}

fn counts(rows: &Rows) -> Counts {
    let mut counts: Counts = vec![PerFamily::default(); rows.groups.len()];
    let mut count = |group: u32, one: fn(&mut PerFamily<u64>)| {
        if let Some(count) = usize::try_from(group).ok().and_then(|group| counts.get_mut(group)) {
            one(count);
        }
    };
    rows.v4.iter().for_each(|row| count(row.group, |c| c.ipv4 += 1));
    rows.v6.iter().for_each(|row| count(row.group, |c| c.ipv6 += 1));
    counts
}

/// Whether a peering is told a group.
fn is_told(peering: &PeeringPlan, group: &Group) -> bool {
    let here = |location: &str| group.peering_locations.iter().any(|wanted| wanted == location);
    let is_here = peering.peering_location.as_deref().is_some_and(here);
    (group.peering_locations.is_empty() || is_here)
        && (group.peerings.is_empty() || group.peerings.iter().any(|wanted| **wanted == *peering.name))
}

/// How many prefixes a peering is told.
fn told(peering: &PeeringPlan, rows: &Rows, counts: &Counts) -> PerFamily<u64> {
    let told = rows.groups.iter().zip(counts).filter(|(group, _)| is_told(peering, group));
    told.fold(PerFamily::default(), |sum, (_, count)| PerFamily {
        ipv4: sum.ipv4 + count.ipv4,
        ipv6: sum.ipv6 + count.ipv6,
    })
}

/// What the routers of partners are set to take: 2000 and 500 by the peering policy, 400 to 500 by the FAQ of Peering
/// Service. One warning for all peerings that are told as much.
fn budgets(plan: &Plan, rows: &Rows, counts: &Counts, places: &LazyPlaces<'_>) -> Vec<Finding> {
    let mut alike: BTreeMap<(u64, u64), Vec<&PeeringPlan>> = BTreeMap::new();
    for peering in plan.peerings.iter().filter(|peering| !peering.connections.is_empty()) {
        let PerFamily { ipv4, ipv6 } = told(peering, rows, counts);
        alike.entry((ipv4, ipv6)).or_default().push(peering);
    }
    let budget = |((ipv4, ipv6), peerings): ((u64, u64), Vec<&PeeringPlan>)| {
        let first = peerings.first()?;
        let (budget, note) = (plan.policy.announcement_budget, plan.policy.announcement_note);
        let who = match peerings.len() {
            1 => format!("{} is", first.name),
            n => format!("{} and {} more are", first.name, n - 1),
        };
        let told = format!("{who} told {ipv4} IPv4 and {ipv6} IPv6 prefixes");
        if ipv4 > budget.ipv4 || ipv6 > budget.ipv6 {
            let what =
                format!("{told}, past the {} and {} that peers are told to allow", budget.ipv4, budget.ipv6);
            let fix =
                "aggregate the RIB, or raise policy.announcement_budget_v4 and _v6 with what the peers allow";
            return Some(Finding::warning(places.of_peering(&first.name), what, fix));
        }
        let what = format!("{told}, and a partner may allow no more than 400 to 500");
        let fix = "see that its limits are higher; policy.announcement_note is from when this is said";
        (ipv4 + ipv6 >= note).then(|| Finding::warning(places.of_peering(&first.name), what, fix))
    };
    alike.into_iter().filter_map(budget).collect()
}

/// Two peerings for Peering Service hear the same, unless another set was agreed on.
fn differences(plan: &Plan, rows: &Rows, counts: &Counts, places: &LazyPlaces<'_>) -> Vec<Finding> {
    let is_alike = |peering: &&Arc<PeeringPlan>| {
        peering.peering_service && !peering.own_announcements && !peering.connections.is_empty()
    };
    let mut alike = plan.peerings.iter().filter(is_alike);
    let Some(first) = alike.next() else { return Vec::new() };
    let has_some = |count: &PerFamily<u64>| count.ipv4 + count.ipv6 > 0;
    alike
        .filter_map(|other| {
            let differs = |group: &Group| is_told(first, group) != is_told(other, group);
            let mut groups = rows.groups.iter().zip(counts).filter(|(_, count)| has_some(count));
            let (group, _) = groups.find(|(group, _)| differs(group))?;
            let (told, not) = if is_told(first, group) { (first, other) } else { (other, first) };
            let at = rows.place(group.line).map(|at| format!("{}:{}", at.file.display(), at.line))?;
            let what = format!(
                "{} is told prefixes that {} is not, at {at}: Peering Service has the same set at all locations",
                told.name, not.name
            );
            let fix = "lift the group's restriction, or write own_announcements: true where another set was agreed";
            Some(Finding::warning(places.of_peering(&other.name), what, fix))
        })
        .collect()
}
