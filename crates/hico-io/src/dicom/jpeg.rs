//! JPEG baseline, extended and progressive pictures of 8 bits (ITU-T T.81).

use super::colour::{Colour, ybr_to_rgb};
use super::jpeg_colour::{Marks, by_content};
use crate::jpeg::markers::{Segment, Segments, whole};
use crate::jpeg::scans;
use crate::tail;
use zune_core::bytestream::ZCursor;
use zune_core::colorspace::ColorSpace;
use zune_core::options::DecoderOptions;
use zune_jpeg::JpegDecoder;

/// A decoded picture.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Picture {
    /// `[height, width, samples]`, colour as RGB.
    pub(super) pixels: Vec<u8>,
    /// Says what the samples of the stream are.
    pub(super) colour: Colour,
    /// Says what is odd about the stream.
    pub(super) told: Vec<String>,
}

/// Holds what is told where header and stream contradict each other, and no pixel is dark or bright enough to say which
/// is right.
const NOT_VERIFIED: &str = "the header says RGB, the JPEG numbers its samples as YBR does (1, 2, 3): colour space not \
                            verified, read as RGB";

/// Decodes one picture.
///
/// - `expected`: height, width and samples; a picture that says otherwise is refused before memory is taken
/// - `header`: what the DICOM header says of three samples; what the picture itself tells outweighs it
/// - `settled`: what an earlier picture of the clip told by its values alone
pub(super) fn decode(
    data: &[u8],
    expected: [usize; 3],
    header: Colour,
    settled: &mut Option<Colour>,
) -> Result<Picture, String> {
    let markers = Markers::read(data)?;
    if markers.precision != 8 {
        return Err(format!("JPEG of {} bits a sample is not read", markers.precision));
    }
    if markers.size != expected {
        return Err(format!("{:?} (height, width, samples), the header says {expected:?}", markers.size));
    }
    // The decoder fills with grey what is missing, at the end and before it.
    let behind = data;
    let data = whole(data)?;
    let behind = &behind[data.len()..];
    if let Some(said) = scans::misread(data) {
        return Err(said.to_owned());
    }
    let surplus = scans::check(data)?.then(|| scans::SURPLUS.to_owned());
    let is_followed = behind.len() > tail::PADDING && behind.iter().any(|byte| !matches!(byte, 0 | 0xff));
    let mut told: Vec<String> = surplus.into_iter().chain(is_followed.then(|| tail::note("JPEG"))).collect();
    // Without the marker of Adobe the decoder takes any three samples for luma and chroma; which they are, we say.
    let cleared = markers.adobe_at.map(|at| [&data[..at], &data[at + markers.adobe_length..]].concat());
    let data = cleared.as_deref().unwrap_or(data);
    let known = markers.marks.colour(header).or(*settled);
    if let (3, None) = (expected[2], known) {
        let raw = pixels(data, expected, Colour::Rgb, markers.marks.named_rgb)?;
        let seen = by_content(&raw);
        if seen.is_none() && header == Colour::Rgb && markers.marks.numbered {
            told.push(NOT_VERIFIED.to_owned());
        }
        let colour = *settled.insert(seen.unwrap_or(header));
        if colour == Colour::Rgb {
            return Ok(Picture { pixels: raw, colour, told });
        }
    }
    let colour = known.or(*settled).unwrap_or(header);
    Ok(Picture { pixels: pixels(data, expected, colour, markers.marks.named_rgb)?, colour, told })
}

/// Decodes to RGB.
///
/// - `colour`: what the samples are
/// - `named_rgb`: what the decoder takes them for
fn pixels(data: &[u8], expected: [usize; 3], colour: Colour, named_rgb: bool) -> Result<Vec<u8>, String> {
    let [height, width, samples] = expected;
    let wanted = match (samples, colour) {
        (1, _) => ColorSpace::Luma,
        (_, Colour::Ybr) => ColorSpace::RGB,
        (_, Colour::Rgb) if named_rgb => ColorSpace::RGB,
        (_, Colour::Rgb) => ColorSpace::YCbCr,
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
    if (samples, colour, named_rgb) == (3, Colour::Ybr, true) {
        ybr_to_rgb(&mut pixels);
    }
    Ok(pixels)
}

/// Holds what the segments before the pixels say.
#[derive(Debug, PartialEq, Eq)]
struct Markers {
    precision: u8,
    /// Height, width, samples.
    size: [usize; 3],
    marks: Marks,
    /// The place where Adobe's segment begins, if there is one, and its bytes.
    adobe_at: Option<usize>,
    adobe_length: usize,
}

impl Markers {
    fn read(data: &[u8]) -> Result<Self, String> {
        let (mut frame, mut marks) = (None, Marks::default());
        let (mut adobe_at, mut adobe_length) = (None, 0);
        for segment in Segments::new(data)? {
            let segment = segment?;
            let Segment { marker, body, tail } = segment;
            match (marker, body) {
                (0xda, _) => break,
                (0xc0..=0xc2, [precision, h0, h1, w0, w1, samples, ..]) => {
                    let size = |a: &u8, b: &u8| usize::from(u16::from_be_bytes([*a, *b]));
                    frame = Some((*precision, [size(h0, h1), size(w0, w1), usize::from(*samples)]));
                }
                (0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf, _) => {
                    return Err(format!("its frame header is of another JPEG process (SOF{})", marker - 0xc0));
                }
                (0xee, [b'A', b'd', b'o', b'b', b'e', ..]) => {
                    adobe_length = body.len() + 4;
                    adobe_at = (data.len() - tail.len()).checked_sub(adobe_length);
                }
                _ => {}
            }
            marks.see(&segment);
        }
        let (precision, size) = frame.ok_or("it ends before its frame header")?;
        Ok(Self { precision, size, marks, adobe_at, adobe_length })
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
        let pixels = decode(&grey(), [10, 20, 1], Colour::Ybr, &mut None).unwrap().pixels;
        assert!(pixels.iter().enumerate().all(|(at, value)| value.abs_diff((at % 20 * 10 + at / 20) as u8) <= 2));
        assert!(decode(&grey(), [20, 10, 1], Colour::Ybr, &mut None).unwrap_err().starts_with("[10, 20, 1]"));
    }

    #[test]
    fn a_picture_cut_anywhere_is_refused() {
        let whole = grey();
        for length in 0..whole.len() - 1 {
            assert!(decode(&whole[..length], [10, 20, 1], Colour::Ybr, &mut None).is_err(), "{length}");
        }
    }
}
