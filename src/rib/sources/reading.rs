//! What all readers share: checked prefixes into a source, findings up to a limit, JSON with places.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::Arc;

use serde::de::{Deserialize, Deserializer, Visitor};

use super::prefix;
use super::shape;
use super::text::Text;
use super::{Entry, Format, Key, Select, Source};
use crate::rib::{Finding, Findings, Place};

/// Findings about single prefixes that are spelled out for one file; the rest is counted.
const MAX_FINDINGS: usize = 20;
/// Prefixes in one file, repeats included: forty times the largest that is published.
const MAX_PREFIXES: usize = 4_000_000;
/// Prefixes between two reports of progress.
const PROGRESS_STEP: usize = 4096;

/// A file on its way to a [`Source`].
pub(super) struct Reading<'a> {
    pub(super) text: Text<'a>,
    select: &'a Select,
    progress: &'a mut dyn FnMut(usize),
    source: Source,
    findings: Vec<Finding>,
    /// Findings beyond the limit.
    more: usize,
    /// Prefixes seen, selected or not, right or wrong.
    seen: usize,
}

/// What becomes of the prefixes of a record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Fate {
    /// Checked, and in the source under this label.
    Selected(Option<u32>),
    /// Checked only.
    Left,
}

impl<'a> Reading<'a> {
    pub(super) fn new(
        format: Format,
        text: Text<'a>,
        select: &'a Select,
        progress: &'a mut dyn FnMut(usize),
    ) -> Self {
        let source = Source {
            format,
            file: Arc::clone(&text.file),
            version: None,
            labels: Vec::new(),
            entries: Vec::new(),
            offered: BTreeSet::new(),
        };
        Self { text, select, progress, source, findings: Vec::new(), more: 0, seen: 0 }
    }

    pub(super) fn version(&mut self, version: Option<&serde_json::Value>) {
        self.source.version = match version {
            Some(serde_json::Value::Number(number)) => Some(number.to_string()),
            Some(serde_json::Value::String(text)) => Some(text.clone()),
            Some(
                serde_json::Value::Null
                | serde_json::Value::Bool(_)
                | serde_json::Value::Array(_)
                | serde_json::Value::Object(_),
            )
            | None => None,
        };
    }

    /// Whether a record with these facts is selected. What the file offers is noted on the way.
    pub(super) fn selects(&mut self, facts: &[(Key, Option<&str>)]) -> bool {
        for (key, value) in facts {
            if let Some(value) = value
                && self.select.names(*key)
            {
                self.source.offered.insert((*key, (*value).to_owned()));
            }
        }
        self.select.admits(self.source.format, facts)
    }

    /// A new label; labels count from 0.
    pub(super) fn label(&mut self, label: &str) -> Fate {
        let index = u32::try_from(self.source.labels.len()).ok();
        self.source.labels.push(label.to_owned());
        Fate::Selected(index)
    }

    /// Checks one prefix. `at` is its byte offset, `whose` the record that lists it, or empty.
    pub(super) fn prefix(&mut self, word: &str, at: usize, whose: &str, fate: Fate) {
        self.seen += 1;
        if self.seen.is_multiple_of(PROGRESS_STEP) {
            (self.progress)(at);
        }
        match (prefix::parse(word), fate) {
            (Ok(_), Fate::Selected(_)) if self.seen > MAX_PREFIXES => {}
            (Ok(net), Fate::Selected(label)) => self.source.entries.push(Entry { net, label }),
            (Ok(_), Fate::Left) => {}
            (Err(wrong), _) => {
                let whose =
                    if whose.is_empty() { String::new() } else { format!("{}: ", prefix::shown(whose, 80)) };
                self.wrong(at, &format!("{whose}{}", wrong.what), &wrong.fix);
            }
        }
    }

    /// A finding at a byte offset.
    pub(super) fn wrong(&mut self, at: usize, what: &str, fix: &str) {
        if self.findings.len() >= MAX_FINDINGS {
            self.more = self.more.saturating_add(1);
            return;
        }
        self.findings.push(Finding::error(self.text.place(at), what, fix));
    }

    /// The source, unless anything is wrong with the file.
    pub(super) fn finish(mut self) -> Result<Source, Findings> {
        (self.progress)(self.text.text.len());
        let whole = Place { file: Arc::clone(&self.text.file), line: 0, column: 0 };
        if self.more > 0 {
            let what = format!("and {} more", self.more);
            self.findings.push(Finding::error(whole, what, "mend the file or fetch it again"));
        } else if self.seen > MAX_PREFIXES {
            let what = format!("more than {MAX_PREFIXES} prefixes");
            self.findings.push(Finding::error(whole, what, "name a file of published prefix data"));
        } else if self.seen == 0 && self.findings.is_empty() {
            let what = "the file has no prefixes at all";
            self.findings.push(Finding::error(whole, what, "fetch it again"));
        }
        if self.findings.is_empty() { Ok(self.source) } else { Err(Findings(self.findings)) }
    }

    /// The document as JSON, or where it is not JSON or not of the wanted shape.
    pub(super) fn json<T: Deserialize<'a>>(&self) -> Result<T, Findings> {
        serde_json::from_str(self.text.text).map_err(|err| {
            let place = self.text.place(self.text.offset_at(err.line(), err.column()));
            let said = err.to_string();
            let said =
                prefix::shown(said.rsplit_once(" at line ").map_or(said.as_str(), |(what, _)| what), 200);
            let finding = match err.classify() {
                serde_json::error::Category::Eof => {
                    Finding::error(place, "the file is truncated", "fetch it again")
                }
                serde_json::error::Category::Syntax | serde_json::error::Category::Io => {
                    shape::mismatch(self.source.format, &self.text).unwrap_or_else(|| {
                        Finding::error(place, format!("not JSON: {said}"), "fetch the file again")
                    })
                }
                serde_json::error::Category::Data => shape::mismatch(self.source.format, &self.text)
                    .unwrap_or_else(|| {
                        let what = format!("not {}: {said}", self.source.format.describe());
                        Finding::error(place, what, "fetch the file again or name the right one")
                    }),
            };
            Findings(vec![finding])
        })
    }
}

/// A JSON string that knows where in the text it stands, unless escapes made a copy necessary.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Word<'a> {
    Part(&'a str),
    Copy(String),
}

impl Word<'_> {
    pub(super) fn as_str(&self) -> &str {
        match self {
            Self::Part(text) => text,
            Self::Copy(text) => text,
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Word<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyString;
        impl<'de> Visitor<'de> for AnyString {
            type Value = Word<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Word::Part(text))
            }
            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Word::Copy(text.to_owned()))
            }
        }
        deserializer.deserialize_str(AnyString)
    }
}
