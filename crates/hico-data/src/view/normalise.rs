//! Bytes → numbers around zero.

use super::planes::Planes;
use super::recipe::ViewRecipe;
use pulp::{Simd, WithSimd};

/// `(byte / 255 - mean) / std`.
#[derive(Debug, Clone, Copy)]
pub struct Normalise {
    mean: f32,
    std: f32,
}

impl Normalise {
    /// With the mean and standard deviation of a recipe.
    #[must_use]
    pub const fn of(recipe: &ViewRecipe) -> Self {
        Self { mean: recipe.mean as f32, std: recipe.std as f32 }
    }

    /// Normalises a picture.
    #[must_use]
    pub fn planes(self, picture: &Planes<u8>) -> Planes<f32> {
        let values = pulp::Arch::new().dispatch(Normalised { bytes: &picture.values, by: self });
        Planes { size: picture.size, channels: picture.channels, values }
    }
}

struct Normalised<'a> {
    bytes: &'a [u8],
    by: Normalise,
}

impl WithSimd for Normalised<'_> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) -> Vec<f32> {
        let Normalise { mean, std } = self.by;
        // Dividing by a power of two, as the published 0.25, is multiplying by another one.
        if std.is_normal() && std.to_bits().trailing_zeros() >= f32::MANTISSA_DIGITS - 1 {
            let times = 1.0 / std;
            self.bytes.iter().map(|&byte| (share(byte) - mean) * times).collect()
        } else {
            self.bytes.iter().map(|&byte| (share(byte) - mean) / std).collect()
        }
    }
}

/// `byte / 255`, rounded as a division is, without one: the divisor's reciprocal in two parts, the first so short that
/// its product with a byte is exact.
#[inline(always)]
fn share(byte: u8) -> f32 {
    const RECIPROCAL: f64 = 1.0 / 255.0;
    const FIRST: f32 = f32::from_bits((RECIPROCAL as f32).to_bits() & !0xFF);
    const REST: f32 = (RECIPROCAL - FIRST as f64) as f32;
    let byte = f32::from(byte);
    byte * FIRST + byte * REST
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

    #[test]
    fn every_byte_is_what_torchvision_s_to_tensor_and_normalize_make_of_it() {
        let size = Size { height: 16, width: 16 };
        let every = Planes { size, channels: Channels::Grey, values: (0..=255).collect() };
        for (mean, std) in [(0.5, 0.25), (0.485, 0.229), (0.0, 1.0), (0.1, -2.0), (0.3, 1e-3)] {
            let recipe = ViewRecipe { mean, std, ..ViewRecipe::default() };
            let (mean, std) = (mean as f32, std as f32);
            let expected: Vec<f32> = (0..=255_u8).map(|byte| (f32::from(byte) / 255.0 - mean) / std).collect();
            assert_eq!(Normalise::of(&recipe).planes(&every).values, expected);
        }
    }
}
