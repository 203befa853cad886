//! Communities of the three kinds: standard (RFC 1997), extended (RFC 4360) and large (RFC 8092).

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// A standard community, `ASN:VALUE` (RFC 1997).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Community(pub u32);

/// An extended community, eight octets (RFC 4360). Text: `rt:ASN:N`, `ro:ASN:N`, `rt:A.B.C.D:N`, `ro:A.B.C.D:N`,
/// or `0x` and sixteen hexadecimal digits for any other.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExtendedCommunity(pub [u8; 8]);

/// A large community, `ASN:N:N` (RFC 8092).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LargeCommunity(pub [u32; 3]);

/// A community text that could not be read.
#[derive(Debug, Error, PartialEq, Eq, Clone)]
pub enum CommunityError {
    /// Not of the form `ASN:VALUE` with both parts 0–65535, nor a well-known name.
    #[error(
        "a community is two numbers from 0 to 65535, like \"8075:1007\", or a well-known name like no-export"
    )]
    Standard,
    /// Not one of the extended forms.
    #[error("an extended community is like \"rt:8075:100\", \"ro:192.0.2.1:100\" or \"0x0002000b00000064\"")]
    Extended,
    /// Not three numbers.
    #[error("a large community is three numbers from 0 to 4294967295, like \"8075:1:2\"")]
    Large,
}

impl Community {
    /// GRACEFUL_SHUTDOWN (RFC 8326): whoever announces the route is about to take it away.
    pub const GRACEFUL_SHUTDOWN: Self = Self(0xFFFF_0000);
    /// The route is kept long after its speaker's session, and any other is better (RFC 9494 §3.2).
    pub const LLGR_STALE: Self = Self(0xFFFF_0006);
    /// The route is not to be kept that long (RFC 9494 §3.3).
    pub const NO_LLGR: Self = Self(0xFFFF_0007);
}

/// The well-known standard communities that have a name here (IANA registry).
const WELL_KNOWN: [(&str, Community); 9] = [
    ("graceful-shutdown", Community::GRACEFUL_SHUTDOWN),
    ("blackhole", Community(0xFFFF_029A)),
    ("no-export", Community(0xFFFF_FF01)),
    ("no-advertise", Community(0xFFFF_FF02)),
    ("no-export-subconfed", Community(0xFFFF_FF03)),
    ("no-peer", Community(0xFFFF_FF04)),
    ("accept-own", Community(0xFFFF_0001)),
    ("llgr-stale", Community::LLGR_STALE),
    ("no-llgr", Community::NO_LLGR),
];

impl fmt::Display for Community {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.0 >> 16, self.0 & 0xFFFF)
    }
}

impl FromStr for Community {
    type Err = CommunityError;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        if let Some((_, known)) = WELL_KNOWN.iter().find(|(name, _)| *name == s) {
            return Ok(*known);
        }
        let (high, low) = s.split_once(':').ok_or(CommunityError::Standard)?;
        let high: u16 = decimal(high).ok_or(CommunityError::Standard)?;
        let low: u16 = decimal(low).ok_or(CommunityError::Standard)?;
        Ok(Self(u32::from(high) << 16 | u32::from(low)))
    }
}

impl fmt::Display for LargeCommunity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c] = self.0;
        write!(f, "{a}:{b}:{c}")
    }
}

impl FromStr for LargeCommunity {
    type Err = CommunityError;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        let mut parts = s.split(':').map(decimal);
        let mut next = || parts.next().flatten().ok_or(CommunityError::Large);
        let value = [next()?, next()?, next()?];
        if parts.next().is_some() { Err(CommunityError::Large) } else { Ok(Self(value)) }
    }
}

impl fmt::Display for ExtendedCommunity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [kind, sub, a, b, c, d, e, g] = self.0;
        let name = match sub {
            2 => "rt",
            3 => "ro",
            _ => "",
        };
        match (kind, name) {
            (_, "") => write!(f, "0x{:016x}", u64::from_be_bytes(self.0)),
            (0, name) => {
                write!(f, "{name}:{}:{}", u16::from_be_bytes([a, b]), u32::from_be_bytes([c, d, e, g]))
            }
            (1, name) => write!(f, "{name}:{a}.{b}.{c}.{d}:{}", u16::from_be_bytes([e, g])),
            (2, name) => {
                write!(f, "{name}:{}:{}", u32::from_be_bytes([a, b, c, d]), u16::from_be_bytes([e, g]))
            }
            (_, _) => write!(f, "0x{:016x}", u64::from_be_bytes(self.0)),
        }
    }
}

impl FromStr for ExtendedCommunity {
    type Err = CommunityError;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        if let Some(hex) = s.strip_prefix("0x") {
            if hex.len() == 16 && hex.bytes().all(|b| b.is_ascii_hexdigit()) {
                return u64::from_str_radix(hex, 16)
                    .map(|n| Self(n.to_be_bytes()))
                    .map_err(|_| CommunityError::Extended);
            }
            return Err(CommunityError::Extended);
        }
        let (name, rest) = s.split_once(':').ok_or(CommunityError::Extended)?;
        let sub = match name {
            "rt" => 2,
            "ro" => 3,
            _ => return Err(CommunityError::Extended),
        };
        let (admin, number) = rest.split_once(':').ok_or(CommunityError::Extended)?;
        if let Ok(ip) = admin.parse::<std::net::Ipv4Addr>() {
            let number: u16 = decimal(number).ok_or(CommunityError::Extended)?;
            let ([a, b, c, d], [e, g]) = (ip.octets(), number.to_be_bytes());
            return Ok(Self([1, sub, a, b, c, d, e, g]));
        }
        let asn: u32 = decimal(admin).ok_or(CommunityError::Extended)?;
        if let Ok(asn) = u16::try_from(asn) {
            let number: u32 = decimal(number).ok_or(CommunityError::Extended)?;
            let ([a, b], [c, d, e, g]) = (asn.to_be_bytes(), number.to_be_bytes());
            return Ok(Self([0, sub, a, b, c, d, e, g]));
        }
        let number: u16 = decimal(number).ok_or(CommunityError::Extended)?;
        let ([a, b, c, d], [e, g]) = (asn.to_be_bytes(), number.to_be_bytes());
        Ok(Self([2, sub, a, b, c, d, e, g]))
    }
}

/// A plain decimal number; a sign, which `parse` would take, is not one.
fn decimal<T: FromStr>(s: &str) -> Option<T> {
    s.bytes().all(|b| b.is_ascii_digit()).then(|| s.parse().ok()).flatten()
}

macro_rules! text_form {
    ($($name:ty),*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{self}")
            }
        }
        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
                s.collect_str(self)
            }
        }
    )*};
}
text_form!(Community, ExtendedCommunity, LargeCommunity);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips() {
        for s in ["8075:1007", "0:0", "65535:65535"] {
            assert_eq!(s.parse::<Community>().unwrap().to_string(), s);
        }
        for s in ["rt:8075:100", "ro:192.0.2.1:100", "rt:4200000000:7", "0x4305000000000001"] {
            assert_eq!(s.parse::<ExtendedCommunity>().unwrap().to_string(), s);
        }
        assert_eq!("8075:1:4294967295".parse::<LargeCommunity>().unwrap().to_string(), "8075:1:4294967295");
        assert_eq!("no-export".parse::<Community>().unwrap().0, 0xFFFF_FF01);
    }

    #[test]
    fn what_is_no_community_is_refused() {
        for s in ["", "1", "1:", ":1", "65536:1", "+1:1", "1:1:1", "-1:1", " 1:1"] {
            assert_eq!(s.parse::<Community>(), Err(CommunityError::Standard), "{s}");
        }
        for s in ["1:2", "1:2:3:4", "1:2:4294967296", "a:b:c", ""] {
            assert_eq!(s.parse::<LargeCommunity>(), Err(CommunityError::Large), "{s}");
        }
        for s in ["rt:1", "xx:1:1", "0x00", "0xzzzzzzzzzzzzzzzz", "rt:70000:70000", "rt:1.2.3.4:65536"] {
            assert_eq!(s.parse::<ExtendedCommunity>(), Err(CommunityError::Extended), "{s}");
        }
    }
}
