//! What one session has of one registered prefix: all that its verdict depends on.

use super::origin::RouteOrigin;
use super::reason::Reason;
use crate::wire::Asn;

/// A route that a session holds of a registered prefix, as checked. Routes of a session that is down are none, kept or
/// not.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sighting {
    /// The last ASN of the path.
    pub origin: Option<Asn>,
    /// What registries know of that.
    pub validity: RouteOrigin,
    /// Seconds since the epoch at which it was last announced.
    pub received_at: u64,
    /// Every check that it fails; none: it is accepted.
    pub reasons: Vec<Reason>,
}
