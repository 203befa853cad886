//! From checked rows to a table: runs by rank, and the time of each prefix's last change carried over.

use std::collections::HashMap;
use std::sync::Arc;

use super::column::Column;
use super::generation::BuildError;
use super::prefix::{Address, Prefix, nlri_len};
use super::ranks::Ranked;
use super::rows::{Group, Row};
use super::table::{Columns, Table};

/// What every table of one generation is made with.
pub(super) struct Ingredients<'a> {
    /// The groups of the load.
    pub(super) groups: &'a [Group],
    /// The entry of each group.
    pub(super) ranked: &'a [Arc<Ranked>],
    /// Number and time of the generation.
    pub(super) now: (u32, u64),
}

impl Ingredients<'_> {
    /// A table of one family. `previous` is the same family of the generation before. O(n + m).
    pub(super) fn table<A: Address>(
        &self,
        rows: Vec<Row<A>>,
        previous: Option<&Table<A>>,
    ) -> Result<Table<A>, BuildError> {
        let nlri_octets = check(&rows)?;
        let (run_of_group, runs) = self.runs(&rows)?;
        let run_of = |row: &Row<A>| at(&run_of_group, row.group).copied().unwrap_or(0);
        let (since, changes) = self.changes(&rows, &run_of_group, &runs, previous);
        let by_line = rows.iter().all(|row| group_of_line(self.groups, row.line) == Some(row.group));
        let columns = Columns {
            addr: rows.iter().map(|row| row.addr).collect(),
            len: rows.iter().map(|row| row.len).collect(),
            run: Column::collect(rows.iter().map(run_of), runs.len()),
            line: rows.iter().map(|row| row.line).collect(),
            since,
            changes,
            group: (!by_line).then(|| rows.iter().map(|row| row.group).collect()),
        };
        drop(rows);
        Ok(Table::new(columns, runs, nlri_octets))
    }

    /// The run of each group (of a group that this family does not use, 0), and what the runs carry, in rank order.
    fn runs<A>(&self, rows: &[Row<A>]) -> Result<(Vec<u32>, Vec<Arc<Ranked>>), BuildError> {
        let mut used = vec![false; self.groups.len()];
        for (index, row) in rows.iter().enumerate() {
            let group = usize::try_from(row.group).ok().and_then(|g| used.get_mut(g));
            *group.ok_or(BuildError::Row { index, what: "of a group that is not there" })? = true;
        }
        let mut runs: Vec<_> = self
            .ranked
            .iter()
            .zip(&used)
            .filter(|(_, used)| **used)
            .map(|(ranked, _)| ranked.clone())
            .collect();
        runs.sort_unstable_by_key(|ranked| ranked.rank);
        runs.dedup_by_key(|ranked| ranked.rank);
        let of_rank: HashMap<u32, u32> = (0..).zip(&runs).map(|(i, ranked)| (ranked.rank, i)).collect();
        let of_group = self.ranked.iter().map(|ranked| of_rank.get(&ranked.rank).copied().unwrap_or(0));
        Ok((of_group.collect(), runs))
    }

    /// Merges with the table before: a prefix with the same entry keeps its time, any other gets this generation's.
    /// Times that no prefix has any more are left out.
    fn changes<A: Address>(
        &self,
        rows: &[Row<A>],
        run_of_group: &[u32],
        runs: &[Arc<Ranked>],
        previous: Option<&Table<A>>,
    ) -> (Column, Box<[(u32, u64)]>) {
        let known = previous.map_or(&[][..], Table::changes);
        let fresh = u32::try_from(known.len()).unwrap_or(u32::MAX);
        let mut kept: Vec<Option<u32>> = vec![None; known.len() + 1];
        let mut old_row = 0;
        let carried = rows.iter().map(|row| {
            let Some(previous) = previous else { return fresh };
            let prefix = Prefix { addr: row.addr, len: row.len };
            while previous.prefix(old_row).is_some_and(|old| old < prefix) {
                old_row += 1;
            }
            let rank = at(run_of_group, row.group).and_then(|run| at(runs, *run)).map(|r| r.rank);
            let same = previous.prefix(old_row) == Some(prefix)
                && previous.ranked(old_row).map(|ranked| ranked.rank) == rank;
            if same { previous.change(old_row) } else { fresh }
        });
        let carried = Column::collect(carried, known.len());
        for i in 0..rows.len() {
            if let Some(slot) = usize::try_from(carried.get(i)).ok().and_then(|c| kept.get_mut(c)) {
                *slot = Some(0);
            }
        }
        let mut changes = Vec::new();
        for (slot, change) in kept.iter_mut().zip(known.iter().chain([&self.now])) {
            if let Some(place) = slot {
                *place = u32::try_from(changes.len()).unwrap_or(u32::MAX);
                changes.push(*change);
            }
        }
        let place = |i: usize| at(&kept, carried.get(i)).copied().flatten().unwrap_or(0);
        let since = Column::collect((0..rows.len()).map(place), changes.len());
        (since, changes.into_boxed_slice())
    }
}

/// The group on whose lines a line stands, if it is on any: the last that begins at or before it.
pub(super) fn group_of_line(groups: &[Group], line: u32) -> Option<u32> {
    let behind = groups.partition_point(|group| group.line <= line);
    behind.checked_sub(1).and_then(|group| u32::try_from(group).ok())
}

/// Holds the rows to their contract, since a table out of order would lose routes in silence. The octets of their NLRI.
fn check<A: Address>(rows: &[Row<A>]) -> Result<u32, BuildError> {
    let mut octets = 0_u32;
    let mut before = None;
    for (index, row) in rows.iter().enumerate() {
        let prefix = Prefix { addr: row.addr, len: row.len };
        if !prefix.is_canonical() {
            return Err(BuildError::Row { index, what: "not a prefix: it has host bits or is too long" });
        }
        if before >= Some(prefix) {
            return Err(BuildError::Row { index, what: "out of order or a repeat" });
        }
        before = Some(prefix);
        let more = u32::try_from(nlri_len(row.len)).unwrap_or(u32::MAX);
        octets = octets.checked_add(more).ok_or(BuildError::TooMany("octets of NLRI"))?;
    }
    Ok(octets)
}

fn at<T>(of: &[T], index: u32) -> Option<&T> {
    of.get(usize::try_from(index).ok()?)
}
