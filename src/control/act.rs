//! What changes something: on the control socket alone.

use axum::Json;
use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, State};
use axum::handler::Handler as _;
use axum::routing::{MethodRouter, post};
use serde::{Deserialize, Serialize};

use super::error::ApiError;
use super::find::InPath;
use super::list;
use super::query::NoQuery;
use super::registered;
use super::router::App;
use crate::speaker::{CannotRefresh, RefreshWay, ResetDone, ResetOrder};
use crate::wire::Notification;

/// The most octets of an order.
pub(super) const MOST_OCTETS: usize = 4096;

/// `POST /api/v1/sessions/{name}/reset`.
pub(super) fn reset_route() -> MethodRouter<App> {
    post(reset.layer(DefaultBodyLimit::max(MOST_OCTETS))).fallback(only_post)
}

/// `POST /api/v1/sessions/{name}/refresh`.
pub(super) fn refresh_route() -> MethodRouter<App> {
    post(refresh.layer(DefaultBodyLimit::max(MOST_OCTETS))).fallback(only_post)
}

/// `POST /api/v1/registered/{prefix}/validate`.
pub(super) fn validate_route() -> MethodRouter<App> {
    post(registered::validate).fallback(only_post)
}

pub(super) async fn only_post() -> ApiError {
    ApiError::only_post()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Reset {
    #[serde(default)]
    hard: bool,
    /// Words for the peer's operator in place of the config's.
    text: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Refresh {
    #[serde(default)]
    out: bool,
}

/// The session that it was done to, whatever it was called in the path.
#[derive(Serialize)]
struct Done {
    session: String,
}

/// Likewise, and what the reset found.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct WasReset {
    session: String,
    has_ended: bool,
    is_told: bool,
}

async fn reset(
    State(app): State<App>,
    name: InPath,
    _: NoQuery,
    order: Result<Json<Reset>, JsonRejection>,
) -> Result<Json<WasReset>, ApiError> {
    let Json(Reset { hard, text }) = order.map_err(|e| ApiError::bad_request(e.body_text()))?;
    if text.as_deref().is_some_and(|text| !Notification::is_communication(text)) {
        let most = Notification::MOST_COMMUNICATION;
        let what = format!("the text for the peer may have up to {most} octets, all printable");
        return Err(ApiError::bad_request(what));
    }
    let session = app.session(name)?.plan.name.to_string();
    let order = ResetOrder { is_hard: hard, text };
    let ResetDone { has_ended, is_told } = list::asked(app.handle().reset(&session, order)).await?;
    Ok(Json(WasReset { session, has_ended, is_told }))
}

async fn refresh(
    State(app): State<App>,
    name: InPath,
    _: NoQuery,
    order: Result<Json<Refresh>, JsonRejection>,
) -> Result<Json<Done>, ApiError> {
    let Json(Refresh { out }) = order.map_err(|e| ApiError::bad_request(e.body_text()))?;
    let session = app.session(name)?.plan.name.to_string();
    let way = if out { RefreshWay::Out } else { RefreshWay::In };
    match list::asked(async { Ok(app.handle().refresh(&session, way).await) }).await? {
        Ok(()) => Ok(Json(Done { session })),
        Err(CannotRefresh::NotAsked(gone)) => Err(gone.into()),
        Err(why @ (CannotRefresh::NotEstablished | CannotRefresh::NotNegotiated)) => {
            Err(ApiError::conflict(why.to_string()))
        }
    }
}
