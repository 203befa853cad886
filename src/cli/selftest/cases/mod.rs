//! The cases, a file a family.

mod ending;
mod header;
mod machine;
mod open;
mod routes;
mod update;

use super::case::Case;

/// All of them.
pub(super) fn all() -> Vec<Case> {
    [header::cases(), open::cases(), update::cases(), routes::cases(), ending::cases(), machine::cases()]
        .into_iter()
        .flatten()
        .collect()
}
