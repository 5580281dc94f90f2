//! A fine-tuned network over HTTP: answers, explanations and features of uploaded clips, and a page to look at them.
//!
//! The modules are listed so that nothing uses what is listed below it; a request passes through them from the last to the first.
//!
//! - `panics`: panics that end a request and not the server
//! - `api_error`: every error that a client gets
//! - [`config`]: limits and token
//! - `metrics`: what was done, for Prometheus
//! - `upload`: a body → files in a temporary folder
//! - `concurrency`: how many requests are worked on at once, and until when
//! - `handlers`: an uploaded clip → what the network says, and why
//! - `api`: the description of the paths (OpenAPI 3.1)
//! - `page`: the files of the page
//! - `drain`: what is left of a body that nobody reads
//! - `auth`: who may ask
//! - `trace`: counts and logs every request
//! - `router`: paths → handlers, and what every request passes through before
//! - `connection`: sockets → requests, bounded in number and time

mod panics;
mod api_error;
pub mod config;
mod metrics;
mod upload;
mod concurrency;
mod handlers;
mod api;
mod page;
mod drain;
mod auth;
mod trace;
mod router;
mod connection;

use concurrency::ConcurrencyLimit;
use config::{Config, Limits};
use hico_model::predict::model::Model;
use metrics::Metrics;
use serde_json::Value;
use std::fmt;
use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;

/// Threads that write uploads, beside those that work on clips.
const FILE_THREADS: usize = 2;

/// For what is told to stop when the server ends.
const LAST: Duration = Duration::from_secs(2);

/// All that a request may need.
struct Service {
    model: Model,
    /// The model card, as `hico export` writes it.
    card: Value,
    config: Config,
    concurrency: ConcurrencyLimit,
    metrics: Metrics,
    /// Requests that came in; the number of one is its id in the log.
    requests: AtomicU64,
}

impl fmt::Debug for Service {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Service").field("config", &self.config).finish_non_exhaustive()
    }
}

/// Stores a body as an upload is stored, and removes it again; how many files it had.
///
/// - `content_type`: as the request's header has it
/// - `pieces`: the body as it comes in
///
/// # Errors
/// Words of what a client is told.
pub fn stored(content_type: &str, pieces: Vec<Vec<u8>>, limits: Limits) -> Result<usize, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().map_err(|e| e.to_string())?;
    runtime.block_on(upload::of_pieces(content_type, pieces, limits))
}

/// Serves until it is asked to stop; requests that are at work then have the rest of their time.
///
/// Every request ends in one event of [`tracing`]: an error with its cause where the server is to blame (5xx), else for
/// information. No event holds the name of a file or anything of a clip.
///
/// - `listener`: bound to [`Config::listen`], or to any port of its address
/// - `card`: what `/card` says
/// - `stop`: once true, nothing new is taken
///
/// # Errors
/// When the socket or the runtime cannot be had.
pub fn serve(listener: TcpListener, model: Model, card: Value, config: Config, stop: &AtomicBool) -> io::Result<()> {
    let (concurrency, at_once) = (ConcurrencyLimit::new(config.limits), config.limits.at_once);
    let (metrics, requests) = (Metrics::new(), AtomicU64::new(0));
    let service = Arc::new(Service { model, card, config, concurrency, metrics, requests });
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_io()
        .enable_time()
        // Each thread that works on clips keeps some memory for the next, so they are few and stay.
        .max_blocking_threads(at_once + FILE_THREADS + concurrency::MOST_STUCK)
        .on_thread_start(panics::hide)
        .thread_keep_alive(Duration::MAX)
        .build()?;
    let outcome = runtime.block_on(connection::accept(listener, &service, stop));
    // Every request had its time; a thread that does not stop keeps nobody waiting.
    runtime.shutdown_timeout(LAST);
    outcome
}
