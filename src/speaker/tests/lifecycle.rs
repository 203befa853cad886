//! Connections through their states and types, with partners on the other end.

use std::fs;

use super::*;
use crate::config::{Kept, Phase, load, load_text};
use crate::metrics::SessionLabels;
use crate::peering::{DirectPeeringType, Event, EventType};
use crate::speaker::{CannotChangeType, Resumed, Store, read_connections};
use crate::wire::Origin;

const TABLE: [&str; 3] = ["13.64.0.0/11", "20.33.0.0/16", "2603:1000::/24"];

/// A partner's address.
fn partner(n: u8) -> Ipv4Addr {
    Ipv4Addr::new(127, 0, 8, n)
}

/// Microsoft's side with a connection for each partner, whose keys are given, and keys of the peering.
fn config(peering: &str, connections: &[&str]) -> String {
    let connection = |(n, keys): (u8, &&str)| {
        format!(
            "  - {{name: c{n}, {keys}bgp_session: {{peer_session_ipv4_address: {}, microsoft_session_ipv4_address: {US}, \
             families: [ipv4, ipv6], next_hop_v6: '2001:db8::1', passive: true}}}}\n",
            partner(n)
        )
    };
    let connections: String = (1..).zip(connections).map(connection).collect();
    format!(
        "router: {{router_id: {US}, listen: ['{US}:0']}}\nrib: rib\nlab: true\npolicy: {{pending_remove: connection}}\n\
         peerings:\n- name: contoso\n  peer_asn: {THEIRS}\n{peering}  connections:\n{connections}"
    )
}

fn plan_of(text: &str) -> Plan {
    load_text(Path::new("test.yaml"), text.to_owned()).unwrap_or_else(|findings| panic!("{findings}")).0
}

/// Starts Microsoft's side of a config, going on from `resumed`.
fn microsoft(text: &str, resumed: Resumed) -> Side {
    Side::resume(plan_of(text), &TABLE, resumed)
}

/// A partner that dials Microsoft's side.
fn dial(us: &Side, n: u8) -> Side {
    let session = SessionPlan { peer_port: us.at.port(), ..session(partner(n), US, OURS, false) };
    Side::start(plan(THEIRS, partner(n), vec![session]), &["5.1.0.0/16"])
}

async fn connection(
    us: &Side,
    name: &str,
    what: &str,
    is: impl Fn(&SessionSnapshot) -> bool,
) -> Arc<SessionSnapshot> {
    until(what, || us.handle().sessions().into_iter().find(|s| &*s.plan.connection == name && is(s))).await
}

fn counted(side: &Side, ip: Ipv4Addr) -> Arc<crate::metrics::SessionMetrics> {
    side.metrics.session(SessionLabels { connection: "link".into(), session_ip: ip.into() })
}

fn is_up(s: &SessionSnapshot) -> bool {
    s.state == State::Established
}

async fn stop(us: Side, partners: Vec<Side>) {
    for partner in partners {
        partner.stop().await;
    }
    us.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f27_no_route_goes_out_until_the_connection_is_active() {
    let states: Vec<&str> = ConnectionState::CONFIG_NAMES.to_vec();
    let keys: Vec<String> = states.iter().map(|state| format!("connection_state: {state}, ")).collect();
    let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
    let us = microsoft(&config("", &keys), Resumed::default());
    let partners: Vec<Side> = (1..).zip(&states).map(|(n, _)| dial(&us, n)).collect();
    for (partner, state) in partners.iter().zip(&states) {
        let s = partner.session("End-of-RIB", |s| is_up(s) && in_sync(s)).await;
        let expected = if *state == "active" { PerFamily { ipv4: 2, ipv6: 1 } } else { PerFamily::default() };
        assert_eq!(s.received, expected, "{state}");
    }
    stop(us, partners).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f28_the_state_of_a_connection_is_not_that_of_its_session() {
    let mut us = microsoft(&config("", &["connection_state: validating, ", ""]), Resumed::default());
    let them = dial(&us, 1);
    let both = |s: &SessionSnapshot| (s.plan.connection_state, s.state == State::Established);
    let s = connection(&us, "c1", "up, and validating", is_up).await;
    assert_eq!(both(&s), (ConnectionState::Validating, true));
    let s = connection(&us, "c2", "active, and down", |s| !is_up(s)).await;
    assert_eq!(both(&s), (ConnectionState::Active, false));
    // Active at last: the whole set, and the session is the one that it was.
    us.reload(plan_of(&config("", &["", ""])), &TABLE).await;
    them.session("the set", |s| s.received == PerFamily { ipv4: 2, ipv6: 1 }).await;
    let s = connection(&us, "c1", "active", |s| s.plan.connection_state == ConnectionState::Active).await;
    assert_eq!((s.flaps, is_up(&s)), (0, true));
    stop(us, vec![them]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f28_a_session_is_in_pending_remove_from_its_removal_until_it_is_closed() {
    let mut us = microsoft(&config("", &["", ""]), Resumed::default());
    let mut peer = Raw::dial(partner(2), us.at).await;
    peer.send(&[open(THEIRS), KEEPALIVE.to_vec()].concat()).await;
    connection(&us, "c2", "up", is_up).await;
    let handle = us.handle();
    assert!(handle.leaving().is_empty());
    // It is closed when the peer has closed its end too.
    let leaving = until("the removal", || handle.leaving().first().cloned());
    let removed = plan_of(&config("", &[""]));
    let ((), leaving) = tokio::join!(us.reload(removed, &TABLE), leaving);
    let names = [&leaving.peering.name, &leaving.connection.name, &leaving.session.plan.name].map(|n| &**n);
    assert_eq!(names, ["contoso", "c2", "c2-v4"]);
    let (kind, body) = peer.rest().await.pop().unwrap();
    assert_eq!((kind, &body[..2]), (3, &[6, 3][..]), "Cease, Peer De-configured");
    until("closed", || handle.leaving().is_empty().then_some(())).await;
    stop(us, Vec::new()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn f29_types_change_one_connection_at_a_time_drained_before_the_restart() {
    let text = config("", &["", ""]);
    let us = microsoft(&text, Resumed::default());
    let partners = vec![dial(&us, 1), dial(&us, 2)];
    for partner in &partners {
        partner.session("the set", |s| s.received == PerFamily { ipv4: 2, ipv6: 1 }).await;
    }
    let handle = us.handle();
    let first = handle.change_type("c1", "transit").await.unwrap();
    let second = handle.change_type("c2", "transit").await.unwrap();
    assert_eq!((first.ahead, second.ahead), (0, 1), "the second waits for the first");
    assert_eq!(handle.change_type("c2", "cdn").await, Err(CannotChangeType::Pending("c2".into())));
    let is_transit = |s: &SessionSnapshot| {
        s.plan.policy_group.direct_peering_type == DirectPeeringType::Transit
            && s.plan.deny_all().is_none()
            && is_up(s)
    };
    for (n, partner) in (1..).zip(&partners) {
        connection(&us, &format!("c{n}"), "changed", is_transit).await;
        partner
            .session("the set again", |s| s.flaps == 1 && s.received == PerFamily { ipv4: 2, ipv6: 1 })
            .await;
        // All of it was withdrawn before the session ended, and told again afterwards.
        let counted = counted(partner, US);
        let counts =
            |family| (counted.withdrawn(Way::Received, family), counted.announced(Way::Received, family));
        assert_eq!((counts(Family::Ipv4), counts(Family::Ipv6)), ((2, 4), (1, 2)));
    }
    assert_eq!(handle.plan().peerings[0].direct_peering_type, DirectPeeringType::Transit, "merged");
    let mut seen = Vec::new();
    for event in handle.events().list() {
        let Event { connection, event_type, event_summary, .. } = &*event;
        assert_eq!(*event_type == EventType::TypeChangeEvent, event_summary == "Transit");
        seen.push(format!("{} {event_summary}", connection.as_ref().unwrap()));
    }
    let steps = |name: &str| {
        ["TypeChangeRequested", "Transit", "TypeChangeInProgress", "Active"]
            .map(|step| format!("{name} {step}"))
    };
    assert_eq!(seen, [steps("c1"), steps("c2")].concat());
    stop(us, partners).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_documents_ask_of_a_type_change_is_said() {
    let change = async |text: &str, connection: &str, to: &str| {
        let us = microsoft(text, Resumed::default());
        let answer = us.handle().change_type(connection, to).await;
        us.stop().await;
        answer.map_or_else(|error| error.to_string(), |begun| format!("{} to {}", begun.from, begun.to))
    };
    let two = config("", &["bandwidth_in_mbps: 10000, ", "bandwidth_in_mbps: 10000, "]);
    for (text, connection, to, expected) in [
        (two.clone(), "c1", "voice", "Edge to Voice"),
        (two.clone(), "c1", "peering_service", "NoSignedAgreement"),
        (two.clone(), "c9", "voice", "no connection is called c9"),
        (two.clone(), "c1", "void", "void is no type: write one of edge, transit"),
        (two.clone(), "c1", "Edge", "c1 is Edge already"),
        (
            two.replacen("10000", "20000", 1),
            "c1",
            "voice",
            "its connections differ in bandwidth (UnequalBandwidth)",
        ),
        (config("", &[""]), "c1", "voice", "(TooFewConnections)"),
        (config("  legacy: true\n", &["", ""]), "c1", "voice", "(LegacyPeering)"),
        (config("", &["", "connection_state: validating, "]), "c1", "voice", "(ConnectionsNotActive)"),
        (config("", &["connection_state: validating, ", ""]), "c1", "voice", "c1 is Validating"),
        (config("", &["session_address_provider: peer, ", ""]), "c1", "voice", "session addresses of c1"),
        (
            config("  maps_agreement: true\n", &["", ""]),
            "c1",
            "peering_service",
            "Edge to Edge with Peering Service",
        ),
    ] {
        let said = change(&text, connection, to).await;
        assert!(said.contains(expected), "{connection} {to}: {said}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f30_another_policy_group_restarts_the_session() {
    let mut us = microsoft(&config("", &[""]), Resumed::default());
    let them = dial(&us, 1);
    them.session("the set", |s| s.received == PerFamily { ipv4: 2, ipv6: 1 }).await;
    us.reload(plan_of(&config("  peering_service: true\n", &[""])), &TABLE).await;
    let s = them.session("the set again", |s| s.flaps == 1 && s.received.ipv4 == 2).await;
    assert!(is_up(&s));
    let ours =
        connection(&us, "c1", "of Peering Service", |s| s.plan.policy_group.use_for_peering_service).await;
    let error = ours.last_error.clone().unwrap();
    assert_eq!((error.code, error.sent), (Some(ErrorCode::CONFIG_CHANGE), true));
    stop(us, vec![them]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn states_and_types_survive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let text = config("", &["", ""]) + &format!("state_dir: {}\n", dir.path().display());
    let resumed = || {
        let (kept, _) = read_connections(&plan_of(&text)).unwrap();
        Resumed { kept, store: Some(Store::new(dir.path())), ..Resumed::default() }
    };
    let us = microsoft(&text, resumed());
    let partners = vec![dial(&us, 1), dial(&us, 2)];
    for partner in &partners {
        partner.session("the set", |s| s.received.ipv4 == 2).await;
    }
    // Nobody is there to come back: the change gets stuck with the first, and the second waits.
    for partner in partners {
        partner.stop().await;
    }
    let handle = us.handle();
    handle.change_type("c1", "voice").await.unwrap();
    assert_eq!(handle.change_type("c2", "voice").await.unwrap().ahead, 1);
    let kept = until("the sessions to be awaited", || {
        let change = handle.kept().connections["c1"].change;
        change.filter(|change| change.phase == Phase::Restarting).map(|_| handle.kept())
    })
    .await;
    assert_eq!(kept.connections["c1"].state, ConnectionState::TypeChangeInProgress);
    us.stop().await;
    let us = microsoft(&text, resumed());
    assert_eq!(us.handle().kept(), kept);
    // Now they are, and the changes go on by themselves. Voice stays without routes, since BFD is not supported.
    let partners = vec![dial(&us, 1), dial(&us, 2)];
    for (name, partner) in ["c1", "c2"].iter().zip(&partners) {
        let is_voice = |s: &SessionSnapshot| {
            is_up(s)
                && s.plan.connection_state == ConnectionState::Active
                && s.plan.policy_group.direct_peering_type == DirectPeeringType::Voice
        };
        connection(&us, name, "voice", is_voice).await;
        let s = partner.session("no route", |s| is_up(s) && in_sync(s)).await;
        assert_eq!(s.received, PerFamily::default());
    }
    stop(us, partners).await;
    let (kept, file) = read_connections(&plan_of(&text)).unwrap();
    let is_voice = |group: crate::peering::PolicyGroup| group.direct_peering_type == DirectPeeringType::Voice;
    assert!(kept.connections.values().all(|c| is_voice(c.policy_group) && c.change.is_none()), "{kept:?}");
    // What cannot be read is not taken for empty.
    fs::write(&file, "{").unwrap();
    assert!(read_connections(&plan_of(&text)).unwrap_err().to_string().contains("connections.json:1:1"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_config_that_says_so_gives_a_change_up_and_what_waits_with_it() {
    let mut us = microsoft(&config("", &["", ""]), Resumed::default());
    us.handle().change_type("c1", "transit").await.unwrap();
    us.handle().change_type("c2", "transit").await.unwrap();
    let failed = config("", &["connection_state: provisioning_failed, ", ""]);
    us.reload(plan_of(&failed), &TABLE).await;
    let kept = us.handle().kept();
    assert_eq!(
        (kept.connections["c1"].state, kept.connections["c1"].change),
        (ConnectionState::ProvisioningFailed, None)
    );
    // One is down already: the other is not drained too.
    let c2 = &kept.connections["c2"];
    assert_eq!((c2.state, c2.change, kept.queue.len()), (ConnectionState::Active, None, 0));
    let said = until("the event", || {
        let events = us.handle().events().list();
        events.into_iter().find(|event| event.event_description.contains("any more"))
    })
    .await;
    assert_eq!(said.connection.as_deref(), Some("c2"));
    assert!(said.event_description.contains("ConnectionsNotActive"), "{said:?}");
    us.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_config_that_was_checked_before_a_change_began_is_checked_again() {
    let mut us = microsoft(&config("", &["", ""]), Resumed::default());
    us.handle().change_type("c1", "transit").await.unwrap();
    let other = plan_of(&config("  peering_service: true\n", &["", ""]));
    let generation = generation(&mut us.generations, &rib(&TABLE));
    let refused = us.speaker.reload(Arc::new(other), generation).await.unwrap_err().to_string();
    assert!(refused.contains("contoso is changed while the type of one of its connections is"), "{refused}");
    assert!(us.handle().kept().connections["c1"].change.is_some());
    assert!(us.handle().plan().peerings.iter().all(|peering| !peering.peering_service));
    us.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn no_peering_with_a_prefix_that_voice_does_not_take_becomes_one() {
    for (prefix, is_taken) in [("5.1.0.0/25", false), ("5.1.0.0/24", true)] {
        let us = microsoft(
            &config(&format!("  peering_service: true\n  registered_prefixes: [{prefix}]\n"), &["", ""]),
            Resumed::default(),
        );
        let answer = us.handle().change_type("c1", "voice").await;
        assert_eq!(answer.is_ok(), is_taken, "{answer:?}");
        assert_eq!(matches!(answer, Err(CannotChangeType::TooLong(..))), !is_taken);
        us.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn f12_a_location_has_regional_specifics_on_top_of_the_global_set() {
    let at = |place: &str| config(&format!("  peering_location: {place}\n"), &[""]);
    let mut received = Vec::new();
    for place in ["Ashburn", "London"] {
        let text = "routes:\n- prefixes: [13.64.0.0/11]\n- peering_locations: [London]\n  prefixes: [20.33.0.0/16]\n";
        let us = Side::of_rib(plan_of(&at(place)), text, Resumed::default());
        let them = dial(&us, 1);
        them.session("in sync", in_sync).await;
        received.push(them.received().await);
        stop(us, vec![them]).await;
    }
    assert_eq!(received, [nets(&["13.64.0.0/11"]), nets(&["13.64.0.0/11", "20.33.0.0/16"])]);
}

#[tokio::test(flavor = "multi_thread")]
async fn f17_what_is_told_has_our_path_our_address_and_the_communities_that_are_configured() {
    let us = microsoft(&config("", &[""]), Resumed::default());
    let them = dial(&us, 1);
    them.session("in sync", in_sync).await;
    let name = them.handle().sessions()[0].plan.name.clone();
    let routes = them.handle().received(&name, None, 10).await.unwrap();
    assert_eq!(routes.len(), 3);
    for route in routes {
        let next_hop = if route.prefix.addr().is_ipv4() { US.to_string() } else { "2001:db8::1".to_owned() };
        assert_eq!(route.next_hop.to_string(), next_hop);
        let attrs = &route.attrs;
        assert_eq!(
            (attrs.as_path.to_string(), attrs.origin, attrs.med),
            ("8075".to_owned(), Origin::Igp, None)
        );
        let communities: Vec<String> = attrs.communities.iter().map(ToString::to_string).collect();
        assert_eq!(communities, ["8075:1"]);
        assert!(attrs.extended_communities.is_empty() && attrs.large_communities.is_empty());
    }
    stop(us, vec![them]).await;
}

/// The lab as it ships, on a port of the test's.
#[tokio::test(flavor = "multi_thread")]
async fn f59_one_file_of_a_lab_is_a_microsoft_side_neighbour() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("configs/lab/one-session.yaml");
    let (mut ours, rows, warnings) = crate::config::load_with_rib(&file).unwrap();
    assert_eq!((ours.lab, warnings.to_string().as_str()), (true, ""));
    assert!(load(&file).is_ok());
    ours.router.listen = vec![SocketAddr::from((US, 0))];
    let mut generations = Generations::new();
    let generation = generations.build(rows).unwrap();
    let listeners = Listeners::bind(&ours.router.listen).unwrap();
    let port = listeners.addresses()[0].port();
    let us = Speaker::start(Arc::new(ours), generation, listeners, Metrics::new().unwrap());
    let at = Ipv4Addr::new(127, 0, 1, 1);
    let session = SessionPlan {
        peer_port: port,
        families: PerFamily { ipv4: true, ipv6: false },
        next_hop: PerFamily { ipv4: Some(at.into()), ipv6: None },
        ..session(at, US, OURS, false)
    };
    let them = Side::start(plan(Asn(65001), at, vec![session]), &["5.1.0.0/16"]);
    them.session("the RIB that ships", |s| s.received.ipv4 == 354).await;
    them.stop().await;
    us.stop(None).await.unwrap();
}

#[test]
fn nothing_kept_is_the_first_life() {
    let dir = tempfile::tempdir().unwrap();
    let text = config("", &[""]) + &format!("state_dir: {}\n", dir.path().join("none").display());
    let (kept, file) = read_connections(&plan_of(&text)).unwrap();
    assert_eq!((kept, file), (Kept::default(), dir.path().join("none/connections.json")));
}
