//! What is kept of a clip to look for text in: a few frames, and the darkest that each pixel ever is. Its memory does not
//! grow with the clip.

use crate::clip::Size;

/// Frames that are kept, at most.
const FRAMES: usize = 4;

/// Longer side of a kept frame, pixels, at most.
const SIDE: usize = 1280;

/// Some frames of a clip, evenly spaced, and their darkest; each pixel is its brightest channel, so that yellow letters
/// are as bright as white ones.
#[derive(Debug, Clone, Default)]
pub struct TextLook {
    source: Option<Size>,
    frames: Vec<(usize, Vec<u8>)>,
    darkest: Vec<u8>,
    stride: usize,
    seen: usize,
}

/// One picture that is searched.
#[derive(Debug, Clone, Copy)]
pub(super) struct Picture<'a> {
    pub(super) size: Size,
    pub(super) values: &'a [u8],
}

impl TextLook {
    /// A look at nothing yet.
    #[must_use]
    pub const fn new() -> Self {
        Self { source: None, frames: Vec::new(), darkest: Vec::new(), stride: 1, seen: 0 }
    }

    /// Sees the next frame. Frames of another size than the first, or that are not whole, are not looked at.
    ///
    /// - `rgb`: `[height, width, 3]`
    pub fn push(&mut self, size: Size, rgb: &[u8]) {
        let source = *self.source.get_or_insert(size);
        let number = self.seen;
        self.seen += 1;
        if source != size || rgb.len() != size.height * size.width * 3 {
            return;
        }
        let values = shrunk(rgb, size, self.factor());
        if self.darkest.is_empty() {
            self.darkest.clone_from(&values);
        } else {
            self.darkest.iter_mut().zip(&values).for_each(|(darkest, value)| *darkest = (*darkest).min(*value));
        }
        let stride = self.stride.max(1);
        if !number.is_multiple_of(stride) {
            return;
        }
        if self.frames.len() == FRAMES {
            self.stride = stride * 2;
            self.frames.retain(|(number, _)| number.is_multiple_of(stride * 2));
            if !number.is_multiple_of(stride * 2) {
                return;
            }
        }
        self.frames.push((number, values));
    }

    /// Size of the clip's frames, once one was seen.
    #[must_use]
    pub const fn source(&self) -> Option<Size> {
        self.source
    }

    /// Frames seen.
    #[must_use]
    pub const fn seen(&self) -> usize {
        self.seen
    }

    /// Number, in the clip, of the kept frame that stands nearest to its middle, and that frame with its size.
    pub(crate) fn middle(&self) -> Option<(usize, Size, &[u8])> {
        let (number, values) = self.frames.get(self.frames.len() / 2)?;
        Some((*number, self.size(), values.as_slice()))
    }

    /// The kept frames with their numbers in the clip.
    pub(super) fn frames(&self) -> impl Iterator<Item = (usize, Picture<'_>)> {
        let size = self.size();
        self.frames.iter().map(move |(number, values)| (*number, Picture { size, values }))
    }

    /// What stays bright through the whole clip.
    pub(super) fn darkest(&self) -> Picture<'_> {
        Picture { size: self.size(), values: &self.darkest }
    }

    /// Source pixels to one of a kept frame, in height and in width.
    pub(super) fn factor(&self) -> usize {
        self.source.map_or(1, |size| size.height.max(size.width).div_ceil(SIDE).max(1))
    }

    fn size(&self) -> Size {
        let factor = self.factor();
        self.source.map_or(Size { height: 0, width: 0 }, |size| Size {
            height: size.height.div_ceil(factor),
            width: size.width.div_ceil(factor),
        })
    }
}

/// Mean brightest channel of boxes of `factor` x `factor` pixels; those at the right and lower edge may hold fewer.
fn shrunk(rgb: &[u8], size: Size, factor: usize) -> Vec<u8> {
    let brightest = |[r, g, b]: &[u8; 3]| (*r).max(*g).max(*b);
    if factor == 1 {
        return rgb.as_chunks().0.iter().map(brightest).collect();
    }
    let mut values = Vec::with_capacity(size.height.div_ceil(factor) * size.width.div_ceil(factor));
    let mut sums = vec![[0_u32; 2]; size.width.div_ceil(factor)];
    for rows in rgb.chunks(size.width * 3 * factor) {
        sums.fill([0, 0]);
        for row in rows.chunks_exact(size.width * 3) {
            for (pixels, sum) in row.chunks(3 * factor).zip(&mut sums) {
                for pixel in pixels.as_chunks().0 {
                    sum[0] += u32::from(brightest(pixel));
                    sum[1] += 1;
                }
            }
        }
        values.extend(sums.iter().map(|[sum, count]| u8::try_from(sum / count.max(&1)).unwrap_or(u8::MAX)));
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_few_frames_are_kept_and_the_darkest_of_all() {
        let size = Size { height: 1, width: 2 };
        let mut look = TextLook::new();
        for value in 0..50_u8 {
            look.push(size, &[200 - value, 0, 0, 0, 250, value]);
        }
        let kept: Vec<usize> = look.frames().map(|(number, _)| number).collect();
        assert_eq!(kept, [0, 16, 32, 48]);
        assert_eq!((look.seen(), look.darkest().values), (50, &[151, 250][..]));
        look.push(Size { height: 2, width: 1 }, &[0; 6]);
        assert_eq!(look.darkest().values, [151, 250]);
    }

    #[test]
    fn large_frames_shrink_by_the_mean_of_whole_boxes() {
        let size = Size { height: 2, width: 1281 };
        let rgb: Vec<u8> =
            (0..2 * 1281).flat_map(|place| [0, if place % 1281 % 2 == 0 { 10 } else { 20 }, 3]).collect();
        let mut look = TextLook::new();
        look.push(size, &rgb);
        assert_eq!((look.factor(), look.size()), (2, Size { height: 1, width: 641 }));
        assert_eq!((look.darkest().values[0], look.darkest().values[640]), (15, 10));
    }
}
