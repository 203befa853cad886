//! Prefixes, and all of them that cover another.

use ipnet::IpNet;

use crate::rib::{Address, Prefix};

/// Prefixes with what is said of each.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Covering<T> {
    v4: Tree<u32, T>,
    v6: Tree<u128, T>,
}

impl<T> Default for Covering<T> {
    fn default() -> Self {
        Self { v4: Tree::default(), v6: Tree::default() }
    }
}

impl<T> Covering<T> {
    /// Of items that are sorted by prefix; of one prefix there may be several. O(n).
    pub(super) fn of_sorted(items: impl Iterator<Item = (IpNet, T)>) -> Self {
        let mut all = Self::default();
        for (net, value) in items {
            if let Some(prefix) = Prefix::of_net(&net) {
                all.v4.push(prefix, value);
            } else if let Some(prefix) = Prefix::of_net(&net) {
                all.v6.push(prefix, value);
            }
        }
        all
    }

    /// What is said of each prefix that is `net` or covers it, the longest first: all of one prefix together, in the
    /// order in which it came. O(log n + length of the prefix), however much there is of one.
    pub(super) fn covering(&self, net: IpNet) -> impl Iterator<Item = &[T]> {
        let v4 = Prefix::of_net(&net).map(|prefix| self.v4.covering(prefix));
        let v6 = Prefix::of_net(&net).map(|prefix| self.v6.covering(prefix));
        v4.into_iter().flatten().chain(v6.into_iter().flatten())
    }

    /// How many values of IPv4 and of IPv6 there are.
    pub(super) fn count(&self) -> (usize, usize) {
        (self.v4.values.len(), self.v6.values.len())
    }
}

/// Prefixes of one family in prefix order: a prefix that covers others stands before all of them.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Tree<A, T> {
    nodes: Vec<Node<A>>,
    values: Vec<T>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Node<A> {
    prefix: Prefix<A>,
    /// The longest other prefix that covers this one.
    parent: Option<u32>,
    /// Its values begin where those of the node before end.
    end: u32,
}

impl<A, T> Default for Tree<A, T> {
    fn default() -> Self {
        Self { nodes: Vec::new(), values: Vec::new() }
    }
}

impl<A: Address, T> Tree<A, T> {
    fn push(&mut self, prefix: Prefix<A>, value: T) {
        self.values.push(value);
        let end = u32::try_from(self.values.len()).unwrap_or(u32::MAX);
        match self.nodes.last_mut() {
            Some(last) if last.prefix == prefix => last.end = end,
            Some(_) | None => {
                let before = self.nodes.len().checked_sub(1);
                let parent = before.and_then(|last| self.first_covering(last, prefix));
                let parent = parent.and_then(|parent| u32::try_from(parent).ok());
                self.nodes.push(Node { prefix, parent, end });
            }
        }
    }

    /// The node at `from`, or the first of those that cover it, that covers a prefix.
    fn first_covering(&self, from: usize, prefix: Prefix<A>) -> Option<usize> {
        let mut at = from;
        loop {
            let node = self.nodes.get(at)?;
            if covers(node.prefix, prefix) {
                return Some(at);
            }
            at = usize::try_from(node.parent?).ok()?;
        }
    }

    fn covering(&self, prefix: Prefix<A>) -> impl Iterator<Item = &[T]> {
        // Whatever covers the prefix covers the last node that does not stand behind it, too.
        let behind = self.nodes.partition_point(|node| node.prefix <= prefix);
        let first = behind.checked_sub(1).and_then(|last| self.first_covering(last, prefix));
        let parent = |at: &usize| usize::try_from(self.nodes.get(*at)?.parent?).ok();
        std::iter::successors(first, parent).map(|at| self.values_of(at))
    }

    fn values_of(&self, at: usize) -> &[T] {
        let end = |at: usize| self.nodes.get(at).and_then(|node| usize::try_from(node.end).ok());
        let begin = at.checked_sub(1).and_then(end).unwrap_or(0);
        self.values.get(begin..end(at).unwrap_or(begin)).unwrap_or(&[])
    }
}

fn covers<A: Address>(shorter: Prefix<A>, longer: Prefix<A>) -> bool {
    shorter.len <= longer.len && longer.addr & A::mask(shorter.len) == shorter.addr
}

#[cfg(test)]
mod tests {
    use super::*;
    use ipnet::{Ipv4Net, Ipv6Net};
    use proptest::prelude::*;

    /// Dense enough for prefixes to cover each other.
    fn net() -> impl Strategy<Value = IpNet> {
        let v4 = (any::<u8>(), 0_u8..=8).prop_map(|(bits, len)| {
            IpNet::from(Ipv4Net::new(u32::from_be_bytes([20, bits, 0, 0]).into(), 8 + len).unwrap().trunc())
        });
        let v6 = (any::<u8>(), 0_u8..=8).prop_map(|(bits, len)| {
            let address = (0x2603_u128 << 112) | (u128::from(bits) << 104);
            IpNet::from(Ipv6Net::new(address.into(), 16 + len).unwrap().trunc())
        });
        let host = any::<u32>().prop_map(|bits| IpNet::from(Ipv4Net::new(bits.into(), 32).unwrap()));
        let all = Just("0.0.0.0/0".parse().unwrap());
        prop_oneof![6 => v4, 4 => v6, 1 => host, 1 => all]
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
        #[test]
        fn all_that_cover_are_found_the_longest_first(
            mut nets in prop::collection::vec(net(), 0..80),
            asked in prop::collection::vec(net(), 1..40),
        ) {
            nets.sort_unstable();
            let table = Covering::of_sorted(nets.iter().map(|net| (*net, *net)));
            for asked in asked.into_iter().chain(nets.clone()) {
                let found: Vec<IpNet> = table.covering(asked).flatten().copied().collect();
                let mut wanted: Vec<IpNet> = nets.iter().copied().filter(|net| net.contains(&asked)).collect();
                wanted.sort_by_key(|net| std::cmp::Reverse(net.prefix_len()));
                prop_assert_eq!(&found, &wanted);
                for of_one in table.covering(asked) {
                    prop_assert!(!of_one.is_empty() && of_one.iter().all(|net| *net == of_one[0]));
                }
            }
            let v4 = nets.iter().filter(|net| matches!(net, IpNet::V4(_))).count();
            prop_assert_eq!(table.count(), (v4, nets.len() - v4));
        }
    }
}
