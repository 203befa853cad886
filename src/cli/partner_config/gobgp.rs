//! GoBGP 3, in TOML. Its policies are the router's, and name their neighbors.

use ipnet::IpNet;

use super::header::{Joining, by_hand, header, no_roles};
use super::model::{FarEnd, FarSession, PORT, Reach};
use super::page::Page;
use crate::wire::Family;

pub(super) fn config(far: &FarEnd<'_>) -> String {
    let mut page = Page::new("#", "  ");
    header(&mut page, far, "GoBGP 3", Joining::WithLists);
    once(&mut page, far);
    for session in &far.sessions {
        neighbor(&mut page, far, session);
    }
    sets(&mut page, far);
    for session in &far.sessions {
        inbound(&mut page, far, session);
        outbound(&mut page, far, session);
    }
    originate(&mut page, far);
    page.finish()
}

fn once(page: &mut Page, far: &FarEnd<'_>) {
    page.heading(&["Once a router."]);
    page.line("[global.config]");
    page.line(format!("as = {}", far.peering.peer_asn));
    page.line(format!("router-id = \"{}\"", far.router_id));
    page.line(format!("port = {}", far.sessions.first().map_or(PORT, |session| session.own.port())));
    if !far.is_route_server {
        page.line("[global.apply-policy.config]");
        page.line(format!("import-policy-list = {}", policies(far.sessions.iter(), "in")));
        page.line(format!("export-policy-list = {}", policies(far.sessions.iter(), "out")));
    }
}

fn policies<'a>(sessions: impl Iterator<Item = &'a FarSession>, direction: &str) -> String {
    let names: Vec<_> = sessions.map(|session| format!("\"{}-{direction}\"", session.name)).collect();
    format!("[{}]", names.join(", "))
}

fn neighbor(page: &mut Page, far: &FarEnd<'_>, session: &FarSession) {
    page.blank();
    page.line("[[neighbors]]");
    page.line("[neighbors.config]");
    page.line(format!("neighbor-address = \"{}\"", neighbor_address(session)));
    page.line(format!("peer-as = {}", far.microsoft));
    page.line(format!("description = \"{}\"", session.name));
    by_hand(page, session, "auth-password = \"KEY\"");
    no_roles(page, session);
    page.line("[neighbors.timers.config]");
    page.line(format!("hold-time = {}", session.hold_time));
    page.line(format!("keepalive-interval = {}", session.hold_time / 3));
    page.line("[neighbors.transport.config]");
    if let Reach::Interface(name) = &session.reach {
        page.line(format!("bind-interface = \"{name}\""));
    } else {
        page.line(format!("local-address = \"{}\"", session.own.ip()));
    }
    page.line(format!("remote-port = {}", session.microsoft.port()));
    match (&session.reach, session.ttl_security_hops) {
        (_, Some(hops)) => {
            page.line("[neighbors.ttl-security.config]");
            page.line("enabled = true");
            page.line(format!("ttl-min = {}", 256 - u16::from(hops)));
        }
        (Reach::Route, None) => {
            page.line("[neighbors.ebgp-multihop.config]");
            page.line("enabled = true");
            page.line("multihop-ttl = 255");
        }
        (Reach::Link | Reach::Interface(_), None) => {}
    }
    if far.is_route_server {
        page.line("[neighbors.route-server.config]");
        page.line("route-server-client = true");
        page.line("[neighbors.apply-policy.config]");
        page.line(format!("import-policy-list = {}", policies(std::iter::once(session), "in")));
        page.line(format!("export-policy-list = {}", policies(std::iter::once(session), "out")));
    }
    for family in session.carried() {
        page.line("[[neighbors.afi-safis]]");
        page.line("[neighbors.afi-safis.config]");
        page.line(format!("afi-safi-name = \"{family}-unicast\""));
        page.line("[neighbors.afi-safis.prefix-limit.config]");
        page.line(format!("max-prefixes = {}", far.max_prefixes.get(family)));
    }
}

fn neighbor_address(session: &FarSession) -> String {
    match &session.reach {
        Reach::Interface(name) => format!("{}%{name}", session.microsoft.ip()),
        Reach::Link | Reach::Route => session.microsoft.ip().to_string(),
    }
}

fn sets(page: &mut Page, far: &FarEnd<'_>) {
    let tag = &far.tag;
    page.heading(&["What the policies speak of."]);
    for session in &far.sessions {
        page.line("[[defined-sets.neighbor-sets]]");
        page.line(format!("neighbor-set-name = \"{}\"", session.name));
        page.line(format!("neighbor-info-list = [\"{}\"]", session.microsoft.ip()));
    }
    for (family, net) in [(Family::Ipv4, "0.0.0.0/0"), (Family::Ipv6, "::/0")] {
        page.line("[[defined-sets.prefix-sets]]");
        page.line(format!("prefix-set-name = \"{tag}-default-{family}\""));
        page.line("[[defined-sets.prefix-sets.prefix-list]]");
        page.line(format!("ip-prefix = \"{net}\""));
        page.line("masklength-range = \"0..0\"");
    }
    for family in Family::ALL {
        prefix_set(page, &far.registered_name(family), far.registered.get(family));
    }
    let as_path_set = |page: &mut Page, name: &str, list: &str| {
        page.line("[[defined-sets.bgp-defined-sets.as-path-sets]]");
        page.line(format!("as-path-set-name = \"{tag}-{name}\""));
        page.line(format!("as-path-list = [{list}]"));
    };
    as_path_set(page, "expressroute", "\"_12076_\"");
    if !far.registered_asns.is_empty() {
        let asns: Vec<_> = far.registered_asns.iter().map(|asn| format!("\"_{asn}$\"")).collect();
        as_path_set(page, "registered", &asns.join(", "));
    }
}

fn prefix_set(page: &mut Page, name: &str, prefixes: &[IpNet]) {
    if prefixes.is_empty() {
        return;
    }
    page.line("[[defined-sets.prefix-sets]]");
    page.line(format!("prefix-set-name = \"{name}\""));
    for prefix in prefixes {
        page.line("[[defined-sets.prefix-sets.prefix-list]]");
        page.line(format!("ip-prefix = \"{prefix}\""));
    }
}

/// One statement of the policy that was begun last, of the routes of a session.
fn statement(
    page: &mut Page,
    (session, name): (&FarSession, &str),
    condition: Option<[String; 2]>,
    accept: bool,
) {
    page.line("[[policy-definitions.statements]]");
    page.line(format!("name = \"{}-{name}\"", session.name));
    page.line("[policy-definitions.statements.conditions.match-neighbor-set]");
    page.line(format!("neighbor-set = \"{}\"", session.name));
    if let Some([table, line]) = condition {
        page.line(format!("[policy-definitions.statements.conditions.{table}]"));
        page.line(line);
    }
    page.line("[policy-definitions.statements.actions]");
    page.line(format!("route-disposition = \"{}\"", if accept { "accept-route" } else { "reject-route" }));
}

fn prefixes(name: &str) -> Option<[String; 2]> {
    Some(["match-prefix-set".to_owned(), format!("prefix-set = \"{name}\"")])
}

fn paths(name: &str) -> Option<[String; 2]> {
    Some(["bgp-conditions.match-as-path-set".to_owned(), format!("as-path-set = \"{name}\"")])
}

fn inbound(page: &mut Page, far: &FarEnd<'_>, session: &FarSession) {
    let tag = &far.tag;
    page.heading(&["No default route, and none by way of ExpressRoute."]);
    page.line("[[policy-definitions]]");
    page.line(format!("name = \"{}-in\"", session.name));
    statement(page, (session, "in-expressroute"), paths(&format!("{tag}-expressroute")), false);
    for family in session.carried() {
        let name = format!("in-default-{family}");
        statement(page, (session, &name), prefixes(&format!("{tag}-default-{family}")), false);
    }
    statement(page, (session, "in-rest"), None, true);
}

fn outbound(page: &mut Page, far: &FarEnd<'_>, session: &FarSession) {
    page.heading(&["What is registered, and nothing else."]);
    page.line("[[policy-definitions]]");
    page.line(format!("name = \"{}-out\"", session.name));
    for family in session.carried().filter(|family| !far.registered.get(*family).is_empty()) {
        let name = format!("out-registered-{family}");
        statement(page, (session, &name), prefixes(&far.registered_name(family)), true);
        marked(page, session, Some(family));
    }
    if !far.registered_asns.is_empty() {
        statement(page, (session, "out-registered-asns"), paths(&format!("{}-registered", far.tag)), true);
        marked(page, session, None);
    }
    statement(page, (session, "out-rest"), None, false);
}

/// What an accepted route gets.
fn marked(page: &mut Page, session: &FarSession, family: Option<Family>) {
    if let Some(hop) = family.and_then(|family| session.next_hop(family)) {
        page.line("[policy-definitions.statements.actions.bgp-actions]");
        page.line(format!("set-next-hop = \"{hop}\""));
    }
    page.line("[policy-definitions.statements.actions.bgp-actions.set-community]");
    page.line("options = \"add\"");
    page.line("[policy-definitions.statements.actions.bgp-actions.set-community.set-community-method]");
    page.line("communities-list = [\"8075:8007\"]");
}

fn originate(page: &mut Page, far: &FarEnd<'_>) {
    if far.originated().next().is_some() {
        page.heading(&[
            "A config of GoBGP has no routes of its own. Where none come from elsewhere, of customers, give it what is",
            "registered by these commands:",
        ]);
    }
    for (family, prefixes) in far.originated() {
        for prefix in prefixes {
            page.comment(format!("gobgp global rib add -a {family} {prefix} origin igp local-pref 1"));
        }
    }
}
