//! `rpki` and `irr`: where registries' contents come from, and what they keep from being accepted. The files are read
//! with the config, so that a reload is whole or not at all.

use std::fs::File;
use std::io::{self, ErrorKind, Read as _};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use super::document::Node;
use super::faults::{At, Fault, Faults};
use super::section::{Section, Shape};
use super::values::{self, Read};
use crate::peering::Enforcement;
use crate::peering::origin::{IrrFile, IrrRoute, IrrTable, MAX_FILE_LEN, VrpFile, read_irr, read_vrps};
use crate::rib::Findings;

pub(super) const RPKI: Shape =
    Shape { name: "rpki", keys: &["caches", "vrp_files", "invalid", "unknown"], more: &[] };
pub(super) const IRR: Shape = Shape { name: "irr", keys: &["files", "invalid", "unknown"], more: &[] };

/// The most caches: each has a copy of all VRPs.
const MAX_CACHES: usize = 4;
/// The most files of each kind.
const MAX_FILES: usize = 100;

/// Where registries' contents come from, and what they keep from being accepted.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct OriginPlan {
    /// RTR caches (RFC 8210), the preferred first.
    pub caches: Vec<SocketAddr>,
    /// Files of VRPs, as read.
    pub vrp_files: Vec<Arc<VrpFile>>,
    /// The routing registries' files, as read.
    pub irr: Arc<IrrTable>,
    /// Their names, and how many routes each has.
    pub irr_files: Vec<(Arc<PathBuf>, usize)>,
    /// What keeps a route from being accepted.
    pub enforce: Enforcement,
}

/// The two sections as written.
#[derive(Debug, Default)]
pub(super) struct Written {
    caches: Vec<At<SocketAddr>>,
    vrp_files: Vec<At<PathBuf>>,
    rpki_invalid: Option<At<bool>>,
    rpki_unknown: Option<At<bool>>,
    irr_files: Vec<At<PathBuf>>,
    irr_invalid: Option<At<bool>>,
    irr_unknown: Option<At<bool>>,
}

pub(super) fn read(root: &Section<'_>, faults: &mut Faults) -> Written {
    let mut written = Written::default();
    if let Some(rpki) = root.node("rpki").and_then(|node| Section::open(node, RPKI, faults)) {
        written.caches = rpki.each("caches", faults, values::socket_address);
        written.vrp_files = rpki.each("vrp_files", faults, values::path);
        written.rpki_invalid = rpki.read("invalid", faults, is_refused);
        written.rpki_unknown = rpki.read("unknown", faults, is_refused);
    }
    if let Some(irr) = root.node("irr").and_then(|node| Section::open(node, IRR, faults)) {
        written.irr_files = irr.each("files", faults, values::path);
        written.irr_invalid = irr.read("invalid", faults, is_refused);
        written.irr_unknown = irr.read("unknown", faults, is_refused);
    }
    written
}

fn is_refused(node: &Node) -> Read<bool> {
    let of_word = |word: &str| match word {
        "show" => Some(false),
        "refuse" => Some(true),
        _ => None,
    };
    values::word(&["show", "refuse"], of_word)(node)
}

/// Reads the files, whose names are relative to `folder`, and says what makes no sense.
pub(super) fn meant(written: &Written, folder: &Path, faults: &mut Faults) -> OriginPlan {
    caches(&written.caches, faults);
    let has_rpki = !written.caches.is_empty() || !written.vrp_files.is_empty();
    let has_irr = !written.irr_files.is_empty();
    let refused = |at: Option<At<bool>>| at.filter(|at| at.value).map(|at| at.mark);
    for (mark, what, fix) in [
        (
            refused(written.rpki_unknown).filter(|_| !has_rpki),
            "rpki.unknown: refuse without caches or vrp_files, which leaves nothing to accept",
            "name caches or vrp_files, or write show",
        ),
        (
            refused(written.irr_unknown).filter(|_| !has_irr),
            "irr.unknown: refuse without irr.files, which leaves nothing to accept",
            "name the registry's files, or write show",
        ),
    ] {
        mark.into_iter().for_each(|mark| faults.error(mark, what, fix));
    }
    for (key, is_there, at) in
        [("rpki", has_rpki, written.rpki_invalid), ("irr", has_irr, written.irr_invalid)]
    {
        if let Some(mark) = refused(at).filter(|_| !is_there) {
            let what = format!("{key}.invalid: refuse, and nothing says what is invalid");
            let fix = if key == "rpki" { "name caches or vrp_files" } else { "name files" };
            faults.warning(mark, what, fix);
        }
    }
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs());
    let read_vrps = |path: &Path, octets: &[u8]| read_vrps(path, octets, now);
    let vrp_files: Vec<VrpFile> = files("rpki.vrp_files", &written.vrp_files, folder, faults, read_vrps);
    for (file, at) in vrp_files.iter().zip(&written.vrp_files).filter(|(file, _)| file.expired > 0) {
        let what =
            format!("rpki.vrp_files: the time of {} VRPs in {} is over", file.expired, file.path.display());
        faults.warning(at.mark, what, "have a validator write the file anew, and reload");
    }
    let irr_files: Vec<IrrFile> = files("irr.files", &written.irr_files, folder, faults, read_irr);
    let names = irr_files.iter().map(|file| (Arc::clone(&file.path), file.routes.len())).collect();
    let routes: Vec<IrrRoute> = irr_files.into_iter().flat_map(|file| file.routes).collect();
    OriginPlan {
        caches: written.caches.iter().map(|at| at.value).collect(),
        vrp_files: vrp_files.into_iter().map(Arc::new).collect(),
        irr: Arc::new(IrrTable::new(routes)),
        irr_files: names,
        enforce: Enforcement {
            rpki_invalid: refused(written.rpki_invalid).is_some(),
            rpki_unknown: refused(written.rpki_unknown).is_some(),
            irr_invalid: refused(written.irr_invalid).is_some(),
            irr_unknown: refused(written.irr_unknown).is_some(),
        },
    }
}

fn caches(caches: &[At<SocketAddr>], faults: &mut Faults) {
    for (at, cache) in caches.iter().enumerate() {
        if cache.value.port() == 0 || cache.value.ip().is_unspecified() {
            let what = format!("rpki.caches: {} is nobody's address", cache.value);
            faults.error(cache.mark, what, "write the cache's address and port, like 192.0.2.1:323");
        }
        if caches.iter().take(at).any(|before| before.value == cache.value) {
            faults.error(cache.mark, format!("rpki.caches has {} twice", cache.value), "keep one of the two");
        }
    }
    if let Some(first) = caches.get(MAX_CACHES) {
        let what = format!("rpki.caches has more than {MAX_CACHES}");
        faults.error(first.mark, what, "keep those that are preferred");
    }
}

/// Each file as `read` has it. What is wrong with one is said at its own place, and that there is none at the config's.
fn files<T>(
    key: &str,
    names: &[At<PathBuf>],
    folder: &Path,
    faults: &mut Faults,
    read: impl Fn(&Path, &[u8]) -> Result<T, Findings>,
) -> Vec<T> {
    if let Some(first) = names.get(MAX_FILES) {
        let what = format!("{key} has more than {MAX_FILES}");
        faults.error(first.mark, what, "put them together");
        return Vec::new();
    }
    let mut all = Vec::with_capacity(names.len());
    for name in names {
        let path = folder.join(&name.value);
        match octets(&path) {
            Ok(octets) => match read(&path, &octets) {
                Ok(file) => all.push(file),
                Err(findings) => findings.0.into_iter().for_each(|finding| faults.push(finding)),
            },
            Err(fault) => faults.error(name.mark, format!("{key}: {}", fault.what), fault.fix),
        }
    }
    all
}

/// The octets of a regular file: anything else that has a name could keep us waiting for ever.
fn octets(path: &Path) -> Result<Vec<u8>, Fault> {
    let shown = path.display();
    let unreadable = |error: &io::Error| {
        if error.kind() == ErrorKind::NotFound {
            Fault::new(format!("no such file {shown}"), "check the path")
        } else {
            Fault::new(format!("could not read {shown}: {error}"), "check the file and its permissions")
        }
    };
    if !path.metadata().map_err(|error| unreadable(&error))?.is_file() {
        return Err(Fault::new(format!("{shown} is not a file"), "name a file"));
    }
    let mut octets = Vec::new();
    let file = File::open(path).map_err(|error| unreadable(&error))?;
    file.take(MAX_FILE_LEN + 1).read_to_end(&mut octets).map_err(|error| unreadable(&error))?;
    if u64::try_from(octets.len()).is_ok_and(|len| len <= MAX_FILE_LEN) {
        return Ok(octets);
    }
    let what = format!("{shown} is larger than {} MiB", MAX_FILE_LEN >> 20);
    Err(Fault::new(what, "leave out what is not needed of it"))
}
