//! All answers → figures with their doubt: tables, paired comparisons, curves.

use super::answer::{Answer, EvalMode};
use super::answers::Answers;
use super::curves::curve;
pub use super::curves::{AreaDifference, Curve, CurveLine, Point};
use super::grid::Cell;
use super::ranks::Ranks;
use super::study::{Budget, Labels, Source, Start, Study};
use super::tables::{correct, ranked, table};
use crate::evaluate::outcome::{Comparison, Metric, UnitScores};
use crate::stats;
use crate::train::run_record::VERSION;
use hico_data::{Dataset, Seed};
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Root of the draws of intervals and tests: the same answers always have the same intervals.
pub(super) const DRAWS: Seed = Seed(0);

/// What a study found.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// Its title.
    pub title: String,
    /// Version of the program.
    pub version: &'static str,
    /// Its methods, in their order, and of which each is one with something changed.
    pub methods: Vec<(String, Option<String>)>,
    /// Its seeds.
    pub seeds: Vec<u64>,
    /// What pretraining could use up.
    pub budget: Budget,
    /// Frames of a clip that were judged.
    pub frames_per_clip: usize,
    /// Side of the images, pixels.
    pub side: usize,
    /// The figure, per patient, that comparisons test.
    pub metric: Metric,
    /// The data sets that were judged.
    pub data: Vec<Judged>,
    /// Cells that are finished, and all.
    pub cells: [usize; 2],
    /// Seconds that the answers took, pretraining included.
    pub seconds: f64,
    /// A table for each data set, evaluation and label budget.
    pub tables: Vec<Table>,
    /// Comparisons that p values are corrected for: all of the study, those that repeat another left out.
    pub tests: usize,
    /// What may choose between methods: a table for each data set and label budget of the inner evaluation.
    pub choices: Vec<Choice>,
    /// How methods did on their way through pretraining.
    pub curves: Vec<Curve>,
    /// Mean ranks over data sets, where there are enough of them.
    pub ranks: Vec<RankTable>,
    /// What a reader must know before believing a figure.
    pub warnings: Vec<String>,
}

/// A data set that was judged.
#[derive(Debug, Clone, Serialize)]
pub struct Judged {
    /// Its name.
    pub name: String,
    /// Hash of its table.
    pub hash: String,
    /// What encoders were pretrained on.
    pub pretrained_on: String,
    /// Its classes, with their labelled clips and groups.
    pub classes: Vec<(String, usize, usize)>,
    /// Folds that were tested.
    pub folds: Vec<usize>,
}

/// Methods evaluated one way with one label budget on one data set.
#[derive(Debug, Clone, Serialize)]
pub struct Table {
    /// The data set.
    pub data: String,
    /// What was asked of the encoders.
    pub evaluation: EvalMode,
    /// The labels that were known.
    pub labels: Labels,
    /// One entry a method, in the study's order.
    pub entries: Vec<Entry>,
    /// Paired differences, with p values corrected for their number in the study.
    pub comparisons: Vec<Compared>,
}

impl Table {
    /// The methods that the study asks this.
    pub(crate) fn asked(&self) -> impl Iterator<Item = &Entry> {
        self.entries.iter().filter(|entry| entry.asked)
    }
}

/// A method's figures in one table.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    /// The method.
    pub method: String,
    /// Whether the study asks this of it: a method that learnt from few labels is judged with those alone.
    pub asked: bool,
    /// Seeds of which every fold is there.
    pub seeds: Vec<u64>,
    /// Its figures over those seeds; absent where there is none.
    pub scores: Option<EntryScores>,
}

/// Figures over folds and seeds.
#[derive(Debug, Clone, Serialize)]
pub struct EntryScores {
    /// Every patient, by the mean probability of its clips; folds pooled, mean over seeds.
    pub patient: UnitScores,
    /// Every clip, by the mean probability of its frames.
    pub clip: UnitScores,
    /// Balanced accuracy per frame, folds pooled, mean over seeds.
    pub frame_balanced_accuracy: f64,
    /// Balanced accuracy per frame at the epoch that is best on the test fold, mean over folds and seeds.
    pub published: Option<f64>,
    /// Views that pretraining saw, mean.
    pub images: f64,
    /// Seconds of pretraining, mean.
    pub seconds: f64,
    /// Groups whose labels were known, mean.
    pub groups: f64,
}

/// Methods asked within the training groups of each fold; no test fold was looked at.
#[derive(Debug, Clone, Serialize)]
pub struct Choice {
    /// The data set.
    pub data: String,
    /// The labels that were known.
    pub labels: Labels,
    /// Folds and seeds that every method has.
    pub places: usize,
    /// One entry a method, in the study's order.
    pub entries: Vec<Candidate>,
}

/// A method's figures in one choice.
#[derive(Debug, Clone, Serialize)]
pub struct Candidate {
    /// The method.
    pub method: String,
    /// Balanced accuracy per clip of each fold and seed that every method has.
    pub balanced_accuracy: Vec<f64>,
    /// Their mean; absent where there is none.
    pub mean: Option<f64>,
    /// In how many of them no method is better.
    pub first: usize,
}

/// A paired comparison.
#[derive(Debug, Clone, Serialize)]
pub struct Compared {
    /// The difference, its interval and its p value.
    #[serde(flatten)]
    pub comparison: Comparison,
    /// p after Holm's correction for all comparisons of the study.
    pub p_holm: f64,
}

/// Methods ranked over data sets.
#[derive(Debug, Clone, Serialize)]
pub struct RankTable {
    /// What was asked of the encoders.
    pub evaluation: EvalMode,
    /// The labels that were known.
    pub labels: Labels,
    /// The ranks.
    pub ranks: Ranks,
}

/// Sums up all answers that there are.
///
/// - `cells`: the study's grid
/// - `answers`: of the finished ones, any order
#[must_use]
pub fn summarise(study: &Study, data: &[Arc<Dataset>], cells: &[Cell], answers: &[Answer], finished: usize) -> Summary {
    let tests: BTreeSet<(usize, usize)> = cells.iter().flat_map(|cell| cell.tests.iter().copied()).collect();
    let found = Answers::new(answers);
    let (mut tables, mut choices, mut curves, mut judged) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (place, set) in study.data.iter().enumerate().filter(|(_, set)| set.judged) {
        let folds: Vec<usize> = tests.iter().filter(|(of, _)| *of == place).map(|(_, fold)| *fold).collect();
        for (evaluation, budgets) in study.judge.evaluations() {
            let mut budgets = budgets.to_vec();
            budgets.sort_unstable_by(|a, b| b.cmp(a));
            if evaluation == EvalMode::Inner {
                choices.extend(budgets.into_iter().map(|labels| choice(study, &set.name, labels, &folds, &found)));
                continue;
            }
            tables.extend(budgets.into_iter().map(|labels| {
                let asks = |cell: &&Cell| cell.is_tested_on(place) && cell.is_asked_with(labels);
                let asked = cells.iter().filter(asks).map(|cell| cell.method).collect();
                table(study, (&set.name, &data[place]), (evaluation, labels), &asked, (&folds, &found))
            }));
        }
        if study.judge.looks > 0 {
            let of = |evaluation| curve(study, (&set.name, &data[place]), &folds, evaluation, &found);
            curves.extend([EvalMode::Knn, EvalMode::LinearProbe, EvalMode::Finetune].into_iter().filter_map(of));
        }
        judged.push(facts(study, place, &data[place], folds));
    }
    let tests = correct(&mut tables);
    Summary {
        title: study.title.clone(),
        version: VERSION,
        methods: study.methods.iter().map(|method| (method.name.clone(), method.ablates.clone())).collect(),
        seeds: study.seeds.clone(),
        budget: study.budget,
        frames_per_clip: study.judge.frames_per_clip,
        side: study.view.side,
        metric: study.judge.metric,
        data: judged,
        cells: [finished, cells.len()],
        seconds: seconds(answers),
        ranks: ranked(study, &tables),
        tables,
        tests,
        choices,
        curves,
        warnings: warnings(study, cells.len() - finished),
    }
}

fn choice(study: &Study, data: &str, labels: Labels, folds: &[usize], answers: &Answers<'_>) -> Choice {
    let encoders = || study.methods.iter().filter(|method| !method.is_baseline());
    let of_method = |name: &str| -> BTreeMap<(u64, usize), f64> {
        let each = answers.each((name, data, EvalMode::Inner, labels)).into_iter();
        each.filter_map(|(place, answer)| Some((place, answer.inner_balanced_accuracy?))).collect()
    };
    let rows: Vec<BTreeMap<(u64, usize), f64>> = study.methods.iter().map(|method| of_method(&method.name)).collect();
    let everywhere = |place: &(u64, usize)| rows.iter().all(|rows| rows.contains_key(place));
    let places = study.seeds.iter().flat_map(|seed| folds.iter().map(move |fold| (*seed, *fold)));
    let places: Vec<(u64, usize)> = places.filter(everywhere).collect();
    let best = |place: &(u64, usize)| rows.iter().map(|rows| rows[place]).fold(f64::NEG_INFINITY, f64::max);
    let entries = encoders().zip(&rows).map(|(method, rows)| {
        let balanced_accuracy: Vec<f64> = places.iter().map(|place| rows[place]).collect();
        Candidate {
            method: method.name.clone(),
            mean: stats::mean(&balanced_accuracy),
            first: places.iter().filter(|place| rows[place] >= best(place)).count(),
            balanced_accuracy,
        }
    });
    Choice { data: data.to_owned(), labels, places: places.len(), entries: entries.collect() }
}

fn facts(study: &Study, place: usize, dataset: &Dataset, folds: Vec<usize>) -> Judged {
    let set = &study.data[place];
    let class = |(class, name): (usize, &String)| {
        let clips: Vec<usize> = (0..dataset.len()).filter(|clip| dataset.label(*clip) == Some(class)).collect();
        (name.clone(), clips.len(), crate::evaluate::plan::groups_of(dataset, &clips).len())
    };
    Judged {
        name: set.name.clone(),
        hash: dataset.manifest().hash(),
        pretrained_on: match set.source {
            Source::Inside => "the training groups of each fold".to_owned(),
            Source::Other(other) => format!("all clips of {}", study.data[other].name),
        },
        classes: dataset.classes().iter().enumerate().map(class).collect(),
        folds,
    }
}

/// Each cell's pretraining once, and every answer.
fn seconds(rows: &[Answer]) -> f64 {
    let mut pretraining: BTreeMap<(&str, &str, u64, usize, Labels), f64> = BTreeMap::new();
    for row in rows {
        let longest = pretraining.entry((&row.method, &row.data, row.seed, row.fold, row.labels)).or_default();
        *longest = longest.max(row.pretrain_seconds);
    }
    // An encoder that is asked with several budgets or on several folds was pretrained once.
    let mut once: BTreeSet<(&str, &str, u64, u64)> = BTreeSet::new();
    let pretraining: f64 = pretraining
        .into_iter()
        .filter(|((method, data, seed, ..), seconds)| once.insert((method, data, *seed, seconds.to_bits())))
        .map(|(_, seconds)| seconds)
        .sum();
    pretraining + rows.iter().map(|row| row.seconds).sum::<f64>()
}

fn warnings(study: &Study, missing: usize) -> Vec<String> {
    let mut warnings = Vec::new();
    if missing > 0 {
        warnings
            .push(format!("{missing} cells are not finished: figures are over the seeds of which every fold is there"));
    }
    if study.seeds.len() == 1 {
        warnings.push("one seed: how far the figures move from seed to seed is not known".to_owned());
    }
    for method in study.methods.iter().filter(|method| matches!(method.start, Start::Weights(_))) {
        warnings
            .push(format!("{}: weights from elsewhere; which patients they have seen is not known here", method.name));
    }
    warnings
}
