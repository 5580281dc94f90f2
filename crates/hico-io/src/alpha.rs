//! Tells how much of a pixel is seen.

/// Says what alpha did to the colours.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Alpha {
    #[default]
    Straight,
    /// They are multiplied by it.
    Applied,
}

/// Transparent pixels lie over black, the background of an ultrasound picture.
///
/// - `rgba`: `[.., 4]`; returns `[.., 3]`
pub(super) fn over_black(rgba: &[u8]) -> Vec<u8> {
    let pixels = rgba.as_chunks::<4>().0.iter();
    pixels.flat_map(|[r, g, b, alpha]| [r, g, b].map(|value| blend(*value, *alpha))).collect()
}

fn blend(value: u8, alpha: u8) -> u8 {
    let product = u16::from(value) * u16::from(alpha) + 127;
    u8::try_from(product / 255).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::RgbaImage;

    #[test]
    fn transparent_pixels_lie_over_black() {
        let rgba = RgbaImage::from_raw(3, 1, vec![200, 100, 50, 0, 200, 100, 50, 255, 200, 100, 50, 128]).unwrap();
        assert_eq!(over_black(rgba.as_raw()), [0, 0, 0, 200, 100, 50, 100, 50, 25]);
    }
}
