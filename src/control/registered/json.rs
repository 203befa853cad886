//! Registrations and events in Azure's shapes.

use std::sync::Arc;

use ipnet::IpNet;
use serde::Serialize;

use crate::control::azure::{NAMESPACE, PROVIDER};
use crate::control::json::Time;
use crate::peering::{Event, EventLevel, EventType, LearnedType, PrefixValidationState, ProvisioningState};
use crate::speaker::{PeeringRegistry, RegisteredAsnStatus, RegisteredPrefixStatus, ServicePrefixStatus};
use crate::wire::Asn;

/// Something that is registered under a peering, as a resource.
pub(super) trait Registration: Send + Sync + 'static {
    /// What it is below, which is called as the peering, and the collection there.
    const KIND: (&'static str, &'static str);

    /// What of it is its own.
    type Properties<'a>: Serialize;

    /// One, and all of them, in words.
    const CALLED: (&'static str, &'static str);

    /// It is one of prefixes.
    const HAS_PREFIX: bool;

    /// Those of a peering.
    fn of(peering: &PeeringRegistry) -> &[Arc<Self>];

    /// The resource's name.
    fn name(&self) -> &str;

    /// The prefix, of what has one.
    fn prefix(&self) -> Option<IpNet>;

    /// As they are now.
    fn properties(&self) -> Self::Properties<'_>;
}

/// Azure's shape of a resource, with the peering that it is of.
#[derive(Serialize)]
pub(super) struct Resource<'a, P> {
    name: &'a str,
    #[serde(rename = "type")]
    kind: String,
    id: String,
    peering: &'a str,
    pub(super) properties: P,
}

impl<'a, P> Resource<'a, P> {
    pub(super) fn new<T: Registration<Properties<'a> = P>>(peering: &'a str, status: &'a T) -> Self {
        let ((of, collection), name) = (T::KIND, status.name());
        Self {
            name,
            kind: format!("{NAMESPACE}/{of}/{collection}"),
            id: format!("{PROVIDER}/{of}/{peering}/{collection}/{name}"),
            peering,
            properties: status.properties(),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RegisteredPrefixJson<'a> {
    prefix: IpNet,
    prefix_validation_state: PrefixValidationState,
    peering_service_prefix_key: Option<&'a str>,
    error_message: Option<&'a str>,
    provisioning_state: ProvisioningState,
}

impl Registration for RegisteredPrefixStatus {
    const KIND: (&'static str, &'static str) = ("peerings", "registeredPrefixes");
    const CALLED: (&'static str, &'static str) = ("registered prefix", "registered prefixes");
    const HAS_PREFIX: bool = true;
    type Properties<'a> = RegisteredPrefixJson<'a>;

    fn of(peering: &PeeringRegistry) -> &[Arc<Self>] {
        &peering.registered_prefixes
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn prefix(&self) -> Option<IpNet> {
        Some(self.prefix)
    }

    fn properties(&self) -> RegisteredPrefixJson<'_> {
        RegisteredPrefixJson {
            prefix: self.prefix,
            prefix_validation_state: self.verdict.state,
            peering_service_prefix_key: self.key.as_deref(),
            error_message: self.verdict.message.as_deref(),
            provisioning_state: self.provisioning_state,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RegisteredAsnJson<'a> {
    asn: Asn,
    peering_service_prefix_key: Option<&'a str>,
    provisioning_state: ProvisioningState,
}

impl Registration for RegisteredAsnStatus {
    const KIND: (&'static str, &'static str) = ("peerings", "registeredAsns");
    const CALLED: (&'static str, &'static str) = ("registered ASN", "registered ASNs");
    const HAS_PREFIX: bool = false;
    type Properties<'a> = RegisteredAsnJson<'a>;

    fn of(peering: &PeeringRegistry) -> &[Arc<Self>] {
        &peering.registered_asns
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn prefix(&self) -> Option<IpNet> {
        None
    }

    fn properties(&self) -> RegisteredAsnJson<'_> {
        RegisteredAsnJson {
            asn: self.asn,
            peering_service_prefix_key: self.key.as_deref(),
            provisioning_state: self.provisioning_state,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ServicePrefixJson<'a> {
    prefix: IpNet,
    prefix_validation_state: PrefixValidationState,
    learned_type: LearnedType,
    error_message: Option<&'a str>,
    /// Only where it is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) events: Option<Vec<PrefixEventJson<'a>>>,
    peering_service_prefix_key: Option<&'a str>,
    provisioning_state: ProvisioningState,
}

impl Registration for ServicePrefixStatus {
    const KIND: (&'static str, &'static str) = ("peeringServices", "prefixes");
    const CALLED: (&'static str, &'static str) = ("Peering Service prefix", "Peering Service prefixes");
    const HAS_PREFIX: bool = true;
    type Properties<'a> = ServicePrefixJson<'a>;

    fn of(peering: &PeeringRegistry) -> &[Arc<Self>] {
        &peering.service_prefixes
    }

    fn name(&self) -> &str {
        &self.name
    }

    fn prefix(&self) -> Option<IpNet> {
        Some(self.prefix)
    }

    fn properties(&self) -> ServicePrefixJson<'_> {
        ServicePrefixJson {
            prefix: self.prefix,
            prefix_validation_state: self.verdict.verdict.state,
            learned_type: self.verdict.learned_type,
            error_message: self.verdict.verdict.message.as_deref(),
            events: None,
            peering_service_prefix_key: self.key.as_deref(),
            provisioning_state: ProvisioningState::Succeeded,
        }
    }
}

/// An event of one prefix.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct PrefixEventJson<'a> {
    event_timestamp: Time,
    event_type: EventType,
    event_summary: &'a str,
    event_level: EventLevel,
    event_description: &'a str,
}

impl<'a> PrefixEventJson<'a> {
    pub(super) fn new(event: &'a Event) -> Self {
        Self {
            event_timestamp: Time(event.event_timestamp),
            event_type: event.event_type,
            event_summary: &event.event_summary,
            event_level: event.event_level,
            event_description: &event.event_description,
        }
    }
}

/// An event, and what it is of.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EventJson<'a> {
    #[serde(flatten)]
    event: PrefixEventJson<'a>,
    peering: &'a str,
    connection: Option<&'a str>,
    prefix: Option<IpNet>,
}

impl<'a> EventJson<'a> {
    pub(super) fn new(event: &'a Event) -> Self {
        Self {
            event: PrefixEventJson::new(event),
            peering: &event.peering,
            connection: event.connection.as_deref(),
            prefix: event.prefix,
        }
    }
}
