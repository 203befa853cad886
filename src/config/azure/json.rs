//! JSON as a tree with places: it is checked as JSON, and then read as the YAML that it nearly is.

use std::path::PathBuf;
use std::sync::Arc;

use crate::config::document::{self, Node};
use crate::config::faults::Faults;
use crate::rib::load::events::Mark;

/// The tree of a text; what is wrong with it is recorded.
pub(super) fn parse(text: String, file: &Arc<PathBuf>, faults: &mut Faults) -> Option<Node> {
    let text = text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text);
    if text.trim().is_empty() {
        let fix = "the command that was to write it has failed, or written elsewhere: see what it said, and run it again";
        faults.error(mark(&text, 1, 1), "this file is empty", fix);
        return None;
    }
    if let Err(error) = serde_json::from_str::<serde_json::Value>(&text) {
        let mark = mark(&text, error.line(), error.column());
        let said = error.to_string();
        let what = said.split(" at line ").next().unwrap_or_default();
        let fix = "give the file as Azure's API or `az … --output json` wrote it";
        faults.error(mark, format!("this is no JSON: {what}"), fix);
        return None;
    }
    document::parse(&as_yaml(&text), file, faults)
}

/// A line and a column in bytes, both from 1, as a place.
fn mark(text: &str, line: usize, column: usize) -> Mark {
    let before = text.lines().nth(line.saturating_sub(1)).and_then(|l| l.get(..column.saturating_sub(1)));
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let column = before.map_or(column, |before| before.chars().count() + 1);
    Mark { line: number(line.max(1)), column: number(column.max(1)) }
}

/// What YAML has otherwise: no tabs between values, and one escape for a character that is two in UTF-16.
fn as_yaml(text: &str) -> String {
    let mut yaml = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['\\', '\t']) {
        let (plain, special) = rest.split_at(at);
        yaml.push_str(plain);
        let len = if let Some(pair) = surrogates(special) {
            yaml.push_str(&format!("\\U{pair:08x}"));
            12
        } else if special.starts_with('\t') {
            // A tab within a string is not JSON.
            yaml.push(' ');
            1
        } else {
            let escape: String = special.chars().take(2).collect();
            yaml.push_str(&escape);
            escape.len()
        };
        rest = special.get(len..).unwrap_or_default();
    }
    yaml.push_str(rest);
    yaml
}

/// The character of a pair of escapes that a text begins with.
fn surrogates(text: &str) -> Option<u32> {
    let unit = |at: usize| {
        let escape = text.get(at..at + 6)?.strip_prefix("\\u")?;
        u32::from_str_radix(escape, 16).ok()
    };
    let (high, low) = (unit(0)?, unit(6)?);
    let is_pair = (0xd800..0xdc00).contains(&high) && (0xdc00..0xe000).contains(&low);
    is_pair.then(|| 0x1_0000 + ((high - 0xd800) << 10) + (low - 0xdc00))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::document::Value;

    fn read(text: &str) -> Result<Node, String> {
        let file = Arc::new(PathBuf::from("a.json"));
        let mut faults = Faults::new(Arc::clone(&file));
        let node = parse(text.to_owned(), &file, &mut faults);
        node.ok_or_else(|| faults.finish().to_string())
    }

    #[test]
    fn json_is_read_as_it_is_meant() {
        let text = "\u{feff}{\t\"a\":null,\t\"b\":[1,true,\"\"],\r\n\"c\": \"x: \\\"y\\\" \\/ \\u00e9 \\ud83d\\ude00 \\\\u0041 #\\n\",\"d\":{}}";
        let Value::Map(entries) = read(text).unwrap().value else { panic!() };
        assert_eq!(entries[0].node.value, Value::Null);
        assert_eq!(entries[2].node.value, Value::Text("x: \"y\" / é 😀 \\u0041 #\n".to_owned()));
        assert_eq!(entries[3].node.value, Value::Map(Vec::new()));
        assert_eq!(entries[2].mark, Mark { line: 2, column: 1 });
        let Value::List(items) = &entries[1].node.value else { panic!() };
        let values: Vec<_> = items.iter().map(|item| item.value.clone()).collect();
        assert_eq!(values, [Value::Integer(1), Value::Bool(true), Value::Text(String::new())]);
    }

    #[test]
    fn what_is_no_json_is_refused_at_its_place() {
        for (text, expected) in [
            (
                "{\"é\": 1,\n \"é\" 2}",
                "a.json:2:6: this is no JSON: expected `:`: give the file as Azure's API or `az … --output json` wrote it",
            ),
            (
                "name: x",
                "a.json:1:2: this is no JSON: expected ident: give the file as Azure's API or `az … --output json` wrote it",
            ),
            ("{\"a\": 1, \"a\": 2}", ""),
        ] {
            let said = read(text).err().unwrap_or_default();
            assert_eq!(said, expected);
        }
        for nothing in ["", "\u{feff}", "\r\n"] {
            assert!(read(nothing).unwrap_err().starts_with("a.json:1:1: this file is empty: the command"));
        }
        assert!(read("{\"a\": \"\t\"}").unwrap_err().contains("control character"));
        let deep = format!("{}{}", "[".repeat(100), "]".repeat(100));
        assert!(read(&deep).is_err(), "too deep");
    }
}
