//! What every long function works with: threads, a flag that stops it, and somebody who hears how far it is.

use crate::error::Error;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicBool, Ordering};

/// How long work is done, and who hears of it.
///
/// Work that is asked to stop keeps what can be kept and ends in [`Error::Interrupted`]; what it makes never depends on the
/// number of threads.
///
/// - `E`: what it tells of itself
pub struct Job<'a, E = Event> {
    /// Threads that it may use, 1 or more.
    pub threads: usize,
    /// Turns true when it shall stop.
    pub stop: &'a AtomicBool,
    /// Is called with what there is to tell, from any thread.
    pub tell: &'a (dyn Fn(E) + Sync),
}

/// What long work tells of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// How far it is.
    Progress {
        /// Units done.
        done: usize,
        /// Units in all.
        total: usize,
        /// What is counted, for instance `clips`.
        unit: &'static str,
        /// What is being done; empty where the unit says it.
        what: String,
    },
    /// Something that a person wants to read once.
    Note(String),
    /// A file is not taken in.
    Refused {
        /// Its path, relative to the source folder.
        file: String,
        /// Why.
        reason: String,
        /// What its owner can do.
        hint: &'static str,
    },
}

/// Stops nothing.
static NEVER: AtomicBool = AtomicBool::new(false);

impl Default for Job<'_> {
    /// Returns work with as many threads as there are cores, which nobody stops and of which nobody hears.
    fn default() -> Self {
        Self::new(&NEVER)
    }
}

impl<'a, E> Job<'a, E> {
    /// Sets the number of threads.
    #[must_use]
    pub fn with_threads(self, threads: usize) -> Self {
        Self { threads: threads.max(1), ..self }
    }

    /// Sets who hears of it.
    #[must_use]
    pub fn telling<F>(self, tell: &'a (dyn Fn(F) + Sync)) -> Job<'a, F> {
        Job { threads: self.threads, stop: self.stop, tell }
    }

    /// Returns the same work, of which nobody hears.
    #[must_use]
    pub fn silent<F>(self) -> Job<'a, F> {
        self.telling(&drop)
    }

    /// Checks that the work may go on.
    ///
    /// # Errors
    /// When it is asked to stop.
    pub fn go_on(&self) -> Result<(), Error> {
        if self.stop.load(Ordering::SeqCst) { Err(Error::Interrupted) } else { Ok(()) }
    }
}

impl<'a> Job<'a> {
    /// Returns work with as many threads as there are cores, of which nobody hears.
    #[must_use]
    pub fn new(stop: &'a AtomicBool) -> Self {
        Self { threads: std::thread::available_parallelism().map_or(1, NonZeroUsize::get), stop, tell: &drop }
    }

    /// Tells how far the work is.
    pub fn at(&self, [done, total]: [usize; 2], unit: &'static str, what: &str) {
        (self.tell)(Event::Progress { done, total, unit, what: what.to_owned() });
    }

    /// Tells something that a person wants to read once.
    pub fn note(&self, words: String) {
        (self.tell)(Event::Note(words));
    }
}

impl<E> Clone for Job<'_, E> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<E> Copy for Job<'_, E> {}

impl<E> fmt::Debug for Job<'_, E> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Job").field("threads", &self.threads).field("stop", &self.stop).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn work_goes_on_until_the_flag_says_stop_and_only_its_listener_hears_of_it() {
        let (stop, heard) = (AtomicBool::new(false), Mutex::new(Vec::new()));
        let listen = |event: Event| heard.lock().unwrap().push(event);
        let job = Job::new(&stop).telling(&listen).with_threads(0);
        assert_eq!(job.threads, 1);
        assert!(job.go_on().is_ok());
        job.silent::<Event>().note("nobody hears this".to_owned());
        job.at([1, 2], "clips", "");
        assert_eq!(
            heard.lock().unwrap().as_slice(),
            [Event::Progress { done: 1, total: 2, unit: "clips", what: String::new() }]
        );
        stop.store(true, Ordering::SeqCst);
        assert!(matches!(job.go_on(), Err(Error::Interrupted)));
    }
}
