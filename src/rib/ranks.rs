//! The order of attribute sets on the wire, stable from one generation to the next.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Weak};

use super::generation::BuildError;
use super::rows::Group;
use crate::wire::AttrSet;

/// Where routes may go: a group's `peering_locations` and `peerings`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub(crate) struct Class {
    /// Empty: everywhere.
    pub(crate) peering_locations: Vec<String>,
    /// Empty: on all.
    pub(crate) peerings: Vec<String>,
}

impl Class {
    /// Whether a session of that peering, at that location, may have the routes. A class with locations is for no
    /// session that has none.
    pub(crate) fn admits(&self, peering: &str, location: Option<&str>) -> bool {
        let at_location = self.peering_locations.is_empty()
            || location.is_some_and(|at| self.peering_locations.iter().any(|l| l == at));
        at_location && (self.peerings.is_empty() || self.peerings.iter().any(|p| p == peering))
    }
}

/// An (attribute set, class) that some generation has, with its place in the wire order.
#[derive(Debug)]
pub(crate) struct Ranked {
    /// Its place: runs of a strip stand in this order. No two in the life of the process share one.
    pub(crate) rank: u32,
    /// The same for equal attributes, whatever the class; otherwise never the same.
    pub(crate) attrs_id: u32,
    /// What its routes carry.
    pub(crate) attrs: Arc<AttrSet>,
    /// Where they may go.
    pub(crate) class: Arc<Class>,
}

/// What an entry is of; equal by content.
type Key = (Arc<AttrSet>, Arc<Class>);

/// The process-wide interner that gives each (attribute set, class) its rank at first sight.
///
/// A rank stays while any generation has its entry, and is not given out again after that either: a peer may still be
/// remembered to have been told something by it. New entries go to the end, those of one load in the order of their
/// content, so a restart with the same files gives the same bytes.
#[derive(Debug, Default)]
pub struct Ranks {
    entries: HashMap<Key, Weak<Ranked>>,
    attrs: HashMap<Arc<AttrSet>, u32>,
    next_rank: u32,
    next_attrs_id: u32,
}

impl Ranks {
    /// An empty interner.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many entries some generation had when the last one was built.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether no generation has been built.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The entry of each group, in the groups' order. Entries that no generation has any more are let go first.
    pub(crate) fn intern(&mut self, groups: &[Group]) -> Result<Vec<Arc<Ranked>>, BuildError> {
        self.forget_the_dead();
        let mut fresh: BTreeMap<Key, Option<Arc<Ranked>>> = BTreeMap::new();
        let keys: Vec<_> = groups.iter().map(key).collect();
        for key in &keys {
            if self.living(key).is_none() {
                fresh.entry(key.clone()).or_default();
            }
        }
        for (key, made) in &mut fresh {
            *made = Some(self.add(key)?);
        }
        keys.iter()
            .map(|key| {
                let made = fresh.get(key).cloned().flatten();
                made.or_else(|| self.living(key)).ok_or(BuildError::TooMany("attribute sets"))
            })
            .collect()
    }

    fn living(&self, key: &Key) -> Option<Arc<Ranked>> {
        self.entries.get(key).and_then(Weak::upgrade)
    }

    fn add(&mut self, (attrs, class): &Key) -> Result<Arc<Ranked>, BuildError> {
        let too_many = BuildError::TooMany("attribute sets in the life of the process");
        let known = self.attrs.get_key_value(attrs).map(|(attrs, id)| (attrs.clone(), *id));
        let (attrs, attrs_id) = match known {
            Some(known) => known,
            None => {
                let id = self.next_attrs_id;
                // The last number of all stands for "absent" wherever one is remembered.
                self.next_attrs_id = id.checked_add(1).ok_or(too_many.clone())?;
                self.attrs.insert(attrs.clone(), id);
                (attrs.clone(), id)
            }
        };
        let rank = self.next_rank;
        self.next_rank = rank.checked_add(1).ok_or(too_many)?;
        let ranked = Arc::new(Ranked { rank, attrs_id, attrs: attrs.clone(), class: class.clone() });
        self.entries.insert((attrs, class.clone()), Arc::downgrade(&ranked));
        Ok(ranked)
    }

    fn forget_the_dead(&mut self) {
        self.entries.retain(|_, ranked| ranked.strong_count() > 0);
        let living: std::collections::HashSet<u32> =
            self.entries.values().filter_map(Weak::upgrade).map(|ranked| ranked.attrs_id).collect();
        self.attrs.retain(|_, id| living.contains(id));
    }
}

fn key(group: &Group) -> Key {
    let class =
        Class { peering_locations: group.peering_locations.clone(), peerings: group.peerings.clone() };
    (group.attrs.clone(), Arc::new(class))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn group(med: u32, location: Option<&str>) -> Group {
        Group {
            attrs: Arc::new(AttrSet { med: Some(med), ..AttrSet::default() }),
            source: None,
            peering_locations: location.map(str::to_owned).into_iter().collect(),
            peerings: Vec::new(),
            allow_longer: false,
            line: 1,
        }
    }

    fn ranks(of: &[Arc<Ranked>]) -> Vec<u32> {
        of.iter().map(|r| r.rank).collect()
    }

    #[test]
    fn first_load_follows_content_and_later_ones_go_to_the_end() {
        let mut table = Ranks::new();
        let first = table.intern(&[group(7, None), group(3, None), group(7, None)]).unwrap();
        assert_eq!(ranks(&first), [1, 0, 1]);
        let second = table.intern(&[group(1, None), group(7, None), group(0, None)]).unwrap();
        assert_eq!(ranks(&second), [3, 1, 2]);
        assert_eq!(table.len(), 4);
    }

    #[test]
    fn a_rank_is_not_given_twice_even_after_its_entry_is_gone() {
        let mut table = Ranks::new();
        drop(table.intern(&[group(1, None)]).unwrap());
        let again = table.intern(&[group(2, None)]).unwrap();
        assert_eq!((ranks(&again), table.len()), (vec![1], 1));
        let back = table.intern(&[group(1, None)]).unwrap();
        assert_eq!((ranks(&back), back[0].attrs_id), (vec![2], 2));
    }

    #[test]
    fn attributes_have_one_number_over_all_classes() {
        let mut table = Ranks::new();
        let both = table.intern(&[group(1, None), group(1, Some("Ashburn")), group(2, None)]).unwrap();
        assert_eq!(both[0].attrs_id, both[1].attrs_id);
        assert_ne!(both[0].rank, both[1].rank);
        assert_ne!(both[0].attrs_id, both[2].attrs_id);
        assert!(Arc::ptr_eq(&both[0].attrs, &both[1].attrs));
    }

    #[test]
    fn a_class_needs_both_its_location_and_its_peering() {
        let class =
            Class { peering_locations: vec!["Ashburn".into()], peerings: vec!["a".into(), "b".into()] };
        assert!(class.admits("b", Some("Ashburn")));
        assert!(!class.admits("c", Some("Ashburn")));
        assert!(!class.admits("a", Some("Paris")));
        assert!(!class.admits("a", None));
        assert!(Class::default().admits("x", None));
    }
}
