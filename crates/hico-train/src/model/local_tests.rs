//! Whether the local level is local: how much of what a projector reads of P2 the averages of C2 to C5 tell, and whether
//! an embedding moves with what moves in the picture.

use super::HicoModel;
use crate::settings::{HicoRecipe, Projector};
use burn::tensor::{Device, Tensor};
use hico_data::Seed;
use hico_model::batch::images;
use hico_model::init::Init;
use hico_model::layers::{average, unit_rows};
use hico_model::{BackboneName, Maps, Mode};
use rand::RngExt as _;

const SIDE: usize = 64;

/// Pictures that a linear map is fitted on, and pictures that it is held against.
const FRAMES: [usize; 2] = [1600, 400];

/// Numbers that a projector reads which are looked at.
const READ: usize = 64;

fn model(projector: Projector) -> HicoModel {
    let recipe = HicoRecipe { projector, ..HicoRecipe::default() };
    HicoModel::new(BackboneName::RESNET18, &recipe, SIDE, 2, &Init::new(&Device::flex(), Seed(1)))
}

fn rows(tensor: Tensor<2>) -> Vec<Vec<f64>> {
    let [_, columns] = tensor.dims();
    let values: Vec<f64> = tensor.into_data().iter().collect();
    values.chunks(columns).map(<[f64]>::to_vec).collect()
}

/// Pictures of bright spots in random places, each picture of the same mean and deviation: what tells them apart is where
/// something is.
fn pictures(count: usize) -> Vec<Vec<f32>> {
    let mut rng = Seed(4).stream("spots", &[]);
    let picture = |_| -> Vec<f32> {
        let mut plane = vec![0.0_f32; SIDE * SIDE];
        for _ in 0..8 {
            let [x, y] = [(); 2].map(|()| rng.random_range(0.0..SIDE as f32));
            let (bright, width) = (rng.random_range(0.5..1.5), rng.random_range(2.0_f32..5.0));
            for (place, value) in plane.iter_mut().enumerate() {
                let [column, row] = [place % SIDE, place / SIDE].map(|at| at as f32);
                *value += bright * (-((column - x).powi(2) + (row - y).powi(2)) / (2.0 * width.powi(2))).exp();
            }
        }
        let mean = plane.iter().sum::<f32>() / plane.len() as f32;
        let variance = plane.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / plane.len() as f32;
        let plane: Vec<f32> = plane.into_iter().map(|value| (value - mean) / variance.sqrt()).collect();
        plane.repeat(3)
    };
    (0..count).map(picture).collect()
}

/// Of every picture the averages of C2 to C5, and a part of what each projector reads of P2.
fn described(pictures: &[Vec<f32>], projectors: [Projector; 2]) -> (Vec<Vec<f64>>, [Vec<Vec<f64>>; 2]) {
    let models = projectors.map(model);
    // As in training, every map has its own scale removed; else the last one outweighs all.
    for batch in pictures.chunks(100) {
        drop(models[0].encoder.backbone.forward(images(batch, SIDE, &Device::flex()), Mode::Train));
    }
    let (mut averages, mut read) = (Vec::new(), [Vec::new(), Vec::new()]);
    for batch in pictures.chunks(100) {
        // The encoders are the same: their weights come from the seed and their own names.
        let Maps { c2, c3, c4, c5, p2, .. } = models[0].encoder.maps(images(batch, SIDE, &Device::flex()), Mode::Eval);
        averages.extend(rows(Tensor::cat([c2, c3, c4, c5].map(average).to_vec(), 1)));
        for (read, model) in read.iter_mut().zip(&models) {
            let all = rows(model.local.read(p2.clone()));
            // An odd step meets other channels and, in a grid, other cells each time.
            let few = |row: Vec<f64>| (0..READ).map(|place| row[67 * place % row.len()]).collect::<Vec<f64>>();
            read.extend(all.into_iter().map(few));
        }
    }
    (averages, read)
}

/// The share of the variance of `y` on the held-out pictures that a linear map of `x` tells, which was fitted by ridge
/// regression on the others; the best of several strengths.
fn explained(x: &[Vec<f64>], y: &[Vec<f64>]) -> f64 {
    let [fit, _] = FRAMES;
    let centred = |rows: &[Vec<f64>]| -> Vec<Vec<f64>> {
        let columns = rows[0].len();
        let figure = |of: &dyn Fn(usize) -> f64| (0..columns).map(of).collect::<Vec<f64>>();
        let mean = figure(&|column| rows[..fit].iter().map(|row| row[column]).sum::<f64>() / fit as f64);
        rows.iter().map(|row| row.iter().zip(&mean).map(|(value, mean)| value - mean).collect()).collect()
    };
    let (x, y) = (centred(x), centred(y));
    let gram = product(&x[..fit], &x[..fit]);
    let onto = product(&x[..fit], &y[..fit]);
    let size = gram.iter().enumerate().map(|(place, row)| row[place]).sum::<f64>() / gram.len() as f64;
    let of_strength = |strength: f64| {
        let map = solve(&gram, strength * size, &onto);
        let (mut rest, mut all) = (0.0, 0.0);
        for (x, y) in x[fit..].iter().zip(&y[fit..]) {
            for (column, y) in y.iter().enumerate() {
                let told: f64 = x.iter().zip(&map).map(|(x, row)| x * row[column]).sum();
                rest += (y - told).powi(2);
                all += y.powi(2);
            }
        }
        1.0 - rest / all
    };
    [1e-6, 1e-4, 1e-2].into_iter().map(of_strength).fold(f64::MIN, f64::max)
}

/// `aᵀ b`.
fn product(a: &[Vec<f64>], b: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let mut product = vec![vec![0.0; b[0].len()]; a[0].len()];
    for (a, b) in a.iter().zip(b) {
        for (sums, a) in product.iter_mut().zip(a) {
            sums.iter_mut().zip(b).for_each(|(sum, b)| *sum += a * b);
        }
    }
    product
}

/// `(gram + ridge)⁻¹ onto`, by Cholesky's decomposition.
fn solve(gram: &[Vec<f64>], ridge: f64, onto: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let size = gram.len();
    let mut lower = vec![vec![0.0_f64; size]; size];
    for row in 0..size {
        for column in 0..=row {
            let before: f64 = lower[row][..column].iter().zip(&lower[column]).map(|(a, b)| a * b).sum();
            let value = gram[row][column] + if row == column { ridge } else { 0.0 } - before;
            lower[row][column] = if row == column { value.sqrt() } else { value / lower[column][column] };
        }
    }
    let mut solved = onto.to_vec();
    let subtract = |solved: &mut Vec<Vec<f64>>, from: usize, what: usize, times: f64| {
        let what = solved[what].clone();
        solved[from].iter_mut().zip(what).for_each(|(value, other)| *value -= times * other);
    };
    for row in 0..size {
        (0..row).for_each(|before| subtract(&mut solved, row, before, lower[row][before]));
        solved[row].iter_mut().for_each(|value| *value /= lower[row][row]);
    }
    for row in (0..size).rev() {
        (row + 1..size).for_each(|after| subtract(&mut solved, row, after, lower[after][row]));
        solved[row].iter_mut().for_each(|value| *value /= lower[row][row]);
    }
    solved
}

#[test]
fn averages_of_the_stages_tell_what_a_pooled_projector_reads_and_not_what_a_grid_reads() {
    let (averages, [pooled, grid]) = described(&pictures(FRAMES.iter().sum()), [Projector::Pooled, Projector::Grid]);
    let [pooled, grid] = [pooled, grid].map(|read| explained(&averages, &read));
    println!("explained by averages of C2 to C5: {pooled:.3} of what pooled reads, {grid:.3} of what the grid reads");
    assert!(pooled > 0.95, "{pooled}");
    assert!(grid < 0.60, "{grid}");
}

#[test]
fn a_spot_that_moves_by_a_quarter_of_the_picture_moves_the_embedding_of_the_grid() {
    let spot = |column: f32| -> Vec<f32> {
        let bright = |place: usize| {
            let [x, y] = [place % SIDE, place / SIDE % SIDE].map(|at| at as f32);
            4.0 * (-((x - column).powi(2) + (y - 24.0).powi(2)) / 32.0).exp() - 1.0
        };
        (0..3 * SIDE * SIDE).map(bright).collect()
    };
    let pictures = images(&[spot(16.0), spot(16.0 + SIDE as f32 / 4.0)], SIDE, &Device::flex());
    let moved = [Projector::Grid, Projector::Pooled].map(|projector| {
        let local = rows(unit_rows(model(projector).forward(pictures.clone(), Mode::Eval).local));
        local[0].iter().zip(&local[1]).map(|(a, b)| (a - b).powi(2)).sum::<f64>().sqrt()
    });
    println!("unit embeddings of the local level moved by {moved:?} (grid, pooled)");
    assert!(moved[0] > 0.2 && moved[0] > 2.0 * moved[1], "{moved:?}");
}
