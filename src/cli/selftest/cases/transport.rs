//! What is asked of TCP: a key (RFC 2385), and not to come from afar (RFC 5082).

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::cli::selftest::case::{Case, PEER_ASN, Verdict, ensure};
use crate::cli::selftest::lab::{Bench, OURS};
use crate::cli::selftest::octets::*;
use crate::config::{self, Md5Key, Plan, SessionPlan, TransportPlan};
use crate::fsm::State;
use crate::metrics::Metrics;
use crate::rib::Rows;
use crate::speaker::{Generations, Listeners, Speaker};
use crate::wire::{ErrorCode, Notification};

/// Long enough for a handshake and some of its retransmissions.
const IN_VAIN: Duration = Duration::from_millis(2500);
/// Long enough for a session that can come up.
const PATIENCE: Duration = Duration::from_secs(8);

const GTSM: &str = "families: [ipv4, ipv6], ttl_security_hops: 1";

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::loopback(2385, "§2", "one key at both ends is a session", |bench| {
            with_keys(bench, [KEY, KEY], true)
        }),
        Case::loopback(2385, "§2", "another key is none", |bench| with_keys(bench, [KEY, OTHER], false)),
        Case::loopback(2385, "§2", "a key that only we have is none", |bench| {
            with_keys(bench, [KEY, None], false)
        }),
        Case::loopback(2385, "§2", "a key that only the peer has is none", |bench| {
            with_keys(bench, [None, KEY], false)
        }),
        Case::loopback(5082, "§3", "a peer that sends with a TTL of 255 is a session", near).session(GTSM),
        Case::loopback(5082, "§3", "a peer that sends with a TTL of 253 is not heard", far).session(GTSM),
    ]
}

const KEY: Option<&str> = Some("correct horse");
const OTHER: Option<&str> = Some("battery staple");

/// One side of a session over loopback; of port 0: it waits.
fn side(
    asn: u32,
    peer_asn: u32,
    [ours, theirs]: [Ipv4Addr; 2],
    port: u16,
    key: Option<&str>,
) -> Result<Plan, String> {
    let dials =
        if port == 0 { "passive: true".to_owned() } else { format!("peer_port: {port}, connect_retry: 1") };
    let text = format!(
        "lab: true\nrouter: {{ asn: {asn}, router_id: {ours}, listen: [\"{ours}:0\"] }}\nrib: rib.yaml\npeerings:\n  \
         - {{ name: keys, peer_asn: {peer_asn}, connections: [{{ name: keys, bgp_session: {{ \
         microsoft_session_ipv4_address: {ours}, peer_session_ipv4_address: {theirs}, {dials} }} }}] }}\n"
    );
    let (mut plan, _) =
        config::load_text(Path::new("selftest.yaml"), text).map_err(|error| error.to_string())?;
    plan.state_dir = PathBuf::new();
    // As the key file gives it, which is for the config's own tests.
    let md5_key = key.and_then(|key| Md5Key::new(key.as_bytes()));
    let with_key = |session: &Arc<SessionPlan>| {
        let transport = TransportPlan { md5_key: md5_key.clone(), ..session.transport.clone() };
        Arc::new(SessionPlan { transport, ..SessionPlan::clone(session) })
    };
    plan.sessions = plan.sessions.iter().map(with_key).collect();
    Ok(plan)
}

fn start(plan: Plan) -> Result<(Speaker, u16), String> {
    let listeners = Listeners::bind(&plan.router.listen).map_err(|error| error.to_string())?;
    let port = listeners.addresses().first().map_or(0, SocketAddr::port);
    let metrics = Metrics::new().map_err(|error| error.to_string())?;
    let nothing = Generations::new().build(Rows::default()).map_err(|error| error.to_string())?;
    Ok((Speaker::start(Arc::new(plan), nothing, listeners, metrics), port))
}

fn is_up(speaker: &Speaker) -> bool {
    speaker.handle().sessions().iter().any(|session| session.state == State::Established)
}

/// Two speakers, of which the second dials, each with its key or none.
async fn with_keys(bench: Bench, [ours, theirs]: [Option<&str>; 2], comes_up: bool) -> Verdict {
    let (here, there) = (Ipv4Addr::LOCALHOST, bench.peer);
    let (first, port) = start(side(OURS.0, PEER_ASN, [here, there], 0, ours)?)?;
    let (second, _) = start(side(PEER_ASN, OURS.0, [there, here], port, theirs)?)?;
    let began = Instant::now();
    let limit = if comes_up { PATIENCE } else { IN_VAIN };
    while began.elapsed() < limit && !is_up(&first) {
        sleep(Duration::from_millis(10)).await;
    }
    let verdict = ensure(is_up(&first) == comes_up, || {
        let state = first.handle().sessions().first().map(|session| format!("{:?}", session.state));
        format!("{} after {:?}", state.unwrap_or_default(), began.elapsed())
    });
    for speaker in [first, second] {
        let stop = speaker.stop(Some(Notification::new(ErrorCode::ADMIN_SHUTDOWN))).await;
        stop.map_err(|error| error.to_string())?;
    }
    verdict
}

async fn near(bench: Bench) -> Verdict {
    let mut peer = bench.dial_with_ttl(255).await?;
    peer.send(&[bench.open(&usual()).message(), keepalive()].concat()).await?;
    bench.until("the session to be up", |session| session.state == State::Established).await.map(drop)
}

async fn far(bench: Bench) -> Verdict {
    let mut peer = bench.dial_with_ttl(253).await?;
    peer.send(&[bench.open(&usual()).message(), keepalive()].concat()).await?;
    sleep(IN_VAIN).await;
    let state = bench.session()?.state;
    ensure(state < State::OpenConfirm, || format!("{state:?}"))
}
