//! The mirror image, left to right.

use crate::clip::{Channels, Frame};

/// Mirrors every row of the frame in place.
pub fn horizontal(frame: &mut Frame) {
    let row = frame.size.width * frame.channels.count();
    if row == 0 {
        return;
    }
    for row in frame.pixels.chunks_exact_mut(row) {
        match frame.channels {
            Channels::Grey => row.reverse(),
            Channels::Rgb => row.as_chunks_mut::<3>().0.reverse(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clip::Size;

    #[test]
    fn columns_change_places_and_colours_stay_together() {
        let size = Size { height: 2, width: 2 };
        let mut grey = Frame { size, channels: Channels::Grey, pixels: vec![1, 2, 3, 4] };
        horizontal(&mut grey);
        assert_eq!(grey.pixels, [2, 1, 4, 3]);
        let mut colour = Frame { size, channels: Channels::Rgb, pixels: (1..=12).collect() };
        horizontal(&mut colour);
        assert_eq!(colour.pixels, [4, 5, 6, 1, 2, 3, 10, 11, 12, 7, 8, 9]);
    }
}
