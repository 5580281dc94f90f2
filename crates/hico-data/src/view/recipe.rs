//! The parameters of a view, as published for HiCo; already checked by whoever builds one.

use serde::{Deserialize, Serialize};

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
