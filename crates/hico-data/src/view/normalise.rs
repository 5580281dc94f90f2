//! Bytes → numbers around zero, and interleaved pixels → planes.

use super::recipe::ViewRecipe;
use crate::clip::{Channels, Frame};

/// A normalised picture, plane after plane: one plane where it is grey, three where it is coloured.
#[derive(Debug, Clone, PartialEq)]
pub struct Planes {
    /// One plane or three.
    pub channels: Channels,
    /// `[planes, height, width]`
    pub values: Vec<f32>,
}

impl Planes {
    /// `[3, height, width]`: a grey picture's plane three times.
    #[must_use]
    pub fn into_three(self) -> Vec<f32> {
        match self.channels {
            Channels::Grey => self.values.repeat(3),
            Channels::Rgb => self.values,
        }
    }
}

/// What each of the 256 byte values becomes: `(byte / 255 - mean) / std`.
#[derive(Debug, Clone)]
pub struct Normalise([f32; 256]);

impl Normalise {
    /// With the mean and standard deviation of a recipe.
    #[must_use]
    pub fn of(recipe: &ViewRecipe) -> Self {
        let (mean, std) = (recipe.mean as f32, recipe.std as f32);
        // In single precision and in this order, as torchvision's ToTensor and Normalize compute it.
        Self(std::array::from_fn(|byte| (byte as f32 / 255.0 - mean) / std))
    }

    /// Normalises a frame.
    #[must_use]
    pub fn planes(&self, frame: &Frame) -> Planes {
        let Self(table) = self;
        let values = match frame.channels {
            Channels::Grey => frame.pixels.iter().map(|byte| table[usize::from(*byte)]).collect(),
            Channels::Rgb => {
                let (pixels, _) = frame.pixels.as_chunks::<3>();
                let mut values = Vec::with_capacity(frame.pixels.len());
                for channel in 0..3 {
                    values.extend(pixels.iter().map(|pixel| table[usize::from(pixel[channel])]));
                }
                values
            }
        };
        Planes { channels: frame.channels, values }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clip::Size;

    #[test]
    fn black_is_minus_two_white_is_two_and_colours_become_planes() {
        let normalise = Normalise::of(&ViewRecipe::default());
        let size = Size { height: 1, width: 2 };
        let grey = Frame { size, channels: Channels::Grey, pixels: vec![0, 255] };
        assert_eq!(normalise.planes(&grey).into_three(), [-2.0, 2.0, -2.0, 2.0, -2.0, 2.0]);
        let colour = Frame { size, channels: Channels::Rgb, pixels: vec![0, 0, 255, 255, 0, 255] };
        assert_eq!(normalise.planes(&colour).into_three(), [-2.0, 2.0, -2.0, -2.0, 2.0, 2.0]);
    }
}
