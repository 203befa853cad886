//! Azure's list of a peering's received routes: its filters, and pages of 100 with a `$skipToken`.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{FromRequestParts, State};
use axum::http::header;
use axum::http::request::Parts;
use axum::http::uri::Authority;
use axum::response::Response;
use ipnet::IpNet;

use super::error::ApiError;
use super::find::{self, InPath};
use super::json::ReceivedRouteJson;
use super::list;
use super::query::{Pairs, Wanted, before, echo};
use super::router::App;
use crate::accept::{PathKey, ReceivedAttrs, ReceivedRoute};
use crate::peering::Validity;
use crate::speaker::SessionSnapshot;
use crate::wire::PathId;

/// The most routes on a page.
const PAGE: usize = 100;
/// Routes asked for at once of a session.
const FETCH: usize = 100;
/// Routes looked at for one page: where a filter lets few through, a page has fewer, and the next goes on behind them.
const MOST_SEEN: usize = 20_000;
const ORIGIN_AS: &str = "originAsValidationState";
const RPKI: &str = "rpkiValidationState";
/// The key of the place to go on at.
const SKIP_TOKEN: &str = "$skipToken";

/// What is asked for.
#[derive(Default)]
pub(super) struct Filter {
    prefix: Option<IpNet>,
    as_path: Option<String>,
    origin_as: Option<Validity>,
    rpki: Option<Validity>,
    from: Option<Token>,
    /// Path and query, without the token.
    link: String,
}

/// Behind which route of which session a page begins: `PEER,PREFIX,PATH`, or with the session's first: `PEER`.
#[derive(Clone, Copy)]
struct Token {
    peer: IpAddr,
    after: Option<PathKey>,
}

impl std::fmt::Display for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.after {
            Some((prefix, path)) => write!(f, "{},{prefix},{}", self.peer, path.number()),
            None => self.peer.fmt(f),
        }
    }
}

impl std::str::FromStr for Token {
    type Err = ApiError;

    fn from_str(text: &str) -> Result<Self, ApiError> {
        let (peer, after) = text.split_once(',').map_or((text, None), |(peer, after)| (peer, Some(after)));
        let key = |after: &str| {
            let (prefix, path) = after.split_once(',')?;
            Some((prefix.parse().ok()?, PathId::from(path.parse::<u32>().ok()?)))
        };
        let read = || match after {
            Some(after) => Some(Self { peer: peer.parse().ok()?, after: Some(key(after)?) }),
            None => Some(Self { peer: peer.parse().ok()?, after: None }),
        };
        read().ok_or_else(|| ApiError::bad_request("this is no $skipToken: take the one of a nextLink"))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Filter {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let pairs = Pairs::from_request_parts(parts, state).await?;
        let mut filter = Self { link: link(parts), ..Self::default() };
        for (key, value) in pairs.only(&["prefix", "asPath", ORIGIN_AS, RPKI, SKIP_TOKEN])? {
            match key.as_str() {
                "prefix" => filter.prefix = Some(exactly(&value)?),
                "asPath" => filter.as_path = Some(as_path(&value)?),
                ORIGIN_AS => filter.origin_as = Some(validity(&key, &value)?),
                RPKI => filter.rpki = Some(validity(&key, &value)?),
                _ => filter.from = Some(value.parse()?),
            }
        }
        Ok(filter)
    }
}

/// The request's URL, without its token, so that the next page's can be added: absolute where the request says whom it
/// asks.
fn link(parts: &Parts) -> String {
    let is_token = |pair: &&str| {
        let key = pair.split('=').next().unwrap_or_default();
        key == SKIP_TOKEN || key.eq_ignore_ascii_case("%24skipToken")
    };
    let query = parts.uri.query().unwrap_or_default().split('&');
    let others = query.filter(|pair| !pair.is_empty() && !is_token(pair));
    let path = format!("{}{}?", origin(parts).unwrap_or_default(), parts.uri.path());
    others.fold(path, |link, pair| link + pair + "&")
}

/// What stands before the path in a URL of the request, where it says so.
fn origin(parts: &Parts) -> Option<String> {
    let host = || parts.headers.get(header::HOST)?.to_str().ok()?.parse().ok();
    let authority: Authority = parts.uri.authority().cloned().or_else(host)?;
    Some(format!("http://{authority}"))
}

/// A whole path as we show it: AS numbers, and sets of them like {7,8}, one space between two.
fn as_path(value: &str) -> Result<String, ApiError> {
    let is_asn = |text: &str| text.parse::<u32>().is_ok_and(|asn| asn.to_string() == text);
    let is_hop = |hop: &str| match hop.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
        Some(set) => set.split(',').all(is_asn),
        None => is_asn(hop),
    };
    let hops: Vec<&str> = value.split(' ').filter(|hop| !hop.is_empty()).collect();
    if hops.iter().all(|hop| is_hop(hop)) {
        return Ok(hops.join(" "));
    }
    let what = format!("asPath takes AS numbers, the whole path, like 3356 7018, not \"{}\"", echo(value));
    Err(ApiError::bad_request(what))
}

fn exactly(value: &str) -> Result<IpNet, ApiError> {
    match value.parse()? {
        Wanted::Prefix(prefix) => Ok(prefix),
        Wanted::Address(_) => Err(ApiError::bad_request("prefix takes a prefix like 13.64.0.0/11 here")),
    }
}

fn validity(key: &str, value: &str) -> Result<Validity, ApiError> {
    let all = [("valid", Validity::Valid), ("invalid", Validity::Invalid), ("unknown", Validity::Unknown)];
    let found = all.into_iter().find(|(word, _)| word.eq_ignore_ascii_case(value));
    found.map(|(_, state)| state).ok_or_else(|| {
        let what = format!("{key} is Valid, Invalid or Unknown, not \"{}\"", echo(value));
        ApiError::bad_request(what)
    })
}

impl Filter {
    fn lets_through(&self, route: &ReceivedRoute, last: &mut Option<LastPath>) -> bool {
        self.origin_as.is_none_or(|state| route.validity.irr == state)
            && self.rpki.is_none_or(|state| route.validity.rpki == state)
            && self.as_path.as_ref().is_none_or(|path| {
                if let Some((attrs, is_it)) = last
                    && Arc::ptr_eq(attrs, &route.attrs)
                {
                    return *is_it;
                }
                let is_it = route.attrs.as_path.to_string() == *path;
                *last = Some((Arc::clone(&route.attrs), is_it));
                is_it
            })
    }

    /// Where a session's routes begin that may be let through.
    fn start(&self) -> Option<PathKey> {
        self.prefix.and_then(before).map(list::last_path)
    }
}

/// The attributes whose path was compared last, and whether it is the one that is asked for: many routes share them, and
/// a path may be long.
type LastPath = (Arc<ReceivedAttrs>, bool);

/// `GET /api/v1/peerings/{peering}/receivedRoutes`.
pub(super) async fn received_routes(
    State(app): State<App>,
    peering: InPath,
    filter: Filter,
) -> Result<Response, ApiError> {
    let peering = find::named(peering, "peering's name")?;
    let (routes, next) = page(&app, &peering, &filter).await?;
    let next_link = next.map(|token| format!("{}{SKIP_TOKEN}={token}", filter.link));
    list::page(routes.iter().map(ReceivedRouteJson::new), next_link, app.readers())
}

/// The peering's sessions, from the one on that the page begins with.
fn sessions(app: &App, peering: &str, from: Option<IpAddr>) -> Result<Vec<Arc<SessionSnapshot>>, ApiError> {
    let (mut sessions, plan) = (app.handle().sessions(), app.handle().plan());
    let name = &find::peering(&plan.peerings, peering)?.name;
    sessions.retain(|session| session.plan.peering == *name);
    let Some(peer) = from else { return Ok(sessions) };
    match sessions.iter().position(|session| session.plan.peer_address == peer) {
        Some(at) => Ok(sessions.split_off(at)),
        None => Err(ApiError::not_found("the session of this $skipToken is gone: begin with the first page")),
    }
}

/// Up to [`PAGE`] routes of the peering's sessions, one session after the other, and behind which to go on.
async fn page(
    app: &App,
    peering: &str,
    filter: &Filter,
) -> Result<(Vec<ReceivedRoute>, Option<Token>), ApiError> {
    let mut after = filter.from.and_then(|token| token.after).or_else(|| filter.start());
    let mut page = Page { routes: Vec::new(), seen: 0, last: None };
    for session in sessions(app, peering, filter.from.map(|token| token.peer))? {
        let peer = session.plan.peer_address;
        loop {
            let fetched = list::asked(app.handle().received(&session.plan.name, after, FETCH)).await?;
            let is_last = fetched.len() < FETCH;
            match page.take(fetched, filter, &mut after) {
                Taken::Full => return Ok((page.routes, Some(Token { peer, after }))),
                Taken::All if !is_last => {}
                Taken::All | Taken::Past => break,
            }
        }
        after = filter.start();
    }
    Ok((page.routes, None))
}

/// What there is of a page.
struct Page {
    routes: Vec<ReceivedRoute>,
    seen: usize,
    last: Option<LastPath>,
}

/// How far a page took what was fetched.
enum Taken {
    /// To its end.
    All,
    /// To where the prefix that is asked for ends.
    Past,
    /// To where the page is full.
    Full,
}

impl Page {
    fn take(&mut self, fetched: Vec<ReceivedRoute>, filter: &Filter, after: &mut Option<PathKey>) -> Taken {
        for route in fetched {
            if filter.prefix.is_some_and(|prefix| route.prefix != prefix) {
                return Taken::Past;
            }
            let is_wanted = filter.lets_through(&route, &mut self.last);
            if is_wanted && self.routes.len() == PAGE || self.seen == MOST_SEEN {
                return Taken::Full;
            }
            *after = Some(route.key());
            self.seen = self.seen.saturating_add(1);
            if is_wanted {
                self.routes.push(route);
            }
        }
        Taken::All
    }
}
