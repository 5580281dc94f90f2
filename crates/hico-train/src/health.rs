//! How a representation does while it is being trained: figures on plain slices, and the warning when it collapses.
//!
//! Nothing here sees a tensor, so every figure has a case known by hand.

use crate::journal::Health;
use crate::knn::{self, NEIGHBOURS};
use crate::metrics::Confusion;
use hico_model::rows::{argmax, unit};

/// Rows of one length, one after another.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Rows {
    /// `rows * dim` values.
    pub values: Vec<f32>,
    /// Values in a row.
    pub dim: usize,
}

impl Rows {
    /// Number of rows.
    #[must_use]
    pub const fn len(&self) -> usize {
        match self.dim {
            0 => 0,
            dim => self.values.len() / dim,
        }
    }

    /// Whether there is no row.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Adds rows of the same length below these.
    pub fn append(&mut self, rows: Self) {
        self.dim = rows.dim;
        self.values.extend(rows.values);
    }

    /// Every row scaled to length 1, in `f64`; a row of zeros stays.
    fn unit(&self) -> Vec<Vec<f64>> {
        let rows = self.values.chunks_exact(self.dim.max(1));
        rows.map(|row| {
            let row: Vec<f64> = row.iter().map(|&value| f64::from(value)).collect();
            let length = dot(&row, &row).sqrt();
            if length > 0.0 { row.into_iter().map(|value| value / length).collect() } else { row }
        })
        .collect()
    }
}

/// Balanced accuracy of a vote among the nearest rows by cosine ([`knn::vote`] of rows of length 1), as in a study.
///
/// - `gallery`, `gallery_labels`: who votes; rows without a label do not
/// - `queries`, `query_labels`: what is predicted; rows without a label are not
/// - returns: `None` where nothing is predicted or nobody votes
#[must_use]
pub fn knn_balanced_accuracy(
    gallery: &Rows,
    gallery_labels: &[Option<usize>],
    queries: &Rows,
    query_labels: &[Option<usize>],
) -> Option<f64> {
    let labelled = |rows: &Rows, labels: &[Option<usize>]| -> (Vec<Vec<f32>>, Vec<usize>) {
        let rows = rows.values.chunks_exact(rows.dim.max(1)).zip(labels);
        rows.filter_map(|(row, &label)| Some((unit(row), label?))).unzip()
    };
    let ((gallery, known), (queries, truths)) = (labelled(gallery, gallery_labels), labelled(queries, query_labels));
    let classes = known.iter().chain(&truths).max()? + 1;
    if gallery.is_empty() {
        return None;
    }
    let predict = |query: &Vec<f32>| argmax(&knn::vote(&gallery, &known, query, NEIGHBOURS, classes));
    Confusion::of(classes, truths.iter().copied().zip(queries.iter().map(predict))).balanced_accuracy()
}

/// Effective rank of the unit rows: the exponential of the entropy of their singular values, scaled to sum 1
/// (Roy and Vetterli 2007, eq. 4 and 5). 1 when all rows point one way, at most `min(rows, dim)`.
#[must_use]
pub fn effective_rank(rows: &Rows) -> Option<f64> {
    let unit = rows.unit();
    if unit.is_empty() || !rows.values.iter().all(|value| value.is_finite()) {
        return None;
    }
    // The singular values are the roots of the eigenvalues of the smaller of the two Gram matrices.
    let gram: Vec<Vec<f64>> = if unit.len() <= rows.dim {
        unit.iter().map(|a| unit.iter().map(|b| dot(a, b)).collect()).collect()
    } else {
        let column = |j: usize| unit.iter().map(move |row| row[j]);
        (0..rows.dim)
            .map(|i| (0..rows.dim).map(|j| column(i).zip(column(j)).map(|(a, b)| a * b).sum()).collect())
            .collect()
    };
    let singular: Vec<f64> = eigenvalues(gram).into_iter().map(|value| value.max(0.0).sqrt()).collect();
    let sum: f64 = singular.iter().sum();
    if sum == 0.0 {
        return None;
    }
    let entropy: f64 = singular.iter().map(|value| value / sum).filter(|&p| p > 0.0).map(|p| -p * p.ln()).sum();
    Some(entropy.exp())
}

/// Mean squared distance between the unit rows of two views of the same clips (Wang and Isola 2020, eq. 1 with
/// alpha = 2): 0 when both views agree, 2 when they have nothing to do with each other.
#[must_use]
pub fn alignment(a: &Rows, b: &Rows) -> Option<f64> {
    let distances: Vec<f64> = a.unit().iter().zip(&b.unit()).map(|(a, b)| squared_distance(a, b)).collect();
    (!distances.is_empty()).then(|| mean(&distances)).filter(|mean| mean.is_finite())
}

/// Log of the mean over pairs of clips of `exp(-2 |x - y|^2)`, on unit rows (Wang and Isola 2020, eq. 2 with t = 2):
/// 0 when all are one point, about -4 when they are spread over a sphere of many dimensions.
#[must_use]
pub fn uniformity(rows: &Rows) -> Option<f64> {
    let unit = rows.unit();
    let pairs = (0..unit.len()).flat_map(|i| (0..i).map(move |j| (i, j)));
    let potentials: Vec<f64> = pairs.map(|(i, j)| (-2.0 * squared_distance(&unit[i], &unit[j])).exp()).collect();
    (!potentials.is_empty()).then(|| mean(&potentials).ln()).filter(|mean| mean.is_finite())
}

/// Below this effective rank all embeddings lie on one line.
const SMALLEST_RANK: f64 = 1.1;

/// Above this uniformity the mean squared distance between embeddings is below 0.01: they are one point.
const LARGEST_UNIFORMITY: f64 = -0.02;

/// The warning a person should see when the embeddings have collapsed to a point or a line.
#[must_use]
pub fn collapse(health: &Health) -> Option<String> {
    let remedy = "the embedding has collapsed and no longer separates clips; try a smaller train.learning_rate, a larger train.batch \
                  or a smaller method.temperature";
    if let Some(rank) = health.embedding_rank.filter(|&rank| rank < SMALLEST_RANK) {
        return Some(format!("collapse: effective rank of the embeddings {rank:.2}: {remedy}"));
    }
    let uniformity = health.uniformity.filter(|&value| value > LARGEST_UNIFORMITY)?;
    Some(format!("collapse: uniformity of the embeddings {uniformity:.4}: {remedy}"))
}

/// Eigenvalues of a symmetric matrix, in no order: cyclic Jacobi rotations (Golub and Van Loan, section 8.5).
fn eigenvalues(mut matrix: Vec<Vec<f64>>) -> Vec<f64> {
    let size = matrix.len();
    let whole: f64 = matrix.iter().flatten().map(|value| value * value).sum();
    for _sweep in 0..60 {
        let off: f64 = (0..size).flat_map(|i| (0..i).map(move |j| (i, j))).map(|(i, j)| matrix[i][j].powi(2)).sum();
        if off <= 1e-24 * whole {
            break;
        }
        for p in 0..size {
            for q in p + 1..size {
                rotate(&mut matrix, p, q);
            }
        }
    }
    (0..size).map(|i| matrix[i][i]).collect()
}

/// One Jacobi rotation, which makes `matrix[p][q]` zero; `p < q`.
fn rotate(matrix: &mut [Vec<f64>], p: usize, q: usize) {
    if matrix[p][q] == 0.0 {
        return;
    }
    let theta = (matrix[q][q] - matrix[p][p]) / (2.0 * matrix[p][q]);
    let tangent = theta.signum() / (theta.abs() + (theta * theta + 1.0).sqrt());
    let cosine = 1.0 / (tangent * tangent + 1.0).sqrt();
    let sine = tangent * cosine;
    for row in matrix.iter_mut() {
        (row[p], row[q]) = (cosine * row[p] - sine * row[q], sine * row[p] + cosine * row[q]);
    }
    let (above, below) = matrix.split_at_mut(q);
    for (a, b) in above[p].iter_mut().zip(below[0].iter_mut()) {
        (*a, *b) = (cosine * *a - sine * *b, sine * *a + cosine * *b);
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn squared_distance(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| (a - b) * (a - b)).sum()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(dim: usize, values: &[f32]) -> Rows {
        Rows { values: values.to_vec(), dim }
    }

    fn assert_close(found: Option<f64>, expected: f64) {
        let found = found.unwrap();
        assert!((found - expected).abs() < 1e-9, "{found} is not {expected}");
    }

    #[test]
    fn the_rank_of_orthogonal_rows_is_their_number_whatever_their_length() {
        assert_close(effective_rank(&rows(4, &[1., 0., 0., 0., 0., 5., 0., 0., 0., 0., 0.1, 0.])), 3.0);
        // Three rows a direction: equal singular values again, with more rows than dimensions.
        assert_close(effective_rank(&rows(2, &[1., 0., 2., 0., 3., 0., 0., 1., 0., 2., 0., 3.])), 2.0);
    }

    #[test]
    fn the_rank_of_parallel_rows_is_one() {
        assert_close(effective_rank(&rows(3, &[1., 2., 3., 2., 4., 6., -1., -2., -3.])), 1.0);
    }

    #[test]
    fn the_rank_of_uneven_directions_is_the_exponential_of_their_entropy() {
        // Four rows one way and one the other: singular values 2 and 1.
        let uneven = rows(2, &[1., 0., 1., 0., 1., 0., 1., 0., 0., 1.]);
        let entropy = -(2.0 / 3.0 * (2.0_f64 / 3.0).ln() + 1.0 / 3.0 * (1.0_f64 / 3.0).ln());
        assert_close(effective_rank(&uneven), entropy.exp());
    }

    #[test]
    fn jacobi_finds_the_eigenvalues_of_a_dense_matrix() {
        // A path graph's Laplacian: 2 - 2 cos(pi k / n).
        let size = 7;
        let laplacian: Vec<Vec<f64>> = (0..size)
            .map(|i: usize| {
                let degree = if i == 0 || i == size - 1 { 1.0 } else { 2.0 };
                (0..size).map(|j| if i == j { degree } else { -f64::from(u8::from(i.abs_diff(j) == 1)) }).collect()
            })
            .collect();
        let mut found = eigenvalues(laplacian);
        found.sort_by(f64::total_cmp);
        for (k, value) in found.into_iter().enumerate() {
            let expected = 2.0 - 2.0 * (std::f64::consts::PI * k as f64 / size as f64).cos();
            assert!((value - expected).abs() < 1e-10, "{k}: {value} is not {expected}");
        }
    }

    #[test]
    fn alignment_is_zero_for_equal_and_two_for_orthogonal_views() {
        let a = rows(2, &[1., 0., 0., 3.]);
        assert_close(alignment(&a, &rows(2, &[7., 0., 0., 1.])), 0.0);
        assert_close(alignment(&a, &rows(2, &[0., 1., 1., 0.])), 2.0);
    }

    #[test]
    fn uniformity_is_zero_for_one_point_and_minus_eight_for_opposite_points() {
        assert_close(uniformity(&rows(2, &[1., 1., 2., 2.])), 0.0);
        assert_close(uniformity(&rows(2, &[1., 0., -1., 0.])), -8.0);
        assert_eq!(uniformity(&rows(2, &[1., 0.])), None);
    }

    #[test]
    fn neighbours_find_the_class_they_point_to() {
        let gallery = rows(2, &[1., 0., 1., 0.1, 1., -0.1, 0., 1., 0.1, 1., -0.1, 1.]);
        let labels = [0, 0, 0, 1, 1, 1].map(Some);
        let queries = rows(2, &[2., 0.2, 0.2, 2., 0.1, 3.]);
        assert_close(knn_balanced_accuracy(&gallery, &labels, &queries, &[Some(0), Some(1), Some(1)]), 1.0);
        // One of the two queries of class 0 looks like class 1: recalls 1/2 and 1.
        assert_close(knn_balanced_accuracy(&gallery, &labels, &queries, &[Some(0), Some(1), Some(0)]), 0.75);
    }

    #[test]
    fn unlabelled_rows_neither_vote_nor_are_asked() {
        let gallery = rows(2, &[1., 0., 0., 1.]);
        let queries = rows(2, &[1., 0., 0., 1.]);
        assert_close(knn_balanced_accuracy(&gallery, &[Some(0), None], &queries, &[Some(0), None]), 1.0);
        assert_eq!(knn_balanced_accuracy(&gallery, &[None, None], &queries, &[Some(0), None]), None);
        assert_eq!(knn_balanced_accuracy(&gallery, &[Some(0), None], &queries, &[None, None]), None);
    }

    #[test]
    fn a_point_and_a_line_are_called_a_collapse_and_a_spread_is_not() {
        let healthy = Health { embedding_rank: Some(12.0), uniformity: Some(-1.5), ..Health::default() };
        assert_eq!(collapse(&healthy), None);
        assert!(collapse(&Health { embedding_rank: Some(1.01), ..healthy }).unwrap().contains("rank"));
        assert!(collapse(&Health { uniformity: Some(-0.001), ..healthy }).unwrap().contains("uniformity"));
        assert_eq!(collapse(&Health::default()), None);
    }
}
