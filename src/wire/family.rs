//! Address families: IPv4 and IPv6 unicast, the two that this speaker carries.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A unicast address family (RFC 4760 §3).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    /// AFI 1, SAFI 1.
    Ipv4,
    /// AFI 2, SAFI 1.
    Ipv6,
}

impl Family {
    /// Both families, IPv4 first.
    pub const ALL: [Self; 2] = [Self::Ipv4, Self::Ipv6];
    /// SAFI 1, unicast forwarding.
    pub const SAFI_UNICAST: u8 = 1;

    /// The address family identifier.
    #[must_use]
    pub fn afi(self) -> u16 {
        match self {
            Self::Ipv4 => 1,
            Self::Ipv6 => 2,
        }
    }

    /// The family of an AFI and SAFI, if it is one of ours.
    #[must_use]
    pub fn from_afi_safi(afi: u16, safi: u8) -> Option<Self> {
        match (afi, safi) {
            (1, Self::SAFI_UNICAST) => Some(Self::Ipv4),
            (2, Self::SAFI_UNICAST) => Some(Self::Ipv6),
            (_, _) => None,
        }
    }

    /// The longest prefix length: 32 or 128 bits.
    #[must_use]
    pub fn max_len(self) -> u8 {
        match self {
            Self::Ipv4 => 32,
            Self::Ipv6 => 128,
        }
    }

    /// `ipv4` or `ipv6`, as in config, JSON and metric labels.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ipv4 => "ipv4",
            Self::Ipv6 => "ipv6",
        }
    }
}

impl fmt::Display for Family {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// One value a family.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default, Serialize, Deserialize)]
pub struct PerFamily<T> {
    /// The IPv4 value.
    pub ipv4: T,
    /// The IPv6 value.
    pub ipv6: T,
}

impl<T> PerFamily<T> {
    /// A value for each family, made by `f`.
    pub fn from_fn(mut f: impl FnMut(Family) -> T) -> Self {
        Self { ipv4: f(Family::Ipv4), ipv6: f(Family::Ipv6) }
    }

    /// The value of one family.
    pub fn get(&self, family: Family) -> &T {
        match family {
            Family::Ipv4 => &self.ipv4,
            Family::Ipv6 => &self.ipv6,
        }
    }

    /// The value of one family, to change.
    pub fn get_mut(&mut self, family: Family) -> &mut T {
        match family {
            Family::Ipv4 => &mut self.ipv4,
            Family::Ipv6 => &mut self.ipv6,
        }
    }
}
