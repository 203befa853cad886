//! One family of a generation: its prefixes in prefix order, a column for each thing known of them, and the strip.

use super::column::Column;
use super::prefix::{Address, Prefix, nlri_len};
use super::ranks::Ranked;
use super::strip::{Run, Strip, span};
use std::net::IpAddr;
use std::ops::Range;
use std::sync::Arc;

/// Prefixes in prefix order, every column equally long.
#[derive(Debug)]
pub(crate) struct Table<A> {
    addr: Box<[A]>,
    len: Box<[u8]>,
    /// Index into the strip's runs.
    run: Column,
    /// Global line over all files.
    line: Box<[u32]>,
    /// Index into `changes`.
    since: Column,
    /// The (generation number, seconds) at which some prefix last changed.
    changes: Box<[(u32, u64)]>,
    /// Index into the generation's groups, where the line alone does not tell.
    group: Option<Box<[u32]>>,
    /// Lengths in use, long to short.
    lens: Box<[u8]>,
    strip: Strip<A>,
}

/// The columns of a table while it is made; row `i` of each is of the same prefix.
pub(super) struct Columns<A> {
    pub(super) addr: Box<[A]>,
    pub(super) len: Box<[u8]>,
    pub(super) run: Column,
    pub(super) line: Box<[u32]>,
    pub(super) since: Column,
    pub(super) changes: Box<[(u32, u64)]>,
    pub(super) group: Option<Box<[u32]>>,
}

impl<A: Address> Table<A> {
    /// Columns and, in rank order, what each run carries, with how many prefixes; `nlri_len` octets of NLRI in all.
    /// O(n).
    pub(super) fn new(columns: Columns<A>, runs: Vec<Arc<Ranked>>, nlri_octets: u32) -> Self {
        let Columns { addr, len, run, line, since, changes, group } = columns;
        let strip = lay_out(&addr, &len, &run, runs, nlri_octets);
        let mut in_use = [false; 129];
        for len in &len {
            if let Some(used) = in_use.get_mut(usize::from(*len)) {
                *used = true;
            }
        }
        let lens = (0..=128).rev().filter(|len: &u8| in_use.get(usize::from(*len)) == Some(&true)).collect();
        Self { addr, len, run, line, since, changes, group, lens, strip }
    }

    /// How many prefixes.
    pub(crate) fn count(&self) -> usize {
        self.addr.len()
    }

    /// The same in wire order.
    pub(crate) fn strip(&self) -> &Strip<A> {
        &self.strip
    }

    /// The prefix of row `i`.
    pub(crate) fn prefix(&self, i: usize) -> Option<Prefix<A>> {
        Some(Prefix { addr: *self.addr.get(i)?, len: *self.len.get(i)? })
    }

    /// The prefixes of a range of rows, in order.
    pub(crate) fn prefixes(&self, rows: Range<usize>) -> impl ExactSizeIterator<Item = Prefix<A>> {
        let addr = self.addr.get(rows.clone()).unwrap_or(&[]);
        let len = self.len.get(rows).unwrap_or(&[]);
        addr.iter().zip(len).map(|(addr, len)| Prefix { addr: *addr, len: *len })
    }

    /// The run of row `i`, as an index into the strip's.
    pub(crate) fn run(&self, i: usize) -> usize {
        usize::try_from(self.run.get(i)).unwrap_or(usize::MAX)
    }

    /// The entry of row `i`.
    pub(crate) fn ranked(&self, i: usize) -> Option<&Arc<Ranked>> {
        self.strip.runs().get(self.run(i)).map(|run| &run.ranked)
    }

    /// The global line of row `i`.
    pub(super) fn line(&self, i: usize) -> u32 {
        self.line.get(i).copied().unwrap_or(0)
    }

    /// The generation, and its time, that last changed row `i`.
    pub(super) fn since(&self, i: usize) -> (u32, u64) {
        let at = usize::try_from(self.since.get(i)).unwrap_or(usize::MAX);
        self.changes.get(at).copied().unwrap_or_default()
    }

    /// The times of change, and the index of row `i`'s among them.
    pub(super) fn changes(&self) -> &[(u32, u64)] {
        &self.changes
    }

    /// The index of row `i`'s last change in [`Table::changes`].
    pub(super) fn change(&self, i: usize) -> u32 {
        self.since.get(i)
    }

    /// The group of row `i` where it is kept by row.
    pub(super) fn group(&self, i: usize) -> Option<u32> {
        self.group.as_ref().and_then(|group| group.get(i)).copied()
    }

    /// The first row that does not stand before `prefix`. O(log n).
    pub(crate) fn lower_bound(&self, prefix: Prefix<A>) -> usize {
        let mut row = self.addr.partition_point(|addr| *addr < prefix.addr);
        while self.prefix(row).is_some_and(|p| p < prefix) {
            row += 1;
        }
        row
    }

    /// The row of a prefix. O(log n).
    pub(crate) fn find(&self, prefix: Prefix<A>) -> Option<usize> {
        let row = self.lower_bound(prefix);
        (self.prefix(row) == Some(prefix)).then_some(row)
    }

    /// The row of the longest prefix that holds `ip`. O(log n) for each of the lengths in use.
    pub(crate) fn longest_match(&self, ip: IpAddr) -> Option<usize> {
        let ip = A::of_ip(ip)?;
        self.lens.iter().find_map(|len| self.find(Prefix { addr: ip & A::mask(*len), len: *len }))
    }

    /// The shortest prefix that covers this one or is it, or else the first one within it.
    pub(super) fn overlap(&self, prefix: Prefix<A>) -> Option<Prefix<A>> {
        self.prefix(prefix.overlap(|prefix| self.lower_bound(prefix), |row| self.prefix(row))?)
    }

    /// Octets on the heap, attribute sets not counted.
    pub(super) fn heap_bytes(&self) -> usize {
        self.addr.len() * size_of::<A>()
            + self.len.len()
            + self.run.heap_bytes()
            + self.line.len() * 4
            + self.since.heap_bytes()
            + self.changes.len() * size_of::<(u32, u64)>()
            + self.group.as_ref().map_or(0, |g| g.len() * 4)
            + self.strip.heap_bytes()
    }
}

/// Writes the strip in one pass over the rows: where each run begins is known beforehand, so each prefix goes straight
/// to its place, and within a run prefix order comes by itself.
fn lay_out<A: Address>(
    addr: &[A],
    len: &[u8],
    run: &Column,
    ranked: Vec<Arc<Ranked>>,
    nlri_octets: u32,
) -> Strip<A> {
    let mut sizes = vec![(0_u32, 0_u32); ranked.len()];
    for (i, len) in len.iter().enumerate() {
        let at = usize::try_from(run.get(i)).ok().and_then(|r| sizes.get_mut(r));
        if let Some((octets, prefixes)) = at {
            *octets = octets.saturating_add(u32::try_from(nlri_len(*len)).unwrap_or(0));
            *prefixes = prefixes.saturating_add(1);
        }
    }
    let (mut start, mut before) = (0_u32, 0_u32);
    let mut runs = Vec::with_capacity(ranked.len());
    let mut cursors = Vec::with_capacity(ranked.len());
    for (ranked, (octets, prefixes)) in ranked.into_iter().zip(sizes) {
        runs.push(Run { ranked, start, before });
        cursors.push(start);
        start = start.saturating_add(octets);
        before = before.saturating_add(prefixes);
    }
    let mut nlri = vec![0; usize::try_from(nlri_octets).unwrap_or(0)].into_boxed_slice();
    for (i, (addr, len)) in addr.iter().zip(len).enumerate() {
        let cursor = usize::try_from(run.get(i)).ok().and_then(|r| cursors.get_mut(r));
        if let Some(cursor) = cursor {
            let next = cursor.saturating_add(u32::try_from(nlri_len(*len)).unwrap_or(0));
            if let Some(room) = span(*cursor, next).and_then(|span| nlri.get_mut(span)) {
                Prefix { addr: *addr, len: *len }.write_nlri(room);
            }
            *cursor = next;
        }
    }
    Strip::new(runs.into_boxed_slice(), nlri, before)
}
