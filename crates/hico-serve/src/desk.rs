//! How many are served at once, who waits, and until when.

use crate::Service;
use crate::config::Limits;
use crate::metrics::While;
use crate::panics;
use crate::refusal::Refusal;
use std::future::Future;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, sleep_until, timeout_at};
use tracing::{Instrument as _, Span};

/// How long work that was told to stop may take to do so before its place is given to another. It looks whether to stop
/// after every batch of frames, which takes seconds at worst.
const PATIENCE: Duration = Duration::from_secs(30);

/// Threads that may be stuck, each with its place given away; beyond that a place is lost with its thread, so that no
/// machine fills up with them.
pub(crate) const MOST_STUCK: usize = 8;

/// Places at the desk and before it.
#[derive(Debug)]
pub(crate) struct Desk {
    /// One for everyone who is inside, at work or waiting.
    inside: Arc<Semaphore>,
    /// One for everyone whose clip is worked on.
    at_work: Arc<Semaphore>,
    /// Threads that do not stop.
    stuck: Arc<AtomicUsize>,
    patience: Duration,
}

/// A place inside, and until when.
pub(crate) struct Place {
    inside: OwnedSemaphorePermit,
    until: Instant,
    seconds: u64,
}

/// What someone at work holds; whoever takes it out gives it back.
type Held = Arc<Mutex<Option<(OwnedSemaphorePermit, OwnedSemaphorePermit, While)>>>;

fn give_back(held: &Held) -> bool {
    held.lock().unwrap_or_else(PoisonError::into_inner).take().is_some()
}

fn is_held(held: &Held) -> bool {
    held.lock().unwrap_or_else(PoisonError::into_inner).is_some()
}

/// Gives a place back when the work ends, also where it ends in a panic.
struct GiveBack(Held, Arc<AtomicUsize>);

impl Drop for GiveBack {
    fn drop(&mut self) {
        // Where it is gone already, somebody counted this thread as stuck.
        if !give_back(&self.0) {
            self.1.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// Sets a flag when it goes: what nobody waits for any more is stopped, and its place is free after a while even if it does
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
        let watch = async move {
            sleep(patience).await;
            let more = |stuck: usize| (stuck < MOST_STUCK).then_some(stuck + 1);
            let counted = stuck.fetch_update(Ordering::Relaxed, Ordering::Relaxed, more).is_ok();
            let goes_on = if counted { give_back(&held) } else { is_held(&held) };
            if goes_on {
                let stuck = stuck.load(Ordering::Relaxed);
                tracing::warn!(stuck, place_given_away = counted, "work that was asked to stop goes on");
            } else if counted {
                // It has stopped meanwhile.
                stuck.fetch_sub(1, Ordering::Relaxed);
            }
        };
        runtime.spawn(watch.in_current_span());
    }
}

impl Desk {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            inside: Arc::new(Semaphore::new(limits.at_once.saturating_add(limits.waiting).min(Semaphore::MAX_PERMITS))),
            at_work: Arc::new(Semaphore::new(limits.at_once)),
            stuck: Arc::default(),
            patience: PATIENCE,
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
    ///
    /// - `at`: what it is, for the log
    pub(crate) async fn in_time<T>(
        &self,
        at: &str,
        future: impl Future<Output = Result<T, Refusal>>,
    ) -> Result<T, Refusal> {
        match timeout_at(self.until, future).await {
            Ok(outcome) => outcome,
            Err(_) => Err(Refusal::too_slow(self.seconds, at)),
        }
    }

    /// Waits for a turn and does the work on a thread of its own.
    ///
    /// The answer comes in time whatever the work does: where time is up or nobody waits any more it is told to stop, and
    /// keeps its place until it has stopped, or until nobody believes any more that it will.
    pub(crate) async fn work<T, W>(self, service: &Arc<Service>, work: W) -> Result<T, Refusal>
    where
        T: Send + 'static,
        W: FnOnce(&Service, &AtomicBool) -> Result<T, Refusal> + Send + 'static,
    {
        let inner = Arc::clone(service);
        let waiting = While::of(&service.metrics.waiting);
        let counted = || While::of(&service.metrics.at_work);
        self.run(&service.desk, waiting, counted, move |stop| work(&inner, stop)).await
    }

    async fn run<T, W>(
        self,
        desk: &Desk,
        waiting: While,
        counted: impl FnOnce() -> While,
        work: W,
    ) -> Result<T, Refusal>
    where
        T: Send + 'static,
        W: FnOnce(&AtomicBool) -> Result<T, Refusal> + Send + 'static,
    {
        let turn = Arc::clone(&desk.at_work).acquire_owned();
        let turn = self.in_time("waiting for its turn", async { turn.await.map_err(|_| Refusal::ending()) }).await?;
        drop(waiting);
        let Self { inside, until, seconds } = self;
        let stop = Arc::new(AtomicBool::new(false));
        let held: Held = Arc::new(Mutex::new(Some((inside, turn, counted()))));
        let back = GiveBack(Arc::clone(&held), Arc::clone(&desk.stuck));
        let left =
            StopOnDrop { stop: Arc::clone(&stop), held, stuck: Arc::clone(&desk.stuck), patience: desk.patience };
        let span = Span::current();
        let mut task = tokio::task::spawn_blocking(move || {
            let _back = back;
            let _in_request = span.enter();
            // A panic is ours; the request ends with it, the server does not.
            panics::caught(|| work(&stop)).unwrap_or_else(|place| Err(Refusal::fault(place)))
        });
        let outcome = tokio::select! {
            outcome = &mut task => outcome,
            () = sleep_until(until) => return Err(Refusal::too_slow(seconds, "at work")),
        };
        drop(left);
        outcome.unwrap_or_else(|_| Err(Refusal::fault("the work ended without an answer")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use prometheus_client::metrics::gauge::Gauge;

    fn desk(patience: u64) -> (Desk, Limits) {
        let limits = Limits { at_once: 1, waiting: 0, seconds: 1, ..Limits::default() };
        (Desk { patience: Duration::from_millis(patience), ..Desk::new(limits) }, limits)
    }

    /// Answers as a server with this desk does, and the gauge of who is at work.
    async fn asked(
        desk: &Desk,
        limits: Limits,
        work: fn(&AtomicBool) -> Result<u8, Refusal>,
    ) -> (Result<u8, Refusal>, Gauge) {
        let gauge = Gauge::default();
        let place = match desk.enter(limits) {
            Ok(place) => place,
            Err(busy) => return (Err(busy), gauge),
        };
        let counted = || While::of(&gauge);
        (place.run(desk, While::of(&Gauge::default()), counted, work).await, gauge)
    }

    /// Waits until the one place is free again.
    async fn free(desk: &Desk, limits: Limits) -> bool {
        for _ in 0..100 {
            if desk.enter(limits).is_ok() && desk.at_work.available_permits() == 1 {
                return true;
            }
            sleep(Duration::from_millis(50)).await;
        }
        false
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_place_is_free_again_after_an_answer_a_panic_a_stop_and_a_thread_that_is_stuck() {
        let slow = "not finished within 1 s";
        type Work = fn(&AtomicBool) -> Result<u8, Refusal>;
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
            let (desk, limits) = desk(200);
            let began = std::time::Instant::now();
            let (said, gauge) = asked(&desk, limits, work).await;
            assert!(began.elapsed() < Duration::from_secs(2), "{at}: {:?}", began.elapsed());
            match (&said, expected) {
                (Ok(found), Ok(expected)) => assert_eq!(*found, expected),
                (Err(refusal), Err(words)) => assert!(format!("{refusal:?}").contains(words), "{at}: {refusal:?}"),
                _ => panic!("{at}: {said:?}"),
            }
            assert!(!format!("{said:?}").contains("Jane"), "{said:?}");
            assert!(free(&desk, limits).await, "{at}: its place is never given back");
            assert_eq!(gauge.get(), 0, "{at}");
            assert_eq!(asked(&desk, limits, |_| Ok(9)).await.0, Ok(9), "{at}: the next is answered");
            if at == 3 {
                assert_eq!(desk.stuck.load(Ordering::Relaxed), 1);
                sleep(Duration::from_secs(4)).await;
                assert_eq!(desk.stuck.load(Ordering::Relaxed), 0, "it is counted off when it ends");
            }
        }
    }
}
