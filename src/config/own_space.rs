//! What partners register beside what we announce: nobody registers our own space, or all of it would be taken back from
//! them.

use std::sync::Arc;

use ipnet::IpNet;

use super::written::Written;
use crate::rib::load::collect::Collected;
use crate::rib::{Address, Finding, Place, Prefix, Row, Rows};

/// A prefix that a partner or a customer registered, and where.
pub(super) struct Listed {
    what: &'static str,
    prefix: IpNet,
    place: Place,
}

/// All that a config lists.
pub(super) fn listed(written: &Written, file: &Arc<std::path::PathBuf>) -> Vec<Listed> {
    let mut all = Vec::new();
    for peering in written.peerings.iter().flatten() {
        let one = |what, prefix, place| Listed { what, prefix, place };
        let registered = peering.registered_prefixes.iter();
        all.extend(registered.map(|at| one("registered prefix", at.value.prefix, at.mark.place(file))));
        let service = peering.peering_service_prefixes.iter();
        all.extend(service.map(|at| one("Peering Service prefix", at.value.prefix, at.mark.place(file))));
    }
    all
}

/// An error for each of these that has addresses which the RIB has too. O(listed × log rows).
pub(super) fn errors(listed: &[Listed], rows: &Rows) -> Vec<Finding> {
    let mut collected = Collected::default();
    for Listed { what, prefix, place } in listed {
        let found = match prefix {
            IpNet::V4(_) => overlap(&rows.v4, prefix),
            IpNet::V6(_) => overlap(&rows.v6, prefix),
        };
        let Some((ours, line)) = found else { continue };
        collected.error(|| {
            let how = match (ours == *prefix, ours.contains(prefix)) {
                (true, _) => "is what we announce".to_owned(),
                (false, true) => format!("is within {ours}, which we announce"),
                (false, false) => format!("covers {ours}, which we announce"),
            };
            let at = rows.place(line).map_or_else(String::new, |at| format!(" ({}:{})", at.file.display(), at.line));
            let fix = if ours.contains(prefix) {
                "take it out here, or that out of the RIB: what we announce is not a partner's to register"
            } else {
                "register what is beside that, or take that out of the RIB: what we announce is not a partner's to register"
            };
            Finding::error(place.clone(), format!("the {what} {prefix} {how}{at}"), fix)
        });
    }
    let Some(whole) = listed.first().map(|listed| Place { line: 0, column: 0, ..listed.place.clone() })
    else {
        return Vec::new();
    };
    collected.finish(whole).0
}

/// The shortest row that covers a prefix, or else the first one within it; with its line.
fn overlap<A: Address>(rows: &[Row<A>], prefix: &IpNet) -> Option<(IpNet, u32)> {
    let of_row = |row: &Row<A>| Prefix { addr: row.addr, len: row.len };
    let first = |prefix| rows.partition_point(|row| of_row(row) < prefix);
    let found = Prefix::of_net(prefix)?.overlap(first, |at| rows.get(at).map(of_row))?;
    rows.get(found).map(|row| (of_row(row).to_net(), row.line))
}
