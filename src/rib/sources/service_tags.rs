//! Azure IP Ranges and Service Tags, as downloaded weekly and as the REST API gives it.
//!
//! ```text
//! { "changeNumber": 376, "values": [ { "name": TAG, "properties": {
//!     "region": "" or NAME, "systemService": "" or NAME, "addressPrefixes": [PREFIX…] } } ] }
//! ```
//! The API writes `changeNumber` as a string and may cut the answer into pages; every other field is left unread.

use serde::{Deserialize, Deserializer};

use super::reading::{Fate, Reading, Word};
use super::{Key, Source};
use crate::rib::Findings;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document<'a> {
    change_number: Option<serde_json::Value>,
    #[serde(borrow)]
    values: Vec<Tag<'a>>,
    #[serde(borrow)]
    next_link: Option<Word<'a>>,
}

#[derive(Deserialize)]
struct Tag<'a> {
    #[serde(borrow)]
    name: Word<'a>,
    #[serde(borrow)]
    properties: Properties<'a>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Properties<'a> {
    #[serde(borrow)]
    region: Option<Word<'a>>,
    #[serde(borrow)]
    system_service: Option<Word<'a>>,
    /// `null` is an empty list, but a tag without the field means that the format has changed.
    #[serde(borrow, deserialize_with = "present")]
    address_prefixes: Option<Vec<Word<'a>>>,
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Vec<Word<'de>>>, D::Error> {
    Option::deserialize(deserializer)
}

pub(super) fn read(mut reading: Reading<'_>) -> Result<Source, Findings> {
    let document: Document<'_> = reading.json()?;
    reading.version(document.change_number.as_ref());
    if let Some(next) = document.next_link.filter(|next| !next.as_str().is_empty()) {
        let at = reading.text.offset_of(next.as_str()).unwrap_or(0);
        reading.wrong(at, "this is one page of several", "fetch all pages into one file");
    }
    // An escaped string is a copy without a place: then the place of the last one before it is near enough.
    let mut at = 0;
    for tag in &document.values {
        at = reading.text.offset_of(tag.name.as_str()).unwrap_or(at);
        let name = tag.name.as_str();
        let region = tag.properties.region.as_ref().map_or("", Word::as_str);
        let service = tag.properties.system_service.as_ref().map_or("", Word::as_str);
        let facts = [(Key::Tag, Some(name)), (Key::Region, Some(region)), (Key::Service, Some(service))];
        let selected = reading.selects(&facts);
        let prefixes = tag.properties.address_prefixes.as_deref().unwrap_or_default();
        let fate = if selected && !prefixes.is_empty() { reading.label(name) } else { Fate::Left };
        let whose = format!("tag {name}");
        for word in prefixes {
            at = reading.text.offset_of(word.as_str()).unwrap_or(at);
            reading.prefix(word.as_str(), at, &whose, fate);
        }
    }
    reading.finish()
}
