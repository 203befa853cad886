//! Junos, for `load merge`.

use ipnet::IpNet;

use super::header::{Joining, ORIGINATED, by_hand, header, no_roles};
use super::model::{FarEnd, FarSession, PORT, Reach};
use super::page::Page;
use crate::wire::Family;

pub(super) fn config(far: &FarEnd<'_>) -> String {
    let mut page = Page::new("#", "    ");
    header(&mut page, far, "Junos", Joining::Whole);
    page.comment("");
    page.comment("To load it: load merge FILE in configuration mode, then commit.");
    page.open("routing-options {");
    page.line(format!("router-id {};", far.router_id));
    page.line(format!("autonomous-system {};", far.peering.peer_asn));
    originate(&mut page, far);
    page.close("}");
    page.open("policy-options {");
    sets(&mut page, far);
    for session in &far.sessions {
        for family in session.carried() {
            inbound(&mut page, far, session, family);
            outbound(&mut page, far, session, family);
        }
    }
    page.close("}");
    page.open("protocols {");
    page.open("bgp {");
    for session in &far.sessions {
        group(&mut page, far, session);
    }
    page.close("}");
    page.close("}");
    page.finish()
}

fn inet(family: Family) -> &'static str {
    match family {
        Family::Ipv4 => "inet",
        Family::Ipv6 => "inet6",
    }
}

fn originate(page: &mut Page, far: &FarEnd<'_>) {
    for (family, prefixes) in far.originated() {
        page.comment(ORIGINATED);
        match family {
            Family::Ipv4 => statics(page, prefixes),
            Family::Ipv6 => {
                page.open("rib inet6.0 {");
                statics(page, prefixes);
                page.close("}");
            }
        }
    }
}

fn statics(page: &mut Page, prefixes: &[IpNet]) {
    page.open("static {");
    for prefix in prefixes {
        page.open(format!("route {prefix} {{"));
        page.line("discard;");
        page.line("preference 254;");
        page.close("}");
    }
    page.close("}");
}

fn sets(page: &mut Page, far: &FarEnd<'_>) {
    let tag = &far.tag;
    page.line(format!("community {tag}-maps members 8075:8007;"));
    page.line(format!("as-path {tag}-expressroute \".* 12076 .*\";"));
    for asn in &far.registered_asns {
        page.line(format!("as-path {tag}-registered-{asn} \".* {asn}\";"));
    }
}

/// A session with both families has a policy for each, and a policy must leave the other's routes to the next.
fn of(family: Family) -> [String; 1] {
    [format!("family {};", inet(family))]
}

/// A term of a policy.
fn term(page: &mut Page, name: &str, from: &[String], then: &[String]) {
    page.open(format!("term {name} {{"));
    page.open("from {");
    for line in from {
        page.line(line);
    }
    page.close("}");
    page.open("then {");
    for line in then {
        page.line(line);
    }
    page.close("}");
    page.close("}");
}

fn inbound(page: &mut Page, far: &FarEnd<'_>, session: &FarSession, family: Family) {
    let one = |line: &str| [line.to_owned()];
    page.comment("No default route, and none by way of ExpressRoute.");
    page.open(format!("policy-statement {} {{", session.named(family, "in")));
    term(page, "expressroute", &[format!("as-path {}-expressroute;", far.tag)], &one("reject;"));
    let default = match family {
        Family::Ipv4 => "0.0.0.0/0",
        Family::Ipv6 => "::/0",
    };
    term(page, "default", &[format!("route-filter {default} exact;")], &one("reject;"));
    term(page, "rest", &of(family), &one("accept;"));
    page.close("}");
}

fn outbound(page: &mut Page, far: &FarEnd<'_>, session: &FarSession, family: Family) {
    let mut then = vec![format!("community add {}-maps;", far.tag)];
    match session.next_hop(family) {
        Some(hop) => then.push(format!("next-hop {hop};")),
        None if family == Family::Ipv4 && session.extended_next_hop => then.push("next-hop self;".to_owned()),
        None => {}
    }
    then.push("accept;".to_owned());
    page.comment("What is registered, and nothing else.");
    page.open(format!("policy-statement {} {{", session.named(family, "out")));
    let prefixes = far.registered.get(family);
    if !prefixes.is_empty() {
        let filters = prefixes.iter().map(|prefix| format!("route-filter {prefix} exact;"));
        let from: Vec<_> = std::iter::once("protocol [ static bgp ];".to_owned()).chain(filters).collect();
        term(page, "registered", &from, &then);
    }
    if !far.registered_asns.is_empty() {
        let names: Vec<_> =
            far.registered_asns.iter().map(|asn| format!("{}-registered-{asn}", far.tag)).collect();
        let paths = format!("as-path [ {} ];", names.join(" "));
        let from = ["protocol bgp;".to_owned(), paths].into_iter().chain(of(family)).collect::<Vec<_>>();
        term(page, "registered-asns", &from, &then);
    }
    term(page, "rest", &of(family), &["reject;".to_owned()]);
    page.close("}");
}

fn group(page: &mut Page, far: &FarEnd<'_>, session: &FarSession) {
    page.open(format!("group {} {{", session.name));
    page.line("type external;");
    if let Reach::Interface(name) = &session.reach {
        page.line(format!("local-interface {name};"));
    } else {
        page.line(format!("local-address {};", session.own.ip()));
    }
    page.line(format!("peer-as {};", far.microsoft));
    page.line(format!("hold-time {};", session.hold_time));
    match (&session.reach, session.ttl_security_hops) {
        (_, Some(1)) => {
            page.line("ttl 255;");
            page.comment(
                "Microsoft takes a TTL of 255 only (GTSM); to do the same is for a firewall filter here.",
            );
        }
        (_, Some(_)) | (Reach::Route, None) => {
            page.open("multihop {");
            page.line("ttl 255;");
            page.close("}");
        }
        (Reach::Link | Reach::Interface(_), None) => {}
    }
    by_hand(page, session, "authentication-key KEY;");
    no_roles(page, session);
    if far.is_route_server {
        page.comment("A route server in Junos is a routing instance of its own; here its own ASN stands in every path.");
    }
    ports(page, session);
    for family in session.carried() {
        address_family(page, far, session, family);
    }
    let policies = |what: &str| {
        let names: Vec<_> = session.carried().map(|family| session.named(family, what)).collect();
        if let [name] = names.as_slice() { name.clone() } else { format!("[ {} ]", names.join(" ")) }
    };
    page.line(format!("import {};", policies("in")));
    page.line(format!("export {};", policies("out")));
    page.open(format!("neighbor {} {{", session.microsoft.ip()));
    page.line(format!("description {};", session.name));
    page.close("}");
    page.close("}");
}

fn address_family(page: &mut Page, far: &FarEnd<'_>, session: &FarSession, family: Family) {
    page.open(format!("family {} {{", inet(family)));
    page.open("unicast {");
    page.open("prefix-limit {");
    page.line(format!("maximum {};", far.max_prefixes.get(family)));
    page.line("teardown 75 idle-timeout 30;");
    page.close("}");
    if family == Family::Ipv4 && session.extended_next_hop {
        page.line("extended-nexthop;");
    }
    page.close("}");
    page.close("}");
}

/// What Junos has no way to say.
fn ports(page: &mut Page, session: &FarSession) {
    for (port, who) in
        [(session.microsoft.port(), "Microsoft listens"), (session.own.port(), "Microsoft dials")]
    {
        if port != PORT {
            page.comment(format!("{who} at port {port}, and this router knows of port 179 only."));
        }
    }
}
