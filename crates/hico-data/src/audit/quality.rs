//! Clips that teach nothing: blank, static and saturated ones; and the mean colour of a clip.

use crate::clip::{Channels, Frame};
use serde::Serialize;

/// A frame whose luma deviates by less than this from its mean is blank, grey levels.
pub const BLANK: f32 = 4.0;
/// A clip whose frames differ by less than this on average is static, grey levels.
pub const STATIC: f32 = 0.25;
/// From this value on a channel counts as saturated.
pub const SATURATED_VALUE: u8 = 250;
/// A clip with more than this share of saturated values is saturated.
pub const SATURATED_SHARE: f32 = 0.1;

/// What is wrong with the frames of a clip.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// More than half of the frames looked at show nothing.
    Blank,
    /// Several frames, all the same.
    Static,
    /// A large part of the picture is at the upper end of the scale.
    Saturated,
}

impl Fault {
    /// For tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Blank => "blank",
            Self::Static => "static",
            Self::Saturated => "saturated",
        }
    }
}

/// Figures of the frames of a clip that were looked at.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize)]
pub struct Quality {
    /// Mean of red, green and blue, 0 to 255.
    pub colour: [f32; 3],
    /// Share of frames that are blank.
    pub blank: f32,
    /// Mean absolute difference between one frame and the next one looked at, grey levels; absent for a single frame.
    pub motion: Option<f32>,
    /// Share of values that are saturated.
    pub saturated: f32,
}

impl Quality {
    /// Figures of some frames of one clip, all of one size, in order; none give zeros.
    #[must_use]
    pub fn of(frames: &[Frame]) -> Self {
        let count = frames.len().max(1) as f32;
        let mean = |figure: &dyn Fn(&Frame) -> f32| frames.iter().map(figure).sum::<f32>() / count;
        let differences: Vec<f32> = frames.windows(2).map(|pair| difference(&pair[0], &pair[1])).collect();
        Self {
            colour: [0, 1, 2].map(|channel| mean(&|frame| channel_mean(frame, channel))),
            blank: mean(&|frame| f32::from(u8::from(deviation(&frame.pixels) < BLANK))),
            motion: (!differences.is_empty()).then(|| differences.iter().sum::<f32>() / differences.len() as f32),
            saturated: mean(&|frame| share(&frame.pixels, |value| value >= SATURATED_VALUE)),
        }
    }

    /// What is wrong, if anything.
    #[must_use]
    pub fn faults(&self) -> Vec<Fault> {
        let blank = self.blank > 0.5;
        let still = self.motion.is_some_and(|motion| motion < STATIC);
        let all = [
            (blank, Fault::Blank),
            // A blank clip has nothing that could move.
            (still && !blank, Fault::Static),
            (self.saturated > SATURATED_SHARE, Fault::Saturated),
        ];
        all.into_iter().filter(|(found, _)| *found).map(|(_, fault)| fault).collect()
    }
}

fn channel_mean(frame: &Frame, channel: usize) -> f32 {
    let (step, first) = match frame.channels {
        Channels::Grey => (1, 0),
        Channels::Rgb => (3, channel),
    };
    let values = frame.pixels.iter().skip(first).step_by(step);
    let count = values.len().max(1);
    values.map(|value| u64::from(*value)).sum::<u64>() as f32 / count as f32
}

fn deviation(bytes: &[u8]) -> f32 {
    let count = bytes.len().max(1) as f64;
    let mean = bytes.iter().map(|byte| u64::from(*byte)).sum::<u64>() as f64 / count;
    let square = bytes.iter().map(|byte| u64::from(*byte).pow(2)).sum::<u64>() as f64 / count;
    (square - mean * mean).max(0.0).sqrt() as f32
}

fn difference(a: &Frame, b: &Frame) -> f32 {
    let sum: u64 = a.pixels.iter().zip(&b.pixels).map(|(a, b)| u64::from(a.abs_diff(*b))).sum();
    sum as f32 / a.pixels.len().max(1) as f32
}

fn share(bytes: &[u8], holds: impl Fn(u8) -> bool) -> f32 {
    bytes.iter().filter(|byte| holds(**byte)).count() as f32 / bytes.len().max(1) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clip::Size;

    fn frame(values: [u8; 8]) -> Frame {
        Frame { size: Size { height: 2, width: 4 }, channels: Channels::Grey, pixels: values.to_vec() }
    }

    #[test]
    fn figures_by_hand() {
        let frames = [frame([0, 100, 0, 100, 0, 100, 0, 100]), frame([0, 100, 0, 100, 8, 100, 255, 100])];
        let quality = Quality::of(&frames);
        assert_eq!(quality.motion, Some(263.0 / 8.0));
        assert_eq!(quality.saturated, 1.0 / 16.0);
        assert_eq!(quality.colour, [(50.0 + 663.0 / 8.0) / 2.0; 3]);
        assert_eq!(quality.faults(), []);
    }

    #[test]
    fn blank_static_and_saturated_clips_are_told_apart() {
        let busy = frame([0, 90, 10, 60, 30, 20, 70, 5]);
        assert_eq!(Quality::of(&vec![busy.clone(); 3]).faults(), [Fault::Static]);
        assert_eq!(Quality::of(std::slice::from_ref(&busy)).faults(), [], "one frame cannot move");
        assert_eq!(Quality::of(&vec![frame([7; 8]); 3]).faults(), [Fault::Blank]);
        assert_eq!(Quality::of(&[frame([255; 8])]).faults(), [Fault::Blank, Fault::Saturated]);
        assert_eq!(Quality::of(&[]).faults(), []);
    }

    #[test]
    fn colour_is_the_mean_of_each_channel() {
        let size = Size { height: 1, width: 2 };
        let frame = Frame { size, channels: Channels::Rgb, pixels: vec![10, 20, 30, 30, 40, 70] };
        assert_eq!(Quality::of(&[frame]).colour, [20.0, 30.0, 50.0]);
    }
}
