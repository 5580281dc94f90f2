//! UMAP (McInnes, Healy and Melville 2018, arXiv 1802.03426): neighbours with weights, and a plane on which those are near.
//!
//! Everything is drawn from one stream and summed in one order, so the same
//! rows always lie alike; the crates that there are draw from a generator that cannot be seeded.

use hico_data::Seed;
use rand::{Rng, RngExt as _};
use rayon::prelude::*;

/// Neighbours of a row, where there are enough rows.
pub const NEIGHBOURS: usize = 15;

/// Of `1 / (1 + A d^(2 B))`, how near two places are: fitted to 1 up to a distance of 0.1, and from there on to
/// `exp(-(d - 0.1))` (definition 11).
const A: f64 = 1.577;
const B: f64 = 0.8951;

/// Epochs of the search.
const EPOCHS: usize = 500;

/// Rows that a row is pushed away from each time it is pulled towards one.
const PUSHES: usize = 5;

/// How far a place moves along an axis in one go, at most, before the rate.
const FARTHEST: f64 = 4.0;

/// Distances below which rows are copies.
const SHORTEST: f64 = 1e-12;

/// Steps of the power iteration for the first places.
const STEPS: usize = 200;

/// Two rows that are neighbours, and how much so.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Edge {
    rows: [usize; 2],
    weight: f64,
}

/// Places rows by their neighbours, the same for the same rows.
///
/// - `rows`: three and more
pub(super) fn place(rows: &[Vec<f32>]) -> Vec<[f64; 2]> {
    let edges = edges(rows);
    let mut random = Seed(0).stream("umap", &[]);
    let mut places = first_places(&edges, rows.len(), &mut random);
    search(&edges, &mut places, &mut random);
    places
}

/// The fuzzy union of every row's neighbours (section 3.1), either row of an edge first.
fn edges(rows: &[Vec<f32>]) -> Vec<Edge> {
    let count = NEIGHBOURS.min(rows.len() - 1);
    let of_row = |row: usize| {
        let apart = |other: usize| {
            let squares = rows[row].iter().zip(&rows[other]).map(|(a, b)| f64::from(a - b).powi(2));
            (squares.sum::<f64>().sqrt(), other)
        };
        let mut others: Vec<(f64, usize)> = (0..rows.len()).filter(|other| *other != row).map(apart).collect();
        others.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        others.truncate(count);
        let distances: Vec<f64> = others.iter().map(|(distance, _)| *distance).collect();
        others.iter().map(|(_, other)| *other).zip(memberships(&distances)).collect::<Vec<_>>()
    };
    let directed: Vec<Vec<(usize, f64)>> = (0..rows.len()).into_par_iter().map(of_row).collect();
    let weight = |from: usize, to: usize| {
        directed[from].iter().find(|(other, _)| *other == to).map_or(0.0, |(_, weight)| *weight)
    };
    let mut edges = Vec::new();
    for (from, neighbours) in directed.iter().enumerate() {
        for (to, forth) in neighbours {
            let back = weight(*to, from);
            let weight = forth + back - forth * back;
            edges.push(Edge { rows: [from, *to], weight });
            if back == 0.0 {
                edges.push(Edge { rows: [*to, from], weight });
            }
        }
    }
    edges
}

/// How much each neighbour is one: 1 for the nearest, and falling so that all together are `log2` of how many they are
/// (algorithm 3).
///
/// - `distances`: ascending
fn memberships(distances: &[f64]) -> Vec<f64> {
    let nearest = distances.iter().copied().find(|distance| *distance > 0.0).unwrap_or(0.0);
    let wanted = (distances.len() as f64).log2();
    let at = |scale: f64| distances.iter().map(move |distance| (-(distance - nearest).max(0.0) / scale).exp());
    let farthest = distances.last().copied().unwrap_or(0.0).max(SHORTEST);
    // Where too many are equally near no scale is small enough; one that is not 0 will do.
    let (mut low, mut high) = (1e-6 * farthest, farthest);
    while at(high).sum::<f64>() < wanted && high < f64::MAX / 4.0 {
        high *= 2.0;
    }
    for _ in 0..64 {
        let middle = 0.5 * (low + high);
        if at(middle).sum::<f64>() < wanted { low = middle } else { high = middle }
    }
    at(high).collect()
}

/// The second and third eigenvectors of the graph (algorithm 4), within 10 of the origin, and a little off
/// so that no two rows lie on each other.
fn first_places(edges: &[Edge], rows: usize, random: &mut impl Rng) -> Vec<[f64; 2]> {
    let mut degree = vec![0.0; rows];
    edges.iter().for_each(|edge| degree[edge.rows[0]] += edge.weight);
    let root: Vec<f64> = degree.iter().map(|degree: &f64| degree.sqrt()).collect();
    // The first, which says nothing, then those that are sought.
    let mut vectors = vec![root.clone()];
    for _ in 0..2 {
        let mut vector: Vec<f64> = (0..rows).map(|_| random.random::<f64>() - 0.5).collect();
        for _ in 0..STEPS {
            // Half of the identity and half of the normalised graph: no eigenvalue is below 0.
            let mut next: Vec<f64> = vector.clone();
            for Edge { rows: [from, to], weight } in edges {
                next[*from] += weight * vector[*to] / (root[*from] * root[*to]);
            }
            for known in &vectors {
                let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
                let share = dot(&next, known) / dot(known, known);
                next.iter_mut().zip(known).for_each(|(next, known)| *next -= share * known);
            }
            let length = next.iter().map(|value| value * value).sum::<f64>().sqrt().max(f64::MIN_POSITIVE);
            vector = next.iter().map(|value| value / length).collect();
        }
        vectors.push(vector);
    }
    let largest = |vector: &[f64]| vector.iter().fold(f64::MIN_POSITIVE, |most, value| most.max(value.abs()));
    let scales = [&vectors[1], &vectors[2]].map(|vector| 10.0 / largest(vector));
    let mut place = |row: usize| {
        let mut axis = |axis: usize| vectors[axis + 1][row] * scales[axis] + 1e-3 * (random.random::<f64>() - 0.5);
        [axis(0), axis(1)]
    };
    (0..rows).map(&mut place).collect()
}

/// Pulls neighbours together, the nearer the more often, and pushes others away (algorithm 5).
fn search(edges: &[Edge], places: &mut [[f64; 2]], random: &mut impl Rng) {
    let most = edges.iter().fold(0.0, |most: f64, edge| most.max(edge.weight));
    let bound = |value: f64| value.clamp(-FARTHEST, FARTHEST);
    for epoch in 0..EPOCHS {
        let rate = 1.0 - epoch as f64 / EPOCHS as f64;
        for Edge { rows: [from, to], weight } in edges {
            // So often in all epochs as its weight is a share of the largest.
            let times = |epoch: usize| (epoch as f64 * weight / most).floor();
            if times(epoch) == times(epoch + 1) {
                continue;
            }
            let (apart, squared) = difference(places[*from], places[*to]);
            if squared > 0.0 {
                let pull = -2.0 * A * B * squared.powf(B - 1.0) / (1.0 + A * squared.powf(B));
                for (axis, apart) in apart.into_iter().enumerate() {
                    let step = rate * bound(pull * apart);
                    places[*from][axis] += step;
                    places[*to][axis] -= step;
                }
            }
            for _ in 0..PUSHES {
                let other = random.random_range(0..places.len());
                let (apart, squared) = difference(places[*from], places[other]);
                if squared > 0.0 {
                    let push = 2.0 * B / ((0.001 + squared) * (1.0 + A * squared.powf(B)));
                    for (axis, apart) in apart.into_iter().enumerate() {
                        places[*from][axis] += rate * bound(push * apart);
                    }
                }
            }
        }
    }
}

/// From the second place to the first, and the square of how far that is.
fn difference(a: [f64; 2], b: [f64; 2]) -> ([f64; 2], f64) {
    let apart = [a[0] - b[0], a[1] - b[1]];
    (apart, apart[0].powi(2) + apart[1].powi(2))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curve_is_the_one_that_the_paper_fits() {
        let off = |step: usize| {
            let distance = f64::from(u32::try_from(step).unwrap()) / 100.0;
            let wanted = if distance <= 0.1 { 1.0 } else { (-(distance - 0.1)).exp() };
            (1.0 / (1.0 + A * distance.powf(2.0 * B)) - wanted).powi(2)
        };
        let mean = (0..300).map(off).sum::<f64>() / 300.0;
        // A search over a grid of a and b finds none that leaves less than 0.01614; b = 0.8 leaves 0.024.
        assert!(mean.sqrt() < 0.0162, "{}", mean.sqrt());
    }

    #[test]
    fn memberships_add_up_to_the_logarithm_and_the_nearest_is_whole() {
        let memberships = memberships(&[0.3, 0.4, 0.7, 1.5, 1.6, 4.0]);
        assert_eq!(memberships[0], 1.0);
        assert!((memberships.iter().sum::<f64>() - 6_f64.log2()).abs() < 1e-9, "{memberships:?}");
        assert!(memberships.is_sorted_by(|a, b| a >= b));
    }

    #[test]
    fn copies_of_one_row_are_neighbours_and_nothing_else_comes_of_them() {
        assert_eq!(memberships(&[0.0; 5]), [1.0; 5]);
        let places = place(&vec![vec![1.0, 2.0]; 20]);
        assert!(places.iter().flatten().all(|value| value.is_finite()), "{places:?}");
    }

    #[test]
    fn rows_that_hold_no_numbers_are_placed_and_the_search_ends() {
        for odd in [f32::NAN, f32::INFINITY] {
            let rows: Vec<Vec<f32>> = (0..30).map(|at| vec![at as f32, if at % 3 == 0 { odd } else { 1.0 }]).collect();
            assert_eq!(place(&rows).len(), 30);
            assert_eq!(memberships(&[1.0, f64::from(odd), f64::NAN]).len(), 3);
        }
    }

    #[test]
    fn an_edge_is_the_fuzzy_union_of_both_directions() {
        let rows: Vec<Vec<f32>> = (0..40).map(|at| vec![(at * at) as f32, 1.0]).collect();
        let directed = |from: usize, to: usize| {
            let apart = |other: usize| from.abs_diff(other) as f64 * (from + other) as f64;
            let mut others: Vec<usize> = (0..40).filter(|other| *other != from).collect();
            others.sort_by(|a, b| apart(*a).total_cmp(&apart(*b)));
            others.truncate(NEIGHBOURS);
            let weights = memberships(&others.iter().map(|other| apart(*other)).collect::<Vec<_>>());
            others.iter().position(|other| *other == to).map_or(0.0, |at| weights[at])
        };
        let edges = edges(&rows);
        let (mut mutual, mut seen) = (0, 0);
        for (from, to) in (0..40).flat_map(|from| (0..40).map(move |to| (from, to))).filter(|(from, to)| from != to) {
            let (forth, back) = (directed(from, to), directed(to, from));
            let found: Vec<f64> = edges.iter().filter(|e| e.rows == [from, to]).map(|e| e.weight).collect();
            if forth + back == 0.0 {
                assert!(found.is_empty(), "{from}, {to}");
                continue;
            }
            assert_eq!(found.len(), 1, "{from}, {to}");
            assert!((found[0] - (forth + back - forth * back)).abs() < 1e-12, "{from}, {to}");
            seen += 1;
            mutual += usize::from(forth > 0.0 && back > 0.0);
        }
        assert!(mutual > 0 && seen > mutual && seen == edges.len(), "{mutual}, {seen}");
    }
}
