//! Sessions under another connection's name. What is known of a connection goes by its name, so that a session takes
//! another only where nothing else changes by that: no step in the lifecycle is got around by a new name, whether by a reload
//! or while the daemon is down.

use std::collections::{BTreeSet, HashMap};

use ipnet::IpNet;

use super::kept::{Kept, KeptConnection, connections};
use super::place::Places;
use super::{ConnectionPlan, PeeringPlan, Plan, SessionPlan};
use crate::rib::Finding;

/// What a plan may not move from one connection to another; `or` is a further way out. O(n log n) in sessions.
pub(super) fn refused(kept: &Kept, new: &Plan, or: &str) -> Vec<Finding> {
    let before = kept.connections.iter();
    let before: HashMap<IpNet, &str> =
        before.flat_map(|(name, kept)| kept.peers.iter().map(|peer| (*peer, &**name))).collect();
    let moved = peers(new).filter_map(|(peer, is)| {
        let was = *before.get(&peer)?;
        (was != &*is.connection).then_some((was, &*is.connection))
    });
    let moved: BTreeSet<(&str, &str)> = moved.collect();
    if moved.is_empty() {
        return Vec::new();
    }
    let places = Places::read(&new.file);
    let named: HashMap<&str, _> = connections(new).map(|found| (&*found.1.name, found)).collect();
    let finding = |(was, is): (&str, &str)| {
        let (from, (peering, to)) = (kept.connections.get(was)?, named.get(is)?);
        let waits = kept.queue.iter().any(|change| &*change.connection == was);
        let (key, differs) = difference(from, waits, peering, to)?;
        let what = format!("a session of {was} is one of {is} now, and {differs}");
        let fix = format!(
            "let a new name be the only change, or take the session away, reload, and add it then{or}"
        );
        Some(Finding::error(places.of_connection(is, key), what, fix))
    };
    moved.into_iter().filter_map(finding).collect()
}

/// Whom a plan has sessions with: peers, and ranges of them.
pub(super) fn peers(plan: &Plan) -> impl Iterator<Item = (IpNet, &SessionPlan)> {
    let named = plan.sessions.iter().map(|session| (IpNet::from(session.peer_address), &**session));
    named.chain(plan.ranges.iter().map(|range| (range.range, &*range.template)))
}

/// What else is another, and the key that says so.
fn difference(
    was: &KeptConnection,
    waits: bool,
    peering: &PeeringPlan,
    is: &ConnectionPlan,
) -> Option<(&'static str, String)> {
    let mbps = |mbps: Option<u64>| mbps.map_or_else(|| "not said".to_owned(), |mbps| mbps.to_string());
    let group = peering.policy_group();
    if was.change.is_some() || waits {
        return Some(("name", "the type of the first is changing".to_owned()));
    }
    if was.state != is.state {
        let what = format!("the state of the first is {}, not {}", was.state.name(), is.state.name());
        return Some(("connection_state", what));
    }
    if was.policy_group != group {
        return Some(("name", format!("the type of the first is {}, not {group}", was.policy_group)));
    }
    (was.bandwidth_in_mbps != is.bandwidth_in_mbps).then(|| {
        let (was, is) = (mbps(was.bandwidth_in_mbps), mbps(is.bandwidth_in_mbps));
        ("bandwidth_in_mbps", format!("the bandwidth of the first is {was}, not {is}"))
    })
}
