//! UPDATEs out and in: what a peer is told, written to nowhere, and what a peer tells, every prefix visited.
#![allow(missing_docs, reason = "criterion's macros make public items without docs")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a bench may stop where it is")]

mod tables;

use std::hint::black_box;
use std::io::IoSlice;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use peeringd::advertise::{Announcing, Board, Outbox, Outcome, Selector, View};
use peeringd::wire::{
    Asn, FirstAs, MAX_MESSAGE_LEN, Nlri, PerFamily, Treatment, UpdateContext, decode_update, frame,
};
use tables::{ONE_PERCENT, OURS, TABLES, Table, brief, session};

/// The views of both generations of a table, with all that its sessions share made.
struct Views {
    first: Arc<View>,
    second: Arc<View>,
}

impl Views {
    fn of(table: &Table) -> Self {
        let (first, second) = table.generations();
        let board = Board::new(first.clone());
        let first = board.view(&selector());
        assert!(first.left_out(&session()).is_empty());
        let next = board.next(second.clone());
        next.prepare(&[session()]);
        Self { second: next.view(&selector()), first }
    }
}

fn selector() -> Selector {
    Selector { peering: "bench".into(), location: None }
}

/// A session that has just come up.
fn up(view: &Arc<View>) -> Outbox {
    let mut outbox = Outbox::new();
    outbox.up(session(), view.clone(), Announcing::Yes);
    outbox
}

/// A sink that keeps nothing.
fn nowhere(slices: &[IoSlice<'_>]) {
    black_box(slices);
}

/// Writes all that there is to be told; how many octets.
fn drain(outbox: &mut Outbox, mut sink: impl FnMut(&[IoSlice<'_>])) -> usize {
    let mut take = |slices: &[IoSlice<'_>]| {
        sink(slices);
        Ok(slices.iter().map(|slice| slice.len()).sum())
    };
    let wrote = outbox.write(0, usize::MAX, &mut take).expect("the sink does not fail");
    assert_eq!(wrote.outcome, Outcome::Drained);
    wrote.bytes
}

fn encode(c: &mut Criterion) {
    let mut group = c.benchmark_group("encode");
    for table in &TABLES {
        table.tune(&mut group, table.prefixes);
        group.bench_function(format!("cuts/{}", table.name), |b| {
            let (first, _) = table.generations();
            b.iter_batched(
                || Board::new(first.clone()).view(&selector()),
                |view| view.left_out(&session()).len(),
                BatchSize::PerIteration,
            );
        });
        group.bench_function(format!("first-pass/{}", table.name), |b| {
            let views = Views::of(table);
            b.iter(|| drain(&mut up(&views.first), nowhere));
        });
        table.tune(&mut group, table.prefixes / ONE_PERCENT);
        group.bench_function(format!("one-percent/{}", table.name), |b| {
            let views = Views::of(table);
            b.iter_batched_ref(
                || {
                    let mut outbox = up(&views.first);
                    drain(&mut outbox, nowhere);
                    outbox
                },
                |outbox| {
                    outbox.set_view(views.second.clone());
                    drain(outbox, nowhere)
                },
                BatchSize::PerIteration,
            );
        });
    }
}

/// What is visited of a table's UPDATEs.
#[derive(PartialEq, Default, Debug)]
struct Visited {
    prefixes: usize,
    /// Over addresses, lengths and communities, so that none can be skipped.
    sum: u64,
}

fn visit(stream: &[u8], context: &UpdateContext) -> Visited {
    let (mut visited, mut rest) = (Visited::default(), stream);
    while let Some(message) = frame(rest, MAX_MESSAGE_LEN).expect("a stream of messages") {
        let update = decode_update(message.body, context);
        assert_eq!(update.treatment(), Treatment::Accept, "{:?}", update.faults());
        let communities = update.attributes().communities().map(|community| u64::from(community.0));
        visited.sum = communities.fold(visited.sum, u64::wrapping_add);
        for reach in update.announced() {
            let Nlri::Ipv4(prefixes) = reach.nlri else { continue };
            for prefix in prefixes {
                visited.prefixes += 1;
                let of_prefix = u64::from(prefix.addr().to_bits()) << 8 | u64::from(prefix.prefix_len());
                visited.sum = visited.sum.wrapping_add(of_prefix);
            }
        }
        rest = rest.get(message.whole.len()..).unwrap_or_default();
    }
    assert!(rest.is_empty(), "the stream ends with a message");
    visited
}

fn decode(c: &mut Criterion) {
    let mut group = c.benchmark_group("decode");
    let context = UpdateContext {
        local_asn: Asn(64_500),
        peer_asn: OURS,
        peer_address: IpAddr::V4(Ipv4Addr::LOCALHOST),
        local_address: PerFamily::default(),
        first_as: FirstAs::Peer,
        four_octet_as: true,
        families: PerFamily { ipv4: true, ipv6: false },
        extended_next_hop: false,
        add_path: PerFamily::default(),
    };
    for table in &TABLES {
        table.tune(&mut group, table.prefixes);
        group.bench_function(format!("update/{}", table.name), |b| {
            let mut stream = Vec::new();
            let mut outbox = up(&Views::of(table).first);
            drain(&mut outbox, |slices| slices.iter().for_each(|slice| stream.extend_from_slice(slice)));
            b.iter(|| {
                let visited = visit(&stream, &context);
                assert_eq!(visited.prefixes, table.prefixes);
                visited
            });
        });
    }
}

criterion_group! {
    name = benches;
    config = brief();
    targets = encode, decode
}
criterion_main!(benches);
