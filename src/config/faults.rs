//! What is wrong with a config, as it is found.

use std::path::PathBuf;
use std::sync::Arc;

use crate::rib::load::collect::Collected;
use crate::rib::load::events::Mark;
use crate::rib::{Finding, Findings, Place, Severity};

/// What is wrong with a value, said so that its key can stand before it, and the way out.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Fault {
    pub(super) what: String,
    pub(super) fix: String,
}

impl Fault {
    pub(super) fn new(what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { what: what.into(), fix: fix.into() }
    }
}

/// A value that was read, and where.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) mark: Mark,
}

/// The findings of one config file.
pub(super) struct Faults {
    file: Arc<PathBuf>,
    collected: Collected,
}

impl Faults {
    pub(super) fn new(file: Arc<PathBuf>) -> Self {
        Self { file, collected: Collected::default() }
    }

    pub(super) fn push(&mut self, finding: Finding) {
        match finding.severity {
            Severity::Error => self.collected.error(|| finding),
            Severity::Warning => self.collected.warnings.push(finding),
        }
    }

    pub(super) fn error(&mut self, mark: Mark, what: impl Into<String>, fix: impl Into<String>) {
        let file = &self.file;
        self.collected.error(|| Finding::error(mark.place(file), what, fix));
    }

    pub(super) fn warning(&mut self, mark: Mark, what: impl Into<String>, fix: impl Into<String>) {
        self.collected.warnings.push(Finding::warning(mark.place(&self.file), what, fix));
    }

    /// How many errors there are by now.
    pub(super) fn count(&self) -> usize {
        self.collected.errors.len() + self.collected.more
    }

    /// Whether nothing is wrong by now, nor worth a warning.
    pub(super) fn is_empty(&self) -> bool {
        self.count() == 0 && self.collected.warnings.is_empty()
    }

    /// A place in words, for a finding elsewhere that points to it.
    pub(super) fn at(&self, mark: Mark) -> String {
        format!("{}:{}", self.file.display(), mark.line)
    }

    /// All of them, by place. What is wrong with a key of both sessions is wrong once.
    pub(super) fn finish(self) -> Findings {
        let mut findings = self.collected.finish(Place { line: 0, column: 0, file: self.file });
        findings.0.dedup();
        findings
    }
}
