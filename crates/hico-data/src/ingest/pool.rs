//! Work in parallel, results in order: what is written does not depend on the number of threads.

use super::refusal::Refusal;
use crate::error::Error;
use crate::job::Job;
use hico_io::guard;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, PoisonError, mpsc};
use std::time::Duration;

/// How often a stop is looked for while nothing is ready.
const BEAT: Duration = Duration::from_millis(50);

/// Which task is next, and how far the taker is.
struct Queue {
    next: usize,
    taken: usize,
}

/// Runs `work` on every task in the job's threads and hands the results to `take` in the order of the tasks. At most
/// `threads + 2` results wait, so memory stays bounded.
///
/// - `work`: gets a flag that turns true when its result is not wanted any more; where it panics, that task alone is refused
///
/// # Errors
/// The first error of `take`, or that it is asked to stop; the rest of the work is dropped.
pub(crate) fn in_order<J: Sync, T: Send>(
    tasks: &[J],
    job: Job<'_>,
    work: impl Fn(&J, &AtomicBool) -> T + Sync,
    mut take: impl FnMut(&J, Result<T, Refusal>) -> Result<(), Error>,
) -> Result<(), Error> {
    let ahead = job.threads + 2;
    let halt = AtomicBool::new(false);
    let queue = Mutex::new(Queue { next: 0, taken: 0 });
    let moved = Condvar::new();
    let (send, results) = mpsc::channel();
    let claim = || {
        let mut queue = queue.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            if halt.load(Ordering::Acquire) || queue.next >= tasks.len() {
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
        for _ in 0..job.threads.clamp(1, tasks.len().max(1)) {
            let send = send.clone();
            let (claim, work, halt, span) = (&claim, &work, &halt, &span);
            scope.spawn(move || {
                let _inside = span.enter();
                while let Some(task) = claim() {
                    let result = guard::catch(|| work(&tasks[task], halt))
                        .map_err(|said| hico_io::Error::BrokeDown { said }.into());
                    if send.send((task, result)).is_err() {
                        break;
                    }
                }
            });
        }
        drop(send);
        let mut waiting = BTreeMap::new();
        let mut taken = 0;
        let mut outcome = Ok(());
        while taken < tasks.len() && outcome.is_ok() && job.go_on().is_ok() {
            match results.recv_timeout(BEAT) {
                Ok((task, result)) => waiting.insert(task, result),
                Err(mpsc::RecvTimeoutError::Timeout) => continue,
                // No worker is left, and none of them ends before the tasks do.
                Err(mpsc::RecvTimeoutError::Disconnected) => break,
            };
            while let (Some(result), true) = (waiting.remove(&taken), outcome.is_ok()) {
                outcome = take(&tasks[taken], result);
                taken += 1;
            }
            queue.lock().unwrap_or_else(PoisonError::into_inner).taken = taken;
            moved.notify_all();
        }
        halt.store(true, Ordering::Release);
        moved.notify_all();
        outcome?;
        if taken == tasks.len() { Ok(()) } else { Err(Error::Interrupted) }
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
            in_order(&jobs, Job::default().with_threads(threads), work, |job, square| {
                seen.push((*job, square.unwrap()));
                Ok(())
            })
            .unwrap();
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
        let full = || Error::Empty("full".to_owned());
        let result =
            in_order(
                &jobs,
                Job::default().with_threads(2),
                work,
                |job, _| {
                    if *job == 5 { Err(full()) } else { Ok(()) }
                },
            );
        assert_eq!(result.unwrap_err().to_string(), full().to_string());
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
        let job = Job::new(&stop).with_threads(1);
        assert!(matches!(in_order(&jobs, job, work, |_, _| Ok(())), Err(Error::Interrupted)));
        in_order(&[0_u64; 0], job, work, |_, _| Ok(())).unwrap();
    }

    #[test]
    fn a_panic_costs_its_job_and_no_other() {
        let jobs: Vec<u64> = (0..50).collect();
        let mut lost = Vec::new();
        let work = |job: &u64, _: &AtomicBool| assert_ne!(job % 10, 3, "this panic is part of a test");
        in_order(&jobs, Job::default().with_threads(2), work, |job, result| {
            match result {
                Err(Refusal::Source(hico_io::Error::BrokeDown { said })) if said.contains("pool.rs:") => {
                    lost.push(*job)
                }
                result => result.unwrap(),
            }
            Ok(())
        })
        .unwrap();
        assert_eq!(lost, vec![3, 13, 23, 33, 43]);
    }
}
