//! What the benches are run on: tables of three sizes, the same at every run and the same that `side-by-side` measures.
//!
//! A table has the Internet's mix of prefix lengths, in 500 attribute sets. Its parts are made when a bench first asks
//! for them, so that a filter on the command line saves the time of what it leaves out.
#![allow(dead_code, reason = "no bench uses all of it")]

#[allow(
    clippy::cast_possible_truncation,
    clippy::indexing_slicing,
    unreachable_pub,
    unused_imports,
    reason = "a file of the crate `receiver`, which has lints of its own"
)]
#[path = "../receiver/src/table.rs"]
pub(crate) mod table;

use std::collections::BTreeMap;
use std::fmt::Write;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, SamplingMode, Throughput};
use peeringd::advertise::SessionProfile;
use peeringd::rib::{Generation, LoadOptions, Ranks, Rows, load_text};
use peeringd::wire::{Asn, PerFamily};

/// Attribute sets of every table; small ones have fewer, since not all are drawn.
const SETS: u16 = 500;
/// One prefix in so many changes.
pub(crate) const ONE_PERCENT: usize = 100;
/// Files of a RIB that is a folder.
const FILES: usize = 8;

/// Our ASN in every bench.
pub(crate) const OURS: Asn = Asn(8075);

/// How a RIB file is written.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Form {
    /// A YAML sequence of prefixes.
    List,
    /// A block of text, a prefix a line.
    Block,
}

/// A generation, and the one after it in which one prefix in a hundred has other attributes.
pub(crate) type Pair = (Arc<Generation>, Arc<Generation>);

/// Of every size.
pub(crate) static TABLES: [Table; 3] =
    [Table::new("1k", 1_000), Table::new("100k", 100_000), Table::new("1M", 1_000_000)];

/// A table of one size.
#[derive(Debug)]
pub(crate) struct Table {
    /// As the names of benches end.
    pub(crate) name: &'static str,
    /// How many prefixes.
    pub(crate) prefixes: usize,
    drawn: OnceLock<Vec<table::Row>>,
    rows: OnceLock<Rows>,
    changed: OnceLock<Rows>,
    generations: OnceLock<Pair>,
}

impl Table {
    const fn new(name: &'static str, prefixes: usize) -> Self {
        Self {
            name,
            prefixes,
            drawn: OnceLock::new(),
            rows: OnceLock::new(),
            changed: OnceLock::new(),
            generations: OnceLock::new(),
        }
    }

    /// In prefix order.
    pub(crate) fn drawn(&self) -> &[table::Row] {
        self.drawn.get_or_init(|| table::generate(self.prefixes, SETS))
    }

    /// As a load gives it.
    pub(crate) fn rows(&self) -> &Rows {
        self.rows.get_or_init(|| loaded(self.drawn()))
    }

    /// The same with one prefix in a hundred in the next set.
    pub(crate) fn changed(&self) -> &Rows {
        self.changed.get_or_init(|| loaded(&table::change_one_percent(self.drawn(), SETS).0))
    }

    /// Both as generations, the second made from the first.
    pub(crate) fn generations(&self) -> &Pair {
        self.generations.get_or_init(|| {
            let mut ranks = Ranks::new();
            let first = Generation::build(self.rows().clone(), None, &mut ranks, 1, 1).expect("sorted rows");
            let changed = self.changed().clone();
            let second = Generation::build(changed, Some(&first), &mut ranks, 2, 2).expect("sorted rows");
            let bytes = first.heap_bytes() as f64 / self.prefixes as f64;
            println!("{}: {bytes:.1} octets of memory a prefix", self.name);
            (Arc::new(first), Arc::new(second))
        })
    }

    /// Writes it as a RIB folder.
    pub(crate) fn write_folder(&self, form: Form, folder: &Path) {
        let sets = by_set(self.drawn());
        for (n, sets) in sets.chunks(sets.len().div_ceil(FILES)).enumerate() {
            std::fs::write(folder.join(format!("{n}.yaml")), text(sets, form)).expect("a folder to write to");
        }
    }

    /// Writes it as one RIB file.
    pub(crate) fn write_file(&self, form: Form, file: &Path) {
        std::fs::write(file, text(&by_set(self.drawn()), form)).expect("a file to write to");
    }

    /// Has what follows in a group measured so often, and counted by so many prefixes, as is right for this table.
    pub(crate) fn tune(&self, group: &mut BenchmarkGroup<'_, WallTime>, prefixes: usize) {
        group.throughput(Throughput::Elements(u64::try_from(prefixes).expect("a count")));
        let large = self.prefixes >= 1_000_000;
        group.sample_size(if large { 10 } else { 50 });
        let flat = self.prefixes >= 100_000;
        group.sampling_mode(if flat { SamplingMode::Flat } else { SamplingMode::Auto });
    }
}

/// A bench is measured for about three seconds, if the command line does not say otherwise.
pub(crate) fn brief() -> Criterion {
    Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_millis(2500))
}

/// A session with a router that has four-octet AS numbers and messages of 4,096 octets.
pub(crate) fn session() -> SessionProfile {
    SessionProfile {
        local_asn: OURS,
        four_octet_as: true,
        max_message_len: 4096,
        families: PerFamily { ipv4: true, ipv6: false },
        next_hop: PerFamily { ipv4: Some(IpAddr::V4(Ipv4Addr::LOCALHOST)), ipv6: None },
        extended_next_hop: false,
        enhanced_route_refresh: false,
        link_local: None,
        otc: None,
    }
}

type Set = (u16, Vec<table::Row>);

fn by_set(rows: &[table::Row]) -> Vec<Set> {
    let mut sets = BTreeMap::<u16, Vec<table::Row>>::new();
    for row in rows {
        sets.entry(row.set).or_default().push(*row);
    }
    sets.into_iter().collect()
}

/// A RIB file with a group for each set.
fn text(sets: &[Set], form: Form) -> String {
    let mut text = "routes:\n".to_owned();
    let (head, before) = match form {
        Form::List => ("", "- "),
        Form::Block => (" |", ""),
    };
    for (set, rows) in sets {
        writeln!(text, "  - communities: [\"8075:{set}\"]\n    prefixes:{head}").expect("memory");
        for row in rows {
            let address = Ipv4Addr::from(row.address);
            writeln!(text, "      {before}{address}/{}", row.length).expect("memory");
        }
    }
    text
}

fn loaded(rows: &[table::Row]) -> Rows {
    let text = text(&by_set(rows), Form::Block);
    let loaded = load_text(Path::new("bench.yaml"), text, &LoadOptions { local_asn: OURS });
    loaded.expect("a RIB without errors").0
}
