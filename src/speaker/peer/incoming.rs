//! What a peer sends, on its way to the state machine, the Adj-RIB-In and the outbox.

use std::time::Duration;

use tracing::{debug, warn};

use super::Peer;
use crate::fsm::{ConnId, Incoming};
use crate::speaker::clock::Clock;
use crate::wire::{
    ErrorCode, Family, Frame, MessageKind, Notification, Open, RefreshSubtype, RouteRefresh, decode_update,
};

/// How long a session that passed its prefix limit stays down.
const MAX_PREFIX_HOLD_DOWN: Duration = Duration::from_secs(60);

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
                    Incoming::Malformed((&error).into())
                }
            },
            MessageKind::Keepalive => Incoming::Keepalive,
            MessageKind::Notification => match Notification::decode(frame.body) {
                Ok(notification) => {
                    self.status.notification_received(&notification);
                    Incoming::Notification(notification)
                }
                // RFC 4271 §6.4: a NOTIFICATION is not answered by one, so a bad one ends the session the same way.
                Err(_) => Incoming::Notification(Notification::new(ErrorCode::BAD_MESSAGE_LENGTH)),
            },
            MessageKind::RouteRefresh => self.decode_refresh(conn, frame.body),
            MessageKind::Update => self.decode_update(conn, frame.body),
        }
    }

    fn decode_refresh(&mut self, conn: ConnId, body: &[u8]) -> Incoming {
        match RouteRefresh::decode(body) {
            Ok(refresh) => {
                let family = Family::from_afi_safi(refresh.afi, refresh.safi);
                let established = self.fsm.established() == Some(conn);
                if let (Some(family), RefreshSubtype::Request, true) = (family, refresh.subtype, established)
                    && let Some(connection) = self.connection_mut(conn)
                {
                    connection.outbox.refresh(family);
                    self.status.refresh_requested(family);
                }
                Incoming::RouteRefresh
            }
            Err(error) => Incoming::Malformed((&error).into()),
        }
    }

    fn decode_update(&mut self, conn: ConnId, body: &[u8]) -> Incoming {
        let established = self.fsm.established() == Some(conn);
        let Some(context) = self.context.as_ref().filter(|_| established) else { return Incoming::Update };
        let update = decode_update(body, context);
        self.status.update_received(&update);
        if let Some(notification) = update.notification() {
            return Incoming::Malformed(notification.clone());
        }
        match self.adj_rib_in.apply(&update, Clock::unix()) {
            Ok(applied) => {
                self.status.applied(&applied);
                Incoming::Update
            }
            Err(exceeded) => {
                warn!(%exceeded, hold_down_secs = MAX_PREFIX_HOLD_DOWN.as_secs(), "prefix limit passed");
                let now = self.now();
                self.start_again_at = Some(now + MAX_PREFIX_HOLD_DOWN);
                self.fsm.handle_stop(now, Some(exceeded.notification()));
                Incoming::Update
            }
        }
    }
}
