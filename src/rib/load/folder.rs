//! Which files a RIB is, and their text.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::rib::{Finding, Findings, Place};

/// The files that make up a RIB, in the order of their names.
pub(super) struct Files {
    /// At least one.
    pub(super) paths: Vec<Arc<PathBuf>>,
    /// Folders inside that are not read.
    pub(super) warnings: Vec<Finding>,
}

/// The file itself, or the `*.yaml` and `*.yml` of a folder. A folder is not searched further, and what editors
/// leave behind (`.x.yaml`, `#x.yaml#`, `x.yaml~`) is not the operator's word.
pub(super) fn find(path: &Path) -> Result<Files, Findings> {
    let metadata = fs::metadata(path).map_err(|e| Findings(vec![unreadable(path, &e)]))?;
    if !metadata.is_dir() {
        return Ok(Files { paths: vec![Arc::new(path.to_owned())], warnings: Vec::new() });
    }
    let mut files = Files { paths: Vec::new(), warnings: Vec::new() };
    for entry in fs::read_dir(path).map_err(|e| Findings(vec![unreadable(path, &e)]))? {
        let entry = entry.map_err(|e| Findings(vec![unreadable(path, &e)]))?.path();
        if is_hidden(&entry) {
            continue;
        }
        match fs::metadata(&entry) {
            Ok(metadata) if metadata.is_dir() => files.warnings.push(Finding::warning(
                Place::file(&*entry),
                "this folder is not read",
                "a RIB folder is flat: move its files up, or hide it with a leading dot",
            )),
            // One that cannot be looked at cannot be read either, and that is where it is said.
            Ok(_) | Err(_) if is_yaml(&entry) => files.paths.push(Arc::new(entry)),
            Ok(_) | Err(_) => {}
        }
    }
    if files.paths.is_empty() {
        return Err(Findings(vec![Finding::error(
            Place::file(path),
            "this folder holds no *.yaml or *.yml file",
            "put the RIB files there, or name the right folder",
        )]));
    }
    files.paths.sort();
    files.warnings.sort_by(|a, b| a.place.cmp(&b.place));
    Ok(files)
}

fn is_hidden(path: &Path) -> bool {
    let name = path.file_name().map(OsStr::as_encoded_bytes);
    name.is_none_or(|name| matches!(name.first(), None | Some(b'.' | b'#')))
}

fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case("yaml") || e.eq_ignore_ascii_case("yml"))
}

/// The text of a regular file; anything else that has a name (a pipe, a device) could keep us waiting for ever.
pub(crate) fn read(path: &Path) -> Result<String, Finding> {
    let metadata = fs::metadata(path).map_err(|e| unreadable(path, &e))?;
    if !metadata.is_file() {
        return Err(Finding::error(Place::file(path), "this is not a file", "name a file"));
    }
    text(path, fs::read(path).map_err(|e| unreadable(path, &e))?)
}

/// The text that octets are.
pub(crate) fn text(path: &Path, bytes: Vec<u8>) -> Result<String, Finding> {
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.as_bytes().get(..error.utf8_error().valid_up_to()).unwrap_or_default();
        let line = valid.iter().filter(|b| **b == b'\n').count() + 1;
        let line = u32::try_from(line).unwrap_or(u32::MAX);
        let place = Place { line, ..Place::file(path) };
        Finding::error(place, "this line is not UTF-8", "save the file as UTF-8 text")
    })
}

/// Why a file has no text.
pub(crate) fn unreadable(path: &Path, error: &std::io::Error) -> Finding {
    let place = Place::file(path);
    if error.kind() == std::io::ErrorKind::NotFound {
        return Finding::error(place, "there is no such file", "check the path");
    }
    Finding::error(place, format!("could not read this: {error}"), "check the path and its permissions")
}
