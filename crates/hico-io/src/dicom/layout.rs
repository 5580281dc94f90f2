//! Tells how the pixels of a file are laid out: its header, checked once.

use super::colour::Photometric;
use super::header::{Header, Value};
use super::syntax::Coding;
use super::told::Told;
use crate::dicom_fault::Fault;
use crate::error::Error;
use crate::frame::Size;
use crate::limits::{Limits, check_size};
use crate::words::quoted;
use dicom_core::Tag;
use dicom_dictionary_std::tags;

/// Says how the pixels of a file are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) size: Size,
    pub(super) photometric: Photometric,
    /// True where each sample has a plane of its own.
    pub(super) planar: bool,
    /// Bytes of a stored sample: 1 or 2.
    pub(super) bytes: usize,
    /// Bits of a sample that mean something.
    pub(super) bits: u32,
    /// Bits below them, that mean nothing.
    pub(super) shift: u32,
    pub(super) signed: bool,
    /// Frames announced, where they are.
    pub(super) frames: Option<usize>,
    /// True where the header says that there are none.
    pub(super) says_no_frames: bool,
}

impl Layout {
    pub(super) fn read(header: &Header, limits: Limits, told: &mut Told) -> Result<Self, Error> {
        if header.pixels.is_none() {
            let floats = [tags::FLOAT_PIXEL_DATA, tags::DOUBLE_FLOAT_PIXEL_DATA].map(|tag| header.root(tag).is_some());
            let what = "pixels that are floating-point numbers".to_owned();
            return Err(if floats.contains(&true) { Fault::Beyond { what } } else { Fault::NoPictures }.into());
        }
        let said = frames(header.root(tags::NUMBER_OF_FRAMES))?;
        let (frames, says_no_frames) = (said.filter(|frames| *frames > 0), said == Some(0));
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
            return Err(Error::TooManyFrames { limit: limits.frames });
        }
        let bits_allocated = number(header, tags::BITS_ALLOCATED, "Bits Allocated (0028,0100)")?;
        if ![8, 16].contains(&bits_allocated) {
            return Err(Fault::Beyond { what: format!("pixels of {bits_allocated} bits a sample") }.into());
        }
        let bits = header.root(tags::BITS_STORED).and_then(Value::word).unwrap_or(bits_allocated);
        if !(1..=bits_allocated).contains(&bits) {
            return Err(value("Bits Stored (0028,0101)", format!("{bits}, of {bits_allocated} allocated")).into());
        }
        let high = header.root(tags::HIGH_BIT).and_then(Value::word).unwrap_or(bits - 1);
        let shift = high.checked_sub(bits - 1).filter(|_| high < bits_allocated).unwrap_or_else(|| {
            told.tell("High Bit (0028,0102) has no room for Bits Stored (0028,0101): the lowest bits were taken");
            0
        });
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
        let sign = number(header, tags::PIXEL_REPRESENTATION, "Pixel Representation (0028,0103)");
        let signed = match sign {
            // A sign means nothing in colours.
            _ if photometric.samples() > 1 => false,
            Ok(sign @ 2..) => {
                let found = format!("{sign}, expected 0 or 1");
                return Err(value("Pixel Representation (0028,0103)", found).into());
            }
            Ok(sign) => sign == 1,
            // Ultrasound has no sign.
            Err(_) => {
                told.tell("Pixel Representation (0028,0103) is absent: values were read without a sign");
                false
            }
        };
        let planar = header.root(tags::PLANAR_CONFIGURATION).and_then(Value::word) == Some(1) && samples > 1;
        let bytes = usize::from(bits_allocated / 8);
        let (bits, shift) = (u32::from(bits), u32::from(shift));
        Ok(Self { size, photometric, planar, bytes, bits, shift, signed, frames, says_no_frames })
    }

    /// For a video, whose own headers say everything; ffmpeg judges them.
    pub(super) fn of_video(header: &Header) -> Result<Self, Fault> {
        if header.pixels.is_none() {
            return Err(Fault::NoPictures);
        }
        let size = Size { height: 0, width: 0 };
        let said = frames(header.root(tags::NUMBER_OF_FRAMES))?;
        let (frames, says_no_frames) = (said.filter(|frames| *frames > 0), said == Some(0));
        let photometric = Photometric::Rgb;
        Ok(Self {
            size,
            photometric,
            planar: false,
            bytes: 1,
            bits: 8,
            shift: 0,
            signed: false,
            frames,
            says_no_frames,
        })
    }

    pub(super) const fn pixels(&self) -> usize {
        self.size.height * self.size.width
    }

    pub(super) const fn samples(&self) -> usize {
        self.photometric.samples()
    }

    /// Takes over the depth of a compressed stream, which knows it better than the header.
    ///
    /// - `precision`: bits of a sample of the stream
    /// - `coding`: of the stream
    pub(super) fn of_stream(&mut self, precision: u32, coding: Coding, told: &mut Told) {
        // A stream of more bits holds samples as the header has them, one of fewer bits those that mean something.
        if precision <= self.bits {
            self.shift = 0;
        }
        let is_other = match coding {
            Coding::Jpeg => precision != self.bits,
            _ => precision < self.bits && self.samples() > 1,
        };
        if is_other && precision as usize <= 8 * self.bytes {
            told.tell(
                "Bits Stored (0028,0101) is another number than the bits of the compressed pixels, which were taken",
            );
            (self.bits, self.shift) = (precision, 0);
        }
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

/// Number of Frames; some devices write 0 for a single one, and some a decimal.
fn frames(number: Option<&Value>) -> Result<Option<usize>, Fault> {
    let Some(text) = number.map(Value::text).filter(|text| !text.is_empty()) else { return Ok(None) };
    let broken = || value("Number of Frames (0028,0008)", format!("{}, expected a whole number", quoted(&text)));
    let whole = |number: f64| number.fract() == 0.0 && (0.0..=f64::from(u32::MAX)).contains(&number);
    let decimal = || text.parse::<f64>().ok().filter(|number| whole(*number)).map(|number| number as usize);
    let frames = text.trim_start_matches('+').parse().ok().or_else(decimal).ok_or_else(broken)?;
    Ok(Some(frames))
}
