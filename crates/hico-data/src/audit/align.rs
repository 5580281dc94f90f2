//! How alike two textures are once one is shifted onto the other.

use super::blur::SIDE;
use super::texture::Texture;
use pulp::{Simd, WithSimd};

/// Shifts that are tried, pixels of a texture in each direction: an eighth of the frame.
pub const REACH: i32 = 12;

const HALF: usize = SIDE / 2;

/// Shifts at half the size.
const HALF_REACH: i32 = REACH / 2;

/// A texture, and itself at half the size to search in.
#[derive(Debug, Clone)]
pub struct Aligned {
    full: Vec<f32>,
    half: Half,
}

impl From<Texture> for Aligned {
    fn from(texture: Texture) -> Self {
        let value = |y: usize, x: usize| texture.values[y * SIDE + x];
        let mean = |y: usize, x: usize| 0.25 * (value(y, x) + value(y, x + 1) + value(y + 1, x) + value(y + 1, x + 1));
        let half = (0..HALF * HALF).map(|at| mean(at / HALF * 2, at % HALF * 2)).collect();
        Self { full: texture.values, half: Half::new(half) }
    }
}

impl Aligned {
    /// The same in a mirror.
    #[must_use]
    pub fn mirrored(&self) -> Self {
        Self { full: turned(&self.full, SIDE), half: Half::new(turned(&self.half.values, HALF)) }
    }

    /// Correlation of the parts that overlap at the best shift, -1 to 1: 1 for the same texture; two pictures that have
    /// nothing in common reach about 0.2, for the best of many shifts is taken.
    ///
    /// All shifts up to [`REACH`] are tried at half the size, and the best one's neighbours at the full size.
    #[must_use]
    pub fn correlation(&self, other: &Self) -> f32 {
        pulp::Arch::new().dispatch(BestShift { a: self, b: other })
    }
}

struct BestShift<'a> {
    a: &'a Aligned,
    b: &'a Aligned,
}

impl WithSimd for BestShift<'_> {
    type Output = f32;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) -> f32 {
        let mut best = (f32::NEG_INFINITY, (0, 0));
        for down in -HALF_REACH..=HALF_REACH {
            for across in -HALF_REACH..=HALF_REACH {
                let score = half_correlation(&self.a.half, &self.b.half, (down, across));
                // Of equal ones the last, as long as this has been so.
                if score.total_cmp(&best.0).is_ge() {
                    best = (score, (down, across));
                }
            }
        }
        let (_, (down, across)) = best;
        let mut highest = -1.0;
        for y in -1..=1 {
            for x in -1..=1 {
                highest =
                    f32::max(highest, full_correlation(&self.a.full, &self.b.full, (2 * down + y, 2 * across + x)));
            }
        }
        highest
    }
}

/// Left and right exchanged.
fn turned(values: &[f32], side: usize) -> Vec<f32> {
    values.chunks_exact(side).flat_map(|row| row.iter().rev().copied()).collect()
}

/// Zeros around a square that is shifted.
const RIM: usize = HALF_REACH as usize;

/// Length of a row of a square and its rim.
const STRIDE: usize = HALF + 2 * RIM;

/// Columns that are summed side by side.
const LANES: usize = 16;

const _: () = assert!(HALF.is_multiple_of(LANES) && HALF.is_multiple_of(2));

/// Length of a row of corners.
const CORNERS: usize = HALF + 1;

/// A texture of half the size, and what makes it quick to shift: most of the work of a closer look is done here.
#[derive(Debug, Clone)]
struct Half {
    /// `[HALF, HALF]`
    values: Vec<f32>,
    /// The same with a rim of zeros, `[STRIDE, STRIDE]`, so that a shifted row is as long as any other.
    canvas: Vec<f32>,
    /// Sums of the squares above and left of each corner, `[CORNERS, CORNERS]`.
    squares: Vec<f64>,
}

impl Half {
    fn new(values: Vec<f32>) -> Self {
        let mut canvas = vec![0.0; STRIDE * STRIDE];
        let mut squares = vec![0.0; CORNERS * CORNERS];
        for (number, row) in values.chunks_exact(HALF).enumerate() {
            canvas[(number + RIM) * STRIDE + RIM..][..HALF].copy_from_slice(row);
            let (above, below) = squares.split_at_mut((number + 1) * CORNERS);
            let above = &above[number * CORNERS..];
            let mut sum = 0.0;
            for ((below, above), value) in below[1..].iter_mut().zip(&above[1..]).zip(row) {
                sum += f64::from(*value).powi(2);
                *below = above + sum;
            }
        }
        Self { values, canvas, squares }
    }

    /// Sum of the squares of a part.
    #[inline(always)]
    fn energy(&self, [top, bottom]: [usize; 2], [left, right]: [usize; 2]) -> f64 {
        let corner = |row: usize, column: usize| self.squares[row * CORNERS + column];
        corner(bottom, right) - corner(top, right) - corner(bottom, left) + corner(top, left)
    }
}

/// Correlation about zero of `a` with `b` shifted down and across.
///
/// - shifts: at most [`HALF_REACH`] in either direction
#[inline(always)]
fn half_correlation(a: &Half, b: &Half, (down, across): (i32, i32)) -> f32 {
    let ([rows, other_rows], [columns, other_columns]) = (overlap(down), overlap(across));
    let energy = a.energy(rows, columns) * b.energy(other_rows, other_columns);
    let begin = |shift: i32| (HALF_REACH - shift) as usize;
    let canvas = &b.canvas[begin(down) * STRIDE + begin(across)..];
    let mut product = 0.0;
    for left in (0..HALF).step_by(LANES) {
        // Sums of few columns stay in registers; those of odd rows apart, so that none waits for the other.
        let mut sums = [[0.0; LANES]; 2];
        for pair in 0..HALF / 2 {
            for (odd, sums) in sums.iter_mut().enumerate() {
                let row = 2 * pair + odd;
                let (a, b) = (&a.values[row * HALF + left..][..LANES], &canvas[row * STRIDE + left..][..LANES]);
                for lane in 0..LANES {
                    sums[lane] += a[lane] * b[lane];
                }
            }
        }
        product += sums.as_flattened().iter().sum::<f32>();
    }
    product / (energy.max(0.0).sqrt() as f32).max(1e-9)
}

/// The rows (or columns) of both that lie on each other: first and one after the last of each.
#[inline(always)]
const fn overlap(shift: i32) -> [[usize; 2]; 2] {
    let length = shift.unsigned_abs() as usize;
    let (late, early) = ([length, HALF], [0, HALF - length]);
    if shift < 0 { [early, late] } else { [late, early] }
}

/// Correlation about zero of `a` with `b` shifted down and across, both of the full size.
#[inline(always)]
fn full_correlation(a: &[f32], b: &[f32], (down, across): (i32, i32)) -> f32 {
    let skip = |shift: i32| usize::try_from(shift).unwrap_or(0);
    let rows = SIDE - down.unsigned_abs() as usize;
    let columns = SIDE - across.unsigned_abs() as usize;
    let [mut product, mut of_a, mut of_b] = [0.0_f32; 3];
    for row in 0..rows {
        let begin_a = (row + skip(down)) * SIDE + skip(across);
        let begin_b = (row + skip(-down)) * SIDE + skip(-across);
        let sums = sums(&a[begin_a..begin_a + columns], &b[begin_b..begin_b + columns]);
        product += sums[0];
        of_a += sums[1];
        of_b += sums[2];
    }
    product / (of_a * of_b).sqrt().max(1e-9)
}

/// Sums of `a * b`, `a * a` and `b * b`, eight side by side so that the compiler may use vectors.
#[inline(always)]
fn sums(a: &[f32], b: &[f32]) -> [f32; 3] {
    let mut lanes = [[0.0_f32; 8]; 3];
    let (whole_a, rest_a) = a.as_chunks::<8>();
    let (whole_b, rest_b) = b.as_chunks::<8>();
    for (a, b) in whole_a.iter().zip(whole_b) {
        for lane in 0..8 {
            lanes[0][lane] += a[lane] * b[lane];
            lanes[1][lane] += a[lane] * a[lane];
            lanes[2][lane] += b[lane] * b[lane];
        }
    }
    for (a, b) in rest_a.iter().zip(rest_b) {
        lanes[0][0] += a * b;
        lanes[1][0] += a * a;
        lanes[2][0] += b * b;
    }
    lanes.map(|lane| lane.iter().sum())
}

#[cfg(test)]
mod tests {
    use super::super::texture::tests::blobs;
    use super::*;
    use crate::clip::Size;
    use crate::view::planes::Planes;
    use crate::view::resize::Window;

    fn aligned(window: Window, seed: u64) -> Aligned {
        Texture::of(&Planes::of(&blobs(192, 192, seed)), window).unwrap().into()
    }

    fn at(top: usize, left: usize) -> Window {
        Window { top, left, size: Size { height: 160, width: 160 } }
    }

    #[test]
    fn a_shift_is_found_and_a_stranger_stays_one() {
        let here = aligned(at(10, 16), 1);
        assert!((here.correlation(&here) - 1.0).abs() < 1e-4);
        for (top, left) in [(10, 30), (0, 16), (20, 8)] {
            let there = here.correlation(&aligned(at(top, left), 1));
            assert!(there > 0.9, "{top} {left}: {there}");
        }
        let stranger = here.correlation(&aligned(at(10, 16), 2));
        assert!(stranger < 0.4, "{stranger}");
        assert!(here.correlation(&here.mirrored()) < 0.4);
        assert!((here.mirrored().mirrored().correlation(&here) - 1.0).abs() < 1e-4);
    }

    /// By the definition, value after value.
    fn naive(a: &[f32], b: &[f32], side: i32, (down, across): (i32, i32)) -> f64 {
        let [mut product, mut of_a, mut of_b] = [0.0_f64; 3];
        for (y, x) in (0..side).flat_map(|y| (0..side).map(move |x| (y, x))) {
            let (there, right) = (y - down, x - across);
            if (0..side).contains(&there) && (0..side).contains(&right) {
                let value = |of: &[f32], y: i32, x: i32| f64::from(of[(y * side + x) as usize]);
                let (a, b) = (value(a, y, x), value(b, there, right));
                product += a * b;
                of_a += a * a;
                of_b += b * b;
            }
        }
        product / (of_a * of_b).sqrt()
    }

    #[test]
    fn correlation_at_every_shift_is_that_of_the_definition() {
        let (a, b) = (aligned(at(10, 16), 1), aligned(at(12, 8), 1));
        for (down, across) in (-6..=6).flat_map(|down| (-6..=6).map(move |across| (down, across))) {
            let expected = naive(&a.half.values, &b.half.values, 48, (down, across));
            let found = f64::from(half_correlation(&a.half, &b.half, (down, across)));
            assert!((found - expected).abs() < 1e-5, "{down} {across}: {found} {expected}");
        }
        for shift in [(13, 13), (-13, 4), (0, 0), (7, -13)] {
            let expected = naive(&a.full, &b.full, 96, shift);
            assert!((f64::from(full_correlation(&a.full, &b.full, shift)) - expected).abs() < 1e-5, "{shift:?}");
        }
        let empty = Half::new(vec![0.0; HALF * HALF]);
        assert_eq!(
            (half_correlation(&a.half, &empty, (0, 0)), full_correlation(&a.full, &[0.0; SIDE * SIDE], (1, 0))),
            (0.0, 0.0)
        );
    }
}
