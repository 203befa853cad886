//! Every duration of the machine: the timers of a connection, and the back-off of a direction.

use std::time::Duration;

use fastrand::Rng;

use super::Moment;

/// How long a connection may stay before its peer's OPEN and first KEEPALIVE: the "large value" of RFC 4271 §8.2.2.
pub(super) const OPEN_HOLD: Duration = Duration::from_secs(240);
/// How long a dial may take until TCP is up.
///
/// Deviation: RFC 4271 §8.2.2 dials again when ConnectRetryTimer expires in Connect. Here that time is the first step
/// of the back-off, which may be shorter than a slow handshake.
pub(super) const DIAL_LIMIT: Duration = Duration::from_secs(20);
/// A start is spread over this much, so that two speakers that start together do not always collide.
const START_SPREAD_MS: u64 = 100;
/// The pause before dialling again after a session or a lost collision, and the least of any back-off, before jitter.
pub(super) const REDIAL: Duration = Duration::from_secs(1);
/// The pause before accepting again after a session shorter than [`SHORT_LIVED`] or a lost collision, before jitter.
pub(super) const BREATHER: Duration = Duration::from_millis(500);
/// A session shorter than this may be one of a thousand.
pub(super) const SHORT_LIVED: Duration = Duration::from_secs(10);
/// Inbound connections are never refused for longer than this.
pub(super) const LONGEST_REFUSAL: Duration = Duration::from_secs(60);
/// An attempt of this age gives way to a new connection that the peer dials.
pub(super) const PATIENCE: Duration = Duration::from_secs(5);
/// How long a connection that contests a session waits for the peer's choice.
pub(super) const CONTEST: Duration = Duration::from_secs(2);
/// A connection that the peer dials this long after a session went up cannot be the session's simultaneous twin.
pub(super) const SETTLED: Duration = Duration::from_secs(5);
/// KEEPALIVEs are never closer than this (RFC 4271 §4.4).
const SHORTEST_KEEPALIVE: Duration = Duration::from_secs(1);

/// A duration times 0.75–1.0 (RFC 4271 §10).
pub(super) fn jittered(duration: Duration, rng: &mut Rng) -> Duration {
    duration.saturating_mul(rng.u32(750..=1000)) / 1000
}

/// Which timer of a connection is due.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Due {
    /// The time that the connection may stay as it is, is over.
    Hold,
    /// A KEEPALIVE is to be sent.
    Keepalive,
}

/// The timers of one connection.
#[derive(Clone, Debug)]
pub(super) struct Timers {
    /// The negotiated hold time; zero before negotiation, and where there is none.
    hold_time: Duration,
    hold: Option<Moment>,
    keepalive: Option<Moment>,
}

impl Timers {
    /// One limit, and no KEEPALIVEs.
    pub(super) fn limit(at: Moment) -> Self {
        Self { hold_time: Duration::ZERO, hold: Some(at), keepalive: None }
    }

    /// OpenConfirm: a KEEPALIVE was just sent, the peer's first is awaited. Hold time in seconds.
    ///
    /// Deviation: RFC 4271 §8.2.2 runs no hold timer where the hold time is 0. Until the first KEEPALIVE the large
    /// value stays, or a silent peer would hold a connection for ever.
    pub(super) fn confirm(now: Moment, hold_time: u16, rng: &mut Rng) -> Self {
        let hold_time = Duration::from_secs(hold_time.into());
        let limit = if hold_time.is_zero() { OPEN_HOLD } else { hold_time };
        let mut timers = Self { hold_time, hold: Some(now + limit), keepalive: None };
        timers.sent_keepalive(now, rng);
        timers
    }

    /// Something came from an Established peer: the hold timer starts again, where there is one.
    pub(super) fn heard(&mut self, now: Moment) {
        self.hold = (!self.hold_time.is_zero()).then(|| now + self.hold_time);
    }

    /// A KEEPALIVE was sent: the next is due after a third of the hold time, with jitter.
    ///
    /// Deviation: RFC 4271 §8.2.2 restarts this timer at each UPDATE too. The machine does not see those; a
    /// KEEPALIVE too many does no harm.
    pub(super) fn sent_keepalive(&mut self, now: Moment, rng: &mut Rng) {
        let interval = jittered(self.hold_time / 3, rng).max(SHORTEST_KEEPALIVE);
        self.keepalive = (!self.hold_time.is_zero()).then(|| now + interval);
    }

    /// The next moment at which something is due.
    pub(super) fn deadline(&self) -> Option<Moment> {
        self.hold.into_iter().chain(self.keepalive).min()
    }

    /// What is due. The end of the connection comes before a KEEPALIVE.
    pub(super) fn due(&self, now: Moment) -> Option<Due> {
        if self.hold.is_some_and(|at| at <= now) {
            Some(Due::Hold)
        } else if self.keepalive.is_some_and(|at| at <= now) {
            Some(Due::Keepalive)
        } else {
            None
        }
    }
}

/// The idle hold of one direction (RFC 4271 §8.1.1, DampPeerOscillations): grows over attempts that never reached
/// Established.
#[derive(Clone, Debug, Default)]
pub(super) struct Backoff {
    failures: u32,
    until: Option<Moment>,
}

impl Backoff {
    /// Nothing before this moment; `None`: at once.
    pub(super) fn until(&self) -> Option<Moment> {
        self.until
    }

    /// Attempts in a row that never reached Established.
    pub(super) fn failures(&self) -> u32 {
        self.failures
    }

    /// Whether it still holds.
    pub(super) fn holds(&self, now: Moment) -> bool {
        self.until.is_some_and(|until| now < until)
    }

    /// Forgets a hold that is over.
    pub(super) fn lapse(&mut self, now: Moment) {
        self.until = self.until.filter(|until| now < *until);
    }

    /// No failures, no hold.
    pub(super) fn reset(&mut self) {
        *self = Self::default();
    }

    /// The attempts since the last session no longer count, since one got there.
    pub(super) fn succeeded(&mut self) {
        self.failures = 0;
    }

    /// A start at any moment of the next 100 ms.
    pub(super) fn spread(&mut self, now: Moment, rng: &mut Rng) {
        self.until = Some(now + Duration::from_millis(rng.u64(0..=START_SPREAD_MS)));
    }

    /// At least this long, with jitter, and no failure counted.
    pub(super) fn pause(&mut self, now: Moment, duration: Duration, rng: &mut Rng) {
        self.until = self.until.max(Some(now + jittered(duration, rng)));
    }

    /// One more attempt failed: the first step doubled for each one before, at most the cap, with jitter.
    pub(super) fn fail(&mut self, now: Moment, first: Duration, cap: Duration, rng: &mut Rng) {
        let factor = 1_u32 << self.failures.min(16);
        self.failures = self.failures.saturating_add(1);
        let step = first.max(REDIAL).saturating_mul(factor).min(cap.max(REDIAL));
        self.until = Some(now + jittered(step, rng));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const T0: Moment = Moment(Duration::from_secs(1000));

    fn wait(backoff: &Backoff, now: Moment) -> Duration {
        backoff.until().map_or(Duration::ZERO, |until| until.0 - now.0)
    }

    #[test]
    fn the_back_off_doubles_up_to_its_cap_and_starts_again_after_a_reset() {
        let mut rng = Rng::with_seed(1);
        let mut backoff = Backoff::default();
        for step in [5, 10, 20, 40, 60, 60, 60] {
            backoff.fail(T0, Duration::from_secs(5), Duration::from_secs(60), &mut rng);
            let waited = wait(&backoff, T0);
            let full = Duration::from_secs(step);
            assert!(waited >= full * 3 / 4 && waited <= full, "{step} s: {waited:?}");
        }
        backoff.reset();
        assert!(!backoff.holds(T0));
        backoff.fail(T0, Duration::from_secs(5), Duration::from_secs(60), &mut rng);
        assert!(wait(&backoff, T0) <= Duration::from_secs(5));
    }

    #[test]
    fn no_configuration_makes_the_back_off_vanish_or_overflow() {
        let mut rng = Rng::with_seed(1);
        let mut backoff = Backoff::default();
        for _ in 0..100 {
            backoff.fail(T0, Duration::ZERO, Duration::ZERO, &mut rng);
            assert!(wait(&backoff, T0) >= Duration::from_millis(750));
            backoff.fail(T0, Duration::MAX, Duration::MAX, &mut rng);
            assert!(backoff.holds(T0));
        }
    }

    #[test]
    fn a_pause_never_shortens_a_hold() {
        let mut rng = Rng::with_seed(1);
        let mut backoff = Backoff::default();
        backoff.fail(T0, Duration::from_secs(60), Duration::from_secs(60), &mut rng);
        let before = backoff.until();
        backoff.pause(T0, BREATHER, &mut rng);
        assert_eq!(backoff.until(), before);
    }

    #[test]
    fn keepalives_come_at_a_third_of_the_hold_time_with_jitter_but_no_faster_than_one_a_second() {
        let mut rng = Rng::with_seed(7);
        for hold_time in [3_u16, 9, 90, 65535] {
            for _ in 0..200 {
                let timers = Timers::confirm(T0, hold_time, &mut rng);
                let gap = timers.deadline().unwrap().0 - T0.0;
                let third = Duration::from_secs(hold_time.into()) / 3;
                assert!(
                    gap <= third && gap >= (third * 3 / 4).max(Duration::from_secs(1)),
                    "{hold_time}: {gap:?}"
                );
            }
        }
    }

    #[test]
    fn without_a_hold_time_only_the_first_keepalive_is_awaited() {
        let mut rng = Rng::with_seed(7);
        let mut timers = Timers::confirm(T0, 0, &mut rng);
        assert_eq!(timers.deadline(), Some(T0 + OPEN_HOLD));
        timers.heard(T0);
        assert_eq!(timers.deadline(), None);
        assert_eq!(timers.due(Moment(Duration::MAX)), None);
    }
}
