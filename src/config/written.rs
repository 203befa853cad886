//! The configuration as written: every key typed, with its place, and nothing filled in.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use ipnet::IpNet;

use super::document::{Node, Value};
use super::families;
use super::faults::{At, Faults};
use super::origin;
use super::peer_asn;
use super::policy::{self, Policy};
use super::protocol::Protocol;
use super::restart;
use super::section::{Section, Shape, read_node};
use super::transport::TransportKeys;
use super::values;
use crate::peering::{
    ConnectionState, DirectPeeringType, Kind, PeeringServicePrefix, RegisteredAsn, RegisteredPrefix,
    SessionAddressProvider,
};
use crate::rib::load::events::Mark;
use crate::wire::{Asn, Family, PerFamily};

const ROOT: Shape = Shape {
    name: "the config",
    keys: &[
        "router",
        "rib",
        "http",
        "control",
        "state_dir",
        "lab",
        "limits",
        "policy",
        "peer_asns",
        "rpki",
        "irr",
        "peerings",
    ],
    more: &[],
};
const ROUTER: Shape = Shape { name: "router", keys: &["asn", "router_id", "listen"], more: &[] };
const HTTP: Shape = Shape { name: "http", keys: &["listen"], more: &[] };
const CONTROL: Shape = Shape { name: "control", keys: &["socket"], more: &[] };
const LIMITS: Shape = Shape { name: "limits", keys: &["received_prefixes"], more: &[] };
const PEERING: Shape = Shape {
    name: "a peering",
    keys: &[
        "name",
        "kind",
        "direct_peering_type",
        "peering_service",
        "legacy",
        "maps_agreement",
        "own_announcements",
        "peer_asn",
        "peering_location",
        "location",
        "tags",
        "registered_prefixes",
        "registered_asns",
        "peering_service_prefixes",
        "connections",
    ],
    more: &[],
};
const REGISTERED_PREFIX: Shape = Shape { name: "a registered prefix", keys: &["name", "prefix"], more: &[] };
const REGISTERED_ASN: Shape = Shape { name: "a registered ASN", keys: &["name", "asn"], more: &[] };
const SERVICE_PREFIX: Shape = Shape {
    name: "a Peering Service prefix",
    keys: &["name", "prefix", "peering_service_prefix_key", "primary_location", "backup_location"],
    more: &[],
};
const CONNECTION: Shape = Shape {
    name: "a connection",
    keys: &[
        "name",
        "connection_state",
        "bandwidth_in_mbps",
        "session_address_provider",
        "peering_db_facility_id",
        "connection_identifier",
        "edge_router",
        "error_message",
        "bgp_session",
    ],
    more: &[],
};
const BGP_SESSION: Shape = Shape {
    name: "bgp_session",
    keys: &[
        "session_prefix_v4",
        "session_prefix_v6",
        "microsoft_session_ipv4_address",
        "microsoft_session_ipv6_address",
        "peer_session_ipv4_address",
        "peer_session_ipv6_address",
        "peer_range_v4",
        "peer_range_v6",
        "v4",
        "v6",
    ],
    more: OPTIONS,
};
/// What holds for both sessions, or for one of them.
const OPTIONS: &[&str] = &[
    "families",
    "add_path_receive",
    "extended_next_hop",
    "next_hop_v4",
    "next_hop_v6",
    "passive",
    "peer_port",
    "hold_time",
    "connect_retry",
    "max_prefixes_advertised_v4",
    "max_prefixes_advertised_v6",
    "peer_limit",
    "md5_authentication_key_file",
    "ttl_security_hops",
    "interface",
    "local_role",
    "strict_role",
    "graceful_shutdown",
    "shutdown_communication",
    "send_hold_time",
    "max_prefix_warning_percent",
    "max_prefix_action",
    "max_prefix_restart_secs",
    "delay_open",
    "extended_optional_parameters",
    "graceful_restart",
];
/// What `bgp_session` has too, but for addresses.
const V4: Shape = Shape { name: "v4", keys: &[], more: OPTIONS };

const V6: Shape = Shape { name: "v6", ..V4 };

/// Every mapping there is, for the test that holds the reference to it.
#[cfg(test)]
pub(super) const SHAPES: [Shape; 18] = [
    ROOT,
    ROUTER,
    HTTP,
    CONTROL,
    LIMITS,
    peer_asn::SHAPE,
    peer_asn::CONTACT,
    policy::SHAPE,
    origin::RPKI,
    origin::IRR,
    PEERING,
    REGISTERED_PREFIX,
    REGISTERED_ASN,
    SERVICE_PREFIX,
    CONNECTION,
    BGP_SESSION,
    V4,
    restart::SHAPE,
];

#[derive(Debug)]
pub(super) struct Written {
    pub(super) asn: Option<At<Asn>>,
    pub(super) router_id: Option<At<Ipv4Addr>>,
    /// None where the key is missing.
    pub(super) listen: Option<Vec<At<SocketAddr>>>,
    pub(super) rib: Option<At<PathBuf>>,
    pub(super) http: Option<At<SocketAddr>>,
    pub(super) control_socket: Option<At<PathBuf>>,
    pub(super) state_dir: Option<At<PathBuf>>,
    pub(super) lab: Option<At<bool>>,
    pub(super) received_prefixes: Option<At<u64>>,
    pub(super) peer_asns: Vec<peer_asn::Written>,
    pub(super) policy: Policy,
    pub(super) origin: origin::Written,
    /// None where there is nothing below the key; what could not be read as a peering is left out.
    pub(super) peerings: Option<Vec<Peering>>,
    pub(super) mark: Mark,
}

#[derive(Debug)]
pub(super) struct Peering {
    pub(super) mark: Mark,
    /// Something in it could not be read, so what is missing may not be.
    pub(super) broken: bool,
    pub(super) name: Option<At<String>>,
    pub(super) kind: Option<At<Kind>>,
    pub(super) direct_peering_type: Option<At<DirectPeeringType>>,
    pub(super) peering_service: Option<At<bool>>,
    pub(super) legacy: Option<At<bool>>,
    pub(super) maps_agreement: Option<At<bool>>,
    pub(super) own_announcements: Option<At<bool>>,
    pub(super) peer_asn: Option<At<Asn>>,
    pub(super) peering_location: Option<At<String>>,
    pub(super) location: Option<At<String>>,
    pub(super) tags: Vec<(String, String)>,
    pub(super) registered_prefixes: Vec<At<RegisteredPrefix>>,
    pub(super) registered_asns: Vec<At<RegisteredAsn>>,
    pub(super) peering_service_prefixes: Vec<At<PeeringServicePrefix>>,
    pub(super) connections: Vec<Connection>,
}

#[derive(Debug)]
pub(super) struct Connection {
    pub(super) mark: Mark,
    pub(super) name: Option<At<String>>,
    pub(super) state: Option<At<ConnectionState>>,
    pub(super) bandwidth_in_mbps: Option<At<u64>>,
    pub(super) session_address_provider: Option<At<SessionAddressProvider>>,
    pub(super) peering_db_facility_id: Option<At<u64>>,
    pub(super) connection_identifier: Option<At<String>>,
    pub(super) edge_router: Option<At<String>>,
    pub(super) error_message: Option<At<String>>,
    /// Where `bgp_session` is a list, the list's own place.
    pub(super) list: Option<Mark>,
    pub(super) sessions: Vec<BgpSession>,
}

#[derive(Debug)]
pub(super) struct BgpSession {
    pub(super) mark: Mark,
    pub(super) addresses: PerFamily<Addresses>,
    pub(super) common: Options,
    /// Under `v4:` and `v6:`.
    pub(super) own: PerFamily<Option<Options>>,
}

/// What was said of one transport's addresses.
#[derive(Clone, Copy, Debug)]
pub(super) struct Addresses {
    pub(super) prefix: Option<At<IpNet>>,
    pub(super) microsoft: Option<At<IpAddr>>,
    pub(super) peer: Option<At<IpAddr>>,
    /// Peers by range instead.
    pub(super) range: Option<At<IpNet>>,
    /// One of them could not be read, so what is missing may not be.
    pub(super) broken: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Options {
    pub(super) mark: Mark,
    /// One of them could not be read, so what is missing may not be.
    pub(super) broken: bool,
    pub(super) families: Option<At<PerFamily<bool>>>,
    pub(super) add_path_receive: Option<At<bool>>,
    pub(super) extended_next_hop: Option<At<bool>>,
    pub(super) next_hop: PerFamily<Option<At<IpAddr>>>,
    pub(super) passive: Option<At<bool>>,
    pub(super) peer_port: Option<At<u16>>,
    pub(super) hold_time: Option<At<u16>>,
    pub(super) connect_retry: Option<At<u16>>,
    /// The inner none is null: no limit of its own.
    pub(super) max_prefixes: PerFamily<Option<At<Option<u64>>>>,
    pub(super) peer_limit: Option<At<u32>>,
    pub(super) transport: TransportKeys,
    pub(super) protocol: Protocol,
    /// The inner none is false.
    pub(super) graceful_restart: Option<At<Option<restart::Written>>>,
}

pub(super) fn read(root: &Node, faults: &mut Faults) -> Option<Written> {
    let section = Section::open(root, ROOT, faults)?;
    let router = section.node("router").and_then(|node| Section::open(node, ROUTER, faults));
    if router.is_none() && section.node("router").is_none() {
        faults.error(root.mark, "router is missing", "add it, with router_id: and an IPv4 address below it");
    }
    let listen = router.filter(|r| r.node("listen").is_some());
    let control = section.node("control").and_then(|node| Section::open(node, CONTROL, faults));
    let limits = section.node("limits").and_then(|node| Section::open(node, LIMITS, faults));
    let policy_section = section.node("policy").and_then(|node| Section::open(node, policy::SHAPE, faults));
    let http = section.node("http").and_then(|node| Section::open(node, HTTP, faults));
    Some(Written {
        mark: root.mark,
        asn: router.and_then(|r| r.read("asn", faults, values::asn)),
        router_id: router.and_then(|r| r.need("router_id", "192.0.2.1", faults, values::ipv4)),
        listen: listen.map(|r| r.each("listen", faults, values::socket_address)),
        rib: section.need("rib", "rib/", faults, values::path),
        http: http.and_then(|h| h.need("listen", "127.0.0.1:9179", faults, values::socket_address)),
        control_socket: control
            .and_then(|c| c.need("socket", "/run/peeringd/control.sock", faults, values::path)),
        state_dir: section.read("state_dir", faults, values::path),
        lab: section.read("lab", faults, values::boolean),
        received_prefixes: limits
            .and_then(|l| l.read("received_prefixes", faults, values::number(1..=u64::from(u32::MAX)))),
        peer_asns: section
            .items("peer_asns", faults)
            .iter()
            .filter_map(|node| peer_asn::read(node, faults))
            .collect(),
        policy: policy_section.map(|section| policy::read(&section, faults)).unwrap_or_default(),
        origin: origin::read(&section, faults),
        peerings: peerings(&section, faults),
    })
}

fn peerings(section: &Section<'_>, faults: &mut Faults) -> Option<Vec<Peering>> {
    let before = faults.count();
    let items = section.items("peerings", faults);
    let peerings = items.iter().filter_map(|node| peering(node, faults)).collect();
    (!items.is_empty() || faults.count() > before).then_some(peerings)
}

fn peering(node: &Node, faults: &mut Faults) -> Option<Peering> {
    let before = faults.count();
    let section = Section::open(node, PEERING, faults)?;
    let connections = section.items("connections", faults).iter();
    let mut peering = Peering {
        mark: section.mark,
        broken: false,
        name: section.need("name", "contoso-ashburn", faults, values::resource_name),
        kind: section.read("kind", faults, values::word(Kind::CONFIG_NAMES, Kind::from_config)),
        direct_peering_type: section.read(
            "direct_peering_type",
            faults,
            values::word(DirectPeeringType::CONFIG_NAMES, DirectPeeringType::from_config),
        ),
        peering_service: section.read("peering_service", faults, values::boolean),
        legacy: section.read("legacy", faults, values::boolean),
        maps_agreement: section.read("maps_agreement", faults, values::boolean),
        own_announcements: section.read("own_announcements", faults, values::boolean),
        peer_asn: section.need("peer_asn", "3356", faults, values::asn),
        peering_location: section.read("peering_location", faults, values::words),
        location: section.read("location", faults, values::words),
        tags: section.pairs("tags", faults, values::tag),
        registered_prefixes: entries(&section, "registered_prefixes", faults, registered_prefix),
        registered_asns: entries(&section, "registered_asns", faults, registered_asn),
        peering_service_prefixes: entries(&section, "peering_service_prefixes", faults, service_prefix),
        connections: connections.filter_map(|node| connection(node, faults)).collect(),
    };
    peering.broken = faults.count() > before;
    Some(peering)
}

/// The items of a list that are values or mappings.
fn entries<T>(
    section: &Section<'_>,
    key: &str,
    faults: &mut Faults,
    read: fn(&Node, &str, &mut Faults) -> Option<T>,
) -> Vec<At<T>> {
    let items = section.items(key, faults).iter();
    items.filter_map(|node| Some(At { value: read(node, key, faults)?, mark: node.mark })).collect()
}

fn registered_prefix(node: &Node, key: &str, faults: &mut Faults) -> Option<RegisteredPrefix> {
    let (name, prefix) = match node.value {
        Value::Map(_) => {
            let section = Section::open(node, REGISTERED_PREFIX, faults)?;
            let name = section.read("name", faults, values::resource_name);
            (name, section.need("prefix", "20.33.0.0/24", faults, values::any_prefix)?)
        }
        Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Text(_) | Value::List(_) => {
            (None, read_node(node, key, faults, values::any_prefix)?)
        }
    };
    Some(RegisteredPrefix { name: name.map(|n| n.value.into()), prefix: prefix.value })
}

fn registered_asn(node: &Node, key: &str, faults: &mut Faults) -> Option<RegisteredAsn> {
    let (name, asn) = match node.value {
        Value::Map(_) => {
            let section = Section::open(node, REGISTERED_ASN, faults)?;
            let name = section.read("name", faults, values::resource_name);
            (name, section.need("asn", "3356", faults, values::asn)?)
        }
        Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Text(_) | Value::List(_) => {
            (None, read_node(node, key, faults, values::asn)?)
        }
    };
    Some(RegisteredAsn { name: name.map(|n| n.value.into()), asn: asn.value })
}

fn service_prefix(node: &Node, key: &str, faults: &mut Faults) -> Option<PeeringServicePrefix> {
    match node.value {
        Value::Map(_) => {
            let section = Section::open(node, SERVICE_PREFIX, faults)?;
            let mut text = |key, read: fn(&Node) -> values::Read<String>| {
                section.read(key, faults, read).map(|at| at.value.into())
            };
            let name = text("name", values::resource_name);
            let key = text("peering_service_prefix_key", values::prefix_key);
            let primary_location = text("primary_location", values::words);
            let backup_location = text("backup_location", values::words);
            let prefix = section.need("prefix", "20.33.0.0/24", faults, values::service_prefix)?.value;
            Some(PeeringServicePrefix { name, prefix, key, primary_location, backup_location })
        }
        Value::Null | Value::Bool(_) | Value::Integer(_) | Value::Text(_) | Value::List(_) => {
            let prefix = read_node(node, key, faults, values::service_prefix)?.value;
            let (name, key, primary_location, backup_location) = (None, None, None, None);
            Some(PeeringServicePrefix { name, prefix, key, primary_location, backup_location })
        }
    }
}

fn connection(node: &Node, faults: &mut Faults) -> Option<Connection> {
    let section = Section::open(node, CONNECTION, faults)?;
    let (list, nodes) = match section.node("bgp_session") {
        Some(Node { mark, value: Value::List(items) }) => (Some(*mark), items.as_slice()),
        Some(node) => (None, std::slice::from_ref(node)),
        None => (None, [].as_slice()),
    };
    Some(Connection {
        mark: section.mark,
        name: section.need("name", "contoso-ashburn-1", faults, values::resource_name),
        state: section.read(
            "connection_state",
            faults,
            values::word(ConnectionState::CONFIG_NAMES, ConnectionState::from_config),
        ),
        bandwidth_in_mbps: section.read("bandwidth_in_mbps", faults, values::number(0..=u64::from(u32::MAX))),
        session_address_provider: section.read(
            "session_address_provider",
            faults,
            values::word(SessionAddressProvider::CONFIG_NAMES, SessionAddressProvider::from_config),
        ),
        peering_db_facility_id: section.read(
            "peering_db_facility_id",
            faults,
            values::number(0..=u64::from(u32::MAX)),
        ),
        connection_identifier: section.read("connection_identifier", faults, values::guid),
        edge_router: section.read("edge_router", faults, values::resource_name),
        error_message: section.read("error_message", faults, values::words),
        list,
        sessions: nodes.iter().filter_map(|node| bgp_session(node, faults)).collect(),
    })
}

fn bgp_session(node: &Node, faults: &mut Faults) -> Option<BgpSession> {
    let section = Section::open(node, BGP_SESSION, faults)?;
    let own = |shape: Shape, faults: &mut Faults| {
        let node = section.node(shape.name)?;
        Section::open(node, shape, faults).map(|section| options(&section, faults))
    };
    let own = PerFamily { ipv4: own(V4, faults), ipv6: own(V6, faults) };
    let addresses = PerFamily::from_fn(|family| {
        let [prefix, microsoft, peer, range] = match family {
            Family::Ipv4 => [
                "session_prefix_v4",
                "microsoft_session_ipv4_address",
                "peer_session_ipv4_address",
                "peer_range_v4",
            ],
            Family::Ipv6 => [
                "session_prefix_v6",
                "microsoft_session_ipv6_address",
                "peer_session_ipv6_address",
                "peer_range_v6",
            ],
        };
        let before = faults.count();
        let prefix = section.read(prefix, faults, values::prefix_of(family));
        let microsoft = section.read(microsoft, faults, values::address(family));
        let peer = section.read(peer, faults, values::address(family));
        let range = section.read(range, faults, values::prefix_of(family));
        Addresses { prefix, microsoft, peer, range, broken: faults.count() > before }
    });
    Some(BgpSession { mark: section.mark, addresses, common: options(&section, faults), own })
}

fn options(section: &Section<'_>, faults: &mut Faults) -> Options {
    let before = faults.count();
    let next_hop = PerFamily {
        ipv4: section.read("next_hop_v4", faults, values::address(Family::Ipv4)),
        ipv6: section.read("next_hop_v6", faults, values::address(Family::Ipv6)),
    };
    let mut limit = |key, family| {
        let node = section.get(key)?;
        read_node(node, key, faults, values::limit_or_null(family))
    };
    let max_prefixes = PerFamily {
        ipv4: limit("max_prefixes_advertised_v4", Family::Ipv4),
        ipv6: limit("max_prefixes_advertised_v6", Family::Ipv6),
    };
    let mut options = Options {
        mark: section.mark,
        broken: false,
        families: families::read(section, faults),
        add_path_receive: section.read("add_path_receive", faults, values::boolean),
        extended_next_hop: section.read("extended_next_hop", faults, values::boolean),
        next_hop,
        passive: section.read("passive", faults, values::boolean),
        peer_port: section.read("peer_port", faults, values::number(1..=u16::MAX)),
        hold_time: section.read("hold_time", faults, values::hold_time),
        connect_retry: section.read("connect_retry", faults, values::number(1..=u16::MAX)),
        max_prefixes,
        peer_limit: section.read("peer_limit", faults, values::number(1..=10_000)),
        transport: TransportKeys::read(section, faults),
        protocol: Protocol::read(section, faults),
        graceful_restart: restart::read(section, faults),
    };
    options.broken = faults.count() > before;
    options
}
