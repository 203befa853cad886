//! Autonomous system numbers and the ranges set aside among them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A four-octet autonomous system number (RFC 6793).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Asn(pub u32);

/// What a number was set aside for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AsnKind {
    /// Usable by one network on the public Internet.
    Public,
    /// 64512–65534 and 4200000000–4294967294 (RFC 6996).
    Private,
    /// 64496–64511 and 65536–65551 (RFC 5398).
    Documentation,
    /// 23456, which stands for a four-octet number in two octets (RFC 6793).
    Trans,
    /// 0, which no speaker may use (RFC 7607).
    Zero,
    /// 65535 and 4294967295 (RFC 7300), and 65552–131071 (IANA).
    Reserved,
}

impl Asn {
    /// AS_TRANS (RFC 6793).
    pub const TRANS: Self = Self(23456);

    /// What the number was set aside for.
    #[must_use]
    pub fn kind(self) -> AsnKind {
        match self.0 {
            0 => AsnKind::Zero,
            23456 => AsnKind::Trans,
            64496..=64511 | 65536..=65551 => AsnKind::Documentation,
            64512..=65534 | 4_200_000_000..=4_294_967_294 => AsnKind::Private,
            65535 | 65552..=131_071 | u32::MAX => AsnKind::Reserved,
            _ => AsnKind::Public,
        }
    }

    /// The two-octet form: the number itself, or AS_TRANS where it does not fit.
    #[must_use]
    pub fn as_u16(self) -> u16 {
        u16::try_from(self.0).unwrap_or(23456)
    }
}

impl fmt::Display for Asn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Asn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AS{}", self.0)
    }
}

impl FromStr for Asn {
    type Err = std::num::ParseIntError;

    fn from_str(s: &str) -> Result<Self, Self::Err> {
        s.parse().map(Self)
    }
}

impl From<u32> for Asn {
    fn from(n: u32) -> Self {
        Self(n)
    }
}
