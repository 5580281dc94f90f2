//! An open DICOM file: its header judged, its frames found, each decoded when it is asked for.

use super::chroma::{self, Found};
use super::colour::Photometric;
use super::decode::{Learnt, decode};
use super::evidence;
use super::fragments::{Fragments, Piece};
use super::header::{Header, Pixels, Value};
use super::layout::Layout;
use super::source::{ReadSeek, Source};
use super::start::Start;
use super::stored::StoredFrame;
use super::syntax::{Coding, Writing};
use super::told::Told;
use crate::dicom_fault::Fault;
use crate::error::Error;
use crate::guard::guard;
use crate::limits::{Damaged, Limits};
use dicom_dictionary_std::tags;
use std::io::{Read, Seek as _, SeekFrom, Write as _};
use std::path::Path;

/// An open DICOM file.
pub(super) struct File {
    source: Source,
    start: Start,
    pub(super) header: Header,
    pub(super) layout: Layout,
    /// The places of the bytes of each frame.
    pieces: Vec<Vec<Piece>>,
    /// The place where the first of words begins that hold two single bytes each, in the other order.
    swapped: Option<u64>,
    /// The fault, where that was allowed.
    pub(super) complaint: Option<String>,
    /// Says what is odd about it, though it is read.
    pub(super) told: Told,
}

/// Bytes of a compressed frame that are looked at before it is decoded; large comments may stand first.
const LOOKED_AT: u64 = 1 << 20;

impl File {
    pub(super) fn open(path: &Path, limits: Limits, damaged: Damaged) -> Result<Self, Error> {
        let (source, start) = Source::find(path, limits.bytes)?;
        let header = guard(|| Ok(Header::read(&source, start))).unwrap_or_else(|said| Err(Fault::Header { said }))?;
        let is_video = matches!(start.syntax.coding, Coding::Video(_));
        let mut told = Told::default();
        tell_writing(start, &mut told);
        let layout = if is_video { Layout::of_video(&header)? } else { Layout::read(&header, limits, &mut told)? };
        let pieces = Vec::new();
        let mut file = Self { source, start, header, layout, pieces, swapped: None, complaint: None, told };
        let found = match file.header.pixels {
            Some(Pixels::Native { offset, length, words }) => file.native(offset, length, words)?,
            Some(Pixels::Items { offset }) => file.encapsulated(offset)?,
            None => return Err(Fault::NoPictures.into()),
        };
        if is_video {
            file.pieces = found;
            return Ok(file);
        }
        let coding = file.start.syntax.coding;
        if file.layout.photometric == Photometric::YbrOfJpeg2000 && !matches!(coding, Coding::Jpeg2000 | Coding::Jpeg) {
            file.told.tell("the header says YBR_RCT or YBR_ICT, which only JPEG 2000 has: read as RGB");
        }
        let announced = file.layout.frames.unwrap_or_else(|| found.len().max(1));
        if found.is_empty() || found.len() < announced {
            let short = Fault::Short { announced, found: found.len() };
            if damaged == Damaged::Refuse || found.is_empty() {
                return Err(short.into());
            }
            file.complaint = Some(short.to_string());
        }
        if found.len() > announced {
            file.told.tell("there are more frames than Number of Frames (0028,0008) says, which were left out");
        }
        if file.layout.frames.is_none() && found.len() > 1 {
            let said = if file.layout.says_no_frames { "0" } else { "absent" };
            file.told.tell(format!("Number of Frames (0028,0008) is {said}: as many frames were read as there are"));
        }
        file.pieces = found;
        file.pieces.truncate(announced);
        if file.pieces.len() > limits.frames {
            return Err(Error::TooManyFrames { limit: limits.frames });
        }
        Ok(file)
    }

    /// The whole frames among pixels that are not compressed.
    fn native(&mut self, offset: u64, length: u64, words: bool) -> Result<Vec<Vec<Piece>>, Error> {
        if self.start.syntax.coding != Coding::Native {
            let said = "its transfer syntax says compressed, they are not".to_owned();
            return Err(Fault::Pixels { said }.into());
        }
        let is_swapped = words && self.layout.bytes == 1 && self.start.syntax.writing == Writing::ExplicitBig;
        self.swapped = is_swapped.then_some(offset);
        let end = self.source()?.seek(SeekFrom::End(0)).map_err(unreadable)?;
        let there = length.min(end.saturating_sub(offset));
        if self.layout.photometric == Photometric::YbrFull422 {
            let (shared, own) =
                (self.layout.frame_bytes() as u64, (self.layout.pixels() * 3 * self.layout.bytes) as u64);
            // Words are too rare to be looked at.
            let seen = if self.layout.bytes == 1 {
                let first = Piece { offset, length: own.min(there) };
                let mut bytes = read(&mut *self.source()?, first, chroma::LOOKED_AT)?;
                if is_swapped {
                    bytes.as_chunks_mut::<2>().0.iter_mut().for_each(|pair| pair.swap(0, 1));
                }
                chroma::seen(&bytes, self.layout.planar)
            } else {
                None
            };
            let found = Found { frames: self.layout.frames, shared, own, there, seen };
            self.layout.settle_chroma(&found, &mut self.told);
        }
        let frame = self.layout.frame_bytes() as u64;
        let most = self.layout.frames.map_or(u64::MAX, |frames| frames as u64);
        let whole = (there / frame).min(most);
        // One byte may fill up to an even number.
        if self.layout.frames.is_none() && there < length {
            // What the length announces is not all there.
            self.layout.frames = usize::try_from(length / frame).ok().filter(|frames| *frames > 0);
        }
        let is_all = self.layout.frames.is_none_or(|_| whole == most);
        if whole > 0 && is_all && there - whole * frame > whole * frame % 2 {
            self.told.tell("there are more bytes of pixels than its header says, and they were left out");
        }
        // Frames of a byte each could be more than there is room for.
        let whole = usize::try_from(whole.min(1 << 24)).unwrap_or_default();
        Ok((0..whole as u64).map(|number| vec![Piece { offset: offset + number * frame, length: frame }]).collect())
    }

    /// The frames among items.
    fn encapsulated(&mut self, offset: u64) -> Result<Vec<Vec<Piece>>, Error> {
        let mut source = self.source()?;
        let fragments = Fragments::read(&mut *source, offset)?;
        if fragments.cut && self.is_video() {
            return Err(Fault::Short { announced: self.layout.frames.unwrap_or(1), found: 0 }.into());
        }
        if self.is_video() {
            return Ok(vec![fragments.pieces]);
        }
        let first = fragments.pieces.first().map_or(Ok(Vec::new()), |piece| read(&mut *source, *piece, LOOKED_AT))?;
        self.settle_coding(&first)?;
        let table = self.header.root(tags::EXTENDED_OFFSET_TABLE).map(Value::very_longs).unwrap_or_default();
        let (coding, frame, mut held) = (self.start.syntax.coding, self.layout.frame_bytes() as u64, 0);
        let begins = |piece: Piece| {
            let head = read(&mut *source, piece, 12).unwrap_or_default();
            match coding {
                Coding::Jpeg | Coding::JpegLossless | Coding::JpegLs => head.starts_with(&[0xff, 0xd8]),
                Coding::Jpeg2000 => evidence::coding(&head) == Some(coding),
                Coding::Rle => evidence::is_rle(&head),
                _ => {
                    let begins = held == 0 || held >= frame;
                    held = if begins { piece.length } else { held + piece.length };
                    begins
                }
            }
        };
        Ok(fragments.frames(self.layout.frames, &table, begins)?)
    }

    /// Takes over how the first frame is coded, and how deep it is, where its bytes say so.
    fn settle_coding(&mut self, frame: &[u8]) -> Result<(), Fault> {
        let named = self.start.syntax.coding;
        let found = evidence::coding(frame);
        if found.is_none() && self.start.syntax.guessed {
            return Err(Fault::NoSyntax);
        }
        let coding = found.unwrap_or(named);
        if coding != named {
            let named = if self.start.syntax.guessed { "nothing" } else { named.name() };
            self.told
                .tell(format!("the transfer syntax says {named}, the frames are {}: read as they are", coding.name()));
        }
        self.start.syntax.coding = coding;
        if let Some(precision) = evidence::precision(frame) {
            self.layout.of_stream(precision, coding, &mut self.told);
        }
        Ok(())
    }

    pub(super) const fn frames(&self) -> usize {
        self.pieces.len()
    }

    pub(super) const fn is_video(&self) -> bool {
        matches!(self.start.syntax.coding, Coding::Video(_))
    }

    /// For the record.
    pub(super) fn codec(&self) -> String {
        format!("dicom {}", self.start.syntax.coding.name())
    }

    /// A reader for [`Self::frame`].
    pub(super) fn source(&self) -> Result<Box<dyn ReadSeek>, Error> {
        self.source.open().map_err(unreadable)
    }

    /// The stream of a video, as a file that is gone when it is dropped.
    pub(super) fn stream(&self) -> Result<tempfile::NamedTempFile, Error> {
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
    pub(super) fn frame(
        &self,
        source: &mut dyn ReadSeek,
        number: usize,
        learnt: &mut Learnt,
    ) -> Result<StoredFrame, Fault> {
        let broken = |said: String| Fault::Frame { frame: number, others: false, said };
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
        let values = guard(|| decode(bytes, &self.layout, self.start.syntax, learnt)).map_err(broken)?;
        if values.len() != self.layout.pixels() * self.layout.samples() {
            return Err(broken("it decodes to another size than the header says".to_owned()));
        }
        Ok(StoredFrame { size: self.layout.size, samples: self.layout.samples(), values })
    }
}

/// Tells where the data set is written in another way than was said, or nothing was said.
fn tell_writing(start: Start, told: &mut Told) {
    let written = start.syntax.writing_name();
    if let Some(said) = start.said {
        told.tell(format!("the transfer syntax says {said}, the data set is {written}: read as it is"));
    }
    if start.syntax.guessed {
        told.tell(format!("no transfer syntax (0002,0010) is named: read as {written}"));
    }
}

/// Reads a piece, or so many bytes of it.
fn read(source: &mut dyn ReadSeek, piece: Piece, most: u64) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    source.seek(SeekFrom::Start(piece.offset)).map_err(unreadable)?;
    source.take(piece.length.min(most)).read_to_end(&mut bytes).map_err(unreadable)?;
    Ok(bytes)
}

fn unreadable(error: std::io::Error) -> Error {
    Error::Read { said: error.to_string() }
}
