//! Resizing as Pillow 13 does it, byte for byte: a triangle filter, widened when shrinking (antialiased), in one pass
//! across and one down, with weights in 22 bits of fraction and bytes in between.

use super::planes::Planes;
use super::transpose::transpose;
use crate::clip::Size;
use pulp::{Simd, WithSimd};
use std::borrow::Cow;

/// A rectangle of pixels in a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// First row.
    pub top: usize,
    /// First column.
    pub left: usize,
    /// Rows and columns.
    pub size: Size,
}

impl Window {
    /// The whole picture.
    #[must_use]
    pub const fn whole(size: Size) -> Self {
        Self { top: 0, left: 0, size }
    }
}

/// The pixels of `window`, resized to `size`; nothing outside the window has any influence.
///
/// # Panics
/// When the picture's bytes are not `channels * height * width`, or the window is empty or not inside the picture.
#[must_use]
pub fn bilinear(picture: &Planes<u8>, window: Window, size: Size) -> Cow<'_, Planes<u8>> {
    let Window { top, left, size: from } = window;
    let of = picture.size;
    assert_eq!(picture.values.len(), of.height * of.width * picture.channels.count(), "a picture's bytes");
    assert!(from.height > 0 && top + from.height <= of.height, "{window:?} in {of:?}");
    assert!(from.width > 0 && left + from.width <= of.width, "{window:?} in {of:?}");
    if window == Window::whole(size) && of == size {
        return Cow::Borrowed(picture);
    }
    let across = (from.width != size.width).then(|| Taps::new(from.width, size.width));
    let down = (from.height != size.height).then(|| Taps::new(from.height, size.height));
    // Pillow goes across first, unless going down first leaves less to do; before version 13 it always did.
    let down_first = from.height > size.height && from.width < size.width;
    let mut values = vec![0; size.height * size.width * picture.channels.count()];
    let mut between = vec![0; if down_first { size.height * from.width } else { from.height * size.width }];
    let mut turned = Turned::default();
    let planes = picture.values.chunks_exact(of.height * of.width);
    for (plane, new) in planes.zip(values.chunks_exact_mut(size.height * size.width)) {
        let rows = |rows: std::ops::Range<usize>| rows.map(|row| &plane[row * of.width + left..][..from.width]);
        let rows: Vec<&[u8]> = rows(top..top + from.height).collect();
        if down_first {
            pass_down(&rows, down.as_ref(), &mut between);
            pass_across(&cut(&between, from.width), across.as_ref(), &mut turned, new);
        } else {
            pass_across(&rows, across.as_ref(), &mut turned, &mut between);
            pass_down(&cut(&between, size.width), down.as_ref(), new);
        }
    }
    Cow::Owned(Planes { size, channels: picture.channels, values })
}

/// Columns that lie side by side, before and after they are resized: memory that each plane uses again.
#[derive(Default)]
struct Turned {
    old: Vec<u8>,
    new: Vec<u8>,
}

/// The new rows, one behind the other.
fn pass_down(rows: &[&[u8]], taps: Option<&Taps>, new: &mut [u8]) {
    match taps {
        Some(taps) => taps.apply(rows, new),
        None => new.chunks_exact_mut(rows[0].len()).zip(rows).for_each(|(new, row)| new.copy_from_slice(row)),
    }
}

/// The rows with new columns, one behind the other.
fn pass_across(rows: &[&[u8]], taps: Option<&Taps>, turned: &mut Turned, new: &mut [u8]) {
    let Some(taps) = taps else { return pass_down(rows, None, new) };
    // Columns lie side by side once the plane is turned, so that this pass goes along memory too.
    let height = rows.len();
    turned.old.resize(height * rows[0].len(), 0);
    turned.new.resize(new.len(), 0);
    transpose(rows, &mut turned.old);
    taps.apply(&cut(&turned.old, height), &mut turned.new);
    transpose(&cut(&turned.new, height), new);
}

/// Rows of a width.
fn cut(plane: &[u8], width: usize) -> Vec<&[u8]> {
    plane.chunks_exact(width).collect()
}

/// Bits of fraction of a weight: what is left of 32 by a byte and two bits for sums.
const FRACTION: u32 = 32 - 8 - 2;

/// What rounds to the nearest when the fraction is cut. Weights sum to 1 but for their own rounding: what is left after
/// the cut fits a byte.
const HALF: i32 = 1 << (FRACTION - 1);

/// For each new row the old rows that it is made of.
struct Taps {
    /// The first of them.
    first: Vec<usize>,
    /// What each weighs, in 2^-22; `count` for each new row, zeros behind the last.
    weights: Vec<i32>,
    count: usize,
}

impl Taps {
    /// Of `from` rows, `to` are made.
    fn new(from: usize, to: usize) -> Self {
        let scale = from as f64 / to as f64;
        // One old row on either side; when shrinking, one new row.
        let reach = scale.max(1.0);
        let count = reach.ceil() as usize * 2 + 1;
        let (mut first, mut weights) = (Vec::with_capacity(to), Vec::with_capacity(to * count));
        for new in 0..to {
            let centre = (new as f64 + 0.5) * scale;
            let begin = (centre - reach + 0.5).max(0.0) as usize;
            let end = ((centre + reach + 0.5) as usize).min(from);
            let triangle = |old: usize| (1.0 - ((old as f64 - centre + 0.5) / reach).abs()).max(0.0);
            let sum: f64 = (begin..end).map(triangle).sum();
            let weight = |old: usize| (triangle(old) / sum * f64::from(1 << FRACTION) + 0.5) as i32;
            first.push(begin);
            weights.extend((begin..begin + count).map(|old| if old < end { weight(old) } else { 0 }));
        }
        Self { first, weights, count }
    }

    /// - `rows`: the old rows, all of one width
    /// - `made`: the new ones, one behind the other
    fn apply(&self, rows: &[&[u8]], made: &mut [u8]) {
        let new = made.chunks_exact_mut(rows[0].len());
        for ((new, &first), weights) in new.zip(&self.first).zip(self.weights.chunks_exact(self.count)) {
            let last = weights.iter().rposition(|&weight| weight != 0).map_or(0, |last| last + 1);
            pulp::Arch::new().dispatch(Weigh { rows: &rows[first..first + last], weights: &weights[..last], new });
        }
    }
}

/// One new row.
struct Weigh<'a> {
    rows: &'a [&'a [u8]],
    weights: &'a [i32],
    new: &'a mut [u8],
}

impl WithSimd for Weigh<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        // Making a picture larger takes two or three rows, halving it up to five.
        match *self.rows {
            [a] => weigh([a], self.weights, self.new),
            [a, b] => weigh([a, b], self.weights, self.new),
            [a, b, c] => weigh([a, b, c], self.weights, self.new),
            [a, b, c, d] => weigh([a, b, c, d], self.weights, self.new),
            [a, b, c, d, e] => weigh([a, b, c, d, e], self.weights, self.new),
            _ => {
                let mut sums = vec![HALF; self.new.len()];
                for (row, weight) in self.rows.iter().zip(self.weights) {
                    for (sum, value) in sums.iter_mut().zip(*row) {
                        *sum += i32::from(*value) * weight;
                    }
                }
                for (new, sum) in self.new.iter_mut().zip(sums) {
                    *new = (sum >> FRACTION) as u8;
                }
            }
        }
    }
}

/// With as many rows as the compiler may know of: their sum stays in a register.
#[inline(always)]
fn weigh<const ROWS: usize>(rows: [&[u8]; ROWS], weights: &[i32], new: &mut [u8]) {
    let weights = &weights[..ROWS];
    let mut cut = [&[0_u8; 0][..]; ROWS];
    for (cut, row) in cut.iter_mut().zip(rows) {
        *cut = &row[..new.len()];
    }
    for (place, new) in new.iter_mut().enumerate() {
        let mut sum = HALF;
        for row in 0..ROWS {
            sum += i32::from(cut[row][place]) * weights[row];
        }
        *new = (sum >> FRACTION) as u8;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clip::Channels;

    /// One row, resized by the definition, in 64 bits but for the weights.
    fn naive(row: &[u8], to: usize) -> Vec<u8> {
        let scale = row.len() as f64 / to as f64;
        let reach = scale.max(1.0);
        let new = |new: usize| {
            let centre = (new as f64 + 0.5) * scale;
            let begin = (centre - reach + 0.5).max(0.0) as usize;
            let old = begin..((centre + reach + 0.5) as usize).min(row.len());
            let triangle = |old: usize| (1.0 - ((old as f64 - centre + 0.5) / reach).abs()).max(0.0);
            let sum: f64 = old.clone().map(triangle).sum();
            let weight = |old: usize| (triangle(old) / sum * f64::from(1 << 22) + 0.5).floor();
            let value: f64 = old.map(|old| weight(old) * f64::from(row[old])).sum();
            ((value + f64::from(1 << 21)) / f64::from(1 << 22)).floor() as u8
        };
        if to == row.len() { row.to_vec() } else { (0..to).map(new).collect() }
    }

    fn columns(picture: &[Vec<u8>]) -> Vec<Vec<u8>> {
        (0..picture[0].len()).map(|column| picture.iter().map(|row| row[column]).collect()).collect()
    }

    proptest::proptest! {
        #[test]
        fn a_window_of_any_size_is_resized_by_the_definition(
            height in 1_usize..90, width in 1_usize..90, top in 0_usize..4, left in 0_usize..4,
            new_height in 1_usize..90, new_width in 1_usize..90,
        ) {
            let of = Size { height: height + top + 1, width: width + left + 2 };
            let value = |place: usize| (place * place * 31 % 257 % 256) as u8;
            let values: Vec<u8> = (0..3 * of.height * of.width).map(value).collect();
            let picture = Planes { size: of, channels: Channels::Rgb, values };
            let window = Window { top, left, size: Size { height, width } };
            let size = Size { height: new_height, width: new_width };
            let resized = bilinear(&picture, window, size).into_owned();
            for (old, new) in picture.values.chunks(of.height * of.width).zip(resized.values.chunks(new_height * new_width)) {
                let rows: Vec<Vec<u8>> =
                    (top..top + height).map(|row| old[row * of.width + left..][..width].to_vec()).collect();
                let across = |rows: &[Vec<u8>]| -> Vec<Vec<u8>> { rows.iter().map(|row| naive(row, new_width)).collect() };
                let down = |rows: &[Vec<u8>]| -> Vec<Vec<u8>> {
                    columns(&columns(rows).iter().map(|column| naive(column, new_height)).collect::<Vec<_>>())
                };
                let expected =
                    if height > new_height && width < new_width { across(&down(&rows)) } else { down(&across(&rows)) };
                proptest::prop_assert_eq!(new, expected.concat());
            }
        }
    }
}
