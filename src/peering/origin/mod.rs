//! What registries know of a route's origin: RPKI (RFC 6811) and routing registries (IRR).
//!
//! One reader a published form, each from the text of one file; [`OriginTables`] is what is made of all of them, to be
//! asked for every route. What a cache sends by RTR becomes such a table by way of [`VrpChanges`].

mod changes;
mod covering;
mod irr;
mod json;
mod prefix_list;
mod rpki;
mod rpsl;
#[cfg(test)]
mod tests;
mod vrp_json;

use std::path::Path;
use std::sync::Arc;

use ipnet::IpNet;
use serde::Serialize;

pub use changes::{ChangeError, VrpChanges};
pub use irr::{IrrFile, IrrRoute, IrrTable, MAX_IRR_ROUTES};
pub use rpki::{MAX_VRPS, RpkiTable, TrustAnchors, Vrp, VrpFile};

use crate::rib::Findings;
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
#[derive(Clone, Debug, Default)]
pub struct OriginTables {
    /// Of all caches and files.
    pub rpki: Arc<RpkiTable>,
    /// Of all files.
    pub irr: Arc<IrrTable>,
}

impl OriginTables {
    /// What is known of a route. O(log n + length of the prefix). An origin of `None` is that of a path that ends in a
    /// set of ASNs, which nothing is valid for (RFC 6811 §2).
    #[must_use]
    pub fn validate(&self, prefix: IpNet, origin: Option<Asn>) -> RouteOrigin {
        let (rpki, trust_anchor) = self.rpki.validate(prefix, origin);
        RouteOrigin { irr: self.irr.validate(prefix, origin), rpki, trust_anchor: trust_anchor.cloned() }
    }
}

/// The largest file that is read, in octets: the largest registry's, and as much again.
pub const MAX_FILE_LEN: u64 = 1 << 30;

/// Reads a file of VRPs as validators write it: JSON with `roas`. Those that `now`, in seconds since the epoch, is past
/// are left out and counted. `name` is for findings.
///
/// # Errors
/// The first thing that is wrong, with its place.
pub fn read_vrps(name: &Path, octets: &[u8], now: u64) -> Result<VrpFile, Findings> {
    vrp_json::read(&json::text(name, octets)?, now)
}

/// Reads a file of route objects: RPSL as registries publish it, or JSON as `bgpq4 -j` writes it, which is told by its
/// first character. `name` is for findings.
///
/// # Errors
/// What is wrong, with its place: of RPSL everything, up to a hundred and a count of the rest, of JSON the first.
pub fn read_irr(name: &Path, octets: &[u8]) -> Result<IrrFile, Findings> {
    if octets.trim_ascii_start().first() == Some(&b'{') {
        return prefix_list::read(&json::text(name, octets)?);
    }
    rpsl::read(name, octets)
}
