//! Records as a run or a study leaves them: predictions are made up, every figure is counted from them.

use crate::baselines::Baseline;
use crate::compare::answer::{Answer, EvalMode};
use crate::compare::grid::cells;
use crate::compare::labels::Labels;
use crate::compare::settings::{Budget, EvaluationSettings, ModelSelection};
use crate::compare::study::{PretrainedOn, Start, Study, StudyData, StudyMethod};
use crate::compare::summarise::summarise;
use crate::compare::summary::{Origin, Summary};
use crate::outcome::Metric;
use hico_data::view::ViewRecipe;
use hico_data::{Channels, Clip, ClipRow, Dataset, Manifest, Seed, Size};
use hico_model::BackboneName;
use hico_train::journal::{EpochEntry, Health, JournalEntry, StepEntry};
use hico_train::predictions::FramePrediction;
use hico_train::recipe::{MethodName, Supervision};
use hico_train::run_record::{DataRecord, RunRecord};
use hico_train::tuning_state::CurvePoint;
use rand::{Rng, RngExt as _};
use std::collections::BTreeMap;
use std::sync::Arc;

const CLASSES: [&str; 3] = ["covid", "pneumonia", "regular"];
const CLIPS: usize = 89;
const EPOCHS: usize = 30;

/// Clips of one frame, a grey gradient, two of each patient.
pub(crate) fn dataset(folds: usize) -> Dataset {
    let size = Size { height: 120, width: 160 };
    let rows = (0..CLIPS).map(|clip| ClipRow {
        group: format!("patient {}", clip / 2),
        label: Some(CLASSES[clip % 3].to_owned()),
        fold: Some((clip / 2) % folds),
        ..ClipRow::new(format!("clip-{clip:03}"), 1, size, Channels::Grey)
    });
    let pixels =
        |clip: usize| (0..size.height * size.width).map(move |at| ((at % size.width) * (clip % 7 + 1) / 7) as u8);
    let clips =
        (0..CLIPS).map(|clip| Clip { size, channels: Channels::Grey, pixels: pixels(clip).collect(), fps: None });
    Dataset::in_memory(Manifest { rows: rows.collect() }, clips.collect())
}

/// A cross-validation: random weights, a pretrained method and two baselines.
pub(crate) fn summary(folds: usize, seeds: usize) -> Summary {
    let study = study(folds, seeds);
    let data = [Arc::new(dataset(folds))];
    let cells = cells(&study, &data).unwrap();
    let mut answers = Vec::new();
    for seed in &study.seeds {
        for fold in 0..folds {
            let mut answer = |method: &str, evaluation, skill| {
                answers.push(answer(&data[0], (method, evaluation), skill, (fold, *seed)));
            };
            answer("random", EvalMode::LinearProbe, 1.7);
            answer("random", EvalMode::Finetune, 2.0);
            answer("hico", EvalMode::LinearProbe, 2.0);
            answer("hico", EvalMode::Finetune, 2.2);
            answer("majority", EvalMode::Baseline, f64::NEG_INFINITY);
            answer("thumbnails", EvalMode::Baseline, 1.2);
        }
    }
    let origin = Origin {
        command: "hico crossval lung --pretrain-inside --recipe hico.toml --seeds 3".to_owned(),
        finished: "2026-03-04T05:06:07Z".to_owned(),
        device: "cpu (flex)".to_owned(),
    };
    Summary { origin, ..summarise(&study, &data, &cells, &answers, cells.len()) }
}

fn study(folds: usize, seeds: usize) -> Study {
    let random = StudyMethod::new("random".to_owned(), Start::Scratch);
    let hico = StudyMethod::new("hico".to_owned(), Start::Recipe(Box::default()));
    let baselines = [Baseline::Majority, Baseline::Thumbnails].map(StudyMethod::of_baseline);
    Study {
        title: "hico on lung".to_owned(),
        seeds: (1..=seeds as u64).collect(),
        budget: Budget::Recipe,
        evaluation: EvaluationSettings {
            knn: Vec::new(),
            metric: Metric::BalancedAccuracy,
            finetune_epochs: Some(EPOCHS),
            model_selection: ModelSelection::InnerValidation,
            published: true,
            ..EvaluationSettings::default()
        },
        view: ViewRecipe::default(),
        backbone: BackboneName::default(),
        data: vec![StudyData {
            name: "lung".to_owned(),
            folder: "lung".into(),
            source: PretrainedOn::Inside,
            evaluated: true,
            folds: Some((0..folds).collect()),
        }],
        methods: [random, hico].into_iter().chain(baselines).collect(),
        compare: vec![[1, 0], [1, 2], [1, 3]],
    }
}

fn answer(data: &Dataset, (method, evaluation): (&str, EvalMode), skill: f64, (fold, seed): (usize, u64)) -> Answer {
    let mut random = Seed(seed).stream(&format!("{method} {evaluation}"), &[fold as u64]);
    let tested = (0..data.len()).filter(|clip| data.row(*clip).fold == Some(fold));
    let predictions: Vec<FramePrediction> = tested
        .map(|clip| {
            let raw: Vec<f64> = (0..3)
                .map(|class| {
                    let right = if class == clip % 3 { skill } else { 0.0 };
                    if skill.is_finite() {
                        6.0f64.mul_add(random.random::<f64>(), right).exp()
                    } else {
                        f64::from(class == 0)
                    }
                })
                .collect();
            let sum: f64 = raw.iter().sum();
            FramePrediction { clip, frame: 0, probabilities: raw.iter().map(|value| value / sum).collect() }
        })
        .collect();
    let tuned = evaluation == EvalMode::Finetune;
    let pretrained = method == "hico";
    Answer {
        method: method.to_owned(),
        data: "lung".to_owned(),
        fold,
        seed,
        labels: Labels::All,
        evaluation: evaluation.into(),
        epochs: if pretrained { 300 } else { 0 },
        images: if pretrained { 38_400 } else { 0 },
        groups: 36,
        clips: 71,
        chosen: String::new(),
        inner: Vec::new(),
        published: tuned.then_some(0.9),
        chosen_epoch: tuned.then(|| 12 + (fold * 3 + seed as usize) % 15),
        curve: if tuned { curve(skill, &mut random) } else { Vec::new() },
        temperature: tuned.then_some(0.1_f64.mul_add(fold as f64, 1.2)),
        seen_groups: Vec::new(),
        pretrain_seconds: if pretrained { 300.0 } else { 0.0 },
        seconds: 12.0,
        predictions_sha256: String::new(),
        predictions,
        of_test_fold_sha256: None,
        of_test_fold: Vec::new(),
    }
}

fn curve(skill: f64, random: &mut impl Rng) -> Vec<CurvePoint> {
    (0..EPOCHS)
        .map(|epoch| {
            let learnt = 1.0 - (-(epoch as f64 + 1.0) * skill / 12.0).exp();
            let noise = 0.05 * (random.random::<f64>() - 0.5);
            let inner = 0.45f64.mul_add(learnt, 0.33) + noise;
            CurvePoint {
                epoch,
                train_loss: 1.1 * (1.0 - 0.8 * learnt),
                inner_balanced_accuracy: inner,
                test_balanced_accuracy: Some(inner - 0.03 - noise),
            }
        })
        .collect()
}

/// The journal of a run that went through, `steps` steps an epoch.
pub(crate) fn journal(epochs: usize, steps: usize, seed: u64) -> Vec<JournalEntry> {
    let mut random = Seed(seed).stream("journal", &[]);
    let total = (epochs * steps) as u64;
    let mut entries = vec![JournalEntry::Start { version: env!("CARGO_PKG_VERSION").to_owned(), steps: total, epochs }];
    let mut seconds = 0.0;
    for epoch in 0..epochs {
        let done = epoch as f64 / epochs as f64;
        let mut losses = BTreeMap::new();
        for step in 0..steps {
            losses = terms(done, &mut random);
            let step_seconds = 0.2f64.mul_add(random.random::<f64>(), 1.8);
            seconds += step_seconds;
            let warm = ((epoch * steps + step) as f64 / (10 * steps) as f64).min(1.0);
            entries.push(JournalEntry::Step(StepEntry {
                step: (epoch * steps + step) as u64,
                epoch,
                learning_rate: 3e-4 * warm * 0.5 * (1.0 + (std::f64::consts::PI * done).cos()),
                losses: losses.clone(),
                gradient_norm: 0.8f64.mul_add(random.random::<f64>(), 4.0 * (-5.0 * done).exp()),
                seconds: step_seconds,
                data_seconds: 0.05 * random.random::<f64>(),
                images: 64,
            }));
        }
        let noise = random.random::<f64>() - 0.5;
        let watched = epoch % 5 == 4 || epoch + 1 == epochs;
        let given = |value: f64| watched.then_some(value);
        entries.push(JournalEntry::Epoch(EpochEntry {
            epoch,
            images_seen: ((epoch + 1) * steps * 64) as u64,
            seconds,
            losses,
            health: Health {
                val_loss: Some(4.0f64.mul_add((-4.0 * done).exp(), 8.6) + 0.2 * noise),
                knn_balanced_accuracy: given(0.35f64.mul_add(1.0 - (-4.0 * done).exp(), 0.36) + 0.04 * noise),
                embedding_rank: given(60.0f64.mul_add(1.0 - (-3.0 * done).exp(), 12.0) + 4.0 * noise),
                alignment: given(0.5f64.mul_add((-3.0 * done).exp(), 0.25)),
                uniformity: given(2.2f64.mul_add((-3.0 * done).exp(), -3.1) + 0.1 * noise),
            },
        }));
    }
    entries.push(JournalEntry::Finished { step: total, seconds });
    entries
}

fn terms(done: f64, random: &mut impl Rng) -> BTreeMap<String, f64> {
    let mut value =
        |start: f64, end: f64| (start - end).mul_add((-6.0 * done).exp(), end) + 0.15 * (random.random::<f64>() - 0.5);
    let mut losses: BTreeMap<String, f64> = [
        ("peer_local", value(4.1, 1.9)),
        ("peer_medium", value(4.1, 1.6)),
        ("peer_global", value(4.1, 1.4)),
        ("cross_global_medium", value(8.2, 3.6)),
        ("cross_global_local", value(8.2, 4.1)),
        ("soft_labels", value(2.2, 0.9)),
    ]
    .into_iter()
    .map(|(name, value)| (name.to_owned(), value))
    .collect();
    let total = losses.values().sum::<f64>() / 2.0;
    losses.insert("total".to_owned(), total);
    losses
}

/// The record of a run.
pub(crate) fn record(seed: u64) -> RunRecord {
    let named = |what: &str, from: usize, to: usize| (from..to).map(|n| format!("{what} {n}")).collect();
    RunRecord {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        command: ["hico", "pretrain", "lung", "--out", "my runs/hico"].map(str::to_owned).to_vec(),
        method: MethodName::default(),
        supervision: Supervision::Semi,
        seed,
        device: "cpu (flex)".to_owned(),
        data: DataRecord {
            folder: "lung".into(),
            hash: "3f2a9c1e5b7d".repeat(5) + "4f60",
            hash_without_folds: None,
            preprocessing: None,
            clips: CLIPS + 12,
        },
        classes: CLASSES.map(str::to_owned).to_vec(),
        holdout_fold: Some(seed as usize % 5),
        groups: named("patient", 0, 29),
        val_groups: named("patient", 29, 36),
        clips: named("clip", 0, 60),
        val_clips: named("clip", 60, 74),
        labelled: 52,
        steps_per_epoch: 2,
        init_weights: None,
    }
}

/// A journal as its lines.
pub(crate) fn lines(entries: &[JournalEntry]) -> String {
    entries.iter().map(|entry| serde_json::to_string(entry).unwrap() + "\n").collect()
}
