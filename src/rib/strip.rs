//! A table's prefixes once more, as NLRI bytes in wire order: by rank, then by prefix.
//!
//! ```text
//! nlri   │ run 0: 18 0d 40 00 · 10 14 21 · … │ run 1: … │ run 2: … │
//! marks  ^           ^ every 64th prefix      ^            ^
//! ```
//! These bytes are the only encoding of a table: what a peer is sent is a head of its own and a slice of them.

use std::marker::PhantomData;
use std::sync::Arc;

use super::prefix::{Address, Prefix, nlri_len};
use super::ranks::Ranked;

/// Prefixes from one mark to the next.
const MARK: usize = 64;

/// The prefixes of one (attribute set, class).
#[derive(Debug)]
pub(crate) struct Run {
    /// What they carry, where they may go, and their place in the order.
    pub(crate) ranked: Arc<Ranked>,
    /// Offset of the first in the strip.
    pub(crate) start: u32,
    /// Prefixes in the strip before the first.
    pub(crate) before: u32,
}

/// A table in wire order. Offsets are in octets and always at the start of a prefix, or at the end.
#[derive(Debug)]
pub(crate) struct Strip<A> {
    runs: Box<[Run]>,
    nlri: Box<[u8]>,
    marks: Box<[u32]>,
    count: u32,
    family: PhantomData<A>,
}

impl<A: Address> Strip<A> {
    /// `runs` stand in the order of their ranks, and `nlri` has `count` prefixes, in prefix order within each run.
    pub(crate) fn new(runs: Box<[Run]>, nlri: Box<[u8]>, count: u32) -> Self {
        let mut marks = Vec::with_capacity(usize::try_from(count).unwrap_or(0).div_ceil(MARK));
        let mut at = 0;
        let mut number = 0_usize;
        while let Some(len) = nlri.get(at) {
            if number.is_multiple_of(MARK) {
                marks.push(u32::try_from(at).unwrap_or(u32::MAX));
            }
            number += 1;
            at += nlri_len(*len);
        }
        Self { runs, nlri, marks: marks.into_boxed_slice(), count, family: PhantomData }
    }

    /// In the order of their ranks; none is empty.
    pub(crate) fn runs(&self) -> &[Run] {
        &self.runs
    }

    /// The offset behind the last prefix.
    pub(crate) fn end(&self) -> u32 {
        u32::try_from(self.nlri.len()).unwrap_or(u32::MAX)
    }

    /// The bytes from one offset to another.
    pub(crate) fn bytes(&self, from: u32, to: u32) -> &[u8] {
        span(from, to).and_then(|span| self.nlri.get(span)).unwrap_or(&[])
    }

    /// Offsets of a run's first prefix and of what follows its last.
    pub(crate) fn span_of(&self, run: usize) -> (u32, u32) {
        let start = self.runs.get(run).map_or(self.end(), |r| r.start);
        let end = self.runs.get(run.saturating_add(1)).map_or(self.end(), |r| r.start);
        (start, end)
    }

    /// How many prefixes a run has.
    pub(crate) fn count_of(&self, run: usize) -> u32 {
        let before = |run: usize| self.runs.get(run).map_or(self.count, |r| r.before);
        before(run.saturating_add(1)).saturating_sub(before(run))
    }

    /// The run that holds an offset below [`Strip::end`]. O(log runs).
    pub(crate) fn run_at(&self, offset: u32) -> usize {
        self.runs.partition_point(|run| run.start <= offset).saturating_sub(1)
    }

    /// The prefix at an offset; none at the end. O(1).
    pub(crate) fn prefix_at(&self, offset: u32) -> Option<Prefix<A>> {
        Prefix::from_nlri(self.nlri.get(usize::try_from(offset).ok()?..)?)
    }

    /// How many prefixes stand before an offset. O(log n).
    pub(crate) fn number_at(&self, offset: u32) -> u32 {
        let mark = self.marks.partition_point(|mark| *mark <= offset).saturating_sub(1);
        let mut at = self.marks.get(mark).copied().unwrap_or(0);
        let mut number = u32::try_from(mark * MARK).unwrap_or(u32::MAX);
        while at < offset {
            at = self.after(at);
            number = number.saturating_add(1);
        }
        number.min(self.count)
    }

    /// The offset of the first prefix that does not stand before (`rank`, `prefix`) in wire order. O(log n).
    pub(crate) fn lower_bound(&self, rank: u32, prefix: Prefix<A>) -> u32 {
        let run = self.runs.partition_point(|run| run.ranked.rank < rank);
        let (start, end) = self.span_of(run);
        if self.runs.get(run).is_none_or(|run| run.ranked.rank != rank) {
            return start;
        }
        let before_target = |at: u32| self.prefix_at(at).is_some_and(|p| p < prefix);
        let first = self.marks.partition_point(|mark| *mark <= start);
        let last = self.marks.partition_point(|mark| *mark < end).max(first);
        let inside = self.marks.get(first..last).unwrap_or(&[]);
        let skipped = inside.partition_point(|mark| before_target(*mark));
        let mut at = skipped.checked_sub(1).and_then(|i| inside.get(i)).copied().unwrap_or(start);
        while at < end && before_target(at) {
            at = self.after(at);
        }
        at
    }

    /// The end of the longest stretch of whole prefixes from `from` that stops at or before `to` and has at most `room`
    /// octets. O(prefixes in it).
    pub(crate) fn fill(&self, from: u32, to: u32, room: usize) -> u32 {
        let ends = fill(self.bytes(from, to), room);
        from.saturating_add(u32::try_from(ends).unwrap_or(0))
    }

    /// The offset of the prefix behind the one at an offset below [`Strip::end`].
    fn after(&self, offset: u32) -> u32 {
        let len = usize::try_from(offset).ok().and_then(|at| self.nlri.get(at)).copied().unwrap_or(0);
        offset.saturating_add(u32::try_from(nlri_len(len)).unwrap_or(1))
    }

    /// Octets on the heap, attribute sets not counted.
    pub(crate) fn heap_bytes(&self) -> usize {
        self.nlri.len() + self.marks.len() * 4 + self.runs.len() * size_of::<Run>()
    }
}

/// How many octets of NLRI, in whole prefixes from the start, fit into `room`.
pub(crate) fn fill(nlri: &[u8], room: usize) -> usize {
    if nlri.len() <= room {
        return nlri.len();
    }
    let mut at = 0;
    while let Some(len) = nlri.get(at) {
        let next = at + nlri_len(*len);
        if next > room {
            break;
        }
        at = next;
    }
    at
}

/// Two offsets as a range of indexes.
pub(crate) fn span(from: u32, to: u32) -> Option<std::ops::Range<usize>> {
    Some(usize::try_from(from).ok()?..usize::try_from(to).ok()?)
}
