//! Work in parallel, results in order: what is written does not depend on the number of threads.

use super::guard;
use super::refusal::Refusal;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError, mpsc};
use std::time::Duration;

/// How often a stop is looked for while nothing is ready.
const BEAT: Duration = Duration::from_millis(50);

/// Which job is next, and how far the taker is.
struct Queue {
    next: usize,
    taken: usize,
}

/// Runs `work` on every job in `threads` threads and hands the results to `take` in the order of the jobs. At most
/// `threads + 2` results wait, so memory stays bounded.
///
/// - `work`: gets a flag that turns true when its result is not wanted any more; where it panics, that job alone is refused
/// - returns: whether every job was taken; `false` after `stop` turned true
///
/// # Errors
/// The first error of `take`; the rest of the work is dropped.
pub(crate) fn in_order<J: Sync, T: Send, E>(
    jobs: &[J],
    threads: usize,
    stop: &AtomicBool,
    work: impl Fn(&J, &AtomicBool) -> T + Sync,
    mut take: impl FnMut(&J, Result<T, Refusal>) -> Result<(), E>,
) -> Result<bool, E> {
    let ahead = threads + 2;
    let halt = AtomicBool::new(false);
    let queue = Mutex::new(Queue { next: 0, taken: 0 });
    let moved = Condvar::new();
    let (send, results) = mpsc::channel();
    let claim = || {
        let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if halt.load(Ordering::Acquire) || queue.next >= jobs.len() {
                return None;
            }
            if queue.next < queue.taken + ahead {
                queue.next += 1;
                return Some(queue.next - 1);
            }
            queue = moved.wait_timeout(queue, BEAT).unwrap_or_else(PoisonError::into_inner).0;
        }
    };
    let span = tracing::Span::current();
    std::thread::scope(|scope| {
        for _ in 0..threads.clamp(1, jobs.len().max(1)) {
            let send = send.clone();
            let (claim, work, halt, span) = (&claim, &work, &halt, &span);
            scope.spawn(move || {
                let _inside = span.enter();
                while let Some(job) = claim() {
                    let result = guard::catch(|| work(&jobs[job], halt)).map_err(|said| Refusal::BrokeDown { said });
                    if send.send((job, result)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(send);
        let mut waiting = BTreeMap::new();
        let mut taken = 0;
        let mut outcome = Ok(());
        while taken < jobs.len() && outcome.is_ok() && !stop.load(Ordering::Relaxed) {
            match results.recv_timeout(BEAT) {
                Ok((job, result)) => waiting.insert(job, result),
                Err(mpsc::RecvTimeoutError::Timeout) => continue,
                // No worker is left, and none of them ends before the jobs do.
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
            };
            while let (Some(result), true) = (waiting.remove(&taken), outcome.is_ok()) {
                outcome = take(&jobs[taken], result);
                taken += 1;
            }
            queue.lock().unwrap_or_else(PoisonError::into_inner).taken = taken;
            moved.notify_all();
        }
        halt.store(true, Ordering::Release);
        moved.notify_all();
        outcome.map(|()| taken == jobs.len())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_the_order_of_the_jobs_whatever_the_threads() {
        let jobs: Vec<u64> = (0..200).collect();
        for threads in [1, 2, 7] {
            let mut seen = Vec::new();
            let work = |job: &u64, _: &AtomicBool| {
                std::thread::sleep(Duration::from_micros(job * 37 % 300));
                job * job
            };
            let all = in_order(&jobs, threads, &AtomicBool::new(false), work, |job, square| {
                seen.push((*job, square.unwrap()));
                Ok::<(), ()>(())
            });
            assert_eq!(all, Ok(true));
            assert_eq!(seen, jobs.iter().map(|job| (*job, job * job)).collect::<Vec<_>>());
        }
    }

    #[test]
    fn an_error_ends_the_work_and_tells_the_others() {
        let jobs: Vec<u64> = (0..1000).collect();
        let done = Mutex::new(0);
        let work = |job: &u64, _: &AtomicBool| {
            *done.lock().unwrap() += 1;
            *job
        };
        let result =
            in_order(&jobs, 2, &AtomicBool::new(false), work, |job, _| if *job == 5 { Err("full") } else { Ok(()) });
        assert_eq!(result, Err("full"));
        assert!(*done.lock().unwrap() < 100);
    }

    #[test]
    fn a_stop_ends_the_work_within_a_job() {
        let jobs = [0, 1, 2];
        let stop = AtomicBool::new(false);
        let work = |job: &u64, halt: &AtomicBool| {
            if *job == 1 {
                stop.store(true, Ordering::Relaxed);
                while !halt.load(Ordering::Relaxed) {
                    std::thread::yield_now();
                }
            }
        };
        assert_eq!(in_order(&jobs, 1, &stop, work, |_, _| Ok::<(), ()>(())), Ok(false));
        assert_eq!(in_order(&[0_u64; 0], 3, &stop, work, |_, _| Ok::<(), ()>(())), Ok(true));
    }

    #[test]
    fn a_panic_costs_its_job_and_no_other() {
        let jobs: Vec<u64> = (0..50).collect();
        let mut lost = Vec::new();
        let work = |job: &u64, _: &AtomicBool| assert_ne!(job % 10, 3, "this panic is part of a test");
        let all = in_order(&jobs, 2, &AtomicBool::new(false), work, |job, result| {
            match result {
                Err(Refusal::BrokeDown { said }) if said.contains("pool.rs:") => lost.push(*job),
                result => result.unwrap(),
            }
            Ok::<(), ()>(())
        });
        assert_eq!((all, lost), (Ok(true), vec![3, 13, 23, 33, 43]));
    }
}
