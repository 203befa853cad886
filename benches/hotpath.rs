//! What the hot path costs at a million prefixes: `cargo bench --bench hotpath`.
//!
//! Run it on an idle machine. It also prints the memory of the table, per prefix.
#![allow(missing_docs, reason = "criterion's macros make public items without docs")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a benchmark may stop where it is")]

use std::hint::black_box;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use peeringd::advertise::{Announcing, Board, Outbox, Outcome, Selector, SessionProfile};
use peeringd::rib::{FileSpan, Generation, Group, Ranks, Row, Rows};
use peeringd::wire::{Asn, AttrSet, Community, Family, PerFamily};

const PREFIXES: usize = 1_000_000;
const SETS: u32 = 500;

/// Share of the IPv4 default-free zone by prefix length, about, in thousandths.
const MIX: [(u8, u32); 15] = [
    (24, 600),
    (23, 100),
    (22, 110),
    (21, 50),
    (20, 45),
    (19, 30),
    (18, 15),
    (17, 10),
    (16, 14),
    (15, 10),
    (14, 6),
    (13, 5),
    (12, 3),
    (11, 1),
    (10, 1),
];

/// A load of so many IPv4 prefixes in [`SETS`] attribute sets, the same at every run. One in `change` is in another set
/// than it would be.
fn rows(change: Option<usize>) -> Rows {
    let mut rng = fastrand::Rng::with_seed(8075);
    let mut keys = std::collections::BTreeMap::new();
    while keys.len() < PREFIXES {
        let mut share = rng.u32(0..1_000);
        let of_share = MIX.iter().find(|(_, part)| {
            let here = share < *part;
            share = share.saturating_sub(*part);
            here
        });
        let len = of_share.map_or(24, |(len, _)| *len);
        let addr = rng.u32(1 << 24..224 << 24) & (u32::MAX << (32 - len));
        keys.entry((addr, len)).or_insert_with(|| rng.u32(0..SETS));
    }
    let v4 = keys.into_iter().enumerate().map(|(i, ((addr, len), group))| {
        let moved = change.is_some_and(|every| i.is_multiple_of(every));
        let group = if moved { (group + 1) % SETS } else { group };
        Row { addr, len, group, line: group + 1 }
    });
    let groups = (0..SETS).map(|set| Group {
        attrs: Arc::new(AttrSet { communities: vec![Community(8075 << 16 | set)], ..AttrSet::default() }),
        source: None,
        peering_locations: Vec::new(),
        peerings: Vec::new(),
        allow_longer: false,
        line: set + 1,
    });
    Rows {
        files: vec![FileSpan { path: Arc::new(PathBuf::from("bench.yaml")), first_line: 1 }],
        groups: groups.collect(),
        v4: v4.collect(),
        v6: Vec::new(),
    }
}

fn session() -> SessionProfile {
    SessionProfile {
        local_asn: Asn(8075),
        four_octet_as: true,
        max_message_len: 4096,
        families: PerFamily { ipv4: true, ipv6: false },
        next_hop: PerFamily { ipv4: Some(IpAddr::from([127, 0, 0, 1])), ipv6: None },
        extended_next_hop: false,
        enhanced_route_refresh: false,
        otc: None,
    }
}

/// Writes all that there is into nothing; octets and UPDATEs.
fn drain(outbox: &mut Outbox) -> (usize, u64) {
    let before = outbox.counters().updates;
    let wrote = outbox.write(0, usize::MAX, &mut |slices| Ok(slices.iter().map(|slice| slice.len()).sum()));
    let wrote = wrote.expect("the sink does not fail");
    assert_eq!(wrote.outcome, Outcome::Drained);
    (wrote.bytes, outbox.counters().updates - before)
}

fn hot_path(c: &mut Criterion) {
    let mut group = c.benchmark_group("1M");
    group.sample_size(10);
    let load = rows(None);
    group.bench_function("build, first", |b| {
        b.iter_batched(
            || load.clone(),
            |rows| Generation::build(rows, None, &mut Ranks::new(), 1, 1).expect("sorted"),
            BatchSize::PerIteration,
        );
    });
    let mut ranks = Ranks::new();
    let first = Arc::new(Generation::build(load, None, &mut ranks, 1, 1).expect("sorted"));
    println!("table: {:.2} octets a prefix", first.heap_bytes() as f64 / PREFIXES as f64);
    let changed = rows(Some(100));
    group.bench_function("build, 1 % changed", |b| {
        b.iter_batched(
            || changed.clone(),
            |rows| Generation::build(rows, Some(&first), &mut ranks, 2, 2).expect("sorted"),
            BatchSize::PerIteration,
        );
    });
    let second = Arc::new(Generation::build(changed, Some(&first), &mut ranks, 2, 2).expect("sorted"));
    let selector = Selector { peering: "bench".into(), location: None };
    let board = Board::new(first.clone());
    let view = board.view(&selector);
    group.bench_function("cuts of a profile", |b| {
        b.iter_batched(
            || Board::new(first.clone()),
            |board| board.view(&selector).left_out(&session()).len(),
            BatchSize::PerIteration,
        );
    });
    group.bench_function("first pass", |b| {
        b.iter(|| {
            let mut outbox = Outbox::new();
            outbox.up(session(), view.clone(), Announcing::Yes);
            black_box(drain(&mut outbox))
        });
    });
    group.bench_function("1 % changed: delta and cuts", |b| {
        b.iter_batched(
            || board.next(second.clone()),
            |next| next.prepare(&[session()]),
            BatchSize::PerIteration,
        );
    });
    let next = board.next(second.clone());
    next.prepare(&[session()]);
    let newer = next.view(&selector);
    group.bench_function("1 % changed: to a peer in sync", |b| {
        b.iter_batched_ref(
            || {
                let mut outbox = Outbox::new();
                outbox.up(session(), view.clone(), Announcing::Yes);
                drain(&mut outbox);
                outbox
            },
            |outbox| {
                outbox.set_view(newer.clone());
                black_box(drain(outbox))
            },
            BatchSize::PerIteration,
        );
    });
    let mut outbox = Outbox::new();
    outbox.up(session(), view.clone(), Announcing::Yes);
    println!("first pass: {:?} (octets, UPDATEs)", drain(&mut outbox));
    outbox.set_view(newer);
    println!("1 % changed: {:?}", drain(&mut outbox));
    group.finish();
    look_up(c, &first);
}

fn look_up(c: &mut Criterion, generation: &Generation) {
    let mut rng = fastrand::Rng::with_seed(1);
    c.bench_function("1M/longest match", |b| {
        b.iter(|| {
            generation.longest_match(IpAddr::from(rng.u32(1 << 24..224 << 24).to_be_bytes())).is_some()
        });
    });
    let page = generation.page(Family::Ipv4, None, 1_000);
    let mut nets = page.iter().map(|route| route.prefix).cycle();
    c.bench_function("1M/exact", |b| b.iter(|| nets.next().and_then(|net| generation.get(net)).is_some()));
}

criterion_group!(benches, hot_path);
criterion_main!(benches);
