//! What registries know of a route's origin: RPKI (RFC 6811) and routing registries (IRR).

use std::sync::Arc;

use ipnet::IpNet;
use serde::Serialize;

use crate::wire::Asn;

/// What a registry says of a prefix and its origin.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize)]
pub enum Validity {
    /// It lists this origin.
    Valid,
    /// It lists others.
    Invalid,
    /// It has nothing on the prefix, or there is no registry.
    #[default]
    Unknown,
}

/// What is known of one route.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RouteOrigin {
    /// By the routing registry: Azure's originAsValidationState.
    pub irr: Validity,
    /// By RPKI: Azure's rpkiValidationState.
    pub rpki: Validity,
    /// Whose ROA says so, like `Arin`.
    pub trust_anchor: Option<Arc<str>>,
}

/// The registries' contents, immutable; a change makes a new one.
#[derive(Debug, Default)]
pub struct OriginTables {}

impl OriginTables {
    /// What is known of a route. O(length of the prefix).
    #[must_use]
    pub fn validate(&self, _prefix: IpNet, _origin: Option<Asn>) -> RouteOrigin {
        RouteOrigin::default()
    }
}
