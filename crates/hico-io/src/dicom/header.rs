//! The elements of a data set that matter to us, and where its pixels are. Everything else is skipped unread; of names,
//! dates and free text it is looked at whether they are blank, and nothing is kept.

use super::elements;
use super::source::{ReadSeek, Source};
use super::start::Start;
use super::syntax::Writing;
use crate::dicom_fault::Fault;
use dicom_core::header::{DataElementHeader, SequenceItemHeader};
use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;
use dicom_encoding::decode::DecodeFrom;
use dicom_encoding::decode::explicit_be::ExplicitVRBigEndianDecoder;
use dicom_encoding::decode::explicit_le::ExplicitVRLittleEndianDecoder;
use dicom_encoding::decode::implicit_le::ImplicitVRLittleEndianDecoder;
use std::io::SeekFrom;

/// Longest value that is kept; a table of 65,536 words fits.
const LONGEST: u32 = 1 << 18;

/// Values that are kept of one file.
const MOST: usize = 10_000;

/// Bytes of all values that are kept.
const MOST_BYTES: usize = 64 << 20;

/// Most sequences and items within each other; each value that is kept keeps the way to it.
const DEEPEST: usize = 100;

/// Sequences that are looked into.
const SEQUENCES: [Tag; 8] = [
    tags::SEQUENCE_OF_ULTRASOUND_REGIONS,
    tags::MODALITY_LUT_SEQUENCE,
    tags::VOILUT_SEQUENCE,
    tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE,
    tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE,
    tags::FRAME_VOILUT_SEQUENCE,
    tags::PIXEL_VALUE_TRANSFORMATION_SEQUENCE,
    tags::PIXEL_MEASURES_SEQUENCE,
];

/// The elements that are read.
const WANTED: [Tag; 52] = [
    tags::PATIENT_ID,
    tags::STUDY_INSTANCE_UID,
    tags::SAMPLES_PER_PIXEL,
    tags::PHOTOMETRIC_INTERPRETATION,
    tags::PLANAR_CONFIGURATION,
    tags::NUMBER_OF_FRAMES,
    tags::ROWS,
    tags::COLUMNS,
    tags::BITS_ALLOCATED,
    tags::BITS_STORED,
    tags::PIXEL_REPRESENTATION,
    tags::FRAME_TIME,
    tags::FRAME_TIME_VECTOR,
    tags::RECOMMENDED_DISPLAY_FRAME_RATE,
    tags::RECOMMENDED_DISPLAY_FRAME_RATE_IN_FLOAT,
    tags::CINE_RATE,
    tags::PIXEL_SPACING,
    tags::IMAGER_PIXEL_SPACING,
    tags::NOMINAL_SCANNED_PIXEL_SPACING,
    tags::WINDOW_CENTER,
    tags::WINDOW_WIDTH,
    tags::VOILUT_FUNCTION,
    tags::RESCALE_SLOPE,
    tags::RESCALE_INTERCEPT,
    tags::PRESENTATION_LUT_SHAPE,
    tags::LUT_DESCRIPTOR,
    tags::LUT_DATA,
    tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
    tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
    tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
    tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DATA,
    tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DATA,
    tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DATA,
    tags::SEGMENTED_RED_PALETTE_COLOR_LOOKUP_TABLE_DATA,
    tags::SEGMENTED_GREEN_PALETTE_COLOR_LOOKUP_TABLE_DATA,
    tags::SEGMENTED_BLUE_PALETTE_COLOR_LOOKUP_TABLE_DATA,
    tags::EXTENDED_OFFSET_TABLE,
    tags::EXTENDED_OFFSET_TABLE_LENGTHS,
    tags::REGION_SPATIAL_FORMAT,
    tags::REGION_DATA_TYPE,
    tags::REGION_LOCATION_MIN_X0,
    tags::REGION_LOCATION_MIN_Y0,
    tags::REGION_LOCATION_MAX_X1,
    tags::REGION_LOCATION_MAX_Y1,
    tags::PHYSICAL_UNITS_X_DIRECTION,
    tags::PHYSICAL_UNITS_Y_DIRECTION,
    tags::PHYSICAL_DELTA_X,
    tags::PHYSICAL_DELTA_Y,
    tags::HIGH_BIT,
    tags::FLOAT_PIXEL_DATA,
    tags::DOUBLE_FLOAT_PIXEL_DATA,
    tags::BURNED_IN_ANNOTATION,
];

/// Says where the pixels are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pixels {
    /// One after the other.
    Native {
        /// First byte, from the start of the source.
        offset: u64,
        /// Bytes announced.
        length: u64,
        /// True where the bytes are those of 16-bit words.
        words: bool,
    },
    /// In items, the first of which may be a table of offsets.
    Items {
        /// First byte of the first item, from the start of the source.
        offset: u64,
    },
}

/// All that was read.
#[derive(Debug, Default)]
pub(super) struct Header {
    values: Vec<Value>,
    /// Bytes of all of them.
    held: usize,
    /// Elements of the data set itself that may tell whose it is, and that are not blank.
    pub(super) filled: Vec<Tag>,
    pub(super) pixels: Option<Pixels>,
}

/// One value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Value {
    tag: Tag,
    /// The sequences it stands in, and the number of the item in each, from 1.
    path: Vec<(Tag, usize)>,
    bytes: Vec<u8>,
    big: bool,
}

impl Header {
    /// Reads up to the pixels.
    pub(super) fn read(source: &Source, start: Start) -> Result<Self, Fault> {
        let mut source = source.open().map_err(broken)?;
        let end = source.seek(SeekFrom::End(0)).map_err(broken)?;
        let mut at = start.offset as u64;
        let mut header = Self::default();
        // The sequences and items that are open, kept here and not on the stack of calls.
        let mut open: Vec<Level> = Vec::new();
        loop {
            while open.last().is_some_and(|level| level.end.is_some_and(|end| at >= end)) {
                open.pop();
            }
            if at >= end {
                return Ok(header);
            }
            source.seek(SeekFrom::Start(at)).map_err(broken)?;
            if open.len() > DEEPEST {
                return Err(broken("its sequences are nested too deep"));
            }
            let writing = open.last().map_or(start.syntax.writing, |level| level.writing);
            if let Some(level @ Level { is_item: false, .. }) = open.last_mut() {
                at += 8;
                match decoder(writing).decode_item_header(&mut *source).map_err(broken)? {
                    SequenceItemHeader::Item { len } => {
                        level.item += 1;
                        let item =
                            Level { is_item: true, end: len.get().map(|length| at + u64::from(length)), ..*level };
                        open.push(item);
                    }
                    SequenceItemHeader::SequenceDelimiter => drop(open.pop()),
                    SequenceItemHeader::ItemDelimiter => {}
                }
                continue;
            }
            let (element, read) = decoder(writing).decode_header(&mut *source).map_err(broken)?;
            at += read as u64;
            let DataElementHeader { tag, vr, len } = element;
            match (tag, len.get()) {
                (Tag(0xfffe, _), _) => drop(open.pop()),
                (tags::PIXEL_DATA, None) if open.is_empty() => {
                    header.pixels = Some(Pixels::Items { offset: at });
                    return Ok(header);
                }
                (tags::PIXEL_DATA, Some(length)) if open.is_empty() => {
                    let (length, words) = (u64::from(length), vr == VR::OW);
                    header.pixels = Some(Pixels::Native { offset: at, length, words });
                    return Ok(header);
                }
                (_, None) => {
                    // What is of unknown kind and length was written by rules of its own (PS3.5, 6.2.2).
                    let writing = if vr == VR::UN { Writing::ImplicitLittle } else { writing };
                    open.push(Level { tag, item: 0, is_item: false, end: None, writing });
                }
                (_, Some(length)) if u64::from(length) > end - at => {
                    return Err(broken(format!("it is cut short within element {tag}")));
                }
                (_, Some(length)) if vr == VR::SQ && SEQUENCES.contains(&tag) => {
                    open.push(Level { tag, item: 0, is_item: false, end: Some(at + u64::from(length)), writing });
                }
                (_, Some(length)) => {
                    if open.is_empty() && elements::is_told_by(tag) {
                        if !is_blank(&mut *source, length)? {
                            header.filled.push(tag);
                        }
                        source.seek(SeekFrom::Start(at)).map_err(broken)?;
                    }
                    if WANTED.contains(&tag) && length <= LONGEST && header.has_room(length) {
                        header.keep(&mut *source, tag, length, &open, writing)?;
                    }
                    at += u64::from(length);
                }
            }
        }
    }

    /// Tells whether a value of so many bytes may still be kept.
    fn has_room(&self, length: u32) -> bool {
        self.values.len() < MOST && self.held + length as usize <= MOST_BYTES
    }

    /// Keeps a value that stands in no sequence, or in those that are looked into.
    fn keep(
        &mut self,
        source: &mut dyn ReadSeek,
        tag: Tag,
        length: u32,
        open: &[Level],
        writing: Writing,
    ) -> Result<(), Fault> {
        let path: Vec<(Tag, usize)> =
            open.iter().filter(|level| !level.is_item).map(|level| (level.tag, level.item)).collect();
        if path.iter().any(|(sequence, _)| !SEQUENCES.contains(sequence)) {
            return Ok(());
        }
        let mut bytes = vec![0; length as usize];
        source.read_exact(&mut bytes).map_err(broken)?;
        self.held += bytes.len();
        self.values.push(Value { tag, path, bytes, big: writing == Writing::ExplicitBig });
        Ok(())
    }

    /// A value of the data set itself.
    pub(super) fn root(&self, tag: Tag) -> Option<&Value> {
        self.values.iter().find(|value| value.tag == tag && value.path.is_empty() && !value.bytes.is_empty())
    }

    /// A value of the data set itself, else the first one within one of these sequences.
    pub(super) fn anywhere_in(&self, tag: Tag, sequences: &[Tag]) -> Option<&Value> {
        let within = |value: &&Value| {
            let mut outer = value.path.iter().map(|(sequence, _)| sequence);
            value.tag == tag && !value.bytes.is_empty() && outer.any(|sequence| sequences.contains(sequence))
        };
        self.root(tag).or_else(|| self.values.iter().find(within))
    }

    /// Returns how many items a sequence of the data set itself has, as far as they hold anything we read.
    pub(super) fn items(&self, sequence: Tag) -> usize {
        let item = |value: &Value| match value.path[..] {
            [(tag, item)] if tag == sequence => item,
            _ => 0,
        };
        self.values.iter().map(item).max().unwrap_or(0)
    }

    /// A value in an item, from 1, of a sequence of the data set itself.
    pub(super) fn in_item(&self, sequence: Tag, item: usize, tag: Tag) -> Option<&Value> {
        self.values.iter().find(|value| value.tag == tag && value.path == [(sequence, item)] && !value.bytes.is_empty())
    }
}

impl Value {
    /// The bytes of words, the low one of each first.
    pub(super) fn bytes_of_words(&self) -> Vec<u8> {
        let mut bytes = self.bytes.clone();
        if self.big {
            bytes.as_chunks_mut::<2>().0.iter_mut().for_each(|pair| pair.swap(0, 1));
        }
        bytes
    }

    /// Text without padding. Bytes that are no UTF-8 are taken for Latin 1.
    pub(super) fn text(&self) -> String {
        let text = String::from_utf8(self.bytes.clone());
        let text = text.unwrap_or_else(|error| error.into_bytes().into_iter().map(char::from).collect());
        text.trim_matches(|letter: char| letter == '\0' || letter.is_whitespace()).to_owned()
    }

    /// Numbers written as text, separated by `\`; `None` where one of them is no finite number.
    pub(super) fn decimals(&self) -> Option<Vec<f64>> {
        let number = |text: &str| text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
        self.text().split('\\').map(number).collect()
    }

    pub(super) fn words(&self) -> Vec<u16> {
        let word = |bytes: &[u8; 2]| if self.big { u16::from_be_bytes(*bytes) } else { u16::from_le_bytes(*bytes) };
        self.bytes.as_chunks::<2>().0.iter().map(word).collect()
    }

    pub(super) fn word(&self) -> Option<u16> {
        self.words().first().copied()
    }

    pub(super) fn long(&self) -> Option<u32> {
        let bytes: [u8; 4] = self.bytes.get(..4)?.try_into().ok()?;
        Some(if self.big { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) })
    }

    pub(super) fn very_longs(&self) -> Vec<u64> {
        let long = |bytes: &[u8; 8]| if self.big { u64::from_be_bytes(*bytes) } else { u64::from_le_bytes(*bytes) };
        self.bytes.as_chunks::<8>().0.iter().map(long).collect()
    }

    pub(super) fn double(&self) -> Option<f64> {
        self.very_longs().first().map(|bits| f64::from_bits(*bits))
    }
}

/// Tells whether a value is empty, or its first bytes are all padding. They are looked at and dropped.
fn is_blank(source: &mut dyn ReadSeek, length: u32) -> Result<bool, Fault> {
    let mut head = [0; 64];
    let head = &mut head[..(length as usize).min(64)];
    source.read_exact(head).map_err(broken)?;
    Ok(head.iter().all(|byte| matches!(byte, 0 | b' ')))
}

/// A sequence that is open, or an item of it.
#[derive(Debug, Clone, Copy)]
struct Level {
    /// The sequence.
    tag: Tag,
    /// Number of the item, from 1.
    item: usize,
    is_item: bool,
    /// The place where it ends, if that was said beforehand.
    end: Option<u64>,
    writing: Writing,
}

type Decoder = Box<dyn DecodeFrom<dyn ReadSeek>>;

fn decoder(writing: Writing) -> Decoder {
    match writing {
        Writing::ImplicitLittle => Box::new(ImplicitVRLittleEndianDecoder::default()),
        Writing::ExplicitLittle => Box::new(ExplicitVRLittleEndianDecoder::default()),
        Writing::ExplicitBig => Box::new(ExplicitVRBigEndianDecoder::default()),
    }
}

fn broken(said: impl ToString) -> Fault {
    Fault::Header { said: said.to_string() }
}
