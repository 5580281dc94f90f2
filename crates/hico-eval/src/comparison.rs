//! Two candidates on the same units: the difference of a figure, its interval, and whether it is more than chance.

use super::outcome::{Comparison, Metric, Unit};
use super::scores::{Groups, macro_auc, rankings};
use crate::scores::estimated;
use crate::stats::{self, Bootstrap, POWER_80};
use hico_data::Seed;
use hico_model::estimate::{Estimate, NoInterval, ROUNDING};
use hico_model::rows::argmax;
use hico_train::metrics::{Confusion, Ranking};
use hico_train::predictions::UnitPrediction;

/// Predictions of one candidate.
#[derive(Debug, Clone)]
pub struct UnitsBySeed<'a> {
    /// Name of the candidate.
    pub name: &'a str,
    /// `[seeds][units]`, the same units in the same order for each seed; one seed or more. A candidate without randomness
    /// has one, which stands for every seed of the other.
    pub seeds: Vec<Vec<UnitPrediction>>,
}

/// Compares two candidates on the same units.
///
/// The difference is a sum over groups (`contributions`), so its tests need nothing but what each group adds with each
/// seed: one flips the signs of groups, with the mean over seeds; the other those of seeds, with the sum over groups.
/// A difference is shown where both are small: other patients or other seeds would have shown it too.
///
/// - `unit`: what the units are, for the record
/// - returns: `None` where the figure is not there, as an area is not where a class is missing
#[must_use]
pub fn compare(
    [better, baseline]: [&UnitsBySeed<'_>; 2],
    classes: usize,
    unit: Unit,
    metric: Metric,
    seed: Seed,
) -> Option<Comparison> {
    let units = &better.seeds[0];
    let groups = Groups::new(units.iter().map(|unit| (unit.group.as_str(), unit.truth)), classes);
    let count = better.seeds.len().max(baseline.seeds.len());
    let of = |candidate: &UnitsBySeed<'_>| -> Vec<SeedOutcome> {
        candidate.seeds.iter().map(|units| SeedOutcome::new(units, classes, metric)).collect()
    };
    let outcome = [of(better), of(baseline)];
    let place = |candidate: usize, seed: usize| &outcome[candidate][seed.min(outcome[candidate].len() - 1)];
    let difference = |seed: usize, weight: &dyn Fn(usize) -> f64| {
        Some(place(0, seed).figure(&weight)? - place(1, seed).figure(&weight)?)
    };
    let bootstrap = Bootstrap::new(&groups.strata, Bootstrap::DRAWS, seed);
    let spread =
        bootstrap.two_way(count, |seed, weights| vec![difference(seed, &|unit: usize| weights[groups.of_unit[unit]])]);
    let by_seed: Vec<f64> = (0..count).map(|seed| difference(seed, &|_| 1.0)).collect::<Option<_>>()?;
    let mut estimate = estimated(&by_seed, spread[0], groups.no_interval());
    let mut by_group = vec![0.0; groups.strata.len()];
    for seed in 0..count {
        let gains = [0, 1].map(|candidate| contributions(&better.seeds[0], place(candidate, seed), classes));
        for (unit, group) in groups.of_unit.iter().enumerate() {
            by_group[*group] += (gains[0][unit] - gains[1][unit]) / count as f64;
        }
    }
    // Shares that cancel leave a rest in their last bits, which is no difference.
    by_group.iter_mut().filter(|sum| sum.abs() < ROUNDING).for_each(|sum| *sum = 0.0);
    let (differing_groups, least_groups) = stats::least_p(&by_group);
    if differing_groups == 1 && estimate.no_interval == Some(NoInterval::NoSpread) {
        estimate.no_interval = Some(NoInterval::OneGroupDiffers);
    }
    let p_groups = stats::sign_flip(&by_group, seed);
    let seeds = (by_seed.len() >= 2).then(|| (stats::sign_flip(&by_seed, seed), stats::least_p(&by_seed).1));
    Some(Comparison {
        better: better.name.to_owned(),
        baseline: baseline.name.to_owned(),
        metric,
        unit,
        difference: estimate,
        p_value: seeds.map_or(p_groups, |(p, _)| p.max(p_groups)),
        p_groups: Some(p_groups),
        p_seeds: seeds.map(|(p, _)| p),
        differing_groups,
        least_p: seeds.map_or(least_groups, |(_, least)| least.max(least_groups)),
        detectable: detectable(&estimate),
    })
}

/// Returns the smallest difference that a test at 5 % shows with a power of 0.8, by the standard errors of groups and
/// seeds; `None` where they are not known or 0, as where too few groups differ.
#[must_use]
pub fn detectable(estimate: &Estimate) -> Option<f64> {
    let error = estimate.se_groups?.hypot(estimate.se_seeds.unwrap_or(0.0));
    (error > ROUNDING).then_some(POWER_80 * error)
}

/// What one seed of one candidate found, as far as the metric needs it.
pub(crate) enum SeedOutcome {
    /// The class that each unit was given, and its own.
    Classes {
        found: Vec<(usize, usize)>,
        classes: usize,
    },
    Rankings(Vec<Ranking>),
}

impl SeedOutcome {
    pub(crate) fn new(units: &[UnitPrediction], classes: usize, metric: Metric) -> Self {
        match metric {
            Metric::BalancedAccuracy => {
                let found = units.iter().map(|unit| (unit.truth, argmax(&unit.probabilities))).collect();
                Self::Classes { found, classes }
            }
            Metric::MacroAuc => Self::Rankings(rankings(units, classes)),
        }
    }

    /// - `weight`: of a unit, by its place
    pub(crate) fn figure(&self, weight: &dyn Fn(usize) -> f64) -> Option<f64> {
        match self {
            Self::Classes { found, classes } => {
                let mut confusion = Confusion::new(*classes);
                for (unit, (truth, prediction)) in found.iter().enumerate() {
                    confusion.add(*truth, *prediction, weight(unit));
                }
                confusion.balanced_accuracy()
            }
            Self::Rankings(rankings) => macro_auc(rankings, weight),
        }
    }
}

/// What each unit adds to the figure, `[units]`; their sum is the figure.
///
/// Of balanced accuracy a unit of a class with `n` units adds `1 / (classes * n)` where it is right. An area is the mean
/// over positives of the share of negatives below each, and as well the mean over negatives of the share of positives
/// above each (DeLong et al. 1988); half of it is shared out the one way and half the other.
fn contributions(units: &[UnitPrediction], outcome: &SeedOutcome, classes: usize) -> Vec<f64> {
    let mut counts = vec![0.0; classes];
    units.iter().for_each(|unit| counts[unit.truth] += 1.0);
    match outcome {
        SeedOutcome::Classes { found, .. } => {
            let present = counts.iter().filter(|count| **count > 0.0).count() as f64;
            let of = |(truth, prediction): &(usize, usize)| {
                f64::from(u8::from(truth == prediction)) / (present * counts[*truth])
            };
            found.iter().map(of).collect()
        }
        SeedOutcome::Rankings(rankings) => {
            let mut sums = vec![0.0; units.len()];
            for (class, ranking) in rankings.iter().enumerate() {
                let (positives, negatives) = (counts[class], units.len() as f64 - counts[class]);
                for (unit, share) in ranking.placements(units.len()).into_iter().enumerate() {
                    let same = if units[unit].truth == class { positives } else { negatives };
                    sums[unit] += share / (2.0 * same * rankings.len() as f64);
                }
            }
            sums
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::scores::tests::clips;
    use super::*;
    use proptest::prelude::*;

    type Found<'a> = &'a [(&'a str, usize, usize)];

    fn units(found: Found<'_>) -> Vec<UnitPrediction> {
        clips(found).into_iter().map(UnitPrediction::from).collect()
    }

    fn between(a: &[Vec<UnitPrediction>], b: &[Vec<UnitPrediction>], metric: Metric) -> Comparison {
        let of = |name, seeds: &[Vec<UnitPrediction>]| UnitsBySeed { name, seeds: seeds.to_vec() };
        compare([&of("x", a), &of("y", b)], 3, Unit::Clip, metric, Seed(1)).unwrap()
    }

    const BETTER: Found<'_> = &[("a", 0, 0), ("a", 0, 0), ("b", 0, 1), ("c", 1, 1), ("d", 2, 2), ("e", 2, 2)];
    const WORSE: Found<'_> = &[("a", 0, 0), ("a", 0, 1), ("b", 0, 0), ("c", 1, 1), ("d", 2, 0), ("e", 2, 1)];

    #[test]
    fn what_both_get_right_or_wrong_makes_no_difference() {
        for metric in [Metric::BalancedAccuracy, Metric::MacroAuc] {
            let found = between(&[units(BETTER)], &[units(BETTER)], metric);
            assert_eq!((found.difference.mean, found.p_value, found.differing_groups), (0.0, 1.0, 0));
            assert_eq!((found.difference.low, found.difference.high, found.least_p), (Some(0.0), Some(0.0), 1.0));
            assert_eq!((found.difference.interval(), found.detectable), (Err(NoInterval::NoSpread), None));
        }
    }

    #[test]
    fn a_difference_of_one_patient_alone_in_its_class_has_no_interval_and_no_power() {
        const ONE: Found<'_> = &[("a", 0, 0), ("b", 0, 1), ("c", 0, 0), ("d", 1, 1), ("e", 1, 0), ("f", 2, 2)];
        const OTHER: Found<'_> = &[("a", 0, 0), ("b", 0, 1), ("c", 0, 0), ("d", 1, 1), ("e", 1, 0), ("f", 2, 0)];
        let found = between(&[units(ONE)], &[units(OTHER)], Metric::BalancedAccuracy);
        assert!((found.difference.mean - 1.0 / 3.0).abs() < 1e-12);
        assert_eq!(found.difference.interval(), Err(NoInterval::OneGroupDiffers));
        assert_eq!((found.differing_groups, found.detectable), (1, None));
    }

    #[test]
    fn a_difference_is_that_of_the_balanced_accuracies() {
        let accuracy = |found: Found<'_>| {
            Confusion::of(3, found.iter().map(|(_, truth, prediction)| (*truth, *prediction))).balanced_accuracy()
        };
        let expected = accuracy(BETTER).unwrap() - accuracy(WORSE).unwrap();
        let found = between(&[units(BETTER)], &[units(WORSE)], Metric::BalancedAccuracy);
        assert!((found.difference.mean - expected).abs() < 1e-12);
        // Groups add 1/9, -1/9, 0, 1/6 and 1/6, in sum 1/3. A sum as far from zero needs both sixths of one sign (two
        // ways), and then 1/3 + 2/9, 1/3 and 1/3 reach it but 1/3 - 2/9 does not: six of 16 choices of signs.
        assert!((found.p_value - 6.0 / 16.0).abs() < 1e-12, "{}", found.p_value);
        assert_eq!((found.differing_groups, found.least_p, found.p_seeds), (4, 2.0 / 16.0, None));
    }

    #[test]
    fn a_difference_needs_other_seeds_as_well_as_other_patients() {
        let seeds = [units(BETTER), units(BETTER), units(BETTER)];
        // A candidate without randomness stands for every seed of the other.
        for worse in [vec![units(WORSE)], vec![units(WORSE); 3]] {
            let found = between(&seeds, &worse, Metric::BalancedAccuracy);
            assert_eq!((found.p_groups, found.p_seeds), (Some(6.0 / 16.0), Some(2.0 / 8.0)));
            assert_eq!((found.p_value, found.least_p), (6.0 / 16.0, 2.0 / 8.0));
            assert!(found.difference.se_seeds.is_some_and(|se| se < 1e-15), "{found:?}");
        }
        let mixed = [units(BETTER), units(WORSE)];
        let found = between(&mixed, &[units(WORSE)], Metric::BalancedAccuracy);
        assert!((found.difference.mean - 1.0 / 6.0).abs() < 1e-12);
        assert_eq!(found.p_seeds, Some(1.0));
        let Estimate { se_groups: Some(groups), se_seeds: Some(seeds), .. } = found.difference else { panic!("both") };
        assert!((seeds - 1.0 / 6.0).abs() < 1e-12, "1/3 and 0, over the root of two");
        assert!((found.detectable.unwrap() - 2.801_585_219 * groups.hypot(seeds)).abs() < 1e-9);
    }

    proptest! {
        #[test]
        fn what_units_add_is_the_figure(
            rows in prop::collection::vec((0..6_usize, 0..3_usize, [0..5_u8, 0..5_u8, 0..5_u8]), 6..30),
        ) {
            let unit = |(group, truth, scores): &(usize, usize, [u8; 3])| UnitPrediction {
                group: format!("p{group}"),
                truth: *truth,
                probabilities: scores.iter().map(|score| f64::from(*score) / 5.0).collect(),
            };
            let units: Vec<UnitPrediction> = rows.iter().map(unit).collect();
            for metric in [Metric::BalancedAccuracy, Metric::MacroAuc] {
                let outcome = SeedOutcome::new(&units, 3, metric);
                let Some(figure) = outcome.figure(&|_| 1.0) else { continue };
                let sum: f64 = contributions(&units, &outcome, 3).iter().sum();
                prop_assert!((sum - figure).abs() < 1e-9, "{metric:?}: {sum} {figure}");
            }
        }
    }
}
