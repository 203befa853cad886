//! Where NLRI is cut into messages: for each profile the densest packing behind its own heads.
//!
//! The NLRI itself is shared by all peers; what differs between profiles is only where the slices end.

use std::fmt;

use super::head::announce_room;
use super::profile::Profile;
use super::sheet::Shown;
use crate::rib::{Address, Strip, nlri_len};

/// Ends of the slices of a table's strip for one profile, run by run. Runs that are not shown, or whose attributes leave
/// no room, have none.
pub(super) struct Cuts {
    /// By run, how many cuts stand before its first; one more at the end.
    first: Box<[u32]>,
    /// Offsets in the strip.
    ends: Box<[u32]>,
    /// By cut, how many prefixes stand in all cuts up to its end.
    prefixes: Box<[u32]>,
}

/// One slice: where it ends, and how many prefixes are in it if it is begun at its start.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Cut {
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) prefixes: u32,
}

impl Cuts {
    /// Cuts the shown runs of a strip, and names those that there is no room for. O(n).
    pub(super) fn new<A: Address>(strip: &Strip<A>, shown: &Shown, profile: &Profile) -> (Self, Vec<usize>) {
        let mut left_out = Vec::new();
        let (mut ends, mut prefixes) = (Vec::new(), Vec::new());
        let mut first = Vec::with_capacity(strip.runs().len() + 1);
        let mut count = 0_u32;
        for (i, run) in strip.runs().iter().enumerate() {
            first.push(u32::try_from(ends.len()).unwrap_or(u32::MAX));
            if !shown.has(i) {
                continue;
            }
            let Some(room) = announce_room(profile, &run.ranked.attrs) else {
                left_out.push(i);
                continue;
            };
            let (start, end) = strip.span_of(i);
            cut(strip.bytes(start, end), room, |at, cut| {
                count = count.saturating_add(cut);
                ends.push(start.saturating_add(at));
                prefixes.push(count);
            });
        }
        first.push(u32::try_from(ends.len()).unwrap_or(u32::MAX));
        let cuts = Self { first: first.into(), ends: ends.into(), prefixes: prefixes.into() };
        (cuts, left_out)
    }

    /// The cut that holds `offset`, which is in run `run` and not at its end; none where the run has no cuts.
    /// `run_start` is where the run begins. O(log cuts).
    pub(super) fn at(&self, run: usize, run_start: u32, offset: u32) -> Option<Cut> {
        let first = to_index(*self.first.get(run)?);
        let last = to_index(*self.first.get(run + 1)?);
        let i = first + self.ends.get(first..last)?.partition_point(|end| *end <= offset);
        if i >= last {
            return None;
        }
        let before = |i: usize, of: &[u32]| i.checked_sub(1).and_then(|i| of.get(i)).copied().unwrap_or(0);
        Some(Cut {
            start: if i == first { run_start } else { before(i, &self.ends) },
            end: *self.ends.get(i)?,
            prefixes: self.prefixes.get(i)?.saturating_sub(before(i, &self.prefixes)),
        })
    }
}

/// Ends of the slices of a delta for one profile.
#[derive(Default)]
pub(super) struct DeltaCuts {
    ends: Vec<DeltaEnd>,
}

/// The end of a slice of a delta.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct DeltaEnd {
    /// Offset in its NLRI.
    pub(super) offset: u32,
    /// Entries up to here.
    pub(super) entry: u32,
}

impl DeltaCuts {
    /// Cuts one section of a delta behind those before it. O(entries).
    pub(super) fn add(&mut self, nlri: &[u8], room: usize) {
        let mut end = self.ends.last().copied().unwrap_or_default();
        let start = end.offset;
        cut(nlri, room, |at, cut| {
            end = DeltaEnd { offset: start.saturating_add(at), entry: end.entry.saturating_add(cut) };
            self.ends.push(end);
        });
    }

    /// Start and end of the cut that begins at entry `next`. O(log cuts).
    pub(super) fn at(&self, next: u32) -> Option<(DeltaEnd, DeltaEnd)> {
        let i = self.ends.partition_point(|end| end.entry <= next);
        let start = i.checked_sub(1).and_then(|i| self.ends.get(i)).copied().unwrap_or_default();
        Some((start, *self.ends.get(i)?))
    }
}

impl fmt::Debug for Cuts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cuts").field("messages", &self.ends.len()).finish_non_exhaustive()
    }
}

impl fmt::Debug for DeltaCuts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeltaCuts").field("messages", &self.ends.len()).finish_non_exhaustive()
    }
}

/// Calls `each` with the end and the number of prefixes of every slice of `nlri` that is as long as `room` lets it be.
/// A prefix longer than `room` would be a slice of its own; callers leave room for any.
fn cut(nlri: &[u8], room: usize, mut each: impl FnMut(u32, u32)) {
    let (mut start, mut at, mut prefixes) = (0, 0, 0_u32);
    while let Some(len) = nlri.get(at) {
        let next = at + nlri_len(*len);
        if next - start > room && prefixes > 0 {
            each(u32::try_from(at).unwrap_or(u32::MAX), prefixes);
            (start, prefixes) = (at, 0);
        }
        prefixes += 1;
        at = next;
    }
    if prefixes > 0 {
        each(u32::try_from(at).unwrap_or(u32::MAX), prefixes);
    }
}

fn to_index(n: u32) -> usize {
    usize::try_from(n).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slice_ends_where_the_next_prefix_would_not_fit() {
        // Prefixes of 1, 3, 4, 4 and 2 octets.
        let nlri = [0, 16, 1, 2, 24, 1, 2, 3, 24, 1, 2, 4, 8, 9];
        let ends = |room| {
            let mut ends = Vec::new();
            cut(&nlri, room, |end, prefixes| ends.push((end, prefixes)));
            ends
        };
        assert_eq!(ends(100), [(14, 5)]);
        assert_eq!(ends(8), [(8, 3), (14, 2)]);
        assert_eq!(ends(7), [(4, 2), (8, 1), (14, 2)]);
        assert_eq!(ends(5), [(4, 2), (8, 1), (12, 1), (14, 1)]);
    }

    #[test]
    fn a_delta_is_cut_section_by_section() {
        let mut cuts = DeltaCuts::default();
        cuts.add(&[8, 1, 8, 2, 8, 3], 4);
        cuts.add(&[8, 4], 4);
        let end = |offset, entry| DeltaEnd { offset, entry };
        assert_eq!(cuts.at(0), Some((end(0, 0), end(4, 2))));
        assert_eq!(cuts.at(2), Some((end(4, 2), end(6, 3))));
        assert_eq!(cuts.at(3), Some((end(6, 3), end(8, 4))));
        assert_eq!(cuts.at(4), None);
    }
}
