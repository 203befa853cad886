//! Peers by address range: whoever dials from it gets a session of its own, up to a limit.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use super::SessionPlan;
use super::faults::{At, Faults};
use super::session::{Connected, is_absent};
use super::setting::Setting;
use super::written::{Addresses, BgpSession};
use crate::rib::load::events::Mark;
use crate::rib::special;
use crate::wire::Family;

/// How many sessions a range has at most, where that is not said.
const PEER_LIMIT: u32 = 100;

/// A range of addresses that peers may dial from.
#[derive(Clone, PartialEq, Debug)]
pub struct RangePlan {
    /// The addresses; no other range has one of them.
    pub range: IpNet,
    /// The most sessions at a time.
    pub peer_limit: u32,
    /// A session of the range, but for the peer's address, and with its name up to that.
    pub template: Arc<SessionPlan>,
}

impl RangePlan {
    /// The session of one peer out of the range, called `CONNECTION-v4-ADDRESS`.
    #[must_use]
    pub fn session(&self, peer: IpAddr) -> SessionPlan {
        let name = format!("{}-{peer}", self.template.name).into();
        SessionPlan { name, peer_address: peer, ..SessionPlan::clone(&self.template) }
    }

    /// Whether a peer of this address may have a session.
    #[must_use]
    pub fn takes(&self, peer: IpAddr) -> bool {
        self.range.contains(&peer) && peer != self.template.local_address
    }
}

/// Our end of a range's sessions, checked; none where it cannot be known, which is recorded.
pub(super) fn local_end(
    range: At<IpNet>,
    given: Addresses,
    transport: Family,
    connected: Connected<'_>,
    faults: &mut Faults,
) -> Option<At<IpAddr>> {
    let ip = transport.name();
    if let Some(peer) = given.peer {
        let fix =
            "keep one of the two; a peer within the range that is to have keys of its own is another session";
        faults.error(peer.mark, format!("peer_session_{ip}_address beside a range of peers"), fix);
    }
    check_range(range, given.prefix, connected, faults);
    if given.microsoft.is_none() {
        let what = format!("microsoft_session_{ip}_address is missing");
        faults.error(range.mark, what, "add it: it is our end of every session of the range");
    }
    given.microsoft
}

fn check_range(range: At<IpNet>, network: Option<At<IpNet>>, connected: Connected<'_>, faults: &mut Faults) {
    let At { value: net, mark } = range;
    let mut refuse = |what: String, fix: &str| faults.error(mark, what, fix);
    if net.prefix_len() == 0 {
        refuse(format!("the range {net} is everybody"), "write the network that the peers are in");
    } else if net.addr().is_multicast() || matches!(net, IpNet::V6(net) if net.addr().is_unicast_link_local())
    {
        refuse(format!("the range {net} has no peers' addresses"), "write the network that the peers are in");
    } else if connected.setting == Setting::Live {
        if let Some(why) = special::reason(&net) {
            refuse(format!("the range {net} is {why}"), "write public space; lab: true allows other");
        }
        if !connected.on_exchange() {
            let fix = "give the two ends of the link: a range is for kind: exchange, for ix_rs and for labs";
            refuse(format!("the range {net} on a direct connection"), fix);
        }
    }
    if let Some(network) = network.filter(|network| !network.value.contains(&net)) {
        let what = format!("the range {net} is not within the network {}", network.value);
        refuse(what, "mend the range or the session prefix");
    }
}

/// The limit of a range, said or not.
pub(super) fn peer_limit(said: Option<At<u32>>) -> u32 {
    said.map_or(PEER_LIMIT, |at| at.value)
}

/// Keys that hold for no session: limits without a range, and of a range those of a peer that we dial.
pub(super) fn unused(written: &BgpSession, faults: &mut Faults) {
    let has_range = |family: Family| written.addresses.get(family).range.is_some();
    unused_limits(written, has_range, faults);
    unused_dialling(written, has_range, faults);
}

/// Peers of a range dial, whatever is said of that.
fn unused_dialling(written: &BgpSession, has_range: impl Fn(Family) -> bool, faults: &mut Faults) {
    let names_a_peer = Family::ALL
        .into_iter()
        .any(|family| !has_range(family) && !is_absent(*written.addresses.get(family)));
    let has_ranges_only = Family::ALL.into_iter().any(&has_range) && !names_a_peer;
    let common = Some(&written.common).filter(|_| has_ranges_only);
    let own = Family::ALL.into_iter().filter(|family| has_range(*family));
    let own = own.filter_map(|family| written.own.get(family).as_ref());
    for options in common.into_iter().chain(own) {
        let keys = [
            ("passive", options.passive.map(|at| at.mark)),
            ("peer_port", options.peer_port.map(|at| at.mark)),
        ];
        for (key, mark) in keys.into_iter().filter_map(|(key, mark)| Some((key, mark?))) {
            faults.warning(mark, format!("{key} is not used"), "remove it: the peers of a range always dial");
        }
    }
}

fn unused_limits(written: &BgpSession, has_range: impl Fn(Family) -> bool, faults: &mut Faults) {
    let common = written.common.peer_limit.filter(|_| !Family::ALL.into_iter().any(&has_range));
    let own = Family::ALL.into_iter().filter(|family| !has_range(*family));
    let own = own.filter_map(|family| written.own.get(family).as_ref()?.peer_limit);
    for at in common.into_iter().chain(own) {
        faults.warning(
            at.mark,
            "peer_limit is not used",
            "give peer_range_v4 or peer_range_v6, or remove it",
        );
    }
}

/// Ranges that have an address in common: it could not be told which of them is meant.
pub(super) fn overlaps(ranges: &[At<IpNet>], faults: &mut Faults) {
    let mut sorted: Vec<&At<IpNet>> = ranges.iter().collect();
    // A network comes before those within it, and they before all others.
    sorted.sort_by_key(|at| (at.value.network(), at.value.prefix_len()));
    let mut widest: Option<&At<IpNet>> = None;
    for at in sorted {
        match widest.filter(|wide| wide.value.contains(&at.value)) {
            Some(wide) => overlap(at, wide.value, wide.mark, faults),
            None => widest = Some(at),
        }
    }
}

fn overlap(at: &At<IpNet>, other: IpNet, other_mark: Mark, faults: &mut Faults) {
    let what = format!("the range {} has addresses of {other} at {}", at.value, faults.at(other_mark));
    faults.error(at.mark, what, "give each address to one range");
}
