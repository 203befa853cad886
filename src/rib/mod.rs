//! RIB files → [`Generation`]: what may be advertised, from YAML to an immutable, hashed table.

mod build;
mod column;
mod diff;
mod finding;
mod fingerprint;
mod generation;
pub(crate) mod load;
mod prefix;
mod ranks;
mod rows;
#[cfg(test)]
pub(crate) mod sample;
pub mod sources;
pub mod special;
mod strip;
mod table;

pub use finding::{Finding, Findings, Place, Severity};
pub use generation::{BuildError, Generation, RouteView};
pub use load::{LoadOptions, load, load_text};
pub use ranks::Ranks;
pub use rows::{FileSpan, Group, Row, Rows};

pub(crate) use diff::merge;
pub(crate) use generation::{InGeneration, row_after};
pub(crate) use prefix::{Address, Prefix, nlri_len};
pub(crate) use strip::{Strip, span};
pub(crate) use table::Table;
