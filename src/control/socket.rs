//! The control socket in the file system: made safely, taken away at the end.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use socket2::{Domain, SockAddr, Socket, Type};
use tokio::net::UnixListener;

/// Who may connect: the owner and the group.
const MODE: u32 = 0o660;
/// Connections that may wait to be accepted.
const BACKLOG: i32 = 128;

/// Listens on a socket at `path`, mode 0660. The folder is made where it is missing; a socket that nobody listens on is
/// replaced. Nobody can connect before the mode is set. To be called inside a tokio runtime.
///
/// # Errors
/// `AddrInUse` where somebody listens there; `AlreadyExists` where something else than a socket stands there; or what
/// the system said, with the path.
pub fn bind_socket(path: &Path) -> io::Result<UnixListener> {
    let with_path = |e: io::Error| io::Error::new(e.kind(), format!("{}: {e}", path.display()));
    if let Some(folder) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
        fs::create_dir_all(folder).map_err(with_path)?;
    }
    remove_stale(path).map_err(with_path)?;
    let listen = || {
        let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
        socket.bind(&SockAddr::unix(path)?)?;
        fs::set_permissions(path, Permissions::from_mode(MODE))?;
        socket.listen(BACKLOG)?;
        socket.set_nonblocking(true)?;
        UnixListener::from_std(socket.into())
    };
    listen().map_err(with_path)
}

fn remove_stale(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(e) => Err(e),
        Ok(meta) if !meta.file_type().is_socket() => {
            Err(io::Error::new(io::ErrorKind::AlreadyExists, "something other than a socket is there"))
        }
        Ok(_) => match probe(path) {
            Err(e) if e.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            Ok(()) | Err(_) => {
                Err(io::Error::new(io::ErrorKind::AddrInUse, "another process is listening there"))
            }
        },
    }
}

/// Connects without waiting; a full backlog is an error, but not "connection refused".
fn probe(path: &Path) -> io::Result<()> {
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None)?;
    socket.set_nonblocking(true)?;
    socket.connect(&SockAddr::unix(path)?)
}

/// Takes the socket's file away when dropped, if it is still the one that was there at the start.
#[derive(Debug)]
pub(super) struct Unlink {
    path: PathBuf,
    inode: (u64, u64),
}

impl Unlink {
    /// Of a listener that has a path.
    pub(super) fn of(listener: &UnixListener) -> Option<Self> {
        let path = listener.local_addr().ok()?.as_pathname()?.to_owned();
        let inode = inode(&path)?;
        Some(Self { path, inode })
    }
}

impl Drop for Unlink {
    fn drop(&mut self) {
        if inode(&self.path) == Some(self.inode)
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::warn!(path = %self.path.display(), %error, "the control socket could not be removed");
        }
    }
}

fn inode(path: &Path) -> Option<(u64, u64)> {
    fs::symlink_metadata(path).ok().map(|meta| (meta.dev(), meta.ino()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_folder_is_made_and_the_mode_is_set() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a/b/control.sock");
        let listener = bind_socket(&path).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o660);
        let unlink = Unlink::of(&listener).unwrap();
        drop(unlink);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_stale_socket_is_replaced_and_a_live_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("control.sock");
        let first = bind_socket(&path).unwrap();
        let old = Unlink::of(&first).unwrap();
        let error = bind_socket(&path).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
        assert!(error.to_string().contains("control.sock: another process"), "{error}");
        drop(first);
        assert!(path.exists());
        let second = bind_socket(&path).unwrap();
        std::mem::forget(old);
        drop(Unlink::of(&second));
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn a_socket_that_somebody_else_put_there_is_left() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("control.sock");
        let first = bind_socket(&path).unwrap();
        let unlink = Unlink::of(&first).unwrap();
        fs::rename(&path, dir.path().join("kept")).unwrap();
        let _second = bind_socket(&path).unwrap();
        drop(unlink);
        assert!(path.exists());
    }

    #[tokio::test]
    async fn what_is_not_a_socket_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("control.sock");
        fs::write(&path, "precious").unwrap();
        assert_eq!(bind_socket(&path).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
        let long = dir.path().join("x".repeat(200));
        assert!(bind_socket(&long).unwrap_err().to_string().contains("xxx: "));
    }
}
