//! Connections: the state of each, which is not that of its sessions, its type, and what its sessions came to.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::handler::Handler as _;
use axum::response::Response;
use axum::routing::{MethodRouter, post};
use serde::{Deserialize, Serialize};

use super::act::{MOST_OCTETS, only_post};
use super::azure::in_azure;
use super::error::ApiError;
use super::find::{self, InPath};
use super::json::unix_now;
use super::list::{self, Listed, Rows};
use super::query::NoQuery;
use super::removed::Removed;
use super::router::App;
use crate::config::{ConnectionPlan, Kept, PeeringPlan, Phase, Plan, SessionPlan};
use crate::metrics::Metrics;
use crate::peering::{DirectPeeringType, Kind, PolicyGroup, SessionState, Shortfall, Standing};
use crate::speaker::{CannotChangeType, SessionSnapshot, TypeChangeBegun};

/// `GET /api/v1/connections`.
pub(super) async fn connections(State(app): State<App>, _: NoQuery) -> Result<Response, ApiError> {
    let handle = app.handle();
    let plan = handle.plan();
    let removed = Removed::of(handle, &plan);
    let places = places(&plan, &removed);
    let kept = handle.kept();
    let connections = Connections {
        queued: kept.queue.iter().map(|change| (change.connection.clone(), change.to)).collect(),
        kept,
        sessions: by_connection(handle.sessions()),
        removed,
        standings: standings(&plan),
        metrics: app.metrics().clone(),
    };
    let push = move |place: Place, rows: &mut Rows| rows.push(&connections.one(&place));
    list::answer(Listed { items: places.into_iter(), push }, app.readers()).await
}

/// The sessions of each connection, in the order of all.
fn by_connection(sessions: Vec<Arc<SessionSnapshot>>) -> HashMap<Arc<str>, Vec<Arc<SessionSnapshot>>> {
    let mut all: HashMap<Arc<str>, Vec<_>> = HashMap::new();
    for session in sessions {
        all.entry(session.plan.connection.clone()).or_default().push(session);
    }
    all
}

/// A connection and its peering.
struct Place {
    peering: Arc<PeeringPlan>,
    connection: Arc<ConnectionPlan>,
}

/// Every connection, in the order of the config, and behind them those that are being removed.
fn places(plan: &Plan, removed: &Removed) -> Vec<Place> {
    let in_plan =
        plan.peerings.iter().flat_map(|peering| peering.connections.iter().map(move |c| (peering, c)));
    let all = in_plan.chain(removed.places());
    all.map(|(peering, c)| Place { peering: peering.clone(), connection: c.clone() }).collect()
}

/// Where each peering stands, by its name. O(sessions).
fn standings(plan: &Plan) -> HashMap<Arc<str>, Standing> {
    let mut all: HashMap<&str, Vec<&SessionPlan>> = HashMap::new();
    let templates = plan.ranges.iter().map(|range| &*range.template);
    for session in plan.sessions.iter().map(|session| &**session).chain(templates) {
        all.entry(&session.peering).or_default().push(session);
    }
    let standing = |peering: &Arc<PeeringPlan>| {
        let sessions = all.remove(&*peering.name).unwrap_or_default();
        (peering.name.clone(), peering.standing(sessions))
    };
    plan.peerings.iter().map(standing).collect()
}

/// What is shown of every connection.
struct Connections {
    kept: Arc<Kept>,
    /// What waits for its turn to change its type, and into what.
    queued: HashMap<Arc<str>, PolicyGroup>,
    sessions: HashMap<Arc<str>, Vec<Arc<SessionSnapshot>>>,
    removed: Removed,
    standings: HashMap<Arc<str>, Standing>,
    metrics: Metrics,
}

impl Connections {
    fn one<'a>(&'a self, Place { peering, connection }: &'a Place) -> ConnectionJson<'a> {
        let now = unix_now();
        let own = self.sessions.get(&connection.name).into_iter().flatten();
        let session = |session: &'a Arc<SessionSnapshot>| {
            let counts = self.metrics.find_session(session.plan.peer_address);
            OneSession {
                name: &session.plan.name,
                session_ip: session.plan.peer_address,
                session_state: in_azure(session.state),
                session_availability: Some(counts.map_or(0.0, |counts| counts.availability(now))),
                flap_counts: session.flaps,
            }
        };
        let leaving = self.removed.sessions(&connection.name).iter();
        let sessions: Vec<OneSession<'a>> =
            own.map(session).chain(leaving.map(|of| OneSession::leaving(&of.session))).collect();
        let availabilities = || sessions.iter().filter_map(|session| session.session_availability);
        let (count, sum): (usize, f64) = (availabilities().count(), availabilities().sum());
        let standing = self.standings.get(&peering.name);
        let lacks = |of: fn(&Standing) -> Vec<Shortfall>| {
            standing.map(of).into_iter().flatten().map(Shortfall::name).collect()
        };
        ConnectionJson {
            name: &connection.name,
            peering: &peering.name,
            connection_state: connection.state.name(),
            direct_peering_type: (peering.kind == Kind::Direct)
                .then_some(connection.policy_group.direct_peering_type),
            use_for_peering_service: connection.policy_group.use_for_peering_service,
            type_change: self.type_change(&connection.name),
            bandwidth_in_mbps: connection.bandwidth_in_mbps,
            edge_router: connection.edge_router.as_deref(),
            error_message: connection.error_message.as_deref(),
            session_availability: (count > 0).then(|| sum / count as f64),
            flap_counts: sessions.iter().map(|session| session.flap_counts).sum(),
            sessions,
            findings: lacks(Standing::redundancy),
            maps_lacks: lacks(Standing::maps_eligibility),
            unsupported: connection.policy_group.direct_peering_type.unsupported(),
        }
    }

    fn type_change(&self, name: &str) -> Option<TypeChangeJson> {
        let under_way = self.kept.connections.get(name).and_then(|kept| kept.change);
        if let Some(change) = under_way {
            let phase = match change.phase {
                Phase::Draining => "Draining",
                Phase::Restarting => "Restarting",
            };
            return Some(TypeChangeJson::new(change.to, phase));
        }
        Some(TypeChangeJson::new(*self.queued.get(name)?, "Queued"))
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ConnectionJson<'a> {
    name: &'a str,
    peering: &'a str,
    connection_state: &'static str,
    direct_peering_type: Option<DirectPeeringType>,
    use_for_peering_service: bool,
    type_change: Option<TypeChangeJson>,
    bandwidth_in_mbps: Option<u64>,
    edge_router: Option<&'a str>,
    error_message: Option<&'a str>,
    session_availability: Option<f64>,
    flap_counts: u64,
    sessions: Vec<OneSession<'a>>,
    findings: Vec<&'static str>,
    maps_lacks: Vec<&'static str>,
    unsupported: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OneSession<'a> {
    name: &'a str,
    session_ip: IpAddr,
    session_state: SessionState,
    session_availability: Option<f64>,
    flap_counts: u64,
}

impl<'a> OneSession<'a> {
    /// One that is being removed, and counts no more.
    fn leaving(session: &'a SessionSnapshot) -> Self {
        Self {
            name: &session.plan.name,
            session_ip: session.plan.peer_address,
            session_state: SessionState::PendingRemove,
            session_availability: None,
            flap_counts: session.flaps,
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct TypeChangeJson {
    direct_peering_type: DirectPeeringType,
    use_for_peering_service: bool,
    phase: &'static str,
}

impl TypeChangeJson {
    fn new(to: PolicyGroup, phase: &'static str) -> Self {
        let PolicyGroup { direct_peering_type, use_for_peering_service } = to;
        Self { direct_peering_type, use_for_peering_service, phase }
    }
}

/// `POST /api/v1/connections/{name}/typeChange`.
pub(super) fn type_change_route() -> MethodRouter<App> {
    post(type_change.layer(DefaultBodyLimit::max(MOST_OCTETS))).fallback(only_post)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Wanted {
    /// A type, or `peering_service`.
    to: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Begun {
    connection: String,
    from: PolicyGroup,
    to: PolicyGroup,
    /// Changes of the same peering that come first.
    ahead: usize,
}

async fn type_change(
    State(app): State<App>,
    name: InPath,
    _: NoQuery,
    wanted: Result<Json<Wanted>, JsonRejection>,
) -> Result<Json<Begun>, ApiError> {
    let Json(Wanted { to }) = wanted.map_err(|e| ApiError::bad_request(e.body_text()))?;
    let connection = find::named(name, "connection's name")?;
    match app.handle().change_type(&connection, &to).await {
        Ok(TypeChangeBegun { from, to, ahead }) => Ok(Json(Begun { connection, from, to, ahead })),
        Err(error) => Err(refused(&error)),
    }
}

fn refused(error: &CannotChangeType) -> ApiError {
    let said = error.to_string();
    match error {
        CannotChangeType::NoConnection(_) => ApiError::not_found(said),
        CannotChangeType::NoType(_) => ApiError::bad_request(said),
        CannotChangeType::Same(..)
        | CannotChangeType::Pending(_)
        | CannotChangeType::NotActive(..)
        | CannotChangeType::Provider(_)
        | CannotChangeType::TooLong(..)
        | CannotChangeType::OtherType(..)
        | CannotChangeType::Peering { .. } => ApiError::conflict(said),
        CannotChangeType::Ended => ApiError::unavailable(said),
    }
}
