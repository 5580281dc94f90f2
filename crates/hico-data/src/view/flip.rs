//! The mirror image, left to right.

use super::planes::Planes;

/// Mirrors every row of the picture in place.
pub fn horizontal(picture: &mut Planes<u8>) {
    if picture.size.width > 0 {
        picture.values.chunks_exact_mut(picture.size.width).for_each(<[u8]>::reverse);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clip::{Channels, Size};

    #[test]
    fn columns_change_places_and_colours_stay_together() {
        let size = Size { height: 2, width: 2 };
        let mut colour = Planes { size, channels: Channels::Rgb, values: (1..=12).collect() };
        horizontal(&mut colour);
        assert_eq!(colour.values, [2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11]);
    }
}
