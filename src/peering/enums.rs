//! The resource model's enums: Azure's spelling in JSON, snake_case in config.

/// What every enum of the resource model can.
pub trait AzureEnum: Copy + 'static {
    /// Every value, in Azure's order.
    fn all() -> &'static [Self];
    /// Azure's spelling, whose case does not matter to Azure.
    fn azure_name(self) -> &'static str;
}

/// Makes an enum with its Azure spelling, its config spelling and a parser for the latter.
macro_rules! azure_enum {
    ($(#[$meta:meta])* $name:ident { $($(#[$vmeta:meta])* $variant:ident = $config:literal),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, serde::Serialize, serde::Deserialize)]
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

        impl AzureEnum for $name {
            fn all() -> &'static [Self] {
                &[$(Self::$variant),*]
            }

            fn azure_name(self) -> &'static str {
                self.name()
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
    /// The state of a connection, which is not the state of its BGP sessions. PendingRemove is only in the walkthroughs of
    /// direct and exchange peering: in the API it is a session's alone, and here `policy.pending_remove` decides.
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
        PendingRemove = "pending_remove",
    }
}

azure_enum! {
    /// Who gives a direct connection's session addresses.
    #[allow(missing_docs, reason = "the variants are Azure's own words")]
    SessionAddressProvider { Microsoft = "microsoft", Peer = "peer" }
}

azure_enum! {
    /// The state of a BGP session, as Azure has it: the states of RFC 4271 and those of a session that is not there yet,
    /// or not any more.
    #[allow(missing_docs, reason = "the variants are Azure's own words")]
    SessionState {
        None = "none",
        Idle = "idle",
        Connect = "connect",
        Active = "active",
        OpenSent = "open_sent",
        OpenConfirm = "open_confirm",
        OpenReceived = "open_received",
        Established = "established",
        PendingAdd = "pending_add",
        PendingUpdate = "pending_update",
        PendingRemove = "pending_remove",
    }
}

azure_enum! {
    /// The state of a resource as such.
    #[allow(missing_docs, reason = "the variants are Azure's own words")]
    ProvisioningState {
        Succeeded = "succeeded",
        Updating = "updating",
        Deleting = "deleting",
        Failed = "failed",
        Canceled = "canceled",
    }
}

azure_enum! {
    /// What became of a prefix that was registered, or brought into a customer's Peering Service.
    #[allow(missing_docs, reason = "the variants are Azure's own words")]
    PrefixValidationState {
        None = "none",
        Invalid = "invalid",
        Verified = "verified",
        Failed = "failed",
        Pending = "pending",
        Warning = "warning",
        Unknown = "unknown",
    }
}

azure_enum! {
    /// How a Peering Service prefix was learned.
    #[allow(missing_docs, reason = "the variants are Azure's own words")]
    LearnedType {
        None = "none",
        ViaServiceProvider = "via_service_provider",
        ViaSession = "via_session",
    }
}

azure_enum! {
    /// The tier of a peering's SKU.
    #[allow(missing_docs, reason = "the variants are Azure's own words")]
    Tier { Basic = "basic", Premium = "premium" }
}

azure_enum! {
    /// The size of a peering's SKU.
    #[allow(missing_docs, reason = "the variants are Azure's own words")]
    Size { Free = "free", Metered = "metered", Unlimited = "unlimited" }
}

azure_enum! {
    /// What became of a partner's ASN.
    #[allow(missing_docs, reason = "the variants are Azure's own words")]
    ValidationState { None = "none", Pending = "pending", Approved = "approved", Failed = "failed" }
}

azure_enum! {
    /// What a partner's contact is for.
    #[allow(missing_docs, reason = "the variants are Azure's own words")]
    ContactRole {
        Noc = "noc",
        Policy = "policy",
        Technical = "technical",
        Service = "service",
        Escalation = "escalation",
        Other = "other",
    }
}

azure_enum! {
    /// How grave an event is.
    #[allow(missing_docs, reason = "the variants are Azure's own words")]
    EventLevel {
        Information = "information",
        Warning = "warning",
        Error = "error",
        Critical = "critical",
    }
}

azure_enum! {
    /// What an event tells of: the eight of a prefix that Azure documents, and those of a connection that are ours.
    #[allow(missing_docs, reason = "the variants are Azure's own words")]
    EventType {
        PrefixAnnouncementEvent = "prefix_announcement_event",
        PrefixWithdrawalEvent = "prefix_withdrawal_event",
        PrefixBackupRouteAnnouncementEvent = "prefix_backup_route_announcement_event",
        PrefixBackupRouteWithdrawalEvent = "prefix_backup_route_withdrawal_event",
        PrefixActivePath = "prefix_active_path",
        PrefixBackupPath = "prefix_backup_path",
        PrefixOriginAsChangeEvent = "prefix_origin_as_change_event",
        PrefixBackupRouteOriginAsChangeEvent = "prefix_backup_route_origin_as_change_event",
        PrefixValidationEvent = "prefix_validation_event",
        ConnectionStateEvent = "connection_state_event",
        TypeChangeEvent = "type_change_event",
    }
}

impl EventType {
    /// Whether it is one of the eight that Azure has of a Peering Service prefix.
    #[must_use]
    pub const fn is_azures(self) -> bool {
        match self {
            Self::PrefixAnnouncementEvent
            | Self::PrefixWithdrawalEvent
            | Self::PrefixBackupRouteAnnouncementEvent
            | Self::PrefixBackupRouteWithdrawalEvent
            | Self::PrefixActivePath
            | Self::PrefixBackupPath
            | Self::PrefixOriginAsChangeEvent
            | Self::PrefixBackupRouteOriginAsChangeEvent => true,
            Self::PrefixValidationEvent | Self::ConnectionStateEvent | Self::TypeChangeEvent => false,
        }
    }
}
