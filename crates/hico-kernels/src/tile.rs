//! The inner loop: a tile of sums that stays in registers.

use pulp::Simd;

/// Rows of a tile: so many outputs are computed together, and so many weights lie next to each other.
pub(crate) const ROWS: usize = 8;

/// Vectors in a row of the widest tile.
pub(crate) const VECTORS: usize = 3;

/// Sums of a tile, up to [`VECTORS`] of 16 values a row.
pub(crate) type Sums = [[f32; 16 * VECTORS]; ROWS];

/// `sums[row][n] = bias[row] + sum over k of weights[k][row] * values[places[k] + n]`, in the order of `k`, each product
/// and its sum rounded once.
///
/// - `vectors`: how many vectors of a row are computed, at most [`VECTORS`]
/// - `at`: where they go in a row of the sums
#[inline(always)]
pub(crate) fn tile<S: Simd>(
    simd: S,
    vectors: usize,
    (weights, bias): (&[[f32; ROWS]], &[f32; ROWS]),
    (values, places): (&[f32], &[usize]),
    sums: &mut Sums,
    at: usize,
) {
    // Sums, values and a weight have to fit into the registers.
    if S::REGISTER_COUNT >= 32 {
        match vectors {
            1 => part::<S, 8, 1>(simd, 0, (weights, bias), (values, places), sums, at),
            2 => part::<S, 8, 2>(simd, 0, (weights, bias), (values, places), sums, at),
            _ => part::<S, 8, 3>(simd, 0, (weights, bias), (values, places), sums, at),
        }
    } else {
        for first in (0..ROWS).step_by(4) {
            match vectors {
                1 => part::<S, 4, 1>(simd, first, (weights, bias), (values, places), sums, at),
                2 => part::<S, 4, 2>(simd, first, (weights, bias), (values, places), sums, at),
                _ => part::<S, 4, 3>(simd, first, (weights, bias), (values, places), sums, at),
            }
        }
    }
}

/// `R` rows of [`tile`] from the row `first` on, `V` vectors wide.
#[inline(always)]
fn part<S: Simd, const R: usize, const V: usize>(
    simd: S,
    first: usize,
    (weights, bias): (&[[f32; ROWS]], &[f32; ROWS]),
    (values, places): (&[f32], &[usize]),
    sums: &mut Sums,
    at: usize,
) {
    let mut lanes = [[simd.splat_f32s(0.0); V]; R];
    for (row, lanes) in lanes.iter_mut().enumerate() {
        *lanes = [simd.splat_f32s(bias[first + row]); V];
    }
    for (weights, &place) in weights.iter().zip(places) {
        let (vectors, _) = S::as_simd_f32s(&values[place..][..V * S::F32_LANES]);
        let (vectors, _) = vectors.as_chunks::<V>();
        let vectors = &vectors[0];
        for (row, lanes) in lanes.iter_mut().enumerate() {
            let weight = simd.splat_f32s(weights[first + row]);
            for (lane, vector) in lanes.iter_mut().zip(vectors) {
                *lane = simd.mul_add_e_f32s(weight, *vector, *lane);
            }
        }
    }
    for (sums, lanes) in sums[first..].iter_mut().zip(lanes) {
        let (targets, _) = S::as_mut_simd_f32s(&mut sums[at..][..V * S::F32_LANES]);
        targets.copy_from_slice(&lanes);
    }
}

/// Vectors of the tiles of the gradient for the weight.
pub(crate) const fn gradient_vectors<S: Simd>() -> usize {
    if S::REGISTER_COUNT >= 32 { 4 } else { 2 }
}

/// Taps of a channel, or channels, that a tile of the gradient for the weight takes.
pub(crate) const TAPS: usize = 6;

/// `sums[tap][m] += sum over n of gradients[n][m] * values[places[tap] + n]`.
///
/// - `gradients`: `V` vectors for each place
/// - `places`: for each of `T` taps, where its values begin
#[inline(always)]
pub(crate) fn gradient_tile<S: Simd, const T: usize, const V: usize>(
    simd: S,
    gradients: &[f32],
    (values, places): (&[f32], &[usize]),
    sums: &mut [f32],
) {
    let wide = V * S::F32_LANES;
    let count = gradients.len() / wide;
    let values: [&[f32]; T] = std::array::from_fn(|tap| &values[places[tap]..][..count]);
    let mut lanes = [[simd.splat_f32s(0.0); V]; T];
    for (n, gradient) in gradients.chunks_exact(wide).enumerate() {
        let (gradient, _) = S::as_simd_f32s(gradient);
        let gradient: [S::f32s; V] = std::array::from_fn(|vector| gradient[vector]);
        for (lanes, values) in lanes.iter_mut().zip(values) {
            let value = simd.splat_f32s(values[n]);
            for (lane, gradient) in lanes.iter_mut().zip(gradient) {
                *lane = simd.mul_add_e_f32s(value, gradient, *lane);
            }
        }
    }
    for (sums, lanes) in sums.chunks_exact_mut(wide).zip(lanes) {
        let (sums, _) = S::as_mut_simd_f32s(sums);
        sums.iter_mut().zip(lanes).for_each(|(sum, lane)| *sum = simd.add_f32s(*sum, lane));
    }
}
