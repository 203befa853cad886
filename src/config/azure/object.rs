//! An object of Azure's: fields in any case, as ARM takes them, null and an empty text as good as missing.

use crate::config::document::{Entry, Node, Value};
use crate::config::faults::Faults;
use crate::rib::load::collect::{near, shown};
use crate::rib::load::events::Mark;

/// An object that is being read.
#[derive(Clone, Copy, Debug)]
pub(super) struct Object<'d> {
    pub(super) mark: Mark,
    entries: &'d [Entry],
}

impl<'d> Object<'d> {
    /// Takes a node for an object, and says so where it is none.
    pub(super) fn open(node: &'d Node, what: &str, faults: &mut Faults) -> Option<Self> {
        let Value::Map(entries) = &node.value else {
            let said = format!("{what} is {}, and should be an object", node.shown());
            faults.error(node.mark, said, "give the resource as Azure wrote it");
            return None;
        };
        Some(Self { mark: node.mark, entries })
    }

    /// The value of a field, null too.
    pub(super) fn raw(&self, name: &str) -> Option<&'d Node> {
        let found = self.entries.iter().find(|entry| entry.key.eq_ignore_ascii_case(name));
        found.map(|entry| &entry.node)
    }

    /// The value of a field.
    pub(super) fn get(&self, name: &str) -> Option<&'d Node> {
        self.raw(name).filter(|node| !node.is_null() && node.value != Value::Text(String::new()))
    }

    /// The value of a field that is a text.
    pub(super) fn text(&self, name: &str, faults: &mut Faults) -> Option<&'d str> {
        let node = self.get(name)?;
        if let Value::Text(text) = &node.value {
            return Some(text);
        }
        faults.error(node.mark, format!("{name} is {}", node.shown()), "write it as a text");
        None
    }

    /// The same, where what else it may be is said elsewhere.
    pub(super) fn peek(&self, name: &str) -> Option<&'d str> {
        match &self.get(name)?.value {
            Value::Text(text) => Some(text),
            Value::Null | Value::Bool(_) | Value::Integer(_) | Value::List(_) | Value::Map(_) => None,
        }
    }

    /// The object that a node is, where what else it may be is said elsewhere.
    pub(super) fn peek_open(node: &'d Node) -> Option<Self> {
        match &node.value {
            Value::Map(entries) => Some(Self { mark: node.mark, entries }),
            Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Text(_) | Value::List(_) => None,
        }
    }

    /// The object of a field, likewise.
    pub(super) fn peek_object(&self, name: &str) -> Option<Self> {
        Self::peek_open(self.get(name)?)
    }

    /// The items of a field's array, likewise.
    pub(super) fn peek_items(&self, name: &str) -> &'d [Node] {
        match self.get(name).map(|node| &node.value) {
            Some(Value::List(items)) => items,
            Some(Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Text(_) | Value::Map(_))
            | None => &[],
        }
    }

    /// The object of a field.
    pub(super) fn object(&self, name: &str, faults: &mut Faults) -> Option<Self> {
        Self::open(self.get(name)?, name, faults)
    }

    /// The items of a field's array; none where it is missing.
    pub(super) fn items(&self, name: &str, faults: &mut Faults) -> &'d [Node] {
        let Some(node) = self.get(name) else { return &[] };
        if let Value::List(items) = &node.value {
            return items;
        }
        faults.error(node.mark, format!("{name} is {}, and should be an array", node.shown()), "write one");
        &[]
    }

    /// The entries, where any name may stand.
    pub(super) fn entries(&self) -> &'d [Entry] {
        self.entries
    }

    /// Warns of fields that are not known.
    pub(super) fn check(&self, what: &str, known: &[&str], faults: &mut Faults) {
        let is_known = |entry: &&Entry| !known.iter().any(|name| entry.key.eq_ignore_ascii_case(name));
        for entry in self.entries.iter().filter(is_known) {
            let fix = match near(&entry.key, known.iter().copied()) {
                Some(near) => format!("did you mean {near}?"),
                None => "it is passed over; remove it to say that it is known".to_owned(),
            };
            faults.warning(entry.mark, format!("unknown field {} in {what}", shown(&entry.key)), fix);
        }
    }
}
