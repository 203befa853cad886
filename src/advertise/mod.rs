//! The hot path: generation → shared NLRI → per-peer messages; cursors and deltas.
//!
//! A generation's NLRI is encoded once, in wire order. A session's [`View`] says which routes of it the session may have,
//! and its profile where the NLRI is cut into messages; both are shared by all sessions that have the same. What is a
//! session's own is its [`Outbox`]: for each family a lane, which is how far the table is painted and the exceptions to
//! that. From these, what the peer was told is known for every prefix at every moment, so that a new target never has to
//! wait and nothing obsolete is ever said.
//!
//! RFC 4271 §4.3 and §9.2, 4760, 4724 (End-of-RIB), 6793, 7313, 7606 §5.1, 8326, 8654, 8950, 9234.

mod any_lane;
mod counters;
mod cuts;
mod delta;
mod draft;
mod head;
mod lane;
#[cfg(test)]
mod naive;
mod outbox;
mod picture;
mod profile;
mod sheet;
mod step;
mod told;
mod view;
mod zones;

pub use counters::Counters;
pub use outbox::{Outbox, Outcome, Wrote};
pub use profile::{Announcing, SessionProfile};
pub use told::{Told, ToldRoute};
pub use view::{Board, LeftOut, Selector, View};
