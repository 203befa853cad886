//! Cisco IOS XR.

use super::header::{Joining, ORIGINATED, by_hand, header, no_roles};
use super::model::{FarEnd, FarSession, PORT, Reach};
use super::page::Page;
use crate::wire::Family;

pub(super) fn config(far: &FarEnd<'_>) -> String {
    let mut page = Page::new("!", " ");
    header(&mut page, far, "Cisco IOS XR", Joining::Whole);
    page.comment("");
    page.comment("To load it: copy it to the router, then load FILE and commit in configuration mode.");
    for (family, _) in far.originated() {
        prefix_set(&mut page, far, family);
    }
    for session in &far.sessions {
        for family in session.carried() {
            inbound(&mut page, session, family);
            outbound(&mut page, far, session, family);
        }
    }
    originate(&mut page, far);
    page.line("!");
    page.open(format!("router bgp {}", far.peering.peer_asn));
    page.line(format!("bgp router-id {}", far.router_id));
    for family in Family::ALL {
        networks(&mut page, far, family);
    }
    for session in &far.sessions {
        neighbor(&mut page, far, session);
    }
    page.close("!");
    page.finish()
}

fn prefix_set(page: &mut Page, far: &FarEnd<'_>, family: Family) {
    page.line("!");
    page.open(format!("prefix-set {}", far.registered_name(family)));
    let prefixes = far.registered.get(family);
    let last = prefixes.len();
    for (nth, prefix) in (1..).zip(prefixes) {
        page.line(if nth == last { prefix.to_string() } else { format!("{prefix},") });
    }
    page.close("end-set");
}

fn inbound(page: &mut Page, session: &FarSession, family: Family) {
    page.line("!");
    page.comment("No default route, and none by way of ExpressRoute.");
    page.open(format!("route-policy {}", session.named(family, "in")));
    page.open("if as-path passes-through '12076' then");
    page.line("drop");
    page.close("endif");
    let default = match family {
        Family::Ipv4 => "0.0.0.0/0",
        Family::Ipv6 => "::/0",
    };
    page.open(format!("if destination in ({default}) then"));
    page.line("drop");
    page.close("endif");
    page.line("pass");
    page.close("end-policy");
}

fn outbound(page: &mut Page, far: &FarEnd<'_>, session: &FarSession, family: Family) {
    page.line("!");
    page.comment("What is registered, and nothing else.");
    page.open(format!("route-policy {}", session.named(family, "out")));
    let mut permit = |condition: String| {
        page.open(format!("if {condition} then"));
        page.line("set community (8075:8007) additive");
        if let Some(hop) = session.next_hop(family) {
            page.line(format!("set next-hop {hop}"));
        }
        page.line("done");
        page.close("endif");
    };
    if !far.registered.get(family).is_empty() {
        permit(format!("destination in {}", far.registered_name(family)));
    }
    for asn in &far.registered_asns {
        permit(format!("as-path originates-from '{asn}'"));
    }
    page.line("drop");
    page.close("end-policy");
}

fn originate(page: &mut Page, far: &FarEnd<'_>) {
    if far.originated().next().is_none() {
        return;
    }
    page.line("!");
    page.comment(ORIGINATED);
    page.open("router static");
    for (family, prefixes) in far.originated() {
        page.open(format!("address-family {family} unicast"));
        for prefix in prefixes {
            page.line(format!("{prefix} Null0 254"));
        }
        page.close("!");
    }
    page.close("!");
}

fn networks(page: &mut Page, far: &FarEnd<'_>, family: Family) {
    if !far.sessions.iter().any(|session| *session.families.get(family)) {
        return;
    }
    page.open(format!("address-family {family} unicast"));
    for prefix in far.registered.get(family) {
        page.line(format!("network {prefix}"));
    }
    page.close("!");
}

fn neighbor(page: &mut Page, far: &FarEnd<'_>, session: &FarSession) {
    page.open(format!("neighbor {}", session.microsoft.ip()));
    page.line(format!("remote-as {}", far.microsoft));
    page.line(format!("description {}", session.name));
    page.line(format!("timers {} {}", session.hold_time / 3, session.hold_time));
    match (&session.reach, session.ttl_security_hops) {
        (_, Some(1)) => page.line("ttl-security"),
        (_, Some(hops)) => {
            page.comment(format!(
                "Microsoft takes {hops} hops at most (GTSM), and ttl-security here knows of one hop only."
            ));
            page.line("ebgp-multihop 255");
        }
        (Reach::Route, None) => page.line("ebgp-multihop 255"),
        (Reach::Link | Reach::Interface(_), None) => {}
    }
    if let Reach::Interface(name) = &session.reach {
        page.line(format!("update-source {name}"));
    }
    ports(page, session);
    by_hand(page, session, "password clear KEY");
    no_roles(page, session);
    if far.is_route_server {
        page.comment("IOS XR is no route server: it puts its own ASN in every path, which then has three ASNs with two behind it.");
    }
    for family in session.carried() {
        page.open(format!("address-family {family} unicast"));
        page.line(format!("route-policy {} in", session.named(family, "in")));
        page.line(format!("route-policy {} out", session.named(family, "out")));
        page.line(format!("maximum-prefix {} 75 restart 30", far.max_prefixes.get(family)));
        page.line("send-community-ebgp");
        if family == Family::Ipv4 && session.extended_next_hop {
            page.line("next-hop-self");
        }
        page.close("!");
    }
    page.close("!");
}

/// What IOS XR has no way to say.
fn ports(page: &mut Page, session: &FarSession) {
    for (port, who) in
        [(session.microsoft.port(), "Microsoft listens"), (session.own.port(), "Microsoft dials")]
    {
        if port != PORT {
            page.comment(format!("{who} at port {port}, and this router knows of port 179 only."));
        }
    }
}
