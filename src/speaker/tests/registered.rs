//! Registered prefixes, from what partners announce to the verdict.

use super::*;
use crate::peering::PrefixValidationState;
use crate::speaker::RegisteredPrefixStatus;

const PREFIX: &str = "8.23.254.0/24";
const OTHERS: [Ipv4Addr; 2] = [Ipv4Addr::new(127, 0, 7, 3), Ipv4Addr::new(127, 0, 7, 4)];

/// One of a customer, in the customer's own Peering Service.
const CUSTOMERS: &str = "8.30.0.0/24";

/// Microsoft's side of a peering of two connections, with a registered prefix.
fn us() -> Side {
    Side::start(ours(PREFIX, 0), &["13.64.0.0/11"])
}

/// The same with these registered prefixes, listening at this port.
fn ours(registered: &str, port: u16) -> Plan {
    plan_of(config(registered, port))
}

fn plan_of(text: String) -> Plan {
    crate::config::load_text(Path::new("test"), text).unwrap_or_else(|e| panic!("{e}")).0
}

fn config(registered: &str, port: u16) -> String {
    let connection = |n: usize, peer: &Ipv4Addr| {
        format!(
            "  - {{name: c{n}, bgp_session: {{microsoft_session_ipv4_address: {US}, \
             peer_session_ipv4_address: {peer}, passive: true}}}}\n"
        )
    };
    let connections: String = OTHERS.iter().enumerate().map(|(n, peer)| connection(n, peer)).collect();
    format!(
        "lab: true\nrouter: {{router_id: 127.0.0.1, listen: ['{US}:{port}']}}\nrib: rib\npeerings:\n- name: test\n  \
         peer_asn: {THEIRS}\n  peering_service: true\n  registered_prefixes: [{registered}]\n  \
         peering_service_prefixes: [{CUSTOMERS}]\n  connections:\n{connections}"
    )
}

/// A RIB file that announces both with a community and behind a path.
fn announced(generations: &mut Generations, community: &str, path: &str) -> Arc<Generation> {
    let text = format!(
        "routes:\n- communities: [\"{community}\"]\n  as_path: {path}\n  prefixes: [{PREFIX}, {CUSTOMERS}]\n"
    );
    let options = LoadOptions { local_asn: THEIRS };
    let (rows, _) = load_text(Path::new("test"), text, &options).unwrap();
    generations.build(rows).unwrap()
}

/// The partner's routers, which announce what is registered as it should be.
async fn them(us: &Side) -> [Side; 2] {
    let mut them = OTHERS.map(|at| {
        let theirs = SessionPlan { peer_port: us.at.port(), ..session(at, US, OURS, false) };
        Side::start(plan(THEIRS, at, vec![theirs]), &["5.1.0.0/16"])
    });
    for side in &mut them {
        let generation = announced(&mut side.generations, "8075:8007", "[64500, 7018]");
        side.speaker.reload(side.plan.clone(), generation).await.unwrap();
    }
    them
}

async fn verdict(
    us: &Side,
    state: PrefixValidationState,
    message: Option<&str>,
) -> Arc<RegisteredPrefixStatus> {
    until(&format!("{state:?} {message:?}"), || {
        let registry = us.handle().registry();
        let status = registry.peerings.first()?.registered_prefixes.first()?.clone();
        (status.verdict.state == state && status.verdict.message.as_deref() == message).then_some(status)
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn f40_f43_verdicts_follow_what_each_session_has() {
    let us = us();
    let mut them = them(&us).await;
    let verified = verdict(&us, PrefixValidationState::Verified, None).await;
    assert!(verified.key.is_some());
    let [a, b] = &mut them;
    for (community, path, message) in [
        ("8075:1", "[64500]", "Advertisement missing MAPS community"),
        ("8075:8007", "[64500, 1, 2, 3]", "AS path isn't correct"),
    ] {
        let generation = announced(&mut b.generations, community, path);
        b.speaker.reload(b.plan.clone(), generation).await.unwrap();
        verdict(&us, PrefixValidationState::Failed, Some(message)).await;
        let generation = announced(&mut b.generations, "8075:8007", "[64500, 1, 2]");
        b.speaker.reload(b.plan.clone(), generation).await.unwrap();
        assert_eq!(verdict(&us, PrefixValidationState::Verified, None).await.key, verified.key);
    }
    // What is kept of a session that is down is stale, and counts for nothing.
    a.speaker.stop(None).await.unwrap();
    let missing = Some("Prefix not received from IP: 127.0.7.3");
    assert_eq!(verdict(&us, PrefixValidationState::Failed, missing).await.key, verified.key);
    let is_kept = |s: &Arc<SessionSnapshot>| (s.stale.ipv4 == 2).then_some(());
    until("stale", || us.handle().sessions().iter().find_map(is_kept)).await;
    us.stop().await;
    b.speaker.stop(None).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_reload_registers_is_judged_by_what_sessions_say_of_it_afterwards() {
    let mut us = us();
    let them = them(&us).await;
    verdict(&us, PrefixValidationState::Verified, None).await;
    let begun = std::time::Instant::now();
    let port = us.at.port();
    us.reload(ours(&format!("{PREFIX}, {CUSTOMERS}"), port), &["13.64.0.0/11"]).await;
    until("it is Verified too", || {
        let registry = us.handle().registry();
        let mut statuses = registry.peerings.first()?.registered_prefixes.iter();
        statuses.find(|s| s.prefix.to_string() == CUSTOMERS).filter(|s| s.verdict.is_good()).map(drop)
    })
    .await;
    assert!(begun.elapsed() < Duration::from_secs(4), "not for want of an answer");
    let events = us.handle().events().list();
    let told = events.iter().filter(|e| e.prefix.is_some_and(|p| p.to_string() == CUSTOMERS));
    let failed: Vec<&String> =
        told.map(|e| &e.event_summary).filter(|s| s.contains("registered") && s.contains("Failed")).collect();
    assert_eq!(failed, Vec::<&String>::new());
    us.stop().await;
    for side in them {
        side.stop().await;
    }
}

/// That all is told of IPv4 (RFC 4724 §2).
const END_OF_RIB: [u8; 23] = {
    let mut message = [0xFF; 23];
    (message[16], message[17], message[18]) = (0, 23, 2);
    (message[19], message[20], message[21], message[22]) = (0, 0, 0, 0);
    message
};

/// An UPDATE that announces [`PREFIX`] as it should be.
fn update(next_hop: Ipv4Addr) -> Vec<u8> {
    let mut attributes = vec![0x40, 1, 1, 0, 0x40, 2, 6, 2, 1];
    attributes.extend(THEIRS.0.to_be_bytes());
    attributes.extend([0x40, 3, 4]);
    attributes.extend(next_hop.octets());
    attributes.extend([0xC0, 8, 4]);
    attributes.extend([8075_u16.to_be_bytes(), 8007_u16.to_be_bytes()].concat());
    let nlri = [24, 8, 23, 254];
    let attributes_len = u16::try_from(attributes.len()).unwrap().to_be_bytes();
    let len = u16::try_from(23 + attributes.len() + nlri.len()).unwrap().to_be_bytes();
    [&[0xFF; 16][..], &len, &[2, 0, 0], &attributes_len, &attributes, &nlri].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn f43_what_a_peer_has_not_told_before_its_end_of_rib_is_not_missing_yet() {
    let validating = config(PREFIX, 0).replace("{name: c1, ", "{name: c1, connection_state: validating, ");
    let mut us = Side::start(plan_of(validating), &["13.64.0.0/11"]);
    let mut peers = Vec::new();
    for at in OTHERS {
        let mut peer = Raw::dial(at, us.at).await;
        peer.send(&[open(THEIRS), KEEPALIVE.to_vec()].concat()).await;
        peers.push(peer);
    }
    let [first, second] = &mut peers[..] else { panic!("two peers") };
    first.send(&[update(OTHERS[0]), END_OF_RIB.to_vec()].concat()).await;
    verdict(&us, PrefixValidationState::Verified, None).await;
    let is_up = |s: &Arc<SessionSnapshot>| s.state == State::Established;
    until("both are up", || us.handle().sessions().iter().all(is_up).then_some(())).await;

    // It takes longer than a change of the config does to reach the sessions.
    us.reload(ours(PREFIX, us.at.port()), &["13.64.0.0/11"]).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    second.send(&[update(OTHERS[1]), END_OF_RIB.to_vec()].concat()).await;
    until("both have it", || {
        us.handle()
            .sessions()
            .iter()
            .all(|s| s.end_of_rib_received.ipv4 && s.accepted.ipv4 == 1)
            .then_some(())
    })
    .await;
    verdict(&us, PrefixValidationState::Verified, None).await;
    let events = us.handle().events().list();
    let told: Vec<&String> = events.iter().map(|event| &event.event_summary).collect();
    assert!(!told.iter().any(|said| said.contains("registered prefix 8.23.254.0/24 is Failed")), "{told:#?}");
    us.stop().await;
}
