//! Luma and chroma → red, green and blue (DICOM PS3.3, C.7.6.3.1.2), and the orders in which samples are stored.

/// Says what the three samples of a pixel are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Colour {
    /// Luma and two chroma.
    Ybr,
    /// Red, green and blue.
    Rgb,
}

impl Colour {
    /// In the letters of DICOM.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Ybr => "YBR",
            Self::Rgb => "RGB",
        }
    }
}

/// Says what the samples of a pixel mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Photometric {
    /// 0 is black.
    Monochrome2,
    /// 0 is white.
    Monochrome1,
    /// A place in a table of colours.
    Palette,
    Rgb,
    /// Luma and two chroma; the second names chroma that two pixels share, in native pixels.
    YbrFull,
    YbrFull422,
    /// Says what a JPEG 2000 decoder turns back to RGB by itself.
    YbrOfJpeg2000,
}

impl Photometric {
    pub(super) fn read(text: &str) -> Option<Self> {
        Some(match text {
            "MONOCHROME2" => Self::Monochrome2,
            "MONOCHROME1" => Self::Monochrome1,
            "PALETTE COLOR" => Self::Palette,
            "RGB" => Self::Rgb,
            "YBR_FULL" => Self::YbrFull,
            "YBR_FULL_422" => Self::YbrFull422,
            "YBR_ICT" | "YBR_RCT" => Self::YbrOfJpeg2000,
            _ => return None,
        })
    }

    /// Tells whether samples are luma and chroma, as they come from a decoder.
    pub(super) const fn is_ybr(self) -> bool {
        matches!(self, Self::YbrFull | Self::YbrFull422)
    }

    /// Returns what three samples are, by the header.
    pub(super) const fn colour(self) -> Colour {
        match self {
            Self::YbrFull | Self::YbrFull422 | Self::YbrOfJpeg2000 => Colour::Ybr,
            _ => Colour::Rgb,
        }
    }

    pub(super) const fn is_grey(self) -> bool {
        matches!(self, Self::Monochrome1 | Self::Monochrome2)
    }

    pub(super) const fn samples(self) -> usize {
        match self {
            Self::Monochrome1 | Self::Monochrome2 | Self::Palette => 1,
            _ => 3,
        }
    }
}

/// Interleaved luma and chroma of 8 bits → RGB, in place; exact halves are rounded up.
pub(super) fn ybr_to_rgb(pixels: &mut [u8]) {
    const G_CB: f32 = -0.114 * 1.772 / 0.587;
    const G_CR: f32 = -0.299 * 1.402 / 0.587;
    for pixel in pixels.as_chunks_mut::<3>().0 {
        let [y, cb, cr] = pixel.map(f32::from);
        let (cb, cr) = (cb - 128.0, cr - 128.0);
        let rgb = [y + 1.402 * cr, y + G_CB * cb + G_CR * cr, y + 1.772 * cb];
        *pixel = rgb.map(|value| (value + 0.5).floor().clamp(0.0, 255.0) as u8);
    }
}

/// The same of so many bits: chroma has its middle in half of what they hold.
pub(super) fn ybr_of_bits_to_rgb(pixels: &mut [u16], bits: u32) {
    const G_CB: f64 = -0.114 * 1.772 / 0.587;
    const G_CR: f64 = -0.299 * 1.402 / 0.587;
    let (largest, middle) = (f64::from((1_u32 << bits) - 1), f64::from(1_u32 << (bits - 1)));
    for pixel in pixels.as_chunks_mut::<3>().0 {
        let [y, cb, cr] = pixel.map(f64::from);
        let (cb, cr) = (cb - middle, cr - middle);
        let rgb = [y + 1.402 * cr, y + G_CB * cb + G_CR * cr, y + 1.772 * cb];
        *pixel = rgb.map(|value| (value + 0.5).floor().clamp(0.0, largest) as u16);
    }
}

/// Two lumas, then the chroma that they share, again and again → luma and chroma of each pixel.
///
/// - returns: `[pixels, 3]`
pub(super) fn spread_422<T: Copy>(samples: &[T], height: usize, width: usize) -> Vec<T> {
    let mut pixels = Vec::with_capacity(height * width * 3);
    for row in samples.chunks_exact(width.div_ceil(2) * 4).take(height) {
        for (pair, [y0, y1, cb, cr]) in row.as_chunks::<4>().0.iter().enumerate() {
            pixels.extend([*y0, *cb, *cr]);
            if 2 * pair + 1 < width {
                pixels.extend([*y1, *cb, *cr]);
            }
        }
    }
    pixels
}

/// Plane after plane → sample after sample.
pub(super) fn interleave<T: Copy + Default>(planes: &[T], samples: usize) -> Vec<T> {
    let pixels = planes.len() / samples;
    let mut result = vec![T::default(); pixels * samples];
    for (sample, plane) in planes.chunks_exact(pixels.max(1)).take(samples).enumerate() {
        result[sample..].iter_mut().step_by(samples).zip(plane).for_each(|(place, value)| *place = *value);
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grey_stays_grey_and_the_primaries_come_back() {
        let mut pixels = [90, 128, 128, 76, 85, 255, 29, 255, 107];
        ybr_to_rgb(&mut pixels);
        assert_eq!(pixels, [90, 90, 90, 254, 0, 0, 0, 0, 254]);
    }

    #[test]
    fn shared_chroma_goes_to_both_pixels_and_an_odd_row_ends_with_one() {
        let bytes = [1, 2, 100, 200, 3, 0, 101, 201];
        assert_eq!(spread_422(&bytes, 1, 3), [1, 100, 200, 2, 100, 200, 3, 101, 201]);
    }

    #[test]
    fn more_bits_are_the_same_colours() {
        let mut deep = [90 << 4, 2048, 2048, 1000, 2048, 2048 + 100];
        ybr_of_bits_to_rgb(&mut deep, 12);
        assert_eq!(deep, [90 << 4, 90 << 4, 90 << 4, 1140, 929, 1000]);
    }

    #[test]
    fn planes_are_interleaved() {
        assert_eq!(interleave(&[1, 2, 3, 4, 5, 6], 3), [1, 3, 5, 2, 4, 6]);
        assert_eq!(interleave(&[1, 2, 3], 1), [1, 2, 3]);
    }
}
