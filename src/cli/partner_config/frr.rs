//! FRR 8 and later, as commands for vtysh: it needs zebra, staticd and bgpd.

use super::header::{Joining, ORIGINATED, by_hand, header};
use super::model::{FarEnd, FarSession, PORT, Reach};
use super::page::Page;
use crate::wire::{Family, Role};

pub(super) fn config(far: &FarEnd<'_>) -> String {
    let mut page = Page::new("!", " ");
    header(&mut page, far, "FRR", Joining::Whole);
    page.comment("");
    page.comment("To load it: vtysh -f FILE");
    lists(&mut page, far);
    for session in &far.sessions {
        inbound(&mut page, far, session);
        outbound(&mut page, far, session);
    }
    originate(&mut page, far);
    page.blank();
    page.open(format!("router bgp {}", far.peering.peer_asn));
    page.line(format!("bgp router-id {}", far.router_id));
    for session in &far.sessions {
        neighbor(&mut page, far, session);
    }
    for family in Family::ALL {
        address_family(&mut page, far, family);
    }
    page.close("exit");
    page.finish()
}

/// `ip` or `ipv6`, as the commands begin.
fn ip(family: Family) -> &'static str {
    match family {
        Family::Ipv4 => "ip",
        Family::Ipv6 => "ipv6",
    }
}

fn default_route(family: Family) -> &'static str {
    match family {
        Family::Ipv4 => "0.0.0.0/0",
        Family::Ipv6 => "::/0",
    }
}

/// How the commands name the neighbor: FRR 8.4 finds one by a link-local address only by its interface.
fn peer(session: &FarSession) -> String {
    match &session.reach {
        Reach::Interface(name) => name.clone(),
        Reach::Link | Reach::Route => session.microsoft.ip().to_string(),
    }
}

fn lists(page: &mut Page, far: &FarEnd<'_>) {
    let tag = &far.tag;
    page.heading(&["No default route, and none by way of ExpressRoute."]);
    page.line(format!("bgp as-path access-list {tag}-expressroute seq 5 permit _12076_"));
    for family in Family::ALL {
        page.line(format!("{} prefix-list {tag}-default seq 5 permit {}", ip(family), default_route(family)));
    }
    if Family::ALL.into_iter().any(|family| far.announces(family)) {
        page.heading(&["What may be announced."]);
    }
    for family in Family::ALL {
        let name = far.registered_name(family);
        for (nth, prefix) in (1..).zip(far.registered.get(family)) {
            page.line(format!("{} prefix-list {name} seq {} permit {prefix}", ip(family), nth * 5));
        }
    }
    for (nth, asn) in (1..).zip(&far.registered_asns) {
        page.line(format!("bgp as-path access-list {tag}-registered seq {} permit _{asn}$", nth * 5));
    }
}

/// A route-map of numbered entries.
struct RouteMap<'a> {
    page: &'a mut Page,
    name: String,
    seq: u16,
}

impl RouteMap<'_> {
    fn entry(&mut self, action: &str, lines: &[String]) {
        self.seq = self.seq.saturating_add(10);
        self.page.open(format!("route-map {} {action} {}", self.name, self.seq));
        for line in lines {
            self.page.line(line);
        }
        self.page.close("exit");
    }
}

fn inbound(page: &mut Page, far: &FarEnd<'_>, session: &FarSession) {
    page.blank();
    let mut map = RouteMap { page, name: format!("{}-in", session.name), seq: 0 };
    map.entry("deny", &[format!("match as-path {}-expressroute", far.tag)]);
    for family in session.carried() {
        map.entry("deny", &[format!("match {} address prefix-list {}-default", ip(family), far.tag)]);
    }
    map.entry("permit", &[]);
}

fn outbound(page: &mut Page, far: &FarEnd<'_>, session: &FarSession) {
    const MARK: &str = "set community 8075:8007 additive";
    let mut map = RouteMap { page, name: format!("{}-out", session.name), seq: 0 };
    for family in session.carried().filter(|family| !far.registered.get(*family).is_empty()) {
        let matched = format!("match {} address prefix-list {}", ip(family), far.registered_name(family));
        let mut lines = vec![matched, MARK.to_owned()];
        match (family, session.next_hop(family)) {
            (_, None) => {}
            (Family::Ipv4, Some(hop)) => lines.push(format!("set ip next-hop {hop}")),
            (Family::Ipv6, Some(hop)) => lines.push(format!("set ipv6 next-hop global {hop}")),
        }
        map.entry("permit", &lines);
    }
    if !far.registered_asns.is_empty() {
        map.entry("permit", &[format!("match as-path {}-registered", far.tag), MARK.to_owned()]);
    }
    map.entry("deny", &[]);
}

fn originate(page: &mut Page, far: &FarEnd<'_>) {
    if far.originated().next().is_some() {
        page.heading(&[ORIGINATED]);
    }
    for (family, prefixes) in far.originated() {
        for prefix in prefixes {
            page.line(format!("{} route {prefix} blackhole 254", ip(family)));
        }
    }
}

fn neighbor(page: &mut Page, far: &FarEnd<'_>, session: &FarSession) {
    let peer = peer(session);
    page.line("!");
    match &session.reach {
        Reach::Interface(_) => {
            page.comment("FRR learns Microsoft's address by router advertisements on the link, of which peeringd sends");
            page.comment(
                "none itself: radvd does, or an FRR there with no ipv6 nd suppress-ra on the interface.",
            );
            page.line(format!("neighbor {peer} interface v6only remote-as {}", far.microsoft))
        }
        Reach::Link | Reach::Route => {
            page.line(format!("neighbor {peer} remote-as {}", far.microsoft));
            page.line(format!("neighbor {peer} update-source {}", session.own.ip()));
        }
    }
    page.line(format!("neighbor {peer} description {}", session.name));
    // A third, as RFC 4271 has it.
    page.line(format!("neighbor {peer} timers {} {}", session.hold_time / 3, session.hold_time));
    match (&session.reach, session.ttl_security_hops) {
        (_, Some(hops)) => page.line(format!("neighbor {peer} ttl-security hops {hops}")),
        (Reach::Route, None) => page.line(format!("neighbor {peer} ebgp-multihop 255")),
        (Reach::Link | Reach::Interface(_), None) => {}
    }
    if session.microsoft.port() != PORT {
        page.line(format!("neighbor {peer} port {}", session.microsoft.port()));
    }
    if session.own.port() != PORT {
        page.comment(format!("Microsoft dials port {}: give bgpd --bgp_port {0}", session.own.port()));
    }
    by_hand(page, session, &format!("neighbor {peer} password KEY"));
    if let Some(role) = &session.role {
        let strict = if role.is_required { " strict-mode" } else { "" };
        page.line(format!("neighbor {peer} local-role {}{strict}", role_name(role.role)));
    }
    if session.extended_next_hop {
        page.line(format!("neighbor {peer} capability extended-nexthop"));
    }
}

fn address_family(page: &mut Page, far: &FarEnd<'_>, family: Family) {
    let carries = |session: &FarSession| *session.families.get(family);
    // IPv4 is on by itself, and must be switched off where it is not wanted.
    if !far.sessions.iter().any(carries) && family == Family::Ipv6 {
        return;
    }
    page.line("!");
    page.open(format!("address-family {family} unicast"));
    for (_, prefixes) in far.originated().filter(|(of, _)| *of == family) {
        for prefix in prefixes {
            page.line(format!("network {prefix}"));
        }
    }
    for session in &far.sessions {
        let peer = peer(session);
        if !carries(session) {
            if family == Family::Ipv4 {
                page.line(format!("no neighbor {peer} activate"));
            }
            continue;
        }
        page.line(format!("neighbor {peer} activate"));
        page.line(format!("neighbor {peer} route-map {}-in in", session.name));
        page.line(format!("neighbor {peer} route-map {}-out out", session.name));
        page.line(format!("neighbor {peer} maximum-prefix {} 75 restart 30", far.max_prefixes.get(family)));
        if far.is_route_server {
            page.line(format!("neighbor {peer} route-server-client"));
        }
    }
    page.close("exit-address-family");
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Provider => "provider",
        Role::RouteServer => "rs-server",
        Role::RouteServerClient => "rs-client",
        Role::Customer => "customer",
        Role::Peer => "peer",
    }
}
