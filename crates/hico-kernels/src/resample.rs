//! Bilinear resampling with pixels as areas (PyTorch's `align_corners=False`), on slices.
//!
//! Both axes are separable: a row of the result is a mix of two rows of the source, each value of it a mix of two
//! neighbours.

use rayon::prelude::*;

/// For each place along an axis of the result: the two places in the source, and the weight of the second.
fn mixes(from: usize, to: usize) -> Vec<(usize, usize, f32)> {
    let scale = from as f64 / to as f64;
    let mix = |place: usize| {
        let centre = ((place as f64 + 0.5) * scale - 0.5).clamp(0.0, (from - 1) as f64);
        let first = centre as usize;
        (first, (first + 1).min(from - 1), (centre - first as f64) as f32)
    };
    (0..to).map(mix).collect()
}

/// What each value along an axis of the result takes from each along that of the source.
///
/// - returns: `[to, from]`
pub(crate) fn matrix(from: usize, to: usize) -> Vec<f32> {
    let mut matrix = vec![0.0; to * from];
    for (row, (first, second, weight)) in matrix.chunks_exact_mut(from).zip(mixes(from, to)) {
        row[first] += 1.0 - weight;
        row[second] += weight;
    }
    matrix
}

/// Resamples `[maps, from[0], from[1]]` to `[maps, to[0], to[1]]` and adds `added`, of the result's shape.
pub(crate) fn forward(x: &[f32], added: &[f32], from: [usize; 2], to: [usize; 2]) -> Vec<f32> {
    let (rows, columns) = (mixes(from[0], to[0]), mixes(from[1], to[1]));
    let mut y = vec![0.0; added.len()];
    let maps = y.par_chunks_mut(to[0] * to[1]).zip(added.par_chunks(to[0] * to[1]));
    maps.zip(x.par_chunks(from[0] * from[1])).for_each_init(
        || vec![0.0; from[1]],
        |line, ((y, added), x)| {
            for ((y, added), &(first, second, weight)) in y.chunks_mut(to[1]).zip(added.chunks(to[1])).zip(&rows) {
                let (above, below) = (&x[first * from[1]..][..from[1]], &x[second * from[1]..][..from[1]]);
                for ((value, above), below) in line.iter_mut().zip(above).zip(below) {
                    *value = above * (1.0 - weight) + below * weight;
                }
                for ((y, added), &(left, right, weight)) in y.iter_mut().zip(added).zip(&columns) {
                    *y = line[left] * (1.0 - weight) + line[right] * weight + added;
                }
            }
        },
    );
    y
}

/// The gradient for the source of [`forward`]; that for what was added is `dy` itself.
pub(crate) fn gradient(dy: &[f32], from: [usize; 2], to: [usize; 2]) -> Vec<f32> {
    let (rows, columns) = (mixes(from[0], to[0]), mixes(from[1], to[1]));
    let mut dx = vec![0.0; dy.len() / (to[0] * to[1]) * from[0] * from[1]];
    dx.par_chunks_mut(from[0] * from[1]).zip(dy.par_chunks(to[0] * to[1])).for_each_init(
        || vec![0.0; from[1]],
        |line, (dx, dy)| {
            for (dy, &(first, second, weight)) in dy.chunks(to[1]).zip(&rows) {
                line.fill(0.0);
                for (dy, &(left, right, weight)) in dy.iter().zip(&columns) {
                    line[left] += dy * (1.0 - weight);
                    line[right] += dy * weight;
                }
                for (place, weight) in [(first, 1.0 - weight), (second, weight)] {
                    let target = dx[place * from[1]..][..from[1]].iter_mut();
                    target.zip(line.iter()).for_each(|(target, value)| *target += value * weight);
                }
            }
        },
    );
    dx
}
