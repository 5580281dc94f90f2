//! A whole study on small data in memory.

use super::answer::{Answer, EvalMode, Evaluation};
use super::cell;
use super::grid::{Cell, Trained, cells};
use super::labels::Labels;
use super::options::Options;
use super::study::{Budget, Study};
use super::summarise::summarise;
use crate::{Error, StudyPart};
use burn::tensor::Device;
use hico_data::{Dataset, Event, Job, Seed};
use hico_model::device::DeviceChoice;
use hico_model::init::Init;
use hico_model::weights::{self, Naming};
use hico_model::{BackboneName, BackboneNetwork, FeatureSet, test_data};
use hico_train::plan::groups_of;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

pub(super) const STUDY: &str = r#"
title = "Spots"
seeds = [1, 2]
compare = [["self", "random"]]

[budget]
images = 24

[evaluation]
knn = ["all"]
probe = ["all", 1]
finetune = ["all"]
baselines = false
frames_per_clip = 2
finetune_steps = 2
curve_points = 1

[recipe]
view.side = 32
train.batch = 4

[[data]]
name = "spots"
folder = "spots"

[[data]]
name = "other"
folder = "other"
pretrain = "spots"
folds = [1]

[[method]]
name = "random"

[[method]]
name = "self"
recipe = "hico.toml"
set.method.supervision = "self"

[[method]]
name = "semi"
recipe = "hico.toml"
ablates = "self"
"#;

pub(super) fn read(text: &str) -> Result<Study, String> {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("hico.toml"), "").unwrap();
    let path = folder.path().join("study.toml");
    std::fs::write(&path, text).unwrap();
    Study::read(&path).map_err(|error| error.to_string())
}

/// Two folds, three groups of each class in both.
pub(super) fn spots() -> Arc<Dataset> {
    let groups = ["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l"];
    let rows: Vec<_> = groups.iter().enumerate().map(|(at, group)| (*group, Some(at % 2), at / 6)).collect();
    Arc::new(test_data::spots(&rows))
}

fn options(folder: &Path) -> Options {
    Options { device: DeviceChoice::Cpu, ..Options::new(folder.to_owned()) }
}

pub(super) fn run(study: &Study, data: &[Arc<Dataset>], cell: &Cell, folder: &Path) -> Result<Vec<Answer>, Error> {
    cell::run(study, data, cell, &options(folder), Job::default())
}

#[test]
fn the_grid_asks_everything_once_and_no_label_beyond_the_budget() {
    let study = read(STUDY).unwrap();
    let data = [spots(), spots()];
    let cells = cells(&study, &data).unwrap();
    let names: Vec<&str> = cells.iter().filter(|cell| cell.seed == 2).map(|cell| cell.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "random--spots-fold0--seed2",
            "self--spots-fold0--seed2",
            // It reads labels, so it is pretrained for each budget.
            "semi--spots-fold0--seed2--labels-all",
            "semi--spots-fold0--seed2--labels-1",
            "random--spots-fold1--seed2",
            "self--spots-fold1--seed2",
            "semi--spots-fold1--seed2--labels-all",
            "semi--spots-fold1--seed2--labels-1",
            // Labels of other data are no labels of the tested.
            "random--on-spots--seed2",
            "self--on-spots--seed2",
            "semi--on-spots--seed2",
        ]
    );
    assert_eq!(cells.len(), 2 * names.len());
    let fewer = read(&STUDY.replace("ablates = \"self\"", "labels = [1]")).unwrap();
    let fewer = super::grid::cells(&fewer, &data).unwrap();
    assert!(fewer.iter().all(|cell| cell.name != "semi--spots-fold0--seed2--labels-all"));
    assert_eq!(fewer.len(), cells.len() - 4);
    assert!(cells.iter().all(|cell| cell.trained != Trained::Nothing || cell.method == 0));
}

#[test]
fn a_study_runs_to_the_same_answers_stopped_or_not_and_sums_them_up() {
    let text = STUDY
        .replace("seeds = [1, 2]", "seeds = [1]")
        .replace("pretrain = \"spots\"\nfolds = [1]", "evaluated = false");
    let study = read(&text).unwrap();
    let data = [spots(), spots()];
    let cells = cells(&study, &data).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut rows = Vec::new();
    for cell in &cells {
        let found = run(&study, &data, cell, folder.path()).unwrap();
        assert_eq!(
            found,
            cell::read(&study, &data, cell, folder.path()).unwrap().unwrap(),
            "what is kept is what was found"
        );
        rows.extend(found);
    }
    assert!(
        std::fs::read_dir(folder.path().join("work")).unwrap().all(|entry| entry.unwrap().path().extension().is_some())
    );
    // Six clips of each fold are tested, so six train: batches of four and two, two views, 12 images an epoch, 2 epochs
    // for 24.
    let last = rows.iter().filter(|row| row.method == "self" && row.epochs > 0);
    assert!(last.clone().count() > 0 && last.into_iter().all(|row| (row.epochs, row.images) == (2, 24)));
    let few = rows.iter().filter(|row| row.labels == Labels::Groups(1));
    assert!(few.clone().count() == 6 && few.into_iter().all(|row| (row.groups, row.clips) == (2, 2)));
    // Before the first step every method is the random encoder.
    let of = |method: &str, epochs: usize| {
        let row = rows.iter().find(|row| {
            row.method == method
                && row.epochs == epochs
                && row.evaluation == EvalMode::LinearProbe
                && row.labels == Labels::All
                && row.fold == 1
        });
        row.unwrap().predictions.clone()
    };
    assert_eq!(of("random", 0), of("self", 0));

    // Interrupted on the way, and gone on with.
    let cell = &cells[1];
    let again = tempfile::tempdir().unwrap();
    let stop = AtomicBool::new(false);
    let notes = AtomicUsize::new(0);
    let at_the_third = |event: Event| {
        if matches!(event, Event::Note(_)) && notes.fetch_add(1, Ordering::SeqCst) == 2 {
            stop.store(true, Ordering::SeqCst);
        }
    };
    let stopped = cell::run(&study, &data, cell, &options(again.path()), Job::new(&stop).telling(&at_the_third));
    assert!(matches!(stopped, Err(Error::Interrupted)), "{stopped:?}");
    assert!(cell::read(&study, &data, cell, again.path()).unwrap().is_none());
    let gone_on = run(&study, &data, cell, again.path()).unwrap();
    let unbroken = cell::read(&study, &data, cell, folder.path()).unwrap().unwrap();
    assert_eq!(gone_on.len(), unbroken.len());
    assert!(gone_on.iter().zip(&unbroken).all(|(a, b)| a.same_answer(b)));

    let summary = summarise(&study, &data, &cells, &rows, cells.len());
    assert_eq!(summary.tables.len(), 4);
    let table = &summary.tables[1];
    assert_eq!((table.evaluation, table.labels), (EvalMode::LinearProbe.into(), Labels::All));
    let scores = table.entries[0].scores.as_ref().unwrap();
    let by_hand = {
        let asked = |row: &&Answer| {
            row.method == "random" && row.evaluation == EvalMode::LinearProbe && row.labels == Labels::All
        };
        let mut right = [[0.0, 0.0]; 2];
        for frames in rows.iter().filter(asked).flat_map(|row| row.predictions.chunks(2)) {
            // Two frames of a clip, a clip of a patient.
            let truth = data[0].label(frames[0].clip).unwrap();
            let first = frames[0].probabilities[0] + frames[1].probabilities[0];
            right[truth][0] += f64::from(u8::from((first < 1.0) == (truth == 1)));
            right[truth][1] += 1.0;
        }
        assert_eq!([right[0][1], right[1][1]], [6.0, 6.0]);
        f64::midpoint(right[0][0] / 6.0, right[1][0] / 6.0)
    };
    assert!((scores.scores.patient.balanced_accuracy.mean - by_hand).abs() < 1e-12);
    assert_eq!(scores.scores.patient.count, 12);
    assert!((0.0..=1.0).contains(&scores.scores.patient.auc.unwrap().mean) && scores.scores.patient.log_loss.is_some());
    assert_eq!(table.comparisons.len(), 1);
    assert!(summary.ranks.is_empty(), "one data set is no eight");
    // Four tables, a comparison each: the p values are corrected together.
    let p_values: Vec<(f64, f64)> =
        summary.tables.iter().map(|table| &table.comparisons[0]).map(|c| (c.comparison.p_value, c.p_holm)).collect();
    let expected = super::tables::holm(&p_values.iter().map(|p| p.0).collect::<Vec<_>>());
    assert_eq!((summary.tests, p_values.iter().map(|p| p.1).collect::<Vec<_>>()), (4, expected));
    assert_eq!(summary.curves.len(), 2, "neighbours and probe");
    assert!(summary.curves.iter().all(|curve| curve.areas.is_empty()), "the random encoder has no curve");
    assert_eq!(summary.curves[0].lines[0].points.len(), 2);

    // With a fold missing its seed is no figure.
    let missing: Vec<Answer> = rows.iter().filter(|row| row.method != "self" || row.fold == 0).cloned().collect();
    let summary = summarise(&study, &data, &cells, &missing, cells.len() - 1);
    assert!(summary.tables[1].entries[1].scores.is_none() && summary.tables[1].comparisons.is_empty());
    assert!(summary.warnings.iter().any(|warning| warning.starts_with("1 cells")));
}

#[test]
fn pretraining_sees_no_tested_group_and_no_label_beyond_the_budget() {
    let study = read(STUDY).unwrap();
    let data = [spots(), spots()];
    let cells = cells(&study, &data).unwrap();
    let cell = cells.iter().find(|cell| cell.name == "semi--spots-fold0--seed1--labels-1").unwrap();
    let folder = tempfile::tempdir().unwrap();
    let record = OnceLock::new();
    let tell = |event: Event| {
        let Event::Note(what) = event else { return };
        if what.contains("spots, fold") {
            let path = folder.path().join("work").join(&cell.name).join("run");
            record.get_or_init(|| hico_train::run_record::RunRecord::read(&path).unwrap());
        }
    };
    cell::run(&study, &data, cell, &options(folder.path()), Job::default().telling(&tell)).unwrap();
    let record = record.into_inner().unwrap();
    let tested: Vec<usize> = (0..data[0].len()).filter(|clip| data[0].row(*clip).fold == Some(0)).collect();
    let tested = groups_of(&data[0], &tested);
    assert!(record.groups.iter().all(|group| !tested.contains(group)) && record.groups.len() == 6);
    assert_eq!(record.labelled, 2, "one group of each class");
}

#[test]
fn a_study_that_cannot_be_run_is_refused_with_its_reason() {
    let refused = |from: &str, to: &str| {
        let error = read(&STUDY.replacen(from, to, 1)).unwrap_err();
        assert_eq!(error.matches("study.toml: ").count(), 1, "{error}");
        error
    };
    assert!(refused("images = 24", "images = 24\nseconds = 1").contains("one of steps"));
    assert!(refused("probe = [\"all\", 1]", "probe = [\"most\"]").contains("known labels are"));
    assert!(refused("probe = [\"all\", 1]", "probe = [0]").contains("known labels are"));
    assert!(refused("name = \"self\"", "name = \"../self\"").contains("must be 1 to 40 of a-z"));
    assert!(refused("name = \"semi\"", "name = \"self\"").contains("twice"));
    assert!(refused("pretrain = \"spots\"", "pretrain = \"lung\"").contains("no data \"lung\""));
    assert!(refused("curve_points = 1", "look = 1").contains("look"));
    assert!(refused("set.method.supervision = \"self\"", "set.loss.temprature = 1.0").contains("temprature"));
    assert!(
        refused("compare = [[\"self\", \"random\"]]", "compare = [[\"self\", \"moco\"]]")
            .contains("no method \"moco\"")
    );
    assert!(refused("ablates = \"self\"", "ablates = \"semi\"").contains("no other method"));
    assert!(refused("train.batch = 4", "train.seed = 4").contains("recipe: train.seed has no effect in a study"));
    let set = refused("set.method.supervision", "set.train.seed = 4\nset.method.supervision");
    assert!(set.contains("set of the method self: train.seed has no effect in a study"));
}

#[test]
fn a_study_that_does_not_say_what_pretraining_may_use_up_gives_every_method_as_many_steps() {
    let with = |budget: &str| read(&STUDY.replacen("[budget]\nimages = 24\n", budget, 1));
    assert_eq!(with("").unwrap().budget, Budget::Steps(500));
    assert_eq!(with("[budget]\nepochs = \"recipe\"\n").unwrap().budget, Budget::Recipe);
    for refused in ["epochs = \"all\"", "epochs = 100", "epochs = \"recipe\"\nsteps = 3", "steps = 0"] {
        let words = with(&format!("[budget]\n{refused}\n")).unwrap_err();
        assert!(words.contains("budget: needs one of steps"), "{words}");
    }
}

#[test]
fn features_are_read_alike_by_every_method_and_from_a_pyramid_only_where_each_has_one() {
    let reading = |features: &str| STUDY.replacen("[evaluation]", &format!("[evaluation]\nfeatures = {features:?}"), 1);
    assert!(read(&reading("c6")).unwrap_err().contains("must be one of c5, c5-mean-max, stages"));
    let data = [spots(), spots()];
    let study = read(&reading("pyramid")).unwrap();
    assert!(cells(&study, &data).is_ok());
    let simclr = "recipe = \"hico.toml\"\nset.method.supervision = \"self\"";
    let with_simclr = |features: &str| read(&reading(features).replacen(simclr, "method = \"simclr\"", 1)).unwrap();
    let refused = cells(&with_simclr("pyramid"), &data).unwrap_err();
    assert_eq!(refused.to_string(), "self: has no feature pyramid to read features from");
    assert!(cells(&with_simclr("stages"), &data).is_ok());
    // The same encoder, read otherwise, says something else, in the probe and in the head.
    let both = reading("c5").replacen("\"c5\"", "[\"stages-mean-max\", \"c5\"]", 1);
    let answers = [&reading("c5"), &reading("stages-mean-max"), &both].map(|study| {
        let study = read(study).unwrap();
        let cells = cells(&study, &data).unwrap();
        let folder = tempfile::tempdir().unwrap();
        run(&study, &data, &cells[0], folder.path()).unwrap()
    });
    let of = |answers: &[Answer], evaluation| {
        let answer = answers.iter().find(|answer| answer.evaluation == evaluation && answer.labels == Labels::All);
        answer.unwrap().predictions.clone()
    };
    for evaluation in [EvalMode::LinearProbe, EvalMode::Finetune] {
        let [c5, stages] = [0, 1].map(|study: usize| of(&answers[study], evaluation.into()));
        assert!(c5.len() == stages.len() && c5 != stages, "{evaluation}");
    }
    // A study reads several sets of one encoder, each as a study that reads that one alone; the head reads the first.
    let probe = |features| Evaluation { mode: EvalMode::LinearProbe, features: Some(features) };
    let stages = "stages-mean-max".parse().unwrap();
    for (study, set) in [(0, FeatureSet::C5), (1, stages)] {
        assert_eq!(of(&answers[2], probe(set)), of(&answers[study], EvalMode::LinearProbe.into()), "{set}");
    }
    assert_eq!(of(&answers[2], EvalMode::Finetune.into()), of(&answers[1], EvalMode::Finetune.into()));
    let study = read(&both).unwrap();
    let named = |mode| study.evaluation.first_of(mode).to_string();
    assert_eq!([EvalMode::Knn, EvalMode::Finetune].map(named), ["knn@stages-mean-max", "finetune"]);
    assert!(read(&both.replacen("stages-mean-max", "c5", 1)).unwrap_err().contains("features"));
}

#[test]
fn a_pretraining_of_some_steps_begins_with_the_weights_that_a_method_names() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let weights = |seed: u64| {
        let network = BackboneNetwork::new(&Init::new(&Device::flex(), Seed(seed)), BackboneName::RESNET18);
        weights::to_safetensors(&weights::to_tensors(&network, Naming::Ours), &Default::default()).unwrap()
    };
    std::fs::write(folder.join("given.safetensors"), weights(9)).unwrap();
    std::fs::write(folder.join("hico.toml"), "").unwrap();
    let text = STUDY.replace("images = 24", "steps = 5").replacen(
        "recipe = \"hico.toml\"\n",
        "recipe = \"hico.toml\"\ninit_weights = \"given.safetensors\"\n",
        1,
    );
    let text = format!("{text}\n[[method]]\nname = \"given\"\nweights = \"given.safetensors\"\n");
    let read = |text: &str| {
        std::fs::write(folder.join("study.toml"), text).unwrap();
        Study::read(&folder.join("study.toml"))
    };
    let study = read(&text).unwrap();
    let data = [spots(), spots()];
    let cells = cells(&study, &data).unwrap();
    let of = |method: &str| {
        let of_method =
            |cell: &&Cell| study.methods[cell.method].name == method && cell.name.contains("spots-fold0--seed1");
        let cell = cells.iter().find(of_method).unwrap();
        run(&study, &data, cell, &folder.join("out")).unwrap()
    };
    let (begun, given) = (of("self"), of("given"));
    let probe = |answers: &[Answer], epochs: usize| {
        let asked = |answer: &&Answer| {
            answer.evaluation == EvalMode::LinearProbe && answer.labels == Labels::All && answer.epochs == epochs
        };
        answers.iter().find(asked).unwrap().predictions.clone()
    };
    assert_eq!(probe(&begun, 0), probe(&given, 0), "before the first step it is the network of the file");
    // Six clips outside the fold are two batches an epoch: five steps come nearest to three epochs of two, for halves go up.
    let epochs: Vec<usize> = begun.iter().map(|answer| answer.epochs).collect();
    assert_eq!(epochs.iter().max(), Some(&3), "{epochs:?}");
    assert_ne!(probe(&begun, 3), probe(&given, 0));
    // Other weights are another study.
    super::ledger::check(&folder.join("out"), &study, &data).unwrap();
    std::fs::write(folder.join("given.safetensors"), weights(10)).unwrap();
    let refused = super::ledger::check(&folder.join("out"), &read(&text).unwrap(), &data).unwrap_err();
    assert!(refused.to_string().contains("other weights that the method self begins with"), "{refused}");
    let nothing =
        text.replacen("recipe = \"hico.toml\"\ninit", "init", 1).replacen("set.method.supervision = \"self\"\n", "", 1);
    assert!(read(&nothing).unwrap_err().to_string().contains("weights = FILE"));
    for key in ["init_weights", "\nweights"] {
        let absent = text.replace(&format!("{key} = \"given"), &format!("{key} = \"absent"));
        let error = read(&absent).unwrap_err().to_string();
        assert_eq!(error.matches("absent.safetensors: ").count(), 1, "{error}");
    }
}

#[test]
fn a_method_that_knew_all_labels_of_a_data_set_is_not_asked_there_with_few() {
    let study = read(&STUDY.replace("ablates = \"self\"", "labels = [\"all\"]")).unwrap();
    let data = [spots(), spots()];
    let cells = cells(&study, &data).unwrap();
    let summary = summarise(&study, &data, &cells, &[], 0);
    assert_eq!(summary.tables.len(), 8);
    for table in &summary.tables {
        let asked: Vec<&str> = table.asked().map(|entry| entry.method.as_str()).collect();
        let knew = table.data == "spots" && table.labels != Labels::All;
        assert_eq!(asked, if knew { &["random", "self"][..] } else { &["random", "self", "semi"] }, "{table:?}");
    }
}

#[test]
fn the_inner_way_chooses_without_the_test_fold_and_only_between_methods_that_read_no_labels() {
    let inner = STUDY
        .replace("seeds = [1, 2]", "seeds = [1]")
        .replace(
            "knn = [\"all\"]\nprobe = [\"all\", 1]\nfinetune = [\"all\"]",
            "knn = []\nprobe = []\nfinetune = []\ninner = [\"all\", 1]\ninner_strengths = [1.0, 0.1]",
        )
        .replace("curve_points = 1", "curve_points = 0")
        .replace("pretrain = \"spots\"\nfolds = [1]", "evaluated = false");
    let refused = read(&inner).unwrap_err();
    assert!(refused.contains("evaluation.inner") && refused.contains("semi"), "{refused}");
    let study = read(&inner.replace("ablates = \"self\"", "set.method.supervision = \"self\"")).unwrap();
    let data = [spots(), spots()];
    let cells = cells(&study, &data).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let mut rows = Vec::new();
    for cell in &cells {
        rows.extend(run(&study, &data, cell, folder.path()).unwrap());
    }
    // Three methods, two folds, two budgets.
    assert_eq!(rows.len(), 12);
    // Of three groups of each class, a clip each, one is learnt from or all but one or two.
    for row in &rows {
        assert!(row.evaluation == EvalMode::Inner && row.predictions.is_empty(), "{row:?}");
        let few = row.labels == Labels::Groups(1);
        assert!(if few { row.groups == 2 } else { (3..=5).contains(&row.groups) }, "{row:?}");
        // Eight spots are told apart by any encoder, but not always from one of each.
        assert_eq!(row.inner.iter().map(|scores| scores.strength).collect::<Vec<_>>(), [1.0, 0.1]);
        for scores in &row.inner {
            assert!(scores.balanced_accuracy > 0.3 && scores.balanced_accuracy <= 1.0, "{row:?}");
            assert!(scores.macro_auc.is_some_and(|auc| (0.0..=1.0).contains(&auc)), "{row:?}");
        }
    }
    let summary = summarise(&study, &data, &cells, &rows, cells.len());
    assert!(summary.tables.is_empty());
    let [strong, all, strong_one, one] = summary.choices.as_slice() else { panic!("two budgets, two strengths") };
    assert_eq!((all.labels, one.labels, all.places), (Labels::All, Labels::Groups(1), 2));
    assert_eq!([strong.strength, all.strength], [1.0, 0.1]);
    let of_strength = |place: usize| rows.iter().map(move |row| row.inner[place].macro_auc.unwrap()).sum::<f64>();
    for (choices, place) in [([strong, strong_one], 0), ([all, one], 1)] {
        let found = choices.iter().flat_map(|choice| &choice.entries).flat_map(|entry| &entry.macro_auc).sum::<f64>();
        assert!((found - of_strength(place)).abs() < 1e-12, "strength {place}");
    }
    for (entry, method) in all.entries.iter().zip(["random", "self", "semi"]) {
        let of: Vec<f64> = rows
            .iter()
            .filter(|row| row.method == method && row.labels == Labels::All)
            .filter_map(|row| row.inner[1].macro_auc)
            .collect();
        assert_eq!((entry.method.as_str(), &entry.macro_auc), (method, &of));
        assert!((entry.mean_macro_auc.unwrap() - (of[0] + of[1]) / 2.0).abs() < 1e-12);
    }
    assert!(all.entries.iter().map(|entry| entry.first).sum::<usize>() >= 2, "somebody is first everywhere");
    // The two methods are one, but for their names.
    assert_eq!(all.entries[1].macro_auc, all.entries[2].macro_auc);
    // What only one method has is no place.
    let missing: Vec<Answer> = rows.iter().filter(|row| row.method != "self" || row.fold == 0).cloned().collect();
    let summary = summarise(&study, &data, &cells, &missing, cells.len() - 1);
    assert_eq!((summary.choices[0].places, summary.choices[0].entries[0].macro_auc.len()), (1, 1));
}

#[test]
fn what_stands_twice_is_shown_as_it_is_written() {
    for (from, to, words) in [
        ("finetune = [\"all\"]", "finetune = [\"all\", \"all\"]", "evaluation.finetune: \"all\" stands there twice"),
        ("probe = [\"all\", 1]", "probe = [1, 1]", "evaluation.linear_probe: 1 stands there twice"),
        ("seeds = [1, 2]", "seeds = [2, 2]", "seeds: 2 stands there twice"),
        ("name = \"other\"", "name = \"spots\"", "data.name: \"spots\" stands there twice"),
    ] {
        let error = read(&STUDY.replace(from, to)).unwrap_err();
        assert!(error.contains(words), "{error}");
    }
}

#[test]
fn a_study_takes_a_recipe_that_comes_with_hico_by_its_name() {
    let named = read(&STUDY.replacen("recipe = \"hico.toml\"", "recipe = \"hico-plus\"", 1)).unwrap();
    let super::study::Start::Recipe(recipe) = &named.methods[1].start else { panic!("it has a recipe") };
    assert!(recipe.view().aligned_mix && recipe.view().side == 32);
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("study.toml");
    std::fs::write(&path, STUDY.replace("hico.toml", "recipes/hico.toml")).unwrap();
    let error = Study::read(&path).unwrap_err();
    assert!(error.to_string().contains("recipes/hico.toml"), "{error}");
    let Error::Input { path, source } = error else { panic!("{error}") };
    assert_eq!(source.kind(), std::io::ErrorKind::NotFound);
    assert_eq!(hico_train::recipe::Shipped::meant_by(&path).unwrap().name, "hico");
}

#[test]
fn a_study_takes_a_method_by_its_name_and_refuses_keys_that_it_does_not_read() {
    let of = |lines: &str| read(&STUDY.replacen("recipe = \"hico.toml\"\nset.method.supervision = \"self\"", lines, 1));
    let study = of("method = \"moco\"\nset.method.momentum = 0.9").unwrap();
    let super::study::Start::Recipe(recipe) = &study.methods[1].start else { panic!("it has a recipe") };
    let expected = hico_train::recipe::Recipe::parse(
        "[method]\nname = \"moco\"\nmomentum = 0.9\n[view]\nside = 32\n[train]\nbatch = 4\nwatch_fraction = 0.0\n",
    );
    assert_eq!(**recipe, expected.unwrap());
    assert_eq!(of("recipe = \"moco\"\nset.method.momentum = 0.9").unwrap().methods[1], study.methods[1]);
    let refused = |lines: &str, words: &str| {
        let error = of(lines).unwrap_err();
        assert!(error.contains(words), "{error}");
    };
    refused("method = \"mocco\"", "method.method: \"mocco\": there is no such method; did you mean moco?");
    refused("method = \"moco\"\nrecipe = \"moco\"", "method.method: self has a recipe as well");
    refused("method = \"moco\"\nweights = \"w.pth\"", "method.weights: self has a recipe as well");
    refused(
        "method = \"moco\"\nset.method.peer_weight = 0.5",
        "method self: method.peer_weight = 0.5: the method moco does not read it",
    );
}

#[test]
fn a_shared_key_that_is_not_there_is_refused_with_a_method_of_the_study_or_with_none() {
    let typo = STUDY.replace("train.batch = 4", "train.batches = 4");
    let error = read(&typo.replace("recipe = \"hico.toml\"", "method = \"simclr\"")).unwrap_err();
    assert!(error.contains("method self: train.batches = 4: there is no such key of the method simclr;"), "{error}");
    let (random, _) = typo.split_once("[[method]]\nname = \"self\"").unwrap();
    let error = read(&random.replace("compare = [[\"self\", \"random\"]]", "")).unwrap_err();
    let words = "study.toml: recipe: train.batches = 4: there is no such key; did you mean batch below [train]?";
    assert!(error.ends_with(words), "{error}");
}

#[test]
fn a_folder_begun_with_one_other_key_is_refused_by_that_key_and_its_two_values() {
    let folder = tempfile::tempdir().unwrap();
    let data = [spots(), spots()];
    let check = |text: &str| super::ledger::check(folder.path(), &read(text).unwrap(), &data);
    check(STUDY).unwrap();
    let other = |from: &str, to: &str| {
        let error = check(&STUDY.replace(from, to)).unwrap_err();
        let words = error.to_string();
        let Error::LedgerDiffers { part, key, there, .. } = error else { panic!("{words}") };
        (words, (part, key, there))
    };
    let of_method = |key: &str, there: &str| (StudyPart::Method, key.to_owned(), there.to_owned());
    let (words, fact) = other("train.batch = 4", "train.batch = 6");
    assert!(words.ends_with("begun with recipe.train.batch = 4 of the method self, now asked for 6"), "{words}");
    assert_eq!(fact, of_method("recipe.train.batch", "4"));
    let (words, _) = other("finetune_steps = 2", "finetune_steps = 3");
    assert!(words.ends_with("begun with evaluation.finetune_steps = 2, now asked for 3"), "{words}");
    let (words, _) = other("images = 24", "seconds = 9.5");
    assert!(words.contains("budget.images = 24, now asked for nothing"), "{words}");
    // What was begun before short batches were trained on goes on as it was, where the study says so.
    let ledger = folder.path().join(super::ledger::LEDGER_FILE);
    let text = std::fs::read_to_string(&ledger).unwrap();
    let without: Vec<&str> = text.lines().filter(|line| !line.contains("drop_last")).collect();
    std::fs::write(&ledger, without.join("\n")).unwrap();
    let (words, fact) = other("", "");
    assert!(words.contains("recipe.train.drop_last = true of the method self, now asked for false"), "{words}");
    assert_eq!(fact, of_method("recipe.train.drop_last", "true"));
    check(&STUDY.replace("train.batch = 4", "train.batch = 4\ntrain.drop_last = true")).unwrap();
}
