//! A clip in memory: its frames as bytes. Sizes are always `[height, width]`.

pub use hico_io::{Channels, Frame, Size};

/// All frames of one clip, of one size, `[frames, height, width, channels]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Clip {
    /// Height and width of every frame, in pixels.
    pub size: Size,
    /// Grey or colour, the same for every frame.
    pub channels: Channels,
    /// Frame after frame, each `height * width * channels` bytes.
    pub pixels: Vec<u8>,
    /// Frames a second, where the source states it.
    pub fps: Option<f64>,
}

impl Clip {
    /// Bytes of one frame.
    #[must_use]
    pub const fn frame_bytes(&self) -> usize {
        self.size.height * self.size.width * self.channels.count()
    }

    /// Number of frames.
    #[must_use]
    pub const fn frames(&self) -> usize {
        match self.frame_bytes() {
            0 => 0,
            bytes => self.pixels.len() / bytes,
        }
    }

    /// Frame `index` (from 0), if there is one.
    #[must_use]
    pub fn frame(&self, index: usize) -> Option<&[u8]> {
        let bytes = self.frame_bytes();
        self.pixels.get(index * bytes..(index + 1) * bytes)
    }
}

/// `wanted` of `count` places, evenly spaced from the first to the last, rounded to the nearest; the middle if one.
#[must_use]
pub fn evenly_spaced(count: usize, wanted: usize) -> Vec<usize> {
    match (count, wanted) {
        (0, _) | (_, 0) => Vec::new(),
        _ if wanted >= count => (0..count).collect(),
        (_, 1) => vec![(count - 1) / 2],
        // Twice the place plus the divisor, over twice the divisor: rounded without leaving the integers.
        _ => (0..wanted).map(|place| (2 * place * (count - 1) + wanted - 1) / (2 * (wanted - 1))).collect(),
    }
}
