//! How often an interval holds the truth that it is meant to hold, simulated on the groups of the study itself.

use super::comparison::SeedOutcome;
use super::outcome::Metric;
use super::scores::Groups;
use crate::stats::{mean, quantile};
use hico_data::Seed;
use hico_train::predictions::UnitPrediction;
use rand::{Rng, RngExt as _};
use rayon::prelude::*;

/// Studies that are simulated.
pub const SIMULATIONS: u64 = 200;

/// Draws of the bootstrap within each.
const DRAWS: usize = 200;

/// Simulates how often a 95 % bootstrap interval holds the truth.
///
/// The groups and seeds that there are stand for all that might have been, so that the truth is known: the figure over all
/// of them. Each simulated study draws as many of them with replacement, groups within their class, and asks the bootstrap
/// for an interval (Hall 1992, "The Bootstrap and Edgeworth Expansion", 3.11).
///
/// - `seeds`: `[seeds][units]`, the same units for each seed
/// - returns: a share; `None` where there is no interval, or not the figure
#[must_use]
pub fn coverage(seeds: &[Vec<UnitPrediction>], classes: usize, metric: Metric, seed: Seed) -> Option<f64> {
    let groups = Groups::new(seeds.first()?.iter().map(|unit| (unit.group.as_str(), unit.truth)), classes);
    if groups.no_interval().is_some() {
        return None;
    }
    let outcomes: Vec<SeedOutcome> = seeds.iter().map(|units| SeedOutcome::new(units, classes, metric)).collect();
    let figure = |seeds: &[usize], weights: &[f64]| {
        let of_seed = |seed: &usize| outcomes[*seed].figure(&|unit: usize| weights[groups.of_unit[unit]]);
        mean(&seeds.iter().map(of_seed).collect::<Option<Vec<f64>>>()?)
    };
    let all_seeds: Vec<usize> = (0..outcomes.len()).collect();
    let truth = figure(&all_seeds, &vec![1.0; groups.strata.len()])?;
    let of_class = |class: usize| (0..groups.strata.len()).filter(|group| groups.strata[*group] == class).collect();
    let population: Vec<Vec<usize>> = (0..classes).map(of_class).collect();
    let holds = |study: u64| {
        let mut random = seed.stream("coverage", &[study]);
        let sample: Vec<Vec<usize>> = population.iter().map(|groups| drawn(groups, &mut random)).collect();
        let sample_seeds = drawn(&all_seeds, &mut random);
        let mut figures: Vec<f64> = (0..DRAWS)
            .filter_map(|_| {
                let mut weights = vec![0.0; groups.strata.len()];
                sample.iter().flat_map(|of| drawn(of, &mut random)).for_each(|group| weights[group] += 1.0);
                figure(&drawn(&sample_seeds, &mut random), &weights)
            })
            .collect();
        figures.sort_by(f64::total_cmp);
        !figures.is_empty() && quantile(&figures, 0.025) <= truth && truth <= quantile(&figures, 0.975)
    };
    let held = (0..SIMULATIONS).into_par_iter().filter(|study| holds(*study)).count();
    Some(held as f64 / SIMULATIONS as f64)
}

/// As many as there are, drawn with replacement.
fn drawn(from: &[usize], random: &mut impl Rng) -> Vec<usize> {
    from.iter().map(|_| from[random.random_range(0..from.len())]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Groups of one unit each; of each class every sixth is called wrong.
    fn units(groups: usize) -> Vec<UnitPrediction> {
        let unit = |at: usize| {
            let truth = at % 2;
            let sure = if (at / 2).is_multiple_of(6) { 0.4 } else { 0.6 + 0.001 * at as f64 };
            let mut probabilities = vec![1.0 - sure; 2];
            probabilities[truth] = sure;
            UnitPrediction { group: format!("p{at}"), truth, probabilities }
        };
        (0..groups).map(unit).collect()
    }

    #[test]
    fn intervals_over_many_groups_hold_the_truth_about_as_often_as_they_say_and_over_few_less_often() {
        let of = |groups: usize| coverage(&[units(groups)], 2, Metric::BalancedAccuracy, Seed(1)).unwrap();
        // With six of a class the one wrong is often not drawn, and the interval has no width.
        let (many, few) = (of(120), of(12));
        // 200 studies: a share of 0.95 has a standard error of 0.015.
        assert!((0.90..=0.99).contains(&many), "{many}");
        assert!(few < many - 0.05, "{few} {many}");
        assert_eq!(many, of(120), "whatever the threads");
    }

    #[test]
    fn without_an_interval_there_is_no_coverage() {
        assert_eq!(coverage(&[units(2)], 2, Metric::MacroAuc, Seed(1)), None);
        assert_eq!(coverage(&[], 2, Metric::MacroAuc, Seed(1)), None);
    }
}
