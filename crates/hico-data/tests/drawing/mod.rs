//! Synthetic frames with tissue in a fan, to be written on.

use embedded_graphics::Drawable as _;
use embedded_graphics::Pixel;
use embedded_graphics::draw_target::DrawTarget;
use embedded_graphics::geometry::{OriginDimensions, Point, Size as Extent};
use embedded_graphics::mono_font::{MonoFont, MonoTextStyle};
use embedded_graphics::pixelcolor::{Rgb888, RgbColor as _};
use embedded_graphics::text::{Baseline, Text};
use hico_data::Size;
use std::convert::Infallible;

/// Of every drawing.
pub(crate) const SIZE: Size = Size { height: 240, width: 320 };

/// A frame that is drawn on.
pub(crate) struct Drawing(pub(crate) Vec<u8>);

impl OriginDimensions for Drawing {
    fn size(&self) -> Extent {
        Extent::new(SIZE.width as u32, SIZE.height as u32)
    }
}

impl DrawTarget for Drawing {
    type Color = Rgb888;
    type Error = Infallible;

    fn draw_iter<I: IntoIterator<Item = Pixel<Rgb888>>>(&mut self, pixels: I) -> Result<(), Infallible> {
        for Pixel(at, colour) in pixels {
            let at = 3 * (at.y as usize * SIZE.width + at.x as usize);
            self.0[at..at + 3].copy_from_slice(&[colour.r(), colour.g(), colour.b()]);
        }
        Ok(())
    }
}

/// A number that looks random, 0 to 255.
fn noise(seed: u32) -> u32 {
    let mut value = seed.wrapping_mul(0x9e37_79b9) ^ 0x85eb_ca6b;
    for _ in 0..3 {
        value ^= value >> 15;
        value = value.wrapping_mul(0x2c1b_3c6d);
    }
    value >> 24
}

/// A fan of speckle, two by two pixels, that changes from frame to frame; bright lines and spots in it.
pub(crate) fn tissue(frame: u32) -> Drawing {
    let value = |x: usize, y: usize| {
        let (dx, dy) = (x as f64 - 160.0, y as f64 + 20.0);
        let (radius, angle) = (dx.hypot(dy), dx.atan2(dy));
        if !(60.0..250.0).contains(&radius) || angle.abs() > 0.6 {
            return 3 + noise((y * SIZE.width + x) as u32 ^ (frame << 20)) / 64;
        }
        let speckle = noise((y / 2 * SIZE.width + x / 2) as u32 ^ (frame << 20));
        let pleura = if (y as f64 - 110.0 - 4.0 * (x as f64 / 9.0).sin()).abs() < 2.0 { 90 } else { 0 };
        let spot = if (x / 7 * 31 + y / 5 * 17).is_multiple_of(23) { 50 } else { 0 };
        (25 + speckle / 3 + pleura + spot).min(255)
    };
    Drawing((0..SIZE.height * SIZE.width).flat_map(|at| [value(at % SIZE.width, at / SIZE.width) as u8; 3]).collect())
}

/// Writes words, the upper left corner at column and row `at`.
pub(crate) fn write(frame: &mut Drawing, words: &str, at: [i32; 2], font: &MonoFont<'_>, colour: Rgb888) {
    let style = MonoTextStyle::new(font, colour);
    Text::with_baseline(words, Point::new(at[0], at[1]), style, Baseline::Top).draw(frame).unwrap();
}
