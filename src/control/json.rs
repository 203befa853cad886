//! The JSON shapes, as the table in [`super`] has them: camelCase, RFC 3339, `null` for what has no value.

use std::borrow::Cow;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use ipnet::IpNet;
use jiff::Timestamp;
use serde::{Serialize, Serializer};

use crate::accept::{LimitExceeded, ReceivedRoute};
use crate::advertise::ToldRoute;
use crate::fsm::{Direction, State};
use crate::metrics::{MessageType, SessionMetrics, Way};
use crate::peering::{Reason, Validity};
use crate::rib::{Generation, RouteView};
use crate::speaker::{LastError, LimitPassed, Overview, SessionSnapshot};
use crate::wire::{
    AsPathBuf, Asn, AttrSet, Community, ExtendedCommunity, Family, LargeCommunity, Origin, PerFamily,
};

use super::capability::CapabilityJson;
use super::protocol::ProtocolJson;
use super::restart::RestartJson;
use super::transport::TransportJson;

/// Seconds since the epoch, as RFC 3339.
#[derive(Clone, Copy)]
pub(super) struct Time(pub(super) u64);

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        let time = i64::try_from(self.0).ok().and_then(|secs| Timestamp::from_second(secs).ok());
        s.collect_str(&time.unwrap_or(Timestamp::MAX))
    }
}

/// Seconds since the epoch.
pub(super) fn unix_now() -> u64 {
    u64::try_from(Timestamp::now().as_second()).unwrap_or(0)
}

/// Our AS path: the local ASN and what stands behind it.
struct OwnPath<'a>(Asn, &'a [Asn]);

impl fmt::Display for OwnPath<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)?;
        self.1.iter().try_for_each(|asn| write!(f, " {asn}"))
    }
}

impl Serialize for OwnPath<'_> {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

/// When a route last changed.
#[derive(Serialize)]
struct Since {
    generation: u32,
    time: Time,
}

impl From<(u32, u64)> for Since {
    fn from((generation, time): (u32, u64)) -> Self {
        Self { generation, time: Time(time) }
    }
}

/// One session, short.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SessionJson<'a> {
    name: &'a str,
    connection: &'a str,
    peer_address: IpAddr,
    local_address: IpAddr,
    peer_asn: Asn,
    state: State,
    families: Vec<Family>,
    advertised: PerFamily<u64>,
    received: PerFamily<u64>,
    accepted: PerFamily<u64>,
    last_error: Option<LastErrorJson<'a>>,
    peering: &'a str,
    peering_location: Option<&'a str>,
    connection_state: &'static str,
    since: Time,
    pending: PerFamily<u64>,
    end_of_rib_sent: PerFamily<bool>,
    flaps: u64,
    max_prefixes: PerFamily<Option<u64>>,
    near_limit: PerFamily<bool>,
    limit_passed: Option<LimitPassedJson>,
}

impl<'a> SessionJson<'a> {
    pub(super) fn new(s: &'a SessionSnapshot) -> Self {
        Self {
            name: &s.plan.name,
            connection: &s.plan.connection,
            peer_address: s.plan.peer_address,
            local_address: s.local_address.unwrap_or(s.plan.local_address),
            peer_asn: s.plan.peer_asn,
            state: s.state,
            families: chosen(s.families),
            advertised: s.advertised,
            received: s.received,
            accepted: s.accepted,
            last_error: s.last_error.as_ref().map(LastErrorJson::new),
            peering: &s.plan.peering,
            peering_location: s.plan.peering_location.as_deref(),
            connection_state: s.plan.connection_state.name(),
            since: Time(s.since),
            pending: s.pending,
            end_of_rib_sent: s.end_of_rib_sent,
            flaps: s.flaps,
            max_prefixes: s.plan.max_prefixes,
            near_limit: s.near_limit,
            limit_passed: s.limit_passed.map(LimitPassedJson::from),
        }
    }
}

fn chosen(families: PerFamily<bool>) -> Vec<Family> {
    Family::ALL.into_iter().filter(|f| *families.get(*f)).collect()
}

#[derive(Serialize)]
struct LastErrorJson<'a> {
    code: Option<u8>,
    subcode: Option<u8>,
    text: &'a str,
    direction: Option<&'static str>,
    at: Time,
    then: Option<&'a str>,
}

/// The limit that keeps a session down.
#[derive(Serialize)]
struct LimitPassedJson {
    family: Option<Family>,
    limit: Option<u64>,
    text: String,
    until: Option<Time>,
}

impl From<LimitPassed> for LimitPassedJson {
    fn from(LimitPassed { exceeded, until }: LimitPassed) -> Self {
        let (family, limit) = match exceeded {
            LimitExceeded::Session { family, limit } => (Some(family), Some(limit)),
            LimitExceeded::SessionAttributes { limit } | LimitExceeded::Process { limit } => {
                (None, Some(limit))
            }
            LimitExceeded::ProcessAttributes => (None, None),
        };
        Self { family, limit, text: exceeded.to_string(), until: until.map(Time) }
    }
}

impl<'a> LastErrorJson<'a> {
    fn new(error: &'a LastError) -> Self {
        Self {
            code: error.code.map(|c| c.0),
            subcode: error.code.map(|c| c.1),
            text: &error.text,
            direction: error.code.map(|_| if error.sent { "sent" } else { "received" }),
            at: Time(error.at),
            then: error.then.as_deref(),
        }
    }
}

/// One session, whole.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SessionDetailJson<'a> {
    #[serde(flatten)]
    session: SessionJson<'a>,
    passive: bool,
    peer_port: u16,
    configured_hold_time: u16,
    hold_time: Option<u16>,
    direction: Option<Direction>,
    peer_id: Option<Ipv4Addr>,
    four_octet_as: bool,
    configured_families: Vec<Family>,
    extended_next_hop: bool,
    add_path_receive: Vec<Family>,
    next_hop: PerFamily<Option<IpAddr>>,
    announcement_budget: PerFamily<u64>,
    session_availability: Option<f64>,
    end_of_rib_received: PerFamily<bool>,
    transport: TransportJson<'a>,
    #[serde(flatten)]
    protocol: ProtocolJson<'a>,
    graceful_restart: RestartJson,
    capabilities: Capabilities,
    messages: Option<Messages>,
}

#[derive(Serialize)]
struct Capabilities {
    local: Vec<CapabilityJson>,
    peer: Vec<CapabilityJson>,
}

#[derive(Serialize)]
struct Messages {
    sent: MessageCounts,
    received: MessageCounts,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct MessageCounts {
    open: u64,
    update: u64,
    notification: u64,
    keepalive: u64,
    route_refresh: u64,
}

impl MessageCounts {
    fn new(metrics: &SessionMetrics, way: Way) -> Self {
        Self {
            open: metrics.messages(way, MessageType::Open),
            update: metrics.messages(way, MessageType::Update),
            notification: metrics.messages(way, MessageType::Notification),
            keepalive: metrics.messages(way, MessageType::Keepalive),
            route_refresh: metrics.messages(way, MessageType::RouteRefresh),
        }
    }
}

impl<'a> SessionDetailJson<'a> {
    pub(super) fn new(
        s: &'a SessionSnapshot,
        metrics: Option<&SessionMetrics>,
        announcement_budget: PerFamily<u64>,
    ) -> Self {
        Self {
            session: SessionJson::new(s),
            passive: s.plan.passive,
            peer_port: s.plan.peer_port,
            configured_hold_time: s.plan.hold_time,
            hold_time: s.hold_time,
            direction: s.direction,
            peer_id: s.peer_id,
            four_octet_as: s.four_octet_as,
            configured_families: chosen(s.plan.families),
            extended_next_hop: s.extended_next_hop,
            add_path_receive: chosen(s.add_path_receive),
            next_hop: s.plan.next_hop,
            announcement_budget,
            session_availability: metrics.map(|m| m.availability(unix_now())),
            end_of_rib_received: s.end_of_rib_received,
            transport: TransportJson::new(&s.plan.transport),
            protocol: ProtocolJson::new(s),
            graceful_restart: RestartJson::new(s),
            capabilities: Capabilities {
                local: s.local_capabilities.iter().map(CapabilityJson::new).collect(),
                peer: s.peer_capabilities.iter().map(CapabilityJson::new).collect(),
            },
            messages: metrics.map(|m| Messages {
                sent: MessageCounts::new(m, Way::Sent),
                received: MessageCounts::new(m, Way::Received),
            }),
        }
    }
}

/// A route as a peer was told it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AdvertisedJson<'a> {
    prefix: IpNet,
    next_hop: Option<IpAddr>,
    origin: Option<Origin>,
    as_path: Option<OwnPath<'a>>,
    med: Option<u32>,
    communities: Option<&'a [Community]>,
    extended_communities: Option<&'a [ExtendedCommunity]>,
    large_communities: Option<&'a [LargeCommunity]>,
    only_to_customer: Option<Asn>,
    since: Option<Since>,
    source: Option<&'a str>,
    file: Option<Cow<'a, str>>,
    line: Option<u32>,
    stale: bool,
}

impl<'a> AdvertisedJson<'a> {
    pub(super) fn new(route: &'a ToldRoute, local_asn: Asn) -> Self {
        let attrs: Option<&'a AttrSet> = route.attrs.as_deref();
        Self {
            prefix: route.prefix,
            next_hop: route.next_hop,
            origin: attrs.map(|a| a.origin),
            as_path: attrs.map(|a| OwnPath(local_asn, &a.as_path)),
            med: attrs.and_then(|a| a.med),
            communities: attrs.map(|a| &*a.communities),
            extended_communities: attrs.map(|a| &*a.extended_communities),
            large_communities: attrs.map(|a| &*a.large_communities),
            only_to_customer: route.otc,
            since: route.since.map(Since::from),
            source: route.source.as_deref(),
            file: route.place.as_ref().map(|(file, _)| text(file)),
            line: route.place.as_ref().map(|(_, line)| *line),
            stale: route.stale,
        }
    }
}

/// The documented words of each; what has the same words stands together.
fn in_words(reasons: &[Reason]) -> Vec<String> {
    let mut words: Vec<String> = reasons.iter().map(Reason::to_string).collect();
    words.dedup();
    words
}

/// Azure's ReceivedRoute.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReceivedRouteJson<'a> {
    prefix: IpNet,
    next_hop: IpAddr,
    as_path: &'a AsPathBuf,
    origin_as_validation_state: Validity,
    rpki_validation_state: Validity,
    trust_anchor: &'a str,
    received_timestamp: Time,
}

impl<'a> ReceivedRouteJson<'a> {
    pub(super) fn new(route: &'a ReceivedRoute) -> Self {
        Self {
            prefix: route.prefix,
            next_hop: route.next_hop,
            as_path: &route.attrs.as_path,
            origin_as_validation_state: route.validity.irr,
            rpki_validation_state: route.validity.rpki,
            trust_anchor: route.validity.trust_anchor.as_deref().unwrap_or("None"),
            received_timestamp: Time(route.received_at),
        }
    }
}

/// A route as a peer announced it, and whether it is accepted.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ReceivedJson<'a> {
    #[serde(flatten)]
    route: ReceivedRouteJson<'a>,
    accepted: bool,
    reasons: Vec<String>,
    path_id: u32,
    communities: &'a [Community],
    extended_communities: &'a [ExtendedCommunity],
    large_communities: &'a [LargeCommunity],
    origin: Origin,
    /// As policy sets it.
    med: u32,
    /// As it came.
    received_med: Option<u32>,
    only_to_customer: Option<Asn>,
    is_leak: bool,
    stale: bool,
}

impl<'a> ReceivedJson<'a> {
    pub(super) fn new(route: &'a ReceivedRoute) -> Self {
        Self {
            route: ReceivedRouteJson::new(route),
            accepted: route.reasons.is_empty(),
            reasons: in_words(&route.reasons),
            path_id: route.path_id.number(),
            communities: &route.attrs.communities,
            extended_communities: &route.attrs.extended_communities,
            large_communities: &route.attrs.large_communities,
            origin: route.attrs.origin,
            med: route.med,
            received_med: route.attrs.med,
            only_to_customer: route.attrs.only_to_customer,
            is_leak: route.attrs.is_leak,
            stale: route.stale,
        }
    }
}

/// A route of the generation in force.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RouteJson<'a> {
    prefix: IpNet,
    origin: Origin,
    as_path: OwnPath<'a>,
    med: Option<u32>,
    communities: &'a [Community],
    extended_communities: &'a [ExtendedCommunity],
    large_communities: &'a [LargeCommunity],
    source: Option<&'a str>,
    file: Cow<'a, str>,
    line: u32,
    since: Since,
    peering_locations: &'a [String],
    peerings: &'a [String],
}

impl<'a> RouteJson<'a> {
    pub(super) fn new(route: &'a RouteView, local_asn: Asn) -> Self {
        Self {
            prefix: route.prefix,
            origin: route.attrs.origin,
            as_path: OwnPath(local_asn, &route.attrs.as_path),
            med: route.attrs.med,
            communities: &route.attrs.communities,
            extended_communities: &route.attrs.extended_communities,
            large_communities: &route.attrs.large_communities,
            source: route.source.as_deref(),
            file: text(&route.file),
            line: route.line,
            since: route.since.into(),
            peering_locations: &route.peering_locations,
            peerings: &route.peerings,
        }
    }
}

/// A path as text; what is not UTF-8 in it is replaced.
fn text(path: &Path) -> Cow<'_, str> {
    path.to_string_lossy()
}

/// The generation in force and the speaker around it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct GenerationJson<'a> {
    number: u32,
    hash: String,
    installed_at: Time,
    routes: PerFamily<usize>,
    local_asn: Asn,
    router_id: Ipv4Addr,
    lab: bool,
    last_reload_error: Option<&'a str>,
}

impl<'a> GenerationJson<'a> {
    pub(super) fn new(generation: &Generation, overview: &'a Overview) -> Self {
        Self {
            number: generation.number(),
            hash: generation.hash_hex(),
            installed_at: Time(generation.installed_at()),
            routes: generation.count(),
            local_asn: overview.local_asn,
            router_id: overview.router_id,
            lab: overview.lab,
            last_reload_error: overview.last_reload_error.as_deref(),
        }
    }
}
