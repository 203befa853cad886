//! The flight recorder: the last messages of every connection, written down where one goes wrong.
//!
//! `ring` keeps them and `capture` writes them as pcapng and as text; neither knows a clock or a file. `shelf` is the
//! folder in which captures end up, bounded in number and size, with fair shares.

mod capture;
mod ring;
mod shelf;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

pub(super) use self::ring::Ring;
use self::ring::{Message, Pace};
pub(super) use self::shelf::{Recorder, shelf};
use crate::metrics::Way;
use crate::wire::{Asn, Notification, Treatment};

/// What made a capture due.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum Incident {
    /// A NOTIFICATION, by whom, and in words what brought it about where that is known.
    Notification { way: Way, notification: Notification, why: Option<String> },
    /// An UPDATE that does not end the session, and what is wrong with it.
    Treatment { treatment: Treatment, faults: String },
}

/// The last messages of one connection, and why they are written down.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Capture {
    /// The session's name.
    pub(super) session: Arc<str>,
    /// Where it is put.
    pub(super) shelf: Arc<str>,
    pub(super) peer_asn: Asn,
    /// Our end and the peer's; unknown where TCP was gone already.
    pub(super) ends: Option<(SocketAddr, SocketAddr)>,
    /// Since the epoch.
    pub(super) at: Duration,
    pub(super) incident: Incident,
    /// In the order of time.
    pub(super) messages: Vec<Message>,
}
