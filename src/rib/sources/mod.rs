//! Published prefix data → the groups of a RIB file, for `import`.
//!
//! One reader a published shape, each from the bytes of one file to a [`Source`]: every prefix checked, with the tag or
//! area that listed it. [`unite`] makes of all sources the smallest set of prefixes that covers exactly the same
//! addresses and says which source each came from; [`to_yaml`] writes that as a RIB file. Nothing here reads a clock,
//! so equal input gives equal output, and no input of any kind panics.

mod list;
mod office365;
mod prefix;
mod public_ips;
mod reading;
mod select;
mod service_tags;
mod shape;
pub(crate) mod text;
mod union;
mod yaml;

use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ipnet::IpNet;

use crate::rib::{Finding, Findings, Place};
use reading::Reading;
use text::Text;

pub use prefix::{MAX_LEN_V4, MAX_LEN_V6, is_longer};
pub use select::{Condition, Key, Select};
pub use text::MAX_FILE_LEN;
pub use union::{Longer, SourcedGroup, TooLong, Union, unite};
pub use yaml::{display_name, grouped, to_yaml};

/// A published shape of prefix data.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Format {
    /// Azure IP Ranges and Service Tags: JSON with `changeNumber` and `values`, as downloaded or from the REST API.
    ServiceTags,
    /// Microsoft Public IP Space: CSV with the header `Prefix,Type`.
    PublicIps,
    /// Office 365 endpoints: the web service's JSON array of records, or a flat `{version, list}` copy of it.
    Office365,
    /// A prefix a line, `#` begins a comment.
    List,
}

impl Format {
    /// Every format, in the order in which `import` takes its sources.
    pub const ALL: [Self; 4] = [Self::ServiceTags, Self::PublicIps, Self::Office365, Self::List];

    /// The name in a RIB's `source` and, after `--`, on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::ServiceTags => "service-tags",
            Self::PublicIps => "public-ips",
            Self::Office365 => "office365",
            Self::List => "list",
        }
    }

    /// What a [`Select`] can ask of this format; empty where it has nothing but prefixes.
    #[must_use]
    pub fn keys(self) -> &'static [Key] {
        match self {
            Self::ServiceTags => &[Key::Tag, Key::Region, Key::Service],
            Self::Office365 => &[Key::Area, Key::Category, Key::ExpressRoute],
            Self::PublicIps | Self::List => &[],
        }
    }

    fn describe(self) -> &'static str {
        match self {
            Self::ServiceTags => "ServiceTags JSON",
            Self::PublicIps => "Public IP Space CSV",
            Self::Office365 => "Office 365 JSON",
            Self::List => "a plain list of prefixes",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// How many prefixes of each family.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Count {
    /// IPv4.
    pub v4: usize,
    /// IPv6.
    pub v6: usize,
}

impl Count {
    /// Counts a slice as it is, repeats included.
    #[must_use]
    pub fn of(nets: &[IpNet]) -> Self {
        let v4 = nets.iter().filter(|net| matches!(net, IpNet::V4(_))).count();
        Self { v4, v6: nets.len() - v4 }
    }

    /// Both families together.
    #[must_use]
    pub fn total(self) -> usize {
        self.v4.saturating_add(self.v6)
    }
}

/// A prefix as a source lists it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Entry {
    /// Without host bits, and global unicast.
    pub net: IpNet,
    /// Index into [`Source::labels`]; `None` where the format has no labels.
    pub label: Option<u32>,
}

/// One file, read and checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Source {
    /// Its shape.
    pub format: Format,
    /// The file as the operator named it.
    pub file: Arc<PathBuf>,
    /// changeNumber or version, where the file has one.
    pub version: Option<String>,
    /// Tags, or areas with their category, of which at least one prefix is selected; as spelled in the file.
    pub labels: Vec<String>,
    /// The selected prefixes in file order, repeats included.
    pub entries: Vec<Entry>,
    /// Every value that the file has for a key which the selection names, selected or not.
    pub offered: BTreeSet<(Key, String)>,
}

impl Source {
    /// How many different prefixes are selected. O(n log n).
    #[must_use]
    pub fn distinct(&self) -> Count {
        let mut nets: Vec<IpNet> = self.entries.iter().map(|entry| entry.net).collect();
        nets.sort_unstable();
        nets.dedup();
        Count::of(&nets)
    }
}

/// Reads the file at `path` and hands it to [`read`].
///
/// # Errors
/// As [`read`]; also a file that cannot be opened or read, a directory, and one above [`MAX_FILE_LEN`] bytes.
pub fn load(
    format: Format,
    path: &Path,
    select: &Select,
    progress: &mut dyn FnMut(usize),
) -> Result<Source, Findings> {
    read(format, path, &text::load(path)?, select, progress)
}

/// Reads one document. `file` is only its name in findings; `progress` is told now and then how many bytes are done.
///
/// The whole document is checked, whatever `select` takes from it.
///
/// # Errors
/// Every finding of the document (20 are spelled out, one more counts the rest): not UTF-8, empty,
/// truncated, of another shape (which it names), without a single prefix, or with prefixes that are malformed, have
/// host bits or lie outside global unicast space.
pub fn read(
    format: Format,
    file: &Path,
    bytes: &[u8],
    select: &Select,
    progress: &mut dyn FnMut(usize),
) -> Result<Source, Findings> {
    let file = Arc::new(file.to_path_buf());
    let text = Text::new(Arc::clone(&file), bytes)?;
    let fetch_again = |what: &str| {
        let place = Place { file: Arc::clone(&file), line: 0, column: 0 };
        Findings(vec![Finding::error(place, what, "fetch it again")])
    };
    if text.text.trim().is_empty() {
        return Err(fetch_again("the file is empty"));
    }
    if text.text.trim_start().starts_with('<') {
        return Err(fetch_again(&format!("this is HTML or XML, not {}", format.describe())));
    }
    let reading = Reading::new(format, text, select, progress);
    match format {
        Format::ServiceTags => service_tags::read(reading),
        Format::PublicIps => public_ips::read(reading),
        Format::Office365 => office365::read(reading),
        Format::List => list::read(reading),
    }
}

#[cfg(test)]
mod tests;
