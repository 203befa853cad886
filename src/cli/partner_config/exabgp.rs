//! ExaBGP 4: it announces what stands here, and hands on what it hears.

use super::header::{Joining, by_hand, header, no_roles};
use super::model::{FarEnd, FarSession, PORT, Reach};
use super::page::Page;
use crate::wire::{Family, PerFamily};

pub(super) fn config(far: &FarEnd<'_>) -> String {
    let mut page = Page::new("#", "    ");
    header(&mut page, far, "ExaBGP 4", Joining::Whole);
    page.comment("");
    page.comment("ExaBGP keeps no table, so there is nothing here to filter or to limit what it hears. Whatever takes that from");
    let PerFamily { ipv4, ipv6 } = far.max_prefixes;
    page.comment(format!(
        "it should take {ipv4} IPv4 and {ipv6} IPv6 prefixes at most, no default route and none by way of AS12076."
    ));
    for session in &far.sessions {
        neighbor(&mut page, far, session);
    }
    page.finish()
}

fn neighbor(page: &mut Page, far: &FarEnd<'_>, session: &FarSession) {
    page.blank();
    if session.own.port() != PORT {
        page.comment(format!("Microsoft dials port {}: run it with exabgp.tcp.port={0}", session.own.port()));
    }
    page.open(format!("neighbor {} {{", session.microsoft.ip()));
    page.line(format!("description \"{}\";", session.name));
    page.line(format!("router-id {};", far.router_id));
    page.line(format!("local-address {};", session.own.ip()));
    page.line(format!("local-as {};", far.peering.peer_asn));
    page.line(format!("peer-as {};", far.microsoft));
    page.line(format!("hold-time {};", session.hold_time));
    if session.microsoft.port() != PORT {
        page.line(format!("connect {};", session.microsoft.port()));
    }
    if let Some(hops) = session.ttl_security_hops {
        page.line("outgoing-ttl 255;");
        page.line(format!("incoming-ttl {};", 256 - u16::from(hops)));
    }
    if let Reach::Interface(name) = &session.reach {
        page.line(format!("source-interface {name};"));
    }
    by_hand(page, session, "md5-password KEY;");
    no_roles(page, session);
    page.open("family {");
    for family in session.carried() {
        page.line(format!("{family} unicast;"));
    }
    page.close("}");
    if session.extended_next_hop {
        page.open("capability {");
        page.line("nexthop enable;");
        page.close("}");
        page.open("nexthop {");
        page.line("ipv4 unicast ipv6;");
        page.close("}");
    }
    announce(page, far, session);
    page.close("}");
}

fn announce(page: &mut Page, far: &FarEnd<'_>, session: &FarSession) {
    let has = |family: &Family| !far.registered.get(*family).is_empty();
    let families: Vec<_> = session.carried().filter(has).collect();
    if !far.registered_asns.is_empty() {
        let asns: Vec<_> = far.registered_asns.iter().map(ToString::to_string).collect();
        page.comment(format!(
            "Prefixes of the registered ASNs are announced likewise, with their paths: {}.",
            asns.join(", ")
        ));
    }
    if families.is_empty() {
        return;
    }
    page.open("announce {");
    for family in families {
        page.open(format!("{family} {{"));
        // An IPv6 address that may stand for IPv4 routes must be given by name.
        let by_ipv6 = (family == Family::Ipv4 && session.extended_next_hop).then(|| session.own.ip());
        let hop =
            session.next_hop(family).or(by_ipv6).map_or_else(|| "self".to_owned(), |hop| hop.to_string());
        for prefix in far.registered.get(family) {
            page.line(format!("unicast {prefix} next-hop {hop} community [ 8075:8007 ];"));
        }
        page.close("}");
    }
    page.close("}");
}
