//! A frame as a decoder hands it over, before anything is made 8 bits.

use crate::frame::Size;

/// A frame as a decoder hands it over, before anything is made 8 bits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFrame {
    /// Height and width in pixels.
    pub size: Size,
    /// Values a pixel: 3 for colour, red, green and blue; 1 for grey or a place in a palette.
    pub samples: usize,
    /// `[height, width, samples]`
    pub values: Values,
}

/// Values of a frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Values {
    /// 8 bits each.
    Bytes(Vec<u8>),
    /// 16 bits each; signed ones as two's complement.
    Words(Vec<u16>),
}

impl Values {
    pub(super) const fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Words(words) => words.len(),
        }
    }
}
