//! Confusion matrix, and what is read off it; ROC curve and the area under it. Plain slices, no tensors.
//!
//! Everything takes weights, so that a bootstrap over groups weighs units instead of copying them.

use serde::{Deserialize, Serialize};

/// How much weight of each true class was given each class.
#[derive(Debug, Clone, PartialEq)]
pub struct Confusion {
    counts: Vec<Vec<f64>>,
}

/// Figures for one class.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct ClassScores {
    /// Right among those called so; absent where none was.
    pub precision: Option<f64>,
    /// Right among those that are so; absent where there is none.
    pub recall: Option<f64>,
    /// Harmonic mean of the two; 0 where none is called so or none is so.
    pub f1: f64,
    /// Units of this class.
    pub count: usize,
}

impl Confusion {
    /// An empty matrix, `[classes, classes]`.
    #[must_use]
    pub fn new(classes: usize) -> Self {
        Self { counts: vec![vec![0.0; classes]; classes] }
    }

    /// The matrix of paired classes, each of weight 1.
    #[must_use]
    pub fn of(classes: usize, truths_and_predictions: impl IntoIterator<Item = (usize, usize)>) -> Self {
        let mut confusion = Self::new(classes);
        for (truth, prediction) in truths_and_predictions {
            confusion.add(truth, prediction, 1.0);
        }
        confusion
    }

    /// Counts one unit.
    ///
    /// # Panics
    /// When a class is out of range.
    pub fn add(&mut self, truth: usize, prediction: usize, weight: f64) {
        self.counts[truth][prediction] += weight;
    }

    /// `counts[truth][prediction]`.
    #[must_use]
    pub fn counts(&self) -> &[Vec<f64>] {
        &self.counts
    }

    /// Share of the weight that was classified right; `None` where there is none.
    #[must_use]
    pub fn accuracy(&self) -> Option<f64> {
        let right: f64 = (0..self.counts.len()).map(|class| self.counts[class][class]).sum();
        ratio(right, self.counts.iter().flatten().sum())
    }

    /// Mean recall over the classes that occur; `None` where none does.
    #[must_use]
    pub fn balanced_accuracy(&self) -> Option<f64> {
        mean((0..self.counts.len()).filter_map(|class| self.recall(class)))
    }

    /// Mean F1 over the classes that occur, as truth or as prediction; `None` where none does.
    #[must_use]
    pub fn macro_f1(&self) -> Option<f64> {
        let occurs = |&class: &usize| self.truths(class) + self.predictions(class) > 0.0;
        mean((0..self.counts.len()).filter(occurs).map(|class| self.f1(class)))
    }

    /// Precision, recall and F1 of every class, `[classes]`.
    #[must_use]
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a sum of weights, 0 or more")]
    pub fn per_class(&self) -> Vec<ClassScores> {
        let scores = |class: usize| ClassScores {
            precision: ratio(self.counts[class][class], self.predictions(class)),
            recall: self.recall(class),
            f1: self.f1(class),
            count: self.truths(class).round() as usize,
        };
        (0..self.counts.len()).map(scores).collect()
    }

    fn truths(&self, class: usize) -> f64 {
        self.counts[class].iter().sum()
    }

    fn predictions(&self, class: usize) -> f64 {
        self.counts.iter().map(|row| row[class]).sum()
    }

    fn recall(&self, class: usize) -> Option<f64> {
        ratio(self.counts[class][class], self.truths(class))
    }

    fn f1(&self, class: usize) -> f64 {
        ratio(2.0 * self.counts[class][class], self.truths(class) + self.predictions(class)).unwrap_or(0.0)
    }
}

/// Scores that are no further apart are one score: means of the same votes in another order differ by rounding.
const ROUNDING: f64 = 1e-12;

/// Units in the order of a score, to draw a ROC curve and measure the area under it as often as wanted.
#[derive(Debug, Clone)]
pub struct Ranking {
    /// From the highest score to the lowest; each inner list holds the units of one score: `(unit, is positive)`.
    ties: Vec<Vec<(usize, bool)>>,
}

impl Ranking {
    /// Ranks units by a score; scores that differ by rounding alone are a tie.
    ///
    /// - `scores`: `[units]`, higher means more likely positive
    /// - `positive`: `[units]`
    ///
    /// # Panics
    /// When the two differ in length.
    #[must_use]
    pub fn new(scores: &[f64], positive: &[bool]) -> Self {
        assert_eq!(scores.len(), positive.len(), "one score a unit");
        let mut order: Vec<usize> = (0..scores.len()).collect();
        order.sort_by(|&a, &b| scores[b].total_cmp(&scores[a]));
        let ties = order.chunk_by(|&a, &b| scores[a] - scores[b] <= ROUNDING);
        Self { ties: ties.map(|units| units.iter().map(|&unit| (unit, positive[unit])).collect()).collect() }
    }

    /// Area under the ROC curve: the probability that a positive scores higher than a negative, a tie counting half
    /// (Mann and Whitney). `None` where all units are positive or none is.
    ///
    /// - `weight`: of a unit, by its index
    #[must_use]
    pub fn auc(&self, weight: impl Fn(usize) -> f64) -> Option<f64> {
        let (mut above, mut positives, mut negatives) = (0.0, 0.0, 0.0);
        for tie in &self.ties {
            let (p, n) = weights(tie, &weight);
            // Each negative of this tie is below every positive seen before, and level with those of its own tie.
            above += n * (positives + p / 2.0);
            positives += p;
            negatives += n;
        }
        ratio(above, positives * negatives)
    }

    /// For each positive the share of negatives that score lower, for each negative the share of positives that score
    /// higher, a tie counting half: `[units]`. The mean over positives and that over negatives are both the area (DeLong et
    /// al. 1988).
    #[must_use]
    pub fn placements(&self, units: usize) -> Vec<f64> {
        let (positives, negatives) = weights(&self.ties.concat(), &|_| 1.0);
        let (mut above, mut below) = (0.0, negatives);
        let mut shares = vec![0.0; units];
        for tie in &self.ties {
            let (p, n) = weights(tie, &|_| 1.0);
            below -= n;
            for &(unit, positive) in tie {
                let share =
                    if positive { ratio(below + n / 2.0, negatives) } else { ratio(above + p / 2.0, positives) };
                shares[unit] = share.unwrap_or(0.0);
            }
            above += p;
        }
        shares
    }

    /// The ROC curve: points `[false positive rate, true positive rate]` from (0, 0) to (1, 1), one a distinct score;
    /// points on a straight line between their neighbours are left out. `None` as for [`Self::auc`].
    #[must_use]
    pub fn curve(&self) -> Option<Vec<[f64; 2]>> {
        let (positives, negatives) = weights(&self.ties.concat(), &|_| 1.0);
        if positives == 0.0 || negatives == 0.0 {
            return None;
        }
        let mut corners = vec![[0.0, 0.0]]; // counts: [false positives, true positives]
        let [mut x, mut y] = [0.0, 0.0];
        for tie in &self.ties {
            let (p, n) = weights(tie, &|_| 1.0);
            (x, y) = (x + n, y + p);
            if let [.., [x0, y0], [x1, y1]] = corners[..]
                && (x1 - x0) * (y - y1) == (x - x1) * (y1 - y0)
            {
                corners.pop();
            }
            corners.push([x, y]);
        }
        Some(corners.into_iter().map(|[x, y]| [x / negatives, y / positives]).collect())
    }
}

/// Probabilities below this count as this, so that one sure mistake has a finite loss; as scikit-learn does it.
pub const LEAST_PROBABILITY: f64 = f64::EPSILON;

/// Minus the logarithm of the probability of the true class, nats.
#[must_use]
pub fn log_loss(truth: usize, probabilities: &[f64]) -> f64 {
    -probabilities[truth].clamp(LEAST_PROBABILITY, 1.0 - LEAST_PROBABILITY).ln()
}

/// Squared distance of probabilities from the truth, summed over classes (Brier 1950).
#[must_use]
pub fn brier(truth: usize, probabilities: &[f64]) -> f64 {
    let of = |(class, probability): (usize, &f64)| (probability - f64::from(u8::from(class == truth))).powi(2);
    probabilities.iter().enumerate().map(of).sum()
}

/// Bins of [`calibration_error`].
const MASS_BINS: usize = 5;

/// Calibration error of confidences that does not grow as bins get smaller: the root of the mean over five bins of
/// equal mass of the squared distance between mean confidence and share of hits, less the binomial noise that the share
/// has of itself (Kumar et al. 2019, the debiased estimator). `None` of fewer than ten units.
///
/// - `units`: confidence (the largest probability), and whether it was right
#[must_use]
#[expect(clippy::cast_precision_loss, reason = "a number of units")]
pub fn calibration_error(units: &[(f64, bool)]) -> Option<f64> {
    if units.len() < 2 * MASS_BINS {
        return None;
    }
    let mut sorted = units.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let bin = |bin: usize| {
        let of_bin = &sorted[bin * units.len() / MASS_BINS..(bin + 1) * units.len() / MASS_BINS];
        let count = of_bin.len() as f64;
        let confidence = of_bin.iter().map(|unit| unit.0).sum::<f64>() / count;
        let right = of_bin.iter().filter(|unit| unit.1).count() as f64 / count;
        count * ((confidence - right).powi(2) - right * (1.0 - right) / (count - 1.0))
    };
    let sum: f64 = (0..MASS_BINS).map(bin).sum();
    Some((sum / units.len() as f64).max(0.0).sqrt())
}

/// Weight of the positives and of the negatives.
fn weights(units: &[(usize, bool)], weight: &impl Fn(usize) -> f64) -> (f64, f64) {
    units.iter().fold(
        (0.0, 0.0),
        |(p, n), &(unit, positive)| {
            if positive { (p + weight(unit), n) } else { (p, n + weight(unit)) }
        },
    )
}

fn ratio(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}

#[expect(clippy::cast_precision_loss, reason = "a number of classes")]
fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (sum, count) = values.fold((0.0, 0_usize), |(sum, count), value| (sum + value, count + 1));
    ratio(sum, count as f64)
}

/// How often each class stands among the training clips, `[classes]`: the prediction of one who has seen no picture.
///
/// Its largest entry is the largest class; of equally large ones the first.
#[must_use]
pub fn class_shares(labels: &[usize], classes: usize) -> Vec<f64> {
    let mut shares = vec![0.0; classes];
    labels.iter().for_each(|label| shares[*label] += 1.0 / labels.len() as f64);
    shares
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Truths 0 0 0 0, 1 1, 2 with predictions 0 0 0 1, 1 2, 1.
    fn example() -> Confusion {
        Confusion::of(3, [(0, 0), (0, 0), (0, 0), (0, 1), (1, 1), (1, 2), (2, 1)])
    }

    fn close(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-12
    }

    #[test]
    fn a_ranking_of_scores_that_are_no_numbers_ends() {
        let ranking = Ranking::new(&[f64::NAN, 0.5, f64::NAN, f64::INFINITY], &[true, false, false, true]);
        assert!(ranking.auc(|_| 1.0).is_some() && ranking.curve().is_some());
    }

    #[test]
    fn figures_by_hand() {
        let confusion = example();
        assert!(close(confusion.accuracy().unwrap(), 4.0 / 7.0));
        assert!(close(confusion.balanced_accuracy().unwrap(), (0.75 + 0.5 + 0.0) / 3.0));
        // F1: 2*3/(4+3), 2*1/(2+3), 0.
        assert!(close(confusion.macro_f1().unwrap(), (6.0 / 7.0 + 2.0 / 5.0) / 3.0));
        let classes = confusion.per_class();
        assert_eq!((classes[0].precision, classes[0].recall, classes[0].count), (Some(1.0), Some(0.75), 4));
        assert_eq!((classes[2].precision, classes[2].recall, classes[2].f1), (Some(0.0), Some(0.0), 0.0));
    }

    #[test]
    fn losses_by_hand() {
        assert!(close(log_loss(1, &[0.25, 0.75]), -(0.75_f64.ln())));
        assert!(close(log_loss(0, &[0.0, 1.0]), -f64::EPSILON.ln()));
        assert!(close(brier(1, &[0.25, 0.75]), 2.0 / 16.0));
        assert!(close(brier(0, &[0.0, 0.5, 0.5]), 1.5));
    }

    #[test]
    fn a_calibration_error_is_the_distance_beyond_chance() {
        // Confidence 0.9, right in half of 200: 0.4 in each bin, less 0.25 / 39.
        let units: Vec<(f64, bool)> = (0..200).map(|unit| (0.9, unit % 2 == 0)).collect();
        assert!(close(calibration_error(&units).unwrap(), (0.16 - 0.25 / 39.0_f64).sqrt()));
        assert_eq!(calibration_error(&units[..9]), None);
        // Of units that are as often right as they say, small bins show no error on average.
        let mut random = hico_data::Seed(4).stream("calibrated", &[]);
        let errors = (0..300).map(|_| {
            use rand::RngExt as _;
            let units: Vec<(f64, bool)> = (0..40)
                .map(|_| {
                    let confidence = random.random_range(0.5..1.0);
                    (confidence, random.random::<f64>() < confidence)
                })
                .collect();
            calibration_error(&units).unwrap().powi(2)
        });
        let mean = errors.sum::<f64>() / 300.0;
        assert!(mean < 0.012, "{mean}: with ten bins and no correction it is 0.04");
    }

    #[test]
    fn a_class_that_does_not_occur_counts_for_nothing() {
        let confusion = Confusion::of(3, [(0, 0), (1, 0)]);
        assert_eq!(confusion.balanced_accuracy(), Some(0.5));
        assert!(close(confusion.macro_f1().unwrap(), (2.0 / 3.0 + 0.0) / 2.0));
        let third = confusion.per_class()[2];
        assert_eq!((third.precision, third.recall, third.count), (None, None, 0));
        assert_eq!(Confusion::new(3).accuracy(), None);
        assert_eq!(Confusion::new(3).balanced_accuracy(), None);
    }

    #[test]
    fn always_saying_one_class_has_a_balanced_accuracy_of_one_over_the_classes() {
        let confusion = Confusion::of(3, (0..90).map(|unit| (usize::from(unit >= 10) + usize::from(unit >= 70), 1)));
        assert!(close(confusion.balanced_accuracy().unwrap(), 1.0 / 3.0));
    }

    #[test]
    fn perfect_reversed_and_constant_scores_have_areas_one_zero_and_a_half() {
        let positive = [true, true, false, false, false];
        let auc = |scores: [f64; 5]| Ranking::new(&scores, &positive).auc(|_| 1.0).unwrap();
        assert_eq!(auc([0.9, 0.8, 0.3, 0.2, 0.1]), 1.0);
        assert_eq!(auc([0.1, 0.2, 0.3, 0.8, 0.9]), 0.0);
        assert_eq!(auc([0.5; 5]), 0.5);
        assert_eq!(auc([0.9, 0.3, 0.3, 0.2, 0.5]), 4.5 / 6.0);
        // 0.30000000000000004 and 0.3.
        assert_eq!(auc([0.9, 0.1 + 0.2, 0.3, 0.2, 0.5]), 4.5 / 6.0);
        assert!(Ranking::new(&[0.1, 0.2], &[true, true]).auc(|_| 1.0).is_none());
        assert!(Ranking::new(&[0.1, 0.2], &[true, true]).curve().is_none());
    }

    #[test]
    fn the_curve_of_perfect_scores_is_a_corner_and_of_equal_ones_the_diagonal() {
        let positive = [true, true, false, false];
        let curve = |scores: [f64; 4]| Ranking::new(&scores, &positive).curve().unwrap();
        assert_eq!(curve([0.9, 0.8, 0.3, 0.2]), vec![[0.0, 0.0], [0.0, 1.0], [1.0, 1.0]]);
        assert_eq!(curve([0.5; 4]), vec![[0.0, 0.0], [1.0, 1.0]]);
    }

    /// P(positive above negative) + P(level) / 2, pair by pair.
    fn auc_by_pairs(units: &[(f64, bool, f64)]) -> Option<f64> {
        let (mut above, mut pairs) = (0.0, 0.0);
        for (p, _, wp) in units.iter().filter(|unit| unit.1) {
            for (n, _, wn) in units.iter().filter(|unit| !unit.1) {
                above += wp * wn * if p > n { 1.0 } else { f64::from(p == n) / 2.0 };
                pairs += wp * wn;
            }
        }
        (pairs > 0.0).then(|| above / pairs)
    }

    proptest! {
        #[test]
        fn the_area_counts_pairs_and_lies_under_the_curve(
            units in prop::collection::vec((0..6_u8, any::<bool>(), 0..4_u8), 1..40),
        ) {
            let units: Vec<_> = units.iter().map(|&(s, p, w)| (f64::from(s) / 5.0, p, f64::from(w))).collect();
            let scores: Vec<_> = units.iter().map(|unit| unit.0).collect();
            let positive: Vec<_> = units.iter().map(|unit| unit.1).collect();
            let ranking = Ranking::new(&scores, &positive);
            match (ranking.auc(|unit| units[unit].2), auc_by_pairs(&units)) {
                (Some(fast), Some(naive)) => prop_assert!(close(fast, naive), "{fast} {naive}"),
                (fast, naive) => prop_assert_eq!(fast, naive),
            }
            if let Some(curve) = ranking.curve() {
                let under: f64 = curve.windows(2).map(|w| (w[1][0] - w[0][0]) * (w[1][1] + w[0][1]) / 2.0).sum();
                prop_assert!(close(under, ranking.auc(|_| 1.0).unwrap()));
                prop_assert_eq!(curve.last(), Some(&[1.0, 1.0]));
            }
        }

        #[test]
        fn a_weight_of_two_is_the_unit_twice(units in prop::collection::vec((0..3_usize, 0..3_usize, 0..3_u8), 1..30)) {
            let mut weighted = Confusion::new(3);
            let mut copied = Confusion::new(3);
            for &(truth, prediction, weight) in &units {
                weighted.add(truth, prediction, f64::from(weight));
                (0..weight).for_each(|_| copied.add(truth, prediction, 1.0));
            }
            prop_assert_eq!(&weighted, &copied);
            for value in [weighted.accuracy(), weighted.balanced_accuracy(), weighted.macro_f1()].into_iter().flatten() {
                prop_assert!((0.0..=1.0).contains(&value));
            }
        }
    }

    #[test]
    fn the_largest_class_wins_and_the_first_of_equals() {
        assert_eq!(class_shares(&[2, 2, 0, 1], 3), [0.25, 0.25, 0.5]);
        assert_eq!(hico_model::rows::argmax(&class_shares(&[1, 0], 3)), 0);
    }
}
