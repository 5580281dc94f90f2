//! The largest value under a window that moves, on slices.

use rayon::prelude::*;

/// Sizes of a pooling with a square window, the same stride and padding on both axes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) height: usize,
    pub(crate) width: usize,
    pub(crate) size: usize,
    pub(crate) stride: usize,
    pub(crate) padding: usize,
}

impl Window {
    pub(crate) const fn out_height(&self) -> usize {
        (self.height + 2 * self.padding - self.size) / self.stride + 1
    }

    pub(crate) const fn out_width(&self) -> usize {
        (self.width + 2 * self.padding - self.size) / self.stride + 1
    }

    /// The pixels under the window at a place along one axis, first and one past the last.
    fn under(&self, place: usize, length: usize) -> (usize, usize) {
        let begin = place * self.stride;
        (begin.saturating_sub(self.padding), (begin + self.size).saturating_sub(self.padding).min(length))
    }
}

/// The largest value under each window, and where in its map it stands; of equal ones the first, and a NaN before all.
pub(crate) fn forward(x: &[f32], window: Window) -> (Vec<f32>, Vec<u32>) {
    let (map, tall, wide) = (window.height * window.width, window.out_height(), window.out_width());
    let maps = x.len() / map;
    let (mut y, mut from) = (vec![0.0; maps * tall * wide], vec![0_u32; maps * tall * wide]);
    let outputs = y.par_chunks_mut(tall * wide).zip(from.par_chunks_mut(tall * wide));
    x.par_chunks(map).zip(outputs).for_each(|(x, (y, from))| {
        for row in 0..tall {
            let (top, bottom) = window.under(row, window.height);
            for column in 0..wide {
                let (left, right) = window.under(column, window.width);
                let (mut best, mut place) = (f32::NEG_INFINITY, top * window.width + left);
                for line in top..bottom {
                    for (at, value) in x[line * window.width..][left..right].iter().enumerate() {
                        if *value > best || value.is_nan() {
                            (best, place) = (*value, line * window.width + left + at);
                        }
                    }
                }
                y[row * wide + column] = best;
                from[row * wide + column] = place as u32;
            }
        }
    });
    (y, from)
}

/// Each gradient goes to where its value came from.
pub(crate) fn gradient(dy: &[f32], from: &[u32], window: Window) -> Vec<f32> {
    let (map, out) = (window.height * window.width, window.out_height() * window.out_width());
    let mut dx = vec![0.0; dy.len() / out * map];
    dx.par_chunks_mut(map).zip(dy.par_chunks(out).zip(from.par_chunks(out))).for_each(|(dx, (dy, from))| {
        dy.iter().zip(from).for_each(|(dy, place)| dx[*place as usize] += dy);
    });
    dx
}
