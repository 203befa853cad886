//! From RIB files to a generation, and what is asked of one: load, build, diff, look-up.
#![allow(missing_docs, reason = "criterion's macros make public items without docs")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a bench may stop where it is")]

mod tables;

use std::net::{IpAddr, Ipv4Addr};
use std::path::PathBuf;
use std::sync::Arc;

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use ipnet::{IpNet, Ipv4Net};
use peeringd::advertise::{Board, Selector};
use peeringd::rib::{Generation, LoadOptions, Ranks, load};
use tables::{Form, OURS, TABLES, Table, brief, session};

/// Each way in which a RIB can stand on the disk.
const WRITTEN: [(&str, Form, Kind); 4] = [
    ("list-file", Form::List, Kind::File),
    ("list-folder", Form::List, Kind::Folder),
    ("block-file", Form::Block, Kind::File),
    ("block-folder", Form::Block, Kind::Folder),
];

#[derive(Clone, Copy)]
enum Kind {
    File,
    Folder,
}

/// Files read, parsed, checked, sorted and searched for duplicates.
fn loading(c: &mut Criterion) {
    let mut group = c.benchmark_group("load");
    let options = LoadOptions { local_asn: OURS };
    for table in &TABLES {
        table.tune(&mut group, table.prefixes);
        for (name, form, kind) in WRITTEN {
            group.bench_function(format!("{name}/{}", table.name), |b| {
                let folder = tempfile::tempdir().expect("a temporary folder");
                let path = write(table, form, kind, folder.path().to_owned());
                b.iter(|| {
                    let (rows, _) = load(&path, &options).expect("a RIB without errors");
                    assert_eq!(rows.v4.len(), table.prefixes);
                    rows
                });
            });
        }
    }
}

fn write(table: &Table, form: Form, kind: Kind, folder: PathBuf) -> PathBuf {
    match kind {
        Kind::File => {
            let file = folder.join("rib.yaml");
            table.write_file(form, &file);
            file
        }
        Kind::Folder => {
            table.write_folder(form, &folder);
            folder
        }
    }
}

/// Rows to a generation, hash included.
fn build(c: &mut Criterion) {
    let mut group = c.benchmark_group("build");
    for table in &TABLES {
        table.tune(&mut group, table.prefixes);
        group.bench_function(format!("first/{}", table.name), |b| {
            b.iter_batched(
                || table.rows().clone(),
                |rows| Generation::build(rows, None, &mut Ranks::new(), 1, 1).expect("sorted rows"),
                BatchSize::PerIteration,
            );
        });
        group.bench_function(format!("next/{}", table.name), |b| {
            let mut ranks = Ranks::new();
            let rows = table.rows().clone();
            let first = Generation::build(rows, None, &mut ranks, 1, 1).expect("sorted rows");
            b.iter_batched(
                || table.changed().clone(),
                |rows| Generation::build(rows, Some(&first), &mut ranks, 2, 2).expect("sorted rows"),
                BatchSize::PerIteration,
            );
        });
    }
}

/// What one generation has otherwise than the one before, as messages: what all sessions of a profile share at a reload.
fn diff(c: &mut Criterion) {
    let mut group = c.benchmark_group("diff");
    for table in &TABLES {
        table.tune(&mut group, table.prefixes);
        group.bench_function(format!("one-percent/{}", table.name), |b| {
            let (first, second) = table.generations();
            let selector = Selector { peering: "bench".into(), location: None };
            let board = Board::new(first.clone());
            let view = board.view(&selector);
            assert!(view.left_out(&session()).is_empty());
            b.iter_batched(
                || {
                    let next = board.next(second.clone());
                    // The new table's own cuts are made here: they are another bench, `encode/cuts`.
                    assert!(next.view(&selector).left_out(&session()).is_empty());
                    next
                },
                |next| {
                    next.prepare(&[session()]);
                    next
                },
                BatchSize::PerIteration,
            );
            assert!(Arc::ptr_eq(view.generation(), first));
        });
    }
}

/// Prefixes and addresses from all over the table, in no order, so that the caches help no more than they would.
fn look_up(c: &mut Criterion) {
    let mut group = c.benchmark_group("look-up");
    for table in &TABLES {
        table.tune(&mut group, 1);
        group.sampling_mode(criterion::SamplingMode::Auto);
        group.bench_function(format!("exact/{}", table.name), |b| {
            let (generation, _) = table.generations();
            let mut nets = shuffled(table).into_iter().cycle();
            b.iter(|| {
                let net = nets.next().expect("a cycle has no end");
                generation.get(net).expect("each is in the table")
            });
        });
        group.bench_function(format!("longest-match/{}", table.name), |b| {
            let (generation, _) = table.generations();
            let last = |net: IpNet| net.broadcast();
            let mut addresses =
                shuffled(table).into_iter().map(last).collect::<Vec<IpAddr>>().into_iter().cycle();
            b.iter(|| {
                let address = addresses.next().expect("a cycle has no end");
                generation.longest_match(address).expect("each is covered")
            });
        });
    }
}

fn shuffled(table: &Table) -> Vec<IpNet> {
    let net = |address: u32, length| Ipv4Net::new(Ipv4Addr::from(address), length).expect("a length of IPv4");
    let mut nets: Vec<_> = table.drawn().iter().map(|row| net(row.address, row.length).into()).collect();
    fastrand::Rng::with_seed(1).shuffle(&mut nets);
    nets
}

criterion_group! {
    name = benches;
    config = brief();
    targets = loading, build, diff, look_up
}
criterion_main!(benches);
