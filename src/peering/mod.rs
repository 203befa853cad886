//! The Azure resource model of peerings, connections and sessions (api-version 2025-05-01), without IO.

mod address;
mod enums;
mod resource;

pub use address::{LinkAddresses, LinkPrefixError, is_host_of, link_addresses, on_one_link};
pub use enums::{ConnectionState, DirectPeeringType, Kind, SessionAddressProvider};
pub use resource::{
    BANDWIDTH_STEP_MBPS, PeeringServicePrefix, RegisteredAsn, RegisteredPrefix, bandwidth_refusal,
    is_resource_name,
};
