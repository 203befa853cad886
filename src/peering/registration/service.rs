//! The verdict on a Peering Service prefix, which a customer brought into use by the key that its provider gave it.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::verdict::{first_reason, verified};
use super::{Required, Seen, Verdict};
use crate::peering::{LearnedType, Reason, Sighting};
use crate::wire::Asn;

/// The shortest prefix that a customer may bring.
const SHORTEST: u8 = 24;
/// Sessions that a provider has in a primary location at least.
const PRIMARY_SESSIONS: usize = 2;

/// What a key stands for, among what the prefix's provider registered.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyHolder {
    /// The provider gave no such key.
    Nobody,
    /// It is that of a registered prefix.
    Prefix(IpNet),
    /// It is that of a registered ASN, and so of all its prefixes.
    Asn(Asn),
}

/// The provider's sessions where the customer wants to be reached.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ServiceSessions {
    /// In the primary location.
    pub primary: Required,
    /// In the backup location; none: the Internet is the backup.
    pub backup: Option<Required>,
}

impl ServiceSessions {
    /// Whether every one of them has the prefix, and has judged it as of an Active connection.
    #[must_use]
    pub fn is_settled(&self, prefix: IpNet, seen: &Seen) -> bool {
        let all = std::iter::once(&self.primary).chain(&self.backup);
        all.into_iter().all(|sessions| sessions.is_settled(prefix, seen))
    }
}

/// What became of a Peering Service prefix.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ServiceVerdict {
    /// As of a registered prefix.
    #[serde(flatten)]
    pub verdict: Verdict,
    /// Azure's learnedType: by a prefix that the provider registered, or by the sessions of a registered ASN.
    pub learned_type: LearnedType,
}

/// Judges a Peering Service prefix. O(sessions).
#[must_use]
pub fn judge_service_prefix(
    prefix: IpNet,
    key: KeyHolder,
    sessions: &ServiceSessions,
    seen: &Seen,
) -> ServiceVerdict {
    let none =
        |message: &str| ServiceVerdict { verdict: Verdict::failed(message), learned_type: LearnedType::None };
    if !is_valid(prefix) {
        return none("Peering service prefix is invalid");
    }
    let via = match key {
        KeyHolder::Nobody => return none("Peering service provider not found"),
        KeyHolder::Prefix(of) if of != prefix => return none("Peering service prefix is invalid"),
        KeyHolder::Prefix(_) => LearnedType::ViaServiceProvider,
        KeyHolder::Asn(_) => LearnedType::ViaSession,
    };
    if sessions.primary.count(prefix) < PRIMARY_SESSIONS {
        return none("Provider has fewer than two sessions in its primary location");
    }
    if sessions.backup.as_ref().is_some_and(|backup| backup.count(prefix) == 0) {
        return none("Provider has no sessions in its backup location");
    }
    let mut found = sessions.primary.find(prefix, seen);
    if let Some(backup) = &sessions.backup {
        let there = backup.find(prefix, seen);
        found.seen.extend(there.seen);
        found.missing.extend(there.missing);
    }
    if found.seen.is_empty() {
        return none("Prefix is not announced by the service provider to Microsoft.");
    }
    let verdict = if is_of_another(key, &found.seen) {
        Verdict::failed("Peering service prefix is invalid")
    } else if !found.missing.is_empty() {
        let missing = found.missing.join(", ");
        Verdict::failed(format!("Not receiving prefix advertisement from IP for prefix: {missing}"))
    } else {
        match first_reason(&found.seen) {
            Some(reason) => Verdict::failed(in_words(reason)),
            None => verified(&found.seen, sessions.primary.has_irr),
        }
    };
    ServiceVerdict { verdict, learned_type: via }
}

/// What is wrong with a Peering Service prefix already, whatever else the sessions will say: none where those that have it
/// so far have it as it should be. O(sessions).
#[must_use]
pub fn wrong_service_prefix(
    prefix: IpNet,
    key: KeyHolder,
    sessions: &ServiceSessions,
    seen: &Seen,
) -> Option<ServiceVerdict> {
    let mut so_far = sessions.primary.judged(prefix, seen);
    so_far.extend(sessions.backup.iter().flat_map(|backup| backup.judged(prefix, seen)));
    let learned_type = match key {
        KeyHolder::Nobody => return None,
        KeyHolder::Prefix(_) => LearnedType::ViaServiceProvider,
        KeyHolder::Asn(_) => LearnedType::ViaSession,
    };
    let verdict = if is_of_another(key, &so_far) {
        Verdict::failed("Peering service prefix is invalid")
    } else {
        Verdict::failed(in_words(first_reason(&so_far)?))
    };
    Some(ServiceVerdict { verdict, learned_type })
}

/// Whether it has an origin that its key is not good for.
fn is_of_another(key: KeyHolder, seen: &[(IpAddr, &Sighting)]) -> bool {
    match key {
        KeyHolder::Asn(asn) => seen.iter().any(|(_, sighting)| sighting.origin != Some(asn)),
        KeyHolder::Prefix(_) | KeyHolder::Nobody => false,
    }
}

fn is_valid(prefix: IpNet) -> bool {
    match prefix {
        IpNet::V4(net) => net.prefix_len() >= SHORTEST,
        IpNet::V6(_) => false,
    }
}

/// Where Azure has other words for it than of a registered prefix.
fn in_words(reason: Reason) -> String {
    match reason {
        Reason::MissingCommunity => {
            "Received route for prefix should have the Peering Service community 8075:8007".to_owned()
        }
        Reason::PathTooLong(_) => "AS path length for prefix should be <=3 for prefix".to_owned(),
        Reason::PrivateAsn(_) => "AS path for prefix shouldn't have any private ASN".to_owned(),
        Reason::ConnectionNotActive(_)
        | Reason::NeedsBfd
        | Reason::NotPeeringService
        | Reason::Special(_, _)
        | Reason::Ours(_)
        | Reason::ExpressRoute
        | Reason::Leak
        | Reason::NotRegistered { .. }
        | Reason::Prepended(_)
        | Reason::RpkiInvalid
        | Reason::RpkiUnknown
        | Reason::IrrInvalid
        | Reason::IrrUnknown => reason.to_string(),
    }
}
