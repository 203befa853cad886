//! What a peer sends, on its way to the state machine, the Adj-RIB-In and the outbox.

use std::time::Duration;

use tracing::{debug, warn};

use super::Peer;
use crate::accept::LimitExceeded;
use crate::fsm::{ConnId, Incoming, Moment};
use crate::speaker::clock::Clock;
use crate::wire::{
    ErrorCode, Family, Frame, MessageKind, Notification, Open, RefreshSubtype, RouteRefresh, decode_update,
};

/// How long a session that passed its prefix limit stays down.
const MAX_PREFIX_HOLD_DOWN: Duration = Duration::from_secs(60);

/// How long from the start of one refresh of a family to the next.
const REFRESH_PAUSE: Duration = Duration::from_secs(1);

/// The route refreshes of one family.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Refresh {
    /// One was asked for and has not started.
    is_due: bool,
    /// When the last one started.
    last: Option<Moment>,
}

impl Refresh {
    /// When the one that is due may start.
    pub(super) fn when(&self) -> Option<Moment> {
        self.is_due.then(|| self.last.map_or(Moment::default(), |last| last + REFRESH_PAUSE))
    }
}

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
                if let (Some(family), RefreshSubtype::Request, true) = (family, refresh.subtype, established)
                {
                    self.status.refresh_requested(family);
                    self.refreshes.get_mut(family).is_due = true;
                    self.refresh_due();
                }
                Incoming::RouteRefresh
            }
            Err(error) => {
                self.because = Some(error.to_string());
                Incoming::Malformed((&error).into())
            }
        }
    }

    /// Starts the refreshes that were asked for, each family's at most once a second: a peer must not have the whole
    /// table by 23 octets as often as it likes.
    pub(super) fn refresh_due(&mut self) {
        let now = self.now();
        for family in Family::ALL {
            let refresh = *self.refreshes.get(family);
            if refresh.when().is_some_and(|when| when <= now)
                && let Some(connection) = self.established_mut()
            {
                connection.outbox.refresh(family);
                *self.refreshes.get_mut(family) = Refresh { is_due: false, last: Some(now) };
            }
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
                self.refreshed(&applied);
                Incoming::Update
            }
            Err(exceeded) => {
                self.limit_passed(&exceeded);
                Incoming::Update
            }
        }
    }

    /// Ends the session over a limit, and holds it down for a while: what passed it once would again.
    pub(super) fn limit_passed(&mut self, exceeded: &LimitExceeded) {
        warn!(%exceeded, hold_down_secs = MAX_PREFIX_HOLD_DOWN.as_secs(), "prefix limit passed");
        let now = self.now();
        self.start_again_at = Some(now + MAX_PREFIX_HOLD_DOWN);
        self.fsm.handle_stop(now, Some(exceeded.notification()));
        self.act();
    }
}
