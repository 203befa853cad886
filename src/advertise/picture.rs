//! What one peer was told of one family: a sheet, how far it is painted, and the exceptions to the paint.
//!
//! For every prefix, at every moment: where there is an exception, what that says (told before while it is unsent,
//! wanted once it is sent); else what the sheet has, in the ink of the zone that holds it.

use std::sync::Arc;

use super::cuts::DeltaCuts;
use super::delta::{Delta, Entries, Private};
use super::sheet::Sheet;
use super::zones::{Ink, Said, Zones};
use crate::rib::{InGeneration, Prefix};

/// Exceptions to the paint.
#[derive(Clone, Debug)]
pub(super) enum Pending<A> {
    /// Those of every session that was in sync. All was told in the brush's ink before.
    Shared(Arc<Delta<A>>, Arc<DeltaCuts>),
    /// Those of a lane that was caught in the middle.
    Private(Arc<Private<A>>),
}

impl<A: InGeneration> Pending<A> {
    /// Their prefixes.
    pub(super) fn entries(&self) -> &Entries<A> {
        match self {
            Self::Shared(delta, _) => delta.entries(),
            Self::Private(private) => private.entries(),
        }
    }

    /// What entry `i` was told before; `brush` is the lane's.
    pub(super) fn told(&self, i: usize, brush: Ink) -> Said {
        match self {
            Self::Shared(delta, _) => delta.told(i).map_or(Said::Nothing, |attrs| Said::of(attrs, brush)),
            Self::Private(private) => private.told(i),
        }
    }
}

/// How far everything is sent; what planning a batch of messages moves, and sending them commits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Progress {
    /// How far the sheet is painted.
    pub(super) zones: Zones,
    /// Exceptions before this one are sent.
    pub(super) next: u32,
    /// BoRR is to be sent before anything else.
    pub(super) owes_begin: bool,
    /// End-of-RIB is to be sent when all else is.
    pub(super) owes_end_of_rib: bool,
    /// EoRR is to be sent when all else is.
    pub(super) owes_end: bool,
}

/// What one peer was told of one family. A copy is cheap, and is of one instant.
#[derive(Clone, Debug)]
pub(super) struct Picture<A> {
    pub(super) sheet: Arc<Sheet<A>>,
    pub(super) delta: Option<Pending<A>>,
    pub(super) progress: Progress,
}

/// A zone by the key of its first prefix instead of an offset, to compare with.
type Bound<A> = ((u32, Prefix<A>), Ink);

impl<A: InGeneration> Picture<A> {
    /// The ink that all is to become.
    pub(super) fn brush(&self) -> Ink {
        self.progress.zones.brush()
    }

    /// Whether every prefix was told what it should be, as far as `progress` goes.
    pub(super) fn is_done(&self, progress: &Progress) -> bool {
        let exceptions = self.delta.as_ref().map_or(0, |delta| delta.entries().count());
        progress.zones.is_one() && to_index(progress.next) >= exceptions
    }

    /// What a prefix of `run` should be told; of a prefix that the sheet has not, `run` is `None`.
    pub(super) fn desired(&self, run: Option<usize>) -> Said {
        run.map_or(Said::Nothing, |run| Said::of(self.sheet.rank_and_attrs(run).1, self.brush()))
    }

    /// What a prefix was told. O(log n).
    #[cfg(test)]
    pub(super) fn said(&self, prefix: Prefix<A>) -> Said {
        self.said_of(prefix, self.sheet.run_of(prefix), &self.bounds())
    }

    /// What each of several prefixes was told. O(log n) each.
    pub(super) fn said_all(&self, prefixes: &[Prefix<A>]) -> Vec<Said> {
        let bounds = self.bounds();
        prefixes.iter().map(|prefix| self.said_of(*prefix, self.sheet.run_of(*prefix), &bounds)).collect()
    }

    /// What a prefix, of that run of the sheet, was told; `bounds` are [`Picture::bounds`]. O(log exceptions).
    pub(super) fn said_of(&self, prefix: Prefix<A>, run: Option<usize>, bounds: &[Bound<A>]) -> Said {
        if let Some(delta) = &self.delta
            && let Some(i) = delta.entries().find(prefix, run)
        {
            let sent = i < to_index(self.progress.next);
            return if sent { self.desired(run) } else { delta.told(i, self.brush()) };
        }
        run.map_or(Said::Nothing, |run| self.paint(prefix, run, bounds))
    }

    /// What the paint alone says of a prefix of the sheet.
    pub(super) fn paint(&self, prefix: Prefix<A>, run: usize, bounds: &[Bound<A>]) -> Said {
        let (rank, attrs) = self.sheet.rank_and_attrs(run);
        let behind = bounds.iter().rev().find(|(from, _)| *from <= (rank, prefix));
        Said::of(attrs, behind.map_or(self.brush(), |(_, ink)| *ink))
    }

    /// The zones behind the first, by key.
    pub(super) fn bounds(&self) -> Vec<Bound<A>> {
        let zones = self.progress.zones.all().iter().skip(1);
        zones.map(|(cursor, ink)| (self.key_at(*cursor), *ink)).collect()
    }

    /// The wire-order key of the prefix at an offset; of the end, one behind every other.
    pub(super) fn key_at(&self, offset: u32) -> (u32, Prefix<A>) {
        let strip = self.sheet.strip();
        match strip.prefix_at(offset) {
            Some(prefix) => (self.sheet.rank_and_attrs(strip.run_at(offset)).0, prefix),
            None => (u32::MAX, Prefix { addr: A::mask(A::BITS), len: u8::MAX }),
        }
    }

    /// How many prefixes are yet to be told or withdrawn; while zones are left, some may be counted that need not be.
    /// O(log n).
    pub(super) fn pending(&self) -> u64 {
        let exceptions = self.delta.as_ref().map_or(0, |delta| delta.entries().count());
        let unsent = exceptions.saturating_sub(to_index(self.progress.next));
        let brush = self.brush();
        let unpainted: u64 =
            self.zone_counts().filter(|(_, ink)| *ink != brush).map(|(count, _)| count).sum();
        unpainted.saturating_add(u64::try_from(unsent).unwrap_or(u64::MAX))
    }

    /// How many prefixes the peer holds: exact when all is told, else off by no more than the exceptions. O(log n).
    pub(super) fn advertised(&self) -> u64 {
        let unsent_withdrawals = self
            .delta
            .as_ref()
            .map_or(0, |delta| delta.entries().withdrawals().saturating_sub(to_index(self.progress.next)));
        self.painted().saturating_add(u64::try_from(unsent_withdrawals).unwrap_or(u64::MAX))
    }

    /// How many prefixes the peer holds, exactly. O(log n) for each exception.
    pub(super) fn count(&self) -> u64 {
        let bounds = self.bounds();
        let (mut more, mut fewer) = (0_u64, 0_u64);
        for prefix in self.delta.iter().flat_map(|delta| delta.entries().prefixes()) {
            let run = self.sheet.run_of(prefix);
            let paint = run.map_or(Said::Nothing, |run| self.paint(prefix, run, &bounds));
            match (paint, self.said_of(prefix, run, &bounds)) {
                (Said::Nothing, Said::Route { .. }) => more += 1,
                (Said::Route { .. }, Said::Nothing) => fewer += 1,
                (Said::Nothing, Said::Nothing) | (Said::Route { .. }, Said::Route { .. }) => {}
            }
        }
        self.painted().saturating_add(more).saturating_sub(fewer)
    }

    /// Whether nothing was told, as far as that is known without counting.
    pub(super) fn count_is_zero(&self) -> bool {
        self.delta.is_none() && self.painted() == 0
    }

    /// How many prefixes are painted as announced.
    fn painted(&self) -> u64 {
        self.zone_counts().filter(|(_, ink)| *ink != Ink::Absent).map(|(count, _)| count).sum()
    }

    fn zone_counts(&self) -> impl Iterator<Item = (u64, Ink)> {
        let zones = self.progress.zones.all();
        let end = self.sheet.strip().end();
        let ends = zones.iter().skip(1).map(|(cursor, _)| *cursor).chain([end]);
        zones.iter().zip(ends).map(|((from, ink), to)| {
            (u64::from(self.sheet.shown_at(to).saturating_sub(self.sheet.shown_at(*from))), *ink)
        })
    }
}

pub(super) fn to_index(n: u32) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}
