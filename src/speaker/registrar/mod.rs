//! What partners registered, and what became of it: sessions say what they see, and the registrar judges.

#[allow(dead_code, reason = "the registrar is to take from it")]
mod mailbox;

pub(in crate::speaker) use mailbox::Mailbox;
#[allow(unused_imports, reason = "the registrar is to use it")]
pub(in crate::speaker) use mailbox::SeenBy;
