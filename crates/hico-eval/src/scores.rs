//! Predictions → figures with their doubt: mean and spread over seeds, bootstrap interval over groups and seeds.

use super::outcome::{Scores, UnitScores};
use crate::stats::{self, Bootstrap, TwoWay};
use hico_data::{Dataset, Seed};
use hico_model::estimate::{Estimate, NoInterval, ROUNDING};
use hico_model::rows::argmax;
use hico_train::metrics::{self, ClassScores, Confusion, Ranking};
use hico_train::predictions::{ClipPrediction, FramePrediction, UnitPrediction, per_clip, per_frame, per_patient};
use std::collections::{BTreeMap, BTreeSet};

/// Scores of one candidate, per frame, clip and patient.
///
/// All folds are pooled before a figure is computed, so that a small fold weighs what it holds; a figure is the mean
/// over seeds of that. AUC therefore compares probabilities of the networks of different folds.
///
/// - `seeds`: for each seed, every tested frame of every fold; the same frames for each
///
/// # Panics
/// When there is no seed.
#[must_use]
pub fn score(dataset: &Dataset, seeds: &[Vec<FramePrediction>], seed: Seed) -> Scores {
    let classes = dataset.classes().len();
    let clips: Vec<_> = seeds.iter().map(|frames| per_clip(dataset, frames)).collect();
    let unit = |units: Vec<Vec<UnitPrediction>>| score_units(&units, classes, seed);
    Scores {
        frame: unit(seeds.iter().map(|frames| per_frame(dataset, frames)).collect()),
        patient: unit(clips.iter().map(|clips| per_patient(clips)).collect()),
        clip: unit(clips.into_iter().map(units_of).collect()),
    }
}

fn units_of(clips: Vec<ClipPrediction>) -> Vec<UnitPrediction> {
    clips.into_iter().map(UnitPrediction::from).collect()
}

/// Figures that have an interval, in the order of [`SeedScores::figures`].
const FIGURES: usize = 6;

/// Figures of one seed that can be weighed again and again.
struct SeedScores {
    /// Truth and prediction of each unit.
    found: Vec<(usize, usize)>,
    rankings: Vec<Ranking>,
    /// Log loss and Brier score of each unit.
    losses: Vec<[f64; 2]>,
    calibration_error: Option<f64>,
}

impl SeedScores {
    fn new(units: &[UnitPrediction], classes: usize) -> Self {
        let found: Vec<(usize, usize)> = units.iter().map(|unit| (unit.truth, argmax(&unit.probabilities))).collect();
        let losses = units.iter().map(|unit| {
            [metrics::log_loss(unit.truth, &unit.probabilities), metrics::brier(unit.truth, &unit.probabilities)]
        });
        let sure = units.iter().zip(&found);
        let sure: Vec<(f64, bool)> =
            sure.map(|(unit, (truth, class))| (unit.probabilities[*class], truth == class)).collect();
        Self {
            rankings: rankings(units, classes),
            losses: losses.collect(),
            calibration_error: metrics::calibration_error(&sure),
            found,
        }
    }

    fn confusion(&self, weight: impl Fn(usize) -> f64) -> Confusion {
        let mut confusion = Confusion::new(self.rankings.len());
        for (unit, (truth, prediction)) in self.found.iter().enumerate() {
            confusion.add(*truth, *prediction, weight(unit));
        }
        confusion
    }

    /// Accuracy, balanced accuracy, macro F1, mean AUC, log loss and Brier score.
    fn figures(&self, weight: impl Fn(usize) -> f64 + Copy) -> [Option<f64>; FIGURES] {
        let confusion = self.confusion(weight);
        let loss = |which: usize| {
            let sums = self.losses.iter().enumerate().fold((0.0, 0.0), |(loss, mass), (unit, losses)| {
                (loss + weight(unit) * losses[which], mass + weight(unit))
            });
            (sums.1 > 0.0).then(|| sums.0 / sums.1)
        };
        [
            confusion.accuracy(),
            confusion.balanced_accuracy(),
            confusion.macro_f1(),
            macro_auc(&self.rankings, weight),
            loss(0),
            loss(1),
        ]
    }
}

/// Units in the order of each class's probability.
pub(crate) fn rankings(units: &[UnitPrediction], classes: usize) -> Vec<Ranking> {
    let ranking = |class: usize| {
        let scores: Vec<f64> = units.iter().map(|unit| unit.probabilities[class]).collect();
        Ranking::new(&scores, &units.iter().map(|unit| unit.truth == class).collect::<Vec<_>>())
    };
    (0..classes).map(ranking).collect()
}

/// Mean over classes of the one-against-rest area; `None` where a class is missing.
pub(crate) fn macro_auc(rankings: &[Ranking], weight: impl Fn(usize) -> f64 + Copy) -> Option<f64> {
    stats::mean(&rankings.iter().map(|ranking| ranking.auc(weight)).collect::<Option<Vec<f64>>>()?)
}

/// Which group each unit belongs to, and the class by which the bootstrap stratifies each group.
pub(crate) struct Groups {
    pub(crate) of_unit: Vec<usize>,
    pub(crate) strata: Vec<usize>,
}

impl Groups {
    /// A group's stratum is the class of most of its units; of equally many the first.
    pub(crate) fn new<'a>(units: impl Iterator<Item = (&'a str, usize)> + Clone, classes: usize) -> Self {
        let mut counts: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
        for (group, truth) in units.clone() {
            counts.entry(group).or_insert_with(|| vec![0.0; classes])[truth] += 1.0;
        }
        let place: BTreeMap<&str, usize> = counts.keys().enumerate().map(|(place, group)| (*group, place)).collect();
        Self {
            of_unit: units.map(|(group, _)| place[group]).collect(),
            strata: counts.values().map(|counts| argmax(counts)).collect(),
        }
    }

    /// Why a bootstrap over these groups shows nothing: each draw of it is all of them.
    pub(crate) fn no_interval(&self) -> Option<NoInterval> {
        let distinct: BTreeSet<usize> = self.strata.iter().copied().collect();
        match self.strata.len() {
            0 | 1 => Some(NoInterval::OneGroup),
            groups if groups == distinct.len() => Some(NoInterval::OneGroupAClass),
            _ => None,
        }
    }
}

/// Scores of one candidate for one kind of unit.
///
/// - `seeds`: `[seeds][units]`, the same units for each seed; one seed or more
pub(crate) fn score_units(seeds: &[Vec<UnitPrediction>], classes: usize, seed: Seed) -> UnitScores {
    let first = &seeds[0];
    let groups = Groups::new(first.iter().map(|unit| (unit.group.as_str(), unit.truth)), classes);
    let of_seeds: Vec<SeedScores> = seeds.iter().map(|units| SeedScores::new(units, classes)).collect();
    let bootstrap = Bootstrap::new(&groups.strata, Bootstrap::DRAWS, seed);
    let spreads = bootstrap
        .two_way(of_seeds.len(), |seed, weights| of_seeds[seed].figures(|unit| weights[groups.of_unit[unit]]).to_vec());
    let plain: Vec<[Option<f64>; FIGURES]> = of_seeds.iter().map(|seed| seed.figures(|_| 1.0)).collect();
    let estimate = |figure: usize| {
        let values: Option<Vec<f64>> = plain.iter().map(|figures| figures[figure]).collect();
        Some(estimated(&values?, spreads[figure], groups.no_interval()))
    };
    let nothing = estimated(&[], TwoWay { interval: None, se_groups: None }, groups.no_interval());
    let confusions: Vec<Confusion> = of_seeds.iter().map(|seed| seed.confusion(|_| 1.0)).collect();
    UnitScores {
        count: first.len(),
        // There is a value wherever there is a unit, and an evaluation without one is refused before it begins.
        accuracy: estimate(0).unwrap_or(nothing),
        balanced_accuracy: estimate(1).unwrap_or(nothing),
        macro_f1: estimate(2).unwrap_or(nothing),
        auc: estimate(3),
        log_loss: estimate(4),
        brier: estimate(5),
        calibration_error: of_seeds
            .iter()
            .map(|seed| seed.calibration_error)
            .collect::<Option<Vec<f64>>>()
            .and_then(|errors| stats::mean(&errors)),
        per_class: mean_per_class(&confusions),
        confusion: mean_counts(&confusions),
        roc: of_seeds[0].rankings.iter().map(|ranking| ranking.curve().unwrap_or_default()).collect(),
    }
}

/// Makes a figure of its seeds and a bootstrap.
///
/// - `seeds`: the figure of each seed
/// - `none`: why a bootstrap cannot tell anything here, whatever it drew
pub(crate) fn estimated(seeds: &[f64], spread: TwoWay, none: Option<NoInterval>) -> Estimate {
    let interval = spread.interval.filter(|_| none.is_none());
    let no_spread = interval.is_none_or(|[low, high]| high - low <= ROUNDING).then_some(NoInterval::NoSpread);
    let sd = stats::sample_sd(seeds);
    Estimate {
        mean: stats::mean(seeds).unwrap_or(0.0),
        sd,
        low: interval.map(|[low, _]| low),
        high: interval.map(|[_, high]| high),
        se_groups: spread.se_groups.filter(|_| none.is_none()),
        se_seeds: sd.map(|sd| sd / (seeds.len() as f64).sqrt()),
        no_interval: none.or(no_spread),
    }
}

/// Mean over seeds of each class's figures; precision over the seeds that called anything so.
fn mean_per_class(seeds: &[Confusion]) -> Vec<ClassScores> {
    let seeds: Vec<Vec<ClassScores>> = seeds.iter().map(Confusion::per_class).collect();
    let class = |class: usize| {
        let over = |value: fn(&ClassScores) -> Option<f64>| {
            stats::mean(&seeds.iter().filter_map(|classes| value(&classes[class])).collect::<Vec<_>>())
        };
        ClassScores {
            precision: over(|class| class.precision),
            recall: over(|class| class.recall),
            f1: over(|class| Some(class.f1)).unwrap_or(0.0),
            count: seeds[0][class].count,
        }
    };
    (0..seeds[0].len()).map(class).collect()
}

fn mean_counts(seeds: &[Confusion]) -> Vec<Vec<f64>> {
    let classes = seeds[0].counts().len();
    let cell = |truth: usize, prediction: usize| {
        seeds.iter().map(|confusion| confusion.counts()[truth][prediction]).sum::<f64>() / seeds.len() as f64
    };
    (0..classes).map(|truth| (0..classes).map(|prediction| cell(truth, prediction)).collect()).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use hico_model::test_data;

    pub(in super::super) fn clips(found: &[(&str, usize, usize)]) -> Vec<ClipPrediction> {
        let clip = |(index, (group, truth, prediction)): (usize, &(&str, usize, usize))| ClipPrediction {
            clip: format!("clip-{index:02}"),
            group: (*group).to_owned(),
            truth: *truth,
            probabilities: (0..3).map(|class| if class == *prediction { 0.8 } else { 0.1 }).collect(),
        };
        found.iter().enumerate().map(clip).collect()
    }

    #[test]
    fn a_perfect_candidate_has_ones_and_no_width() {
        let data = test_data::spots(&[("a", Some(0), 0), ("b", Some(1), 0), ("c", Some(0), 1), ("d", Some(1), 1)]);
        let frame = |clip: usize| {
            let mut probabilities = vec![0.2; 2];
            probabilities[data.label(clip).unwrap()] = 0.8;
            FramePrediction { clip, frame: 0, probabilities }
        };
        let frames: Vec<_> = (0..4).map(frame).collect();
        let scores = score(&data, &[frames.clone(), frames], Seed(1));
        for unit in [&scores.frame, &scores.clip, &scores.patient] {
            for estimate in [unit.accuracy, unit.balanced_accuracy, unit.macro_f1, unit.auc.unwrap()] {
                let (low, high, no_interval) = (Some(1.0), Some(1.0), Some(NoInterval::NoSpread));
                let [se_groups, se_seeds] = [Some(0.0); 2];
                assert_eq!(
                    estimate,
                    Estimate { mean: 1.0, sd: Some(0.0), low, high, se_groups, se_seeds, no_interval }
                );
                assert_eq!(estimate.interval(), Err(NoInterval::NoSpread));
            }
            assert_eq!(unit.confusion, [[2.0, 0.0], [0.0, 2.0]]);
            assert_eq!(unit.roc[0], [[0.0, 0.0], [0.0, 1.0], [1.0, 1.0]]);
        }
    }

    #[test]
    fn a_figure_is_the_mean_over_seeds_and_its_confusion_too() {
        let one = units_of(clips(&[("a", 0, 0), ("b", 1, 1), ("c", 2, 2), ("d", 2, 2)]));
        let two = units_of(clips(&[("a", 0, 0), ("b", 1, 0), ("c", 2, 2), ("d", 2, 0)]));
        let scores = score_units(&[one, two], 3, Seed(1));
        assert_eq!(scores.accuracy.mean, 0.75);
        assert!((scores.balanced_accuracy.mean - f64::midpoint(1.0, 0.5)).abs() < 1e-12);
        assert_eq!(scores.accuracy.sd, Some(0.125_f64.sqrt()));
        assert_eq!(scores.confusion, [[1.0, 0.0, 0.0], [0.5, 0.5, 0.0], [0.5, 0.0, 1.5]]);
        assert_eq!(scores.per_class[1].precision, Some(1.0));
        assert_eq!(scores.per_class[0].precision, Some((1.0 + 1.0 / 3.0) / 2.0));
    }

    #[test]
    fn an_interval_needs_two_groups_of_a_class() {
        let interval = |found: &[(&str, usize, usize)]| {
            let clips = clips(found);
            let accuracy = score_units(&[units_of(clips.clone())], 3, Seed(1)).accuracy;
            (accuracy.interval(), accuracy.low.is_none(), accuracy.se_groups.is_none())
        };
        // Clips of one patient are one observation, however many they are.
        let one = interval(&[("a", 0, 0), ("a", 0, 1), ("a", 1, 1), ("a", 2, 0)]);
        assert_eq!(one, (Err(NoInterval::OneGroup), true, true));
        let one_a_class = interval(&[("a", 0, 0), ("a", 0, 1), ("b", 1, 1), ("c", 2, 0)]);
        assert_eq!(one_a_class, (Err(NoInterval::OneGroupAClass), true, true));
        let agreeing = interval(&[("a", 0, 1), ("b", 0, 1), ("c", 1, 1)]);
        assert_eq!(agreeing, (Err(NoInterval::NoSpread), false, false));
        let (two, without, _) = interval(&[("a", 0, 0), ("b", 0, 1), ("c", 1, 1)]);
        let [low, high] = two.unwrap();
        assert!(low < high && !without);
    }
}
