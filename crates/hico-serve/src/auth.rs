//! Who may ask: the token, the site that a request comes from, and the name by which it calls this machine.

use crate::Service;
use crate::api_error::ApiError;
use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;
use std::net::IpAddr;
use std::sync::Arc;

/// What may be seen without the token: the page asks for it, and the others tell nothing.
const OPEN: [&str; 5] = ["/", "/page.css", "/page.js", "/health", "/openapi.json"];

/// Lets a request through, or says why not.
pub(crate) async fn auth(
    State(service): State<Arc<Service>>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let route = request.extensions().get::<MatchedPath>().map_or("", MatchedPath::as_str);
    allowed(&service, route, request.headers())?;
    Ok(next.run(request).await)
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
