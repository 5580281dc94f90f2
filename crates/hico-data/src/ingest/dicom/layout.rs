//! How the pixels of a file are laid out: its header, checked once.

use super::colour::Photometric;
use super::fault::Fault;
use super::header::{Header, Value};
use crate::clip::Size;
use crate::ingest::frames::{Limits, check_size};
use crate::ingest::refusal::Refusal;
use crate::ingest::words::quoted;
use dicom_core::Tag;
use dicom_dictionary_std::tags;

/// How the pixels of a file are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) size: Size,
    pub(super) photometric: Photometric,
    /// Whether each sample has a plane of its own.
    pub(super) planar: bool,
    /// Bytes of a stored sample: 1 or 2.
    pub(super) bytes: usize,
    /// Bits of a sample that mean something.
    pub(super) bits: u32,
    pub(super) signed: bool,
    /// Frames announced, where they are.
    pub(super) frames: Option<usize>,
}

impl Layout {
    pub(super) fn read(header: &Header, limits: Limits) -> Result<Self, Refusal> {
        if header.pixels.is_none() {
            let floats = [tags::FLOAT_PIXEL_DATA, tags::DOUBLE_FLOAT_PIXEL_DATA].map(|tag| header.root(tag).is_some());
            let what = "pixels that are floating-point numbers".to_owned();
            return Err(if floats.contains(&true) { Fault::Beyond { what } } else { Fault::NoPictures }.into());
        }
        let frames = frames(header.root(tags::NUMBER_OF_FRAMES))?;
        let [rows, columns] =
            [number(header, tags::ROWS, "Rows (0028,0010)")?, number(header, tags::COLUMNS, "Columns (0028,0011)")?];
        let size = Size { height: usize::from(rows), width: usize::from(columns) };
        for (what, side) in [("Rows (0028,0010)", rows), ("Columns (0028,0011)", columns)] {
            if side == 0 {
                return Err(value(what, "0, expected 1 or more".to_owned()).into());
            }
        }
        check_size(size, limits)?;
        if frames.is_some_and(|frames| frames > limits.frames) {
            return Err(Refusal::TooManyFrames { limit: limits.frames });
        }
        let bits_allocated = number(header, tags::BITS_ALLOCATED, "Bits Allocated (0028,0100)")?;
        if ![8, 16].contains(&bits_allocated) {
            return Err(Fault::Beyond { what: format!("pixels of {bits_allocated} bits a sample") }.into());
        }
        let bits = header.root(tags::BITS_STORED).and_then(Value::word).unwrap_or(bits_allocated);
        if !(1..=bits_allocated).contains(&bits) {
            return Err(value("Bits Stored (0028,0101)", format!("{bits}, of {bits_allocated} allocated")).into());
        }
        let what = "Photometric Interpretation (0028,0004)";
        let text = header.root(tags::PHOTOMETRIC_INTERPRETATION).ok_or(Fault::Missing { what })?.text();
        let photometric = Photometric::read(&text)
            .ok_or_else(|| Fault::Beyond { what: format!("pixels that are {}", quoted(&text)) })?;
        let samples = number(header, tags::SAMPLES_PER_PIXEL, "Samples per Pixel (0028,0002)")?;
        if usize::from(samples) != photometric.samples() {
            return Err(value(
                "Samples per Pixel (0028,0002)",
                format!("{samples}, of pixels that are {}", quoted(&text)),
            )
            .into());
        }
        let signed = number(header, tags::PIXEL_REPRESENTATION, "Pixel Representation (0028,0103)")? == 1;
        let planar = header.root(tags::PLANAR_CONFIGURATION).and_then(Value::word) == Some(1) && samples > 1;
        let bytes = usize::from(bits_allocated / 8);
        Ok(Self { size, photometric, planar, bytes, bits: u32::from(bits), signed, frames })
    }

    /// For a video, whose own headers say everything; ffmpeg judges them.
    pub(super) fn of_video(header: &Header) -> Result<Self, Fault> {
        if header.pixels.is_none() {
            return Err(Fault::NoPictures);
        }
        let size = Size { height: 0, width: 0 };
        let frames = frames(header.root(tags::NUMBER_OF_FRAMES))?;
        Ok(Self { size, photometric: Photometric::Rgb, planar: false, bytes: 1, bits: 8, signed: false, frames })
    }

    pub(super) const fn pixels(&self) -> usize {
        self.size.height * self.size.width
    }

    pub(super) const fn samples(&self) -> usize {
        self.photometric.samples()
    }

    /// Height, width and samples, as a decoder has to find them.
    pub(super) const fn shape(&self) -> [usize; 3] {
        [self.size.height, self.size.width, self.samples()]
    }

    /// Bytes of a frame that is not compressed.
    pub(super) fn frame_bytes(&self) -> usize {
        if self.photometric == Photometric::YbrFull422 {
            self.size.height * self.size.width.div_ceil(2) * 4 * self.bytes
        } else {
            self.pixels() * self.samples() * self.bytes
        }
    }
}

fn number(header: &Header, tag: Tag, what: &'static str) -> Result<u16, Fault> {
    header.root(tag).and_then(Value::word).ok_or(Fault::Missing { what })
}

const fn value(what: &'static str, found: String) -> Fault {
    Fault::Value { what, found }
}

/// Number of Frames; some devices write 0 for a single one.
fn frames(number: Option<&Value>) -> Result<Option<usize>, Fault> {
    let Some(text) = number.map(Value::text).filter(|text| !text.is_empty()) else { return Ok(None) };
    let broken = |_| value("Number of Frames (0028,0008)", format!("{}, expected a whole number", quoted(&text)));
    let frames: usize = text.trim_start_matches('+').parse().map_err(broken)?;
    Ok((frames > 0).then_some(frames))
}
