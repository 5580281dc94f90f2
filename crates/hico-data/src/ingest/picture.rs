//! Pictures decoded in process: single ones, folders of them, and animations (GIF, animated PNG and WebP).

use super::frames::{FrameSink, Limits, check_size};
use super::refusal::Refusal;
use super::sniff::{self, Content};
use crate::clip::Size;
use image::codecs::{gif::GifDecoder, png::PngDecoder, webp::WebPDecoder};
use image::{AnimationDecoder, DynamicImage, ImageDecoder, ImageFormat, ImageReader};
use std::fs::File;
use std::io::{BufReader, Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// A GIF frame shown for less than this is shown for [`USUAL_DELAY_MS`] by browsers and by ffmpeg.
const SHORTEST_DELAY_MS: f64 = 20.0;
const USUAL_DELAY_MS: f64 = 100.0;

/// Decodes pictures in the given order as the frames of one clip.
pub(crate) fn decode_pictures(
    files: &[PathBuf],
    sink: &mut FrameSink,
    limits: Limits,
    stop: &AtomicBool,
) -> Result<(), Refusal> {
    for file in files {
        if stop.load(Ordering::Relaxed) {
            return Err(Refusal::Interrupted);
        }
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let (size, rgb) = decode_picture(file, &name, limits)?;
        sink.admit(size, &|| name.clone())?;
        sink.push(&rgb)?;
    }
    Ok(())
}

/// Decodes one picture, upright as its orientation tag says: its size and `[height, width, 3]` bytes.
pub(crate) fn decode_picture(path: &Path, name: &str, limits: Limits) -> Result<(Size, Vec<u8>), Refusal> {
    let unreadable = |error: std::io::Error| Refusal::Read { said: error.to_string() };
    let broken = |error: image::ImageError| Refusal::Picture { name: name.to_owned(), said: one_line(&error) };
    let format = match sniff::content(path).map_err(unreadable)? {
        Content::Picture(format) | Content::Animation(format) => format,
        Content::Empty => return Err(Refusal::Empty { picture: Some(name.to_owned()) }),
        Content::Text => return Err(Refusal::Text { picture: Some(name.to_owned()) }),
        Content::Dicom | Content::DicomDirectory => {
            return Err(Refusal::Picture { name: name.to_owned(), said: "a DICOM file".into() });
        }
        Content::Other => {
            return Err(Refusal::Picture { name: name.to_owned(), said: "not a picture of a known format".into() });
        }
    };
    match format {
        ImageFormat::Jpeg if !jpeg_ends(path).map_err(unreadable)? => {
            return Err(Refusal::Picture {
                name: name.to_owned(),
                said: "cut short: the end of the JPEG is missing".into(),
            });
        }
        ImageFormat::Tiff if tiff_has_more_pages(path).map_err(unreadable)? => {
            return Err(Refusal::ManyPages { name: name.to_owned() });
        }
        _ => {}
    }
    let file = BufReader::new(File::open(path).map_err(unreadable)?);
    let mut reader = ImageReader::with_format(file, format);
    reader.limits(decoder_limits(limits));
    let mut decoder = reader.into_decoder().map_err(broken)?;
    let (width, height) = decoder.dimensions();
    check_size(Size { height: height as usize, width: width as usize }, limits)?;
    let orientation = decoder.orientation().map_err(broken)?;
    let mut picture = DynamicImage::from_decoder(decoder).map_err(broken)?;
    picture.apply_orientation(orientation);
    let size = Size { height: picture.height() as usize, width: picture.width() as usize };
    let rgb =
        if picture.color().has_alpha() { over_black(&picture.into_rgba8()) } else { picture.into_rgb8().into_raw() };
    Ok((size, rgb))
}

/// Decodes an animation frame by frame; returns its frame rate.
pub(crate) fn decode_animation(
    path: &Path,
    format: ImageFormat,
    sink: &mut FrameSink,
    limits: Limits,
    stop: &AtomicBool,
) -> Result<Option<f64>, Refusal> {
    let file = BufReader::new(File::open(path).map_err(|error| Refusal::Read { said: error.to_string() })?);
    let damaged = |frames: usize, error: &image::ImageError| match frames {
        0 => Refusal::NotVideo { said: one_line(error) },
        frames => Refusal::Damaged { frames, said: one_line(error) },
    };
    let start = |error: image::ImageError| damaged(0, &error);
    let frames = match format {
        ImageFormat::Gif => admitted(GifDecoder::new(file).map_err(start)?, limits)?.into_frames(),
        ImageFormat::WebP => admitted(WebPDecoder::new(file).map_err(start)?, limits)?.into_frames(),
        _ => admitted(PngDecoder::new(file).map_err(start)?, limits)?.apng().map_err(start)?.into_frames(),
    };
    let mut milliseconds = 0.0;
    for frame in frames {
        if stop.load(Ordering::Relaxed) {
            return Err(Refusal::Interrupted);
        }
        let frame = frame.map_err(|error| damaged(sink.len(), &error))?;
        let (numerator, denominator) = frame.delay().numer_denom_ms();
        let delay = f64::from(numerator) / f64::from(denominator.max(1));
        milliseconds += if delay < SHORTEST_DELAY_MS { USUAL_DELAY_MS } else { delay };
        let picture = frame.into_buffer();
        let size = Size { height: picture.height() as usize, width: picture.width() as usize };
        let number = sink.len();
        sink.admit(size, &|| format!("frame {number}"))?;
        sink.push(&over_black(&picture))?;
    }
    if format == ImageFormat::Gif && !gif_ends(path).map_err(|error| Refusal::Read { said: error.to_string() })? {
        return Err(Refusal::Damaged { frames: sink.len(), said: "the end of the GIF is missing".to_owned() });
    }
    Ok((milliseconds > 0.0).then(|| sink.len() as f64 * 1000.0 / milliseconds))
}

/// The decoder, if its canvas is within the limits; it then refuses by itself what would take more memory.
fn admitted<D: ImageDecoder>(mut decoder: D, limits: Limits) -> Result<D, Refusal> {
    let (width, height) = decoder.dimensions();
    check_size(Size { height: height as usize, width: width as usize }, limits)?;
    decoder.set_limits(decoder_limits(limits)).map_err(|error| Refusal::NotVideo { said: one_line(&error) })?;
    Ok(decoder)
}

fn decoder_limits(limits: Limits) -> image::Limits {
    let mut bounds = image::Limits::default();
    // Four channels of two bytes, and as much again for the decoder's own work.
    bounds.max_alloc = Some(limits.pixels.saturating_mul(16).saturating_add(1 << 20));
    bounds
}

/// Transparent pixels lie over black, the background of an ultrasound picture.
fn over_black(rgba: &image::RgbaImage) -> Vec<u8> {
    let pixels = rgba.as_raw().as_chunks::<4>().0.iter();
    pixels.flat_map(|[r, g, b, alpha]| [r, g, b].map(|value| blend(*value, *alpha))).collect()
}

fn blend(value: u8, alpha: u8) -> u8 {
    let product = u16::from(value) * u16::from(alpha) + 127;
    u8::try_from(product / 255).unwrap_or(u8::MAX)
}

/// Whether a JPEG has its end marker; without it the decoder would fill the rest with grey and say nothing.
fn jpeg_ends(path: &Path) -> std::io::Result<bool> {
    Ok(tail(path, 65_536)?.windows(2).any(|word| word == [0xff, 0xd9]))
}

/// Whether a GIF has its trailer, perhaps followed by zeros or a line end.
fn gif_ends(path: &Path) -> std::io::Result<bool> {
    let tail = tail(path, 64)?;
    Ok(tail.iter().rev().find(|byte| !matches!(**byte, 0 | b'\n' | b'\r')) == Some(&0x3b))
}

fn tail(path: &Path, longest: u64) -> std::io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    file.seek(SeekFrom::Start(length.saturating_sub(longest)))?;
    let mut bytes = Vec::new();
    file.take(longest).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Whether the first directory of a TIFF names another one.
fn tiff_has_more_pages(path: &Path) -> std::io::Result<bool> {
    let mut file = File::open(path)?;
    let mut head = [0; 8];
    file.read_exact(&mut head)?;
    let little = head.starts_with(b"II");
    let u32_of = |bytes: [u8; 4]| if little { u32::from_le_bytes(bytes) } else { u32::from_be_bytes(bytes) };
    let [_, _, _, _, directory @ ..] = head;
    let directory = u64::from(u32_of(directory));
    let mut count = [0; 2];
    file.seek(SeekFrom::Start(directory))?;
    file.read_exact(&mut count)?;
    let count = if little { u16::from_le_bytes(count) } else { u16::from_be_bytes(count) };
    let mut next = [0; 4];
    file.seek(SeekFrom::Start(directory + 2 + 12 * u64::from(count)))?;
    // A file that ends here has no further page; whether it is whole, the decoder will say.
    Ok(file.read_exact(&mut next).is_ok() && u32_of(next) != 0)
}

fn one_line(error: &dyn std::error::Error) -> String {
    error.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::super::frames::Fit;
    use super::*;
    use crate::clip::Channels;
    use image::codecs::gif::GifEncoder;
    use image::{Delay, Frame, GrayImage, Luma, RgbImage, RgbaImage};
    use std::time::Duration;

    fn sink() -> FrameSink {
        FrameSink::new(0, Fit::Squash, Limits::default())
    }

    fn gif(path: &Path, greys: &[u8]) {
        let mut encoder = GifEncoder::new(File::create(path).unwrap());
        for grey in greys {
            let picture = RgbaImage::from_pixel(6, 4, image::Rgba([*grey, *grey, *grey, 255]));
            let delay = Delay::from_saturating_duration(Duration::from_millis(40));
            encoder.encode_frame(Frame::from_parts(picture, 0, 0, delay)).unwrap();
        }
    }

    #[test]
    fn every_frame_of_a_gif_is_there_with_its_rate() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.gif");
        gif(&path, &[0, 60, 120]);
        let mut sink = sink();
        let fps = decode_animation(&path, ImageFormat::Gif, &mut sink, Limits::default(), &AtomicBool::new(false));
        let decoded = sink.finish(fps.unwrap(), "image").unwrap();
        assert_eq!(decoded.clip.fps, Some(25.0));
        assert_eq!(decoded.clip.size, Size { height: 4, width: 6 });
        assert_eq!(decoded.clip.pixels, [[0; 24], [60; 24], [120; 24]].concat());
    }

    #[test]
    fn a_gif_cut_anywhere_is_refused_and_none_of_its_bytes_break_us() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.gif");
        gif(&path, &[0, 60, 120]);
        let whole = std::fs::read(&path).unwrap();
        for length in 6..whole.len() - 1 {
            std::fs::write(&path, &whole[..length]).unwrap();
            let result =
                decode_animation(&path, ImageFormat::Gif, &mut sink(), Limits::default(), &AtomicBool::new(false));
            assert!(matches!(result, Err(Refusal::Damaged { .. } | Refusal::NotVideo { .. })), "{length}: {result:?}");
        }
    }

    #[test]
    fn pictures_of_every_format_become_the_frames_of_a_clip() {
        let folder = tempfile::tempdir().unwrap();
        let picture = GrayImage::from_fn(8, 5, |x, y| Luma([(20 * x + y) as u8]));
        let files: Vec<PathBuf> =
            ["a.png", "b.bmp", "c.tiff", "d.webp"].iter().map(|name| folder.path().join(name)).collect();
        for file in &files {
            // The WebP encoder takes colour only.
            DynamicImage::ImageLuma8(picture.clone()).to_rgb8().save(file).unwrap();
        }
        let mut sink = sink();
        decode_pictures(&files, &mut sink, Limits::default(), &AtomicBool::new(false)).unwrap();
        let decoded = sink.finish(None, "image").unwrap();
        assert_eq!(decoded.clip.channels, Channels::Grey);
        assert_eq!(decoded.clip.pixels, picture.as_raw().repeat(4));
    }

    #[test]
    fn a_picture_cut_short_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let noise = RgbImage::from_fn(40, 40, |x, y| image::Rgb([(x * y) as u8, (x * 7) as u8, (y * 13) as u8]));
        for name in ["a.png", "a.jpg", "a.bmp", "a.tiff", "a.webp"] {
            let path = folder.path().join(name);
            noise.save(&path).unwrap();
            let whole = std::fs::read(&path).unwrap();
            assert!(decode_picture(&path, name, Limits::default()).is_ok(), "{name}");
            std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
            let error = decode_picture(&path, name, Limits::default());
            match error {
                Err(Refusal::Picture { name: named, .. }) => assert_eq!(named, name),
                // A TIFF keeps its directory at the end, so that half of one cannot even be opened.
                Err(Refusal::Read { .. }) if name == "a.tiff" => {}
                other => panic!("{name}: {other:?}"),
            }
        }
        std::fs::write(folder.path().join("e.png"), "").unwrap();
        let error = decode_picture(&folder.path().join("e.png"), "e.png", Limits::default()).unwrap_err();
        assert_eq!(error.to_string(), "the file is empty (e.png)");
    }

    #[test]
    fn a_picture_larger_than_allowed_is_refused_by_its_header() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        GrayImage::new(40, 30).save(&path).unwrap();
        let limits = Limits { pixels: 1199, ..Limits::default() };
        assert!(matches!(decode_picture(&path, "a.png", limits), Err(Refusal::TooLarge { limit: 1199, .. })));
    }

    #[test]
    fn transparent_pixels_lie_over_black() {
        let rgba = RgbaImage::from_raw(3, 1, vec![200, 100, 50, 0, 200, 100, 50, 255, 200, 100, 50, 128]).unwrap();
        assert_eq!(over_black(&rgba), [0, 0, 0, 200, 100, 50, 100, 50, 25]);
    }
}
