//! Answers of all cells, found by what they answer; and what they predicted, with the folds of a seed pooled.

use super::answer::{Answer, Evaluation};
use super::labels::Labels;
use crate::outcome::Unit;
use hico_data::{Dataset, Seed};
use hico_train::predictions::{FramePrediction, UnitPrediction, per_clip, per_patient};
use std::collections::{BTreeMap, BTreeSet};

/// Root of the draws of intervals and tests: the same answers always have the same intervals.
pub(super) const DRAWS: Seed = Seed(0);

/// What a table asks of a method: method, data set, evaluation, label budget.
pub(super) type Asked<'a> = (&'a str, &'a str, Evaluation, Labels);

/// Answers by what they answer; of each seed and fold all points, the earliest first.
#[derive(Debug, Default)]
pub(super) struct Answers<'a>(BTreeMap<Asked<'a>, BTreeMap<(u64, usize), Vec<&'a Answer>>>);

impl<'a> Answers<'a> {
    pub(super) fn new(answers: &'a [Answer]) -> Self {
        let mut found = Self::default();
        for answer in answers {
            let asked = (answer.method.as_str(), answer.data.as_str(), answer.evaluation, answer.labels);
            found.0.entry(asked).or_default().entry((answer.seed, answer.fold)).or_default().push(answer);
        }
        found.0.values_mut().flat_map(BTreeMap::values_mut).for_each(|points| points.sort_by_key(|at| at.epochs));
        found
    }

    /// The last at of every seed and fold that there is.
    pub(super) fn each(&self, asked: Asked<'_>) -> BTreeMap<(u64, usize), &'a Answer> {
        let points = self.0.get(&asked).into_iter().flatten();
        points.filter_map(|(place, points)| Some((*place, *points.last()?))).collect()
    }

    /// For each seed that has all folds its answers, fold by fold, at the last at.
    pub(super) fn complete(&self, asked: Asked<'_>, folds: &[usize]) -> BTreeMap<u64, Vec<&'a Answer>> {
        let points = self.points(asked, folds);
        points.into_iter().filter_map(|(seed, points)| Some((seed, points.into_iter().next_back()?))).collect()
    }

    /// For each seed that has all folds its answers, at by at and fold by fold. Of a fold with more points than another
    /// the last ones are taken.
    pub(super) fn points(&self, asked: Asked<'_>, folds: &[usize]) -> BTreeMap<u64, Vec<Vec<&'a Answer>>> {
        let Some(found) = self.0.get(&asked) else { return BTreeMap::new() };
        let seeds: BTreeSet<u64> = found.keys().map(|(seed, _)| *seed).collect();
        let of_seed = |seed: u64| {
            let of_folds = folds.iter().map(|fold| found.get(&(seed, *fold))).collect::<Option<Vec<_>>>()?;
            let count = of_folds.iter().map(|points| points.len()).min()?;
            let at = |at: usize| of_folds.iter().map(|points| points[points.len() - count + at]).collect();
            Some((seed, (0..count).map(at).collect()))
        };
        seeds.into_iter().filter_map(of_seed).collect()
    }
}

/// Every tested frame of several folds, in the order of the data set.
pub(super) fn frames(answers: &[&Answer]) -> Vec<FramePrediction> {
    let mut all: Vec<FramePrediction> = answers.iter().flat_map(|answer| &answer.predictions).cloned().collect();
    all.sort_by_key(|frame| (frame.clip, frame.frame));
    all
}

/// Clips or patients of several folds.
pub(super) fn units(dataset: &Dataset, answers: &[&Answer], unit: Unit) -> Vec<UnitPrediction> {
    let clips = per_clip(dataset, &frames(answers));
    match unit {
        Unit::Patient => per_patient(&clips),
        Unit::Clip => clips.into_iter().map(UnitPrediction::from).collect(),
    }
}
