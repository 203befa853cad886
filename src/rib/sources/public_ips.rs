//! Microsoft Public IP Space: CSV with the header `Prefix,Type`.
//!
//! A space follows the comma, lines end in LF or CRLF, some copies have blank lines.

use csv::{ReaderBuilder, StringRecord, Trim};

use super::reading::{Fate, Reading};
use super::{Format, Source, shape};
use crate::rib::{Finding, Findings};

pub(super) fn read(mut reading: Reading<'_>) -> Result<Source, Findings> {
    let text = reading.text.text;
    let mut csv = ReaderBuilder::new().flexible(true).trim(Trim::All).from_reader(text.as_bytes());
    let column =
        csv.headers().ok().and_then(|row| row.iter().position(|name| name.eq_ignore_ascii_case("prefix")));
    let Some(column) = column else {
        return Err(Findings(vec![shape::mismatch(Format::PublicIps, &reading.text).unwrap_or_else(|| {
            Finding::error(
                reading.text.place(0),
                "no column is headed Prefix",
                "begin the file with Prefix,Type",
            )
        })]));
    };
    let fate = if reading.selects(&[]) { Fate::Selected(None) } else { Fate::Left };
    let mut row = StringRecord::new();
    loop {
        match csv.read_record(&mut row) {
            Ok(true) => read_row(&mut reading, &row, column, fate),
            Ok(false) => return reading.finish(),
            Err(err) => {
                let at = err.position().and_then(|at| usize::try_from(at.byte()).ok()).unwrap_or(0);
                reading.wrong(at, &format!("not CSV: {err}"), "fetch the file again");
                return reading.finish();
            }
        }
    }
}

fn read_row(reading: &mut Reading<'_>, row: &StringRecord, column: usize, fate: Fate) {
    if row.iter().all(str::is_empty) {
        return;
    }
    // The reader's position is that of the row, before any blank lines.
    let from = row.position().and_then(|at| usize::try_from(at.byte()).ok()).unwrap_or(0);
    let rest = reading.text.text.get(from..).unwrap_or("");
    let word = row.get(column).unwrap_or("");
    if word.is_empty() || row.iter().any(|field| field.contains('\n')) {
        // A quote that is never closed takes in the lines that follow, and they would be missing in silence.
        let at = from + (rest.len() - rest.trim_start().len());
        let what = if word.is_empty() { "the row has no prefix" } else { "a field spans several lines" };
        reading.wrong(at, what, "mend the row or fetch the file again");
        return;
    }
    reading.prefix(word, from + rest.find(word).unwrap_or(0), "", fate);
}
