//! The hot path: generation → shared NLRI → per-peer messages; cursors and deltas.

mod told;

pub use told::{Told, ToldRoute};
