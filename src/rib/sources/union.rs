//! All sources as one smallest set of prefixes, in groups that say where it came from.

use std::collections::BTreeMap;

use ipnet::IpNet;

use super::prefix::{is_longer, widened};
use super::yaml::describe_group;
use super::{Count, Source};

/// Up to so many labels of a source are spelled out in a group, and groups differ by them.
const FEW_LABELS: usize = 4;
/// A source with so many labels in all always has them spelled out: a narrow selection is exact.
const EXACT_LABELS: usize = 16;

/// What happens to prefixes longer than /24 and /48.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Longer {
    /// They are left out, before aggregation.
    Drop,
    /// The /24 or /48 around each takes its place, before aggregation; that advertises space which no source lists.
    Widen,
    /// Aggregates stay as long as they come out, in groups with `allow_longer: true`.
    Keep,
}

/// The sources in one, aggregated.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Union {
    /// Different prefixes in all sources together.
    pub distinct: Count,
    /// How many of these [`Longer::Drop`] left out or [`Longer::Widen`] widened.
    pub changed: Count,
    /// What is in the groups.
    pub aggregated: Count,
    /// By first prefix.
    pub groups: Vec<SourcedGroup>,
}

impl Union {
    /// How many aggregates there are of each length, first IPv4, then IPv6.
    #[must_use]
    pub fn lengths(&self) -> [BTreeMap<u8, usize>; 2] {
        let mut lengths = [BTreeMap::new(), BTreeMap::new()];
        let [v4, v6] = &mut lengths;
        for net in self.groups.iter().flat_map(|group| &group.prefixes) {
            let of_family = match net {
                IpNet::V4(_) => &mut *v4,
                IpNet::V6(_) => &mut *v6,
            };
            *of_family.entry(net.prefix_len()).or_default() += 1;
        }
        lengths
    }
}

/// Prefixes that the same sources and labels gave.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SourcedGroup {
    /// The sources with version, file and labels, as the RIB's `source` has it: one line.
    pub source: String,
    /// Its prefixes are longer than /24 or /48.
    pub allow_longer: bool,
    /// IPv4 before IPv6, each in prefix order.
    pub prefixes: Vec<IpNet>,
}

/// Aggregates that no one said what to do with.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TooLong {
    /// How many.
    pub count: Count,
    /// The first of them, at most three a family.
    pub first: Vec<IpNet>,
}

/// A prefix, its source's index and its label.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Claim {
    net: IpNet,
    source: usize,
    label: Option<u32>,
}

/// What the prefixes of a group have in common; the order of the fields does not show in the output.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct GroupKey {
    allow_longer: bool,
    claims: Vec<(usize, Labels)>,
}

/// The labels under which a source lists an aggregate.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Labels {
    /// In the source's order.
    Few(Vec<u32>),
    /// Too many to spell out, or to make a group for each set of them.
    Many,
}

/// A group in the making: its prefixes, and how many of these each label of a source lists.
#[derive(Default)]
struct Gathered {
    prefixes: Vec<IpNet>,
    listed: BTreeMap<(usize, u32), usize>,
}

/// Unites sources: the fewest prefixes that cover exactly the addresses of all of them, after `longer`.
/// O(n log n) in the entries.
///
/// # Errors
/// Without `longer`, aggregates longer than /24 and /48.
pub fn unite(sources: &[Source], longer: Option<Longer>) -> Result<Union, TooLong> {
    let mut claims: Vec<Claim> = sources
        .iter()
        .enumerate()
        .flat_map(|(source, s)| s.entries.iter().map(move |e| Claim { net: e.net, source, label: e.label }))
        .collect();
    claims.sort_unstable();
    claims.dedup();
    let nets = distinct(&claims);
    let mut changed = Count::default();
    match longer {
        Some(Longer::Drop) => {
            changed = count_longer(&nets);
            claims.retain(|claim| !is_longer(&claim.net));
        }
        Some(Longer::Widen) => {
            changed = count_longer(&nets);
            claims.iter_mut().for_each(|claim| claim.net = widened(claim.net));
            claims.sort_unstable();
            claims.dedup();
        }
        Some(Longer::Keep) | None => {}
    }
    let aggregates = IpNet::aggregate(&distinct(&claims));
    if longer.is_none() && aggregates.iter().any(is_longer) {
        return Err(too_long(&aggregates));
    }
    Ok(Union {
        distinct: Count::of(&nets),
        changed,
        aggregated: Count::of(&aggregates),
        groups: group(sources, &claims, &aggregates),
    })
}

/// The different prefixes of sorted claims.
fn distinct(claims: &[Claim]) -> Vec<IpNet> {
    let mut nets: Vec<IpNet> = claims.iter().map(|claim| claim.net).collect();
    nets.dedup();
    nets
}

fn count_longer(nets: &[IpNet]) -> Count {
    let longer: Vec<IpNet> = nets.iter().copied().filter(is_longer).collect();
    Count::of(&longer)
}

fn too_long(aggregates: &[IpNet]) -> TooLong {
    let longer: Vec<IpNet> = aggregates.iter().copied().filter(is_longer).collect();
    let (v4, v6): (Vec<IpNet>, Vec<IpNet>) = longer.iter().partition(|net| matches!(net, IpNet::V4(_)));
    TooLong {
        count: Count::of(&longer),
        first: v4.into_iter().take(3).chain(v6.into_iter().take(3)).collect(),
    }
}

/// Both slices are in prefix order, and each claim lies in exactly one aggregate: one walk over the two.
fn group(sources: &[Source], claims: &[Claim], aggregates: &[IpNet]) -> Vec<SourcedGroup> {
    let mut groups: BTreeMap<GroupKey, Gathered> = BTreeMap::new();
    let mut rest = claims;
    for aggregate in aggregates {
        let (within, after) =
            rest.split_at(rest.iter().take_while(|claim| aggregate.contains(&claim.net)).count());
        rest = after;
        let mut listed_by: BTreeMap<usize, Vec<u32>> = BTreeMap::new();
        for claim in within {
            listed_by.entry(claim.source).or_default().extend(claim.label);
        }
        for labels in listed_by.values_mut() {
            labels.sort_unstable();
            labels.dedup();
        }
        let key = GroupKey {
            allow_longer: is_longer(aggregate),
            claims: listed_by
                .iter()
                .map(|(source, labels)| (*source, few_or_many(sources, *source, labels)))
                .collect(),
        };
        let gathered = groups.entry(key).or_default();
        gathered.prefixes.push(*aggregate);
        for (source, labels) in listed_by {
            for label in labels {
                *gathered.listed.entry((source, label)).or_default() += 1;
            }
        }
    }
    let mut groups: Vec<SourcedGroup> = groups
        .into_iter()
        .map(|(key, gathered)| SourcedGroup {
            source: describe_group(sources, &key.claims, &gathered.listed),
            allow_longer: key.allow_longer,
            prefixes: gathered.prefixes,
        })
        .collect();
    groups.sort_by(|a, b| a.prefixes.first().cmp(&b.prefixes.first()));
    groups
}

fn few_or_many(sources: &[Source], source: usize, labels: &[u32]) -> Labels {
    let is_narrow = sources.get(source).is_some_and(|s| s.labels.len() <= EXACT_LABELS);
    if is_narrow || labels.len() <= FEW_LABELS { Labels::Few(labels.to_vec()) } else { Labels::Many }
}

#[cfg(test)]
mod tests;
