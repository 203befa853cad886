//! The text of a file of resources, which may be a pipe or stdin: `az … | peeringd import-peering -`.

use std::fs::{self, File};
use std::io::{self, Read};
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;

use crate::rib::load::folder;
use crate::rib::{Finding, Place};

/// What stdin is called, in findings and in the config's head.
pub(super) const STDIN: &str = "(stdin)";
/// The most octets of a pipe; resources are some hundred times less.
const MOST: u64 = 1 << 30;

/// Whether a file is stdin.
pub(super) fn is_stdin(path: &Path) -> bool {
    path == Path::new("-")
}

/// The text of a file, of a pipe, or of stdin, which `-` is.
pub(super) fn read(path: &Path) -> Result<String, Finding> {
    if is_stdin(path) {
        return all(Path::new(STDIN), io::stdin().lock());
    }
    let is_pipe = fs::metadata(path).is_ok_and(|metadata| metadata.file_type().is_fifo());
    if is_pipe {
        return all(path, File::open(path).map_err(|error| folder::unreadable(path, &error))?);
    }
    let text = folder::read(path);
    text.map_err(|finding| if is_utf16(path) { utf16(path) } else { finding })
}

fn all(path: &Path, from: impl Read) -> Result<String, Finding> {
    let mut bytes = Vec::new();
    let read = from.take(MOST + 1).read_to_end(&mut bytes);
    read.map_err(|error| folder::unreadable(path, &error))?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MOST {
        let fix = "give the resources alone";
        return Err(Finding::error(Place::file(path), "this is more than 1 GiB", fix));
    }
    if begins_as_utf16(&bytes) { Err(utf16(path)) } else { folder::text(path, bytes) }
}

/// Windows PowerShell's `>` writes UTF-16.
fn is_utf16(path: &Path) -> bool {
    let mut begin = [0; 2];
    File::open(path).and_then(|mut file| file.read_exact(&mut begin)).is_ok() && begins_as_utf16(&begin)
}

fn begins_as_utf16(bytes: &[u8]) -> bool {
    bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff])
}

fn utf16(path: &Path) -> Finding {
    let fix = "save it as UTF-8: in PowerShell by `| Out-File -Encoding utf8 FILE` instead of > FILE";
    Finding::error(Place::file(path), "this file is UTF-16", fix)
}
