//! What peers announce and what is used of it, between whole speakers.

use super::*;
use crate::config::load_text as load_config;
use crate::peering::{Note, Reason};

/// Another partner.
const OTHER: Ipv4Addr = Ipv4Addr::new(127, 0, 7, 2);
const OTHERS: Asn = Asn(64_501);
/// What partners announce.
const GOOD: &str = "8075:8007";

/// Microsoft's side of two peerings with a partner each: what the first has registered, and how its connection is.
fn config(registered: &[&str], state: &str) -> String {
    let registered = registered.join(", ");
    let peering = |name: &str, asn: Asn, peer: Ipv4Addr, rest: &str| {
        format!(
            "- name: {name}\n  peer_asn: {asn}\n  peering_service: true\n{rest}  connections:\n  - name: {name}-1\n    \
             connection_state: {state}\n    bgp_session:\n      microsoft_session_ipv4_address: {US}\n      \
             peer_session_ipv4_address: {peer}\n      passive: true\n      families: [ipv4]\n"
        )
    };
    let first = peering("contoso", THEIRS, THEM, &format!("  registered_prefixes: [{registered}]\n"));
    let second = peering("fabrikam", OTHERS, OTHER, "");
    format!(
        "lab: true\nrouter: {{router_id: 127.0.0.1, listen: ['127.0.0.1:0']}}\nrib: rib\npeerings:\n{first}{second}"
    )
}

fn meant(registered: &[&str], state: &str) -> Plan {
    let (plan, _) = load_config(Path::new("peeringd.yaml"), config(registered, state)).unwrap();
    plan
}

/// A partner that announces these prefixes with a community.
async fn partner(us: &Side, (asn, address): (Asn, Ipv4Addr), community: &str, prefixes: &[&str]) -> Side {
    let theirs = SessionPlan {
        peer_port: us.at.port(),
        families: PerFamily { ipv4: true, ipv6: false },
        ..session(address, US, OURS, false)
    };
    let mut side = Side::start(plan(asn, address, vec![theirs]), prefixes);
    announce(&mut side, community, prefixes).await;
    side
}

/// Has a partner announce these prefixes, and no others.
async fn announce(side: &mut Side, community: &str, prefixes: &[&str]) {
    let lines: String = prefixes.iter().map(|p| format!("      {p}\n")).collect();
    let text = format!("routes:\n  - communities: [\"{community}\"]\n    prefixes: |\n{lines}");
    let (rows, _) =
        load_text(Path::new("test"), text, &LoadOptions { local_asn: side.plan.router.asn }).unwrap();
    let generation = side.generations.build(rows).unwrap();
    side.speaker.reload(side.plan.clone(), generation).await.unwrap();
}

async fn reasons(us: &Side) -> Vec<Vec<Reason>> {
    let routes = us.handle().received("contoso-1-v4", None, 10).await.unwrap();
    routes.into_iter().map(|route| route.reasons).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn f14_what_a_partner_announces_goes_to_nobody_accepted_or_not() {
    let us = Side::start(meant(&["5.1.0.0/16"], "active"), &["13.64.0.0/11"]);
    let first = partner(&us, (THEIRS, THEM), GOOD, &["5.1.0.0/16", "5.2.0.0/16"]).await;
    us.session("one accepted", |s| (s.received.ipv4, s.accepted.ipv4) == (2, 1)).await;
    let second = partner(&us, (OTHERS, OTHER), GOOD, &["5.3.0.0/16"]).await;
    second.session("in sync", |s| s.end_of_rib_received.ipv4).await;
    for partner in [&first, &second] {
        partner.session("the table", |s| s.received.ipv4 == 1).await;
        assert_eq!(partner.received().await, nets(&["13.64.0.0/11"]));
    }
    // A change of the table makes both hear again, and of nothing else.
    let mut us = us;
    us.reload(meant(&["5.1.0.0/16", "5.2.0.0/16"], "active"), &["13.64.0.0/11", "20.33.0.0/16"]).await;
    us.session("both accepted", |s| s.accepted.ipv4 == 2).await;
    for partner in [&first, &second] {
        partner.session("the new table", |s| s.received.ipv4 == 2).await;
        assert_eq!(partner.received().await, nets(&["13.64.0.0/11", "20.33.0.0/16"]));
    }
    for side in [first, second, us] {
        side.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f27_a_session_is_established_with_deny_all_until_its_connection_is_active() {
    let mut us = Side::start(meant(&["5.1.0.0/16"], "validating"), &["13.64.0.0/11"]);
    let them = partner(&us, (THEIRS, THEM), GOOD, &["5.1.0.0/16"]).await;
    let held = us.session("held", |s| s.received.ipv4 == 1).await;
    assert_eq!((held.state, held.accepted.ipv4, held.advertised.ipv4), (State::Established, 0, 0));
    assert_eq!(reasons(&us).await, [[Reason::ConnectionNotActive(ConnectionState::Validating)]]);
    us.reload(meant(&["5.1.0.0/16"], "active"), &["13.64.0.0/11"]).await;
    let open = us.session("used", |s| s.accepted.ipv4 == 1 && s.advertised.ipv4 == 1).await;
    assert_eq!((open.flaps, open.since), (0, held.since));
    us.reload(meant(&["5.1.0.0/16"], "type_change_requested"), &["13.64.0.0/11"]).await;
    us.session("denied again", |s| s.accepted.ipv4 == 0 && s.advertised.ipv4 == 0).await;
    them.stop().await;
    us.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f35_a_route_is_accepted_as_soon_as_it_is_registered_and_no_longer_than_that() {
    let mut us = Side::start(meant(&["5.1.0.0/16"], "active"), &["13.64.0.0/11"]);
    let them = partner(&us, (THEIRS, THEM), GOOD, &["5.1.0.0/16", "5.2.0.0/16", "5.2.1.0/24"]).await;
    us.session("one", |s| (s.received.ipv4, s.accepted.ipv4) == (3, 1)).await;
    let none = || Reason::NotRegistered { covered_by: None };
    assert_eq!(reasons(&us).await, [vec![], vec![none()], vec![none()]]);
    us.reload(meant(&["5.2.0.0/16"], "active"), &["13.64.0.0/11"]).await;
    let covered_by = Some("5.2.0.0/16".parse().unwrap());
    let wanted = [vec![none()], vec![], vec![Reason::NotRegistered { covered_by }]];
    // As many are accepted as before, so that the number alone does not tell.
    let judged = async {
        while reasons(&us).await != wanted {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(10), judged).await.expect("another is accepted");
    let metrics = us.metrics.find_session(THEM.into()).unwrap();
    let count = |gauge| metrics.prefixes(gauge, Family::Ipv4);
    assert_eq!((count(PrefixGauge::Accepted), count(PrefixGauge::Held)), (1, 2));
    them.stop().await;
    us.session("gone", |s| s.received.ipv4 == 0).await;
    assert_eq!((count(PrefixGauge::Accepted), count(PrefixGauge::Held)), (0, 0));
    us.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f36_an_announcement_that_is_mended_is_accepted_without_a_reset() {
    let us = Side::start(meant(&["5.1.0.0/16"], "active"), &["13.64.0.0/11"]);
    let mut them = partner(&us, (THEIRS, THEM), "64500:1", &["5.1.0.0/16"]).await;
    us.session("held", |s| (s.received.ipv4, s.accepted.ipv4) == (1, 0)).await;
    assert_eq!(reasons(&us).await, [[Reason::MissingCommunity]]);
    announce(&mut them, GOOD, &["5.1.0.0/16"]).await;
    us.session("accepted", |s| s.accepted.ipv4 == 1 && s.flaps == 0).await;
    them.stop().await;
    us.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f55_a_prefix_is_explained_check_by_check() {
    let us = Side::start(meant(&["5.1.0.0/16"], "active"), &["13.64.0.0/11"]);
    let them = partner(&us, (THEIRS, THEM), "64500:1", &["5.1.0.0/16"]).await;
    us.session("held", |s| s.received.ipv4 == 1).await;
    let explained = us.handle().explain("contoso-1-v4", "5.1.0.0/16".parse().unwrap()).await.unwrap();
    assert!(explained.is_registered);
    let [path] = explained.paths.as_slice() else { panic!("{explained:?}") };
    let failed: Vec<_> = path.checks.iter().filter_map(|(_, finding)| finding.reason()).collect();
    assert_eq!((path.checks.len(), failed.as_slice()), (12, &[Reason::MissingCommunity][..]));
    let noted: Vec<_> = path.checks.iter().filter_map(|(_, finding)| finding.note()).collect();
    assert_eq!(noted, [Note::RpkiUnknown, Note::IrrUnknown], "there is no registry, and that is said");
    let absent = us.handle().explain("contoso-1-v4", "6.0.0.0/16".parse().unwrap()).await.unwrap();
    assert!(!absent.is_registered && absent.paths.is_empty());
    them.stop().await;
    us.stop().await;
}
