//! Lists of prefixes as `bgpq4 -j` writes them of routing registries, each named by its origin: `-l AS64500`.
//!
//! ```text
//! { "AS64500": [ { "prefix": PREFIX, "exact": true },
//!                { "prefix": PREFIX, "less-equal": 24 },
//!                { "prefix": PREFIX, "greater-equal": 20, "less-equal": 24 } ] }
//! ```

use std::fmt;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::irr::{IrrFile, IrrRoute, MAX_IRR_ROUTES};
use super::json::{self, Net};
use crate::rib::Findings;
use crate::rib::load::collect::shown;
use crate::rib::sources::text::Text;
use crate::wire::Asn;

#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
struct Entry {
    prefix: Net,
    greater_equal: Option<u8>,
    less_equal: Option<u8>,
}

pub(super) fn read(text: &Text<'_>) -> Result<IrrFile, Findings> {
    let mut reading = Reading(IrrFile { path: Arc::clone(&text.file), routes: Vec::new() });
    json::read(text, "a list of bgpq4", &mut reading)?;
    if reading.0.routes.is_empty() {
        return Err(json::whole(&text.file, "the file has no prefixes at all"));
    }
    Ok(reading.0)
}

struct Reading(IrrFile);

impl<'de> DeserializeSeed<'de> for &mut Reading {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for &mut Reading {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with lists of prefixes")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            let Some(origin) = json::asn_of(&name) else {
                return Err(A::Error::custom(format!(
                    "the list \"{}\" does not say whose prefixes these are; have it named by their origin, as by \
                     bgpq4 -j -l AS64500 AS64500",
                    shown(&name)
                )));
            };
            map.next_value_seed(List { file: &mut self.0, origin })?;
        }
        Ok(())
    }
}

/// One list.
struct List<'r> {
    file: &'r mut IrrFile,
    origin: Asn,
}

impl List<'_> {
    fn take(&mut self, entry: &Entry) -> Result<(), String> {
        let Entry { prefix: Net(prefix), greater_equal, less_equal } = *entry;
        let len = prefix.prefix_len();
        // A list that says from which length, and not up to which, takes in all.
        let up_to = if greater_equal.is_some() { prefix.max_prefix_len() } else { len };
        let (min_len, max_len) = (greater_equal.unwrap_or(len), less_equal.unwrap_or(up_to));
        if !(len <= min_len && min_len <= max_len && max_len <= prefix.max_prefix_len()) {
            return Err(format!("{prefix} with lengths from {min_len} to {max_len}"));
        }
        if self.file.routes.len() >= MAX_IRR_ROUTES {
            return Err(format!("more than {MAX_IRR_ROUTES} prefixes"));
        }
        self.file.routes.push(IrrRoute { prefix, min_len, max_len, origin: self.origin });
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for List<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for List<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of prefixes")
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut list: A) -> Result<(), A::Error> {
        while let Some(entry) = list.next_element()? {
            self.take(&entry).map_err(A::Error::custom)?;
        }
        Ok(())
    }
}
