//! Paths → handlers, and what every request passes through before.

use crate::api_error::ApiError;
use crate::auth::auth;
use crate::config::Limits;
use crate::drain::drained;
use crate::trace::trace;
use crate::{Service, api, handlers, page, panics};
use axum::extract::State;
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use std::sync::Arc;
use tower_http::CompressionLevel;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::map_request_body::MapRequestBodyLayer;
use tower_http::sensitive_headers::SetSensitiveRequestHeadersLayer;
use tower_http::set_header::response::SetMultipleResponseHeadersLayer;

/// Scripts, styles and pictures are the page's own; nothing may frame it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
                      connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Headers of every response. Answers are about patients: no cache keeps them.
const HEADERS: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::CACHE_CONTROL, "no-store"),
    (header::X_FRAME_OPTIONS, "DENY"),
];

/// The type of Prometheus' text.
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

pub(crate) fn router(service: &Arc<Service>) -> Router {
    let headers = HEADERS.map(|(name, value)| (name, HeaderValue::from_static(value)).into()).to_vec();
    Router::new()
        .route("/", get(page::index))
        .route("/page.css", get(page::style))
        .route("/page.js", get(page::script))
        .route("/health", get(health))
        .route("/limits", get(limits))
        .route("/model", get(model))
        .route("/card", get(card))
        .route("/openapi.json", get(api::description))
        .route("/metrics", get(metrics))
        .route("/predict", post(handlers::predict))
        .route("/explain", post(handlers::explained))
        .route("/embed", post(handlers::embedded))
        .fallback(async || ApiError::no_such_path())
        .method_not_allowed_fallback(async || ApiError::other_method())
        // A request passes through these from the last to the first.
        .layer(from_fn_with_state(Arc::clone(service), auth))
        .layer(CatchPanicLayer::custom(|_| ApiError::internal(panics::cause()).into_response()))
        .layer(MapRequestBodyLayer::new(drained))
        .layer(CompressionLayer::new().quality(CompressionLevel::Fastest))
        .layer(SetMultipleResponseHeadersLayer::overriding(headers))
        .layer(SetSensitiveRequestHeadersLayer::new([header::AUTHORIZATION]))
        .layer(from_fn_with_state(Arc::clone(service), trace))
        .with_state(Arc::clone(service))
}

async fn health() -> Json<Value> {
    Json(json!({ "status": "ok" }))
}

async fn limits(State(service): State<Arc<Service>>) -> Json<Limits> {
    Json(service.config.limits)
}

async fn model(State(service): State<Arc<Service>>) -> Json<Value> {
    Json(json!({
        "file": service.card["file"],
        "classes": service.model.classes(),
        "history": service.card["history_in_words"],
        "reached": service.model.reached(),
    }))
}

async fn card(State(service): State<Arc<Service>>) -> Json<Value> {
    Json(service.card.clone())
}

async fn metrics(State(service): State<Arc<Service>>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, OPENMETRICS)], service.metrics.text())
}
