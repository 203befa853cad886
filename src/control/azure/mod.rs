//! Azure's resources (Microsoft.Peering, api-version 2025-05-01), in exactly its spelling.

mod peer_asn;
mod peering;
mod session;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::response::Response;
use axum::routing::get;

use self::peer_asn::PeerAsnJson;
use self::peering::PeeringJson;
pub(super) use self::session::in_azure;
use super::error::ApiError;
use super::find::{self, InPath};
use super::list::{self, Listed, Rows};
use super::query::NoQuery;
use super::removed::Removed;
use super::router::App;
use crate::config::{ConnectionPlan, PeeringPlan, Plan, RangePlan, SessionPlan};
use crate::fsm;
use crate::peering::{PeerAsn, ValidationState};
use crate::speaker::Handle;
use crate::wire::Asn;

/// Azure's namespace of all its types.
pub(super) const NAMESPACE: &str = "Microsoft.Peering";
/// What stands before the path of a resource in its id; it is in no subscription.
pub(super) const PROVIDER: &str = "/providers/Microsoft.Peering";

/// The paths of peerings and peer ASNs.
pub(super) fn routes() -> Router<App> {
    Router::new()
        .route("/api/v1/peerings", get(peerings))
        .route("/api/v1/peerings/{peering}", get(one_peering))
        .route("/api/v1/peerAsns", get(peer_asns))
        .route("/api/v1/peerAsns/{name}", get(one_peer_asn))
}

/// The plan at one instant, and the states of its sessions.
struct Scene {
    plan: Arc<Plan>,
    states: HashMap<Arc<str>, fsm::State>,
    /// Places in the plan's sessions and ranges, by connection.
    sessions: HashMap<Arc<str>, Vec<usize>>,
    ranges: HashMap<Arc<str>, Vec<usize>>,
    /// The plan's, and behind them those that are being removed.
    peerings: Vec<Arc<PeeringPlan>>,
    removed: Removed,
    /// The names of PeerAsn resources, by number.
    peer_asns: BTreeMap<Asn, Arc<str>>,
}

impl Scene {
    /// O(sessions).
    fn of(handle: &Handle) -> Self {
        let plan = handle.plan();
        let snapshots = handle.sessions();
        let states = snapshots.iter().map(|s| (Arc::clone(&s.plan.name), s.state)).collect();
        let mut sessions: HashMap<Arc<str>, Vec<usize>> = HashMap::new();
        for (at, session) in plan.sessions.iter().enumerate() {
            sessions.entry(Arc::clone(&session.connection)).or_default().push(at);
        }
        let mut ranges: HashMap<Arc<str>, Vec<usize>> = HashMap::new();
        for (at, range) in plan.ranges.iter().enumerate() {
            ranges.entry(Arc::clone(&range.template.connection)).or_default().push(at);
        }
        let removed = Removed::of(handle, &plan);
        let peerings = [plan.peerings.as_slice(), removed.peerings()].concat();
        let of_peerings = peerings.iter().map(|p| (p.peer_asn, format!("AS{}", p.peer_asn).into()));
        let mut peer_asns: BTreeMap<_, Arc<str>> = of_peerings.collect();
        peer_asns.extend(plan.peer_asns.iter().map(|of| (of.asn, Arc::clone(&of.name))));
        Self { states, sessions, ranges, peerings, removed, peer_asns, plan }
    }

    /// A connection's sessions, in the order of the config.
    fn sessions(&self, connection: &str) -> impl Iterator<Item = &Arc<SessionPlan>> {
        let places = self.sessions.get(connection).into_iter().flatten();
        places.filter_map(|at| self.plan.sessions.get(*at))
    }

    /// A connection's ranges.
    fn ranges(&self, connection: &str) -> impl Iterator<Item = &Arc<RangePlan>> {
        let places = self.ranges.get(connection).into_iter().flatten();
        places.filter_map(|at| self.plan.ranges.get(*at))
    }

    /// A peering's connections: those of the plan, and behind them those that are being removed.
    fn connections<'a>(&'a self, peering: &'a PeeringPlan) -> impl Iterator<Item = &'a ConnectionPlan> {
        let stay = if self.removed.has_peering(&peering.name) { &[][..] } else { &peering.connections };
        stay.iter().chain(self.removed.connections(&peering.name)).map(|connection| &**connection)
    }

    /// The state of a session; none where it is not there yet.
    fn state(&self, session: &str) -> Option<fsm::State> {
        self.states.get(session).copied()
    }

    fn peer_asn_id(&self, asn: Asn) -> String {
        let name = self.peer_asns.get(&asn).map_or("", |name| name);
        format!("{PROVIDER}/peerAsns/{name}")
    }

    /// Every PeerAsn: those of the config, and for every other ASN of a peering one without contacts.
    fn all_peer_asns(&self) -> Vec<PeerAsn> {
        let given = self.plan.peer_asns.iter().map(|of| (of.asn, of)).collect::<BTreeMap<_, _>>();
        let of = |(asn, name): (&Asn, &Arc<str>)| match given.get(asn) {
            Some(given) => (*given).clone(),
            None => PeerAsn {
                name: Arc::clone(name),
                asn: *asn,
                peer_name: None,
                contacts: Vec::new(),
                validation_state: ValidationState::Approved,
            },
        };
        self.peer_asns.iter().map(of).collect()
    }
}

async fn peerings(State(app): State<App>, _: NoQuery) -> Result<Response, ApiError> {
    let scene = Scene::of(app.handle());
    let items = scene.peerings.clone().into_iter();
    let push = move |of: Arc<PeeringPlan>, rows: &mut Rows| rows.push(&PeeringJson::new(&of, &scene));
    list::collection(Listed { items, push }, app.readers()).await
}

async fn one_peering(State(app): State<App>, name: InPath, _: NoQuery) -> Result<Response, ApiError> {
    let scene = Scene::of(app.handle());
    let peering = find::peering(&scene.peerings, &find::named(name, "peering's name")?)?;
    list::value(&PeeringJson::new(peering, &scene), app.readers())
}

async fn peer_asns(State(app): State<App>, _: NoQuery) -> Result<Response, ApiError> {
    let items = Scene::of(app.handle()).all_peer_asns().into_iter();
    let push = |of: PeerAsn, rows: &mut Rows| rows.push(&PeerAsnJson::new(&of));
    list::collection(Listed { items, push }, app.readers()).await
}

async fn one_peer_asn(State(app): State<App>, name: InPath, _: NoQuery) -> Result<Response, ApiError> {
    let name = find::named(name, "peer ASN's name")?;
    let all = Scene::of(app.handle()).all_peer_asns();
    let Some(of) = all.iter().find(|of| of.name.eq_ignore_ascii_case(&name)) else {
        let names = all.iter().map(|of| of.name.to_string()).collect();
        return Err(find::not_there("no peer ASN is called", "peer ASNs", names, &name));
    };
    list::value(&PeerAsnJson::new(of), app.readers())
}
