//! What a partner or an operator should mend, but that breaks nothing: warnings.

use std::sync::Arc;

use super::faults::{At, Faults};
use super::session::is_absent;
use super::setting::Setting;
use super::written::{BgpSession, Peering};
use super::{PeeringPlan, SessionPlan};
use crate::peering::{BANDWIDTH_STEP_MBPS, ConnectionState, Kind, Shortfall, Standing};
use crate::rib::load::events::Mark;
use crate::wire::PerFamily;

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
    if let (Kind::Direct, Some(why)) = (plan.kind, plan.direct_peering_type.unsupported()) {
        let mark = written.direct_peering_type.map_or(mark, |at| at.mark);
        faults.warning(mark, format!("{name} is of type {}", plan.direct_peering_type.config_name()), why);
    }
    if plan.peering_service && plan.kind == Kind::Exchange {
        let what = format!("{name} is used for Peering Service over an exchange");
        faults.warning(mark, what, Shortfall::NotDirect.way_out());
    }
    let standing = plan.standing(sessions.iter().map(|session| &**session));
    redundancy(&standing, (mark, name), faults);
    bandwidths(written, plan, faults);
    if setting == Setting::Live {
        families(written, plan, sessions, faults);
    }
    eligibility(written, plan, &standing, faults);
}

/// Both families are expected at every location, and of a direct peering on every connection.
fn families(written: &Peering, plan: &PeeringPlan, sessions: &[Arc<SessionPlan>], faults: &mut Faults) {
    let mut one_only = |mark, name: &str, carried: &mut dyn Iterator<Item = PerFamily<bool>>| {
        let all = carried.fold(PerFamily::default(), |all: PerFamily<bool>, one| PerFamily {
            ipv4: all.ipv4 || one.ipv4,
            ipv6: all.ipv6 || one.ipv6,
        });
        let (has, lacks) = match (all.ipv4, all.ipv6) {
            (true, false) => ("IPv4", "IPv6"),
            (false, true) => ("IPv6", "IPv4"),
            (true, true) | (false, false) => return false,
        };
        let fix = format!("add {lacks} sessions: both are expected at every location");
        faults.warning(mark, format!("{name} carries {has} only"), fix);
        true
    };
    let mark = written.name.as_ref().map_or(written.mark, |name| name.mark);
    if one_only(mark, &plan.name, &mut sessions.iter().map(|s| s.families)) || plan.kind == Kind::Exchange {
        return;
    }
    for (connection, written) in plan.connections.iter().zip(&written.connections) {
        let mark = written.name.as_ref().map_or(written.mark, |name| name.mark);
        let own = sessions.iter().filter(|session| session.connection == connection.name);
        one_only(mark, &connection.name, &mut own.map(|s| s.families));
    }
}

/// What a connection may lack beside the others.
fn redundancy(standing: &Standing, (mark, name): (Mark, &str), faults: &mut Faults) {
    for shortfall in standing.redundancy() {
        let what = format!("{name}: {}: {shortfall}", shortfall.name());
        faults.warning(mark, what, shortfall.way_out());
    }
    if standing.is_unequal() && !standing.group.use_for_peering_service {
        let what = format!("the connections of {name} differ in bandwidth");
        faults.warning(mark, what, Shortfall::UnequalBandwidth.way_out());
    }
}

/// Ports at an exchange have 10 Gbps or more (peering policy).
fn bandwidths(written: &Peering, plan: &PeeringPlan, faults: &mut Faults) {
    let on_exchange = written.connections.iter().filter(|_| plan.kind == Kind::Exchange);
    for at in on_exchange.filter_map(|c| c.bandwidth_in_mbps).filter(|at| at.value < BANDWIDTH_STEP_MBPS) {
        let what = format!("a port of {} Mbps at an exchange", at.value);
        faults.warning(at.mark, what, "the peering policy asks for 10 Gbps or more");
    }
}

/// What is missing, of a peering whose agreement is spoken of and that is not used for Peering Service yet.
fn eligibility(written: &Peering, plan: &PeeringPlan, standing: &Standing, faults: &mut Faults) {
    let Some(At { mark, .. }) = written.maps_agreement.filter(|_| !plan.peering_service) else { return };
    let name = &plan.name;
    let lacks: Vec<&str> = standing.maps_eligibility().into_iter().map(Shortfall::name).collect();
    if lacks.is_empty() {
        let what = format!("{name} is eligible for Peering Service (MAPS), and not used for it");
        faults.warning(mark, what, "write peering_service: true; its sessions restart");
    } else {
        let what = format!("{name} is not eligible for Peering Service (MAPS): {}", lacks.join(", "));
        faults.warning(mark, what, "mend these first");
    }
}
