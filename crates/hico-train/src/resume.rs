//! The folder of a run: made for a new one, or checked before the run in it goes on.

use super::checkpoint::{self, BEST_FILE, Checkpoint, LAST_FILE};
use super::journal::JOURNAL_FILE;
use super::run_plan::Plan;
use super::run_record::{RECIPE_FILE, RUN_FILE, RunRecord};
use super::schedule::Schedule;
use crate::Error;
use crate::difference::{self, Difference};
use crate::recipe::{Recipe, ScheduleKind, TrainRecipe};
use hico_data::atomic;
use hico_model::VERSION;
use serde_json::Value;
use std::path::Path;

/// Makes the run's folder, or finds where the run in it stopped.
///
/// - `plan`: gets the run's own record, and what a person should know of how it goes on
pub(super) fn prepare(folder: &Path, plan: &mut Plan) -> Result<Option<Checkpoint>, Error> {
    let ours = [RUN_FILE, JOURNAL_FILE, LAST_FILE, BEST_FILE].map(|name| folder.join(name));
    if ours.iter().any(|path| path.exists()) {
        return if plan.resume { go_on(folder, plan) } else { Err(Error::RunExists(folder.to_owned())) };
    }
    std::fs::create_dir_all(folder).map_err(failed(folder))?;
    write_recipe(folder, &plan.recipe)?;
    // Last, because a folder with a record is a run.
    plan.record.write(folder)?;
    tracing::info!("a new run begins");
    Ok(None)
}

/// Reads the recipe of the run in `folder`.
///
/// # Errors
/// When there is none, or it is broken.
pub fn recipe_of(folder: &Path) -> Result<Recipe, Error> {
    let path = folder.join(RECIPE_FILE);
    let text = std::fs::read_to_string(&path).map_err(failed(&path))?;
    Recipe::of_record(&text).map_err(|source| Error::InFile { path, source: Box::new(source) })
}

fn failed(path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Write { path, source }
}

fn write_recipe(folder: &Path, recipe: &Recipe) -> Result<(), Error> {
    let path = folder.join(RECIPE_FILE);
    let text = toml::to_string(recipe).map_err(|error| failed(&path)(std::io::Error::other(error)))?;
    atomic::write(&path, text.as_bytes()).map_err(failed(&path))
}

fn go_on(folder: &Path, plan: &mut Plan) -> Result<Option<Checkpoint>, Error> {
    let record = RunRecord::read(folder)?;
    if record.version != VERSION {
        return Err(Error::RunVersion { folder: folder.to_owned(), run: record.version });
    }
    let before = recipe_of(folder)?;
    same_recipe(folder, &before, plan)?;
    same_data(folder, &record, plan)?;
    let checkpoint = checkpoint::read_last(folder)?;
    same_weights(folder, &record, plan, checkpoint.is_some())?;
    let now = &plan.record.device;
    if record.device != *now {
        plan.news.push(format!(
            "this run was begun on {} and goes on on {now}: its weights will not be those of an unbroken run",
            record.device
        ));
    }
    if before.train().epochs != plan.recipe.train().epochs {
        change_epochs(folder, &before, checkpoint.as_ref().map_or(0, |found| found.position.step), plan)?;
    }
    plan.record = record;
    match &checkpoint {
        Some(checkpoint) => tracing::info!(step = checkpoint.position.step, "the run goes on from its checkpoint"),
        None => tracing::info!("the run has no checkpoint yet and begins again"),
    }
    Ok(checkpoint)
}

/// Gives the run its new number of epochs, from which its schedule is worked out.
fn change_epochs(folder: &Path, before: &Recipe, step: u64, plan: &mut Plan) -> Result<(), Error> {
    let [run, asked] = [before, &plan.recipe].map(|recipe| recipe.train().epochs.get());
    let steps_per_epoch = plan.sampler.steps_per_epoch();
    let done = step.div_ceil(steps_per_epoch) as usize;
    if asked < done {
        return Err(Error::TooFewEpochs { folder: folder.to_owned(), done, asked });
    }
    write_recipe(folder, &plan.recipe)?;
    let rate = match before.train().schedule {
        ScheduleKind::Constant => "the learning rate stays".to_owned(),
        ScheduleKind::Cosine | ScheduleKind::Authors => format!(
            "the learning rate follows the cosine over all {asked} epochs from step {step} on ({:.2e} there, where that over \
             {run} has {:.2e})",
            plan.schedule.at(step),
            Schedule::of(before.train(), steps_per_epoch).at(step),
        ),
    };
    plan.news.push(format!(
        "this run was begun with {run} epochs and now has {asked}: {rate}; its weights will not be those of a run that had \
         {asked} from the start"
    ));
    Ok(())
}

fn same_recipe(folder: &Path, before: &Recipe, plan: &Plan) -> Result<(), Error> {
    let mut asked = plan.recipe.clone();
    if plan.by_its_records {
        let train = TrainRecipe { epochs: before.train().epochs, ..*asked.train() };
        asked = asked.with_train(train);
    }
    let [run, asked] = [before, &asked].map(|recipe| serde_json::to_value(recipe).unwrap_or(Value::Null));
    match difference::first(&run, &asked) {
        None => Ok(()),
        Some(Difference { key, there: run, asked }) => {
            Err(Error::OtherRecipe { folder: folder.to_owned(), key, run, asked })
        }
    }
}

fn same_data(folder: &Path, record: &RunRecord, plan: &mut Plan) -> Result<(), Error> {
    let fold = |fold: Option<usize>| fold.map_or_else(|| "none".to_owned(), |fold| fold.to_string());
    let clips = |record: &RunRecord| format!("{} and {}", record.clips.len(), record.val_clips.len());
    let now = &plan.record;
    let differs =
        |what, run: String, asked: String| Err(Error::OtherData { folder: folder.to_owned(), what, run, asked });
    let refolded = record.data.hash != now.data.hash;
    let same_clips =
        record.data.hash_without_folds.is_some() && record.data.hash_without_folds == now.data.hash_without_folds;
    if refolded && !same_clips {
        return differs("data set", record.data.hash.clone(), now.data.hash.clone());
    }
    if record.holdout_fold != now.holdout_fold {
        return differs("held-out fold", fold(record.holdout_fold), fold(now.holdout_fold));
    }
    if (&record.clips, &record.val_clips) != (&now.clips, &now.val_clips) {
        let what = if refolded {
            "clips to train on and for validation, before `hico split` made other folds,"
        } else {
            "clips to train on and for validation"
        };
        return differs(what, clips(record), clips(now));
    }
    if refolded {
        let held_out = record.holdout_fold.map_or("the run holds none out", |_| "the held-out fold has the same clips");
        plan.news
            .push(format!("the folds of the data set were made anew since this run began; {held_out}, so it goes on"));
    }
    Ok(())
}

/// The weights that the run began with went into its checkpoint, so they need not be named again once there is one.
fn same_weights(folder: &Path, record: &RunRecord, plan: &Plan, begun: bool) -> Result<(), Error> {
    let hash = |record: &RunRecord| record.init_weights.as_ref().map(|first| first.sha256.clone());
    let words = |record: &RunRecord| {
        record
            .init_weights
            .as_ref()
            .map_or_else(|| "random".to_owned(), |first| format!("{} of {}", first.file, first.sha256))
    };
    if hash(record) == hash(&plan.record) || (begun && plan.by_its_records && plan.init_weights.is_none()) {
        return Ok(());
    }
    let (run, asked) = (words(record), words(&plan.record));
    Err(Error::OtherData { folder: folder.to_owned(), what: "first weights", run, asked })
}
