//! Bytes → numbers around zero.

use super::planes::Planes;
use super::recipe::ViewRecipe;

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

    /// Normalises a picture.
    #[must_use]
    pub fn planes(&self, picture: &Planes<u8>) -> Planes<f32> {
        let Self(table) = self;
        let values = picture.values.iter().map(|byte| table[usize::from(*byte)]).collect();
        Planes { size: picture.size, channels: picture.channels, values }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clip::{Channels, Size};

    #[test]
    fn black_is_minus_two_and_white_is_two() {
        let picture = Planes { size: Size { height: 1, width: 2 }, channels: Channels::Grey, values: vec![0, 255] };
        assert_eq!(Normalise::of(&ViewRecipe::default()).planes(&picture).values, [-2.0, 2.0]);
    }
}
