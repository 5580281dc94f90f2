//! Linear probe: multinomial logistic regression with L2, on plain rows of features, in `f64`.
//!
//! Features are standardised by the training rows. Each class weighs the same whatever its size, as it does in the
//! balanced accuracy by which the probe is judged. The objective is convex, so there is one answer and no seed.

use super::lbfgs;
use crate::metrics::Confusion;
use hico_model::rows::argmax;
use rayon::prelude::*;
use std::collections::BTreeSet;

/// Strength of a probe's L2 term where nothing else is said: fixed before anything was measured.
pub const STRENGTH: f64 = 0.1;

/// Strengths of the L2 term that [`LinearProbe::fit_choosing`] tries, strongest first.
pub const STRENGTHS: [f64; 6] = [10.0, 1.0, 0.1, 0.01, 1e-3, 1e-4];

/// Rows of features with their classes.
#[derive(Debug, Clone, Copy)]
pub struct Labelled<'a> {
    /// `[rows][dim]`
    pub rows: &'a [Vec<f32>],
    /// `[rows]`
    pub labels: &'a [usize],
}

/// A fitted probe.
#[derive(Debug, Clone, PartialEq)]
pub struct LinearProbe {
    mean: Vec<f64>,
    scale: Vec<f64>,
    /// `[classes][dim + 1]`, the bias last.
    weights: Vec<f64>,
    classes: usize,
}

impl LinearProbe {
    /// Minimises the mean over rows of the class-weighted cross-entropy, plus `strength / 2` times the squared weights
    /// (biases are free).
    ///
    /// - `strength`: above 0
    #[must_use]
    pub fn fit(data: Labelled<'_>, classes: usize, strength: f64) -> Self {
        let mut probe = Self::unfitted(data, classes);
        probe.continue_from_here(data, strength);
        probe
    }

    /// Fits on `fit` with each of [`STRENGTHS`], chooses the strength with the best balanced accuracy on `inner` (of
    /// equal ones the strongest), and fits again on both.
    ///
    /// - returns: the probe and the chosen strength
    #[must_use]
    pub fn fit_choosing(fit: Labelled<'_>, inner: Labelled<'_>, classes: usize) -> (Self, f64) {
        let mut probe = Self::unfitted(fit, classes);
        let mut best = (STRENGTHS[0], f64::NEG_INFINITY);
        for strength in STRENGTHS {
            // Each fit starts where the stronger one ended, which is near.
            probe.continue_from_here(fit, strength);
            let found = inner.rows.iter().zip(inner.labels).map(|(row, label)| (*label, argmax(&probe.predict(row))));
            let accuracy = Confusion::of(classes, found).balanced_accuracy().unwrap_or(0.0);
            if accuracy > best.1 {
                best = (strength, accuracy);
            }
        }
        let rows = [fit.rows, inner.rows].concat();
        let labels = [fit.labels, inner.labels].concat();
        (Self::fit(Labelled { rows: &rows, labels: &labels }, classes, best.0), best.0)
    }

    /// Chooses the strength among [`STRENGTHS`] with the best balanced accuracy over rows that the probe did not see (of
    /// equal ones the strongest), and fits with it on all.
    ///
    /// - `parts`: `[rows]`, the part of each row; each part is predicted by a probe of all others
    /// - returns: the probe and the chosen strength
    #[must_use]
    pub fn fit_leaving_parts_out(data: Labelled<'_>, parts: &[usize], classes: usize) -> (Self, f64) {
        let all: BTreeSet<usize> = parts.iter().copied().collect();
        // `[parts][strengths]` truth and prediction of each row of the part.
        let found: Vec<Vec<Vec<(usize, usize)>>> = all
            .into_par_iter()
            .map(|part| {
                let (asked, learnt): (Vec<usize>, Vec<usize>) = (0..parts.len()).partition(|row| parts[*row] == part);
                let rows: Vec<Vec<f32>> = learnt.iter().map(|row| data.rows[*row].clone()).collect();
                let labels: Vec<usize> = learnt.iter().map(|row| data.labels[*row]).collect();
                let known = Labelled { rows: &rows, labels: &labels };
                let mut probe = Self::unfitted(known, classes);
                STRENGTHS
                    .iter()
                    .map(|strength| {
                        probe.continue_from_here(known, *strength);
                        let predict = |row: &usize| (data.labels[*row], argmax(&probe.predict(&data.rows[*row])));
                        asked.iter().map(predict).collect()
                    })
                    .collect()
            })
            .collect();
        let mut best = (STRENGTHS[0], f64::NEG_INFINITY);
        for (index, strength) in STRENGTHS.into_iter().enumerate() {
            let of_strength = found.iter().flat_map(|part| part[index].iter().copied());
            let accuracy = Confusion::of(classes, of_strength).balanced_accuracy().unwrap_or(0.0);
            if accuracy > best.1 {
                best = (strength, accuracy);
            }
        }
        (Self::fit(data, classes, best.0), best.0)
    }

    /// Probability of each class, `[classes]`.
    ///
    /// - `row`: `[dim]`
    #[must_use]
    pub fn predict(&self, row: &[f32]) -> Vec<f64> {
        softmax(&self.weights, &self.standardised(row))
    }

    /// Returns weights and biases that give the same logits of rows that are not standardised.
    ///
    /// - returns: `[classes][dim]`, `[classes]`
    #[must_use]
    pub fn affine(&self) -> (Vec<f32>, Vec<f32>) {
        let rows = || self.weights.chunks_exact(self.mean.len() + 1);
        let weight = rows().flat_map(|row| row.iter().zip(&self.scale).map(|(weight, scale)| (weight * scale) as f32));
        let bias = rows().map(|row| {
            let shift =
                row.iter().zip(self.mean.iter().zip(&self.scale)).map(|(weight, (mean, scale))| weight * mean * scale);
            (row[self.mean.len()] - shift.sum::<f64>()) as f32
        });
        (weight.collect(), bias.collect())
    }

    fn unfitted(data: Labelled<'_>, classes: usize) -> Self {
        let dim = data.rows.first().map_or(0, Vec::len);
        let count = data.rows.len().max(1) as f64;
        let mut mean = vec![0.0; dim];
        for row in data.rows {
            mean.iter_mut().zip(row).for_each(|(mean, value)| *mean += f64::from(*value) / count);
        }
        let mut variance = vec![0.0; dim];
        for row in data.rows {
            let deviations = row.iter().zip(&mean).map(|(value, mean)| f64::from(*value) - mean);
            variance
                .iter_mut()
                .zip(deviations)
                .for_each(|(variance, deviation)| *variance += deviation.powi(2) / count);
        }
        // A feature that never changes says nothing.
        let scale = variance.iter().map(|variance| if *variance > 1e-12 { variance.sqrt().recip() } else { 0.0 });
        Self { mean, scale: scale.collect(), weights: vec![0.0; classes * (dim + 1)], classes }
    }

    fn continue_from_here(&mut self, data: Labelled<'_>, strength: f64) {
        let rows: Vec<Vec<f64>> = data.rows.iter().map(|row| self.standardised(row)).collect();
        let objective = Objective {
            rows: &rows,
            labels: data.labels,
            weights: &class_weights(data.labels, self.classes),
            strength,
        };
        self.weights = lbfgs::minimise(std::mem::take(&mut self.weights), |weights| objective.at(weights));
    }

    /// The row with mean 0 and deviation 1 as in training, and a 1 for the bias.
    fn standardised(&self, row: &[f32]) -> Vec<f64> {
        let values = row
            .iter()
            .zip(&self.mean)
            .zip(&self.scale)
            .map(|((value, mean), scale)| (f64::from(*value) - mean) * scale);
        values.chain([1.0]).collect()
    }
}

/// Weight of each class, `[classes]`: such that all classes weigh the same in sum and the mean weight of a unit is 1.
/// A class without a unit weighs nothing.
#[must_use]
pub fn class_weights(labels: &[usize], classes: usize) -> Vec<f64> {
    let mut counts = vec![0.0; classes];
    labels.iter().for_each(|label| counts[*label] += 1.0);
    let present = counts.iter().filter(|count| **count > 0.0).count() as f64;
    counts.iter().map(|count| if *count > 0.0 { labels.len() as f64 / (present * count) } else { 0.0 }).collect()
}

struct Objective<'a> {
    rows: &'a [Vec<f64>],
    labels: &'a [usize],
    weights: &'a [f64],
    strength: f64,
}

/// Rows that one thread sums at a time; fixed, so that the sum is the same whatever the number of threads.
const PIECE: usize = 64;

impl Objective<'_> {
    /// Value and gradient at `weights`, `[classes][dim + 1]`.
    fn at(&self, weights: &[f64]) -> (f64, Vec<f64>) {
        let count = self.rows.len() as f64;
        let width = self.rows.first().map_or(1, Vec::len);
        let pieces: Vec<(f64, Vec<f64>)> = self
            .rows
            .par_chunks(PIECE)
            .zip(self.labels.par_chunks(PIECE))
            .map(|(rows, labels)| self.sum_over(rows, labels, weights))
            .collect();
        let (mut value, mut gradient) = (0.0, vec![0.0; weights.len()]);
        for (piece_value, piece_gradient) in pieces {
            value += piece_value / count;
            gradient.iter_mut().zip(piece_gradient).for_each(|(sum, part)| *sum += part / count);
        }
        for (index, (slope, weight)) in gradient.iter_mut().zip(weights).enumerate() {
            if index % width != width - 1 {
                value += self.strength / 2.0 * weight * weight;
                *slope += self.strength * weight;
            }
        }
        (value, gradient)
    }

    fn sum_over(&self, rows: &[Vec<f64>], labels: &[usize], weights: &[f64]) -> (f64, Vec<f64>) {
        let (mut value, mut gradient) = (0.0, vec![0.0; weights.len()]);
        for (row, &label) in rows.iter().zip(labels) {
            let weight = self.weights[label];
            let probabilities = softmax(weights, row);
            value -= weight * probabilities[label].max(f64::MIN_POSITIVE).ln();
            for (class, slopes) in gradient.chunks_exact_mut(row.len()).enumerate() {
                let error = weight * (probabilities[class] - f64::from(u8::from(class == label)));
                slopes.iter_mut().zip(row).for_each(|(slope, value)| *slope += error * value);
            }
        }
        (value, gradient)
    }
}

/// Softmax of `weights · row`, `[classes]`.
fn softmax(weights: &[f64], row: &[f64]) -> Vec<f64> {
    let scores = weights.chunks_exact(row.len()).map(|class| class.iter().zip(row).map(|(w, x)| w * x).sum());
    let scores: Vec<f64> = scores.collect();
    let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let powers: Vec<f64> = scores.iter().map(|score| (score - largest).exp()).collect();
    let sum: f64 = powers.iter().sum();
    powers.into_iter().map(|power| power / sum).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hico_data::Seed;
    use rand::RngExt as _;

    fn random_rows(count: usize, dim: usize, seed: u64) -> Vec<Vec<f32>> {
        let mut random = Seed(seed).stream("rows", &[]);
        (0..count).map(|_| (0..dim).map(|_| random.random::<f32>() * 2.0 - 1.0).collect()).collect()
    }

    #[test]
    fn a_fit_and_a_vote_end_where_features_are_no_numbers() {
        let mut rows = random_rows(12, 3, 1);
        (rows[2][1], rows[5][0]) = (f32::NAN, f32::INFINITY);
        let labels: Vec<usize> = (0..12).map(|row| row % 2).collect();
        let data = Labelled { rows: &rows, labels: &labels };
        assert_eq!(LinearProbe::fit_choosing(data, data, 2).0.predict(&rows[0]).len(), 2);
        assert_eq!(crate::knn::vote(&rows, &labels, &[f32::NAN; 3], 5, 2).len(), 2);
    }

    #[test]
    fn the_strength_that_holds_for_rows_of_other_parts_is_chosen() {
        // One feature tells the class; forty tell the part, which a weak term learns by heart.
        let count = 60;
        let noise = random_rows(count, 40, 8);
        let labels: Vec<usize> = (0..count).map(|row| row % 2).collect();
        let parts: Vec<usize> = (0..count).map(|row| row / 12).collect();
        let rows: Vec<Vec<f32>> = noise
            .into_iter()
            .zip(&labels)
            .map(|(mut row, label)| {
                row.push(*label as f32 + 0.8 * row[0]);
                row
            })
            .collect();
        let data = Labelled { rows: &rows, labels: &labels };
        let (probe, chosen) = LinearProbe::fit_leaving_parts_out(data, &parts, 2);
        assert_eq!(probe, LinearProbe::fit(data, 2, chosen));
        // As worked out in loops, every part held out in turn.
        let accuracy = |strength: f64| {
            let mut found = Vec::new();
            for part in 0..5 {
                let learnt = |row: &usize| parts[*row] != part;
                let rows_of: Vec<Vec<f32>> = (0..count).filter(learnt).map(|row| rows[row].clone()).collect();
                let labels_of: Vec<usize> = (0..count).filter(learnt).map(|row| labels[row]).collect();
                let probe = LinearProbe::fit(Labelled { rows: &rows_of, labels: &labels_of }, 2, strength);
                found.extend(
                    (0..count).filter(|row| !learnt(row)).map(|row| (labels[row], argmax(&probe.predict(&rows[row])))),
                );
            }
            Confusion::of(2, found).balanced_accuracy().unwrap()
        };
        let best = STRENGTHS.map(accuracy).into_iter().fold(0.0, f64::max);
        assert_eq!(accuracy(chosen), best);
        assert!(accuracy(chosen) > accuracy(1e-4), "{chosen}: {} {}", accuracy(chosen), accuracy(1e-4));
    }

    #[test]
    fn two_points_have_the_weight_that_solves_the_stationary_equation() {
        let rows = [vec![-3.0], vec![5.0]]; // -1 and 1 once standardised
        for strength in [0.03, 0.5, 4.0] {
            let probe = LinearProbe::fit(Labelled { rows: &rows, labels: &[0, 1] }, 2, strength);
            let [w0, b0, w1, b1] = probe.weights[..] else { panic!() };
            assert!((w0 + w1).abs() < 1e-6 && (b0 - b1).abs() < 1e-6);
            // strength * w = 1 - sigmoid(2 w)
            assert!((strength * w1 - 1.0 / (1.0 + (2.0 * w1).exp())).abs() < 1e-6, "{w1}");
        }
    }

    #[test]
    fn as_one_affine_map_it_says_the_same() {
        let mut rows = random_rows(40, 5, 3);
        // A feature that never changes has no weight.
        rows.iter_mut().for_each(|row| row[4] = 7.0);
        let labels: Vec<usize> = (0..40).map(|row| row % 3).collect();
        let probe = LinearProbe::fit(Labelled { rows: &rows, labels: &labels }, 3, 0.1);
        let (weight, bias) = probe.affine();
        assert_eq!((weight.len(), bias.len(), weight[4]), (15, 3, 0.0));
        for row in &rows {
            let logits: Vec<f64> = (0..3)
                .map(|class| {
                    let products =
                        weight[5 * class..][..5].iter().zip(row).map(|(weight, value)| f64::from(weight * value));
                    products.sum::<f64>() + f64::from(bias[class])
                })
                .collect();
            let whole: f64 = logits.iter().map(|logit| logit.exp()).sum();
            for (logit, expected) in logits.iter().zip(probe.predict(row)) {
                assert!((logit.exp() / whole - expected).abs() < 1e-5);
            }
        }
    }

    #[test]
    fn the_gradient_agrees_with_central_differences() {
        let rows: Vec<Vec<f64>> =
            random_rows(70, 3, 1).iter().map(|r| r.iter().map(|x| f64::from(*x)).collect()).collect();
        let labels: Vec<usize> = (0..70).map(|row| row % 7 % 3).collect();
        let objective = Objective { rows: &rows, labels: &labels, weights: &class_weights(&labels, 3), strength: 0.3 };
        let mut random = Seed(2).stream("weights", &[]);
        let weights: Vec<f64> = (0..9).map(|_| random.random::<f64>() - 0.5).collect();
        let (_, gradient) = objective.at(&weights);
        for index in 0..9 {
            let moved = |step: f64| {
                let mut weights = weights.clone();
                weights[index] += step;
                objective.at(&weights).0
            };
            let slope = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            assert!((slope - gradient[index]).abs() < 1e-8, "{slope} {}", gradient[index]);
        }
    }

    #[test]
    fn at_the_optimum_the_gradient_is_zero() {
        let rows = random_rows(60, 5, 3);
        let labels: Vec<usize> = rows.iter().map(|row| usize::from(row[0] + 0.3 * row[1] > 0.2)).collect();
        let probe = LinearProbe::fit(Labelled { rows: &rows, labels: &labels }, 2, 0.01);
        let rows: Vec<Vec<f64>> = rows.iter().map(|row| probe.standardised(row)).collect();
        let objective = Objective { rows: &rows, labels: &labels, weights: &class_weights(&labels, 2), strength: 0.01 };
        let largest = objective.at(&probe.weights).1.iter().fold(0.0_f64, |most, slope| most.max(slope.abs()));
        assert!(largest < 1e-5, "{largest}");
    }

    #[test]
    fn without_information_every_class_is_as_likely_whatever_its_size() {
        let rows = vec![vec![1.0, 2.0]; 10];
        let probe = LinearProbe::fit(Labelled { rows: &rows, labels: &[0, 0, 0, 0, 0, 0, 0, 1, 1, 2] }, 3, 1.0);
        for probability in probe.predict(&[4.0, -1.0]) {
            assert!((probability - 1.0 / 3.0).abs() < 1e-6);
        }
    }

    #[test]
    fn separable_rows_are_separated_and_the_choice_is_made_on_the_inner_rows() {
        let rows = random_rows(120, 4, 5);
        let labels: Vec<usize> = rows.iter().map(|row| usize::from(row[2] > 0.0) + usize::from(row[2] > 0.5)).collect();
        let data = |from: usize, to: usize| Labelled { rows: &rows[from..to], labels: &labels[from..to] };
        let (probe, strength) = LinearProbe::fit_choosing(data(0, 60), data(60, 90), 3);
        let right = (90..120).filter(|&row| argmax(&probe.predict(&rows[row])) == labels[row]).count();
        assert!(right >= 27, "{right} of 30");
        assert!(strength < 1.0, "a weak term is needed to find the middle class: {strength}");
        // With inner labels that cannot be learnt every strength is as good, and the strongest is taken.
        let same = Labelled { rows: &rows[60..61], labels: &labels[60..61] };
        let all_right = LinearProbe::fit_choosing(same, same, 3).1;
        assert_eq!(all_right, STRENGTHS[0]);
    }

    #[test]
    fn the_probe_is_the_same_whatever_the_number_of_threads() {
        let rows = random_rows(200, 6, 7);
        let labels: Vec<usize> = (0..200).map(|row| row % 3).collect();
        let fit = |threads| {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            pool.install(|| LinearProbe::fit(Labelled { rows: &rows, labels: &labels }, 3, 0.1))
        };
        assert_eq!(fit(1), fit(4));
    }

    #[test]
    fn classes_weigh_the_same_in_sum() {
        assert_eq!(class_weights(&[0, 0, 0, 2], 3), [4.0 / 6.0, 0.0, 2.0]);
    }
}
