//! An immutable table of what may be advertised.
//!
//! Each family is a struct of arrays in prefix order for look-up and comparison, and once more as NLRI bytes in wire
//! order for sending: about 17 octets of memory an IPv4 prefix and 32 an IPv6 one, provenance included.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use ipnet::IpNet;
use thiserror::Error;

use super::build::{Ingredients, group_of_line};
use super::fingerprint::fingerprint;
use super::prefix::{Address, Prefix};
use super::ranks::Ranks;
use super::rows::{FileSpan, Group, Rows};
use super::table::Table;
use crate::wire::{AttrSet, Family, PerFamily};

/// Why rows do not make a generation.
#[derive(Clone, PartialEq, Eq, Debug, Error)]
pub enum BuildError {
    /// A row breaks the contract of [`Rows`].
    #[error("row {index} of the load is {what}")]
    Row {
        /// Its index in its family.
        index: usize,
        /// What it is.
        what: &'static str,
    },
    /// A count does not fit 32 bits.
    #[error("more than 4294967295 {0}")]
    TooMany(&'static str),
}

/// An immutable, hashed table made from the RIB files.
pub struct Generation {
    number: u32,
    hash: [u8; 32],
    installed_at: u64,
    files: Vec<FileSpan>,
    groups: Vec<Group>,
    v4: Table<u32>,
    v6: Table<u128>,
}

/// One route of a generation, with where it comes from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RouteView {
    /// The prefix.
    pub prefix: IpNet,
    /// What it carries, whoever the peer is.
    pub attrs: Arc<AttrSet>,
    /// The group's `source`.
    pub source: Option<Arc<str>>,
    /// The file it stands in.
    pub file: Arc<PathBuf>,
    /// The line there, from 1.
    pub line: u32,
    /// Number and time (seconds since the epoch) of the generation that last changed its attributes or selectors.
    pub since: (u32, u64),
    /// Advertised only at these locations; empty: everywhere.
    pub peering_locations: Vec<String>,
    /// Advertised only on these peerings; empty: on all.
    pub peerings: Vec<String>,
}

impl Generation {
    /// Makes a generation of a load. `previous` is the one before, made with the same `ranks`: what it has with equal
    /// attributes and selectors keeps its [`RouteView::since`]. `installed_at` is in seconds since the epoch.
    /// O(n + m), with the rows let go as soon as they are taken over.
    ///
    /// # Errors
    /// [`BuildError`] where the rows break their contract or pass 4 GiB of NLRI; a load that was checked does neither.
    pub fn build(
        rows: Rows,
        previous: Option<&Generation>,
        ranks: &mut Ranks,
        number: u32,
        installed_at: u64,
    ) -> Result<Generation, BuildError> {
        let Rows { files, groups, v4, v6 } = rows;
        let ranked = ranks.intern(&groups)?;
        let ingredients = Ingredients { groups: &groups, ranked: &ranked, now: (number, installed_at) };
        let v4 = ingredients.table(v4, previous.map(|p| &p.v4))?;
        let v6 = ingredients.table(v6, previous.map(|p| &p.v6))?;
        let hash = fingerprint(&v4, &v6);
        Ok(Self { number, hash, installed_at, files, groups, v4, v6 })
    }

    /// Its number, counted from 1 in the life of the process.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// SHA-256 of its routes: prefixes, attributes and selectors, and nothing else.
    #[must_use]
    pub fn hash(&self) -> [u8; 32] {
        self.hash
    }

    /// The hash as 64 hexadecimal digits, in lower case.
    #[must_use]
    pub fn hash_hex(&self) -> String {
        self.hash.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Seconds since the epoch at which it was put in force.
    #[must_use]
    pub fn installed_at(&self) -> u64 {
        self.installed_at
    }

    /// How many prefixes.
    #[must_use]
    pub fn count(&self) -> PerFamily<usize> {
        PerFamily { ipv4: self.v4.count(), ipv6: self.v6.count() }
    }

    /// How many distinct attribute sets its groups have. O(groups log groups).
    #[must_use]
    pub fn attribute_sets(&self) -> usize {
        self.groups.iter().map(|g| &g.attrs).collect::<std::collections::BTreeSet<_>>().len()
    }

    /// The files it was made from, in global line order.
    #[must_use]
    pub fn files(&self) -> &[FileSpan] {
        &self.files
    }

    /// Octets on the heap for both families, attribute sets and groups not counted.
    #[must_use]
    pub fn heap_bytes(&self) -> usize {
        self.v4.heap_bytes() + self.v6.heap_bytes()
    }

    /// The route of exactly this prefix. O(log n).
    #[must_use]
    pub fn get(&self, prefix: IpNet) -> Option<RouteView> {
        match prefix {
            IpNet::V4(_) => self.route::<u32>(self.v4.find(Prefix::of_net(&prefix)?)?),
            IpNet::V6(_) => self.route::<u128>(self.v6.find(Prefix::of_net(&prefix)?)?),
        }
    }

    /// The route of the longest prefix that holds `ip`. O(log n) for each prefix length in use.
    #[must_use]
    pub fn longest_match(&self, ip: IpAddr) -> Option<RouteView> {
        match ip {
            IpAddr::V4(_) => self.route::<u32>(self.v4.longest_match(ip)?),
            IpAddr::V6(_) => self.route::<u128>(self.v6.longest_match(ip)?),
        }
    }

    /// The shortest prefix that covers this one or is it, or else the first one within it. O(log n) for each bit of its length.
    #[must_use]
    pub fn overlap(&self, prefix: IpNet) -> Option<IpNet> {
        match prefix {
            IpNet::V4(_) => self.v4.overlap(Prefix::of_net(&prefix)?).map(Prefix::to_net),
            IpNet::V6(_) => self.v6.overlap(Prefix::of_net(&prefix)?).map(Prefix::to_net),
        }
    }

    /// Up to `limit` routes of a family behind `after`, in prefix order (address, then length). O(log n + limit). An
    /// `after` of IPv4 stands before all of IPv6, and one of IPv6 behind all of IPv4.
    #[must_use]
    pub fn page(&self, family: Family, after: Option<IpNet>, limit: usize) -> Vec<RouteView> {
        match family {
            Family::Ipv4 => self.page_of::<u32>(after, limit),
            Family::Ipv6 => self.page_of::<u128>(after, limit),
        }
    }

    fn page_of<A: InGeneration>(&self, after: Option<IpNet>, limit: usize) -> Vec<RouteView> {
        let table = A::table(self);
        let first = row_after(table, after);
        let end = first.saturating_add(limit).min(table.count());
        (first..end).filter_map(|row| self.route::<A>(row)).collect()
    }

    /// Row `row` as others see it.
    pub(crate) fn route<A: InGeneration>(&self, row: usize) -> Option<RouteView> {
        let table = A::table(self);
        let ranked = table.ranked(row)?;
        let (file, line) = self.place(table.line(row));
        Some(RouteView {
            prefix: table.prefix(row)?.to_net(),
            attrs: ranked.attrs.clone(),
            source: self.group(table, row).and_then(|group| group.source.clone()),
            file,
            line,
            since: table.since(row),
            peering_locations: ranked.class.peering_locations.clone(),
            peerings: ranked.class.peerings.clone(),
        })
    }

    fn group<A: Address>(&self, table: &Table<A>, row: usize) -> Option<&Group> {
        let group = table.group(row).or_else(|| group_of_line(&self.groups, table.line(row)))?;
        self.groups.get(usize::try_from(group).ok()?)
    }

    /// The file of a global line, and the line there. O(log files).
    fn place(&self, global: u32) -> (Arc<PathBuf>, u32) {
        let behind = self.files.partition_point(|file| file.first_line <= global);
        match behind.checked_sub(1).and_then(|i| self.files.get(i)) {
            Some(file) => (file.path.clone(), global.saturating_sub(file.first_line).saturating_add(1)),
            None => (Arc::default(), global),
        }
    }
}

/// In a line: a table may have a million rows.
impl fmt::Debug for Generation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Generation")
            .field("number", &self.number)
            .field("hash", &self.hash_hex())
            .field("count", &self.count())
            .finish_non_exhaustive()
    }
}

/// A family's address, for code that is written once for both.
pub(crate) trait InGeneration: Address {
    /// The family's table.
    fn table(generation: &Generation) -> &Table<Self>;
}

impl InGeneration for u32 {
    fn table(generation: &Generation) -> &Table<Self> {
        &generation.v4
    }
}

impl InGeneration for u128 {
    fn table(generation: &Generation) -> &Table<Self> {
        &generation.v6
    }
}

/// The first row behind `after`, which may be of the other family.
pub(crate) fn row_after<A: Address>(table: &Table<A>, after: Option<IpNet>) -> usize {
    let Some(after) = after else { return 0 };
    match (Prefix::<A>::of_net(&after), after) {
        (Some(prefix), _) => {
            let row = table.lower_bound(prefix);
            if table.prefix(row) == Some(prefix) { row + 1 } else { row }
        }
        (None, IpNet::V4(_)) => 0,
        (None, IpNet::V6(_)) => table.count(),
    }
}

#[cfg(test)]
mod tests;
