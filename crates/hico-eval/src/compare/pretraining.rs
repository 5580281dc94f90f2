//! The pretraining of a cell: as many epochs as its budget affords, evaluated on its way and at its end.

use super::cell_file::failed;
use super::grid::{Cell, Trained};
use super::labels::Labels;
use super::options::{EPOCHS_AND_EVALUATIONS, PRETRAIN_FOLDER};
use super::study::Budget;
use super::work::{Stage, Work};
use crate::Error;
use crate::compare::answer::EvalMode;
use hico_data::{Dataset, atomic};
use hico_train::journal::{EpochEntry, JOURNAL_FILE, JournalEntry};
use hico_train::keep::kept_after;
use hico_train::plan::clips_outside;
use hico_train::recipe::Recipe;
use hico_train::{Outline, PretrainOptions, pretrained};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

/// How many epochs a cell with a budget in seconds affords itself.
const EPOCHS_FILE: &str = "epochs";

/// Folder of the pretraining run while a cell is worked on.
const RUN_FOLDER: &str = "run";

impl Work<'_> {
    /// Pretrains, evaluates on the way, and evaluates at the end.
    pub(super) fn pretrained(&mut self, recipe: &Recipe) -> Result<(), Error> {
        let options = self.pretrain_options()?;
        let source = match self.cell.trained {
            Trained::Inside { data, .. } | Trained::Whole { data } => Arc::clone(&self.data[data]),
            Trained::Nothing => return Ok(()),
        };
        let (asked, asked_epochs) = (recipe.train().batch.get(), recipe.train().epochs.get());
        let recipe = self.recipe(recipe, &source, &options)?;
        let run = self.folder.join(RUN_FOLDER);
        let kept = kept_run(&self.options.folder, self.cell);
        if self.options.keep_runs && !run.is_dir() && kept.is_dir() {
            // A cell that was killed at its end goes on from there.
            std::fs::rename(&kept, &run).map_err(failed(&kept))?;
        }
        let epochs = recipe.train().epochs.get();
        self.total = self.total - asked_epochs + epochs;
        // Curves are those of every label.
        let on_the_way = if self.cell.labels == Labels::All { self.study.evaluation.curve_points } else { 0 };
        let curve_epochs = curve_epochs(epochs, on_the_way);
        let options = PretrainOptions { folder: Some(run.clone()), keep_after: curve_epochs.clone(), ..options };
        let outline = hico_train::outline(&source, &recipe, &options).map_err(|error| no_run(self.cell, error))?;
        let outline = Outline { asked_batch: asked, ..outline };
        self.job.note(format!("pretraining on {outline}"));
        self.train(&source, &recipe, &options)?;
        let history = history(&run.join(JOURNAL_FILE))?;
        for after in curve_epochs {
            let pretrained = pretrained::read(&kept_after(&run, after))?;
            let entry = after.checked_sub(1).and_then(|epoch| history.get(&epoch));
            let (images, seconds) = entry.map_or((0, 0.0), |entry| (entry.images_seen, entry.seconds));
            let stage = Stage { epochs: after, images, seconds, ..Stage::of(&pretrained, self.device)? };
            if after == epochs { self.last(&stage)? } else { self.point(&stage)? }
        }
        Ok(())
    }

    fn pretrain_options(&self) -> Result<PretrainOptions, Error> {
        let mut options = PretrainOptions {
            resume: true,
            device: self.options.device,
            validate: false,
            lower_batch: self.options.lower_batch,
            init_weights: self.study.methods[self.cell.method].init_weights.as_deref().cloned(),
            checkpoint_every: self.options.checkpoint_every,
            ..PretrainOptions::default()
        };
        if let Trained::Inside { data, fold } = self.cell.trained {
            options.clips = Some(clips_outside(&self.data[data], fold));
            if self.cell.labels != Labels::All {
                let plan = self.evaluator(data).plan(fold, EvalMode::LinearProbe, self.cell.labels);
                options.labelled = Some(plan.map_err(|source| self.no_plan(source))?.fit);
            }
        }
        Ok(options)
    }

    /// The method's recipe with the cell's seed, a batch that its clips can fill, and the epochs that the budget affords.
    fn recipe(&mut self, recipe: &Recipe, source: &Arc<Dataset>, options: &PretrainOptions) -> Result<Recipe, Error> {
        let seeded = recipe.clone().with_seed(self.cell.seed);
        let outline = hico_train::outline(source, &seeded, options).map_err(|error| no_run(self.cell, error))?;
        let images_a_clip = seeded.method().images_a_clip();
        let an_epoch = ((outline.clips - outline.left_out) * images_a_clip) as u64;
        let own_epochs = seeded.train().epochs.get();
        let sized = checked(seeded.with_batch(outline.batch));
        let epochs = match (self.options.epochs, self.study.budget) {
            (Some(epochs), _) => epochs,
            (None, Budget::Recipe) => own_epochs,
            (None, Budget::Steps(steps)) => nearest(steps, outline.steps_per_epoch),
            (None, Budget::Images(images)) => nearest(images, an_epoch),
            (None, Budget::Seconds(seconds)) => self.affordable(&sized, source, options, seconds)?,
        };
        Ok(checked(sized.with_epochs(epochs)))
    }

    /// How many epochs a number of seconds affords, by a trial of three of them; the same after an interruption.
    fn affordable(
        &mut self,
        recipe: &Recipe,
        source: &Arc<Dataset>,
        options: &PretrainOptions,
        seconds: f64,
    ) -> Result<usize, Error> {
        let path = self.folder.join(EPOCHS_FILE);
        if let Some(epochs) = std::fs::read_to_string(&path).ok().and_then(|text| text.trim().parse().ok()) {
            return Ok(epochs);
        }
        self.job.note("timing".to_owned());
        let ends = self.train(source, &checked(recipe.clone().with_epochs(TRIAL)), options)?;
        // The first epoch also pays for what is done once.
        let an_epoch = match ends.as_slice() {
            [first, .., last] => (last - first) / (ends.len() - 1) as f64,
            _ => seconds,
        };
        let epochs = (seconds / an_epoch).clamp(1.0, 1e6) as usize;
        atomic::write(&path, epochs.to_string().as_bytes()).map_err(failed(&path))?;
        Ok(epochs)
    }

    /// Runs a pretraining to its end.
    ///
    /// - returns: the seconds at the end of each epoch of this sitting
    fn train(&mut self, source: &Arc<Dataset>, recipe: &Recipe, options: &PretrainOptions) -> Result<Vec<f64>, Error> {
        let ends = Mutex::new(Vec::new());
        let what = self.what(self.cell.tests.first().map_or(0, |(_, fold)| *fold), "pretraining");
        let (job, total) = (self.job, self.total);
        let listen = |event: hico_train::Event| {
            if let hico_train::Event::Epoch(entry) = event {
                ends.lock().unwrap_or_else(PoisonError::into_inner).push(entry.seconds);
                // What an earlier sitting did counts as well.
                job.at([(entry.epoch + 1).min(total), total], EPOCHS_AND_EVALUATIONS, &what);
            }
        };
        let outcome = hico_train::pretrain(source, recipe, options, job.telling(&listen));
        self.done = outcome.map_err(|source| no_run(self.cell, source))?.epochs;
        Ok(ends.into_inner().unwrap_or_else(PoisonError::into_inner))
    }

    /// Moves the folder of the pretraining run to where runs are kept.
    ///
    /// # Errors
    /// When it cannot be moved.
    pub(super) fn keep_run(&self) -> Result<(), Error> {
        let run = self.folder.join(RUN_FOLDER);
        if !self.options.keep_runs || !run.is_dir() {
            return Ok(());
        }
        let kept = kept_run(&self.options.folder, self.cell);
        let runs = self.options.folder.join(PRETRAIN_FOLDER);
        std::fs::create_dir_all(&runs).map_err(failed(&runs))?;
        // Of a cell that is run again the newer run stands.
        match std::fs::remove_dir_all(&kept) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(failed(&kept)(error)),
            _ => std::fs::rename(&run, &kept).map_err(failed(&kept)),
        }
    }
}

fn no_run(cell: &Cell, source: hico_train::Error) -> Error {
    Error::in_cell(cell.name.clone(), source.into())
}

/// Where the pretraining run of a cell is kept.
pub(super) fn kept_run(folder: &Path, cell: &Cell) -> PathBuf {
    let fold = match cell.trained {
        Trained::Inside { fold, .. } => format!("fold-{fold}-"),
        Trained::Whole { .. } | Trained::Nothing => String::new(),
    };
    folder.join(PRETRAIN_FOLDER).join(format!("{fold}seed-{}", cell.seed))
}

/// The number of epochs that comes nearest to a budget, 1 or more.
fn nearest(budget: u64, an_epoch: u64) -> usize {
    ((budget + an_epoch / 2) / an_epoch.max(1)).max(1) as usize
}

/// Epochs of the trial that tells what one costs.
const TRIAL: usize = 3;

/// A recipe that was checked and then given another seed, a smaller batch or other epochs.
#[expect(clippy::expect_used, reason = "none of what was changed can leave its range")]
fn checked(changed: Result<Recipe, hico_train::Error>) -> Recipe {
    changed.expect("a recipe within its ranges")
}

/// After how many epochs an encoder is evaluated: `points` times on the way, evenly, from before the first step, and at
/// the end.
fn curve_epochs(epochs: usize, points: usize) -> Vec<usize> {
    let mut after: Vec<usize> = (0..points).map(|point| point * epochs / points).collect();
    after.push(epochs);
    after.dedup();
    after
}

/// The ends of epochs that a journal tells of; of one that was run again after a kill the last.
fn history(path: &Path) -> Result<BTreeMap<usize, EpochEntry>, Error> {
    let text = std::fs::read_to_string(path).map_err(failed(path))?;
    let entries = text.lines().filter_map(|line| match serde_json::from_str(line) {
        Ok(JournalEntry::Epoch(entry)) => Some((entry.epoch, entry)),
        _ => None,
    });
    Ok(entries.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_even_and_the_end_is_always_one() {
        assert_eq!(curve_epochs(10, 0), [10]);
        assert_eq!(curve_epochs(10, 4), [0, 2, 5, 7, 10]);
        assert_eq!(curve_epochs(2, 4), [0, 1, 2]);
    }
}
