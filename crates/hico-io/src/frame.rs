//! One picture in memory. Sizes are always `[height, width]`.

use serde::{Deserialize, Serialize};

/// Height and width in pixels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Size {
    /// Rows.
    pub height: usize,
    /// Columns.
    pub width: usize,
}

/// The number of values of a pixel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Channels {
    /// One value, luma.
    Grey,
    /// Three values: red, green, blue.
    Rgb,
}

impl Channels {
    /// Values per pixel: 1 or 3.
    #[must_use]
    pub const fn count(self) -> usize {
        match self {
            Self::Grey => 1,
            Self::Rgb => 3,
        }
    }
}

/// One picture, interleaved bytes, `[height, width, channels]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// Height and width in pixels.
    pub size: Size,
    /// Grey or colour.
    pub channels: Channels,
    /// `height * width * channels` bytes, row by row.
    pub pixels: Vec<u8>,
}
