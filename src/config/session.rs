//! The sessions of a connection: one for each transport whose addresses are known, with everything settled.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;

use super::faults::{At, Faults};
use super::layers::Layers;
use super::range::{self, RangePlan};
use super::restart;
use super::secret::Md5Key;
use super::setting::Setting;
use super::transport::{self, Md5Policy, TransportPlan};
use super::unique::Unique;
use super::written::{Addresses, BgpSession, Connection, Options};
use super::{ConnectionPlan, PeeringPlan, SessionPlan};
use crate::peering::{DirectPeeringType, Kind, LinkAddresses, is_host_of, link_addresses, on_one_link};
use crate::rib::load::events::Mark;
use crate::rib::special;
use crate::wire::{Family, PerFamily};

const HOLD_TIME: u16 = 90;
const PEER_PORT: u16 = 179;
const CONNECT_RETRY_SECS: u16 = 5;
const MAX_PREFIXES: PerFamily<u64> = PerFamily { ipv4: 20_000, ipv6: 2_000 };

/// Where a session belongs.
#[derive(Clone, Copy)]
pub(super) struct Connected<'a> {
    pub(super) peering: &'a PeeringPlan,
    pub(super) connection: &'a ConnectionPlan,
    pub(super) setting: Setting,
    pub(super) md5: &'a Md5Policy,
}

/// What a connection's sessions come to.
#[derive(Default)]
pub(super) struct Sessions {
    pub(super) named: Vec<SessionPlan>,
    pub(super) ranges: Vec<RangePlan>,
}

impl Connected<'_> {
    /// Whether the addresses are hosts of an exchange's network rather than the ends of a link.
    pub(super) fn on_exchange(&self) -> bool {
        match (self.peering.kind, self.peering.direct_peering_type) {
            (Kind::Exchange, _) | (Kind::Direct, DirectPeeringType::IxRs) => true,
            (
                Kind::Direct,
                DirectPeeringType::Edge
                | DirectPeeringType::Transit
                | DirectPeeringType::Cdn
                | DirectPeeringType::Internal
                | DirectPeeringType::Ix
                | DirectPeeringType::Voice
                | DirectPeeringType::EdgeZoneForOperators
                | DirectPeeringType::PeerProp,
            ) => false,
        }
    }
}

/// The sessions of a connection, in the order of the file, IPv4 transport before IPv6.
pub(super) fn sessions(
    written: &Connection,
    connected: Connected<'_>,
    unique: &mut Unique,
    faults: &mut Faults,
) -> Sessions {
    if let Some(mark) = written.list.filter(|_| !connected.on_exchange()) {
        let what = "bgp_session is a list on a direct connection";
        faults.error(mark, what, "write one mapping: a list is for kind: exchange and for ix_rs");
    }
    let mut sessions = Sessions::default();
    let mut count = PerFamily::<usize>::default();
    for bgp_session in &written.sessions {
        let (before, faults_before) = (sessions.named.len(), faults.count());
        let md5_keys = transport::md5_keys(bgp_session, connected.md5, faults);
        for transport in Family::ALL {
            let given = *bgp_session.addresses.get(transport);
            let own = bgp_session.own.get(transport).as_ref();
            if is_absent(given) {
                if let Some(own) = own {
                    let what = format!("{} holds for no session", version(transport));
                    faults.warning(own.mark, what, "give that session its addresses, or remove these keys");
                }
                continue;
            }
            *count.get_mut(transport) += 1;
            let name = name(&connected.connection.name, transport, *count.get(transport));
            let keys = Keys { own, common: &bgp_session.common };
            let md5 = md5_keys.get(transport).as_ref();
            if let Some(range) = given.range.filter(|_| !given.broken) {
                let Some(local) = range::local_end(range, given, transport, connected, faults) else {
                    continue;
                };
                let ends = (range.value.addr(), local.value);
                let mut template = session(name, ends, (bgp_session.mark, keys, md5), connected, faults);
                unique.range(range, &template);
                template.passive = true;
                template.transport.range = Some(range.value);
                template.transport.session_prefix = given.prefix.map(|prefix| prefix.value);
                let peer_limit = range::peer_limit(keys.get(|o| o.peer_limit));
                let plan = RangePlan { range: range.value, peer_limit, template: Arc::new(template) };
                sessions.ranges.push(plan);
                continue;
            }
            let mark = bgp_session.mark;
            let ends = ends(given, transport, mark, keys, connected, faults);
            if let Some((peer, local)) = ends {
                let ends = (peer.value, local.value);
                let mut plan = session(name, ends, (mark, keys, md5), connected, faults);
                plan.transport.session_prefix = given.prefix.map(|prefix| prefix.value);
                unique.session(peer.mark, &plan);
                sessions.named.push(plan);
            }
        }
        let broken = Family::ALL.iter().any(|family| bgp_session.addresses.get(*family).broken);
        if !broken && faults.count() == faults_before {
            let named = sessions.named.get(before..).unwrap_or_default();
            unused_next_hops(bgp_session, named, connected.setting, faults);
            range::unused(bgp_session, faults);
        }
    }
    sessions
}

/// Whether a transport has no session.
pub(super) fn is_absent(given: Addresses) -> bool {
    let Addresses { prefix, microsoft, peer, range, broken } = given;
    prefix.is_none() && microsoft.is_none() && peer.is_none() && range.is_none() && !broken
}

fn version(transport: Family) -> &'static str {
    match transport {
        Family::Ipv4 => "v4",
        Family::Ipv6 => "v6",
    }
}

fn name(connection: &str, transport: Family, nth: usize) -> Arc<str> {
    let version = version(transport);
    if nth == 1 {
        format!("{connection}-{version}").into()
    } else {
        format!("{connection}-{version}-{nth}").into()
    }
}

type Ends = (At<IpAddr>, At<IpAddr>);

/// Peer and local address, checked; none where they cannot be known, which is recorded.
fn ends(
    given: Addresses,
    transport: Family,
    mark: Mark,
    keys: Keys<'_>,
    connected: Connected<'_>,
    faults: &mut Faults,
) -> Option<Ends> {
    if given.broken {
        return None;
    }
    let from_prefix = match given.prefix {
        Some(prefix) if !connected.on_exchange() => Some(from_link(prefix, transport, faults)?),
        Some(_) | None => None,
    };
    let ip = transport.name();
    let (peer, local) = match (given.peer, given.microsoft, from_prefix) {
        (Some(peer), Some(local), _) => (peer, local),
        (peer, local, Some((from_peer, from_local))) => {
            (peer.unwrap_or(from_peer), local.unwrap_or(from_local))
        }
        (peer, local, None) => {
            let (missing, them) = match (peer, local) {
                (None, Some(_)) => (format!("peer_session_{ip}_address is missing"), "it"),
                (Some(_), None) => (format!("microsoft_session_{ip}_address is missing"), "it"),
                (_, _) => {
                    let both = format!("microsoft_session_{ip}_address and peer_session_{ip}_address");
                    (format!("{both} are missing"), "them")
                }
            };
            let fix = if connected.on_exchange() {
                format!("add {them}: on an exchange both addresses are given")
            } else {
                format!("add {them}, or give session_prefix_{} and neither address", version(transport))
            };
            let mark = peer.or(local).map(|at| at.mark).or(given.prefix.map(|at| at.mark)).unwrap_or(mark);
            faults.error(mark, missing, fix);
            return None;
        }
    };
    if let (Some((from_peer, from_local)), Some(prefix)) = (from_prefix, given.prefix) {
        for (at, from, whose) in [(peer, from_peer, "the peer"), (local, from_local, "Microsoft")] {
            if at.value != from.value {
                let what = format!("{} is not the address that {} gives {whose}", at.value, prefix.value);
                faults.error(
                    at.mark,
                    what,
                    format!("write {}, or remove the address or the prefix", from.value),
                );
            }
        }
    }
    check_ends((peer, local), given.prefix, keys, connected, faults);
    Some((peer, local))
}

/// The ends of a direct link.
fn from_link(prefix: At<IpNet>, transport: Family, faults: &mut Faults) -> Option<Ends> {
    match link_addresses(prefix.value) {
        Ok(LinkAddresses { peer, microsoft }) => {
            Some((At { value: peer, mark: prefix.mark }, At { value: microsoft, mark: prefix.mark }))
        }
        Err(error) => {
            let what = format!("Invalid Prefix: {}, {error}", prefix.value);
            let fix = format!("write the link's own prefix in session_prefix_{}", version(transport));
            faults.error(prefix.mark, what, fix);
            None
        }
    }
}

fn check_ends(
    (peer, local): Ends,
    prefix: Option<At<IpNet>>,
    keys: Keys<'_>,
    connected: Connected<'_>,
    faults: &mut Faults,
) {
    let setting = connected.setting;
    let before = faults.count();
    let has_interface = keys.get(|o| o.transport.interface.clone()).is_some();
    for (at, whose) in [(peer, "the peer's"), (local, "our")] {
        if has_interface && is_link_local(at.value) {
            continue;
        }
        if let Some((why, fix)) = address_refusal(at.value, setting) {
            faults.error(at.mark, format!("{} as {whose} address is {why}", at.value), fix);
        }
    }
    if faults.count() > before {
        return;
    }

    if peer.value == local.value {
        let what = format!("{} is both ends of the session", peer.value);
        faults.error(peer.mark, what, "give each end an address of its own");
        return;
    }
    if is_link_local(peer.value) != is_link_local(local.value) {
        let what = format!("of {} and {} one is link-local and the other is not", peer.value, local.value);
        faults.error(peer.mark, what, "write link-local addresses at both ends, or at neither");
        return;
    }
    match prefix.filter(|_| connected.on_exchange()) {
        Some(net) => {
            for at in [peer, local] {
                if !is_host_of(net.value, at.value) {
                    let what = format!("{} is no host of the exchange's network {}", at.value, net.value);
                    faults.error(at.mark, what, "mend the address or the session prefix");
                }
            }
        }
        None if setting == Setting::Live
            && !connected.on_exchange()
            && !on_one_link(peer.value, local.value) =>
        {
            let what = format!("{} and {} are not on one link", peer.value, local.value);
            let fix = "write the two hosts of its /30, /31 or IPv6 prefix; lab: true allows other";
            faults.error(peer.mark, what, fix);
        }
        None if setting == Setting::Live && !connected.on_exchange() && prefix.is_none() => {
            order((peer, local), faults);
        }
        None => {}
    }
}

/// Of a link the peer has the lower address, whatever its prefix (internet-peering FAQ of 2019).
fn order((peer, local): Ends, faults: &mut Faults) {
    if peer.value > local.value && !is_link_local(peer.value) {
        let what = format!("{} is the peer's address, and {} is ours", peer.value, local.value);
        let fix =
            "see that they are not the other way round: Azure gives the peer the first address of a link";
        faults.warning(peer.mark, what, fix);
    }
}

/// Whether an address means something on its own link only.
fn is_link_local(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(a) if a.is_unicast_link_local())
}

/// Why an address cannot be a session's, and the way out.
fn address_refusal(address: IpAddr, setting: Setting) -> Option<(String, &'static str)> {
    const FIX: &str = "write an address of the link";
    if is_link_local(address) {
        let fix = "name the interface by interface:, or write another address of the link";
        return Some(("link-local, and has no interface".to_owned(), fix));
    }
    let never = match address {
        IpAddr::V4(a) if a.is_broadcast() => Some("the broadcast address"),
        IpAddr::V6(a) if a.to_ipv4_mapped().is_some() => Some("an IPv4 address in IPv6 form"),
        IpAddr::V4(_) | IpAddr::V6(_) => None,
    };
    let never = never
        .or_else(|| address.is_unspecified().then_some("unspecified"))
        .or_else(|| address.is_multicast().then_some("multicast"));
    if let Some(why) = never {
        return Some((why.to_owned(), FIX));
    }
    let special = special::reason(&IpNet::from(address)).filter(|_| setting == Setting::Live)?;
    Some((special.to_owned(), "write a public address; lab: true allows others"))
}

type Keys<'a> = Layers<'a, Options>;

impl Keys<'_> {
    fn broken(self) -> bool {
        self.common.broken || self.own.is_some_and(|own| own.broken)
    }
}

fn session(
    name: Arc<str>,
    (peer_address, local_address): (IpAddr, IpAddr),
    (mark, keys, md5): (Mark, Keys<'_>, Option<&Md5Key>),
    connected: Connected<'_>,
    faults: &mut Faults,
) -> SessionPlan {
    let transport = if peer_address.is_ipv4() { Family::Ipv4 } else { Family::Ipv6 };
    let families = keys.value(|o| o.families).unwrap_or_else(|| PerFamily::from_fn(|f| f == transport));
    let extended_next_hop =
        transport == Family::Ipv6 && families.ipv4 && keys.value(|o| o.extended_next_hop).unwrap_or_default();
    let next_hop = PerFamily::from_fn(|family| match *families.get(family) {
        false => None,
        true if family == transport => Some(own_next_hop(local_address, keys, connected.setting, faults)),
        true => {
            let given = other_next_hop(family, keys, connected.setting, faults);
            if given.is_none() && !extended_next_hop && !keys.broken() {
                let mark = keys.get(|o| o.families).map_or(mark, |at| at.mark);
                no_next_hop(family, &name, mark, faults);
            }
            given
        }
    });
    if let Some(at) =
        keys.own.and_then(|own| own.extended_next_hop).filter(|at| at.value && !extended_next_hop)
    {
        unused_extended_next_hop(at.mark, faults);
    }
    if let Some(at) = keys.own.and_then(|own| *own.next_hop.get(transport))
        && !may_choose(local_address, connected.setting)
    {
        let what = format!("next_hop_{} has no use here", version(transport));
        let fix = "remove it: the session's own address is the next hop of its own family; lab: true allows another";
        faults.error(at.mark, what, fix);
    }
    if let Some(At { value: 0, mark }) = keys.get(|o| o.hold_time) {
        let fix = "write a hold time of 3 s or more, unless the peer insists";
        faults.warning(mark, "with hold_time 0 a peer that is gone is never noticed", fix);
    }
    let hold_time = keys.value(|o| o.hold_time).unwrap_or(HOLD_TIME);
    let protocol = Layers { own: keys.own.map(|own| &own.protocol), common: &keys.common.protocol };
    SessionPlan {
        name,
        connection: Arc::clone(&connected.connection.name),
        peering: Arc::clone(&connected.peering.name),
        peering_location: connected.peering.peering_location.clone(),
        connection_state: connected.connection.state,
        policy_group: connected.connection.policy_group,
        peer_address,
        peer_port: keys.value(|o| o.peer_port).unwrap_or(PEER_PORT),
        local_address,
        peer_asn: connected.peering.peer_asn,
        is_route_server: connected.connection.policy_group.has_route_servers(),
        passive: keys.value(|o| o.passive).unwrap_or(false),
        hold_time,
        connect_retry: Duration::from_secs(
            keys.value(|o| o.connect_retry).unwrap_or(CONNECT_RETRY_SECS).into(),
        ),
        families,
        add_path_receive: keys.value(|o| o.add_path_receive).unwrap_or(false),
        extended_next_hop,
        next_hop,
        max_prefixes: PerFamily::from_fn(|family| {
            let limit = keys.value(|o| *o.max_prefixes.get(family));
            limit.unwrap_or(Some(*MAX_PREFIXES.get(family)))
        }),
        transport: TransportPlan {
            md5_key: md5.cloned(),
            md5_key_file: keys.get(|o| o.transport.md5_key_file.clone()).map(|at| at.value.into()),
            ttl_security_hops: keys.value(|o| o.transport.ttl_security_hops),
            // Off a lab the two ends have been found to be on one link, or on one exchange.
            is_on_link: connected.setting == Setting::Live,
            interface: keys.value(|o| o.transport.interface.clone()).map(Into::into),
            range: None,
            session_prefix: None,
        },
        protocol: protocol.resolve(hold_time, faults),
        graceful_restart: restart::meant(keys.get(|o| o.graceful_restart), faults),
    }
}

/// Whether the next hop of the transport's own family may be another than our end: in a lab, where our end may be
/// loopback, and over link-local addresses, of which our end is only the half (RFC 2545 §3).
fn may_choose(local: IpAddr, setting: Setting) -> bool {
    setting == Setting::Lab || is_link_local(local)
}

/// The next hop of the transport's own family: our end, or the one that the config chose.
fn own_next_hop(local: IpAddr, keys: Keys<'_>, setting: Setting, faults: &mut Faults) -> IpAddr {
    let family = if local.is_ipv4() { Family::Ipv4 } else { Family::Ipv6 };
    match keys.get(|o| *o.next_hop.get(family)).filter(|_| may_choose(local, setting)) {
        Some(at) => {
            check_next_hop(at, setting, faults);
            at.value
        }
        None => local,
    }
}

/// The next hop of the family that is not the transport's own, where one is given.
fn other_next_hop(family: Family, keys: Keys<'_>, setting: Setting, faults: &mut Faults) -> Option<IpAddr> {
    let at = keys.get(|o| *o.next_hop.get(family))?;
    check_next_hop(at, setting, faults);
    Some(at.value)
}

fn no_next_hop(family: Family, session: &str, mark: Mark, faults: &mut Faults) {
    let (over, fix) = match family {
        Family::Ipv4 => (
            "IPv4 routes over an IPv6 session",
            "add next_hop_v4 with an IPv4 address of this router, or extended_next_hop: true",
        ),
        Family::Ipv6 => {
            ("IPv6 routes over an IPv4 session", "add next_hop_v6 with an IPv6 address of this router")
        }
    };
    // A session's name begins with that of its connection, which may be missing.
    let session = if session.starts_with('-') { "the session" } else { session };
    let what = format!("{session} offers {family}, and {over} have no next hop");
    faults.error(mark, what, format!("{fix}, or take {family} out of families"));
}

fn unused_extended_next_hop(mark: Mark, faults: &mut Faults) {
    let fix = "add ipv4 to the families of an IPv6 session, or remove it";
    faults.warning(mark, "extended_next_hop is not used", fix);
}

fn check_next_hop(at: At<IpAddr>, setting: Setting, faults: &mut Faults) {
    if let Some((why, fix)) = address_refusal(at.value, setting) {
        faults.error(at.mark, format!("{} as next hop is {why}", at.value), fix);
    }
}

/// Next hops that no session takes.
fn unused_next_hops(written: &BgpSession, sessions: &[SessionPlan], setting: Setting, faults: &mut Faults) {
    let mut own = written.own.ipv4.iter().chain(&written.own.ipv6);
    if written.common.broken || own.any(|own| own.broken) {
        return;
    }
    if let Some(at) = written.common.extended_next_hop.filter(|at| at.value)
        && !sessions.iter().any(|s| s.extended_next_hop)
    {
        unused_extended_next_hop(at.mark, faults);
    }
    let transport = |s: &SessionPlan| if s.peer_address.is_ipv4() { Family::Ipv4 } else { Family::Ipv6 };
    let takes = |s: &SessionPlan, family: Family| {
        *s.families.get(family) && (transport(s) != family || may_choose(s.local_address, setting))
    };
    for family in Family::ALL {
        if let Some(at) = *written.common.next_hop.get(family)
            && !sessions.iter().any(|s| takes(s, family))
        {
            let what = format!("next_hop_{} is not used", version(family));
            let fix =
                format!("add {family} to the families of a session over the other transport, or remove it");
            faults.warning(at.mark, what, fix);
        }
        for session in sessions.iter().filter(|s| !takes(s, family)) {
            let own = written.own.get(transport(session)).as_ref();
            if let Some(at) = own.and_then(|own| *own.next_hop.get(family)) {
                let what = format!("next_hop_{} is not used", version(family));
                let fix = format!("add {family} to the families of this session, or remove it");
                faults.warning(at.mark, what, fix);
            }
        }
    }
}
