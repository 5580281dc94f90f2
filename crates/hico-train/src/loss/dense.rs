//! Pairs of places: cells of two views' maps that show the same place are pairs, as in DenseCL (Wang et al. 2021) and VICRegL
//! (Bardes et al. 2022b). Which do is known from the crops and flips of the views, not guessed from what the maps say.

use super::unit_rows;
use crate::model::DENSE_CELLS as CELLS;
use burn::tensor::activation::log_softmax;
use burn::tensor::{Bool, Int, Tensor, TensorData};
use hico_data::view::Place;
use std::ops::Range;

/// Cells of a map.
const OF_MAP: usize = CELLS * CELLS;

/// The middle of a cell of a view, as row and column of the frame.
fn middle(view: &Place, cell: usize) -> [f64; 2] {
    let along = |[first, last]: [f64; 2], at: usize| first + (last - first) * (at as f64 + 0.5) / CELLS as f64;
    [along(view.rows, cell / CELLS), along(view.columns, across(view, cell % CELLS))]
}

/// The cell of a view that a row and a column of the frame lie in; `None` outside of the view.
fn cell_at(view: &Place, [row, column]: [f64; 2]) -> Option<usize> {
    let along = |[first, last]: [f64; 2], at: f64| {
        let cell = ((at - first) / (last - first) * CELLS as f64).floor();
        (0.0..CELLS as f64).contains(&cell).then_some(cell as usize)
    };
    Some(along(view.rows, row)? * CELLS + across(view, along(view.columns, column)?))
}

/// A column of a view, or where a mirrored one has it.
const fn across(view: &Place, column: usize) -> usize {
    if view.mirrored { CELLS - 1 - column } else { column }
}

/// For each cell of a view the cell of another that its middle lies in.
fn matches(view: Place, other: Place) -> impl Iterator<Item = Option<usize>> {
    (0..OF_MAP).map(move |cell| cell_at(&other, middle(&view, cell)))
}

/// InfoNCE of cells with the cells of the other view that show the same place, both ways, averaged over the cells that have such a
/// partner. Its negatives are all cells of the other view of the batch but those around its partner, which show nearly the
/// same.
///
/// - `a`, `b`: `[clips * DENSE_CELLS², dim]`, any scale: clip after clip, row after row; row `i` of both shows the same clip
/// - `places`: of each clip where its two views lie
/// - returns: `[1]`, in nats; 0 where no cell has a partner
#[must_use]
pub fn dense(a: Tensor<2>, b: Tensor<2>, places: &[[Place; 2]], temperature: f64) -> Tensor<1> {
    let (a, b) = (unit_rows(a), unit_rows(b));
    let logits = a.matmul(b.transpose()) / temperature; // [cells of a, cells of b]
    let [there, back] = [[0, 1], [1, 0]].map(|[own, other]| partners(places, own, other));
    (one_way(logits.clone(), &there) + one_way(logits.transpose(), &back)) * 0.5
}

/// For each cell of all clips' `own` views its partner among the cells of all `other` views.
fn partners(places: &[[Place; 2]], own: usize, other: usize) -> Vec<Option<usize>> {
    let of_clip = |(clip, places): (usize, &[Place; 2])| {
        matches(places[own], places[other]).map(move |partner| Some(clip * OF_MAP + partner?))
    };
    places.iter().enumerate().flat_map(of_clip).collect()
}

/// Cells of the same map around one, itself left out.
fn around(cell: usize) -> impl Iterator<Item = usize> {
    let (map, at) = (cell / OF_MAP * OF_MAP, cell % OF_MAP);
    let near = |at: usize| -> Range<usize> { at.saturating_sub(1)..(at + 2).min(CELLS) };
    let cells = near(at / CELLS).flat_map(move |row| near(at % CELLS).map(move |column| map + row * CELLS + column));
    cells.filter(move |other| *other != cell)
}

/// Mean cost of the cells that have a partner.
fn one_way(logits: Tensor<2>, partners: &[Option<usize>]) -> Tensor<1> {
    let [rows, columns] = logits.dims();
    let device = logits.device();
    let mut hidden = vec![false; rows * columns];
    for (row, partner) in partners.iter().enumerate() {
        partner.iter().flat_map(|partner| around(*partner)).for_each(|near| hidden[row * columns + near] = true);
    }
    let hidden = Tensor::<2, Bool>::from_data(TensorData::new(hidden, [rows, columns]), &device);
    // Large and finite: minus infinity times the zero gradient of a hidden entry would be NaN.
    let logits = logits.mask_fill(hidden, -1e30);
    let targets: Vec<i64> = partners.iter().map(|partner| partner.unwrap_or(0) as i64).collect();
    let targets = Tensor::<2, Int>::from_data(TensorData::new(targets, [rows, 1]), &device);
    let count = partners.iter().flatten().count().max(1);
    let weights: Vec<f32> =
        partners.iter().map(|partner| f32::from(u8::from(partner.is_some())) / count as f32).collect();
    let weights = Tensor::<2>::from_data(TensorData::new(weights, [rows, 1]), &device);
    -(log_softmax(logits, 1).gather(1, targets) * weights).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;
    use hico_data::Seed;
    use rand::RngExt as _;

    const WHOLE: Place = Place { rows: [0.0, 1.0], columns: [0.0, 1.0], mirrored: false };

    fn random(rows: usize, dim: usize, seed: u64) -> Vec<Vec<f64>> {
        let mut random = Seed(seed).stream("cells", &[]);
        (0..rows).map(|_| (0..dim).map(|_| f64::from(random.random_range(-1.0_f32..1.0))).collect()).collect()
    }

    fn tensor(rows: &[Vec<f64>], device: &Device) -> Tensor<2> {
        let values: Vec<f32> = rows.iter().flatten().map(|value| *value as f32).collect();
        Tensor::from_data(TensorData::new(values, [rows.len(), rows[0].len()]), device)
    }

    /// Two clips: one whose second view is its right half mirrored, one whose views do not meet but in a corner.
    fn places() -> Vec<[Place; 2]> {
        let right = Place { rows: [0.0, 1.0], columns: [0.5, 1.0], mirrored: true };
        let corner = Place { rows: [0.0, 0.5], columns: [0.0, 0.5], mirrored: false };
        let opposite = Place { rows: [0.4, 0.9], columns: [0.4, 0.9], mirrored: false };
        vec![[WHOLE, right], [corner, opposite]]
    }

    #[test]
    fn a_cell_finds_the_cell_that_shows_its_place() {
        // The same view: every cell finds itself. Mirrored: the one across.
        let mirrored = Place { mirrored: true, ..WHOLE };
        for cell in 0..OF_MAP {
            assert_eq!(matches(WHOLE, WHOLE).nth(cell).unwrap(), Some(cell));
            let across = cell / CELLS * CELLS + CELLS - 1 - cell % CELLS;
            assert_eq!(matches(WHOLE, mirrored).nth(cell).unwrap(), Some(across));
            assert_eq!(matches(mirrored, WHOLE).nth(cell).unwrap(), Some(across));
        }
        // Of the right half, twice as large in the other view, nothing on the left is seen.
        let right = Place { columns: [0.5, 1.0], ..WHOLE };
        let first_row: Vec<_> = matches(WHOLE, right).take(CELLS).collect();
        assert_eq!(first_row, [None, None, None, None, Some(1), Some(3), Some(5), Some(7)]);
        let back: Vec<_> = matches(right, WHOLE).take(CELLS).collect();
        assert_eq!(back, [4, 4, 5, 5, 6, 6, 7, 7].map(Some));
        assert_eq!(around(0).collect::<Vec<_>>(), [1, CELLS, CELLS + 1]);
        assert_eq!(around(OF_MAP + CELLS + 1).count(), 8);
    }

    /// The formula with loops in 64 bits.
    fn twin(a: &[Vec<f64>], b: &[Vec<f64>], places: &[[Place; 2]], temperature: f64) -> f64 {
        let dot = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
        let cosine = |x: &[f64], y: &[f64]| dot(x, y) / (dot(x, x) * dot(y, y)).sqrt();
        let one_way = |a: &[Vec<f64>], b: &[Vec<f64>], view: usize| {
            let mut costs = Vec::new();
            for (at, cell) in a.iter().enumerate() {
                let [own, other] = [view, 1 - view].map(|view| places[at / OF_MAP][view]);
                let Some(partner) = cell_at(&other, middle(&own, at % OF_MAP)) else { continue };
                let (row, column) = (partner / CELLS, partner % CELLS);
                let sum: f64 = (0..b.len())
                    .filter(|candidate| {
                        let (clip, candidate) = (candidate / OF_MAP, candidate % OF_MAP);
                        let apart = row.abs_diff(candidate / CELLS).max(column.abs_diff(candidate % CELLS));
                        clip != at / OF_MAP || apart != 1
                    })
                    .map(|candidate| (cosine(cell, &b[candidate]) / temperature).exp())
                    .sum();
                costs.push(sum.ln() - cosine(cell, &b[at / OF_MAP * OF_MAP + partner]) / temperature);
            }
            costs.iter().sum::<f64>() / costs.len() as f64
        };
        f64::midpoint(one_way(a, b, 0), one_way(b, a, 1))
    }

    #[test]
    fn the_cost_and_its_gradient_are_those_of_the_formula() {
        let (a, b) = (random(2 * OF_MAP, 3, 1), random(2 * OF_MAP, 3, 2));
        let device = Device::flex().autodiff();
        let leaf = tensor(&a, &device).require_grad();
        let cost = dense(leaf.clone(), tensor(&b, &device), &places(), 0.3);
        let (found, expected) = (cost.clone().into_scalar::<f64>(), twin(&a, &b, &places(), 0.3));
        assert!((found - expected).abs() < 1e-4 * expected, "{found} {expected}");
        let gradient: Vec<f64> = leaf.grad(&cost.backward()).unwrap().into_data().iter::<f64>().collect();
        for place in (0..a.len() * 3).step_by(29) {
            let moved = |step: f64| {
                let mut a = a.clone();
                a[place / 3][place % 3] += step;
                twin(&a, &b, &places(), 0.3)
            };
            let slope = (moved(1e-5) - moved(-1e-5)) / 2e-5;
            assert!(
                (slope - gradient[place]).abs() <= 1e-4 * slope.abs().max(0.1),
                "{place}: {slope} {}",
                gradient[place]
            );
        }
    }

    #[test]
    fn closed_forms() {
        let device = Device::flex();
        // Cells that are all alike: a cell of a corner has 64 - 3 candidates, of an edge 64 - 5, inside 64 - 8.
        let alike = tensor(&vec![vec![1.0, 2.0]; OF_MAP], &device);
        let cost = dense(alike.clone(), alike.clone(), &[[WHOLE; 2]], 0.2).into_scalar::<f64>();
        let expected = (4.0 * 61_f64.ln() + 24.0 * 59_f64.ln() + 36.0 * 56_f64.ln()) / 64.0;
        assert!((cost - expected).abs() < 1e-5, "{cost} {expected}");
        // Views that do not meet have no pair.
        let [top, bottom] = [[0.0, 0.5], [0.5, 1.0]].map(|rows| Place { rows, ..WHOLE });
        assert_eq!(dense(alike.clone(), alike, &[[top, bottom]], 0.2).into_scalar::<f64>(), 0.0);
    }
}
