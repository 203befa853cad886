//! A session's plan in the words of the rooms that carry it out.

use crate::accept::OtcRule;
use crate::advertise::SessionProfile;
use crate::config::{MaxPrefixAction, RouterPlan, SessionPlan};
use crate::fsm::{FsmConfig, Moment, Negotiated, Timing};
use crate::wire::{
    Asn, Capability, Family, FirstAs, MAX_EXTENDED_MESSAGE_LEN, MAX_MESSAGE_LEN, PerFamily, UpdateContext,
};
use std::net::IpAddr;
use std::time::Duration;

/// The longest back-off between attempts that never reach Established.
pub(super) const MAX_BACKOFF: Duration = Duration::from_secs(60);

/// Whether the peer may still hold routes of ours from a life before this one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Life {
    /// It cannot: the session is new to the daemon.
    First,
    /// It may: the daemon has started, and does not know what was before, or the session's task has died. When that was.
    Another(Moment),
}

impl Life {
    /// Until when our OPEN says that we have restarted (RFC 4724 §3, R), if no session comes up before: for as long as any
    /// peer may keep our routes from the life before, by what we ask for. Who comes later has none of them.
    pub(super) fn restarting_until(self, plan: &SessionPlan) -> Option<Moment> {
        let (Self::Another(began), Some(restart)) = (self, &plan.graceful_restart) else { return None };
        let secs = u64::from(restart.restart_time).saturating_add(restart.long_lived_stale_time.into());
        Some(began + Duration::from_secs(secs))
    }

    fn is_restarting(self, plan: &SessionPlan, now: Moment) -> bool {
        self.restarting_until(plan).is_some_and(|until| now < until)
    }
}

/// What the state machine must know.
pub(super) fn fsm_config(router: &RouterPlan, plan: &SessionPlan, life: Life, now: Moment) -> FsmConfig {
    FsmConfig {
        local_asn: router.asn,
        local_id: router.router_id,
        peer_asn: plan.peer_asn,
        hold_time: plan.hold_time,
        passive: plan.passive,
        families: plan.families,
        capabilities: capabilities(router.asn, plan, life, now),
        role: plan.protocol.local_role,
        strict_role: plan.protocol.strict_role,
        timing: timing(plan),
    }
}

/// The durations that a reload may change under a session.
pub(super) fn timing(plan: &SessionPlan) -> Timing {
    Timing {
        connect_retry: plan.connect_retry,
        max_backoff: MAX_BACKOFF,
        delay_open: plan.protocol.delay_open,
    }
}

/// How ONLY_TO_CUSTOMER of the peer is judged: by our role, whether the peer has said its own or not (RFC 9234 §5).
pub(super) fn otc_rule(plan: &SessionPlan) -> Option<OtcRule> {
    plan.protocol.local_role.map(|local| OtcRule { local, peer_asn: plan.peer_asn })
}

/// The capabilities of our OPEN.
pub(super) fn capabilities(local_asn: Asn, plan: &SessionPlan, life: Life, now: Moment) -> Vec<Capability> {
    let offered = || Family::ALL.into_iter().filter(|f| *plan.families.get(*f));
    let mut capabilities: Vec<Capability> =
        offered().map(|f| Capability::Multiprotocol(f.afi(), Family::SAFI_UNICAST)).collect();
    capabilities.extend([
        Capability::RouteRefresh,
        Capability::EnhancedRouteRefresh,
        Capability::ExtendedMessage,
        Capability::FourOctetAs(local_asn),
    ]);
    capabilities.extend(plan.protocol.local_role.map(|role| Capability::Role(role.code())));
    if let Some(restart) = &plan.graceful_restart {
        // F always: nothing here forwards, so what the next hops do does not end with the daemon.
        capabilities.push(Capability::GracefulRestart {
            restarting: life.is_restarting(plan, now),
            notification: restart.notification,
            restart_time: restart.restart_time,
            families: offered().map(|f| (f.afi(), Family::SAFI_UNICAST, true)).collect(),
        });
        let stale_time = restart.long_lived_stale_time;
        if stale_time > 0 {
            let families = offered().map(|f| (f.afi(), Family::SAFI_UNICAST, true, stale_time));
            capabilities.push(Capability::LongLivedGracefulRestart(families.collect()));
        }
    }
    if plan.extended_next_hop {
        let (ipv4, ipv6) = (Family::Ipv4.afi(), Family::Ipv6.afi());
        capabilities.push(Capability::ExtendedNextHop(vec![(ipv4, Family::SAFI_UNICAST.into(), ipv6)]));
    }
    if plan.add_path_receive {
        // We take several paths of a prefix, and have never more than one to give.
        let receive = offered().map(|f| (f.afi(), Family::SAFI_UNICAST, Capability::ADD_PATH_RECEIVE));
        capabilities.push(Capability::AddPath(receive.collect()));
    }
    capabilities
}

/// The most prefixes to hold of each family; what the config leaves open, or only warns of, is bounded by the process's own
/// limit.
pub(super) fn limits(plan: &SessionPlan) -> PerFamily<u64> {
    let ends = match plan.protocol.max_prefix_action {
        MaxPrefixAction::Cease => true,
        MaxPrefixAction::Warn => false,
    };
    PerFamily::from_fn(|family| plan.max_prefixes.get(family).filter(|_| ends).unwrap_or(u64::MAX))
}

/// Our own address of a family, where the session is over it. A next hop in the plan need not be one of ours: both
/// sides of a lab may have the same.
fn own_address(plan: &SessionPlan, family: Family) -> Option<IpAddr> {
    Some(plan.local_address).filter(|address| address.is_ipv4() == (family == Family::Ipv4))
}

/// How UPDATEs of the peer are to be read.
pub(super) fn update_context(local_asn: Asn, plan: &SessionPlan, negotiated: &Negotiated) -> UpdateContext {
    UpdateContext {
        local_asn,
        peer_asn: negotiated.peer_asn,
        peer_address: plan.peer_address,
        local_address: PerFamily::from_fn(|family| own_address(plan, family)),
        first_as: if plan.is_route_server { FirstAs::Any } else { FirstAs::Peer },
        four_octet_as: negotiated.four_octet_as,
        families: negotiated.families,
        extended_next_hop: negotiated.extended_next_hop,
        add_path: negotiated.add_path_receive,
    }
}

/// What decides the bytes that the peer is sent.
pub(super) fn session_profile(local_asn: Asn, plan: &SessionPlan, negotiated: &Negotiated) -> SessionProfile {
    SessionProfile {
        local_asn,
        four_octet_as: negotiated.four_octet_as,
        max_message_len: if negotiated.extended_message { MAX_EXTENDED_MESSAGE_LEN } else { MAX_MESSAGE_LEN },
        families: negotiated.families,
        next_hop: next_hops(plan, negotiated),
        link_local: match plan.local_address {
            IpAddr::V6(ip) if ip.is_unicast_link_local() => Some(ip),
            IpAddr::V4(_) | IpAddr::V6(_) => None,
        },
        extended_next_hop: negotiated.extended_next_hop,
        enhanced_route_refresh: negotiated.enhanced_route_refresh,
        otc: plan.protocol.local_role.filter(|role| role.attaches_otc()).map(|_| local_asn),
    }
}

/// The next hop of each family as both sides can use it: with RFC 8950, IPv4 routes have the session's IPv6 one.
fn next_hops(plan: &SessionPlan, negotiated: &Negotiated) -> PerFamily<Option<IpAddr>> {
    let ipv6 = || plan.next_hop.ipv6.or(Some(plan.local_address));
    PerFamily {
        ipv4: if negotiated.extended_next_hop { ipv6() } else { plan.next_hop.ipv4 },
        ..plan.next_hop
    }
}

/// IPv4 was agreed on, and there is no next hop for it: the plan counts on RFC 8950, which the peer lacks.
pub(super) fn lacks_next_hop(plan: &SessionPlan, negotiated: &Negotiated) -> bool {
    negotiated.families.ipv4 && next_hops(plan, negotiated).ipv4.is_none()
}

/// `ipv4 ipv6`, for the log.
pub(super) fn family_names(families: PerFamily<bool>) -> String {
    let names: Vec<_> = Family::ALL.into_iter().filter(|f| *families.get(*f)).map(Family::name).collect();
    names.join(" ")
}
