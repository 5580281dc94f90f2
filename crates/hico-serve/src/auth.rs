//! Who may ask, and what every response says.

use crate::Service;
use crate::api_error::{ApiError, Cause};
use crate::drain::Shared;
use crate::panics;
use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;
use tracing::Instrument as _;

/// Whose events these are; filters of logs may know the name.
const TARGET: &str = "hico_serve::door";

/// What may be seen without the token: the page asks for it, and the others tell nothing.
const OPEN: [&str; 5] = ["/", "/page.css", "/page.js", "/health", "/openapi.json"];

/// Scripts, styles and pictures are the page's own; nothing may frame it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Headers of every response. Answers are about patients: no cache keeps them.
const HEADERS: [(header::HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (header::X_FRAME_OPTIONS, "DENY"),
];

/// Lets a request in or not; counts it, and logs how it ended, all under its id and without any name.
pub(crate) async fn auth(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    let id = service.requests.fetch_add(1, Ordering::Relaxed) + 1;
    // Of the level of an error, so that the id stands wherever the cause of one does.
    let span = tracing::error_span!("request", id);
    answered(service, request, next).instrument(span).await
}

async fn answered(service: Arc<Service>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("other", MatchedPath::as_str).to_owned();
    let (parts, body) = request.into_parts();
    let body = Shared::new(body);
    let mut response = match allowed(&service, &route, &parts.headers) {
        Ok(()) => {
            let answer = next.run(Request::from_parts(parts, Body::from_stream(body.clone())));
            panics::caught_in(answer).await.unwrap_or_else(|location| ApiError::internal(location).into_response())
        }
        Err(error) => error.into_response(),
    };
    // Who ran out of time does not get more of it.
    if !response.status().is_success() && response.status() != StatusCode::SERVICE_UNAVAILABLE {
        body.forget().await;
    }
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    let (status, took) = (response.status().as_u16(), began.elapsed());
    service.metrics.ended(&route, status, took);
    let cause = response.extensions_mut().remove::<Cause>().map(|Cause(cause)| cause);
    let milliseconds = took.as_secs_f64() * 1e3;
    if response.status().is_server_error() {
        let cause = cause.as_deref().unwrap_or("no cause is known");
        tracing::error!(target: TARGET, "{method} {route} {status} {milliseconds:.0} ms: {cause}");
    } else {
        tracing::info!(target: TARGET, "{method} {route} {status} {milliseconds:.0} ms");
    }
    response
}

fn allowed(service: &Service, route: &str, headers: &HeaderMap) -> Result<(), ApiError> {
    let host = text(headers, &header::HOST).unwrap_or_default();
    let origin = text(headers, &header::ORIGIN);
    if origin.is_some_and(|origin| origin.split_once("://").map(|(_, site)| site) != Some(host)) {
        return Err(ApiError::other_origin());
    }
    match &service.config.token {
        // A page from elsewhere may let its own name point to this machine; then its name stands here.
        None if !is_this_machine(host) => Err(ApiError::other_host()),
        None => Ok(()),
        Some(_) if OPEN.contains(&route) => Ok(()),
        Some(token) => {
            let given = text(headers, &header::AUTHORIZATION).and_then(|value| value.strip_prefix("Bearer "));
            if given.is_some_and(|word| token.is(word)) { Ok(()) } else { Err(ApiError::no_token()) }
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Whether a `Host` header names this machine to itself: a loopback address or `localhost`, with or without a port.
fn is_this_machine(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let bare = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    name.eq_ignore_ascii_case("localhost") || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::is_this_machine;

    #[test]
    fn only_names_of_this_machine_are_its_own() {
        for own in ["localhost", "LOCALHOST:8080", "127.0.0.1", "127.0.0.1:80", "127.1.2.3:9", "[::1]", "[::1]:8080"] {
            assert!(is_this_machine(own), "{own}");
        }
        for other in ["", "evil.test", "localhost.evil.test:80", "192.168.0.7:8080", "127.0.0.1.evil.test", "[::2]:80"]
        {
            assert!(!is_this_machine(other), "{other}");
        }
    }
}
