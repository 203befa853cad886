//! The hot path: generation → shared NLRI → per-peer messages; cursors and deltas.
