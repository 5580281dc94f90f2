//! Whole evaluations on a handful of clips.

use super::{Contender, EvaluateError, Progress, Request, cross_validate};
use crate::compare::labels::Labels;
use crate::compare::settings::ModelSelection;
use crate::evaluate::classifier::Trainable;
use crate::evaluate::finetune::FinetuneRecipe;
use crate::evaluate::outcome::{EVALUATION_FILE, Evaluation, Role};
use crate::evaluate::pretrained::{Pretrained, Seen};
use crate::evaluate::test_data;
use crate::model::HicoModel;
use crate::model::init::Init;
use crate::model::weights::{Naming, WeightsOf, to_tensors};
use crate::recipe::{Depth, HicoRecipe, Recipe};
use crate::train::run_record::RunRecord;
use burn::tensor::Device;
use hico_data::view::ViewRecipe;
use hico_data::{Dataset, Seed};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

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

fn run(request: &Request) -> Evaluation {
    cross_validate(&data(), request, &mut |_| {}, &AtomicBool::new(false)).unwrap()
}

/// The evaluation without what a clock wrote.
fn timeless(mut evaluation: Evaluation) -> Evaluation {
    evaluation.finished.clear();
    evaluation.seconds = 0.0;
    evaluation
}

fn inside(folder: &Path) -> Request {
    let recipe = "[view]\nside = 32\n[train]\nepochs = 1\nbatch = 3\nwarmup_epochs = 0\nwatch_fraction = 0.2";
    let contender = Contender::Inside(Box::new(Recipe::parse(recipe).unwrap()));
    let model_selection = ModelSelection::InnerValidation;
    Request { contender, published: true, model_selection, ..request(folder.to_owned()) }
}

#[test]
fn an_interrupted_evaluation_goes_on_to_the_figures_of_an_unbroken_one() {
    let folder = tempfile::tempdir().unwrap();
    let (unbroken, broken) = (folder.path().join("unbroken"), folder.path().join("broken"));
    let mut seen = Vec::new();
    let expected =
        cross_validate(&data(), &inside(&unbroken), &mut |progress| seen.push(progress), &AtomicBool::new(false));
    let expected = timeless(expected.unwrap());
    assert!(seen.windows(2).all(|pair| pair[0].done <= pair[1].done), "{seen:?}");
    assert_eq!(seen.last().map(|last| (last.done, last.total)), Some((16, 16)));

    // Stopped while the second fold trains from scratch; what was done before must not be done again.
    let stop = AtomicBool::new(false);
    let outcome = cross_validate(
        &data(),
        &inside(&broken),
        &mut |Progress { what, .. }| {
            if what.starts_with("fold 1") && what.ends_with("random, linear-probe") {
                stop.store(true, Ordering::Relaxed);
            }
        },
        &stop,
    );
    assert!(matches!(outcome, Err(EvaluateError::Interrupted)));
    assert!(!broken.join(EVALUATION_FILE).exists());
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
    let written: Evaluation =
        serde_json::from_str(&std::fs::read_to_string(broken.join(EVALUATION_FILE)).unwrap()).unwrap();
    assert_eq!(written.candidates.len(), 7);
    assert!(!broken.join("work").join("hico--data-fold0--seed1--labels-all").exists());

    inner_pretraining_saw_no_tested_group(&expected, &unbroken);
    every_candidate_is_judged_on_the_same_clips(&expected);

    let other = Request { trainable: Trainable::Head, ..inside(&unbroken) };
    let error = cross_validate(&data(), &other, &mut |_| {}, &AtomicBool::new(false)).unwrap_err();
    assert!(error.to_string().contains("trainable = \"all\", now asked for \"head\""), "{error}");
}

fn inner_pretraining_saw_no_tested_group(evaluation: &Evaluation, folder: &Path) {
    for (fold, tested, free) in [(0, ["a", "b", "c", "d", "u"], "v"), (1, ["e", "f", "g", "h", "v"], "u")] {
        let record = RunRecord::read(&folder.join(format!("pretrain/fold-{fold}-seed-1"))).unwrap();
        let mut saw = record.groups.iter().chain(&record.watched_groups);
        assert!(!saw.clone().any(|group| tested.contains(&group.as_str())), "{record:?}");
        assert!(saw.any(|group| group == free), "clips without a label may be pretrained on");
    }
    let runs = evaluation.candidates.iter().flat_map(|candidate| &candidate.runs);
    assert!(runs.clone().all(|run| run.contaminated_groups.is_empty()));
    assert!(evaluation.protocol.pretrained_inside);
}

fn every_candidate_is_judged_on_the_same_clips(evaluation: &Evaluation) {
    for candidate in &evaluation.candidates {
        let tested: Vec<&str> =
            candidate.runs.iter().flat_map(|run| &run.clips_tested).map(|clip| clip.clip.as_str()).collect();
        let labelled: Vec<String> = (0..8).map(|clip| format!("clip-{clip:02}")).collect();
        assert_eq!(tested, labelled, "{}", candidate.name);
        let trained_by_epochs = ["scratch", "hico"].contains(&candidate.name.as_str());
        assert_eq!(candidate.published.is_some(), trained_by_epochs, "{}", candidate.name);
        assert!(candidate.runs.iter().all(|run| run.chosen_epoch.is_some() == trained_by_epochs));
    }
    let [contenders, floors] = [Role::Contender, Role::Floor]
        .map(|role| evaluation.candidates.iter().filter(|candidate| candidate.role == role).count());
    assert_eq!((contenders, floors, evaluation.comparisons.len()), (2, 5, 10));
}

#[test]
fn a_tested_group_that_pretraining_saw_is_named_and_warned_about() {
    let model = HicoModel::new(Depth::R18, &HicoRecipe::default(), 32, 2, &Init::new(&Device::flex(), Seed(1)));
    let seen = Seen::Groups { groups: ["f", "x"].map(str::to_owned).into(), data: data().manifest().hash(), all: true };
    let tensors = to_tensors(&model, Naming::Ours);
    let pretrained =
        Pretrained::from_tensors("hico", "a test".into(), None, seen, tensors, &WeightsOf::Online).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let cheap = Request {
        contender: Contender::Given(Arc::new(pretrained.clone())),
        trainable: Trainable::Head,
        random: false,
        ..request(folder.path().join("known"))
    };
    let evaluation = run(&cheap);
    let contaminated = |name: &str| -> Vec<Vec<String>> {
        let candidate = evaluation.candidates.iter().find(|candidate| candidate.name == name).unwrap();
        candidate.runs.iter().map(|run| run.contaminated_groups.clone()).collect()
    };
    assert_eq!(contaminated("hico"), [vec![], vec!["f".to_owned()]]);
    assert_eq!(contaminated("hico-probe"), [vec![], vec!["f".to_owned()]]);
    assert_eq!(contaminated("thumbnails"), [vec![], Vec::<String>::new()]);
    assert!(evaluation.warnings.iter().any(|warning| warning.starts_with("hico: its pretraining saw 1 of")));

    let mut unknown = pretrained;
    unknown.seen = Seen::Unknown;
    let unknown = Contender::Given(Arc::new(unknown));
    let folder = folder.path().join("unknown");
    let evaluation = run(&Request { contender: unknown, folds: Some(vec![0]), probe: false, folder, ..cheap });
    assert!(evaluation.warnings.iter().any(|warning| warning.contains("do not say which groups")));
    assert_eq!(evaluation.protocol.folds, [0]);
}

#[test]
fn few_labels_are_learnt_from_and_every_training_group_where_nothing_is_chosen() {
    let folder = tempfile::tempdir().unwrap();
    let groups = |evaluation: &Evaluation, name: &str| -> Vec<[usize; 3]> {
        let candidate = evaluation.candidates.iter().find(|candidate| candidate.name == name).unwrap();
        candidate.runs.iter().map(|run| run.groups).collect()
    };
    let head = |name: &str| Request { scratch: Trainable::Head, ..request(folder.path().join(name)) };
    let whole = run(&head("whole"));
    for name in ["majority", "confounders", "random-encoder", "scratch"] {
        assert_eq!(groups(&whole, name), [[4, 0, 4]; 2], "{name}");
    }
    assert_eq!(whole.protocol.inner_fraction, 0.0);
    let few = run(&Request { labels: Labels::Groups(1), ..head("few") });
    let share = run(&Request { labels: "0.5".parse().unwrap(), ..head("share") });
    assert_eq!(groups(&few, "random-encoder"), [[2, 0, 4]; 2]);
    assert_eq!(groups(&few, "thumbnails"), [[2, 0, 4]; 2]);
    // Half of two groups a class is one.
    assert_eq!(timeless(share).candidates, timeless(few).candidates);
    let chosen = Request { model_selection: ModelSelection::InnerValidation, ..head("chosen") };
    let chosen = run(&chosen);
    assert_eq!(groups(&chosen, "scratch"), [[2, 2, 4]; 2]);
    assert_eq!(groups(&chosen, "random-encoder"), [[4, 0, 4]; 2]);
    assert_eq!(chosen.protocol.inner_fraction, 0.4);
}

#[test]
fn nothing_to_do_and_folds_that_do_not_do_are_refused_before_anything_runs() {
    let folder = tempfile::tempdir().unwrap();
    let request = || request(folder.path().join("out"));
    let refused = |request: Request, data: &Arc<Dataset>| {
        let error = cross_validate(data, &request, &mut |_| panic!("it ran"), &AtomicBool::new(false)).unwrap_err();
        (error.to_string(), error.hint().unwrap_or_default())
    };
    assert!(refused(Request { seeds: Vec::new(), ..request() }, &data()).0.contains("no seed"));
    assert!(refused(Request { seeds: vec![3, 3], ..request() }, &data()).0.contains("seed 3 is asked for twice"));
    let (error, hint) = refused(Request { folds: Some(vec![0, 9]), ..request() }, &data());
    assert!(error.contains("there is no fold 9") && hint.contains("hico inspect"), "{error} {hint}");
    let mut manifest = data().manifest().clone();
    manifest.rows.iter_mut().for_each(|row| row.fold = None);
    let clips = (0..data().len()).map(|clip| data().read_clip(clip).unwrap()).collect();
    let (error, hint) = refused(request(), &Arc::new(Dataset::in_memory(manifest, clips)));
    assert!(error.contains("no folds yet") && hint.contains("hico split"), "{error} {hint}");
}
