//! The far end of a connection: everything that the config says of it, turned round, in no router's language.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::Path;
use std::sync::Arc;

use ipnet::IpNet;
use sha2::{Digest as _, Sha256};
use thiserror::Error;

use crate::config::{ConnectionPlan, PeeringPlan, Plan, SessionPlan};
use crate::peering::{DirectPeeringType, Kind, on_one_link};
use crate::wire::{Asn, Family, PerFamily, Role};

/// The port that BGP has where nothing else is said.
pub(super) const PORT: u16 = 179;
/// Names are cut to this, so that with what is put behind them they stay within BIRD's 64 characters.
const MAX_TAG: usize = 40;

/// What the config does not know of the router.
pub(super) struct Choice<'a> {
    pub(super) router_id: Option<Ipv4Addr>,
    pub(super) interface: Option<&'a str>,
    pub(super) next_hops: &'a [IpAddr],
    pub(super) peer_addresses: &'a [IpAddr],
}

/// Why there is no config; the text is for the operator.
#[derive(PartialEq, Eq, Debug, Error)]
pub(super) enum Refusal {
    #[error("there is no connection {name}: the config has {}", listed(.known))]
    NoConnection { name: String, known: Vec<String> },
    #[error("the connection {0} has no session: give it a session prefix or addresses")]
    NoSession(String),
    #[error("the connection {connection} takes peers from {range}: say which one this is, by --peer-address")]
    NoPeerAddress { connection: String, range: IpNet },
    #[error("--peer-address {address} is no peer of the connection {connection}, which has {}", listed(.known))]
    NotAPeer { connection: String, address: IpAddr, known: Vec<String> },
    #[error(
        "{one} and {other} are both peers of {microsoft}, so of two routers: say which this is, by --peer-address"
    )]
    TwoRouters { one: IpAddr, other: IpAddr, microsoft: IpAddr },
    #[error("the session {0} is over link-local addresses: name the router's own interface, by --interface")]
    NoInterface(String),
    #[error(
        "--interface {interface} has no meaning: it is for sessions over link-local addresses (fe80::), and the connection \
         {connection} has none: leave it out"
    )]
    IdleInterface { interface: String, connection: String },
    #[error(
        "--next-hop {address} has no meaning: it is for {family} routes on a session over {} without extended_next_hop, and the \
         connection {connection} has none: leave it out", other(*.family)
    )]
    IdleNextHop { address: IpAddr, family: Family, connection: String },
    #[error("--next-hop {0} is link-local, and no next hop by itself: give a global address of the router's")]
    LinkLocalNextHop(IpAddr),
    #[error("--next-hop has two {0} addresses: give one, which holds for all sessions of the connection")]
    TwoNextHops(Family),
    #[error("the peering gives the router no IPv4 address to be known by: choose one by --router-id")]
    NoRouterId,
    #[error("{0} identifies no router of the partner's (RFC 6286): choose one of its own by --router-id")]
    RouterId(Ipv4Addr),
}

fn other(family: Family) -> Family {
    match family {
        Family::Ipv4 => Family::Ipv6,
        Family::Ipv6 => Family::Ipv4,
    }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

/// The router at the far end of a connection.
pub(super) struct FarEnd<'a> {
    pub(super) connection: &'a ConnectionPlan,
    pub(super) peering: &'a PeeringPlan,
    /// The connection's name, as long as every language takes it.
    pub(super) tag: String,
    pub(super) microsoft: Asn,
    pub(super) router_id: Ipv4Addr,
    /// Never empty.
    pub(super) sessions: Vec<FarSession>,
    /// The peering's other connections, in the order of the file.
    pub(super) others: Vec<&'a ConnectionPlan>,
    /// What is announced: in order, each once.
    pub(super) registered: PerFamily<Vec<IpNet>>,
    /// Of a route server: whose routes are announced, in order.
    pub(super) registered_asns: Vec<Asn>,
    /// The most prefixes to take from Microsoft on a session: as many as one is to be told.
    pub(super) max_prefixes: PerFamily<u64>,
    /// The router is a route server: it puts its own ASN in no path.
    pub(super) is_route_server: bool,
}

/// One of its sessions.
pub(super) struct FarSession {
    /// The session's name, with the connection's [tag](FarEnd::tag) in it.
    pub(super) name: String,
    pub(super) own: SocketAddr,
    pub(super) microsoft: SocketAddr,
    pub(super) reach: Reach,
    pub(super) hold_time: u16,
    pub(super) families: PerFamily<bool>,
    /// Where IPv4 routes ride on an IPv6 session: both sides say by RFC 8950 that they take its address as next hop.
    pub(super) extended_next_hop: bool,
    /// The next hop to say, of a family that the session's own address cannot give; none: nothing is known.
    pub(super) other_next_hop: Option<IpAddr>,
    /// GTSM: how many hops Microsoft may be away.
    pub(super) ttl_security_hops: Option<u8>,
    pub(super) md5_key_file: Option<Arc<Path>>,
    pub(super) role: Option<FarRole>,
}

/// What the router is to Microsoft (RFC 9234).
pub(super) struct FarRole {
    pub(super) role: Role,
    /// Microsoft refuses a router that says nothing of it.
    pub(super) is_required: bool,
}

/// How the router gets to Microsoft's address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Reach {
    /// It is on one of its networks.
    Link,
    /// By link-local addresses on this interface.
    Interface(String),
    /// By a route, as in labs.
    Route,
}

impl FarSession {
    pub(super) fn transport(&self) -> Family {
        if self.own.is_ipv4() { Family::Ipv4 } else { Family::Ipv6 }
    }

    /// The families that it carries.
    pub(super) fn carried(&self) -> impl Iterator<Item = Family> + '_ {
        Family::ALL.into_iter().filter(|family| *self.families.get(*family))
    }

    /// The name of what is told apart by session and family.
    pub(super) fn named(&self, family: Family, what: &str) -> String {
        if family == self.transport() {
            format!("{}-{what}", self.name)
        } else {
            format!("{}-{family}-{what}", self.name)
        }
    }

    /// The next hop to say with routes of a family: none where the router's own choice, its address, is right.
    pub(super) fn next_hop(&self, family: Family) -> Option<IpAddr> {
        self.other_next_hop.filter(|_| !self.is_own_next_hop(family))
    }

    /// Whether the next hop of a family must be another than the session's own address, and is not known.
    pub(super) fn lacks_next_hop(&self, family: Family) -> bool {
        self.other_next_hop.is_none() && !self.is_own_next_hop(family)
    }

    fn is_own_next_hop(&self, family: Family) -> bool {
        family == self.transport() || (family == Family::Ipv4 && self.extended_next_hop)
    }
}

impl FarEnd<'_> {
    /// The name of a connection's list of registered prefixes of a family.
    pub(super) fn registered_name(&self, family: Family) -> String {
        format!("{}-registered-{family}", self.tag)
    }

    /// Whether anything of a family may be announced.
    pub(super) fn announces(&self, family: Family) -> bool {
        !self.registered.get(family).is_empty() || !self.registered_asns.is_empty()
    }

    /// The registered prefixes of every family that a session carries.
    pub(super) fn originated(&self) -> impl Iterator<Item = (Family, &[IpNet])> {
        let is_carried = |family: Family| self.sessions.iter().any(|session| *session.families.get(family));
        let all = Family::ALL.into_iter().filter(move |family| is_carried(*family));
        all.map(|family| (family, self.registered.get(family).as_slice()))
            .filter(|(_, list)| !list.is_empty())
    }
}

impl<'a> FarEnd<'a> {
    pub(super) fn of(plan: &'a Plan, name: &str, choice: &Choice<'_>) -> Result<Self, Refusal> {
        let (peering, connection) = find(plan, name)?;
        let plans = session_plans(plan, connection, choice.peer_addresses)?;
        let tag = tag(name);
        let mut sessions = Vec::with_capacity(plans.len());
        for session in &plans {
            sessions.push(far_session(plan, session, &plans, &tag, choice)?);
        }
        check_choice(choice, name, &sessions)?;
        let of_peering = plan.sessions.iter().filter(|session| session.peering == peering.name);
        let router_id = choice
            .router_id
            .or_else(|| plans.iter().find_map(ipv4))
            .or_else(|| of_peering.map(Arc::as_ref).find_map(ipv4))
            .ok_or(Refusal::NoRouterId)?;
        let is_ours = plans.iter().any(|session| session.local_address == router_id)
            || router_id == plan.router.router_id;
        if is_ours || router_id.is_unspecified() || router_id.is_multicast() || router_id.is_broadcast() {
            return Err(Refusal::RouterId(router_id));
        }
        let registered = peering.registered_prefixes.iter().map(|registered| registered.prefix);
        let (mut v4, mut v6): (Vec<_>, Vec<_>) = registered.partition(|prefix| prefix.addr().is_ipv4());
        v4.sort();
        v6.sort();
        let mut registered_asns: Vec<_> = peering.registered_asns.iter().map(|asn| asn.asn).collect();
        registered_asns.sort();
        Ok(Self {
            connection,
            peering,
            tag,
            microsoft: plan.router.asn,
            router_id,
            sessions,
            others: peering
                .connections
                .iter()
                .map(Arc::as_ref)
                .filter(|other| other.name != connection.name)
                .collect(),
            registered: PerFamily { ipv4: v4, ipv6: v6 },
            registered_asns,
            max_prefixes: plan.policy.announcement_budget,
            is_route_server: peering.kind == Kind::Direct
                && peering.direct_peering_type == DirectPeeringType::IxRs,
        })
    }
}

/// Nothing that is said is without effect in silence.
fn check_choice(choice: &Choice<'_>, connection: &str, sessions: &[FarSession]) -> Result<(), Refusal> {
    let connection = || connection.to_owned();
    let is_local = |session: &FarSession| matches!(session.reach, Reach::Interface(_));
    if let Some(interface) = choice.interface.filter(|_| !sessions.iter().any(is_local)) {
        return Err(Refusal::IdleInterface { interface: interface.to_owned(), connection: connection() });
    }
    for (nth, address) in choice.next_hops.iter().copied().enumerate() {
        let family = if address.is_ipv4() { Family::Ipv4 } else { Family::Ipv6 };
        if is_link_local(address) {
            return Err(Refusal::LinkLocalNextHop(address));
        }
        if choice.next_hops.iter().take(nth).any(|before| before.is_ipv4() == address.is_ipv4()) {
            return Err(Refusal::TwoNextHops(family));
        }
        let needs =
            |session: &FarSession| session.carried().any(|of| of == family && session.next_hop(of).is_some());
        if !sessions.iter().any(needs) {
            return Err(Refusal::IdleNextHop { address, family, connection: connection() });
        }
    }
    Ok(())
}

fn find<'a>(plan: &'a Plan, name: &str) -> Result<(&'a PeeringPlan, &'a ConnectionPlan), Refusal> {
    let all =
        || plan.peerings.iter().flat_map(|peering| peering.connections.iter().map(move |c| (peering, c)));
    let found = all().find(|(_, connection)| &*connection.name == name);
    found.map(|(peering, connection)| (&**peering, &**connection)).ok_or_else(|| Refusal::NoConnection {
        name: name.to_owned(),
        known: all().map(|(_, connection)| connection.name.to_string()).collect(),
    })
}

/// The sessions of the connection with the router: all of them, or those of the given addresses, which may be out of its
/// ranges.
fn session_plans(
    plan: &Plan,
    connection: &ConnectionPlan,
    peer_addresses: &[IpAddr],
) -> Result<Vec<SessionPlan>, Refusal> {
    let name = || connection.name.to_string();
    let named =
        || plan.sessions.iter().map(Arc::as_ref).filter(|session| session.connection == connection.name);
    let ranges = || plan.ranges.iter().filter(|range| range.template.connection == connection.name);
    let plans: Vec<SessionPlan> = if peer_addresses.is_empty() {
        named().cloned().collect()
    } else {
        let find = |address: &IpAddr| {
            let session = named().find(|session| session.peer_address == *address).cloned();
            let of_range =
                || ranges().find(|range| range.takes(*address)).map(|range| range.session(*address));
            session.or_else(of_range).ok_or_else(|| Refusal::NotAPeer {
                connection: name(),
                address: *address,
                known: named()
                    .map(|session| session.peer_address.to_string())
                    .chain(ranges().map(|range| range.range.to_string()))
                    .collect(),
            })
        };
        peer_addresses.iter().map(find).collect::<Result<_, _>>()?
    };
    match (plans.is_empty(), ranges().next()) {
        (false, _) => one_router(plans),
        (true, Some(range)) => Err(Refusal::NoPeerAddress { connection: name(), range: range.range }),
        (true, None) => Err(Refusal::NoSession(name())),
    }
}

/// A router has one session with an address of Microsoft's.
fn one_router(plans: Vec<SessionPlan>) -> Result<Vec<SessionPlan>, Refusal> {
    let mut seen: HashMap<IpAddr, IpAddr> = HashMap::new();
    for plan in &plans {
        let (microsoft, other) = (plan.local_address, plan.peer_address);
        if let Some(one) = seen.insert(microsoft, other) {
            return Err(Refusal::TwoRouters { one, other, microsoft });
        }
    }
    Ok(plans)
}

fn ipv4(session: &SessionPlan) -> Option<Ipv4Addr> {
    match session.peer_address {
        IpAddr::V4(address) => Some(address),
        IpAddr::V6(_) => None,
    }
}

fn far_session(
    plan: &Plan,
    session: &SessionPlan,
    all: &[SessionPlan],
    tag: &str,
    choice: &Choice<'_>,
) -> Result<FarSession, Refusal> {
    let (own, microsoft) = (session.peer_address, session.local_address);
    let reach = match (own, choice.interface) {
        (IpAddr::V6(address), Some(interface)) if address.is_unicast_link_local() => {
            Reach::Interface(interface.to_owned())
        }
        (IpAddr::V6(address), None) if address.is_unicast_link_local() => {
            return Err(Refusal::NoInterface(session.name.to_string()));
        }
        // Off a lab the ends have been found to be on one link, or on one exchange.
        (_, _) if session.transport.is_on_link || (on_one_link(own, microsoft) && !own.is_loopback()) => {
            Reach::Link
        }
        (_, _) => Reach::Route,
    };
    // Without a choice, the connection's other session has the address of the other family.
    let other_next_hop = choice.next_hops.iter().copied().chain(all.iter().map(|other| other.peer_address));
    let other_next_hop =
        other_next_hop.filter(|ip| ip.is_ipv4() != own.is_ipv4()).find(|ip| !is_link_local(*ip));
    // What follows the connection's name tells its sessions apart, but for the colons of a range's addresses.
    let behind = session.name.strip_prefix(&*session.connection).unwrap_or(&session.name).replace(':', ".");
    Ok(FarSession {
        name: format!("{tag}{behind}"),
        own: SocketAddr::new(own, session.peer_port),
        microsoft: SocketAddr::new(microsoft, listening_port(plan, microsoft)),
        reach,
        hold_time: session.hold_time,
        families: session.families,
        extended_next_hop: session.extended_next_hop,
        other_next_hop,
        ttl_security_hops: session.transport.ttl_security_hops,
        md5_key_file: session.transport.md5_key_file.clone(),
        role: session
            .protocol
            .local_role
            .map(|ours| FarRole { role: ours.counterpart(), is_required: session.protocol.strict_role }),
    })
}

fn is_link_local(address: IpAddr) -> bool {
    matches!(address, IpAddr::V6(address) if address.is_unicast_link_local())
}

/// The port on which Microsoft listens at an address.
fn listening_port(plan: &Plan, address: IpAddr) -> u16 {
    let listen = &plan.router.listen;
    let at = |wanted: IpAddr| listen.iter().find(|at| at.ip() == wanted);
    let any = listen.iter().find(|at| at.ip().is_unspecified() && at.is_ipv4() == address.is_ipv4());
    at(address).or(any).map_or(PORT, SocketAddr::port)
}

/// A connection's name, or what tells it from all others where it is too long.
fn tag(name: &str) -> String {
    if name.len() <= MAX_TAG {
        return name.to_owned();
    }
    let hash: String = Sha256::digest(name).iter().take(4).map(|byte| format!("{byte:02x}")).collect();
    // Names are ASCII.
    let begin: String = name.chars().take(MAX_TAG.saturating_sub(hash.len() + 1)).collect();
    format!("{begin}-{hash}")
}
