//! Roles of the two ends of a session (RFC 9234 §4).

use std::fmt;

/// What the speaker of an OPEN is to its peer.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Role {
    /// 0: it gives the peer transit.
    Provider,
    /// 1: it is a route server, and the peer one of its clients.
    RouteServer,
    /// 2: the peer is a route server, and it is one of its clients.
    RouteServerClient,
    /// 3: the peer gives it transit.
    Customer,
    /// 4: each tells the other of its own customers' routes.
    Peer,
}

impl Role {
    /// Every role, in the order of the codes.
    pub const ALL: [Self; 5] =
        [Self::Provider, Self::RouteServer, Self::RouteServerClient, Self::Customer, Self::Peer];

    /// The octet of the capability.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Provider => 0,
            Self::RouteServer => 1,
            Self::RouteServerClient => 2,
            Self::Customer => 3,
            Self::Peer => 4,
        }
    }

    /// The role of an octet, if it is one of the five.
    #[must_use]
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.code() == code)
    }

    /// As in the config and in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::RouteServer => "rs",
            Self::RouteServerClient => "rs_client",
            Self::Customer => "customer",
            Self::Peer => "peer",
        }
    }

    /// The one role that the far end of the session can have (§4.2).
    #[must_use]
    pub fn counterpart(self) -> Self {
        match self {
            Self::Provider => Self::Customer,
            Self::RouteServer => Self::RouteServerClient,
            Self::RouteServerClient => Self::RouteServer,
            Self::Customer => Self::Provider,
            Self::Peer => Self::Peer,
        }
    }

    /// Whether what it sends has ONLY_TO_CUSTOMER: it says "go down from here only" to customers, peers and the clients
    /// of a route server (§5, egress 1).
    #[must_use]
    pub fn attaches_otc(self) -> bool {
        match self {
            Self::Provider | Self::RouteServer | Self::Peer => true,
            Self::RouteServerClient | Self::Customer => false,
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_names_are_those_of_the_registry_and_the_config() {
        for (code, name) in [(0, "provider"), (1, "rs"), (2, "rs_client"), (3, "customer"), (4, "peer")] {
            let role = Role::from_code(code).unwrap();
            assert_eq!((role.code(), role.name()), (code, name));
            assert_eq!(role.counterpart().counterpart(), role);
        }
        assert_eq!(Role::from_code(5), None);
    }

    #[test]
    fn the_pairs_are_those_of_the_rfc() {
        use Role::{Customer, Peer, Provider, RouteServer, RouteServerClient};
        for (one, other) in
            [(Provider, Customer), (RouteServer, RouteServerClient), (Peer, Peer), (Customer, Provider)]
        {
            assert_eq!(one.counterpart(), other);
        }
        let attach = Role::ALL.map(Role::attaches_otc);
        assert_eq!(attach, [true, true, false, false, true]);
    }
}
