//! Office 365 endpoints: the web service's array of records, or a flat list with a version.
//!
//! ```text
//! [ { "id": 1, "serviceArea": "Exchange", "ips": [PREFIX…], "expressRoute": true, "category": "Optimize" } ]
//! { "name": TEXT, "version": 20260811, "list": [PREFIX…] }
//! ```
//! A record may have `urls` only. A flat list has no areas, so a selection takes nothing from it.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::reading::{Fate, Reading, Word};
use super::{Key, Source};
use crate::rib::Findings;

#[derive(Deserialize)]
struct FlatList<'a> {
    version: Option<serde_json::Value>,
    #[serde(borrow)]
    list: Vec<Word<'a>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record<'a> {
    id: Option<u64>,
    #[serde(borrow)]
    service_area: Word<'a>,
    #[serde(borrow)]
    ips: Option<Vec<Word<'a>>>,
    express_route: Option<bool>,
    #[serde(borrow)]
    category: Option<Word<'a>>,
}

pub(super) fn read(reading: Reading<'_>) -> Result<Source, Findings> {
    if reading.text.text.trim_start().starts_with('[') {
        read_records(reading)
    } else {
        read_flat_list(reading)
    }
}

fn read_flat_list(mut reading: Reading<'_>) -> Result<Source, Findings> {
    let document: FlatList<'_> = reading.json()?;
    reading.version(document.version.as_ref());
    let fate = if reading.selects(&[]) { Fate::Selected(None) } else { Fate::Left };
    read_prefixes(&mut reading, 0, &document.list, "", fate);
    reading.finish()
}

fn read_records(mut reading: Reading<'_>) -> Result<Source, Findings> {
    let records: Vec<Record<'_>> = reading.json()?;
    let mut labels: BTreeMap<String, Fate> = BTreeMap::new();
    for record in &records {
        let area = record.service_area.as_str();
        let at = reading.text.offset_of(area).unwrap_or(0);
        let category = record.category.as_ref().map(Word::as_str);
        let express_route = record.express_route.map(|yes| if yes { "true" } else { "false" });
        let facts = [(Key::Area, Some(area)), (Key::Category, category), (Key::ExpressRoute, express_route)];
        let selected = reading.selects(&facts);
        let ips = record.ips.as_deref().unwrap_or_default();
        let fate = if selected && !ips.is_empty() {
            let label = category.map_or_else(|| area.to_owned(), |category| format!("{area} {category}"));
            *labels.entry(label).or_insert_with_key(|label| reading.label(label))
        } else {
            Fate::Left
        };
        let whose = record.id.map_or_else(|| format!("area {area}"), |id| format!("record {id} ({area})"));
        read_prefixes(&mut reading, at, ips, &whose, fate);
    }
    reading.finish()
}

/// An escaped string is a copy without a place: then the place of the last one before it is near enough.
fn read_prefixes(reading: &mut Reading<'_>, mut at: usize, words: &[Word<'_>], whose: &str, fate: Fate) {
    for word in words {
        at = reading.text.offset_of(word.as_str()).unwrap_or(at);
        reading.prefix(word.as_str(), at, whose, fate);
    }
}
