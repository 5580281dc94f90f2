//! Every fold, every seed, every candidate; then one verdict over all of them.

use super::candidates::{Job, Kind};
use super::cells::{Cell, Cells, CellsError, to_json, write};
use super::classifier::Trainable;
use super::classifier_file::{self, ClassifierFacts};
use super::finetune::{FinetuneRecipe, Looks};
use super::inputs::{FinetuneError, Workplace};
use super::outcome::{EVALUATION_FILE, Evaluation, FoldRun};
use super::plan::{self, FoldPlan, PlanError, groups_of};
use super::predictions::{PREDICTIONS_FILE, PredictionTable, per_clip, per_frame};
use super::pretrained::{Pretrained, PretrainedError, Seen};
use super::summary;
use crate::device::{DeviceChoice, DeviceError};
use crate::metrics::{Confusion, argmax};
use crate::model::Encoder;
use crate::model::weights::WeightsError;
use crate::recipe::{Depth, Recipe};
use crate::train::run_record::VERSION;
use crate::train::{self, Ending, PretrainOptions, TrainError};
use hico_data::{Dataset, Seed};
use serde::Serialize;
use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

/// Where the contenders' encoder comes from.
#[derive(Debug, Clone)]
pub enum Contender {
    /// There is none: only floors are measured.
    None,
    /// One encoder for all folds, pretrained before. Groups that it has seen spoil the figure, and are reported.
    Given(Box<Pretrained>),
    /// One encoder a fold, pretrained now on all clips, labelled or not, whose group is not tested in that fold; the
    /// same for all seeds.
    Inside(Box<Recipe>),
}

/// Which floors are measured beside the contenders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Floors {
    /// All four.
    #[default]
    All,
    /// Largest class and thumbnails, which cost nothing.
    Cheap,
}

/// What to evaluate, and how.
#[derive(Debug, Clone)]
pub struct Request {
    /// Folds to test; all if `None`.
    pub folds: Option<Vec<usize>>,
    /// Seeds; of the inner validation groups, the first weights, the order of frames and their random changes.
    pub seeds: Vec<u64>,
    /// What of a pretrained network is trained.
    pub trainable: Trainable,
    /// What of a network from random weights is trained.
    pub scratch: Trainable,
    /// Which looks at the test fold are taken.
    pub looks: Looks,
    /// How networks are fine-tuned.
    pub recipe: FinetuneRecipe,
    /// Depth of networks from random weights; a contender brings its own, which then holds for all.
    pub depth: Depth,
    /// Where the contenders' encoder comes from.
    pub contender: Contender,
    /// Whether the frozen encoder is probed besides being fine-tuned.
    pub probe: bool,
    /// Which floors are measured.
    pub floors: Floors,
    /// Whether to measure a network from random weights even with [`Floors::Cheap`].
    pub from_scratch: bool,
    /// Where the evaluation is kept; nowhere if `None`.
    pub folder: Option<PathBuf>,
    /// Whether every fine-tuned network is kept in the folder.
    pub keep_classifiers: bool,
    /// Where to compute.
    pub device: DeviceChoice,
    /// Threads that make views; as many as there are cores if `None`. Results do not depend on it.
    pub threads: Option<NonZeroUsize>,
    /// The command that asked, for the record.
    pub command: String,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            folds: None,
            seeds: vec![1],
            trainable: Trainable::All,
            scratch: Trainable::All,
            looks: Looks::Honest,
            recipe: FinetuneRecipe::default(),
            depth: Depth::default(),
            contender: Contender::None,
            probe: true,
            floors: Floors::All,
            from_scratch: true,
            folder: None,
            keep_classifiers: false,
            device: DeviceChoice::Cpu,
            threads: None,
            command: String::new(),
        }
    }
}

/// How far an evaluation has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Work done, in epochs.
    pub done: u64,
    /// Work in all; a cell that was found done counts as done.
    pub total: u64,
    /// What is being done, for instance `fold 2, seed 1, scratch`.
    pub what: String,
}

/// Why there is no evaluation.
#[derive(Debug, thiserror::Error)]
pub enum EvaluateError {
    /// The folds do not do.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A network cannot be fine-tuned.
    #[error("{at}: {source}")]
    Finetune {
        /// Fold, seed and candidate.
        at: String,
        /// Why.
        source: FinetuneError,
    },
    /// An encoder cannot be pretrained.
    #[error("fold {fold}: {source}")]
    Train {
        /// The fold.
        fold: usize,
        /// Why.
        source: TrainError,
    },
    /// A pretrained encoder cannot be read.
    #[error(transparent)]
    Pretrained(#[from] PretrainedError),
    /// A pretrained encoder does not fit.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// A fold's pretraining left no encoder behind.
    #[error("fold {0}: the pretraining ended without an encoder")]
    NoEncoder(usize),
    /// The device cannot be had.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The folder cannot be used.
    #[error(transparent)]
    Cells(#[from] CellsError),
    /// Nothing was asked for.
    #[error("no {0} to evaluate with")]
    Nothing(&'static str),
    /// It was asked to stop; what is done is kept.
    #[error("interrupted")]
    Interrupted,
}

impl EvaluateError {
    /// What a person can do about it, where there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        use hico_data::split::SplitError;
        let hint = match self {
            Self::Plan(PlanError::Split(SplitError::NoFolds)) => "`hico split DATASET --folds 5` makes them",
            Self::Plan(PlanError::Split(_)) => "`hico split DATASET --folds K` makes other folds, by group",
            Self::Plan(PlanError::TooFewClasses(_)) => "label clips of a second class, and ingest them again",
            Self::Plan(PlanError::UnknownFold { .. }) => "`hico inspect DATASET` shows the folds",
            Self::Plan(PlanError::NothingToLearn { .. } | PlanError::NoInnerGroup { .. }) => {
                "fewer folds leave more groups to train on: `hico split DATASET --folds K`"
            }
            Self::Finetune { source: FinetuneError::Diverged { .. }, .. } => "try a tenth of that --learning-rate",
            Self::Train { source, .. } => return source.hint(),
            Self::Pretrained(PretrainedError::Missing(_)) => {
                "name a folder written by `hico pretrain`, a .safetensors file, or `random`"
            }
            Self::Pretrained(PretrainedError::NoCheckpoint(_)) => "go on with the run: `hico pretrain ... --resume`",
            Self::Device(error) => error.hint(),
            Self::Cells(CellsError::Occupied(_)) => "choose an empty or a new folder for --out",
            Self::Cells(CellsError::OtherPlan { .. }) => {
                "choose another --out, or repeat the settings that the folder was begun with"
            }
            Self::Cells(CellsError::Broken { .. }) => "delete that file: the same command then makes it again",
            Self::Cells(CellsError::File { .. }) => "choose an --out on a disk that can be written and has room",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

/// Evaluates the candidates of a request on every fold with every seed.
///
/// With a folder, each finished cell is kept there; the same request on the same folder goes on where it stopped, and
/// ends in the same figures. Seeds and folds may be added to a folder later. When all cells are there,
/// `evaluation.json` and `predictions.csv` are written, over older ones of the same plan.
///
/// - `progress`: called after every epoch and every cell
/// - `stop`: once true, the work stops at the next batch
///
/// # Errors
/// When the folds, the folder, the encoder or the device do not do, or it is asked to stop.
pub fn cross_validate(
    dataset: &Arc<Dataset>,
    request: &Request,
    progress: &mut dyn FnMut(Progress),
    stop: &AtomicBool,
) -> Result<Evaluation, EvaluateError> {
    let mut work = Work::begin(dataset, request, progress, stop)?;
    let cells = work.all_cells()?;
    let evaluation = summary::summarise(dataset, request, &work.folds, &work.contenders, &cells);
    if let Some(folder) = &request.folder {
        write_results(folder, dataset, &evaluation, &cells)?;
    }
    Ok(evaluation)
}

/// The cells of one candidate, and who it is.
pub(super) struct CandidateCells {
    pub(super) kind: Kind,
    pub(super) name: String,
    pub(super) cells: Vec<Cell>,
}

/// What is known of the contenders' encoder when all is done.
pub(super) struct Contenders {
    pub(super) name: String,
    pub(super) description: String,
    /// What must be said about it.
    pub(super) warnings: Vec<String>,
}

/// All that a cell depends on, apart from fold, seed and candidate.
#[derive(Serialize)]
struct PlanRecord<'a> {
    version: &'a str,
    data: String,
    trainable: Trainable,
    scratch: Trainable,
    looks: Looks,
    finetune: &'a FinetuneRecipe,
    depth: Depth,
    encoder: String,
    device: String,
}

struct Work<'a> {
    dataset: &'a Arc<Dataset>,
    request: &'a Request,
    cells: Cells,
    folds: Vec<usize>,
    kinds: Vec<Kind>,
    contenders: Contenders,
    depth: Depth,
    device: burn::tensor::Device,
    threads: usize,
    done: u64,
    total: u64,
    progress: &'a mut dyn FnMut(Progress),
    stop: &'a AtomicBool,
}

/// An encoder for one fold, and the groups it has seen.
struct FoldEncoder {
    encoder: Encoder,
    seen: Seen,
}

impl<'a> Work<'a> {
    fn begin(
        dataset: &'a Arc<Dataset>,
        request: &'a Request,
        progress: &'a mut dyn FnMut(Progress),
        stop: &'a AtomicBool,
    ) -> Result<Self, EvaluateError> {
        let folds = match &request.folds {
            Some(folds) => folds.clone(),
            None => plan::folds(dataset)?,
        };
        for (nothing, what) in [(folds.is_empty(), "fold"), (request.seeds.is_empty(), "seed")] {
            if nothing {
                return Err(EvaluateError::Nothing(what));
            }
        }
        // Every fold is checked before the first is begun.
        for fold in &folds {
            FoldPlan::new(dataset, *fold, request.recipe.inner_fraction, Seed(request.seeds[0]))?;
        }
        let device = request.device.open()?;
        let depth = match &request.contender {
            Contender::None => request.depth,
            Contender::Given(pretrained) => pretrained.depth,
            Contender::Inside(recipe) => recipe.model().depth,
        };
        let plan = PlanRecord {
            version: VERSION,
            data: dataset.manifest().hash(),
            trainable: request.trainable,
            scratch: request.scratch,
            looks: request.looks,
            finetune: &request.recipe,
            depth,
            encoder: encoder_identity(&request.contender),
            device: request.device.resolve().to_string(),
        };
        let cells = Cells::open(request.folder.as_deref(), &plan)?;
        let kinds = kinds(request);
        let pretraining = match &request.contender {
            Contender::Inside(recipe) => recipe.train().epochs as u64,
            Contender::None | Contender::Given(_) => 0,
        };
        let seeds = |kind: &Kind| if kind.is_random() { request.seeds.len() as u64 } else { 1 };
        let a_fold: u64 = kinds.iter().map(|kind| kind.work(&request.recipe) * seeds(kind)).sum();
        let cores = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Ok(Self {
            dataset,
            request,
            cells,
            total: folds.len() as u64 * (a_fold + pretraining),
            folds,
            kinds,
            contenders: contenders(request),
            depth,
            device,
            threads: request.threads.map_or_else(cores, NonZeroUsize::get),
            done: 0,
            progress,
            stop,
        })
    }

    fn all_cells(&mut self) -> Result<Vec<CandidateCells>, EvaluateError> {
        let name = self.contenders.name.clone();
        let candidate = |kind: &Kind| CandidateCells { kind: *kind, name: kind.name(&name), cells: Vec::new() };
        let mut candidates: Vec<CandidateCells> = self.kinds.iter().map(candidate).collect();
        for (fold_place, fold) in self.folds.clone().into_iter().enumerate() {
            let mut encoder = None;
            if let Contender::Given(pretrained) = &self.request.contender {
                let (encoder_of_all, seen) = (pretrained.encoder(&self.device)?, pretrained.seen.clone());
                encoder = Some(FoldEncoder { encoder: encoder_of_all, seen });
            }
            for (place, seed) in self.request.seeds.iter().enumerate() {
                for candidate in &mut candidates {
                    if place > 0 && !candidate.kind.is_random() {
                        continue;
                    }
                    let cell = self.cell(candidate, fold, *seed, &mut encoder)?;
                    candidate.cells.push(cell);
                }
            }
            // A fold whose contenders were found done was not pretrained again.
            self.done = self.total / self.folds.len() as u64 * (fold_place as u64 + 1);
        }
        Ok(candidates)
    }

    fn cell(
        &mut self,
        candidate: &CandidateCells,
        fold: usize,
        seed: u64,
        encoder: &mut Option<FoldEncoder>,
    ) -> Result<Cell, EvaluateError> {
        let kind = candidate.kind;
        let what = format!("fold {fold}, seed {seed}, {}", candidate.name);
        let cell = match self.cells.read(&candidate.name, fold, seed)? {
            Some(cell) => cell,
            None => {
                let plan = FoldPlan::new(self.dataset, fold, self.request.recipe.inner_fraction, Seed(seed))?;
                let began = Instant::now();
                if kind.is_pretrained() && encoder.is_none() {
                    *encoder = Some(self.pretrain_inside(&plan)?);
                }
                let mut cell = self.run_cell(candidate, &plan, Seed(seed), encoder.as_ref(), &what)?;
                cell.seconds = began.elapsed().as_secs_f64();
                self.cells.keep(&candidate.name, &cell)?
            }
        };
        self.done += kind.work(&self.request.recipe);
        self.tell(what);
        Ok(cell)
    }

    fn run_cell(
        &mut self,
        candidate: &CandidateCells,
        plan: &FoldPlan,
        seed: Seed,
        encoder: Option<&FoldEncoder>,
        what: &str,
    ) -> Result<Cell, EvaluateError> {
        let kind = candidate.kind;
        let request = self.request;
        let job = Job {
            dataset: self.dataset,
            plan,
            recipe: &request.recipe,
            trainable: if kind == Kind::Scratch { request.scratch } else { request.trainable },
            looks: request.looks,
            depth: self.depth,
            seed,
            place: Workplace { device: &self.device, threads: self.threads, stop: self.stop },
            pretrained: encoder.filter(|_| kind.is_pretrained()).map(|encoder| encoder.encoder.clone()),
        };
        let (done, total) = (self.done, self.total);
        let progress = &mut self.progress;
        let found =
            job.run(kind, |epochs| progress(Progress { done: done + epochs as u64, total, what: what.to_owned() }));
        let found = found.map_err(|source| match source {
            FinetuneError::Interrupted => EvaluateError::Interrupted,
            source => EvaluateError::Finetune { at: what.to_owned(), source },
        })?;
        if let (true, Some(folder), Some(classifier)) = (request.keep_classifiers, &request.folder, &found.classifier) {
            let facts = ClassifierFacts::new(self.dataset, classifier.trainable(), self.depth, &request.recipe.view);
            let path = folder.join(classifier_file::file_name(&candidate.name, plan.fold, seed.0));
            classifier_file::save(&path, classifier, &facts)?;
        }
        let count = |clips: &[usize]| groups_of(self.dataset, clips).len();
        let training = plan.training();
        let [fit, inner]: [&[usize]; 2] = if found.chose { [&plan.fit, &plan.inner] } else { [&training, &[]] };
        let judged = per_frame(self.dataset, &found.honest);
        let confusion = Confusion::of(
            self.dataset.classes().len(),
            judged.iter().map(|unit| (unit.truth, argmax(&unit.probabilities))),
        );
        let run = FoldRun {
            fold: plan.fold,
            seed: seed.0,
            clips: [fit.len(), inner.len(), plan.test.len()],
            groups: [count(fit), count(inner), count(&plan.test)],
            chosen_epoch: found.chosen_epoch,
            balanced_accuracy: confusion.balanced_accuracy().unwrap_or(0.0),
            best_on_test: found.curve.iter().filter_map(|point| point.test_balanced_accuracy).reduce(f64::max),
            curve: found.curve,
            contaminated_groups: encoder
                .filter(|_| kind.is_pretrained())
                .map_or_else(Vec::new, |encoder| contaminated(self.dataset, &plan.test, &encoder.seen)),
            clips_tested: per_clip(self.dataset, &found.honest),
        };
        Ok(Cell { seconds: 0.0, run, honest: found.honest, published: found.published })
    }

    /// Pretrains on every clip, labelled or not, of a group that this fold does not test.
    fn pretrain_inside(&mut self, plan: &FoldPlan) -> Result<FoldEncoder, EvaluateError> {
        let Contender::Inside(recipe) = &self.request.contender else {
            return Err(EvaluateError::NoEncoder(plan.fold));
        };
        let fold = plan.fold;
        let clips = clips_outside(self.dataset, fold);
        let folder = self.request.folder.as_ref().map(|folder| folder.join("pretrain").join(format!("fold-{fold}")));
        let options = PretrainOptions {
            folder: folder.clone(),
            resume: true,
            device: self.request.device,
            clips: Some(clips),
            threads: self.request.threads,
            command: vec![self.request.command.clone()],
            ..PretrainOptions::default()
        };
        let (done, total) = (self.done, self.total);
        let report = &mut self.progress;
        let mut relay = |step: train::Progress| {
            if let train::Progress::Epoch(epoch) = step {
                let what = format!("fold {fold}, pretraining");
                report(Progress { done: done + epoch.epoch as u64 + 1, total, what });
            }
        };
        let outcome = train::pretrain(self.dataset, recipe, &options, &mut relay, self.stop)
            .map_err(|source| EvaluateError::Train { fold, source })?;
        if outcome.ending == Ending::Interrupted {
            return Err(EvaluateError::Interrupted);
        }
        self.done += recipe.train().epochs as u64;
        let pretrained = match folder {
            Some(folder) => Pretrained::read(&folder)?,
            None => outcome
                .weights
                .and_then(|tensors| Pretrained::of_run(&outcome.record, recipe, tensors))
                .ok_or(EvaluateError::NoEncoder(fold))?,
        };
        Ok(FoldEncoder { encoder: pretrained.encoder(&self.device)?, seen: pretrained.seen })
    }

    fn tell(&mut self, what: String) {
        (self.progress)(Progress { done: self.done, total: self.total, what });
    }
}

/// Clips whose group has no clip in the fold.
fn clips_outside(dataset: &Dataset, fold: usize) -> Vec<usize> {
    let in_fold = |clip: &usize| dataset.row(*clip).fold == Some(fold);
    let tested: Vec<usize> = (0..dataset.len()).filter(in_fold).collect();
    let tested: BTreeSet<String> = groups_of(dataset, &tested);
    (0..dataset.len()).filter(|clip| !tested.contains(&dataset.row(*clip).group)).collect()
}

/// Groups of tested clips that an encoder has seen.
fn contaminated(dataset: &Dataset, test: &[usize], seen: &Seen) -> Vec<String> {
    match seen {
        Seen::Unknown => Vec::new(),
        Seen::Groups { groups, .. } => groups_of(dataset, test).intersection(groups).cloned().collect(),
    }
}

fn kinds(request: &Request) -> Vec<Kind> {
    let mut kinds = vec![Kind::Majority, Kind::Thumbnails];
    if request.floors == Floors::All {
        kinds.push(Kind::RandomEncoder);
    }
    if request.floors == Floors::All || request.from_scratch {
        kinds.push(Kind::Scratch);
    }
    if !matches!(request.contender, Contender::None) {
        if request.probe {
            kinds.push(Kind::Probe);
        }
        kinds.push(Kind::Tuned);
    }
    kinds
}

fn contenders(request: &Request) -> Contenders {
    let (name, description) = match &request.contender {
        Contender::None => (String::new(), String::new()),
        Contender::Given(pretrained) => (pretrained.name.clone(), pretrained.description.clone()),
        Contender::Inside(recipe) => {
            let name = serde_json::to_value(recipe.method().name).ok();
            let name = name.and_then(|name| name.as_str().map(str::to_owned)).unwrap_or_default();
            let description = format!("pretrained by {name} within each fold's training groups");
            (name, description)
        }
    };
    let mut warnings = Vec::new();
    if let Contender::Given(pretrained) = &request.contender
        && pretrained.seen == Seen::Unknown
    {
        warnings.push(format!(
            "{name}: the weights do not say which groups their pretraining saw, so nobody can tell whether it saw the \
             groups that are tested"
        ));
    }
    Contenders { name, description, warnings }
}

/// What the plan knows the contenders' encoder by.
fn encoder_identity(contender: &Contender) -> String {
    match contender {
        Contender::None => "none".to_owned(),
        Contender::Given(pretrained) => pretrained.hash(),
        Contender::Inside(recipe) => serde_json::to_string(&recipe.to_file()).unwrap_or_default(),
    }
}

fn write_results(
    folder: &Path,
    dataset: &Dataset,
    evaluation: &Evaluation,
    candidates: &[CandidateCells],
) -> Result<(), CellsError> {
    let mut table = PredictionTable::new(dataset.classes());
    for candidate in candidates {
        for cell in &candidate.cells {
            table.add(&candidate.name, cell.run.fold, cell.run.seed, dataset, &cell.honest);
        }
    }
    write(&folder.join(PREDICTIONS_FILE), table.as_bytes())?;
    let path = folder.join(EVALUATION_FILE);
    write(&path, format!("{}\n", to_json(&path, evaluation)?).as_bytes())
}
