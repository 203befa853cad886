//! The paths, and what answers each.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;
use ipnet::IpNet;
use tokio::sync::Semaphore;

use super::error::ApiError;
use super::find::{self, InPath};
use super::json::{AdvertisedJson, GenerationJson, ReceivedJson, RouteJson, SessionDetailJson, SessionJson};
use super::list::{self, Listed, Rows};
use super::origin::OriginJson;
use super::query::{NoQuery, Range, Wanted};
use super::range::RangeJson;
use super::{act, azure, connections, received_routes, registered, why};
use crate::accept::ReceivedRoute;
use crate::advertise::ToldRoute;
use crate::config::RangePlan;
use crate::metrics::{self, Metrics};
use crate::rib::Generation;
use crate::speaker::{Handle, SessionSnapshot};

/// Long answers that may be read at once; see [`list`].
pub(super) const MAX_LONG_READERS: usize = 8;
/// Long texts of metrics that may be read at once: counted apart, so that readers of lists cannot keep a scraper out.
const MAX_LONG_SCRAPES: usize = 4;

/// What every request may look at.
#[derive(Clone)]
pub(super) struct App {
    handle: Handle,
    metrics: Metrics,
    readers: Arc<Semaphore>,
    scrapers: Arc<Semaphore>,
}

impl App {
    pub(super) fn handle(&self) -> &Handle {
        &self.handle
    }

    pub(super) fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    pub(super) fn session(&self, name: InPath) -> Result<Arc<SessionSnapshot>, ApiError> {
        self.find(&find::named(name, "session's name")?)
    }

    pub(super) fn find(&self, session: &str) -> Result<Arc<SessionSnapshot>, ApiError> {
        find::session(&self.handle.sessions(), &self.handle.ranges(), session)
    }

    pub(super) fn readers(&self) -> Arc<Semaphore> {
        self.readers.clone()
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
    let acting = reading()
        .route("/api/v1/sessions/{name}/reset", act::reset_route())
        .route("/api/v1/sessions/{name}/refresh", act::refresh_route())
        .route("/api/v1/registered/{prefix}/validate", act::validate_route())
        .route("/api/v1/connections/{name}/typeChange", connections::type_change_route());
    finish(acting, handle, metrics)
}

fn reading() -> Router<App> {
    Router::new()
        .route("/", get(index))
        .route("/api/v1", get(index))
        .route("/api/v1/", get(index))
        .route("/metrics", get(scrape))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/api/v1/sessions", get(sessions))
        .route("/api/v1/sessions/{name}", get(session))
        .route("/api/v1/sessions/{name}/advertised", get(advertised))
        .route("/api/v1/sessions/{name}/received", get(received))
        .route("/api/v1/connections", get(connections::connections))
        .route("/api/v1/ranges", get(ranges))
        .route("/api/v1/routes", get(routes))
        .route("/api/v1/why", get(why::why))
        .route("/api/v1/peerings/{peering}/receivedRoutes", get(received_routes::received_routes))
        .route("/api/v1/generation", get(generation))
        .merge(azure::routes())
        .route("/api/v1/origin", get(origin))
        .merge(registered::routes())
}

fn finish(routes: Router<App>, handle: Handle, metrics: Metrics) -> Router {
    routes
        .fallback(|| async { ApiError::not_found("there is nothing here; GET / lists what there is") })
        .method_not_allowed_fallback(|| async { ApiError::method_not_allowed() })
        .layer(axum::middleware::map_response(as_it_is))
        .with_state(App {
            handle,
            metrics,
            readers: Arc::new(Semaphore::new(MAX_LONG_READERS)),
            scrapers: Arc::new(Semaphore::new(MAX_LONG_SCRAPES)),
        })
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
    let body = list::whole(text.into(), app.scrapers)?;
    Ok(([(header::CONTENT_TYPE, metrics::TEXT_FORMAT)], body).into_response())
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

async fn sessions(State(app): State<App>, _: NoQuery) -> Result<Response, ApiError> {
    let items = app.handle.sessions().into_iter();
    let push = |of: Arc<SessionSnapshot>, rows: &mut Rows| rows.push(&SessionJson::new(&of));
    list::answer(Listed { items, push }, app.readers).await
}

async fn ranges(State(app): State<App>, _: NoQuery) -> Result<Response, ApiError> {
    let (items, sessions) = (app.handle.ranges().into_iter(), app.handle.sessions());
    let push = move |of: Arc<RangePlan>, rows: &mut Rows| rows.push(&RangeJson::new(&of, &sessions));
    list::answer(Listed { items, push }, app.readers).await
}

async fn session(State(app): State<App>, name: InPath, _: NoQuery) -> Result<Response, ApiError> {
    let session = app.session(name)?;
    let counts = app.metrics.find_session(session.plan.peer_address);
    let budget = app.handle.plan().policy.announcement_budget;
    list::value(&SessionDetailJson::new(&session, counts.as_deref(), budget), app.readers)
}

async fn advertised(State(app): State<App>, name: InPath, range: Range) -> Result<Response, ApiError> {
    let session = app.session(name)?;
    let told = list::asked(app.handle.advertised(&session.plan.name)).await?;
    let local_asn = app.handle.overview().local_asn;
    let Some(wanted) = range.wanted else {
        let cursor = list::Cursor::new(range);
        return list::answer(list::Advertised { told, local_asn, cursor }, app.readers).await;
    };
    let fetch = |after| {
        let of_family = |family| told.get(family).as_ref().and_then(|t| t.page(after, 1).pop());
        std::future::ready(Ok(of_family(wanted.family())))
    };
    let found: Option<ToldRoute> = list::sought(wanted, fetch, |route| route.prefix).await?;
    list::one(found.as_ref().map(|route| AdvertisedJson::new(route, local_asn)).as_ref(), app.readers)
}

async fn received(State(app): State<App>, name: InPath, range: Range) -> Result<Response, ApiError> {
    let session = app.session(name)?.plan.name.clone();
    let Some(wanted) = range.wanted else {
        let cursor = list::Cursor::of_paths(range);
        let all = list::Received { handle: app.handle, session, cursor, only: None };
        return list::answer(all, app.readers).await;
    };
    let fetch = async |after: Option<IpNet>| {
        Ok(list::asked(app.handle.received(&session, after.map(list::last_path), 1)).await?.pop())
    };
    let found: Option<ReceivedRoute> = list::sought(wanted, fetch, |route| route.prefix).await?;
    match found {
        Some(route) => {
            let paths = list::Received::paths_of(app.handle, session, route.prefix);
            list::answer(paths, app.readers).await
        }
        None => list::one(None::<&ReceivedJson<'_>>, app.readers),
    }
}

async fn routes(State(app): State<App>, range: Range) -> Result<Response, ApiError> {
    let generation = app.generation()?;
    let local_asn = app.handle.overview().local_asn;
    let found = match range.wanted {
        Some(Wanted::Prefix(prefix)) => generation.get(prefix),
        Some(Wanted::Address(address)) => generation.longest_match(address),
        None => {
            let cursor = list::Cursor::new(range);
            return list::answer(list::Routes { generation, local_asn, cursor }, app.readers).await;
        }
    };
    list::one(found.as_ref().map(|route| RouteJson::new(route, local_asn)).as_ref(), app.readers)
}

async fn origin(State(app): State<App>, _: NoQuery) -> Result<Response, ApiError> {
    list::value(&OriginJson::from(&*app.handle.origins().status()), app.readers)
}

async fn generation(State(app): State<App>, _: NoQuery) -> Result<Response, ApiError> {
    let generation = app.generation()?;
    list::value(&GenerationJson::new(&generation, &app.handle.overview()), app.readers)
}
