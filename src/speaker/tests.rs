//! Whole speakers against each other, and against bytes, over loopback.

mod accepting;
mod extensions;
mod lifecycle;
mod restart;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::{sleep, timeout};

use super::{Generations, Handle, Listeners, Resumed, SessionSnapshot, Speaker};
use crate::config::{
    Limits, OriginPlan, Plan, PolicyPlan, ProtocolPlan, RestartPlan, RouterPlan, SessionPlan, TransportPlan,
};
use crate::fsm::State;
use crate::metrics::{Metrics, PrefixGauge, TurnedAway, Way};
use crate::peering::{ConnectionState, PolicyGroup};
use crate::rib::{Generation, LoadOptions, load_text};
use crate::wire::{Asn, Capability, ErrorCode, Family, KEEPALIVE, Notification, Open, PerFamily, frame};

mod next_hops;
mod pool;
mod ranges;
mod registered;
mod reports;
mod rough;
mod stream;
mod transport;

const OURS: Asn = Asn(8075);
const THEIRS: Asn = Asn(64500);
const US: Ipv4Addr = Ipv4Addr::LOCALHOST;
const THEM: Ipv4Addr = Ipv4Addr::new(127, 0, 7, 1);

fn session(local: Ipv4Addr, peer: Ipv4Addr, peer_asn: Asn, passive: bool) -> SessionPlan {
    SessionPlan {
        name: "link-v4".into(),
        connection: "link".into(),
        peering: "test".into(),
        peering_location: None,
        connection_state: ConnectionState::Active,
        policy_group: PolicyGroup::default(),
        peer_address: peer.into(),
        peer_port: 179,
        local_address: local.into(),
        peer_asn,
        passive,
        is_route_server: false,
        hold_time: 90,
        connect_retry: Duration::from_secs(1),
        add_path_receive: false,
        extended_next_hop: false,
        families: PerFamily { ipv4: true, ipv6: true },
        next_hop: PerFamily { ipv4: Some(local.into()), ipv6: Some("2001:db8::1".parse().unwrap()) },
        max_prefixes: PerFamily { ipv4: Some(1000), ipv6: Some(1000) },
        transport: TransportPlan::default(),
        protocol: ProtocolPlan::default(),
        graceful_restart: Some(RestartPlan::default()),
    }
}

fn plan(asn: Asn, id: Ipv4Addr, sessions: Vec<SessionPlan>) -> Plan {
    Plan {
        file: PathBuf::from("test"),
        router: RouterPlan { asn, router_id: id, listen: vec![SocketAddr::from((id, 0))] },
        rib: PathBuf::from("test"),
        http: None,
        control_socket: PathBuf::new(),
        state_dir: PathBuf::new(),
        lab: true,
        limits: Limits { received_prefixes: 1_000_000 },
        policy: PolicyPlan::default(),
        peer_asns: Vec::new(),
        origin: OriginPlan::default(),
        peerings: Vec::new(),
        sessions: sessions.into_iter().map(Arc::new).collect(),
        ranges: Vec::new(),
    }
}

fn rib(prefixes: &[&str]) -> String {
    let lines: String = prefixes.iter().map(|p| format!("      {p}\n")).collect();
    format!("routes:\n  - communities: [\"8075:1\"]\n    prefixes: |\n{lines}")
}

/// One speaker of a test, with what a reload needs.
struct Side {
    plan: Arc<Plan>,
    generations: Generations,
    speaker: Speaker,
    metrics: Metrics,
    at: SocketAddr,
}

impl Side {
    fn start(plan: Plan, prefixes: &[&str]) -> Self {
        Self::resume(plan, prefixes, Resumed::default())
    }

    fn resume(plan: Plan, prefixes: &[&str], resumed: Resumed) -> Self {
        Self::of_rib(plan, &rib(prefixes), resumed)
    }

    fn of_rib(plan: Plan, rib: &str, resumed: Resumed) -> Self {
        let mut generations = Generations::new();
        let generation = generation(&mut generations, rib);
        let listeners = Listeners::bind(&plan.router.listen).unwrap();
        let at = listeners.addresses()[0];
        let plan = Arc::new(plan);
        let metrics = Metrics::new().unwrap();
        let speaker = Speaker::resume(plan.clone(), generation, listeners, metrics.clone(), resumed);
        Self { plan, generations, speaker, metrics, at }
    }

    fn handle(&self) -> Handle {
        self.speaker.handle()
    }

    async fn reload(&mut self, plan: Plan, prefixes: &[&str]) {
        let generation = generation(&mut self.generations, &rib(prefixes));
        self.plan = Arc::new(plan);
        self.speaker.reload(self.plan.clone(), generation).await.unwrap();
    }

    async fn session(&self, what: &str, is: impl Fn(&SessionSnapshot) -> bool) -> Arc<SessionSnapshot> {
        until(what, || self.handle().sessions().into_iter().next().filter(|s| is(s))).await
    }

    async fn received(&self) -> Vec<IpNet> {
        let name = self.handle().sessions()[0].plan.name.clone();
        let routes = self.handle().received(&name, None, 1000).await.unwrap();
        routes.into_iter().map(|r| r.prefix).collect()
    }

    async fn stop(self) {
        self.speaker.stop(Some(Notification::new(ErrorCode::ADMIN_SHUTDOWN))).await.unwrap();
    }
}

fn generation(generations: &mut Generations, rib: &str) -> Arc<Generation> {
    let (rows, _) = load_text(Path::new("test"), rib.to_owned(), &LoadOptions { local_asn: OURS }).unwrap();
    generations.build(rows).unwrap()
}

async fn until<T>(what: &str, mut is: impl FnMut() -> Option<T>) -> T {
    let waited = timeout(Duration::from_secs(10), async {
        loop {
            if let Some(value) = is() {
                return value;
            }
            sleep(Duration::from_millis(2)).await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("not within 10 s: {what}"))
}

fn in_sync(s: &SessionSnapshot) -> bool {
    s.end_of_rib_received.ipv4 && s.end_of_rib_received.ipv6
}

/// Microsoft's side with three prefixes, and a partner that dials it.
fn pair(state: ConnectionState, limit: u64) -> (Side, Side) {
    let ours = SessionPlan { connection_state: state, ..session(US, THEM, THEIRS, true) };
    let us = Side::start(plan(OURS, US, vec![ours]), &["13.64.0.0/11", "20.33.0.0/16", "2603:1000::/24"]);
    let theirs = SessionPlan {
        peer_port: us.at.port(),
        max_prefixes: PerFamily { ipv4: Some(limit), ipv6: Some(limit) },
        ..session(THEM, US, OURS, false)
    };
    let them = Side::start(plan(THEIRS, THEM, vec![theirs]), &["5.1.0.0/16"]);
    (us, them)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_peer_gets_the_table_and_hears_only_of_changes() {
    let (mut us, them) = pair(ConnectionState::Active, 100);
    them.session("in sync", in_sync).await;
    assert_eq!(them.received().await, nets(&["13.64.0.0/11", "20.33.0.0/16", "2603:1000::/24"]));
    // What the peer announces is kept apart and never comes back to it.
    us.session("their route", |s| s.received.ipv4 == 1).await;
    assert_eq!(us.received().await, nets(&["5.1.0.0/16"]));

    let before = us.session("up", |s| s.state == State::Established).await;
    let plan = Plan::clone(&us.plan);
    us.reload(plan, &["13.64.0.0/11", "20.36.0.0/14", "2603:1000::/24"]).await;
    let expected = nets(&["13.64.0.0/11", "20.36.0.0/14", "2603:1000::/24"]);
    let them_handle = them.handle();
    timeout(Duration::from_secs(10), async {
        while them.received().await != expected {
            sleep(Duration::from_millis(2)).await;
        }
    })
    .await
    .unwrap();
    let after = us.session("up", |s| s.state == State::Established).await;
    assert_eq!((before.since, before.flaps), (after.since, after.flaps));
    assert_eq!(them_handle.sessions()[0].flaps, 0);
    them.stop().await;
    us.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_is_not_active_says_nothing_until_it_is() {
    let (mut us, them) = pair(ConnectionState::Validating, 100);
    them.session("End-of-RIB over nothing", in_sync).await;
    assert_eq!(them.received().await, nets(&[]));
    let mut plan = Plan::clone(&us.plan);
    let active =
        SessionPlan { connection_state: ConnectionState::Active, ..SessionPlan::clone(&plan.sessions[0]) };
    plan.sessions = vec![Arc::new(active)];
    us.reload(plan, &["13.64.0.0/11"]).await;
    them.session("the route", |s| s.received.ipv4 == 1).await;
    assert_eq!(them.handle().sessions()[0].flaps, 0);
    them.stop().await;
    us.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_passes_its_limit_is_told_so() {
    let (us, them) = pair(ConnectionState::Active, 1);
    let us_down = us.session("ended", |s| s.last_error.is_some()).await;
    let error = us_down.last_error.clone().unwrap();
    assert_eq!((error.code, error.sent), (Some(ErrorCode::MAX_PREFIXES), false));
    them.session("nothing held", |s| s.received.ipv4 == 0 && s.state == State::Idle).await;
    them.stop().await;
    us.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_limit_lowered_ends_the_session_and_raised_brings_it_back() {
    let (us, mut them) = pair(ConnectionState::Active, 100);
    them.session("in sync", in_sync).await;
    let limited = |plan: &Plan, limit| {
        let session = SessionPlan {
            max_prefixes: PerFamily { ipv4: Some(limit), ipv6: Some(limit) },
            ..SessionPlan::clone(&plan.sessions[0])
        };
        Plan { sessions: vec![Arc::new(session)], ..plan.clone() }
    };
    let lower = limited(&them.plan, 1);
    them.reload(lower, &["5.1.0.0/16"]).await;
    us.session("told", |s| s.last_error.as_ref().is_some_and(|e| e.code == Some(ErrorCode::MAX_PREFIXES)))
        .await;
    let higher = limited(&them.plan, 100);
    them.reload(higher, &["5.1.0.0/16"]).await;
    them.session("back", |s| s.state == State::Established && in_sync(s)).await;
    them.stop().await;
    us.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_says_cease_and_the_peer_may_come_back_at_once() {
    let (us, them) = pair(ConnectionState::Active, 100);
    them.session("in sync", in_sync).await;
    let theirs = Plan::clone(&them.plan);
    them.stop().await;
    let down = us.session("down", |s| s.state != State::Established).await;
    let error = down.last_error.clone().unwrap();
    assert_eq!((error.code, error.sent), (Some(ErrorCode::ADMIN_SHUTDOWN), false));
    let again = std::time::Instant::now();
    let them = Side::start(theirs, &["5.1.0.0/16"]);
    them.session("in sync again", in_sync).await;
    assert!(again.elapsed() < Duration::from_secs(2), "{:?}", again.elapsed());
    them.stop().await;
    us.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restart_closes_without_a_word() {
    let (us, them) = pair(ConnectionState::Active, 100);
    them.session("in sync", in_sync).await;
    us.speaker.stop(None).await.unwrap();
    let down = them.session("down", |s| s.flaps == 1).await;
    assert_eq!(down.last_error.as_ref().unwrap().code, None);
    them.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_taken_out_of_the_plan_is_told_that_it_is_de_configured() {
    let (mut us, them) = pair(ConnectionState::Active, 100);
    them.session("in sync", in_sync).await;
    let plan = Plan { sessions: Vec::new(), ..Plan::clone(&us.plan) };
    us.reload(plan, &["13.64.0.0/11"]).await;
    let down = them.session("down", |s| s.last_error.is_some()).await;
    assert_eq!(down.last_error.as_ref().unwrap().code, Some(ErrorCode::PEER_DECONFIGURED));
    assert!(us.handle().sessions().is_empty());
    them.stop().await;
    us.stop().await;
}

/// A peer made of bytes.
struct Raw(TcpStream);

impl Raw {
    async fn dial(from: Ipv4Addr, to: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(SocketAddr::from((from, 0))).unwrap();
        Self(socket.connect(to).await.unwrap())
    }

    async fn send(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
    }

    /// Every message up to the end of the stream.
    async fn rest(mut self) -> Vec<(u8, Vec<u8>)> {
        let mut bytes = Vec::new();
        let read = timeout(Duration::from_secs(10), self.0.read_to_end(&mut bytes)).await.expect("an end");
        drop(read);
        let (mut at, mut messages) = (0, Vec::new());
        while let Ok(Some(message)) = frame(&bytes[at..], 4096) {
            messages.push((message.whole[18], message.body.to_vec()));
            at += message.whole.len();
        }
        messages
    }
}

fn open(asn: Asn) -> Vec<u8> {
    let capabilities = vec![Capability::Multiprotocol(1, 1), Capability::FourOctetAs(asn)];
    Open { my_as: asn.as_u16(), hold_time: 90, bgp_id: THEM, capabilities }.encode().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_bgp_get_a_notification_and_an_end() {
    let ours = session(US, THEM, THEIRS, true);
    let us = Side::start(plan(OURS, US, vec![ours]), &["13.64.0.0/11"]);
    let mut peer = Raw::dial(THEM, us.at).await;
    peer.send(b"GET / HTTP/1.1\r\nHost: peeringd\r\n\r\n").await;
    let messages = peer.rest().await;
    let (kind, body) = messages.last().unwrap();
    assert_eq!((*kind, &body[..2]), (3, &[1, 1][..]), "{messages:?}");
    us.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_is_closed_without_a_word() {
    let ours = session(US, THEM, THEIRS, true);
    let us = Side::start(plan(OURS, US, vec![ours]), &["13.64.0.0/11"]);
    let peer = Raw::dial(Ipv4Addr::new(127, 0, 7, 2), us.at).await;
    assert!(peer.rest().await.is_empty());
    assert_eq!(us.metrics.turned_away(TurnedAway::Stranger), 1);
    us.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_asn_is_refused_by_name() {
    let ours = session(US, THEM, THEIRS, true);
    let us = Side::start(plan(OURS, US, vec![ours]), &["13.64.0.0/11"]);
    let mut peer = Raw::dial(THEM, us.at).await;
    peer.send(&open(Asn(64501))).await;
    let messages = peer.rest().await;
    let (kind, body) = messages.last().unwrap();
    assert_eq!((*kind, &body[..2]), (3, &[2, 2][..]), "{messages:?}");
    us.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refresh_brings_the_whole_table_again() {
    let ours = session(US, THEM, THEIRS, true);
    let us = Side::start(plan(OURS, US, vec![ours]), &["13.64.0.0/11"]);
    let mut peer = Raw::dial(THEM, us.at).await;
    peer.send(&open(THEIRS)).await;
    peer.send(&KEEPALIVE).await;
    us.session("told", |s| s.end_of_rib_sent.ipv4).await;
    let refresh = [&[0xff; 16][..], &[0, 23, 5, 0, 1, 0, 1]].concat();
    peer.send(&refresh).await;
    let counted = us.metrics.find_session(THEM.into()).unwrap();
    until("announced twice", || (counted.announced(Way::Sent, Family::Ipv4) == 2).then_some(())).await;
    us.stop().await;
    let updates: Vec<_> =
        peer.rest().await.into_iter().filter(|(kind, body)| *kind == 2 && body.len() > 4).collect();
    assert_eq!(updates.len(), 2, "the first table, and the one asked for");
}

fn nets(prefixes: &[&str]) -> Vec<IpNet> {
    prefixes.iter().map(|p| p.parse().unwrap()).collect()
}
