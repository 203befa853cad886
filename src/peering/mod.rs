//! The Azure resource model of peerings, connections and sessions (api-version 2025-05-01), without IO.

mod address;
mod checks;
mod enums;
mod event;
mod finding;
mod import_policy;
pub mod origin;
mod peer_asn;
mod policy_group;
mod reason;
mod registered;
mod registration;
mod remedy;
mod resource;
mod shortfall;
mod sighting;
mod sku;
mod transitions;

pub use address::{LinkAddresses, LinkPrefixError, is_host_of, link_addresses, on_one_link};
pub use checks::{Check, Facts};
pub use enums::{
    AzureEnum, ConnectionState, ContactRole, DirectPeeringType, EventLevel, EventType, Kind, LearnedType,
    PrefixValidationState, ProvisioningState, SessionAddressProvider, SessionState, Size, Tier,
    ValidationState,
};
pub use event::Event;
pub use finding::{Finding, Note};
pub use import_policy::{Enforcement, ImportPolicy, Judged};
pub use origin::{OriginTables, RouteOrigin, Validity};
pub use peer_asn::{Contact, PeerAsn, is_peer_name};
pub use policy_group::PolicyGroup;
pub use reason::Reason;
pub use registered::Registered;
pub use registration::{
    KeyHolder, Presence, Required, Seen, ServiceSessions, ServiceVerdict, Sighted, Verdict, changes,
    judge_registered_prefix, judge_service_prefix, validated, wrong_registered_prefix, wrong_service_prefix,
};
pub use resource::{
    BANDWIDTH_STEP_MBPS, PeeringServicePrefix, RegisteredAsn, RegisteredPrefix, ResourceName,
    bandwidth_refusal, downgrade_refusal, is_resource_name,
};
pub use shortfall::{Link, Shortfall, Standing};
pub use sighting::Sighting;
pub use sku::Sku;
pub use transitions::{RemovalRefused, TransitionRefused};
