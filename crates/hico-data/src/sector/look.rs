//! A look at a clip: some of its frames, evenly spaced, as shrunken luma. Its memory does not grow with the clip.

use crate::clip::Size;

/// Frames that are kept, at most.
const FRAMES: usize = 32;

/// Longer side of a kept frame, pixels, at most.
const SIDE: usize = 640;

/// Some frames of a clip, evenly spaced, as luma shrunken by a whole factor.
#[derive(Debug, Clone, Default)]
pub struct Look {
    source: Option<Size>,
    frames: Vec<Vec<u8>>,
    /// Of so many frames one is kept.
    stride: usize,
    seen: usize,
}

impl Look {
    /// A look at nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { source: None, frames: Vec::new(), stride: 1, seen: 0 }
    }

    /// Sees the next frame. Frames of another size than the first, or that are not whole, are not looked at.
    ///
    /// - `rgb`: `[height, width, 3]`
    pub fn push(&mut self, size: Size, rgb: &[u8]) {
        let source = *self.source.get_or_insert(size);
        let number = self.seen;
        self.seen += 1;
        if source != size || rgb.len() != size.height * size.width * 3 || !number.is_multiple_of(self.stride.max(1)) {
            return;
        }
        if self.frames.len() == FRAMES {
            // Every second one goes, and from here on half as many are kept.
            let mut place = 0;
            self.frames.retain(|_| {
                place += 1;
                place % 2 == 1
            });
            self.stride *= 2;
            if !number.is_multiple_of(self.stride) {
                return;
            }
        }
        self.frames.push(shrunk(rgb, size, self.factor()));
    }

    /// Size of the clip's frames, once one was seen.
    #[must_use]
    pub const fn source(&self) -> Option<Size> {
        self.source
    }

    /// The brightest luma of every source pixel over the kept frames, `[height, width]` of [`Self::source`]; where frames
    /// were shrunken, pixels of one box have one value.
    #[must_use]
    pub fn brightest(&self) -> Vec<u8> {
        let (Some(source), factor, width) = (self.source, self.factor(), self.size().width) else { return Vec::new() };
        let brightest = |at: usize| self.frames.iter().map(|frame| frame[at]).max().unwrap_or(0);
        let place = |at: usize| at / source.width / factor * width + at % source.width / factor;
        (0..source.height * source.width).map(|at| brightest(place(at))).collect()
    }

    /// The kept frames, `[height, width]` of [`Self::size`] each.
    pub(super) fn frames(&self) -> &[Vec<u8>] {
        &self.frames
    }

    /// Number, in the clip, of the middle one of the kept frames; and that frame.
    pub(crate) fn middle(&self) -> Option<(usize, &[u8])> {
        let middle = self.frames.len() / 2;
        self.frames.get(middle).map(|frame| (middle * self.stride, frame.as_slice()))
    }

    /// Source pixels to one of a kept frame, in height and in width.
    pub(super) fn factor(&self) -> usize {
        self.source.map_or(1, |size| size.height.max(size.width).div_ceil(SIDE).max(1))
    }

    /// Size of the kept frames.
    pub(crate) fn size(&self) -> Size {
        self.source.map_or(Size { height: 0, width: 0 }, |size| shrunk_size(size, self.factor()))
    }
}

const fn shrunk_size(size: Size, factor: usize) -> Size {
    Size { height: size.height.div_ceil(factor), width: size.width.div_ceil(factor) }
}

/// Mean luma of boxes of `factor` x `factor` pixels; those at the right and lower edge may hold fewer.
fn shrunk(rgb: &[u8], size: Size, factor: usize) -> Vec<u8> {
    let small = shrunk_size(size, factor);
    let mut luma = Vec::with_capacity(small.height * small.width);
    let mut sums = vec![[0_u64; 2]; small.width];
    for rows in rgb.chunks(size.width * 3 * factor) {
        sums.fill([0, 0]);
        for row in rows.chunks_exact(size.width * 3) {
            for (pixels, sum) in row.chunks(3 * factor).zip(&mut sums) {
                for [r, g, b] in pixels.as_chunks::<3>().0 {
                    sum[0] += u64::from(*r) * 299 + u64::from(*g) * 587 + u64::from(*b) * 114;
                    sum[1] += 1000;
                }
            }
        }
        luma.extend(sums.iter().map(|[sum, weight]| u8::try_from((sum + weight / 2) / weight.max(&1)).unwrap_or(255)));
    }
    luma
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn evenly_spaced_frames_are_kept_however_long_the_clip_is() {
        let size = Size { height: 1, width: 1 };
        for count in [1, 31, 32, 33, 64, 65, 200] {
            let mut look = Look::new();
            (0..count).for_each(|value| look.push(size, &[value; 3]));
            let kept: Vec<u8> = look.frames().iter().map(|frame| frame[0]).collect();
            let steps: Vec<u8> = kept.windows(2).map(|pair| pair[1] - pair[0]).collect();
            assert!(
                kept.len() <= FRAMES && kept[0] == 0 && steps.windows(2).all(|pair| pair[0] == pair[1]),
                "{kept:?}"
            );
            assert!(kept.len() >= FRAMES / 2 || kept.len() == usize::from(count), "{kept:?}");
            let (number, frame) = look.middle().unwrap();
            assert_eq!(number, usize::from(frame[0]));
        }
    }

    #[test]
    fn large_frames_shrink_by_the_mean_of_whole_boxes() {
        let size = Size { height: 2, width: 641 };
        let rgb: Vec<u8> = (0..2 * 641).flat_map(|place| [if place % 641 % 2 == 0 { 10 } else { 20 }; 3]).collect();
        let mut look = Look::new();
        look.push(size, &rgb);
        assert_eq!((look.factor(), look.size()), (2, Size { height: 1, width: 321 }));
        assert_eq!((look.frames()[0][0], look.frames()[0][320]), (15, 10));
    }
}
