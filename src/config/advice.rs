//! What a partner or an operator should mend, but that breaks nothing: warnings.

use std::sync::Arc;

use super::faults::Faults;
use super::resolve::Setting;
use super::session::is_absent;
use super::written::{BgpSession, Peering};
use super::{PeeringPlan, SessionPlan};
use crate::peering::{ConnectionState, DirectPeeringType, Kind};

/// Warnings on one peering.
pub(super) fn peering(
    written: &Peering,
    plan: &PeeringPlan,
    (sessions, setting): (&[Arc<SessionPlan>], Setting),
    faults: &mut Faults,
) {
    let mark = written.name.as_ref().map_or(written.mark, |name| name.mark);
    let name = &plan.name;
    if written.connections.is_empty() {
        faults.warning(mark, format!("{name} has no connections"), "add them: nobody is spoken to there");
        return;
    }
    for (connection, written) in plan.connections.iter().zip(&written.connections) {
        let mark = written.name.as_ref().map_or(written.mark, |name| name.mark);
        let none = |s: &BgpSession| is_absent(s.addresses.ipv4) && is_absent(s.addresses.ipv6);
        if written.sessions.iter().all(none) {
            let what = format!("{} has no session", connection.name);
            faults.warning(mark, what, "add bgp_session and its addresses when they are known");
        }
        if connection.state != ConnectionState::Active {
            let mark = written.state.map_or(mark, |state| state.mark);
            let what = format!("{} is in state {}", connection.name, connection.state.config_name());
            faults.warning(mark, what, "routes flow in state active only");
        }
    }
    // Route servers at an exchange need one connection; what backs them up is at the exchange.
    let alone = plan.connections.len() < 2 && plan.direct_peering_type != DirectPeeringType::IxRs;
    if plan.peering_service && alone {
        let what = format!("{name} has one connection, and Peering Service asks for two");
        faults.warning(mark, what, "add one on another router, of equal bandwidth");
    }
    if plan.peering_service && plan.kind == Kind::Exchange {
        let what = format!("{name} is used for Peering Service over an exchange");
        faults.warning(
            mark,
            what,
            "Azure has this for direct peerings only; ix_rs is the type for route servers",
        );
    }
    let mut bandwidths: Vec<_> = plan.connections.iter().filter_map(|c| c.bandwidth_in_mbps).collect();
    bandwidths.sort_unstable();
    bandwidths.dedup();
    if bandwidths.len() > 1 {
        let what = format!("the connections of {name} differ in bandwidth");
        faults.warning(mark, what, "give them equal bandwidth, so that one can stand in for the other");
    }
    let (v4, v6) = (sessions.iter().any(|s| s.families.ipv4), sessions.iter().any(|s| s.families.ipv6));
    if v4 != v6 && setting == Setting::Live {
        let (has, lacks) = if v4 { ("IPv4", "IPv6") } else { ("IPv6", "IPv4") };
        let what = format!("{name} carries {has} only");
        faults.warning(mark, what, format!("add {lacks} sessions: both are expected at every location"));
    }
}
