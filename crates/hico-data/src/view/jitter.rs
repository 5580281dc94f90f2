//! Colour jitter as torchvision applies it to PIL pictures: brightness, contrast, saturation and hue, in random order,
//! each rounding its result to bytes.

use super::planes::Planes;
use super::recipe::ViewRecipe;
use super::strip::{Step, Steps, SumOfGreys};
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
    pub fn apply(&self, picture: &mut Planes<u8>) {
        // A change of contrast needs the whole picture before it; the others need their own pixel.
        let mut steps = Vec::new();
        for change in &self.0 {
            let step = match *change {
                Change::Brightness(factor) => Step::Blend { towards: 0, factor },
                Change::Contrast(factor) => {
                    take(picture, &steps);
                    steps.clear();
                    Step::Blend { towards: mean_grey(picture), factor }
                }
                Change::Saturation(factor) => Step::Saturate { factor },
                // torchvision's conversion of the shift: towards zero, then modulo 256.
                Change::Hue(turns) => Step::Turn { shift: (turns * 255.0) as i32 as u8 },
            };
            steps.push(step);
        }
        take(picture, &steps);
    }
}

fn take(picture: &mut Planes<u8>, steps: &[Step]) {
    let arch = pulp::Arch::new();
    match picture.colours() {
        _ if steps.is_empty() => {}
        Some(planes) => arch.dispatch(Steps { planes, steps }),
        None => arch.dispatch(Steps { planes: [&mut picture.values], steps }),
    }
}

/// Of the greys as bytes, rounded.
fn mean_grey(picture: &mut Planes<u8>) -> u8 {
    let arch = pulp::Arch::new();
    let pixels = picture.size.height * picture.size.width;
    let sum = match picture.colours() {
        Some(planes) => arch.dispatch(SumOfGreys(planes.map(|plane| &*plane))),
        None => arch.dispatch(SumOfGreys([&picture.values])),
    };
    (sum as f64 / pixels.max(1) as f64 + 0.5) as u8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seed;
    use crate::clip::{Channels, Frame, Size};

    fn colour(pixels: &[[u8; 3]]) -> Planes<u8> {
        let size = Size { height: 1, width: pixels.len() };
        Planes::of(&Frame { size, channels: Channels::Rgb, pixels: pixels.as_flattened().to_vec() })
    }

    fn after(change: Change, pixels: &[[u8; 3]]) -> Vec<[u8; 3]> {
        let mut picture = colour(pixels);
        Jitter(vec![change]).apply(&mut picture);
        let [red, green, blue] = picture.colours().unwrap();
        (0..pixels.len()).map(|pixel| [red[pixel], green[pixel], blue[pixel]]).collect()
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
        let mut picture = colour(&[[3, 141, 59], [26, 5, 35]]);
        Jitter::draw(&none, &mut rng).apply(&mut picture);
        assert_eq!(picture, colour(&[[3, 141, 59], [26, 5, 35]]));
    }

    proptest::proptest! {
        #[test]
        fn a_grey_frame_becomes_what_three_equal_channels_become(values in proptest::collection::vec(0u8.., 1..160), seed: u64) {
            let range = JitterRange { brightness: 0.8, contrast: 0.8, saturation: 0.8, hue: 0.2 };
            let jitter = Jitter::draw(&range, &mut Seed(seed).stream("jitter", &[]));
            let mut three = colour(&values.iter().map(|value| [*value; 3]).collect::<Vec<_>>());
            let mut grey = Planes { size: three.size, channels: Channels::Grey, values: values.clone() };
            jitter.apply(&mut grey);
            jitter.apply(&mut three);
            proptest::prop_assert_eq!(grey.into_three(), three.values);
        }
    }
}
