//! Where something stands in a config file that has been read before. Of a file that has since become another, the best
//! there is.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use super::document::{self, Entry, Node, Value};
use super::faults::Faults;
use crate::rib::Place;
use crate::rib::load::events::Mark;
use crate::rib::load::folder;

/// Where a key stands, written `router.listen`; or the section that it is not in, or the file.
pub(super) fn place_of(file: &Path, key: &str) -> Place {
    let (mut node, mut place) = open(file);
    let file = Arc::clone(&place.file);
    for part in key.split('.') {
        let Some(entry) = node.and_then(|node| entry(node, part)) else { break };
        place = entry.mark.place(&file);
        node = Some(entry.node);
    }
    place
}

/// Where the peerings and connections of a file stand, read once for as many as are looked up.
pub(super) struct Places {
    file: Place,
    peerings: HashMap<String, Said>,
    connections: HashMap<String, Said>,
}

/// Something's own place, and those of what it says.
type Said = (Mark, HashMap<String, Mark>);

impl Places {
    pub(super) fn read(file: &Path) -> Self {
        let (root, file) = open(file);
        let mut places = Self { file, peerings: HashMap::new(), connections: HashMap::new() };
        for peering in items(root, "peerings") {
            note(&mut places.peerings, &peering);
            for connection in items(Some(peering), "connections") {
                note(&mut places.connections, &connection);
            }
        }
        places
    }

    /// Where a peering begins, or the file.
    pub(super) fn of_peering(&self, name: &str) -> Place {
        self.peerings.get(name).map_or_else(|| self.file.clone(), |(mark, _)| mark.place(&self.file.file))
    }

    /// Where a peering says something, or where it begins.
    pub(super) fn in_peering(&self, name: &str, key: &str) -> Place {
        self.place(self.peerings.get(name), key)
    }

    /// Where a connection says something, or where it begins.
    pub(super) fn of_connection(&self, name: &str, key: &str) -> Place {
        self.place(self.connections.get(name), key)
    }

    fn place(&self, said: Option<&Said>, key: &str) -> Place {
        let Some((mark, said)) = said else { return self.file.clone() };
        said.get(key).unwrap_or(mark).place(&self.file.file)
    }
}

/// Notes a mapping by its name.
fn note(named: &mut HashMap<String, Said>, node: &Node) {
    if let (Some(name), Value::Map(entries)) = (name(node), &node.value) {
        let said = entries.iter().map(|entry| (entry.key.clone(), entry.node.mark)).collect();
        named.entry(name).or_insert((node.mark, said));
    }
}

fn open(file: &Path) -> (Option<Node>, Place) {
    let place = Place::file(file);
    let text = folder::read(file).unwrap_or_default();
    let node = document::parse(&text, &place.file, &mut Faults::new(Arc::clone(&place.file)));
    (node, place)
}

fn entry(node: Node, key: &str) -> Option<Entry> {
    let Value::Map(entries) = node.value else { return None };
    entries.into_iter().find(|entry| entry.key == key)
}

fn items(node: Option<Node>, key: &str) -> Vec<Node> {
    match node.and_then(|node| entry(node, key)).map(|entry| entry.node.value) {
        Some(Value::List(items)) => items,
        Some(Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Text(_) | Value::Map(_)) | None => {
            Vec::new()
        }
    }
}

fn name(node: &Node) -> Option<String> {
    let Value::Map(entries) = &node.value else { return None };
    match &entries.iter().find(|entry| entry.key == "name")?.node.value {
        Value::Text(text) => Some(text.clone()),
        Value::Integer(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Null | Value::List(_) | Value::Map(_) => None,
    }
}
