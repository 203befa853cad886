//! The cases, a file a family.

mod ending;
mod header;
mod machine;
mod open;
mod paths;
mod restart;
mod roles;
mod routes;
mod send_hold;
mod transport;
mod update;

use super::case::Case;

/// All of them.
pub(super) fn all() -> Vec<Case> {
    let families: [fn() -> Vec<Case>; 11] = [
        header::cases,
        open::cases,
        update::cases,
        routes::cases,
        paths::cases,
        ending::cases,
        restart::cases,
        roles::cases,
        send_hold::cases,
        transport::cases,
        machine::cases,
    ];
    families.into_iter().flat_map(|cases| cases()).collect()
}
