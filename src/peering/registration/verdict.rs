//! The verdict on a registered prefix, in Azure's documented words.

use std::collections::BTreeMap;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::Required;
use crate::peering::{PrefixValidationState, Reason, RouteOrigin, Sighting, Validity};

/// Of one prefix, what each session sees that sees it at all.
pub type Seen = BTreeMap<IpAddr, Sighting>;

/// What became of a prefix.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// Azure's prefixValidationState.
    pub state: PrefixValidationState,
    /// Azure's errorMessage, of one that is not Verified.
    pub message: Option<String>,
}

/// Said of a prefix that no connection could be Active for: it is not registered yet.
pub(super) const NOT_REGISTERED: &str = "No connection of the peering is Active";

impl Verdict {
    /// Announced as it should be.
    pub const VERIFIED: Self = Self { state: PrefixValidationState::Verified, message: None };
    /// Not judged yet, or to be judged again.
    pub const PENDING: Self = Self { state: PrefixValidationState::Pending, message: None };

    /// Not as it should be, in these words.
    #[must_use]
    pub fn failed(message: impl Into<String>) -> Self {
        Self { state: PrefixValidationState::Failed, message: Some(message.into()) }
    }

    /// What is said where a judgement came to nothing.
    #[must_use]
    pub fn internal_error() -> Self {
        Self::failed("Internal server error")
    }

    /// Not registered, since no connection of the peering has been Active yet.
    #[must_use]
    pub fn not_registered() -> Self {
        Self { state: PrefixValidationState::None, message: Some(NOT_REGISTERED.to_owned()) }
    }

    /// Whether the prefix is fit for use, and so has or gets a key.
    #[must_use]
    pub fn is_good(&self) -> bool {
        match self.state {
            PrefixValidationState::Verified | PrefixValidationState::Warning => true,
            PrefixValidationState::None
            | PrefixValidationState::Invalid
            | PrefixValidationState::Failed
            | PrefixValidationState::Pending
            | PrefixValidationState::Unknown => false,
        }
    }
}

/// Judges a registered prefix: every session of an Active connection that carries its family has to have it, and as it
/// should be. A prefix that covers it, or that it covers, counts for nothing. O(sessions).
#[must_use]
pub fn judge_registered_prefix(prefix: IpNet, required: &Required, seen: &Seen) -> Verdict {
    if !required.is_active {
        return Verdict::failed(NOT_REGISTERED);
    }
    if required.count(prefix) == 0 {
        return Verdict::failed(format!("No session of the peering carries {}", family_name(prefix)));
    }
    let found = required.find(prefix, seen);
    if !found.missing.is_empty() {
        return Verdict::failed(format!("Prefix not received from IP: {}", found.missing.join(", ")));
    }
    match first_reason(&found.seen) {
        Some(reason) => Verdict::failed(reason.to_string()),
        None => verified(&found.seen, required.has_irr),
    }
}

/// What is wrong with a registered prefix already, whatever else its sessions will say: none where those that have it so
/// far have it as it should be. O(sessions).
#[must_use]
pub fn wrong_registered_prefix(prefix: IpNet, required: &Required, seen: &Seen) -> Option<Verdict> {
    first_reason(&required.judged(prefix, seen)).map(|reason| Verdict::failed(reason.to_string()))
}

/// Of a prefix that fails no check: Verified, or with a warning of what registries say that keeps no route out.
pub(super) fn verified(seen: &[(IpAddr, &Sighting)], has_irr: bool) -> Verdict {
    let is = |of: fn(&RouteOrigin) -> Validity, what| seen.iter().any(|(_, s)| of(&s.validity) == what);
    let caution = if is(|origin| origin.rpki, Validity::Invalid) {
        Reason::RpkiInvalid
    } else if is(|origin| origin.irr, Validity::Invalid) {
        Reason::IrrInvalid
    } else if has_irr && is(|origin| origin.irr, Validity::Unknown) {
        Reason::IrrUnknown
    } else {
        return Verdict::VERIFIED;
    };
    Verdict { state: PrefixValidationState::Warning, message: Some(caution.to_string()) }
}

fn family_name(prefix: IpNet) -> &'static str {
    match prefix {
        IpNet::V4(_) => "IPv4",
        IpNet::V6(_) => "IPv6",
    }
}

/// Of all that is wrong on any session, what stands first in the order of checks.
pub(super) fn first_reason(seen: &[(IpAddr, &Sighting)]) -> Option<Reason> {
    seen.iter().filter_map(|(_, sighting)| sighting.reasons.first()).min_by_key(|r| order(r)).copied()
}

fn order(reason: &Reason) -> u8 {
    match reason {
        Reason::ConnectionNotActive(_) | Reason::NeedsBfd => 0,
        Reason::NotPeeringService => 1,
        Reason::Special(_, _) | Reason::Ours(_) => 2,
        Reason::ExpressRoute => 3,
        Reason::Leak => 4,
        Reason::NotRegistered { .. } => 5,
        Reason::MissingCommunity => 6,
        Reason::PathTooLong(_) => 7,
        Reason::PrivateAsn(_) => 8,
        Reason::Prepended(_) => 9,
        Reason::RpkiInvalid => 10,
        Reason::RpkiUnknown => 11,
        Reason::IrrInvalid => 12,
        Reason::IrrUnknown => 13,
    }
}
