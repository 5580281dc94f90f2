//! What is compared between two frames: their texture, freed from brightness, contrast and size.
//!
//! Pictures of one scanner are alike as a whole: the same sector, dark below and bright above. What tells two of them
//! apart is fine structure, so only that is kept, and every part of the frame is given the same weight.

use super::blur::{AREA, SIDE, blur, tent};
use crate::clip::{Channels, Size};
use crate::view::planes::Planes;
use crate::view::resize::{Window, bilinear};
use pulp::{Simd, WithSimd};

/// Blurs that keep what lies between them: noise of single pixels goes, and so does what changes slowly.
const COARSE: usize = 9;
/// Width of the neighbourhood whose contrast becomes 1.
const NEIGHBOURHOOD: usize = 15;
/// Contrast, in grey levels, below which a neighbourhood counts as empty and is not amplified to full strength.
const EMPTY: f32 = 4.0;

/// A frame with a standard deviation of its luma below this many grey levels shows nothing that could be compared.
pub const FLAT: f32 = 6.0;

/// Fine structure of a frame, `[96, 96]` row by row; mean about 0, deviation about 1 wherever there is structure.
#[derive(Debug, Clone, PartialEq)]
pub struct Texture {
    /// `SIDE * SIDE` values.
    pub values: Vec<f32>,
}

impl Texture {
    /// The texture of the part of a picture; `None` where that part is flat.
    ///
    /// # Panics
    /// As [`bilinear`].
    #[must_use]
    pub fn of(picture: &Planes<u8>, window: Window) -> Option<Self> {
        Some(Self { values: pulp::Arch::new().dispatch(Fine { small: &luma(picture, window) })? })
    }

    /// The texture of the same frame seen in a mirror, left and right exchanged.
    #[must_use]
    pub fn mirrored(&self) -> Self {
        let rows = self.values.chunks_exact(SIDE);
        Self { values: rows.flat_map(|row| row.iter().rev().copied()).collect() }
    }
}

/// The middle of a frame.
///
/// - `share`: of height and of width, each above 0 and at most 1
#[must_use]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a part of a length")]
pub fn middle(size: Size, share: [f64; 2]) -> Window {
    let part = |length: usize, share: f64| ((length as f64 * share).round() as usize).clamp(1, length.max(1));
    let inner = Size { height: part(size.height, share[0]), width: part(size.width, share[1]) };
    Window { top: (size.height - inner.height) / 2, left: (size.width - inner.width) / 2, size: inner }
}

/// Rec. 601 luma of the part, 0 to 255, squashed to `[96, 96]`.
fn luma(picture: &Planes<u8>, window: Window) -> Vec<f32> {
    let small = bilinear(picture, window, Size { height: SIDE, width: SIDE });
    match small.channels {
        Channels::Grey => small.values.iter().map(|value| f32::from(*value)).collect(),
        Channels::Rgb => {
            let colour = |channel: usize| small.values[channel * AREA..][..AREA].iter();
            let weigh = |((red, green), blue): ((&u8, &u8), &u8)| {
                0.299 * f32::from(*red) + 0.587 * f32::from(*green) + 0.114 * f32::from(*blue)
            };
            colour(0).zip(colour(1)).zip(colour(2)).map(weigh).collect()
        }
    }
}

/// The fine structure of a squashed picture; nothing where it is flat.
struct Fine<'a> {
    small: &'a [f32],
}

impl WithSimd for Fine<'_> {
    type Output = Option<Vec<f32>>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) -> Self::Output {
        if deviation(self.small) < FLAT { None } else { Some(even(self.small)) }
    }
}

/// What changes slowly taken away, and the same contrast everywhere.
#[inline(always)]
fn even(small: &[f32]) -> Vec<f32> {
    let mut band = tent(small);
    for (fine, coarse) in band.iter_mut().zip(blur(small, COARSE)) {
        *fine -= coarse;
    }
    let energy = blur(&band.iter().map(|value| value * value).collect::<Vec<_>>(), NEIGHBOURHOOD);
    for (value, energy) in band.iter_mut().zip(energy) {
        *value /= energy.max(0.0).sqrt() + EMPTY;
    }
    band
}

#[inline(always)]
fn deviation(values: &[f32]) -> f32 {
    let count = values.len() as f32;
    let mean = sum(values, |value| value) / count;
    (sum(values, |value| (value - mean).powi(2)) / count).sqrt()
}

/// Sixteen sums side by side, which the processor does in wide instructions.
#[inline(always)]
fn sum(values: &[f32], of: impl Fn(f32) -> f32) -> f32 {
    let (whole, rest) = values.as_chunks::<16>();
    let mut sums = [0.0; 16];
    for values in whole {
        for lane in 0..16 {
            sums[lane] += of(values[lane]);
        }
    }
    sums.iter().sum::<f32>() + rest.iter().map(|value| of(*value)).sum::<f32>()
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::clip::Frame;
    use crate::seed::Seed;
    use rand::RngExt as _;

    /// Smooth random blobs, `[height, width]`, that no two seeds have in common.
    pub(crate) fn blobs(height: usize, width: usize, seed: u64) -> Frame {
        let mut random = Seed(seed).stream("blobs", &[]);
        let waves: Vec<[f32; 4]> = (0..60)
            .map(|_| [(); 4].map(|()| random.random::<f32>()))
            .map(|[x, y, phase, strength]| [(x - 0.5) * 24.0, y * 12.0, phase * 6.3, strength])
            .collect();
        let value = |y: usize, x: usize| {
            let (y, x) = ((y as f32 + 0.5) / height as f32, (x as f32 + 0.5) / width as f32);
            let sum: f32 = waves
                .iter()
                .map(|[across, down, phase, strength]| strength * (6.3 * (across * x + down * y) + phase).sin())
                .sum();
            (120.0 + 15.0 * sum).clamp(0.0, 255.0) as u8
        };
        let pixels = (0..height * width).map(|at| value(at / width, at % width)).collect();
        Frame { size: Size { height, width }, channels: Channels::Grey, pixels }
    }

    fn texture(frame: &Frame) -> Texture {
        Texture::of(&Planes::of(frame), Window::whole(frame.size)).unwrap()
    }

    fn correlation(a: &Texture, b: &Texture) -> f32 {
        let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f32>();
        let (a, b) = (&a.values, &b.values);
        dot(a, b) / (dot(a, a) * dot(b, b)).sqrt()
    }

    #[test]
    fn brightness_contrast_and_size_change_little_and_another_picture_everything() {
        let frame = blobs(192, 192, 1);
        let other_grey = frame.pixels.iter().map(|value| 30 + value / 2).collect();
        let dimmed = Frame { pixels: other_grey, ..frame.clone() };
        assert!(correlation(&texture(&frame), &texture(&dimmed)) > 0.97);
        assert!(correlation(&texture(&frame), &texture(&blobs(120, 300, 1))) > 0.97);
        assert!(correlation(&texture(&frame), &texture(&blobs(192, 192, 2))).abs() < 0.2);
    }

    #[test]
    fn a_mirrored_frame_has_the_mirrored_texture() {
        let frame = blobs(96, 96, 3);
        let pixels = frame.pixels.chunks_exact(96).flat_map(|row| row.iter().rev().copied()).collect();
        let flipped = texture(&Frame { pixels, ..frame.clone() });
        let expected = texture(&frame).mirrored();
        let apart = flipped.values.iter().zip(&expected.values).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
        assert!(apart < 1e-4, "{apart}");
    }

    #[test]
    fn a_flat_frame_has_no_texture() {
        let size = Size { height: 40, width: 50 };
        let flat = Frame { size, channels: Channels::Rgb, pixels: vec![77; 6000] };
        assert_eq!(Texture::of(&Planes::of(&flat), Window::whole(size)), None);
    }

    #[test]
    fn the_middle_is_centred_and_never_empty() {
        let size = |height, width| Size { height, width };
        let whole = middle(size(100, 50), [1.0; 2]);
        assert_eq!(whole, Window::whole(size(100, 50)));
        assert_eq!(middle(size(100, 50), [0.8, 0.6]), Window { top: 10, left: 10, size: size(80, 30) });
        assert_eq!(middle(size(1, 1), [0.1; 2]).size, size(1, 1));
    }
}
