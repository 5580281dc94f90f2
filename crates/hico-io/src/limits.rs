//! Tells what a clip may cost, and what is kept of one that is damaged.

use crate::error::Error;
use crate::frame::Size;
use serde::{Deserialize, Serialize};

/// Says what a clip may cost, so that a hostile or mistaken file cannot take the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Limits {
    /// Frames of a clip.
    pub frames: usize,
    /// Pixels of a source frame.
    pub pixels: u64,
    /// Bytes of a clip in memory, three channels, as whoever takes its frames keeps them.
    pub bytes: usize,
    /// Seconds for decoding one clip.
    pub seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self { frames: 20_000, pixels: 64_000_000, bytes: 1 << 30, seconds: 600 }
    }
}

/// Says what is kept of a clip whose decoder complains.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Damaged {
    /// Nothing: the clip is refused.
    #[default]
    Refuse,
    /// The frames that decode.
    Keep,
}

/// Refuses frames that are empty or larger than allowed; a reader asks before it allocates one.
///
/// # Errors
/// When there are no pixels, or too many.
pub fn check_size(size: Size, limits: Limits) -> Result<(), Error> {
    let pixels = (size.height as u64).saturating_mul(size.width as u64);
    match pixels {
        0 => Err(Error::NotVideo { said: "its frames have no pixels".to_owned() }),
        _ if pixels > limits.pixels => Err(Error::TooLarge { size, limit: limits.pixels }),
        _ => Ok(()),
    }
}
