//! Sockets with the options that a session needs; the one file with `unsafe`.
//!
//! If an option cannot be set the connection is refused, never used without it.

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
