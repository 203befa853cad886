//! Prefixes of one family as plain integers, and their NLRI encoding (RFC 4271 §4.3, RFC 4760 §5).

use std::fmt::Debug;
use std::hash::Hash;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::ops::BitAnd;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::wire::Family;

/// A network address in host byte order: `u32` for IPv4, `u128` for IPv6.
pub(crate) trait Address:
    Copy + Ord + Hash + Debug + Default + BitAnd<Output = Self> + Send + Sync + 'static
{
    /// The family that the type stands for.
    const FAMILY: Family;
    /// The longest prefix length.
    const BITS: u8;

    /// The octets in network byte order, zeros behind them.
    fn octets(self) -> [u8; 16];
    /// The address whose first octets these are; octets too many are not looked at.
    fn from_octets(octets: &[u8]) -> Self;
    /// The address with the first `len` bits set.
    fn mask(len: u8) -> Self;
    /// The address as the standard library has it.
    fn to_ip(self) -> IpAddr;
    /// An address of this family, or `None` for the other one.
    fn of_ip(ip: IpAddr) -> Option<Self>;
}

impl Address for u32 {
    const FAMILY: Family = Family::Ipv4;
    const BITS: u8 = 32;

    fn octets(self) -> [u8; 16] {
        let [a, b, c, d] = self.to_be_bytes();
        [a, b, c, d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
    }

    fn from_octets(octets: &[u8]) -> Self {
        let mut all = [0; 4];
        all.iter_mut().zip(octets).for_each(|(to, from)| *to = *from);
        Self::from_be_bytes(all)
    }

    fn mask(len: u8) -> Self {
        u32::MAX.checked_shl(32_u32.saturating_sub(u32::from(len))).unwrap_or(0)
    }

    fn to_ip(self) -> IpAddr {
        IpAddr::V4(Ipv4Addr::from_bits(self))
    }

    fn of_ip(ip: IpAddr) -> Option<Self> {
        match ip {
            IpAddr::V4(ip) => Some(ip.to_bits()),
            IpAddr::V6(_) => None,
        }
    }
}

impl Address for u128 {
    const FAMILY: Family = Family::Ipv6;
    const BITS: u8 = 128;

    fn octets(self) -> [u8; 16] {
        self.to_be_bytes()
    }

    fn from_octets(octets: &[u8]) -> Self {
        let mut all = [0; 16];
        all.iter_mut().zip(octets).for_each(|(to, from)| *to = *from);
        Self::from_be_bytes(all)
    }

    fn mask(len: u8) -> Self {
        u128::MAX.checked_shl(128_u32.saturating_sub(u32::from(len))).unwrap_or(0)
    }

    fn to_ip(self) -> IpAddr {
        IpAddr::V6(Ipv6Addr::from_bits(self))
    }

    fn of_ip(ip: IpAddr) -> Option<Self> {
        match ip {
            IpAddr::V4(_) => None,
            IpAddr::V6(ip) => Some(ip.to_bits()),
        }
    }
}

/// A prefix; its order is the prefix order of every table: address, then length.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub(crate) struct Prefix<A> {
    /// The network address, without host bits.
    pub(crate) addr: A,
    /// The prefix length.
    pub(crate) len: u8,
}

impl<A: Address> Prefix<A> {
    /// A prefix of this family, or `None` for the other one. Host bits are cleared.
    pub(crate) fn of_net(net: &IpNet) -> Option<Self> {
        let len = net.prefix_len();
        A::of_ip(net.addr()).map(|addr| Self { addr: addr & A::mask(len), len })
    }

    /// The prefix as others know it.
    pub(crate) fn to_net(self) -> IpNet {
        match self.addr.to_ip() {
            IpAddr::V4(ip) => IpNet::V4(Ipv4Net::new_assert(ip, self.len.min(32))),
            IpAddr::V6(ip) => IpNet::V6(Ipv6Net::new_assert(ip, self.len.min(128))),
        }
    }

    /// In rows in prefix order, the row of the shortest prefix that covers this one or is it, or else of the first one within
    /// it. `first` is the first row that does not stand before a prefix, and `at` what stands in a row.
    pub(crate) fn overlap(
        self,
        first: impl Fn(Self) -> usize,
        at: impl Fn(usize) -> Option<Self>,
    ) -> Option<usize> {
        let of = |wanted: Self, fits: &dyn Fn(Self) -> bool| {
            let row = first(wanted);
            at(row).is_some_and(fits).then_some(row)
        };
        let cover = |len| Self { addr: self.addr & A::mask(len), len };
        let covers = (0..=self.len).map(cover).find_map(|cover| of(cover, &|found| found == cover));
        covers.or_else(|| of(self, &|found| found.addr & A::mask(self.len) == self.addr))
    }

    /// Whether it is what a table may hold: no host bits, no length past the family's.
    pub(crate) fn is_canonical(self) -> bool {
        self.len <= A::BITS && self.addr & A::mask(self.len) == self.addr
    }

    /// Appends the NLRI encoding: the length in bits, then as many octets as it needs.
    pub(crate) fn put_nlri(self, out: &mut Vec<u8>) {
        out.push(self.len);
        out.extend(self.addr.octets().iter().take(octets_of(self.len)));
    }

    /// Writes the NLRI encoding at the start of `out`, as far as there is room.
    pub(crate) fn write_nlri(self, out: &mut [u8]) {
        if let Some((first, rest)) = out.split_first_mut() {
            *first = self.len;
            let octets = self.addr.octets();
            rest.iter_mut().zip(octets.iter().take(octets_of(self.len))).for_each(|(to, from)| *to = *from);
        }
    }

    /// The prefix whose NLRI encoding begins `nlri`; of no octets, `None`.
    pub(crate) fn from_nlri(nlri: &[u8]) -> Option<Self> {
        let (&len, rest) = nlri.split_first()?;
        let octets = rest.get(..octets_of(len).min(rest.len()))?;
        Some(Self { addr: A::from_octets(octets), len })
    }
}

/// How many octets of address a prefix of this length carries.
fn octets_of(len: u8) -> usize {
    usize::from(len).div_ceil(8)
}

/// How many octets the NLRI encoding of a prefix of this length has: 1–5 for IPv4, 1–17 for IPv6.
pub(crate) fn nlri_len(len: u8) -> usize {
    1 + octets_of(len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nlri_holds_just_the_octets_that_the_length_needs() {
        for (net, bytes) in [
            ("0.0.0.0/0", vec![0]),
            ("13.64.0.0/11", vec![11, 13, 64]),
            ("20.33.1.0/24", vec![24, 20, 33, 1]),
            ("20.33.1.7/32", vec![32, 20, 33, 1, 7]),
        ] {
            let prefix = Prefix::<u32>::of_net(&net.parse().unwrap()).unwrap();
            let mut out = Vec::new();
            prefix.put_nlri(&mut out);
            assert_eq!(out, bytes, "{net}");
            assert_eq!(nlri_len(prefix.len), bytes.len());
            assert_eq!(Prefix::from_nlri(&out), Some(prefix));
            assert_eq!(prefix.to_net().to_string(), net);
        }
        let six = Prefix::<u128>::of_net(&"2603:1000::/25".parse().unwrap()).unwrap();
        let mut out = Vec::new();
        six.put_nlri(&mut out);
        assert_eq!(out, [25, 0x26, 0x03, 0x10, 0x00]);
        let mut room = [0; 5];
        six.write_nlri(&mut room);
        assert_eq!(room.as_slice(), out);
    }

    #[test]
    fn masks_reach_both_ends() {
        assert_eq!((u32::mask(0), u32::mask(32), u32::mask(1)), (0, u32::MAX, 1 << 31));
        assert_eq!((u128::mask(0), u128::mask(128), u128::mask(1)), (0, u128::MAX, 1 << 127));
        assert!(!Prefix { addr: 0x0d40_0001_u32, len: 24 }.is_canonical());
        assert!(!Prefix { addr: 0_u32, len: 33 }.is_canonical());
        assert!(Prefix::<u32>::of_net(&"2603::/16".parse().unwrap()).is_none());
    }
}
