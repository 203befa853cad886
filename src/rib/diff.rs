//! Two tables side by side.

use std::cmp::Ordering;

use super::prefix::{Address, Prefix};
use super::table::Table;

/// Calls `each` for every prefix of either table, in prefix order, with its row in each. O(n + m).
pub(crate) fn merge<A: Address>(
    old: &Table<A>,
    new: &Table<A>,
    mut each: impl FnMut(Prefix<A>, Option<usize>, Option<usize>),
) {
    let mut olds = old.prefixes(0..old.count()).enumerate().peekable();
    let mut news = new.prefixes(0..new.count()).enumerate().peekable();
    loop {
        let order = match (olds.peek(), news.peek()) {
            (Some((_, old)), Some((_, new))) => old.cmp(new),
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => return,
        };
        let from_old = if order.is_le() { olds.next() } else { None };
        let from_new = if order.is_ge() { news.next() } else { None };
        if let Some((_, prefix)) = from_old.or(from_new) {
            each(prefix, from_old.map(|(row, _)| row), from_new.map(|(row, _)| row));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use ipnet::IpNet;
    use proptest::prelude::*;

    use super::*;
    use crate::rib::generation::InGeneration;
    use crate::rib::sample::{generation, plain};
    use crate::rib::{Generation, Ranks};

    fn make(of: &BTreeMap<u8, u16>, ranks: &mut Ranks) -> Generation {
        let routes =
            of.iter().map(|(net, set)| (format!("20.0.{net}.0/24").parse::<IpNet>().unwrap(), plain(*set)));
        generation(&routes.collect(), None, ranks, 1)
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_merge_sees_each_prefix_once_with_its_rows(
            old in prop::collection::btree_map(0_u8..30, 0_u16..3, 0..20),
            new in prop::collection::btree_map(0_u8..30, 0_u16..3, 0..20),
        ) {
            let mut ranks = Ranks::new();
            let (old_made, new_made) = (make(&old, &mut ranks), make(&new, &mut ranks));
            let mut seen = Vec::new();
            merge(u32::table(&old_made), u32::table(&new_made), |prefix, a, b| {
                let rank = |g: &Generation, row: Option<usize>| row.map(|row| {
                    assert_eq!(u32::table(g).prefix(row), Some(prefix));
                    u32::table(g).ranked(row).unwrap().attrs.clone()
                });
                seen.push((prefix.addr >> 8 & 0xFF, rank(&old_made, a), rank(&new_made, b)));
            });
            let mut keys: Vec<u8> = old.keys().chain(new.keys()).copied().collect();
            keys.sort_unstable();
            keys.dedup();
            let want: Vec<_> = keys.iter().map(|k| {
                let attrs = |of: &BTreeMap<u8, u16>| of.get(k).map(|set| std::sync::Arc::new(plain(*set).attrs));
                (u32::from(*k), attrs(&old), attrs(&new))
            }).collect();
            prop_assert_eq!(seen, want);
        }
    }
}
