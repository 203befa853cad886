//! The paths, and what answers each.

use std::sync::Arc;

use axum::Router;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use ipnet::IpNet;
use serde::Deserialize;
use tokio::sync::Semaphore;

use super::error::ApiError;
use super::json::{GenerationJson, SessionDetailJson};
use super::{find, list};
use crate::metrics::{self, Metrics};
use crate::rib::{Generation, RouteView};
use crate::speaker::{Handle, SessionSnapshot};

/// Lists longer than a page that may be read at once.
pub(super) const MAX_LONG_READERS: usize = 8;

/// What every request may look at.
#[derive(Clone)]
struct App {
    handle: Handle,
    metrics: Metrics,
    readers: Arc<Semaphore>,
}

impl App {
    fn session(&self, name: Result<Path<String>, PathRejection>) -> Result<Arc<SessionSnapshot>, ApiError> {
        let Path(name) = name.map_err(|e| ApiError::bad_request(e.body_text()))?;
        find::session(&self.handle.sessions(), &name)
    }

    fn generation(&self) -> Result<Arc<Generation>, ApiError> {
        self.handle.generation().ok_or_else(|| ApiError::unavailable("no generation is in force yet"))
    }
}

/// The read-only HTTP of `http.listen`.
pub fn router(handle: Handle, metrics: Metrics) -> Router {
    finish(reading(), handle, metrics)
}

/// The HTTP of the control socket: what [`router`] has, and the only place for what changes anything. Its long readers
/// are counted apart, so that nobody on the network can keep an operator on the machine from looking.
pub fn socket_router(handle: Handle, metrics: Metrics) -> Router {
    finish(reading(), handle, metrics)
}

fn reading() -> Router<App> {
    Router::new()
        .route("/", get(index))
        .route("/metrics", get(scrape))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/api/v1/sessions", get(sessions))
        .route("/api/v1/sessions/{name}", get(session))
        .route("/api/v1/sessions/{name}/advertised", get(advertised))
        .route("/api/v1/sessions/{name}/received", get(received))
        .route("/api/v1/routes", get(routes))
        .route("/api/v1/generation", get(generation))
}

fn finish(routes: Router<App>, handle: Handle, metrics: Metrics) -> Router {
    routes
        .fallback(|| async { ApiError::not_found("there is nothing here; GET / lists what there is") })
        .method_not_allowed_fallback(|| async { ApiError::method_not_allowed() })
        .layer(axum::middleware::map_response(as_it_is))
        .with_state(App { handle, metrics, readers: Arc::new(Semaphore::new(MAX_LONG_READERS)) })
}

/// Every answer is of now, and of the type that it says.
async fn as_it_is(mut response: Response) -> Response {
    const NOSNIFF: (HeaderName, HeaderValue) =
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    const NO_STORE: (HeaderName, HeaderValue) = (header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    for (name, value) in [NOSNIFF, NO_STORE] {
        response.headers_mut().insert(name, value);
    }
    response
}

async fn index() -> Html<&'static str> {
    Html(include_str!("index.html"))
}

async fn scrape(State(app): State<App>) -> Result<Response, ApiError> {
    let text = app.metrics.render().map_err(|e| ApiError::internal(e.to_string()))?;
    Ok(([(header::CONTENT_TYPE, metrics::TEXT_FORMAT)], text).into_response())
}

/// The overview's sender lives as long as the speaker's loop.
async fn healthz(State(app): State<App>) -> Result<&'static str, ApiError> {
    match app.handle.overview.has_changed() {
        Ok(_) => Ok("ok\n"),
        Err(_) => Err(ApiError::unavailable("the speaker has stopped")),
    }
}

async fn readyz(State(app): State<App>) -> Result<&'static str, ApiError> {
    if app.handle.overview().ready {
        return Ok("ready\n");
    }
    app.generation()?;
    Err(ApiError::unavailable("the listeners are not bound yet"))
}

async fn sessions(State(app): State<App>) -> Result<Response, ApiError> {
    list::answer(list::Sessions(app.handle.sessions().into_iter()), app.readers).await
}

async fn session(
    State(app): State<App>,
    name: Result<Path<String>, PathRejection>,
) -> Result<Response, ApiError> {
    let session = app.session(name)?;
    let counts = app.metrics.find_session(session.plan.peer_address);
    list::value(&SessionDetailJson::new(&session, counts.as_deref()))
}

/// Where a list begins and how much of it is wanted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Range {
    /// Only what stands behind this prefix.
    after: Option<IpNet>,
    /// At most so many rows.
    limit: Option<usize>,
}

impl Range {
    fn cursor(query: Result<Query<Self>, QueryRejection>) -> Result<list::Cursor, ApiError> {
        let Query(range) = query.map_err(|e| ApiError::bad_request(e.body_text()))?;
        Ok(list::Cursor::new(range.after, range.limit))
    }
}

async fn advertised(
    State(app): State<App>,
    name: Result<Path<String>, PathRejection>,
    range: Result<Query<Range>, QueryRejection>,
) -> Result<Response, ApiError> {
    let cursor = Range::cursor(range)?;
    let session = app.session(name)?;
    let told = list::asked(app.handle.advertised(&session.plan.name)).await?;
    let local_asn = app.handle.overview().local_asn;
    list::answer(list::Advertised { told, local_asn, cursor }, app.readers).await
}

async fn received(
    State(app): State<App>,
    name: Result<Path<String>, PathRejection>,
    range: Result<Query<Range>, QueryRejection>,
) -> Result<Response, ApiError> {
    let cursor = Range::cursor(range)?;
    let session = app.session(name)?.plan.name.clone();
    list::answer(list::Received { handle: app.handle, session, cursor }, app.readers).await
}

/// Which routes are wanted.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RoutesQuery {
    /// A prefix: that route; an address: the most specific route that covers it.
    prefix: Option<String>,
    /// As in [`Range`].
    after: Option<IpNet>,
    /// As in [`Range`].
    limit: Option<usize>,
}

async fn routes(
    State(app): State<App>,
    query: Result<Query<RoutesQuery>, QueryRejection>,
) -> Result<Response, ApiError> {
    let Query(query) = query.map_err(|e| ApiError::bad_request(e.body_text()))?;
    let generation = app.generation()?;
    let local_asn = app.handle.overview().local_asn;
    if let Some(wanted) = query.prefix {
        let found = look_up(&generation, &wanted)?;
        return list::answer(list::OneRoute(found, local_asn), app.readers).await;
    }
    let cursor = list::Cursor::new(query.after, query.limit);
    list::answer(list::Routes { generation, local_asn, cursor }, app.readers).await
}

fn look_up(generation: &Generation, wanted: &str) -> Result<Option<RouteView>, ApiError> {
    if let Ok(address) = wanted.parse() {
        return Ok(generation.longest_match(address));
    }
    let net: IpNet = wanted.parse().map_err(|_| {
        ApiError::bad_request("prefix must be a prefix like 13.64.0.0/11, or an address like 13.64.0.1")
    })?;
    if net.trunc() != net {
        return Err(ApiError::bad_request(format!("{net} has host bits: the prefix is {}", net.trunc())));
    }
    Ok(generation.get(net))
}

async fn generation(State(app): State<App>) -> Result<Response, ApiError> {
    let generation = app.generation()?;
    list::value(&GenerationJson::new(&generation, &app.handle.overview()))
}
