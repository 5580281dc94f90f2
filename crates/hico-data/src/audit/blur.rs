//! Filters of a square of values. Each step works on whole rows side by side, which the processor does in wide
//! instructions: what goes across goes down a square that is turned.

/// Side of a texture, pixels.
pub(super) const SIDE: usize = 96;

/// Values of a square, `[SIDE, SIDE]` row by row.
pub(super) const AREA: usize = SIDE * SIDE;

/// Columns that are summed side by side, so that their sums stay in registers.
const LANES: usize = 32;

/// Side of the tiles in which a square is turned.
const TILE: usize = 8;

const _: () = assert!(SIDE.is_multiple_of(LANES) && SIDE.is_multiple_of(TILE));

/// One pass of (1, 2, 1) / 4 in each direction; the rim repeats.
#[inline(always)]
pub(super) fn tent(values: &[f32]) -> Vec<f32> {
    let mut across = vec![0.0; AREA];
    for (line, out) in values.chunks_exact(SIDE).zip(across.chunks_exact_mut(SIDE)) {
        out[0] = weigh(line[0], line[0], line[1]);
        for (out, near) in out[1..].iter_mut().zip(line.windows(3)) {
            *out = weigh(near[0], near[1], near[2]);
        }
        out[SIDE - 1] = weigh(line[SIDE - 2], line[SIDE - 1], line[SIDE - 1]);
    }
    let row = |row: usize| &across[row * SIDE..][..SIDE];
    let mut down = vec![0.0; AREA];
    for (number, out) in down.chunks_exact_mut(SIDE).enumerate() {
        let near = row(number.saturating_sub(1)).iter().zip(row(number)).zip(row((number + 1).min(SIDE - 1)));
        for (out, ((before, here), after)) in out.iter_mut().zip(near) {
            *out = weigh(*before, *here, *after);
        }
    }
    down
}

#[inline(always)]
fn weigh(before: f32, here: f32, after: f32) -> f32 {
    0.25 * before + 0.5 * here + 0.25 * after
}

/// Three box blurs, near to a Gaussian of deviation `width / 2`; the rim repeats.
///
/// - `width`: odd
#[inline(always)]
pub(super) fn blur(values: &[f32], width: usize) -> Vec<f32> {
    let (mut blurred, mut other) = (values.to_vec(), vec![0.0; AREA]);
    for _ in 0..3 {
        turn(&blurred, &mut other);
        means_down(&other, width, &mut blurred);
        turn(&blurred, &mut other);
        means_down(&other, width, &mut blurred);
    }
    blurred
}

/// The mean of `width` values below each other around each place; the rim repeats.
#[inline(always)]
fn means_down(values: &[f32], width: usize, means: &mut [f32]) {
    let reach = width / 2;
    let count = width as f32;
    for left in (0..SIDE).step_by(LANES) {
        let mut sums = part(values, 0, left);
        for place in 1..width {
            let values = part(values, place.saturating_sub(reach), left);
            for lane in 0..LANES {
                sums[lane] += values[lane];
            }
        }
        for place in 0..SIDE {
            let (comes, goes) = (place + width - reach, place.saturating_sub(reach));
            let (comes, goes) = (part(values, comes, left), part(values, goes, left));
            let means = &mut means[place * SIDE + left..][..LANES];
            for lane in 0..LANES {
                means[lane] = sums[lane] / count;
                sums[lane] += comes[lane] - goes[lane];
            }
        }
    }
}

/// Some values of a row, or of the last one where there is no such row.
#[inline(always)]
fn part(values: &[f32], row: usize, left: usize) -> [f32; LANES] {
    let mut part = [0.0; LANES];
    part.copy_from_slice(&values[row.min(SIDE - 1) * SIDE + left..][..LANES]);
    part
}

/// Exchanges rows and columns.
#[inline(always)]
fn turn(values: &[f32], turned: &mut [f32]) {
    for top in (0..SIDE).step_by(TILE) {
        for left in (0..SIDE).step_by(TILE) {
            let mut tile = [[0.0; TILE]; TILE];
            for (row, tile) in tile.iter_mut().enumerate() {
                tile.copy_from_slice(&values[(top + row) * SIDE + left..][..TILE]);
            }
            for column in 0..TILE {
                let out = &mut turned[(left + column) * SIDE + top..][..TILE];
                for row in 0..TILE {
                    out[row] = tile[row][column];
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seed::Seed;
    use rand::RngExt as _;

    /// Line by line as the definition has it, every sum and product in the same order.
    fn naive(values: &[f32], filter: impl Fn(&dyn Fn(usize) -> f32) -> Vec<f32>) -> Vec<f32> {
        let turned = |values: &[f32]| (0..AREA).map(|at| values[at % SIDE * SIDE + at / SIDE]).collect::<Vec<f32>>();
        let lines = |values: &[f32]| -> Vec<f32> {
            values.chunks_exact(SIDE).flat_map(|line| filter(&|place| line[place])).collect()
        };
        turned(&lines(&turned(&lines(values))))
    }

    fn naive_tent(values: &[f32]) -> Vec<f32> {
        let place = |at: usize, line: &dyn Fn(usize) -> f32| {
            0.25 * line(at.saturating_sub(1)) + 0.5 * line(at) + 0.25 * line((at + 1).min(SIDE - 1))
        };
        naive(values, |line| (0..SIDE).map(|at| place(at, line)).collect())
    }

    fn naive_blur(values: &[f32], width: usize) -> Vec<f32> {
        let means = |line: &dyn Fn(usize) -> f32| {
            let at = |place: usize| line(place.saturating_sub(width / 2).min(SIDE - 1));
            let mut sum: f32 = (0..width).map(at).sum();
            let mut mean = |place: usize| {
                let mean = sum / width as f32;
                sum += at(place + width) - at(place);
                mean
            };
            (0..SIDE).map(&mut mean).collect()
        };
        let once = |values: &[f32]| naive(values, means);
        once(&once(&once(values)))
    }

    #[test]
    fn filters_give_every_bit_of_the_definition() {
        let mut random = Seed(4).stream("filters", &[]);
        for scale in [1.0, 255.0, 1e-3] {
            let values: Vec<f32> = (0..AREA).map(|_| (random.random::<f32>() - 0.3) * scale).collect();
            assert_eq!(tent(&values), naive_tent(&values));
            for width in [1, 3, 9, 15, 95] {
                assert_eq!(blur(&values, width), naive_blur(&values, width), "{width}");
            }
        }
    }

    #[test]
    fn a_blur_keeps_an_even_picture_and_the_sum_of_a_dot() {
        assert!(blur(&[3.5; AREA], 9).iter().all(|value| (value - 3.5).abs() < 1e-4));
        let mut dot = vec![0.0; AREA];
        dot[48 * SIDE + 48] = 100.0;
        for blurred in [blur(&dot, 9), tent(&dot)] {
            assert!((blurred.iter().sum::<f32>() - 100.0).abs() < 1e-2);
        }
    }
}
