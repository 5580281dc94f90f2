//! Nearest-neighbour classification on plain rows of features: the one of training logs, baselines and studies.

/// Neighbours that vote.
pub const NEIGHBOURS: usize = 5;

/// Vote of the `neighbours` nearest rows by Euclidean distance, as shares of the classes that sum to 1.
///
/// Of equally distant rows the earlier counts as nearer. The shares carry one part in a million for nearness, so that
/// a tied vote goes to the class of the nearest of the tied neighbours. Fewer rows than `neighbours` all vote.
///
/// - `gallery`: `[rows][dim]`, who votes; not empty
/// - `labels`: `[rows]`, below `classes`
/// - `query`: `[dim]`
/// - returns: `[classes]`
#[must_use]
pub fn vote(gallery: &[Vec<f32>], labels: &[usize], query: &[f32], neighbours: usize, classes: usize) -> Vec<f64> {
    let mut nearest: Vec<(f64, usize)> =
        gallery.iter().zip(labels).map(|(row, label)| (squared_distance(row, query), *label)).collect();
    nearest.sort_by(|a, b| a.0.total_cmp(&b.0));
    nearest.truncate(neighbours);
    let mut shares = vec![0.0; classes];
    // Halved from one to the next, so that no two farther ones outweigh a nearer one.
    let mut nearness = NEARNESS;
    for (_, label) in nearest {
        shares[label] += 1.0 + nearness;
        nearness /= 2.0;
    }
    let sum: f64 = shares.iter().sum();
    shares.iter_mut().for_each(|share| *share /= sum);
    shares
}

const NEARNESS: f64 = 1e-6;

fn squared_distance(a: &[f32], b: &[f32]) -> f64 {
    a.iter().zip(b).map(|(a, b)| f64::from(a - b).powi(2)).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hico_model::rows::argmax;

    fn rows(values: &[f32]) -> Vec<Vec<f32>> {
        values.iter().map(|value| vec![*value]).collect()
    }

    #[test]
    fn the_majority_of_the_nearest_wins_and_shares_are_votes() {
        let gallery = rows(&[0.0, 1.0, 2.0, 10.0, 11.0, 12.0, 13.0]);
        let labels = [0, 1, 1, 2, 2, 2, 2];
        let shares = vote(&gallery, &labels, &[0.5], 3, 3);
        assert_eq!(argmax(&shares), 1);
        assert!((shares[1] - 2.0 / 3.0).abs() < 1e-5 && shares[2] == 0.0, "{shares:?}");
        assert!((shares.iter().sum::<f64>() - 1.0).abs() < 1e-12);
    }

    #[test]
    fn a_tied_vote_goes_to_the_nearest() {
        let gallery = rows(&[3.0, 1.0, 2.0, 4.0]);
        assert_eq!(argmax(&vote(&gallery, &[0, 1, 0, 1], &[0.0], 4, 2)), 1);
        assert_eq!(argmax(&vote(&gallery, &[1, 0, 1, 0], &[0.0], 4, 2)), 0);
    }

    #[test]
    fn of_equal_rows_the_earlier_is_nearer() {
        assert_eq!(argmax(&vote(&rows(&[5.0, 5.0]), &[2, 0], &[1.0], 1, 3)), 2);
        assert_eq!(vote(&rows(&[5.0]), &[1], &[1.0], 5, 2), [0.0, 1.0]);
    }
}
