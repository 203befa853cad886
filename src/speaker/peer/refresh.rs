//! The route refreshes of one family that the peer is given: one runs, and one may wait.

use std::time::Duration;

use crate::fsm::Moment;

/// How long from the end of one refresh to the beginning of the next: a peer must not have the whole table by 23 octets
/// as often as it likes.
const PAUSE: Duration = Duration::from_secs(1);

/// Which refreshes are due, and when.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Refresh {
    /// One was asked for and has not started.
    is_due: bool,
    /// One runs: the peer is being told all again.
    runs: bool,
    /// When the last one ended.
    ended: Option<Moment>,
}

impl Refresh {
    /// One is asked for; with one that waits already it is the same.
    pub(super) fn ask(&mut self) {
        self.is_due = true;
    }

    /// When the one that waits may start; while one runs, that is not known.
    pub(super) fn when(&self) -> Option<Moment> {
        let can_start = self.is_due && !self.runs;
        can_start.then(|| self.ended.map_or(Moment::default(), |ended| ended + PAUSE))
    }

    /// The one that waits runs now.
    pub(super) fn start(&mut self) {
        (self.is_due, self.runs) = (false, true);
    }

    /// The peer has been told all: the one that ran is over, if one did.
    pub(super) fn end(&mut self, now: Moment) {
        if std::mem::take(&mut self.runs) {
            self.ended = Some(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: u64) -> Moment {
        Moment(Duration::from_millis(ms))
    }

    #[test]
    fn one_runs_one_may_wait_and_a_second_lies_between_them() {
        let mut refresh = Refresh::default();
        assert_eq!(refresh.when(), None);
        refresh.ask();
        assert_eq!(refresh.when(), Some(at(0)), "the first at once");
        refresh.start();
        (0..1000).for_each(|_| refresh.ask());
        assert_eq!(refresh.when(), None, "however long the first takes");
        refresh.end(at(60_000));
        assert_eq!(refresh.when(), Some(at(61_000)));
        refresh.start();
        refresh.end(at(61_500));
        assert_eq!(refresh.when(), None, "those that came meanwhile were one");
    }

    #[test]
    fn an_end_of_none_is_nothing() {
        let mut refresh = Refresh::default();
        refresh.end(at(5));
        refresh.ask();
        assert_eq!(refresh.when(), Some(at(0)));
    }
}
