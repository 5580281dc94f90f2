//! Stored values → 8 bits for each of red, green and blue: palette, rescale, window, and which end is black.

use super::colour::Photometric;
use super::header::{Header, Value};
use super::layout::Layout;
use super::lookup::Lookup;
use super::numbers;
use super::stored::{StoredFrame, Values};
use super::told::Told;
use crate::dicom_fault::Fault;
use dicom_core::Tag;
use dicom_dictionary_std::tags;

/// Sequences that may hold a window or a slope, in files of several frames: the first one counts.
const GROUPS: [Tag; 2] = [tags::SHARED_FUNCTIONAL_GROUPS_SEQUENCE, tags::PER_FRAME_FUNCTIONAL_GROUPS_SEQUENCE];

/// Says how stored values become 8 bits.
#[derive(Debug)]
pub(super) enum Tone {
    /// A colour for each stored value.
    Table(Vec<[u8; 3]>),
    /// Red, green and blue of so many bits.
    Colour(u32),
}

/// Says how grey values are spread; what is written down of it.
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

impl Function {
    /// Tells whether a window may be so wide.
    fn takes(self, width: f64) -> bool {
        if self == Self::Linear { width >= 1.0 } else { width > 0.0 }
    }
}

impl Spread {
    /// Returns what the header asks for.
    pub(super) fn read(header: &Header, layout: &Layout, told: &mut Told) -> Self {
        let mut number = |tag| numbers::first(header, tag, &GROUPS, told);
        let function = match header.anywhere_in(tags::VOILUT_FUNCTION, &GROUPS).map(Value::text).as_deref() {
            Some("SIGMOID") => Function::Sigmoid,
            Some("LINEAR_EXACT") => Function::LinearExact,
            _ => Function::Linear,
        };
        match (number(tags::WINDOW_CENTER), number(tags::WINDOW_WIDTH)) {
            (Some(centre), Some(width)) if function.takes(width) => return Self::Window(centre, width, function),
            (Some(_), Some(width)) => {
                let name = numbers::name(tags::WINDOW_WIDTH);
                told.tell(format!("{name} is {width}, which makes no window, and is left out"));
            }
            _ => {}
        }
        if let Some(table) = table(header, tags::VOILUT_SEQUENCE, layout.signed) {
            return Self::Table(table);
        }
        if layout.bits <= 8 && !layout.signed { Self::AsStored } else { Self::Range }
    }

    /// Describes it for the table.
    pub(super) fn step(&self, range: Option<[f64; 2]>) -> Option<String> {
        match (self, range) {
            (Self::Window(centre, width, _), _) => Some(format!("window {centre} {width}")),
            (Self::Table(_), _) => Some("window by table".to_owned()),
            (Self::Range, Some([low, high])) => Some(format!("range {low} {high}")),
            _ => None,
        }
    }
}

/// Slopes and intercepts beyond are taken for broken: sums and products of them stay far from infinity.
const LARGEST: f64 = 1e100;

/// Values as the header rescales them.
#[derive(Debug, Default)]
pub(super) struct Rescale {
    slope: f64,
    intercept: f64,
    table: Option<Lookup>,
}

impl Rescale {
    pub(super) fn read(header: &Header, layout: &Layout, told: &mut Told) -> Self {
        let mut number = |tag, makes_sense: fn(f64) -> bool| {
            let number = numbers::first(header, tag, &GROUPS, told)?;
            if !makes_sense(number) {
                numbers::tell(tag, told);
            }
            Some(number).filter(|number| makes_sense(*number))
        };
        Self {
            slope: number(tags::RESCALE_SLOPE, |slope| slope != 0.0 && slope.abs() <= LARGEST).unwrap_or(1.0),
            intercept: number(tags::RESCALE_INTERCEPT, |intercept| intercept.abs() <= LARGEST).unwrap_or(0.0),
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
            (Self::Colour(8..), Values::Bytes(bytes)) => bytes,
            (Self::Colour(bits), Values::Bytes(bytes)) => {
                bytes.iter().map(|byte| as_8_bits(u16::from(*byte), *bits)).collect()
            }
            (Self::Colour(bits), Values::Words(words)) => words.iter().map(|word| as_8_bits(*word, *bits)).collect(),
            (Self::Table(table), Values::Bytes(bytes)) => {
                bytes.iter().flat_map(|byte| table[usize::from(*byte)]).collect()
            }
            (Self::Table(table), Values::Words(words)) => {
                words.iter().flat_map(|word| table[usize::from(*word)]).collect()
            }
        }
    }
}

/// Red, green or blue of so many bits as 8: the highest ones of many, and few spread over all.
fn as_8_bits(word: u16, bits: u32) -> u8 {
    let largest = (1_u32 << bits) - 1;
    let value = u32::from(word) & largest;
    let byte = if bits >= 8 { value >> (bits - 8) } else { (value * 255 + largest / 2) / largest };
    byte.min(255) as u8
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
fn table(header: &Header, sequence: Tag, signed: bool) -> Option<Lookup> {
    let value = |tag| header.in_item(sequence, 1, tag);
    Lookup::read(value(tags::LUT_DESCRIPTOR)?, value(tags::LUT_DATA)?, signed)
}

fn palettes(header: &Header, layout: &Layout) -> Result<[Lookup; 3], Fault> {
    const TAGS: [(Tag, Tag, Tag, &str); 3] = [
        (
            tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
            tags::RED_PALETTE_COLOR_LOOKUP_TABLE_DATA,
            tags::SEGMENTED_RED_PALETTE_COLOR_LOOKUP_TABLE_DATA,
            "red palette (0028,1201)",
        ),
        (
            tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
            tags::GREEN_PALETTE_COLOR_LOOKUP_TABLE_DATA,
            tags::SEGMENTED_GREEN_PALETTE_COLOR_LOOKUP_TABLE_DATA,
            "green palette (0028,1202)",
        ),
        (
            tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DESCRIPTOR,
            tags::BLUE_PALETTE_COLOR_LOOKUP_TABLE_DATA,
            tags::SEGMENTED_BLUE_PALETTE_COLOR_LOOKUP_TABLE_DATA,
            "blue palette (0028,1203)",
        ),
    ];
    let found = |(descriptor, plain, segmented, what): (Tag, Tag, Tag, &'static str)| {
        let data = header.root(plain).map(|data| (data, false)).or_else(|| Some((header.root(segmented)?, true)));
        let (Some(descriptor), Some((data, segmented))) = (header.root(descriptor), data) else {
            return Err(Fault::Missing { what });
        };
        Ok((descriptor, data, segmented))
    };
    let [red, green, blue] = TAGS;
    let tables = Lookup::palettes([found(red)?, found(green)?, found(blue)?], layout.signed);
    let whole = |(table, (.., what)): (Option<Lookup>, (Tag, Tag, Tag, &'static str))| {
        table.ok_or(Fault::Value { what, found: "shorter than its descriptor says, or of no sense".to_owned() })
    };
    let [red_table, green_table, blue_table] = tables;
    Ok([whole((red_table, red))?, whole((green_table, green))?, whole((blue_table, blue))?])
}
