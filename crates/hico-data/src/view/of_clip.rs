//! Which views are drawn of a clip: pairs, near and far frames, crops of one frame.
//!
//! Every result depends on the data, the recipe, `seed`, `epoch` and `clip`, and on nothing else.

use super::crop::CropRange;
use super::planes::Planes;
use super::recipe::ViewRecipe;
use super::resize::Window;
use super::sample::{self, Choice};
use super::{Augment, Place, augmented_planes, cropped, mixup, placed};
use crate::clip::Frame;
use crate::dataset::Dataset;
use crate::error::Error;
use crate::manifest::ClipRow;
use crate::seed::Seed;
use rand::RngExt as _;
use rand_chacha::ChaCha8Rng;

/// Frames a second where the source does not state it.
const USUAL_FPS: f64 = 30.0;

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

/// Two views of frames close in time.
#[derive(Debug, Clone, PartialEq)]
pub struct Near {
    /// The views.
    pub pair: Pair,
    /// Time between their frames, seconds.
    pub seconds: f64,
    /// Frames a second of the clip, or what is usual where it does not say.
    pub fps: f64,
}

/// Two views of frames close in time, and some of frames far from them.
#[derive(Debug, Clone, PartialEq)]
pub struct WithFar {
    /// The views that belong together.
    pub pair: Pair,
    /// The far ones; nothing where the clip has no such frame.
    pub far: Option<Vec<Vec<f32>>>,
}

/// Crops of one frame, normalised.
#[derive(Debug, Clone, PartialEq)]
pub struct Crops {
    /// Large ones, `[3, side, side]` each.
    pub global: [Vec<f32>; 2],
    /// Small ones, `[3, small, small]` each, where `small` is [`Crops::small_side`].
    pub local: [Vec<f32>; Self::LOCAL],
}

impl Crops {
    /// Small crops of a frame.
    pub const LOCAL: usize = 4;

    /// Share of the frame's area that a small crop keeps (Caron et al. 2021, appendix E).
    const LOCAL_SCALE: [f64; 2] = [0.05, 0.4];

    /// Side of a small crop, pixels: 96 where a large one has 224, as in the paper, and 32 at least.
    #[must_use]
    pub const fn small_side(side: usize) -> usize {
        let small = side * 3 / 7;
        if small < 32 { 32 } else { small }
    }
}

/// What is needed to draw views of one clip in one epoch.
struct Source<'a> {
    dataset: &'a Dataset,
    clip: usize,
    row: &'a ClipRow,
    recipe: &'a ViewRecipe,
    seed: Seed,
    epoch: u64,
}

impl<'a> Source<'a> {
    fn new(dataset: &'a Dataset, clip: usize, recipe: &'a ViewRecipe, seed: Seed, epoch: u64) -> Result<Self, Error> {
        let row = dataset.manifest().rows.get(clip).ok_or(Error::OutOfRange { clip, frame: 0 })?;
        Ok(Self { dataset, clip, row, recipe, seed, epoch })
    }

    /// Decides which frames are drawn.
    fn choices(&self) -> ChaCha8Rng {
        self.seed.stream("view", &[self.epoch, self.clip as u64])
    }

    /// Decides the changes of one view.
    fn changes(&self, slot: u64) -> ChaCha8Rng {
        changes(self.seed, self.epoch, self.clip, slot)
    }

    /// A frame after the changes of a slot.
    fn view(&self, slot: u64, frame: usize) -> Result<Planes<f32>, Error> {
        let frame = self.dataset.read_frame(self.clip, frame)?;
        Ok(augmented_planes(&frame, self.recipe, Augment::Pretrain, &mut self.changes(slot)))
    }

    fn fps(&self) -> f64 {
        self.row.fps.filter(|fps| fps.is_finite() && *fps > 0.0).unwrap_or(USUAL_FPS)
    }

    /// The most that the frames of a pair may lie apart, in frames.
    fn within(&self) -> usize {
        if self.recipe.pair_within > 0.0 { (self.recipe.pair_within * self.fps()) as usize } else { usize::MAX }
    }

    /// Two frames as [`Self::within`] allows, each changed on its own, and their numbers.
    fn near(&self, rng: &mut ChaCha8Rng) -> Result<(Pair, [usize; 2]), Error> {
        let choice = sample::draw(self.row.frames, self.within(), false, rng);
        let (Choice::Pair { first, second } | Choice::Anchored { first, second, .. }) = choice;
        let [a, b] = [self.view(0, first)?, self.view(1, second)?].map(Planes::into_three);
        Ok((Pair { clip: self.clip, a, b }, [first, second]))
    }
}

/// Decides the random changes of one view.
fn changes(seed: Seed, epoch: u64, clip: usize, slot: u64) -> ChaCha8Rng {
    seed.stream("view", &[epoch, clip as u64, slot])
}

/// The two views of a clip (Zhang et al. 2022, section 3.1, and the released code).
///
/// - three frames or more: three distinct frames, each changed on its own; both views are mixed with the same anchor
///   frame by the same weight, drawn from Beta(`mixup`, `mixup`)
/// - two frames: the two, not mixed
/// - one frame: two augmented views of it
///
/// With `aligned_mix` the anchor goes through the changes of each view instead of its own; with `pair_within` frames
/// lie no farther than that from the first.
///
/// # Errors
/// When there is no such clip or its frames cannot be read.
pub fn pair(dataset: &Dataset, clip: usize, recipe: &ViewRecipe, seed: Seed, epoch: u64) -> Result<Pair, Error> {
    let source = Source::new(dataset, clip, recipe, seed, epoch)?;
    let mut rng = source.choices();
    let (a, b) = match sample::draw(source.row.frames, source.within(), recipe.mixup > 0.0, &mut rng) {
        Choice::Pair { first, second } => (source.view(0, first)?, source.view(1, second)?),
        Choice::Anchored { first, second, anchor } => {
            let weight = mixup::draw(recipe.mixup, &mut rng);
            let [a, b] = [source.view(0, first)?, source.view(1, second)?];
            if recipe.aligned_mix {
                let [of_a, of_b] = [source.view(0, anchor)?, source.view(1, anchor)?];
                (mixup::mix(a, &of_a, weight), mixup::mix(b, &of_b, weight))
            } else {
                let anchor = source.view(2, anchor)?;
                (mixup::mix(a, &anchor, weight), mixup::mix(b, &anchor, weight))
            }
        }
    };
    Ok(Pair { clip, a: a.into_three(), b: b.into_three() })
}

/// Where the two views of [`pair`] lie in their frames. Frames that are mixed into a view lie there too with `aligned_mix`; without
/// it each has a window of its own, and these are those of the frames that the views do not share.
#[must_use]
pub fn places(clip: usize, recipe: &ViewRecipe, seed: Seed, epoch: u64) -> [Place; 2] {
    [0, 1].map(|slot| {
        let mut changes = changes(seed, epoch, clip, slot);
        let (Window { top, left, size }, mirrored) = placed(recipe, CropRange::of(recipe), &mut changes);
        let along = |first: usize, count: usize| [first, first + count].map(|at| at as f64 / recipe.side as f64);
        Place { rows: along(top, size.height), columns: along(left, size.width), mirrored }
    })
}

/// Two augmented views of one frame, drawn from anywhere in the clip: the pair of methods made for images (Chen et al. 2020,
/// section 2.1).
///
/// # Errors
/// As [`pair`].
pub fn twice(dataset: &Dataset, clip: usize, recipe: &ViewRecipe, seed: Seed, epoch: u64) -> Result<Pair, Error> {
    let source = Source::new(dataset, clip, recipe, seed, epoch)?;
    let frame = source.choices().random_range(0..source.row.frames.max(1));
    let frame = dataset.read_frame(clip, frame)?;
    let view = |slot: u64| augmented_planes(&frame, recipe, Augment::Pretrain, &mut source.changes(slot)).into_three();
    Ok(Pair { clip, a: view(0), b: view(1) })
}

/// One augmented view of one frame, drawn from anywhere in the clip: `[3, side, side]`, normalised.
///
/// # Errors
/// As [`pair`].
pub fn single(dataset: &Dataset, clip: usize, recipe: &ViewRecipe, seed: Seed, epoch: u64) -> Result<Vec<f32>, Error> {
    let source = Source::new(dataset, clip, recipe, seed, epoch)?;
    let frame = source.choices().random_range(0..source.row.frames.max(1));
    Ok(source.view(0, frame)?.into_three())
}

/// Two distinct frames at most `pair_within` seconds apart, each changed on its own (VanBerlo et al. 2024, section 3.1).
/// Neighbouring frames are always near; a clip of one frame gives two augmented views of it.
///
/// # Errors
/// As [`pair`].
pub fn near(dataset: &Dataset, clip: usize, recipe: &ViewRecipe, seed: Seed, epoch: u64) -> Result<Near, Error> {
    let source = Source::new(dataset, clip, recipe, seed, epoch)?;
    let (pair, [first, second]) = source.near(&mut source.choices())?;
    Ok(Near { pair, seconds: first.abs_diff(second) as f64 / source.fps(), fps: source.fps() })
}

/// Views as [`near`], and views of frames that lie a share of the clip's length from the first and farther from it than a pair
/// may (Basu et al. 2022).
///
/// - `count`: how many; of fewer such frames some are drawn again
/// - `away`: the least and the most of that share, 0 to 1; `None` asks for no far frame
///
/// # Errors
/// As [`pair`].
pub fn with_far(
    dataset: &Dataset,
    clip: usize,
    recipe: &ViewRecipe,
    (seed, epoch): (Seed, u64),
    count: u64,
    away: Option<[f64; 2]>,
) -> Result<WithFar, Error> {
    let source = Source::new(dataset, clip, recipe, seed, epoch)?;
    let mut rng = source.choices();
    let (pair, [first, _]) = source.near(&mut rng)?;
    let frames = source.row.frames;
    let mut draw = || {
        let [least, most] = away?.map(|share| share * frames as f64);
        let least = (least.ceil() as usize).max(source.within().saturating_add(1));
        sample::far(frames, first, least..=(most.floor() as usize).max(least), &mut rng)
    };
    let far: Option<Vec<usize>> = (0..count).map(|_| draw()).collect();
    let view = |(slot, frame): (u64, usize)| source.view(2 + slot, frame).map(Planes::into_three);
    let far = far.map(|far| (0..).zip(far).map(view).collect::<Result<_, _>>()).transpose()?;
    Ok(WithFar { pair, far })
}

/// Large and small crops of one frame, drawn from anywhere in the clip (Caron et al. 2020 and 2021, multi-crop). Large
/// ones keep `crop_scale` of the frame's area.
///
/// # Errors
/// As [`pair`].
pub fn crops(dataset: &Dataset, clip: usize, recipe: &ViewRecipe, seed: Seed, epoch: u64) -> Result<Crops, Error> {
    let source = Source::new(dataset, clip, recipe, seed, epoch)?;
    let frame = dataset.read_frame(clip, source.choices().random_range(0..source.row.frames.max(1)))?;
    let large = CropRange::of(recipe);
    let small = CropRange { scale: Crops::LOCAL_SCALE, ..large };
    let small_side = Crops::small_side(recipe.side);
    let crop = |slot: usize, range: CropRange, side: usize, frame: &Frame| {
        cropped(frame, recipe, range, side, Augment::Pretrain, &mut source.changes(slot as u64)).into_three()
    };
    Ok(Crops {
        global: [0, 1].map(|slot| crop(slot, large, recipe.side, &frame)),
        local: std::array::from_fn(|place| crop(2 + place, small, small_side, &frame)),
    })
}

#[cfg(test)]
mod tests {
    use super::super::plain;
    use super::*;
    use crate::clip::{Channels, Clip, Size};
    use crate::manifest::Manifest;
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
        assert!(matches!(pair(&data, 1, &recipe(), Seed(0), 0), Err(Error::OutOfRange { clip: 1, .. })));
    }

    /// A clip whose frame `i` is evenly grey, `20 + 20 i`, at 10 frames a second, and a recipe that keeps it so.
    fn even(frames: usize) -> (Dataset, ViewRecipe) {
        let data = dataset(&[frames], Channels::Grey);
        let clip = data.read_clip(0).unwrap();
        let pixels = (0..frames).flat_map(|frame| vec![(20 + 20 * frame) as u8; clip.frame_bytes()]).collect();
        let mut manifest = data.manifest().clone();
        manifest.rows[0].fps = Some(10.0);
        let still = ViewRecipe { brightness: 0.0, contrast: 0.0, saturation: 0.0, hue: 0.0, ..recipe() };
        (Dataset::in_memory(manifest, vec![Clip { pixels, fps: Some(10.0), ..clip }]), still)
    }

    /// Number of the frame behind an even view.
    fn frame_of(view: &[f32]) -> usize {
        (((view[0] * 0.25 + 0.5) * 255.0).round() as usize - 20) / 20
    }

    #[test]
    fn near_frames_are_near_and_their_distance_is_told_in_seconds() {
        let (data, still) = even(11);
        let close = ViewRecipe { pair_within: 0.25, ..still };
        let mut apart = std::collections::BTreeSet::new();
        for epoch in 0..200 {
            let Near { pair: Pair { a, b, .. }, seconds, fps } = near(&data, 0, &close, Seed(4), epoch).unwrap();
            let frames = frame_of(&a).abs_diff(frame_of(&b));
            assert!((seconds - frames as f64 / 10.0).abs() < 1e-9 && fps == 10.0);
            apart.insert(frames);
        }
        assert_eq!(apart.into_iter().collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn a_far_frame_is_farther_than_asked_and_than_a_pair_and_may_be_missing() {
        let (data, still) = even(10);
        let close = ViewRecipe { pair_within: 0.3, ..still };
        let far = |away, epoch| with_far(&data, 0, &close, (Seed(4), epoch), 3, away).unwrap();
        let mut missing = 0;
        for epoch in 0..200 {
            let WithFar { pair, far: None } = far(None, epoch) else { panic!("not asked for") };
            let first = frame_of(&pair.a);
            assert!(frame_of(&pair.b).abs_diff(first) <= 3);
            for (away, apart) in [([0.0, 1.0], 4..=10), ([0.55, 0.7], 6..=7), ([0.0, 0.1], 4..=4)] {
                let WithFar { pair: same, far } = far(Some(away), epoch);
                assert_eq!(same, pair, "the pair does not depend on far frames");
                assert_eq!(far.is_some(), (0..10).any(|frame: usize| apart.contains(&frame.abs_diff(first))));
                let Some(far) = far else {
                    missing += 1;
                    continue;
                };
                assert_eq!(far.len(), 3);
                assert!(far.iter().all(|far| apart.contains(&frame_of(far).abs_diff(first))), "{away:?}");
            }
        }
        assert!(missing > 0);
    }

    #[test]
    fn views_show_what_lies_in_their_places() {
        // A slope of grey from left to right, and one from top to bottom, tell where a view's corners are.
        let side = 64;
        let size = Size { height: side, width: side };
        let still = ViewRecipe { brightness: 0.0, contrast: 0.0, saturation: 0.0, hue: 0.0, ..recipe() };
        let alone = ViewRecipe { side, mixup: 0.0, ..still };
        let mixed = ViewRecipe { mixup: 0.5, aligned_mix: true, ..alone.clone() };
        for (recipe, frames) in [(&alone, 1), (&alone, 3), (&mixed, 3)] {
            views_of_slopes(side, size, recipe, frames);
        }
    }

    fn views_of_slopes(side: usize, size: Size, recipe: &ViewRecipe, frames: usize) {
        for slope in [|row: usize, _: usize| row * 4, |_: usize, column: usize| column * 4] {
            let pixels = (0..frames * side * side).map(|at| slope(at / side % side, at % side) as u8).collect();
            let row = ClipRow { group: "g".into(), ..ClipRow::new("c".into(), frames, size, Channels::Grey) };
            let clip = Clip { size, channels: Channels::Grey, pixels, fps: None };
            let data = Dataset::in_memory(Manifest { rows: vec![row] }, vec![clip]);
            let mut mirrored = 0;
            for epoch in 0..60 {
                let Pair { a, b, .. } = pair(&data, 0, recipe, Seed(5), epoch).unwrap();
                for (view, place) in [a, b].iter().zip(places(0, recipe, Seed(5), epoch)) {
                    mirrored += usize::from(place.mirrored);
                    for (row, column) in [(8, 8), (8, 55), (55, 8), (40, 30)] {
                        let along =
                            |[first, last]: [f64; 2], at: f64| first + (last - first) * (at + 0.5) / side as f64;
                        let across = if place.mirrored { side - 1 - column } else { column };
                        let [y, x] = [along(place.rows, row as f64), along(place.columns, across as f64)];
                        let at = |place: f64| place * side as f64 - 0.5;
                        let expected = if slope(1, 0) > 0 { at(y) } else { at(x) } * 4.0;
                        let grey =
                            f64::from((view[row * side + column] * recipe.std as f32 + recipe.mean as f32) * 255.0);
                        assert!((grey - expected).abs() < 4.0, "{epoch} {place:?} {row} {column}: {grey} {expected}");
                    }
                }
            }
            assert!((20..100).contains(&mirrored), "{mirrored}");
        }
    }

    #[test]
    fn a_single_view_is_the_first_of_two_of_the_same_frame() {
        let data = dataset(&[5], Channels::Grey);
        let of = |epoch| single(&data, 0, &recipe(), Seed(4), epoch).unwrap();
        assert_eq!(of(3), twice(&data, 0, &recipe(), Seed(4), 3).unwrap().a);
        assert_ne!(of(3), of(4));
    }

    #[test]
    fn crops_are_large_and_small_and_of_one_frame() {
        let (data, still) = even(10);
        for epoch in 0..20 {
            let Crops { global, local } = crops(&data, 0, &still, Seed(4), epoch).unwrap();
            assert!(global.iter().all(|view| view.len() == 3 * 33 * 33));
            assert!(local.iter().all(|view| view.len() == 3 * 32 * 32));
            let frames: std::collections::BTreeSet<usize> =
                global.iter().chain(&local).map(|view| frame_of(view)).collect();
            assert_eq!(frames.len(), 1);
        }
        assert_eq!([32, 64, 112, 224].map(Crops::small_side), [32, 32, 48, 96]);
        let moving = dataset(&[3], Channels::Grey);
        let Crops { global, local } = crops(&moving, 0, &recipe(), Seed(4), 0).unwrap();
        assert!(global[0] != global[1] && local.windows(2).all(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn frames_mixed_in_line_keep_an_edge_where_it_is() {
        // Every frame is the same picture, half black and half white: mixed after one and the same changes it has two
        // greys; mixed after crops and flips of their own it has ghosts in between.
        let size = Size { height: 20, width: 20 };
        let frame: Vec<u8> = (0..400).map(|pixel| if pixel % 20 < 8 { 0 } else { 255 }).collect();
        let clip = Clip { size, channels: Channels::Grey, pixels: frame.repeat(3), fps: None };
        let row = ClipRow::new("clip".to_owned(), 3, size, Channels::Grey);
        let data = Dataset::in_memory(Manifest { rows: vec![row] }, vec![clip]);
        let still = ViewRecipe { brightness: 0.0, contrast: 0.0, saturation: 0.0, hue: 0.0, ..recipe() };
        let between = |recipe: &ViewRecipe| -> usize {
            let grey = |value: &f32| value.abs() < 1.6;
            (0..20)
                .map(|epoch| pair(&data, 0, recipe, Seed(2), epoch).unwrap())
                .map(|pair| pair.a.iter().chain(&pair.b).filter(|value| grey(value)).count())
                .sum()
        };
        let aligned = ViewRecipe { aligned_mix: true, ..still.clone() };
        let (ghosts, none) = (between(&still), between(&aligned));
        // What is left is the blur of the edge itself.
        assert!(ghosts > 4 * none, "{ghosts} {none}");
    }
}
