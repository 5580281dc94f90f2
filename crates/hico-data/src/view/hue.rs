//! Turning colours along the circle of hues, through PIL's HSV in bytes.
//!
//! PIL's formulas mix 32 and 64 bits and cut or round in between. They read few different numbers, so they are computed
//! once, into tables, and each pixel then looks its bytes up.

use std::sync::LazyLock;

/// Turns colours by `shift` 255ths of the circle (hue modulo 256).
pub(super) fn turn_all(pixels: &mut [[u8; 3]], shift: u8) {
    let tables = &*TABLES;
    for pixel in pixels {
        *pixel = tables.turned(*pixel, shift);
    }
}

static TABLES: LazyLock<Tables> = LazyLock::new(Tables::new);

struct Tables {
    /// Saturation, by the largest of the three values and its distance from the least.
    saturation: Vec<u8>,
    /// Hue, by [`Kind`], the distance of the largest value from the least, and that from the middle one.
    hue: Vec<u8>,
    /// For each hue, its sixth of the circle and how far it lies in it.
    sixth: [(usize, f64); 256],
    /// What a saturation's byte stands for, 0 to 1.
    share: [f64; 256],
}

/// Which channel is the largest, and which of the others the least.
const KINDS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

/// For each sixth of the circle what becomes red, green and blue: value (0), rising (1), falling (2) or low (3).
const ORDERS: [[usize; 3]; 6] = [[0, 1, 3], [2, 0, 3], [3, 0, 1], [3, 2, 0], [1, 3, 0], [0, 3, 2]];

impl Tables {
    fn new() -> Self {
        let bytes = |count: usize, of: &dyn Fn(usize, u8, u8) -> u8| -> Vec<u8> {
            let place = |place: usize| of(place >> 16, (place >> 8) as u8, place as u8);
            (0..count << 16).map(place).collect()
        };
        let saturation = bytes(1, &|_, most, range| match f32::from(range) / f32::from(most) {
            share if share > 0.0 => (f64::from(share) * 255.0) as u8,
            _ => 0,
        });
        let hue = bytes(KINDS.len(), &|kind, range, distance| {
            // Only distances matter: the colour of that kind whose least value is 0.
            let [largest, _, middle] = KINDS[kind];
            let mut pixel = [0; 3];
            pixel[largest] = range;
            pixel[middle] = range.saturating_sub(distance);
            hue(pixel, largest, range)
        });
        let sixth = std::array::from_fn(|hue| {
            let sixths = hue as f64 * 6.0 / 255.0;
            let sector = sixths.floor();
            (sector as usize % 6, f64::from((sixths - sector) as f32))
        });
        let share = std::array::from_fn(|saturation| f64::from((saturation as f64 / 255.0) as f32));
        Self { saturation, hue, sixth, share }
    }

    fn turned(&self, pixel: [u8; 3], shift: u8) -> [u8; 3] {
        let [red, green, blue] = pixel;
        let (most, least) = (red.max(green).max(blue), red.min(green).min(blue));
        let range = most - least;
        let saturation = self.saturation[usize::from(most) << 8 | usize::from(range)];
        if saturation == 0 {
            // Too weak for the byte that holds it, or black: PIL's way back gives a grey pixel.
            return [most; 3];
        }
        let kind = match pixel {
            [red, green, _] if red == most => usize::from(green != least),
            [red, green, _] if green == most => 2 + usize::from(red != least),
            [red, _, _] => 4 + usize::from(red != least),
        };
        let distance = most - pixel[KINDS[kind][2]];
        let hue = self.hue[kind << 16 | usize::from(range) << 8 | usize::from(distance)];
        self.colour(hue.wrapping_add(shift), saturation, most)
    }

    /// PIL's colour of a hue, a saturation and a value, each a byte.
    fn colour(&self, hue: u8, saturation: u8, value: u8) -> [u8; 3] {
        let ((sixth, rest), share) = (self.sixth[usize::from(hue)], self.share[usize::from(saturation)]);
        // Rounded to the nearest; the test looks at every colour.
        let scaled = |by: f64| (f64::from(value) * by + 0.5) as u8;
        let parts = [value, scaled(1.0 - share * (1.0 - rest)), scaled(1.0 - share * rest), scaled(1.0 - share)];
        ORDERS[sixth].map(|part| parts[part])
    }
}

/// PIL's hue of a colour that is not grey, in 255ths of a turn, cut towards zero.
///
/// - `largest`: the channel that counts as the largest
/// - `range`: its distance from the least
fn hue(pixel: [u8; 3], largest: usize, range: u8) -> u8 {
    let missing = |channel: usize| f32::from(pixel[largest] - pixel[channel]) / f32::from(range);
    let sixths = match largest {
        0 => missing(2) - missing(1),
        1 => (2.0 + f64::from(missing(0)) - f64::from(missing(2))) as f32,
        _ => (4.0 + f64::from(missing(1)) - f64::from(missing(0))) as f32,
    };
    let turns = (f64::from(sixths) / 6.0 + 1.0).fract() as f32;
    (f64::from(turns) * 255.0) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The same for one pixel by the formulas, with no table.
    fn formula(pixel: [u8; 3]) -> Option<(u8, u8, u8)> {
        let [red, green, blue] = pixel;
        let (most, least) = (red.max(green).max(blue), red.min(green).min(blue));
        let range = most - least;
        let saturation = match f32::from(range) / f32::from(most) {
            share if share > 0.0 => (f64::from(share) * 255.0) as u8,
            _ => 0,
        };
        let largest = if red == most { 0 } else { 1 + usize::from(green != most) };
        (saturation > 0).then(|| (hue(pixel, largest, range), saturation, most))
    }

    /// PIL's colour of a hue, a saturation and a value, each a byte.
    fn from_hsv(hue: u8, saturation: u8, value: u8) -> [u8; 3] {
        let sixths = f64::from(hue) * 6.0 / 255.0;
        let sector = sixths.floor();
        let rest = f64::from((sixths - sector) as f32);
        let saturation = f64::from((f64::from(saturation) / 255.0) as f32);
        let scaled = |share: f64| (f64::from(value) * share).round() as u8;
        let (low, falling, rising) =
            (scaled(1.0 - saturation), scaled(1.0 - saturation * rest), scaled(1.0 - saturation * (1.0 - rest)));
        match sector as u8 % 6 {
            0 => [value, rising, low],
            1 => [falling, value, low],
            2 => [low, value, rising],
            3 => [low, falling, value],
            4 => [rising, low, value],
            _ => [value, low, falling],
        }
    }

    #[test]
    fn every_colour_is_turned_as_by_the_formulas() {
        let tables = &*TABLES;
        for red in 0..=255 {
            for place in 0..1 << 16 {
                let pixel = [red, (place >> 8) as u8, place as u8];
                // Another shift for each colour.
                let shift = red.wrapping_mul(37).wrapping_add(pixel[2]);
                let expected = match formula(pixel) {
                    Some((hue, saturation, value)) => from_hsv(hue.wrapping_add(shift), saturation, value),
                    None => [pixel[0].max(pixel[1]).max(pixel[2]); 3],
                };
                assert_eq!(tables.turned(pixel, shift), expected, "{pixel:?} by {shift}");
            }
        }
    }

    #[test]
    fn every_hue_saturation_and_value_has_its_colour() {
        let tables = &*TABLES;
        for hue in 0..=255 {
            for place in 0..1 << 16 {
                let (saturation, value) = ((place >> 8) as u8, place as u8);
                assert_eq!(tables.colour(hue, saturation, value), from_hsv(hue, saturation, value));
            }
        }
    }
}
