//! Frames of a clip → training views, in the order of HiCo's released configuration:
//! resize, random crop, flip, colour jitter, to `[0, 1]`, normalise, and then mix the frames of one clip.
//!
//! Every operation has the meaning that torchvision gives it on PIL pictures, bytes and rounding included, so that
//! results can be compared with the published ones. A grey frame gives what the same frame in three equal channels
//! would give, at a third of the work.

mod hue;
pub mod planes;
mod depth_gain;
pub mod flip;
pub mod mixup;
mod recipe;
pub mod normalise;
pub mod sample;
mod speckle;
mod strip;
pub mod jitter;
mod transpose;
pub mod resize;
pub mod crop;
mod of_clip;

pub use of_clip::{Crops, Near, Pair, ViewSource, WithFar};
pub use recipe::{ViewFault, ViewRecipe};

use crate::clip::{Frame, Size};
use crop::CropRange;
use jitter::{Jitter, JitterRange};
use normalise::Normalise;
use planes::Planes;
use rand::{Rng, RngExt as _};
use resize::Window;

/// Which random changes a frame goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Augment {
    /// Crop, flip and colour jitter.
    Pretrain,
    /// Crop and flip.
    Finetune,
}

/// Where a view lies in its frame, whose sides have length 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Place {
    /// First and last row.
    pub rows: [f64; 2],
    /// First and last column.
    pub columns: [f64; 2],
    /// Whether left and right have changed places.
    pub mirrored: bool,
}

/// The frame as it is shown to a model that is tested: resized and normalised.
///
/// - returns: `[3, side, side]`
///
/// # Panics
/// When the frame is empty or its bytes are not `height * width * channels`.
#[must_use]
pub fn plain(frame: &Frame, recipe: &ViewRecipe) -> Vec<f32> {
    let picture = Planes::of(frame);
    let small = resize::bilinear(&picture, Window::whole(frame.size), square(recipe.side));
    Normalise::of(recipe).planes(&small).into_three()
}

/// The frame after its random changes, normalised.
///
/// - returns: `[3, side, side]`
///
/// # Panics
/// As [`plain`].
#[must_use]
pub fn augmented(frame: &Frame, recipe: &ViewRecipe, augment: Augment, rng: &mut impl Rng) -> Vec<f32> {
    augmented_planes(frame, recipe, augment, rng).into_three()
}

fn augmented_planes(frame: &Frame, recipe: &ViewRecipe, augment: Augment, rng: &mut impl Rng) -> Planes<f32> {
    cropped(frame, recipe, CropRange::of(recipe), recipe.side, augment, rng)
}

/// A frame's way to a view of `side` pixels through a crop from `range`.
fn cropped(
    frame: &Frame,
    recipe: &ViewRecipe,
    range: CropRange,
    side: usize,
    augment: Augment,
    rng: &mut impl Rng,
) -> Planes<f32> {
    let whole = square(recipe.side);
    let picture = Planes::of(frame);
    let resized = resize::bilinear(&picture, Window::whole(frame.size), whole);
    let (window, mirrored) = placed(recipe, range, rng);
    let mut picture = resize::bilinear(&resized, window, square(side)).into_owned();
    if mirrored {
        flip::horizontal(&mut picture);
    }
    if augment == Augment::Pretrain {
        Jitter::draw(&JitterRange::of(recipe), rng).apply(&mut picture);
        depth_gain::apply(&mut picture, recipe.depth_gain, rng);
        speckle::apply(&mut picture, recipe.speckle, rng);
    }
    Normalise::of(recipe).planes(&picture)
}

/// The first of a view's random changes: its window, and whether it is mirrored.
fn placed(recipe: &ViewRecipe, range: CropRange, rng: &mut impl Rng) -> (Window, bool) {
    let window = range.draw(square(recipe.side), rng);
    (window, rng.random_bool(recipe.flip))
}

const fn square(side: usize) -> Size {
    Size { height: side, width: side }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clip::Channels;
    use crate::seed::Seed;

    #[test]
    fn half_of_all_views_are_mirrored_and_fine_tuning_leaves_colours_alone() {
        let size = Size { height: 8, width: 8 };
        let pixels = (0..64).map(|pixel| if pixel % 8 < 4 { 0 } else { 255 }).collect();
        let frame = Frame { size, channels: Channels::Grey, pixels };
        let recipe = ViewRecipe { side: 33, ..ViewRecipe::default() };
        let mut rng = Seed(9).stream("flip", &[]);
        let mut mirrored = 0;
        for _ in 0..2000 {
            let view = augmented(&frame, &recipe, Augment::Finetune, &mut rng);
            assert_eq!(view.len(), 3 * 33 * 33);
            let (left, right) = (view[0], view[32]);
            assert_eq!((left + right, left.abs()), (0.0, 2.0), "black and white stay what they are");
            mirrored += usize::from(left > right);
        }
        // Standard deviation 22.
        assert!((910..=1090).contains(&mirrored), "{mirrored}");
    }
}
