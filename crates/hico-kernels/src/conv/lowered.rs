//! Kernels of any size and stride: the windows laid out in columns, then one product.

use super::Geometry;
use super::batched::{Blocks, SMALL};
use crate::matrix::{column_major, multiply, row_major};
use rayon::prelude::*;
use std::ops::Range;

/// Columns that are laid out at a time, about: they then stay in the cache.
const COLUMNS: usize = 512;

/// Rows of the columns' matrix that one task of the weight gradient takes, about.
const WINDOW: usize = 144;

/// Rows of the columns' matrix that one task of the input gradient takes.
const ROWS: usize = 64;

impl Geometry {
    /// The rows of the output, in blocks whose windows are laid out at a time.
    fn row_blocks(self) -> impl Iterator<Item = Range<usize>> {
        let (rows, tall) = ((COLUMNS / self.out_width()).max(1), self.out_height());
        (0..tall).step_by(rows).map(move |first| first..(first + rows).min(tall))
    }
}

pub(super) fn forward(x: &[f32], weight: &[f32], y: &mut [f32], geometry: Geometry) {
    let (map, window, wide) = (geometry.out_map(), geometry.window(), geometry.out_width());
    if map < SMALL {
        let (columns, line) = (lay_out_all(x, geometry), geometry.batch * map);
        let blocks = Blocks::compute(geometry.outputs, geometry.batch, map, |block, sums| {
            multiply(
                [block.rows, block.columns, window],
                (sums, row_major(0, block.columns)),
                false,
                (weight, row_major(block.row * window, window)),
                (&columns, row_major(block.column, line)),
            );
        });
        return blocks.copy_to(y, geometry.outputs, [geometry.out_height(), wide], wide);
    }
    let images = x.par_chunks(geometry.in_image()).zip(y.par_chunks_mut(geometry.out_image()));
    images.for_each_init(Vec::new, |columns, (x, y)| {
        if geometry.is_point() {
            let size = [geometry.outputs, map, window];
            multiply(size, (y, row_major(0, map)), false, (weight, row_major(0, window)), (x, row_major(0, map)));
            return;
        }
        for rows in geometry.row_blocks() {
            let count = rows.len() * wide;
            lay_out(x, columns, rows.clone(), geometry);
            multiply(
                [geometry.outputs, count, window],
                (y, row_major(rows.start * wide, map)),
                false,
                (weight, row_major(0, window)),
                (columns, row_major(0, count)),
            );
        }
    });
}

pub(super) fn input_gradient(weight: &[f32], dy: &[f32], dx: &mut [f32], geometry: Geometry) {
    let Geometry { batch, inputs, outputs, height, width, kernel, .. } = geometry;
    let (map, window, wide, taps) = (geometry.out_map(), geometry.window(), geometry.out_width(), kernel * kernel);
    if map < SMALL {
        let (gradients, line) = (by_channel(dy, outputs, geometry), batch * map);
        let mut columns = vec![0.0; window * line];
        columns.par_chunks_mut(ROWS * line).enumerate().for_each(|(block, part)| {
            multiply(
                [part.len() / line, line, outputs],
                (part, row_major(0, line)),
                false,
                (weight, column_major(block * ROWS, window)),
                (&gradients, row_major(0, line)),
            );
        });
        return dx.par_chunks_mut(height * width).enumerate().for_each(|(place, dx)| {
            let (image, channel) = (place / inputs, place % inputs);
            for tap in 0..taps {
                let values = &columns[(channel * taps + tap) * line + image * map..][..map];
                put_back(values, tap, 0..geometry.out_height(), dx, geometry);
            }
        });
    }
    let images = dy.par_chunks(geometry.out_image()).zip(dx.par_chunks_mut(geometry.in_image()));
    images.for_each_init(Vec::new, |columns, (dy, dx)| {
        if geometry.is_point() {
            let size = [window, map, outputs];
            multiply(size, (dx, row_major(0, map)), false, (weight, column_major(0, window)), (dy, row_major(0, map)));
            return;
        }
        for rows in geometry.row_blocks() {
            let count = rows.len() * wide;
            columns.resize(window * count, 0.0);
            multiply(
                [window, count, outputs],
                (columns, row_major(0, count)),
                false,
                (weight, column_major(0, window)),
                (dy, row_major(rows.start * wide, map)),
            );
            for (place, line) in columns.chunks(count).enumerate() {
                let map = &mut dx[place / taps * height * width..][..height * width];
                put_back(line, place % taps, rows.clone(), map, geometry);
            }
        }
    });
}

/// Blocks of input channels go to the threads; each sums over all images in their order.
pub(super) fn weight_gradient(x: &[f32], dy: &[f32], geometry: Geometry) -> Vec<f32> {
    let Geometry { inputs, outputs, kernel, .. } = geometry;
    let taps = kernel * kernel;
    let block = (WINDOW / taps).clamp(1, inputs);
    let firsts: Vec<usize> = (0..inputs).step_by(block).collect();
    let parts: Vec<Vec<f32>> = if geometry.out_map() < SMALL {
        let (columns, gradients) = (lay_out_all(x, geometry), by_channel(dy, outputs, geometry));
        let line = geometry.batch * geometry.out_map();
        let of_block = |&first: &usize| {
            let window = block.min(inputs - first) * taps;
            let mut sum = vec![0.0; outputs * window];
            multiply(
                [outputs, window, line],
                (&mut sum, row_major(0, window)),
                false,
                (&gradients, row_major(0, line)),
                (&columns, column_major(first * taps * line, line)),
            );
            sum
        };
        firsts.par_iter().map(of_block).collect()
    } else {
        let of_block = |&first: &usize| weight_gradient_of(x, dy, first, block.min(inputs - first), geometry);
        firsts.par_iter().map(of_block).collect()
    };
    let mut weight = vec![0.0; outputs * geometry.window()];
    for (&first, part) in firsts.iter().zip(&parts) {
        let window = part.len() / outputs;
        for (part, of_output) in part.chunks(window).zip(weight.chunks_mut(geometry.window())) {
            of_output[first * taps..][..window].copy_from_slice(part);
        }
    }
    weight
}

/// The gradient for the weights of some input channels, image after image.
fn weight_gradient_of(x: &[f32], dy: &[f32], first: usize, channels: usize, geometry: Geometry) -> Vec<f32> {
    let Geometry { outputs, height, width, .. } = geometry;
    let part = Geometry { inputs: channels, ..geometry };
    let (map, wide, window) = (geometry.out_map(), geometry.out_width(), part.window());
    let mut sum = vec![0.0; outputs * window];
    let mut columns = Vec::new();
    for (x, dy) in x.chunks(geometry.in_image()).zip(dy.chunks(geometry.out_image())) {
        let x = &x[first * height * width..][..part.in_image()];
        if part.is_point() {
            let size = [outputs, window, map];
            multiply(size, (&mut sum, row_major(0, window)), true, (dy, row_major(0, map)), (x, column_major(0, map)));
            continue;
        }
        for rows in part.row_blocks() {
            let count = rows.len() * wide;
            lay_out(x, &mut columns, rows.clone(), part);
            multiply(
                [outputs, window, count],
                (&mut sum, row_major(0, window)),
                true,
                (dy, row_major(rows.start * wide, map)),
                (&columns, column_major(0, count)),
            );
        }
    }
    sum
}

/// The windows of all images, `[inputs * kernel * kernel, batch * out_height * out_width]`.
fn lay_out_all(x: &[f32], geometry: Geometry) -> Vec<f32> {
    let Geometry { batch, inputs, height, width, kernel, .. } = geometry;
    let (map, taps) = (geometry.out_map(), kernel * kernel);
    let mut columns = vec![0.0; geometry.window() * batch * map];
    columns.par_chunks_mut(map).enumerate().for_each(|(place, line)| {
        let (row, image) = (place / batch, place % batch);
        let source = &x[(image * inputs + row / taps) * height * width..][..height * width];
        take(source, row % taps, 0..geometry.out_height(), line, geometry);
    });
    columns
}

/// `[batch, channels, map]` as `[channels, batch, map]`, for the maps that come out.
fn by_channel(images: &[f32], channels: usize, geometry: Geometry) -> Vec<f32> {
    let (batch, map) = (geometry.batch, geometry.out_map());
    let mut lines = vec![0.0; images.len()];
    lines.par_chunks_mut(map).enumerate().for_each(|(place, line)| {
        let (channel, image) = (place / batch, place % batch);
        line.copy_from_slice(&images[(image * channels + channel) * map..][..map]);
    });
    lines
}

/// The pixel of the input that a tap of the window at `place` sees, along one axis; `None` in the border.
fn seen(place: usize, tap: usize, size: usize, geometry: Geometry) -> Option<usize> {
    (place * geometry.stride + tap).checked_sub(geometry.padding).filter(|pixel| *pixel < size)
}

/// The places along a row whose window sees a pixel with this tap, first and one past the last.
fn inside(tap: usize, geometry: Geometry) -> (usize, usize) {
    let Geometry { width, stride, padding, .. } = geometry;
    let begin = padding.saturating_sub(tap).div_ceil(stride);
    let end = (width + padding).saturating_sub(tap).div_ceil(stride);
    (begin, end.min(geometry.out_width()))
}

/// The windows of some rows of one image's output, `[inputs * kernel * kernel, rows * out_width]`.
fn lay_out(x: &[f32], columns: &mut Vec<f32>, rows: Range<usize>, geometry: Geometry) {
    let Geometry { height, width, kernel, .. } = geometry;
    let (count, taps) = (rows.len() * geometry.out_width(), kernel * kernel);
    columns.resize(geometry.window() * count, 0.0);
    for (place, line) in columns.chunks_mut(count).enumerate() {
        let map = &x[place / taps * height * width..][..height * width];
        take(map, place % taps, rows.clone(), line, geometry);
    }
}

/// What one tap of the windows of some rows sees of a map; zero in the border.
fn take(map: &[f32], tap: usize, rows: Range<usize>, line: &mut [f32], geometry: Geometry) {
    let Geometry { height, width, kernel, stride, padding, .. } = geometry;
    let (down, across) = (tap / kernel, tap % kernel);
    let (begin, end) = inside(across, geometry);
    for (row, target) in rows.zip(line.chunks_mut(geometry.out_width())) {
        let Some(from) = seen(row, down, height, geometry).filter(|_| begin < end) else {
            target.fill(0.0);
            continue;
        };
        target[..begin].fill(0.0);
        target[end..].fill(0.0);
        let source = &map[from * width..][..width][begin * stride + across - padding..];
        let target = &mut target[begin..end];
        if stride == 1 {
            target.copy_from_slice(&source[..end - begin]);
        } else {
            target.iter_mut().zip(source.iter().step_by(stride)).for_each(|(target, value)| *target = *value);
        }
    }
}

/// Adds what [`take`] would take from each pixel back to it.
fn put_back(line: &[f32], tap: usize, rows: Range<usize>, map: &mut [f32], geometry: Geometry) {
    let Geometry { height, width, kernel, stride, padding, .. } = geometry;
    let (down, across) = (tap / kernel, tap % kernel);
    let (begin, end) = inside(across, geometry);
    for (row, values) in rows.zip(line.chunks(geometry.out_width())) {
        let Some(to) = seen(row, down, height, geometry).filter(|_| begin < end) else { continue };
        let target = &mut map[to * width..][..width][begin * stride + across - padding..];
        target.iter_mut().step_by(stride).zip(&values[begin..end]).for_each(|(target, value)| *target += value);
    }
}
