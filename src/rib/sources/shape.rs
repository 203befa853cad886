//! Which published shape a document has, for those given under the wrong flag.

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::Format;
use super::prefix;
use super::text::Text;
use crate::rib::Finding;

/// What tells the JSON shapes apart; unknown fields are as many as they like to be.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Marks {
    values: Option<Vec<IgnoredAny>>,
    list: Option<Vec<IgnoredAny>>,
    service_area: Option<IgnoredAny>,
}

/// A finding that names the right flag, when the document is of another shape than `wanted`.
pub(super) fn mismatch(wanted: Format, text: &Text<'_>) -> Option<Finding> {
    let found = sniff(text.text).filter(|found| *found != wanted)?;
    let what = format!("this is {}, not {}", found.describe(), wanted.describe());
    Some(Finding::error(text.place(0), what, format!("give it with --{found}")))
}

/// The shape of a document, by its first words; `None` where it is none of them.
fn sniff(text: &str) -> Option<Format> {
    let text = text.trim();
    if text.starts_with('{') {
        let marks: Marks = serde_json::from_str(text).ok()?;
        return match (marks.values, marks.list) {
            (Some(_), _) => Some(Format::ServiceTags),
            (None, Some(_)) => Some(Format::Office365),
            (None, None) => None,
        };
    }
    if text.starts_with('[') {
        let records: Vec<Marks> = serde_json::from_str(text).ok()?;
        let is_office365 = records.first().is_some_and(|record| record.service_area.is_some());
        return is_office365.then_some(Format::Office365);
    }
    let lines = || {
        text.lines().map(|line| line.split('#').next().unwrap_or("").trim()).filter(|line| !line.is_empty())
    };
    let first = lines().next()?;
    if first.split(',').any(|name| name.trim().trim_matches('"').eq_ignore_ascii_case("prefix")) {
        return Some(Format::PublicIps);
    }
    lines().any(|line| prefix::parse(line).is_ok()).then_some(Format::List)
}
