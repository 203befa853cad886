//! A config text as a tree of values, each with its place.
//!
//! The only use of serde_yaml: it decides what a plain scalar is (null, boolean, number or text). The tree is made
//! from the marked events, since serde_yaml keeps no place for what it read and stops at the first error.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::faults::Faults;
use crate::rib::load::collect::shown;
use crate::rib::load::events::{Event, Events, Mark, Scalar, Style};
use crate::rib::{Finding, Place};

/// A value and where it begins.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Node {
    pub(super) mark: Mark,
    pub(super) value: Value,
}

#[derive(Clone, PartialEq, Debug)]
pub(super) enum Value {
    Null,
    Bool(bool),
    Integer(i128),
    /// Also a number with a fraction, which nothing here takes.
    Text(String),
    List(Vec<Node>),
    /// In the order of the file; each key once.
    Map(Vec<Entry>),
}

#[derive(Clone, PartialEq, Debug)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) mark: Mark,
    pub(super) node: Node,
}

impl Node {
    pub(super) fn is_null(&self) -> bool {
        self.value == Value::Null
    }

    /// Where a key of this name has this text as its value, first.
    pub(super) fn find(&self, key: &str, text: &str) -> Option<Mark> {
        match &self.value {
            Value::Map(entries) => entries.iter().find_map(|entry| {
                let is_it =
                    entry.key == key && matches!(&entry.node.value, Value::Text(value) if value == text);
                if is_it { Some(entry.node.mark) } else { entry.node.find(key, text) }
            }),
            Value::List(items) => items.iter().find_map(|item| item.find(key, text)),
            Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Text(_) => None,
        }
    }

    /// The value as a message shows it.
    pub(super) fn shown(&self) -> String {
        match &self.value {
            Value::Null => "nothing".to_owned(),
            Value::Bool(value) => value.to_string(),
            Value::Integer(value) => value.to_string(),
            Value::Text(text) => format!("\"{}\"", shown(text)),
            Value::List(_) => "a list".to_owned(),
            Value::Map(_) => "a mapping".to_owned(),
        }
    }
}

/// Reads a text whole. What is wrong with it as YAML is recorded; none is returned where there is no tree to go on with.
pub(super) fn parse(text: &str, file: &Arc<PathBuf>, faults: &mut Faults) -> Option<Node> {
    let mut builder = Builder { events: Events::new(text, Arc::clone(file)), faults };
    let node = builder.document();
    match node {
        Ok(Some(node)) => Some(node),
        Ok(None) => {
            let place = Place { line: 1, column: 1, file: Arc::clone(file) };
            faults.push(Finding::error(
                place,
                "this file is empty",
                "write the config; \"router:\" is a beginning",
            ));
            None
        }
        Err(finding) => {
            faults.push(*finding);
            None
        }
    }
}

struct Builder<'a, 'f> {
    events: Events<'a>,
    faults: &'f mut Faults,
}

type Read<T> = Result<T, Box<Finding>>;

impl<'a> Builder<'a, '_> {
    fn document(&mut self) -> Read<Option<Node>> {
        let first = self.events.next()?;
        let node = self.node(first)?;
        if node.is_some() {
            // What follows the document is an error of its own, if anything does.
            self.events.next()?;
        }
        Ok(node)
    }

    /// The value that an event begins; none where the event ends one. No deeper than the events allow.
    fn node(&mut self, first: Event<'a>) -> Read<Option<Node>> {
        let mark = self.events.mark();
        let value = match first {
            Event::Scalar(scalar) => resolve(scalar),
            Event::ListStart => {
                let mut items = Vec::new();
                loop {
                    let event = self.events.next()?;
                    let Some(item) = self.node(event)? else { break Value::List(items) };
                    items.push(item);
                }
            }
            Event::MapStart => self.map()?,
            Event::ListEnd | Event::MapEnd | Event::End => return Ok(None),
        };
        Ok(Some(Node { mark, value }))
    }

    fn map(&mut self) -> Read<Value> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut seen: HashMap<String, u32> = HashMap::new();
        loop {
            let event = self.events.next()?;
            let mark = self.events.mark();
            let key = match event {
                Event::Scalar(key) => Some(key.text.into_owned()),
                Event::ListStart | Event::MapStart => {
                    self.events.skip(&event)?;
                    self.faults.error(mark, "a key is a word", "write one of the known keys here");
                    None
                }
                Event::MapEnd | Event::ListEnd | Event::End => return Ok(Value::Map(entries)),
            };
            let value = self.events.next()?;
            let Some(node) = self.node(value)? else { return Ok(Value::Map(entries)) };
            let Some(key) = key else { continue };
            match seen.get(&key) {
                Some(first) => {
                    let what = format!("the key {} is already set at line {first}", shown(&key));
                    self.faults.error(mark, what, "keep one of the two");
                }
                None => {
                    seen.insert(key.clone(), mark.line);
                    entries.push(Entry { key, mark, node });
                }
            }
        }
    }
}

/// What a scalar means.
fn resolve(scalar: Scalar<'_>) -> Value {
    if scalar.is_null() {
        return Value::Null;
    }
    if scalar.style != Style::Plain {
        return Value::Text(scalar.text.into_owned());
    }
    match serde_yaml::from_str(&scalar.text) {
        Ok(serde_yaml::Value::Bool(value)) => Value::Bool(value),
        Ok(serde_yaml::Value::Number(number)) => match (number.as_u64(), number.as_i64()) {
            (Some(value), _) => Value::Integer(value.into()),
            (None, Some(value)) => Value::Integer(value.into()),
            (None, None) => Value::Text(scalar.text.into_owned()),
        },
        // Standing alone, a few plain scalars would be something else again; here they are text.
        Ok(_) | Err(_) => Value::Text(scalar.text.into_owned()),
    }
}
