//! What is counted of one session.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use super::labels::{Counts, MessageType, NotificationCode, Way};
use crate::advertise::Counters;
use crate::fsm::State;
use crate::wire::{ErrorCode, Family, PerFamily, Treatment};

/// What tells one session's series from another's; both come from the config.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SessionLabels {
    /// The connection's name.
    pub connection: Arc<str>,
    /// The peer's address; unique among sessions.
    pub session_ip: IpAddr,
}

/// A number of prefixes that goes up and down.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PrefixGauge {
    /// Prefixes the peer has been told.
    Advertised,
    /// Prefixes still to be told or withdrawn.
    Pending,
    /// Prefixes held in Adj-RIB-In.
    Received,
    /// Of these, those that are accepted.
    Accepted,
    /// Of those received, those that are held and not accepted.
    Held,
    /// Of those received, such as are of a session before and have not been announced again.
    Stale,
    /// The most of them that the session may hold; 0: it has no limit of its own.
    Limit,
}

/// One value for each way.
#[derive(Debug, Default)]
struct PerWay<T> {
    sent: T,
    received: T,
}

impl<T> PerWay<T> {
    fn get(&self, way: Way) -> &T {
        match way {
            Way::Sent => &self.sent,
            Way::Received => &self.received,
        }
    }
}

/// The counters of one session: plain atomics, cheap enough for every message.
#[derive(Debug, Default)]
pub struct SessionMetrics {
    state: AtomicU8,
    last_state_change: AtomicU64,
    /// Seconds since the epoch; 0: nobody has said so.
    known_since: AtomicU64,
    /// Seconds in Established, up to the last change of state.
    established_for: AtomicU64,
    established: AtomicU64,
    flaps: AtomicU64,
    connect_attempts: AtomicU64,
    connect_failures: AtomicU64,
    inbound_refused: AtomicU64,
    bytes: PerWay<AtomicU64>,
    messages: PerWay<Counts<5>>,
    notifications: PerWay<Counts<9>>,
    announced: PerWay<Counts<2>>,
    withdrawn: PerWay<Counts<2>>,
    treatments: Counts<4>,
    advertised: Counts<2>,
    pending: Counts<2>,
    received: Counts<2>,
    accepted: Counts<2>,
    held: Counts<2>,
    stale: Counts<2>,
    limit: Counts<2>,
    limit_passed: Counts<2>,
    leaks: AtomicU64,
}

impl SessionMetrics {
    /// The session went to a state, at a time in seconds since the epoch.
    pub fn set_state(&self, state: State, at: u64) {
        if self.is_up() {
            let passed = at.saturating_sub(self.last_state_change());
            self.established_for.fetch_add(passed, Ordering::Relaxed);
        }
        self.state.store(state_number(state), Ordering::Relaxed);
        self.last_state_change.store(at, Ordering::Relaxed);
    }

    /// The session is there since this time, in seconds since the epoch, unless it has been before.
    pub(super) fn set_known(&self, at: u64) {
        if self.known_since.load(Ordering::Relaxed) == 0 {
            self.known_since.store(at, Ordering::Relaxed);
        }
    }

    /// The session came to Established.
    pub fn count_established(&self) {
        self.established.fetch_add(1, Ordering::Relaxed);
    }

    /// An Established session ended.
    pub fn count_flap(&self) {
        self.flaps.fetch_add(1, Ordering::Relaxed);
    }

    /// We began to dial.
    pub fn count_connect_attempt(&self) {
        self.connect_attempts.fetch_add(1, Ordering::Relaxed);
    }

    /// An attempt, dialled or accepted, ended before Established.
    pub fn count_connect_failure(&self) {
        self.connect_failures.fetch_add(1, Ordering::Relaxed);
    }

    /// A connection that the peer dialled was not taken.
    pub fn count_inbound_refused(&self) {
        self.inbound_refused.fetch_add(1, Ordering::Relaxed);
    }

    /// `n` messages of one type passed.
    pub fn count_messages(&self, way: Way, kind: MessageType, n: u64) {
        self.messages.get(way).add(kind, n);
    }

    /// A NOTIFICATION passed. It is a message too, and counted as one by [`Self::count_messages`] only.
    pub fn count_notification(&self, way: Way, code: ErrorCode) {
        self.notifications.get(way).add(NotificationCode::from(code), 1);
    }

    /// `n` octets of BGP messages passed.
    pub fn count_bytes(&self, way: Way, n: u64) {
        self.bytes.get(way).fetch_add(n, Ordering::Relaxed);
    }

    /// `n` prefixes were announced.
    pub fn count_announced(&self, way: Way, family: Family, n: u64) {
        self.announced.get(way).add(family, n);
    }

    /// `n` prefixes were withdrawn.
    pub fn count_withdrawn(&self, way: Way, family: Family, n: u64) {
        self.withdrawn.get(way).add(family, n);
    }

    /// What an outbox has sent since its counters stood at `before`: messages, octets and prefixes. NOTIFICATIONs by
    /// code are [`Self::count_notification`]'s.
    pub fn count_sent(&self, before: &Counters, now: &Counters) {
        for (kind, before, now) in [
            (MessageType::Open, before.opens, now.opens),
            (MessageType::Update, before.updates, now.updates),
            (MessageType::Notification, before.notifications, now.notifications),
            (MessageType::Keepalive, before.keepalives, now.keepalives),
            (MessageType::RouteRefresh, before.route_refreshes, now.route_refreshes),
        ] {
            self.count_messages(Way::Sent, kind, now.saturating_sub(before));
        }
        self.count_bytes(Way::Sent, now.bytes.saturating_sub(before.bytes));
        for family in Family::ALL {
            let grown = |now: &PerFamily<u64>, before: &PerFamily<u64>| {
                now.get(family).saturating_sub(*before.get(family))
            };
            self.count_announced(Way::Sent, family, grown(&now.announced, &before.announced));
            self.count_withdrawn(Way::Sent, family, grown(&now.withdrawn, &before.withdrawn));
        }
    }

    /// An UPDATE from the peer had errors, and this was done about it. [`Treatment::Accept`] is not exposed.
    pub fn count_treatment(&self, treatment: Treatment) {
        self.treatments.add(treatment, 1);
    }

    /// The peer announced `n` prefixes that by ONLY_TO_CUSTOMER are leaks.
    pub fn count_leaks(&self, n: u64) {
        self.leaks.fetch_add(n, Ordering::Relaxed);
    }

    /// The peer passed the session's own limit of a family.
    pub fn count_limit_passed(&self, family: Family) {
        self.limit_passed.add(family, 1);
    }

    /// Times that the peer passed the session's own limit of a family.
    #[must_use]
    pub fn limit_passed(&self, family: Family) -> u64 {
        self.limit_passed.get(family)
    }

    /// Prefixes announced that by ONLY_TO_CUSTOMER were leaks.
    #[must_use]
    pub fn leaks(&self) -> u64 {
        self.leaks.load(Ordering::Relaxed)
    }

    /// Sets how many prefixes there are of a kind.
    pub fn set_prefixes(&self, gauge: PrefixGauge, family: Family, n: u64) {
        self.gauge(gauge).set(family, n);
    }

    fn gauge(&self, gauge: PrefixGauge) -> &Counts<2> {
        match gauge {
            PrefixGauge::Advertised => &self.advertised,
            PrefixGauge::Pending => &self.pending,
            PrefixGauge::Received => &self.received,
            PrefixGauge::Accepted => &self.accepted,
            PrefixGauge::Held => &self.held,
            PrefixGauge::Stale => &self.stale,
            PrefixGauge::Limit => &self.limit,
        }
    }

    /// Whether the session is Established.
    #[must_use]
    pub fn is_up(&self) -> bool {
        self.state() == u64::from(state_number(State::Established))
    }

    /// The state's number, 0 (Idle) to 5 (Established).
    #[must_use]
    pub fn state(&self) -> u64 {
        u64::from(self.state.load(Ordering::Relaxed))
    }

    /// Seconds since the epoch at which the state last changed; 0: never.
    #[must_use]
    pub fn last_state_change(&self) -> u64 {
        self.last_state_change.load(Ordering::Relaxed)
    }

    /// Times the session came to Established.
    #[must_use]
    pub fn established(&self) -> u64 {
        self.established.load(Ordering::Relaxed)
    }

    /// Seconds that the session has been Established, up to `now` in seconds since the epoch.
    #[must_use]
    pub fn established_for(&self, now: u64) -> u64 {
        let before = self.established_for.load(Ordering::Relaxed);
        let lasting = if self.is_up() { now.saturating_sub(self.last_state_change()) } else { 0 };
        before.saturating_add(lasting)
    }

    /// Azure's SessionAvailability: the part of its time that the session has been Established, 0 to 1, from when the daemon
    /// has known it up to `now` in seconds since the epoch.
    #[must_use]
    pub fn availability(&self, now: u64) -> f64 {
        let known = now.saturating_sub(self.known_since.load(Ordering::Relaxed));
        if known == 0 {
            return f64::from(u8::from(self.is_up()));
        }
        (self.established_for(now) as f64 / known as f64).min(1.0)
    }

    /// Times that an Established session ended.
    #[must_use]
    pub fn flaps(&self) -> u64 {
        self.flaps.load(Ordering::Relaxed)
    }

    /// Times that we began to dial.
    #[must_use]
    pub fn connect_attempts(&self) -> u64 {
        self.connect_attempts.load(Ordering::Relaxed)
    }

    /// Attempts that ended before Established.
    #[must_use]
    pub fn connect_failures(&self) -> u64 {
        self.connect_failures.load(Ordering::Relaxed)
    }

    /// Connections from the peer that were not taken.
    #[must_use]
    pub fn inbound_refused(&self) -> u64 {
        self.inbound_refused.load(Ordering::Relaxed)
    }

    /// Messages of one type that passed.
    #[must_use]
    pub fn messages(&self, way: Way, kind: MessageType) -> u64 {
        self.messages.get(way).get(kind)
    }

    /// NOTIFICATIONs of one code that passed.
    #[must_use]
    pub fn notifications(&self, way: Way, code: NotificationCode) -> u64 {
        self.notifications.get(way).get(code)
    }

    /// Octets of BGP messages that passed.
    #[must_use]
    pub fn bytes(&self, way: Way) -> u64 {
        self.bytes.get(way).load(Ordering::Relaxed)
    }

    /// Prefixes that were announced.
    #[must_use]
    pub fn announced(&self, way: Way, family: Family) -> u64 {
        self.announced.get(way).get(family)
    }

    /// Prefixes that were withdrawn.
    #[must_use]
    pub fn withdrawn(&self, way: Way, family: Family) -> u64 {
        self.withdrawn.get(way).get(family)
    }

    /// UPDATEs with errors that were treated so.
    #[must_use]
    pub fn treatments(&self, treatment: Treatment) -> u64 {
        self.treatments.get(treatment)
    }

    /// How many prefixes there are of a kind.
    #[must_use]
    pub fn prefixes(&self, gauge: PrefixGauge, family: Family) -> u64 {
        self.gauge(gauge).get(family)
    }
}

/// The order of RFC 4271 §8.2.2.
fn state_number(state: State) -> u8 {
    match state {
        State::Idle => 0,
        State::Connect => 1,
        State::Active => 2,
        State::OpenSent => 3,
        State::OpenConfirm => 4,
        State::Established => 5,
    }
}
