//! The signature of a clip: hashes of a few frames, and figures of their quality. Frames are read, used and dropped, so
//! that 100,000 clips need about 60 MB.

use super::hash::PictureHash;
use super::quality::Quality;
use super::texture::{Texture, middle};
use crate::clip::{Frame, evenly_spaced};
use crate::dataset::Dataset;
use crate::error::Error;
use crate::view::planes::Planes;

/// Frames of a clip that are hashed, evenly spaced from the first to the last.
pub const FRAMES: usize = 6;

/// Parts of a frame that are hashed, as shares of its height and width: the whole, by which it is found, and two
/// smaller ones, by which it finds copies that were cropped.
pub const PARTS: [f64; 3] = [1.0, 0.94, 0.88];

/// Hashes of one frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FrameHashes {
    /// Number of the frame in its clip.
    pub frame: u32,
    /// One a part of [`PARTS`].
    pub parts: [PictureHash; PARTS.len()],
}

/// What is kept of one clip.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Signature {
    /// Hashes of its frames that show something; none for a blank clip.
    pub frames: Vec<FrameHashes>,
    /// Figures of the frames that were looked at.
    pub quality: Quality,
}

impl Signature {
    /// Reads a few frames of a clip and makes its signature.
    ///
    /// # Errors
    /// When a frame cannot be read.
    pub fn of(dataset: &Dataset, clip: usize) -> Result<Self, Error> {
        let numbers = evenly_spaced(dataset.row(clip).frames, FRAMES);
        let frames = numbers.iter().map(|&frame| dataset.read_frame(clip, frame)).collect::<Result<Vec<_>, _>>()?;
        let hashes = numbers.iter().zip(&frames).filter_map(|(&number, frame)| {
            Some(FrameHashes { frame: u32::try_from(number).ok()?, parts: hashes(frame)? })
        });
        Ok(Self { frames: hashes.collect(), quality: Quality::of(&frames) })
    }
}

/// The hash of every part; `None` where the frame, or a part of it, shows nothing.
#[must_use]
pub fn hashes(frame: &Frame) -> Option<[PictureHash; PARTS.len()]> {
    if frame.size.height == 0 || frame.size.width == 0 {
        return None;
    }
    let picture = Planes::of(frame);
    let hash = |part: f64| Some(PictureHash::of(&Texture::of(&picture, middle(frame.size, [part; 2]))?));
    let [whole, more, less] = PARTS.map(hash);
    Some([whole?, more?, less?])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::phantom::{PhantomRecipe, generate};

    #[test]
    fn a_signature_has_a_few_frames_from_the_first_to_the_last() {
        let dataset = generate(&PhantomRecipe { patients: 3, frames: 9, side: 64, ..PhantomRecipe::default() });
        let signature = Signature::of(&dataset, 0).unwrap();
        let frames: Vec<u32> = signature.frames.iter().map(|hashes| hashes.frame).collect();
        assert_eq!(frames, [0, 2, 3, 5, 6, 8]);
        assert!(signature.quality.motion.unwrap() > 0.5, "phantoms breathe");
    }
}
