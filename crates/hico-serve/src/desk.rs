//! How many are served at once, who waits, and until when.

use crate::Service;
use crate::config::Limits;
use crate::metrics::While;
use crate::refusal::Refusal;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until, timeout_at};

/// Places at the desk and before it.
#[derive(Debug)]
pub(crate) struct Desk {
    /// One for everyone who is inside, at work or waiting.
    inside: Arc<Semaphore>,
    /// One for everyone whose clip is worked on.
    at_work: Arc<Semaphore>,
}

/// A place inside, and until when.
pub(crate) struct Place {
    inside: OwnedSemaphorePermit,
    until: Instant,
    seconds: u64,
}

/// Sets a flag when it goes: what nobody waits for any more is stopped.
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl Desk {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            inside: Arc::new(Semaphore::new(limits.at_once + limits.waiting)),
            at_work: Arc::new(Semaphore::new(limits.at_once)),
        }
    }

    /// A place inside, if there is one.
    pub(crate) fn enter(&self, limits: Limits) -> Result<Place, Refusal> {
        let inside = Arc::clone(&self.inside).try_acquire_owned().map_err(|_| Refusal::busy())?;
        Ok(Place { inside, until: Instant::now() + limits.time(), seconds: limits.seconds })
    }
}

impl Place {
    /// Waits for something, as long as there is time.
    pub(crate) async fn in_time<T>(&self, future: impl Future<Output = Result<T, Refusal>>) -> Result<T, Refusal> {
        match timeout_at(self.until, future).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Refusal::too_slow(self.seconds)),
        }
    }

    /// Waits for a turn and does the work on a thread of its own. It is told to stop when time is up or nobody waits for it
    /// any more, and keeps its place until it has stopped.
    pub(crate) async fn work<T, W>(self, service: &Arc<Service>, work: W) -> Result<T, Refusal>
    where
        T: Send + 'static,
        W: FnOnce(&Service, &AtomicBool) -> Result<T, Refusal> + Send + 'static,
    {
        let waiting = While::of(&service.metrics.waiting);
        let turn = Arc::clone(&service.desk.at_work).acquire_owned();
        let turn = self.in_time(async { turn.await.map_err(|_| Refusal::ending()) }).await?;
        drop(waiting);
        let stop = Arc::new(AtomicBool::new(false));
        let left = StopOnDrop(Arc::clone(&stop));
        let Self { inside, until, seconds } = self;
        let (inner, flag) = (Arc::clone(service), Arc::clone(&stop));
        let mut task = tokio::task::spawn_blocking(move || {
            let _place = (inside, turn, While::of(&inner.metrics.at_work));
            work(&inner, &flag)
        });
        let outcome = tokio::select! {
            outcome = &mut task => outcome,
            () = sleep_until(until) => {
                stop.store(true, Ordering::Relaxed);
                task.await.ok();
                return Err(Refusal::too_slow(seconds));
            }
        };
        drop(left);
        // A panic is ours; the request ends with it, the server does not.
        outcome.unwrap_or_else(|_| Err(Refusal::fault()))
    }
}
