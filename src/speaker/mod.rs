//! Tokio tasks, sockets, channels, supervision. The only place with `unsafe`, in one file.

mod snapshot;

pub use snapshot::{LastError, Overview, SessionSnapshot};
