//! A range that peers may dial from, as JSON.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use serde::Serialize;

use crate::config::RangePlan;
use crate::fsm::State;
use crate::speaker::SessionSnapshot;
use crate::wire::Asn;

/// One range, and how many of its peers are there.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RangeJson<'a> {
    range: IpNet,
    name: &'a str,
    connection: &'a str,
    peering: &'a str,
    local_address: IpAddr,
    peer_asn: Asn,
    /// Peers that have a session, Established or not.
    peers: usize,
    established: usize,
    peer_limit: u32,
}

impl<'a> RangeJson<'a> {
    /// O(sessions).
    pub(super) fn new(range: &'a RangePlan, sessions: &[Arc<SessionSnapshot>]) -> Self {
        let of_range = || sessions.iter().filter(|s| s.plan.transport.range == Some(range.range));
        Self {
            range: range.range,
            name: &range.template.name,
            connection: &range.template.connection,
            peering: &range.template.peering,
            local_address: range.template.local_address,
            peer_asn: range.template.peer_asn,
            peers: of_range().count(),
            established: of_range().filter(|s| s.state == State::Established).count(),
            peer_limit: range.peer_limit,
        }
    }
}
