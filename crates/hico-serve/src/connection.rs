//! Sockets → requests, bounded in number and time.

use crate::Service;
use crate::api_error::of_system;
use crate::metrics::GaugeGuard;
use crate::router::router;
use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::time::{sleep, timeout};

/// Connections that may be open at once; more wait in the system's queue.
const CONNECTIONS: u32 = 256;

/// For the lines and headers of a request.
const HEADERS: Duration = Duration::from_secs(15);

/// A connection that is older is closed after its request, so that a client that reads nothing holds none for ever.
const OLD: Duration = Duration::from_secs(600);

/// How often it is looked whether to stop.
const LOOK: Duration = Duration::from_millis(50);

/// After an error of the system, as when it has no descriptors left.
const PAUSE: Duration = Duration::from_millis(100);

/// Takes connections until `stop`, then waits for requests at work.
pub(crate) async fn accept(
    listener: std::net::TcpListener,
    service: &Arc<Service>,
    stop: &AtomicBool,
) -> io::Result<()> {
    listener.set_nonblocking(true)?;
    let listener = TcpListener::from_std(listener)?;
    let router = router(service);
    let permits = Arc::new(Semaphore::new(CONNECTIONS as usize));
    let (end, ended) = watch::channel(());
    let grace = service.config.limits.time() + HEADERS;
    loop {
        let Some(permit) = until(stop, Arc::clone(&permits).acquire_owned()).await else { break };
        let stream = match until(stop, listener.accept()).await {
            None => break,
            Some(Ok((stream, _))) => stream,
            Some(Err(error)) => {
                tracing::warn!("a connection cannot be taken: {}", of_system(&error));
                sleep(PAUSE).await;
                continue;
            }
        };
        let (router, ended, open) = (router.clone(), ended.clone(), GaugeGuard::of(&service.metrics.connections));
        tokio::spawn(async move {
            let _held = (permit, open);
            one(stream, router, ended, grace).await;
        });
    }
    drop(listener);
    end.send(()).ok();
    // All permits are free again when every connection has ended.
    timeout(grace, permits.acquire_many(CONNECTIONS)).await.ok();
    Ok(())
}

/// Serves one connection; it ends when it is old, or with the server, after the request it is at.
async fn one(stream: TcpStream, router: Router, mut ended: watch::Receiver<()>, grace: Duration) {
    stream.set_nodelay(true).ok();
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEADERS);
    let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router)));
    tokio::select! {
        // A connection that breaks concerns nobody else.
        _ = connection.as_mut() => return,
        _ = ended.changed() => {}
        () = sleep(OLD) => {}
    }
    connection.as_mut().graceful_shutdown();
    timeout(grace, connection).await.ok();
}

/// What `future` says, or nothing once it is time to stop.
async fn until<T>(stop: &AtomicBool, future: impl Future<Output = T>) -> Option<T> {
    let mut future = pin!(future);
    loop {
        if stop.load(Ordering::Relaxed) {
            return None;
        }
        tokio::select! {
            output = future.as_mut() => return Some(output),
            () = sleep(LOOK) => {}
        }
    }
}
