//! Every error that a client gets: a status, the fact, and what can be done.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use hico_model::Error;
use serde::Serialize;

/// Why a request is not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ApiError {
    status: StatusCode,
    error: String,
    hint: String,
    /// For the log alone: what went wrong, without names of files and anything of the clip.
    cause: Option<String>,
}

/// Why a response is an error for which the server is to blame, in the response's extensions, for the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cause(pub(crate) String);

/// Seconds after which trying again is worth it.
const LATER: HeaderValue = HeaderValue::from_static("5");

impl ApiError {
    fn new(status: StatusCode, error: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { status, error: error.into(), hint: hint.into(), cause: None }
    }

    /// The request is not one that this server knows.
    pub(crate) fn request(error: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, error, hint)
    }

    /// The clip cannot be taken in.
    pub(crate) fn clip(error: impl Into<String>, hint: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, error, hint)
    }

    /// What was sent is no clip.
    pub(crate) fn no_clip() -> Self {
        Self::clip("no DICOM file, no video and no picture", "send one of these, or several pictures of one size")
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
        let hint = "open the page of this server, or send the request from a program";
        Self::new(StatusCode::FORBIDDEN, "the request comes from a page of another site", hint)
    }

    /// Asked under a name that is not this machine's own.
    pub(crate) fn other_host() -> Self {
        let hint = "use 127.0.0.1 or localhost, or start the server with --token";
        Self::new(StatusCode::MISDIRECTED_REQUEST, "the server accepts requests for its own machine only", hint)
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
    ///
    /// - `at`: what it was at, for the log
    pub(crate) fn too_slow(seconds: u64, at: &str) -> Self {
        let error = format!("not finished within {seconds} s");
        let hint = "try again when the server is less busy, or send a shorter clip";
        Self::new(StatusCode::SERVICE_UNAVAILABLE, &error, hint).because(format!("{error}, {at}"))
    }

    pub(crate) fn ending() -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, "the server is ending", "try again later").because("it is ending")
    }

    /// Something that is no fault of who asked; who asked does not hear what.
    ///
    /// - `cause`: for the log; without names of files and anything of the clip
    pub(crate) fn internal(cause: impl Into<String>) -> Self {
        let hint = "the same request may succeed later; if not, please report what was sent";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "the server failed", hint).because(cause)
    }

    /// What the client is told, in one line.
    pub(crate) fn words(&self) -> String {
        format!("{} {}; {}", self.status.as_u16(), self.error, self.hint)
    }

    fn because(self, cause: impl Into<String>) -> Self {
        Self { cause: Some(cause.into()), ..self }
    }
}

/// The body of an error.
#[derive(Serialize)]
struct Body {
    error: String,
    hint: String,
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let Self { status, error, hint, cause } = self;
        let mut response = (status, Json(Body { error, hint })).into_response();
        if let Some(cause) = cause {
            response.extensions_mut().insert(Cause(cause));
        }
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

impl From<Error> for ApiError {
    /// What goes wrong with an uploaded clip after it was prepared is ours; a message may hold paths of this machine, so it
    /// is not passed on.
    fn from(error: Error) -> Self {
        Self::internal(cause(&error))
    }
}

/// What went wrong, by its kind and by what the system says; a message may hold names.
fn cause(error: &Error) -> String {
    let what = match error {
        error if error.is_about_weights() => "the weights do not fit",
        Error::NoModel(_) | Error::ManyModels { .. } => "there is not one network",
        Error::Io { .. } => "a file cannot be read or written",
        Error::Data(
            hico_data::Error::Read { .. }
            | hico_data::Error::Shard { .. }
            | hico_data::Error::OutOfRange { .. }
            | hico_data::Error::NoDataset(_)
            | hico_data::Error::Table { .. }
            | hico_data::Error::Number { .. }
            | hico_data::Error::ClipTwice { .. },
        ) => "stored frames cannot be read",
        Error::Data(_) => "the clip cannot be stored",
        Error::AnswerNotFinite { .. } => "the network's answer is not a number",
        Error::Interrupted => "the work was stopped",
        _ => "the network cannot be asked",
    };
    let mut inner: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = inner {
        if let Some(system) = error.downcast_ref::<std::io::Error>() {
            return format!("{what}: {}", of_system(system));
        }
        inner = error.source();
    }
    what.to_owned()
}

/// The kind of an error of the system, and its number; its words may be somebody else's.
pub(crate) fn of_system(error: &std::io::Error) -> String {
    error.raw_os_error().map_or_else(|| error.kind().to_string(), |number| format!("{} ({number})", error.kind()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io;
    use std::path::PathBuf;

    #[test]
    fn the_cause_of_an_internal_error_is_told_without_a_name() {
        let path = PathBuf::from("clips/Doe^Jane.dcm");
        let full = io::Error::from_raw_os_error(28);
        let said = cause(&Error::Io { path: path.clone(), source: full });
        assert!(said.starts_with("a file cannot be read or written: ") && said.ends_with("(28)"), "{said}");
        let odd = io::Error::other(format!("{}: broken", path.display()));
        assert_eq!(cause(&Error::Io { path, source: odd }), "a file cannot be read or written: other error");
        assert_eq!(cause(&Error::AnswerNotFinite { frame: 3 }), "the network's answer is not a number");
    }

    #[test]
    fn an_internal_error_keeps_its_cause_out_of_what_the_client_hears() {
        let response = ApiError::internal("the disk is full").into_response();
        assert_eq!(response.extensions().get::<Cause>(), Some(&Cause("the disk is full".to_owned())));
        assert_eq!(ApiError::busy().into_response().extensions().get::<Cause>(), None);
    }
}
