//! Several methods on several data: mean ranks, Friedman's test and Nemenyi's critical difference (Demšar 2006).

use crate::stats::normal_below;
use hico_data::Seed;
use rand::seq::SliceRandom as _;
use rayon::prelude::*;
use serde::{Deserialize, Serialize};

/// Mean ranks of methods over blocks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ranks {
    /// Names of the methods.
    pub methods: Vec<String>,
    /// Their mean rank over blocks, 1 for the best; equal scores share the mean of their ranks.
    pub mean: Vec<f64>,
    /// Number of blocks.
    pub blocks: usize,
    /// p of Friedman's test that all methods are alike, by shuffling ranks within blocks.
    pub p_value: f64,
    /// Two mean ranks that differ by less than this are not told apart (Nemenyi, 5 %).
    pub critical_difference: f64,
}

/// Shuffles of [`ranks`].
const SHUFFLES: u64 = 20_000;

/// Ranks methods by their scores.
///
/// Blocks should not know of each other: folds of one data set share their training clips, so p is too small, by an
/// unknown amount.
///
/// - `scores`: `[blocks][methods]`, larger is better
/// - returns: `None` with fewer than two methods or blocks
#[must_use]
pub fn ranks(methods: Vec<String>, scores: &[Vec<f64>], seed: Seed) -> Option<Ranks> {
    let count = methods.len();
    if count < 2 || scores.len() < 2 {
        return None;
    }
    let ranked: Vec<Vec<f64>> = scores.iter().map(|block| ranks_of(block)).collect();
    let mean = mean_ranks(ranked.iter().map(Vec::as_slice), count);
    let observed = spread(&mean) - 1e-9;
    let reaches = |draw: &u64| {
        let mut random = seed.stream("friedman", &[*draw]);
        let shuffled: Vec<Vec<f64>> = ranked
            .iter()
            .map(|block| {
                let mut block = block.clone();
                block.shuffle(&mut random);
                block
            })
            .collect();
        spread(&mean_ranks(shuffled.iter().map(Vec::as_slice), count)) >= observed
    };
    let hits = (0..SHUFFLES).into_par_iter().filter(reaches).count();
    let (count, blocks) = (count as f64, scores.len() as f64);
    let critical_difference = nemenyi(methods.len()) * (count * (count + 1.0) / (6.0 * blocks)).sqrt();
    let p_value = (hits + 1) as f64 / (SHUFFLES + 1) as f64;
    Some(Ranks { methods, mean, blocks: scores.len(), p_value, critical_difference })
}

/// Rank of each score, 1 for the largest; ties share the mean of their ranks, and what is no number is last.
fn ranks_of(scores: &[f64]) -> Vec<f64> {
    let scores: Vec<f64> = scores.iter().map(|score| if score.is_nan() { f64::NEG_INFINITY } else { *score }).collect();
    let rank = |score: &f64| {
        let above = scores.iter().filter(|other| *other > score).count() as f64;
        let level = scores.iter().filter(|other| *other == score).count() as f64;
        above + (level + 1.0) / 2.0
    };
    scores.iter().map(rank).collect()
}

fn mean_ranks<'a>(blocks: impl Iterator<Item = &'a [f64]>, methods: usize) -> Vec<f64> {
    let (mut sums, mut count) = (vec![0.0; methods], 0.0);
    for block in blocks {
        sums.iter_mut().zip(block).for_each(|(sum, rank)| *sum += rank);
        count += 1.0;
    }
    sums.into_iter().map(|sum| sum / count).collect()
}

/// What Friedman's statistic grows with: the squared distances of mean ranks from their middle.
fn spread(mean: &[f64]) -> f64 {
    let middle = (mean.len() as f64 + 1.0) / 2.0;
    mean.iter().map(|rank| (rank - middle).powi(2)).sum()
}

/// The 95 % quantile of the range of `methods` standard normal values, divided by the root of 2 (Demšar 2006, table 5).
fn nemenyi(methods: usize) -> f64 {
    let (mut low, mut high) = (0.0, 20.0);
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if range_below(middle, methods) < 0.95 { low = middle } else { high = middle }
    }
    high / std::f64::consts::SQRT_2
}

/// Probability that the range of `count` standard normal values is below `range`: the integral over where the smallest
/// lies, by Simpson's rule.
fn range_below(range: f64, count: usize) -> f64 {
    let density = |x: f64| (-x * x / 2.0).exp() / (2.0 * std::f64::consts::PI).sqrt();
    let others = i32::try_from(count).unwrap_or(i32::MAX) - 1;
    let at = |x: f64| density(x) * (normal_below(x + range) - normal_below(x)).powi(others);
    let (from, steps, width) = (-9.0, 1200_u32, 18.0_f64 / 1200.0);
    let weighted = (0..=steps).map(|step| {
        let weight = match step {
            0 | 1200 => 1.0,
            odd if odd % 2 == 1 => 4.0,
            _ => 2.0,
        };
        weight * at(width.mul_add(f64::from(step), from))
    });
    count as f64 * weighted.sum::<f64>() * width / 3.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn critical_values_are_those_of_demsar() {
        let table = [1.960, 2.343, 2.569, 2.728, 2.850, 2.949, 3.031, 3.102, 3.164];
        for (methods, expected) in (2..).zip(table) {
            // The table has three decimals, some of them rounded from two roundings.
            assert!((nemenyi(methods) - expected).abs() < 1.1e-3, "{methods}: {}", nemenyi(methods));
        }
    }

    #[test]
    fn ties_share_the_mean_of_their_ranks() {
        assert_eq!(ranks_of(&[0.7, 0.9, 0.7, 0.1]), [2.5, 1.0, 2.5, 4.0]);
        assert_eq!(ranks_of(&[0.5; 3]), [2.0; 3]);
        assert_eq!(ranks_of(&[f64::NAN, 0.1, f64::NAN]), [2.5, 1.0, 2.5]);
    }

    #[test]
    fn a_method_that_always_wins_is_first_and_chance_is_no_finding() {
        let names = || vec!["a".to_owned(), "b".to_owned(), "c".to_owned()];
        let always: Vec<Vec<f64>> = (0..8).map(|_| vec![0.9, 0.8, 0.7]).collect();
        let found = ranks(names(), &always, Seed(1)).unwrap();
        assert_eq!(found.mean, [1.0, 2.0, 3.0]);
        assert!(found.p_value < 1e-3, "{}", found.p_value);
        assert!((found.critical_difference - 2.343 * (12.0_f64 / 48.0).sqrt()).abs() < 1e-3);
        // Every order once: all mean ranks are equal, and every shuffle reaches that.
        let all = [[1., 2., 3.], [1., 3., 2.], [2., 1., 3.], [2., 3., 1.], [3., 1., 2.], [3., 2., 1.]];
        let alike = ranks(names(), &all.map(Vec::from), Seed(1)).unwrap();
        assert_eq!((alike.mean, alike.p_value), (vec![2.0; 3], 1.0));
        assert_eq!(ranks(names(), &always[..1], Seed(1)), None);
    }
}
