//! OpenBGPD 7.

use std::net::IpAddr;

use super::header::{Joining, ORIGINATED, by_hand, header};
use super::model::{FarEnd, FarSession, PORT, Reach};
use super::page::Page;
use crate::wire::{Family, Role};

/// OpenBGPD 7 takes no longer description of a neighbor.
const MAX_DESCR: usize = 31;

pub(super) fn config(far: &FarEnd<'_>) -> String {
    let mut page = Page::new("#", "\t");
    header(&mut page, far, "OpenBGPD 7", Joining::Whole);
    page.blank();
    page.line(format!("AS {}", far.peering.peer_asn));
    page.line(format!("router-id {}", far.router_id));
    for session in &far.sessions {
        let port =
            if session.own.port() == PORT { String::new() } else { format!(" port {}", session.own.port()) };
        page.line(format!("listen on {}{port}", scoped(session, session.own.ip().to_string())));
    }
    originate(&mut page, far);
    for session in &far.sessions {
        neighbor(&mut page, far, session);
    }
    for session in &far.sessions {
        rules(&mut page, far, session);
    }
    page.finish()
}

/// An address with the interface that a link-local one needs.
fn scoped(session: &FarSession, address: String) -> String {
    match &session.reach {
        Reach::Interface(name) => format!("\"{address}%{name}\""),
        Reach::Link | Reach::Route => address,
    }
}

fn peer(session: &FarSession) -> String {
    scoped(session, session.microsoft.ip().to_string())
}

fn originate(page: &mut Page, far: &FarEnd<'_>) {
    if far.originated().next().is_some() {
        page.heading(&[ORIGINATED]);
    }
    for (family, prefixes) in far.originated() {
        let name = far.registered_name(family);
        page.open(format!("prefix-set \"{name}\" {{"));
        for prefix in prefixes {
            page.line(prefix.to_string());
        }
        page.close("}");
        page.line(format!("network prefix-set \"{name}\" set localpref 1"));
    }
}

fn neighbor(page: &mut Page, far: &FarEnd<'_>, session: &FarSession) {
    page.blank();
    page.open(format!("neighbor {} {{", peer(session)));
    if session.name.len() <= MAX_DESCR {
        page.line(format!("descr \"{}\"", session.name));
    }
    page.line(format!("remote-as {}", far.microsoft));
    page.line(format!("local-address {}", scoped(session, session.own.ip().to_string())));
    if session.microsoft.port() != PORT {
        page.line(format!("port {}", session.microsoft.port()));
    }
    page.line(format!("holdtime {}", session.hold_time));
    for family in Family::ALL {
        let name = match family {
            Family::Ipv4 => "IPv4",
            Family::Ipv6 => "IPv6",
        };
        let kind = if *session.families.get(family) { "unicast" } else { "none" };
        page.line(format!("announce {name} {kind}"));
    }
    // It counts both families together.
    let most: u64 = session.carried().map(|family| far.max_prefixes.get(family)).sum();
    page.line(format!("max-prefix {most} restart 30"));
    match (&session.reach, session.ttl_security_hops) {
        (_, Some(1)) => {
            page.line("ttl-security yes");
            for (family, _) in other_next_hops(session) {
                page.comment(format!(
                    "By it OpenBGPD 7 has no way to say the next hop of {family} routes here: Microsoft gets"
                ));
                page.comment("none. They want a session of their own.");
            }
        }
        (_, Some(hops)) => {
            page.comment(format!(
                "Microsoft takes {hops} hops at most (GTSM), and this router knows of one hop only."
            ));
            page.line("multihop 255");
        }
        (Reach::Link | Reach::Interface(_), None) if !other_next_hops(session).is_empty() => {
            page.comment("One hop away, and told otherwise: OpenBGPD 7 sends a peer that is no next hop outside of its");
            page.comment("network, and so none of the other family, but ::1 or 127.0.0.1.");
            page.line("multihop 255");
        }
        (Reach::Route, None) => page.line("multihop 255"),
        (Reach::Link | Reach::Interface(_), None) => {}
    }
    by_hand(page, session, "tcp md5sig password KEY");
    if let Some(role) = &session.role {
        let enforce = if role.is_required { " enforce" } else { "" };
        page.line(format!("announce policy {}{enforce}", role_name(role.role)));
    }
    if session.extended_next_hop {
        page.comment("Microsoft offers IPv4 routes by way of IPv6 (RFC 8950), which OpenBGPD 7 has not.");
    }
    if far.is_route_server {
        page.line("transparent-as yes");
    }
    page.close("}");
}

/// The last rule that matches counts, but for those with quick.
fn rules(page: &mut Page, far: &FarEnd<'_>, session: &FarSession) {
    let peer = peer(session);
    page.heading(&["No default route, and none by way of ExpressRoute."]);
    page.line(format!("allow from {peer}"));
    page.line(format!("deny quick from {peer} AS 12076"));
    page.line(format!("deny quick from {peer} prefix {{ 0.0.0.0/0, ::/0 }}"));
    page.heading(&["What is registered, and nothing else."]);
    page.line(format!("deny to {peer}"));
    for family in session.carried().filter(|family| !far.registered.get(*family).is_empty()) {
        let name = far.registered_name(family);
        page.line(format!("allow to {peer} prefix-set \"{name}\" set community 8075:8007"));
    }
    if !far.registered_asns.is_empty() {
        let asns: Vec<_> = far.registered_asns.iter().map(ToString::to_string).collect();
        page.line(format!("allow to {peer} source-as {{ {} }} set community 8075:8007", asns.join(" ")));
    }
    for (family, hop) in other_next_hops(session) {
        let all = match family {
            Family::Ipv4 => "0.0.0.0/0",
            Family::Ipv6 => "::/0",
        };
        page.line(format!("match to {peer} prefix {all} or-longer set nexthop {hop}"));
        page.line(format!("match to {peer} prefix {all} or-longer set nexthop no-modify"));
    }
}

/// The next hops of the family that is not the session's own. OpenBGPD 7 takes any address of any interface for them, the
/// first of which is ::1, and to a peer one hop away it sends no other that is not in the peer's network.
fn other_next_hops(session: &FarSession) -> Vec<(Family, IpAddr)> {
    session.carried().filter_map(|family| Some((family, session.next_hop(family)?))).collect()
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Provider => "provider",
        Role::RouteServer => "rs",
        Role::RouteServerClient => "rs-client",
        Role::Customer => "customer",
        Role::Peer => "peer",
    }
}
