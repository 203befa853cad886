//! What a peer sends, on its way to the state machine, the Adj-RIB-In and the outbox.

use tracing::{debug, warn};

use super::Peer;
use crate::accept::LimitExceeded;
use crate::fsm::{ConnId, Incoming};
use crate::speaker::clock::Clock;
use crate::speaker::hold_down::HoldDown;
use crate::wire::{
    ErrorCode, Family, Frame, MessageKind, Notification, Open, PerFamily, RefreshSubtype, RouteRefresh,
    decode_update,
};

impl Peer {
    /// A message as the state machine is told of it; routes and requests are dealt with on the way.
    pub(super) fn decode(&mut self, conn: ConnId, frame: &Frame<'_>) -> Incoming {
        match frame.kind {
            MessageKind::Open => match Open::decode(frame.body) {
                Ok(open) => {
                    self.status.open_received(open.asn());
                    Incoming::Open(open)
                }
                Err(error) => {
                    debug!(%error, "malformed OPEN");
                    self.because = Some(error.to_string());
                    Incoming::Malformed((&error).into())
                }
            },
            MessageKind::Keepalive => Incoming::Keepalive,
            MessageKind::Notification => match Notification::decode(frame.body) {
                Ok(notification) => {
                    self.status.notification_received(&notification);
                    self.record_received(conn, &notification);
                    Incoming::Notification(notification)
                }
                // RFC 4271 §6.4: a NOTIFICATION is not answered by one, so a bad one ends the session the same way.
                Err(_) => Incoming::Notification(Notification::new(ErrorCode::BAD_MESSAGE_LENGTH)),
            },
            MessageKind::RouteRefresh => self.decode_refresh(conn, frame.body),
            MessageKind::Update => self.decode_update(conn, frame),
        }
    }

    fn decode_refresh(&mut self, conn: ConnId, body: &[u8]) -> Incoming {
        match RouteRefresh::decode(body) {
            Ok(refresh) => {
                let family = Family::from_afi_safi(refresh.afi, refresh.safi);
                let established = self.fsm.established() == Some(conn);
                if let Some(family) = family.filter(|_| established) {
                    self.on_refresh(family, refresh.subtype);
                }
                Incoming::RouteRefresh
            }
            Err(error) => {
                self.because = Some(error.to_string());
                Incoming::Malformed((&error).into())
            }
        }
    }

    /// A request, or the beginning or the end of what the peer says again. Where RFC 7313 was not negotiated everything is
    /// a request: the octet of the subtype is reserved then, and ignored (RFC 2918 §3).
    fn on_refresh(&mut self, family: Family, subtype: RefreshSubtype) {
        let negotiated = self.fsm.negotiated();
        // Of a peer that sends End-of-RIB, what comes before it marks nothing (RFC 7313 §4).
        let begun = negotiated.is_some_and(|n| n.graceful_restart.is_none()) || self.status.has_ended(family);
        let subtype = match negotiated.is_some_and(|n| n.enhanced_route_refresh) {
            true => subtype,
            false => RefreshSubtype::Request,
        };
        match subtype {
            RefreshSubtype::Request => {
                self.status.refresh_requested(family);
                self.refreshes.get_mut(family).ask();
                self.refresh_due();
            }
            RefreshSubtype::Borr if begun => self.adj_rib_in.begin_refresh(self.now(), family),
            RefreshSubtype::Eorr if begun => {
                let gone = self.adj_rib_in.end_refresh(family);
                debug!(%family, gone, "the peer has said all its routes again");
            }
            RefreshSubtype::Borr | RefreshSubtype::Eorr | RefreshSubtype::Other(_) => {}
        }
    }

    /// The peer did not say the end of what it said again: what it has not named stays.
    pub(super) fn unended_due(&mut self) {
        let over = self.adj_rib_in.handle_refresh_timeout(self.now());
        for family in Family::ALL.into_iter().filter(|family| *over.get(*family)) {
            warn!(%family, "the peer's route refresh has not come to its end (EoRR): all its routes stay");
        }
    }

    /// Starts the refreshes that were asked for, of each family one at a time with a second between them: a peer must not
    /// have the whole table by 23 octets as often as it likes.
    pub(super) fn refresh_due(&mut self) {
        let now = self.now();
        for family in Family::ALL {
            if self.refreshes.get(family).when().is_some_and(|when| when <= now)
                && let Some(connection) = self.established_mut()
            {
                connection.outbox.refresh(family);
                self.refreshes.get_mut(family).start();
            }
        }
    }

    /// Notes which refreshes have come to their end.
    pub(super) fn refresh_done(&mut self) {
        let now = self.now();
        let Some(outbox) = self.established_mut().map(|connection| &connection.outbox) else { return };
        let done = PerFamily::from_fn(|family| outbox.is_done(family));
        for family in Family::ALL.into_iter().filter(|family| *done.get(*family)) {
            self.refreshes.get_mut(family).end(now);
        }
    }

    fn decode_update(&mut self, conn: ConnId, frame: &Frame<'_>) -> Incoming {
        let established = self.fsm.established() == Some(conn);
        let Some(context) = self.context.as_ref().filter(|_| established) else { return Incoming::Update };
        let update = decode_update(frame.body, context);
        self.status.update_received(&update);
        self.record_faults(conn, frame, &update);
        if let Some(notification) = update.notification() {
            return Incoming::Malformed(notification.clone());
        }
        match self.adj_rib_in.apply(&update, Clock::unix()) {
            Ok(applied) => {
                self.status.applied(&applied);
                self.has_taken |= applied.announced != PerFamily::default();
                self.refreshed(&applied);
                self.watch_limits();
                Incoming::Update
            }
            Err(exceeded) => {
                self.limit_passed(&exceeded);
                Incoming::Update
            }
        }
    }

    /// Says once that a limit is near, before it is passed, and that it is passed where the session goes on.
    pub(super) fn watch_limits(&mut self) {
        let plan = &self.intent.plan;
        let percent = plan.protocol.max_prefix_warning_percent;
        let near = percent.map(|percent| self.adj_rib_in.near_limit(plan.max_prefixes, percent));
        self.status.watch_limits(near.unwrap_or_default(), self.adj_rib_in.count(), plan);
    }

    /// Ends the session over a limit, and holds it down: what passed it once would again. By a Hard Reset, since routes
    /// that are too many must not stay as stale ones either.
    pub(super) fn limit_passed(&mut self, exceeded: &LimitExceeded) {
        let now = self.now();
        let hold_down = self.intent.plan.protocol.max_prefix_restart;
        self.status.limit_passed(exceeded);
        match hold_down {
            Some(time) => warn!(%exceeded, hold_down_secs = time.as_secs(), "prefix limit passed"),
            None => warn!(%exceeded, "prefix limit passed: the session stays down until it is reset"),
        }
        self.hold_down = match hold_down {
            Some(time) => HoldDown::Until(now + time, *exceeded),
            None => HoldDown::UntilReset(*exceeded),
        };
        self.fsm.handle_stop(now, Some(Notification::hard_reset(&exceeded.notification())));
        self.act();
    }
}
