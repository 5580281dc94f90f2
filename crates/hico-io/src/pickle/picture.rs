//! One picture of a pickle: its numbers → red, green and blue.

use super::array::{Array, Dtype, Kind};
use super::content::is_colour;
use super::data::Data;
use super::reading::{PICTURE, Reading};
use crate::clip_meta::ClipMeta;
use crate::error::Error;
use crate::frame::Size;
use crate::limits::{Limits, check_size};
use crate::pickle_fault::PickleFault;
use crate::reader::FrameSource;
use crate::sink::FrameSink;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Says which way round rows and columns are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Axes {
    /// As the array has them, rows before columns.
    #[default]
    AsStored,
    /// Columns before rows, as the scripts write them with which USCL made its pickles.
    Swapped,
}

/// Says what numbers a group of pictures holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Range {
    /// 0 to 255.
    Bytes,
    /// 0 to 1.
    Unit,
}

/// One picture, in the file until it is decoded.
#[derive(Debug, Clone, PartialEq)]
pub struct PickledPicture {
    pub(super) path: Arc<PathBuf>,
    pub(super) dtype: Dtype,
    /// Lengths of its two or three axes.
    pub(super) shape: Vec<usize>,
    /// Elements from one place of an axis to the next one.
    pub(super) steps: Vec<usize>,
    pub(super) data: Data,
    pub(super) range: Range,
    pub(super) axes: Axes,
}

/// Lengths and strides, in elements, of channels, rows and columns.
struct Layout {
    channels: (usize, usize),
    rows: (usize, usize),
    columns: (usize, usize),
}

impl PickledPicture {
    /// Checks that an array is one picture.
    pub(super) fn check(array: &Array) -> Result<(), PickleFault> {
        let is_picture = array.dtype.is_number() && (array.shape.len() == 2 || is_colour(array));
        let said = || format!("of shape {:?}, which is no picture: 1 or 3 channels stand first or last", array.shape);
        if is_picture { Ok(()) } else { Err(PickleFault::Array { said: said() }) }
    }

    /// Finds where its channels, rows and columns are. Channels first, where both could be.
    fn layout(&self) -> Layout {
        let count = self.shape.len();
        let axis = |axis: usize| (self.shape[axis], self.steps[axis]);
        let first = matches!(self.shape.as_slice(), [1 | 3, _, _]);
        let (channels, rows, columns) = match (count, first) {
            (2, _) => ((1, 0), axis(0), axis(1)),
            (_, true) => (axis(0), axis(1), axis(2)),
            (_, false) => (axis(2), axis(0), axis(1)),
        };
        match self.axes {
            Axes::AsStored => Layout { channels, rows, columns },
            Axes::Swapped => Layout { channels, rows: columns, columns: rows },
        }
    }

    fn size(&self) -> Size {
        let layout = self.layout();
        Size { height: layout.rows.0, width: layout.columns.0 }
    }

    /// Its bytes, as the array has them.
    fn bytes(&self) -> Result<Vec<u8>, PickleFault> {
        let (dtype, shape, steps) = (self.dtype, self.shape.clone(), self.steps.clone());
        Reading { path: &self.path }.elements(&Array { dtype, shape, steps, data: self.data.clone() }, PICTURE)
    }

    /// Opens it as the one frame of a clip.
    #[must_use]
    pub fn open(self: &Arc<Self>, limits: Limits) -> Box<dyn FrameSource> {
        Box::new(Pickled { picture: Arc::clone(self), limits })
    }

    fn decode(&self, sink: &mut dyn FrameSink, limits: Limits) -> Result<(), Error> {
        let size = self.size();
        check_size(size, limits)?;
        sink.admit(size, &|| "the picture".to_owned())?;
        let bytes = self.bytes()?;
        let Layout { channels, rows, columns } = self.layout();
        let mut rgb = Vec::with_capacity(size.height * size.width * 3);
        for row in 0..rows.0 {
            for column in 0..columns.0 {
                for channel in 0..3 {
                    let at = row * rows.1 + column * columns.1 + channel.min(channels.0 - 1) * channels.1;
                    let element = &bytes[at * self.dtype.size..(at + 1) * self.dtype.size];
                    rgb.push(self.value(element)?);
                }
            }
        }
        sink.push(&rgb)
    }

    fn value(&self, element: &[u8]) -> Result<u8, Error> {
        if self.dtype.kind == Kind::Unsigned && self.dtype.size == 1 {
            return Ok(element[0]);
        }
        let number = self.dtype.number(element) * if self.range == Range::Unit { 255.0 } else { 1.0 };
        let is_value = (0.0..=255.0).contains(&number);
        let said = || format!("holding {number}; pictures hold 0 to 255, or fractions from 0 to 1");
        if is_value { Ok(number.round() as u8) } else { Err(PickleFault::Array { said: said() }.into()) }
    }

    /// Returns what was done to the numbers, if anything was.
    fn steps(&self) -> Vec<String> {
        let range = (self.range == Range::Unit).then(|| "values times 255".to_owned());
        let axes = (self.axes == Axes::Swapped).then(|| "rows and columns swapped".to_owned());
        range.into_iter().chain(axes).collect()
    }

    /// Returns the SHA-256 over shape, kind and bytes of the array.
    ///
    /// # Errors
    /// When its bytes cannot be read.
    pub fn sha256(&self) -> Result<String, PickleFault> {
        let mut hash = Sha256::new();
        hash.update(format!("{:?} {:?} {:?}", self.dtype, self.shape, self.steps));
        hash.update(self.bytes()?);
        Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

/// One picture, and what it may cost.
struct Pickled {
    picture: Arc<PickledPicture>,
    limits: Limits,
}

impl FrameSource for Pickled {
    fn decode(&mut self, sink: &mut dyn FrameSink, _: &AtomicBool) -> Result<ClipMeta, Error> {
        self.picture.decode(sink, self.limits)?;
        Ok(ClipMeta { steps: self.picture.steps(), ..ClipMeta::of_frames(None, "pickle".to_owned()) })
    }
}

/// Returns what numbers the pictures of a group hold: fractions that nowhere exceed 1 are brightness from 0 to 1.
pub(super) fn range(reading: &Reading<'_>, arrays: &[&Array]) -> Result<Range, PickleFault> {
    let (mut least, mut most, mut finite) = (f64::INFINITY, f64::NEG_INFINITY, true);
    // Arrays may share their bytes, which are read once.
    let mut seen = BTreeSet::new();
    for array in arrays {
        match array.dtype.kind {
            Kind::Float => {}
            Kind::Bool => return Ok(Range::Unit),
            _ => return Ok(Range::Bytes),
        }
        let mut look = |bytes: &[u8]| {
            for element in bytes.chunks_exact(array.dtype.size) {
                let value = array.dtype.number(element);
                finite &= value.is_finite();
                least = least.min(value);
                most = most.max(value);
            }
        };
        match &array.data {
            Data::Held(bytes) => look(bytes),
            Data::InFile(extent)
                if !seen.insert((extent.at, array.bytes(), array.dtype.size, array.dtype.big_endian)) => {}
            Data::InFile(extent) => {
                let mut decoder = reading.decoder(*extent)?;
                let mut left = array.shape.iter().product::<usize>() * array.dtype.size;
                let mut buffer = vec![0; left.min(1 << 16)];
                while left > 0 {
                    let part = left.min(buffer.len());
                    decoder.fill(&mut buffer[..part])?;
                    look(&buffer[..part]);
                    left -= part;
                }
            }
        }
        if !finite || least < 0.0 || most > 255.0 {
            let broken = if finite { "" } else { ", some of them no numbers" };
            let said =
                format!("of values from {least} to {most}{broken}; pictures hold 0 to 255, or fractions from 0 to 1");
            return Err(PickleFault::Array { said });
        }
    }
    Ok(if most <= 1.0 { Range::Unit } else { Range::Bytes })
}
