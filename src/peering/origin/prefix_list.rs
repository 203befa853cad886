//! Lists of prefixes as `bgpq4 -j` writes them of routing registries, each named by its origin: `-l AS64500`.
//!
//! ```text
//! { "AS64500": [ { "prefix": PREFIX, "exact": true },
//!                { "prefix": PREFIX, "less-equal": 24 },
//!                { "prefix": PREFIX, "greater-equal": 20, "less-equal": 24 } ] }
//! ```

use std::sync::Arc;

use serde::Deserialize;
use serde::de::{Error, MapAccess};

use super::irr::{IrrFile, IrrRoute, MAX_IRR_ROUTES};
use super::json::{self, Members, Net};
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

impl Members for Reading {
    const FORM: &'static str = "an object with lists of prefixes";

    fn take<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        let Some(origin) = json::asn_of(name) else {
            return Err(A::Error::custom(format!(
                "the list \"{}\" does not say whose prefixes these are; have it named by their origin, as by \
                 bgpq4 -j -l AS64500 AS64500",
                shown(name)
            )));
        };
        map.next_value_seed(json::list("a list of prefixes", |entry| self.put(&entry, origin)))
    }
}

impl Reading {
    /// Takes one in, or says why it is none.
    fn put(&mut self, entry: &Entry, origin: Asn) -> Result<(), String> {
        let Entry { prefix: Net(prefix), greater_equal, less_equal } = *entry;
        let len = prefix.prefix_len();
        // A list that says from which length, and not up to which, takes in all.
        let up_to = if greater_equal.is_some() { prefix.max_prefix_len() } else { len };
        let (min_len, max_len) = (greater_equal.unwrap_or(len), less_equal.unwrap_or(up_to));
        if !(len <= min_len && min_len <= max_len && max_len <= prefix.max_prefix_len()) {
            return Err(format!("{prefix} with lengths from {min_len} to {max_len}"));
        }
        if self.0.routes.len() >= MAX_IRR_ROUTES {
            return Err(format!("more than {MAX_IRR_ROUTES} prefixes"));
        }
        self.0.routes.push(IrrRoute { prefix, min_len, max_len, origin });
        Ok(())
    }
}
