//! How many requests are worked on at once, how many wait, and until when.

use crate::Service;
use crate::api_error::ApiError;
use crate::config::Limits;
use crate::metrics::GaugeGuard;
use crate::panics;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};
use tracing::{Instrument as _, Span};

/// How long work that was told to stop may take to do so before its permit is given to another. It looks whether to stop
/// after every batch of frames, which takes seconds at worst.
const PATIENCE: Duration = Duration::from_secs(30);

/// Threads that may be stuck, each with its permit given away; beyond that a permit is lost with its thread, so that no
/// machine fills up with them.
pub(crate) const MOST_STUCK: usize = 8;

/// Permits for requests at work and for those that wait.
#[derive(Debug)]
pub(crate) struct ConcurrencyLimit {
    /// One for everyone who is inside, at work or waiting.
    inside: Arc<Semaphore>,
    /// One for everyone whose clip is worked on.
    at_work: Arc<Semaphore>,
    /// Threads that do not stop.
    stuck: Arc<AtomicUsize>,
    patience: Duration,
}

/// Leave to be inside, and until when.
pub(crate) struct Permit {
    inside: OwnedSemaphorePermit,
    until: Instant,
    seconds: u64,
}

/// What someone at work holds; whoever takes it out gives it back.
type Held = Arc<Mutex<Option<(OwnedSemaphorePermit, OwnedSemaphorePermit, GaugeGuard)>>>;

fn give_back(held: &Held) -> bool {
    held.lock().unwrap_or_else(PoisonError::into_inner).take().is_some()
}

fn is_held(held: &Held) -> bool {
    held.lock().unwrap_or_else(PoisonError::into_inner).is_some()
}

/// Gives a permit back when the work ends, also where it ends in a panic.
struct GiveBack(Held, Arc<AtomicUsize>);

impl Drop for GiveBack {
    fn drop(&mut self) {
        // Where it is gone already, somebody counted this thread as stuck.
        if !give_back(&self.0) {
            self.1.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// Sets a flag when it goes: what nobody waits for any more is stopped, and its permit is free after a while even if it does
/// not stop.
struct StopOnDrop {
    stop: Arc<AtomicBool>,
    held: Held,
    stuck: Arc<AtomicUsize>,
    patience: Duration,
}

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        let (held, stuck, patience) = (Arc::clone(&self.held), Arc::clone(&self.stuck), self.patience);
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        if !is_held(&held) {
            return;
        }
        let recover = async move {
            sleep(patience).await;
            let more = |stuck: usize| (stuck < MOST_STUCK).then_some(stuck + 1);
            let counted = stuck.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok();
            let goes_on = if counted { give_back(&held) } else { is_held(&held) };
            if goes_on {
                let stuck = stuck.load(Ordering::Relaxed);
                tracing::warn!(stuck, permit_given_away = counted, "work that was asked to stop goes on");
            } else if counted {
                // It has stopped meanwhile.
                stuck.fetch_sub(1, Ordering::Relaxed);
            }
        };
        runtime.spawn(recover.in_current_span());
    }
}

impl ConcurrencyLimit {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            inside: Arc::new(Semaphore::new(limits.at_once.saturating_add(limits.waiting).min(Semaphore::MAX_PERMITS))),
            at_work: Arc::new(Semaphore::new(limits.at_once)),
            stuck: Arc::default(),
            patience: PATIENCE,
        }
    }

    /// A permit, if one is left.
    pub(crate) fn enter(&self, limits: Limits) -> Result<Permit, ApiError> {
        let inside = Arc::clone(&self.inside).try_acquire_owned().map_err(|_| ApiError::busy())?;
        Ok(Permit { inside, until: Instant::now() + limits.time(), seconds: limits.seconds })
    }
}

impl Permit {
    /// Waits for something, as long as there is time.
    ///
    /// - `at`: what it is, for the log
    pub(crate) async fn in_time<T>(
        &self,
        at: &str,
        future: impl Future<Output = Result<T, ApiError>>,
    ) -> Result<T, ApiError> {
        match timeout_at(self.until, future).await {
            Ok(outcome) => outcome,
            Err(_) => Err(ApiError::too_slow(self.seconds, at)),
        }
    }

    /// Waits for a turn and does the work on a thread of its own.
    ///
    /// The answer comes in time whatever the work does: where time is up or nobody waits any more it is told to stop, and
    /// keeps its permit until it has stopped, or until nobody believes any more that it will.
    pub(crate) async fn work<T, W>(self, service: &Arc<Service>, work: W) -> Result<T, ApiError>
    where
        T: Send + 'static,
        W: FnOnce(&Service, &AtomicBool) -> Result<T, ApiError> + Send + 'static,
    {
        let inner = Arc::clone(service);
        let waiting = GaugeGuard::of(&service.metrics.waiting);
        let counted = || GaugeGuard::of(&service.metrics.at_work);
        self.run(&service.concurrency, waiting, counted, move |stop| work(&inner, stop)).await
    }

    async fn run<T, W>(
        self,
        limit: &ConcurrencyLimit,
        waiting: GaugeGuard,
        counted: impl FnOnce() -> GaugeGuard,
        work: W,
    ) -> Result<T, ApiError>
    where
        T: Send + 'static,
        W: FnOnce(&AtomicBool) -> Result<T, ApiError> + Send + 'static,
    {
        let turn = Arc::clone(&limit.at_work).acquire_owned();
        let turn = self.in_time("waiting for its turn", async { turn.await.map_err(|_| ApiError::ending()) }).await?;
        drop(waiting);
        let Self { inside, until, seconds } = self;
        let stop = Arc::new(AtomicBool::new(false));
        let held: Held = Arc::new(Mutex::new(Some((inside, turn, counted()))));
        let back = GiveBack(Arc::clone(&held), Arc::clone(&limit.stuck));
        let left =
            StopOnDrop { stop: Arc::clone(&stop), held, stuck: Arc::clone(&limit.stuck), patience: limit.patience };
        let span = Span::current();
        let mut task = tokio::task::spawn_blocking(move || {
            let _back = back;
            let _in_request = span.enter();
            // A panic is ours; the request ends with it, the server does not.
            catch_unwind(AssertUnwindSafe(|| work(&stop))).unwrap_or_else(|_| Err(ApiError::internal(panics::cause())))
        });
        let outcome = tokio::select! {
            outcome = &mut task => outcome,
            () = sleep_until(until) => return Err(ApiError::too_slow(seconds, "at work")),
        };
        drop(left);
        outcome.unwrap_or_else(|_| Err(ApiError::internal("the work ended without an answer")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus_client::metrics::gauge::Gauge;

    fn limit(patience: u64) -> (ConcurrencyLimit, Limits) {
        let limits = Limits { at_once: 1, waiting: 0, seconds: 1, ..Limits::default() };
        (ConcurrencyLimit { patience: Duration::from_millis(patience), ..ConcurrencyLimit::new(limits) }, limits)
    }

    /// Answers as a server with this limit does, and the gauge of who is at work.
    async fn asked(
        limit: &ConcurrencyLimit,
        limits: Limits,
        work: fn(&AtomicBool) -> Result<u8, ApiError>,
    ) -> (Result<u8, ApiError>, Gauge) {
        let gauge = Gauge::default();
        let permit = match limit.enter(limits) {
            Ok(permit) => permit,
            Err(busy) => return (Err(busy), gauge),
        };
        let counted = || GaugeGuard::of(&gauge);
        (permit.run(limit, GaugeGuard::of(&Gauge::default()), counted, work).await, gauge)
    }

    /// Waits until the one permit is free again.
    async fn free(limit: &ConcurrencyLimit, limits: Limits) -> bool {
        for _ in 0..100 {
            if limit.enter(limits).is_ok() && limit.at_work.available_permits() == 1 {
                return true;
            }
            sleep(Duration::from_millis(50)).await;
        }
        false
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_permit_is_free_again_after_an_answer_a_panic_a_stop_and_a_thread_that_is_stuck() {
        let slow = "not finished within 1 s";
        type Work = fn(&AtomicBool) -> Result<u8, ApiError>;
        let works: [(Work, Result<u8, &str>); 4] = [
            (|_| Ok(7), Ok(7)),
            (|_| panic!("Doe^Jane"), Err("the server failed")),
            (
                |stop| {
                    while !stop.load(Ordering::Relaxed) {
                        std::thread::sleep(Duration::from_millis(5));
                    }
                    Ok(1)
                },
                Err(slow),
            ),
            // As a loop that depends on a number being equal to itself.
            (
                |_| {
                    std::thread::sleep(Duration::from_secs(4));
                    Ok(2)
                },
                Err(slow),
            ),
        ];
        for (at, (work, expected)) in works.into_iter().enumerate() {
            let (limit, limits) = limit(200);
            let began = std::time::Instant::now();
            let (said, gauge) = asked(&limit, limits, work).await;
            assert!(began.elapsed() < Duration::from_secs(2), "{at}: {:?}", began.elapsed());
            match (&said, expected) {
                (Ok(found), Ok(expected)) => assert_eq!(*found, expected),
                (Err(error), Err(words)) => assert!(format!("{error:?}").contains(words), "{at}: {error:?}"),
                _ => panic!("{at}: {said:?}"),
            }
            assert!(!format!("{said:?}").contains("Jane"), "{said:?}");
            assert!(free(&limit, limits).await, "{at}: its permit is never given back");
            assert_eq!(gauge.get(), 0, "{at}");
            assert_eq!(asked(&limit, limits, |_| Ok(9)).await.0, Ok(9), "{at}: the next is answered");
            if at == 3 {
                assert_eq!(limit.stuck.load(Ordering::Relaxed), 1);
                sleep(Duration::from_secs(4)).await;
                assert_eq!(limit.stuck.load(Ordering::Relaxed), 0, "it is counted off when it ends");
            }
        }
    }
}
