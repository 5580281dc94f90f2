//! How a run shows itself at the terminal.

use crate::args::checkpoints::in_words;
use crate::output::{Output, above};
use hico_train::{CheckpointEvery, Event};
use indicatif::ProgressBar;
use std::sync::{Mutex, PoisonError};

/// The line that shows how a run goes.
pub(super) struct LiveLine {
    output: Output,
    every: CheckpointEvery,
    /// The bar, and how many epochs there will be.
    state: Mutex<(Option<ProgressBar>, usize)>,
}

impl LiveLine {
    pub(super) const fn new(output: Output, every: CheckpointEvery) -> Self {
        Self { output, every, state: Mutex::new((None, 0)) }
    }

    pub(super) fn tell(&self, event: Event) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (bar, epochs) = &mut *state;
        match event {
            Event::Begin { step, outline } => {
                let going_on = if step > 0 { format!("going on at step {step}: ") } else { String::new() };
                self.output.note(&format!("{going_on}training on {outline}; {}", in_words(self.every)));
                *epochs = outline.epochs;
                let new = self.output.progress(outline.steps(), "");
                new.set_position(step);
                *bar = Some(new);
            }
            Event::Step(step) => {
                let Some(bar) = bar else { return };
                let total = step.losses.get("total").copied().unwrap_or(f64::NAN);
                let images = step.images as f64 / step.seconds.max(1e-9);
                bar.set_message(format!("epoch {}/{epochs}, loss {total:.3}, {images:.0} images/s", step.epoch + 1));
                bar.set_position(step.step + 1);
            }
            Event::Epoch(epoch) => {
                let figure = |name: &str, value: Option<f64>| value.map(|value| format!(", {name} {value:.3}"));
                let health = [
                    figure("validation loss", epoch.health.val_loss),
                    figure("5-NN balanced accuracy", epoch.health.knn_balanced_accuracy),
                    figure("rank", epoch.health.embedding_rank),
                ];
                let total = epoch.losses.get("total").copied().unwrap_or(f64::NAN);
                let health: String = health.into_iter().flatten().collect();
                let words = format!("epoch {}: loss {total:.3}{health}", epoch.epoch + 1);
                above(bar.as_ref(), || self.output.note(&words));
            }
            Event::Warning(words) => above(bar.as_ref(), || self.output.warning(&words)),
            Event::Saved { .. } => {}
        }
    }

    pub(super) fn end(&self) {
        if let Some(bar) = &self.state.lock().unwrap_or_else(PoisonError::into_inner).0 {
            bar.finish_and_clear();
        }
    }
}
