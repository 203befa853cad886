//! As written → as meant: one connection.

use std::sync::Arc;

use super::faults::{At, Faults};
use super::names::{Names, claim};
use super::policy::PolicyPlan;
use super::written::Connection;
use super::{ConnectionPlan, PeeringPlan};
use crate::peering::{ConnectionState, Kind, SessionAddressProvider, bandwidth_refusal};

/// The most that Azure's client lets a connection have.
const MOST_BANDWIDTH_MBPS: u64 = 100_000;

pub(super) fn resolve_connection(
    written: &Connection,
    (peering, policy): (&PeeringPlan, &PolicyPlan),
    names: &mut Names,
    faults: &mut Faults,
) -> ConnectionPlan {
    let state = written.state.map_or(ConnectionState::Active, |at| at.value);
    check_bandwidth(written.bandwidth_in_mbps, peering.kind, policy, faults);
    check_provider(written.session_address_provider, peering, faults);
    if let Some(At { value: ConnectionState::PendingRemove, mark }) = written.state
        && !policy.connection_pending_remove
    {
        let fix = "remove the connection; policy: { pending_remove: connection } allows it, as the walkthroughs have it";
        faults.error(mark, "pending_remove is a state of sessions only", fix);
    }
    if let Some(At {
        value: ConnectionState::TypeChangeRequested | ConnectionState::TypeChangeInProgress,
        mark,
    }) = written.state
        && peering.kind == Kind::Exchange
    {
        faults.error(
            mark,
            "a type change on an exchange peering",
            "write another state: only direct peerings have types",
        );
    }
    if let Some(At { mark, .. }) = &written.error_message
        && !matches!(state, ConnectionState::ProvisioningFailed | ConnectionState::ExternalBlocker)
    {
        let what = format!("error_message on a connection in state {}", state.config_name());
        faults.error(*mark, what, "remove it: it says why one is in provisioning_failed or external_blocker");
    }
    ConnectionPlan {
        name: claim(&mut names.connections, "connection", written.name.as_ref(), faults),
        state,
        policy_group: peering.policy_group(),
        bandwidth_in_mbps: written.bandwidth_in_mbps.map(|at| at.value),
        session_address_provider: written.session_address_provider.map(|at| at.value),
        peering_db_facility_id: written.peering_db_facility_id.map(|at| at.value),
        identifier: identifier(written.connection_identifier.as_ref(), names, faults),
        edge_router: written.edge_router.as_ref().map(|at| at.value.as_str().into()),
        error_message: written.error_message.as_ref().map(|at| at.value.as_str().into()),
        sessions: Vec::new(),
    }
}

fn check_bandwidth(written: Option<At<u64>>, kind: Kind, policy: &PolicyPlan, faults: &mut Faults) {
    let Some(At { value: mbps, mark }) = written else { return };
    let step = policy.direct_bandwidth_step_in_mbps;
    let refusal = match kind {
        Kind::Direct => bandwidth_refusal(mbps, step),
        Kind::Exchange => (mbps == 0).then(|| "0 is no bandwidth".to_owned()),
    };
    if let Some(refusal) = refusal {
        let fix = "write what the link has, in Mbps, like 100000";
        faults.error(mark, format!("bandwidth_in_mbps is refused ({refusal})"), fix);
    } else if mbps > MOST_BANDWIDTH_MBPS {
        let what = format!("bandwidth_in_mbps {mbps} is more than Azure's client takes");
        let fix = format!("see that it is not too much: {MOST_BANDWIDTH_MBPS} is the most there");
        faults.warning(mark, what, fix);
    }
}

fn check_provider(written: Option<At<SessionAddressProvider>>, peering: &PeeringPlan, faults: &mut Faults) {
    let Some(At { value: provider, mark }) = written else { return };
    let required = match (peering.kind, peering.direct_peering_type) {
        (Kind::Exchange, _) => {
            let fix = "remove it: an exchange gives the addresses";
            faults.error(mark, "session_address_provider on an exchange peering", fix);
            None
        }
        (Kind::Direct, of) => of.session_address_provider(),
    };
    if let Some(required) = required.filter(|required| *required != provider) {
        let of = peering.direct_peering_type.config_name();
        let article = if of.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
        let provider = provider.config_name();
        let what = format!("session_address_provider {provider} on {article} {of} peering");
        faults.error(mark, what, format!("write {}, or remove the key", required.config_name()));
    }
}

/// A connection's GUID, which no other has.
fn identifier(written: Option<&At<String>>, names: &mut Names, faults: &mut Faults) -> Option<Arc<str>> {
    let At { value, mark } = written?;
    match names.identifiers.get(&value.to_lowercase()) {
        Some(first) => {
            let what = format!("connection_identifier {value} is already used at {}", faults.at(*first));
            faults.error(*mark, what, "give each connection the one that Azure gave it");
        }
        None => {
            names.identifiers.insert(value.to_lowercase(), *mark);
        }
    }
    Some(value.as_str().into())
}
