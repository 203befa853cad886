//! What becomes of what a partner registers: verdicts on prefixes, by what the sessions see of them.

mod change;
mod required;
mod service;
mod verdict;

pub use change::{Presence, Sighted, changes, validated};
pub use required::Required;
pub use service::{KeyHolder, ServiceSessions, ServiceVerdict, judge_service_prefix, wrong_service_prefix};
pub use verdict::{Seen, Verdict, judge_registered_prefix, wrong_registered_prefix};

#[cfg(test)]
mod tests;
