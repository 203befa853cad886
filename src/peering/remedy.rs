//! What a partner's engineer can do about a route that is not accepted.

use std::borrow::Cow;

use super::Reason;

impl Reason {
    /// What exactly is wrong, where the documented words leave it open.
    #[must_use]
    pub fn detail(&self) -> Option<String> {
        match self {
            Self::PathTooLong(hops) => Some(format!("the path has {hops} ASNs, and three are the most")),
            Self::PrivateAsn(asn) => Some(format!("AS{asn} is a private ASN")),
            Self::Prepended(asn) => Some(format!("AS{asn} stands in the path more than once")),
            Self::MissingCommunity => Some("8075:8007 is not among the communities".to_owned()),
            Self::Special(_, what) => Some(format!("it is {what}")),
            Self::ConnectionNotActive(_)
            | Self::NeedsBfd
            | Self::NotPeeringService
            | Self::Ours(_)
            | Self::ExpressRoute
            | Self::Leak
            | Self::NotRegistered { .. }
            | Self::RpkiInvalid
            | Self::RpkiUnknown
            | Self::IrrInvalid
            | Self::IrrUnknown => None,
        }
    }

    /// What to change, mostly on the partner's router.
    #[must_use]
    pub fn remedy(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::ConnectionNotActive(_) => {
                "change nothing on your router: routes are used as soon as the connection is Active"
            }
            Self::NeedsBfd => {
                "change nothing on your router: a voice connection stays without routes until BFD is supported"
            }
            Self::NotPeeringService => {
                "change nothing on your router: have the peering enabled for Peering Service, and register the prefix"
            }
            Self::Special(_, _) => "announce your own public address space only, and no default route",
            Self::Ours(_) => "announce your own and your customers' space only, and nothing of Microsoft's",
            Self::ExpressRoute => "filter routes with AS12076 in the path from what you announce here",
            Self::Leak => {
                "announce your own and your customers' routes only: by ONLY_TO_CUSTOMER this one is neither"
            }
            Self::NotRegistered { covered_by: Some(cover) } => {
                return format!("announce {cover} as it is registered, or register this prefix as well")
                    .into();
            }
            Self::NotRegistered { covered_by: None } => {
                "register the prefix under this peering, or stop announcing it here"
            }
            Self::MissingCommunity => {
                "add 8075:8007 to the route in the export policy, and send communities to this neighbour"
            }
            Self::PathTooLong(_) => {
                "announce it by a path of three ASNs at most, your own and the origin's among them"
            }
            Self::PrivateAsn(_) => "remove private ASNs from the path in the export policy to this neighbour",
            Self::Prepended(_) => "stop prepending in the export policy to this neighbour",
            Self::RpkiInvalid => {
                "publish a ROA that has the origin and the length, or announce it from the ASN of the ROA there is"
            }
            Self::RpkiUnknown => "publish a ROA that has the origin and the length",
            Self::IrrInvalid | Self::IrrUnknown => {
                "publish a route object for the prefix with this origin in a routing registry"
            }
        })
    }
}
