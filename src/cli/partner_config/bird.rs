//! BIRD 2.

use ipnet::IpNet;

use super::header::{Joining, ORIGINATED, by_hand, header};
use super::model::{FarEnd, FarSession, PORT, Reach};
use super::page::Page;
use crate::wire::{Family, Role};

pub(super) fn config(far: &FarEnd<'_>) -> String {
    let mut page = Page::new("#", "    ");
    header(&mut page, far, "BIRD 2", Joining::ButForFirst);
    page.heading(&["Once a router."]);
    page.line(format!("router id {};", far.router_id));
    page.line("protocol device { }");
    originate(&mut page, far);
    for session in &far.sessions {
        protocol(&mut page, far, session);
    }
    page.finish()
}

/// Names have dots and hyphens, which BIRD takes in quotes.
fn symbol(name: &str) -> String {
    format!("'{name}'")
}

fn originate(page: &mut Page, far: &FarEnd<'_>) {
    if far.originated().next().is_some() {
        page.heading(&[ORIGINATED]);
    }
    for (family, prefixes) in far.originated() {
        page.open(format!("protocol static {} {{", symbol(&far.registered_name(family))));
        page.line(format!("{family} {{ preference 1; }};"));
        for prefix in prefixes {
            page.line(format!("route {prefix} blackhole;"));
        }
        page.close("}");
    }
}

fn protocol(page: &mut Page, far: &FarEnd<'_>, session: &FarSession) {
    page.blank();
    page.open(format!("protocol bgp {} {{", symbol(&session.name)));
    let port = |port: u16| if port == PORT { String::new() } else { format!(" port {port}") };
    let (own, microsoft) = (session.own, session.microsoft);
    page.line(format!("local {}{} as {};", own.ip(), port(own.port()), far.peering.peer_asn));
    page.line(format!("neighbor {}{} as {};", microsoft.ip(), port(microsoft.port()), far.microsoft));
    match (&session.reach, session.ttl_security_hops) {
        (Reach::Interface(name), _) => page.line(format!("interface \"{name}\";")),
        (Reach::Link, None | Some(1)) => page.line("direct;"),
        (Reach::Link | Reach::Route, Some(hops)) => page.line(format!("multihop {hops};")),
        (Reach::Route, None) => page.line("multihop;"),
    }
    if session.ttl_security_hops.is_some() {
        page.line("ttl security on;");
    }
    page.line(format!("hold time {};", session.hold_time));
    by_hand(page, session, "password \"KEY\";");
    if let Some(role) = &session.role {
        page.line(format!("local role {};", role_name(role.role)));
    }
    if far.is_route_server {
        page.line("rs client;");
    }
    for family in session.carried() {
        channel(page, far, session, family);
    }
    page.close("}");
}

fn channel(page: &mut Page, far: &FarEnd<'_>, session: &FarSession, family: Family) {
    page.open(format!("{family} {{"));
    if family == Family::Ipv4 && session.extended_next_hop {
        page.line("extended next hop on;");
    }
    if let Some(hop) = session.next_hop(family) {
        page.line(format!("next hop address {hop};"));
    }
    page.open("import filter {");
    page.comment("No default route, and none by way of ExpressRoute.");
    page.line("if net.len = 0 then reject;");
    page.line("if bgp_path ~ [= * 12076 * =] then reject;");
    page.line("accept;");
    page.close("};");
    page.line(format!("import limit {} action restart;", far.max_prefixes.get(family)));
    export(page, far, family);
    page.close("};");
}

fn export(page: &mut Page, far: &FarEnd<'_>, family: Family) {
    if !far.announces(family) {
        page.line("export none;");
        return;
    }
    page.open("export filter {");
    let prefixes = far.registered.get(family);
    if !prefixes.is_empty() {
        page.open("if net ~ [");
        listed(page, prefixes);
        page.close("] then {");
        marked(page);
    }
    if !far.registered_asns.is_empty() {
        let asns: Vec<_> = far.registered_asns.iter().map(ToString::to_string).collect();
        page.line(format!("if source = RTS_BGP && bgp_path.last ~ [{}] then {{", asns.join(", ")));
        marked(page);
    }
    page.line("reject;");
    page.close("};");
}

fn listed(page: &mut Page, prefixes: &[IpNet]) {
    let last = prefixes.len();
    for (nth, prefix) in (1..).zip(prefixes) {
        page.line(if nth == last { prefix.to_string() } else { format!("{prefix},") });
    }
}

/// The rest of a condition's block.
fn marked(page: &mut Page) {
    page.line("    bgp_community.add((8075, 8007));");
    page.line("    accept;");
    page.line("}");
}

fn role_name(role: Role) -> &'static str {
    match role {
        Role::Provider => "provider",
        Role::RouteServer => "rs_server",
        Role::RouteServerClient => "rs_client",
        Role::Customer => "customer",
        Role::Peer => "peer",
    }
}
