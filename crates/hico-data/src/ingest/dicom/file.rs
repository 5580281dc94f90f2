//! An open DICOM file: its header judged, its frames found, each decoded when it is asked for.

use super::colour::Photometric;
use super::fault::Fault;
use super::fragments::{Fragments, Piece};
use super::guard::guard;
use super::header::{Header, Pixels, Value};
use super::layout::Layout;
use super::source::{ReadSeek, Source};
use super::start::Start;
use super::stored::{StoredFrame, Values};
use super::syntax::{Coding, Writing};
use super::{jpeg, jpeg_extended, jpeg_lossless, jpeg_ls, jpeg2000, native, rle};
use crate::ingest::frames::Limits;
use crate::ingest::refusal::Refusal;
use crate::ingest::video::Damaged;
use dicom_dictionary_std::tags;
use std::io::{Read, Seek as _, SeekFrom, Write as _};
use std::path::Path;

/// An open DICOM file.
pub(super) struct File {
    source: Source,
    start: Start,
    pub(super) header: Header,
    pub(super) layout: Layout,
    /// Where the bytes of each frame are.
    pieces: Vec<Vec<Piece>>,
    /// Where the first of words begins that hold two single bytes each, in the other order.
    swapped: Option<u64>,
    /// What is wrong with it, where that was allowed.
    pub(super) complaint: Option<String>,
}

impl File {
    pub(super) fn open(path: &Path, limits: Limits, damaged: Damaged) -> Result<Self, Refusal> {
        let (source, start) = Source::find(path, limits.bytes)?;
        let header = guard(|| Ok(Header::read(&source, start))).unwrap_or_else(|said| Err(Fault::Header { said }))?;
        let is_video = matches!(start.syntax.coding, Coding::Video(_));
        let layout = if is_video { Layout::of_video(&header)? } else { Layout::read(&header, limits)? };
        let mut file = Self { source, start, header, layout, pieces: Vec::new(), swapped: None, complaint: None };
        let found = match file.header.pixels {
            Some(Pixels::Native { offset, length, words }) => file.native(offset, length, words)?,
            Some(Pixels::Items { offset }) => file.encapsulated(offset)?,
            None => return Err(Fault::NoPictures.into()),
        };
        if is_video {
            file.pieces = found;
            return Ok(file);
        }
        let announced = file.layout.frames.unwrap_or_else(|| found.len().max(1));
        if found.is_empty() || found.len() < announced {
            let short = Fault::Short { announced, found: found.len() };
            if damaged == Damaged::Refuse || found.is_empty() {
                return Err(short.into());
            }
            file.complaint = Some(short.to_string());
        }
        file.pieces = found;
        file.pieces.truncate(announced);
        if file.pieces.len() > limits.frames {
            return Err(Refusal::TooManyFrames { limit: limits.frames });
        }
        Ok(file)
    }

    /// The whole frames among pixels that are not compressed.
    fn native(&mut self, offset: u64, length: u64, words: bool) -> Result<Vec<Vec<Piece>>, Refusal> {
        if self.start.syntax.coding != Coding::Native {
            let said = "its transfer syntax says compressed, they are not".to_owned();
            return Err(Fault::Pixels { said }.into());
        }
        let is_swapped = words && self.layout.bytes == 1 && self.start.syntax.writing == Writing::ExplicitBig;
        self.swapped = is_swapped.then_some(offset);
        let end = self.source()?.seek(SeekFrom::End(0)).map_err(unreadable)?;
        let there = length.min(end.saturating_sub(offset));
        let frame = self.layout.frame_bytes() as u64;
        let most = self.layout.frames.map_or(u64::MAX, |frames| frames as u64);
        let whole = (there / frame).min(most);
        // Frames of a byte each could be more than there is room for.
        let whole = usize::try_from(whole.min(1 << 24)).unwrap_or_default();
        Ok((0..whole as u64).map(|number| vec![Piece { offset: offset + number * frame, length: frame }]).collect())
    }

    /// The frames among items.
    fn encapsulated(&mut self, offset: u64) -> Result<Vec<Vec<Piece>>, Refusal> {
        if self.start.syntax.guessed {
            return Err(Fault::NoSyntax.into());
        }
        let mut source = self.source()?;
        let fragments = Fragments::read(&mut *source, offset)?;
        if fragments.cut && self.is_video() {
            return Err(Fault::Short { announced: self.layout.frames.unwrap_or(1), found: 0 }.into());
        }
        if self.is_video() {
            return Ok(vec![fragments.pieces]);
        }
        let table = self.header.root(tags::EXTENDED_OFFSET_TABLE).map(Value::very_longs).unwrap_or_default();
        let marks: &[[u8; 2]] = match self.start.syntax.coding {
            Coding::Jpeg | Coding::JpegLossless | Coding::JpegLs => &[[0xff, 0xd8]],
            // A code stream, or one in a JP2 file.
            Coding::Jpeg2000 => &[[0xff, 0x4f], [0, 0]],
            // Every item is a frame.
            _ => return Ok(fragments.frames(self.layout.frames, &table, |_| true)?),
        };
        let begins = |piece: Piece| {
            let mut mark = [0; 2];
            let read = source.seek(SeekFrom::Start(piece.offset)).and_then(|_| source.read_exact(&mut mark));
            piece.length >= 2 && read.is_ok() && marks.contains(&mark)
        };
        Ok(fragments.frames(self.layout.frames, &table, begins)?)
    }

    pub(super) const fn frames(&self) -> usize {
        self.pieces.len()
    }

    pub(super) const fn is_video(&self) -> bool {
        matches!(self.start.syntax.coding, Coding::Video(_))
    }

    /// For the record.
    pub(super) fn codec(&self) -> String {
        let coding = match self.start.syntax.coding {
            Coding::Native => "native",
            Coding::Rle => "rle",
            Coding::Jpeg => "jpeg",
            Coding::JpegLossless => "jpeg lossless",
            Coding::JpegLs => "jpeg-ls",
            Coding::Jpeg2000 => "jpeg 2000",
            Coding::Video(name) => name,
        };
        format!("dicom {coding}")
    }

    /// A reader for [`Self::frame`].
    pub(super) fn source(&self) -> Result<Box<dyn ReadSeek>, Refusal> {
        self.source.open().map_err(unreadable)
    }

    /// The stream of a video, as a file that is gone when it is dropped.
    pub(super) fn stream(&self) -> Result<tempfile::NamedTempFile, Refusal> {
        let mut source = self.source()?;
        let mut stream = tempfile::NamedTempFile::new().map_err(unreadable)?;
        for piece in self.pieces.iter().flatten() {
            source.seek(SeekFrom::Start(piece.offset)).map_err(unreadable)?;
            std::io::copy(&mut Read::take(&mut source, piece.length), &mut stream).map_err(unreadable)?;
        }
        stream.flush().map_err(unreadable)?;
        Ok(stream)
    }

    /// Decodes one frame.
    pub(super) fn frame(&self, source: &mut dyn ReadSeek, number: usize) -> Result<StoredFrame, Fault> {
        let broken = |said: String| Fault::Frame { frame: number, said };
        let mut bytes = Vec::new();
        for piece in self.pieces.get(number).into_iter().flatten() {
            // A frame may begin or end within a word.
            let before = self.swapped.map_or(0, |begin| (piece.offset - begin) % 2);
            let after = self.swapped.map_or(0, |_| (before + piece.length) % 2);
            source.seek(SeekFrom::Start(piece.offset - before)).map_err(|error| broken(error.to_string()))?;
            let mut words = source.take(before + piece.length + after);
            words.read_to_end(&mut bytes).map_err(|error| broken(error.to_string()))?;
            if self.swapped.is_some() {
                bytes.as_chunks_mut::<2>().0.iter_mut().for_each(|pair| pair.swap(0, 1));
                bytes.drain(..(before as usize).min(bytes.len()));
                bytes.truncate(piece.length as usize);
            }
        }
        let values = guard(|| self.decode(bytes)).map_err(broken)?;
        if values.len() != self.layout.pixels() * self.layout.samples() {
            return Err(broken("it decodes to another size than the header says".to_owned()));
        }
        Ok(StoredFrame { size: self.layout.size, samples: self.layout.samples(), values })
    }

    fn decode(&self, bytes: Vec<u8>) -> Result<Values, String> {
        let layout = &self.layout;
        let (shape, samples) = (layout.shape(), layout.samples());
        match self.start.syntax.coding {
            Coding::Native => {
                let expected = layout.frame_bytes();
                if bytes.len() < expected {
                    return Err(format!("{} bytes, expected {expected}", bytes.len()));
                }
                Ok(native::decode(bytes, layout, self.start.syntax.writing == Writing::ExplicitBig))
            }
            Coding::Rle => {
                let planes = rle::decode(&bytes, samples * layout.bytes, layout.pixels())?;
                Ok(native::of_planes(&planes, layout))
            }
            Coding::Jpeg if layout.bytes == 1 => {
                let is_rgb = layout.photometric == Photometric::Rgb;
                let colour = if is_rgb { jpeg::Colour::Rgb } else { jpeg::Colour::Ybr };
                Ok(Values::Bytes(jpeg::decode(&bytes, shape, colour)?))
            }
            Coding::Jpeg if jpeg_extended::is_12_bits(&bytes) => {
                Ok(Values::Words(jpeg_extended::decode(&bytes, shape)?))
            }
            Coding::Jpeg => {
                let bytes = jpeg::decode(&bytes, shape, jpeg::Colour::Ybr)?;
                Ok(Values::Words(bytes.into_iter().map(u16::from).collect()))
            }
            Coding::JpegLossless => Ok(native::of_words(jpeg_lossless::decode(&bytes, shape)?.values, layout)),
            Coding::JpegLs => Ok(native::of_words(jpeg_ls::decode(&bytes, shape)?, layout)),
            Coding::Jpeg2000 => {
                let (words, bits) = jpeg2000::decode(&bytes, shape)?;
                if bits as usize > layout.bytes * 8 {
                    return Err(format!("{bits} bits a sample, the header has room for {}", layout.bytes * 8));
                }
                Ok(native::of_words(words, layout))
            }
            Coding::Video(name) => Err(format!("{name} is decoded as a whole")),
        }
    }
}

fn unreadable(error: std::io::Error) -> Refusal {
    Refusal::Read { said: error.to_string() }
}
