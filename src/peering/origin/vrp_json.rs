//! VRPs as validators write them for routers and for RTR caches: rpki-client, Routinator, and whatever StayRTR reads.
//!
//! ```text
//! { "roas": [ { "asn": "AS13335" or 13335, "prefix": PREFIX, "maxLength": 24, "ta": "arin", "expires": SECONDS } ] }
//! ```
//! `maxLength`, `ta` and `expires` may be missing, and all else is left unread.

use std::sync::Arc;

use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess};

use super::json::{self, AsnWord, Members, Net};
use super::rpki::{MAX_VRPS, Vrp, VrpFile};
use crate::rib::Findings;
use crate::rib::sources::text::Text;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Roa {
    asn: AsnWord,
    prefix: Net,
    #[serde(alias = "maxlength")]
    max_length: Option<u8>,
    ta: Option<String>,
    expires: Option<u64>,
}

pub(super) fn read(text: &Text<'_>, now: u64) -> Result<VrpFile, Findings> {
    let mut reading = Reading { file: VrpFile::default(), now, has_list: false };
    json::read(text, "a file of VRPs", &mut reading)?;
    let Reading { mut file, has_list, .. } = reading;
    file.path = Arc::clone(&text.file);
    if !has_list {
        return Err(json::whole(&text.file, "this has no \"roas\", so it is no file of VRPs"));
    }
    if file.vrps.is_empty() && file.expired == 0 {
        return Err(json::whole(&text.file, "the file has no VRPs at all"));
    }
    Ok(file)
}

struct Reading {
    file: VrpFile,
    now: u64,
    has_list: bool,
}

impl Reading {
    /// Takes one in, or says why it is none.
    fn put(&mut self, roa: Roa) -> Result<(), String> {
        let Roa { asn, prefix, max_length, ta, expires } = roa;
        let max_len = max_length.unwrap_or(prefix.0.prefix_len());
        if !(prefix.0.prefix_len()..=prefix.0.max_prefix_len()).contains(&max_len) {
            return Err(format!("{} with maxLength {max_len}", prefix.0));
        }
        if self.file.vrps.len() >= MAX_VRPS {
            return Err(format!("more than {MAX_VRPS} VRPs"));
        }
        if expires.is_some_and(|end| end <= self.now) {
            self.file.expired += 1;
            return Ok(());
        }
        let anchor = ta.filter(|name| is_name(name)).and_then(|name| self.file.trust_anchors.index(&name));
        self.file.vrps.push((Vrp { prefix: prefix.0, max_len, asn: asn.0 }, anchor));
        Ok(())
    }
}

/// Whether a trust anchor is named by this: validators write N/A where they know of none.
fn is_name(word: &str) -> bool {
    !word.is_empty() && word != "N/A" && word.len() <= 60 && word.bytes().all(|b| matches!(b, b' '..=b'~'))
}

impl Members for Reading {
    const FORM: &'static str = "an object with \"roas\"";

    fn take<'de, A: MapAccess<'de>>(&mut self, name: &str, map: &mut A) -> Result<(), A::Error> {
        if name != "roas" {
            return map.next_value::<IgnoredAny>().map(drop);
        }
        self.has_list = true;
        map.next_value_seed(json::list("a list of VRPs", |roa| self.put(roa)))
    }
}
