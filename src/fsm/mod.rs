//! The peer state machine (RFC 4271 §8), sans-IO: events and the time in, actions and one deadline out.

mod interface;

pub use interface::{
    Action, ConnId, Direction, DownReason, FsmConfig, Incoming, Moment, Negotiated, Outgoing, Refused, State,
};
