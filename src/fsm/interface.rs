//! The words in which the state machine and its driver speak.

use std::net::Ipv4Addr;
use std::ops::Add;
use std::time::Duration;

use serde::Serialize;

use super::GracefulRestart;
use crate::wire::{Asn, Capability, Notification, Open, PerFamily, Role};

/// A moment of a monotonic clock, as the time since some start that the driver chose.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Default)]
pub struct Moment(pub Duration);

impl Add<Duration> for Moment {
    type Output = Self;

    fn add(self, by: Duration) -> Self {
        Self(self.0.saturating_add(by))
    }
}

/// One TCP connection of a peer, never used again within a [`PeerFsm`](super)'s life.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct ConnId(pub u64);

/// Who dialled.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Direction {
    /// We did.
    Outbound,
    /// The peer did.
    Inbound,
}

/// The states of RFC 4271 §8.2.2; of a peer, its furthest connection's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[allow(missing_docs, reason = "each variant is the RFC's own word")]
pub enum State {
    Idle,
    Connect,
    Active,
    OpenSent,
    OpenConfirm,
    Established,
}

/// What the machine must know of a peer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FsmConfig {
    /// Our ASN.
    pub local_asn: Asn,
    /// Our BGP Identifier.
    pub local_id: Ipv4Addr,
    /// The ASN that the peer must present.
    pub peer_asn: Asn,
    /// The hold time we propose, seconds: 0, or 3–65535.
    pub hold_time: u16,
    /// Never dial.
    pub passive: bool,
    /// The families we offer.
    pub families: PerFamily<bool>,
    /// The capabilities of our OPEN, in order, the four-octet AS number and multiprotocol included.
    pub capabilities: Vec<Capability>,
    /// What we are to the peer, where that is said (RFC 9234); it is among the capabilities too.
    pub role: Option<Role>,
    /// With a role: the peer must say its own.
    pub strict_role: bool,
    /// How long it waits for what.
    pub timing: Timing,
}

/// Durations that can change without a new session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Timing {
    /// ConnectRetryTime and the first step of the idle-hold back-off, before jitter.
    pub connect_retry: Duration,
    /// The longest back-off, before jitter; at most 60 s for what the peer dials.
    pub max_backoff: Duration,
    /// DelayOpenTime: how long our OPEN waits for the peer's once TCP is up; zero: not at all.
    pub delay_open: Duration,
}

/// What two OPENs agreed on.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Negotiated {
    /// Who dialled.
    pub direction: Direction,
    /// The peer's OPEN, whole.
    pub peer_open: Open,
    /// The peer's ASN.
    pub peer_asn: Asn,
    /// The smaller of the two hold times, seconds; 0: none.
    pub hold_time: u16,
    /// Families that both sides offered.
    pub families: PerFamily<bool>,
    /// Both sides have four-octet AS numbers (RFC 6793).
    pub four_octet_as: bool,
    /// The peer can ask for, and take, a ROUTE-REFRESH (RFC 2918).
    pub route_refresh: bool,
    /// Both sides have enhanced route refresh (RFC 7313).
    pub enhanced_route_refresh: bool,
    /// Both sides have extended messages (RFC 8654).
    pub extended_message: bool,
    /// IPv4 routes may have an IPv6 next hop (RFC 8950), and we can give one.
    pub extended_next_hop: bool,
    /// Graceful restart, where both sides listed it.
    pub graceful_restart: Option<GracefulRestart>,
    /// The capabilities of our own OPEN.
    pub local_capabilities: Vec<Capability>,
    /// The peer's role, where both sides said theirs (RFC 9234).
    pub peer_role: Option<Role>,
    /// The peer sends several paths of a prefix (RFC 7911), as it said it could and we said we take.
    pub add_path_receive: PerFamily<bool>,
}

/// One input of [`PeerFsm`](super::PeerFsm), as a driver may record it to replay a run; see [`replay`](super::replay).
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Event {
    /// `handle_start`.
    Start,
    /// `handle_stop`.
    Stop(Option<Notification>),
    /// `handle_reset`.
    Reset(Notification),
    /// `handle_config`.
    Config(Box<FsmConfig>, Notification),
    /// `set_timing`.
    Timing(Timing),
    /// `handle_restart_over`.
    RestartOver,
    /// `handle_accepted`.
    Accepted,
    /// `handle_connected`.
    Connected(ConnId),
    /// `handle_connect_failed`.
    ConnectFailed(ConnId),
    /// `handle_closed`.
    Closed(ConnId),
    /// `handle_message`.
    Message(ConnId, Incoming),
    /// `handle_send_hold`.
    SendHold(ConnId),
    /// `handle_timeout`.
    Timeout,
}

/// What came in on a connection. UPDATEs are decoded elsewhere; the machine only learns that one came.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Incoming {
    /// An OPEN that decoded.
    Open(Open),
    /// A KEEPALIVE.
    Keepalive,
    /// An UPDATE that does not end the session.
    Update,
    /// A ROUTE-REFRESH that decoded, or was to be ignored.
    RouteRefresh,
    /// A NOTIFICATION.
    Notification(Notification),
    /// Something that ends the session, with the NOTIFICATION to answer it by.
    Malformed(Notification),
}

/// A message that the machine wants sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Outgoing {
    /// An OPEN.
    Open(Open),
    /// A KEEPALIVE.
    Keepalive,
    /// A NOTIFICATION; [`Action::Close`] follows.
    Notification(Notification),
}

/// Why a connection, and a session if it was one, ended.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum DownReason {
    /// We sent this.
    Sent(Notification),
    /// The peer sent this.
    Received(Notification),
    /// The peer closed TCP, or TCP failed.
    ConnectionLost,
    /// A restart of ours that keeps the routes at the peer: closed without NOTIFICATION (RFC 4724).
    Restart,
}

/// What the driver is to do, in order.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Action {
    /// Dial the peer, and report `handle_connected` or `handle_connect_failed` with this id.
    Dial(ConnId),
    /// Send on a connection.
    Send(ConnId, Outgoing),
    /// Close a connection once what was sent before is out, within 1 s; of a dial under way, give it up.
    Close(ConnId),
    /// The session is Established on this connection. Routes may flow.
    Up(ConnId, Box<Negotiated>),
    /// The session, Established on this connection, has ended.
    Down(ConnId, DownReason),
    /// An attempt that never got to Established has ended.
    AttemptFailed(ConnId, DownReason),
}

/// An inbound connection that the machine will not take; the driver closes it, with the NOTIFICATION if there is one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Refused(pub Option<Notification>);
