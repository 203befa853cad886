//! RIB files → generation: what may be advertised, from YAML to an immutable, hashed table.

mod finding;
mod generation;
pub(crate) mod load;
mod rows;
pub mod special;

pub use finding::{Finding, Findings, Place, Severity};
pub use generation::Generation;
pub use load::{LoadOptions, load, load_text};
pub use rows::{FileSpan, Group, Row, Rows};
