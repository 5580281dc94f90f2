//! How far work is: a bar, counts, the time taken and the time to go.

use indicatif::ProgressState;
use indicatif::style::ProgressTracker;
use std::fmt;
use std::time::{Duration, Instant};

/// Letters of the bar.
const BAR: usize = 20;

/// What is counted within so short a time after the beginning was found done by an earlier sitting, and tells nothing of
/// the pace; neither does the little that is done until then.
const SETTLE: Duration = Duration::from_secs(3);

/// Work counted up to a moment.
#[derive(Debug, Clone, Copy)]
struct Mark {
    done: u64,
    at: Duration,
}

/// Draws the state of a progress bar.
#[derive(Debug, Clone)]
pub(crate) struct Gauge {
    /// From where on the pace is measured.
    settled: Option<Mark>,
    /// The newest work.
    newest: Mark,
}

impl Gauge {
    pub(crate) const fn new() -> Self {
        Self { settled: None, newest: Mark { done: 0, at: Duration::ZERO } }
    }

    fn see(&mut self, done: u64, at: Duration) {
        if done != self.newest.done {
            self.newest = Mark { done, at };
        }
        if self.settled.is_none() && at >= SETTLE {
            self.settled = Some(Mark { done, at });
        }
    }

    /// The time to go, by the mean pace since the work settled; `None` until something was done since.
    fn to_go(&self, total: u64, now: Duration) -> Option<Duration> {
        let settled = self.settled?;
        let done = self.newest.done.checked_sub(settled.done).filter(|done| *done > 0)?;
        let pace = (self.newest.at - settled.at).as_secs_f64() / done as f64;
        let left = pace * total.saturating_sub(self.newest.done) as f64 - (now - self.newest.at).as_secs_f64();
        Duration::try_from_secs_f64(left.max(0.0)).ok()
    }

    fn words(&self, done: u64, total: Option<u64>, taken: Duration) -> String {
        let Some(total) = total.filter(|total| *total > 0) else { return format!("{done} finished, {}", time(taken)) };
        let filled = (BAR as u64 * done.min(total) / total) as usize;
        let to_go = match self.to_go(total, taken) {
            Some(left) if done < total => format!(", {} to go", time(left)),
            _ => String::new(),
        };
        format!("[{}{}] {done}/{total}, {}{to_go}", "=".repeat(filled), " ".repeat(BAR - filled), time(taken))
    }
}

impl ProgressTracker for Gauge {
    fn clone_box(&self) -> Box<dyn ProgressTracker> {
        Box::new(self.clone())
    }

    fn tick(&mut self, state: &ProgressState, _now: Instant) {
        self.see(state.pos(), state.elapsed());
    }

    fn reset(&mut self, _state: &ProgressState, _now: Instant) {
        *self = Self::new();
    }

    fn write(&self, state: &ProgressState, words: &mut dyn fmt::Write) {
        words.write_str(&self.words(state.pos(), state.len(), state.elapsed())).ok();
    }
}

/// A time in its two largest units.
fn time(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{}h {:02}m", seconds / 3600, seconds / 60 % 60),
        _ => format!("{}d {:02}h", seconds / 86_400, seconds / 3600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn there_is_no_bar_until_the_total_is_known() {
        let gauge = Gauge::new();
        assert_eq!(gauge.words(0, None, seconds(2)), "0 finished, 2s");
        assert_eq!(gauge.words(3, Some(0), seconds(75)), "3 finished, 1m 15s");
        assert_eq!(gauge.words(5, Some(10), seconds(2)), format!("[{}{}] 5/10, 2s", "=".repeat(10), " ".repeat(10)));
    }

    #[test]
    fn what_was_found_done_does_not_count_for_the_pace() {
        let mut gauge = Gauge::new();
        gauge.see(900, seconds(1));
        assert_eq!(gauge.to_go(1000, seconds(1)), None);
        gauge.see(900, seconds(4));
        gauge.see(910, seconds(24));
        // Ten in twenty seconds, and ninety are left.
        assert_eq!(gauge.to_go(1000, seconds(24)), Some(seconds(180)));
        assert_eq!(gauge.to_go(1000, seconds(34)), Some(seconds(170)), "it runs down between steps");
    }

    #[test]
    fn times_are_told_in_two_units() {
        assert_eq!([5, 65, 3_900, 180_000].map(|of| time(seconds(of))), ["5s", "1m 05s", "1h 05m", "2d 02h"]);
    }
}
