//! The description of the paths (OpenAPI 3.1), as it is written in `api.json`.

use axum::http::header;
use axum::response::IntoResponse;

/// Where the description names the version of the program.
const VERSION_KEY: &str = r#""version": "VERSION""#;

pub(crate) async fn description() -> impl IntoResponse {
    let version = format!(r#""version": "{}""#, env!("CARGO_PKG_VERSION"));
    ([(header::CONTENT_TYPE, "application/json")], include_str!("api.json").replacen(VERSION_KEY, &version, 1))
}
