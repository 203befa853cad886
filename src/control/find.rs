//! What is meant by a name: a session by its own, its peer's address, or its connection's.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::Path;
use axum::extract::rejection::PathRejection;

use super::error::ApiError;
use super::query::echo;
use crate::config::{PeeringPlan, RangePlan};
use crate::speaker::SessionSnapshot;

/// The most names that an error lists.
const MAX_LISTED: usize = 20;
/// The most octets of a name that is compared with others.
const LONGEST: usize = 100;
/// How alike a name must be to be offered, of 1.
const ALIKE: f64 = 0.8;

/// What a request's path names.
pub(super) type InPath<T = String> = Result<Path<T>, PathRejection>;

/// What a path names, of which `what` is said where it cannot be read.
pub(super) fn named<T>(in_path: InPath<T>, what: &str) -> Result<T, ApiError> {
    let unread = |_| ApiError::bad_request(format!("the {what} in the path is not UTF-8"));
    in_path.map(|Path(name)| name).map_err(unread)
}

/// The session that `wanted` names: a session's name, a peer's address, or the name of a connection that has one
/// session. O(sessions).
pub(super) fn session(
    sessions: &[Arc<SessionSnapshot>],
    ranges: &[Arc<RangePlan>],
    wanted: &str,
) -> Result<Arc<SessionSnapshot>, ApiError> {
    if let Some(found) = sessions.iter().find(|s| &*s.plan.name == wanted) {
        return Ok(found.clone());
    }
    if let Ok(ip) = wanted.parse::<IpAddr>() {
        let ip = ip.to_canonical();
        let found = sessions.iter().find(|s| s.plan.peer_address == ip);
        let range = || ranges.iter().find(|range| range.takes(ip));
        return found.cloned().ok_or_else(|| match range() {
            Some(range) => absent(range, wanted),
            None => unknown(sessions, wanted),
        });
    }
    let mut of_connection = sessions.iter().filter(|s| &*s.plan.connection == wanted);
    let range =
        || ranges.iter().find(|r| [&r.template.connection, &r.template.name].iter().any(|n| &***n == wanted));
    match (of_connection.next(), of_connection.next()) {
        (Some(only), None) => Ok(only.clone()),
        (None, _) => Err(range().map_or_else(|| unknown(sessions, wanted), |range| empty(range, sessions))),
        (Some(_), Some(_)) => Err(ambiguous(sessions, wanted)),
    }
}

fn ambiguous(sessions: &[Arc<SessionSnapshot>], wanted: &str) -> ApiError {
    let names: Vec<String> =
        sessions.iter().filter(|s| &*s.plan.connection == wanted).map(|s| s.plan.name.to_string()).collect();
    let message = format!(
        "connection \"{}\" has {} sessions: {}; name one of them",
        echo(wanted),
        names.len(),
        listed(&names)
    );
    ApiError::not_found(message).with_near(names)
}

/// A peer that a range would take is not there.
fn absent(range: &RangePlan, wanted: &str) -> ApiError {
    let (echo, connection) = (echo(wanted), &range.template.connection);
    ApiError::not_found(format!(
        "{echo} is not there: peers from {} have a session of {connection} from when they dial",
        range.range
    ))
}

/// A range is no session; those of its peers are.
fn empty(range: &RangePlan, sessions: &[Arc<SessionSnapshot>]) -> ApiError {
    let (net, limit) = (range.range, range.peer_limit);
    let of_range = sessions.iter().filter(|s| s.plan.transport.range == Some(net));
    let names: Vec<String> = of_range.map(|s| s.plan.name.to_string()).collect();
    let mut message =
        format!("{} takes peers from {net}, {} of {limit} are there", range.template.name, names.len());
    if !names.is_empty() {
        message.push_str(&format!(": {}; name one of them", listed(&names)));
    }
    ApiError::not_found(message).with_near(names)
}

fn unknown(sessions: &[Arc<SessionSnapshot>], wanted: &str) -> ApiError {
    let names = sessions.iter().map(|s| s.plan.name.to_string()).collect();
    not_there("no session, peer address or connection is", "sessions", names, wanted)
}

/// The peering of that name. Azure's names are the same in capitals.
pub(super) fn peering<'a>(
    peerings: &'a [Arc<PeeringPlan>],
    wanted: &str,
) -> Result<&'a Arc<PeeringPlan>, ApiError> {
    peerings.iter().find(|p| p.name.eq_ignore_ascii_case(wanted)).ok_or_else(|| {
        let names = peerings.iter().map(|p| p.name.to_string()).collect();
        not_there("no peering is called", "peerings", names, wanted)
    })
}

/// 404 of a name that none has, with those there are.
pub(super) fn not_there(none_is: &str, all: &str, names: Vec<String>, wanted: &str) -> ApiError {
    let near = near(&names, wanted);
    let mut message = format!("{none_is} \"{}\"", echo(wanted));
    message.push_str(&match near.first() {
        Some(first) => format!(": did you mean \"{first}\"? The {all} are {}", listed(&names)),
        None if names.is_empty() => format!("; no {all} are configured"),
        None => format!("; the {all} are {}", listed(&names)),
    });
    ApiError::not_found(message).with_near(near)
}

/// At most three, the most alike first.
fn near(names: &[String], wanted: &str) -> Vec<String> {
    if wanted.len() > LONGEST {
        return Vec::new();
    }
    let mut scored: Vec<(f64, &String)> =
        names.iter().map(|n| (strsim::jaro_winkler(n, wanted), n)).filter(|(s, _)| *s >= ALIKE).collect();
    scored.sort_by(|a, b| b.0.total_cmp(&a.0));
    scored.into_iter().take(3).map(|(_, n)| n.clone()).collect()
}

fn listed(names: &[String]) -> String {
    let mut text = names.iter().take(MAX_LISTED).map(String::as_str).collect::<Vec<_>>().join(", ");
    if let Some(more) = names.len().checked_sub(MAX_LISTED).filter(|n| *n > 0) {
        text.push_str(&format!(" and {more} more"));
    }
    text
}
