//! Frames of a clip → training views, in the order of HiCo's released configuration:
//! resize, random crop, flip, colour jitter, to `[0, 1]`, normalise, and then mix the frames of one clip.
//!
//! Every operation has the meaning that torchvision gives it on PIL pictures, bytes and rounding included, so that
//! results can be compared with the published ones. A grey frame gives what the same frame in three equal channels
//! would give, at a third of the work.

pub mod crop;
pub mod flip;
mod hue;
pub mod jitter;
pub mod mixup;
pub mod normalise;
pub mod planes;
mod recipe;
pub mod resize;
pub mod sample;
mod strip;
mod transpose;

pub use recipe::ViewRecipe;

use crate::clip::{Frame, Size};
use crate::dataset::{Dataset, DatasetError};
use crate::seed::Seed;
use crop::CropRange;
use jitter::{Jitter, JitterRange};
use normalise::Normalise;
use planes::Planes;
use rand::{Rng, RngExt as _};
use resize::Window;
use sample::Choice;

/// Which random changes a frame goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Augment {
    /// Crop, flip and colour jitter.
    Pretrain,
    /// Crop and flip.
    Finetune,
}

/// The two views of one clip, each `[3, side, side]`, normalised.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    /// Index of the clip in its data set.
    pub clip: usize,
    /// First view.
    pub a: Vec<f32>,
    /// Second view.
    pub b: Vec<f32>,
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

/// The two views of a clip (Zhang et al. 2022, section 3.1, and the released code).
///
/// - three frames or more: three distinct frames, each changed on its own; both views are mixed with the same anchor
///   frame by the same weight, drawn from Beta(`mixup`, `mixup`)
/// - two frames: the two, not mixed
/// - one frame: two changes of it
///
/// The result depends on the data, the recipe, `seed`, `epoch` and `clip`, and on nothing else.
///
/// # Errors
/// When there is no such clip or its frames cannot be read.
pub fn pair(dataset: &Dataset, clip: usize, recipe: &ViewRecipe, seed: Seed, epoch: u64) -> Result<Pair, DatasetError> {
    let row = dataset.manifest().rows.get(clip).ok_or(DatasetError::OutOfRange { clip, frame: 0 })?;
    let mut rng = seed.stream("view", &[epoch, clip as u64]);
    let view = |slot: u64, frame: usize| -> Result<Planes<f32>, DatasetError> {
        let frame = dataset.read_frame(clip, frame)?;
        let mut rng = seed.stream("view", &[epoch, clip as u64, slot]);
        Ok(augmented_planes(&frame, recipe, Augment::Pretrain, &mut rng))
    };
    let (a, b) = match sample::draw(row.frames, recipe.mixup > 0.0, &mut rng) {
        Choice::Pair { first, second } => (view(0, first)?, view(1, second)?),
        Choice::Anchored { first, second, anchor } => {
            let weight = mixup::draw(recipe.mixup, &mut rng);
            let anchor = view(2, anchor)?;
            (mixup::mix(view(0, first)?, &anchor, weight), mixup::mix(view(1, second)?, &anchor, weight))
        }
    };
    Ok(Pair { clip, a: a.into_three(), b: b.into_three() })
}

/// Two changes of one frame, drawn from anywhere in the clip: the pair of methods made for images (Chen et al. 2020,
/// section 2.1).
///
/// # Errors
/// As [`pair`].
pub fn twice(
    dataset: &Dataset,
    clip: usize,
    recipe: &ViewRecipe,
    seed: Seed,
    epoch: u64,
) -> Result<Pair, DatasetError> {
    let row = dataset.manifest().rows.get(clip).ok_or(DatasetError::OutOfRange { clip, frame: 0 })?;
    let frame = seed.stream("view", &[epoch, clip as u64]).random_range(0..row.frames.max(1));
    let frame = dataset.read_frame(clip, frame)?;
    let view = |slot: u64| {
        let mut rng = seed.stream("view", &[epoch, clip as u64, slot]);
        augmented(&frame, recipe, Augment::Pretrain, &mut rng)
    };
    Ok(Pair { clip, a: view(0), b: view(1) })
}

fn augmented_planes(frame: &Frame, recipe: &ViewRecipe, augment: Augment, rng: &mut impl Rng) -> Planes<f32> {
    let side = square(recipe.side);
    let picture = Planes::of(frame);
    let resized = resize::bilinear(&picture, Window::whole(frame.size), side);
    let window = CropRange { scale: recipe.crop_scale, ratio: recipe.crop_ratio }.draw(side, rng);
    let mut picture = resize::bilinear(&resized, window, side).into_owned();
    if rng.random_bool(recipe.flip) {
        flip::horizontal(&mut picture);
    }
    if augment == Augment::Pretrain {
        Jitter::draw(&JitterRange::of(recipe), rng).apply(&mut picture);
    }
    Normalise::of(recipe).planes(&picture)
}

const fn square(side: usize) -> Size {
    Size { height: side, width: side }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clip::{Channels, Clip};
    use crate::manifest::{ClipRow, Manifest};
    use crate::prefetch;
    use std::sync::Arc;

    /// Clips of smooth noise, `frames[i]` frames in clip `i`.
    fn dataset(frames: &[usize], channels: Channels) -> Dataset {
        let size = Size { height: 20, width: 26 };
        let clips: Vec<Clip> = (0..frames.len())
            .map(|clip| {
                let mut rng = Seed(7).stream("clip", &[clip as u64]);
                let values = frames[clip] * size.height * size.width;
                let grey = (0..values).map(|_| rng.random::<u8>());
                let pixels = grey.flat_map(|value| std::iter::repeat_n(value, channels.count())).collect();
                Clip { size, channels, pixels, fps: None }
            })
            .collect();
        let row = |clip: usize| ClipRow {
            group: format!("group-{clip}"),
            ..ClipRow::new(format!("clip-{clip}"), frames[clip], size, channels)
        };
        Dataset::in_memory(Manifest { rows: (0..frames.len()).map(row).collect() }, clips)
    }

    fn recipe() -> ViewRecipe {
        ViewRecipe { side: 33, ..ViewRecipe::default() }
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes_whatever_the_number_of_threads() {
        let data = Arc::new(dataset(&[5, 1, 2, 9, 3], Channels::Rgb));
        let views = |threads, seed| -> Vec<Pair> {
            let data = Arc::clone(&data);
            let jobs: Vec<(u64, usize)> = (0..4).flat_map(|epoch| (0..5).map(move |clip| (epoch, clip))).collect();
            prefetch::ordered(jobs, threads, 6, move |(epoch, clip)| {
                pair(&data, *clip, &recipe(), seed, *epoch).unwrap()
            })
            .collect()
        };
        let one = views(1, Seed(1));
        assert_eq!(one, views(2, Seed(1)));
        assert_eq!(one, views(7, Seed(1)));
        assert_ne!(one, views(7, Seed(2)));
        assert_ne!(one[0], one[5], "another epoch, other views");
        assert_eq!(one.iter().map(|pair| pair.clip).collect::<Vec<_>>()[..6], [0, 1, 2, 3, 4, 0]);
    }

    #[test]
    fn a_grey_clip_gives_the_views_of_the_same_clip_in_three_equal_channels() {
        let (grey, three) = (dataset(&[4, 2], Channels::Grey), dataset(&[4, 2], Channels::Rgb));
        for clip in 0..2 {
            for epoch in 0..10 {
                let views = |data| pair(data, clip, &recipe(), Seed(3), epoch).unwrap();
                assert_eq!(views(&grey), views(&three));
            }
        }
        let frames = [&grey, &three].map(|data| data.read_frame(0, 0).unwrap());
        assert_eq!(plain(&frames[0], &recipe()), plain(&frames[1], &recipe()));
    }

    #[test]
    fn views_of_three_frames_share_their_anchor_and_views_of_two_are_not_mixed() {
        // Frames of one even grey each, and no jitter: a view is even, and tells what it was mixed from.
        let still = ViewRecipe { brightness: 0.0, contrast: 0.0, saturation: 0.0, hue: 0.0, ..recipe() };
        let even = |greys: &[u8]| {
            let mut data = dataset(&[greys.len()], Channels::Grey);
            let clip = data.read_clip(0).unwrap();
            let pixels = greys.iter().flat_map(|grey| vec![*grey; clip.frame_bytes()]).collect();
            data = Dataset::in_memory(data.manifest().clone(), vec![Clip { pixels, ..clip }]);
            data
        };
        let value = |grey: u8| (f32::from(grey) / 255.0 - 0.5) / 0.25;
        let greys = [0u8, 50, 200];
        let three = even(&greys);
        for epoch in 0..50 {
            let Pair { a, b, .. } = pair(&three, 0, &still, Seed(4), epoch).unwrap();
            // With weight w: a = w*x1 + (1-w)*x2 and b = w*x3 + (1-w)*x2, so a - b = w*(x1 - x3) for some order.
            let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
            let explained = orders.iter().any(|order| {
                let [first, second, anchor] = order.map(|frame: usize| value(greys[frame]));
                let weight = (a[0] - b[0]) / (first - second);
                (0.0..=1.0 + 1e-5).contains(&weight) && (weight * first + (1.0 - weight) * anchor - a[0]).abs() < 1e-4
            });
            assert!(explained, "epoch {epoch}: {} and {}", a[0], b[0]);
        }
        let two = even(&greys[..2]);
        for epoch in 0..10 {
            let Pair { a, b, .. } = pair(&two, 0, &still, Seed(4), epoch).unwrap();
            let mut seen = [a[0], b[0]];
            seen.sort_by(f32::total_cmp);
            assert_eq!(seen, [value(0), value(50)]);
        }
    }

    #[test]
    fn half_of_all_views_are_mirrored_and_fine_tuning_leaves_colours_alone() {
        let size = Size { height: 8, width: 8 };
        let pixels = (0..64).map(|pixel| if pixel % 8 < 4 { 0 } else { 255 }).collect();
        let frame = Frame { size, channels: Channels::Grey, pixels };
        let mut rng = Seed(9).stream("flip", &[]);
        let mut mirrored = 0;
        for _ in 0..2000 {
            let view = augmented(&frame, &recipe(), Augment::Finetune, &mut rng);
            assert_eq!(view.len(), 3 * 33 * 33);
            let (left, right) = (view[0], view[32]);
            assert_eq!((left + right, left.abs()), (0.0, 2.0), "black and white stay what they are");
            mirrored += usize::from(left > right);
        }
        // Standard deviation 22.
        assert!((910..=1090).contains(&mirrored), "{mirrored}");
    }

    #[test]
    fn two_views_of_one_frame_are_of_one_frame_and_frames_come_from_anywhere() {
        let still = ViewRecipe { brightness: 0.0, contrast: 0.0, saturation: 0.0, hue: 0.0, ..recipe() };
        let data = dataset(&[4], Channels::Grey);
        let clip = data.read_clip(0).unwrap();
        let greys = [10, 80, 150, 220];
        let pixels = greys.iter().flat_map(|grey| vec![*grey; clip.frame_bytes()]).collect();
        let data = Dataset::in_memory(data.manifest().clone(), vec![Clip { pixels, ..clip }]);
        let mut seen = std::collections::BTreeSet::new();
        for epoch in 0..60 {
            let Pair { a, b, .. } = twice(&data, 0, &still, Seed(4), epoch).unwrap();
            assert_eq!(a[0], b[0], "even frames without jitter");
            seen.insert(((a[0] * 0.25 + 0.5) * 255.0).round() as u8);
        }
        assert_eq!(seen.into_iter().collect::<Vec<_>>(), greys);
        let moving = dataset(&[4], Channels::Grey);
        let Pair { a, b, .. } = twice(&moving, 0, &recipe(), Seed(4), 0).unwrap();
        assert_ne!(a, b, "each is changed on its own");
    }

    #[test]
    fn a_clip_that_is_not_there_is_an_error() {
        let data = dataset(&[3], Channels::Grey);
        assert!(matches!(pair(&data, 1, &recipe(), Seed(0), 0), Err(DatasetError::OutOfRange { clip: 1, .. })));
    }
}
