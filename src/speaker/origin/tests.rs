//! Caches that a test plays, octet by octet, and what becomes of the tables.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;

use super::*;
use crate::peering::origin::{IrrRoute, IrrTable, Validity};
use crate::wire::Asn;

const PATIENCE: Duration = Duration::from_secs(20);

/// PDUs of RFC 8210 §5.
mod pdu {
    pub(super) const RESET_QUERY: u8 = 2;
    pub(super) const SERIAL_QUERY: u8 = 1;

    fn pdu(version: u8, kind: u8, session: u16, rest: &[u8]) -> Vec<u8> {
        let mut octets = vec![version, kind];
        octets.extend(session.to_be_bytes());
        octets.extend(u32::try_from(8 + rest.len()).unwrap().to_be_bytes());
        octets.extend(rest);
        octets
    }

    pub(super) fn notify(session: u16, serial: u32) -> Vec<u8> {
        pdu(1, 0, session, &serial.to_be_bytes())
    }

    pub(super) fn response(session: u16) -> Vec<u8> {
        pdu(1, 3, session, &[])
    }

    /// 20.N.0.0/16 up to /24 of AS3356.
    pub(super) fn vrp(n: u8, is_announced: bool) -> Vec<u8> {
        let mut rest = vec![u8::from(is_announced), 16, 24, 0, 20, n, 0, 0];
        rest.extend(3356_u32.to_be_bytes());
        pdu(1, 4, 0, &rest)
    }

    pub(super) fn end(session: u16, serial: u32, [refresh, retry, expire]: [u32; 3]) -> Vec<u8> {
        let numbers = [serial, refresh, retry, expire].map(u32::to_be_bytes);
        pdu(1, 7, session, &numbers.concat())
    }

    pub(super) fn cache_reset() -> Vec<u8> {
        pdu(1, 8, 0, &[])
    }

    pub(super) fn unsupported_version(ours: u8) -> Vec<u8> {
        pdu(ours, 10, 4, &[0; 8])
    }

    /// The same PDU in version 0, whose End of Data has no intervals.
    pub(super) fn in_version_0(mut octets: Vec<u8>) -> Vec<u8> {
        octets[0] = 0;
        if octets[1] == 7 {
            octets.truncate(12);
            octets[7] = 12;
        }
        octets
    }
}

const HOUR: [u32; 3] = [3600, 600, 7200];

/// A cache's listening socket.
struct Played(TcpListener);

impl Played {
    async fn new() -> Self {
        Self(TcpListener::bind("127.0.0.1:0").await.unwrap())
    }

    fn address(&self) -> SocketAddr {
        self.0.local_addr().unwrap()
    }

    /// The next connection.
    async fn accept(&self) -> TcpStream {
        timeout(PATIENCE, self.0.accept()).await.expect("a connection").unwrap().0
    }
}

/// The kind, session and last number of the query that comes next.
async fn query(stream: &mut TcpStream) -> (u8, u16, u32) {
    let mut head = [0; 8];
    timeout(PATIENCE, stream.read_exact(&mut head)).await.expect("a query").unwrap();
    let mut number = [0; 4];
    if head[1] == pdu::SERIAL_QUERY {
        stream.read_exact(&mut number).await.unwrap();
    }
    (head[1], u16::from_be_bytes([head[2], head[3]]), u32::from_be_bytes(number))
}

async fn send(stream: &mut TcpStream, pdus: &[Vec<u8>]) {
    stream.write_all(&pdus.concat()).await.unwrap();
}

/// A speaker's origins, and the plans that they go by.
struct Kept {
    origins: Origins,
    plans: watch::Sender<OriginPlan>,
    metrics: Metrics,
}

impl Kept {
    fn by(caches: &[SocketAddr]) -> Self {
        let metrics = Metrics::new().unwrap();
        let plan = OriginPlan { caches: caches.to_vec(), ..OriginPlan::default() };
        let (origins, plans) = start(&plan, &metrics);
        Self { origins, plans, metrics }
    }

    async fn until(&self, what: &str, wanted: impl Fn(&OriginStatus) -> bool) -> Arc<OriginStatus> {
        let mut status = self.origins.status.clone();
        let found = timeout(PATIENCE, status.wait_for(|status| wanted(status))).await;
        found.unwrap_or_else(|_| panic!("{what}: {:#?}", self.origins.status())).unwrap().clone()
    }

    /// Whether RPKI has 20.N.1.0/24 of AS3356.
    fn has(&self, n: u8) -> bool {
        let prefix = format!("20.{n}.1.0/24").parse().unwrap();
        self.origins.in_force.borrow().tables.validate(prefix, Some(Asn(3356))).rpki == Validity::Valid
    }
}

fn synced(serial: u32) -> impl Fn(&OriginStatus) -> bool {
    move |status| {
        status.caches[0].state == CacheState::Synced && status.caches[0].session.map(|s| s.1) == Some(serial)
    }
}

#[tokio::test]
async fn a_cache_is_asked_again_where_it_stopped() {
    let cache = Played::new().await;
    let kept = Kept::by(&[cache.address()]);
    let mut woken = kept.origins.in_force();
    let mut stream = cache.accept().await;
    assert_eq!(query(&mut stream).await.0, pdu::RESET_QUERY);
    send(&mut stream, &[pdu::response(7), pdu::vrp(1, true), pdu::vrp(2, true), pdu::end(7, 1, HOUR)]).await;
    let status = kept.until("all VRPs", synced(1)).await;
    assert_eq!((status.vrps.ipv4, status.caches[0].is_in_use), (2, true));
    assert!(kept.has(1) && kept.has(2) && !kept.has(3));
    assert!(timeout(PATIENCE, woken.changed()).await.is_ok());

    send(&mut stream, &[pdu::notify(7, 2)]).await;
    assert_eq!(query(&mut stream).await, (pdu::SERIAL_QUERY, 7, 1));
    send(&mut stream, &[pdu::response(7), pdu::vrp(1, false), pdu::vrp(3, true), pdu::end(7, 2, HOUR)]).await;
    kept.until("the change", synced(2)).await;
    assert!(!kept.has(1) && kept.has(2) && kept.has(3));

    drop(stream);
    let status = kept.until("the loss", |s| s.caches[0].state == CacheState::Lost).await;
    assert_eq!(&*status.caches[0].last_error.as_ref().unwrap().0, "the cache closed the connection");
    assert!(kept.has(2) && status.caches[0].is_in_use);
    let mut stream = cache.accept().await;
    assert_eq!(query(&mut stream).await, (pdu::SERIAL_QUERY, 7, 2));
    send(&mut stream, &[pdu::cache_reset()]).await;
    assert_eq!(query(&mut stream).await.0, pdu::RESET_QUERY);
    send(&mut stream, &[pdu::response(8), pdu::vrp(4, true), pdu::end(8, 9, HOUR)]).await;
    kept.until("another session", synced(9)).await;
    assert!(!kept.has(2) && kept.has(4));

    let text = kept.metrics.render().unwrap();
    let label = format!("{{cache=\"{}\"", cache.address());
    for line in [
        "peeringd_rpki_vrps{family=\"ipv4\"} 1".to_owned(),
        format!("peeringd_rpki_cache_up{label}}} 1"),
        format!("peeringd_rpki_cache_in_use{label}}} 1"),
        format!("peeringd_rpki_cache_serial{label}}} 9"),
        format!("peeringd_rpki_cache_vrps{label},family=\"ipv4\"}} 1"),
        format!("peeringd_rpki_cache_failures_total{label}}} 1"),
    ] {
        assert!(text.lines().any(|l| l == line), "{line} in {text}");
    }
    kept.plans.send_replace(OriginPlan::default());
    kept.until("no cache", |status| status.caches.is_empty() && status.vrps.ipv4 == 0).await;
    assert!(!kept.has(4) && !kept.metrics.render().unwrap().contains("peeringd_rpki_cache_up"));
}

/// As StayRTR does when it has started again.
#[tokio::test]
async fn a_cache_that_closes_when_asked_to_go_on_is_asked_for_all() {
    let cache = Played::new().await;
    let kept = Kept::by(&[cache.address()]);
    let mut stream = cache.accept().await;
    query(&mut stream).await;
    send(&mut stream, &[pdu::response(7), pdu::vrp(1, true), pdu::end(7, 1, HOUR)]).await;
    kept.until("all VRPs", synced(1)).await;
    drop(stream);
    let mut stream = cache.accept().await;
    assert_eq!(query(&mut stream).await, (pdu::SERIAL_QUERY, 7, 1));
    drop(stream);
    let mut stream = cache.accept().await;
    assert_eq!(query(&mut stream).await.0, pdu::RESET_QUERY);
    assert!(kept.has(1));
    send(&mut stream, &[pdu::response(8), pdu::vrp(2, true), pdu::end(8, 0, HOUR)]).await;
    kept.until("all VRPs again", synced(0)).await;
    assert!(!kept.has(1) && kept.has(2));
}

#[tokio::test]
async fn a_cache_of_version_0_is_understood() {
    let cache = Played::new().await;
    let kept = Kept::by(&[cache.address()]);
    let mut stream = cache.accept().await;
    assert_eq!(query(&mut stream).await.0, pdu::RESET_QUERY);
    send(&mut stream, &[pdu::unsupported_version(0)]).await;
    assert_eq!(query(&mut stream).await.0, pdu::RESET_QUERY);
    let answer = [pdu::response(7), pdu::vrp(1, true), pdu::end(7, 1, HOUR)].map(pdu::in_version_0);
    send(&mut stream, &answer).await;
    kept.until("all VRPs", synced(1)).await;
    assert!(kept.has(1));
}

#[tokio::test]
async fn what_a_lost_cache_sent_expires() {
    let cache = Played::new().await;
    let kept = Kept::by(&[cache.address()]);
    let mut stream = cache.accept().await;
    query(&mut stream).await;
    send(&mut stream, &[pdu::response(7), pdu::vrp(1, true), pdu::end(7, 1, [3600, 600, 2])]).await;
    kept.until("all VRPs", synced(1)).await;
    drop(stream);
    drop(cache);
    kept.until("the loss", |s| s.caches[0].state == CacheState::Lost && s.vrps.ipv4 == 1).await;
    assert!(kept.has(1));
    let status =
        kept.until("the end", |s| s.caches[0].state == CacheState::Expired && s.vrps.ipv4 == 0).await;
    assert!(!kept.has(1) && !status.caches[0].is_in_use);
}

/// What a cache may not do, the words that are said of it, and that all VRPs are asked for afterwards.
#[tokio::test]
async fn a_cache_that_is_wrong_is_left_and_asked_anew() {
    let start = [pdu::response(7), pdu::vrp(1, true), pdu::end(7, 1, HOUR)];
    let wrong: [(&[Vec<u8>], &str); 6] = [
        (&[pdu::response(7), pdu::vrp(1, true), pdu::end(7, 2, HOUR)], "announced a VRP twice"),
        (&[pdu::response(7), pdu::vrp(2, false), pdu::end(7, 2, HOUR)], "had not announced"),
        (&[pdu::response(8), pdu::end(8, 2, HOUR)], "changes of another session"),
        (&[pdu::response(7), vec![1, 4, 0, 0, 0, 0, 0, 8]], "RFC 8210"),
        (
            &[pdu::response(7), vec![1, 4, 0, 0, 0, 0, 0, 20, 1, 33, 33, 0, 20, 1, 0, 0, 0, 0, 0, 1]],
            "RFC 8210",
        ),
        (&[b"HTTP/1.1 400 Bad Request\r\n\r\n".to_vec()], "RFC 8210"),
    ];
    let run = |answer: Vec<Vec<u8>>, words: &'static str| {
        let start = start.clone();
        async move {
            let cache = Played::new().await;
            let kept = Kept::by(&[cache.address()]);
            let mut stream = cache.accept().await;
            query(&mut stream).await;
            send(&mut stream, &start).await;
            kept.until("all VRPs", synced(1)).await;
            send(&mut stream, &[pdu::notify(7, 2)]).await;
            assert_eq!(query(&mut stream).await, (pdu::SERIAL_QUERY, 7, 1));
            send(&mut stream, &answer).await;
            let status = kept.until(words, |s| s.caches[0].state == CacheState::Lost).await;
            let said = &status.caches[0].last_error.as_ref().unwrap().0;
            assert!(said.contains(words), "{said}");
            assert!(kept.has(1), "what was sent before stays");
            let mut stream = cache.accept().await;
            assert_eq!(query(&mut stream).await.0, pdu::RESET_QUERY);
            send(&mut stream, &[pdu::response(7), pdu::vrp(5, true), pdu::end(7, 3, HOUR)]).await;
            kept.until("all VRPs again", synced(3)).await;
            assert!(!kept.has(1) && kept.has(5));
        }
    };
    let all: Vec<_> = wrong.iter().map(|(answer, words)| tokio::spawn(run(answer.to_vec(), words))).collect();
    for one in all {
        one.await.unwrap();
    }
}

#[tokio::test]
async fn the_preferred_cache_that_answers_is_used() {
    let (first, second) = (Played::new().await, Played::new().await);
    let kept = Kept::by(&[first.address(), second.address()]);
    let mut later = second.accept().await;
    query(&mut later).await;
    send(&mut later, &[pdu::response(2), pdu::vrp(2, true), pdu::end(2, 1, HOUR)]).await;
    kept.until("the second", |status| status.caches[1].is_in_use).await;
    assert!(kept.has(2));
    let mut stream = first.accept().await;
    query(&mut stream).await;
    send(&mut stream, &[pdu::response(1), pdu::vrp(1, true), pdu::end(1, 1, HOUR)]).await;
    kept.until("the first", |status| status.caches[0].is_in_use).await;
    assert!(kept.has(1) && !kept.has(2));
    drop(stream);
    kept.until("the second again", |status| status.caches[1].is_in_use).await;
    assert!(!kept.has(1) && kept.has(2));
    // Both away: the preferred one's are used as long as they are good.
    drop(later);
    kept.until("the first's kept", |status| status.caches[0].is_in_use).await;
    assert!(kept.has(1));
}

#[tokio::test]
async fn files_of_a_new_plan_are_in_force_with_what_a_cache_has() {
    let cache = Played::new().await;
    let kept = Kept::by(&[cache.address()]);
    let mut stream = cache.accept().await;
    query(&mut stream).await;
    send(&mut stream, &[pdu::response(7), pdu::vrp(1, true), pdu::end(7, 1, HOUR)]).await;
    kept.until("all VRPs", synced(1)).await;
    let text = r#"{"roas":[{"asn":3356,"prefix":"20.9.0.0/16","maxLength":24}]}"#;
    let file = crate::peering::origin::read_vrps("v".as_ref(), text.as_bytes(), 0).unwrap();
    let prefix = "20.9.1.0/24".parse().unwrap();
    let route = IrrRoute { prefix, min_len: 24, max_len: 24, origin: Asn(3356) };
    let plan = OriginPlan {
        vrp_files: vec![Arc::new(file)],
        irr: Arc::new(IrrTable::new(vec![route])),
        ..kept.plans.borrow().clone()
    };
    kept.plans.send_replace(plan);
    let status = kept.until("the file", |status| status.vrps.ipv4 == 2 && status.irr_routes.ipv4 == 1).await;
    assert_eq!((status.caches[0].state, status.vrp_files.len()), (CacheState::Synced, 1));
    assert!(kept.has(1) && kept.has(9));
    assert_eq!(kept.origins.in_force.borrow().tables.validate(prefix, Some(Asn(3356))).irr, Validity::Valid);
}
