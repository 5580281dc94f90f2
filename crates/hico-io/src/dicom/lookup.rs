//! Tables of a DICOM header: a descriptor of three words, and the entries (DICOM PS3.3, C.7.6.3.1.5 and C.11.1.1).

use super::header::Value;
use super::segmented;

/// A table from stored values to others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Lookup {
    /// The stored value of the first entry.
    first: i32,
    /// Bits of an entry.
    pub(super) bits: u32,
    entries: Vec<u16>,
}

impl Lookup {
    /// `None` where descriptor and entries do not fit together.
    ///
    /// - `signed`: whether stored values are
    pub(super) fn read(descriptor: &Value, data: &Value, signed: bool) -> Option<Self> {
        let mut table = Self::of_entries(descriptor, signed, |count, _| {
            let words = data.words();
            if words.len() >= count {
                return Some(words[..count].to_vec());
            }
            // Entries of 8 bits may stand two in a word.
            Some(data.bytes_of_words().get(..count)?.iter().map(|byte| u16::from(*byte)).collect())
        })?;
        table.narrow();
        Some(table)
    }

    /// The tables of red, green and blue; `None` for one that does not fit its descriptor.
    pub(super) fn palettes(data: [(&Value, &Value, bool); 3], signed: bool) -> [Option<Self>; 3] {
        let mut tables = data.map(|(descriptor, data, segmented)| {
            Self::of_entries(descriptor, signed, |count, bits| {
                let bytes = || data.bytes_of_words().iter().map(|byte| u16::from(*byte)).collect::<Vec<_>>();
                match (segmented, bits) {
                    (true, 0..=8) => {
                        segmented::expand(&bytes(), 4, count).or_else(|| segmented::expand(&data.words(), 2, count))
                    }
                    (true, _) => segmented::expand(&data.words(), 2, count),
                    (false, _) if data.words().len() >= count => Some(data.words()[..count].to_vec()),
                    (false, _) => Some(bytes().get(..count)?.to_vec()),
                }
            })
        });
        // A dark colour is no sign of 8 bits while another one is bright.
        if tables.iter().flatten().all(Self::is_narrow) {
            tables.iter_mut().flatten().for_each(Self::narrow);
        }
        tables
    }

    /// - `entries`: of so many entries of so many bits
    fn of_entries(
        descriptor: &Value,
        signed: bool,
        entries: impl FnOnce(usize, u16) -> Option<Vec<u16>>,
    ) -> Option<Self> {
        let [count, first, bits] = descriptor.words()[..] else { return None };
        let count = if count == 0 { 65_536 } else { usize::from(count) };
        let first = if signed { i32::from(first as i16) } else { i32::from(first) };
        let entries = entries(count, bits)?;
        (1..=16).contains(&bits).then_some(Self { first, bits: u32::from(bits), entries })
    }

    /// Some devices announce 16 bits and write 8.
    fn narrow(&mut self) {
        if self.is_narrow() {
            self.bits = 8;
        }
    }

    fn is_narrow(&self) -> bool {
        self.bits == 16 && self.entries.iter().all(|entry| *entry < 256)
    }

    /// The entry of a stored value; the ends hold for what lies beyond.
    pub(super) fn of(&self, value: i32) -> u16 {
        let place = (value - self.first).clamp(0, self.entries.len() as i32 - 1);
        self.entries[place as usize]
    }

    /// As [`Self::of`], as 8 bits.
    pub(super) fn byte_of(&self, value: i32) -> u8 {
        let entry = u32::from(self.of(value));
        let byte = if self.bits >= 8 { entry >> (self.bits - 8) } else { entry * 255 / ((1 << self.bits) - 1) };
        byte.min(255) as u8
    }
}
