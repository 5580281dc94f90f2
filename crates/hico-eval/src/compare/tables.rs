//! Answers → tables: what each method reached, paired comparisons, and one correction over all of them.

use super::answer::{Answer, EvalMode, Evaluation};
use super::answers::DRAWS;
use super::answers::{Answers, units};
use super::entry;
use super::labels::Labels;
use super::ranks::ranks;
use super::strata::strata;
use super::study::{Start, Study, StudyMethod};
use super::summary::{Compared, Coverage, MethodEntry, RankTable, Table};
use crate::baselines::Baseline;
use crate::comparison::{UnitsBySeed, compare};
use crate::coverage::coverage;
use crate::outcome::{Comparison, Unit};
use hico_data::Dataset;
use std::collections::{BTreeMap, BTreeSet};

/// Data sets below which ranks say nothing: blocks must not know of each other, as folds of one data set do (Demšar 2006).
const FEWEST_BLOCKS: usize = 8;

/// - `asked`: places of the methods that the study asks this
pub(super) fn table(
    study: &Study,
    (data, dataset): (&str, &Dataset),
    (evaluation, labels): (Evaluation, Labels),
    asked: &BTreeSet<usize>,
    (folds, answers): (&[usize], &Answers<'_>),
) -> Table {
    let of_method: Vec<BTreeMap<u64, Vec<&Answer>>> = study
        .methods
        .iter()
        .map(|method| {
            // What a baseline says does not depend on what encoders are asked.
            let asked = if method.is_baseline() { EvalMode::Baseline.into() } else { evaluation };
            answers.complete((method.name.as_str(), data, asked, labels), folds)
        })
        .collect();
    let entry = |(place, (method, found)): (usize, (&StudyMethod, &BTreeMap<u64, Vec<&Answer>>))| MethodEntry {
        method: method.name.clone(),
        asked: asked.contains(&place),
        seeds: found.keys().copied().collect(),
        scores: entry::scores(study, dataset, found),
    };
    let entries: Vec<MethodEntry> = study.methods.iter().zip(&of_method).enumerate().map(entry).collect();
    let confounded = study.methods.iter().zip(&entries).any(|(method, entry)| {
        method.start == Start::Baseline(Baseline::Confounders) && is_better_than_chance(dataset, entry)
    });
    let asked: Vec<&BTreeMap<u64, Vec<&Answer>>> =
        of_method.iter().zip(&entries).filter(|(_, entry)| entry.asked).map(|(found, _)| found).collect();
    let strata = if confounded { strata(dataset, &asked) } else { Vec::new() };
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
        let found = compare([&of(better), &of(baseline)], classes, Unit::Patient, study.evaluation.metric, DRAWS)?;
        let comparison = match study.methods[better].start {
            // All seeds share one pretraining, so what they do not differ in says nothing of other pretrainings.
            Start::Given(_) | Start::Weights(_) => {
                Comparison { p_value: found.p_groups.unwrap_or(found.p_value), ..found }
            }
            _ => found,
        };
        Some(Compared { p_holm: comparison.p_value, comparison })
    });
    Table {
        data: data.to_owned(),
        evaluation,
        labels,
        comparisons: compared.collect(),
        coverage: simulated(study, dataset, &of_method),
        strata,
        entries,
    }
}

/// Whether balanced accuracy per patient lies above that of a guess, its interval included.
fn is_better_than_chance(dataset: &Dataset, entry: &MethodEntry) -> bool {
    let chance = 1.0 / dataset.classes().len().max(1) as f64;
    let figure = entry.scores.as_ref().map(|scores| scores.scores.patient.balanced_accuracy);
    figure.and_then(|figure| figure.interval().ok()).is_some_and(|[low, _]| low > chance)
}

/// Simulates how often intervals hold the truth, by the last encoder that has answers.
fn simulated(study: &Study, dataset: &Dataset, of_method: &[BTreeMap<u64, Vec<&Answer>>]) -> Option<Coverage> {
    let encoders = study.methods.iter().zip(of_method).filter(|(method, _)| !method.is_baseline());
    let (method, found) = encoders.rev().find(|(_, found)| !found.is_empty())?;
    let seeds: Vec<_> = found.values().map(|answers| units(dataset, answers, Unit::Patient)).collect();
    let share = coverage(&seeds, dataset.classes().len(), study.evaluation.metric, DRAWS)?;
    Some(Coverage { method: method.name.clone(), share })
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

/// Mean ranks over data sets, by the figure that comparisons test, where all methods are on enough of them.
pub(super) fn ranked(study: &Study, tables: &[Table]) -> Vec<RankTable> {
    let kinds: BTreeSet<(Evaluation, Labels)> = tables.iter().map(|table| (table.evaluation, table.labels)).collect();
    let of_kind = |(evaluation, labels)| {
        let of_table = |table: &Table| -> Option<Vec<f64>> {
            let encoders = table.entries.iter().zip(&study.methods).filter(|(_, method)| !method.is_baseline());
            encoders
                .map(|(entry, _)| Some(entry.scores.as_ref()?.scores.patient.of(study.evaluation.metric)?.mean))
                .collect()
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
