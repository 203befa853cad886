//! TCP-MD5 keys (RFC 2385): each in a file of its own, and never shown.

use std::fmt;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

use super::faults::Fault;
use super::readers;

/// The most octets that Linux takes for a key (TCP_MD5SIG_MAXKEYLEN).
pub(crate) const MAX_MD5_KEY_LEN: usize = 80;

/// A key of TCP-MD5, 1 to 80 octets. Nothing shows it: neither its Debug form nor any error.
#[derive(Clone, PartialEq, Eq)]
pub struct Md5Key(Arc<[u8]>);

impl Md5Key {
    /// A key of these octets; none where the system takes no such key.
    #[must_use]
    pub fn new(octets: &[u8]) -> Option<Self> {
        (1..=MAX_MD5_KEY_LEN).contains(&octets.len()).then(|| Self(octets.into()))
    }

    /// For the system alone.
    pub(crate) fn octets(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Md5Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Md5Key(hidden)")
    }
}

/// Reads a key's file. What is wrong is said without the path, since somebody may have written the key itself there.
pub(super) fn read(path: &Path) -> Result<Md5Key, Fault> {
    let fault = |what: &str, fix: &str| Fault::new(what, fix);
    let unreadable = |error: &std::io::Error| {
        if error.kind() == ErrorKind::NotFound {
            fault("names no file", "write the path of a file that holds nothing but the key")
        } else if error.kind() == ErrorKind::PermissionDenied {
            let fix = "give the file to peeringd's user, and check as that user or as root";
            fault("cannot be read by this user", fix)
        } else {
            Fault::new(format!("cannot be read ({error})"), "check the file")
        }
    };
    // A pipe without a writer must not stop a reload.
    let opened = OpenOptions::new().read(true).custom_flags(libc::O_NONBLOCK).open(path);
    let file = opened.map_err(|error| unreadable(&error))?;
    let metadata = file.metadata().map_err(|error| unreadable(&error))?;
    if !metadata.is_file() {
        return Err(fault("is no file", "write the path of a file that holds nothing but the key"));
    }
    if let Some(who) = readers::strangers(&file, &metadata).map_err(|error| unreadable(&error))? {
        let what = format!("can be used by {who} (mode {:04o})", metadata.mode() & 0o7777);
        return Err(Fault::new(
            what,
            "make it readable by peeringd's user alone: chmod 0400, and chown where needed",
        ));
    }
    let mut octets = Vec::new();
    let most = u64::try_from(MAX_MD5_KEY_LEN + 3).unwrap_or(u64::MAX);
    file.take(most).read_to_end(&mut octets).map_err(|error| unreadable(&error))?;
    let line = octets.strip_suffix(b"\n").unwrap_or(&octets);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.iter().any(u8::is_ascii_control) {
        return Err(fault(
            "holds more than one line, or control characters",
            "leave the key alone in it, on one line",
        ));
    }
    Md5Key::new(line).ok_or_else(|| {
        let what = if line.is_empty() { "is empty" } else { "holds more than 80 octets" };
        fault(what, "put a key of 1 to 80 octets in it, on one line")
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    /// What becomes of a file with these octets and this mode.
    fn of(octets: &[u8], mode: u32) -> Result<Md5Key, String> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("key");
        fs::write(&path, octets).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        read(&path).map_err(|fault| fault.what)
    }

    #[test]
    fn a_key_is_one_line_of_1_to_80_octets_for_its_owner_alone() {
        let key = Md5Key::new(b"hunter2").unwrap();
        for octets in [&b"hunter2"[..], b"hunter2\n", b"hunter2\r\n"] {
            assert_eq!(of(octets, 0o600), Ok(key.clone()));
        }
        assert_eq!(of(&[b'x'; 80], 0o400), Ok(Md5Key::new(&[b'x'; 80]).unwrap()));
        for (octets, what) in [
            (&b""[..], "is empty"),
            (b"\n", "is empty"),
            (&[b'x'; 81], "holds more than 80 octets"),
            (&[b'x'; 4096], "holds more than 80 octets"),
            (b"a\nb\n", "holds more than one line, or control characters"),
            (b"a\0", "holds more than one line, or control characters"),
        ] {
            assert_eq!(of(octets, 0o600), Err(what.to_owned()));
        }
        for mode in [0o640, 0o604, 0o620, 0o601] {
            let what = format!("can be used by others than its owner (mode {mode:04o})");
            assert_eq!(of(b"hunter2", mode), Err(what));
        }
    }

    #[test]
    fn what_is_no_file_is_refused_at_once() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read(dir.path()).unwrap_err().what, "is no file");
        assert_eq!(read(&dir.path().join("hunter2")).unwrap_err().what, "names no file");
        assert!(!format!("{:?}", read(&dir.path().join("hunter2"))).contains("hunter2"));
    }

    #[test]
    fn a_key_is_never_shown() {
        assert_eq!(format!("{:?}", Md5Key::new(b"hunter2")), "Some(Md5Key(hidden))");
    }
}
