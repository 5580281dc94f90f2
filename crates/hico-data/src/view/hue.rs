//! Turning colours along the circle of hues, through PIL's HSV in bytes.
//!
//! PIL's formulas mix 32 and 64 bits and round or cut in between. Here all is in 32 bits and without a branch, so that
//! the loop becomes wide instructions; that the bytes are PIL's is shown for every colour there is, in the tests.

/// A colour turned by `shift` 255ths of the circle (hue modulo 256). All are whole numbers up to 255.
#[inline(always)]
pub(super) fn turned([red, green, blue]: [f32; 3], shift: f32) -> [f32; 3] {
    let (hue, saturation, value) = hsv(red, green, blue);
    let hue = if hue + shift > 255.0 { hue + shift - 256.0 } else { hue + shift };
    colour(hue, saturation, value)
}

/// PIL's hue, saturation and value, each a whole number up to 255. Where the saturation is 0 the hue is any.
#[inline(always)]
fn hsv(red: f32, green: f32, blue: f32) -> (f32, f32, f32) {
    let (most, least) = (red.max(green).max(blue), red.min(green).min(blue));
    let range = most - least;
    // Where the divisor is 0 so is the dividend.
    let saturation = (range / most.max(1.0) * 255.0).floor();
    // How far the middle one of the three lies below the largest, as a share of the range.
    let below = (most - (red + green + blue - most - least)) / range.max(1.0);
    // The sixth of the circle at which the largest is alone, and to which side of it the middle one pulls.
    let (sixth, pulls) = if red == most {
        (0.0, side(green >= blue))
    } else if green == most {
        (2.0, side(blue >= red))
    } else {
        (4.0, side(red >= green))
    };
    let turns = ((sixth + pulls) - pulls * below) / 6.0;
    let turns = if turns < 0.0 { turns + 1.0 } else { turns };
    ((turns * 255.0).floor(), saturation, most)
}

/// PIL's colour of a hue, a saturation and a value.
///
/// Along the circle of 1530 steps a channel is full for a third, falls for a sixth, is low for a third and rises.
#[inline(always)]
fn colour(hue: f32, saturation: f32, value: f32) -> [f32; 3] {
    let place = hue * 6.0;
    // How far each channel is from full, and 255 or more where it is low.
    let red = (place - 255.0).min(1275.0 - place);
    let green = (255.0 - place).max(place - 765.0);
    let blue = (765.0 - place).max(place - 1275.0);
    let most_missing = value * saturation * (1.0 / 65025.0);
    let rounded = value + 0.5;
    let channel = |missing: f32| (rounded - most_missing * missing.clamp(0.0, 255.0)).floor();
    [channel(red), channel(green), channel(blue)]
}

#[inline(always)]
const fn side(after: bool) -> f32 {
    if after { 1.0 } else { -1.0 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::view::strip::{Step, Steps};

    /// PIL's conversion of one colour, with its mixture of 32 and 64 bits.
    fn pil_hsv([red, green, blue]: [u8; 3]) -> [u8; 3] {
        let (most, least) = (red.max(green).max(blue), red.min(green).min(blue));
        let range = f32::from(most - least);
        if most == least {
            return [0, 0, most];
        }
        let saturation = range / f32::from(most);
        let missing = |channel: u8| f32::from(most - channel) / range;
        let sixths = if red == most {
            missing(blue) - missing(green)
        } else if green == most {
            (2.0 + f64::from(missing(red)) - f64::from(missing(blue))) as f32
        } else {
            (4.0 + f64::from(missing(green)) - f64::from(missing(red))) as f32
        };
        let turns = (f64::from(sixths) / 6.0 + 1.0).fract() as f32;
        [(f64::from(turns) * 255.0) as u8, (f64::from(saturation) * 255.0) as u8, most]
    }

    /// PIL's colour of a hue, a saturation and a value.
    fn pil_rgb([hue, saturation, value]: [u8; 3]) -> [u8; 3] {
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

    /// Every blue of every green, as planes of one red.
    fn plane(red: u8) -> [Vec<u8>; 3] {
        let each = |of: fn(u32) -> u8| (0..1 << 16).map(of).collect();
        [vec![red; 1 << 16], each(|place| (place >> 8) as u8), each(|place| place as u8)]
    }

    #[test]
    fn every_colour_is_turned_as_pil_turns_it() {
        for first in 0..=255 {
            // Another shift for each plane.
            let shift = first * 37 % 256;
            let before = plane(first as u8);
            let mut after = before.clone();
            let planes = after.each_mut().map(Vec::as_mut_slice);
            pulp::Arch::new().dispatch(Steps { planes, steps: &[Step::Turn { shift: shift as u8 }] });
            for place in 0..1 << 16 {
                let pixel = [0, 1, 2].map(|channel: usize| before[channel][place]);
                let [hue, saturation, value] = pil_hsv(pixel);
                let expected = pil_rgb([hue.wrapping_add(shift as u8), saturation, value]);
                assert_eq!([0, 1, 2].map(|channel: usize| after[channel][place]), expected, "{pixel:?} by {shift}");
            }
        }
    }

    #[test]
    fn every_hue_saturation_and_value_has_its_colour() {
        for hue in 0..=255 {
            let [hues, saturations, values] = plane(hue);
            for ((hue, saturation), value) in hues.into_iter().zip(saturations).zip(values) {
                let [h, s, v] = [hue, saturation, value].map(f32::from);
                let colour = colour(h, s, v).map(|channel| channel as u8);
                assert_eq!(colour, pil_rgb([hue, saturation, value]), "{hue} {saturation} {value}");
            }
        }
    }
}
