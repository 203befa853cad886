//! Errors as the API says them, in Azure's shape: `{"error": {"code": …, "message": …}}`.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use crate::speaker::AskError;

/// An answer that is not what was asked for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct ApiError {
    status: StatusCode,
    /// The status in Azure's spelling.
    code: &'static str,
    message: String,
    /// What may have been meant.
    near: Vec<String>,
    /// Seconds.
    retry_after: Option<u16>,
    /// The methods that would do.
    allow: Option<&'static str>,
}

#[derive(Serialize)]
struct Envelope<'a> {
    error: Inside<'a>,
}

#[derive(Serialize)]
struct Inside<'a> {
    code: &'static str,
    message: &'a str,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    near: &'a [String],
}

impl ApiError {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), near: Vec::new(), retry_after: None, allow: None }
    }

    /// 404.
    pub(super) fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, "NotFound", message)
    }

    /// 400.
    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadRequest", message)
    }

    /// 400 of what cannot be read as a query.
    pub(super) fn no_query() -> Self {
        Self::bad_request("what stands behind the ? is no query: write KEY=VALUE, joined by &")
    }

    /// 503, and when to come again.
    pub(super) fn unavailable(message: impl Into<String>) -> Self {
        let error = Self::new(StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable", message);
        Self { retry_after: Some(1), ..error }
    }

    /// 500.
    pub(super) fn internal(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "InternalServerError", message)
    }

    /// 405.
    pub(super) fn method_not_allowed() -> Self {
        Self::wrong_method("this can only be read: use GET", "GET, HEAD")
    }

    /// 405 of what is only ordered.
    pub(super) fn only_post() -> Self {
        Self::wrong_method("this is an order: use POST", "POST")
    }

    fn wrong_method(message: &str, allow: &'static str) -> Self {
        let error = Self::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message);
        Self { allow: Some(allow), ..error }
    }

    /// 409: not in the state that it is in.
    pub(super) fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "Conflict", message)
    }

    /// In words.
    pub(super) fn message(&self) -> &str {
        &self.message
    }

    /// The same, with what may have been meant.
    pub(super) fn with_near(self, near: Vec<String>) -> Self {
        Self { near, ..self }
    }
}

impl From<AskError> for ApiError {
    fn from(error: AskError) -> Self {
        match error {
            AskError::Gone => Self::unavailable(error.to_string()),
        }
    }
}

impl From<serde_json::Error> for ApiError {
    fn from(error: serde_json::Error) -> Self {
        Self::internal(error.to_string())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let Self { status, code, message, near, retry_after, allow } = self;
        let envelope = Envelope { error: Inside { code, message: &message, near: &near } };
        let mut response = (status, Json(envelope)).into_response();
        if let Some(seconds) = retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if let Some(methods) = allow {
            response.headers_mut().insert(header::ALLOW, HeaderValue::from_static(methods));
        }
        response
    }
}
