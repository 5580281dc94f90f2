//! Stored values → 8 bits for each of red, green and blue: palette, rescale, window, and which end is black.

use super::colour::Photometric;
use super::fault::Fault;
use super::header::{Header, Value};
use super::layout::Layout;
use super::lookup::Lookup;
use super::stored::{StoredFrame, Values};
use dicom_dictionary_std::tags;

/// Sequences that may hold a window or a slope, in files of several frames: the first one counts.
const GROUPS: [dicom_core::Tag; 2] =
    [tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE, tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE];

/// How stored values become 8 bits.
#[derive(Debug)]
pub(super) enum Tone {
    /// A colour for each stored value.
    Table(Vec<[u8; 3]>),
    /// Red, green and blue of so many bits.
    Colour(u32),
}

/// How grey values are spread; what is written down of it.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Spread {
    /// 8 bits as they are.
    AsStored,
    /// Centre, width and function of a window over rescaled values.
    Window(f64, f64, Function),
    /// A table over rescaled values.
    Table(Lookup),
    /// The smallest and the largest rescaled value of the clip become black and white; not known yet.
    Range,
}

/// DICOM PS3.3, C.11.2.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Function {
    Linear,
    LinearExact,
    Sigmoid,
}

impl Spread {
    /// What the header asks for.
    pub(super) fn read(header: &Header, layout: &Layout) -> Self {
        let number = |tag| header.anywhere_in(tag, &GROUPS).and_then(|value: &Value| value.decimals().first().copied());
        let function = match header.anywhere_in(tags::VOILUT_FUNCTION, &GROUPS).map(Value::text).as_deref() {
            Some("SIGMOID") => Function::Sigmoid,
            Some("LINEAR_EXACT") => Function::LinearExact,
            _ => Function::Linear,
        };
        match (number(tags::WINDOW_CENTER), number(tags::WINDOW_WIDTH)) {
            (Some(centre), Some(width)) if width >= 1.0 => return Self::Window(centre, width, function),
            _ => {}
        }
        if let Some(table) = table(header, tags::VOILUT_SEQUENCE, layout.signed) {
            return Self::Table(table);
        }
        if layout.bits <= 8 && !layout.signed { Self::AsStored } else { Self::Range }
    }

    /// For the record.
    pub(super) fn done(&self, range: Option<[f64; 2]>) -> Option<String> {
        match (self, range) {
            (Self::Window(centre, width, _), _) => Some(format!("window {centre} {width}")),
            (Self::Table(_), _) => Some("window by table".to_owned()),
            (Self::Range, Some([low, high])) => Some(format!("range {low} {high}")),
            _ => None,
        }
    }
}

/// Values as the header rescales them.
#[derive(Debug)]
pub(super) struct Rescale {
    slope: f64,
    intercept: f64,
    table: Option<Lookup>,
}

impl Rescale {
    pub(super) fn read(header: &Header, layout: &Layout) -> Self {
        let number = |tag| header.anywhere_in(tag, &GROUPS).and_then(|value: &Value| value.decimals().first().copied());
        Self {
            slope: number(tags::RESCALE_SLOPE).filter(|slope| *slope != 0.0).unwrap_or(1.0),
            intercept: number(tags::RESCALE_INTERCEPT).unwrap_or(0.0),
            table: table(header, tags::MODALITY_LUT_SEQUENCE, layout.signed),
        }
    }

    fn of(&self, value: i32) -> f64 {
        match &self.table {
            Some(table) => f64::from(table.of(value)),
            None => self.slope * f64::from(value) + self.intercept,
        }
    }

    /// The smallest and the largest rescaled value of a frame.
    pub(super) fn range(&self, frame: &StoredFrame, layout: &Layout) -> [f64; 2] {
        let mut range = [f64::INFINITY, f64::NEG_INFINITY];
        let mut see = |word: u16| {
            let value = self.of(meaning(word, layout));
            range = [range[0].min(value), range[1].max(value)];
        };
        match &frame.values {
            Values::Bytes(bytes) => bytes.iter().for_each(|byte| see(u16::from(*byte))),
            Values::Words(words) => words.iter().for_each(|word| see(*word)),
        }
        range
    }
}

impl Tone {
    /// - `range`: the smallest and the largest rescaled value, where the spread wants them
    pub(super) fn build(
        header: &Header,
        layout: &Layout,
        spread: &Spread,
        rescale: &Rescale,
        range: Option<[f64; 2]>,
    ) -> Result<Self, Fault> {
        let words = (0..=if layout.bytes == 1 { 0xff } else { 0xffff_u16 }).map(|word| meaning(word, layout));
        match layout.photometric {
            Photometric::Palette => {
                let [red, green, blue] = palettes(header, layout)?;
                Ok(Self::Table(
                    words.map(|value| [red.byte_of(value), green.byte_of(value), blue.byte_of(value)]).collect(),
                ))
            }
            Photometric::Monochrome1 | Photometric::Monochrome2 => {
                let shape = header.root(tags::PRESENTATION_LUT_SHAPE).map(Value::text);
                let inverse = layout.photometric == Photometric::Monochrome1 || shape.as_deref() == Some("INVERSE");
                let grey = words.map(|value| grey(value, layout, spread, rescale, range));
                Ok(Self::Table(grey.map(|grey| [if inverse { 255 - grey } else { grey }; 3]).collect()))
            }
            _ => Ok(Self::Colour(layout.bits)),
        }
    }

    /// A frame as `[height, width, 3]` bytes.
    pub(super) fn apply(&self, frame: StoredFrame) -> Vec<u8> {
        match (self, frame.values) {
            (Self::Colour(_), Values::Bytes(bytes)) => bytes,
            (Self::Colour(bits), Values::Words(words)) => {
                let (shift, lift) = (bits.saturating_sub(8), 8_u32.saturating_sub(*bits));
                words.iter().map(|word| (word >> shift << lift).min(255) as u8).collect()
            }
            (Self::Table(table), Values::Bytes(bytes)) => {
                bytes.iter().flat_map(|byte| table[usize::from(*byte)]).collect()
            }
            (Self::Table(table), Values::Words(words)) => {
                words.iter().flat_map(|word| table[usize::from(*word)]).collect()
            }
        }
    }
}

/// A stored value as a number; bits that do not belong to it are left out.
fn meaning(word: u16, layout: &Layout) -> i32 {
    let value = i32::from(word) & ((1 << layout.bits) - 1);
    if layout.signed && value >> (layout.bits - 1) != 0 { value - (1 << layout.bits) } else { value }
}

fn grey(value: i32, layout: &Layout, spread: &Spread, rescale: &Rescale, range: Option<[f64; 2]>) -> u8 {
    let rescaled = rescale.of(value);
    let fraction = match spread {
        Spread::AsStored => {
            let whole = f64::from(value) / f64::from((1_i32 << layout.bits) - 1);
            if rescale.slope < 0.0 { 1.0 - whole } else { whole }
        }
        Spread::Table(table) => return table.byte_of(rescaled.round() as i32),
        Spread::Window(centre, width, Function::Sigmoid) => 1.0 / (1.0 + (-4.0 * (rescaled - centre) / width).exp()),
        Spread::Window(centre, width, Function::LinearExact) => (rescaled - centre) / width + 0.5,
        Spread::Window(centre, width, Function::Linear) if *width <= 1.0 => {
            f64::from(u8::from(rescaled > centre - 0.5))
        }
        Spread::Window(centre, width, Function::Linear) => (rescaled - (centre - 0.5)) / (width - 1.0) + 0.5,
        Spread::Range => {
            let [low, high] = range.unwrap_or([0.0, 0.0]);
            if high > low { (rescaled - low) / (high - low) } else { 0.0 }
        }
    };
    (fraction.clamp(0.0, 1.0) * 255.0).round() as u8
}

/// The table in the first item of a sequence.
fn table(header: &Header, sequence: dicom_core::Tag, signed: bool) -> Option<Lookup> {
    let value = |tag| header.in_item(sequence, 1, tag);
    Lookup::read(value(tags::LUT_DESCRIPTOR)?, value(tags::LUT_DATA)?, signed)
}

fn palettes(header: &Header, layout: &Layout) -> Result<[Lookup; 3], Fault> {
    let read = |descriptor, data, what| {
        let missing = Fault::Missing { what };
        let (Some(descriptor), Some(data)) = (header.root(descriptor), header.root(data)) else { return Err(missing) };
        let broken = Fault::Value { what, found: "shorter than its descriptor says".to_owned() };
        Lookup::read(descriptor, data, layout.signed).ok_or(broken)
    };
    Ok([
        read(
            tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
            tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DATA,
            "red palette (0028,1201)",
        )?,
        read(
            tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
            tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DATA,
            "green palette (0028,1202)",
        )?,
        read(
            tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
            tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DATA,
            "blue palette (0028,1203)",
        )?,
    ])
}
