//! Random crops as torchvision's `RandomResizedCrop` draws them.

use super::recipe::ViewRecipe;
use super::resize::Window;
use crate::clip::Size;
use rand::{Rng, RngExt as _};

/// From where the area and the shape of a crop are drawn.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CropRange {
    /// Smallest and largest share of the frame's area.
    pub scale: [f64; 2],
    /// Smallest and largest width-to-height ratio; drawn evenly in its logarithm.
    pub ratio: [f64; 2],
}

/// How often torchvision tries before it gives up and takes the middle of the frame.
const TRIES: usize = 10;

impl CropRange {
    /// The range of a recipe.
    #[must_use]
    pub const fn of(recipe: &ViewRecipe) -> Self {
        Self { scale: recipe.crop_scale, ratio: recipe.crop_ratio }
    }

    /// Draws a window inside a frame of `size`: area, then ratio, until it fits; after ten tries the largest window in
    /// the middle whose ratio is allowed.
    #[must_use]
    pub fn draw(&self, size: Size, rng: &mut impl Rng) -> Window {
        let [low, high] = self.ratio.map(f64::ln);
        for _ in 0..TRIES {
            let area = size.height as f64 * size.width as f64 * between(self.scale, rng);
            let ratio = between([low, high], rng).exp();
            let width = (area * ratio).sqrt().round_ties_even() as usize;
            let height = (area / ratio).sqrt().round_ties_even() as usize;
            if (1..=size.width).contains(&width) && (1..=size.height).contains(&height) {
                let top = rng.random_range(0..=size.height - height);
                let left = rng.random_range(0..=size.width - width);
                return Window { top, left, size: Size { height, width } };
            }
        }
        self.middle(size)
    }

    /// The largest window in the middle of the frame whose ratio is allowed.
    fn middle(&self, size: Size) -> Window {
        let [low, high] = self.ratio;
        let (height, width) = (size.height as f64, size.width as f64);
        let inner = match width / height {
            ratio if ratio < low => Size { height: (width / low).round_ties_even() as usize, width: size.width },
            ratio if ratio > high => Size { height: size.height, width: (height * high).round_ties_even() as usize },
            _ => size,
        };
        let inner =
            Size { height: inner.height.clamp(1, size.height.max(1)), width: inner.width.clamp(1, size.width.max(1)) };
        Window { top: (size.height - inner.height) / 2, left: (size.width - inner.width) / 2, size: inner }
    }
}

/// Evenly from `low` to `high`; the two may be equal.
fn between([low, high]: [f64; 2], rng: &mut impl Rng) -> f64 {
    low + (high - low) * rng.random::<f64>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Seed;

    const PUBLISHED: CropRange = CropRange { scale: [0.8, 1.0], ratio: [0.8, 1.25] };
    const SQUARE: Size = Size { height: 224, width: 224 };

    fn draws(range: CropRange, size: Size) -> Vec<Window> {
        let mut rng = Seed(3).stream("crop", &[]);
        (0..4000).map(|_| range.draw(size, &mut rng)).collect()
    }

    #[test]
    fn a_crop_keeps_its_share_of_the_area_and_its_shape_and_stays_inside() {
        for window in draws(PUBLISHED, SQUARE) {
            let Window { top, left, size: Size { height, width } } = window;
            assert!(top + height <= 224 && left + width <= 224, "{window:?}");
            // Sides are rounded to whole pixels: half a pixel of 200 is a quarter of a percent of each side.
            let share = (height * width) as f64 / f64::from(224 * 224);
            assert!((0.8 * 0.995..=1.0).contains(&share), "{window:?}");
            let ratio = width as f64 / height as f64;
            assert!((0.8 * 0.994..=1.25 * 1.006).contains(&ratio), "{window:?}");
        }
    }

    #[test]
    fn corners_areas_and_shapes_spread_over_their_ranges() {
        let windows = draws(PUBLISHED, SQUARE);
        let share = |keep: &dyn Fn(&Window) -> bool| {
            windows.iter().filter(|window| keep(window)).count() as f64 / windows.len() as f64
        };
        let wide = share(&|window| window.size.width > window.size.height);
        let tall = share(&|window| window.size.width < window.size.height);
        assert!((wide - tall).abs() < 0.05, "wide {wide}, tall {tall}: the ratio is drawn evenly in its logarithm");
        // Large crops fit less often, hence small areas are more frequent than a quarter of the range each.
        let small = share(&|window| window.size.height * window.size.width < 224 * 224 * 85 / 100);
        assert!((0.3..0.6).contains(&small), "{small}");
        // Where a crop lies is even: its mean distance from one edge is that from the opposite one.
        let mean = |of: &dyn Fn(&Window) -> usize| windows.iter().map(of).sum::<usize>() as f64 / windows.len() as f64;
        let (left, right) = (mean(&|window| window.left), mean(&|window| 224 - window.size.width - window.left));
        let (top, bottom) = (mean(&|window| window.top), mean(&|window| 224 - window.size.height - window.top));
        assert!((left - right).abs() < 0.8 && (top - bottom).abs() < 0.8, "{left} {right} {top} {bottom}");
        assert!(left > 4.0 && top > 4.0, "{left} {top}");
    }

    #[test]
    fn what_never_fits_becomes_the_middle_of_the_frame() {
        let long = Size { height: 10, width: 100 };
        for window in draws(PUBLISHED, long) {
            // The widest allowed window: 10 rows, 12.5 columns, rounded half to even.
            assert_eq!(window, Window { top: 0, left: 44, size: Size { height: 10, width: 12 } });
        }
        let tall = Size { height: 100, width: 10 };
        assert_eq!(draws(PUBLISHED, tall)[0], Window { top: 44, left: 0, size: Size { height: 12, width: 10 } });
    }

    #[test]
    fn the_whole_area_at_ratio_one_is_the_whole_frame() {
        let range = CropRange { scale: [1.0, 1.0], ratio: [1.0, 1.0] };
        assert!(draws(range, SQUARE).iter().all(|window| *window == Window::whole(SQUARE)));
    }
}
