//! RIB files → [`Generation`]: what may be advertised, from YAML to an immutable, hashed table.

mod finding;
mod rows;

pub use finding::{Finding, Findings, Place, Severity};
pub use rows::{FileSpan, Group, Row, Rows};
