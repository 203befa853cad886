//! What is asked of the system: sockets with the options that a session needs, and memory. The one file with `unsafe`.
//!
//! If a socket option cannot be set the connection is refused, never used without it.

use std::io;
use std::mem::size_of;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// How many connections may wait to be accepted: a thousand peers dial at once after a restart.
const BACKLOG: i32 = 4096;

/// The most bytes of a peer that the kernel holds unsent: what is in the kernel cannot be taken back, and a newer
/// table must be able to overtake an older one.
const UNSENT_LIMIT: u32 = 128 * 1024;

/// A listening socket. `[::]` does not take IPv4, so that `0.0.0.0` can be bound beside it.
///
/// # Errors
/// Whatever the kernel says: address in use, permission denied, no such address.
pub(super) fn listen(at: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(at), Type::STREAM, Some(Protocol::TCP))?;
    if at.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&at.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// Dials a peer from our end of the session.
///
/// # Errors
/// Whatever the kernel says of the addresses, or of the connection.
pub(super) async fn dial(from: IpAddr, to: SocketAddr) -> io::Result<TcpStream> {
    let socket = if to.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::new(from, 0))?;
    socket.connect(to).await
}

/// Prepares an established connection, ours or the peer's.
///
/// # Errors
/// Whatever the kernel says; the connection is then of no use.
pub(super) fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)?;
    set_unsent_limit(stream.as_fd())
}

/// TCP_NOTSENT_LOWAT, which socket2 does not have.
#[expect(unsafe_code, reason = "setsockopt has no safe wrapper for this option in the crates we use")]
fn set_unsent_limit(fd: BorrowedFd<'_>) -> io::Result<()> {
    let value = UNSENT_LIMIT;
    let len = libc::socklen_t::try_from(size_of::<u32>()).map_err(io::Error::other)?;
    // SAFETY: the descriptor is borrowed and so open; the pointer and length are those of a live `u32`.
    let status = unsafe {
        libc::setsockopt(
            fd.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_NOTSENT_LOWAT,
            (&raw const value).cast::<libc::c_void>(),
            len,
        )
    };
    if status == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// How far TCP is with what was written to a connection.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Progress {
    /// Octets that the peer has not acknowledged, sent or not.
    pub(super) unacknowledged: u64,
    /// Octets that the peer has acknowledged since the connection was made.
    pub(super) acknowledged: u64,
}

/// SIOCOUTQ and TCP_INFO, which socket2 does not have.
///
/// # Errors
/// Whatever the kernel says.
#[expect(unsafe_code, reason = "ioctl and getsockopt have no safe wrappers for these in the crates we use")]
pub(super) fn progress(stream: &TcpStream) -> io::Result<Progress> {
    let fd = stream.as_fd().as_raw_fd();
    let mut queued: libc::c_int = 0;
    // SAFETY: the descriptor is borrowed and so open; SIOCOUTQ, which is TIOCOUTQ, writes one `c_int`, which lives.
    let status = unsafe { libc::ioctl(fd, libc::TIOCOUTQ, &raw mut queued) };
    if status != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: plain numbers, for which zeroes are good values; what an older kernel does not fill in stays zero.
    let mut info: libc::tcp_info = unsafe { std::mem::zeroed() };
    let mut len = libc::socklen_t::try_from(size_of::<libc::tcp_info>()).map_err(io::Error::other)?;
    // SAFETY: the descriptor is open; the pointers are to a live `tcp_info` and to its length.
    let status = unsafe {
        libc::getsockopt(
            fd,
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            (&raw mut info).cast::<libc::c_void>(),
            &raw mut len,
        )
    };
    if status != 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(Progress { unacknowledged: u64::try_from(queued).unwrap_or(0), acknowledged: info.tcpi_bytes_acked })
}

/// From which size on an allocation is a mapping of its own, given back to the system when it is freed.
#[cfg(target_env = "gnu")]
const MAPPED_FROM: libc::c_int = 256 * 1024;

/// Settles how the allocator deals with the memory of a load, which takes several times that of the table it makes.
///
/// The C library's allocator is kept on purpose. By itself it would raise the size from which it maps what it is asked
/// for with every large block that is freed, and keep what it then does not map; with that size fixed, the texts, rows
/// and tables of a load are mappings that go back as they are freed, and [`give_memory_back`] returns the small rest.
/// To be called once, before anything else. On other C libraries it does nothing.
#[expect(unsafe_code, reason = "mallopt has no safe wrapper")]
pub fn settle_memory() {
    #[cfg(target_env = "gnu")]
    {
        // SAFETY: called with a parameter and a value that glibc documents; it fails by returning 0, which leaves the
        // default in place.
        let settled = unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, MAPPED_FROM) };
        if settled == 0 {
            tracing::warn!("the allocator's threshold could not be set");
        }
    }
}

/// Gives back to the system what a load has freed. On other C libraries than glibc it does nothing.
#[expect(unsafe_code, reason = "malloc_trim has no safe wrapper")]
pub fn give_memory_back() {
    #[cfg(target_env = "gnu")]
    {
        // SAFETY: it has no preconditions; it takes the allocator's own locks.
        let released = unsafe { libc::malloc_trim(0) };
        tracing::trace!(released, "memory given back");
    }
}
