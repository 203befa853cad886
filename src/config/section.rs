//! A mapping of the config: its known keys taken out one by one, each typed, every error kept.

use super::document::{Entry, Node, Value};
use super::faults::{At, Fault, Faults};
use super::read_only;
use crate::rib::load::collect::{near, shown};
use crate::rib::load::events::Mark;

/// The name of a mapping, for messages, and its keys.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) name: &'static str,
    pub(super) keys: &'static [&'static str],
    /// Further keys, which it shares with other mappings.
    pub(super) more: &'static [&'static str],
}

impl Shape {
    /// All its keys.
    pub(super) fn all(&self) -> impl Iterator<Item = &'static str> + Clone + use<> {
        self.keys.iter().chain(self.more).copied()
    }
}

/// A mapping that is being read.
#[derive(Clone, Copy)]
pub(super) struct Section<'d> {
    pub(super) mark: Mark,
    name: &'static str,
    entries: &'d [Entry],
}

impl<'d> Section<'d> {
    /// Takes a node for a mapping of this shape, and says so where it is none, or has keys that the shape has not.
    pub(super) fn open(node: &'d Node, shape: Shape, faults: &mut Faults) -> Option<Self> {
        let Value::Map(entries) = &node.value else {
            let what = format!("{} is {}, and should be a mapping", shape.name, node.shown());
            faults.error(node.mark, what, format!("write one; its keys are {}", list(&shape)));
            return None;
        };
        for entry in entries.iter().filter(|entry| !shape.all().any(|key| key == entry.key)) {
            let (what, fix) = unknown(&entry.key, shape);
            faults.error(entry.mark, what, fix);
        }
        Some(Self { mark: node.mark, name: shape.name, entries })
    }

    /// The value of a key, null or not.
    pub(super) fn get(&self, key: &str) -> Option<&'d Node> {
        self.entries.iter().find(|entry| entry.key == key).map(|entry| &entry.node)
    }

    /// The value of a key; null is as good as none.
    pub(super) fn node(&self, key: &str) -> Option<&'d Node> {
        self.get(key).filter(|node| !node.is_null())
    }

    /// A key's value as `read` has it; none where the key is missing, or its value wrong, which is recorded.
    pub(super) fn read<T>(
        &self,
        key: &str,
        faults: &mut Faults,
        read: impl FnOnce(&Node) -> Result<T, Fault>,
    ) -> Option<At<T>> {
        read_node(self.node(key)?, key, faults, read)
    }

    /// As `read`, of a key that has to be there.
    pub(super) fn need<T>(
        &self,
        key: &str,
        like: &str,
        faults: &mut Faults,
        read: impl FnOnce(&Node) -> Result<T, Fault>,
    ) -> Option<At<T>> {
        if self.node(key).is_none() {
            let mark = self.get(key).map_or(self.mark, |node| node.mark);
            faults.error(
                mark,
                format!("{key} is missing in {}", self.name),
                format!("add it, like {key}: {like}"),
            );
        }
        self.read(key, faults, read)
    }

    /// The items of a key's list, null or missing being an empty one.
    pub(super) fn items(&self, key: &str, faults: &mut Faults) -> &'d [Node] {
        let Some(node) = self.node(key) else { return &[] };
        if let Value::List(items) = &node.value {
            return items;
        }
        let what = format!("{key} is {}, and should be a list", node.shown());
        faults.error(node.mark, what, format!("write each item below {key} behind a \"- \""));
        &[]
    }

    /// The items of a key's list, each as `read` has it; those that are wrong are recorded and left out.
    pub(super) fn each<T>(
        &self,
        key: &str,
        faults: &mut Faults,
        read: impl Fn(&Node) -> Result<T, Fault>,
    ) -> Vec<At<T>> {
        let items = self.items(key, faults).iter();
        items.filter_map(|node| read_node(node, key, faults, &read)).collect()
    }

    /// The entries of a key's mapping, whose own keys may be any.
    pub(super) fn pairs<T>(
        &self,
        key: &str,
        faults: &mut Faults,
        read: impl Fn(&Node) -> Result<T, Fault>,
    ) -> Vec<(String, T)> {
        let Some(node) = self.node(key) else { return Vec::new() };
        let Value::Map(entries) = &node.value else {
            let what = format!("{key} is {}, and should be a mapping", node.shown());
            faults.error(node.mark, what, format!("write each entry below {key}, like owner: contoso"));
            return Vec::new();
        };
        let pairs = entries.iter();
        pairs
            .filter_map(|entry| {
                let value = read_node(&entry.node, &shown(&entry.key), faults, &read)?;
                Some((entry.key.clone(), value.value))
            })
            .collect()
    }
}

/// A value as `read` has it; what is wrong with it is recorded.
pub(super) fn read_node<T>(
    node: &Node,
    key: &str,
    faults: &mut Faults,
    read: impl FnOnce(&Node) -> Result<T, Fault>,
) -> Option<At<T>> {
    match read(node) {
        Ok(value) => Some(At { value, mark: node.mark }),
        Err(fault) => {
            faults.error(node.mark, format!("{key} {}", fault.what), fault.fix);
            None
        }
    }
}

fn unknown(key: &str, shape: Shape) -> (String, String) {
    if let Some(refusal) = read_only::refusal(key, shape) {
        return refusal;
    }
    let (lower, near) = (key.to_lowercase(), near(key, shape.all()));
    let is_key =
        ["md5_authentication_key", "md5authenticationkey", "md5", "password"].contains(&lower.as_str());
    if is_key || near.is_none() && (lower.contains("md5") || lower.contains("password")) {
        let what =
            format!("{}: a key does not stand in the config, and Microsoft's policy is no MD5", shown(key));
        let fix = "remove it, here and on the peer; or put the key into a file that peeringd's user alone can read, \
                   and write md5_authentication_key_file with policy: { allow_md5: true }";
        return (what, fix.to_owned());
    }
    let fix = match (near, read_only::other_name(key)) {
        (_, Some(name)) => format!("write {name}"),
        (Some(near), None) => format!("did you mean {near}?"),
        (None, None) => format!("remove it; the keys of {} are {}", shape.name, list(&shape)),
    };
    (format!("unknown key {} in {}", shown(key), shape.name), fix)
}

fn list(shape: &Shape) -> String {
    shape.all().collect::<Vec<_>>().join(", ")
}
