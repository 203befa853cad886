//! A prefix a line; `#` begins a comment, also behind a prefix; blank lines are skipped.

use super::reading::{Fate, Reading};
use super::{Source, shape};
use crate::rib::Findings;

pub(super) fn read(mut reading: Reading<'_>) -> Result<Source, Findings> {
    if let Some(finding) = shape::mismatch(super::Format::List, &reading.text) {
        return Err(Findings(vec![finding]));
    }
    let fate = if reading.selects(&[]) { Fate::Selected(None) } else { Fate::Left };
    let text = reading.text.text;
    let mut line_start = 0;
    for line in text.split_inclusive('\n') {
        let word = line.split_once('#').map_or(line, |(before, _)| before).trim();
        if !word.is_empty() {
            let at = reading.text.offset_of(word).unwrap_or(line_start);
            reading.prefix(word, at, "", fate);
        }
        line_start += line.len();
    }
    reading.finish()
}
