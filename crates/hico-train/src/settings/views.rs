//! `[view]` of each method where a recipe says nothing, and the keys that only some methods read.

use hico_data::view::ViewRecipe;

/// Keys of `[view]` that only some methods read; all others are read by every one.
pub const OF_SOME: [&str; 4] = ["mixup", "aligned_mix", "pair_within", "pair_across_clips"];

/// Those of a method that mixes the frames of a clip.
pub const MIXED: &[&str] = &OF_SOME;

/// Those of a method whose pair may be of two clips of one patient.
pub const PAIRED: &[&str] = &["pair_across_clips"];

/// Those of a method that draws frames close in time.
pub const NEAR: &[&str] = &["pair_within"];

/// Returns the views of HiCo and USCL, as HiCo's released configuration has them.
pub fn mixed() -> ViewRecipe {
    ViewRecipe::default()
}

/// Returns the views of methods for images: crops as MoCo v2 has them (SimCLR's begin at 0.08), nothing mixed.
pub fn one_frame() -> ViewRecipe {
    ViewRecipe { crop_scale: [0.2, 1.0], crop_ratio: [0.75, 1.333], mixup: 0.0, ..ViewRecipe::default() }
}

/// Returns the views of DINO: its large crops; small ones keep 0.05 to 0.4.
pub fn crops() -> ViewRecipe {
    ViewRecipe { crop_scale: [0.4, 1.0], ..one_frame() }
}

/// Returns the views of UCL: pairs within three frames at 25 or 30 a second.
pub fn three_frames() -> ViewRecipe {
    ViewRecipe { pair_within: 0.12, ..one_frame() }
}

/// Returns the views of IVPP, with crops and colours of its released code.
pub fn a_second() -> ViewRecipe {
    let (brightness, contrast) = (0.25, 0.25);
    let view = ViewRecipe { brightness, contrast, saturation: 0.0, hue: 0.0, ..one_frame() };
    ViewRecipe { pair_within: 1.0, crop_scale: [0.4, 1.0], ..view }
}
