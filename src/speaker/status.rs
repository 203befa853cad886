//! What a session has come to: counted for the metrics, told as snapshots, logged where a person should know.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use tracing::{debug, info, warn};

use super::clock::Clock;
use super::gauges;
use super::hold_down::HoldDown;
use super::limit_watch::LimitWatch;
use super::said::Said;
use super::snapshot::{LastError, SessionSnapshot};
use crate::accept::{AdjRibIn, Applied, LimitExceeded};
use crate::advertise::{Counters, LeftOut, Outbox};
use crate::config::SessionPlan;
use crate::fsm::{DownReason, FsmConfig, Moment, Negotiated, State};
use crate::metrics::{MessageType, SessionMetrics, Way, figure};
use crate::wire::{
    Asn, Capability, ErrorCode, Family, MessageKind, Notification, PerFamily, Treatment, Update,
};

/// What makes a new snapshot worth telling.
#[derive(Clone, PartialEq)]
struct Seen {
    plan: Arc<SessionPlan>,
    state: State,
    local: Option<IpAddr>,
    advertised: PerFamily<u64>,
    pending: PerFamily<u64>,
    end_of_rib_sent: PerFamily<bool>,
    end_of_rib_received: PerFamily<bool>,
    received: PerFamily<u64>,
    accepted: PerFamily<u64>,
    stale: PerFamily<u64>,
    stale_until: PerFamily<Option<Moment>>,
    near_limit: PerFamily<bool>,
    graceful_shutdown_received: u64,
    leaks: u64,
    hold_down: HoldDown,
    send_hold_time: Option<Duration>,
    flaps: u64,
    ups: u64,
    last_error: Option<LastError>,
}

/// What is held of the peer's routes, of this session and of one before.
pub(super) struct Held<'a> {
    pub(super) rib: &'a AdjRibIn,
    pub(super) stale_until: PerFamily<Option<Moment>>,
    pub(super) clock: Clock,
}

/// What a session has come to.
pub(super) struct Status {
    metrics: Arc<SessionMetrics>,
    local_capabilities: Vec<Capability>,
    since: u64,
    state: State,
    negotiated: Option<Arc<Negotiated>>,
    send_hold_time: Option<Duration>,
    limits: LimitWatch,
    /// When the last session ended, or the task began.
    ended: Duration,
    hold_down: HoldDown,
    end_of_rib_received: PerFamily<bool>,
    flaps: u64,
    /// Times that it came to Established.
    ups: u64,
    last_error: Option<LastError>,
    /// One for each kind, so that none hides another.
    faults_said: Said,
    leaks_said: Said,
    refreshes_said: PerFamily<Said>,
    expected_asn: Asn,
    /// What the peer's last OPEN said.
    opened_as: Option<Asn>,
    seen: Option<Seen>,
}

impl Status {
    /// A session that has not started.
    pub(super) fn new(
        plan: &SessionPlan,
        local_capabilities: Vec<Capability>,
        metrics: Arc<SessionMetrics>,
    ) -> Self {
        Self {
            local_capabilities,
            since: Clock::unix(),
            state: State::Idle,
            negotiated: None,
            send_hold_time: None,
            limits: LimitWatch::default(),
            ended: Clock::since_epoch(),
            hold_down: HoldDown::No,
            end_of_rib_received: PerFamily::default(),
            flaps: metrics.flaps(),
            ups: 0,
            last_error: None,
            faults_said: Said::default(),
            leaks_said: Said::default(),
            refreshes_said: PerFamily::default(),
            expected_asn: plan.peer_asn,
            opened_as: None,
            seen: None,
            metrics,
        }
    }

    /// The snapshot of a session whose task has not run yet.
    pub(super) fn before_start(
        plan: &Arc<SessionPlan>,
        local_capabilities: Vec<Capability>,
        metrics: &SessionMetrics,
    ) -> SessionSnapshot {
        SessionSnapshot {
            plan: plan.clone(),
            state: State::Idle,
            since: Clock::unix(),
            ended: Clock::since_epoch(),
            local_address: None,
            direction: None,
            peer_id: None,
            hold_time: None,
            families: PerFamily::default(),
            negotiated: None,
            send_hold_time: None,
            peer_capabilities: Vec::new(),
            local_capabilities,
            four_octet_as: false,
            graceful_restart: None,
            extended_next_hop: false,
            add_path_receive: PerFamily::default(),
            advertised: PerFamily::default(),
            pending: PerFamily::default(),
            end_of_rib_sent: PerFamily::default(),
            received: PerFamily::default(),
            accepted: PerFamily::default(),
            stale: PerFamily::default(),
            stale_until: PerFamily::default(),
            near_limit: PerFamily::default(),
            graceful_shutdown_received: 0,
            leaks: 0,
            limit_passed: None,
            end_of_rib_received: PerFamily::default(),
            flaps: metrics.flaps(),
            last_error: None,
        }
    }

    pub(super) fn connect_attempt(&self) {
        self.metrics.count_connect_attempt();
    }

    /// A dial failed, in the system's words.
    pub(super) fn connect_failed(&mut self, error: &std::io::Error) {
        self.failed(LastError {
            code: None,
            sent: false,
            text: format!("connect: {error}"),
            at: Clock::unix(),
            then: None,
        });
    }

    /// A dial was given up: nobody answered.
    pub(super) fn connect_unanswered(&mut self, plan: &SessionPlan) {
        let hint = if plan.transport.md5_key.is_some() { ", as where the two MD5 keys differ" } else { "" };
        self.failed(LastError {
            code: None,
            sent: false,
            text: format!("connect: no answer{hint}"),
            at: Clock::unix(),
            then: None,
        });
    }

    /// Another OPEN is offered from now on.
    pub(super) fn offer(&mut self, config: &FsmConfig) {
        self.local_capabilities = config.capabilities.clone();
        self.expected_asn = config.peer_asn;
        self.seen = None;
    }

    /// An OPEN came, whether it will do or not.
    pub(super) fn open_received(&mut self, asn: Asn) {
        self.opened_as = Some(asn);
    }

    pub(super) fn inbound_refused(&self) {
        self.metrics.count_inbound_refused();
        debug!("an inbound connection was refused: one is there already, or the session holds off");
    }

    /// A connection ended before it was a session. Of two that came up at once one always does (RFC 4271 §6.8).
    pub(super) fn attempt_failed(&mut self, reason: &DownReason) {
        match reason {
            DownReason::Sent(n) | DownReason::Received(n) if n.code == ErrorCode::COLLISION => {
                debug!("one of two connections gave way");
            }
            DownReason::Sent(_)
            | DownReason::Received(_)
            | DownReason::ConnectionLost
            | DownReason::Restart => {
                self.failed(last_error(reason));
            }
        }
    }

    /// Says it once, and again when it becomes another. What happens beside a session is not its error, and what comes of
    /// an error does not take its place.
    fn failed(&mut self, mut error: LastError) {
        self.metrics.count_connect_failure();
        if self.negotiated.is_some() {
            debug!(error = %error.text, "attempt beside the session failed");
            return;
        }
        let text = error.text.clone();
        let is_news = match &mut self.last_error {
            Some(cause) if error.comes_of(cause) => cause.then.replace(error.text).as_ref() != Some(&text),
            Some(last) if last.text == error.text => {
                error.then = last.then.take();
                *last = error;
                false
            }
            last => {
                *last = Some(error);
                true
            }
        };
        if is_news {
            warn!(error = %text, "attempt failed");
        } else {
            debug!(error = %text, "attempt failed");
        }
    }

    pub(super) fn up(&mut self, negotiated: Negotiated) {
        self.metrics.count_established();
        self.ups += 1;
        self.since = Clock::unix();
        self.metrics.set_state(State::Established, self.since);
        self.state = State::Established;
        self.end_of_rib_received = PerFamily::default();
        self.local_capabilities = negotiated.local_capabilities.clone();
        self.negotiated = Some(Arc::new(negotiated));
    }

    /// Names what the peer is not told because its attributes fill a message by themselves.
    pub(super) fn left_out(&self, left_out: &[LeftOut]) {
        for left in left_out {
            let (file, line) = &left.place;
            warn!(
                family = %left.family,
                prefixes = left.prefixes,
                first = %left.first,
                place = %format_args!("{}:{line}", file.display()),
                "not advertised: the attributes leave no room for a prefix in a message to this peer"
            );
        }
    }

    pub(super) fn down(&mut self, reason: &DownReason) {
        let error = last_error(reason);
        warn!(error = %error.text, "session ended");
        self.metrics.count_flap();
        self.flaps += 1;
        self.end_of_rib_received = PerFamily::default();
        self.negotiated = None;
        self.send_hold_time = None;
        self.limits.down();
        self.ended = Clock::since_epoch();
        self.last_error = Some(error);
    }

    /// Whether the peer's End-of-RIB of a family came.
    pub(super) fn has_ended(&self, family: Family) -> bool {
        *self.end_of_rib_received.get(family)
    }

    /// How long the peer may acknowledge nothing.
    pub(super) fn set_send_hold(&mut self, limit: Option<Duration>) {
        self.send_hold_time = limit;
    }

    /// Whether a limit keeps the session down.
    pub(super) fn set_hold_down(&mut self, hold_down: HoldDown) {
        self.hold_down = hold_down;
    }

    /// How what is held stands with the session's own limits, of which some are near.
    pub(super) fn watch_limits(&mut self, near: PerFamily<bool>, held: PerFamily<u64>, plan: &SessionPlan) {
        self.limits.look(near, held, plan, &self.metrics);
    }

    /// A limit of a family ends the session.
    pub(super) fn limit_passed(&self, exceeded: &LimitExceeded) {
        if let LimitExceeded::Session { family, limit: _ } = exceeded {
            self.metrics.count_limit_passed(*family);
        }
    }

    pub(super) fn bytes_received(&self, n: usize) {
        self.metrics.count_bytes(Way::Received, figure(n));
    }

    /// A turn of writing took an outbox's counters from `before` to `now`.
    pub(super) fn sent(&self, before: &Counters, now: &Counters) {
        self.metrics.count_sent(before, now);
    }

    /// A NOTIFICATION is on its way. It is written while its connection closes, which no turn of ours sees.
    pub(super) fn notification_sent(&self, notification: &Notification) {
        self.metrics.count_messages(Way::Sent, MessageType::Notification, 1);
        self.metrics.count_notification(Way::Sent, notification.code);
    }

    pub(super) fn message_received(&self, kind: MessageKind) {
        self.metrics.count_messages(Way::Received, kind.into(), 1);
    }

    /// The peer asked for a route refresh.
    pub(super) fn refresh_requested(&mut self, family: Family) {
        if let Some(unsaid) = self.refreshes_said.get_mut(family).again() {
            info!(%family, "the peer asked for a route refresh{unsaid}");
        }
    }

    pub(super) fn notification_received(&self, notification: &Notification) {
        self.metrics.count_notification(Way::Received, notification.code);
    }

    /// An UPDATE with errors is told of: the peer's operator will want to know, and so will ours.
    pub(super) fn update_received(&mut self, update: &Update<'_>) {
        let treatment = update.treatment();
        if treatment == Treatment::Accept {
            return;
        }
        self.metrics.count_treatment(treatment);
        let Some(unsaid) = self.faults_said.again() else { return };
        let faults: Vec<String> = update.faults().iter().map(ToString::to_string).collect();
        warn!(
            treatment = treatment.name(),
            faults = faults.join("; "),
            "the peer sent an UPDATE with errors{unsaid}"
        );
    }

    pub(super) fn applied(&mut self, applied: &Applied) {
        for family in Family::ALL {
            self.metrics.count_announced(Way::Received, family, (*applied.announced.get(family)).into());
            self.metrics.count_withdrawn(Way::Received, family, (*applied.withdrawn.get(family)).into());
        }
        if applied.leaks > 0 {
            self.metrics.count_leaks(applied.leaks.into());
            if let Some(unsaid) = self.leaks_said.again() {
                let prefixes = applied.leaks;
                warn!(prefixes, "the peer announced routes that by ONLY_TO_CUSTOMER are leaks{unsaid}");
            }
        }
        if let Some(family) = applied.end_of_rib
            && !std::mem::replace(self.end_of_rib_received.get_mut(family), true)
        {
            info!(%family, "the peer's End-of-RIB");
        }
    }

    /// Tells of the session if it differs from what was told last.
    pub(super) fn snapshot(
        &mut self,
        plan: &Arc<SessionPlan>,
        state: State,
        local: Option<IpAddr>,
        outbox: Option<&Outbox>,
        held: &Held<'_>,
    ) -> Option<SessionSnapshot> {
        if state != self.state {
            self.since = Clock::unix();
            self.state = state;
            self.metrics.set_state(state, self.since);
        }
        let seen = Seen {
            plan: plan.clone(),
            state,
            local,
            advertised: outbox.map(Outbox::advertised).unwrap_or_default(),
            pending: outbox.map(Outbox::pending).unwrap_or_default(),
            end_of_rib_sent: outbox.map(Outbox::end_of_rib_sent).unwrap_or_default(),
            end_of_rib_received: self.end_of_rib_received,
            received: held.rib.count(),
            accepted: held.rib.accepted(),
            stale: held.rib.stale(),
            stale_until: held.stale_until,
            near_limit: self.limits.near(),
            graceful_shutdown_received: held.rib.graceful_shutdown(),
            leaks: held.rib.leaks(),
            hold_down: self.hold_down,
            send_hold_time: self.send_hold_time,
            flaps: self.flaps,
            ups: self.ups,
            last_error: self.last_error.clone(),
        };
        if self.seen.as_ref() == Some(&seen) {
            return None;
        }
        let snapshot = self.told(&seen, held.clock);
        gauges::set(&self.metrics, &snapshot);
        self.seen = Some(seen);
        Some(snapshot)
    }

    fn told(&self, seen: &Seen, clock: Clock) -> SessionSnapshot {
        let negotiated = self.negotiated.as_deref();
        SessionSnapshot {
            plan: seen.plan.clone(),
            state: seen.state,
            since: self.since,
            ended: self.ended,
            local_address: seen.local,
            direction: negotiated.map(|n| n.direction),
            peer_id: negotiated.map(|n| n.peer_open.bgp_id),
            hold_time: negotiated.map(|n| n.hold_time),
            families: negotiated.map(|n| n.families).unwrap_or_default(),
            peer_capabilities: negotiated.map(|n| n.peer_open.capabilities.clone()).unwrap_or_default(),
            local_capabilities: self.local_capabilities.clone(),
            four_octet_as: negotiated.is_some_and(|n| n.four_octet_as),
            graceful_restart: negotiated.and_then(|n| n.graceful_restart),
            extended_next_hop: negotiated.is_some_and(|n| n.extended_next_hop),
            add_path_receive: negotiated.map(|n| n.add_path_receive).unwrap_or_default(),
            negotiated: self.negotiated.clone(),
            send_hold_time: seen.send_hold_time,
            near_limit: seen.near_limit,
            graceful_shutdown_received: seen.graceful_shutdown_received,
            leaks: seen.leaks,
            limit_passed: seen.hold_down.told(clock),
            advertised: seen.advertised,
            pending: seen.pending,
            end_of_rib_sent: seen.end_of_rib_sent,
            received: seen.received,
            accepted: seen.accepted,
            stale: seen.stale,
            stale_until: PerFamily::from_fn(|f| seen.stale_until.get(f).map(|moment| clock.unix_at(moment))),
            end_of_rib_received: seen.end_of_rib_received,
            flaps: self.flaps,
            last_error: seen.last_error.clone(),
        }
    }
}

/// A Hard Reset's reason is what it carries.
fn reason_of(notification: &Notification) -> ErrorCode {
    notification.inner().map_or(notification.code, |inner| inner.code)
}

/// A NOTIFICATION, with what one operator tells the other in it.
fn in_words(notification: &Notification) -> String {
    let said = notification.communication().map(|text| format!(": \"{text}\"")).unwrap_or_default();
    format!("{notification}{said}")
}

fn last_error(reason: &DownReason) -> LastError {
    let (code, sent, text) = match reason {
        DownReason::Sent(n) => (Some(reason_of(n)), true, format!("sent {}", in_words(n))),
        DownReason::Received(n) => (Some(reason_of(n)), false, format!("received {}", in_words(n))),
        DownReason::ConnectionLost => (None, false, "connection lost".to_owned()),
        DownReason::Restart => (None, true, "restart".to_owned()),
    };
    LastError { code, sent, text, at: Clock::unix(), then: None }
}
