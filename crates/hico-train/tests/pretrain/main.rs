//! Pretraining from the outside: what it learns, and that stopping, killing and threads change nothing.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should end there")]

#[cfg(feature = "wgpu")]
mod device;
mod backbones;
mod methods;

use burn::tensor::{Device, Tensor, TensorData};
use hico_data::view::{ViewRecipe, plain};
use hico_data::{Channels, Clip, ClipRow, Dataset, Job, Manifest, Seed, Size};
use hico_model::weights::{self, NamedTensor};
use hico_model::{FeatureSet, Mode};
use hico_train::checkpoint::{BEST_FILE, LAST_FILE};
use hico_train::journal::{JOURNAL_FILE, JournalEntry};
use hico_train::loss::unit_rows;
use hico_train::pretrained;
use hico_train::recipe::Recipe;
use hico_train::run_record::{RUN_FILE, RunRecord};
use hico_train::tensorboard::EVENTS_FILE;
use hico_train::{CheckpointEvery, Error, Event, PretrainOptions, PretrainOutcome, pretrain};
use rand::RngExt as _;
use std::num::NonZeroU64;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

const SIDE: usize = 32;

/// Clips of three frames: coarse blocks that belong to the clip, with noise that belongs to the frame. Every clip is a
/// group of its own; labels go round the classes.
fn blocks(clips: usize, classes: usize) -> Arc<Dataset> {
    let size = Size { height: SIDE, width: SIDE };
    let clip = |index: usize| {
        let mut coarse = Seed(3).stream("blocks", &[index as u64]);
        let mut fine = Seed(3).stream("noise", &[index as u64]);
        let greys: Vec<u8> = (0..16).map(|_| coarse.random_range(20..236)).collect();
        let place = |pixel: usize| (pixel / SIDE % SIDE / 8) * 4 + pixel % SIDE / 8;
        let pixels = (0..3 * SIDE * SIDE).map(|pixel| greys[place(pixel)] + fine.random_range(0..20)).collect();
        Clip { size, channels: Channels::Grey, pixels, fps: None }
    };
    let row = |index: usize| ClipRow {
        group: format!("group-{index}"),
        label: (classes > 0).then(|| format!("class-{}", index % classes.max(1))),
        fold: Some(index % 2),
        ..ClipRow::new(format!("clip-{index}"), 3, size, Channels::Grey)
    };
    let manifest = Manifest { rows: (0..clips).map(row).collect() };
    Arc::new(Dataset::in_memory(manifest, (0..clips).map(clip).collect()))
}

/// Batches of two, one validation clip in four, so that tests of stopping and going on take seconds.
fn small(epochs: usize) -> Recipe {
    let view = format!("view.side = {SIDE}\n");
    let train = "[train]\nbatch = 2\nwarmup_epochs = 1\nlearning_rate = 1e-3\nwatch_fraction = 0.25\n";
    Recipe::parse(&format!("{view}{train}epochs = {epochs}\n")).unwrap()
}

/// The recipe with other keys laid over it.
fn with(recipe: &Recipe, keys: &str) -> Recipe {
    let [recipe, keys] = [toml::to_string(recipe).unwrap(), keys.to_owned()].map(|text| toml::from_str(&text).unwrap());
    Recipe::of_layers(&[&recipe, &keys]).unwrap()
}

fn options(folder: &Path) -> PretrainOptions {
    PretrainOptions { folder: Some(folder.to_owned()), resume: true, ..PretrainOptions::default() }
}

fn run(data: &Arc<Dataset>, recipe: &Recipe, options: &PretrainOptions) -> Result<PretrainOutcome, Error> {
    pretrain(data, recipe, options, Job::default().silent())
}

/// A run that is listened to, and may be stopped.
fn heard(
    data: &Arc<Dataset>,
    recipe: &Recipe,
    options: &PretrainOptions,
    job: Job<'_>,
    listen: impl FnMut(Event) + Send,
) -> Result<PretrainOutcome, Error> {
    let listen = Mutex::new(listen);
    let tell = |event: Event| (*listen.lock().unwrap())(event);
    pretrain(data, recipe, options, job.telling(&tell))
}

/// Every tensor of a checkpoint by name, as bits.
fn bits(path: &Path) -> Vec<(String, Vec<u32>)> {
    let (tensors, _) = weights::read_safetensors(path).unwrap();
    let bits = |tensor: NamedTensor| (tensor.name, tensor.values.into_iter().map(f32::to_bits).collect());
    tensors.into_iter().map(bits).collect()
}

fn assert_same(a: &Path, b: &Path) {
    for file in [LAST_FILE, BEST_FILE] {
        let (a, b) = (bits(&a.join(file)), bits(&b.join(file)));
        assert_eq!(a.len(), b.len(), "{file}");
        for ((name, a), (other, b)) in a.into_iter().zip(b) {
            assert_eq!(name, other);
            assert!(a == b, "{file}: {name} differs");
        }
    }
}

fn journal(folder: &Path) -> Vec<JournalEntry> {
    let text = std::fs::read_to_string(folder.join(JOURNAL_FILE)).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn steps(folder: &Path) -> Vec<u64> {
    let step = |entry| if let JournalEntry::Step(step) = entry { Some(step.step) } else { None };
    journal(folder).into_iter().filter_map(step).collect()
}

#[test]
fn a_run_that_was_stopped_and_killed_ends_like_an_unbroken_one() {
    let data = blocks(8, 2);
    let recipe = with(&small(3), "train.clip_norm = 5.0");
    let (whole, broken) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let unbroken = run(&data, &recipe, &options(whole.path())).unwrap();
    assert_eq!(unbroken.step, 9);

    // Stopped after step 1, in the middle of an epoch; it saves.
    let stop = AtomicBool::new(false);
    let stop_at_1 = |event| {
        if let Event::Step(step) = event {
            stop.store(step.step == 1, Ordering::SeqCst);
        }
    };
    let stopped = heard(&data, &recipe, &options(broken.path()), Job::new(&stop), stop_at_1);
    assert!(matches!(stopped, Err(Error::Interrupted)));
    assert_eq!(steps(broken.path()), [0, 1]);

    // Killed at step 5, with steps done since its newest checkpoint; what it wrote since is lost.
    let every = PretrainOptions {
        checkpoint_every: CheckpointEvery::Steps(NonZeroU64::new(2).unwrap()),
        ..options(broken.path())
    };
    let die_at_5 = |event| assert!(!matches!(event, Event::Step(step) if step.step == 5), "killed");
    let one_thread = Job::default().with_threads(1);
    let killed = catch_unwind(AssertUnwindSafe(|| heard(&data, &recipe, &every, one_thread, die_at_5)));
    assert!(killed.is_err());
    assert_eq!(steps(broken.path()).last(), Some(&5));

    let mut first = None;
    let note = |event| {
        if let Event::Begin { step, .. } = event {
            first = Some(step);
        }
    };
    let many_threads = Job::default().with_threads(5);
    let resumed = heard(&data, &recipe, &options(broken.path()), many_threads, note).unwrap();
    assert!(first.is_some_and(|first| (2..=5).contains(&first)), "{first:?}");
    assert_eq!((resumed.step, resumed.best), (9, unbroken.best));
    assert_same(whole.path(), broken.path());
    assert_eq!(steps(broken.path()), (0..9).collect::<Vec<_>>(), "every step once");
    assert!(matches!(journal(broken.path()).last(), Some(JournalEntry::Finished { step: 9, .. })));

    // Once finished, going on changes nothing.
    let before = std::fs::read(broken.path().join(JOURNAL_FILE)).unwrap();
    let again = run(&data, &recipe, &options(broken.path())).unwrap();
    assert_eq!(again.step, 9);
    assert_eq!(std::fs::read(broken.path().join(JOURNAL_FILE)).unwrap(), before);
    assert_same(whole.path(), broken.path());
}

#[test]
fn the_number_of_threads_changes_nothing() {
    let data = blocks(4, 2);
    let recipe = with(&small(2), "train.watch_fraction = 0.0");
    let folders = [1, 3].map(|threads| {
        let folder = tempfile::tempdir().unwrap();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let job = Job::default().with_threads(threads).silent();
        pool.install(|| pretrain(&data, &recipe, &options(folder.path()), job)).unwrap();
        folder
    });
    assert_same(folders[0].path(), folders[1].path());
}

#[test]
fn a_loss_that_is_no_number_ends_the_run_and_keeps_the_last_good_checkpoint() {
    let data = blocks(4, 0);
    let recipe = with(&small(3), "train.learning_rate = 1e30\ntrain.watch_fraction = 0.0");
    let folder = tempfile::tempdir().unwrap();
    let every = CheckpointEvery::Steps(NonZeroU64::MIN);
    let error = run(&data, &recipe, &PretrainOptions { checkpoint_every: every, ..options(folder.path()) });
    let error = error.unwrap_err();
    let Error::LossNotFinite { step, kept, .. } = &error else { panic!("{error}") };
    assert!(*step >= 1 && kept.as_deref() == Some(&folder.path().join(LAST_FILE)), "{error}");
    let (tensors, _) = weights::read_safetensors(&folder.path().join(LAST_FILE)).unwrap();
    assert!(tensors.iter().all(|tensor| tensor.values.iter().all(|value| value.is_finite())));
    assert!(matches!(journal(folder.path()).last(), Some(JournalEntry::Stopped { .. })));
}

#[test]
fn a_run_says_what_it_saw_and_how_it_did() {
    let data = blocks(12, 2);
    let recipe = with(&small(1), "train.label_fraction = 0.5");
    let folder = tempfile::tempdir().unwrap();
    let options = PretrainOptions { holdout_fold: Some(1), ..options(folder.path()) };
    let outcome = run(&data, &recipe, &options).unwrap();
    let record = RunRecord::read(folder.path()).unwrap();
    assert_eq!(record, outcome.record);
    let seen: Vec<&String> = record.groups.iter().chain(&record.val_groups).collect();
    assert_eq!(seen.len(), 6, "fold 0 has six clips, each its own group");
    assert!(seen.iter().all(|group| group.trim_start_matches("group-").parse::<usize>().unwrap() % 2 == 0));
    assert!(!record.val_groups.is_empty() && record.groups.iter().all(|g| !record.val_groups.contains(g)));
    // Fold 0 holds the six clips of one class; half of their labels may be used, those for validation included.
    assert!(record.labelled <= 3, "{record:?}");
    let epoch = journal(folder.path()).into_iter().find_map(|entry| match entry {
        JournalEntry::Epoch(epoch) => Some(epoch),
        _ => None,
    });
    let epoch = epoch.unwrap();
    assert!(epoch.health.val_loss.is_some_and(f64::is_finite));
    assert!(epoch.health.embedding_rank.is_some_and(|rank| rank >= 0.999));
    assert!(epoch.losses.contains_key("peer_global") && epoch.losses.contains_key("soft_ce_1"));
    assert!(std::fs::metadata(folder.path().join(EVENTS_FILE)).unwrap().len() > 100);
}

#[test]
fn a_folder_that_holds_another_run_is_refused_with_both_sides_named() {
    let data = blocks(4, 2);
    let recipe = with(&small(1), "train.watch_fraction = 0.0");
    let folder = tempfile::tempdir().unwrap();
    let go_on = options(folder.path());
    run(&data, &recipe, &go_on).unwrap();
    let before = std::fs::read(folder.path().join(LAST_FILE)).unwrap();
    let refused = |data: &Arc<Dataset>, recipe: &Recipe, options: &PretrainOptions| {
        let error = run(data, recipe, options).unwrap_err();
        let named = matches!(
            error,
            Error::RunExists(_) | Error::OtherRecipe { .. } | Error::OtherData { .. } | Error::RunVersion { .. }
        );
        assert!(named, "{error:?}");
        assert!(std::fs::read(folder.path().join(LAST_FILE)).unwrap() == before, "nothing is written over");
        error.to_string()
    };

    let fresh = PretrainOptions { resume: false, ..go_on.clone() };
    assert!(refused(&data, &recipe, &fresh).contains("holds a run already"));
    let other = refused(&data, &recipe.clone().with_seed(77), &go_on);
    assert!(other.contains("begun with train.seed = 1, now asked for 77"), "{other}");
    let other = refused(&blocks(5, 2), &recipe, &go_on);
    assert!(other.contains("begun with data set "), "{other}");
    let fold = PretrainOptions { holdout_fold: Some(0), ..go_on.clone() };
    let other = refused(&data, &recipe, &fold);
    assert!(other.contains("begun with held-out fold none, now asked for 0"), "{other}");

    let last = folder.path().join(LAST_FILE);
    std::fs::write(&last, &before[..before.len() / 2]).unwrap();
    let error = run(&data, &recipe, &go_on).unwrap_err();
    assert!(error.to_string().contains("the checkpoint is cut short"), "{error}");
    std::fs::write(&last, &before).unwrap();

    let record = RunRecord::read(folder.path()).unwrap();
    RunRecord { version: "9.9.9".into(), ..record }.write(folder.path()).unwrap();
    let other = refused(&data, &recipe, &go_on);
    assert!(other.contains("begun by version 9.9.9, this is "), "{other}");
    std::fs::write(folder.path().join(RUN_FILE), "{}").unwrap();
    assert!(run(&data, &recipe, &go_on).unwrap_err().to_string().contains("not a run's record"));
}

#[test]
fn clips_that_do_not_do_are_refused_before_anything_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("run");
    let refused = |data: &Arc<Dataset>, recipe: Recipe, options: PretrainOptions| {
        let error = run(data, &recipe, &options).unwrap_err();
        let named = matches!(
            error,
            Error::BatchTooLarge { .. } | Error::TooFewToSupervise { .. } | Error::NoClipInFold { .. } | Error::NoClips
        );
        assert!(named, "{error:?}");
        assert!(!path.exists());
        error.to_string()
    };
    let large = with(&small(1), "train.batch = 8\ntrain.watch_fraction = 0.0");
    let words = refused(&blocks(4, 2), large, options(&path));
    assert_eq!(words, "a batch of 8 clips is larger than the 4 clips to train on");
    let full = with(&small(1), "method.supervision = \"full\"");
    let words = refused(&blocks(4, 1), full, options(&path));
    assert_eq!(words, "supervised training needs 2 classes or more; the labelled clips have 1");
    let fold = PretrainOptions { holdout_fold: Some(7), ..options(&path) };
    let words = refused(&blocks(4, 2), small(1), fold);
    assert_eq!(words, "no clip is in fold 7; the data set has folds 0, 1");
    let nobody = PretrainOptions { clips: Some(Vec::new()), ..options(&path) };
    assert_eq!(refused(&blocks(4, 2), small(1), nobody), "no clip is left to train on");
}

#[test]
fn four_clips_are_learnt_by_heart_in_thirty_steps() {
    let data = blocks(4, 2);
    let train = "[train]\nbatch = 4\nwarmup_epochs = 3\nwatch_fraction = 0.0\n";
    // Views that differ little: what is asked is whether it learns at all, not whether it generalises.
    let crops = "[view]\ncrop_scale = [0.9, 1.0]\ncrop_ratio = [1.0, 1.0]\nflip = 0.0\nmixup = 0.0\n";
    let colours = "hue = 0.0\nsaturation = 0.0\nbrightness = 0.1\ncontrast = 0.1\n";
    let recipe = with(&small(30), &format!("{train}{crops}{colours}"));
    let folder = tempfile::tempdir().unwrap();
    run(&data, &recipe, &options(folder.path())).unwrap();
    let totals: Vec<f64> = journal(folder.path())
        .into_iter()
        .filter_map(|entry| if let JournalEntry::Step(step) = entry { Some(step.losses["total"]) } else { None })
        .collect();
    assert_eq!(totals.len(), 30);
    // The best there is: both views of a clip at one point, the four clips at the corners of a simplex (cosine -1/3),
    // and probabilities that are the softened targets, whose entropy is then left.
    let pairs = (6.0 * ((-1.0_f64 / 3.0 - 1.0) / 0.5).exp()).ln_1p();
    let labels = -(0.9 * 0.9_f64.ln() + 0.1 * 0.1_f64.ln());
    let best = 0.5 * (3.0 + 4.0) * pairs + 0.2 * 2.0 * labels;
    let last = totals[29];
    assert!(last > best && last < 1.1 * best, "{last}, where {best} is the best there is: {totals:?}");
    assert_eq!(nearest_of_another_clip(&data, folder.path(), recipe.view()), 0);
}

/// For how many frames the nearest frame, by the pooled features of a run's encoder, is of another clip.
fn nearest_of_another_clip(data: &Dataset, run: &Path, view: &ViewRecipe) -> usize {
    let device = Device::flex();
    let encoder = pretrained::read(run).unwrap().encoder(&device).unwrap();
    let frames: Vec<(usize, usize)> = (0..data.len()).flat_map(|clip| (0..3).map(move |frame| (clip, frame))).collect();
    let pixels = frames.iter().flat_map(|&(clip, frame)| plain(&data.read_frame(clip, frame).unwrap(), view)).collect();
    let images = TensorData::new(pixels, [frames.len(), 3, SIDE, SIDE]);
    let features = unit_rows(encoder.features(Tensor::from_data(images, &device), FeatureSet::C5, Mode::Eval));
    let cosines: Vec<f32> = features.clone().matmul(features.transpose()).into_data().try_to_vec().unwrap();
    let rows = cosines.chunks(frames.len()).enumerate();
    let nearest = |(row, cosines): (usize, &[f32])| {
        let others = (0..frames.len()).filter(|other| *other != row);
        others.max_by(|a, b| cosines[*a].total_cmp(&cosines[*b])).unwrap()
    };
    rows.filter(|(row, cosines)| frames[nearest((*row, cosines))].0 != frames[*row].0).count()
}

#[test]
fn the_short_last_batch_is_trained_on_and_a_recipe_can_leave_it_out() {
    let data = blocks(7, 2);
    for (drop_last, expected) in [(false, vec![8, 6]), (true, vec![8])] {
        let keys = format!("[train]\nbatch = 4\nwatch_fraction = 0.0\ndrop_last = {drop_last}\n");
        let folder = tempfile::tempdir().unwrap();
        run(&data, &with(&small(1), &keys), &options(folder.path())).unwrap();
        let images = |entry| if let JournalEntry::Step(step) = entry { Some(step.images) } else { None };
        let found: Vec<usize> = journal(folder.path()).into_iter().filter_map(images).collect();
        assert_eq!(found, expected, "drop_last = {drop_last}");
        assert_eq!(RunRecord::read(folder.path()).unwrap().steps_per_epoch, expected.len() as u64);
    }
}

#[test]
fn a_batch_of_two_and_short_batches_in_parts_make_numbers_with_every_method() {
    let data = blocks(6, 2);
    for method in hico_train::recipe::MethodName::all() {
        let view = format!("view.side = {SIDE}\n");
        let train = "[train]\nbatch = 4\nmicro_batch = 3\nepochs = 2\nwarmup_epochs = 0\nwatch_fraction = 0.0\n";
        let recipe = with(&Recipe::of_method(method), &format!("{view}{train}"));
        let outcome = run(&data, &recipe, &PretrainOptions::default()).unwrap();
        assert_eq!(outcome.step, 4, "{method}");
    }
}

#[test]
fn a_batch_that_does_not_fit_is_lowered_where_that_is_asked_for_and_told() {
    let data = blocks(5, 2);
    let recipe = with(&small(1), "train.batch = 32\ntrain.watch_fraction = 0.0");
    let folder = tempfile::tempdir().unwrap();
    let options = PretrainOptions { lower_batch: true, ..options(folder.path()) };
    let mut told = None;
    let note = |event| {
        if let Event::Begin { outline, .. } = event {
            told = Some(outline);
        }
    };
    let outcome = heard(&data, &recipe, &options, Job::default(), note).unwrap();
    let told = told.unwrap();
    assert_eq!((told.batch, told.asked_batch, told.left_out, outcome.step), (5, 32, 0, 1));
    // The recipe of the run is the one that was asked for, and the run goes on with it.
    assert_eq!(hico_train::recipe_of(folder.path()).unwrap(), recipe);
    assert_eq!(run(&data, &recipe, &options).unwrap().step, 1);
    let one = run(&blocks(1, 1), &recipe, &PretrainOptions { folder: None, ..options }).unwrap_err();
    assert!(one.to_string().contains("larger than the 1 clip to train on"), "{one}");
    assert!(matches!(one, Error::BatchTooLarge { clips: 1, .. }), "{one:?}");
}

#[test]
fn a_finished_run_is_lengthened_with_the_schedule_of_its_new_length_and_never_shortened_below_what_is_done() {
    let data = blocks(4, 2);
    let recipe = with(&small(2), "train.watch_fraction = 0.0");
    let folder = tempfile::tempdir().unwrap();
    run(&data, &recipe, &options(folder.path())).unwrap();
    let longer = with(&recipe, "train.epochs = 4");
    let strict = run(&data, &longer, &options(folder.path())).unwrap_err();
    assert!(strict.to_string().contains("begun with train.epochs = 2, now asked for 4"), "{strict}");

    let by_records = PretrainOptions { by_its_records: true, ..options(folder.path()) };
    let mut warned = Vec::new();
    let note = |event| {
        if let Event::Warning(words) = event {
            warned.push(words);
        }
    };
    let outcome = heard(&data, &longer, &by_records, Job::default(), note).unwrap();
    assert_eq!((outcome.step, outcome.epochs), (8, 4));
    assert!(warned.iter().any(|words| words.contains("with 2 epochs and now has 4")), "{warned:?}");
    assert_eq!(steps(folder.path()), (0..8).collect::<Vec<_>>(), "every step once");
    let schedule = hico_train::schedule::Schedule::of(longer.train(), 2);
    for entry in journal(folder.path()) {
        if let JournalEntry::Step(step) = entry
            && step.step >= 4
        {
            assert_eq!(step.learning_rate, schedule.at(step.step));
        }
    }
    assert_eq!(hico_train::recipe_of(folder.path()).unwrap().train().epochs.get(), 4);
    let error = run(&data, &with(&recipe, "train.epochs = 3"), &by_records).unwrap_err();
    assert!(error.to_string().contains("4 epochs are begun or finished, now asked for 3"), "{error}");
    assert!(matches!(error, Error::TooFewEpochs { done: 4, .. }), "{error:?}");
}

#[test]
fn a_run_begun_by_a_version_that_wrote_the_keys_of_every_method_goes_on_as_it_was() {
    let data = blocks(10, 2);
    for name in ["recipe-moco.toml", "recipe-dino.toml", "recipe-simclr.toml"] {
        let written = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/records").join(name);
        let recipe = Recipe::of_record(&std::fs::read_to_string(&written).unwrap()).unwrap();
        let (whole, broken) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        run(&data, &recipe, &options(whole.path())).unwrap();
        let stop = AtomicBool::new(false);
        let after_the_first = |event| {
            if let Event::Step(_) = event {
                stop.store(true, Ordering::SeqCst);
            }
        };
        let stopped = heard(&data, &recipe, &options(broken.path()), Job::new(&stop), after_the_first);
        assert!(matches!(stopped, Err(Error::Interrupted)));
        std::fs::copy(&written, broken.path().join(hico_train::run_record::RECIPE_FILE)).unwrap();
        let recipe = hico_train::recipe_of(broken.path()).unwrap();
        run(&data, &recipe, &options(broken.path())).unwrap();
        assert_same(whole.path(), broken.path());
    }
}

#[test]
fn a_run_begun_before_short_batches_were_trained_on_goes_on_as_it_was() {
    let data = blocks(5, 2);
    let recipe = with(&small(2), "train.watch_fraction = 0.0\ntrain.drop_last = true");
    let (whole, broken) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    run(&data, &recipe, &options(whole.path())).unwrap();
    let stop = AtomicBool::new(true);
    let stopped = pretrain(&data, &recipe, &options(broken.path()), Job::new(&stop).silent());
    assert!(matches!(stopped, Err(Error::Interrupted)));
    let path = broken.path().join(hico_train::run_record::RECIPE_FILE);
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("drop_last = true\n", "")).unwrap();
    let recipe = hico_train::recipe_of(broken.path()).unwrap();
    assert!(recipe.train().drop_last);
    run(&data, &recipe, &options(broken.path())).unwrap();
    assert_same(whole.path(), broken.path());
}
