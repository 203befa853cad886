//! Azure's BgpSession: the two sessions of a connection, one over each family, as one object.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::Serialize;

use super::Scene;
use crate::config::SessionPlan;
use crate::fsm::State;
use crate::peering::SessionState;

/// The IPv4 session of a connection and its IPv6 session.
#[derive(Serialize, Default)]
#[serde(rename_all = "camelCase")]
pub(super) struct BgpSessionJson {
    session_prefix_v4: Option<IpNet>,
    session_prefix_v6: Option<IpNet>,
    #[serde(rename = "microsoftSessionIPv4Address")]
    microsoft_v4: Option<IpAddr>,
    #[serde(rename = "microsoftSessionIPv6Address")]
    microsoft_v6: Option<IpAddr>,
    #[serde(rename = "peerSessionIPv4Address")]
    peer_v4: Option<IpAddr>,
    #[serde(rename = "peerSessionIPv6Address")]
    peer_v6: Option<IpAddr>,
    session_state_v4: SessionStateJson,
    session_state_v6: SessionStateJson,
    max_prefixes_advertised_v4: Option<u64>,
    max_prefixes_advertised_v6: Option<u64>,
    /// Known to the plan alone.
    md5_authentication_key: Option<&'static str>,
}

/// None where there is no session.
#[derive(Clone, Copy, Serialize)]
#[serde(transparent)]
struct SessionStateJson(SessionState);

impl Default for SessionStateJson {
    fn default() -> Self {
        Self(SessionState::None)
    }
}

/// One end of it.
struct End<'a> {
    session: &'a SessionPlan,
    prefix: Option<IpNet>,
    peer: Option<IpAddr>,
    state: SessionState,
}

impl BgpSessionJson {
    /// Those of a connection: the first IPv4 session and the first IPv6 session together, and so on. A range counts as
    /// a session without a peer.
    pub(super) fn all(connection: &str, scene: &Scene) -> Vec<Self> {
        let named = scene.sessions(connection).map(|session| End {
            session,
            prefix: session.transport.session_prefix,
            peer: Some(session.peer_address),
            state: scene.state(&session.name).map_or(SessionState::PendingAdd, in_azure),
        });
        let leaving = scene.removed.sessions(connection).iter().map(|of| End {
            session: &of.session.plan,
            prefix: of.session.plan.transport.session_prefix,
            peer: Some(of.session.plan.peer_address),
            state: SessionState::PendingRemove,
        });
        let ranges = scene.ranges(connection).map(|range| End {
            session: &range.template,
            prefix: Some(range.range),
            peer: None,
            state: SessionState::None,
        });
        let (v4, v6): (Vec<End<'_>>, Vec<End<'_>>) =
            named.chain(leaving).chain(ranges).partition(|end| end.session.local_address.is_ipv4());
        let count = v4.len().max(v6.len());
        (0..count).map(|at| Self::of(v4.get(at), v6.get(at))).collect()
    }

    fn of(v4: Option<&End<'_>>, v6: Option<&End<'_>>) -> Self {
        let limits = |end: Option<&End<'_>>| end.map(|end| end.session.max_prefixes).unwrap_or_default();
        // The limit on a family is that of its own session, or of the only one.
        let (of_v4, of_v6) = (limits(v4.or(v6)), limits(v6.or(v4)));
        Self {
            session_prefix_v4: v4.and_then(|end| end.prefix),
            session_prefix_v6: v6.and_then(|end| end.prefix),
            microsoft_v4: v4.map(|end| end.session.local_address),
            microsoft_v6: v6.map(|end| end.session.local_address),
            peer_v4: v4.and_then(|end| end.peer),
            peer_v6: v6.and_then(|end| end.peer),
            session_state_v4: v4.map(|end| SessionStateJson(end.state)).unwrap_or_default(),
            session_state_v6: v6.map(|end| SessionStateJson(end.state)).unwrap_or_default(),
            max_prefixes_advertised_v4: of_v4.ipv4,
            max_prefixes_advertised_v6: of_v6.ipv6,
            md5_authentication_key: None,
        }
    }
}

/// Azure has the RFC's words.
pub(in crate::control) fn in_azure(state: State) -> SessionState {
    match state {
        State::Idle => SessionState::Idle,
        State::Connect => SessionState::Connect,
        State::Active => SessionState::Active,
        State::OpenSent => SessionState::OpenSent,
        State::OpenConfirm => SessionState::OpenConfirm,
        State::Established => SessionState::Established,
    }
}
