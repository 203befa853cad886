//! Files that are replaced whole or not at all.

use std::fs::{self, File, Metadata, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};

/// Links that lead to a file before it counts as a loop, as in the kernel.
const MAX_LINKS: usize = 40;

/// Why a file could not be replaced; the old one, if any, is as it was.
#[derive(Debug, thiserror::Error)]
pub enum ReplaceError {
    /// Replacing it would destroy what it is.
    #[error("{}: this is {what}, not a regular file: name a file, or leave --out off for stdout", path.display())]
    NotAFile {
        /// As the operator named it.
        path: PathBuf,
        /// A directory, or something like a device.
        what: &'static str,
    },
    /// There is nowhere to put it.
    #[error("{}: there is no folder {}: make it, or choose another place", path.display(), folder.display())]
    NoFolder {
        /// As the operator named it.
        path: PathBuf,
        /// Where the file would stand.
        folder: PathBuf,
    },
    /// The folder or the disk said no.
    #[error("{}: cannot be written: {source}: mend that, or choose another place", path.display())]
    File {
        /// As the operator named it.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// Replaces a file in one step: whoever opens it sees all of the old or all of the new, also after a crash.
///
/// Mode and, where allowed, owner stay; a new file gets the mode that the umask leaves. A symbolic link stays a link and
/// its target is replaced.
///
/// # Errors
/// [`ReplaceError`]; nothing has changed then.
pub fn replace(path: &Path, bytes: &[u8]) -> Result<(), ReplaceError> {
    let failed = |source| ReplaceError::File { path: path.to_path_buf(), source };
    let target = follow(path).map_err(failed)?;
    let folder = folder_of(&target);
    if fs::metadata(folder).is_err_and(|err| err.kind() == io::ErrorKind::NotFound) {
        return Err(ReplaceError::NoFolder { path: path.to_path_buf(), folder: folder.to_path_buf() });
    }
    let old = match fs::metadata(&target) {
        Ok(old) if old.is_file() => Some(old),
        Ok(other) => {
            let what = if other.is_dir() { "a directory" } else { "a device or a pipe" };
            return Err(ReplaceError::NotAFile { path: path.to_path_buf(), what });
        }
        Err(err) if err.kind() == io::ErrorKind::NotFound => None,
        Err(err) => return Err(failed(err)),
    };
    swap_in(&target, old.as_ref(), bytes).map_err(failed)
}

/// The folder that a file stands in.
fn folder_of(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if folder != Path::new("") => folder,
        Some(_) | None => Path::new("."),
    }
}

fn swap_in(target: &Path, old: Option<&Metadata>, bytes: &[u8]) -> io::Result<()> {
    let folder = folder_of(target);
    let mode = Permissions::from_mode(old.map_or(0o666, |old| old.mode() & 0o7777));
    let file = tempfile::Builder::new().prefix(".peeringd-").permissions(mode.clone()).tempfile_in(folder);
    // In words alone: the error would name the temporary file, which means nothing to anybody.
    let mut file = file.map_err(|err| io::Error::from(err.kind()))?;
    if let Some(old) = old {
        // Only root may give files away; for all others the file is theirs before and after.
        fchown(file.as_file(), Some(old.uid()), Some(old.gid()))
            .or_else(|err| if err.kind() == io::ErrorKind::PermissionDenied { Ok(()) } else { Err(err) })?;
        file.as_file().set_permissions(mode)?;
    }
    file.write_all(bytes)?;
    file.as_file().sync_all()?;
    let folder = File::open(folder)?;
    file.persist(target).map_err(|err| err.error)?;
    // The new name is on disk only when the folder is; where a file system cannot say so, the file is in place all the
    // same.
    folder.sync_all().or(Ok(()))
}

/// The end of a chain of symbolic links, which need not exist.
fn follow(path: &Path) -> io::Result<PathBuf> {
    let mut path = path.to_path_buf();
    for _ in 0..MAX_LINKS {
        let Ok(link) = fs::read_link(&path) else { return Ok(path) };
        path = path.parent().unwrap_or(Path::new("")).join(link);
    }
    Err(io::Error::other("too many symbolic links"))
}
