//! Plain rows of numbers: the largest of one, and rows of features by their directions.

use std::collections::BTreeMap;

/// A row shorter than this is divided by this.
const SHORTEST: f64 = 1e-12;

/// The row divided by its length.
#[must_use]
pub fn unit(row: &[f32]) -> Vec<f32> {
    let length = row.iter().map(|value| f64::from(*value).powi(2)).sum::<f64>().sqrt().max(SHORTEST);
    row.iter().map(|value| (f64::from(*value) / length) as f32).collect()
}

/// Cosine of the angle between two rows of length 1.
#[must_use]
pub fn cosine(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum()
}

/// Of rows that have names, the best of each name, the best first; of equal ones the earlier.
///
/// - returns: places of rows and their scores, at most `count`
#[must_use]
pub fn best_of_each<'a>(named: impl Iterator<Item = (&'a str, f64)>, count: usize) -> Vec<(usize, f64)> {
    let mut best: BTreeMap<&str, (usize, f64)> = BTreeMap::new();
    for (place, (name, score)) in named.enumerate() {
        let entry = best.entry(name).or_insert((place, score));
        if score > entry.1 {
            *entry = (place, score);
        }
    }
    let mut found: Vec<(usize, f64)> = best.into_values().collect();
    found.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    found.truncate(count);
    found
}

/// The class with the largest value; of equal values the first, so that a tie never depends on chance.
///
/// - `values`: `[classes]`; a value that is not a number never wins
#[must_use]
pub fn argmax(values: &[f64]) -> usize {
    let mut best = 0;
    for (class, value) in values.iter().enumerate() {
        if *value > values[best] || (values[best].is_nan() && !value.is_nan()) {
            best = class;
        }
    }
    best
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directions_count_and_lengths_do_not() {
        let (a, b) = (unit(&[3.0, 0.0]), unit(&[2.0, 2.0]));
        assert!((cosine(&a, &a) - 1.0).abs() < 1e-6 && (cosine(&a, &b) - 0.5_f64.sqrt()).abs() < 1e-6);
        assert_eq!(unit(&[0.0, 0.0]), [0.0, 0.0]);
    }

    #[test]
    fn every_name_counts_once_by_its_best_row() {
        let named = [("a", 0.1), ("b", 0.9), ("a", 0.5), ("c", 0.5), ("b", 0.2)];
        assert_eq!(best_of_each(named.into_iter(), 5), [(1, 0.9), (2, 0.5), (3, 0.5)]);
        assert_eq!(best_of_each(named.into_iter(), 1), [(1, 0.9)]);
    }

    #[test]
    fn the_first_of_equal_values_wins() {
        assert_eq!(argmax(&[0.2, 0.4, 0.4]), 1);
        assert_eq!(argmax(&[0.3, 0.3, 0.3]), 0);
        assert_eq!(argmax(&[f64::NAN, 0.1, f64::NAN]), 1);
    }
}
