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
    let connection = |n: usize, peer: &Ipv4Addr| {
        format!(
            "  - {{name: c{n}, bgp_session: {{microsoft_session_ipv4_address: {US}, \
             peer_session_ipv4_address: {peer}, passive: true}}}}\n"
        )
    };
    let connections: String = OTHERS.iter().enumerate().map(|(n, peer)| connection(n, peer)).collect();
    let text = format!(
        "lab: true\nrouter: {{router_id: 127.0.0.1, listen: ['{US}:{port}']}}\nrib: rib\npeerings:\n- name: test\n  \
         peer_asn: {THEIRS}\n  peering_service: true\n  registered_prefixes: [{registered}]\n  \
         peering_service_prefixes: [{CUSTOMERS}]\n  connections:\n{connections}"
    );
    crate::config::load_text(Path::new("test"), text).unwrap_or_else(|e| panic!("{e}")).0
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
    let mut them = OTHERS.map(|at| {
        let theirs = SessionPlan { peer_port: us.at.port(), ..session(at, US, OURS, false) };
        Side::start(plan(THEIRS, at, vec![theirs]), &["5.1.0.0/16"])
    });
    for side in &mut them {
        let generation = announced(&mut side.generations, "8075:8007", "[64500, 7018]");
        side.speaker.reload(side.plan.clone(), generation).await.unwrap();
    }
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
    let mut them = OTHERS.map(|at| {
        let theirs = SessionPlan { peer_port: us.at.port(), ..session(at, US, OURS, false) };
        Side::start(plan(THEIRS, at, vec![theirs]), &["5.1.0.0/16"])
    });
    for side in &mut them {
        let generation = announced(&mut side.generations, "8075:8007", "[64500, 7018]");
        side.speaker.reload(side.plan.clone(), generation).await.unwrap();
    }
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
