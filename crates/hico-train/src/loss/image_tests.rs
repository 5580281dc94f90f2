//! Losses of whole images: closed forms, the formulas with loops in 64 bits, gradients by central differences.

use super::{
    Distillation, Queue, cross_prediction, decoupled_nt_xent, far_nce, latent_prediction, negative_cosine, nt_xent,
    queue_nce, self_distillation, unit_rows, vicreg, weighted_nt_xent,
};
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

/// Whether a key of the queue is of the group of a query.
fn is_own(query: usize, key: usize) -> bool {
    (query + 2 * key).is_multiple_of(4)
}

fn queue_of(keys: &Matrix, queries: usize, device: &Device) -> Queue {
    let own: Vec<bool> = (0..queries * keys.len()).map(|at| is_own(at / keys.len(), at % keys.len())).collect();
    let own = Tensor::from_data(TensorData::new(own, [queries, keys.len()]), device);
    Queue { keys: unit_rows(tensor(keys, device)), own }
}

/// The cost of one query before several candidates, the first of which is its key.
fn cost_of_first(query: &[f64], candidates: &[Vec<f64>], temperature: f64) -> f64 {
    let power = |candidate: &Vec<f64>| {
        let length = (dot(query, query) * dot(candidate, candidate)).sqrt();
        (dot(query, candidate) / length / temperature).exp()
    };
    -(power(&candidates[0]) / candidates.iter().map(power).sum::<f64>()).ln()
}

/// The keys that are negatives of a query.
fn others(queue: &Matrix, query: usize) -> impl Iterator<Item = &Vec<f64>> {
    queue.iter().enumerate().filter(move |(key, _)| !is_own(query, *key)).map(|(_, key)| key)
}

fn queue_twin(queries: &Matrix, keys: &Matrix, queue: &Matrix, temperature: f64) -> f64 {
    let cost = |at: usize| {
        let candidates: Matrix = std::iter::once(&keys[at]).chain(others(queue, at)).cloned().collect();
        cost_of_first(&queries[at], &candidates, temperature)
    };
    (0..queries.len()).map(cost).sum::<f64>() / queries.len() as f64
}

/// The mean of the queue by nearness; `at_queries`: the queries that nearness is measured from, which are not learnt from.
fn nearest(at_queries: &Matrix, queue: &Matrix, query: usize, temperature: f64) -> Vec<f64> {
    let (unit_query, unit_queue) = (&unit(at_queries)[query], unit(queue));
    let mut sum = vec![0.0; unit_query.len()];
    for key in others(&unit_queue, query) {
        let weight = (dot(unit_query, key) / temperature).exp();
        sum.iter_mut().zip(key).for_each(|(sum, value)| *sum += weight * value);
    }
    sum
}

fn far_twin(
    (queries, at_queries): (&Matrix, &Matrix),
    keys: &Matrix,
    far: &[Vec<Vec<f64>>],
    queue: &Matrix,
    temperature: f64,
) -> f64 {
    let cost = |at: usize| {
        let nearest = nearest(at_queries, queue, at, temperature);
        let candidates: Matrix = std::iter::once(&keys[at]).chain(&far[at]).chain([&nearest]).cloned().collect();
        cost_of_first(&queries[at], &candidates, temperature)
    };
    (0..queries.len()).map(cost).sum::<f64>() / queries.len() as f64
}

fn decoupled_twin(a: &Matrix, b: &Matrix, temperature: f64) -> f64 {
    let rows = unit(&a.iter().chain(b).cloned().collect());
    let cost = |at: usize| {
        let partner = (at + a.len()) % rows.len();
        let others = (0..rows.len()).filter(|other| *other != at && *other != partner);
        let sum: f64 = others.map(|other| (dot(&rows[at], &rows[other]) / temperature).exp()).sum();
        sum.ln() - dot(&rows[at], &rows[partner]) / temperature
    };
    (0..rows.len()).map(cost).sum::<f64>() / rows.len() as f64
}

fn weighted_twin(a: &Matrix, b: &Matrix, weights: &[f32], temperature: f64) -> f64 {
    let rows = unit(&a.iter().chain(b).cloned().collect());
    let cost = |at: usize| {
        let partner = (at + a.len()) % rows.len();
        let others = (0..rows.len()).filter(|other| *other != at);
        let sum: f64 = others.map(|other| (dot(&rows[at], &rows[other]) / temperature).exp()).sum();
        -((dot(&rows[at], &rows[partner]) / temperature).exp() / sum).ln() * f64::from(weights[at % a.len()])
    };
    (0..rows.len()).map(cost).sum::<f64>() / rows.len() as f64
}

fn distribution(scores: &[f64], centre: &[f64], temperature: f64) -> Vec<f64> {
    let powers: Vec<f64> =
        scores.iter().zip(centre).map(|(score, centre)| ((score - centre) / temperature).exp()).collect();
    powers.iter().map(|power| power / powers.iter().sum::<f64>()).collect()
}

fn distillation_twin(student: &[Matrix], teacher: &[Matrix], centre: &[f64], [own, taught]: [f64; 2]) -> f64 {
    let zero = vec![0.0; centre.len()];
    let (mut sum, mut count) = (0.0, 0);
    for (view, teacher) in teacher.iter().enumerate() {
        for (_, student) in student.iter().enumerate().filter(|(other, _)| *other != view) {
            for (teacher, student) in teacher.iter().zip(student) {
                let (target, said) = (distribution(teacher, centre, taught), distribution(student, &zero, own));
                sum -= target.iter().zip(&said).map(|(target, said)| target * said.ln()).sum::<f64>();
                count += 1;
            }
        }
    }
    sum / f64::from(count)
}

fn cosine_twin(a: &Matrix, b: &Matrix) -> f64 {
    -unit(a).iter().zip(&unit(b)).map(|(a, b)| dot(a, b)).sum::<f64>() / a.len() as f64
}

fn latent_twin(predicted: &Matrix, target: &Matrix, hidden: &[bool]) -> f64 {
    let distance = |(predicted, target): (&Vec<f64>, &Vec<f64>)| {
        let count = target.len() as f64;
        let mean = target.iter().sum::<f64>() / count;
        let deviation = (target.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / count + 1e-6).sqrt();
        let apart = |(value, target): (&f64, &f64)| (value - (target - mean) / deviation).powi(2);
        predicted.iter().zip(target).map(apart).sum::<f64>() / count
    };
    let rows: Vec<f64> =
        predicted.iter().zip(target).zip(hidden).filter(|(_, hidden)| **hidden).map(|(row, _)| distance(row)).collect();
    rows.iter().sum::<f64>() / rows.len().max(1) as f64
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
        let keys = queue_of(&queue, batch, &device);
        let found = number(queue_nce(of(&a), unit_rows(of(&b)), &keys, temperature));
        prop_assert!(near(found, queue_twin(&a, &b, &queue, temperature)), "queue {found}");
        let present: Vec<f32> = (0..batch).map(|at| (at % 2) as f32).collect();
        let far = random(batch, dim, seed.wrapping_add(3));
        let some: Vec<Matrix> =
            (0..batch).map(|at| if at % 2 == 1 { vec![far[at].clone(), b[at].clone()] } else { Vec::new() }).collect();
        let found = number(far_nce(of(&a), unit_rows(of(&b)), vec![of(&far), of(&b)], &present, &keys, temperature));
        prop_assert!(near(found, far_twin((&a, &a), &b, &some, &queue, temperature)), "far {found}");
        let found = number(decoupled_nt_xent(of(&a), of(&b), temperature));
        prop_assert!(near(found, decoupled_twin(&a, &b, temperature)), "decoupled {found}");
        let weights: Vec<f32> = (0..batch).map(|at| 1.0 / (at + 1) as f32).collect();
        let found = number(weighted_nt_xent(of(&a), of(&b), &weights, temperature));
        prop_assert!(near(found, weighted_twin(&a, &b, &weights, temperature)), "weighted {found}");
        let centre: Vec<f64> = queue[0].clone();
        let temperatures = [temperature, temperature * 0.4];
        let found = number(self_distillation(
            &[of(&a), of(&b), of(&far)], &[of(&b), of(&a)], &of(&vec![centre.clone()]), temperatures,
        ).cross_entropy);
        let expected = distillation_twin(&[a.clone(), b.clone(), far.clone()], &[b.clone(), a.clone()], &centre, temperatures);
        prop_assert!(near(found, expected), "distillation {found} {expected}");
        let hidden: Vec<bool> = (0..batch).map(|at| at % 3 != 1).collect();
        let found = number(latent_prediction(of(&a), of(&b), &hidden));
        prop_assert!(near(found, latent_twin(&a, &b, &hidden)), "latent {found}");
        let found = number(negative_cosine(of(&a), of(&b)));
        prop_assert!(near(found, cosine_twin(&a, &b)), "cosine {found}");
        let (levels, taught) = ([&a, &b, &b, &far].map(&of), [&far, &a].map(&of));
        let [local_1, medium_1, local_2, medium_2] = levels;
        let found = number(cross_prediction([&[local_1, medium_1], &[local_2, medium_2]], [&taught[0], &taught[1]]));
        let expected = [(&a, &a), (&b, &a), (&b, &far), (&far, &far)].map(|(said, taught)| 1.0 + cosine_twin(said, taught));
        prop_assert!(near(found, expected.iter().sum::<f64>()), "cross prediction {found}");
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
    // A query like all of seven keys is one of eight; where two of them are of its own group, one of six.
    let same = vec![vec![0.6, 0.8]];
    let queue = |keys: Vec<Vec<f64>>, own: &[usize]| {
        let hidden: Vec<bool> = (0..keys.len()).map(|key| own.contains(&key)).collect();
        Queue { own: Tensor::from_data(TensorData::new(hidden, [1, keys.len()]), &device), keys: of(keys) }
    };
    for (own, candidates) in [(&[][..], 8.0_f64), (&[0, 4], 6.0)] {
        let queue = queue(vec![same[0].clone(); 7], own);
        let cost = number(queue_nce(of(same.clone()), of(same.clone()), &queue, 0.2));
        assert!(near(cost, candidates.ln()), "{cost}");
    }
    // Its own key before it and the others square to it.
    let square = queue(vec![vec![0.0, 1.0]; 2], &[]);
    let cost = number(queue_nce(of(vec![vec![3.0, 0.0]]), of(vec![vec![1.0, 0.0]]), &square, 0.5));
    assert!(near(cost, (1.0 + 2.0 * (-2.0_f64).exp()).ln()), "{cost}");
    // Three far frames like the query are as likely as its key; where they are absent there is the mean of the queue alone.
    let far = |present: f32| {
        let query = of(vec![vec![1.0, 0.0]]);
        number(far_nce(query.clone(), query.clone(), vec![query; 3], &[present], &square, 0.5))
    };
    assert!(near(far(1.0), (4.0 + (-2.0_f64).exp()).ln()), "{}", far(1.0));
    assert!(near(far(0.0), (1.0 + (-2.0_f64).exp()).ln()), "{}", far(0.0));
    // Where all keys are of the own group and far frames are absent nothing is left to compare with.
    let own = queue(vec![vec![0.0, 1.0]; 2], &[0, 1]);
    let query = of(vec![vec![1.0, 0.0]]);
    assert!(near(number(far_nce(query.clone(), query.clone(), vec![query.clone()], &[0.0], &own, 0.5)), 0.0));
    assert!(near(number(far_nce(query.clone(), query.clone(), vec![query], &[1.0], &own, 0.5)), 2.0_f64.ln()));
    // Decoupled, two pairs square to each other have two candidates at 0 and a partner at 1.
    let square = || of(vec![vec![1.0, 0.0], vec![0.0, 1.0]]);
    let cost = number(decoupled_nt_xent(square(), square(), 0.5));
    assert!(near(cost, 2.0_f64.ln() - 2.0), "{cost}");
    assert!(near(number(decoupled_nt_xent(of(same.clone()), of(same), 0.5)), 0.0));
    // Weights of 1 change nothing, and of two pairs alike half the weight is half the cost.
    let pairs = [vec![vec![1.0, 0.0], vec![0.0, 1.0]], vec![vec![1.0, 0.0], vec![0.0, 1.0]]].map(of);
    let [a, b] = pairs;
    let plain = number(nt_xent(a.clone(), b.clone(), 0.5));
    assert!(near(number(weighted_nt_xent(a.clone(), b.clone(), &[1.0, 1.0], 0.5)), plain));
    assert!(near(number(weighted_nt_xent(a, b, &[0.75, 0.25], 0.5)), plain / 2.0));
    // A teacher that is sure of one prototype, and a student that knows nothing of four.
    let (sure, blank) = (of(vec![vec![9.0, 0.0, 0.0, 0.0]]), of(vec![vec![1.0; 4]]));
    let (none, one) = (of(vec![vec![0.0; 4]]), std::slice::from_ref(&sure));
    let cost = number(self_distillation(&[blank.clone(), blank.clone()], one, &none, [0.1, 0.04]).cross_entropy);
    assert!(near(cost, 4.0_f64.ln()), "{cost}");
    // A student as sure as its teacher, of the same one, costs nothing; a centre like the scores makes the teacher blank.
    let cost = number(self_distillation(&[blank, sure.clone()], one, &none, [0.1, 0.04]).cross_entropy);
    assert!(near(cost, 0.0), "{cost}");
    let student = of(vec![vec![0.1, 0.0, 0.0, 0.0]]);
    let Distillation { cross_entropy, teacher_entropy } =
        self_distillation(&[sure.clone(), student], one, &sure, [0.1, 0.04]);
    assert!(near(number(teacher_entropy), 4.0_f64.ln()));
    let cost = number(cross_entropy);
    assert!(near(cost, (1.0_f64.exp() + 3.0).ln() - 0.25), "{cost}");
    let cost =
        number(negative_cosine(of(vec![vec![2.0, 0.0], vec![0.0, 1.0]]), of(vec![vec![5.0, 0.0], vec![0.0, -1.0]])));
    assert!(near(cost, 0.0), "{cost}");
    // What is predicted is the target with mean 0 and deviation 1; nothing hidden costs nothing.
    let (predicted, target) = (vec![vec![1.0, -1.0], vec![0.0, 0.0]], vec![vec![7.0, 3.0], vec![1.0, 5.0]]);
    for (hidden, expected) in [([true, false], 0.0), ([false, true], 1.0), ([true, true], 0.5), ([false, false], 0.0)] {
        let cost = number(latent_prediction(of(predicted.clone()), of(target.clone()), &hidden));
        assert!(near(cost, expected), "{hidden:?} {cost}");
    }
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
    let (keys, others) = (unit_rows(tensor(&b, &device)), queue_of(&queue, 4, &device));
    check(&a, |x| queue_nce(x, keys.clone(), &others, 0.3), |x| queue_twin(x, &b, &queue, 0.3));
    let (present, far) = ([1.0, 0.0, 1.0, 0.0], tensor(&queue, &device));
    let some =
        |x: &Matrix, at: usize| if at.is_multiple_of(2) { vec![queue[at].clone(), x[at].clone()] } else { vec![] };
    let with_far = |x: &Matrix, far: &Matrix| {
        let far: Vec<Matrix> = (0..4).map(|at| some(far, at)).collect();
        far_twin((x, &a), &b, &far, &queue, 0.3)
    };
    let other = tensor(&b, &device);
    let of_queries = |x| far_nce(x, keys.clone(), vec![far.clone(), other.clone()], &present, &others, 0.3);
    check(&a, of_queries, |x| with_far(x, &b));
    // Far frames go through the query's network, so they are learnt from as well.
    let at_a = tensor(&a, &device);
    let of_far = |x| far_nce(at_a.clone(), keys.clone(), vec![far.clone(), x], &present, &others, 0.3);
    check(&b, of_far, |x| with_far(&a, x));
    check(&a, |x| decoupled_nt_xent(x, other.clone(), 0.3), |x| decoupled_twin(x, &b, 0.3));
    let weights = [1.0, 0.5, 0.25, 0.75];
    check(&a, |x| weighted_nt_xent(x, other.clone(), &weights, 0.3), |x| weighted_twin(x, &b, &weights, 0.3));
    let centre = tensor(&vec![queue[0].clone()], &device);
    check(
        &a,
        |x| self_distillation(&[x, other.clone()], &[other.clone(), other.clone()], &centre, [0.5, 0.3]).cross_entropy,
        |x| distillation_twin(&[x.clone(), b.clone()], &[b.clone(), b.clone()], &queue[0], [0.5, 0.3]),
    );
    let hidden = [true, false, true, true];
    check(&a, |x| latent_prediction(x, other.clone(), &hidden), |x| latent_twin(x, &b, &hidden));
    check(&a, |x| negative_cosine(x, other.clone()), |x| cosine_twin(x, &b));
    let of_local = |x: Tensor<2>| {
        let levels = [[x.clone(), other.clone()], [other.clone(), x]];
        cross_prediction([&levels[0], &levels[1]], [&other, &far])
    };
    check(&a, of_local, |x| {
        let costs =
            [(x, &queue), (&b, &queue), (&b, &b), (x, &b)].map(|(said, taught)| 1.0 + cosine_twin(said, taught));
        costs.iter().sum::<f64>()
    });
    for term in 0..3 {
        // Small rows, so that deviations are below 1 and the variance term is not flat.
        let small: Matrix = a.iter().map(|row| row.iter().map(|value| value * 0.3).collect()).collect();
        check(&small, |x| vicreg(&x, &other)[term].clone(), |x| vicreg_twin(x, &b)[term]);
    }
}
