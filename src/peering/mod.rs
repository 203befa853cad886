//! The Azure resource model of peerings, connections and sessions (api-version 2025-05-01), without IO.

mod address;
mod enums;
mod event;
mod origin;
mod peer_asn;
mod policy_group;
mod reason;
mod resource;
mod shortfall;
mod sighting;
mod sku;
mod transitions;

pub use address::{LinkAddresses, LinkPrefixError, is_host_of, link_addresses, on_one_link};
pub use enums::{
    AzureEnum, ConnectionState, ContactRole, DirectPeeringType, EventLevel, EventType, Kind, LearnedType,
    PrefixValidationState, ProvisioningState, SessionAddressProvider, SessionState, Size, Tier,
    ValidationState,
};
pub use event::Event;
pub use origin::{OriginTables, RouteOrigin, Validity};
pub use peer_asn::{Contact, PeerAsn, is_peer_name};
pub use policy_group::PolicyGroup;
pub use reason::Reason;
pub use resource::{
    BANDWIDTH_STEP_MBPS, PeeringServicePrefix, RegisteredAsn, RegisteredPrefix, bandwidth_refusal,
    downgrade_refusal, is_resource_name,
};
pub use shortfall::{Link, Shortfall, Standing};
pub use sighting::Sighting;
pub use sku::Sku;
pub use transitions::{RemovalRefused, TransitionRefused};
