//! The configuration as changed: what a reload does to the sessions.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::place::{Places, place_of};
use super::{PeeringPlan, Plan, RouterPlan, SessionPlan, conversion, gate};
use crate::rib::{Finding, Findings};

/// What it takes to get from one plan to another. A session is the same where its peer's address is, whatever it is
/// called: names of a list's sessions go by their order. Sessions of ranges come and go by themselves and are not listed.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Changes {
    /// To be started.
    pub added: Vec<Arc<SessionPlan>>,
    /// To be ended: Cease, Peer De-configured.
    pub removed: Vec<Arc<SessionPlan>>,
    /// To be ended by Cease, Other Configuration Change (RFC 4486), and started anew: something that the OPEN or the
    /// addresses said has changed.
    pub reset: Vec<Arc<SessionPlan>>,
    /// To go on, with the new plan.
    pub adjusted: Vec<Arc<SessionPlan>>,
    /// Why the new plan cannot be taken on while running; none of the above is to be done unless this is empty.
    pub refused: Findings,
}

impl Changes {
    /// Whether nothing changes for any session, and nothing is refused.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self { added, removed, reset, adjusted, refused } = self;
        added.is_empty()
            && removed.is_empty()
            && reset.is_empty()
            && adjusted.is_empty()
            && refused.0.is_empty()
    }
}

/// What a reload changes. O(n) in sessions.
#[must_use]
pub fn changes(old: &Plan, new: &Plan) -> Changes {
    let mut changes = Changes { refused: refused(old, new), ..Changes::default() };
    let mut before: HashMap<IpAddr, &Arc<SessionPlan>> =
        old.sessions.iter().map(|s| (s.peer_address, s)).collect();
    for session in &new.sessions {
        match before.remove(&session.peer_address) {
            None => changes.added.push(Arc::clone(session)),
            Some(was) if was == session => {}
            Some(was) if needs_reset(was, session) => changes.reset.push(Arc::clone(session)),
            Some(_) => changes.adjusted.push(Arc::clone(session)),
        }
    }
    let gone = old.sessions.iter().filter(|s| before.contains_key(&s.peer_address));
    changes.removed.extend(gone.cloned());
    changes
}

/// Whether the peer must learn of the change by a new session. Every field is judged here, the new ones too.
#[must_use]
pub fn needs_reset(old: &SessionPlan, new: &SessionPlan) -> bool {
    let SessionPlan {
        name: _,
        connection: _,
        peering: _,
        peering_location: _,
        connection_state: _,
        policy_group,
        peer_address: _,
        peer_port,
        local_address,
        peer_asn,
        is_route_server,
        passive,
        hold_time,
        connect_retry: _,
        families,
        add_path_receive,
        extended_next_hop,
        next_hop,
        max_prefixes: _,
        transport,
        protocol,
        graceful_restart,
    } = old;
    *policy_group != new.policy_group
        || *peer_port != new.peer_port
        || *local_address != new.local_address
        || *peer_asn != new.peer_asn
        || *is_route_server != new.is_route_server
        || *passive != new.passive
        || *hold_time != new.hold_time
        || *families != new.families
        || *add_path_receive != new.add_path_receive
        || *extended_next_hop != new.extended_next_hop
        || *next_hop != new.next_hop
        || transport.needs_reset(&new.transport)
        || protocol.needs_reset(&new.protocol)
        || *graceful_restart != new.graceful_restart
}

/// Whether what the peer announced before such a change means nothing after it.
#[must_use]
pub fn is_other_peer(old: &SessionPlan, new: &SessionPlan) -> bool {
    let is_other_policy = old.policy_group != new.policy_group;
    old.peer_asn != new.peer_asn || is_other_policy || new.graceful_restart.is_none()
}

/// What only a restart changes.
fn refused(old: &Plan, new: &Plan) -> Findings {
    let Plan {
        file: _,
        router,
        rib: _,
        http,
        control_socket,
        state_dir,
        lab: _,
        limits: _,
        peer_asns: _,
        policy: _,
        origin: _,
        peerings: _,
        sessions: _,
        ranges: _,
    } = old;
    let RouterPlan { asn, router_id, listen } = router;
    let changed = [
        ("router.asn", *asn != new.router.asn),
        ("router.router_id", *router_id != new.router.router_id),
        ("router.listen", *listen != new.router.listen),
        ("http.listen", *http != new.http),
        ("control.socket", *control_socket != new.control_socket),
        ("state_dir", *state_dir != new.state_dir),
    ];
    let mut refused = lifecycle(old, new);
    let finding = |key: &str| {
        let what = format!("{key} has changed, which a reload cannot do");
        Finding::error(place_of(&new.file, key), what, "restart to change it, or set it back")
    };
    refused.extend(conversion::refused(old, new));
    refused.extend(gate::refused(old, new));
    refused.extend(changed.iter().filter(|(_, changed)| *changed).map(|(key, _)| finding(key)));
    Findings(refused)
}

/// The conversion of a legacy peering into a resource changes nothing else of it, and a legacy peering is not used for
/// Peering Service.
fn lifecycle(old: &Plan, new: &Plan) -> Vec<Finding> {
    let converted = old.peerings.iter().filter(|peering| peering.is_legacy).filter_map(|was| {
        let is = new.peerings.iter().find(|peering| peering.name == was.name && !peering.is_legacy)?;
        let modified = !is_as_before((old, was), (new, is)) || is.policy_group() != was.policy_group();
        modified.then_some(is)
    });
    let finding = |peering: &Arc<PeeringPlan>| {
        let what = format!("{} is modified while it is converted from a legacy peering", peering.name);
        let fix = "convert it as it is, reload, and change it by another reload";
        Finding::error(Places::read(&new.file).of_peering(&peering.name), what, fix)
    };
    converted.map(finding).collect()
}

/// Whether a peering has the connections and sessions that it had, and in them nothing is another.
pub(super) fn is_as_before((old, was): (&Plan, &PeeringPlan), (new, is): (&Plan, &PeeringPlan)) -> bool {
    fn sessions<'a>(plan: &'a Plan, peering: &'a PeeringPlan) -> impl Iterator<Item = &'a SessionPlan> {
        let named = plan.sessions.iter().filter(|session| session.peering == peering.name);
        let ranges = plan.ranges.iter().map(|range| &range.template);
        let all = named.chain(ranges.filter(|session| session.peering == peering.name));
        all.map(|session| &**session)
    }
    was.peer_asn == is.peer_asn
        && was.connections == is.connections
        && sessions(old, was).eq(sessions(new, is))
}
