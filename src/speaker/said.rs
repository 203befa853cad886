//! A bound on what anybody outside can make the log say.

use super::clock::Clock;

/// Lets one line a second through of what a peer can bring about as often as it likes.
#[derive(Debug, Default)]
pub(super) struct Said {
    second: u64,
    unsaid: u64,
}

impl Said {
    /// Whether to say it now, and how many times it was not said before.
    pub(super) fn again(&mut self) -> Option<u64> {
        let now = Clock::unix();
        if now == self.second {
            self.unsaid += 1;
            return None;
        }
        self.second = now;
        Some(std::mem::take(&mut self.unsaid))
    }
}
