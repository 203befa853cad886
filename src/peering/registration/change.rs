//! What is told of a prefix as it comes, goes and moves: Azure's eight events, and the one of verdicts that is ours.

use std::sync::Arc;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

use super::{Required, Seen, ServiceSessions, Verdict};
use crate::peering::{Event, EventLevel, EventType, PrefixValidationState};
use crate::wire::Asn;

/// A prefix that some session of a location has.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Sighted {
    /// The last ASN of its path, as the first of the sessions has it.
    pub origin: Option<Asn>,
}

/// Where a prefix is announced.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Presence {
    /// On the peering that it is registered under, or in the primary location.
    pub primary: Option<Sighted>,
    /// In the backup location.
    pub backup: Option<Sighted>,
}

/// Which way a prefix is reached.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Active,
    Backup,
    None,
}

impl Presence {
    /// Of a registered prefix.
    #[must_use]
    pub fn of_registered(prefix: IpNet, required: &Required, seen: &Seen) -> Self {
        Self { primary: sighted(prefix, required, seen), backup: None }
    }

    /// Of a Peering Service prefix.
    #[must_use]
    pub fn of_service(prefix: IpNet, sessions: &ServiceSessions, seen: &Seen) -> Self {
        Self {
            primary: sighted(prefix, &sessions.primary, seen),
            backup: sessions.backup.as_ref().and_then(|backup| sighted(prefix, backup, seen)),
        }
    }

    fn way(&self) -> Way {
        match (self.primary, self.backup) {
            (Some(_), _) => Way::Active,
            (None, Some(_)) => Way::Backup,
            (None, None) => Way::None,
        }
    }
}

fn sighted(prefix: IpNet, required: &Required, seen: &Seen) -> Option<Sighted> {
    let found = required.find(prefix, seen);
    found.seen.first().map(|(_, sighting)| Sighted { origin: sighting.origin })
}

/// Whose prefix changed, and when: seconds since the epoch.
#[derive(Clone, Copy)]
struct Of<'a> {
    peering: &'a Arc<str>,
    prefix: IpNet,
    at: u64,
}

impl Of<'_> {
    fn event(self, kind: EventType, level: EventLevel, summary: String, description: String) -> Event {
        Event {
            event_timestamp: self.at,
            event_type: kind,
            event_summary: summary,
            event_level: level,
            event_description: description,
            peering: self.peering.clone(),
            connection: None,
            prefix: Some(self.prefix),
        }
    }
}

/// The events between one presence of a prefix and the next, at most four. Ways are told of Peering Service prefixes
/// alone: others have one.
#[must_use]
pub fn changes(
    (peering, prefix): (&Arc<str>, IpNet),
    before: Presence,
    now: Presence,
    is_service_prefix: bool,
    at: u64,
) -> Vec<Event> {
    let of = Of { peering, prefix, at };
    let mut events = Vec::new();
    let place = if is_service_prefix { "in the primary location" } else { "on the peering" };
    let kinds = [
        (EventType::PrefixAnnouncementEvent, EventLevel::Information),
        (EventType::PrefixWithdrawalEvent, EventLevel::Warning),
        (EventType::PrefixOriginAsChangeEvent, EventLevel::Critical),
    ];
    events.extend(at_one_place(of, kinds, (before.primary, now.primary), place));
    let kinds = [
        (EventType::PrefixBackupRouteAnnouncementEvent, EventLevel::Information),
        (EventType::PrefixBackupRouteWithdrawalEvent, EventLevel::Warning),
        (EventType::PrefixBackupRouteOriginAsChangeEvent, EventLevel::Error),
    ];
    events.extend(at_one_place(of, kinds, (before.backup, now.backup), "in the backup location"));
    if is_service_prefix && before.way() != now.way() {
        let told = match now.way() {
            Way::Active => Some((EventType::PrefixActivePath, "primary")),
            Way::Backup => Some((EventType::PrefixBackupPath, "backup")),
            Way::None => None,
        };
        events.extend(told.map(|(kind, which)| {
            let summary = format!("{prefix} is reached by way of the {which} location");
            let description = format!("Traffic to it leaves at the provider's {which} location.");
            of.event(kind, EventLevel::Information, summary, description)
        }));
    }
    events
}

/// Announced, withdrawn, or announced by another origin.
fn at_one_place(
    of: Of<'_>,
    [announced, withdrawn, moved]: [(EventType, EventLevel); 3],
    (before, now): (Option<Sighted>, Option<Sighted>),
    place: &str,
) -> Option<Event> {
    let prefix = of.prefix;
    let ((kind, level), summary, description) = match (before, now) {
        (None, Some(now)) => {
            let description = format!("Its origin is {}.", origin(now));
            (announced, format!("{prefix} is announced {place}"), description)
        }
        (Some(before), None) => {
            let description = format!("No session there has it any more; its origin was {}.", origin(before));
            (withdrawn, format!("{prefix} is withdrawn {place}"), description)
        }
        (Some(before), Some(now)) if before.origin != now.origin => {
            let description = format!("It was {}, and is {}.", origin(before), origin(now));
            (moved, format!("{prefix} has another origin {place}"), description)
        }
        (Some(_), Some(_)) | (None, None) => return None,
    };
    Some(of.event(kind, level, summary, description))
}

fn origin(sighted: Sighted) -> String {
    sighted.origin.map_or_else(|| "unknown".to_owned(), |asn| format!("AS{asn}"))
}

/// What the portal says of an error of a Peering Service prefix, as far as it has other words than the resource.
fn portal_words(message: &str) -> Option<&'static str> {
    const WORDS: [(&str, &str); 4] = [
        ("Not receiving prefix advertisement", "Prefix wasn't received from Peering Service provider"),
        ("Received route for prefix should have", "Prefix announcement doesn't have a valid BGP community"),
        ("AS path length for prefix", "Prefix received with longer AS path(>3)"),
        ("AS path for prefix shouldn't have", "Prefix received with private AS in the path"),
    ];
    WORDS.iter().find(|(begin, _)| message.starts_with(begin)).map(|(_, words)| *words)
}

/// The event of a verdict that is not what it was.
#[must_use]
pub fn validated(
    (peering, prefix): (&Arc<str>, IpNet),
    verdict: &Verdict,
    is_service_prefix: bool,
    at: u64,
) -> Event {
    let level = match verdict.state {
        PrefixValidationState::Verified | PrefixValidationState::Pending | PrefixValidationState::None => {
            EventLevel::Information
        }
        PrefixValidationState::Warning
        | PrefixValidationState::Failed
        | PrefixValidationState::Invalid
        | PrefixValidationState::Unknown => EventLevel::Warning,
    };
    let what = if is_service_prefix { "Peering Service prefix" } else { "registered prefix" };
    let summary = format!("The {what} {prefix} is {}", verdict.state.name());
    let description = match &verdict.message {
        Some(message) => match portal_words(message).filter(|_| is_service_prefix) {
            Some(words) => format!("{words}: {message}"),
            None => message.clone(),
        },
        None => format!("{summary}."),
    };
    let of = Of { peering, prefix, at };
    of.event(EventType::PrefixValidationEvent, level, summary, description)
}
