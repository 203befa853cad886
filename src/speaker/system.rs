//! What is asked of the system: sockets with the options that a session needs, and memory. The one file with `unsafe`.
//!
//! If a socket option cannot be set the connection is refused, never used without it.

use std::io;
use std::mem::size_of;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use ipnet::IpNet;
use socket2::{Domain, Protocol, SockRef, Socket, Type};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

use crate::config::{MAX_MD5_KEY_LEN, Md5Key, TransportPlan};

/// How many connections may wait to be accepted: a thousand peers dial at once after a restart.
const BACKLOG: i32 = 4096;

/// The most bytes of a peer that the kernel holds unsent: what is in the kernel cannot be taken back, and a newer
/// table must be able to overtake an older one.
const UNSENT_LIMIT: libc::c_int = 128 * 1024;

/// The greatest TTL and hop limit.
const FURTHEST: libc::c_int = 255;

/// A listening socket. `[::]` does not take IPv4, so that `0.0.0.0` can be bound beside it. What it answers has the
/// greatest TTL, since it cannot know yet which of the peers asks, and some of them take nothing less (RFC 5082).
///
/// # Errors
/// Whatever the kernel says: address in use, permission denied, no such address.
pub(super) fn listen(at: SocketAddr) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(at), Type::STREAM, Some(Protocol::TCP))?;
    if at.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    set_ttl(socket.as_fd(), at.ip(), FURTHEST)?;
    set(socket.as_fd(), libc::IPPROTO_TCP, libc::TCP_SAVE_SYN, &1_i32)?;
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
pub(super) async fn dial(from: IpAddr, to: SocketAddr, transport: TransportPlan) -> io::Result<TcpStream> {
    let socket = if to.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    prepare(&socket, to.ip(), &transport)?;
    socket.set_reuseaddr(true)?;
    socket.bind(SocketAddr::new(from, 0))?;
    socket.connect(to).await
}

/// Prepares an accepted connection. With GTSM its first segment must have been near enough too: what arrived before the
/// connection was accepted has passed no check of its own.
///
/// # Errors
/// As [`prepare`], or the connection may have come from further away than the session allows.
pub(super) fn prepare_accepted(
    socket: &impl AsFd,
    peer: IpAddr,
    transport: &TransportPlan,
) -> io::Result<()> {
    prepare(socket, peer, transport)?;
    let Some(least) = transport.least_ttl() else { return Ok(()) };
    let mut syn = [0; 512];
    let len = saved_syn(socket.as_fd(), &mut syn)?;
    let ttl = match (peer, syn.get(..len)) {
        (IpAddr::V4(_), Some([_, _, _, _, _, _, _, _, ttl, ..])) => *ttl,
        (IpAddr::V6(_), Some([_, _, _, _, _, _, _, ttl, ..])) => *ttl,
        // A flood of handshakes makes the kernel answer by cookies, and keep nothing of what it answers.
        (IpAddr::V4(_) | IpAddr::V6(_), Some(_) | None) => {
            return Err(io::Error::other("the TTL of its first segment is not known"));
        }
    };
    if ttl >= least {
        return Ok(());
    }
    Err(io::Error::other(format!(
        "its first segment came with a TTL of {ttl}, and the session takes {least} and more"
    )))
}

/// Gives a socket what a session with this peer needs: before it dials, or as soon as the peer's connection was
/// accepted, and before anything is decided about that.
///
/// # Errors
/// Whatever the kernel says; the socket is then of no use.
pub(super) fn prepare(socket: &impl AsFd, peer: IpAddr, transport: &TransportPlan) -> io::Result<()> {
    let fd = socket.as_fd();
    let TransportPlan {
        md5_key,
        md5_key_file: _,
        ttl_security_hops: _,
        is_on_link: _,
        interface,
        range: _,
        session_prefix: _,
    } = transport;
    // An accepted connection has that of the listener, and −1 stands for the system's own.
    set_ttl(fd, peer, transport.ttl().map_or(-1, Into::into))?;
    if let Some(least) = transport.least_ttl() {
        set_least_ttl(fd, peer, least.into())?;
    }
    if let Some(interface) = interface {
        keep_to(fd, interface)?;
    }
    if let Some(key) = md5_key {
        set_md5(fd, peer.into(), Some(key))?;
    }
    set(fd, libc::IPPROTO_TCP, libc::TCP_NODELAY, &1_i32)?;
    set(fd, libc::IPPROTO_TCP, libc::TCP_NOTSENT_LOWAT, &UNSENT_LIMIT)
}

fn set_ttl(fd: BorrowedFd<'_>, of: IpAddr, ttl: libc::c_int) -> io::Result<()> {
    match of {
        IpAddr::V4(_) => set(fd, libc::IPPROTO_IP, libc::IP_TTL, &ttl),
        IpAddr::V6(_) => set(fd, libc::IPPROTO_IPV6, libc::IPV6_UNICAST_HOPS, &ttl),
    }
}

fn set_least_ttl(fd: BorrowedFd<'_>, of: IpAddr, least: libc::c_int) -> io::Result<()> {
    match of {
        IpAddr::V4(_) => set(fd, libc::IPPROTO_IP, libc::IP_MINTTL, &least),
        IpAddr::V6(_) => set(fd, libc::IPPROTO_IPV6, libc::IPV6_MINHOPCOUNT, &least),
    }
}

/// Binds a socket to an interface. A connection from a link-local address is on one already, which may be the wrong one,
/// and whoever is not root may not bind it again.
fn keep_to(fd: BorrowedFd<'_>, interface: &str) -> io::Result<()> {
    let socket = SockRef::from(&fd);
    match socket.device()? {
        Some(bound) if bound == interface.as_bytes() => Ok(()),
        Some(bound) => {
            let bound = String::from_utf8_lossy(&bound).into_owned();
            Err(io::Error::other(format!("it came by {bound}, and the session keeps to {interface}")))
        }
        None => socket.bind_device(Some(interface.as_bytes())),
    }
}

/// Sets the TCP-MD5 key of a peer, or of all in a network, on a connection or a listener; none takes it away.
///
/// # Errors
/// Whatever the kernel says: no memory for one more key (net.core.optmem_max), no such key to take away.
pub(super) fn set_md5(fd: BorrowedFd<'_>, peers: IpNet, key: Option<&Md5Key>) -> io::Result<()> {
    let whole = peers.prefix_len() == peers.max_prefix_len();
    let octets = key.map(Md5Key::octets).unwrap_or_default();
    let mut option = Md5Option {
        address: [0; 128],
        flags: if whole { 0 } else { MD5_PREFIX },
        prefix_len: if whole { 0 } else { peers.prefix_len() },
        key_len: u16::try_from(octets.len()).map_err(io::Error::other)?,
        interface: 0,
        key: [0; MAX_MD5_KEY_LEN],
    };
    option.key.iter_mut().zip(octets).for_each(|(to, from)| *to = *from);
    let (family, at, address) = match peers.addr() {
        IpAddr::V4(ip) => (libc::AF_INET, 4, ip.octets().to_vec()),
        IpAddr::V6(ip) => (libc::AF_INET6, 8, ip.octets().to_vec()),
    };
    let family = u16::try_from(family).map_err(io::Error::other)?.to_ne_bytes();
    option.address.iter_mut().zip(family).for_each(|(to, from)| *to = from);
    option.address.iter_mut().skip(at).zip(address).for_each(|(to, from)| *to = from);
    set(fd, libc::IPPROTO_TCP, if whole { libc::TCP_MD5SIG } else { libc::TCP_MD5SIG_EXT }, &option)
}

/// TCP_MD5SIG_FLAG_PREFIX of Linux.
const MD5_PREFIX: u8 = 1;

/// Linux's `struct tcp_md5sig`, with the octets of a `sockaddr_in` or `sockaddr_in6` at its head.
#[repr(C)]
struct Md5Option {
    address: [u8; 128],
    flags: u8,
    prefix_len: u8,
    key_len: u16,
    interface: libc::c_int,
    key: [u8; MAX_MD5_KEY_LEN],
}

/// What setsockopt takes: plain octets without holes, laid out as C has them.
trait SocketOption {}
impl SocketOption for libc::c_int {}
impl SocketOption for Md5Option {}

/// Sets a socket option that socket2 does not have, or has not for −1.
#[expect(unsafe_code, reason = "setsockopt has no safe wrapper for these options in the crates we use")]
fn set<T: SocketOption>(
    fd: BorrowedFd<'_>,
    level: libc::c_int,
    name: libc::c_int,
    value: &T,
) -> io::Result<()> {
    let len = libc::socklen_t::try_from(size_of::<T>()).map_err(io::Error::other)?;
    let value: *const T = value;
    // SAFETY: the descriptor is borrowed and so open; the pointer and length are those of a live value, whose type has
    // no padding.
    let status = unsafe { libc::setsockopt(fd.as_raw_fd(), level, name, value.cast(), len) };
    if status == 0 { Ok(()) } else { Err(io::Error::last_os_error()) }
}

/// The headers of an accepted connection's first segment, as far as the listener saved them; how many octets they are.
#[expect(unsafe_code, reason = "getsockopt has no safe wrapper for this option in the crates we use")]
fn saved_syn(fd: BorrowedFd<'_>, into: &mut [u8]) -> io::Result<usize> {
    let mut len = libc::socklen_t::try_from(into.len()).map_err(io::Error::other)?;
    // SAFETY: the descriptor is borrowed and so open; the pointer and length are those of a live slice, and the kernel
    // writes no more than that.
    let status = unsafe {
        libc::getsockopt(
            fd.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_SAVED_SYN,
            into.as_mut_ptr().cast(),
            &raw mut len,
        )
    };
    if status == 0 { usize::try_from(len).map_err(io::Error::other) } else { Err(io::Error::last_os_error()) }
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
