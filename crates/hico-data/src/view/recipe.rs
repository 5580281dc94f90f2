//! The parameters of a view, as published for HiCo; already checked by whoever builds one.

use serde::{Deserialize, Serialize};
use std::fmt;

/// How a stored frame becomes a training view. The defaults are those of HiCo's released configuration.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ViewRecipe {
    /// Height and width of a view, pixels; 32 to 512. In files `image_size`; earlier ones have `side`.
    #[serde(rename = "image_size", alias = "side")]
    pub side: usize,
    /// Smallest and largest share of the frame's area that a random crop keeps.
    pub crop_scale: [f64; 2],
    /// Smallest and largest width-to-height ratio of a random crop.
    pub crop_ratio: [f64; 2],
    /// Probability of a horizontal flip.
    pub flip: f64,
    /// Largest relative change of brightness.
    pub brightness: f64,
    /// Largest relative change of contrast.
    pub contrast: f64,
    /// Largest relative change of saturation.
    pub saturation: f64,
    /// Largest shift of hue, in turns; at most 0.5.
    pub hue: f64,
    /// Parameter of the Beta(b, b) from which the mixing weight of a frame triple is drawn; 0 turns mixing off.
    pub mixup: f64,
    /// Whether the frames mixed into one view go through one and the same crop, flip and jitter, drawn for that view;
    /// otherwise each goes through its own, as published, and a flip of one alone leaves a ghost.
    pub aligned_mix: bool,
    /// Frames of one clip are drawn at most this many seconds apart; 0 means from anywhere in it, as published.
    pub pair_within: f64,
    /// Probability that the second view of a pair comes from another clip of the same group; 0 is off.
    pub pair_across_clips: f64,
    /// Largest relative change of brightness along the depth, as by another setting of the time gain; 0 is off.
    pub depth_gain: f64,
    /// Standard deviation of multiplicative noise with the grain of speckle; 0 is off.
    pub speckle: f64,
    /// Subtracted from each value in `[0, 1]`.
    pub mean: f64,
    /// Each value is then divided by this.
    pub std: f64,
}

impl Default for ViewRecipe {
    fn default() -> Self {
        Self {
            side: 224,
            crop_scale: [0.8, 1.0],
            crop_ratio: [0.8, 1.25],
            flip: 0.5,
            brightness: 0.8,
            contrast: 0.8,
            saturation: 0.8,
            hue: 0.2,
            mixup: 0.5,
            aligned_mix: false,
            pair_within: 0.0,
            pair_across_clips: 0.0,
            depth_gain: 0.0,
            speckle: 0.0,
            mean: 0.5,
            std: 0.25,
        }
    }
}

/// Why views cannot be made: a value of [`ViewRecipe`] is out of its range.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ViewFault {
    /// The key, as `crop_scale`.
    pub key: &'static str,
    /// Its value.
    pub value: String,
    /// What it must be.
    pub expected: String,
}

impl fmt::Display for ViewFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "view.{} = {}: must be {}", self.key, self.value, self.expected)
    }
}

impl ViewRecipe {
    /// Checks that such views can be made.
    ///
    /// # Errors
    /// Names the first key that is out of its range.
    pub fn check(&self) -> Result<(), ViewFault> {
        check("image_size", self.side, (32..=512).contains(&self.side), "from 32 to 512 pixels")?;
        range("crop_scale", self.crop_scale, 1.0, ", the larger at most 1")?;
        range("crop_ratio", self.crop_ratio, f64::INFINITY, "")?;
        fraction("flip", self.flip)?;
        not_negative("brightness", self.brightness)?;
        not_negative("contrast", self.contrast)?;
        not_negative("saturation", self.saturation)?;
        check("hue", self.hue, (0.0..=0.5).contains(&self.hue), "from 0 to 0.5 turns")?;
        not_negative("mixup", self.mixup)?;
        not_negative("pair_within", self.pair_within)?;
        fraction("pair_across_clips", self.pair_across_clips)?;
        fraction("depth_gain", self.depth_gain)?;
        fraction("speckle", self.speckle)?;
        // Values of pixels are from 0 to 1; far outside of that nothing is left of a picture in 32 bits.
        check("mean", self.mean, self.mean.abs() <= 100.0, "a number from -100 to 100")?;
        check("std", self.std, (1e-4..=1e4).contains(&self.std), "a number above 0, from 0.0001 to 10000")
    }
}

fn check(key: &'static str, value: impl ToString, holds: bool, expected: &str) -> Result<(), ViewFault> {
    if holds { Ok(()) } else { Err(ViewFault { key, value: value.to_string(), expected: expected.to_owned() }) }
}

fn not_negative(key: &'static str, value: f64) -> Result<(), ViewFault> {
    check(key, value, value.is_finite() && value >= 0.0, "0 or more")
}

fn fraction(key: &'static str, value: f64) -> Result<(), ViewFault> {
    check(key, value, (0.0..=1.0).contains(&value), "from 0 to 1")
}

/// - `bound`: what `most` asks of the larger, in words
fn range(key: &'static str, [low, high]: [f64; 2], most: f64, bound: &str) -> Result<(), ViewFault> {
    let holds = low > 0.0 && low <= high && high <= most && high.is_finite();
    check(key, format!("[{low}, {high}]"), holds, &format!("two numbers above 0, the smaller first{bound}"))
}
