//! The control socket and HTTP: JSON from snapshots only.
//!
//! Nothing here can slow a session: snapshots, generations and [`Told`](crate::advertise::Told) are immutable, and a
//! session's task is asked for a page of its Adj-RIB-In between two turns. What a client may cost is bounded: 256
//! connections for each listener, of which the one that has been silent for longest goes where there is one more, 10 s for
//! a request's head and between requests, 30 s without taking anything of an answer, 8 answers of more than 16 KiB at once,
//! and of these lists about 64 KiB each. So what 256 clients leave unread costs less than 16 MiB.
//!
//! HTTP is GET only; on the control socket orders are POSTs.
#![doc = include_str!("shapes.md")]

mod act;
mod azure;
mod capability;
mod connections;
mod error;
mod find;
mod json;
mod list;
mod origin;
mod protocol;
mod query;
mod range;
mod received_routes;
mod registered;
mod removed;
mod restart;
mod router;
mod seats;
mod serve;
mod socket;
mod transport;
mod why;

pub use router::{router, socket_router};
pub use serve::{serve_http, serve_socket};
pub use socket::bind_socket;

#[cfg(test)]
pub(crate) mod fixtures;
#[cfg(test)]
mod tests;
