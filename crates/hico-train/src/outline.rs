//! What a run will do, worked out from its recipe and its clips before anything is done.

use super::init_weights::InitWeights;
use super::options::PretrainOptions;
use super::sampler::{LEAST, LastBatch, Sampler};
use super::select::{Selection, select};
use crate::Error;
use crate::recipe::Recipe;
use hico_data::{Dataset, Seed};
use serde::Serialize;
use std::fmt;

/// How many clips, batches, steps and epochs a run has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Outline {
    /// Clips to learn from.
    pub clips: usize,
    /// Clips for validation.
    #[serde(rename = "val_clips")]
    pub validation: usize,
    /// Epochs in all.
    pub epochs: usize,
    /// Steps in an epoch.
    pub steps_per_epoch: u64,
    /// Clips a step.
    pub batch: usize,
    /// Clips a step of the recipe; `batch` is less where there are fewer clips.
    #[serde(rename = "recipe_batch")]
    pub asked_batch: usize,
    /// Clips that each epoch leaves out, other ones each time.
    pub left_out: usize,
    /// Whether the recipe leaves short batches out, whatever their size.
    pub drop_last: bool,
}

impl Outline {
    /// Counts the steps of the whole run.
    #[must_use]
    pub const fn steps(&self) -> u64 {
        self.epochs as u64 * self.steps_per_epoch
    }
}

impl fmt::Display for Outline {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { clips, validation, epochs, steps_per_epoch, batch, asked_batch, left_out, drop_last } = *self;
        write!(
            formatter,
            "{} in batches of {batch}, {validation} for validation; {} an epoch, {} in {}",
            counted(clips as u64, "clip"),
            counted(steps_per_epoch, "step"),
            counted(self.steps(), "step"),
            counted(epochs as u64, "epoch"),
        )?;
        if batch < asked_batch {
            write!(formatter, "; the batch is lowered from {asked_batch} to the {clips} clips that there are")?;
        }
        match left_out {
            0 => Ok(()),
            _ if drop_last => write!(
                formatter,
                "; each epoch leaves {} out, other ones each time, because train.drop_last is true",
                counted(left_out as u64, "clip")
            ),
            _ => formatter.write_str(
                "; each epoch leaves 1 clip out, another one each time, because a last batch of one clip has no other clip \
                 to compare with",
            ),
        }
    }
}

/// Writes a number of things, in the singular or the plural.
pub fn counted(count: u64, thing: &str) -> String {
    format!("{count} {thing}{}", if count == 1 { "" } else { "s" })
}

/// Works out what a run would do; writes nothing.
///
/// # Errors
/// When the clips, the batch or the weights to begin with do not do.
pub fn outline(data: &Dataset, recipe: &Recipe, options: &PretrainOptions) -> Result<Outline, Error> {
    Ok(work_out(data, recipe, options)?.2)
}

/// The clips of a run, how they are drawn, and what comes of that.
pub(super) fn work_out(
    data: &Dataset,
    recipe: &Recipe,
    options: &PretrainOptions,
) -> Result<(Selection, Sampler, Outline), Error> {
    options.init_weights.as_ref().map_or(Ok(()), |first: &InitWeights| first.fits(recipe.model().backbone))?;
    let selection = select(data, recipe, options.clips.as_deref(), options.labelled.as_deref(), options.holdout_fold)?;
    let train = recipe.train();
    let clips = selection.train.len();
    let batch = if options.lower_batch { train.batch.get().min(clips.max(LEAST)) } else { train.batch.get() };
    let seed = Seed(train.seed).derive("batches", &[]);
    let mut sampler = Sampler::new(selection.train.clone(), batch, LastBatch::of(train), seed)?;
    if train.groups_apart {
        sampler = sampler.with_groups_apart(|clip| data.row(clip).group.as_str());
    }
    let outline = Outline {
        clips,
        validation: selection.validation.len(),
        epochs: train.epochs.get(),
        steps_per_epoch: sampler.steps_per_epoch(),
        batch,
        asked_batch: train.batch.get(),
        left_out: sampler.left_out(),
        drop_last: train.drop_last,
    };
    Ok((selection, sampler, outline))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: Outline = Outline {
        clips: 28,
        validation: 7,
        epochs: 300,
        steps_per_epoch: 2,
        batch: 16,
        asked_batch: 16,
        left_out: 0,
        drop_last: false,
    };

    #[test]
    fn the_start_line_says_steps_epochs_batch_and_clips() {
        let words = "28 clips in batches of 16, 7 for validation; 2 steps an epoch, 600 steps in 300 epochs";
        assert_eq!(PLAIN.to_string(), words);
    }

    #[test]
    fn the_start_line_says_what_was_lowered_and_who_is_left_out_and_why() {
        let lowered = Outline { batch: 28, asked_batch: 32, steps_per_epoch: 1, ..PLAIN }.to_string();
        assert!(
            lowered.contains("lowered from 32 to the 28 clips") && lowered.contains("1 step an epoch"),
            "{lowered}"
        );
        let one = Outline { clips: 33, left_out: 1, ..PLAIN }.to_string();
        assert!(
            one.contains("leaves 1 clip out") && one.contains("one clip has no other clip to compare with"),
            "{one}"
        );
        let dropped = Outline { left_out: 12, drop_last: true, ..PLAIN }.to_string();
        assert!(dropped.contains("leaves 12 clips out") && dropped.contains("train.drop_last is true"), "{dropped}");
    }
}
