//! Counts every request and logs how it ended, all under its id and without any name.

use crate::Service;
use crate::api_error::Cause;
use axum::extract::{MatchedPath, Request, State};
use axum::http::HeaderName;
use axum::middleware::Next;
use axum::response::Response;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;
use tracing::Instrument as _;

/// Tells the client under which number its request stands in the log.
const ID: HeaderName = HeaderName::from_static("x-request-id");

pub(crate) async fn trace(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().map_or("other", MatchedPath::as_str).to_owned();
    // Our own number: what a client calls its request may be somebody's name.
    let id = service.requests.fetch_add(1, Ordering::Relaxed) + 1;
    // Of the level of an error, so that the id stands wherever the cause of one does.
    let span = tracing::error_span!("request", id);
    let mut response = next.run(request).instrument(span.clone()).await;
    response.headers_mut().insert(ID, id.into());
    let (status, took) = (response.status(), began.elapsed());
    service.metrics.ended(&route, status.as_u16(), took);
    let milliseconds = took.as_secs_f64() * 1e3;
    let ended = format!("{method} {route} {} {milliseconds:.0} ms", status.as_u16());
    if status.is_server_error() {
        let cause = response.extensions_mut().remove::<Cause>();
        let cause = cause.as_ref().map_or("no cause is known", |Cause(cause)| cause);
        tracing::error!(parent: &span, "{ended}: {cause}");
    } else {
        tracing::info!(parent: &span, "{ended}");
    }
    response
}
