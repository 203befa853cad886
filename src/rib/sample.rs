//! Loads made by hand or by a seeded generator, for tests.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use ipnet::IpNet;

use super::prefix::Prefix;
use super::rows::{FileSpan, Group, Row, Rows};
use super::{Generation, Ranks};
use crate::wire::{AttrSet, Community};

/// What a prefix of a sample carries: a number that stands for the attributes, and where it may go.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub(crate) struct Spec {
    pub(crate) attrs: AttrSet,
    pub(crate) locations: Vec<String>,
    pub(crate) peerings: Vec<String>,
}

/// One community `8075:n`, everywhere.
pub(crate) fn plain(n: u16) -> Spec {
    let attrs = AttrSet { communities: vec![Community(8075 << 16 | u32::from(n))], ..AttrSet::default() };
    Spec { attrs, ..Spec::default() }
}

/// A load of these routes in one file, a group for each distinct spec, a line for each prefix.
pub(crate) fn rows(routes: &BTreeMap<IpNet, Spec>) -> Rows {
    let mut by_spec: BTreeMap<&Spec, Vec<IpNet>> = BTreeMap::new();
    for (net, spec) in routes {
        by_spec.entry(spec).or_default().push(*net);
    }
    let mut rows = Rows {
        files: vec![FileSpan { path: Arc::new(PathBuf::from("sample.yaml")), first_line: 1 }],
        ..Rows::default()
    };
    let mut line = 1;
    for (spec, nets) in by_spec {
        let group = u32::try_from(rows.groups.len()).unwrap();
        rows.groups.push(Group {
            attrs: Arc::new(spec.attrs.clone()),
            source: Some(format!("group {group}").into()),
            peering_locations: spec.locations.clone(),
            peerings: spec.peerings.clone(),
            allow_longer: true,
            line,
        });
        for net in nets {
            line += 1;
            if let Some(Prefix { addr, len }) = Prefix::<u32>::of_net(&net) {
                rows.v4.push(Row { addr, len, group, line });
            } else if let Some(Prefix { addr, len }) = Prefix::<u128>::of_net(&net) {
                rows.v6.push(Row { addr, len, group, line });
            }
        }
        line += 1;
    }
    rows.v4.sort_unstable_by_key(|r| (r.addr, r.len));
    rows.v6.sort_unstable_by_key(|r| (r.addr, r.len));
    rows
}

/// A generation of these routes.
pub(crate) fn generation(
    routes: &BTreeMap<IpNet, Spec>,
    previous: Option<&Generation>,
    ranks: &mut Ranks,
    number: u32,
) -> Generation {
    Generation::build(rows(routes), previous, ranks, number, u64::from(number) * 100).unwrap()
}

/// `count` distinct IPv4 prefixes with about the Internet's length mix, each with one of `sets` attribute sets. The same
/// arguments give the same routes.
pub(crate) fn internet(count: usize, sets: u16, seed: u64) -> BTreeMap<IpNet, Spec> {
    let mut rng = fastrand::Rng::with_seed(seed);
    let mut routes = BTreeMap::new();
    while routes.len() < count {
        let len = match rng.u8(0..100) {
            0..60 => 24,
            60..70 => 23,
            70..81 => 22,
            81..86 => 21,
            86..90 => 20,
            _ => rng.u8(10..20),
        };
        let addr = rng.u32(1 << 24..224 << 24);
        let prefix = Prefix { addr: addr & (u32::MAX << (32 - len)), len };
        routes.entry(prefix.to_net()).or_insert_with(|| plain(rng.u16(0..sets)));
    }
    routes
}
