//! What readers see of registrations: immutable, and cheap to take.

use std::sync::Arc;

use ipnet::IpNet;

use crate::peering::{
    LearnedType, PrefixValidationState, ProvisioningState, ResourceName, ServiceVerdict, Verdict,
};
use crate::wire::Asn;

/// Every peering's registrations, at one instant.
#[derive(Clone, Debug, Default)]
pub struct Registry {
    /// In the order of the config.
    pub peerings: Vec<Arc<PeeringRegistry>>,
}

/// What is registered under one peering; each list in order of prefix or ASN.
#[derive(Clone, Debug)]
pub struct PeeringRegistry {
    /// The peering's name.
    pub peering: Arc<str>,
    /// Its registered prefixes.
    pub registered_prefixes: Vec<Arc<RegisteredPrefixStatus>>,
    /// Its registered ASNs.
    pub registered_asns: Vec<Arc<RegisteredAsnStatus>>,
    /// The prefixes of customers in their own Peering Service.
    pub service_prefixes: Vec<Arc<ServicePrefixStatus>>,
}

/// A registered prefix, and what became of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RegisteredPrefixStatus {
    /// The resource's name.
    pub name: Arc<str>,
    /// The prefix.
    pub prefix: IpNet,
    /// The verdict on it.
    pub verdict: Verdict,
    /// What its customer brings it into use by, once it was Verified.
    pub key: Option<Arc<str>>,
    /// Failed where it could not be registered.
    pub provisioning_state: ProvisioningState,
}

/// A registered ASN.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RegisteredAsnStatus {
    /// The resource's name.
    pub name: Arc<str>,
    /// The ASN.
    pub asn: Asn,
    /// What the customers of this ASN bring their prefixes into use by, once it is registered.
    pub key: Option<Arc<str>>,
    /// Failed where it could not be registered.
    pub provisioning_state: ProvisioningState,
}

/// A Peering Service prefix, and what became of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServicePrefixStatus {
    /// The resource's name.
    pub name: Arc<str>,
    /// The prefix.
    pub prefix: IpNet,
    /// The verdict on it, and how it was learned.
    pub verdict: ServiceVerdict,
    /// The key that the customer brought.
    pub key: Option<Arc<str>>,
}

impl Registry {
    /// One peering's registrations. O(peerings).
    #[must_use]
    pub fn peering(&self, name: &str) -> Option<Arc<PeeringRegistry>> {
        self.peerings.iter().find(|p| &*p.peering == name).cloned()
    }
}

impl RegisteredPrefixStatus {
    /// Registered just now, and not judged yet.
    pub(super) fn new(name: Option<&Arc<str>>, prefix: IpNet) -> Self {
        Self {
            name: ResourceName::of_prefix(name, prefix).name,
            prefix,
            verdict: Verdict::not_registered(),
            key: None,
            provisioning_state: ProvisioningState::Failed,
        }
    }

    /// Whether a connection has been Active since it was listed.
    pub(super) fn is_registered(&self) -> bool {
        self.verdict.state != PrefixValidationState::None
    }

    /// The same, with another verdict.
    pub(super) fn judged(&self, verdict: Verdict, key: Option<Arc<str>>) -> Self {
        let is_registered = verdict.state != PrefixValidationState::None;
        let provisioning_state =
            if is_registered { ProvisioningState::Succeeded } else { ProvisioningState::Failed };
        Self { name: self.name.clone(), prefix: self.prefix, verdict, key, provisioning_state }
    }
}

impl ServicePrefixStatus {
    pub(super) fn new(name: Option<&Arc<str>>, prefix: IpNet, key: Option<&Arc<str>>) -> Self {
        let verdict = ServiceVerdict { verdict: Verdict::PENDING, learned_type: LearnedType::None };
        Self { name: ResourceName::of_prefix(name, prefix).name, prefix, verdict, key: key.cloned() }
    }
}
