//! Peerings from the legacy list: as long as they are marked they are being converted, and nothing of them may change.

use std::cell::LazyCell;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;

use super::place::Places;
use super::{Plan, SessionPlan};
use crate::rib::Finding;

/// What a reload would change of peerings that are marked as legacy and stay so. A peering may go as a whole, and sessions
/// may come to it.
pub(super) fn refused(old: &Plan, new: &Plan) -> Vec<Finding> {
    let mut findings = Vec::new();
    let places = LazyCell::new(|| Places::read(&new.file));
    for peering in new.peerings.iter().filter(|peering| peering.is_legacy) {
        let Some(was) = old.peerings.iter().find(|was| was.is_legacy && was.name == peering.name) else {
            continue;
        };
        let mut refuse = |what: String| {
            let what = format!(
                "{what} while the legacy peering {} is converted: modifications aren't supported",
                was.name
            );
            let fix = "set it back, take legacy away, reload, and change it then";
            findings.push(Finding::error(places.of_peering(&was.name), what, fix));
        };
        if was.peer_asn != peering.peer_asn {
            refuse(format!("peer_asn changes from {} to {}", was.peer_asn, peering.peer_asn));
            continue;
        }
        for session in old.sessions.iter().filter(|session| session.peering == was.name) {
            let same = new.sessions.iter().find(|new| new.peer_address == session.peer_address);
            if let Some(what) = modification(session, same.map(|same| &**same)) {
                refuse(format!("{what} of {}", session.name));
            }
        }
    }
    findings.extend(renamed(old, new));
    findings
}

/// Sessions of a legacy peering stay in the peering of that name: another would be converted as it likes.
fn renamed(old: &Plan, new: &Plan) -> Vec<Finding> {
    let legacy = old.peerings.iter().filter(|peering| peering.is_legacy);
    let legacy: HashSet<&str> = legacy.map(|peering| &*peering.name).collect();
    let of_legacy = old.sessions.iter().filter(|session| legacy.contains(&*session.peering));
    let before: HashMap<IpAddr, &Arc<SessionPlan>> =
        of_legacy.map(|session| (session.peer_address, session)).collect();
    let moved = new.sessions.iter().filter_map(|is| {
        let was = before.get(&is.peer_address)?;
        (was.peering != is.peering).then_some((&*was.peering, &*is.peering))
    });
    let moved: BTreeSet<(&str, &str)> = moved.collect();
    let places = LazyCell::new(|| Places::read(&new.file));
    let finding = |(was, is): (&str, &str)| {
        let what = format!(
            "sessions of {was} are under {is} while the legacy peering {was} is converted: modifications aren't supported"
        );
        let fix = "set it back, take legacy away, reload, and change it then";
        Finding::error(places.of_peering(is), what, fix)
    };
    moved.into_iter().map(finding).collect()
}

fn modification(old: &SessionPlan, new: Option<&SessionPlan>) -> Option<&'static str> {
    match new {
        None => Some("the peer's address changes, or goes,"),
        Some(new) if new.local_address != old.local_address => Some("our address changes"),
        Some(new) if new.max_prefixes != old.max_prefixes => Some("a limit changes"),
        Some(_) => None,
    }
}
