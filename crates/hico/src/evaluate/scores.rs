//! Predictions → figures with their doubt: mean and spread over seeds, bootstrap interval over groups.

use super::outcome::{ClipPrediction, Comparison, Estimate, NoInterval, Scores, UnitScores};
use super::predictions::{FramePrediction, UnitPrediction, per_clip, per_frame, per_patient};
use crate::metrics::{ClassScores, Confusion, Ranking, argmax};
use crate::stats::{self, Bootstrap};
use hico_data::{Dataset, Seed};
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

/// Figures of one seed that can be weighed again and again.
struct Judged {
    /// Truth and prediction of each unit.
    found: Vec<(usize, usize)>,
    rankings: Vec<Ranking>,
}

impl Judged {
    fn new(units: &[UnitPrediction], classes: usize) -> Self {
        let ranking = |class: usize| {
            let scores: Vec<f64> = units.iter().map(|unit| unit.probabilities[class]).collect();
            Ranking::new(&scores, &units.iter().map(|unit| unit.truth == class).collect::<Vec<_>>())
        };
        Self {
            found: units.iter().map(|unit| (unit.truth, argmax(&unit.probabilities))).collect(),
            rankings: (0..classes).map(ranking).collect(),
        }
    }

    fn confusion(&self, weight: impl Fn(usize) -> f64) -> Confusion {
        let mut confusion = Confusion::new(self.rankings.len());
        for (unit, (truth, prediction)) in self.found.iter().enumerate() {
            confusion.add(*truth, *prediction, weight(unit));
        }
        confusion
    }

    /// Accuracy, balanced accuracy, macro F1 and mean AUC.
    fn figures(&self, weight: impl Fn(usize) -> f64 + Copy) -> [Option<f64>; 4] {
        let confusion = self.confusion(weight);
        let areas: Option<Vec<f64>> = self.rankings.iter().map(|ranking| ranking.auc(weight)).collect();
        [
            confusion.accuracy(),
            confusion.balanced_accuracy(),
            confusion.macro_f1(),
            areas.and_then(|areas| stats::mean(&areas)),
        ]
    }
}

/// Which group each unit belongs to, and the class by which the bootstrap stratifies each group.
struct Groups {
    of_unit: Vec<usize>,
    strata: Vec<usize>,
}

impl Groups {
    /// A group's stratum is the class of most of its units; of equally many the first.
    fn new<'a>(units: impl Iterator<Item = (&'a str, usize)> + Clone, classes: usize) -> Self {
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
    fn no_interval(&self) -> Option<NoInterval> {
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
    let judged: Vec<Judged> = seeds.iter().map(|units| Judged::new(units, classes)).collect();
    let bootstrap = Bootstrap::new(&groups.strata, Bootstrap::DRAWS, seed);
    let intervals = bootstrap.intervals(|weights| {
        let figures: Vec<_> = judged.iter().map(|seed| seed.figures(|unit| weights[groups.of_unit[unit]])).collect();
        (0..4).map(|figure| mean_where_all(figures.iter().map(|figures| figures[figure]))).collect()
    });
    let plain: Vec<[Option<f64>; 4]> = judged.iter().map(|seed| seed.figures(|_| 1.0)).collect();
    let estimate = |figure: usize| {
        let values: Option<Vec<f64>> = plain.iter().map(|figures| figures[figure]).collect();
        Some(Estimate::new(&values?, intervals[figure], groups.no_interval()))
    };
    let nothing = Estimate::new(&[], None, groups.no_interval());
    let confusions: Vec<Confusion> = judged.iter().map(|seed| seed.confusion(|_| 1.0)).collect();
    UnitScores {
        count: first.len(),
        // There is a value wherever there is a unit, and an evaluation without one is refused before it begins.
        accuracy: estimate(0).unwrap_or(nothing),
        balanced_accuracy: estimate(1).unwrap_or(nothing),
        macro_f1: estimate(2).unwrap_or(nothing),
        auc: estimate(3),
        per_class: mean_per_class(&confusions),
        confusion: mean_counts(&confusions),
        roc: judged[0].rankings.iter().map(|ranking| ranking.curve().unwrap_or_default()).collect(),
    }
}

impl Estimate {
    /// - `none`: why a bootstrap cannot tell anything here, whatever it drew
    fn new(seeds: &[f64], interval: Option<[f64; 2]>, none: Option<NoInterval>) -> Self {
        let interval = interval.filter(|_| none.is_none());
        let no_spread = interval.is_none_or(|[low, high]| low >= high).then_some(NoInterval::NoSpread);
        Self {
            mean: stats::mean(seeds).unwrap_or(0.0),
            sd: stats::sample_sd(seeds),
            low: interval.map(|[low, _]| low),
            high: interval.map(|[_, high]| high),
            no_interval: none.or(no_spread),
        }
    }
}

fn mean_where_all(values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    stats::mean(&values.collect::<Option<Vec<f64>>>()?)
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

/// Predictions of one candidate: for each seed, every tested clip in the order of the data set.
#[derive(Debug, Clone)]
pub struct ClipsBySeed<'a> {
    /// Name of the candidate.
    pub name: &'a str,
    /// `[seeds][clips]`
    pub seeds: Vec<Vec<ClipPrediction>>,
}

/// Balanced accuracy per clip of one candidate minus that of another, on the same clips.
///
/// The difference is a sum over clips, hence over groups: a clip of a class with `n` clips adds `1 / (classes * n)`
/// times the share of seeds in which the first is right minus that in which the second is. So its bootstrap and its
/// sign-flip test need nothing but what each group adds. Both draw groups and take the seeds as given: what other seeds
/// would change is not in them.
#[must_use]
pub fn compare(better: &ClipsBySeed<'_>, baseline: &ClipsBySeed<'_>, classes: usize, seed: Seed) -> Comparison {
    let clips = &better.seeds[0];
    let groups = Groups::new(clips.iter().map(|clip| (clip.group.as_str(), clip.truth)), classes);
    let right = |candidate: &ClipsBySeed<'_>, clip: usize| {
        let right = candidate.seeds.iter().filter(|clips| argmax(&clips[clip].probabilities) == clips[clip].truth);
        right.count() as f64 / candidate.seeds.len() as f64
    };
    let gains: Vec<f64> = (0..clips.len()).map(|clip| right(better, clip) - right(baseline, clip)).collect();
    let balanced = |weight: &dyn Fn(usize) -> f64, gain: &dyn Fn(usize) -> f64| {
        let mut sums = vec![(0.0, 0.0); classes];
        for (unit, clip) in clips.iter().enumerate() {
            sums[clip.truth].0 += weight(unit) * gain(unit);
            sums[clip.truth].1 += weight(unit);
        }
        let present: Vec<f64> = sums.iter().filter(|sum| sum.1 > 0.0).map(|(gain, count)| gain / count).collect();
        stats::mean(&present)
    };
    let bootstrap = Bootstrap::new(&groups.strata, Bootstrap::DRAWS, seed);
    let intervals =
        bootstrap.intervals(|weights| vec![balanced(&|unit| weights[groups.of_unit[unit]], &|unit| gains[unit])]);
    let by_seed: Vec<f64> = if better.seeds.len() == baseline.seeds.len() {
        let hit = |clips: &[ClipPrediction], unit: usize| {
            f64::from(u8::from(argmax(&clips[unit].probabilities) == clips[unit].truth))
        };
        let pairs = better.seeds.iter().zip(&baseline.seeds);
        pairs.filter_map(|(a, b)| balanced(&|_| 1.0, &|unit| hit(a, unit) - hit(b, unit))).collect()
    } else {
        // A floor without randomness runs once; then only the mean can be compared.
        balanced(&|_| 1.0, &|unit| gains[unit]).into_iter().collect()
    };
    let mut counts = vec![0.0; classes];
    clips.iter().for_each(|clip| counts[clip.truth] += 1.0);
    let present = counts.iter().filter(|count| **count > 0.0).count() as f64;
    let mut by_group = vec![0.0; groups.strata.len()];
    for (unit, clip) in clips.iter().enumerate() {
        by_group[groups.of_unit[unit]] += gains[unit] / (present * counts[clip.truth]);
    }
    Comparison {
        better: better.name.to_owned(),
        baseline: baseline.name.to_owned(),
        difference: Estimate::new(&by_seed, intervals[0], groups.no_interval()),
        p_value: stats::sign_flip(&by_group, seed),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::test_data;

    fn clips(found: &[(&str, usize, usize)]) -> Vec<ClipPrediction> {
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
                assert_eq!(estimate, Estimate { mean: 1.0, sd: Some(0.0), low, high, no_interval });
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
    fn what_both_get_right_or_wrong_makes_no_difference() {
        let found = clips(&[("a", 0, 0), ("b", 1, 0), ("c", 2, 2), ("d", 0, 0), ("e", 1, 0), ("f", 2, 2)]);
        let candidate = |name| ClipsBySeed { name, seeds: vec![found.clone()] };
        let comparison = compare(&candidate("x"), &candidate("y"), 3, Seed(1));
        assert_eq!((comparison.difference.mean, comparison.p_value), (0.0, 1.0));
        assert_eq!((comparison.difference.low, comparison.difference.high), (Some(0.0), Some(0.0)));
    }

    #[test]
    fn an_interval_needs_two_groups_of_a_class() {
        let interval = |found: &[(&str, usize, usize)]| {
            let clips = clips(found);
            let accuracy = score_units(&[units_of(clips.clone())], 3, Seed(1)).accuracy;
            let candidate = |name| ClipsBySeed { name, seeds: vec![clips.clone()] };
            let none = compare(&candidate("x"), &candidate("y"), 3, Seed(1)).difference.no_interval;
            (accuracy.interval(), accuracy.low.is_none(), none)
        };
        // Clips of one patient are one observation, however many they are.
        let one = interval(&[("a", 0, 0), ("a", 0, 1), ("a", 1, 1), ("a", 2, 0)]);
        assert_eq!(one, (Err(NoInterval::OneGroup), true, Some(NoInterval::OneGroup)));
        let one_a_class = interval(&[("a", 0, 0), ("a", 0, 1), ("b", 1, 1), ("c", 2, 0)]);
        assert_eq!(one_a_class, (Err(NoInterval::OneGroupAClass), true, Some(NoInterval::OneGroupAClass)));
        let agreeing = interval(&[("a", 0, 1), ("b", 0, 1), ("c", 1, 1)]);
        assert_eq!(agreeing, (Err(NoInterval::NoSpread), false, Some(NoInterval::NoSpread)));
        let (two, without, _) = interval(&[("a", 0, 0), ("b", 0, 1), ("c", 1, 1)]);
        let [low, high] = two.unwrap();
        assert!(low < high && !without);
    }

    #[test]
    fn a_difference_is_that_of_the_balanced_accuracies() {
        let better = clips(&[("a", 0, 0), ("a", 0, 0), ("b", 0, 1), ("c", 1, 1), ("d", 2, 2), ("e", 2, 2)]);
        let worse = clips(&[("a", 0, 0), ("a", 0, 1), ("b", 0, 0), ("c", 1, 1), ("d", 2, 0), ("e", 2, 1)]);
        let accuracy = |clips: &[ClipPrediction]| {
            Confusion::of(3, clips.iter().map(|clip| (clip.truth, argmax(&clip.probabilities)))).balanced_accuracy()
        };
        let expected = accuracy(&better).unwrap() - accuracy(&worse).unwrap();
        let candidate = |name, clips: &[ClipPrediction]| ClipsBySeed { name, seeds: vec![clips.to_vec()] };
        let comparison = compare(&candidate("x", &better), &candidate("y", &worse), 3, Seed(1));
        assert!((comparison.difference.mean - expected).abs() < 1e-12);
        // Groups add 1/9, -1/9, 0, 1/6 and 1/6, in sum 1/3. A sum as far from zero needs both sixths of one sign (two
        // ways), and then 1/3 + 2/9, 1/3 and 1/3 reach it but 1/3 - 2/9 does not: six of 16 choices of signs.
        assert!((comparison.p_value - 6.0 / 16.0).abs() < 1e-12, "{}", comparison.p_value);
    }
}
