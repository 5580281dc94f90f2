//! Tables of a DICOM header: a descriptor of three words, and the entries (DICOM PS3.3, C.7.6.3.1.5 and C.11.1.1).

use super::header::Value;

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
        let [count, first, bits] = descriptor.words()[..] else { return None };
        let count = if count == 0 { 65_536 } else { usize::from(count) };
        let first = if signed { i32::from(first as i16) } else { i32::from(first) };
        let words = data.words();
        let entries = if words.len() >= count {
            words[..count].to_vec()
        } else {
            // Entries of 8 bits may stand two in a word.
            data.bytes().get(..count)?.iter().map(|byte| u16::from(*byte)).collect()
        };
        let largest = entries.iter().copied().max()?;
        // Some devices announce 16 bits and write 8.
        let bits = if bits == 16 && largest < 256 { 8 } else { u32::from(bits) };
        (1..=16).contains(&bits).then_some(Self { first, bits, entries })
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
