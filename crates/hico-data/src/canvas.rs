//! What contact sheets are drawn on: frames and lines of text, then a PNG.

use crate::clip::{Channels, Frame, Size};
use embedded_graphics::Drawable as _;
use embedded_graphics::Pixel;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Point, Size as Extent};
use embedded_graphics::mono_font::iso_8859_1::FONT_6X13;
use embedded_graphics::mono_font::{MonoFont, MonoTextStyle};
use embedded_graphics::pixelcolor::{Rgb888, RgbColor as _};
use embedded_graphics::text::{Baseline, Text};
use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder as _};
use std::convert::Infallible;

/// Height of a line of text, pixels.
pub(crate) const LINE: usize = 15;

pub(crate) const FONT: MonoFont<'_> = FONT_6X13;
pub(crate) const PAPER: Rgb888 = Rgb888::new(24, 26, 30);
pub(crate) const INK: Rgb888 = Rgb888::WHITE;
pub(crate) const PALE: Rgb888 = Rgb888::new(160, 166, 176);

/// The picture while it is drawn, `[height, width, 3]`.
pub(crate) struct Canvas {
    pub(crate) size: Size,
    pub(crate) pixels: Vec<u8>,
}

impl Canvas {
    pub(crate) fn new(size: Size) -> Self {
        Self { size, pixels: [PAPER.r(), PAPER.g(), PAPER.b()].repeat(size.height * size.width) }
    }

    /// A frame with its upper left corner at `left`, `top`; it must lie inside.
    pub(crate) fn picture(&mut self, frame: &Frame, left: usize, top: usize) {
        let channels = frame.channels.count();
        for (row, line) in frame.pixels.chunks(frame.size.width * channels).enumerate() {
            let start = 3 * ((top + row) * self.size.width + left);
            let target = self.pixels[start..start + 3 * frame.size.width].as_chunks_mut::<3>().0;
            match frame.channels {
                Channels::Grey => target.iter_mut().zip(line).for_each(|(pixel, grey)| *pixel = [*grey; 3]),
                Channels::Rgb => target.iter_mut().zip(line.as_chunks().0).for_each(|(pixel, rgb)| *pixel = *rgb),
            }
        }
    }

    /// One line of text, its middle left out where it does not fit into `width` pixels.
    pub(crate) fn text(
        &mut self,
        text: &str,
        left: usize,
        top: usize,
        width: usize,
        font: &MonoFont<'_>,
        colour: Rgb888,
    ) {
        let fitted = fitted(text, width / font.character_size.width as usize);
        let corner = Point::new(left as i32, top as i32);
        let style = MonoTextStyle::new(font, colour);
        // The canvas cannot fail: what lies outside is not drawn.
        Text::with_baseline(&fitted, corner, style, Baseline::Top).draw(self).ok();
    }

    /// The picture as a PNG file.
    pub(crate) fn png(&self) -> Result<Vec<u8>, image::ImageError> {
        let mut png = Vec::new();
        let side = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        PngEncoder::new_with_quality(&mut png, CompressionType::Default, FilterType::Adaptive).write_image(
            &self.pixels,
            side(self.size.width),
            side(self.size.height),
            ExtendedColorType::Rgb8,
        )?;
        Ok(png)
    }
}

/// At most `most` characters: the beginning, two dots and the end, where names of clips differ.
fn fitted(text: &str, most: usize) -> String {
    let characters: Vec<char> = text.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
    if characters.len() <= most {
        return characters.into_iter().collect();
    }
    let kept = most.saturating_sub(2);
    let (head, tail) = (kept - kept / 2, kept / 2);
    characters[..head].iter().chain(&['.', '.']).chain(&characters[characters.len() - tail..]).take(most).collect()
}

impl OriginDimensions for Canvas {
    fn size(&self) -> Extent {
        Extent::new(self.size.width as u32, self.size.height as u32)
    }
}

impl DrawTarget for Canvas {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb888>>>(&mut self, pixels: I) -> Result<(), Infallible> {
        for Pixel(at, colour) in pixels {
            let inside = |place: i32, length: usize| usize::try_from(place).ok().filter(|place| *place < length);
            if let (Some(x), Some(y)) = (inside(at.x, self.size.width), inside(at.y, self.size.height)) {
                let start = 3 * (y * self.size.width + x);
                self.pixels[start..start + 3].copy_from_slice(&[colour.r(), colour.g(), colour.b()]);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_keep_both_ends() {
        assert_eq!(fitted("a-very-long-name-01", 10), "a-ve..e-01");
        assert_eq!(fitted("short", 10), "short");
        assert_eq!(fitted("abc\ndef", 3), "a..");
        assert_eq!(fitted("abc", 0), "");
    }
}
