//! All answers of a study → its summary.

use super::answer::{Answer, EvalMode, Evaluation, InnerScores};
use super::answers::Answers;
use super::curves::curve;
use super::facts;
use super::grid::Cell;
use super::labels::Labels;
use super::study::Study;
use super::summary::{Candidate, Choice, Origin, Summary};
use super::tables::{correct, ranked, table};
use crate::stats;
use hico_data::Dataset;
use hico_model::VERSION;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Sums up all answers that there are.
///
/// - `cells`: the study's grid
/// - `answers`: of the finished ones, any order
#[must_use]
pub fn summarise(study: &Study, data: &[Arc<Dataset>], cells: &[Cell], answers: &[Answer], finished: usize) -> Summary {
    let tests: BTreeSet<(usize, usize)> = cells.iter().flat_map(|cell| cell.tests.iter().copied()).collect();
    let found = Answers::new(answers);
    let (mut tables, mut choices, mut curves, mut tested) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for (place, set) in study.data.iter().enumerate().filter(|(_, set)| set.evaluated) {
        let folds: Vec<usize> = tests.iter().filter(|(of, _)| *of == place).map(|(_, fold)| *fold).collect();
        for (evaluation, budgets) in study.evaluation.evaluations() {
            let mut budgets = budgets.to_vec();
            budgets.sort_unstable_by(|a, b| b.cmp(a));
            if evaluation.mode == EvalMode::Inner {
                let asked = budgets.into_iter().flat_map(|labels| {
                    study.evaluation.inner_strengths.iter().map(move |strength| (evaluation, labels, *strength))
                });
                choices.extend(asked.map(|asked| choice(study, &set.name, asked, &folds, &found)));
                continue;
            }
            tables.extend(budgets.into_iter().map(|labels| {
                let asks = |cell: &&Cell| cell.is_tested_on(place) && cell.is_asked_with(labels);
                let asked = cells.iter().filter(asks).map(|cell| cell.method).collect();
                table(study, (&set.name, &data[place]), (evaluation, labels), &asked, (&folds, &found))
            }));
        }
        if study.evaluation.curve_points > 0 {
            let of = |evaluation| curve(study, (&set.name, &data[place]), &folds, evaluation, &found);
            let modes = [EvalMode::Knn, EvalMode::LinearProbe, EvalMode::Finetune];
            curves.extend(modes.map(|mode| study.evaluation.first_of(mode)).into_iter().filter_map(of));
        }
        tested.push(facts::data(study, place, &data[place], folds));
    }
    let tests = correct(&mut tables);
    Summary {
        version: VERSION.to_owned(),
        title: study.title.clone(),
        origin: Origin::default(),
        methods: study.methods.iter().map(|method| facts::method(study, method)).collect(),
        seeds: study.seeds.clone(),
        budget: study.budget,
        evaluation: study.evaluation.clone(),
        image_size: study.view.side,
        cells: [finished, cells.len()],
        seconds: seconds(answers),
        ranks: ranked(study, &tables),
        warnings: facts::warnings(study, data, &tested, answers, cells.len() - finished),
        data: tested,
        tables,
        tests,
        choices,
        curves,
        pretraining: Vec::new(),
    }
}

/// Figures of a method within the training groups, by seed and fold.
type InnerRows = BTreeMap<(u64, usize), InnerScores>;

fn choice(
    study: &Study,
    data: &str,
    (evaluation, labels, strength): (Evaluation, Labels, f64),
    folds: &[usize],
    answers: &Answers<'_>,
) -> Choice {
    let encoders = || study.methods.iter().filter(|method| !method.is_baseline());
    let of_method = |name: &str| -> InnerRows {
        let each = answers.each((name, data, evaluation, labels)).into_iter();
        let with = |answer: &Answer| answer.inner.iter().find(|scores| scores.strength == strength).copied();
        let of_place = |(place, answer)| with(answer).filter(|of| of.macro_auc.is_some()).map(|of| (place, of));
        each.filter_map(of_place).collect()
    };
    let rows: Vec<InnerRows> = encoders().map(|method| of_method(&method.name)).collect();
    let everywhere = |place: &(u64, usize)| rows.iter().all(|rows| rows.contains_key(place));
    let places = study.seeds.iter().flat_map(|seed| folds.iter().map(move |fold| (*seed, *fold)));
    let places: Vec<(u64, usize)> = places.filter(everywhere).collect();
    let area = |rows: &InnerRows, place: &(u64, usize)| rows[place].macro_auc.unwrap_or(f64::NAN);
    let best = |place: &(u64, usize)| rows.iter().map(|rows| area(rows, place)).fold(f64::NEG_INFINITY, f64::max);
    let entries = encoders().zip(&rows).map(|(method, rows)| {
        let macro_auc: Vec<f64> = places.iter().map(|place| area(rows, place)).collect();
        let accuracy: Vec<f64> = places.iter().map(|place| rows[place].balanced_accuracy).collect();
        Candidate {
            method: method.name.clone(),
            mean_macro_auc: stats::mean(&macro_auc),
            first: places.iter().filter(|place| area(rows, place) >= best(place)).count(),
            mean_balanced_accuracy: stats::mean(&accuracy),
            macro_auc,
        }
    });
    Choice { data: data.to_owned(), evaluation, labels, strength, places: places.len(), entries: entries.collect() }
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
