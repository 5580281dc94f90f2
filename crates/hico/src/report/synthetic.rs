//! Records as a run leaves them, made up but consistent: every figure is counted from the predictions beside it.

use crate::evaluate::outcome::{
    CalibrationScores, Candidate, ClipPrediction, Comparison, CurvePoint, DataFacts, Estimate, Evaluation, FoldRun,
    Metric, Protocol, Role, Scores, Unit, UnitScores,
};
use crate::metrics::{Confusion, Ranking, argmax};
use crate::recipe::{MethodName, Supervision};
use crate::train::journal::{Entry, EpochEntry, Health, StepEntry};
use crate::train::run_record::{DataRecord, RunRecord};
use hico_data::Seed;
use rand::{Rng, RngExt as _};
use std::collections::BTreeMap;

const CLASSES: [&str; 3] = ["covid", "pneumonia", "regular"];
const CLIPS: usize = 89;
const EPOCHS: usize = 30;

/// Floors and one contender, judged on `folds` folds with `seeds` seeds.
pub(crate) fn evaluation(folds: usize, seeds: usize) -> Evaluation {
    let seeds: Vec<u64> = (1..=seeds as u64).collect();
    let candidate = |name: &str, description: &str, role, skill: f64, trained: bool| {
        let runs: Vec<FoldRun> = seeds
            .iter()
            .flat_map(|&seed| (0..folds).map(move |fold| run(name, skill, trained, fold, folds, seed)))
            .collect();
        let honest = scores(&runs, seeds.len());
        let published = trained.then(|| {
            let mut lifted = honest.clone();
            for unit in [&mut lifted.frame, &mut lifted.clip, &mut lifted.patient] {
                for figure in [&mut unit.accuracy, &mut unit.balanced_accuracy, &mut unit.macro_f1] {
                    let lift = (1.0 - figure.mean) * 0.25;
                    figure.mean += lift;
                    figure.low = figure.low.map(|low| low + lift);
                    figure.high = figure.high.map(|high| (high + lift).min(1.0));
                }
            }
            lifted
        });
        let calibration = trained.then(|| CalibrationScores {
            temperatures: runs.iter().map(|run: &FoldRun| 1.2 + 0.1 * run.fold as f64).collect(),
            frame: [0.142, 0.081],
            clip: [0.121, 0.064],
        });
        let (name, description) = (name.to_owned(), description.to_owned());
        Candidate { name, description, role, honest, published, calibration, runs }
    };
    let candidates = vec![
        candidate("majority", "The largest class of the training part, always.", Role::Floor, f64::NEG_INFINITY, false),
        candidate("thumbnails", "5 nearest neighbours on 16x16 grey thumbnails.", Role::Floor, 1.2, false),
        candidate("random-encoder", "A linear probe on an untrained encoder.", Role::Floor, 1.7, true),
        candidate("scratch", "The same network, fine-tuned from random weights.", Role::Floor, 2.0, true),
        candidate(
            "hico",
            "Fine-tuned from HiCo pretraining on the training groups of each fold.",
            Role::Contender,
            2.2,
            true,
        ),
    ];
    let figure = |candidate: &Candidate| candidate.honest.clip.balanced_accuracy.mean;
    let [floors @ .., hico] = candidates.as_slice() else { unreachable!("five candidates") };
    let comparisons: Vec<Comparison> = floors
        .iter()
        .map(|floor| {
            let mean = figure(hico) - figure(floor);
            Comparison {
                better: hico.name.clone(),
                baseline: floor.name.clone(),
                difference: Estimate {
                    mean,
                    sd: (seeds.len() > 1).then_some(0.011),
                    low: Some(mean - 0.07),
                    high: Some(mean + 0.07),
                    ..Estimate::default()
                },
                metric: Metric::BalancedAccuracy,
                unit: Unit::Clip,
                p_value: (-25.0 * mean).exp(),
                p_groups: Some((-25.0 * mean).exp()),
                p_seeds: None,
                differing_groups: 20,
                least_p: 0.001,
                detectable: Some(0.1),
            }
        })
        .collect();
    Evaluation {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        command: "hico crossval lung --pretrain-inside --recipe hico.toml --seeds 3 --model-selection test-fold"
            .to_owned(),
        finished: "2026-03-04T05:06:07Z".to_owned(),
        seconds: 8_047.0,
        device: "cpu (flex)".to_owned(),
        data: DataFacts {
            name: "lung".to_owned(),
            hash: "3f2a9c1e5b7d4f6081a2b3c4d5e6f708192a3b4c5d6e7f8091a2b3c4d5e6f708".to_owned(),
            classes: CLASSES.map(str::to_owned).to_vec(),
            clips: (0..3).map(|class| (0..CLIPS).filter(|clip| clip % 3 == class).count()).collect(),
            groups: vec![15, 15, 15],
            frames: vec![4_311, 3_920, 5_002],
            unlabelled: 12,
        },
        protocol: Protocol {
            folds: (0..folds).collect(),
            seeds,
            trainable: "last-block".to_owned(),
            epochs: EPOCHS,
            frames_per_clip: 8,
            side: 64,
            inner_fraction: 0.2,
            pretrained_inside: true,
        },
        candidates,
        comparisons,
        pretraining: Vec::new(),
        warnings: Vec::new(),
    }
}

fn run(name: &str, skill: f64, trained: bool, fold: usize, folds: usize, seed: u64) -> FoldRun {
    let mut random = Seed(seed).stream(name, &[fold as u64]);
    let clips_tested: Vec<ClipPrediction> = (0..CLIPS)
        .filter(|clip| (clip / 2) % folds == fold)
        .map(|clip| {
            let truth = clip % 3;
            let raw: Vec<f64> = (0..3)
                .map(|class| {
                    let right = if class == truth { skill } else { 0.0 };
                    if skill.is_finite() {
                        6.0f64.mul_add(random.random::<f64>(), right).exp()
                    } else {
                        f64::from(class == 0)
                    }
                })
                .collect();
            let sum: f64 = raw.iter().sum();
            let probabilities = raw.iter().map(|value| value / sum).collect();
            ClipPrediction {
                clip: format!("clip-{clip:03}"),
                group: format!("patient {}", clip / 2),
                truth,
                probabilities,
            }
        })
        .collect();
    let pairs = clips_tested.iter().map(|clip| (clip.truth, argmax(&clip.probabilities)));
    let balanced = Confusion::of(CLASSES.len(), pairs).balanced_accuracy().unwrap();
    let curve = if trained { curve(skill, &mut random) } else { Vec::new() };
    FoldRun {
        fold,
        seed,
        clips: [CLIPS - clips_tested.len() - 14, 14, clips_tested.len()],
        groups: [29, 7, 9],
        temperature: trained.then_some(0.1_f64.mul_add(fold as f64, 1.2)),
        chosen_epoch: trained.then(|| 12 + (fold * 3 + seed as usize) % 15),
        balanced_accuracy: balanced,
        best_on_test: trained.then_some((1.0 - balanced).mul_add(0.25, balanced)),
        curve,
        contaminated_groups: Vec::new(),
        clips_tested,
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

fn scores(runs: &[FoldRun], seeds: usize) -> Scores {
    let lists: Vec<&[ClipPrediction]> = runs.iter().map(|run| run.clips_tested.as_slice()).collect();
    let clip = unit(&lists, seeds);
    let mut frame = clip.clone();
    frame.count *= 8;
    frame.confusion.iter_mut().flatten().for_each(|count| *count *= 8.0);
    frame.per_class.iter_mut().for_each(|class| class.count *= 8);
    let patient = clip.clone();
    Scores { frame, clip, patient }
}

/// Figures counted from predictions; `lists` holds those of every fold and seed, seed by seed.
fn unit(lists: &[&[ClipPrediction]], seeds: usize) -> UnitScores {
    let all: Vec<&ClipPrediction> = lists.iter().copied().flatten().collect();
    let mut confusion = Confusion::new(CLASSES.len());
    for prediction in &all {
        confusion.add(prediction.truth, argmax(&prediction.probabilities), 1.0 / seeds as f64);
    }
    let count = all.len() / seeds;
    let roc: Vec<Vec<[f64; 2]>> =
        (0..CLASSES.len()).map(|class| ranking(&all[..count], class).curve().unwrap()).collect();
    let auc = (0..CLASSES.len()).map(|class| ranking(&all, class).auc(|_| 1.0).unwrap()).sum::<f64>() / 3.0;
    let estimate = |mean: f64| Estimate {
        mean,
        sd: (seeds > 1).then_some(0.013),
        low: Some((mean - 0.075).max(0.0)),
        high: Some((mean + 0.068).min(1.0)),
        ..Estimate::default()
    };
    UnitScores {
        count,
        accuracy: estimate(confusion.accuracy().unwrap()),
        balanced_accuracy: estimate(confusion.balanced_accuracy().unwrap()),
        macro_f1: estimate(confusion.macro_f1().unwrap()),
        auc: Some(estimate(auc)),
        log_loss: None,
        brier: None,
        calibration_error: None,
        per_class: confusion.per_class(),
        confusion: confusion.counts().to_vec(),
        roc,
    }
}

fn ranking(predictions: &[&ClipPrediction], class: usize) -> Ranking {
    let scores: Vec<f64> = predictions.iter().map(|prediction| prediction.probabilities[class]).collect();
    let positive: Vec<bool> = predictions.iter().map(|prediction| prediction.truth == class).collect();
    Ranking::new(&scores, &positive)
}

/// The journal of a run that went through, `steps` steps an epoch.
pub(crate) fn journal(epochs: usize, steps: usize, seed: u64) -> Vec<Entry> {
    let mut random = Seed(seed).stream("journal", &[]);
    let total = (epochs * steps) as u64;
    let mut entries = vec![Entry::Start { version: env!("CARGO_PKG_VERSION").to_owned(), steps: total, epochs }];
    let mut seconds = 0.0;
    for epoch in 0..epochs {
        let done = epoch as f64 / epochs as f64;
        let mut losses = BTreeMap::new();
        for step in 0..steps {
            losses = terms(done, &mut random);
            let step_seconds = 0.2f64.mul_add(random.random::<f64>(), 1.8);
            seconds += step_seconds;
            let warm = ((epoch * steps + step) as f64 / (10 * steps) as f64).min(1.0);
            entries.push(Entry::Step(StepEntry {
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
        entries.push(Entry::Epoch(EpochEntry {
            epoch,
            images_seen: ((epoch + 1) * steps * 64) as u64,
            seconds,
            losses,
            health: Health {
                watch_loss: Some(4.0f64.mul_add((-4.0 * done).exp(), 8.6) + 0.2 * noise),
                knn_balanced_accuracy: given(0.35f64.mul_add(1.0 - (-4.0 * done).exp(), 0.36) + 0.04 * noise),
                embedding_rank: given(60.0f64.mul_add(1.0 - (-3.0 * done).exp(), 12.0) + 4.0 * noise),
                alignment: given(0.5f64.mul_add((-3.0 * done).exp(), 0.25)),
                uniformity: given(2.2f64.mul_add((-3.0 * done).exp(), -3.1) + 0.1 * noise),
            },
        }));
    }
    entries.push(Entry::Finished { step: total, seconds });
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
        method: MethodName::Hico,
        supervision: Supervision::Semi,
        seed,
        device: "cpu (flex)".to_owned(),
        data: DataRecord {
            folder: "lung".into(),
            hash: "3f2a9c1e5b7d".repeat(5) + "4f60",
            hash_without_folds: None,
            clips: CLIPS + 12,
        },
        classes: CLASSES.map(str::to_owned).to_vec(),
        holdout_fold: Some(seed as usize % 5),
        groups: named("patient", 0, 29),
        watched_groups: named("patient", 29, 36),
        clips: named("clip", 0, 60),
        watched_clips: named("clip", 60, 74),
        labelled: 52,
        steps_per_epoch: 2,
        first_weights: None,
    }
}

/// A journal as its lines.
pub(crate) fn lines(entries: &[Entry]) -> String {
    entries.iter().map(|entry| serde_json::to_string(entry).unwrap() + "\n").collect()
}
