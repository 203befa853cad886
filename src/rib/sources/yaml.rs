//! Groups → the text of a RIB file, the same for the same input.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::prefix::shown;
use super::union::{Labels, Union};
use super::{Count, Format, Source};

/// Of many labels, so many are named.
const NAMED_OF_MANY: usize = 3;
/// The longest name of a tag, version or file in a RIB, in characters.
const MAX_NAME: usize = 80;

/// A source as a RIB's `source` and messages name it: format, changeNumber or version, file without its folder.
#[must_use]
pub fn display_name(source: &Source) -> String {
    let file = source.file.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let file = shown(&file, MAX_NAME);
    match &source.version {
        Some(version) => format!("{} {} {file}", source.format, shown(version, MAX_NAME)),
        None => format!("{} {file}", source.format),
    }
}

/// A whole RIB file. `command` is what made it, for the comment at its head.
#[must_use]
pub fn to_yaml(union: &Union, sources: &[Source], command: &str) -> String {
    let mut out = String::new();
    let mut line = |text: &str| {
        out.push_str(text);
        out.push('\n');
    };
    line("# Written by:");
    line(&format!("#   {}", shown(command, 4000)));
    line("# Sources, with their distinct prefixes:");
    for source in sources {
        line(&format!("#   {}: {}", display_name(source), both(source.distinct())));
    }
    line(&format!("#   all together: {}", both(union.distinct)));
    line(&format!("# Aggregated: {}", both(union.aggregated)));
    line("routes:");
    for group in &union.groups {
        line(&format!("  - source: {}", quoted(&group.source)));
        if group.allow_longer {
            line("    allow_longer: true");
        }
        line("    prefixes: |");
        for net in &group.prefixes {
            line(&format!("      {net}"));
        }
    }
    out
}

/// `39,638 IPv4 + 13,948 IPv6`.
fn both(count: Count) -> String {
    format!("{} IPv4 + {} IPv6", grouped(count.v4), grouped(count.v6))
}

/// A number with a comma at every third digit.
#[must_use]
pub fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A YAML scalar in double quotes, for text without control characters.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// The sources of a group, each with its labels. `listed` counts the prefixes of the group that each label lists.
pub(super) fn describe_group(
    sources: &[Source],
    claims: &[(usize, Labels)],
    listed: &BTreeMap<(usize, u32), usize>,
) -> String {
    let mut out = String::new();
    for (index, labels) in claims {
        let Some(source) = sources.get(*index) else { continue };
        let name = |label: &u32| {
            let label = usize::try_from(*label).ok().and_then(|label| source.labels.get(label));
            shown(label.map_or("", String::as_str), MAX_NAME)
        };
        if !out.is_empty() {
            out.push_str("; ");
        }
        out.push_str(&display_name(source));
        let described = match labels {
            Labels::Few(labels) if labels.is_empty() => continue,
            Labels::Few(labels) => labels.iter().map(name).collect::<Vec<_>>().join(", "),
            Labels::Many => {
                let of_source = listed.range((*index, 0)..=(*index, u32::MAX));
                let mut by_count: Vec<(usize, u32)> = of_source.map(|((_, label), n)| (*n, *label)).collect();
                by_count.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
                let named: Vec<String> =
                    by_count.iter().take(NAMED_OF_MANY).map(|(_, label)| name(label)).collect();
                format!("{} {}: {}, …", grouped(by_count.len()), noun(source.format), named.join(", "))
            }
        };
        // Writing to a String cannot fail.
        write!(out, " ({described})").unwrap_or_default();
    }
    out
}

fn noun(format: Format) -> &'static str {
    match format {
        Format::ServiceTags => "tags",
        Format::Office365 => "areas",
        Format::PublicIps | Format::List => "labels",
    }
}
