//! Which session is meant: by its name, its peer's address, or its connection's name.

use std::net::IpAddr;
use std::sync::Arc;

use super::error::ApiError;
use crate::speaker::SessionSnapshot;

/// The most names that an error lists.
const MAX_LISTED: usize = 20;
/// The most of what was asked for that an error repeats, in characters.
const MAX_ECHO: usize = 100;
/// How alike a name must be to be offered, of 1.
const ALIKE: f64 = 0.8;

/// The session that `wanted` names: a session's name, a peer's address, or the name of a connection that has one
/// session. O(sessions).
pub(super) fn session(
    sessions: &[Arc<SessionSnapshot>],
    wanted: &str,
) -> Result<Arc<SessionSnapshot>, ApiError> {
    if let Some(found) = sessions.iter().find(|s| &*s.plan.name == wanted) {
        return Ok(found.clone());
    }
    if let Ok(ip) = wanted.parse::<IpAddr>() {
        let found = sessions.iter().find(|s| s.plan.peer_address == ip.to_canonical());
        return found.cloned().ok_or_else(|| unknown(sessions, wanted));
    }
    let mut of_connection = sessions.iter().filter(|s| &*s.plan.connection == wanted);
    match (of_connection.next(), of_connection.next()) {
        (Some(only), None) => Ok(only.clone()),
        (None, _) => Err(unknown(sessions, wanted)),
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

fn unknown(sessions: &[Arc<SessionSnapshot>], wanted: &str) -> ApiError {
    let names: Vec<String> = sessions.iter().map(|s| s.plan.name.to_string()).collect();
    let near = near(&names, wanted);
    let mut message = format!("no session, peer address or connection is \"{}\"", echo(wanted));
    message.push_str(&match near.first() {
        Some(first) => format!(": did you mean \"{first}\"? The sessions are {}", listed(&names)),
        None if names.is_empty() => "; no sessions are configured".to_owned(),
        None => format!("; the sessions are {}", listed(&names)),
    });
    ApiError::not_found(message).with_near(near)
}

/// At most three, the most alike first.
fn near(names: &[String], wanted: &str) -> Vec<String> {
    if wanted.len() > MAX_ECHO {
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

fn echo(wanted: &str) -> String {
    wanted.chars().take(MAX_ECHO).collect()
}
