//! The whole path on phantom clips: files, data set, folds, pretraining without labels, fine-tuning with few, report, model.
//!
//! It goes the way that a person's own clips go, through files and the same functions. It shows the case that pretraining
//! is for: many clips, labels of few patients. What came out is printed with its interval, whatever it is.

use crate::compare::crossval::{EncoderSource, Request, cross_validate};
use crate::compare::labels::Labels;
use crate::compare::summary::Summary;
use crate::outcome::Metric;
use crate::{Error, report};
use hico_data::ingest::{Columns, IngestOptions, ingest};
use hico_data::phantom::{LABELS_FILE, PhantomRecipe, write_tree};
use hico_data::split::k_folds;
use hico_data::{Dataset, Job, Preprocessing, Seed, atomic};
use hico_model::classifier::Trainable;
use hico_model::device::DeviceChoice;
use hico_model::{FeatureMaps, FeatureSet, VERSION};
use hico_train::finetune::{FinetuneRecipe, HeadInit};
use hico_train::recipe::{self, Recipe};
use serde::Serialize;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What the demo was begun with; nothing is mixed with another's results.
const DEMO_FILE: &str = "demo.json";

/// What to show, at which size.
#[derive(Debug, Clone, Serialize)]
pub struct DemoRecipe {
    /// The version that made it.
    pub version: &'static str,
    /// The clips.
    pub phantom: PhantomRecipe,
    /// Folds by patient.
    pub folds: usize,
    /// The fold that is tested.
    pub fold: usize,
    /// Patients of each class whose label is known.
    pub labels_per_class: usize,
    /// The pretraining on all clips but those of the tested fold, without labels.
    pub pretraining: Recipe,
    /// The fine-tuning of every candidate.
    pub finetuning: FinetuneRecipe,
    /// What of a network is read.
    pub features: FeatureSet,
    /// Seed of weights, pretraining and fine-tuning.
    pub seed: u64,
}

/// HiCo without labels. The paper pairs frames of one clip; here they are of two clips of one patient, other places seen with
/// other devices, and what such a pair has in common is what the patient has.
const PRETRAINING: &str = r#"
[method]
name = "hico"
supervision = "self"

[view]
image_size = 48
pair_across_clips = 1.0

[train]
batch = 32
epochs = 11
warmup_epochs = 1
val_fraction = 0.0
"#;

impl DemoRecipe {
    /// A few minutes on two cores.
    ///
    /// - `seed`: of the phantom, the folds and the pretraining
    ///
    /// # Errors
    /// Never, unless a number below is out of its own range.
    pub fn small(seed: u64) -> Result<Self, Error> {
        let pretraining = Recipe::parse(PRETRAINING)?.with_seed(seed);
        let phantom =
            PhantomRecipe { patients: 900, frames: 6, side: 64, seed: Seed(seed), ..PhantomRecipe::default() };
        let finetuning = FinetuneRecipe {
            epochs: 20,
            head_init: HeadInit::LinearProbe,
            frames_per_clip: 4,
            view: pretraining.view().clone(),
            ..FinetuneRecipe::default()
        };
        let features = FeatureSet { maps: FeatureMaps::Stages, max: false };
        Ok(Self {
            version: VERSION,
            phantom,
            folds: 3,
            fold: 0,
            labels_per_class: 4,
            pretraining,
            finetuning,
            features,
            seed,
        })
    }
}

/// What came of it.
#[derive(Debug, Clone, Serialize)]
pub struct Demo {
    /// The page.
    pub report: PathBuf,
    /// The data set, to go on with.
    pub dataset: PathBuf,
    /// The folder with the fine-tuned network, which `hico predict`, `explain` and `serve` take.
    pub model: PathBuf,
    /// A clip of a patient whom that network has never seen.
    pub clip: PathBuf,
    /// The figures.
    pub summary: Summary,
}

/// Goes the whole path inside `folder`; run again with the same recipe it goes on where it was interrupted.
///
/// - `job`: hears of every stage, clip and epoch
///
/// # Errors
/// When the folder holds something else or cannot be written, or it is asked to stop.
pub fn demo(recipe: &DemoRecipe, folder: &Path, device: DeviceChoice, job: Job<'_>) -> Result<Demo, Error> {
    begin(recipe, folder)?;
    let [clips, data, study] = ["clips", "data", "study"].map(|name| folder.join(name));
    job.note("1/3 generating clips of a phantom".to_owned());
    phantom(recipe, &clips, job)?;
    job.note("2/3 ingesting them, folds by patient".to_owned());
    take_in(&clips, &data, job)?;
    let dataset = split(recipe, &data)?;
    let labels = recipe.labels_per_class;
    job.note(format!("3/3 pretraining without labels, fine-tuning with those of {labels} patients a class"));
    let summary = evaluate(recipe, &dataset, &study, device, job)?;
    let report = folder.join("report.html");
    let page = report::build(std::slice::from_ref(&study), Some(&dataset))?;
    write(&report, page.as_bytes())?;
    let tested = dataset.manifest().rows.iter().find(|row| row.fold == Some(recipe.fold));
    let clip = tested.map_or_else(|| clips.clone(), |row| clips.join(&row.source));
    Ok(Demo { report, dataset: data, model: study, clip, summary })
}

fn begin(recipe: &DemoRecipe, folder: &Path) -> Result<(), Error> {
    let path = folder.join(DEMO_FILE);
    let mine = serde_json::to_vec_pretty(recipe).map_err(|error| failed(&path)(error.into()))?;
    if path.is_file() {
        let before = std::fs::read(&path).map_err(failed(&path))?;
        let same = before == mine || of_record(&before).is_some_and(|before| Some(before) == of_record(&mine));
        return if same { Ok(()) } else { Err(Error::DemoTaken(folder.to_owned())) };
    }
    std::fs::create_dir_all(folder).map_err(failed(folder))?;
    // Half of that file, of a demo that was killed at its beginning.
    atomic::remove_halves(folder).ok();
    if std::fs::read_dir(folder).map_err(failed(folder))?.next().is_some() {
        return Err(Error::DemoTaken(folder.to_owned()));
    }
    write(&path, &mine)
}

/// A demo that was begun, as this version writes it.
fn of_record(text: &[u8]) -> Option<Value> {
    let mut demo: Value = serde_json::from_slice(text).ok()?;
    let pretraining = demo.get_mut("pretraining")?;
    let written = pretraining.get("file").unwrap_or(pretraining).clone();
    *pretraining = serde_json::to_value(serde_json::from_value::<Recipe>(written).ok()?).ok()?;
    // The phantom's size has the same two names.
    for views in ["/finetuning/view", "/phantom"] {
        recipe::view_of_record(demo.pointer_mut(views)?);
    }
    Some(demo)
}

fn phantom(recipe: &DemoRecipe, clips: &Path, job: Job<'_>) -> Result<(), Error> {
    // The table of labels is written last.
    if clips.join(LABELS_FILE).is_file() {
        return Ok(());
    }
    if clips.is_dir() {
        std::fs::remove_dir_all(clips).map_err(failed(clips))?;
    }
    write_tree(&recipe.phantom, clips, job)?;
    Ok(())
}

fn take_in(clips: &Path, data: &Path, job: Job<'_>) -> Result<(), Error> {
    let options = IngestOptions {
        preprocessing: Preprocessing::default(),
        labels: Some((clips.join(LABELS_FILE), Columns::default())),
        ..IngestOptions::default()
    };
    ingest(clips, data, &options, job)?;
    Ok(())
}

/// Folds by patient, unless an earlier sitting made them.
fn split(recipe: &DemoRecipe, data: &Path) -> Result<Arc<Dataset>, Error> {
    let dataset = Dataset::open(data)?;
    if dataset.manifest().rows.iter().all(|row| row.fold.is_some()) {
        return Ok(Arc::new(dataset));
    }
    let mut manifest = dataset.manifest().clone();
    let folds = k_folds(&manifest, recipe.folds, recipe.phantom.seed)?;
    for (row, fold) in manifest.rows.iter_mut().zip(folds) {
        row.fold = Some(fold);
    }
    manifest.write(data)?;
    Ok(Arc::new(Dataset::open(data)?))
}

fn evaluate(
    recipe: &DemoRecipe,
    dataset: &Arc<Dataset>,
    study: &Path,
    device: DeviceChoice,
    job: Job<'_>,
) -> Result<Summary, Error> {
    let request = Request {
        folds: Some(vec![recipe.fold]),
        seeds: vec![recipe.seed],
        labels: Labels::Groups(recipe.labels_per_class),
        features: recipe.features,
        // With few labels the encoder stays as it is; from random weights all of it is trained.
        trainable: Trainable::Head,
        // It moves less with the patients that are tested than balanced accuracy does.
        metric: Metric::MacroAuc,
        keep_networks: true,
        encoder: EncoderSource::Inside(Box::new(recipe.pretraining.clone())),
        recipe: recipe.finetuning.clone(),
        device,
        lower_batch: true,
        command: "hico demo".to_owned(),
        ..Request::new(study.to_owned())
    };
    cross_validate(dataset, &request, job)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    atomic::write(path, bytes).map_err(failed(path))
}

fn failed(path: &Path) -> impl Fn(std::io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::DemoFile { path: path.clone(), source }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hico_data::Event;
    use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

    fn tiny() -> DemoRecipe {
        let mut recipe = DemoRecipe::small(5).unwrap();
        recipe.phantom = PhantomRecipe { patients: 15, frames: 3, side: 32, ..recipe.phantom };
        recipe.folds = 2;
        recipe.labels_per_class = 2;
        let smaller = recipe.pretraining.with_image_size(32).and_then(|recipe| recipe.with_epochs_after(0, 1));
        recipe.pretraining = smaller.unwrap().with_batch(4).unwrap();
        let view = recipe.pretraining.view().clone();
        recipe.finetuning = FinetuneRecipe { epochs: 1, frames_per_clip: 1, view, ..recipe.finetuning };
        recipe
    }

    #[test]
    fn a_demo_that_is_stopped_again_and_again_ends_as_one_that_is_not() {
        let folder = tempfile::tempdir().unwrap();
        // Each sitting goes a little further than the one before: what was done before is told again.
        let go = |name: &str, most: usize| {
            let folder = folder.path().join(name);
            let mut sittings = 0;
            loop {
                sittings += 1;
                let (stop, told) = (AtomicBool::new(false), AtomicUsize::new(1));
                let tell = |_: Event| {
                    if told.fetch_add(1, Ordering::SeqCst) >= most.saturating_add(5 * sittings) {
                        stop.store(true, Ordering::SeqCst);
                    }
                };
                match demo(&tiny(), &folder, DeviceChoice::Cpu, Job::new(&stop).telling(&tell)) {
                    Ok(demo) => return (demo, sittings),
                    Err(Error::Interrupted) => assert!(sittings < 40, "no sitting comes further"),
                    Err(error) => panic!("{error}"),
                }
            }
        };
        let (whole, _) = go("whole", usize::MAX);
        let (stopped, sittings) = go("stopped", 0);
        assert!(sittings > 3);
        // Seconds differ.
        let figures = |demo: &Demo| {
            let entries = demo.summary.tables.iter().flat_map(|table| &table.entries);
            let scores = entries.map(|entry| (entry.method.clone(), entry.scores.clone().map(|found| found.scores)));
            scores.collect::<Vec<_>>()
        };
        assert_eq!(figures(&stopped), figures(&whole));
        let [probe, finetune] = whole.summary.tables.as_slice() else { panic!("two tables") };
        for table in [probe, finetune] {
            let names: Vec<&str> = table.asked().map(|entry| entry.method.as_str()).collect();
            assert_eq!(names, ["random", "hico", "majority", "thumbnails", "confounders"]);
            let scores = table.entries.iter().map(|entry| entry.scores.as_ref().unwrap());
            assert!(scores.into_iter().all(|scores| scores.seen_groups().is_empty()));
        }
        let page = std::fs::read_to_string(&whole.report).unwrap();
        assert!(page.contains("linear probe") && page.contains("data:image/png"), "no figures or no pictures");
    }

    #[test]
    fn a_demo_of_an_earlier_version_is_known_by_its_keys() {
        let now = serde_json::to_string(&tiny()).unwrap();
        let earlier = now.replace("\"image_size\"", "\"side\"");
        assert!(now != earlier && of_record(earlier.as_bytes()).is_some(), "{now}");
        assert_eq!(of_record(earlier.as_bytes()), of_record(now.as_bytes()));
    }

    #[test]
    fn a_folder_of_somebody_else_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("thesis.txt"), "years").unwrap();
        let tell = |event: Event| panic!("nothing may be begun: {event:?}");
        let error = demo(&tiny(), folder.path(), DeviceChoice::Cpu, Job::default().telling(&tell)).unwrap_err();
        assert!(matches!(error, Error::DemoTaken(_)), "{error}");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
