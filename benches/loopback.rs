//! The whole path: a speaker of this process tells its table over TCP to receivers that share no code with it.
//!
//! The clock runs from the KEEPALIVEs that make the sessions Established to the last prefix at the last peer. One peer
//! more is told the table before that, so that a session finds what a speaker that has been up for a while has made.
#![allow(missing_docs, reason = "criterion's macros make public items without docs")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a bench may stop where it is")]

mod tables;
#[allow(
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "a file of the crate `receiver`, which has lints of its own"
)]
#[path = "receiver/src/wire.rs"]
mod wire;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{Criterion, SamplingMode, criterion_group, criterion_main};
use peeringd::config::{
    Limits, OriginPlan, Plan, PolicyPlan, ProtocolPlan, RestartPlan, RouterPlan, SessionPlan, TransportPlan,
};
use peeringd::metrics::Metrics;
use peeringd::peering::{ConnectionState, PolicyGroup};
use peeringd::rib::Generation;
use peeringd::speaker::{Listeners, Speaker};
use peeringd::wire::{Asn, PerFamily};
use tables::{OURS, TABLES, brief, table};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::runtime::{self, Runtime};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::wire::{Counts, Digest, Frame};

const THEIRS: Asn = Asn(64_500);
const US: Ipv4Addr = Ipv4Addr::LOCALHOST;
const PEERS: [u32; 3] = [1, 10, 100];
/// A table that has not arrived by then never will.
const PATIENCE: Duration = Duration::from_secs(60);
/// What one read may bring.
const READ: usize = 256 * 1024;

/// Peer `n`'s address; 0 is the one that goes first.
fn address(n: u32) -> Ipv4Addr {
    Ipv4Addr::from_bits(Ipv4Addr::new(127, 0, 1, 1).to_bits() + n)
}

fn session(peer: Ipv4Addr) -> SessionPlan {
    SessionPlan {
        name: format!("{peer}-v4").into(),
        connection: peer.to_string().into(),
        peering: "bench".into(),
        peering_location: None,
        connection_state: ConnectionState::Active,
        policy_group: PolicyGroup::default(),
        peer_address: peer.into(),
        peer_port: 179,
        local_address: US.into(),
        peer_asn: THEIRS,
        passive: true,
        is_route_server: false,
        hold_time: 90,
        connect_retry: Duration::from_secs(5),
        add_path_receive: false,
        extended_next_hop: false,
        families: PerFamily { ipv4: true, ipv6: false },
        next_hop: PerFamily { ipv4: Some(US.into()), ipv6: None },
        max_prefixes: PerFamily { ipv4: Some(1), ipv6: Some(1) },
        transport: TransportPlan::default(),
        protocol: ProtocolPlan::default(),
        graceful_restart: Some(RestartPlan::default()),
    }
}

fn plan(peers: u32) -> Plan {
    Plan {
        file: PathBuf::from("bench"),
        router: RouterPlan { asn: OURS, router_id: US, listen: vec![SocketAddr::from((US, 0))] },
        rib: PathBuf::from("bench"),
        http: None,
        control_socket: PathBuf::new(),
        state_dir: PathBuf::new(),
        lab: true,
        limits: Limits { received_prefixes: 1_000 },
        peer_asns: Vec::new(),
        policy: PolicyPlan::default(),
        origin: OriginPlan::default(),
        peerings: Vec::new(),
        sessions: (0..=peers).map(|n| Arc::new(session(address(n)))).collect(),
        ranges: Vec::new(),
    }
}

/// A receiver that counts.
struct Peer {
    stream: TcpStream,
    /// Begins with `filled` octets that no message has been made of yet.
    input: Vec<u8>,
    filled: usize,
    counts: Counts,
    alive: bool,
}

impl Peer {
    /// Connects, and exchanges OPENs. The speaker then waits for a KEEPALIVE.
    async fn connect(from: Ipv4Addr, to: SocketAddr) -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(SocketAddr::from((from, 0))).unwrap();
        let stream = socket.connect(to).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let mut peer =
            Self { stream, input: vec![0; READ], filled: 0, counts: Counts::default(), alive: false };
        let open = wire::Open {
            asn: THEIRS.0,
            hold_time: 90,
            identifier: from.octets(),
            families: vec![1],
            extended_messages: false,
        };
        peer.stream.write_all(&open.encode()).await.unwrap();
        while !peer.alive {
            peer.read().await;
        }
        peer
    }

    /// Makes the session Established and takes so many prefixes.
    async fn take(mut self, prefixes: u64) -> Self {
        self.stream.write_all(&wire::message(wire::KEEPALIVE, &[])).await.unwrap();
        while self.counts.announced[0] < prefixes {
            self.read().await;
        }
        assert_eq!(self.counts.announced[0], prefixes, "no prefix comes twice");
        self
    }

    async fn read(&mut self) {
        let room = self.input.get_mut(self.filled..).unwrap();
        let more = timeout(PATIENCE, self.stream.read(room)).await.expect("in time").unwrap();
        assert_ne!(more, 0, "the speaker closed the connection");
        self.filled += more;
        let mut at = 0;
        loop {
            match wire::frame(self.input.get(at..self.filled).unwrap()) {
                Frame::Whole(wire::UPDATE, body, len) => {
                    self.counts.update(body, Digest::Skip).unwrap();
                    at += len;
                }
                Frame::Whole(kind, body, len) => {
                    assert_ne!(kind, wire::NOTIFICATION, "{body:?}");
                    self.alive |= kind == wire::KEEPALIVE;
                    at += len;
                }
                Frame::Partial => break,
                Frame::Broken => panic!("no BGP"),
            }
        }
        self.input.copy_within(at..self.filled, 0);
        self.filled -= at;
    }
}

/// The speaker has threads of its own, as in the daemon; the receivers share one.
struct Machine {
    speaking: Runtime,
    receiving: Runtime,
}

impl Machine {
    fn new() -> Self {
        Self {
            speaking: runtime::Builder::new_multi_thread().enable_all().build().unwrap(),
            receiving: runtime::Builder::new_current_thread().enable_all().build().unwrap(),
        }
    }

    /// From Established to the last prefix at the last of `peers`, with a speaker of its own: a peer that comes back
    /// would have to wait.
    fn run(&self, generation: &Arc<Generation>, peers: u32, prefixes: u64) -> Duration {
        let (speaker, at) = {
            let _inside = self.speaking.enter();
            let plan = Arc::new(plan(peers));
            let listeners = Listeners::bind(&plan.router.listen).unwrap();
            let at = listeners.addresses().first().copied().unwrap();
            let metrics = Metrics::new().unwrap();
            (Speaker::start(plan, generation.clone(), listeners, metrics), at)
        };
        let took = self.receiving.block_on(async {
            let first = Peer::connect(address(0), at).await.take(prefixes).await;
            let mut waiting = Vec::new();
            for n in 1..=peers {
                waiting.push(Peer::connect(address(n), at).await);
            }
            let begin = Instant::now();
            let mut taking: JoinSet<Peer> = waiting.into_iter().map(|peer| peer.take(prefixes)).collect();
            let mut done = vec![first];
            while let Some(peer) = taking.join_next().await {
                done.push(peer.unwrap());
            }
            let took = begin.elapsed();
            drop(done);
            took
        });
        self.speaking.block_on(speaker.stop(None)).unwrap();
        took
    }
}

fn loopback(c: &mut Criterion) {
    let mut group = c.benchmark_group("loopback");
    let machine = Machine::new();
    for table in &TABLES {
        for peers in PEERS {
            let told = table.prefixes * usize::try_from(peers).unwrap();
            table.tune(&mut group, told);
            group.sample_size(10).sampling_mode(SamplingMode::Flat);
            // What is not timed, a speaker for each transfer, takes longer than a short transfer.
            let transfers = Duration::from_nanos(u64::try_from(told).unwrap() * 100);
            group.measurement_time(Duration::from_millis(100) + transfers);
            let name = format!("{peers}-peer{}/{}", if peers == 1 { "" } else { "s" }, table.name);
            group.bench_function(name, |b| {
                let (generation, _) = table.generations();
                let prefixes = u64::try_from(table.prefixes).unwrap();
                b.iter_custom(|times| (0..times).map(|_| machine.run(generation, peers, prefixes)).sum());
            });
        }
    }
}

criterion_group! {
    name = benches;
    config = brief();
    targets = loopback
}
criterion_main!(benches);
