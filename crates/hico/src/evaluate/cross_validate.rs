//! Every fold, every seed, every candidate; then one verdict over all of them.

use super::candidates::{Job, Kind};
use super::cells::{Cell, Cells, CellsError, to_json, write};
use super::classifier::Trainable;
use super::classifier_file::{self, ClassifierFacts};
use super::finetune::{FinetuneRecipe, Looks};
use super::history::{Beginning, Groups, History, TestFacts, TuningFacts};
use super::inputs::{FinetuneError, Workplace, batches_of};
use super::outcome::{EVALUATION_FILE, Evaluation, FoldRun};
use super::plan::{self, FoldPlan, clips_outside, frames_of, groups_of};
use super::predictions::{FramePrediction, PREDICTIONS_FILE, PredictionTable, per_clip, per_frame};
use super::pretrained::{Pretrained, Seen};
pub use super::request::{Contender, EvaluateError, Floors, FoldOutline, Progress, Request};
use super::summary;
use super::tuning_state::Keep;
use crate::metrics::{Confusion, argmax};
use crate::model::Encoder;
use crate::model::weights::WeightsError;
use crate::recipe::{Depth, MethodName};
use crate::train::run_record::VERSION;
use crate::train::{self, Ending, PretrainOptions};
use burn::tensor::Device;
use hico_data::{Dataset, Seed};
use serde::Serialize;
use std::collections::BTreeSet;
use std::num::NonZeroUsize;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

/// Folder of the pretraining runs, one a fold, inside an evaluation's folder.
pub const PRETRAIN_FOLDER: &str = "pretrain";

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
    work.cells.end()?;
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
    device: Device,
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
    beginning: Beginning,
}

impl FoldEncoder {
    fn new(pretrained: &Pretrained, device: &Device) -> Result<Self, WeightsError> {
        let Pretrained { seen, beginning, .. } = pretrained;
        Ok(Self { encoder: pretrained.encoder(device)?, seen: seen.clone(), beginning: beginning.clone() })
    }
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
        let fold_numbers: Vec<u64> = folds.iter().map(|fold| *fold as u64).collect();
        for (what, numbers) in [("fold", &fold_numbers), ("seed", &request.seeds)] {
            each_once(what, numbers)?;
        }
        // Every fold is checked before the first is begun, and before anything is written.
        let outlines: Vec<FoldOutline> =
            folds.iter().map(|fold| outline(dataset, request, *fold)).collect::<Result<_, _>>()?;
        if let Some(name) = without_pyramid(&request.contender)
            && request.trainable == Trainable::LastBlock
        {
            return Err(EvaluateError::NoPyramid(name));
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
            Contender::Inside(recipe) => recipe.train().epochs.get() as u64,
            Contender::None | Contender::Given(_) => 0,
        };
        let seeds = |kind: &Kind| if kind.is_random() { request.seeds.len() as u64 } else { 1 };
        let a_fold: u64 = kinds.iter().map(|kind| kind.work(&request.recipe) * seeds(kind)).sum();
        let cores = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
        let total = folds.len() as u64 * (a_fold + pretraining);
        for plan in outlines {
            progress(Progress { done: 0, total, what: String::new(), plan: Some(plan) });
        }
        Ok(Self {
            dataset,
            request,
            cells,
            total,
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
                encoder = Some(FoldEncoder::new(pretrained, &self.device)?);
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
                let cell = self.cells.keep(&candidate.name, &cell)?;
                if let Some(tuning) = self.cells.tuning_file(&candidate.name, fold, seed) {
                    // It is of no use any more; what cannot be removed now is removed at the end.
                    std::fs::remove_file(tuning).ok();
                }
                cell
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
        let tuning = self.cells.tuning_file(&candidate.name, plan.fold, seed.0);
        let job = Job {
            keep: tuning.as_deref().map(|path| Keep { path, every: request.checkpoint_every }),
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
        let found = job.run(kind, |epochs| progress(Progress::at(done + epochs as u64, total, what.to_owned())));
        let at = |source| match source {
            FinetuneError::Interrupted => EvaluateError::Interrupted,
            source => EvaluateError::Finetune { at: what.to_owned(), source },
        };
        let found = found.map_err(at)?;
        let encoder = encoder.filter(|_| kind.is_pretrained());
        let beginning = encoder.map_or(Beginning::Random, |encoder| encoder.beginning.clone());
        let contaminated_groups =
            encoder.map_or_else(Vec::new, |encoder| contaminated(self.dataset, &plan.test, &encoder.seen));
        if let (true, Some(folder), Some(classifier)) = (request.keep_classifiers, &request.folder, &found.classifier) {
            let history = History {
                beginning: beginning.clone(),
                tuning: Some(self.tuning(plan, seed)),
                test: Some(self.test(plan, &found.honest, contaminated_groups.len())),
            };
            let facts = ClassifierFacts {
                temperature: found.temperature.unwrap_or(1.0),
                history: Some(history),
                ..ClassifierFacts::new(self.dataset, classifier.trainable(), self.depth, &request.recipe.view)
            };
            let path = folder.join(classifier_file::file_name(&candidate.name, plan.fold, seed.0));
            let known = job.known(classifier).map_err(at)?;
            classifier_file::save(&path, classifier, &facts, Some(&known))?;
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
            temperature: found.temperature,
            balanced_accuracy: confusion.balanced_accuracy().unwrap_or(0.0),
            best_on_test: found.curve.iter().filter_map(|point| point.test_balanced_accuracy).reduce(f64::max),
            curve: found.curve,
            contaminated_groups,
            clips_tested: per_clip(self.dataset, &found.honest),
        };
        let beginning = kind.is_pretrained().then_some(beginning);
        Ok(Cell { seconds: 0.0, run, honest: found.honest, published: found.published, beginning })
    }

    /// What a fine-tuned network learns from.
    fn tuning(&self, plan: &FoldPlan, seed: Seed) -> TuningFacts {
        let groups = |clips: &[usize]| Groups::named(&groups_of(self.dataset, clips));
        TuningFacts {
            data: self.dataset.manifest().hash(),
            fold: plan.fold,
            seed: seed.0,
            epochs: self.request.recipe.epochs,
            clips: [plan.fit.len(), plan.inner.len()],
            learnt: groups(&plan.fit),
            watched: groups(&plan.inner),
        }
    }

    /// What a fine-tuned network reached on the fold that it did not see.
    fn test(&self, plan: &FoldPlan, honest: &[FramePrediction], seen_in_pretraining: usize) -> TestFacts {
        let clip = summary::scored(self.dataset, honest).clip;
        let classes = self.dataset.classes().len();
        let count = |class| plan.test.iter().filter(|clip| self.dataset.label(**clip) == Some(class)).count();
        let clips_per_class: Vec<usize> = (0..classes).map(count).collect();
        let groups_of_class = |class| {
            let of_class = plan.test.iter().copied().filter(|clip| self.dataset.label(*clip) == Some(class));
            groups_of(self.dataset, &of_class.collect::<Vec<_>>()).len()
        };
        TestFacts {
            fold: plan.fold,
            clips: clip.count,
            groups: groups_of(self.dataset, &plan.test).len(),
            balanced_accuracy: clip.balanced_accuracy,
            accuracy: clip.accuracy,
            chance: 1.0 / clips_per_class.iter().filter(|count| **count > 0).count().max(1) as f64,
            clips_per_class,
            groups_per_class: (0..classes).map(groups_of_class).collect(),
            seen_in_pretraining,
        }
    }

    /// Pretrains on every clip, labelled or not, of a group that this fold does not test.
    fn pretrain_inside(&mut self, plan: &FoldPlan) -> Result<FoldEncoder, EvaluateError> {
        let Contender::Inside(recipe) = &self.request.contender else {
            return Err(EvaluateError::NoEncoder(plan.fold));
        };
        let fold = plan.fold;
        let options = pretrain_options(self.dataset, self.request, fold);
        let folder = options.folder.clone();
        let (done, total) = (self.done, self.total);
        let report = &mut self.progress;
        let mut relay = |step: train::Progress| {
            if let train::Progress::Epoch(epoch) = step {
                let what = format!("fold {fold}, pretraining");
                report(Progress::at(done + epoch.epoch as u64 + 1, total, what));
            }
        };
        let outcome = train::pretrain(self.dataset, recipe, &options, &mut relay, self.stop)
            .map_err(|source| EvaluateError::Train { fold, source })?;
        if outcome.ending == Ending::Interrupted {
            return Err(EvaluateError::Interrupted);
        }
        self.done += recipe.train().epochs.get() as u64;
        let pretrained = match folder {
            Some(folder) => Pretrained::read(&folder)?,
            None => outcome
                .weights
                .and_then(|tensors| Pretrained::of_run(&outcome.record, recipe, tensors))
                .ok_or(EvaluateError::NoEncoder(fold))?,
        };
        Ok(FoldEncoder::new(&pretrained, &self.device)?)
    }

    fn tell(&mut self, what: String) {
        (self.progress)(Progress::at(self.done, self.total, what));
    }
}

/// How the encoder of a fold is pretrained.
fn pretrain_options(dataset: &Dataset, request: &Request, fold: usize) -> PretrainOptions {
    PretrainOptions {
        folder: request.folder.as_ref().map(|folder| folder.join("pretrain").join(format!("fold-{fold}"))),
        resume: true,
        device: request.device,
        clips: Some(clips_outside(dataset, fold)),
        threads: request.threads,
        lower_batch: request.lower_batch,
        checkpoint_every: request.checkpoint_every,
        command: vec![request.command.clone()],
        ..PretrainOptions::default()
    }
}

/// What a fold's training will be; an error where it cannot be.
fn outline(dataset: &Dataset, request: &Request, fold: usize) -> Result<FoldOutline, EvaluateError> {
    let plan = FoldPlan::new(dataset, fold, request.recipe.inner_fraction, Seed(request.seeds[0]))?;
    let pretraining = match &request.contender {
        Contender::Inside(recipe) => {
            let options = pretrain_options(dataset, request, fold);
            let found = train::outline(dataset, recipe, &options);
            Some(found.map_err(|source| EvaluateError::Train { fold, source })?)
        }
        Contender::None | Contender::Given(_) => None,
    };
    let frames = frames_of(dataset, &plan.fit, request.recipe.frames_per_clip);
    let steps_per_epoch = batches_of(&frames, request.recipe.batch).len();
    Ok(FoldOutline { fold, pretraining, frames: frames.len(), steps_per_epoch, epochs: request.recipe.epochs })
}

fn each_once(what: &'static str, numbers: &[u64]) -> Result<(), EvaluateError> {
    let mut seen = BTreeSet::new();
    match numbers.iter().find(|number| !seen.insert(**number)) {
        _ if numbers.is_empty() => Err(EvaluateError::Nothing(what)),
        Some(number) => Err(EvaluateError::Twice { what, number: *number }),
        None => Ok(()),
    }
}

/// Groups of tested clips that an encoder has seen.
fn contaminated(dataset: &Dataset, test: &[usize], seen: &Seen) -> Vec<String> {
    match seen {
        Seen::Unknown => Vec::new(),
        Seen::Groups { groups, .. } => groups_of(dataset, test).intersection(groups).cloned().collect(),
    }
}

/// The name of a contender whose encoder has no feature pyramid.
fn without_pyramid(contender: &Contender) -> Option<String> {
    match contender {
        Contender::None => None,
        Contender::Given(pretrained) => (!pretrained.has_pyramid()).then(|| pretrained.name.clone()),
        Contender::Inside(recipe) => {
            let name = recipe.method().name();
            (name != MethodName::Hico).then(|| name.to_string())
        }
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
            let name = recipe.method().name().to_string();
            let description = format!("pretrained by {name} within each fold's training groups");
            (name, description)
        }
    };
    let mut warnings = Vec::new();
    if let Contender::Given(pretrained) = &request.contender
        && !matches!(pretrained.seen, Seen::Groups { all: true, .. })
    {
        warnings.push(format!(
            "{name}: the weights do not say which groups their pretraining saw, or not all, so nobody can tell whether it saw the \
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
        Contender::Inside(recipe) => serde_json::to_string(recipe).unwrap_or_default(),
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
