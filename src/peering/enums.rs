//! The resource model's enums: Azure's spelling in JSON, snake_case in config.

/// Makes an enum with its Azure spelling, its config spelling and a parser for the latter.
macro_rules! azure_enum {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $config:literal),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, serde::Serialize)]
        pub enum $name { $($(#[$vmeta])* $variant),* }

        impl $name {
            /// Every value's spelling in the config.
            pub const CONFIG_NAMES: &'static [&'static str] = &[$($config),*];

            /// Azure's spelling.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => stringify!($variant)),* }
            }

            /// The config's spelling.
            #[must_use]
            pub fn config_name(self) -> &'static str {
                match self { $(Self::$variant => $config),* }
            }

            /// The value of a config spelling.
            #[must_use]
            pub fn from_config(s: &str) -> Option<Self> {
                match s { $($config => Some(Self::$variant),)* _ => None }
            }
        }
    };
}

azure_enum! {
    /// The kind of a peering.
    #[allow(missing_docs, reason = "the variants are Azure's own words")]
    Kind { Direct = "direct", Exchange = "exchange" }
}

azure_enum! {
    /// The type of a direct peering.
    #[allow(missing_docs, reason = "the variants are Azure's own words")]
    DirectPeeringType {
        Edge = "edge",
        Transit = "transit",
        Cdn = "cdn",
        Internal = "internal",
        Ix = "ix",
        IxRs = "ix_rs",
        Voice = "voice",
        EdgeZoneForOperators = "edge_zone_for_operators",
        PeerProp = "peer_prop",
    }
}

azure_enum! {
    /// The state of a connection, which is not the state of its BGP sessions.
    #[allow(missing_docs, reason = "the variants are Azure's own words")]
    ConnectionState {
        None = "none",
        PendingApproval = "pending_approval",
        Approved = "approved",
        ProvisioningStarted = "provisioning_started",
        ProvisioningFailed = "provisioning_failed",
        ProvisioningCompleted = "provisioning_completed",
        Validating = "validating",
        Active = "active",
        TypeChangeRequested = "type_change_requested",
        TypeChangeInProgress = "type_change_in_progress",
        ExternalBlocker = "external_blocker",
    }
}

azure_enum! {
    /// Who gives a direct connection's session addresses.
    #[allow(missing_docs, reason = "the variants are Azure's own words")]
    SessionAddressProvider { Microsoft = "microsoft", Peer = "peer" }
}
