//! How alike two textures are once one is shifted onto the other.

use super::texture::{SIDE, Texture};

/// Shifts that are tried, pixels of a texture in each direction: an eighth of the frame.
pub const REACH: i32 = 12;

const HALF: usize = SIDE / 2;

/// A texture, and itself at half the size to search in.
#[derive(Debug, Clone)]
pub struct Aligned {
    full: Vec<f32>,
    half: Vec<f32>,
}

impl From<Texture> for Aligned {
    fn from(texture: Texture) -> Self {
        let value = |y: usize, x: usize| texture.values[y * SIDE + x];
        let mean = |y: usize, x: usize| 0.25 * (value(y, x) + value(y, x + 1) + value(y + 1, x) + value(y + 1, x + 1));
        let half = (0..HALF * HALF).map(|at| mean(at / HALF * 2, at % HALF * 2)).collect();
        Self { full: texture.values, half }
    }
}

impl Aligned {
    /// The same in a mirror.
    #[must_use]
    pub fn mirrored(&self) -> Self {
        let turn = |values: &[f32], side: usize| {
            values.chunks_exact(side).flat_map(|row| row.iter().rev().copied()).collect::<Vec<_>>()
        };
        Self { full: turn(&self.full, SIDE), half: turn(&self.half, HALF) }
    }

    /// Correlation of the parts that overlap at the best shift, -1 to 1: 1 for the same texture; two pictures that have
    /// nothing in common reach about 0.2, for the best of many shifts is taken.
    ///
    /// All shifts up to [`REACH`] are tried at half the size, and the best one's neighbours at the full size.
    #[must_use]
    pub fn correlation(&self, other: &Self) -> f32 {
        let reach = REACH / 2;
        let shifts = (-reach..=reach).flat_map(|down| (-reach..=reach).map(move |across| (down, across)));
        let coarse = shifts.map(|shift| (correlation(&self.half, &other.half, HALF, shift), shift));
        let (_, (down, across)) = coarse.max_by(|a, b| a.0.total_cmp(&b.0)).unwrap_or_default();
        let near = (-1..=1).flat_map(|y| (-1..=1).map(move |x| (2 * down + y, 2 * across + x)));
        near.map(|shift| correlation(&self.full, &other.full, SIDE, shift)).fold(-1.0, f32::max)
    }
}

/// Correlation about zero of `a` with `b` shifted down and across.
fn correlation(a: &[f32], b: &[f32], side: usize, (down, across): (i32, i32)) -> f32 {
    let skip = |shift: i32| usize::try_from(shift).unwrap_or(0);
    let rows = side - down.unsigned_abs() as usize;
    let columns = side - across.unsigned_abs() as usize;
    let [mut product, mut of_a, mut of_b] = [0.0_f32; 3];
    for row in 0..rows {
        let begin_a = (row + skip(down)) * side + skip(across);
        let begin_b = (row + skip(-down)) * side + skip(-across);
        let sums = sums(&a[begin_a..begin_a + columns], &b[begin_b..begin_b + columns]);
        product += sums[0];
        of_a += sums[1];
        of_b += sums[2];
    }
    product / (of_a * of_b).sqrt().max(1e-9)
}

/// Sums of `a * b`, `a * a` and `b * b`, eight side by side so that the compiler may use vectors.
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

    #[test]
    fn correlation_at_a_shift_by_hand() {
        // [2, 2]: shifted one down, the lower row of the one meets the upper row of the other.
        let (a, b) = ([9.0, 9.0, 3.0, 4.0], [6.0, 8.0, 9.0, 9.0]);
        assert!((correlation(&a, &b, 2, (1, 0)) - 1.0).abs() < 1e-6);
        assert!((correlation(&a, &b, 2, (1, 1)) - 1.0).abs() < 1e-6, "4 meets 6");
        assert_eq!(correlation(&a, &[0.0; 4], 2, (0, 0)), 0.0);
    }
}
