//! Connections: the state of each, which is not that of its sessions, its type, and what its sessions came to.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection};
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::handler::Handler as _;
use axum::response::Response;
use axum::routing::{MethodRouter, post};
use serde::{Deserialize, Serialize};

use super::act::{MOST_OCTETS, only_post};
use super::error::ApiError;
use super::json::unix_now;
use super::list::{self, Page, Rows, Source};
use super::router::App;
use crate::config::{ConnectionPlan, Kept, PeeringPlan, Phase, Plan, SessionPlan};
use crate::fsm;
use crate::metrics::Metrics;
use crate::peering::{DirectPeeringType, Kind, PolicyGroup, Shortfall, Standing};
use crate::speaker::{CannotChangeType, SessionSnapshot, TypeChangeBegun};

/// `GET /api/v1/connections`.
pub(super) async fn connections(State(app): State<App>) -> Result<Response, ApiError> {
    let handle = app.handle();
    let plan = handle.plan();
    let names = plan.peerings.iter().enumerate();
    let places: Vec<(usize, usize)> =
        names.flat_map(|(at, peering)| (0..peering.connections.len()).map(move |nth| (at, nth))).collect();
    let kept = handle.kept();
    let connections = Connections {
        queued: kept.queue.iter().map(|change| (change.connection.clone(), change.to)).collect(),
        kept,
        sessions: by_connection(handle.sessions()),
        standings: standings(&plan),
        metrics: app.metrics().clone(),
        places: places.into_iter(),
        plan,
    };
    list::answer(connections, app.readers()).await
}

/// The sessions of each connection, in the order of all.
fn by_connection(sessions: Vec<Arc<SessionSnapshot>>) -> HashMap<Arc<str>, Vec<Arc<SessionSnapshot>>> {
    let mut all: HashMap<Arc<str>, Vec<_>> = HashMap::new();
    for session in sessions {
        all.entry(session.plan.connection.clone()).or_default().push(session);
    }
    all
}

/// Where each peering stands, in the order of the plan. O(sessions).
fn standings(plan: &Plan) -> Vec<Standing> {
    let mut all: HashMap<&str, Vec<&SessionPlan>> = HashMap::new();
    let templates = plan.ranges.iter().map(|range| &*range.template);
    for session in plan.sessions.iter().map(|session| &**session).chain(templates) {
        all.entry(&session.peering).or_default().push(session);
    }
    let standing =
        |peering: &Arc<PeeringPlan>| peering.standing(all.remove(&*peering.name).unwrap_or_default());
    plan.peerings.iter().map(standing).collect()
}

/// Every connection, in the order of the config.
struct Connections {
    plan: Arc<Plan>,
    kept: Arc<Kept>,
    /// What waits for its turn to change its type, and into what.
    queued: HashMap<Arc<str>, PolicyGroup>,
    sessions: HashMap<Arc<str>, Vec<Arc<SessionSnapshot>>>,
    standings: Vec<Standing>,
    metrics: Metrics,
    /// Which peering, and which of its connections.
    places: std::vec::IntoIter<(usize, usize)>,
}

impl Source for Connections {
    async fn write_page(&mut self, out: &mut Rows) -> Result<Page, ApiError> {
        while !out.is_full() {
            let Some((at, nth)) = self.places.next() else { return Ok(Page::Last) };
            let found = self.plan.peerings.get(at).zip(self.standings.get(at));
            if let Some((peering, standing)) = found
                && let Some(connection) = peering.connections.get(nth)
            {
                out.push(&self.one(peering, standing, connection))?;
            }
        }
        Ok(Page::More)
    }
}

impl Connections {
    fn one<'a>(
        &'a self,
        peering: &'a PeeringPlan,
        standing: &Standing,
        connection: &'a ConnectionPlan,
    ) -> ConnectionJson<'a> {
        let now = unix_now();
        let own = self.sessions.get(&connection.name).into_iter().flatten();
        let session = |session: &'a Arc<SessionSnapshot>| {
            let counts = self.metrics.find_session(session.plan.peer_address);
            OneSession {
                name: &session.plan.name,
                session_ip: session.plan.peer_address,
                session_state: session.state,
                session_availability: counts.map_or(0.0, |counts| counts.availability(now)),
                flap_counts: session.flaps,
            }
        };
        let sessions: Vec<OneSession<'a>> = own.map(session).collect();
        let count = sessions.len() as f64;
        let sum: f64 = sessions.iter().map(|session| session.session_availability).sum();
        let lacks = |all: Vec<Shortfall>| all.into_iter().map(Shortfall::name).collect();
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
            session_availability: (count > 0.0).then_some(sum / count),
            flap_counts: sessions.iter().map(|session| session.flap_counts).sum(),
            sessions,
            findings: lacks(standing.redundancy()),
            maps_lacks: lacks(standing.maps_eligibility()),
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
    session_state: fsm::State,
    session_availability: f64,
    flap_counts: u64,
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
    name: Result<Path<String>, PathRejection>,
    wanted: Result<Json<Wanted>, JsonRejection>,
) -> Result<Json<Begun>, ApiError> {
    let Json(Wanted { to }) = wanted.map_err(|e| ApiError::bad_request(e.body_text()))?;
    let Path(connection) =
        name.map_err(|_| ApiError::bad_request("the connection's name in the path is not UTF-8"))?;
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
