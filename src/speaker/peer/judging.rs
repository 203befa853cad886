//! Which of the peer's routes are accepted, by a policy that a reload may change, and what the registrar hears of it.

use std::time::Duration;

use super::Peer;
use crate::fsm::Moment;
use crate::wire::Family;

/// Routes judged anew in one turn, between which the session goes on: some hundred microseconds.
const JUDGED: usize = 2048;
/// Paths of registered prefixes that are looked at in one turn, for what is told of those.
const TOLD: usize = 256;
/// How long a peer that is Established may take to tell its table; its End-of-RIB says that it has.
const TELLS_WITHIN: Duration = Duration::from_secs(5);

impl Peer {
    /// Judges a turn's worth, and tells the registrar of what has become of registered prefixes.
    pub(super) fn judge(&mut self) {
        if self.adj_rib_in.has_to_judge() {
            self.adj_rib_in.judge_more(JUDGED);
            self.report(TOLD);
            self.busy |= self.adj_rib_in.has_to_judge();
        }
        let number = Some(self.intent.number);
        if self.answered != number && !self.adj_rib_in.has_to_tell() && !self.awaits_table() {
            self.answered = number;
            self.links.pen.answered(self.intent.number);
        }
    }

    /// The session is Established: what the peer has not told yet is not missing yet.
    pub(super) fn await_table(&mut self) {
        self.told_by = Some(self.now() + TELLS_WITHIN);
    }

    /// Whether the peer is about to tell its table. Nobody waits for the end of it: the registrar goes on without an answer.
    fn awaits_table(&self) -> bool {
        let Some(negotiated) = self.fsm.negotiated() else { return false };
        let is_left = |family: &Family| *negotiated.families.get(*family) && !self.status.has_ended(*family);
        self.told_by.is_some_and(|by| self.now() < by) && Family::ALL.iter().any(is_left)
    }

    /// What is left of it is done at once.
    pub(super) fn judging_deadline(&self) -> Option<Moment> {
        self.adj_rib_in.has_to_judge().then(Moment::default)
    }

    /// Tells all that there is to tell, as when the session's task ends.
    pub(super) fn report_all(&mut self) {
        self.report(usize::MAX);
    }

    fn report(&mut self, limit: usize) {
        let seen = self.adj_rib_in.take_sightings(limit);
        if !seen.is_empty() {
            self.links.pen.post(seen);
        }
    }
}
