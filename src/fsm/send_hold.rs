//! Whether a peer still takes what it is sent (RFC 9687), by TCP's own account.
//!
//! That a socket is full proves little: a small table and days of KEEPALIVEs fit the buffers of both ends, and a slow
//! peer's socket is full for a while. So what counts is progress: something is unacknowledged, and no octet more has
//! been acknowledged since.
//!
//! Deviation: RFC 9687 §3 has no such timer where the hold time is 0. Here it runs, since there nothing else would ever
//! end the session.

use std::time::Duration;

use super::Moment;

/// The least of the default: RFC 9687 §3.
const LEAST_DEFAULT: Duration = Duration::from_secs(480);
/// How often TCP is asked, at most and at least.
const LOOKS: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(10));

/// The send hold timer of one session.
#[derive(Clone, Debug)]
pub struct SendHold {
    limit: Duration,
    /// When the present standstill was first seen.
    since: Option<Moment>,
    acknowledged: u64,
    next: Moment,
}

impl SendHold {
    /// Of a session that goes up now. `None` where the limit is zero: the peer may take as long as it likes.
    #[must_use]
    pub fn new(now: Moment, limit: Duration) -> Option<Self> {
        (!limit.is_zero()).then(|| Self { limit, since: None, acknowledged: 0, next: now + interval(limit) })
    }

    /// The limit where none is given: 8 minutes, or twice the hold time in seconds if that is more.
    #[must_use]
    pub fn default_limit(hold_time: u16) -> Duration {
        LEAST_DEFAULT.max(Duration::from_secs(hold_time.into()) * 2)
    }

    /// Another limit from now on; what has been seen stays seen.
    pub fn set_limit(&mut self, now: Moment, limit: Duration) {
        self.limit = limit;
        self.next = now;
    }

    /// When TCP is to be asked next.
    #[must_use]
    pub fn when(&self) -> Moment {
        self.next
    }

    /// What TCP says now: octets that are sent and not acknowledged, and all that ever were acknowledged. Whether the
    /// peer has taken nothing for the whole of the limit. It is never said too early; up to two intervals late.
    pub fn looked(&mut self, now: Moment, unacknowledged: u64, acknowledged: u64) -> bool {
        let stands = unacknowledged > 0 && acknowledged == self.acknowledged;
        self.acknowledged = acknowledged;
        self.since = if stands { self.since.or(Some(now)) } else { None };
        let end = self.since.map(|since| since + self.limit);
        self.next = end.filter(|end| *end > now).unwrap_or(now + interval(self.limit));
        self.next = self.next.min(now + interval(self.limit));
        end.is_some_and(|end| end <= now)
    }
}

fn interval(limit: Duration) -> Duration {
    let (least, most) = LOOKS;
    (limit / 8).clamp(least, most)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fsm::fixture::at;

    /// Asks whenever it is due, of a TCP that says this at each moment; when it was over, if it was within `end`.
    fn over(limit: u64, end: u64, tcp: impl Fn(u64) -> (u64, u64)) -> Option<u64> {
        let mut hold = SendHold::new(at(0), Duration::from_millis(limit)).unwrap();
        loop {
            let now = hold.when();
            let ms = u64::try_from(now.0.as_millis()).unwrap();
            if ms > end {
                return None;
            }
            let (unacknowledged, acknowledged) = tcp(ms);
            if hold.looked(now, unacknowledged, acknowledged) {
                return Some(ms);
            }
            assert!(hold.when() > now, "the next look is later");
        }
    }

    #[test]
    fn the_default_is_8_minutes_or_twice_the_hold_time() {
        for (hold_time, secs) in [(0, 480), (90, 480), (240, 480), (241, 482), (65535, 131_070)] {
            assert_eq!(SendHold::default_limit(hold_time), Duration::from_secs(secs));
        }
        assert!(SendHold::new(at(0), Duration::ZERO).is_none());
    }

    #[test]
    fn a_peer_that_has_taken_all_may_be_silent_for_ever() {
        assert_eq!(over(5_000, 86_400_000, |_| (0, 1_800)), None);
    }

    #[test]
    fn a_peer_that_takes_an_octet_now_and_then_is_slow_and_no_more() {
        assert_eq!(over(480_000, 86_400_000, |ms| (100_000, ms / 400_000)), None);
    }

    #[test]
    fn a_standstill_is_noticed_after_the_limit_and_soon_after_it() {
        for limit in [1_000, 5_000, 480_000] {
            for begins in [0, 1, 777, 60_000] {
                let tcp = |ms: u64| if ms < begins { (1, ms) } else { (19, begins) };
                let found = over(limit, 10_000_000, tcp).expect("it is over");
                let late = found.checked_sub(begins + limit).expect("not too early");
                assert!(late <= 2 * (limit / 8).clamp(250, 10_000), "{limit} {begins}: {late} ms late");
            }
        }
    }

    #[test]
    fn a_standstill_that_ends_is_forgotten() {
        let tcp = |ms: u64| if ms % 6_000 < 4_000 { (9, ms / 6_000) } else { (0, ms / 6_000 + 1) };
        assert_eq!(over(5_000, 3_600_000, tcp), None);
    }

    #[test]
    fn a_lower_limit_counts_at_once() {
        let mut hold = SendHold::new(at(0), Duration::from_secs(480)).unwrap();
        assert!(!hold.looked(at(10_000), 5, 0));
        hold.set_limit(at(30_000), Duration::from_secs(10));
        assert_eq!(hold.when(), at(30_000));
        assert!(hold.looked(at(30_000), 5, 0));
    }
}
