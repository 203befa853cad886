//! Tokio tasks, sockets, channels, supervision. The only place with `unsafe`, in one file.

mod handle;
mod snapshot;

#[cfg(test)]
pub(crate) use handle::{Ask, SessionEntry};
pub use handle::{AskError, Handle};
pub use snapshot::{LastError, Overview, SessionSnapshot};
