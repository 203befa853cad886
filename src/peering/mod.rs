//! The Azure resource model of peerings, connections and sessions (api-version 2025-05-01), without IO.

mod enums;

pub use enums::{ConnectionState, DirectPeeringType, Kind};
