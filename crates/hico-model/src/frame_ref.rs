//! Frames by their indices.

use hico_data::Dataset;
use hico_data::clip::evenly_spaced;

/// A frame of a clip, by its indices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FrameRef {
    /// The clip.
    pub clip: usize,
    /// The frame, from 0.
    pub frame: usize,
}

/// Frames of clips, `wanted` a clip, evenly spaced from the first to the last; all of a clip that has no more.
#[must_use]
pub fn frames_of(dataset: &Dataset, clips: &[usize], wanted: usize) -> Vec<FrameRef> {
    let frames = |&clip: &usize| {
        evenly_spaced(dataset.row(clip).frames, wanted).into_iter().map(move |frame| FrameRef { clip, frame })
    };
    clips.iter().flat_map(frames).collect()
}
