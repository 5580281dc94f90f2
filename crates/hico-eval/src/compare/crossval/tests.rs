//! Whole evaluations on a handful of clips.

use super::{EncoderSource, Request, cross_validate};
use crate::Error;
use crate::compare::answer::{EvalMode, Evaluation};
use crate::compare::labels::Labels;
use crate::compare::settings::ModelSelection;
use crate::compare::summary::{EntryScores, Origin, SUMMARY_FILE, Summary};
use burn::tensor::Device;
use hico_data::view::ViewRecipe;
use hico_data::{Dataset, Event, Job, Seed};
use hico_model::classifier::Trainable;
use hico_model::init::Init;
use hico_model::pretrained::{Pretrained, Seen};
use hico_model::weights::{Naming, WeightsOf, to_tensors};
use hico_model::{BackboneName, test_data};
use hico_train::finetune::{FinetuneRecipe, HeadInit};
use hico_train::model::HicoModel;
use hico_train::recipe::{HicoRecipe, Recipe};
use hico_train::run_record::RunRecord;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

/// Two folds of two groups a class, and a group without labels in each fold and in none.
fn data() -> Arc<Dataset> {
    let rows = [
        ("a", Some(0), 0),
        ("b", Some(1), 0),
        ("c", Some(0), 0),
        ("d", Some(1), 0),
        ("e", Some(0), 1),
        ("f", Some(1), 1),
        ("g", Some(0), 1),
        ("h", Some(1), 1),
        ("u", None, 0),
        ("v", None, 1),
    ];
    Arc::new(test_data::spots(&rows))
}

fn request(folder: PathBuf) -> Request {
    let view = ViewRecipe { side: 32, ..ViewRecipe::default() };
    let recipe =
        FinetuneRecipe { epochs: 1, frames_per_clip: 1, inner_fraction: 0.4, view, ..FinetuneRecipe::default() };
    Request { recipe, ..Request::new(folder) }
}

fn run(request: &Request) -> Summary {
    cross_validate(&data(), request, Job::default()).unwrap()
}

/// The summary without what a clock wrote.
fn timeless(mut summary: Summary) -> Summary {
    summary.origin = Origin::default();
    summary.seconds = 0.0;
    let scores =
        summary.tables.iter_mut().flat_map(|table| &mut table.entries).filter_map(|entry| entry.scores.as_mut());
    scores.for_each(|scores| scores.seconds = 0.0);
    summary
}

fn scores<'a>(summary: &'a Summary, evaluation: EvalMode, method: &str) -> &'a EntryScores {
    let table = summary.tables.iter().find(|table| table.evaluation == evaluation).unwrap();
    table.entries.iter().find(|entry| entry.method == method).unwrap().scores.as_ref().unwrap()
}

fn inside(folder: &Path) -> Request {
    let recipe = "[view]\nside = 32\n[train]\nepochs = 1\nbatch = 3\nwarmup_epochs = 0\nwatch_fraction = 0.2";
    let encoder = EncoderSource::Inside(Box::new(Recipe::parse(recipe).unwrap()));
    let model_selection = ModelSelection::InnerValidation;
    Request { encoder, published: true, model_selection, ..request(folder.to_owned()) }
}

#[test]
fn an_interrupted_evaluation_goes_on_to_the_figures_of_an_unbroken_one() {
    let folder = tempfile::tempdir().unwrap();
    let (unbroken, broken) = (folder.path().join("unbroken"), folder.path().join("broken"));
    let (seen, notes) = (Mutex::new(Vec::new()), Mutex::new(Vec::new()));
    let listen = |event: Event| match event {
        Event::Progress { done, total, .. } => seen.lock().unwrap().push((done, total)),
        Event::Note(words) => notes.lock().unwrap().push(words),
        refused @ Event::Refused { .. } => panic!("{refused:?}"),
    };
    let expected = cross_validate(&data(), &inside(&unbroken), Job::default().telling(&listen));
    let expected = timeless(expected.unwrap());
    let (seen, notes) = (seen.into_inner().unwrap(), notes.into_inner().unwrap());
    assert!(seen.is_sorted() && seen.last() == Some(&(16, 16)), "{seen:?}");
    assert!(notes.len() == 2 && notes[0].starts_with("fold 0: pretraining on "), "{notes:?}");

    // Stopped while the second fold trains from scratch; what was done before must not be done again.
    let stop = AtomicBool::new(false);
    let in_fold_1 = |event: Event| match event {
        Event::Progress { what, .. } if what.starts_with("fold 1") && what.ends_with("random, linear-probe") => {
            stop.store(true, Ordering::Relaxed);
        }
        _ => {}
    };
    let outcome = cross_validate(&data(), &inside(&broken), Job::new(&stop).telling(&in_fold_1));
    assert!(matches!(outcome, Err(Error::Interrupted)));
    assert!(!broken.join(SUMMARY_FILE).exists());
    let modified = || {
        std::fs::metadata(broken.join("cells/hico--data-fold0--seed1--labels-all.json")).unwrap().modified().unwrap()
    };
    let kept = modified();
    assert_eq!(timeless(run(&inside(&broken))), expected);
    assert_eq!(modified(), kept);
    let tables = |folder: &Path| -> Vec<(PathBuf, Vec<u8>)> {
        let entries = std::fs::read_dir(folder.join("predictions/data")).unwrap().map(|entry| entry.unwrap());
        let mut tables: Vec<_> =
            entries.map(|entry| (entry.file_name().into(), std::fs::read(entry.path()).unwrap())).collect();
        tables.sort();
        tables
    };
    assert_eq!(tables(&unbroken), tables(&broken));
    assert_eq!(tables(&unbroken).len(), 2 * 2 + 3);
    let written: Summary = serde_json::from_str(&std::fs::read_to_string(broken.join(SUMMARY_FILE)).unwrap()).unwrap();
    assert_eq!(timeless(written), expected);
    assert!(!broken.join("work").join("hico--data-fold0--seed1--labels-all").exists());

    inner_pretraining_saw_no_tested_group(&expected, &unbroken);
    every_method_is_tested_on_the_same_clips(&expected);

    let other = Request { trainable: Trainable::Head, ..inside(&unbroken) };
    let error = cross_validate(&data(), &other, Job::default()).unwrap_err();
    assert!(error.to_string().contains("trainable = \"all\", now asked for \"head\""), "{error}");
}

fn inner_pretraining_saw_no_tested_group(summary: &Summary, folder: &Path) {
    for (fold, tested, free) in [(0, ["a", "b", "c", "d", "u"], "v"), (1, ["e", "f", "g", "h", "v"], "u")] {
        let record = RunRecord::read(&folder.join(format!("pretrain/fold-{fold}-seed-1"))).unwrap();
        let mut saw = record.groups.iter().chain(&record.val_groups);
        assert!(!saw.clone().any(|group| tested.contains(&group.as_str())), "{record:?}");
        assert!(saw.any(|group| group == free), "clips without a label may be pretrained on");
    }
    let entries = summary.tables.iter().flat_map(|table| &table.entries);
    assert!(entries.filter_map(|entry| entry.scores.as_ref()).all(|scores| scores.seen_groups().is_empty()));
    assert_eq!(summary.pretraining.len(), 2);
    assert_eq!(summary.data[0].pretrained_on, "the training groups of each fold");
}

fn every_method_is_tested_on_the_same_clips(summary: &Summary) {
    let data = &summary.data[0];
    assert_eq!((data.tested_clips, data.tested_groups.len(), data.unlabelled), (8, 8, 2));
    assert!(data.classes.iter().all(|class| (class.clips, class.tested_groups) == (4, 4)));
    let kinds: Vec<Evaluation> = summary.tables.iter().map(|table| table.evaluation).collect();
    assert_eq!(kinds, [EvalMode::LinearProbe, EvalMode::Finetune].map(Evaluation::from));
    for table in &summary.tables {
        let names: Vec<&str> = table.asked().map(|entry| entry.method.as_str()).collect();
        assert_eq!(names, ["random", "hico", "majority", "thumbnails", "confounders"]);
        for entry in &table.entries {
            let scores = entry.scores.as_ref().unwrap();
            let units = [&scores.scores.patient, &scores.scores.clip, &scores.scores.frame].map(|unit| unit.count);
            assert_eq!(units, [8; 3], "{}", entry.method);
            let by_epochs =
                table.evaluation == EvalMode::Finetune && ["random", "hico"].contains(&entry.method.as_str());
            assert_eq!(scores.published.is_some(), by_epochs, "{}", entry.method);
            assert_eq!(scores.calibration.is_some(), by_epochs, "{}", entry.method);
            assert!(scores.runs.iter().all(|run| run.chosen_epoch.is_some() == by_epochs));
        }
        assert_eq!(table.comparisons.len(), 4);
    }
    assert!(summary.tests <= 8);
}

#[test]
fn a_tested_group_that_pretraining_saw_is_named_and_warned_about() {
    let model =
        HicoModel::new(BackboneName::RESNET18, &HicoRecipe::default(), 32, 2, &Init::new(&Device::flex(), Seed(1)));
    let seen = Seen::Groups { groups: ["f", "x"].map(str::to_owned).into(), data: data().manifest().hash(), all: true };
    let tensors = to_tensors(&model, Naming::Ours);
    let pretrained =
        Pretrained::from_tensors("hico", "a test".into(), None, seen, tensors, &WeightsOf::Online).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let cheap = Request {
        encoder: EncoderSource::Given(Arc::new(pretrained.clone())),
        trainable: Trainable::Head,
        random: false,
        ..request(folder.path().join("known"))
    };
    let summary = run(&cheap);
    for evaluation in [EvalMode::LinearProbe, EvalMode::Finetune] {
        let seen = |method: &str| -> Vec<Vec<String>> {
            scores(&summary, evaluation, method).runs.iter().map(|run| run.seen_groups.clone()).collect()
        };
        assert_eq!(seen("hico"), [vec![], vec!["f".to_owned()]]);
        assert_eq!(seen("thumbnails"), [vec![], Vec::<String>::new()]);
    }
    assert!(summary.warnings.iter().any(|warning| warning.starts_with("hico: its pretraining saw 1 of")));

    let mut unknown = pretrained;
    unknown.seen = Seen::Unknown;
    let unknown = EncoderSource::Given(Arc::new(unknown));
    let folder = folder.path().join("unknown");
    let summary = run(&Request { encoder: unknown, folds: Some(vec![0]), probe: false, folder, ..cheap });
    assert!(summary.warnings.iter().any(|warning| warning.contains("do not say which groups")));
    assert_eq!(summary.data[0].folds, [0]);
}

#[test]
fn few_labels_are_learnt_from_and_every_training_group_where_nothing_is_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let groups = |summary: &Summary, evaluation: EvalMode, method: &str| -> Vec<[usize; 3]> {
        scores(summary, evaluation, method).runs.iter().map(|run| run.groups).collect()
    };
    let (probe, finetune) = (EvalMode::LinearProbe, EvalMode::Finetune);
    let head = |name: &str| Request { scratch: Trainable::Head, ..request(folder.path().join(name)) };
    let whole = run(&head("whole"));
    for (evaluation, name) in [(probe, "majority"), (finetune, "confounders"), (probe, "random"), (finetune, "random")]
    {
        assert_eq!(groups(&whole, evaluation, name), [[4, 0, 4]; 2], "{name}");
    }
    let few = run(&Request { labels: Labels::Groups(1), ..head("few") });
    let share = run(&Request { labels: "0.5".parse().unwrap(), ..head("share") });
    assert_eq!(groups(&few, probe, "random"), [[2, 0, 4]; 2]);
    assert_eq!(groups(&few, finetune, "thumbnails"), [[2, 0, 4]; 2]);
    // Half of two groups a class is one.
    let entries =
        |summary: Summary| timeless(summary).tables.into_iter().map(|table| table.entries).collect::<Vec<_>>();
    assert_eq!(entries(share), entries(few));
    let chosen = Request { model_selection: ModelSelection::InnerValidation, ..head("chosen") };
    let chosen = run(&chosen);
    assert_eq!(groups(&chosen, finetune, "random"), [[2, 2, 4]; 2]);
    assert_eq!(groups(&chosen, probe, "random"), [[4, 0, 4]; 2]);
}

#[test]
fn a_network_from_random_weights_begins_with_a_random_head_whatever_is_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let entries = |name: &str, head_init: HeadInit| -> Vec<_> {
        let request = request(folder.path().join(name));
        let recipe = FinetuneRecipe { head_init, ..request.recipe.clone() };
        let request = Request { recipe, scratch: Trainable::Head, folds: Some(vec![0]), probe: false, ..request };
        timeless(run(&request)).tables.into_iter().map(|table| table.entries).collect()
    };
    assert_eq!(entries("probed", HeadInit::LinearProbe), entries("random", HeadInit::Random));
}

#[test]
fn nothing_to_do_and_folds_that_do_not_do_are_refused_before_anything_runs() {
    let folder = tempfile::tempdir().unwrap();
    let request = || request(folder.path().join("out"));
    let refused = |request: Request, data: &Arc<Dataset>| {
        let tell = |event: Event| panic!("it ran: {event:?}");
        cross_validate(data, &request, Job::default().telling(&tell)).unwrap_err()
    };
    assert!(refused(Request { seeds: Vec::new(), ..request() }, &data()).to_string().contains("no seed"));
    let twice = refused(Request { seeds: vec![3, 3], ..request() }, &data());
    assert!(twice.to_string().contains("seed 3 is asked for twice"), "{twice}");
    let error = refused(Request { folds: Some(vec![0, 9]), ..request() }, &data());
    assert!(error.to_string().contains("there is no fold 9"), "{error}");
    assert!(matches!(error, Error::Train(hico_train::Error::UnknownFold { fold: 9, .. })), "{error:?}");
    let mut manifest = data().manifest().clone();
    manifest.rows.iter_mut().for_each(|row| row.fold = None);
    let clips = (0..data().len()).map(|clip| data().read_clip(clip).unwrap()).collect();
    let error = refused(request(), &Arc::new(Dataset::in_memory(manifest, clips)));
    assert!(error.to_string().contains("no folds yet"), "{error}");
    assert!(matches!(error, Error::Train(hico_train::Error::Data(hico_data::Error::NoFolds))), "{error:?}");
}
