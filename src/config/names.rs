//! What is named or listed once only.

use std::collections::HashMap;
use std::sync::Arc;

use super::faults::{At, Faults};
use crate::rib::load::events::Mark;

/// Where names were used first.
#[derive(Default)]
pub(super) struct Names {
    pub(super) peerings: HashMap<String, Mark>,
    pub(super) connections: HashMap<String, Mark>,
    /// GUIDs in lower case.
    pub(super) identifiers: HashMap<String, Mark>,
}

/// A name, with an error where it is used already.
pub(super) fn claim(
    names: &mut HashMap<String, Mark>,
    what: &str,
    name: Option<&At<String>>,
    faults: &mut Faults,
) -> Arc<str> {
    let Some(name) = name else { return Arc::from("") };
    match names.get(&name.value) {
        Some(first) => {
            let again = format!("the {what} name {} is already used at {}", name.value, faults.at(*first));
            faults.error(name.mark, again, format!("give each {what} a name of its own"));
        }
        None => {
            names.insert(name.value.clone(), name.mark);
        }
    }
    name.value.as_str().into()
}

/// The values of a list, with an error for each that comes again.
pub(super) fn once<T: Clone, K: std::hash::Hash + Eq + std::fmt::Display>(
    listed: &[At<T>],
    key: fn(&T) -> K,
    what: &str,
    faults: &mut Faults,
) -> Vec<T> {
    let mut seen: HashMap<K, Mark> = HashMap::with_capacity(listed.len());
    for At { value, mark } in listed {
        let key = key(value);
        match seen.get(&key) {
            Some(first) => {
                let what = format!("the {what} {key} is already listed at {}", faults.at(*first));
                faults.error(*mark, what, "keep one of the two");
            }
            None => {
                seen.insert(key, *mark);
            }
        }
    }
    listed.iter().map(|at| at.value.clone()).collect()
}
