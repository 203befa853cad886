//! What a peer may tell us: Adj-RIB-In, limits, reasons. Nothing here is ever advertised.

mod received;

pub use received::{ReceivedAttrs, ReceivedRoute};
