//! The attributes of a route that we originate, in one canonical form.

use serde::{Deserialize, Serialize};

use super::{Asn, Community, ExtendedCommunity, LargeCommunity};

/// ORIGIN (RFC 4271 §4.3, §5.1.1).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// 0: interior to the originating AS.
    #[default]
    Igp,
    /// 1: learned by EGP.
    Egp,
    /// 2: learned otherwise.
    Incomplete,
}

impl Origin {
    /// The octet on the wire.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Igp => 0,
            Self::Egp => 1,
            Self::Incomplete => 2,
        }
    }

    /// The origin of an octet, if it is one of the three.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        match code {
            0 => Some(Self::Igp),
            1 => Some(Self::Egp),
            2 => Some(Self::Incomplete),
            _ => None,
        }
    }
}

/// What a group of routes in a RIB file carries, whoever the peer is.
///
/// Framing (next hop, MP_REACH_NLRI) and what depends on the peer (AS-number width) are not in it. The lists are
/// sorted and without repeats, but for `as_path`, so two groups that mean the same compare equal.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Default)]
pub struct AttrSet {
    /// ORIGIN.
    pub origin: Origin,
    /// The AS_SEQUENCE behind the local ASN; empty for a route of our own.
    pub as_path: Vec<Asn>,
    /// MULTI_EXIT_DISC.
    pub med: Option<u32>,
    /// COMMUNITIES.
    pub communities: Vec<Community>,
    /// EXTENDED COMMUNITIES.
    pub extended_communities: Vec<ExtendedCommunity>,
    /// LARGE_COMMUNITY.
    pub large_communities: Vec<LargeCommunity>,
}

impl AttrSet {
    /// Brings the community lists into canonical order.
    pub fn canonicalize(&mut self) {
        self.communities.sort_unstable();
        self.communities.dedup();
        self.extended_communities.sort_unstable();
        self.extended_communities.dedup();
        self.large_communities.sort_unstable();
        self.large_communities.dedup();
    }
}
