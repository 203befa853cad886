//! RIB files → [`Rows`]: every prefix once, sorted, with its place; or every error.
//!
//! A thread a file, up to the machine's cores; each sorts its own rows, and the sorted runs are merged, which is where
//! a prefix that stands twice is found, within a file or across files. Nothing of a load with an error is used.

pub(crate) mod collect;
pub(crate) mod events;
mod file;
pub(crate) mod folder;
mod path;
pub(crate) mod prefix;
#[cfg(test)]
mod tests;
mod values;

use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use self::collect::{Collected, LISTED};
use self::file::FileRows;
use super::{FileSpan, Finding, Findings, Place, Row, Rows};
use crate::wire::Asn;

/// What a load must know besides the files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LoadOptions {
    /// Our ASN, which begins every AS path.
    pub local_asn: Asn,
}

/// One file read: its text is kept until duplicates are found, which are then shown where they stand.
struct Loaded {
    path: Arc<PathBuf>,
    text: String,
    rows: FileRows,
}

/// Reads a RIB: a file, or the `*.yaml` and `*.yml` of a folder. Returns its rows and what is only worth a warning.
///
/// O(n log n) in prefixes, O(n) where the files are sorted, as `import` writes them.
///
/// # Errors
/// Every error of all files with its place, up to a hundred and a count of the rest; of a file that is not YAML, the
/// first.
pub fn load(path: &Path, options: &LoadOptions) -> Result<(Rows, Findings), Findings> {
    let files = folder::find(path)?;
    let loaded = read_all(&files.paths, options.local_asn);
    finish(path, loaded, files.warnings)
}

/// Reads a RIB from a text, as if it stood in a file of that name.
///
/// # Errors
/// As [`load`].
pub fn load_text(name: &Path, text: String, options: &LoadOptions) -> Result<(Rows, Findings), Findings> {
    let path = Arc::new(name.to_owned());
    let rows = file::read(&text, Arc::clone(&path), options.local_asn);
    finish(name, vec![Loaded { path, text, rows }], Vec::new())
}

fn finish(
    whole: &Path,
    mut loaded: Vec<Loaded>,
    warnings: Vec<Finding>,
) -> Result<(Rows, Findings), Findings> {
    let mut collected = Collected { warnings, ..Collected::default() };
    let rows = unite(&mut loaded, &mut collected, whole);
    duplicates(&rows, &loaded, &mut collected);
    let findings = collected.finish(Place::file(whole));
    if findings.has_errors() {
        return Err(findings);
    }
    if rows.v4.is_empty() && rows.v6.is_empty() {
        return Err(Findings(vec![Finding::error(
            Place::file(whole),
            "this RIB has no prefix at all",
            "add one: an empty table is never put in force",
        )]));
    }
    Ok((rows, findings))
}

/// Reads the files in parallel; the result is in their order.
fn read_all(paths: &[Arc<PathBuf>], local_asn: Asn) -> Vec<Loaded> {
    let next = AtomicUsize::new(0);
    let work = || {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            let Some(path) = paths.get(index) else { return done };
            done.push((index, read_one(path, local_asn)));
        }
    };
    let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let mut loaded = thread::scope(|scope| {
        let others: Vec<_> = (1..cores.min(paths.len())).map(|_| scope.spawn(work)).collect();
        let mut loaded = work();
        for other in others {
            loaded.extend(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        loaded
    });
    loaded.sort_by_key(|(index, _)| *index);
    loaded.into_iter().map(|(_, loaded)| loaded).collect()
}

fn read_one(path: &Arc<PathBuf>, local_asn: Asn) -> Loaded {
    match folder::read(path) {
        Ok(text) => {
            let rows = file::read(&text, Arc::clone(path), local_asn);
            Loaded { path: Arc::clone(path), text, rows }
        }
        Err(finding) => {
            let mut rows = FileRows::default();
            rows.errors.error(|| finding);
            Loaded { path: Arc::clone(path), text: String::new(), rows }
        }
    }
}

/// Puts the files' rows together, with lines and groups counted over all of them, and their errors.
fn unite(loaded: &mut [Loaded], collected: &mut Collected, whole: &Path) -> Rows {
    let mut rows = Rows::default();
    let total = |count: fn(&FileRows) -> usize| loaded.iter().map(|l| count(&l.rows)).sum::<usize>();
    let (v4, v6) = (total(|r| r.v4.len()), total(|r| r.v6.len()));
    let mut first_line = 1_u32;
    for file in loaded.iter_mut() {
        collected.append(std::mem::take(&mut file.rows.errors));
        rows.files.push(FileSpan { path: Arc::clone(&file.path), first_line });
        let offset = first_line - 1;
        let first_group = u32::try_from(rows.groups.len()).unwrap_or(u32::MAX);
        let Some(next) = first_line.checked_add(file.rows.lines) else {
            collected.error(|| {
                let fix = "divide it: no more than 4294967295 lines are read";
                Finding::error(Place::file(whole), "this RIB has too many lines", fix)
            });
            break;
        };
        // Below, no sum passes `next`: a row's line is one of its file's, and groups are fewer than lines.
        first_line = next;
        rows.groups.extend(file.rows.groups.drain(..).map(|mut group| {
            group.line = group.line.saturating_add(offset);
            group
        }));
        join(&mut rows.v4, std::mem::take(&mut file.rows.v4), v4, offset, first_group);
        join(&mut rows.v6, std::mem::take(&mut file.rows.v6), v6, offset, first_group);
    }
    if loaded.len() > 1 {
        // Sorted runs one behind the other: the standard sort finds and merges them.
        rows.v4.sort_by_key(|r| (r.addr, r.len));
        rows.v6.sort_by_key(|r| (r.addr, r.len));
    }
    rows.v4.shrink_to_fit();
    rows.v6.shrink_to_fit();
    rows
}

/// Appends a file's rows to the `total` of all files; the only file's are taken as they are.
fn join<A>(all: &mut Vec<Row<A>>, mut rows: Vec<Row<A>>, total: usize, offset: u32, first_group: u32) {
    for row in &mut rows {
        row.line = row.line.saturating_add(offset);
        row.group = row.group.saturating_add(first_group);
    }
    if rows.len() == total {
        *all = rows;
    } else {
        all.reserve_exact(total.saturating_sub(all.len()));
        all.append(&mut rows);
    }
}

/// A prefix that stands again: the place of the second, and of the first.
struct Again {
    net: IpNet,
    line: u32,
    first: u32,
}

fn duplicates(rows: &Rows, loaded: &[Loaded], collected: &mut Collected) {
    let mut again = Vec::new();
    find_again(&rows.v4, &mut again, |addr, len| Ipv4Net::new(addr.into(), len).ok().map(IpNet::from));
    find_again(&rows.v6, &mut again, |addr, len| Ipv6Net::new(addr.into(), len).ok().map(IpNet::from));
    again.sort_unstable_by_key(|a| a.line);
    collected.more += again.len().saturating_sub(LISTED);
    for again in again.iter().take(LISTED) {
        let Some((index, second)) = stands(rows, again.line) else { continue };
        let Some((_, first)) = stands(rows, again.first) else { continue };
        let text = loaded.get(index).map(|l| l.text.as_str()).unwrap_or_default();
        let text = usize::try_from(second.line)
            .ok()
            .and_then(|n| text.lines().nth(n.checked_sub(1)?))
            .unwrap_or_default();
        let same_line = usize::from(again.line == again.first);
        let place = Place { column: column(text, &again.net, same_line), ..second };
        let fix = format!("keep one: it is already at {}:{}", first.file.display(), first.line);
        collected.errors.push(Finding::error(place, format!("{} stands here again", again.net), fix));
    }
}

fn find_again<A: Copy + PartialEq>(
    rows: &[Row<A>],
    again: &mut Vec<Again>,
    net: impl Fn(A, u8) -> Option<IpNet>,
) {
    for equal in rows.chunk_by(|a, b| (a.addr, a.len) == (b.addr, b.len)) {
        let [first, others @ ..] = equal else { continue };
        if let (false, Some(net)) = (others.is_empty(), net(first.addr, first.len)) {
            again.extend(others.iter().map(|other| Again { net, line: other.line, first: first.line }));
        }
    }
}

/// The file that a global line stands in, as an index and as a place.
fn stands(rows: &Rows, line: u32) -> Option<(usize, Place)> {
    let index = rows.files.partition_point(|f| f.first_line <= line).checked_sub(1)?;
    let span = rows.files.get(index)?;
    let line = line - span.first_line + 1;
    Some((index, Place { file: Arc::clone(&span.path), line, column: 0 }))
}

/// The column of the `nth` word of a line that reads as a prefix; 0 where there is none.
fn column(line: &str, net: &IpNet, nth: usize) -> u32 {
    let is_part = |c: char| c.is_ascii_hexdigit() || matches!(c, '.' | ':' | '/');
    let mut words = Vec::new();
    let mut start = None;
    for (i, c) in line.char_indices().chain([(line.len(), ' ')]) {
        match (is_part(c), start) {
            (true, None) => start = Some(i),
            (false, Some(from)) => {
                words.extend(line.get(from..i).map(|word| (from, word)));
                start = None;
            }
            (true, Some(_)) | (false, None) => {}
        }
    }
    let found = words.iter().filter(|(_, word)| prefix::parse(word) == Ok(*net)).nth(nth);
    let characters = found.and_then(|(from, _)| line.get(..*from)).map(|before| before.chars().count() + 1);
    characters.and_then(|n| u32::try_from(n).ok()).unwrap_or(0)
}
