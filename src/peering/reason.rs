//! Why a route that a partner announced is held and not accepted, and what the partner is to change.

use std::fmt;

use ipnet::IpNet;

use super::ConnectionState;
use crate::wire::Asn;

/// One check of an inbound route that failed. `Display` is the documented words where Azure has some.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Reason {
    /// The connection is in another state than Active: DENY ALL (Azure's walkthroughs of direct and exchange peering).
    ConnectionNotActive(ConnectionState),
    /// Voice requires BFD, which is not supported: DENY ALL too.
    NeedsBfd,
    /// The peering is not used for Peering Service, so nothing can be registered under it: no import policy (RFC 8212).
    NotPeeringService,
    /// A default route, or space that no one may announce: the prefix, and what it is in words.
    Special(IpNet, &'static str),
    /// Space that we announce: the prefix of ours.
    Ours(IpNet),
    /// The path contains ExpressRoute's ASN.
    ExpressRoute,
    /// A leak by RFC 9234.
    Leak,
    /// Neither the prefix nor its origin is registered; the shortest registered prefix that covers it, if any.
    NotRegistered {
        /// A registered prefix that covers it.
        covered_by: Option<IpNet>,
    },
    /// Without 8075:8007.
    MissingCommunity,
    /// More hops than three.
    PathTooLong(usize),
    /// A private ASN in the path.
    PrivateAsn(Asn),
    /// An ASN that stands more than once in the path.
    Prepended(Asn),
    /// RPKI says that the origin may not announce it.
    RpkiInvalid,
    /// RPKI has nothing on the prefix.
    RpkiUnknown,
    /// The routing registry has the prefix for other origins.
    IrrInvalid,
    /// The routing registry does not have the prefix.
    IrrUnknown,
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ConnectionNotActive(state) => {
                write!(f, "The connection is {}, and routes are used in Active only", state.name())
            }
            Self::NeedsBfd => f.write_str("Voice requires BFD, which is not supported yet"),
            Self::NotPeeringService => f.write_str("The peering is not used for Peering Service"),
            Self::Special(prefix, _) => write!(f, "Invalid IP prefix {prefix}"),
            Self::Ours(ours) => write!(f, "The prefix overlaps with {ours}, which Microsoft announces"),
            Self::ExpressRoute => {
                f.write_str("The path contains AS12076, which is never exchanged with peers")
            }
            Self::Leak => f.write_str("The route is a leak (RFC 9234)"),
            Self::NotRegistered { covered_by: None } => f.write_str("The prefix is not registered"),
            Self::NotRegistered { covered_by: Some(cover) } => {
                write!(f, "The prefix is not registered; {cover}, which covers it, is")
            }
            Self::MissingCommunity => f.write_str("Advertisement missing MAPS community"),
            Self::PathTooLong(_) | Self::PrivateAsn(_) | Self::Prepended(_) => {
                f.write_str("AS path isn't correct")
            }
            Self::RpkiInvalid => f.write_str("The origin is RPKI-invalid"),
            Self::RpkiUnknown => f.write_str("The origin is not in RPKI"),
            Self::IrrInvalid => f.write_str("The origin ASN is not the one in the routing registry"),
            Self::IrrUnknown => f.write_str("The origin ASN is not in the routing registry"),
        }
    }
}
