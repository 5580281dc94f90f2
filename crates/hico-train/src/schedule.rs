//! The learning rate as a pure function of the step: it can be plotted, tested, and needs no state in a checkpoint.

use crate::recipe::{ScheduleKind, TrainRecipe};
use std::f64::consts::PI;

/// How the learning rate moves over a run.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Schedule {
    kind: ScheduleKind,
    peak: f64,
    warmup_epochs: usize,
    epochs: usize,
    steps_per_epoch: u64,
}

impl Schedule {
    /// Makes the schedule of `epochs` epochs of `steps_per_epoch` steps.
    ///
    /// - `peak`: the largest learning rate
    #[must_use]
    pub const fn new(kind: ScheduleKind, peak: f64, warmup_epochs: usize, epochs: usize, steps_per_epoch: u64) -> Self {
        Self { kind, peak, warmup_epochs, epochs, steps_per_epoch }
    }

    /// Returns the schedule that a recipe asks for, over epochs of `steps_per_epoch` steps.
    #[must_use]
    pub const fn of(train: &TrainRecipe, steps_per_epoch: u64) -> Self {
        let (peak, epochs) = (train.learning_rate.get(), train.epochs.get());
        Self::new(train.schedule, peak, train.warmup_epochs, epochs, steps_per_epoch)
    }

    /// Steps in all.
    #[must_use]
    pub const fn steps(&self) -> u64 {
        self.epochs as u64 * self.steps_per_epoch
    }

    /// The learning rate of step `step`, counted from 0.
    ///
    /// - `cosine`: rises in equal parts over the warm-up (its first step takes one part, not none, its last the whole
    ///   rate), then `peak (1 + cos(pi t)) / 2` with `t` going from 0 to 1 over the other steps: SGDR without restarts
    ///   (Loshchilov and Hutter 2017, eq. 5).
    /// - `authors`: the whole rate in epochs 0 to `warmup_epochs`, then that cosine of `(epoch - warmup_epochs) / epochs`,
    ///   so that with the published 300 and 10 the last epoch runs at step 289 of 300, just above zero.
    #[must_use]
    pub fn at(&self, step: u64) -> f64 {
        match self.kind {
            ScheduleKind::Constant => self.peak,
            ScheduleKind::Cosine => self.warmup_then_cosine(step),
            ScheduleKind::Authors => {
                let epoch = step / self.steps_per_epoch.max(1);
                let turned = epoch.saturating_sub(self.warmup_epochs as u64);
                self.peak * half_cosine(turned, self.epochs as u64)
            }
        }
    }

    fn warmup_then_cosine(&self, step: u64) -> f64 {
        let warmup = (self.warmup_epochs as u64 * self.steps_per_epoch).min(self.steps());
        if step < warmup {
            return self.peak * (step + 1) as f64 / warmup as f64;
        }
        self.peak * half_cosine(step - warmup, self.steps() - warmup)
    }
}

/// From 1 at `done` 0 to 0 at `done` = `whole`, along half a cosine; 0 beyond.
fn half_cosine(done: u64, whole: u64) -> f64 {
    if done >= whole {
        return 0.0;
    }
    0.5 * (1.0 + (PI * done as f64 / whole as f64).cos())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn schedule(kind: ScheduleKind, epochs: usize, warmup_epochs: usize, steps_per_epoch: u64) -> Schedule {
        Schedule::new(kind, 2.0, warmup_epochs, epochs, steps_per_epoch)
    }

    fn assert_close(found: f64, expected: f64) {
        assert!((found - expected).abs() < 1e-12, "{found} is not {expected}");
    }

    #[test]
    fn warm_up_rises_in_equal_parts_to_the_whole_rate() {
        let schedule = schedule(ScheduleKind::Cosine, 10, 2, 4);
        assert_close(schedule.at(0), 2.0 / 8.0);
        assert_close(schedule.at(3), 2.0 * 4.0 / 8.0);
        assert_close(schedule.at(7), 2.0);
    }

    #[test]
    fn the_cosine_is_half_way_down_in_the_middle_and_zero_after_the_last_step() {
        let schedule = schedule(ScheduleKind::Cosine, 10, 2, 4);
        assert_close(schedule.at(8), 2.0);
        assert_close(schedule.at(8 + 16), 1.0);
        assert!(schedule.at(39) > 0.0 && schedule.at(39) < 0.01);
        assert_close(schedule.at(40), 0.0);
    }

    #[test]
    fn the_authors_rate_is_constant_for_eleven_epochs_and_ends_just_above_zero() {
        let schedule = schedule(ScheduleKind::Authors, 300, 10, 5);
        assert_close(schedule.at(0), 2.0);
        assert_close(schedule.at(10 * 5 + 4), 2.0);
        // The first cosine step is taken at the end of epoch 10; all steps of an epoch share one rate.
        assert_close(schedule.at(11 * 5), 1.0 + (PI / 300.0).cos());
        assert_close(schedule.at(11 * 5 + 4), 1.0 + (PI / 300.0).cos());
        assert_close(schedule.at(300 * 5 - 1), 1.0 + (PI * 289.0 / 300.0).cos());
        assert!(schedule.at(300 * 5 - 1) > 0.0);
    }

    #[test]
    fn a_warm_up_longer_than_the_run_is_the_whole_run() {
        let schedule = schedule(ScheduleKind::Cosine, 2, 10, 4);
        assert_close(schedule.at(7), 2.0);
        assert_close(schedule.at(8), 0.0);
    }

    #[test]
    fn a_constant_rate_stays() {
        let schedule = schedule(ScheduleKind::Constant, 2, 10, 4);
        assert_close(schedule.at(0), 2.0);
        assert_close(schedule.at(1_000), 2.0);
    }
}
