//! Prefixes on the wire (RFC 4271 §4.3, RFC 4760 §5, RFC 7911 §3), as views that were checked whole, so that reading
//! them cannot fail; and next hops.
//!
//! ```text
//! 4  path identifier, only where ADD-PATH is in use for the family
//! 1  prefix length, bits
//! n  the fewest octets that hold it; bits behind the length are ignored
//! ```

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::{Family, NlriFault, UpdateContext};

/// IPv4 prefixes in the order of the message. Repeats are possible.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub struct Ipv4Prefixes<'a>(&'a [u8]);

/// IPv6 prefixes in the order of the message. Repeats are possible.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub struct Ipv6Prefixes<'a>(&'a [u8]);

/// What tells the paths of one prefix from each other (RFC 7911 §3). The peer chose it, and it means nothing else.
///
/// It is kept as on the wire: beside a prefix it takes no room but its own, and its order is that of the numbers.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct PathId([u8; 4]);

impl PathId {
    /// The last in their order.
    pub const MAX: Self = Self([u8::MAX; 4]);

    /// As a number.
    #[must_use]
    pub fn number(self) -> u32 {
        u32::from_be_bytes(self.0)
    }
}

impl From<u32> for PathId {
    fn from(number: u32) -> Self {
        Self(number.to_be_bytes())
    }
}

impl fmt::Debug for PathId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.number().fmt(f)
    }
}

/// IPv4 prefixes, each behind its path identifier.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub struct Ipv4Paths<'a>(&'a [u8]);

/// IPv6 prefixes, each behind its path identifier.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub struct Ipv6Paths<'a>(&'a [u8]);

/// How prefixes stand on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Form {
    /// One behind the other.
    #[default]
    Plain,
    /// Each behind its path identifier.
    Paths,
}

impl Form {
    pub(super) fn of(family: Family, ctx: &UpdateContext) -> Self {
        if *ctx.add_path.get(family) { Self::Paths } else { Self::Plain }
    }
}

/// The prefixes of one field of an UPDATE.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Nlri<'a> {
    /// Of IPv4.
    Ipv4(Ipv4Prefixes<'a>),
    /// Of IPv6.
    Ipv6(Ipv6Prefixes<'a>),
    /// Of IPv4, with ADD-PATH.
    Ipv4Paths(Ipv4Paths<'a>),
    /// Of IPv6, with ADD-PATH.
    Ipv6Paths(Ipv6Paths<'a>),
}

impl<'a> Nlri<'a> {
    /// Checks a field to its end (RFC 7606 §5.3).
    pub(super) fn check(family: Family, octets: &'a [u8], form: Form) -> Result<Self, NlriFault> {
        match form {
            Form::Plain => check(octets, family.max_len())?,
            Form::Paths => check_paths(octets, family.max_len())?,
        }
        Ok(Self::checked(family, octets, form))
    }

    /// A field that was checked before.
    pub(super) fn checked(family: Family, octets: &'a [u8], form: Form) -> Self {
        match (family, form) {
            (Family::Ipv4, Form::Plain) => Self::Ipv4(Ipv4Prefixes(octets)),
            (Family::Ipv6, Form::Plain) => Self::Ipv6(Ipv6Prefixes(octets)),
            (Family::Ipv4, Form::Paths) => Self::Ipv4Paths(Ipv4Paths(octets)),
            (Family::Ipv6, Form::Paths) => Self::Ipv6Paths(Ipv6Paths(octets)),
        }
    }

    /// Their family.
    #[must_use]
    pub fn family(&self) -> Family {
        match self {
            Self::Ipv4(_) | Self::Ipv4Paths(_) => Family::Ipv4,
            Self::Ipv6(_) | Self::Ipv6Paths(_) => Family::Ipv6,
        }
    }

    /// There are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Ipv4(Ipv4Prefixes(octets))
            | Self::Ipv6(Ipv6Prefixes(octets))
            | Self::Ipv4Paths(Ipv4Paths(octets))
            | Self::Ipv6Paths(Ipv6Paths(octets)) => octets.is_empty(),
        }
    }
}

fn check(mut octets: &[u8], max_len: u8) -> Result<(), NlriFault> {
    while !octets.is_empty() {
        (octets, _, _) = split(octets, max_len)?;
    }
    Ok(())
}

fn check_paths(mut octets: &[u8], max_len: u8) -> Result<(), NlriFault> {
    while !octets.is_empty() {
        let (_, prefix) = split_path(octets).ok_or(NlriFault::Truncated)?;
        (octets, _, _) = split(prefix, max_len)?;
    }
    Ok(())
}

/// The first path identifier, and the octets from its prefix on.
fn split_path(octets: &[u8]) -> Option<(PathId, &[u8])> {
    octets.split_first_chunk().map(|(id, prefix)| (PathId(*id), prefix))
}

/// What follows the first prefix, its length, and the octets from its address on to the end.
///
/// Every prefix comes by here twice, so it is taken apart as a slice: nom's `take` looks twice at what is left.
fn split(octets: &[u8], max_len: u8) -> Result<(&[u8], u8, &[u8]), NlriFault> {
    let (len, tail) = octets.split_first().ok_or(NlriFault::Truncated)?;
    if *len > max_len {
        return Err(NlriFault::PrefixLength(*len));
    }
    let rest = tail.get(len.div_ceil(8).into()..).ok_or(NlriFault::Truncated)?;
    Ok((rest, *len, tail))
}

/// The first octets of `tail`, zeros behind its end. The mask takes care of what belongs to the next prefix.
fn padded<const N: usize>(tail: &[u8]) -> [u8; N] {
    tail.first_chunk::<N>().copied().unwrap_or_else(|| {
        let mut octets = [0; N];
        octets.iter_mut().zip(tail).for_each(|(to, from)| *to = *from);
        octets
    })
}

impl Iterator for Ipv4Prefixes<'_> {
    type Item = Ipv4Net;

    fn next(&mut self) -> Option<Ipv4Net> {
        let (rest, len, tail) = split(self.0, 32).ok()?;
        self.0 = rest;
        let mask = u32::MAX.checked_shl(32_u32.saturating_sub(u32::from(len))).unwrap_or(0);
        Ipv4Net::new(Ipv4Addr::from_bits(u32::from_be_bytes(padded(tail)) & mask), len).ok()
    }
}

impl Iterator for Ipv6Prefixes<'_> {
    type Item = Ipv6Net;

    fn next(&mut self) -> Option<Ipv6Net> {
        let (rest, len, tail) = split(self.0, 128).ok()?;
        self.0 = rest;
        let mask = u128::MAX.checked_shl(128_u32.saturating_sub(u32::from(len))).unwrap_or(0);
        Ipv6Net::new(Ipv6Addr::from_bits(u128::from_be_bytes(padded(tail)) & mask), len).ok()
    }
}

impl Iterator for Ipv4Paths<'_> {
    type Item = (PathId, Ipv4Net);

    fn next(&mut self) -> Option<(PathId, Ipv4Net)> {
        let (id, octets) = split_path(self.0)?;
        let mut prefixes = Ipv4Prefixes(octets);
        let prefix = prefixes.next()?;
        self.0 = prefixes.0;
        Some((id, prefix))
    }
}

impl Iterator for Ipv6Paths<'_> {
    type Item = (PathId, Ipv6Net);

    fn next(&mut self) -> Option<(PathId, Ipv6Net)> {
        let (id, octets) = split_path(self.0)?;
        let mut prefixes = Ipv6Prefixes(octets);
        let prefix = prefixes.next()?;
        self.0 = prefixes.0;
        Some((id, prefix))
    }
}

/// The prefixes of either family, one by one, without path identifiers.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub struct Prefixes<'a>(Nlri<'a>);

impl Iterator for Prefixes<'_> {
    type Item = IpNet;

    fn next(&mut self) -> Option<IpNet> {
        match &mut self.0 {
            Nlri::Ipv4(prefixes) => prefixes.next().map(IpNet::V4),
            Nlri::Ipv6(prefixes) => prefixes.next().map(IpNet::V6),
            Nlri::Ipv4Paths(paths) => paths.next().map(|(_, prefix)| IpNet::V4(prefix)),
            Nlri::Ipv6Paths(paths) => paths.next().map(|(_, prefix)| IpNet::V6(prefix)),
        }
    }
}

impl<'a> IntoIterator for Nlri<'a> {
    type Item = IpNet;
    type IntoIter = Prefixes<'a>;

    fn into_iter(self) -> Prefixes<'a> {
        Prefixes(self)
    }
}

/// The next hop of announced prefixes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct NextHop {
    /// The global address, or a link-local one that came alone.
    pub address: IpAddr,
    /// The second address of a next hop of 32 octets (RFC 2545 §3).
    pub link_local: Option<Ipv6Addr>,
}

impl NextHop {
    /// Whether `address` can be another host's: neither unspecified, nor multicast, nor reserved, nor ours, and loopback
    /// only as the session's own peer address.
    pub(super) fn is_usable(address: IpAddr, ctx: &UpdateContext) -> bool {
        let (address, peer) = (address.to_canonical(), ctx.peer_address.to_canonical());
        let ours = match address {
            IpAddr::V4(_) => ctx.local_address.ipv4,
            IpAddr::V6(_) => ctx.local_address.ipv6,
        };
        if ours == Some(address) {
            return false;
        }
        match address {
            IpAddr::V4(v4) => match v4.octets() {
                [0 | 224..=255, ..] => false,
                [127, ..] => address == peer,
                _ => true,
            },
            IpAddr::V6(v6) if v6.is_unspecified() || v6.is_multicast() => false,
            IpAddr::V6(v6) => !v6.is_loopback() || address == peer,
        }
    }
}
