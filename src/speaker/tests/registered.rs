//! Registered prefixes, from what partners announce to the verdict.

use super::*;
use crate::peering::PrefixValidationState;
use crate::speaker::RegisteredPrefixStatus;

const PREFIX: &str = "8.23.254.0/24";
const OTHERS: [Ipv4Addr; 2] = [Ipv4Addr::new(127, 0, 7, 3), Ipv4Addr::new(127, 0, 7, 4)];

/// Microsoft's side of a peering of two connections, with a registered prefix.
fn us() -> Side {
    let connection = |n: usize, peer: &Ipv4Addr| {
        format!(
            "  - {{name: c{n}, bgp_session: {{microsoft_session_ipv4_address: {US}, \
             peer_session_ipv4_address: {peer}, passive: true}}}}\n"
        )
    };
    let connections: String = OTHERS.iter().enumerate().map(|(n, peer)| connection(n, peer)).collect();
    let text = format!(
        "lab: true\nrouter: {{router_id: 127.0.0.1, listen: ['{US}:0']}}\nrib: rib\npeerings:\n- name: test\n  \
         peer_asn: {THEIRS}\n  peering_service: true\n  registered_prefixes: [{PREFIX}]\n  connections:\n{connections}"
    );
    let (plan, _) = crate::config::load_text(Path::new("test"), text).unwrap_or_else(|e| panic!("{e}"));
    Side::start(plan, &["13.64.0.0/11"])
}

/// A RIB file that announces the prefix with a community and behind a path.
fn announced(generations: &mut Generations, community: &str, path: &str) -> Arc<Generation> {
    let text =
        format!("routes:\n- communities: [\"{community}\"]\n  as_path: {path}\n  prefixes: [{PREFIX}]\n");
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
    let is_kept = |s: &Arc<SessionSnapshot>| (s.stale.ipv4 == 1).then_some(());
    until("stale", || us.handle().sessions().iter().find_map(is_kept)).await;
    us.stop().await;
    b.speaker.stop(None).await.unwrap();
}
