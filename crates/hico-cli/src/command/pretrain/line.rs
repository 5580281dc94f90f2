//! How a run shows itself at the terminal.

use crate::args::checkpoints::in_words;
use crate::output::Output;
use hico::train::{CheckpointEvery, Progress};
use indicatif::ProgressBar;

/// The line that shows how a run goes.
pub(super) struct LiveLine {
    output: Output,
    every: CheckpointEvery,
    bar: Option<ProgressBar>,
    epochs: usize,
}

impl LiveLine {
    pub(super) const fn new(output: Output, every: CheckpointEvery) -> Self {
        Self { output, every, bar: None, epochs: 0 }
    }

    pub(super) fn show(&mut self, news: Progress) {
        match news {
            Progress::Begin { step, outline } => {
                let going_on = if step > 0 { format!("going on at step {step}: ") } else { String::new() };
                self.output.note(&format!("{going_on}training on {outline}; {}", in_words(self.every)));
                self.epochs = outline.epochs;
                let bar = self.output.progress(outline.steps(), "");
                bar.set_position(step);
                self.bar = Some(bar);
            }
            Progress::Step(step) => {
                let Some(bar) = &self.bar else { return };
                let total = step.losses.get("total").copied().unwrap_or(f64::NAN);
                let images = step.images as f64 / step.seconds.max(1e-9);
                bar.set_message(format!(
                    "epoch {}/{}, loss {total:.3}, {images:.0} images/s",
                    step.epoch + 1,
                    self.epochs
                ));
                bar.set_position(step.step + 1);
            }
            Progress::Epoch(epoch) => {
                let figure = |name: &str, value: Option<f64>| value.map(|value| format!(", {name} {value:.3}"));
                let health = [
                    figure("validation loss", epoch.health.watch_loss),
                    figure("5-NN balanced accuracy", epoch.health.knn_balanced_accuracy),
                    figure("rank", epoch.health.embedding_rank),
                ];
                let total = epoch.losses.get("total").copied().unwrap_or(f64::NAN);
                let health: String = health.into_iter().flatten().collect();
                self.above(|output| output.note(&format!("epoch {}: loss {total:.3}{health}", epoch.epoch + 1)));
            }
            Progress::Warning(words) => self.above(|output| output.warning(&words)),
            Progress::Saved { .. } => {}
        }
    }

    /// Speaks without tearing the live line.
    fn above(&self, speak: impl FnOnce(&Output)) {
        match &self.bar {
            Some(bar) => bar.suspend(|| speak(&self.output)),
            None => speak(&self.output),
        }
    }

    pub(super) fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
