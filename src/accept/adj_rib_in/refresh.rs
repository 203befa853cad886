//! Refreshes that the peer marks: it says all of a family again between BoRR and EoRR, and what it has not named by then is
//! gone (RFC 7313 §4).
//!
//! RFC 7313 lets a receiver bound the time between the two, and lets it remove what was not named once that is over. Here it
//! stays: a peer that is slow, or forgets to say the end, must not lose routes that it still has, and what it no longer has
//! is bounded by its limits like the rest. The refresh is over then, and a late EoRR means nothing.

use std::time::Duration;

use super::AdjRibIn;
use crate::fsm::Moment;
use crate::wire::{Family, PerFamily};

/// How long a peer may take to announce its routes again, up to EoRR, or in a session that is back up to End-of-RIB.
/// RFC 7313 §4 and RFC 4724 §4.2 leave such a bound to us; this is several times what a full table takes, and what other
/// speakers have.
pub(in crate::accept) const REFRESH_WITHIN: Duration = Duration::from_secs(360);

/// How far a family's refreshes have come.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rounds {
    number: u32,
    /// BoRR has come, and EoRR has not; until when it may.
    until: Option<Moment>,
}

impl Rounds {
    /// That of the last refresh that began; a route has the number of the one that it was announced in.
    pub(super) fn number(self) -> u32 {
        self.number
    }
}

impl AdjRibIn {
    /// The peer says all of a family again (BoRR). One that was under way begins anew.
    pub fn begin_refresh(&mut self, now: Moment, family: Family) {
        let rounds = self.rounds.get_mut(family);
        *rounds = Rounds { number: rounds.number.wrapping_add(1), until: Some(now + REFRESH_WITHIN) };
    }

    /// The peer has said all of it again (EoRR); how many routes went because it did not name them. An end without a
    /// beginning is nothing. O(n).
    pub fn end_refresh(&mut self, family: Family) -> u64 {
        let rounds = self.rounds.get_mut(family);
        let number = rounds.number;
        match rounds.until.take() {
            Some(_) => self.retain(family, |entry| entry.round == number),
            None => 0,
        }
    }

    /// When a refresh that has not come to its end is over, if there is one: [`Self::handle_refresh_timeout`].
    #[must_use]
    pub fn refresh_until(&self) -> Option<Moment> {
        let PerFamily { ipv4, ipv6 } = self.rounds;
        [ipv4.until, ipv6.until].into_iter().flatten().min()
    }

    /// Ends refreshes whose time is over, and says which those were. All routes stay.
    pub fn handle_refresh_timeout(&mut self, now: Moment) -> PerFamily<bool> {
        PerFamily::from_fn(|family| {
            let until = &mut self.rounds.get_mut(family).until;
            until.take_if(|until| *until <= now).is_some()
        })
    }

    /// The session is over: a refresh that had begun will not come to its end.
    pub fn forget_refreshes(&mut self) {
        for family in Family::ALL {
            self.rounds.get_mut(family).until = None;
        }
    }
}
