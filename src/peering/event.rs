//! What happened to a prefix or a connection, for the partner and the operator to read afterwards.

use std::sync::Arc;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::{EventLevel, EventType};

/// One event, with the fields of Azure's `PeeringServicePrefixEvent` and what it belongs to.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// Seconds since the epoch.
    pub event_timestamp: u64,
    /// What kind of thing happened.
    pub event_type: EventType,
    /// In a few words.
    pub event_summary: String,
    /// How grave it is.
    pub event_level: EventLevel,
    /// With what is needed to act on it.
    pub event_description: String,
    /// The peering.
    pub peering: Arc<str>,
    /// The connection, where it is of one.
    pub connection: Option<Arc<str>>,
    /// The prefix, where it is of one.
    pub prefix: Option<IpNet>,
}
