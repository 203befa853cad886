//! Peers that are rough with TCP, beside one that is not: it must not notice.

use std::time::Instant;

use super::*;
use crate::wire::MAX_MESSAGE_LEN;

const ROUGH: Ipv4Addr = Ipv4Addr::new(127, 0, 7, 9);

/// Microsoft's side with two peers, the first of them up.
async fn beside_a_real_peer(prefixes: &[&str]) -> (Side, Side) {
    let rough = SessionPlan {
        name: "rough-v4".into(),
        connection: "rough".into(),
        ..session(US, ROUGH, THEIRS, true)
    };
    let us = Side::start(plan(OURS, US, vec![session(US, THEM, THEIRS, true), rough]), prefixes);
    let theirs = SessionPlan {
        peer_port: us.at.port(),
        max_prefixes: PerFamily::default(),
        ..session(THEM, US, OURS, false)
    };
    let them = Side::start(plan(THEIRS, THEM, vec![theirs]), &["5.1.0.0/16"]);
    them.session("in sync", in_sync).await;
    (us, them)
}

async fn is_unharmed(us: Side, them: Side) {
    let (ours, theirs) = (us.handle().sessions()[0].clone(), them.handle().sessions()[0].clone());
    assert_eq!((ours.state, theirs.state), (State::Established, State::Established));
    assert_eq!((ours.flaps, theirs.flaps), (0, 0));
    them.stop().await;
    us.stop().await;
}

/// Tries to connect, though the other side may be done with it before that has come back.
async fn try_dial(from: Ipv4Addr, to: SocketAddr) -> Option<TcpStream> {
    let socket = TcpSocket::new_v4().unwrap();
    socket.set_reuseaddr(true).unwrap();
    socket.bind(SocketAddr::from((from, 0))).unwrap();
    socket.connect(to).await.ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_flaps_as_fast_as_it_can_gets_few_sessions() {
    let (us, them) = beside_a_real_peer(&["13.64.0.0/11"]).await;
    let (began, mut tried) = (Instant::now(), 0_u32);
    let hello = [open(THEIRS), KEEPALIVE.to_vec()].concat();
    while began.elapsed() < Duration::from_secs(3) {
        if let Some(mut stream) = try_dial(ROUGH, us.at).await {
            tried += 1;
            // Either may fail where we are refused, which is what is wanted.
            drop(stream.write_all(&hello).await);
            drop(timeout(Duration::from_millis(20), stream.read(&mut [0; MAX_MESSAGE_LEN])).await);
        }
    }
    let rough = us.metrics.find_session(ROUGH.into()).unwrap();
    // A thousand a minute are fifty in this time; a session needs 0.37 s and more after one as short as these.
    assert!(tried > 50 && rough.established() <= 9, "{tried} tried, {} taken", rough.established());
    assert!(rough.inbound_refused() > 0);
    is_unharmed(us, them).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_never_sends_its_open_gives_way_to_itself() {
    let (us, them) = beside_a_real_peer(&["13.64.0.0/11"]).await;
    let mut silent = vec![Raw::dial(ROUGH, us.at).await];
    us_session(&us, 1, "OpenSent", |s| s.state == State::OpenSent).await;
    // One that is young is not given up for another; one that is old is.
    let began = Instant::now();
    let established = loop {
        let mut peer = Raw::dial(ROUGH, us.at).await;
        drop(peer.0.write_all(&[open(THEIRS), KEEPALIVE.to_vec()].concat()).await);
        let up = us_session_within(&us, 1, Duration::from_millis(300), |s| s.state == State::Established);
        if up.await {
            break peer;
        }
        assert!(began.elapsed() < Duration::from_secs(9), "a silent connection kept its peer out");
    };
    assert!(began.elapsed() >= Duration::from_secs(4), "{:?}", began.elapsed());
    drop(established);
    let told = silent.remove(0).rest().await;
    assert_eq!(told.last().unwrap().0, 3, "a NOTIFICATION: {told:?}");
    is_unharmed(us, them).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_after_the_marker_is_waited_for_and_gives_way() {
    let (us, them) = beside_a_real_peer(&["13.64.0.0/11"]).await;
    let mut peer = Raw::dial(ROUGH, us.at).await;
    peer.send(&[0xff; 16]).await;
    us_session(&us, 1, "OpenSent", |s| s.state == State::OpenSent).await;
    // The length that comes at last is one that no message has (RFC 4271 §6.1).
    sleep(Duration::from_millis(200)).await;
    peer.send(&[0, 18, 1]).await;
    let (kind, body) = peer.rest().await.pop().unwrap();
    assert_eq!((kind, body), (3, vec![1, 2, 0, 18]));
    is_unharmed(us, them).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_never_reads_costs_a_bounded_amount_and_keeps_nobody_waiting() {
    let table: Vec<String> =
        (0..40_000_u32).map(|n| format!("{}.{}.{}.0/24", 20 + (n >> 16), (n >> 8) & 255, n & 255)).collect();
    let table: Vec<&str> = table.iter().map(String::as_str).collect();
    let (mut us, them) = beside_a_real_peer(&["13.64.0.0/11"]).await;
    let mut peer = Raw::dial(ROUGH, us.at).await;
    peer.send(&[open(THEIRS), KEEPALIVE.to_vec()].concat()).await;
    us_session(&us, 1, "up", |s| s.state == State::Established).await;
    let before = resident();
    for round in 0..10_usize {
        let some: Vec<&str> = table.iter().copied().skip(round * 3).collect();
        us.reload(Plan::clone(&us.plan), &some).await;
        let count = u64::try_from(some.len()).unwrap();
        us_session(&us, 0, "told", |s| s.pending.ipv4 == 0 && s.advertised.ipv4 == count).await;
    }
    let grown = resident().saturating_sub(before);
    assert!(grown < 32 * 1024, "{grown} KiB for a peer that reads nothing, and for the table");
    drop(peer);
    us.stop().await;
    them.stop().await;
}

/// Memory of this process, KiB.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

async fn us_session(us: &Side, nth: usize, what: &str, is: impl Fn(&SessionSnapshot) -> bool) {
    until(what, || us.handle().sessions().get(nth).filter(|s| is(s)).map(|_| ())).await;
}

async fn us_session_within(
    us: &Side,
    nth: usize,
    limit: Duration,
    is: impl Fn(&SessionSnapshot) -> bool,
) -> bool {
    timeout(limit, us_session(us, nth, "", is)).await.is_ok()
}
