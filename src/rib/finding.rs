//! What is wrong with a file that an operator wrote, where, and the way out.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// A place in a file; lines and columns count from 1, and a column is in characters.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Place {
    /// The file as the operator would name it.
    pub file: Arc<PathBuf>,
    /// The line, or 0 where the file as a whole is meant.
    pub line: u32,
    /// The column, or 0 where the line as a whole is meant.
    pub column: u32,
}

impl Place {
    /// A file as a whole.
    #[must_use]
    pub fn file(file: impl Into<PathBuf>) -> Self {
        Self { file: Arc::new(file.into()), line: 0, column: 0 }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file.display(), self.line.max(1), self.column.max(1))
    }
}

/// Whether a finding stops the load.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Severity {
    /// Nothing of that load is used.
    Error,
    /// Said, and no more.
    Warning,
}

/// One thing that is wrong: `file:line:column: what is wrong: what to do`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// Error or warning.
    pub severity: Severity,
    /// Where.
    pub place: Place,
    /// What is wrong, in lower case and without a full stop.
    pub what: String,
    /// What to do about it, likewise.
    pub fix: String,
}

impl Finding {
    /// An error.
    pub fn error(place: Place, what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { severity: Severity::Error, place, what: what.into(), fix: fix.into() }
    }

    /// A warning.
    pub fn warning(place: Place, what: impl Into<String>, fix: impl Into<String>) -> Self {
        Self { severity: Severity::Warning, place, what: what.into(), fix: fix.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.severity {
            Severity::Error => write!(f, "{}: {}: {}", self.place, self.what, self.fix),
            Severity::Warning => write!(f, "{}: warning: {}: {}", self.place, self.what, self.fix),
        }
    }
}

/// Every finding of one load. As an error it holds at least one of [`Severity::Error`].
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Findings(pub Vec<Finding>);

impl Findings {
    /// Whether any of them stops the load.
    #[must_use]
    pub fn has_errors(&self) -> bool {
        self.0.iter().any(|f| f.severity == Severity::Error)
    }

    /// Adds one.
    pub fn push(&mut self, finding: Finding) {
        self.0.push(finding);
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, finding) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            finding.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Findings {}
