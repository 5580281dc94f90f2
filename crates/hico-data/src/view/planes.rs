//! Pictures plane after plane: each channel's values stand together, so that loops over them become wide instructions.

use crate::clip::{Channels, Frame, Size};

/// A picture, plane after plane: one plane where it is grey, three where it is coloured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planes<T> {
    /// Rows and columns of a plane.
    pub size: Size,
    /// One plane or three.
    pub channels: Channels,
    /// `[planes, height, width]`
    pub values: Vec<T>,
}

impl Planes<u8> {
    /// The planes of a frame.
    #[must_use]
    pub fn of(frame: &Frame) -> Self {
        let values = match frame.channels {
            Channels::Grey => frame.pixels.clone(),
            Channels::Rgb => pulp::Arch::new().dispatch(|| apart(&frame.pixels)),
        };
        Self { size: frame.size, channels: frame.channels, values }
    }

    /// The frame of these planes.
    #[must_use]
    pub fn into_frame(mut self) -> Frame {
        let pixels = match self.colours() {
            None => self.values,
            Some([red, green, blue]) => {
                red.iter().zip(green).zip(blue).flat_map(|((red, green), blue)| [*red, *green, *blue]).collect()
            }
        };
        Frame { size: self.size, channels: self.channels, pixels }
    }

    /// Red, green and blue of a coloured picture; nothing where it is grey.
    pub(super) fn colours(&mut self) -> Option<[&mut [u8]; 3]> {
        if self.channels == Channels::Grey {
            return None;
        }
        let pixels = self.values.len() / 3;
        let (red, rest) = self.values.split_at_mut(pixels);
        let (green, blue) = rest.split_at_mut(pixels);
        Some([red, green, blue])
    }
}

impl<T: Copy> Planes<T> {
    /// `[3, height, width]`: a grey picture's plane three times.
    #[must_use]
    pub fn into_three(self) -> Vec<T> {
        match self.channels {
            Channels::Grey => self.values.repeat(3),
            Channels::Rgb => self.values,
        }
    }
}

#[inline(always)]
fn apart(pixels: &[u8]) -> Vec<u8> {
    let (pixels, _) = pixels.as_chunks::<3>();
    let mut planes = vec![0; 3 * pixels.len()];
    let (red, rest) = planes.split_at_mut(pixels.len());
    let (green, blue) = rest.split_at_mut(pixels.len());
    for (((pixel, red), green), blue) in pixels.iter().zip(red).zip(green).zip(blue) {
        [*red, *green, *blue] = *pixel;
    }
    planes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colours_come_apart_and_together_and_grey_becomes_three() {
        let size = Size { height: 1, width: 2 };
        let colour = Frame { size, channels: Channels::Rgb, pixels: vec![1, 2, 3, 4, 5, 6] };
        let mut planes = Planes::of(&colour);
        assert_eq!(planes.values, [1, 4, 2, 5, 3, 6]);
        assert_eq!(planes.colours().unwrap(), [[1, 4], [2, 5], [3, 6]]);
        assert_eq!(planes.into_frame(), colour);
        let mut grey = Planes::of(&Frame { size, channels: Channels::Grey, pixels: vec![7, 8] });
        assert_eq!(grey.colours(), None);
        assert_eq!(grey.into_three(), [7, 8, 7, 8, 7, 8]);
    }
}
