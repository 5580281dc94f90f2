//! Work done ahead of time in threads, handed over in order.

use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use std::any::Any;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;

/// The results of `work` on every job, in the order of the jobs whatever the number of threads.
///
/// - `threads`: how many work; at least one does
/// - `ahead`: how many jobs may be begun or done before the first of them is asked for; at least one
///
/// A panic in `work` comes out of `next()` in that job's place. Dropping the iterator stops the threads after the job
/// each is at, and waits for them. Whoever wants to know how long it waited for data measures `next()`.
pub fn ordered<J, T, W>(jobs: Vec<J>, threads: usize, ahead: usize, work: W) -> Ordered<T>
where
    J: Send + Sync + 'static,
    T: Send + 'static,
    W: Fn(&J) -> T + Send + Sync + 'static,
{
    let total = jobs.len();
    let ahead = ahead.clamp(1, total.max(1));
    let (tickets, waiting) = bounded::<usize>(ahead);
    let (done, results) = unbounded();
    let shared = Arc::new((jobs, work));
    let workers = (0..threads.clamp(1, ahead)).map(|_| {
        let (shared, waiting, done) = (Arc::clone(&shared), waiting.clone(), done.clone());
        std::thread::spawn(move || {
            let (jobs, work) = &*shared;
            labour(jobs, work, &waiting, &done);
        })
    });
    let workers = workers.collect();
    let mut ordered = Ordered {
        total,
        next: 0,
        issued: 0,
        early: BTreeMap::new(),
        tickets: Some(tickets),
        begun_by_nobody: waiting,
        results,
        workers,
    };
    (0..ahead).for_each(|_| ordered.issue());
    ordered
}

/// What a job came to: its result, or the panic it ended in.
type Outcome<T> = Result<T, Box<dyn Any + Send>>;

/// What one thread does until there are no more tickets or nobody listens.
fn labour<J, T>(jobs: &[J], work: &impl Fn(&J) -> T, tickets: &Receiver<usize>, done: &Sender<(usize, Outcome<T>)>) {
    for ticket in tickets {
        // The panic goes on in the consumer, who sees nothing of what it left half done.
        let outcome = catch_unwind(AssertUnwindSafe(|| work(&jobs[ticket])));
        if done.send((ticket, outcome)).is_err() {
            return;
        }
    }
}

/// See [`ordered`].
#[derive(Debug)]
pub struct Ordered<T> {
    total: usize,
    next: usize,
    issued: usize,
    /// Results that came before their turn.
    early: BTreeMap<usize, Outcome<T>>,
    /// Gone once there is nothing left to begin.
    tickets: Option<Sender<usize>>,
    begun_by_nobody: Receiver<usize>,
    results: Receiver<(usize, Outcome<T>)>,
    workers: Vec<JoinHandle<()>>,
}

impl<T> Ordered<T> {
    /// Lets one more job begin.
    fn issue(&mut self) {
        if self.issued < self.total
            && let Some(tickets) = &self.tickets
            && tickets.send(self.issued).is_ok()
        {
            self.issued += 1;
        }
        if self.issued == self.total {
            self.tickets = None;
        }
    }
}

impl<T> Iterator for Ordered<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        while self.next < self.total {
            if let Some(outcome) = self.early.remove(&self.next) {
                self.next += 1;
                self.issue();
                return Some(outcome.unwrap_or_else(|panic| resume_unwind(panic)));
            }
            let (ticket, outcome) = self.results.recv().ok()?;
            self.early.insert(ticket, outcome);
        }
        None
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.total - self.next, Some(self.total - self.next))
    }
}

impl<T> ExactSizeIterator for Ordered<T> {}

impl<T> Drop for Ordered<T> {
    fn drop(&mut self) {
        self.tickets = None;
        // A closed channel still hands out what it holds, so the jobs that nobody began are taken back.
        while self.begun_by_nobody.try_recv().is_ok() {}
        for worker in self.workers.drain(..) {
            worker.join().ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    #[test]
    fn results_come_in_the_order_of_the_jobs_whatever_the_threads() {
        for threads in [1, 2, 7] {
            let jobs: Vec<u64> = (0..200).collect();
            let slow_at_first = |job: &u64| {
                std::thread::sleep(Duration::from_micros(200 - job));
                job * job
            };
            let squares: Vec<u64> = ordered(jobs.clone(), threads, 9, slow_at_first).collect();
            assert_eq!(squares, jobs.iter().map(|job| job * job).collect::<Vec<_>>());
        }
        assert_eq!(ordered(Vec::<u8>::new(), 3, 3, |job| *job).count(), 0);
    }

    #[test]
    fn no_more_than_the_look_ahead_is_begun_and_dropping_begins_nothing_more() {
        let begun = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&begun);
        let mut results = ordered((0..1000).collect(), 4, 8, move |job: &usize| {
            counter.fetch_add(1, Ordering::SeqCst);
            *job
        });
        assert_eq!(results.next(), Some(0));
        std::thread::sleep(Duration::from_millis(30));
        assert!(begun.load(Ordering::SeqCst) <= 9, "one was taken, eight may lie ready");
        drop(results);
        // The threads have ended: whoever holds the closure is gone.
        assert_eq!(Arc::strong_count(&begun), 1);
    }

    #[test]
    fn a_panic_comes_out_in_its_place() {
        let mut results = ordered((0..6).collect(), 2, 4, |job: &i32| {
            assert_ne!(*job, 3, "three is broken");
            *job
        });
        assert_eq!(results.by_ref().take(3).collect::<Vec<_>>(), [0, 1, 2]);
        let panic = catch_unwind(AssertUnwindSafe(|| results.next())).expect_err("job 3 panics");
        assert!(panic.downcast_ref::<String>().is_some_and(|words| words.contains("three is broken")));
        assert_eq!(results.next(), Some(4), "the others are not lost");
    }
}
