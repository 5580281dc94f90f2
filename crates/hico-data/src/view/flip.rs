//! The mirror image, left to right.

use super::planes::Planes;
use pulp::{Simd, WithSimd};

/// Mirrors every row of the picture in place.
pub fn horizontal(picture: &mut Planes<u8>) {
    if picture.size.width > 0 {
        pulp::Arch::new().dispatch(Mirror(picture));
    }
}

struct Mirror<'a>(&'a mut Planes<u8>);

impl WithSimd for Mirror<'_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let width = self.0.size.width;
        let mut before = vec![0; width];
        for row in self.0.values.chunks_exact_mut(width) {
            before.copy_from_slice(row);
            if width < WORD {
                row.reverse();
                continue;
            }
            for begin in (0..width).step_by(WORD) {
                // The last word begins early enough to be whole.
                let begin = begin.min(width - WORD);
                let mut word = [0; WORD];
                word.copy_from_slice(&before[width - begin - WORD..width - begin]);
                word.reverse();
                row[begin..begin + WORD].copy_from_slice(&word);
            }
        }
    }
}

/// Columns that change places in one instruction or two.
const WORD: usize = 32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clip::{Channels, Size};

    #[test]
    fn columns_change_places_and_colours_stay_together() {
        let size = Size { height: 2, width: 2 };
        let mut colour = Planes { size, channels: Channels::Rgb, values: (1..=12).collect() };
        horizontal(&mut colour);
        assert_eq!(colour.values, [2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11]);
    }

    #[test]
    fn rows_of_every_width_are_mirrored() {
        for width in 0..100 {
            let size = Size { height: 3, width };
            let before: Vec<u8> = (0..3 * width).map(|place| (place * 7 % 251) as u8).collect();
            let mut picture = Planes { size, channels: Channels::Grey, values: before.clone() };
            horizontal(&mut picture);
            let expected: Vec<u8> =
                (0..3 * width).map(|at| before[at / width * width + width - 1 - at % width]).collect();
            assert_eq!(picture.values, expected, "{width}");
        }
    }
}
