//! The elements of a data set that matter to us, and where its pixels are. Everything else is skipped unread, names and
//! free text among it.

use super::fault::Fault;
use super::source::{ReadSeek, Source};
use super::start::Start;
use super::syntax::Writing;
use dicom_core::{Tag, VR};
use dicom_dictionary_std::tags;
use dicom_parser::dataset::LazyDataToken;
use dicom_parser::dataset::lazy_read::LazyDataSetReader;
use dicom_parser::stateful::decode::StatefulDecode as _;
use dicom_transfer_syntax_registry::{TransferSyntax, entries};
use std::io::{Seek as _, SeekFrom};

/// Longest value that is kept; a table of 65,536 words fits.
const LONGEST: u32 = 1 << 18;

/// Values that are kept of one file.
const MOST: usize = 10_000;

/// Sequences within sequences that are looked into.
const DEEPEST: usize = 3;

/// The elements that are read.
const WANTED: [Tag; 48] = [
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
];

/// Where the pixels are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pixels {
    /// One after the other.
    Native {
        /// First byte, from the start of the source.
        offset: u64,
        /// Bytes announced.
        length: u64,
        /// Whether the bytes are those of 16-bit words.
        words: bool,
    },
    /// In items, the first of which may be a table of offsets.
    Items {
        /// First byte of the first item, from the start of the source.
        offset: u64,
    },
}

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Header {
    values: Vec<Value>,
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
        let broken = |said: String| Fault::Header { said };
        let big = start.syntax.writing == Writing::ExplicitBig;
        let mut from = source.open().map_err(|error| broken(error.to_string()))?;
        let end = from.seek(SeekFrom::End(0)).map_err(|error| broken(error.to_string()))?;
        from.seek(SeekFrom::Start(start.offset as u64)).map_err(|error| broken(error.to_string()))?;
        let syntax = parser_syntax(start.syntax.writing);
        let mut reader: LazyDataSetReader<_> = LazyDataSetReader::new_with_ts(from as Box<dyn ReadSeek>, &syntax)
            .map_err(|error| broken(error.to_string()))?;
        let mut header = Self::default();
        let mut path: Vec<(Tag, usize)> = Vec::new();
        while let Some(token) = reader.advance() {
            match token.map_err(|error| broken(error.to_string()))? {
                LazyDataToken::SequenceStart { tag, .. } => path.push((tag, 0)),
                LazyDataToken::ItemStart { .. } => path.iter_mut().last().into_iter().for_each(|(_, item)| *item += 1),
                LazyDataToken::SequenceEnd => drop(path.pop()),
                LazyDataToken::PixelSequenceStart if path.is_empty() => {
                    header.pixels = Some(Pixels::Items { offset: reader.into_decoder().position() });
                    return Ok(header);
                }
                LazyDataToken::PixelSequenceStart => path.push((tags::PIXEL_DATA, 0)),
                LazyDataToken::LazyValue { header: element, decoder } => {
                    let (tag, length) = (element.tag, element.len.0);
                    let offset = decoder.position();
                    if tag == tags::PIXEL_DATA && path.is_empty() {
                        let words = element.vr == VR::OW;
                        header.pixels = Some(Pixels::Native { offset, length: u64::from(length), words });
                        return Ok(header);
                    }
                    if u64::from(length) > end.saturating_sub(offset) {
                        return Err(broken(format!("it is cut short within element {tag}")));
                    }
                    if WANTED.contains(&tag) && length <= LONGEST && path.len() <= DEEPEST && header.values.len() < MOST
                    {
                        let mut bytes = Vec::with_capacity(length as usize);
                        decoder.read_to_vec(length, &mut bytes).map_err(|error| broken(error.to_string()))?;
                        header.values.push(Value { tag, path: path.clone(), bytes, big });
                    } else {
                        decoder.skip_bytes(length).map_err(|error| broken(error.to_string()))?;
                    }
                }
                LazyDataToken::LazyItemValue { len, decoder } => {
                    decoder.skip_bytes(len).map_err(|error| broken(error.to_string()))?;
                }
                _ => {}
            }
        }
        Ok(header)
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

    /// How many items a sequence of the data set itself has, as far as they hold anything we read.
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
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Text without padding. Bytes that are no UTF-8 are taken for Latin 1.
    pub(super) fn text(&self) -> String {
        let text = String::from_utf8(self.bytes.clone());
        let text = text.unwrap_or_else(|error| error.into_bytes().into_iter().map(char::from).collect());
        text.trim_matches(['\0', ' ']).to_owned()
    }

    /// Numbers written as text, separated by `\`; what is no number is left out.
    pub(super) fn decimals(&self) -> Vec<f64> {
        let numbers = self.text();
        let numbers = numbers.split('\\').filter_map(|number| number.trim().parse::<f64>().ok());
        numbers.filter(|number| number.is_finite()).collect()
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
        self.very_longs().first().map(|bits| f64::from_bits(*bits)).filter(|number| number.is_finite())
    }
}

/// The parser's name for a way of writing.
fn parser_syntax(writing: Writing) -> TransferSyntax {
    match writing {
        Writing::ImplicitLittle => entries::IMPLICIT_VR_LITTLE_ENDIAN.erased(),
        Writing::ExplicitLittle => entries::EXPLICIT_VR_LITTLE_ENDIAN.erased(),
        Writing::ExplicitBig => entries::EXPLICIT_VR_BIG_ENDIAN.erased(),
    }
}
