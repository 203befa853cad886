//! What the RIB files say, checked and sorted, before it becomes a generation.

use std::path::PathBuf;
use std::sync::Arc;

use super::finding::Place;
use crate::wire::AttrSet;

/// A file of the RIB and where its lines begin in the numbering over all files.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FileSpan {
    /// The file as the operator would name it.
    pub path: Arc<PathBuf>,
    /// The global number of its line 1; its line `n` is `first_line + n - 1`.
    pub first_line: u32,
}

/// A group of a RIB file: everything that its prefixes share.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Group {
    /// What its routes carry.
    pub attrs: Arc<AttrSet>,
    /// The operator's or `import`'s word on where the prefixes come from.
    pub source: Option<Arc<str>>,
    /// Advertise only on peerings at these locations; empty: everywhere. Sorted, without repeats.
    pub peering_locations: Vec<String>,
    /// Advertise only on these peerings; empty: on all. Sorted, without repeats.
    pub peerings: Vec<String>,
    /// Prefixes longer than /24 and /48 are meant.
    pub allow_longer: bool,
    /// The global line where the group begins.
    pub line: u32,
}

/// One prefix; `A` is `u32` or `u128`, the network address in host byte order with no host bits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Row<A> {
    /// The network address.
    pub addr: A,
    /// The prefix length.
    pub len: u8,
    /// Index into [`Rows::groups`].
    pub group: u32,
    /// The global line it stands on.
    pub line: u32,
}

/// A whole load: every prefix once, in prefix order (address, then length).
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Rows {
    /// In global line order.
    pub files: Vec<FileSpan>,
    /// In global line order.
    pub groups: Vec<Group>,
    /// IPv4 prefixes.
    pub v4: Vec<Row<u32>>,
    /// IPv6 prefixes.
    pub v6: Vec<Row<u128>>,
}

impl Rows {
    /// Where a global line stands. O(log files).
    #[must_use]
    pub fn place(&self, line: u32) -> Option<Place> {
        let index = self.files.partition_point(|file| file.first_line <= line).checked_sub(1)?;
        let file = self.files.get(index)?;
        Some(Place { file: Arc::clone(&file.path), line: line - file.first_line + 1, column: 0 })
    }
}
