//! 3x3 kernels with stride 1 and padding 1.
//!
//! The map is copied with a border of zeros, `width + 2` to a row. A tap then reads the same rows from another place, so
//! the convolution is a sum of nine matrix products; the two values a row too many that each of them makes are dropped.

use super::Geometry;
use super::batched::{Blocks, SMALL};
use crate::matrix::{column_major, multiply, row_major};
use rayon::prelude::*;

/// Columns of a product, about: the sums then stay in the cache from tap to tap.
const COLUMNS: usize = 512;

/// Outputs that one task of the weight gradient takes.
const OUTPUTS: usize = 64;

const TAPS: usize = 9;

/// A map with its border: rows of `width + 2`, and two more values that the last tap reads past the end.
const fn plane(geometry: Geometry) -> usize {
    (geometry.height + 2) * (geometry.width + 2) + 2
}

/// Where a tap begins to read.
const fn shift(tap: usize, geometry: Geometry) -> usize {
    (tap / 3) * (geometry.width + 2) + tap % 3
}

/// The weight as `[9, outputs, inputs]`.
pub(super) fn by_tap(weight: &[f32], geometry: Geometry) -> Vec<f32> {
    let Geometry { inputs, outputs, .. } = geometry;
    let mut taps = vec![0.0; weight.len()];
    taps.par_chunks_mut(inputs).enumerate().for_each(|(line, values)| {
        let (tap, output) = (line / outputs, line % outputs);
        let weight = weight[output * inputs * TAPS..][tap..].iter().step_by(TAPS);
        values.iter_mut().zip(weight).for_each(|(value, weight)| *value = *weight);
    });
    taps
}

/// The weight of the way back, turned round, as `[9, inputs, outputs]`.
pub(super) fn by_tap_turned(weight: &[f32], geometry: Geometry) -> Vec<f32> {
    let Geometry { inputs, outputs, .. } = geometry;
    let mut taps = vec![0.0; weight.len()];
    taps.par_chunks_mut(outputs).enumerate().for_each(|(line, values)| {
        let (tap, input) = (line / inputs, line % inputs);
        let weight = weight[input * TAPS + TAPS - 1 - tap..].iter().step_by(inputs * TAPS);
        values.iter_mut().zip(weight).for_each(|(value, weight)| *value = *weight);
    });
    taps
}

/// - `taps`: `[9, outputs, inputs]`
pub(super) fn forward(x: &[f32], taps: &[f32], y: &mut [f32], geometry: Geometry) {
    if geometry.out_map() < SMALL {
        return forward_small(x, taps, y, geometry);
    }
    let Geometry { inputs, outputs, height, width, .. } = geometry;
    let (plane, row) = (plane(geometry), width + 2);
    let rows = (COLUMNS / row).clamp(1, height);
    let images = x.par_chunks(geometry.in_image()).zip(y.par_chunks_mut(geometry.out_image()));
    images.for_each_init(
        || (vec![0.0; inputs * plane], vec![0.0; outputs * rows * row]),
        |(padded, sums), (x, y)| {
            for (map, target) in x.chunks(height * width).zip(padded.chunks_mut(plane)) {
                for (values, target) in map.chunks(width).zip(target[row + 1..].chunks_mut(row)) {
                    target[..width].copy_from_slice(values);
                }
            }
            for first in (0..height).step_by(rows) {
                let rows = rows.min(height - first);
                let columns = rows * row;
                for tap in 0..TAPS {
                    multiply(
                        [outputs, columns, inputs],
                        (sums, row_major(0, columns)),
                        tap > 0,
                        (taps, row_major(tap * outputs * inputs, inputs)),
                        (padded, row_major(first * row + shift(tap, geometry), plane)),
                    );
                }
                for (sums, map) in sums.chunks(columns).zip(y.chunks_mut(height * width)) {
                    for (sums, values) in sums.chunks(row).zip(map[first * width..].chunks_mut(width)) {
                        values.copy_from_slice(&sums[..width]);
                    }
                }
            }
        },
    );
}

/// As [`forward`], over all images at once.
fn forward_small(x: &[f32], taps: &[f32], y: &mut [f32], geometry: Geometry) {
    let Geometry { batch, inputs, outputs, height, width, .. } = geometry;
    let line = batch * plane(geometry);
    let mut bordered = by_channel(x, inputs, geometry, width + 3);
    // What the last taps read past the last image goes into columns that nobody reads.
    bordered.resize(bordered.len() + shift(TAPS - 1, geometry), 0.0);
    let blocks = Blocks::compute(outputs, batch, plane(geometry), |block, sums| {
        for tap in 0..TAPS {
            multiply(
                [block.rows, block.columns, inputs],
                (sums, row_major(0, block.columns)),
                tap > 0,
                (taps, row_major((tap * outputs + block.row) * inputs, inputs)),
                (&bordered, row_major(block.column + shift(tap, geometry), line)),
            );
        }
    });
    blocks.copy_to(y, outputs, [height, width], width + 2);
}

/// All images in one product a tap: the sums run over `[batch, plane]`, where the borders of `dy` are zero.
pub(super) fn weight_gradient(x: &[f32], dy: &[f32], geometry: Geometry) -> Vec<f32> {
    let Geometry { batch, inputs, outputs, .. } = geometry;
    let line = batch * plane(geometry);
    let bordered = by_channel(x, inputs, geometry, geometry.width + 3);
    let gradients = by_channel(dy, outputs, geometry, 0);
    // Every read of the last tap stays inside the last line.
    let length = line - shift(TAPS - 1, geometry);
    let block = OUTPUTS.min(outputs);
    let mut taps = vec![0.0; TAPS * outputs * inputs];
    let tasks: Vec<(usize, usize, &mut [f32])> = taps
        .chunks_mut(outputs * inputs)
        .enumerate()
        .flat_map(|(tap, of_tap)| {
            of_tap.chunks_mut(block * inputs).enumerate().map(move |(number, part)| (tap, number * block, part))
        })
        .collect();
    tasks.into_par_iter().for_each(|(tap, first, part)| {
        multiply(
            [part.len() / inputs, inputs, length],
            (part, row_major(0, inputs)),
            false,
            (&gradients, row_major(first * line, line)),
            (&bordered, column_major(shift(tap, geometry), line)),
        );
    });
    let mut weight = vec![0.0; taps.len()];
    weight.par_chunks_mut(TAPS * inputs).enumerate().for_each(|(output, weight)| {
        for tap in 0..TAPS {
            let values = &taps[(tap * outputs + output) * inputs..][..inputs];
            weight[tap..].iter_mut().step_by(TAPS).zip(values).for_each(|(weight, value)| *weight = *value);
        }
    });
    weight
}

/// `[batch, channels, height, width]` as `[channels, batch, plane]`, each map beginning `offset` into its plane.
fn by_channel(images: &[f32], channels: usize, geometry: Geometry, offset: usize) -> Vec<f32> {
    let Geometry { batch, height, width, .. } = geometry;
    let (plane, map, row) = (plane(geometry), height * width, width + 2);
    let mut lines = vec![0.0; channels * batch * plane];
    lines.par_chunks_mut(plane).enumerate().for_each(|(place, target)| {
        let (channel, image) = (place / batch, place % batch);
        let values = &images[(image * channels + channel) * map..][..map];
        for (values, target) in values.chunks(width).zip(target[offset..].chunks_mut(row)) {
            target[..width].copy_from_slice(values);
        }
    });
    lines
}
