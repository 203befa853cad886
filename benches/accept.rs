//! What partners announce: taken in, judged, and told of, up to the verdicts that readers see. Every number is of one whole
//! announcement.
#![allow(missing_docs, reason = "criterion's macros make public items without docs")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a bench may stop where it is")]

mod tables;

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use ipnet::{IpNet, Ipv4Net};
use peeringd::accept::{AdjRibIn, Budget};
use peeringd::config::{Plan, load_text};
use peeringd::metrics::Metrics;
use peeringd::peering::{ConnectionState, ImportPolicy, PrefixValidationState, Registered};
use peeringd::speaker::{PenApart, RegistrarApart};
use peeringd::wire::{Asn, FirstAs, PerFamily, UpdateContext, decode_update};
use tables::{OURS, brief};

const SESSIONS: usize = 20;
const REGISTERED: usize = 10_000;
const FULL_TABLE: usize = 1_000_000;
const PEER: Asn = Asn(3356);
/// Prefixes of one UPDATE.
const PER_UPDATE: usize = 200;

/// The `n`th /24 from 20.0.0.0 on.
fn prefix(n: usize) -> Ipv4Net {
    let n = u32::try_from(n).expect("fewer than there are");
    Ipv4Net::new(Ipv4Addr::from(0x1400_0000 + (n << 8)), 24).expect("a length of IPv4")
}

/// 8075:8007, which is what registered prefixes have to have.
const MAPS: [u8; 4] = [0x1f, 0x8b, 0x1f, 0x47];
/// 8075:8008, which is another.
const ANOTHER: [u8; 4] = [0x1f, 0x8b, 0x1f, 0x48];

/// The bodies of the UPDATEs that announce so many prefixes, as a partner's router does that holds to the rules.
fn updates(count: usize) -> Vec<Vec<u8>> {
    updates_with(count, MAPS)
}

/// The same with a community.
fn updates_with(count: usize, community: [u8; 4]) -> Vec<Vec<u8>> {
    let attributes = [
        &[0x40, 1, 1, 0][..],
        &[0x40, 2, 10, 2, 2, 0, 0, 0x0d, 0x1c, 0, 0, 0, 0xae],
        &[0x40, 3, 4, 192, 0, 2, 1],
        &[0xc0, 8, 4],
        &community,
    ]
    .concat();
    let len = u16::try_from(attributes.len()).expect("short").to_be_bytes();
    let all: Vec<usize> = (0..count).collect();
    let update = |some: &[usize]| {
        let nlri = some.iter().flat_map(|n| {
            let [a, b, c, _] = prefix(*n).addr().octets();
            [24, a, b, c]
        });
        [0, 0].into_iter().chain(len).chain(attributes.iter().copied()).chain(nlri).collect()
    };
    all.chunks(PER_UPDATE).map(update).collect()
}

fn context() -> UpdateContext {
    UpdateContext {
        local_asn: OURS,
        peer_asn: PEER,
        peer_address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        local_address: PerFamily::default(),
        first_as: FirstAs::Peer,
        four_octet_as: true,
        families: PerFamily { ipv4: true, ipv6: false },
        extended_next_hop: false,
        add_path: PerFamily::default(),
    }
}

/// A policy under which the first so many prefixes are registered.
fn policy(registered: usize) -> Arc<ImportPolicy> {
    let prefixes = (0..registered).map(|n| IpNet::from(prefix(n)));
    Arc::new(ImportPolicy {
        connection_state: ConnectionState::Active,
        peering_service: true,
        peer_asn: PEER,
        registered: Arc::new(Registered::new(prefixes, [], [])),
        ..ImportPolicy::default()
    })
}

fn rib(policy: Option<&Arc<ImportPolicy>>) -> AdjRibIn {
    let all = u64::MAX / 2;
    let mut rib = AdjRibIn::new(PerFamily { ipv4: all, ipv6: all }, Arc::new(Budget::new(all)));
    if let Some(policy) = policy {
        rib.set_policy(policy.clone());
    }
    rib
}

fn take_in(rib: &mut AdjRibIn, updates: &[Vec<u8>]) {
    let context = context();
    for body in updates {
        rib.apply(&decode_update(body, &context), 1).expect("room");
    }
}

/// All that is registered, announced again on every session: what has to be judged and told within two seconds.
fn announced_again(c: &mut Criterion) {
    let (updates, policy) = (updates(REGISTERED), policy(REGISTERED));
    let mut ribs: Vec<AdjRibIn> = (0..SESSIONS).map(|_| rib(Some(&policy))).collect();
    let mut group = c.benchmark_group("judge");
    group.throughput(Throughput::Elements(u64::try_from(SESSIONS * REGISTERED).expect("not so many")));
    group.bench_function("10k-registered-20-sessions", |b| {
        b.iter(|| {
            for rib in &mut ribs {
                take_in(rib, &updates);
                let seen = rib.take_sightings(usize::MAX);
                assert_eq!((seen.len(), rib.accepted().ipv4), (REGISTERED, 10_000));
            }
        });
    });
    group.finish();
}

/// A whole table that is leaked to us, with and without judging; and judged anew after a reload.
fn leaked(c: &mut Criterion) {
    let (updates, policy) = (updates(FULL_TABLE), policy(REGISTERED));
    let mut group = c.benchmark_group("leak");
    group.throughput(Throughput::Elements(u64::try_from(FULL_TABLE).expect("not so many")));
    for (name, policy) in [("1m-without-policy", None), ("1m-10k-registered", Some(&policy))] {
        group.bench_function(name, |b| {
            b.iter_batched(
                || rib(policy),
                |mut rib| {
                    take_in(&mut rib, &updates);
                    rib
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.bench_function("1m-judged-anew", |b| {
        b.iter_batched(
            || {
                let mut rib = rib(None);
                take_in(&mut rib, &updates);
                rib.set_policy(policy.clone());
                rib
            },
            |mut rib| {
                while rib.has_to_judge() {
                    rib.judge_more(2048);
                    rib.take_sightings(1024);
                }
                assert_eq!(rib.accepted().ipv4, 10_000);
                rib
            },
            BatchSize::PerIteration,
        );
    });
    group.finish();
}

/// The address of the session's peer.
fn peer(session: usize) -> IpAddr {
    IpAddr::from([10, 0, u8::try_from(session).expect("few"), 0])
}

/// One peering with all prefixes, and a connection for each session.
fn plan() -> Arc<Plan> {
    let nets: Vec<String> = (0..REGISTERED).map(|n| prefix(n).to_string()).collect();
    let connection =
        |n: usize| format!("  - {{name: c{n}, bgp_session: {{session_prefix_v4: 10.0.{n}.0/31}}}}\n");
    let text = format!(
        "lab: true\nrouter: {{router_id: 192.0.2.1}}\nrib: r\npeerings:\n- name: p\n  peer_asn: 3356\n  \
         peering_service: true\n  registered_prefixes: [{}]\n  connections:\n{}",
        nets.join(", "),
        (0..SESSIONS).map(connection).collect::<String>()
    );
    Arc::new(load_text(Path::new("bench.yaml"), text).expect("a config").0)
}

/// Until every prefix is in a state.
async fn all_are(registrar: &RegistrarApart, state: PrefixValidationState) {
    let is_so = || {
        let peering = registrar.registry().peering("p");
        peering.is_some_and(|p| p.registered_prefixes.iter().all(|status| status.verdict.state == state))
    };
    while !is_so() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// The whole announcement on one session, told as often as a session does.
async fn announce(mut rib: AdjRibIn, pen: PenApart, updates: Arc<Vec<Vec<u8>>>) -> (AdjRibIn, PenApart) {
    let context = context();
    for body in updates.iter() {
        rib.apply(&decode_update(body, &context), 1).expect("room");
        pen.post(rib.take_sightings(256));
        tokio::task::yield_now().await;
    }
    while rib.has_to_tell() {
        pen.post(rib.take_sightings(256));
        tokio::task::yield_now().await;
    }
    (rib, pen)
}

/// All that is registered, announced again on every session so that each verdict becomes another: from the first UPDATE until
/// readers see the last verdict, with the state on disk.
fn verdicts(c: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let (plan, policy) = (plan(), policy(REGISTERED));
    let both = [
        (Arc::new(updates(REGISTERED)), PrefixValidationState::Verified),
        (Arc::new(updates_with(REGISTERED, ANOTHER)), PrefixValidationState::Failed),
    ];
    let folder = tempfile::tempdir().unwrap();
    let registrar = {
        let _on = runtime.enter();
        RegistrarApart::start(plan, folder.path(), Metrics::new().unwrap()).unwrap()
    };
    let mut sessions: Vec<(AdjRibIn, PenApart)> =
        (0..SESSIONS).map(|n| (rib(Some(&policy)), registrar.pen(peer(n)))).collect();
    let mut turns = both.iter().cycle();
    let mut group = c.benchmark_group("verdicts");
    group.sample_size(10);
    group.throughput(Throughput::Elements(u64::try_from(SESSIONS * REGISTERED).expect("not so many")));
    group.bench_function("10k-registered-20-sessions", |b| {
        b.iter_custom(|times| {
            let mut taken = Duration::ZERO;
            for _ in 0..times {
                let (updates, state) = turns.next().expect("they go on for ever");
                let begun = Instant::now();
                let all: Vec<_> = sessions
                    .drain(..)
                    .map(|(rib, pen)| runtime.spawn(announce(rib, pen, updates.clone())))
                    .collect();
                for one in all {
                    sessions.push(runtime.block_on(one).expect("it does not panic"));
                }
                runtime.block_on(all_are(&registrar, *state));
                taken += begun.elapsed();
            }
            taken
        });
    });
    group.finish();
}

criterion_group! {
    name = benches;
    config = brief();
    targets = announced_again, verdicts, leaked
}
criterion_main!(benches);
