//! What partners registered, and what became of it: sessions say what they see, and the registrar judges.

#[allow(dead_code, reason = "sessions and the registrar are to use it")]
mod mailbox;

#[allow(unused_imports, reason = "sessions and the registrar are to use it")]
pub(in crate::speaker) use mailbox::{Mailbox, SeenBy};
