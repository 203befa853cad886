//! Exceptions to the paint: what a peer was told otherwise than its zones say.
//!
//! A [`Delta`] is between two sheets, made once and shared by every session that goes from the one to the other while in
//! sync; its NLRI is encoded once. [`Private`] exceptions belong to one lane that was caught in the middle.

use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex};

use super::cuts::DeltaCuts;
use super::head::{announce_room, withdraw_room};
use super::profile::Profile;
use super::sheet::{Sheet, lock};
use super::zones::Said;
use crate::rib::{Address, InGeneration, Prefix, merge, span};

/// Stands for "absent" where the number of an attribute set is remembered.
const ABSENT: u32 = u32::MAX;

/// Prefixes in the wire order of the new sheet: first those to be withdrawn, then by run, each in prefix order.
pub(super) struct Entries<A> {
    addr: Box<[A]>,
    len: Box<[u8]>,
    withdrawals: usize,
    /// Run in the new strip and its first entry, in the order of the runs.
    sections: Box<[(u32, u32)]>,
}

/// What is to be done with a stretch of entries.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Section {
    /// Withdraw.
    Withdraw,
    /// Announce with what this run of the new strip carries.
    Announce(usize),
}

impl<A: Address> Entries<A> {
    /// `sorted` is in wire order; `None` stands for a withdrawal.
    fn new(sorted: &[(Option<u32>, Prefix<A>)]) -> Self {
        let mut sections: Vec<(u32, u32)> = Vec::new();
        for (i, (run, _)) in (0..).zip(sorted) {
            if let Some(run) = run
                && sections.last().is_none_or(|(last, _)| last != run)
            {
                sections.push((*run, i));
            }
        }
        Self {
            addr: sorted.iter().map(|(_, prefix)| prefix.addr).collect(),
            len: sorted.iter().map(|(_, prefix)| prefix.len).collect(),
            withdrawals: sorted.partition_point(|(run, _)| run.is_none()),
            sections: sections.into(),
        }
    }

    /// How many.
    pub(super) fn count(&self) -> usize {
        self.addr.len()
    }

    /// How many of them, the first, are withdrawals.
    pub(super) fn withdrawals(&self) -> usize {
        self.withdrawals
    }

    /// Entry `i`.
    pub(super) fn prefix(&self, i: usize) -> Option<Prefix<A>> {
        Some(Prefix { addr: *self.addr.get(i)?, len: *self.len.get(i)? })
    }

    /// Every entry.
    pub(super) fn prefixes(&self) -> impl Iterator<Item = Prefix<A>> {
        self.addr.iter().zip(&self.len).map(|(addr, len)| Prefix { addr: *addr, len: *len })
    }

    /// The section of entry `i`, and where the section ends. O(log sections).
    pub(super) fn section(&self, i: usize) -> (Section, usize) {
        if i < self.withdrawals {
            return (Section::Withdraw, self.withdrawals);
        }
        let at = self.sections.partition_point(|(_, first)| to_index(*first) <= i);
        let end = self.sections.get(at).map_or(self.count(), |(_, first)| to_index(*first));
        let run = at.checked_sub(1).and_then(|at| self.sections.get(at)).map_or(u32::MAX, |(run, _)| *run);
        (Section::Announce(to_index(run)), end)
    }

    /// The index of a prefix that the new sheet has in `run`, or has not. O(log entries).
    pub(super) fn find(&self, prefix: Prefix<A>, run: Option<usize>) -> Option<usize> {
        let announced = run.and_then(|run| {
            let at = self.sections.binary_search_by_key(&run, |(run, _)| to_index(*run)).ok()?;
            let first = to_index(self.sections.get(at)?.1);
            let end = self.sections.get(at + 1).map_or(self.count(), |(_, first)| to_index(*first));
            self.search(first..end, prefix)
        });
        announced.or_else(|| self.search(0..self.withdrawals, prefix))
    }

    /// The first withdrawal behind `prefix`. O(log entries).
    pub(super) fn withdrawal_after(&self, prefix: Option<Prefix<A>>) -> usize {
        let Some(prefix) = prefix else { return 0 };
        self.partition(0..self.withdrawals, |p| p <= prefix)
    }

    fn search(&self, range: Range<usize>, prefix: Prefix<A>) -> Option<usize> {
        let at = self.partition(range.clone(), |p| p < prefix);
        (at < range.end && self.prefix(at) == Some(prefix)).then_some(at)
    }

    fn partition(&self, range: Range<usize>, before: impl Fn(Prefix<A>) -> bool) -> usize {
        let (mut low, mut high) = (range.start, range.end);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.prefix(middle).is_some_and(&before) { low = middle + 1 } else { high = middle }
        }
        low
    }

    fn heap_bytes(&self) -> usize {
        self.addr.len() * (size_of::<A>() + 1) + self.sections.len() * 8
    }
}

/// What changes from one sheet to another. Only routes whose attributes change, or that come or go, are entries.
pub(super) struct Delta<A> {
    entries: Entries<A>,
    /// By entry, the number of the attributes in the old sheet.
    told: Box<[u32]>,
    /// By entry in wire order.
    nlri: Box<[u8]>,
    /// Where the NLRI of each section begins: the withdrawals', then each run's.
    starts: Box<[u32]>,
    /// Same attributes, but at another place in wire order.
    moved: Box<[Prefix<A>]>,
    cuts: Mutex<Vec<(Profile, Arc<DeltaCuts>)>>,
}

impl<A: InGeneration> Delta<A> {
    /// Merges two sheets. O(n + m + changes × log changes).
    pub(super) fn new(old: &Sheet<A>, new: &Sheet<A>) -> Self {
        let numbers = |sheet: &Sheet<A>| -> Vec<(u32, u32)> {
            let runs = 0..sheet.strip().runs().len();
            runs.map(|run| if sheet.shown().has(run) { sheet.rank_and_attrs(run) } else { (ABSENT, ABSENT) })
                .collect()
        };
        let (old_numbers, new_numbers) = (numbers(old), numbers(new));
        let mut changed: Vec<(Option<u32>, Prefix<A>, u32)> = Vec::new();
        let mut moved = Vec::new();
        merge(old.table(), new.table(), |prefix, old_row, new_row| {
            let at = |sheet: &Sheet<A>, numbers: &[(u32, u32)], row: Option<usize>| {
                let run = row.map(|row| sheet.table().run(row));
                let numbers = run.and_then(|run| numbers.get(run)).copied().unwrap_or((ABSENT, ABSENT));
                (run, numbers)
            };
            let (_, (old_rank, was)) = at(old, &old_numbers, old_row);
            let (run, (new_rank, is)) = at(new, &new_numbers, new_row);
            if was != is {
                let run = run.filter(|_| is != ABSENT).map(|run| u32::try_from(run).unwrap_or(u32::MAX));
                changed.push((run, prefix, was));
            } else if old_rank != new_rank {
                moved.push(prefix);
            }
        });
        changed.sort_unstable();
        let sorted: Vec<_> = changed.iter().map(|(run, prefix, _)| (*run, *prefix)).collect();
        let (mut nlri, mut starts) = (Vec::new(), vec![0]);
        let mut section = None;
        for (run, prefix) in &sorted {
            if run.is_some() && section != *run {
                section = *run;
                starts.push(u32::try_from(nlri.len()).unwrap_or(u32::MAX));
            }
            prefix.put_nlri(&mut nlri);
        }
        Self {
            entries: Entries::new(&sorted),
            told: changed.iter().map(|(_, _, was)| *was).collect(),
            nlri: nlri.into(),
            starts: starts.into(),
            moved: moved.into(),
            cuts: Mutex::default(),
        }
    }

    /// The changed prefixes.
    pub(super) fn entries(&self) -> &Entries<A> {
        &self.entries
    }

    /// Every prefix whose place or attributes differ between the sheets.
    pub(super) fn keys(&self) -> impl Iterator<Item = Prefix<A>> {
        self.entries.prefixes().chain(self.moved.iter().copied())
    }

    /// NLRI of a stretch.
    pub(super) fn bytes(&self, from: u32, to: u32) -> &[u8] {
        span(from, to).and_then(|span| self.nlri.get(span)).unwrap_or(&[])
    }

    /// The number of the attributes that entry `i` had in the old sheet, if it was there.
    pub(super) fn told(&self, i: usize) -> Option<u32> {
        self.told.get(i).copied().filter(|attrs| *attrs != ABSENT)
    }

    /// Where a profile's messages end; made at most once. `new` is the sheet it leads to. O(entries) the first time.
    pub(super) fn cuts(&self, profile: &Profile, new: &Sheet<A>) -> Arc<DeltaCuts> {
        let mut known = lock(&self.cuts);
        if let Some((_, cuts)) = known.iter().find(|(key, _)| key == profile) {
            return cuts.clone();
        }
        let mut cuts = DeltaCuts::default();
        let end = u32::try_from(self.nlri.len()).unwrap_or(u32::MAX);
        let ends = self.starts.iter().skip(1).copied().chain([end]);
        let mut runs = self.entries.sections.iter().map(|(run, _)| to_index(*run));
        for (i, (start, end)) in self.starts.iter().zip(ends).enumerate() {
            let room = if i == 0 {
                withdraw_room(profile)
            } else {
                let run = runs.next().and_then(|run| new.strip().runs().get(run));
                // A run that leaves no room is not shown, so it is in no delta.
                run.and_then(|run| announce_room(profile, &run.ranked.attrs)).unwrap_or(0)
            };
            cuts.add(self.bytes(*start, end), room);
        }
        let cuts = Arc::new(cuts);
        known.push((*profile, cuts.clone()));
        cuts
    }
}

/// Exceptions of one lane.
pub(super) struct Private<A> {
    entries: Entries<A>,
    /// By entry.
    told: Box<[Said]>,
}

impl<A: Address> Private<A> {
    /// Of prefixes with what they were told and the run to announce them with, `None` to withdraw them, in any order.
    pub(super) fn new(mut of: Vec<(Option<u32>, Prefix<A>, Said)>) -> Self {
        of.sort_unstable_by_key(|(run, prefix, _)| (*run, *prefix));
        let sorted: Vec<_> = of.iter().map(|(run, prefix, _)| (*run, *prefix)).collect();
        Self { entries: Entries::new(&sorted), told: of.iter().map(|(_, _, told)| *told).collect() }
    }

    /// The prefixes.
    pub(super) fn entries(&self) -> &Entries<A> {
        &self.entries
    }

    /// What entry `i` was told before.
    pub(super) fn told(&self, i: usize) -> Said {
        self.told.get(i).copied().unwrap_or(Said::Nothing)
    }

    /// Octets on the heap.
    pub(super) fn heap_bytes(&self) -> usize {
        self.entries.heap_bytes() + self.told.len() * size_of::<Said>()
    }
}

impl<A> fmt::Debug for Entries<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entries")
            .field("count", &self.addr.len())
            .field("withdrawals", &self.withdrawals)
            .finish_non_exhaustive()
    }
}

impl<A> fmt::Debug for Delta<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Delta").field(&self.entries).finish()
    }
}

impl<A> fmt::Debug for Private<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Private").field(&self.entries).finish()
    }
}

fn to_index(n: u32) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}
