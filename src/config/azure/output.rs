//! A config text as it is written, with the place that each line was made of.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use ipnet::IpNet;

use super::object::Object;
use super::resource::Resource;
use crate::config::document::{Node, Value};
use crate::config::faults::Faults;
use crate::rib::Place;

/// The most characters of a line of a comment.
const WIDTH: usize = 110;

/// The text by now.
#[derive(Default)]
pub(super) struct Output {
    pub(super) text: String,
    places: Vec<Option<Place>>,
}

impl Output {
    /// A line of text, indented by so many steps.
    pub(super) fn line(&mut self, indent: usize, text: &str, place: Option<Place>) {
        self.text.push_str(&"  ".repeat(indent));
        self.text.push_str(text);
        self.text.push('\n');
        self.places.push(place);
    }

    /// A comment, over as many lines as it takes.
    pub(super) fn comment(&mut self, indent: usize, text: &str) {
        let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let lead = text.chars().take_while(|c| *c == ' ').count();
        let mut line = "#".to_owned() + &" ".repeat(lead);
        for word in text.split(' ').filter(|word| !word.is_empty()) {
            if line.chars().count() + word.chars().count() > WIDTH && line.len() > 1 + lead {
                self.line(indent, &line, None);
                line = "#".to_owned() + &" ".repeat(lead);
            }
            line.push(' ');
            line.push_str(word);
        }
        self.line(indent, &line, None);
    }

    /// Behind this, what was written apart.
    pub(super) fn append(&mut self, other: Self) {
        self.text.push_str(&other.text);
        self.places.extend(other.places);
    }

    /// The same as comments, with their indentation.
    pub(super) fn append_commented(&mut self, other: Self) {
        for line in other.text.lines() {
            let indent = line.chars().take_while(|c| *c == ' ').count();
            let (spaces, words) = line.split_at_checked(indent.min(4)).unwrap_or(("", line));
            self.line(0, &format!("{spaces}# {words}"), None);
        }
    }

    /// Whether nothing was written.
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// What a line was made of, or the line before it.
    pub(super) fn place(&self, line: u32) -> Option<Place> {
        let line = usize::try_from(line).unwrap_or(usize::MAX);
        let up_to = self.places.get(..line.min(self.places.len())).unwrap_or_default();
        let before = up_to.iter().rev().flatten().next();
        before.or_else(|| self.places.iter().flatten().next()).cloned()
    }
}

/// A single value as YAML has it; what is none is recorded.
pub(super) fn value(node: &Node, name: &str, faults: &mut Faults) -> Option<String> {
    match &node.value {
        Value::Null => Some("null".to_owned()),
        Value::Bool(value) => Some(value.to_string()),
        Value::Integer(value) => Some(value.to_string()),
        Value::Text(text) => Some(scalar(text)),
        Value::List(_) | Value::Map(_) => {
            faults.error(node.mark, format!("{name} is {}", node.shown()), "write one value");
            None
        }
    }
}

/// A text as a YAML scalar: as it is where that can be nothing else, and in quotes.
pub(super) fn scalar(text: &str) -> String {
    const OTHER: [&str; 7] = ["null", "true", "false", "yes", "no", "on", "off"];
    let is_word = text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_./@".contains(&b))
        && text.parse::<f64>().is_err()
        && !OTHER.iter().any(|word| word.eq_ignore_ascii_case(text));
    // What ends in a colon would be a mapping's key.
    let is_address =
        || !text.ends_with(':') && (text.parse::<IpAddr>().is_ok() || text.parse::<IpNet>().is_ok());
    if is_word || is_address() {
        return text.to_owned();
    }
    // JSON's quotes are YAML's, and no line of it breaks.
    serde_json::Value::from(text).to_string()
}

/// Where a node stands.
pub(super) fn place(node: &Node, file: &Arc<PathBuf>) -> Option<Place> {
    Some(node.mark.place(file))
}

/// A key with a value as it is there.
pub(super) fn key(
    indent: usize,
    ours: &str,
    node: &Node,
    resource: &Resource<'_>,
    faults: &mut Faults,
    output: &mut Output,
) {
    if let Some(text) = value(node, ours, faults) {
        output.line(indent, &format!("{ours}: {text}"), place(node, &resource.file.path));
    }
}

/// What Azure has found out, as a comment.
pub(super) fn fact(properties: &Object<'_>, output: &mut Output) {
    let said = |name| properties.peek(name);
    let provisioning = said("provisioningState").filter(|state| !state.eq_ignore_ascii_case("Succeeded"));
    let learned = said("learnedType").filter(|learned| !learned.eq_ignore_ascii_case("None"));
    let all = [said("prefixValidationState"), learned, provisioning, said("errorMessage")];
    let all: Vec<String> = all.into_iter().flatten().map(|word| word.chars().take(500).collect()).collect();
    if !all.is_empty() {
        output.comment(4, &format!("In Azure: {}", all.join(", ")));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_stay_texts() {
        for text in [
            "contoso",
            "4.68.74.180/30",
            "2a01:111:2000:1::2044/126",
            "::1",
            "2a01:111:2000:1::",
            "1",
            "1e5",
            "-1",
            "0x1f",
            "yes",
            "NULL",
            "~",
            "",
            "a: b",
            "a #b",
            "a:",
            "# a",
            "- a",
            "{a}",
            "\"",
            "'",
            "ä b",
            "a\nb",
            "[a]",
            "nan",
            "AS3356",
            "@a",
            "1_000",
            "12:30",
            "2001-01-01",
            "0b11",
            "y",
            "n",
            ".5",
            "\u{7f}",
            "\u{85}",
            "\u{2028}",
            "\u{feff}",
        ] {
            let yaml = format!("key: {}\n", scalar(text));
            assert_eq!(yaml.lines().count(), 1, "{text:?}");
            let file = Arc::new(PathBuf::from("a"));
            let mut faults = Faults::new(Arc::clone(&file));
            let node = crate::config::document::parse(&yaml, &file, &mut faults).unwrap();
            let Value::Map(entries) = node.value else { panic!("{text:?}") };
            assert_eq!(entries[0].node.value, Value::Text(text.to_owned()), "{yaml}");
        }
    }

    #[test]
    fn comments_are_folded_and_stay_comments() {
        let mut output = Output::default();
        output.comment(1, &format!("a\nrouter: {}", "word ".repeat(60)));
        assert!(
            output.text.lines().all(|line| line.starts_with("  # ") && line.len() < 120),
            "{}",
            output.text
        );
        assert!(output.text.lines().count() > 2);
    }
}
