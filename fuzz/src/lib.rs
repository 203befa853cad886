//! What several fuzz targets check.

mod findings;
mod import;
mod machine;
mod origin;
mod pair;
mod table;

pub use findings::check_findings;
pub use import::import;
pub use machine::{Watched, speaker};
pub use origin::{irr, vrps};
pub use pair::Pair;
pub use table::check_table;
