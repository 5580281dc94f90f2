//! How far two maps agree: the correlation of the ranks of their values (Spearman).

use super::Map;

/// Ranks from 0; equal values share their mean rank.
fn ranks(values: &[f32]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].total_cmp(&values[*b]));
    let mut ranks = vec![0.0; values.len()];
    let mut begin = 0;
    // Every chunk has a value at least, also where one is not equal to itself.
    for alike in order.chunk_by(|a, b| values[*a] == values[*b]) {
        let mean = (2 * begin + alike.len() - 1) as f64 / 2.0;
        alike.iter().for_each(|place| ranks[*place] = mean);
        begin += alike.len();
    }
    ranks
}

/// From -1 to 1; `None` where a map is the same everywhere or holds what is no number, or the two differ in size.
#[must_use]
pub fn rank_correlation(a: &Map, b: &Map) -> Option<f64> {
    let finite = [a, b].iter().all(|map| map.values.iter().all(|value| value.is_finite()));
    if (a.height, a.width) != (b.height, b.width) || a.values.is_empty() || !finite {
        return None;
    }
    let [a, b] = [ranks(&a.values), ranks(&b.values)];
    let mean = (a.len() - 1) as f64 / 2.0;
    let product = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| (a - mean) * (b - mean)).sum::<f64>();
    let spread = (product(&a, &a) * product(&b, &b)).sqrt();
    (spread > 0.0).then(|| product(&a, &b) / spread)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(values: &[f32]) -> Map {
        Map { height: 1, width: values.len(), values: values.to_vec() }
    }

    #[test]
    fn order_counts_and_size_does_not() {
        let found = |a: &[f32], b: &[f32]| rank_correlation(&map(a), &map(b));
        assert_eq!(found(&[1.0, 2.0, 3.0], &[10.0, 11.0, 500.0]), Some(1.0));
        assert_eq!(found(&[1.0, 2.0, 3.0], &[3.0, 2.0, 0.0]), Some(-1.0));
        // Ranks 0, 1.5, 1.5, 3 against 0, 1, 2, 3: 4.5 / sqrt(4.5 * 5).
        assert!((found(&[0.0, 1.0, 1.0, 9.0], &[0.0, 1.0, 2.0, 3.0]).unwrap() - (0.9_f64).sqrt()).abs() < 1e-12);
        assert_eq!(found(&[1.0, 1.0], &[1.0, 2.0]), None);
        assert_eq!(found(&[1.0], &[1.0, 2.0]), None);
    }

    #[test]
    fn ranking_ends_where_values_are_no_numbers() {
        assert_eq!(ranks(&[f32::NAN, 1.0, f32::NAN, -f32::NAN, 1.0]), [3.0, 1.5, 4.0, 0.0, 1.5]);
        for odd in [f32::NAN, f32::INFINITY] {
            assert_eq!(rank_correlation(&map(&[odd, 1.0, 2.0]), &map(&[1.0, 2.0, 3.0])), None);
            assert_eq!(rank_correlation(&map(&[odd; 3]), &map(&[odd; 3])), None);
        }
    }
}
