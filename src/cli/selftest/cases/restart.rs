//! Sessions that come back: graceful restart as the helper, and what we ask of a peer for our own.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use crate::cli::selftest::case::{Case, Verdict, ensure, same};
use crate::cli::selftest::lab::Bench;
use crate::cli::selftest::octets::*;
use crate::cli::selftest::peer::Peer;
use crate::fsm::State;

pub(super) fn cases() -> Vec<Case> {
    vec![
        Case::loopback(4724, "§4.2", "routes of a peer that offers to restart outlive its connection", kept),
        Case::loopback(4724, "§4.2", "routes of a peer that does not go with its connection", not_offered),
        Case::loopback(
            4724,
            "§4.2",
            "what a restarted peer does not announce again goes at its End-of-RIB",
            swept,
        ),
        Case::loopback(
            4724,
            "§4.2",
            "routes of a family whose forwarding state was lost go at once",
            not_forwarding,
        ),
        Case::loopback(4724, "§4.2", "routes go when the restart time is over", too_late),
        Case::loopback(4724, "§3", "our OPEN offers graceful restart of both families", offered),
        Case::loopback(
            8538,
            "§4",
            "routes outlive a NOTIFICATION where both sides offered it",
            after_notification,
        ),
        Case::loopback(
            8538,
            "§4",
            "routes go with a NOTIFICATION where the peer did not offer it",
            without_n,
        ),
        Case::loopback(8538, "§3", "routes go with a Hard Reset", after_hard_reset),
        Case::loopback(
            9494,
            "§4.3",
            "long-lived stale routes stay behind the restart time, with LLGR_STALE",
            long_lived,
        )
        .session(LONG_LIVED),
        Case::loopback(9494, "§4.3", "routes with NO_LLGR do not", no_llgr).session(LONG_LIVED),
        Case::loopback(9494, "§5", "without being configured it keeps nothing", not_long_lived),
        Case::loopback(
            9494,
            "§4.2",
            "long-lived stale routes go when their time is over",
            long_lived_too_late,
        )
        .session(LONG_LIVED),
    ]
}

const LONG_LIVED: &str = "families: [ipv4, ipv6], graceful_restart: { long_lived_stale_time: 60 }";

/// R of RFC 4724, N of RFC 8538.
const R: u8 = 0x80;
const N: u8 = 0x40;

/// Graceful restart of IPv4, forwarding kept, with these flags and this restart time.
fn restarting(flags: u8, secs: u8) -> Vec<u8> {
    capability(64, &[flags, secs, 0, 1, 1, 0x80, 0, 2, 1, 0x80])
}

fn capabilities(more: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
    [usual(), more].concat()
}

/// A session of a peer with these, which has announced 5.1.0.0/16 and 5.2.0.0/16, the second with this community.
async fn with_routes(bench: &Bench, more: Vec<Vec<u8>>, community: [u8; 4]) -> Result<Peer, String> {
    let mut peer = bench.established_as(&bench.open(&capabilities(more))).await?;
    let marked = [well_known(), vec![attribute(0xC0, 8, &community)]].concat();
    let octets = [announce(&well_known(), &prefix(1)), announce(&marked, &prefix(2))].concat();
    bench.tell(&mut peer, &octets).await?;
    Ok(peer)
}

const PLAIN: [u8; 4] = [0xFB, 0xF4, 0, 1];
const NO_LLGR: [u8; 4] = [0xFF, 0xFF, 0, 7];

/// Ends the session, by this or without a word, and waits until it is down.
async fn end(bench: &Bench, mut peer: Peer, notification: Option<&[u8]>) -> Verdict {
    if let Some(body) = notification {
        peer.send(&message(NOTIFICATION, body)).await?;
    }
    drop(peer);
    bench.until("the session to be down", |session| session.state != State::Established).await.map(drop)
}

async fn held(bench: &Bench) -> Result<Vec<String>, String> {
    Ok(Bench::prefixes(&bench.received().await?))
}

async fn holds(bench: &Bench, wanted: &[&str]) -> Verdict {
    let wanted: Vec<String> = wanted.iter().map(|prefix| (*prefix).to_owned()).collect();
    same(&held(bench).await?, &wanted, "routes held")
}

/// Waits until nothing is held, which must not be before `least` has passed.
async fn goes(bench: &Bench, least: Duration) -> Verdict {
    let began = Instant::now();
    while !bench.received().await?.is_empty() {
        let lasted = began.elapsed();
        ensure(lasted < least + Duration::from_secs(4), || format!("still held after {lasted:?}"))?;
        sleep(Duration::from_millis(20)).await;
    }
    ensure(began.elapsed() >= least, || format!("gone after {:?}", began.elapsed()))
}

const BOTH: [&str; 2] = ["5.1.0.0/16", "5.2.0.0/16"];

async fn kept(bench: Bench) -> Verdict {
    let peer = with_routes(&bench, vec![restarting(0, 120)], PLAIN).await?;
    end(&bench, peer, None).await?;
    holds(&bench, &BOTH).await
}

async fn not_offered(bench: Bench) -> Verdict {
    let peer = with_routes(&bench, Vec::new(), PLAIN).await?;
    end(&bench, peer, None).await?;
    holds(&bench, &[]).await
}

/// Dials again until it is taken: a short session is followed by a breather.
async fn back(bench: &Bench, more: Vec<Vec<u8>>) -> Result<Peer, String> {
    let began = Instant::now();
    let open = bench.open(&capabilities(more));
    loop {
        match bench.established_as(&open).await {
            Err(error) if began.elapsed() > Duration::from_secs(6) => return Err(error),
            Err(_) => sleep(Duration::from_millis(100)).await,
            up => return up,
        }
    }
}

async fn swept(bench: Bench) -> Verdict {
    let peer = with_routes(&bench, vec![restarting(0, 120)], PLAIN).await?;
    end(&bench, peer, None).await?;
    let mut peer = back(&bench, vec![restarting(R, 120)]).await?;
    holds(&bench, &BOTH).await?;
    bench.tell(&mut peer, &[announce(&well_known(), &prefix(2)), announce(&[], &[])].concat()).await?;
    holds(&bench, &["5.2.0.0/16"]).await
}

async fn not_forwarding(bench: Bench) -> Verdict {
    let peer = with_routes(&bench, vec![restarting(0, 120)], PLAIN).await?;
    end(&bench, peer, None).await?;
    let lost = capability(64, &[R, 120, 0, 1, 1, 0, 0, 2, 1, 0]);
    let _peer = back(&bench, vec![lost]).await?;
    holds(&bench, &[]).await
}

async fn too_late(bench: Bench) -> Verdict {
    let peer = with_routes(&bench, vec![restarting(0, 2)], PLAIN).await?;
    end(&bench, peer, None).await?;
    goes(&bench, Duration::from_millis(1500)).await
}

async fn offered(bench: Bench) -> Verdict {
    let mut peer = bench.dial().await?;
    let open = peer.expect(OPEN).await?.body;
    let families = [&[0, 1, 1][..], &[0, 2, 1]];
    let value = open
        .windows(12)
        .find(|part| part.starts_with(&[64, 10]))
        .ok_or("no capability 64 of two families")?;
    let lists = |family: &[u8]| value.windows(3).any(|part| part == family);
    ensure(families.iter().all(|family| lists(family)), || format!("{value:02x?}"))
}

async fn after_notification(bench: Bench) -> Verdict {
    let peer = with_routes(&bench, vec![restarting(N, 120)], PLAIN).await?;
    end(&bench, peer, Some(&[6, 4])).await?;
    holds(&bench, &BOTH).await
}

async fn without_n(bench: Bench) -> Verdict {
    let peer = with_routes(&bench, vec![restarting(0, 120)], PLAIN).await?;
    end(&bench, peer, Some(&[6, 4])).await?;
    holds(&bench, &[]).await
}

async fn after_hard_reset(bench: Bench) -> Verdict {
    let peer = with_routes(&bench, vec![restarting(N, 120)], PLAIN).await?;
    end(&bench, peer, Some(&[6, 9, 6, 4])).await?;
    holds(&bench, &[]).await
}

/// Graceful restart of no time, then so many seconds long-lived.
fn long_lived_for(secs: u8) -> Vec<Vec<u8>> {
    vec![restarting(0, 0), capability(71, &[0, 1, 1, 0x80, 0, 0, secs])]
}

async fn long_lived(bench: Bench) -> Verdict {
    let peer = with_routes(&bench, long_lived_for(100), PLAIN).await?;
    end(&bench, peer, None).await?;
    let routes = bench.received().await?;
    same(&Bench::prefixes(&routes), &BOTH.map(str::to_owned).to_vec(), "routes held")?;
    let marked = |route: &crate::accept::ReceivedRoute| {
        route.attrs.communities.iter().any(|community| community.0 == 0xFFFF_0006)
    };
    ensure(routes.iter().all(marked), || "a route is without LLGR_STALE".to_owned())
}

async fn not_long_lived(bench: Bench) -> Verdict {
    let peer = with_routes(&bench, long_lived_for(100), PLAIN).await?;
    end(&bench, peer, None).await?;
    holds(&bench, &[]).await
}

async fn no_llgr(bench: Bench) -> Verdict {
    let peer = with_routes(&bench, long_lived_for(100), NO_LLGR).await?;
    end(&bench, peer, None).await?;
    holds(&bench, &["5.1.0.0/16"]).await
}

async fn long_lived_too_late(bench: Bench) -> Verdict {
    let peer = with_routes(&bench, long_lived_for(2), PLAIN).await?;
    end(&bench, peer, None).await?;
    goes(&bench, Duration::from_millis(1500)).await
}
