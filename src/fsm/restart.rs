//! What outlives a session: graceful restart as two OPENs agree on it, and what the end of a session means by it
//! (RFC 4724, RFC 8538, RFC 9494).

use std::time::Duration;

use crate::wire::{Capability, ErrorCode, Family, Notification, PerFamily};

use super::DownReason;

/// What graceful restart comes to where both sides listed it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct GracefulRestart {
    /// R: the peer had restarted when it opened the session.
    pub peer_restarted: bool,
    /// N of both sides: routes outlive a NOTIFICATION too, and only a Hard Reset ends them (RFC 8538).
    pub notification: bool,
    /// How long the peer's routes may wait for its next session; 0–4095 s.
    pub restart_time: Duration,
    /// What the peer lists of each family.
    pub families: PerFamily<Kept>,
}

/// What a peer lists of one family.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Kept {
    /// Its routes are to be kept for the restart time (RFC 4724).
    pub graceful: bool,
    /// F, of either capability: it forwards as before, so what was kept from the session before may stay.
    pub forwarding: bool,
    /// How much longer they are to be kept; zero: no longer (RFC 9494).
    pub stale_time: Duration,
}

/// What two lists of capabilities come to. The long-lived one counts only beside the other (RFC 9494 §4.5), for families
/// that we list too, which is by configuration alone (§5), and no longer than we ask for ourselves: a peer must not have
/// half a year of our memory for the asking.
pub(super) fn between(ours: &[Capability], theirs: &[Capability]) -> Option<GracefulRestart> {
    let notification = graceful_restart(ours)?.notification;
    let mut agreed = graceful_restart(theirs)?;
    agreed.notification &= notification;
    let listed = long_lived(ours).unwrap_or_default();
    for (afi, safi, forwarding, stale_time) in long_lived(theirs).unwrap_or_default() {
        let most = listed.iter().find(|(a, s, ..)| (a, s) == (afi, safi)).map(|(.., most)| *most);
        if let (Some(family), Some(most)) = (Family::from_afi_safi(*afi, *safi), most) {
            let kept = agreed.families.get_mut(family);
            kept.forwarding |= *forwarding;
            kept.stale_time = Duration::from_secs(most.min(*stale_time).into());
        }
    }
    Some(agreed)
}

/// The capability by itself; where a peer sends it more than once, the last (RFC 4724 §3).
fn graceful_restart(capabilities: &[Capability]) -> Option<GracefulRestart> {
    capabilities.iter().rev().find_map(|capability| {
        let Capability::GracefulRestart { restarting, notification, restart_time, families } = capability
        else {
            return None;
        };
        let mut kept = PerFamily::<Kept>::default();
        for (afi, safi, forwarding) in families {
            if let Some(family) = Family::from_afi_safi(*afi, *safi) {
                let forwarding = *forwarding;
                *kept.get_mut(family) = Kept { graceful: true, forwarding, stale_time: Duration::ZERO };
            }
        }
        Some(GracefulRestart {
            peer_restarted: *restarting,
            notification: *notification,
            restart_time: Duration::from_secs((*restart_time).into()),
            families: kept,
        })
    })
}

fn long_lived(capabilities: &[Capability]) -> Option<&[(u16, u8, bool, u32)]> {
    capabilities.iter().rev().find_map(|capability| {
        if let Capability::LongLivedGracefulRestart(families) = capability {
            Some(families.as_slice())
        } else {
            None
        }
    })
}

/// Whether the peer's routes outlive a session that ended so: one whose TCP failed, and with RFC 8538 one that ended by a
/// NOTIFICATION other than a Hard Reset, whoever sent it.
#[must_use]
pub fn keeps_routes(agreed: Option<GracefulRestart>, reason: &DownReason) -> bool {
    let Some(agreed) = agreed else { return false };
    match reason {
        DownReason::ConnectionLost => true,
        DownReason::Sent(notification) | DownReason::Received(notification) => {
            agreed.notification && notification.code != ErrorCode::HARD_RESET
        }
        // It is we who end, with all that we hold.
        DownReason::Restart => false,
    }
}

/// The NOTIFICATION that tells this peer of an end of ours: where it would keep our routes over what is meant to end them
/// for long (RFC 8538 §5.1), inside a Hard Reset; where it does not know that one (§4), what the Hard Reset carries.
pub(super) fn worded(reason: Notification, agreed: Option<GracefulRestart>) -> Notification {
    let knows = agreed.is_some_and(|agreed| agreed.notification);
    match reason.code {
        ErrorCode::ADMIN_SHUTDOWN | ErrorCode::PEER_DECONFIGURED | ErrorCode::MAX_PREFIXES if knows => {
            Notification::hard_reset(&reason)
        }
        ErrorCode::HARD_RESET if !knows => {
            reason.inner().unwrap_or_else(|| Notification::new(ErrorCode::ADMIN_RESET))
        }
        ErrorCode(..) => reason,
    }
}

/// Whether these capabilities say that their speaker has restarted.
pub(super) fn is_restarting(capabilities: &[Capability]) -> bool {
    graceful_restart(capabilities).is_some_and(|restart| restart.peer_restarted)
}

/// The peer knows of our restart, since a session came up, or it has been too long: the next OPEN does not speak of it.
pub(super) fn told(capabilities: &mut [Capability]) {
    for capability in capabilities {
        if let Capability::GracefulRestart { restarting, .. } = capability {
            *restarting = false;
        }
    }
}

#[cfg(test)]
mod tests;
