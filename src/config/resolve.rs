//! As written → as meant: defaults filled in, names and numbers checked, peering by peering.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use super::connection::resolve_connection;
use super::faults::{At, Faults};
use super::names::{Names, claim, once};
use super::registered::{Registered, Registering};
use super::session::{Connected, Sessions, sessions};
use super::setting::{Setting, asn_refusal};
use super::transport::Md5Policy;
use super::unique::Unique;
use super::written::{Peering, Written};
use super::{
    Limits, PeeringPlan, Plan, PolicyPlan, RangePlan, RouterPlan, SessionPlan, advice, origin, peer_asn,
};
use crate::peering::{DirectPeeringType, Kind};
use crate::wire::Asn;

/// Microsoft's network.
pub(super) const DEFAULT_ASN: Asn = Asn(8075);
/// What a Unix socket's address holds, without its closing zero.
const MAX_SOCKET_PATH: usize = 107;
const CONTROL_SOCKET: &str = "/run/peeringd/control.sock";
const STATE_DIR: &str = "/var/lib/peeringd";
const RECEIVED_PREFIXES: u64 = 1_000_000;

/// The plan, as far as it can be made; it is only to be used where no error was recorded.
pub(super) fn resolve(written: &Written, file: &Path, faults: &mut Faults) -> Plan {
    let lab = written.lab.is_some_and(|lab| lab.value);
    let setting = if lab { Setting::Lab } else { Setting::Live };
    let folder = file.parent().unwrap_or_else(|| Path::new(""));
    let beside = |path: Option<&At<PathBuf>>, default: &str| {
        cleaned(&folder.join(path.map_or_else(|| Path::new(default), |path| path.value.as_path())))
    };
    let router = router(written, setting, faults);
    let control_socket = beside(written.control_socket.as_ref(), CONTROL_SOCKET);
    if control_socket.as_os_str().len() > MAX_SOCKET_PATH {
        let mark = written.control_socket.as_ref().map_or(written.mark, |at| at.mark);
        let what = format!("the control socket's path has {} bytes", control_socket.as_os_str().len());
        faults.error(mark, what, format!("choose one of {MAX_SOCKET_PATH} bytes at most"));
    }
    let mut plan = Plan {
        file: file.to_owned(),
        rib: beside(written.rib.as_ref(), ""),
        http: written.http.map(|http| http.value),
        control_socket,
        state_dir: beside(written.state_dir.as_ref(), STATE_DIR),
        lab,
        limits: Limits {
            received_prefixes: written.received_prefixes.map_or(RECEIVED_PREFIXES, |at| at.value),
        },
        peer_asns: peer_asn::resolve(&written.peer_asns, setting, faults),
        policy: written.policy.plan.clone(),
        origin: origin::meant(&written.origin, folder, faults),
        peerings: Vec::new(),
        sessions: Vec::new(),
        ranges: Vec::new(),
        router,
    };
    let md5 = Md5Policy { is_allowed: written.policy.allow_md5, folder: folder.to_owned() };
    let takes_longer = plan.policy.accept_longer_than_24;
    let registering = Registering { us: plan.router.asn, setting, takes_longer };
    let us = Us { asn: plan.router.asn, setting, registering, md5, policy: plan.policy.clone() };
    let mut names = Names::default();
    let (mut unique, mut registered) = (Unique::default(), Registered::default());
    for peering in written.peerings.iter().flatten() {
        peer_asn::check_approved(peering.peer_asn, &plan.peer_asns, faults);
        let (peering, sessions, ranges) =
            resolve_peering(peering, &us, &mut names, (&mut unique, &mut registered), faults);
        plan.peerings.push(Arc::new(peering));
        plan.sessions.extend(sessions);
        plan.ranges.extend(ranges);
    }
    unique.check(faults);
    registered.check(faults);
    if written.peerings.is_none() {
        faults.warning(written.mark, "there are no peerings", "add some: without them nobody is spoken to");
    }
    plan
}

/// The path without `dir/..`, as far as `dir` is a real folder: of a link, `..` is another folder.
fn cleaned(path: &Path) -> PathBuf {
    let mut clean = PathBuf::new();
    for part in path.components() {
        let goes_back = part == Component::ParentDir
            && matches!(clean.components().next_back(), Some(Component::Normal(_)))
            && clean.symlink_metadata().is_ok_and(|metadata| metadata.is_dir());
        if goes_back {
            clean.pop();
        } else {
            clean.push(part);
        }
    }
    clean
}

fn router(written: &Written, setting: Setting, faults: &mut Faults) -> RouterPlan {
    let asn = written.asn.map_or(DEFAULT_ASN, |asn| asn.value);
    if let Some(At { mark, .. }) = written.asn
        && let Some((why, fix)) = asn_refusal(asn, setting)
    {
        faults.error(mark, format!("asn {asn} is {why}"), fix);
    }
    let router_id = written.router_id.map_or(Ipv4Addr::UNSPECIFIED, |id| id.value);
    if let Some(At { mark, .. }) = written.router_id
        && (router_id.is_unspecified() || router_id.is_multicast() || router_id.is_broadcast())
    {
        let fix = "write an IPv4 address that no other router has, like one of this router's own";
        faults.error(mark, format!("router_id {router_id} identifies no router (RFC 6286)"), fix);
    }
    RouterPlan { asn, router_id, listen: listen(written, setting, faults) }
}

fn listen(written: &Written, setting: Setting, faults: &mut Faults) -> Vec<SocketAddr> {
    let mut taken: Vec<At<SocketAddr>> = Vec::new();
    let router = written.listen.as_deref().unwrap_or_default();
    for (key, at) in
        router.iter().map(|at| ("listen", at)).chain(written.http.iter().map(|at| ("http.listen", at)))
    {
        let (address, mark) = (at.value, at.mark);
        if address.port() == 0 && setting == Setting::Live {
            let fix = "name the port; any free one (0) is for labs";
            faults.error(mark, format!("{key} {address} has no port"), fix);
        }
        if address.ip().is_multicast() {
            faults.error(mark, format!("{key} {address} is multicast"), "write an address of this machine");
        }
        if let Some(other) = taken.iter().find(|other| collide(other.value, address)) {
            let what = format!("{key} {address} collides with {} at {}", other.value, faults.at(other.mark));
            faults.error(mark, what, "keep one of the two, or give them different ports");
        }
        taken.push(*at);
    }
    match &written.listen {
        None => vec![
            SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 179),
            SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 179),
        ],
        Some(listen) => {
            if listen.is_empty() && faults.count() == 0 {
                let fix = "name at least one address and port, or remove the key for port 179 on all";
                faults.error(written.mark, "router.listen is empty", fix);
            }
            listen.iter().map(|at| at.value).collect()
        }
    }
}

/// Whether two sockets cannot both listen: the same port, and the same address or one that means all of its family.
fn collide(a: SocketAddr, b: SocketAddr) -> bool {
    let all = a.ip().is_unspecified() || b.ip().is_unspecified();
    a.port() == b.port() && a.port() != 0 && a.is_ipv4() == b.is_ipv4() && (all || a.ip() == b.ip())
}

/// What holds for every peering.
struct Us {
    asn: Asn,
    setting: Setting,
    registering: Registering,
    md5: Md5Policy,
    policy: PolicyPlan,
}

/// A peering, its sessions and its ranges.
type Resolved = (PeeringPlan, Vec<Arc<SessionPlan>>, Vec<Arc<RangePlan>>);

fn resolve_peering(
    written: &Peering,
    us: &Us,
    names: &mut Names,
    (unique, registered): (&mut Unique, &mut Registered),
    faults: &mut Faults,
) -> Resolved {
    let setting = us.setting;
    let before = faults.count();
    let kind = written.kind.map_or(Kind::Direct, |kind| kind.value);
    let direct_peering_type = written.direct_peering_type.map_or(DirectPeeringType::Edge, |kind| kind.value);
    if let (Kind::Exchange, Some(At { mark, .. })) = (kind, written.direct_peering_type) {
        faults.error(mark, "direct_peering_type on an exchange peering", "remove it, or write kind: direct");
    }
    let mut peering = PeeringPlan {
        name: claim(&mut names.peerings, "peering", written.name.as_ref(), faults),
        kind,
        direct_peering_type,
        peering_service: written.peering_service.is_some_and(|at| at.value),
        is_legacy: written.legacy.is_some_and(|at| at.value),
        maps_agreement: written.maps_agreement.map(|at| at.value),
        own_announcements: written.own_announcements.is_some_and(|at| at.value),
        peer_asn: peer_asn(written, us.asn, setting, faults),
        peering_location: written.peering_location.as_ref().map(|at| at.value.as_str().into()),
        location: written.location.as_ref().map(|at| at.value.as_str().into()),
        tags: written
            .tags
            .iter()
            .map(|(name, value)| (name.as_str().into(), value.as_str().into()))
            .collect(),
        registered_prefixes: once(&written.registered_prefixes, |r| r.prefix, "registered prefix", faults),
        registered_asns: once(&written.registered_asns, |r| r.asn, "registered ASN", faults),
        peering_service_prefixes: once(
            &written.peering_service_prefixes,
            |p| p.prefix,
            "Peering Service prefix",
            faults,
        ),
        connections: Vec::with_capacity(written.connections.len()),
    };
    onboarding(written, &peering, faults);
    registered.peering(written, &peering, us.registering, faults);
    let (mut all_sessions, mut all_ranges) = (Vec::new(), Vec::new());
    for written in &written.connections {
        let mut connection = resolve_connection(written, (&peering, &us.policy), names, faults);
        let connected = Connected { peering: &peering, connection: &connection, setting, md5: &us.md5 };
        let Sessions { named, ranges } = sessions(written, connected, unique, faults);
        unique.connection(written.name.as_ref(), &named);
        connection.sessions = named.iter().map(|session| Arc::clone(&session.name)).collect();
        peering.connections.push(Arc::new(connection));
        all_sessions.extend(named.into_iter().map(Arc::new));
        all_ranges.extend(ranges.into_iter().map(Arc::new));
    }
    // What looks missing may be there, and wrong.
    if !written.broken && faults.count() == before {
        let spoken: Vec<_> = all_sessions
            .iter()
            .cloned()
            .chain(all_ranges.iter().map(|range| Arc::clone(&range.template)))
            .collect();
        advice::peering(written, &peering, (&spoken, setting), faults);
    }
    (peering, all_sessions, all_ranges)
}

/// Legacy → resource → Peering Service, in this order.
fn onboarding(written: &Peering, peering: &PeeringPlan, faults: &mut Faults) {
    let Some(At { mark, .. }) = written.peering_service.filter(|at| at.value) else { return };
    if peering.is_legacy {
        let fix = "convert it first: remove legacy: true, reload, and then use it for Peering Service";
        faults.error(mark, "peering_service on a legacy peering", fix);
    }
    if peering.maps_agreement == Some(false) {
        let fix = "have the agreement signed, or remove peering_service";
        faults.error(mark, "peering_service without a signed agreement (maps_agreement: false)", fix);
    }
}

fn peer_asn(written: &Peering, our_asn: Asn, setting: Setting, faults: &mut Faults) -> Asn {
    let Some(At { value: asn, mark }) = written.peer_asn else { return Asn(0) };
    if asn == our_asn {
        let fix = "write the partner's ASN: sessions here are between networks";
        faults.error(mark, format!("peer_asn {asn} is our own"), fix);
    } else if let Some((why, fix)) = asn_refusal(asn, setting) {
        faults.error(mark, format!("peer_asn {asn} is {why}"), fix);
    }
    asn
}
