//! ONLY_TO_CUSTOMER of what a peer announces (RFC 9234 §5, ingress).

use crate::wire::{Asn, Role};

/// What becomes of the attribute, by what we are to the peer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OtcRule {
    /// Our role.
    pub local: Role,
    /// The peer's ASN.
    pub peer_asn: Asn,
}

/// A route's attribute as it counts from here on.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct Otc {
    /// As announced, or the peer's ASN where the rule adds it.
    pub(super) value: Option<Asn>,
    /// The route is a leak, and not to be used.
    pub(super) is_leak: bool,
}

impl OtcRule {
    /// Judges a route that was announced with this value, or without any.
    pub(super) fn judge(self, announced: Option<Asn>) -> Otc {
        match (self.local, announced) {
            // From a customer or a route server's client: nobody below may send it up.
            (Role::Provider | Role::RouteServer, value) => Otc { value, is_leak: value.is_some() },
            (Role::Peer, Some(value)) => Otc { value: Some(value), is_leak: value != self.peer_asn },
            (Role::Customer | Role::RouteServerClient, Some(value)) => {
                Otc { value: Some(value), is_leak: false }
            }
            (Role::Peer | Role::Customer | Role::RouteServerClient, None) => {
                Otc { value: Some(self.peer_asn), is_leak: false }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_judges_as_the_rfc_has_it() {
        let (peer, other) = (Asn(3356), Asn(174));
        let of = |local, announced| {
            let Otc { value, is_leak } = OtcRule { local, peer_asn: peer }.judge(announced);
            (value, is_leak)
        };
        for local in [Role::Provider, Role::RouteServer] {
            assert_eq!(of(local, None), (None, false), "{local}");
            assert_eq!(of(local, Some(peer)), (Some(peer), true), "{local}");
            assert_eq!(of(local, Some(other)), (Some(other), true), "{local}");
        }
        for local in [Role::Customer, Role::RouteServerClient] {
            assert_eq!(of(local, None), (Some(peer), false), "{local}");
            assert_eq!(of(local, Some(other)), (Some(other), false), "{local}");
        }
        assert_eq!(of(Role::Peer, None), (Some(peer), false));
        assert_eq!(of(Role::Peer, Some(peer)), (Some(peer), false));
        assert_eq!(of(Role::Peer, Some(other)), (Some(other), true));
    }
}
