//! Colour jitter as torchvision applies it to PIL pictures: brightness, contrast, saturation and hue, in random order,
//! each rounding its result to bytes.

use super::hue;
use super::recipe::ViewRecipe;
use crate::clip::{Channels, Frame};
use rand::seq::SliceRandom as _;
use rand::{Rng, RngExt as _};

/// How far each property may be changed; 0 leaves it alone.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct JitterRange {
    /// The factor lies in `[max(0, 1 - brightness), 1 + brightness]`.
    pub brightness: f64,
    /// As `brightness`.
    pub contrast: f64,
    /// As `brightness`.
    pub saturation: f64,
    /// The shift lies in `[-hue, hue]` turns.
    pub hue: f64,
}

impl JitterRange {
    /// The ranges of a recipe.
    #[must_use]
    pub const fn of(recipe: &ViewRecipe) -> Self {
        Self {
            brightness: recipe.brightness,
            contrast: recipe.contrast,
            saturation: recipe.saturation,
            hue: recipe.hue,
        }
    }
}

/// One change of a picture's colours.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Change {
    /// 0 is black, 1 is the picture, above 1 is brighter.
    Brightness(f32),
    /// 0 is the picture's mean grey everywhere, 1 is the picture.
    Contrast(f32),
    /// 0 is grey, 1 is the picture.
    Saturation(f32),
    /// Shift along the colour circle, in turns.
    Hue(f64),
}

/// Changes in the order in which they are applied.
#[derive(Debug, Clone, PartialEq)]
pub struct Jitter(pub Vec<Change>);

impl Jitter {
    /// Draws a factor for each property and their order.
    #[must_use]
    pub fn draw(range: &JitterRange, rng: &mut impl Rng) -> Self {
        let mut factor = |range: f64| {
            let (low, high) = ((1.0 - range).max(0.0), 1.0 + range);
            (low + (high - low) * rng.random::<f64>()) as f32
        };
        let mut changes = vec![
            Change::Brightness(factor(range.brightness)),
            Change::Contrast(factor(range.contrast)),
            Change::Saturation(factor(range.saturation)),
        ];
        // A factor of 1 changes nothing, but even a shift by 0 would round colours to HSV bytes and back.
        if range.hue > 0.0 {
            changes.push(Change::Hue((2.0 * rng.random::<f64>() - 1.0) * range.hue));
        }
        changes.shuffle(rng);
        Self(changes)
    }

    /// Applies the changes, one after the other.
    pub fn apply(&self, frame: &mut Frame) {
        match frame.channels {
            Channels::Grey => self.apply_grey(&mut frame.pixels),
            Channels::Rgb => self.0.iter().for_each(|change| change.apply(frame.pixels.as_chunks_mut().0)),
        }
    }

    /// A grey picture has no saturation and no hue, and the other two map each grey value to one other: the changes
    /// become one table, which is what they would do to three equal channels.
    fn apply_grey(&self, pixels: &mut [u8]) {
        let counts = counts(pixels);
        let mut table: [u8; 256] = std::array::from_fn(|value| value as u8);
        for change in &self.0 {
            let (towards, factor) = match *change {
                Change::Brightness(factor) => (0, factor),
                Change::Contrast(factor) => {
                    let sum = table.iter().zip(counts).map(|(value, count)| u64::from(*value) * count).sum();
                    (rounded_mean(sum, pixels.len()), factor)
                }
                Change::Saturation(_) | Change::Hue(_) => continue,
            };
            table.iter_mut().for_each(|value| *value = blend(towards, *value, factor));
        }
        pixels.iter_mut().for_each(|pixel| *pixel = table[usize::from(*pixel)]);
    }
}

impl Change {
    /// Applies the change to pixels of three channels.
    fn apply(self, pixels: &mut [[u8; 3]]) {
        match self {
            Self::Brightness(factor) => blend_all(pixels, 0, factor),
            Self::Contrast(factor) => {
                let sum = pixels.iter().map(|pixel| u64::from(luma(*pixel))).sum();
                blend_all(pixels, rounded_mean(sum, pixels.len()), factor);
            }
            Self::Saturation(factor) => {
                for pixel in pixels {
                    let grey = luma(*pixel);
                    *pixel = pixel.map(|value| blend(grey, value, factor));
                }
            }
            Self::Hue(turns) => {
                // torchvision's conversion: towards zero, then modulo 256.
                let shift = (turns * 255.0) as i32 as u8;
                hue::turn_all(pixels, shift);
            }
        }
    }
}

/// Every channel of every pixel, blended with one grey value.
fn blend_all(pixels: &mut [[u8; 3]], towards: u8, factor: f32) {
    let table: [u8; 256] = std::array::from_fn(|value| blend(towards, value as u8, factor));
    pixels.as_flattened_mut().iter_mut().for_each(|value| *value = table[usize::from(*value)]);
}

/// `from` at factor 0, `to` at factor 1, beyond it above; cut to bytes towards zero, as PIL's blend does.
fn blend(from: u8, to: u8, factor: f32) -> u8 {
    (f32::from(from) + factor * (f32::from(to) - f32::from(from))) as u8
}

/// The grey of a colour: ITU-R 601 in 16 bits of fraction, rounded, as PIL's conversion to `L`.
fn luma([red, green, blue]: [u8; 3]) -> u8 {
    ((u32::from(red) * 19595 + u32::from(green) * 38470 + u32::from(blue) * 7471 + 0x8000) >> 16) as u8
}

fn rounded_mean(sum: u64, count: usize) -> u8 {
    (sum as f64 / count.max(1) as f64 + 0.5) as u8
}

/// How often each byte occurs.
fn counts(values: &[u8]) -> [u64; 256] {
    // Several tables, so that equal neighbours do not wait for each other.
    let mut parts = [[0_u64; 256]; 4];
    let (fours, rest) = values.as_chunks::<4>();
    for four in fours {
        parts.iter_mut().zip(four).for_each(|(part, value)| part[usize::from(*value)] += 1);
    }
    rest.iter().for_each(|value| parts[0][usize::from(*value)] += 1);
    std::array::from_fn(|value| parts.iter().map(|part| part[value]).sum())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seed;
    use crate::clip::Size;

    fn colour(pixels: &[[u8; 3]]) -> Frame {
        let size = Size { height: 1, width: pixels.len() };
        Frame { size, channels: Channels::Rgb, pixels: pixels.as_flattened().to_vec() }
    }

    fn after(change: Change, pixels: &[[u8; 3]]) -> Vec<[u8; 3]> {
        let mut frame = colour(pixels);
        Jitter(vec![change]).apply(&mut frame);
        frame.pixels.as_chunks().0.to_vec()
    }

    #[test]
    fn brightness_scales_and_saturates() {
        assert_eq!(after(Change::Brightness(0.5), &[[10, 101, 255]]), [[5, 50, 127]]);
        assert_eq!(after(Change::Brightness(1.8), &[[10, 101, 255]]), [[18, 181, 255]]);
    }

    #[test]
    fn no_contrast_is_the_mean_grey_and_no_saturation_each_pixel_s_own() {
        // 0.299 * 100 + 0.587 * 200 + 0.114 * 50 = 153; with black the mean is 76.5, rounded up.
        let pixels = [[100, 200, 50], [0, 0, 0]];
        assert_eq!(after(Change::Contrast(0.0), &pixels), [[77; 3]; 2]);
        assert_eq!(after(Change::Saturation(0.0), &pixels), [[153; 3], [0; 3]]);
    }

    #[test]
    fn a_third_of_a_turn_makes_red_green_and_green_blue() {
        let third = Change::Hue(1.0 / 3.0);
        assert_eq!(after(third, &[[255, 0, 0], [0, 255, 0], [7, 7, 7]]), [[0, 255, 0], [0, 0, 255], [7, 7, 7]]);
    }

    #[test]
    fn factors_stay_in_their_ranges_and_every_order_occurs() {
        let range = JitterRange { brightness: 0.8, contrast: 1.5, saturation: 0.1, hue: 0.2 };
        let mut rng = Seed(1).stream("jitter", &[]);
        let mut orders = std::collections::BTreeSet::new();
        for _ in 0..1000 {
            let Jitter(changes) = Jitter::draw(&range, &mut rng);
            for change in &changes {
                let inside = match *change {
                    Change::Brightness(factor) => (0.2 - 1e-6..=1.8 + 1e-6).contains(&factor),
                    Change::Contrast(factor) => (0.0..=2.5).contains(&factor),
                    Change::Saturation(factor) => (0.9 - 1e-6..=1.1 + 1e-6).contains(&factor),
                    Change::Hue(turns) => (-0.2..=0.2).contains(&turns),
                };
                assert!(inside, "{change:?}");
            }
            orders.insert(changes.iter().map(|change| format!("{change:?}").as_bytes()[0]).collect::<Vec<_>>());
        }
        assert_eq!(orders.len(), 24);
        let none = JitterRange { brightness: 0.0, contrast: 0.0, saturation: 0.0, hue: 0.0 };
        let mut frame = colour(&[[3, 141, 59], [26, 5, 35]]);
        Jitter::draw(&none, &mut rng).apply(&mut frame);
        assert_eq!(frame, colour(&[[3, 141, 59], [26, 5, 35]]));
    }

    proptest::proptest! {
        #[test]
        fn a_grey_frame_becomes_what_three_equal_channels_become(values in proptest::collection::vec(0u8.., 1..60), seed: u64) {
            let range = JitterRange { brightness: 0.8, contrast: 0.8, saturation: 0.8, hue: 0.2 };
            let jitter = Jitter::draw(&range, &mut Seed(seed).stream("jitter", &[]));
            let size = Size { height: 1, width: values.len() };
            let mut grey = Frame { size, channels: Channels::Grey, pixels: values.clone() };
            let mut three = colour(&values.iter().map(|value| [*value; 3]).collect::<Vec<_>>());
            jitter.apply(&mut grey);
            jitter.apply(&mut three);
            proptest::prop_assert_eq!(grey.pixels.iter().flat_map(|value| [*value; 3]).collect::<Vec<_>>(), three.pixels);
        }
    }
}
