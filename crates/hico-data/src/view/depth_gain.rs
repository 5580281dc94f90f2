//! Another setting of the time gain: brightness that changes smoothly from the top of the picture to its bottom.

use super::planes::Planes;
use rand::{Rng, RngExt as _};

/// Depths at which a gain is drawn; between them it is interpolated, as between the sliders of a scanner.
const SLIDERS: usize = 5;

/// Multiplies every row by `1 + g`, where `g` runs in straight lines through [`SLIDERS`] values from
/// `[-most, most]`; nothing, and no random number drawn, where `most` is 0.
pub(super) fn apply(picture: &mut Planes<u8>, most: f64, rng: &mut impl Rng) {
    if most <= 0.0 {
        return;
    }
    let gains: [f64; SLIDERS] = std::array::from_fn(|_| most * (2.0 * rng.random::<f64>() - 1.0));
    let height = picture.size.height;
    let factors: Vec<f32> = (0..height).map(|row| (1.0 + gain_at(&gains, row, height)) as f32).collect();
    for (row, pixels) in picture.values.chunks_exact_mut(picture.size.width.max(1)).enumerate() {
        let factor = factors[row % height];
        for pixel in pixels {
            *pixel = (f32::from(*pixel) * factor + 0.5) as u8;
        }
    }
}

fn gain_at(gains: &[f64; SLIDERS], row: usize, height: usize) -> f64 {
    let depth = row as f64 / (height.max(2) - 1) as f64 * (SLIDERS - 1) as f64;
    let above = (depth as usize).min(SLIDERS - 2);
    let share = depth - above as f64;
    gains[above] * (1.0 - share) + gains[above + 1] * share
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Channels, Seed, Size};

    fn even(grey: u8, channels: Channels) -> Planes<u8> {
        let size = Size { height: 33, width: 4 };
        Planes { size, channels, values: vec![grey; size.height * size.width * channels.count()] }
    }

    #[test]
    fn rows_are_scaled_alike_along_themselves_and_smoothly_down() {
        let mut picture = even(100, Channels::Rgb);
        apply(&mut picture, 0.5, &mut Seed(1).stream("gain", &[]));
        let rows: Vec<u8> = picture.values.chunks(4).map(|row| row[0]).collect();
        assert!(picture.values.chunks(4).all(|row| row.iter().all(|pixel| *pixel == row[0])));
        assert_eq!([&rows[..33], &rows[33..66]], [&rows[33..66], &rows[66..]], "every channel alike");
        assert!(rows.iter().all(|grey| (50..=150).contains(grey)) && rows[..33].iter().any(|grey| *grey != rows[0]));
        // A whole range of 100 in a quarter of 33 rows.
        assert!(rows[..33].windows(2).all(|pair| pair[0].abs_diff(pair[1]) <= 13));
    }

    #[test]
    fn nothing_is_done_where_it_is_off_and_white_stays_white() {
        let mut rng = Seed(1).stream("gain", &[]);
        let mut picture = even(100, Channels::Grey);
        apply(&mut picture, 0.0, &mut rng);
        assert_eq!(picture, even(100, Channels::Grey));
        assert_eq!(rng.random::<u64>(), Seed(1).stream("gain", &[]).random::<u64>());
        let mut white = even(255, Channels::Grey);
        apply(&mut white, 0.9, &mut rng);
        assert!(white.values.iter().all(|grey| *grey > 24));
    }
}
