//! What is done within a cell: its encoder is pretrained, looked at on its way, and evaluated; every answer is kept as soon
//! as it is there.

use super::answer::{Answer, EvalMode, Question, predictions_sha256};
use super::cell::{CellEvent, Options, PRETRAIN_FOLDER};
use super::cell_error::CellError;
use super::cell_file::{CellFiles, failed};
use super::grid::{Cell, Trained, budgets};
use super::judge::{Features, Found, Judge, Tuned, Tuning};
use super::network::{self, Facts};
use super::study::{Budget, Labels, Start, Study};
use crate::evaluate::baselines::Baseline;
use crate::evaluate::history::Beginning;
use crate::evaluate::inputs::Workplace;
use crate::evaluate::plan::{PlanError, clips_outside, groups_of};
use crate::evaluate::pretrained::{Pretrained, Seen};
use crate::evaluate::tuning_state::Keep;
use crate::model::Encoder;
use crate::model::init::Init;
use crate::recipe::{Recipe, RecipeError};
use crate::train::journal::{Entry, EpochEntry, JOURNAL_FILE};
use crate::train::keep::kept_after;
use crate::train::{self, Ending, Outline, PretrainOptions, TrainError};
use burn::tensor::Device;
use hico_data::{Dataset, Seed, atomic};
use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

/// How many epochs a cell with a budget in seconds affords itself.
const EPOCHS_FILE: &str = "epochs";

/// Folder of the pretraining run while a cell is worked on.
const RUN_FOLDER: &str = "run";

/// A cell under way.
pub(super) struct Work<'a> {
    pub(super) study: &'a Study,
    pub(super) data: &'a [Arc<Dataset>],
    pub(super) cell: &'a Cell,
    pub(super) options: &'a Options,
    pub(super) device: &'a Device,
    pub(super) folder: PathBuf,
    pub(super) answers: Vec<Answer>,
    pub(super) tell: &'a mut dyn FnMut(CellEvent),
    pub(super) stop: &'a AtomicBool,
}

/// An encoder at one point of its pretraining.
struct Stage {
    encoder: Encoder,
    /// Which groups its pretraining has seen.
    seen: Seen,
    /// Where its weights come from.
    beginning: Beginning,
    epochs: usize,
    images: u64,
    seconds: f64,
}

impl Stage {
    fn of(pretrained: &Pretrained, device: &Device) -> Result<Self, CellError> {
        let (seen, beginning) = (pretrained.seen.clone(), pretrained.beginning.clone());
        Ok(Self { encoder: pretrained.encoder(device)?, seen, beginning, epochs: 0, images: 0, seconds: 0.0 })
    }
}

impl<'a> Work<'a> {
    /// Does all that is left to do.
    pub(super) fn all(&mut self) -> Result<(), CellError> {
        let study = self.study;
        match &study.methods[self.cell.method].start {
            start @ (Start::Random | Start::Scratch) => {
                let seen = Seen::Groups { groups: BTreeSet::new(), data: String::new(), all: true };
                let (encoder, beginning) = (self.random(start), Beginning::Random);
                self.last(&Stage { encoder, seen, beginning, epochs: 0, images: 0, seconds: 0.0 })
            }
            Start::Weights(path) => self.last(&Stage::of(&Pretrained::read(path)?, self.device)?),
            Start::Given(pretrained) => self.last(&Stage::of(pretrained, self.device)?),
            Start::Recipe(recipe) => self.pretrained(recipe),
            Start::Baseline(baseline) => self.baseline(*baseline),
        }
    }

    /// Asks a baseline on every fold with every label budget.
    fn baseline(&mut self, baseline: Baseline) -> Result<(), CellError> {
        let study = self.study;
        for &(data, fold) in &self.cell.tests {
            for labels in budgets(study) {
                let name = &study.data[data].name;
                let question = Question { data: name, fold, labels, evaluation: EvalMode::Baseline, epochs: 0 };
                if self.answers.iter().any(|answer| answer.question() == question) {
                    continue;
                }
                let (began, judge) = (Instant::now(), self.judge(data));
                let plan = judge.plan(fold, EvalMode::Baseline, labels).map_err(|source| self.no_plan(source))?;
                let found = judge.baseline(baseline, &plan);
                let found = found.map_err(|source| CellError::Judge { cell: self.cell.name.clone(), source })?;
                (self.tell)(CellEvent::Note(format!("{name}, fold {fold}, labels {labels}")));
                self.worked(1, fold, "");
                self.keep((EvalMode::Baseline, labels), (data, fold), None, found, began)?;
            }
        }
        Ok(())
    }

    fn random(&self, start: &Start) -> Encoder {
        let seed = Seed(self.cell.seed);
        let seed = if *start == Start::Random { seed.derive("network", &[]) } else { seed };
        Encoder::new(&Init::new(self.device, seed).at("encoder"), self.study.depth)
    }

    fn pretrained(&mut self, recipe: &Recipe) -> Result<(), CellError> {
        let options = self.pretrain_options()?;
        let source = match self.cell.trained {
            Trained::Inside { data, .. } | Trained::Whole { data } => Arc::clone(&self.data[data]),
            Trained::Nothing => return Ok(()),
        };
        let asked = recipe.train().batch.get();
        let recipe = self.recipe(recipe, &source, &options)?;
        let run = self.folder.join(RUN_FOLDER);
        let kept = kept_run(&self.options.folder, self.cell);
        if self.options.keep_runs && !run.is_dir() && kept.is_dir() {
            // A cell that was killed at its end goes on from there.
            std::fs::rename(&kept, &run).map_err(failed(&kept))?;
        }
        let epochs = recipe.train().epochs.get();
        // Curves are those of every label.
        let on_the_way = if self.cell.labels == Labels::All { self.study.judge.looks } else { 0 };
        let looks = looks(epochs, on_the_way);
        let options = PretrainOptions { folder: Some(run.clone()), keep_after: looks.clone(), ..options };
        let outline = train::outline(&source, &recipe, &options).map_err(|error| no_run(self.cell, error))?;
        let outline = Outline { asked_batch: asked, ..outline };
        (self.tell)(CellEvent::Note(format!("pretraining on {outline}")));
        self.train(&source, &recipe, &options)?;
        let history = history(&run.join(JOURNAL_FILE))?;
        for after in looks {
            let pretrained = Pretrained::read(&kept_after(&run, after))?;
            let entry = after.checked_sub(1).and_then(|epoch| history.get(&epoch));
            let (images, seconds) = entry.map_or((0, 0.0), |entry| (entry.images_seen, entry.seconds));
            let stage = Stage { epochs: after, images, seconds, ..Stage::of(&pretrained, self.device)? };
            if after == epochs { self.last(&stage)? } else { self.look(&stage)? }
        }
        Ok(())
    }

    fn pretrain_options(&self) -> Result<PretrainOptions, CellError> {
        let mut options = PretrainOptions {
            resume: true,
            device: self.options.device,
            threads: self.options.threads,
            watch: false,
            lower_batch: self.options.lower_batch,
            checkpoint_every: self.options.checkpoint_every,
            ..PretrainOptions::default()
        };
        if let Trained::Inside { data, fold } = self.cell.trained {
            options.clips = Some(clips_outside(&self.data[data], fold));
            if self.cell.labels != Labels::All {
                let plan = self.judge(data).plan(fold, EvalMode::LinearProbe, self.cell.labels);
                options.labelled = Some(plan.map_err(|source| self.no_plan(source))?.fit);
            }
        }
        Ok(options)
    }

    /// The method's recipe with the cell's seed, a batch that its clips can fill, and the epochs that the budget affords.
    fn recipe(
        &mut self,
        recipe: &Recipe,
        source: &Arc<Dataset>,
        options: &PretrainOptions,
    ) -> Result<Recipe, CellError> {
        let seeded = recipe.clone().with_seed(self.cell.seed);
        let outline = train::outline(source, &seeded, options).map_err(|error| no_run(self.cell, error))?;
        let images_a_clip = seeded.method().name().spec().facts.images_a_clip;
        let an_epoch = ((outline.clips - outline.left_out) * images_a_clip) as u64;
        let own_epochs = seeded.train().epochs.get();
        let sized = checked(seeded.with_batch(outline.batch));
        let epochs = match (self.options.epochs, self.study.budget) {
            (Some(epochs), _) => epochs,
            (None, Budget::Recipe) => own_epochs,
            (None, Budget::Images(images)) => ((images + an_epoch / 2) / an_epoch.max(1)).max(1) as usize,
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
    ) -> Result<usize, CellError> {
        let path = self.folder.join(EPOCHS_FILE);
        if let Some(epochs) = std::fs::read_to_string(&path).ok().and_then(|text| text.trim().parse().ok()) {
            return Ok(epochs);
        }
        (self.tell)(CellEvent::Note("timing".to_owned()));
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
    fn train(
        &mut self,
        source: &Arc<Dataset>,
        recipe: &Recipe,
        options: &PretrainOptions,
    ) -> Result<Vec<f64>, CellError> {
        let (mut ends, mut done) = (Vec::new(), 0);
        let what = self.what(self.cell.tests.first().map_or(0, |(_, fold)| *fold), "pretraining");
        let tell = &mut self.tell;
        let mut note = |progress: train::Progress| {
            if let train::Progress::Epoch(entry) = progress {
                ends.push(entry.seconds);
                // What an earlier sitting did counts as well.
                let epochs = (entry.epoch as u64 + 1).saturating_sub(done);
                done += epochs;
                tell(CellEvent::Worked { epochs, what: what.clone() });
            }
        };
        let outcome = train::pretrain(source, recipe, options, &mut note, self.stop)
            .map_err(|source| no_run(self.cell, source))?;
        match outcome.ending {
            Ending::Finished => Ok(ends),
            Ending::Interrupted => Err(CellError::Interrupted),
        }
    }

    /// Evaluates as the study asks at the end of pretraining.
    fn last(&mut self, stage: &Stage) -> Result<(), CellError> {
        let study = self.study;
        let mut questions = Vec::new();
        for labels in budgets(study).into_iter().filter(|labels| self.cell.is_asked_with(*labels)) {
            let of_budget = study.judge.evaluations().into_iter().filter(|(_, asked)| asked.contains(&labels));
            questions.extend(of_budget.map(|(evaluation, _)| (evaluation, labels)));
        }
        self.ask(stage, &questions)
    }

    /// Evaluates as the study asks on the way.
    fn look(&mut self, stage: &Stage) -> Result<(), CellError> {
        let mut questions = vec![(EvalMode::Knn, Labels::All), (EvalMode::LinearProbe, Labels::All)];
        if self.study.judge.finetune_at_looks {
            questions.push((EvalMode::Finetune, Labels::All));
        }
        self.ask(stage, &questions)
    }

    fn ask(&mut self, stage: &Stage, questions: &[(EvalMode, Labels)]) -> Result<(), CellError> {
        let study = self.study;
        let mut seen: Option<(usize, Features)> = None;
        for &(data, fold) in &self.cell.tests {
            let name = &self.study.data[data].name;
            for &(evaluation, labels) in questions {
                let question = Question { data: name, fold, labels, evaluation, epochs: stage.epochs };
                if self.answers.iter().any(|answer| answer.question() == question) {
                    continue;
                }
                let judge = self.judge(data);
                let failed = |source| CellError::of_judge(self.cell.name.clone(), source);
                let features = match seen.take().filter(|(of, _)| *of == data) {
                    Some((_, features)) => features,
                    None => judge.features(&stage.encoder).map_err(failed)?,
                };
                let began = Instant::now();
                let plan = judge.plan(fold, evaluation, labels).map_err(|source| self.no_plan(source))?;
                // Within the cell, these tell one fine-tuning from another.
                let file = format!("tuning-{data}-{fold}-{labels}-{}.safetensors", stage.epochs);
                let tuning = self.folder.join(file);
                let what = self.what(fold, &evaluation.to_string());
                let tell = &mut self.tell;
                let mut after_epoch = |_| tell(CellEvent::Worked { epochs: 1, what: what.clone() });
                let method = &study.methods[self.cell.method];
                let tuning = Tuning {
                    trainable: method.trainable.unwrap_or(study.judge.trainable),
                    keep: Keep { path: &tuning, every: self.options.checkpoint_every },
                    after_epoch: &mut after_epoch,
                };
                let found =
                    judge.ask((evaluation, labels), &stage.encoder, &features, &plan, tuning).map_err(failed)?;
                seen = Some((data, features));
                let answered = format!("{name}, fold {fold}, {evaluation}, labels {labels}, {} images", stage.images);
                (self.tell)(CellEvent::Note(answered));
                match &found.tuned {
                    Some(tuned) => {
                        if self.options.keep_networks {
                            let facts = Facts { study, method, beginning: &stage.beginning, seen: &stage.seen };
                            let predicted = (tuned, Some(found.predictions.as_slice()));
                            network::save(&self.options.folder, &judge, &plan, predicted, facts)?;
                        }
                    }
                    None => self.worked(1, fold, &evaluation.to_string()),
                }
                self.keep((evaluation, labels), (data, fold), Some(stage), found, began)?;
            }
        }
        Ok(())
    }

    /// Keeps an answer as soon as it is there.
    fn keep(
        &mut self,
        (evaluation, labels): (EvalMode, Labels),
        (data, fold): (usize, usize),
        stage: Option<&Stage>,
        found: Found,
        began: Instant,
    ) -> Result<(), CellError> {
        let tuned = found.tuned;
        let of_test_fold = tuned.as_ref().map(|tuned| tuned.of_test_fold.clone()).unwrap_or_default();
        self.answers.push(Answer {
            method: self.study.methods[self.cell.method].name.clone(),
            data: self.study.data[data].name.clone(),
            fold,
            seed: self.cell.seed,
            labels,
            evaluation,
            epochs: stage.map_or(0, |stage| stage.epochs),
            images: stage.map_or(0, |stage| stage.images),
            groups: found.groups,
            clips: found.clips,
            chosen: found.chosen,
            inner_balanced_accuracy: found.inner_balanced_accuracy,
            published: tuned.as_ref().and_then(Tuned::best_on_test),
            chosen_epoch: tuned.as_ref().map(|tuned| tuned.chosen_epoch),
            temperature: tuned.as_ref().and_then(|tuned| tuned.temperature),
            curve: tuned.as_ref().map(|tuned| tuned.curve.clone()).unwrap_or_default(),
            seen_groups: stage.map_or_else(Vec::new, |stage| seen_groups(&self.data[data], fold, &stage.seen)),
            pretrain_seconds: stage.map_or(0.0, |stage| stage.seconds),
            seconds: began.elapsed().as_secs_f64(),
            predictions_sha256: predictions_sha256(&self.data[data], &found.predictions),
            predictions: found.predictions,
            of_test_fold_sha256: (!of_test_fold.is_empty())
                .then(|| predictions_sha256(&self.data[data], &of_test_fold)),
            of_test_fold,
        });
        let kept = CellFiles { root: &self.folder, cell: self.cell, study: self.study, data: self.data };
        kept.write(&self.answers)
    }

    fn judge(&self, data: usize) -> Judge<'a> {
        Judge {
            dataset: &self.data[data],
            settings: &self.study.judge,
            view: &self.study.view,
            seed: Seed(self.cell.seed),
            place: Workplace { device: self.device, threads: threads(self.options), stop: self.stop },
        }
    }

    fn no_plan(&self, source: PlanError) -> CellError {
        CellError::Plan { cell: self.cell.name.clone(), source }
    }

    fn worked(&mut self, epochs: u64, fold: usize, at: &str) {
        let what = self.what(fold, at);
        (self.tell)(CellEvent::Worked { epochs, what });
    }

    /// What the cell is at, in words.
    fn what(&self, fold: usize, at: &str) -> String {
        let method = &self.study.methods[self.cell.method].name;
        let at = if at.is_empty() { String::new() } else { format!(", {at}") };
        format!("fold {fold}, seed {}, {method}{at}", self.cell.seed)
    }

    /// Moves the folder of the pretraining run to where runs are kept.
    ///
    /// # Errors
    /// When it cannot be moved.
    pub(super) fn keep_run(&self) -> Result<(), CellError> {
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

fn no_run(cell: &Cell, source: TrainError) -> CellError {
    CellError::Train { cell: cell.name.clone(), source: Box::new(source) }
}

/// Tested groups that an encoder's pretraining has seen.
pub(super) fn seen_groups(dataset: &Dataset, fold: usize, seen: &Seen) -> Vec<String> {
    let Seen::Groups { groups, .. } = seen else { return Vec::new() };
    let tested = |clip: &usize| dataset.label(*clip).is_some() && dataset.row(*clip).fold == Some(fold);
    let tested: Vec<usize> = (0..dataset.len()).filter(tested).collect();
    groups_of(dataset, &tested).intersection(groups).cloned().collect()
}

/// Where the pretraining run of a cell is kept.
pub(super) fn kept_run(folder: &Path, cell: &Cell) -> PathBuf {
    let fold = match cell.trained {
        Trained::Inside { fold, .. } => format!("fold-{fold}-"),
        Trained::Whole { .. } | Trained::Nothing => String::new(),
    };
    folder.join(PRETRAIN_FOLDER).join(format!("{fold}seed-{}", cell.seed))
}

/// Epochs of the trial that tells what one costs.
const TRIAL: usize = 3;

fn threads(options: &Options) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    options.threads.map_or_else(cores, NonZeroUsize::get)
}

/// A recipe that was checked and then given another seed, a smaller batch or other epochs.
#[expect(clippy::expect_used, reason = "none of what was changed can leave its range")]
fn checked(changed: Result<Recipe, RecipeError>) -> Recipe {
    changed.expect("a recipe within its ranges")
}

/// After how many epochs an encoder is looked at: `looks` times on the way, evenly, from before the first step, and at
/// the end.
fn looks(epochs: usize, looks: usize) -> Vec<usize> {
    let mut after: Vec<usize> = (0..looks).map(|look| look * epochs / looks).collect();
    after.push(epochs);
    after.dedup();
    after
}

/// The ends of epochs that a journal tells of; of one that was run again after a kill the last.
fn history(path: &Path) -> Result<BTreeMap<usize, EpochEntry>, CellError> {
    let text = std::fs::read_to_string(path).map_err(failed(path))?;
    let entries = text.lines().filter_map(|line| match serde_json::from_str(line) {
        Ok(Entry::Epoch(entry)) => Some((entry.epoch, entry)),
        _ => None,
    });
    Ok(entries.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn looks_are_even_and_the_end_is_always_one() {
        assert_eq!(looks(10, 0), [10]);
        assert_eq!(looks(10, 4), [0, 2, 5, 7, 10]);
        assert_eq!(looks(2, 4), [0, 1, 2]);
    }
}
