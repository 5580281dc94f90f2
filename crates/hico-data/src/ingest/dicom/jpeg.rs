//! JPEG baseline, extended and progressive pictures of 8 bits (ITU-T T.81).

use super::jpeg_markers::{Segment, Segments};
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

/// What the DICOM header says of the three samples of a pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Colour {
    /// Luma and two chroma.
    Ybr,
    /// Red, green and blue.
    Rgb,
}

/// Decodes one picture to `[height, width, samples]`, colour as RGB.
///
/// - `expected`: height, width and samples; a picture that says otherwise is refused before memory is taken
/// - `colour`: what the DICOM header says; the picture's own markers outweigh it
pub(super) fn decode(data: &[u8], expected: [usize; 3], colour: Colour) -> Result<Vec<u8>, String> {
    let markers = Markers::read(data)?;
    if markers.precision != 8 {
        return Err(format!("JPEG of {} bits a sample is not read", markers.precision));
    }
    if markers.size != expected {
        return Err(format!("{:?} (height, width, samples), the header says {expected:?}", markers.size));
    }
    // The decoder fills with grey what is missing at the end.
    if !data.windows(2).rev().take(4096).any(|word| word == [0xff, 0xd9]) {
        return Err("its end is missing".to_owned());
    }
    // Without the marker of Adobe the decoder takes any three samples for luma and chroma; which they are, we say.
    let cleared = markers.adobe_at.map(|at| [&data[..at], &data[at + markers.adobe_length..]].concat());
    let data = cleared.as_deref().unwrap_or(data);
    let ybr = match (markers.adobe_transform, markers.jfif, colour) {
        (Some(transform), ..) => transform != 0,
        (None, true, _) => true,
        (None, false, colour) => colour == Colour::Ybr,
    };
    let [height, width, samples] = expected;
    let wanted = match (samples, ybr) {
        (1, _) => ColorSpace::Luma,
        (_, true) => ColorSpace::RGB,
        (_, false) if markers.named_rgb => ColorSpace::RGB,
        (_, false) => ColorSpace::YCbCr,
    };
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(width)
        .set_max_height(height)
        .jpeg_set_out_colorspace(wanted);
    let mut pixels = vec![0; height * width * samples];
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(data), options);
    decoder.decode_headers().map_err(|error| error.to_string())?;
    if decoder.output_buffer_size() != Some(pixels.len()) {
        return Err("it decodes to another size than it says".to_owned());
    }
    decoder.decode_into(&mut pixels).map_err(|error| error.to_string())?;
    Ok(pixels)
}

/// What the segments before the pixels say.
#[derive(Debug, PartialEq, Eq)]
struct Markers {
    precision: u8,
    /// Height, width, samples.
    size: [usize; 3],
    /// Whether the samples are called R, G and B.
    named_rgb: bool,
    jfif: bool,
    adobe_transform: Option<u8>,
    /// Where Adobe's segment begins, if there is one, and its bytes.
    adobe_at: Option<usize>,
    adobe_length: usize,
}

impl Markers {
    fn read(data: &[u8]) -> Result<Self, String> {
        let mut frame = None;
        let (mut jfif, mut adobe_transform, mut adobe_at, mut adobe_length) = (false, None, None, 0);
        for segment in Segments::new(data)? {
            let Segment { marker, body, tail } = segment?;
            match (marker, body) {
                (0xda, _) => break,
                (0xc0..=0xc2, [precision, h0, h1, w0, w1, samples, components @ ..]) => {
                    let size = |a: &u8, b: &u8| usize::from(u16::from_be_bytes([*a, *b]));
                    let names: Vec<u8> = components.chunks_exact(3).map(|component| component[0]).collect();
                    frame = Some((*precision, [size(h0, h1), size(w0, w1), usize::from(*samples)], names == *b"RGB"));
                }
                (0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf, _) => {
                    return Err(format!("its frame header is of another JPEG process (SOF{})", marker - 0xc0));
                }
                (0xe0, [b'J', b'F', b'I', b'F', ..]) => jfif = true,
                (0xee, [b'A', b'd', b'o', b'b', b'e', ..]) => {
                    adobe_transform = body.get(11).copied();
                    adobe_length = body.len() + 4;
                    adobe_at = (data.len() - tail.len()).checked_sub(adobe_length);
                }
                _ => {}
            }
        }
        let (precision, size, named_rgb) = frame.ok_or("it ends before its frame header")?;
        Ok(Self { precision, size, named_rgb, jfif, adobe_transform, adobe_at, adobe_length })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::codecs::jpeg::JpegEncoder;
    use image::{GrayImage, Luma};

    fn grey() -> Vec<u8> {
        let mut data = Vec::new();
        let picture = GrayImage::from_fn(20, 10, |x, y| Luma([(x * 10 + y) as u8]));
        JpegEncoder::new_with_quality(&mut data, 100).encode_image(&picture).unwrap();
        data
    }

    #[test]
    fn a_grey_picture_decodes_and_another_size_is_refused() {
        let pixels = decode(&grey(), [10, 20, 1], Colour::Ybr).unwrap();
        assert!(pixels.iter().enumerate().all(|(at, value)| value.abs_diff((at % 20 * 10 + at / 20) as u8) <= 2));
        assert!(decode(&grey(), [20, 10, 1], Colour::Ybr).unwrap_err().starts_with("[10, 20, 1]"));
    }

    #[test]
    fn a_picture_cut_anywhere_is_refused() {
        let whole = grey();
        for length in 0..whole.len() - 1 {
            assert!(decode(&whole[..length], [10, 20, 1], Colour::Ybr).is_err(), "{length}");
        }
    }
}
