//! Maps over frames: pictures, a sheet of them, and a film.

use super::Map;
use super::clip::Explained;
use hico_data::Frame;
use hico_data::view::planes::Planes;
use image::codecs::gif::{GifEncoder, Repeat};
use image::codecs::jpeg::JpegEncoder;
use image::imageops::{FilterType, replace, resize};
use image::{Delay, DynamicImage, ImageError, ImageFormat, Rgb, RgbImage};
use std::io::Cursor;
use std::time::Duration;

/// Height and width of a picture, pixels.
pub const SIDE: u32 = 256;

/// Gap between pictures of a sheet, pixels.
const GAP: u32 = 6;

/// How much of a picture the strongest colour covers.
const COVER: f32 = 0.65;

/// From little to much, told apart in grey as well (matplotlib's inferno at a quarter, a half, three quarters and its end).
const RAMP: [[f32; 3]; 5] =
    [[0.0, 0.0, 4.0], [87.0, 16.0, 110.0], [188.0, 55.0, 84.0], [249.0, 142.0, 9.0], [252.0, 255.0, 164.0]];

/// The frame alone, squashed to [`SIDE`].
#[must_use]
pub fn plain(frame: &Frame) -> RgbImage {
    let values = Planes::of(frame).into_three();
    let pixels = frame.size.height * frame.size.width;
    let pixel = |x: u32, y: u32| {
        let at = y as usize * frame.size.width + x as usize;
        Rgb([0, 1, 2].map(|channel: usize| values[channel * pixels + at]))
    };
    let whole = RgbImage::from_fn(frame.size.width as u32, frame.size.height as u32, pixel);
    resize(&whole, SIDE, SIDE, FilterType::Triangle)
}

/// A map over its frame: nothing is covered where it is 0 or less, most where it is 1 or more.
#[must_use]
pub fn overlaid(frame: &Frame, map: &Map) -> RgbImage {
    let mut picture = plain(frame);
    let map = map.resized(SIDE as usize, SIDE as usize);
    for (pixel, value) in picture.pixels_mut().zip(&map.values) {
        let heat = value.clamp(0.0, 1.0);
        let colour = coloured(heat);
        for (channel, colour) in pixel.0.iter_mut().zip(colour) {
            let cover = COVER * heat.sqrt();
            *channel = (f32::from(*channel) * (1.0 - cover) + colour * cover).round() as u8;
        }
    }
    picture
}

fn coloured(heat: f32) -> [f32; 3] {
    let place = heat * (RAMP.len() - 1) as f32;
    let below = (place as usize).min(RAMP.len() - 2);
    let share = place - below as f32;
    [0, 1, 2].map(|channel: usize| RAMP[below][channel] + (RAMP[below + 1][channel] - RAMP[below][channel]) * share)
}

/// The pictures of one frame: as it is, by Grad-CAM local, medium and global, and by hiding.
#[must_use]
pub fn row(explained: &Explained) -> [RgbImage; 5] {
    let Explained { picture, cams: [local, medium, global], hidden, .. } = explained;
    [
        plain(picture),
        overlaid(picture, local),
        overlaid(picture, medium),
        overlaid(picture, global),
        overlaid(picture, &hidden.clone().scaled()),
    ]
}

/// A sheet, a row for each frame, in the order of [`row`].
#[must_use]
pub fn sheet(rows: &[[RgbImage; 5]]) -> RgbImage {
    let columns = 5;
    let mut sheet = RgbImage::from_pixel(
        columns * (SIDE + GAP) - GAP,
        (rows.len() as u32 * (SIDE + GAP)).max(GAP + 1) - GAP,
        Rgb([255; 3]),
    );
    for (number, row) in rows.iter().enumerate() {
        for (column, picture) in row.iter().enumerate() {
            let [x, y] = [column, number].map(|place| i64::from(place as u32 * (SIDE + GAP)));
            replace(&mut sheet, picture, x, y);
        }
    }
    sheet
}

/// The bytes of a PNG.
///
/// # Errors
/// When the picture cannot be written to memory.
pub fn png(picture: &RgbImage) -> Result<Vec<u8>, ImageError> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, ImageFormat::Png)?;
    Ok(bytes.into_inner())
}

/// The bytes of a JPEG, for pictures to look through.
///
/// # Errors
/// When the picture cannot be written to memory.
pub fn jpeg(picture: &RgbImage) -> Result<Vec<u8>, ImageError> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, 85).encode_image(picture)?;
    Ok(bytes)
}

/// The bytes of a GIF that shows pictures one after the other, over and over.
///
/// - `seconds`: that each is shown
///
/// # Errors
/// When the film cannot be written to memory.
pub fn gif(pictures: &[RgbImage], seconds: f64) -> Result<Vec<u8>, ImageError> {
    let mut bytes = Vec::new();
    let mut encoder = GifEncoder::new_with_speed(&mut bytes, 10);
    encoder.set_repeat(Repeat::Infinite)?;
    let delay = Delay::from_saturating_duration(Duration::from_secs_f64(seconds.clamp(0.02, 10.0)));
    for picture in pictures {
        let picture = DynamicImage::ImageRgb8(picture.clone()).into_rgba8();
        encoder.encode_frame(image::Frame::from_parts(picture, 0, 0, delay))?;
    }
    drop(encoder);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hico_data::{Channels, Size};

    fn frame() -> Frame {
        let size = Size { height: 8, width: 8 };
        Frame { size, channels: Channels::Grey, pixels: vec![100; 64] }
    }

    #[test]
    fn what_is_important_is_coloured_and_the_rest_is_the_frame() {
        let map = Map { height: 1, width: 2, values: vec![-1.0, 1.0] };
        let picture = overlaid(&frame(), &map);
        assert_eq!(picture.get_pixel(0, 128).0, [100; 3]);
        let expected = [252.0_f32, 255.0, 164.0].map(|colour| (35.0 + 0.65 * colour).round() as u8);
        assert_eq!(picture.get_pixel(SIDE - 1, 128).0, expected);
    }

    #[test]
    fn a_sheet_has_a_row_for_each_frame_and_a_film_all_pictures() {
        let map = |value| Map { height: 1, width: 1, values: vec![value] };
        let explained = Explained {
            frame: 0,
            picture: frame(),
            probability: 0.5,
            cams: [map(0.0), map(0.5), map(1.0)],
            hidden: map(-0.1),
        };
        let rows = [row(&explained), row(&explained)];
        let whole = sheet(&rows);
        assert_eq!(whole.dimensions(), (5 * SIDE + 4 * GAP, 2 * SIDE + GAP));
        assert_eq!(whole.get_pixel(0, 0).0, [100; 3]);
        assert_eq!(whole.get_pixel(SIDE + 1, 0).0, [255; 3], "the gap");
        assert_eq!(whole.get_pixel(SIDE + GAP, SIDE + GAP).0, [100; 3], "a map of nothing covers nothing");
        assert_ne!(whole.get_pixel(3 * (SIDE + GAP), 0).0, [100; 3]);
        assert!(png(&whole).unwrap().starts_with(b"\x89PNG"));
        let film = gif(&rows.concat()[..3], 0.1).unwrap();
        let frames =
            image::AnimationDecoder::into_frames(image::codecs::gif::GifDecoder::new(Cursor::new(film)).unwrap());
        assert_eq!(frames.collect_frames().unwrap().len(), 3);
    }
}
