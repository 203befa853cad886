//! What is asked of a session by its readers and its operator.

use tracing::{debug, info};

use super::Peer;
use crate::config::SessionPlan;
use crate::metrics::{MessageType, Way};
use crate::speaker::handle::{Ask, CannotRefresh, RefreshWay, ResetDone, ResetOrder};
use crate::speaker::hold_down::HoldDown;
use crate::wire::{ErrorCode, Family, Notification, PerFamily, RefreshSubtype, RouteRefresh};

impl Peer {
    pub(super) fn on_ask(&mut self, ask: Ask) {
        let answered = match ask {
            Ask::Advertised(reply) => {
                let outbox = self.established_mut().map(|conn| &conn.outbox);
                let told = PerFamily::from_fn(|family| outbox.and_then(|o| o.told(family)));
                reply.send(told).is_ok()
            }
            Ask::Received { after, limit, reply } => reply.send(self.adj_rib_in.page(after, limit)).is_ok(),
            Ask::Explain { prefix, reply } => reply.send(self.adj_rib_in.explain(prefix)).is_ok(),
            Ask::Reset { order, reply } => reply.send(self.reset(&order)).is_ok(),
            Ask::Refresh { way, reply } => reply.send(self.refresh(way)).is_ok(),
        };
        if !answered {
            debug!("whoever asked has gone");
        }
    }

    /// Ends what there is of the session and begins anew, also where a limit keeps it down.
    fn reset(&mut self, order: &ResetOrder) -> ResetDone {
        let inner = with_words(ErrorCode::ADMIN_RESET, order.text.as_deref(), &self.intent.plan);
        let notification = if order.is_hard { Notification::hard_reset(&inner) } else { inner };
        info!("{} by hand", if order.is_hard { "hard reset" } else { "reset" });
        let now = self.now();
        let has_ended = self.fsm.established().is_some();
        if !has_ended {
            self.forget_stale();
        }
        let told_before = self.links.metrics.messages(Way::Sent, MessageType::Notification);
        match std::mem::take(&mut self.hold_down) {
            HoldDown::No => self.fsm.handle_reset(now, notification),
            HoldDown::Until(..) | HoldDown::UntilReset(_) => self.fsm.handle_start(now),
        }
        self.act();
        let told = self.links.metrics.messages(Way::Sent, MessageType::Notification);
        ResetDone { has_ended, is_told: told > told_before }
    }

    /// Tells the peer all again, or asks it to.
    fn refresh(&mut self, way: RefreshWay) -> Result<(), CannotRefresh> {
        let negotiated = self.fsm.negotiated().ok_or(CannotRefresh::NotEstablished)?;
        let families = negotiated.families;
        let families: Vec<Family> = Family::ALL.into_iter().filter(|f| *families.get(*f)).collect();
        match way {
            RefreshWay::Out => {
                for family in families {
                    self.refreshes.get_mut(family).ask();
                }
                self.refresh_due();
            }
            RefreshWay::In if !negotiated.route_refresh => return Err(CannotRefresh::NotNegotiated),
            RefreshWay::In => {
                let requests = families.into_iter().map(|family| RouteRefresh {
                    afi: family.afi(),
                    safi: Family::SAFI_UNICAST,
                    subtype: RefreshSubtype::Request,
                });
                if let Some(connection) = self.established_mut() {
                    requests.for_each(|request| connection.outbox.control(request.encode()));
                }
            }
        }
        match way {
            RefreshWay::In => info!("the peer is asked for all its routes again, by hand"),
            RefreshWay::Out => info!("the peer is told all our routes again, by hand"),
        }
        Ok(())
    }
}

/// A shutdown or a reset with words for the peer's operator: those given, else those of the config (RFC 9003).
fn with_words(code: ErrorCode, text: Option<&str>, plan: &SessionPlan) -> Notification {
    match text.or(plan.protocol.shutdown_communication.as_deref()) {
        Some(text) => Notification::with_communication(code, text),
        None => Notification::new(code),
    }
}

/// The last word of a session that is told to leave.
pub(super) fn farewell(notification: Notification, plan: &SessionPlan) -> Notification {
    if notification.code == ErrorCode::ADMIN_SHUTDOWN && notification.data.is_empty() {
        with_words(notification.code, None, plan)
    } else {
        notification
    }
}
