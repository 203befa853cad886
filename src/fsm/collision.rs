//! Which of two connections lives (RFC 4271 §6.8, RFC 6286 §2.3, RFC 4724 §5).
//!
//! Deviation: RFC 4271 §6.8 closes whatever collides with an Established connection. Where both sides dialled at once
//! and one saw the session go up on the connection that must lose, the other side may at that moment be closing it;
//! both connections would die. There the favoured one waits up to 2 s for the peer's choice.

use crate::wire::{Capability, Open};

use super::connection::{Connection, Phase, Session};
use super::timers::SETTLED;
use super::{Direction, FsmConfig, Negotiated};

/// What becomes of a connection whose OPEN was just found good, and of the other one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Verdict {
    /// It goes on; the other, if any, is left alone.
    Proceed,
    /// It goes on; the other loses: Cease/7, or is given up where it is a dial under way.
    Prevail,
    /// It loses: Cease/7.
    Yield,
    /// It waits beside the session for the peer's choice.
    Contest,
    /// It goes on; the other is a dead session of a peer that has restarted, and is closed without a word.
    Supersede,
}

/// Whose connection wins: of the higher BGP Identifier, and where both are the same, of the higher ASN.
pub(super) fn favoured(config: &FsmConfig, peer: &Negotiated) -> Direction {
    if (config.local_id, config.local_asn) > (peer.peer_open.bgp_id, peer.peer_asn) {
        Direction::Outbound
    } else {
        Direction::Inbound
    }
}

/// Judges a connection that has had its OPEN. The other one is never preferred before it has had its own.
pub(super) fn judge(
    config: &FsmConfig,
    new: &Connection,
    agreed: &Negotiated,
    other: Option<&Connection>,
) -> Verdict {
    let is_favoured = favoured(config, agreed) == new.direction();
    match other.map(Connection::phase) {
        None | Some(Phase::Delayed | Phase::OpenSent | Phase::Over) => Verdict::Proceed,
        Some(Phase::Connect) => Verdict::Prevail,
        Some(Phase::Contested(_) | Phase::OpenConfirm(_)) if is_favoured => Verdict::Prevail,
        Some(Phase::Contested(_) | Phase::OpenConfirm(_)) => Verdict::Yield,
        Some(Phase::Established(session)) if has_restarted(new, agreed, session) => Verdict::Supersede,
        Some(Phase::Established(session)) if is_favoured && is_twin(new, session) => Verdict::Contest,
        Some(Phase::Established(_)) => Verdict::Yield,
    }
}

/// Whether both sides dialled at once: the other direction, and open before the session was up.
fn is_twin(new: &Connection, session: &Session) -> bool {
    new.direction() != session.negotiated.direction && new.opened() <= session.since
}

/// Whether the peer dialled again because the session is dead on its side.
///
/// Deviation: RFC 4724 §5 drops the session as soon as the new TCP connection is there. Here a good OPEN must have
/// come on it, and the session must have been up for some seconds, or the late twin of a collision would end it.
fn has_restarted(new: &Connection, agreed: &Negotiated, session: &Session) -> bool {
    new.direction() == Direction::Inbound
        && new.opened() >= session.since + SETTLED
        && (lists_graceful_restart(&agreed.peer_open)
            || lists_graceful_restart(&session.negotiated.peer_open))
}

/// Graceful restart with one or more families.
fn lists_graceful_restart(open: &Open) -> bool {
    open.capabilities.iter().any(|capability| {
        if let Capability::GracefulRestart { families, .. } = capability {
            !families.is_empty()
        } else {
            false
        }
    })
}
