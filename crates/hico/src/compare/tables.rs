//! Answers → tables: what each method reached, paired comparisons, and one correction over all of them.

use super::answer::{Answer, EvalMode};
use super::answers::{Answers, frames, units};
use super::ranks::ranks;
use super::study::{Labels, Study};
use super::summary::{Compared, DRAWS, Entry, EntryScores, RankTable, Table};
use crate::evaluate::comparison::{UnitsBySeed, compare};
use crate::evaluate::outcome::{Comparison, Unit};
use crate::evaluate::predictions::per_frame;
use crate::evaluate::scores::score_units;
use crate::metrics::{Confusion, argmax};
use crate::stats;
use hico_data::Dataset;
use std::collections::{BTreeMap, BTreeSet};

/// Data sets below which ranks say nothing: blocks must not know of each other, as folds of one data set do (Demšar 2006).
const FEWEST_BLOCKS: usize = 8;

/// - `asked`: places of the methods that the study asks this
pub(super) fn table(
    study: &Study,
    (data, dataset): (&str, &Dataset),
    (evaluation, labels): (EvalMode, Labels),
    asked: &BTreeSet<usize>,
    (folds, answers): (&[usize], &Answers<'_>),
) -> Table {
    let of_method: Vec<BTreeMap<u64, Vec<&Answer>>> = study
        .methods
        .iter()
        .map(|method| {
            // What a baseline says does not depend on what encoders are asked.
            let asked = if method.is_baseline() { EvalMode::Baseline } else { evaluation };
            answers.complete((method.name.as_str(), data, asked, labels), folds)
        })
        .collect();
    let entries = study.methods.iter().zip(&of_method).enumerate().map(|(place, (method, found))| Entry {
        method: method.name.clone(),
        asked: asked.contains(&place),
        seeds: found.keys().copied().collect(),
        scores: entry_scores(dataset, found),
    });
    let compared = study.compare.iter().filter_map(|&[better, baseline]| {
        let (better_seeds, baseline_seeds) = (&of_method[better], &of_method[baseline]);
        let common: Vec<u64> = better_seeds.keys().copied().filter(|seed| baseline_seeds.contains_key(seed)).collect();
        if common.is_empty() {
            return None;
        }
        let of = |method: usize| UnitsBySeed {
            name: &study.methods[method].name,
            seeds: common.iter().map(|seed| units(dataset, &of_method[method][seed], Unit::Patient)).collect(),
        };
        let classes = dataset.classes().len();
        let comparison = compare([&of(better), &of(baseline)], classes, Unit::Patient, study.judge.metric, DRAWS)?;
        Some(Compared { p_holm: comparison.p_value, comparison })
    });
    Table { data: data.to_owned(), evaluation, labels, comparisons: compared.collect(), entries: entries.collect() }
}

/// Corrects the p values of a whole study at once; a comparison that repeats another of its table, because two methods
/// are the same there, is no second test.
///
/// - returns: how many tests there are
pub(super) fn correct(tables: &mut [Table]) -> usize {
    let mut p_values = Vec::new();
    let mut places = Vec::new();
    for table in tables.iter() {
        for (at, compared) in table.comparisons.iter().enumerate() {
            let same = |other: &Compared| {
                let [a, b] = [&compared.comparison, &other.comparison];
                Comparison { better: b.better.clone(), ..a.clone() } == *b
            };
            let repeats = table.comparisons[..at].iter().position(same);
            places.push(repeats.map_or(p_values.len(), |first| places[places.len() - at + first]));
            if repeats.is_none() {
                p_values.push(compared.comparison.p_value);
            }
        }
    }
    let corrected = holm(&p_values);
    let all = tables.iter_mut().flat_map(|table| &mut table.comparisons);
    all.zip(places).for_each(|(compared, place)| compared.p_holm = corrected[place]);
    p_values.len()
}

fn entry_scores(dataset: &Dataset, found: &BTreeMap<u64, Vec<&Answer>>) -> Option<EntryScores> {
    if found.is_empty() {
        return None;
    }
    let classes = dataset.classes().len();
    let scores = |unit: Unit| {
        let seeds: Vec<_> = found.values().map(|answers| units(dataset, answers, unit)).collect();
        score_units(&seeds, classes, DRAWS)
    };
    let of_frames = |answers: &Vec<&Answer>| {
        let units = per_frame(dataset, &frames(answers));
        let found = units.iter().map(|unit| (unit.truth, argmax(&unit.probabilities)));
        Confusion::of(classes, found).balanced_accuracy()
    };
    let all = || found.values().flatten();
    let over = |value: &dyn Fn(&Answer) -> Option<f64>| {
        stats::mean(&all().filter_map(|answer| value(answer)).collect::<Vec<_>>())
    };
    let every = |value: &dyn Fn(&Answer) -> f64| over(&|answer| Some(value(answer))).unwrap_or(0.0);
    Some(EntryScores {
        patient: scores(Unit::Patient),
        clip: scores(Unit::Clip),
        frame_balanced_accuracy: stats::mean(&found.values().filter_map(of_frames).collect::<Vec<_>>()).unwrap_or(0.0),
        published: over(&|answer| answer.published),
        images: every(&|answer| answer.images as f64),
        seconds: every(&|answer| answer.pretrain_seconds),
        groups: every(&|answer| answer.groups as f64),
    })
}

/// Mean ranks over data sets, by the figure that comparisons test, where all methods are on enough of them.
pub(super) fn ranked(study: &Study, tables: &[Table]) -> Vec<RankTable> {
    let kinds: BTreeSet<(EvalMode, Labels)> = tables.iter().map(|table| (table.evaluation, table.labels)).collect();
    let of_kind = |(evaluation, labels)| {
        let of_table = |table: &Table| -> Option<Vec<f64>> {
            let encoders = table.entries.iter().zip(&study.methods).filter(|(_, method)| !method.is_baseline());
            encoders.map(|(entry, _)| Some(entry.scores.as_ref()?.patient.of(study.judge.metric)?.mean)).collect()
        };
        let of_kind = tables.iter().filter(|table| (table.evaluation, table.labels) == (evaluation, labels));
        let blocks: Vec<Vec<f64>> = of_kind.filter_map(of_table).collect();
        let encoders = study.methods.iter().filter(|method| !method.is_baseline());
        let names = encoders.map(|method| method.name.clone()).collect();
        let ranks = (blocks.len() >= FEWEST_BLOCKS).then(|| ranks(names, &blocks, DRAWS))??;
        Some(RankTable { evaluation, labels, ranks })
    };
    kinds.into_iter().filter_map(of_kind).collect()
}

/// p values after Holm's step-down correction (Holm 1979), in their order.
#[must_use]
pub(super) fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|a, b| p_values[*a].total_cmp(&p_values[*b]));
    let mut corrected = vec![0.0; p_values.len()];
    let mut least: f64 = 0.0;
    for (rank, place) in order.into_iter().enumerate() {
        least = least.max(p_values[place] * (p_values.len() - rank) as f64).min(1.0);
        corrected[place] = least;
    }
    corrected
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holm_by_hand() {
        assert_eq!(holm(&[0.01, 0.04, 0.03]), [0.03, 0.06, 0.06]);
        assert_eq!(holm(&[0.5, 0.9]), [1.0, 1.0]);
        assert_eq!(holm(&[]), [0.0; 0]);
    }
}
