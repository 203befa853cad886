//! Events of connections: said in the log, and passed on to whoever keeps them.

use std::sync::Arc;

use tracing::info;

use crate::peering::{ConnectionState, Event, EventLevel, EventType, PolicyGroup};
use crate::speaker::registrar;

/// Where events go.
#[derive(Debug)]
pub(in crate::speaker) struct Events(pub(in crate::speaker) registrar::Events);

impl Events {
    /// Says one; never waits.
    pub(super) fn say(&self, event: Event) {
        let connection = event.connection.as_deref().unwrap_or_default();
        info!(connection, event = event.event_type.name(), "{}", event.event_description);
        self.0.record(event);
    }
}

/// A connection went from one state to another.
pub(super) fn state(
    at: u64,
    peering: Arc<str>,
    connection: &str,
    from: ConnectionState,
    to: ConnectionState,
) -> Event {
    let (from, name) = (from.name(), to.name());
    Event {
        event_timestamp: at,
        event_type: EventType::ConnectionStateEvent,
        event_summary: name.to_owned(),
        event_level: match to {
            ConnectionState::ProvisioningFailed => EventLevel::Error,
            ConnectionState::ExternalBlocker => EventLevel::Warning,
            ConnectionState::None
            | ConnectionState::PendingApproval
            | ConnectionState::Approved
            | ConnectionState::ProvisioningStarted
            | ConnectionState::ProvisioningCompleted
            | ConnectionState::Validating
            | ConnectionState::Active
            | ConnectionState::TypeChangeRequested
            | ConnectionState::TypeChangeInProgress
            | ConnectionState::PendingRemove => EventLevel::Information,
        },
        event_description: format!("The connection went from {from} to {name}"),
        peering,
        connection: Some(connection.into()),
        prefix: None,
    }
}

/// The type of a connection is changing.
pub(super) fn type_change(
    at: u64,
    peering: Arc<str>,
    connection: &str,
    from: PolicyGroup,
    to: PolicyGroup,
) -> Event {
    Event {
        event_timestamp: at,
        event_type: EventType::TypeChangeEvent,
        event_summary: to.to_string(),
        event_level: EventLevel::Information,
        event_description: format!("The connection changes its type from {from} to {to}"),
        peering,
        connection: Some(connection.into()),
        prefix: None,
    }
}

/// A change of type that waited is not made any more.
pub(super) fn type_change_dropped(
    at: u64,
    peering: Arc<str>,
    connection: &str,
    to: PolicyGroup,
    why: &str,
) -> Event {
    Event {
        event_timestamp: at,
        event_type: EventType::TypeChangeEvent,
        event_summary: to.to_string(),
        event_level: EventLevel::Warning,
        event_description: format!("The connection does not change its type to {to} any more: {why}"),
        peering,
        connection: Some(connection.into()),
        prefix: None,
    }
}
