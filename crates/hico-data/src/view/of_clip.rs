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
use rand::seq::IndexedRandom as _;
use rand_chacha::ChaCha8Rng;

/// Slot of the changes of the frame that is mixed into both views of a pair.
const ANCHOR: u64 = 2;

/// First of the two slots of the changes of small crops beside a pair.
const SMALL: u64 = 3;

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

/// What the two views of a pair show.
struct Chosen {
    /// A clip and its frame for each view.
    frames: [(usize, usize); 2],
    /// The frame of the first clip that is mixed into both, and the weight of theirs.
    mixed: Option<(usize, f32)>,
}

/// One clip in one epoch, whose views are drawn; the same arguments give the same views.
#[derive(Debug, Clone, Copy)]
pub struct ViewSource<'a> {
    dataset: &'a Dataset,
    clip: usize,
    row: &'a ClipRow,
    partner: Option<usize>,
    recipe: &'a ViewRecipe,
    seed: Seed,
    epoch: u64,
}

impl<'a> ViewSource<'a> {
    /// Names a clip by its index in its data set.
    ///
    /// # Errors
    /// When there is no such clip.
    pub fn new(
        dataset: &'a Dataset,
        clip: usize,
        recipe: &'a ViewRecipe,
        seed: Seed,
        epoch: u64,
    ) -> Result<Self, Error> {
        let row = dataset.manifest().rows.get(clip).ok_or(Error::OutOfRange { clip, frame: 0 })?;
        Ok(Self { dataset, clip, row, partner: None, recipe, seed, epoch })
    }

    /// Draws, with the probability `pair_across_clips`, the clip that the second view of [`Self::pair`] and [`Self::twice`] comes
    /// from (Vu et al. 2021, MedAug).
    ///
    /// - `clips`: those of the clip's patient, itself perhaps among them
    #[must_use]
    pub fn with_partner(mut self, clips: &[usize]) -> Self {
        let mut rng = self.stream("partner");
        if rng.random_bool(self.recipe.pair_across_clips) {
            let others: Vec<usize> = clips.iter().copied().filter(|clip| *clip != self.clip).collect();
            self.partner = others.choose(&mut rng).copied();
        }
        self
    }

    /// Returns how views are drawn.
    #[must_use]
    pub const fn recipe(&self) -> &'a ViewRecipe {
        self.recipe
    }

    /// Returns the epoch.
    #[must_use]
    pub const fn epoch(&self) -> u64 {
        self.epoch
    }

    /// Returns random numbers of a name for what is drawn of the clip besides its views.
    #[must_use]
    pub fn stream(&self, name: &str) -> ChaCha8Rng {
        self.seed.stream(name, &[self.epoch, self.clip as u64])
    }

    /// Decides which frames are drawn.
    fn choices(&self) -> ChaCha8Rng {
        self.stream("view")
    }

    /// Decides the changes of one view.
    fn changes(&self, slot: u64) -> ChaCha8Rng {
        self.seed.stream("view", &[self.epoch, self.clip as u64, slot])
    }

    /// A frame of the clip after the changes of a slot.
    fn view(&self, slot: u64, frame: usize) -> Result<Planes<f32>, Error> {
        self.view_of(slot, (self.clip, frame))
    }

    /// A frame of any clip after the changes of a slot.
    fn view_of(&self, slot: u64, (clip, frame): (usize, usize)) -> Result<Planes<f32>, Error> {
        Ok(self.changed(slot, &self.dataset.read_frame(clip, frame)?))
    }

    fn changed(&self, slot: u64, frame: &Frame) -> Planes<f32> {
        augmented_planes(frame, self.recipe, Augment::Pretrain, &mut self.changes(slot))
    }

    fn fps(&self) -> f64 {
        self.row.fps.filter(|fps| fps.is_finite() && *fps > 0.0).unwrap_or(USUAL_FPS)
    }

    /// The most that the frames of a pair may lie apart, in frames.
    fn within(&self) -> usize {
        if self.recipe.pair_within > 0.0 { (self.recipe.pair_within * self.fps()) as usize } else { usize::MAX }
    }

    /// Two frames as [`Self::within`] allows, each changed on its own, and their numbers.
    fn close(&self, rng: &mut ChaCha8Rng) -> Result<(Pair, [usize; 2]), Error> {
        let choice = sample::draw(self.row.frames, self.within(), false, rng);
        let (Choice::Pair { first, second } | Choice::Anchored { first, second, .. }) = choice;
        let [a, b] = [self.view(0, first)?, self.view(1, second)?].map(Planes::into_three);
        Ok((Pair { clip: self.clip, a, b }, [first, second]))
    }

    /// Any frame of the clip.
    fn any(&self, rng: &mut ChaCha8Rng) -> usize {
        rng.random_range(0..self.row.frames.max(1))
    }

    /// Decides what the two views of [`Self::pair`] show.
    fn chosen(&self) -> Chosen {
        let mut rng = self.choices();
        if let Some(partner) = self.partner {
            let first = self.any(&mut rng);
            let second = rng.random_range(0..self.dataset.row(partner).frames.max(1));
            return Chosen { frames: [(self.clip, first), (partner, second)], mixed: None };
        }
        let own = |frames: [usize; 2], mixed| Chosen { frames: frames.map(|frame| (self.clip, frame)), mixed };
        match sample::draw(self.row.frames, self.within(), self.recipe.mixup > 0.0, &mut rng) {
            Choice::Pair { first, second } => own([first, second], None),
            Choice::Anchored { first, second, anchor } => {
                own([first, second], Some((anchor, mixup::draw(self.recipe.mixup, &mut rng))))
            }
        }
    }

    /// The two views of a clip (Zhang et al. 2022, section 3.1, and the released code).
    ///
    /// - three frames or more: three distinct frames, each changed on its own; both views are mixed with the same anchor
    ///   frame by the same weight, drawn from Beta(`mixup`, `mixup`)
    /// - two frames: the two, not mixed
    /// - one frame: two augmented views of it
    ///
    /// With `aligned_mix` the anchor goes through the changes of each view instead of its own; with `pair_within` frames
    /// lie no farther than that from the first. With a partner ([`Self::with_partner`]): one frame of each clip, not mixed.
    ///
    /// # Errors
    /// When frames cannot be read.
    pub fn pair(&self) -> Result<Pair, Error> {
        let Chosen { frames: [first, second], mixed } = self.chosen();
        let [mut a, mut b] = [self.view_of(0, first)?, self.view_of(1, second)?];
        if let Some((anchor, weight)) = mixed {
            let [of_a, of_b] = if self.recipe.aligned_mix {
                [self.view(0, anchor)?, self.view(1, anchor)?]
            } else {
                let both = self.view(ANCHOR, anchor)?;
                [both.clone(), both]
            };
            (a, b) = (mixup::mix(a, &of_a, weight), mixup::mix(b, &of_b, weight));
        }
        Ok(Pair { clip: self.clip, a: a.into_three(), b: b.into_three() })
    }

    /// A small crop of each of the frames that [`Self::pair`] shows, not mixed: `[3, small, small]` each, where `small` is
    /// [`Crops::small_side`].
    ///
    /// # Errors
    /// As [`Self::pair`].
    pub fn small_crops(&self) -> Result<[Vec<f32>; 2], Error> {
        let [first, second] = self.chosen().frames;
        let range = CropRange { scale: Crops::LOCAL_SCALE, ..CropRange::of(self.recipe) };
        let crop = |slot: u64, (clip, frame): (usize, usize)| {
            let frame = self.dataset.read_frame(clip, frame)?;
            Ok(self.crop(&frame, slot, range, Crops::small_side(self.recipe.side)))
        };
        Ok([crop(SMALL, first)?, crop(SMALL + 1, second)?])
    }

    fn crop(&self, frame: &Frame, slot: u64, range: CropRange, side: usize) -> Vec<f32> {
        cropped(frame, self.recipe, range, side, Augment::Pretrain, &mut self.changes(slot)).into_three()
    }

    /// Where the two views of [`Self::pair`] lie in their frames. Frames that are mixed into a view lie there too with `aligned_mix`; without
    /// it each has a window of its own, and these are those of the frames that the views do not share.
    #[must_use]
    pub fn places(&self) -> [Place; 2] {
        [0, 1].map(|slot| {
            let (Window { top, left, size }, mirrored) =
                placed(self.recipe, CropRange::of(self.recipe), &mut self.changes(slot));
            let along =
                |first: usize, count: usize| [first, first + count].map(|at| at as f64 / self.recipe.side as f64);
            Place { rows: along(top, size.height), columns: along(left, size.width), mirrored }
        })
    }

    /// Two augmented views of one frame, drawn from anywhere in the clip: the pair of methods made for images (Chen et al. 2020,
    /// section 2.1). With a partner ([`Self::with_partner`]): one view of a frame of each clip.
    ///
    /// # Errors
    /// As [`Self::pair`].
    pub fn twice(&self) -> Result<Pair, Error> {
        let views = if self.partner.is_some() {
            let [first, second] = self.chosen().frames;
            [self.view_of(0, first)?, self.view_of(1, second)?]
        } else {
            let frame = self.dataset.read_frame(self.clip, self.any(&mut self.choices()))?;
            [0, 1].map(|slot| self.changed(slot, &frame))
        };
        let [a, b] = views.map(Planes::into_three);
        Ok(Pair { clip: self.clip, a, b })
    }

    /// One augmented view of one frame, drawn from anywhere in the clip: `[3, side, side]`, normalised.
    ///
    /// # Errors
    /// As [`Self::pair`].
    pub fn single(&self) -> Result<Vec<f32>, Error> {
        let frame = self.any(&mut self.choices());
        Ok(self.view(0, frame)?.into_three())
    }

    /// Two distinct frames at most `pair_within` seconds apart, each changed on its own (VanBerlo et al. 2024, section 3.1).
    /// Neighbouring frames are always near; a clip of one frame gives two augmented views of it.
    ///
    /// # Errors
    /// As [`Self::pair`].
    pub fn near(&self) -> Result<Near, Error> {
        let (pair, [first, second]) = self.close(&mut self.choices())?;
        Ok(Near { pair, seconds: first.abs_diff(second) as f64 / self.fps(), fps: self.fps() })
    }

    /// Views as [`Self::near`], and views of frames that lie a share of the clip's length from the first and farther from it than a pair
    /// may (Basu et al. 2022).
    ///
    /// - `count`: how many; of fewer such frames some are drawn again
    /// - `away`: the least and the most of that share, 0 to 1; `None` asks for no far frame
    ///
    /// # Errors
    /// As [`Self::pair`].
    pub fn with_far(&self, count: u64, away: Option<[f64; 2]>) -> Result<WithFar, Error> {
        let mut rng = self.choices();
        let (pair, [first, _]) = self.close(&mut rng)?;
        let frames = self.row.frames;
        let mut draw = || {
            let [least, most] = away?.map(|share| share * frames as f64);
            let least = (least.ceil() as usize).max(self.within().saturating_add(1));
            sample::far(frames, first, least..=(most.floor() as usize).max(least), &mut rng)
        };
        let far: Option<Vec<usize>> = (0..count).map(|_| draw()).collect();
        let view = |(slot, frame): (u64, usize)| self.view(2 + slot, frame).map(Planes::into_three);
        let far = far.map(|far| (0..).zip(far).map(view).collect::<Result<_, _>>()).transpose()?;
        Ok(WithFar { pair, far })
    }

    /// Large and small crops of one frame, drawn from anywhere in the clip (Caron et al. 2020 and 2021, multi-crop). Large
    /// ones keep `crop_scale` of the frame's area.
    ///
    /// # Errors
    /// As [`Self::pair`].
    pub fn crops(&self) -> Result<Crops, Error> {
        let frame = self.dataset.read_frame(self.clip, self.any(&mut self.choices()))?;
        let large = CropRange::of(self.recipe);
        let small = CropRange { scale: Crops::LOCAL_SCALE, ..large };
        let small_side = Crops::small_side(self.recipe.side);
        Ok(Crops {
            global: [0, 1].map(|slot| self.crop(&frame, slot, large, self.recipe.side)),
            local: std::array::from_fn(|place| self.crop(&frame, 2 + place as u64, small, small_side)),
        })
    }
}

#[cfg(test)]
mod tests;
