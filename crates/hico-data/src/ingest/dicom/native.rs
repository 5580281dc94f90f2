//! Pixels that are not compressed, or are once a decoder is done with them.

use super::colour::{Photometric, interleave, spread_422, ybr_to_rgb};
use super::layout::Layout;
use super::stored::Values;

/// The bytes of a frame as they stand in the file → its values, colour as interleaved RGB.
///
/// - `big`: whether words begin with their high byte
pub(super) fn decode(bytes: Vec<u8>, layout: &Layout, big: bool) -> Values {
    if layout.bytes == 2 {
        let word = |pair: &[u8; 2]| if big { u16::from_be_bytes(*pair) } else { u16::from_le_bytes(*pair) };
        let words: Vec<u16> = bytes.as_chunks::<2>().0.iter().map(word).collect();
        return Values::Words(if layout.planar { interleave(&words, layout.samples()) } else { words });
    }
    let bytes = match (layout.photometric, layout.planar) {
        (Photometric::YbrFull422, _) => spread_422(&bytes, layout.size.height, layout.size.width),
        (_, true) => interleave(&bytes, layout.samples()),
        (_, false) => bytes,
    };
    to_rgb(Values::Bytes(bytes), layout)
}

/// Planes of bytes, the most significant byte of each sample first → values, colour as interleaved RGB.
///
/// - `planes`: `[samples, bytes a sample, pixels]`
pub(super) fn of_planes(planes: &[u8], layout: &Layout) -> Values {
    let (pixels, samples) = (layout.pixels(), layout.samples());
    if layout.bytes == 1 {
        return to_rgb(Values::Bytes(interleave(planes, samples)), layout);
    }
    let words: Vec<u16> = planes
        .chunks_exact(2 * pixels)
        .flat_map(|plane| {
            let (high, low) = plane.split_at(pixels);
            high.iter().zip(low).map(|(high, low)| u16::from_be_bytes([*high, *low]))
        })
        .collect();
    Values::Words(interleave(&words, samples))
}

/// Words of a decoder → values of the width that the header says, colour as interleaved RGB.
pub(super) fn of_words(words: Vec<u16>, layout: &Layout) -> Values {
    if layout.bytes == 1 {
        return to_rgb(Values::Bytes(words.into_iter().map(|word| word as u8).collect()), layout);
    }
    Values::Words(words)
}

/// Turns luma and chroma to RGB, where that is what the header says they are.
fn to_rgb(mut values: Values, layout: &Layout) -> Values {
    if let (Values::Bytes(bytes), Photometric::YbrFull | Photometric::YbrFull422) = (&mut values, layout.photometric) {
        ybr_to_rgb(bytes);
    }
    values
}
