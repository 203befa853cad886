//! The outcomes as a table, an RFC a row, and as JSON.

use std::collections::BTreeSet;
use std::io::{self, Write};

use serde::Serialize;

use super::case::{By, Outcome};
use super::rfcs::RFCS;
use crate::cli::table::{Columns, folded, terminal_width};

/// The width of a failure's text where there is no terminal.
const WIDTH: usize = 100;

/// All that came of a run.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Report {
    version: &'static str,
    passed: bool,
    rfcs: Vec<Row>,
}

/// One RFC.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    rfc: u16,
    title: &'static str,
    result: Verdict,
    cases: Vec<Outcome>,
}

/// What there is to say of an RFC.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
enum Verdict {
    Pass,
    Fail,
    /// Nothing was tried: nothing is known.
    NoCase,
}

impl Verdict {
    fn name(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Fail => "FAIL",
            Self::NoCase => "NO CASE",
        }
    }
}

impl Report {
    /// A row for each RFC that was asked for, whether it has cases or not.
    pub(super) fn new(outcomes: Vec<Outcome>, wanted: impl Fn(u16) -> bool) -> Self {
        let mut rows: Vec<Row> = RFCS
            .into_iter()
            .filter(|(rfc, _)| wanted(*rfc))
            .map(|(rfc, title)| Row { rfc, title, result: Verdict::NoCase, cases: Vec::new() })
            .collect();
        for outcome in outcomes {
            if let Some(row) = rows.iter_mut().find(|row| row.rfc == outcome.rfc) {
                let failed = !outcome.passed || row.result == Verdict::Fail;
                row.result = if failed { Verdict::Fail } else { Verdict::Pass };
                row.cases.push(outcome);
            }
        }
        let passed = rows.iter().all(|row| row.result == Verdict::Pass);
        Self { version: env!("CARGO_PKG_VERSION"), passed, rfcs: rows }
    }

    /// Whether every RFC has cases, and all of them pass.
    pub(super) fn passed(&self) -> bool {
        self.passed
    }

    /// How many cases fail.
    pub(super) fn failures(&self) -> usize {
        self.outcomes().filter(|outcome| !outcome.passed).count()
    }

    fn outcomes(&self) -> impl Iterator<Item = &Outcome> {
        self.rfcs.iter().flat_map(|row| &row.cases)
    }

    pub(super) fn write_json(&self, out: &mut impl Write) -> io::Result<()> {
        serde_json::to_writer_pretty(&mut *out, self)?;
        writeln!(out)
    }

    pub(super) fn write_table(&self, verbose: bool, out: &mut impl Write) -> io::Result<()> {
        let mut columns = Columns::new(["RFC", "TITLE", "CASES", "TRIED BY", "RESULT"], terminal_width());
        let rows: Vec<_> = self.rfcs.iter().map(Row::cells).collect();
        columns.print(&rows, out)?;
        let width = terminal_width().unwrap_or(WIDTH);
        let listed = |case: &&Outcome| verbose || !case.passed;
        if self.outcomes().any(|case| listed(&case)) {
            writeln!(out)?;
        }
        for row in &self.rfcs {
            for case in row.cases.iter().filter(listed) {
                let result = if case.passed { "pass" } else { "FAIL" };
                let Outcome { section, what, by, .. } = case;
                writeln!(out, "{result}  RFC {} {section}: {what} ({})", row.rfc, by.name())?;
                for line in case.error.iter().flat_map(|error| folded(error, width.saturating_sub(6))) {
                    writeln!(out, "      {line}")?;
                }
            }
        }
        let (all, failures) = (self.outcomes().count(), self.failures());
        let untried = self.rfcs.iter().filter(|row| row.result == Verdict::NoCase).count();
        let untried = if untried == 0 { String::new() } else { format!(", {untried} RFCs have no case") };
        writeln!(out, "\npeeringd {}: {all} cases, {failures} failed{untried}", self.version)
    }
}

impl Row {
    fn cells(&self) -> [String; 5] {
        let passed = self.cases.iter().filter(|case| case.passed).count();
        let by: BTreeSet<By> = self.cases.iter().map(|case| case.by).collect();
        let by: Vec<&str> = by.into_iter().map(By::name).collect();
        [
            self.rfc.to_string(),
            self.title.to_owned(),
            format!("{passed}/{}", self.cases.len()),
            by.join(", "),
            self.result.name().to_owned(),
        ]
    }
}
