//! The peer state machine (RFC 4271 §8), sans-IO: events and the time in, actions and one deadline out.
//!
//! [`PeerFsm`] is a peer: dialling, back-off, accepting, and up to two connections with their collision (§6.8).
//! `connection` is one TCP connection, every state × every event written out. `negotiation` makes two OPENs into
//! what they agree on, `collision` says which of two connections lives, `restart` what outlives a session, `timers` holds
//! every duration. [`SendHold`] tells a peer that takes nothing more from one that is slow, and [`replay`] runs what was
//! recorded.
//! No sockets, no clock, no logging: the same events at the same moments with the same seed give the same actions.
//!
//! RFC 4271 (§6.2, §6.5–6.8, §8), 4724 and 8538 (graceful restart), 9494 (long-lived graceful restart), 5492 and 4760
//! (families), 6286 (BGP Identifier), 6608 (FSM error subcodes), 6793 and 7607 (AS numbers), 9234 §4 (roles), 9687 (send
//! hold timer).

mod collision;
mod connection;
mod interface;
mod negotiation;
mod peer;
mod recording;
mod restart;
mod send_hold;
mod timers;

#[cfg(test)]
mod fixture;
#[cfg(test)]
mod tests;

pub use interface::{
    Action, ConnId, Direction, DownReason, Event, FsmConfig, Incoming, Moment, Negotiated, Outgoing, Refused,
    State, Timing,
};
pub use negotiation::{negotiate, our_open};
pub use peer::PeerFsm;
pub use recording::replay;
pub use restart::{GracefulRestart, Kept, keeps_routes};
pub use send_hold::SendHold;
