//! A bound on what anybody outside can make the log say.

use std::fmt;

use super::clock::Clock;

/// Lets one line a second through of what a peer can bring about as often as it likes.
#[derive(Debug, Default)]
pub(super) struct Said {
    second: u64,
    unsaid: u64,
}

/// How many times something was not said since it was said last, for the end of a line: nothing where that is never.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Unsaid(u64);

impl fmt::Display for Unsaid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            0 => Ok(()),
            times => write!(f, " (+{times} not logged)"),
        }
    }
}

impl Said {
    /// Whether to say it now, and how many times it was not said before.
    pub(super) fn again(&mut self) -> Option<Unsaid> {
        self.again_at(Clock::unix())
    }

    fn again_at(&mut self, now: u64) -> Option<Unsaid> {
        if now == self.second {
            self.unsaid += 1;
            return None;
        }
        self.second = now;
        Some(Unsaid(std::mem::take(&mut self.unsaid)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_not_logged_is_counted() {
        let mut said = Said::default();
        let line = |unsaid: Option<Unsaid>| unsaid.map(|unsaid| format!("it happened{unsaid}"));
        let times = [10, 10, 10, 11, 12];
        let lines: Vec<_> = times.into_iter().filter_map(|now| line(said.again_at(now))).collect();
        assert_eq!(lines, ["it happened", "it happened (+2 not logged)", "it happened"]);
    }
}
