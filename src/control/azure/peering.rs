//! Azure's Peering.

use std::collections::BTreeMap;

use serde::Serialize;

use super::session::BgpSessionJson;
use super::{PROVIDER, Scene};
use crate::config::{ConnectionPlan, PeeringPlan};
use crate::peering::{
    ConnectionState, DirectPeeringType, Kind, ProvisioningState, SessionAddressProvider, Sku,
};

/// `Microsoft.Peering/peerings`.
#[derive(Serialize)]
pub(super) struct PeeringJson<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    of: &'static str,
    id: String,
    kind: Kind,
    location: Option<&'a str>,
    tags: BTreeMap<&'a str, &'a str>,
    sku: Sku,
    properties: Properties<'a>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Properties<'a> {
    direct: Option<Direct<'a>>,
    exchange: Option<Exchange<'a>>,
    /// peeringd sends BGP, and no probes.
    connectivity_probes: [(); 0],
    peering_location: Option<&'a str>,
    provisioning_state: ProvisioningState,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Direct<'a> {
    connections: Vec<DirectConnection<'a>>,
    use_for_peering_service: bool,
    peer_asn: SubResource,
    direct_peering_type: DirectPeeringType,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Exchange<'a> {
    connections: Vec<ExchangeConnection<'a>>,
    peer_asn: SubResource,
}

#[derive(Serialize)]
struct SubResource {
    id: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DirectConnection<'a> {
    bandwidth_in_mbps: Option<u64>,
    provisioned_bandwidth_in_mbps: Option<u64>,
    session_address_provider: Option<SessionAddressProvider>,
    use_for_peering_service: bool,
    microsoft_tracking_id: Option<&'static str>,
    #[serde(rename = "peeringDBFacilityId")]
    peering_db_facility_id: Option<u64>,
    connection_state: ConnectionState,
    bgp_session: Option<BgpSessionJson>,
    connection_identifier: Option<&'a str>,
    error_message: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ExchangeConnection<'a> {
    #[serde(rename = "peeringDBFacilityId")]
    peering_db_facility_id: Option<u64>,
    connection_state: ConnectionState,
    bgp_session: Option<BgpSessionJson>,
    connection_identifier: Option<&'a str>,
    error_message: Option<&'a str>,
}

impl<'a> PeeringJson<'a> {
    pub(super) fn new(peering: &'a PeeringPlan, scene: &'a Scene) -> Self {
        let peer_asn = SubResource { id: scene.peer_asn_id(peering.peer_asn) };
        let of_each = || {
            let connections = scene.connections(peering);
            connections.flat_map(|c| sessions(c, scene).into_iter().map(move |session| (c, session)))
        };
        let (mut direct, mut exchange) = (None, None);
        match peering.kind {
            Kind::Direct => {
                direct = Some(Direct {
                    connections: of_each().map(|(c, session)| DirectConnection::new(c, session)).collect(),
                    use_for_peering_service: peering.peering_service,
                    peer_asn,
                    direct_peering_type: type_now(peering),
                });
            }
            Kind::Exchange => {
                let connections = of_each().map(|(c, session)| ExchangeConnection::new(c, session)).collect();
                exchange = Some(Exchange { connections, peer_asn });
            }
        }
        Self {
            name: &peering.name,
            of: "Microsoft.Peering/peerings",
            id: format!("{PROVIDER}/peerings/{}", peering.name),
            kind: peering.kind,
            location: peering.location.as_deref(),
            tags: peering.tags.iter().map(|(name, value)| (&**name, &**value)).collect(),
            sku: peering.sku(scene.plan.policy.ix_rs_tier),
            properties: Properties {
                direct,
                exchange,
                connectivity_probes: [],
                peering_location: peering.peering_location.as_deref(),
                provisioning_state: provisioning_state(peering, scene),
            },
        }
    }
}

/// A connection's BGP sessions. Azure's connection has one; where ours has a list of them, as at an exchange, each has a
/// connection there, as in the legacy list.
fn sessions(connection: &ConnectionPlan, scene: &Scene) -> Vec<Option<BgpSessionJson>> {
    let all = BgpSessionJson::all(&connection.name, scene);
    if all.is_empty() { vec![None] } else { all.into_iter().map(Some).collect() }
}

/// What is in the config is in force; it is being changed where a type is, or where something of it is being removed.
fn provisioning_state(peering: &PeeringPlan, scene: &Scene) -> ProvisioningState {
    let changes = |c: &ConnectionPlan| {
        matches!(c.state, ConnectionState::TypeChangeRequested | ConnectionState::TypeChangeInProgress)
    };
    let has_leaving = || scene.connections(peering).any(|c| !scene.removed.sessions(&c.name).is_empty());
    if scene.removed.has_peering(&peering.name) {
        ProvisioningState::Deleting
    } else if peering.connections.iter().any(|c| changes(c)) || has_leaving() {
        ProvisioningState::Updating
    } else {
        ProvisioningState::Succeeded
    }
}

/// Whether the port is there: from the end of provisioning on.
fn is_provisioned(state: ConnectionState) -> bool {
    match state {
        ConnectionState::ProvisioningCompleted
        | ConnectionState::Validating
        | ConnectionState::Active
        | ConnectionState::TypeChangeRequested
        | ConnectionState::TypeChangeInProgress
        | ConnectionState::PendingRemove => true,
        ConnectionState::None
        | ConnectionState::PendingApproval
        | ConnectionState::Approved
        | ConnectionState::ProvisioningStarted
        | ConnectionState::ProvisioningFailed
        | ConnectionState::ExternalBlocker => false,
    }
}

/// The type that all connections have now, or else the config's.
fn type_now(peering: &PeeringPlan) -> DirectPeeringType {
    let mut now = peering.connections.iter().map(|c| c.policy_group.direct_peering_type);
    match now.next() {
        Some(first) if now.all(|other| other == first) => first,
        Some(_) | None => peering.direct_peering_type,
    }
}

impl<'a> DirectConnection<'a> {
    fn new(connection: &'a ConnectionPlan, bgp_session: Option<BgpSessionJson>) -> Self {
        let bandwidth = connection.bandwidth_in_mbps;
        Self {
            bandwidth_in_mbps: bandwidth,
            provisioned_bandwidth_in_mbps: if is_provisioned(connection.state) { bandwidth } else { Some(0) },
            session_address_provider: connection
                .session_address_provider
                .or(connection.policy_group.direct_peering_type.session_address_provider()),
            use_for_peering_service: connection.policy_group.use_for_peering_service,
            microsoft_tracking_id: None,
            peering_db_facility_id: connection.peering_db_facility_id,
            connection_state: connection.state,
            bgp_session,
            connection_identifier: connection.identifier.as_deref(),
            error_message: connection.error_message.as_deref(),
        }
    }
}

impl<'a> ExchangeConnection<'a> {
    fn new(connection: &'a ConnectionPlan, bgp_session: Option<BgpSessionJson>) -> Self {
        Self {
            peering_db_facility_id: connection.peering_db_facility_id,
            connection_state: connection.state,
            bgp_session,
            connection_identifier: connection.identifier.as_deref(),
            error_message: connection.error_message.as_deref(),
        }
    }
}
