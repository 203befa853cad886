//! What the rest of the process may know of the speaker: immutable, and cheap to take.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use crate::accept::LimitExceeded;
use crate::config::SessionPlan;
use crate::fsm::{Direction, GracefulRestart, Negotiated, State};
use crate::wire::{Asn, Capability, ErrorCode, PerFamily};

/// The speaker as a whole.
#[derive(Clone, Debug)]
pub struct Overview {
    /// Our ASN.
    pub local_asn: Asn,
    /// Our BGP Identifier.
    pub router_id: Ipv4Addr,
    /// Seconds since the epoch at which the process started.
    pub started: u64,
    /// Listeners are bound and a generation is in force.
    pub ready: bool,
    /// Lab mode.
    pub lab: bool,
    /// Why the last reload was refused, if it was; one finding a line.
    pub last_reload_error: Option<Arc<str>>,
}

/// How long a reason stays the one to be seen, in seconds, while connections fail without one: the longest that
/// implementations in use wait after an error.
const CAUSE_STAYS: u64 = 300;

/// The error that ended the last connection; or one before it, where the last ended because of that.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct LastError {
    /// The NOTIFICATION's code, if there was one; of a Hard Reset, that of what it carries.
    pub code: Option<ErrorCode>,
    /// We sent it, rather than received it.
    pub sent: bool,
    /// In words; what a peer said in it is escaped.
    pub text: String,
    /// Seconds since the epoch.
    pub at: u64,
    /// What has come of it since, in words: how the last connection ended, where that was for no reason of its own.
    pub then: Option<String>,
}

/// A limit that a peer has passed, which keeps its session down.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LimitPassed {
    /// Which one.
    pub exceeded: LimitExceeded,
    /// Seconds since the epoch at which the session starts again; none: when somebody resets it.
    pub until: Option<u64>,
}

impl LastError {
    /// Whether this is what comes of another error rather than a reason of its own: a peer that was refused, or that
    /// refuses us, has its next connections turned away or dropped for a while, and that must not hide why.
    pub(super) fn comes_of(&self, cause: &Self) -> bool {
        !self.has_reason() && cause.has_reason() && self.at <= cause.at.saturating_add(CAUSE_STAYS)
    }

    fn has_reason(&self) -> bool {
        self.code.is_some_and(|code| code != ErrorCode::CONNECTION_REJECTED && code != ErrorCode::COLLISION)
    }
}

/// One session at one instant.
#[derive(Clone, Debug)]
pub struct SessionSnapshot {
    /// As configured.
    pub plan: Arc<SessionPlan>,
    /// RFC 4271 §8.2.2.
    pub state: State,
    /// Seconds since the epoch at which it became so.
    pub since: u64,
    /// Since the epoch: when the last session ended, or else since when the first has been waited for.
    pub ended: Duration,
    /// Our end of the connection, once there is one.
    pub local_address: Option<IpAddr>,
    /// Who dialled, once Established.
    pub direction: Option<Direction>,
    /// The peer's BGP Identifier, once Established.
    pub peer_id: Option<Ipv4Addr>,
    /// Seconds, once Established.
    pub hold_time: Option<u16>,
    /// Families negotiated; none before Established.
    pub families: PerFamily<bool>,
    /// What the two OPENs agreed on, once Established.
    pub negotiated: Option<Arc<Negotiated>>,
    /// For how long the peer may acknowledge nothing, once Established; zero: for ever.
    pub send_hold_time: Option<Duration>,
    /// What the peer's OPEN listed.
    pub peer_capabilities: Vec<Capability>,
    /// What our OPEN listed.
    pub local_capabilities: Vec<Capability>,
    /// Four-octet AS numbers are in use.
    pub four_octet_as: bool,
    /// IPv4 routes may go by way of IPv6 (RFC 8950).
    pub extended_next_hop: bool,
    /// Families of which the peer sends several paths of a prefix (RFC 7911); none before Established.
    pub add_path_receive: PerFamily<bool>,
    /// Prefixes the peer has been told.
    pub advertised: PerFamily<u64>,
    /// Prefixes still to be told or withdrawn.
    pub pending: PerFamily<u64>,
    /// End-of-RIB has been sent.
    pub end_of_rib_sent: PerFamily<bool>,
    /// Graceful restart as both sides have it, once Established.
    pub graceful_restart: Option<GracefulRestart>,
    /// Prefixes held in Adj-RIB-In, stale ones too.
    pub received: PerFamily<u64>,
    /// Of these, those that are accepted; all others are held and not used.
    pub accepted: PerFamily<u64>,
    /// Of those held, such as are of a session before and have not been announced again.
    pub stale: PerFamily<u64>,
    /// Seconds since the epoch at which stale ones go at the latest.
    pub stale_until: PerFamily<Option<u64>>,
    /// Families that hold so much of their limit that it was warned of.
    pub near_limit: PerFamily<bool>,
    /// Of the prefixes held, those with GRACEFUL_SHUTDOWN (RFC 8326).
    pub graceful_shutdown_received: u64,
    /// Of the prefixes held, those that are leaks by RFC 9234.
    pub leaks: u64,
    /// The limit that keeps the session down, if one does.
    pub limit_passed: Option<LimitPassed>,
    /// End-of-RIB has been received.
    pub end_of_rib_received: PerFamily<bool>,
    /// Times that an Established session ended.
    pub flaps: u64,
    /// Why the last connection ended.
    pub last_error: Option<LastError>,
}
