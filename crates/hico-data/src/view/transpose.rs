//! Rows of bytes → columns, in tiles of eight rows.

use pulp::{Simd, WithSimd};

/// Exchanges rows and columns.
///
/// - `rows`: slices of one length
/// - `turned`: `[columns, rows]`
pub(super) fn transpose(rows: &[&[u8]], turned: &mut [u8]) {
    let columns = rows.first().map_or(0, |row| row.len());
    if rows.len() < HEIGHT || columns < WIDTH {
        for (row, values) in rows.iter().enumerate() {
            (0..columns).for_each(|column| turned[column * rows.len() + row] = values[column]);
        }
    } else {
        pulp::Arch::new().dispatch(Tiles { rows, columns, turned });
    }
}

/// Rows of a tile.
const HEIGHT: usize = 8;

/// Columns of a tile: one word of eight bytes for each lane of the widest registers.
const WIDTH: usize = 64;

/// Eight words of each of eight rows.
type Tile = [[u64; WIDTH / HEIGHT]; HEIGHT];

struct Tiles<'a> {
    rows: &'a [&'a [u8]],
    columns: usize,
    turned: &'a mut [u8],
}

impl WithSimd for Tiles<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let height = self.rows.len();
        for top in (0..height).step_by(HEIGHT) {
            // The last tiles begin early enough to be whole.
            let top = top.min(height - HEIGHT);
            for left in (0..self.columns).step_by(WIDTH) {
                let left = left.min(self.columns - WIDTH);
                let mut tile: Tile = [[0; WIDTH / HEIGHT]; HEIGHT];
                for (words, row) in tile.iter_mut().zip(&self.rows[top..top + HEIGHT]) {
                    let mut bytes = [0; WIDTH];
                    bytes.copy_from_slice(&row[left..left + WIDTH]);
                    *words = pulp::cast(bytes);
                    for word in words {
                        *word = u64::from_le(*word);
                    }
                }
                turn(&mut tile);
                for (column, words) in tile.iter().enumerate() {
                    for (square, word) in words.iter().enumerate() {
                        let place = (left + square * HEIGHT + column) * height + top;
                        self.turned[place..place + HEIGHT].copy_from_slice(&word.to_le_bytes());
                    }
                }
            }
        }
    }
}

/// Exchanges rows and columns of every eighth of a tile: single bytes, then twos, then fours.
#[inline(always)]
fn turn(tile: &mut Tile) {
    exchange::<1>(tile, 0x00FF_00FF_00FF_00FF);
    exchange::<2>(tile, 0x0000_FFFF_0000_FFFF);
    exchange::<4>(tile, 0x0000_0000_FFFF_FFFF);
}

#[inline(always)]
fn exchange<const STEP: usize>(tile: &mut Tile, mask: u64) {
    for upper in 0..HEIGHT {
        if upper & STEP == 0 {
            let (before, after) = tile.split_at_mut(upper + STEP);
            for (above, below) in before[upper].iter_mut().zip(&mut after[0]) {
                let exchanged = ((*above >> (8 * STEP)) ^ *below) & mask;
                *above ^= exchanged << (8 * STEP);
                *below ^= exchanged;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_become_columns_whatever_their_number() {
        for height in [0, 1, 7, 8, 9, 24, 31] {
            for width in [0, 1, 63, 64, 65, 128, 191] {
                let values: Vec<u8> = (0..height * width).map(|place| (place * 7 % 251) as u8).collect();
                let rows: Vec<&[u8]> = (0..height).map(|row| &values[row * width..][..width]).collect();
                let expected: Vec<u8> = (0..width).flat_map(|column| rows.iter().map(move |row| row[column])).collect();
                let mut turned = vec![0; expected.len()];
                transpose(&rows, &mut turned);
                assert_eq!(turned, expected, "{height} x {width}");
            }
        }
    }
}
