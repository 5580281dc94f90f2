//! [`FrameSink`]: all that a reader may ask of whoever takes its frames, and one that keeps them in memory.

use crate::error::Error;
use crate::frame::Size;
use crate::limits::{Limits, check_size};

/// Takes the frames of one clip as they are decoded.
pub trait FrameSink: Send {
    /// Returns how many frames it has.
    fn frames(&self) -> usize;

    /// Decides whether a frame of this size may come next; a reader asks before it reads or allocates its bytes.
    ///
    /// - `name`: what the frame is called in an error
    ///
    /// # Errors
    /// When the clip would go beyond its limits, or the frame has another size than those before it.
    fn admit(&mut self, size: Size, name: &dyn Fn() -> String) -> Result<(), Error>;

    /// Takes one admitted frame.
    ///
    /// - `rgb`: `[height, width, 3]`
    ///
    /// # Errors
    /// When these are not the bytes of a frame of the admitted size.
    fn push(&mut self, rgb: &[u8]) -> Result<(), Error>;

    /// Returns the size to which a decoder may scale the frames of a grey clip, and who takes those; `None` where whole
    /// frames are wanted. Whoever asks hands over grey frames alone, unless it calls [`GreySink::forget`] before it
    /// goes on.
    fn grey(&mut self) -> Option<(Size, &mut dyn GreySink)> {
        None
    }
}

/// Takes grey frames that a decoder has scaled.
pub trait GreySink: FrameSink {
    /// Decides whether one more grey frame may come; a reader asks before it reads its bytes.
    ///
    /// # Errors
    /// When the clip would go beyond its limits.
    fn admit_grey(&self) -> Result<(), Error>;

    /// Takes one admitted grey frame; `false`, and the frame is not taken, where it is coloured after all.
    ///
    /// - `luma`: `[height, width]`, of the size that [`FrameSink::grey`] said
    /// - `spread`: largest difference between the channels of a pixel
    fn push_grey(&mut self, luma: &[u8], spread: u8) -> bool;

    /// Returns the largest difference between the channels of a pixel so far.
    fn spread(&self) -> u8;

    /// Hears the size of the frames that the decoder has scaled.
    fn was_scaled_from(&mut self, source: Size);

    /// Begins anew, with whole frames.
    fn forget(&mut self);
}

/// Keeps whole frames in memory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrameBuffer {
    limits: Limits,
    frames: usize,
    size: Option<Size>,
    pixels: Vec<u8>,
}

impl FrameBuffer {
    /// Makes one that holds no frame yet.
    #[must_use]
    pub const fn new(limits: Limits) -> Self {
        Self { limits, frames: 0, size: None, pixels: Vec::new() }
    }

    /// Returns the size of every frame; `None` while there is none.
    #[must_use]
    pub const fn size(&self) -> Option<Size> {
        self.size
    }

    /// Returns all frames, `[frames, height, width, 3]`.
    #[must_use]
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// Returns one value a pixel, `[frames, height, width]`; `None` where a pixel is coloured.
    #[must_use]
    pub fn luma(&self) -> Option<Vec<u8>> {
        self.pixels.as_chunks::<3>().0.iter().map(|[r, g, b]| (r == g && g == b).then_some(*r)).collect()
    }
}

impl FrameSink for FrameBuffer {
    fn frames(&self) -> usize {
        self.frames
    }

    fn admit(&mut self, size: Size, name: &dyn Fn() -> String) -> Result<(), Error> {
        if self.frames >= self.limits.frames {
            return Err(Error::TooManyFrames { limit: self.limits.frames });
        }
        check_size(size, self.limits)?;
        let first = *self.size.get_or_insert(size);
        if first != size {
            return Err(Error::SizeChanges { first, name: name(), other: size });
        }
        let bytes = size.height.saturating_mul(size.width).saturating_mul(3);
        if self.pixels.len().saturating_add(bytes) > self.limits.bytes {
            return Err(Error::TooManyBytes { limit: self.limits.bytes });
        }
        Ok(())
    }

    fn push(&mut self, rgb: &[u8]) -> Result<(), Error> {
        if self.size.is_none_or(|size| size.height * size.width * 3 != rgb.len()) {
            let said = format!("{} bytes, which is no whole frame", rgb.len());
            return Err(Error::Picture { name: format!("frame {}", self.frames), said });
        }
        self.pixels.extend_from_slice(rgb);
        self.frames += 1;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_in_memory_are_bounded_before_their_bytes_are_there() {
        let limits = Limits { frames: 2, pixels: 4, bytes: 13, seconds: 1 };
        let mut buffer = FrameBuffer::new(limits);
        let admit = |buffer: &mut FrameBuffer, height, width| buffer.admit(Size { height, width }, &|| "it".to_owned());
        assert!(matches!(admit(&mut buffer, 1 << 40, 1 << 40), Err(Error::TooLarge { .. })));
        admit(&mut buffer, 1, 2).unwrap();
        buffer.push(&[7; 6]).unwrap();
        assert!(matches!(buffer.push(&[7; 5]), Err(Error::Picture { .. })));
        assert!(matches!(admit(&mut buffer, 2, 1), Err(Error::SizeChanges { .. })));
        admit(&mut buffer, 1, 2).unwrap();
        buffer.push(&[1, 2, 3, 4, 5, 6]).unwrap();
        assert_eq!(admit(&mut buffer, 1, 2), Err(Error::TooManyFrames { limit: 2 }));
        assert_eq!((buffer.frames(), buffer.pixels().len(), buffer.luma()), (2, 12, None));
        let mut small = FrameBuffer::new(Limits { bytes: 5, ..limits });
        assert_eq!(admit(&mut small, 1, 2), Err(Error::TooManyBytes { limit: 5 }));
    }
}
