//! The door to pretraining: checks the request against the data and the folder, then hands a plan to the loop.

use super::checkpoint::Checkpoint;
use super::options::PretrainOptions;
use super::outline::work_out;
use super::resume::prepare;
use super::run;
use super::run_plan::{Event, Plan, PretrainOutcome};
use super::run_record::{DataRecord, RunRecord};
use super::sampler::Sampler;
use super::schedule::Schedule;
use super::select::Selection;
use crate::method::{Method, MethodName, each_method};
use crate::recipe::Recipe;
use crate::{Error, method};
use hico_data::{Dataset, Job};
use hico_model::VERSION;
use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

/// Pretrains on `data` by `recipe`.
///
/// The same data, recipe, seed and version give the same weights, bit for bit on the CPU, however often the run was
/// stopped or killed and resumed on the way.
///
/// - `job`: hears of every step and epoch; asked to stop, the run finishes its step and writes a checkpoint
///
/// # Errors
/// When the request does not fit the data or the folder, when a file cannot be read or written, or when the loss is no
/// number any more, or when it is asked to stop. Nothing that was there before is written over unless `options.resume` asks for it.
pub fn pretrain(
    data: &Arc<Dataset>,
    recipe: &Recipe,
    options: &PretrainOptions,
    job: Job<'_, Event>,
) -> Result<PretrainOutcome, Error> {
    let mut plan = plan(data, recipe, options)?;
    let checkpoint = match plan.folder.clone() {
        Some(folder) => prepare(&folder, &mut plan)?,
        None => None,
    };
    runner(recipe.method().name())(&plan, checkpoint, job)
}

/// Makes a method of another crate known by its name ([`Method::NAME`]), to be called before a recipe or a run names it.
///
/// # Errors
/// When its name is none or taken, or its keys are not those of a table of a recipe.
pub fn register<M: Method>() -> Result<(), Error> {
    method::register::<M>()?;
    RUNNERS.write().unwrap_or_else(PoisonError::into_inner).push((MethodName::of::<M>(), run::run::<M>));
    Ok(())
}

/// The loop for a method whose types it knows.
type Runner = fn(&Plan, Option<Checkpoint>, Job<'_, Event>) -> Result<PretrainOutcome, Error>;

/// The loops of methods of other crates.
static RUNNERS: RwLock<Vec<(MethodName, Runner)>> = RwLock::new(Vec::new());

fn runner(method: MethodName) -> Runner {
    macro_rules! built_in {
        ($($method:ident)+) => {
            [$((MethodName::of::<method::$method>(), run::run::<method::$method> as Runner)),+]
        };
    }
    let registered = RUNNERS.read().unwrap_or_else(PoisonError::into_inner);
    let found = each_method!(built_in).into_iter().chain(registered.iter().copied()).find(|(name, _)| *name == method);
    let Some((_, runner)) = found else { unreachable!("a method that is found by its name has a loop") };
    runner
}

fn plan(data: &Arc<Dataset>, recipe: &Recipe, options: &PretrainOptions) -> Result<Plan, Error> {
    let device = options.device.open()?;
    let (selection, sampler, outline) = work_out(data, recipe, options)?;
    Ok(Plan {
        record: record(data, recipe, options, &selection, &sampler),
        schedule: Schedule::of(recipe.train(), sampler.steps_per_epoch()),
        outline,
        data: Arc::clone(data),
        recipe: recipe.clone(),
        selection,
        sampler,
        device,
        folder: options.folder.clone(),
        resume: options.resume,
        by_its_records: options.by_its_records,
        news: Vec::new(),
        checkpoint_every: options.checkpoint_every,
        keep_after: options.keep_after.clone(),
        validate: options.validate,
        init_weights: options.init_weights.clone(),
    })
}

fn record(
    data: &Dataset,
    recipe: &Recipe,
    options: &PretrainOptions,
    selection: &Selection,
    sampler: &Sampler,
) -> RunRecord {
    let groups = |clips: &[usize]| -> Vec<String> {
        let groups: BTreeSet<String> = clips.iter().map(|&clip| data.row(clip).group.clone()).collect();
        groups.into_iter().collect()
    };
    let names = |clips: &[usize]| -> Vec<String> { clips.iter().map(|&clip| data.row(clip).clip.clone()).collect() };
    RunRecord {
        version: VERSION.to_owned(),
        command: options.command.clone(),
        method: recipe.method().name(),
        supervision: recipe.supervision(),
        seed: recipe.train().seed,
        device: options.device.resolve().to_string(),
        data: DataRecord {
            folder: data.folder().to_owned(),
            hash: data.manifest().hash(),
            hash_without_folds: Some(data.manifest().hash_without_folds()),
            preprocessing: Some(data.preprocessing()),
            clips: data.len(),
        },
        classes: data.classes().to_vec(),
        holdout_fold: options.holdout_fold,
        groups: groups(&selection.train),
        val_groups: groups(&selection.validation),
        clips: names(&selection.train),
        val_clips: names(&selection.validation),
        labelled: selection.train.iter().filter(|&&clip| selection.labels[clip].is_some()).count(),
        steps_per_epoch: sampler.steps_per_epoch(),
        init_weights: options.init_weights.as_ref().map(|first| first.record().clone()),
    }
}
