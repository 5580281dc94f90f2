//! Frames as so few grey values that only rough shapes are left: what anything that looks at them has to beat.

use hico_data::Frame;
use hico_data::view::{self, ViewRecipe};

/// Side of a thumbnail, pixels.
pub const THUMBNAIL_SIDE: usize = 16;

/// The frame as 16x16 grey values from 0 to 1 (Rec. 601 luma), `[256]`; squashed to a square, antialiased.
///
/// # Panics
/// As [`view::plain`].
#[must_use]
pub fn thumbnail(frame: &Frame) -> Vec<f32> {
    let recipe = ViewRecipe { side: THUMBNAIL_SIDE, mean: 0.0, std: 1.0, ..ViewRecipe::default() };
    let planes = view::plain(frame, &recipe); // [3, 16, 16]
    let (red, rest) = planes.split_at(THUMBNAIL_SIDE * THUMBNAIL_SIDE);
    let (green, blue) = rest.split_at(THUMBNAIL_SIDE * THUMBNAIL_SIDE);
    red.iter().zip(green).zip(blue).map(|((r, g), b)| 0.299 * r + 0.587 * g + 0.114 * b).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hico_data::{Channels, Size};

    #[test]
    fn an_even_frame_has_an_even_thumbnail_of_its_luma() {
        let size = Size { height: 40, width: 64 };
        let pixels = [255, 0, 51].repeat(40 * 64);
        let thumbnail = thumbnail(&Frame { size, channels: Channels::Rgb, pixels });
        assert_eq!(thumbnail.len(), 256);
        let luma = 0.299 + 0.114 * 0.2;
        assert!(thumbnail.iter().all(|value| (value - luma).abs() < 1e-6));
    }
}
