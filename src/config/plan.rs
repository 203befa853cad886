//! The configuration as meant: every default filled in, every address settled, checked as a whole.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use super::{OriginPlan, PolicyPlan, ProtocolPlan, RangePlan, TransportPlan};
use crate::peering::{
    ConnectionState, DirectPeeringType, Kind, Link, PeerAsn, PeeringServicePrefix, PolicyGroup,
    RegisteredAsn, RegisteredPrefix, SessionAddressProvider, Sku, Standing, Tier,
};
use crate::wire::{Asn, PerFamily};

/// The whole configuration, checked.
#[derive(Clone, PartialEq, Debug)]
pub struct Plan {
    /// The file it came from.
    pub file: PathBuf,
    /// The speaker itself.
    pub router: RouterPlan,
    /// RIB file or folder, absolute or relative to the working directory.
    pub rib: PathBuf,
    /// Where the read-only HTTP listens, if it does.
    pub http: Option<SocketAddr>,
    /// The control socket.
    pub control_socket: PathBuf,
    /// Where state is kept.
    pub state_dir: PathBuf,
    /// Lab mode: private and documentation ASNs, loopback and off-subnet addresses are allowed.
    pub lab: bool,
    /// Bounds on the process as a whole.
    pub limits: Limits,
    /// Partners' ASNs as resources, in the order of the file.
    pub peer_asns: Vec<PeerAsn>,
    /// Which of two documents counts.
    pub policy: PolicyPlan,
    /// What is known of routes' origins.
    pub origin: OriginPlan,
    /// In the order of the file.
    pub peerings: Vec<Arc<PeeringPlan>>,
    /// Every session, in the order of the file, IPv4 transport before IPv6; names and peer addresses are unique.
    pub sessions: Vec<Arc<SessionPlan>>,
    /// Where peers that the config does not name may dial from, in the order of the file; no address is in two.
    pub ranges: Vec<Arc<RangePlan>>,
}

/// The speaker itself.
#[derive(Clone, PartialEq, Debug)]
pub struct RouterPlan {
    /// Our ASN.
    pub asn: Asn,
    /// Our BGP Identifier.
    pub router_id: Ipv4Addr,
    /// Listening addresses; never empty.
    pub listen: Vec<SocketAddr>,
}

/// Bounds on the process as a whole.
#[derive(Clone, PartialEq, Debug)]
pub struct Limits {
    /// Prefixes held from all peers together.
    pub received_prefixes: u64,
}

/// A peering, for what its sessions share.
#[derive(Clone, PartialEq, Debug)]
pub struct PeeringPlan {
    /// Its name.
    pub name: Arc<str>,
    /// Direct or exchange.
    pub kind: Kind,
    /// Of a direct peering.
    pub direct_peering_type: DirectPeeringType,
    /// Azure's useForPeeringService.
    pub peering_service: bool,
    /// Set up outside Azure, and no resource yet.
    pub is_legacy: bool,
    /// Whether the agreement on Peering Service is signed, where that is said.
    pub maps_agreement: Option<bool>,
    /// It was agreed that what is announced here may differ from other places.
    pub own_announcements: bool,
    /// The partner's ASN.
    pub peer_asn: Asn,
    /// The metro.
    pub peering_location: Option<Arc<str>>,
    /// The Azure region of the resource.
    pub location: Option<Arc<str>>,
    /// Names and values, in the order of the file.
    pub tags: Vec<(Arc<str>, Arc<str>)>,
    /// What the partner may announce; each prefix once.
    pub registered_prefixes: Vec<RegisteredPrefix>,
    /// Whose prefixes a route-server partner may announce; each ASN once.
    pub registered_asns: Vec<RegisteredAsn>,
    /// What customers brought into their own Peering Service; each prefix once.
    pub peering_service_prefixes: Vec<PeeringServicePrefix>,
    /// In the order of the file.
    pub connections: Vec<Arc<ConnectionPlan>>,
}

/// A connection: a link and the sessions on it.
#[derive(Clone, PartialEq, Debug)]
pub struct ConnectionPlan {
    /// Its name, unique in the config.
    pub name: Arc<str>,
    /// Its state: as wanted, and, in the plan in force, as it is.
    pub state: ConnectionState,
    /// Its policy group: the peering's, and, in the plan in force, its own while types change one connection at a time.
    pub policy_group: PolicyGroup,
    /// Mbps, where it is said.
    pub bandwidth_in_mbps: Option<u64>,
    /// Who gives its session addresses, of a direct connection where it is said.
    pub session_address_provider: Option<SessionAddressProvider>,
    /// The facility's id at PeeringDB.
    pub peering_db_facility_id: Option<u64>,
    /// The GUID that Azure knows it by.
    pub identifier: Option<Arc<str>>,
    /// Microsoft's router, where it is said.
    pub edge_router: Option<Arc<str>>,
    /// Why it failed to be provisioned: Azure's errorMessage.
    pub error_message: Option<Arc<str>>,
    /// Names of its sessions, in the order of [`Plan::sessions`].
    pub sessions: Vec<Arc<str>>,
}

/// One BGP session: everything the speaker needs to run it.
#[derive(Clone, PartialEq, Debug)]
pub struct SessionPlan {
    /// `CONNECTION-v4` or `CONNECTION-v6`; further sessions of a list get `CONNECTION-v4-2` and so on, and those of a
    /// range the peer's address behind it.
    pub name: Arc<str>,
    /// The connection's name.
    pub connection: Arc<str>,
    /// The peering's name.
    pub peering: Arc<str>,
    /// The peering's metro.
    pub peering_location: Option<Arc<str>>,
    /// The connection's state: as wanted, and, in the plan in force, as it is. Routes flow in `Active` only.
    pub connection_state: ConnectionState,
    /// The connection's policy group; another one takes a hard restart of the session.
    pub policy_group: PolicyGroup,
    /// The far end.
    pub peer_address: IpAddr,
    /// The far end's port, when we dial.
    pub peer_port: u16,
    /// Our end: the source when we dial, the destination when the peer does, and off a lab the next hop of its own
    /// family.
    pub local_address: IpAddr,
    /// The ASN that the peer must present.
    pub peer_asn: Asn,
    /// The peer is a route server, whose paths begin with its clients' ASNs (RFC 7947 §2.2.2.1).
    pub is_route_server: bool,
    /// Wait for the peer to dial.
    pub passive: bool,
    /// Seconds: 0, or 3–65535.
    pub hold_time: u16,
    /// ConnectRetryTime and the first step of the back-off.
    pub connect_retry: Duration,
    /// The families offered.
    pub families: PerFamily<bool>,
    /// Take several paths of a prefix, where the peer sends them (RFC 7911).
    pub add_path_receive: bool,
    /// IPv4 routes go by way of our IPv6 address where the peer can take that (RFC 8950); only on IPv6 sessions that
    /// offer IPv4.
    pub extended_next_hop: bool,
    /// The next hop of each offered family; of another, `None`, and of IPv4 too where `extended_next_hop` is the only
    /// one it has.
    pub next_hop: PerFamily<Option<IpAddr>>,
    /// The most prefixes accepted from the peer; `None`: `limits.received_prefixes`.
    pub max_prefixes: PerFamily<Option<u64>>,
    /// What is asked of its TCP connections.
    pub transport: TransportPlan,
    /// What is chosen of the protocol.
    pub protocol: ProtocolPlan,
    /// Graceful restart, where it is offered.
    pub graceful_restart: Option<RestartPlan>,
}

/// Why no route goes in or out on a session, however Established it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DenyAll {
    /// Its connection is in another state than Active.
    NotActive(ConnectionState),
    /// BFD is required first, and not supported.
    NeedsBfd,
}

impl SessionPlan {
    /// Why no route goes in or out, if none does.
    #[must_use]
    pub fn deny_all(&self) -> Option<DenyAll> {
        if self.connection_state != ConnectionState::Active {
            return Some(DenyAll::NotActive(self.connection_state));
        }
        self.policy_group.needs_bfd().then_some(DenyAll::NeedsBfd)
    }
}

impl Plan {
    /// The peering of a name.
    #[must_use]
    pub fn peering(&self, name: &str) -> Option<&Arc<PeeringPlan>> {
        self.peerings.iter().find(|peering| &*peering.name == name)
    }
}

impl PeeringPlan {
    /// Its connection of a name.
    #[must_use]
    pub fn connection(&self, name: &str) -> Option<&Arc<ConnectionPlan>> {
        self.connections.iter().find(|connection| &*connection.name == name)
    }

    /// Whether any of its connections is Active.
    #[must_use]
    pub fn has_active_connection(&self) -> bool {
        self.connections.iter().any(|connection| connection.state == ConnectionState::Active)
    }

    /// The policy group of all its connections, but for those whose type is changing.
    #[must_use]
    pub fn policy_group(&self) -> PolicyGroup {
        PolicyGroup {
            direct_peering_type: self.direct_peering_type,
            use_for_peering_service: self.peering_service,
        }
    }

    /// Its SKU, which follows from the rest.
    #[must_use]
    pub fn sku(&self, ix_rs: Tier) -> Sku {
        Sku::of(self.kind, self.policy_group(), ix_rs)
    }

    /// Where it stands with Peering Service; `sessions` are its own, and templates of ranges.
    #[must_use]
    pub fn standing<'a>(&self, sessions: impl IntoIterator<Item = &'a SessionPlan>) -> Standing {
        let (mut ipv4, mut ipv6) = (false, false);
        for session in sessions {
            ipv4 |= session.families.ipv4;
            ipv6 |= session.families.ipv6;
        }
        let link = |connection: &Arc<ConnectionPlan>| Link {
            state: connection.state,
            bandwidth_in_mbps: connection.bandwidth_in_mbps,
            edge_router: connection.edge_router.clone(),
        };
        Standing {
            kind: self.kind,
            group: self.policy_group(),
            is_legacy: self.is_legacy,
            agreement: self.maps_agreement,
            links: self.connections.iter().map(link).collect(),
            has_both_families: ipv4 && ipv6,
        }
    }
}

/// Graceful restart as our OPEN offers it (RFC 4724, 8538, 9494).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RestartPlan {
    /// How long the peer may keep our routes while we are away: seconds, 0–4095.
    pub restart_time: u16,
    /// N: routes outlive a NOTIFICATION too, where the peer says so as well.
    pub notification: bool,
    /// How much longer the peer may keep them, as its last choice: seconds, 0–16777215.
    pub long_lived_stale_time: u32,
}

impl Default for RestartPlan {
    fn default() -> Self {
        Self { restart_time: 120, notification: true, long_lived_stale_time: 0 }
    }
}
