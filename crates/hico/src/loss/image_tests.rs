//! Losses of whole images: closed forms, the formulas with loops in 64 bits, gradients by central differences.

use super::{negative_cosine, queue_nce, unit_rows, vicreg};
use burn::tensor::{Device, Tensor, TensorData};
use hico_data::Seed;
use proptest::prelude::*;

type Matrix = Vec<Vec<f64>>;

fn random(rows: usize, dim: usize, seed: u64) -> Matrix {
    let mut random = Seed(seed).stream("rows", &[]);
    // As the tensors will hold them.
    (0..rows).map(|_| (0..dim).map(|_| f64::from(random.random_range(-2.0_f32..2.0))).collect()).collect()
}

fn tensor(rows: &Matrix, device: &Device) -> Tensor<2> {
    let values: Vec<f32> = rows.iter().flatten().map(|value| *value as f32).collect();
    Tensor::from_data(TensorData::new(values, [rows.len(), rows[0].len()]), device)
}

fn number(tensor: Tensor<1>) -> f64 {
    tensor.into_scalar::<f64>()
}

fn unit(rows: &Matrix) -> Matrix {
    let length = |row: &[f64]| row.iter().map(|value| value * value).sum::<f64>().sqrt();
    rows.iter().map(|row| row.iter().map(|value| value / length(row)).collect()).collect()
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

fn queue_twin(queries: &Matrix, keys: &Matrix, queue: &Matrix, temperature: f64) -> f64 {
    let (queries, keys, queue) = (unit(queries), unit(keys), unit(queue));
    let cost = |(query, key): (&Vec<f64>, &Vec<f64>)| {
        let own = (dot(query, key) / temperature).exp();
        let others: f64 = queue.iter().map(|other| (dot(query, other) / temperature).exp()).sum();
        -(own / (own + others)).ln()
    };
    queries.iter().zip(&keys).map(cost).sum::<f64>() / queries.len() as f64
}

fn cosine_twin(a: &Matrix, b: &Matrix) -> f64 {
    -unit(a).iter().zip(&unit(b)).map(|(a, b)| dot(a, b)).sum::<f64>() / a.len() as f64
}

fn vicreg_twin(a: &Matrix, b: &Matrix) -> [f64; 3] {
    let (batch, dim) = (a.len(), a[0].len());
    let mut terms = [0.0; 3];
    for (a, b) in a.iter().flatten().zip(b.iter().flatten()) {
        terms[0] += (a - b).powi(2) / (batch * dim) as f64;
    }
    for x in [a, b] {
        let mean: Vec<f64> = (0..dim).map(|j| x.iter().map(|row| row[j]).sum::<f64>() / batch as f64).collect();
        let covariance = |i: usize, j: usize| {
            x.iter().map(|row| (row[i] - mean[i]) * (row[j] - mean[j])).sum::<f64>() / (batch - 1) as f64
        };
        for i in 0..dim {
            terms[1] += (1.0 - (covariance(i, i) + 1e-4).sqrt()).max(0.0) / dim as f64;
            for j in (0..dim).filter(|j| *j != i) {
                terms[2] += covariance(i, j).powi(2) / dim as f64;
            }
        }
    }
    terms
}

fn near(a: f64, b: f64) -> bool {
    (a - b).abs() <= 5e-5 * b.abs().max(1.0)
}

proptest! {
    #[test]
    fn losses_are_those_of_the_formulas(batch in 2..7_usize, dim in 2..9_usize, seed: u64, temperature in 0.1..1.0_f64) {
        let device = Device::flex();
        let [a, b, queue] = [0, 1, 2].map(|at| random(if at == 2 { 5 } else { batch }, dim, seed.wrapping_add(at)));
        let of = |rows: &Matrix| tensor(rows, &device);
        let found = number(queue_nce(of(&a), unit_rows(of(&b)), unit_rows(of(&queue)), temperature));
        prop_assert!(near(found, queue_twin(&a, &b, &queue, temperature)), "queue {found}");
        let found = number(negative_cosine(of(&a), of(&b)));
        prop_assert!(near(found, cosine_twin(&a, &b)), "cosine {found}");
        let found = vicreg(&of(&a), &of(&b)).map(number);
        for (found, expected) in found.into_iter().zip(vicreg_twin(&a, &b)) {
            prop_assert!(near(found, expected), "vicreg {found} {expected}");
        }
    }
}

#[test]
fn closed_forms() {
    let device = Device::flex();
    let of = |rows: Vec<Vec<f64>>| tensor(&rows, &device);
    // A query like all of seven keys is one of eight.
    let same = vec![vec![0.6, 0.8]];
    let cost = number(queue_nce(of(same.clone()), of(same.clone()), of(vec![same[0].clone(); 7]), 0.2));
    assert!(near(cost, 8.0_f64.ln()), "{cost}");
    // Its own key before it and the others square to it.
    let cost = number(queue_nce(of(vec![vec![3.0, 0.0]]), of(vec![vec![1.0, 0.0]]), of(vec![vec![0.0, 1.0]; 2]), 0.5));
    assert!(near(cost, (1.0 + 2.0 * (-2.0_f64).exp()).ln()), "{cost}");
    let cost =
        number(negative_cosine(of(vec![vec![2.0, 0.0], vec![0.0, 1.0]]), of(vec![vec![5.0, 0.0], vec![0.0, -1.0]])));
    assert!(near(cost, 0.0), "{cost}");
    // Two features that always agree: variance 2 each, covariance 2 both ways over 2 features, in both views.
    let agree = vec![vec![1.0, 1.0], vec![-1.0, -1.0]];
    let [invariance, variance, covariance] = vicreg(&of(agree.clone()), &of(agree)).map(number);
    assert!(near(invariance, 0.0) && near(variance, 0.0) && near(covariance, 2.0 * (4.0 + 4.0) / 2.0));
    // A point has no spread at all.
    let point = vec![vec![1.0, 2.0]; 3];
    let [_, variance, covariance] = vicreg(&of(point.clone()), &of(point)).map(number);
    assert!(near(variance, 2.0 * 0.99) && near(covariance, 0.0), "{variance}");
}

/// The gradient at `at` by automatic differentiation, and by central differences of the twin.
fn check(at: &Matrix, loss: impl Fn(Tensor<2>) -> Tensor<1>, twin: impl Fn(&Matrix) -> f64) {
    let device = Device::flex().autodiff();
    let leaf = tensor(at, &device).require_grad();
    let gradients = loss(leaf.clone()).backward();
    let found: Vec<f64> = leaf.grad(&gradients).unwrap().into_data().iter::<f64>().collect();
    let dim = at[0].len();
    for (place, found) in found.into_iter().enumerate() {
        let moved = |step: f64| {
            let mut at = at.clone();
            at[place / dim][place % dim] += step;
            twin(&at)
        };
        let slope = (moved(1e-5) - moved(-1e-5)) / 2e-5;
        assert!((slope - found).abs() <= 1e-4 * slope.abs().max(0.1), "{place}: {slope} {found}");
    }
}

#[test]
fn gradients_agree_with_central_differences() {
    let [a, b, queue] = [0, 1, 2].map(|seed| random(4, 3, seed));
    let device = Device::flex();
    let [keys, others] = [&b, &queue].map(|rows| unit_rows(tensor(rows, &device)));
    check(&a, |x| queue_nce(x, keys.clone(), others.clone(), 0.3), |x| queue_twin(x, &b, &queue, 0.3));
    let other = tensor(&b, &device);
    check(&a, |x| negative_cosine(x, other.clone()), |x| cosine_twin(x, &b));
    for term in 0..3 {
        // Small rows, so that deviations are below 1 and the variance term is not flat.
        let small: Matrix = a.iter().map(|row| row.iter().map(|value| value * 0.3).collect()).collect();
        check(&small, |x| vicreg(&x, &other)[term].clone(), |x| vicreg_twin(x, &b)[term]);
    }
}
