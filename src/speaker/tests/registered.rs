//! Registered prefixes, from what partners announce to the verdict.

use super::*;
use crate::config::{ConnectionPlan, PeeringPlan};
use crate::peering::{DirectPeeringType, Kind, PrefixValidationState, RegisteredPrefix};
use crate::speaker::RegisteredPrefixStatus;

const PREFIX: &str = "8.23.254.0/24";
const OTHERS: [Ipv4Addr; 2] = [Ipv4Addr::new(127, 0, 7, 3), Ipv4Addr::new(127, 0, 7, 4)];

/// A peering of two connections, with a registered prefix.
fn peering() -> PeeringPlan {
    let connection = |name: &str| ConnectionPlan {
        name: name.into(),
        state: ConnectionState::Active,
        bandwidth_in_mbps: None,
        session_address_provider: None,
        peering_db_facility_id: None,
        sessions: vec![format!("{name}-v4").into()],
    };
    PeeringPlan {
        name: "test".into(),
        kind: Kind::Direct,
        direct_peering_type: DirectPeeringType::Edge,
        peering_service: true,
        peer_asn: THEIRS,
        peering_location: None,
        registered_prefixes: vec![RegisteredPrefix { name: None, prefix: PREFIX.parse().unwrap() }],
        registered_asns: Vec::new(),
        peering_service_prefixes: Vec::new(),
        connections: ["a", "b"].map(|name| Arc::new(connection(name))).to_vec(),
    }
}

/// Microsoft's side of both.
fn us() -> Side {
    let session = |name: &str, peer: Ipv4Addr| SessionPlan {
        name: format!("{name}-v4").into(),
        connection: name.into(),
        ..session(US, peer, THEIRS, true)
    };
    let [a, b] = OTHERS;
    let plan = plan(OURS, US, vec![session("a", a), session("b", b)]);
    Side::start(Plan { peerings: vec![Arc::new(peering())], ..plan }, &["13.64.0.0/11"])
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
