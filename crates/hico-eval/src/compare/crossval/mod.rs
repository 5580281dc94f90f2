//! A cross-validation: the study of one encoder on one data set with every label, beside random weights and the baselines.
//!
//! - [`Request`]: what is asked
//! - [`train_on_all`]: one network for use

mod request;
mod all;

#[cfg(test)]
mod tests;

pub use all::{TrainedOnAll, train_on_all};
pub use request::{EncoderSource, FoldOutline, Request};

use super::answer::EvalMode;
use super::cell;
use super::ledger::{self, LEDGER_FILE};
use super::options::{EPOCHS_AND_EVALUATIONS, Options};
use super::settings::{Budget, EvaluationSettings};
use super::study::{PretrainedOn, Start, Study, StudyData, StudyMethod};
use super::summary::{Origin, Summary};
use super::{grid, sum_up};
use crate::Error;
use crate::baselines::Baseline;
use hico_data::{Dataset, Event, Job, Seed, atomic};
use hico_model::BackboneName;
use hico_model::classifier::Trainable;
use hico_model::frame_ref::frames_of;
use hico_train::inputs::batches_of;
use hico_train::method::{Hico, MethodName};
use hico_train::plan::{self, clips_outside};
use hico_train::{self, PretrainOptions};
use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Name of the method that is the network from random weights.
const RANDOM: &str = "random";

/// Evaluates an encoder on every fold with every seed, beside random weights and the baselines.
///
/// Each finished cell is kept in the folder; the same request on the same folder goes on where it stopped, and ends in the
/// same figures. Seeds and folds may be added to a folder later. When all cells are there, they are summed up as those of any
/// study: [`sum_up`].
///
/// - `job`: hears of what each fold will be, and of every epoch and every answer
///
/// # Errors
/// When the folds, the folder, the encoder or the device do not do, or it is asked to stop.
pub fn cross_validate(dataset: &Arc<Dataset>, request: &Request, job: Job<'_>) -> Result<Summary, Error> {
    let folds = check(dataset, request)?;
    let study = study(dataset, request, folds.clone());
    let data = [Arc::clone(dataset)];
    // There is one data set: its name says nothing.
    let cells = grid::cells(&study, &data).map_err(|error| match error {
        Error::InData { source, .. } => *source,
        error => error,
    })?;
    // Every fold is checked before the first is begun, and before anything is written.
    let outlines: Vec<FoldOutline> =
        folds.iter().map(|fold| outline(dataset, request, &study, *fold)).collect::<Result<_, _>>()?;
    request.device.open()?;
    is_free(&request.folder)?;
    ledger::check(&request.folder, &study, &data)?;
    let total = cells.iter().map(|cell| cell::epochs(&study, cell)).sum();
    outlines.iter().for_each(|outline| job.note(outline.to_string()));
    let options = Options {
        device: request.device,
        checkpoint_every: request.checkpoint_every,
        lower_batch: request.lower_batch,
        keep_networks: request.keep_networks,
        keep_runs: true,
        ..Options::new(request.folder.clone())
    };
    let mut done = 0;
    for cell in &cells {
        // What a cell notes is told by its progress, too.
        let told = AtomicUsize::new(done);
        let of_cell = |event: Event| {
            if let Event::Progress { done: of_cell, what, .. } = event {
                told.store(done + of_cell, Ordering::SeqCst);
                job.at([done + of_cell, total], EPOCHS_AND_EVALUATIONS, &what);
            }
        };
        cell::run(&study, &data, cell, &options, job.telling(&of_cell))?;
        // What an earlier sitting did counts as well.
        done += cell::epochs(&study, cell);
        if told.into_inner() < done {
            job.at([done, total], EPOCHS_AND_EVALUATIONS, &cell.name);
        }
    }
    cell::remove_locks(&request.folder);
    let origin = Origin::now(request.command.clone(), request.device);
    sum_up(&study, &data, &cells, &request.folder, origin)
}

/// Checks what can be checked before anything is done.
///
/// - returns: the folds to test
fn check(dataset: &Dataset, request: &Request) -> Result<Vec<usize>, Error> {
    let folds = match &request.folds {
        Some(folds) => folds.clone(),
        None => plan::folds(dataset)?,
    };
    let fold_numbers: Vec<u64> = folds.iter().map(|fold| *fold as u64).collect();
    for (what, numbers) in [("fold", &fold_numbers), ("seed", &request.seeds)] {
        each_once(what, numbers)?;
    }
    check_pyramid(request)?;
    Ok(folds)
}

/// The study that a request asks for.
fn study(dataset: &Dataset, request: &Request, folds: Vec<usize>) -> Study {
    let recipe = &request.recipe;
    let labels = vec![request.labels];
    let has_encoder = request.random || !matches!(request.encoder, EncoderSource::None);
    let evaluation = EvaluationSettings {
        knn: Vec::new(),
        linear_probe: if request.probe && has_encoder { labels.clone() } else { Vec::new() },
        finetune: labels,
        inner: Vec::new(),
        baselines: true,
        features: vec![request.features],
        frames_per_clip: recipe.frames_per_clip,
        inner_fraction: recipe.inner_fraction,
        metric: request.metric,
        finetune_epochs: Some(recipe.epochs),
        finetune_batch: recipe.batch,
        finetune_learning_rate: recipe.learning_rate,
        finetune_weight_decay: recipe.weight_decay,
        trainable: request.trainable,
        published: request.published,
        probe_strength: request.probe_strength,
        model_selection: request.model_selection,
        class_balance: recipe.class_balance,
        head_init: recipe.head_init,
        early_stopping: recipe.early_stopping,
        augmentation: recipe.augmentation,
        ..EvaluationSettings::default()
    };
    let random = request.random.then(|| StudyMethod {
        trainable: Some(request.scratch),
        ..StudyMethod::new(RANDOM.to_owned(), Start::Scratch)
    });
    let start = match &request.encoder {
        EncoderSource::None => None,
        EncoderSource::Given(pretrained) => Some(Start::Given(Arc::clone(pretrained))),
        EncoderSource::Inside(recipe) => Some(Start::Recipe(recipe.clone())),
    };
    let init_weights = || request.init_weights.clone().filter(|_| matches!(request.encoder, EncoderSource::Inside(_)));
    let encoder = start
        .map(|start| StudyMethod { init_weights: init_weights(), ..StudyMethod::new(request.encoder.name(), start) });
    let methods: Vec<StudyMethod> = random.into_iter().chain(encoder).collect();
    let encoders = methods.len();
    let methods: Vec<StudyMethod> = methods.into_iter().chain(Baseline::ALL.map(StudyMethod::of_baseline)).collect();
    // The encoder in question, which is the last of them, with everything that is there to be beaten.
    let encoder = encoders.checked_sub(1).filter(|_| !matches!(request.encoder, EncoderSource::None));
    let others = (0..methods.len()).filter(|other| Some(*other) != encoder);
    let compare = encoder.map_or_else(Vec::new, |encoder| others.map(|other| [encoder, other]).collect());
    let data = StudyData {
        name: data_name(dataset),
        folder: dataset.folder().to_owned(),
        source: PretrainedOn::Inside,
        evaluated: true,
        folds: Some(folds),
    };
    Study {
        title: title(dataset, request),
        seeds: request.seeds.clone(),
        budget: Budget::Recipe,
        evaluation,
        view: recipe.view.clone(),
        backbone: backbone(request),
        data: vec![data],
        methods,
        compare,
    }
}

fn title(dataset: &Dataset, request: &Request) -> String {
    let what = match &request.encoder {
        EncoderSource::None => "random weights and baselines".to_owned(),
        encoder => encoder.name(),
    };
    format!("{what} on {}", dataset.folder().file_name().unwrap_or_default().to_string_lossy())
}

/// The name of a data set as a part of file names.
fn data_name(dataset: &Dataset) -> String {
    let name = dataset.folder().file_name().unwrap_or_default().to_string_lossy().into_owned();
    let fits = (1..=40).contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if fits { name } else { "data".to_owned() }
}

fn backbone(request: &Request) -> BackboneName {
    match &request.encoder {
        EncoderSource::None => request.backbone,
        EncoderSource::Given(pretrained) => pretrained.backbone,
        EncoderSource::Inside(recipe) => recipe.model().backbone,
    }
}

/// What a fold's training will be; an error where it cannot be.
fn outline(dataset: &Dataset, request: &Request, study: &Study, fold: usize) -> Result<FoldOutline, Error> {
    let plan = study.evaluation.plan(dataset, fold, (EvalMode::Finetune, request.labels), Seed(request.seeds[0]))?;
    let pretraining = match &request.encoder {
        EncoderSource::Inside(recipe) => {
            let options = PretrainOptions {
                clips: Some(clips_outside(dataset, fold)),
                lower_batch: request.lower_batch,
                init_weights: request.init_weights.as_deref().cloned(),
                ..PretrainOptions::default()
            };
            let found = hico_train::outline(dataset, recipe, &options);
            Some(found.map_err(|source| Error::InFold { fold, source: Box::new(source.into()) })?)
        }
        EncoderSource::None | EncoderSource::Given(_) => None,
    };
    let frames = frames_of(dataset, &plan.fit, request.recipe.frames_per_clip);
    let steps_per_epoch = batches_of(&frames, request.recipe.batch).len();
    Ok(FoldOutline { fold, pretraining, frames: frames.len(), steps_per_epoch, epochs: request.recipe.epochs })
}

fn each_once(what: &'static str, numbers: &[u64]) -> Result<(), Error> {
    let mut seen = BTreeSet::new();
    match numbers.iter().find(|number| !seen.insert(**number)) {
        _ if numbers.is_empty() => Err(Error::NothingAsked(what)),
        Some(number) => Err(Error::Twice { what, number: *number }),
        None => Ok(()),
    }
}

/// Refuses a folder that holds anything but an evaluation: what was not written here must not be written among.
fn is_free(folder: &Path) -> Result<(), Error> {
    if folder.join(LEDGER_FILE).exists() {
        return Ok(());
    }
    // One that was killed at its beginning leaves half a ledger.
    atomic::remove_halves(folder).ok();
    match std::fs::read_dir(folder).map_or(0, Iterator::count) {
        0 => Ok(()),
        _ => Err(Error::NotAnEvaluation(folder.to_owned())),
    }
}

/// Refuses to train the top of a pyramid that is not there.
fn check_pyramid(request: &Request) -> Result<(), Error> {
    let missing = without_pyramid(&request.encoder).filter(|_| request.trainable == Trainable::LastBlock);
    missing.map_or(Ok(()), |name| Err(Error::NoTopToTrain(name)))
}

/// The name of an encoder that has no feature pyramid.
fn without_pyramid(encoder: &EncoderSource) -> Option<String> {
    match encoder {
        EncoderSource::None => None,
        EncoderSource::Given(pretrained) => (!pretrained.has_pyramid()).then(|| pretrained.name.clone()),
        EncoderSource::Inside(recipe) => (recipe.method().name() != MethodName::of::<Hico>()).then(|| encoder.name()),
    }
}
