//! What is kept of a connection while nothing is wrong: both OPENs, and the last few messages each way.

use std::collections::VecDeque;
use std::io::IoSlice;
use std::time::Duration;

use super::Incident;
use crate::fsm::Moment;
use crate::metrics::Way;
use crate::wire::codes::message::OPEN;
use crate::wire::{ErrorCode, HEADER_LEN, MAX_MESSAGE_LEN, Treatment};

/// The most messages that are kept each way.
const MOST_MESSAGES: usize = 32;
/// The most octets of them: with both ways, OPENs and the lists, a connection costs 16 KiB at most.
const MOST_OCTETS: usize = 6 * 1024;
/// The most octets of an OPEN.
const LONGEST_OPEN: usize = 512;
/// Captures for one shelf are at least this far apart.
const LEAST_PAUSE: Duration = Duration::from_secs(1);
/// Captures for one shelf for the same reason are at least this far apart.
const SAME_PAUSE: Duration = Duration::from_secs(60);

/// One message, or what came in place of one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::speaker) struct Message {
    /// Since the epoch.
    pub(super) at: Duration,
    pub(super) way: Way,
    /// Its first octets.
    pub(super) octets: Box<[u8]>,
    /// How many it had.
    pub(super) len: usize,
}

impl Message {
    fn new(at: Duration, way: Way, whole: &[u8], keep: usize) -> Self {
        let octets = whole.get(..keep).unwrap_or(whole).into();
        Self { at, way, octets, len: whole.len() }
    }

    /// The type octet of the header, where there is one.
    pub(super) fn kind(&self) -> Option<u8> {
        let (marker, [_, _, kind, ..]) = self.octets.split_at_checked(16)? else { return None };
        marker.iter().all(|octet| *octet == 0xFF).then_some(*kind)
    }
}

/// The last messages of one way.
#[derive(Debug, Default)]
struct Lane {
    open: Option<Message>,
    last: VecDeque<Message>,
    octets: usize,
}

impl Lane {
    fn push(&mut self, message: Message) {
        if message.kind() == Some(OPEN) && self.open.is_none() {
            let Message { at, way, len, octets } = message;
            let octets = octets.get(..LONGEST_OPEN).unwrap_or(&octets).into();
            self.open = Some(Message { at, way, octets, len });
            return;
        }
        self.octets = self.octets.saturating_add(message.octets.len());
        self.last.push_back(message);
        while self.last.len() > MOST_MESSAGES || self.octets > MOST_OCTETS {
            let Some(oldest) = self.last.pop_front() else { break };
            self.octets = self.octets.saturating_sub(oldest.octets.len());
        }
    }

    fn messages(&self) -> impl Iterator<Item = &Message> {
        self.open.iter().chain(&self.last)
    }
}

/// A message on its way out.
#[derive(Debug)]
struct Begun {
    kept: Vec<u8>,
    /// Its length, once that many octets have gone out.
    len: Option<usize>,
    gone: usize,
    /// So much will follow in the same turn that it will not be among the last.
    is_skipped: bool,
}

/// The last messages of one connection.
#[derive(Debug, Default)]
pub(in crate::speaker) struct Ring {
    received: Lane,
    sent: Lane,
    begun: Option<Begun>,
}

impl Ring {
    /// A whole message came, or octets that are none. O(octets kept).
    pub(in crate::speaker) fn received(&mut self, at: Duration, whole: &[u8]) {
        self.received.push(Message::new(at, Way::Received, whole, MAX_MESSAGE_LEN));
    }

    /// The first `taken` octets of these went out. O(messages), and copies no more than it keeps.
    pub(in crate::speaker) fn sent(&mut self, at: Duration, slices: &[IoSlice<'_>], taken: usize) {
        let mut left = taken;
        for slice in slices {
            let mut octets = slice.get(..left).unwrap_or(slice);
            while !octets.is_empty() {
                let used = self.send(at, octets, left);
                octets = octets.get(used..).unwrap_or_default();
                left = left.saturating_sub(used);
            }
        }
    }

    /// Takes in as much as belongs to one part of one message; `left` octets of this turn are still to come.
    fn send(&mut self, at: Duration, octets: &[u8], left: usize) -> usize {
        let begun = self.begun.get_or_insert_with(|| Begun {
            kept: Vec::with_capacity(HEADER_LEN),
            len: None,
            gone: 0,
            is_skipped: false,
        });
        let wanted = begun.len.unwrap_or(HEADER_LEN).saturating_sub(begun.gone);
        let part = octets.get(..wanted).unwrap_or(octets);
        if !begun.is_skipped {
            let room = MAX_MESSAGE_LEN.saturating_sub(begun.kept.len());
            begun.kept.extend_from_slice(part.get(..room).unwrap_or(part));
        }
        begun.gone = begun.gone.saturating_add(part.len());
        if begun.len.is_none() && begun.gone == HEADER_LEN {
            let len = match begun.kept.get(16..18) {
                Some([high, low]) => usize::from(u16::from_be_bytes([*high, *low])),
                Some(_) | None => HEADER_LEN,
            };
            begun.len = Some(len);
            begun.is_skipped = left > len.saturating_add(MOST_OCTETS);
        }
        if begun.len.is_some_and(|len| begun.gone >= len)
            && let Some(Begun { kept, gone, is_skipped: false, .. }) = self.begun.take()
        {
            self.sent.push(Message { at, way: Way::Sent, octets: kept.into(), len: gone });
        }
        part.len()
    }

    /// What is kept, in the order of time, up to the incident: our NOTIFICATION, which is not out yet, is the last.
    /// `at_fault` is the message that came last, whole.
    pub(in crate::speaker) fn messages(
        &self,
        at: Duration,
        incident: &Incident,
        at_fault: Option<&[u8]>,
    ) -> Vec<Message> {
        let mut messages: Vec<Message> =
            self.received.messages().chain(self.sent.messages()).cloned().collect();
        if let (Some(whole), Some(last)) =
            (at_fault, messages.iter_mut().rfind(|message| message.way == Way::Received))
            && last.len == whole.len()
        {
            last.octets = whole.into();
        }
        messages.sort_by_key(|message| message.at);
        if let Incident::Notification { way: Way::Sent, notification, .. } = incident {
            messages.push(Message::new(at, Way::Sent, &notification.encode(), MAX_MESSAGE_LEN));
        }
        messages
    }
}

/// When messages were last written down for one shelf: a peer can go wrong as often as it likes.
#[derive(Debug, Default)]
pub(super) struct Pace {
    last: Option<Moment>,
    /// By reason, the newest last.
    reasons: VecDeque<(Moment, Reason)>,
}

/// What makes two incidents the same.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Reason {
    Notification(Way, ErrorCode),
    Treatment(Treatment),
}

/// The most reasons that are remembered.
const MOST_REASONS: usize = 16;

impl Pace {
    /// Whether this one is to be written down. Collisions never are: they are nobody's fault (RFC 4271 §6.8).
    pub(super) fn allows(&mut self, now: Moment, incident: &Incident) -> bool {
        let reason = match incident {
            Incident::Notification { notification, .. } if notification.code == ErrorCode::COLLISION => {
                return false;
            }
            Incident::Notification { way, notification, .. } => Reason::Notification(*way, notification.code),
            Incident::Treatment { treatment, .. } => Reason::Treatment(*treatment),
        };
        self.reasons.retain(|(then, _)| now < *then + SAME_PAUSE);
        let is_again = self.reasons.iter().any(|(_, known)| *known == reason);
        let is_soon = self.last.is_some_and(|last| now < last + LEAST_PAUSE);
        if is_again || is_soon || self.reasons.len() >= MOST_REASONS {
            return false;
        }
        self.last = Some(now);
        self.reasons.push_back((now, reason));
        true
    }

    /// Nothing was written down for so long that it is as a new one.
    pub(super) fn is_rested(&self, now: Moment) -> bool {
        self.reasons.iter().all(|(then, _)| now >= *then + SAME_PAUSE)
    }
}
