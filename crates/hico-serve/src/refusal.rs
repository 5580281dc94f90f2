//! Every way of saying no: a status, the fact, and what can be done.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hico::predict::PredictError;
use serde::Serialize;

/// Why a request is not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    status: StatusCode,
    error: String,
    hint: String,
}

/// Seconds after which trying again is worth it.
const LATER: HeaderValue = HeaderValue::from_static("5");

impl Refusal {
    fn new(status: StatusCode, error: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { status, error: error.into(), hint: hint.into() }
    }

    /// The request is not one that this server knows.
    pub(crate) fn request(error: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error, hint)
    }

    /// The clip cannot be taken in.
    pub(crate) fn clip(error: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, error, hint)
    }

    /// The clip or the body is larger than allowed.
    pub(crate) fn too_large(error: impl Into<String>) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, error, "send a shorter clip, or start the server with wider limits")
    }

    pub(crate) fn no_token() -> Self {
        let hint = "send the header `Authorization: Bearer TOKEN`";
        Self::new(StatusCode::UNAUTHORIZED, "the token is missing or wrong", hint)
    }

    /// Asked by a page of another site.
    pub(crate) fn other_origin() -> Self {
        let hint = "open the page of this server, or ask from a program";
        Self::new(StatusCode::FORBIDDEN, "another site's page asks", hint)
    }

    /// Asked under a name that is not this machine's own.
    pub(crate) fn other_host() -> Self {
        let hint = "use 127.0.0.1 or localhost, or start the server with --token";
        Self::new(StatusCode::MISDIRECTED_REQUEST, "the server is known to its own machine only", hint)
    }

    pub(crate) fn no_such_path() -> Self {
        Self::new(StatusCode::NOT_FOUND, "there is nothing here", "/openapi.json lists what there is")
    }

    pub(crate) fn other_method() -> Self {
        let hint = "/openapi.json says which method each path takes";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "the path takes another method", hint)
    }

    pub(crate) fn busy() -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too many requests are waiting", "try again in some seconds")
    }

    /// It took longer than a request may.
    pub(crate) fn too_slow(seconds: u64) -> Self {
        let error = format!("not done within {seconds} s");
        Self::new(StatusCode::SERVICE_UNAVAILABLE, error, "try again when less is asked, or send a shorter clip")
    }

    pub(crate) fn ending() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "the server is ending", "try again later")
    }

    /// Something that is no fault of who asked; what it is stays here.
    pub(crate) fn fault() -> Self {
        let hint = "the same request may succeed later; if not, please report what was sent";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "the server failed", hint)
    }
}

/// The body of a refusal.
#[derive(Serialize)]
struct Said {
    error: String,
    hint: String,
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let Self { status, error, hint } = self;
        let mut response = (status, Json(Said { error, hint })).into_response();
        let headers = response.headers_mut();
        match status {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(header::RETRY_AFTER, LATER);
            }
            StatusCode::UNAUTHORIZED => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
            }
            _ => {}
        }
        response
    }
}

impl From<PredictError> for Refusal {
    /// What goes wrong with an uploaded clip after it was taken in is ours; a message may hold paths of this machine, so it
    /// is not passed on.
    fn from(_: PredictError) -> Self {
        Self::fault()
    }
}
