//! Why a prefix is what it is, session by session: every check of what the peer announces, and what becomes of a route of
//! our own.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{FromRequestParts, State};
use axum::http::request::Parts;
use axum::response::Response;
use ipnet::IpNet;
use serde::Serialize;

use super::error::ApiError;
use super::json::{AdvertisedJson, ReceivedRouteJson};
use super::list::{self, Page, Rows, Source};
use super::query::{Pairs, Wanted};
use super::router::App;
use crate::accept::{Explained, ExplainedPath, ReceivedRoute};
use crate::advertise::ToldRoute;
use crate::config::DenyAll;
use crate::fsm::State as SessionState;
use crate::peering::{Check, ConnectionState, Finding};
use crate::rib::{Generation, RouteView};
use crate::speaker::{Handle, SessionSnapshot};
use crate::wire::Asn;

/// What is asked of: `?prefix=`, a prefix or an address, and of one session by `&session=`.
pub(super) struct Question {
    wanted: Wanted,
    session: Option<String>,
}

impl<S: Send + Sync> FromRequestParts<S> for Question {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let pairs = Pairs::from_request_parts(parts, state).await?;
        let (mut wanted, mut session) = (None, None);
        for (key, value) in pairs.only(&["prefix", "session"])? {
            match key.as_str() {
                "prefix" => wanted = Some(value.parse()?),
                _ => session = Some(value),
            }
        }
        let wanted = wanted.ok_or_else(|| ApiError::bad_request("name a prefix or an address: ?prefix="))?;
        Ok(Self { wanted, session })
    }
}

/// `GET /api/v1/why`: of the one session that is named, or of all that carry the family.
pub(super) async fn why(State(app): State<App>, question: Question) -> Result<Response, ApiError> {
    let sessions = match &question.session {
        Some(name) => vec![app.find(name)?],
        None => carrying(app.handle(), question.wanted),
    };
    let generation = app.handle().generation();
    let why = Why {
        handle: app.handle().clone(),
        generation,
        wanted: question.wanted,
        sessions: sessions.into_iter(),
    };
    list::answer(why, app.readers()).await
}

/// The sessions that carry the family of what is asked of: of the others there is nothing to tell.
fn carrying(handle: &Handle, wanted: Wanted) -> Vec<Arc<SessionSnapshot>> {
    let mut sessions = handle.sessions();
    sessions.retain(|session| *session.plan.families.get(wanted.family()));
    sessions
}

/// A row for each session that it is asked of.
struct Why {
    handle: Handle,
    generation: Option<Arc<Generation>>,
    wanted: Wanted,
    sessions: std::vec::IntoIter<Arc<SessionSnapshot>>,
}

impl Source for Why {
    async fn write_page(&mut self, out: &mut Rows) -> Result<Page, ApiError> {
        while !out.is_full() {
            let Some(session) = self.sessions.next() else { return Ok(Page::Last) };
            let (prefix, explained) = self.inbound(&session).await?;
            let told = self.told(&session).await?;
            let local_asn = self.handle.overview().local_asn;
            let route = self.route();
            out.push(&WhyJson {
                session: &session.plan.name,
                peer_address: session.plan.peer_address,
                peer_asn: session.plan.peer_asn,
                peering: &session.plan.peering,
                connection: &session.plan.connection,
                connection_state: session.plan.connection_state.name(),
                state: session.state,
                inbound: InboundJson::new(prefix, &explained, &session),
                outbound: outbound(route.as_ref(), told.as_ref(), &session, local_asn),
            })?;
        }
        Ok(Page::More)
    }
}

impl Why {
    /// What the session has of the prefix, or of the most specific one that covers the address: that it has, or should have.
    async fn inbound(&self, session: &SessionSnapshot) -> Result<(Option<IpNet>, Explained), ApiError> {
        let name = &session.plan.name;
        let prefix = match self.wanted {
            Wanted::Prefix(prefix) => Some(prefix),
            Wanted::Address(address) => {
                let fetch = async |after: Option<IpNet>| {
                    let after = after.map(list::last_path);
                    Ok(list::asked(self.handle.received(name, after, 1)).await?.pop())
                };
                let held = list::sought(self.wanted, fetch, |route: &ReceivedRoute| route.prefix).await?;
                held.map(|route| route.prefix).or_else(|| self.registered(address, session))
            }
        };
        let explained = match prefix {
            Some(prefix) => list::asked(self.handle.explain(name, prefix)).await?,
            None => Explained::default(),
        };
        Ok((prefix, explained))
    }

    /// The most specific prefix with the address that is registered under the session's peering.
    fn registered(&self, address: IpAddr, session: &SessionSnapshot) -> Option<IpNet> {
        let plan = self.handle.plan();
        let peering = plan.peering(&session.plan.peering)?;
        let all = peering.registered_prefixes.iter().map(|listed| listed.prefix);
        all.filter(|prefix| prefix.contains(&address)).max_by_key(IpNet::prefix_len)
    }

    async fn told(&self, session: &SessionSnapshot) -> Result<Option<ToldRoute>, ApiError> {
        let told = list::asked(self.handle.advertised(&session.plan.name)).await?;
        let of_family = told.get(self.wanted.family());
        let fetch = |after| std::future::ready(Ok(of_family.as_ref().and_then(|t| t.page(after, 1).pop())));
        list::sought(self.wanted, fetch, |route: &ToldRoute| route.prefix).await
    }

    fn route(&self) -> Option<RouteView> {
        let generation = self.generation.as_ref()?;
        match self.wanted {
            Wanted::Prefix(prefix) => generation.get(prefix),
            Wanted::Address(address) => generation.longest_match(address),
        }
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WhyJson<'a> {
    session: &'a str,
    peer_address: IpAddr,
    peer_asn: Asn,
    peering: &'a str,
    connection: &'a str,
    connection_state: &'static str,
    state: SessionState,
    inbound: InboundJson<'a>,
    outbound: Option<OutboundJson<'a>>,
}

/// What there is of the peer's.
#[derive(Serialize)]
struct InboundJson<'a> {
    prefix: Option<IpNet>,
    registered: bool,
    /// It is registered, and not there.
    missing: Option<FailureJson>,
    paths: Vec<PathJson<'a>>,
}

/// Why something is not as it should be, and what to do.
#[derive(Serialize)]
struct FailureJson {
    reason: String,
    detail: Option<String>,
    fix: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PathJson<'a> {
    path_id: u32,
    #[serde(flatten)]
    route: ReceivedRouteJson<'a>,
    accepted: bool,
    stale: bool,
    checks: Vec<CheckJson>,
}

#[derive(Serialize)]
struct CheckJson {
    check: Check,
    /// In words.
    holds: &'static str,
    passed: bool,
    /// It passed without what has to hold.
    note: Option<String>,
    #[serde(flatten)]
    failure: Option<FailureJson>,
}

impl<'a> InboundJson<'a> {
    fn new(prefix: Option<IpNet>, explained: &'a Explained, session: &SessionSnapshot) -> Self {
        let Explained { is_registered, paths } = explained;
        let is_there = paths.iter().any(|path| !path.route.stale);
        let is_missing = |prefix: &IpNet| *is_registered && !is_there && must_have(*prefix, session);
        let missing = prefix.filter(is_missing).map(|prefix| missing(prefix, session));
        Self { prefix, registered: *is_registered, missing, paths: paths.iter().map(PathJson::new).collect() }
    }
}

/// A registered prefix has to come on every session of an Active connection that carries its family.
fn must_have(prefix: IpNet, session: &SessionSnapshot) -> bool {
    let carries = *session.plan.families.get(Wanted::Prefix(prefix).family());
    carries && session.plan.connection_state == ConnectionState::Active
}

fn missing(prefix: IpNet, session: &SessionSnapshot) -> FailureJson {
    let peer = session.plan.peer_address;
    let is_up = session.state == SessionState::Established;
    FailureJson {
        reason: "Prefix not received from IP".to_owned(),
        detail: Some(if is_up { peer.to_string() } else { format!("{peer}: the session is down") }),
        fix: if is_up {
            format!("announce {prefix} on this session too, exactly as it is registered")
        } else {
            "bring the session up, and announce it there too".to_owned()
        },
    }
}

impl<'a> PathJson<'a> {
    fn new(path: &'a ExplainedPath) -> Self {
        let check = |(check, finding): &(Check, Finding)| CheckJson {
            check: *check,
            holds: check.holds(),
            passed: finding.reason().is_none(),
            note: finding.note().map(|note| note.to_string()),
            failure: finding.reason().map(|reason| FailureJson {
                reason: reason.to_string(),
                detail: reason.detail(),
                fix: reason.remedy().into_owned(),
            }),
        };
        Self {
            path_id: path.route.path_id.number(),
            route: ReceivedRouteJson::new(&path.route),
            accepted: path.route.reasons.is_empty(),
            stale: path.route.stale,
            checks: path.checks.iter().map(check).collect(),
        }
    }
}

/// What the peer was told of ours.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct OutboundJson<'a> {
    prefix: IpNet,
    advertised: bool,
    /// Why not.
    reason: Option<String>,
    /// As it was told.
    route: Option<AdvertisedJson<'a>>,
    /// Where it comes from.
    file: Option<String>,
    line: Option<u32>,
}

fn outbound<'a>(
    route: Option<&RouteView>,
    told: Option<&'a ToldRoute>,
    session: &SessionSnapshot,
    local_asn: Asn,
) -> Option<OutboundJson<'a>> {
    let place = route.map(|route| (route.file.display().to_string(), route.line));
    let (file, line) = place.unzip();
    match (told, route) {
        (Some(told), _) => Some(OutboundJson {
            prefix: told.prefix,
            advertised: true,
            reason: None,
            route: Some(AdvertisedJson::new(told, local_asn)),
            file,
            line,
        }),
        (None, Some(route)) => Some(OutboundJson {
            prefix: route.prefix,
            advertised: false,
            reason: Some(why_not(route, session)),
            route: None,
            file,
            line,
        }),
        (None, None) => None,
    }
}

/// Why a route of the table was not told to a peer: the first thing that keeps it.
fn why_not(route: &RouteView, session: &SessionSnapshot) -> String {
    let (plan, wanted) = (&session.plan, Wanted::Prefix(route.prefix).family());
    let location = plan.peering_location.as_deref();
    let only = |names: &[String], own: Option<&str>| {
        !names.is_empty() && !names.iter().any(|n| Some(n.as_str()) == own)
    };
    if session.state != SessionState::Established {
        "the session is not Established".to_owned()
    } else if let Some(DenyAll::NotActive(state)) = plan.deny_all() {
        format!("the connection is {}, and routes go out in Active only", state.name())
    } else if let Some(DenyAll::NeedsBfd) = plan.deny_all() {
        "BFD is required of a voice connection first, and is not supported yet".to_owned()
    } else if !*session.families.get(wanted) {
        format!("{wanted} was not negotiated")
    } else if only(&route.peering_locations, location) {
        format!("its group is for the peering locations {} only", route.peering_locations.join(", "))
    } else if only(&route.peerings, Some(&plan.peering)) {
        format!("its group is for the peerings {} only", route.peerings.join(", "))
    } else if *session.pending.get(wanted) > 0 {
        "it is among those that are still to be told".to_owned()
    } else {
        format!(
            "the session has no next hop for {wanted}, or no message of it has room for the route: the log says which"
        )
    }
}
