//! One file a command family.

mod client;
pub mod show;
mod table;
