//! What holds for every method: it learns, stopping and threads change nothing, and all begin alike.

use super::{assert_same, blocks, heard, options, run, small, with};
use burn::tensor::Device;
use hico_data::{Dataset, Job, Seed};
use hico_model::init::Init;
use hico_model::pretrained::Seen;
use hico_model::weights::{self, NamedTensor, Naming, WeightsOf};
use hico_model::{BackboneName, BackboneNetwork};
use hico_train::checkpoint::LAST_FILE;
use hico_train::init_weights::InitWeights;
use hico_train::keep::kept_after;
use hico_train::method::{Hico, MethodName, MethodRecipe, Moco, SimClr, Ucl};
use hico_train::pretrained;
use hico_train::recipe::{Recipe, Supervision};
use hico_train::{Error, Event, PretrainOptions};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Of the runs that learn.
const EPOCHS: usize = 24;

/// The same views and temperature for all, that of HiCo, and a queue that is soon full.
fn recipe(method: MethodName, epochs: usize) -> Recipe {
    let recipe = small(epochs).with_method(MethodRecipe::of(method));
    let own = match method.name() {
        "moco" => "temperature = 0.5\nqueue = 6",
        // Clips of three frames have far ones where pairs are neighbours.
        "ucl" => "temperature = 0.5\nnegatives = 6\n[view]\npair_within = 0.03",
        "ivpp" => "temperature = 0.5",
        "dino" => "student_temperature = 0.5",
        _ => "",
    };
    with(&recipe, &format!("[method]\n{own}"))
}

/// HiCo with what goes beyond its paper.
const MORE: &str = "hico and more";

/// Every method, and HiCo with what goes beyond its paper.
fn recipes(epochs: usize) -> Vec<(String, Recipe)> {
    let methods = MethodName::all().into_iter().map(|method| (method.to_string(), recipe(method, epochs)));
    let own =
        "decoupled = true\ndense_weight = 1.0\nteacher_weight = 0.5\nlocal_crops = true\ncross_weights = [1.0, 0.5]\n";
    let more = format!("[method]\n{own}[view]\naligned_mix = true\npair_within = 0.2\n[train]\nweight_average = 0.9\n");
    methods.chain([(MORE.to_owned(), with(&recipe(MethodName::of::<Hico>(), epochs), &more))]).collect()
}

fn backbone(path: &Path) -> Vec<NamedTensor> {
    let encoder = pretrained::read(path).unwrap().encoder(&Device::flex()).unwrap();
    weights::to_tensors(&encoder.backbone, Naming::Ours)
}

#[test]
fn stopped_and_resumed_on_any_number_of_threads_every_method_ends_alike() {
    let data = blocks(8, 2);
    for (method, recipe) in recipes(2) {
        let folders = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let [whole, broken] = folders.each_ref().map(|folder| folder.path());
        let nothing = |_: Event| ();
        heard(&data, &recipe, &options(whole), Job::default().with_threads(2), nothing).unwrap();
        let stop = AtomicBool::new(false);
        let after_the_second = |event: Event| {
            if matches!(&event, Event::Step(step) if step.step == 1) {
                stop.store(true, Ordering::SeqCst);
            }
        };
        let one_thread = Job::new(&stop).with_threads(1);
        let stopped = heard(&data, &recipe, &options(broken), one_thread, after_the_second);
        assert!(matches!(stopped, Err(Error::Interrupted)), "{method}");
        heard(&data, &recipe, &options(broken), Job::default().with_threads(1), nothing).unwrap();
        assert_same(whole, broken);
    }
}

#[test]
fn every_method_begins_at_the_same_backbone_moves_it_and_makes_its_loss_smaller() {
    let data = blocks(8, 2);
    let mut beginnings: Vec<Vec<NamedTensor>> = Vec::new();
    for (method, recipe) in recipes(EPOCHS) {
        let train = "[train]\nbatch = 4\nwatch_fraction = 0.0\n";
        // Without mixing and colours, so that what is asked hardly changes from epoch to epoch.
        let view = "[view]\nmixup = 0.0\nbrightness = 0.0\ncontrast = 0.0\nsaturation = 0.0\nhue = 0.0\n";
        let recipe = with(&recipe, &format!("{train}{view}"));
        let folder = tempfile::tempdir().unwrap();
        let options = PretrainOptions { keep_after: vec![0, EPOCHS], validate: false, ..options(folder.path()) };
        let mut losses = Vec::new();
        let note = |event: Event| {
            if let Event::Epoch(epoch) = event {
                // No student comes below its teacher's entropy, which moves as it likes: what is above is learnt.
                losses.push(epoch.losses["total"] - epoch.losses.get("teacher_entropy").unwrap_or(&0.0));
            }
        };
        heard(&data, &recipe, &options, Job::default(), note).unwrap();
        // In the first epoch MoCo's queue still holds the noise it began with, which is easily told apart; UCL is asked the harder
        // question from a sixth of the run on, where far frames come in.
        let begin = if recipe.method().name() == MethodName::of::<Ucl>() { EPOCHS / 6 } else { 1 };
        let [first, last] =
            [&losses[begin..begin + 3], &losses[EPOCHS - 3..]].map(|part| part.iter().sum::<f64>() / 3.0);
        // Contrasts end at 0.85 to 0.9 of their beginning; VICReg at 0.92: four clips cannot vary in 512 ways at once.
        assert!(last < 0.95 * first, "{method}: {losses:?}");
        let [beginning, end] = [0, EPOCHS].map(|epochs| backbone(&kept_after(folder.path(), epochs)));
        assert!(beginning != end, "{method}");
        beginnings.push(beginning);
    }
    assert!(beginnings.windows(2).all(|pair| pair[0] == pair[1]));
}

#[test]
fn every_method_begins_with_given_weights_and_so_does_its_teacher() {
    let data = blocks(8, 2);
    let given = tempfile::tempdir().unwrap();
    let path = given.path().join("resnet18.safetensors");
    let device = Device::flex();
    let init = Init::new(&device, Seed(9));
    let tensors = weights::to_tensors(&BackboneNetwork::new(&init, BackboneName::RESNET18), Naming::Ours);
    std::fs::write(&path, weights::to_safetensors(&tensors, &BTreeMap::new()).unwrap()).unwrap();
    let first = InitWeights::read(&path, &WeightsOf::Online).unwrap();
    for (name, recipe) in recipes(1) {
        let method = recipe.method().name();
        // So slow that nothing but the beginning is seen.
        let recipe = with(&recipe, "train.learning_rate = 1e-12\ntrain.weight_decay = 0.0");
        let folder = tempfile::tempdir().unwrap();
        let options =
            PretrainOptions { init_weights: Some(first.clone()), keep_after: vec![0], ..options(folder.path()) };
        run(&data, &recipe, &options).unwrap();
        assert_eq!(backbone(&kept_after(folder.path(), 0)), tensors, "{method}");
        let mut followed = 0;
        for tensor in weights::read(&folder.path().join(LAST_FILE)).unwrap() {
            // Running statistics are the student's, which moved.
            let Some(name) = tensor.name.strip_prefix("method.teacher.encoder.backbone.") else { continue };
            let Some(begun) = tensors.iter().find(|begun| begun.name == name && !name.contains("running")) else {
                continue;
            };
            let apart = begun.values.iter().zip(&tensor.values).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            assert!(apart < 1e-6, "{method}: {name} is {apart} away");
            followed += 1;
        }
        let taught = matches!(method.name(), "moco" | "byol" | "dino" | "ucl" | "latent");
        assert_eq!(followed > 0, taught || name == MORE, "{name}");
        let other = run(&data, &recipe, &PretrainOptions { init_weights: None, ..options }).unwrap_err().to_string();
        assert!(other.contains("first weights") && other.contains("random"), "{other}");
    }
}

#[test]
fn two_clips_of_a_patient_are_a_pair_where_a_patient_has_two() {
    let alone = blocks(8, 2);
    let mut manifest = alone.manifest().clone();
    for (clip, row) in manifest.rows.iter_mut().enumerate() {
        row.group = format!("patient-{}", clip / 2);
    }
    let clips = (0..8).map(|clip| alone.read_clip(clip).unwrap()).collect();
    let paired = Arc::new(Dataset::in_memory(manifest, clips));
    let of = |data: &Arc<Dataset>, rate: f64, threads: usize| {
        let recipe = with(&recipe(MethodName::of::<SimClr>(), 1), &format!("[view]\npair_across_clips = {rate}\n"));
        let folder = tempfile::tempdir().unwrap();
        let mut warnings = Vec::new();
        let note = |event: Event| {
            if let Event::Warning(message) = event {
                warnings.push(message);
            }
        };
        heard(data, &recipe, &options(folder.path()), Job::default().with_threads(threads), note).unwrap();
        (backbone(folder.path()), warnings)
    };
    let (across, warnings) = of(&paired, 1.0, 2);
    assert!(warnings.is_empty(), "{warnings:?}");
    assert!(across == of(&paired, 1.0, 1).0, "the number of threads changes nothing");
    assert!(across != of(&paired, 0.0, 1).0);
    let (lonely, warnings) = of(&alone, 1.0, 1);
    assert!(lonely == of(&alone, 0.0, 1).0);
    assert_eq!(warnings, ["no group has two clips: pair_across_clips changes nothing"]);
}

#[test]
fn the_average_of_the_weights_is_kept_in_place_of_the_newest() {
    let data = blocks(8, 2);
    let of = |decay: f64| {
        let keys = format!("[train]\nweight_average = {decay}\nwatch_fraction = 0.0\n");
        let folder = tempfile::tempdir().unwrap();
        run(&data, &with(&recipe(MethodName::of::<Moco>(), 2), &keys), &options(folder.path())).unwrap();
        let last = weights::read(&folder.path().join(LAST_FILE)).unwrap();
        (backbone(folder.path()), last)
    };
    let numbers = |tensors: &[NamedTensor], prefix: &str| -> BTreeMap<String, Vec<f32>> {
        let own = |tensor: &NamedTensor| Some((tensor.name.strip_prefix(prefix)?.to_owned(), tensor.values.clone()));
        tensors.iter().filter_map(own).collect()
    };
    let ((kept, newest), (plain, same)) = (of(0.5), of(0.0));
    // What is trained is the same, whatever is kept.
    let trained = numbers(&newest, "encoder.backbone.");
    assert!(!trained.is_empty() && trained == numbers(&same, "encoder.backbone."));
    let average = numbers(&newest, "method.average.encoder.backbone.");
    assert!(!average.is_empty() && average == numbers(&kept, ""));
    assert!(numbers(&plain, "") == trained && numbers(&kept, "") != trained);
}

#[test]
fn a_run_that_begins_with_weights_has_seen_what_they_had_seen() {
    let data = blocks(8, 2);
    let recipe = recipe(MethodName::of::<SimClr>(), 1);
    let [before, after] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    run(&data, &recipe, &PretrainOptions { holdout_fold: Some(0), ..options(before.path()) }).unwrap();
    for beginning in [before.path().to_owned(), before.path().join(LAST_FILE)] {
        let folder = after.path().join(beginning.file_name().unwrap());
        let first = Some(InitWeights::read(&beginning, &WeightsOf::Online).unwrap());
        run(&data, &recipe, &PretrainOptions { init_weights: first, holdout_fold: Some(1), ..options(&folder) })
            .unwrap();
        let Seen::Groups { groups, all, .. } = pretrained::read(&folder).unwrap().seen else {
            panic!("nothing is known")
        };
        assert_eq!((groups.len(), all), (8, true), "those of either fold: {groups:?}");
    }
    // A file without a history may have seen anybody.
    let path = after.path().join("elsewhere.safetensors");
    let encoder = pretrained::read(before.path()).unwrap().encoder(&Device::flex()).unwrap();
    let tensors = weights::to_tensors(&encoder.backbone, Naming::Ours);
    std::fs::write(&path, weights::to_safetensors(&tensors, &BTreeMap::new()).unwrap()).unwrap();
    let (first, folder) = (InitWeights::read(&path, &WeightsOf::Online).unwrap(), after.path().join("last"));
    run(&data, &recipe, &PretrainOptions { init_weights: Some(first), holdout_fold: Some(1), ..options(&folder) })
        .unwrap();
    let Seen::Groups { groups, all, .. } = pretrained::read(&folder).unwrap().seen else { panic!("nothing is known") };
    assert_eq!((groups.len(), all), (4, false));
}

/// A queue that begins as noise, and teachers that move, make the first loss the lowest.
#[test]
fn the_last_network_is_kept_where_losses_cannot_be_compared_and_the_best_elsewhere() {
    let data = blocks(8, 2);
    for method in [MethodName::of::<Moco>(), MethodName::of::<SimClr>()] {
        // At the second epoch the rate is so large that what follows is worse on the validation clips.
        let keys = "[train]\nlearning_rate = 0.05\nschedule = \"constant\"\nwarmup_epochs = 0\n";
        let recipe = with(&recipe(method, 4), keys);
        let folder = tempfile::tempdir().unwrap();
        let mut losses = Vec::new();
        let note = |event: Event| {
            if let Event::Epoch(epoch) = event {
                losses.push(epoch.health.val_loss.unwrap());
            }
        };
        let outcome = heard(&data, &recipe, &options(folder.path()), Job::default(), note).unwrap();
        let lowest = (0..losses.len()).min_by(|a, b| losses[*a].total_cmp(&losses[*b])).unwrap();
        let expected = if method == MethodName::of::<Moco>() { 3 } else { lowest };
        assert_eq!(outcome.best.unwrap().epoch, expected, "{method}: {losses:?}");
        if method == MethodName::of::<Moco>() {
            assert!(lowest < 3, "a case in which it matters: {losses:?}");
        }
    }
}

#[test]
fn a_method_that_cannot_read_labels_is_self_supervised_and_has_no_pyramid() {
    let data = blocks(8, 2);
    let recipe = recipe(MethodName::of::<SimClr>(), 1);
    let folder = tempfile::tempdir().unwrap();
    let outcome = run(&data, &recipe, &options(folder.path())).unwrap();
    assert_eq!(outcome.record.supervision, Supervision::SelfOnly);
    let pretrained = pretrained::read(folder.path()).unwrap();
    assert_eq!((pretrained.name.as_str(), pretrained.has_pyramid()), ("simclr", false));
}
