//! Paths → handlers.

use crate::api_error::ApiError;
use crate::config::Limits;
use crate::{Service, api, auth, handlers, page};
use axum::extract::{DefaultBodyLimit, State};
use axum::http::header;
use axum::middleware::from_fn_with_state;
use axum::response::IntoResponse;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use std::sync::Arc;

/// The type of Prometheus' text.
const OPENMETRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

pub(crate) fn router(service: &Arc<Service>) -> Router {
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
        // Bodies are counted as they come, against our own limit.
        .layer(DefaultBodyLimit::disable())
        .layer(from_fn_with_state(Arc::clone(service), auth::auth))
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
