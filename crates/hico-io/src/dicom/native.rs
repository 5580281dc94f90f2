//! Pixels that are not compressed, or are once a decoder is done with them.

use super::colour::Photometric;
use super::colour::{interleave, spread_422, ybr_of_bits_to_rgb, ybr_to_rgb};
use super::layout::Layout;
use super::stored::Values;

/// The bytes of a frame as they stand in the file → its values, colour as interleaved RGB.
///
/// - `big`: whether words begin with their high byte
pub(super) fn decode(bytes: Vec<u8>, layout: &Layout, big: bool) -> Values {
    let values = if layout.bytes == 2 {
        let word = |pair: &[u8; 2]| if big { u16::from_be_bytes(*pair) } else { u16::from_le_bytes(*pair) };
        Values::Words(arranged(bytes.as_chunks::<2>().0.iter().map(word).collect(), layout))
    } else {
        Values::Bytes(arranged(bytes, layout))
    };
    finished(values, layout, layout.photometric.is_ybr())
}

/// Planes of bytes, the most significant byte of each sample first → values, colour as interleaved RGB.
///
/// - `planes`: `[samples, bytes a sample, pixels]`
pub(super) fn of_planes(planes: &[u8], layout: &Layout) -> Values {
    let (pixels, samples) = (layout.pixels(), layout.samples());
    let values = if layout.bytes == 1 {
        Values::Bytes(interleave(planes, samples))
    } else {
        let words: Vec<u16> = planes
            .chunks_exact(2 * pixels)
            .flat_map(|plane| {
                let (high, low) = plane.split_at(pixels);
                high.iter().zip(low).map(|(high, low)| u16::from_be_bytes([*high, *low]))
            })
            .collect();
        Values::Words(interleave(&words, samples))
    };
    finished(values, layout, layout.photometric.is_ybr())
}

/// Words of a decoder → values of the width that the header says, colour as interleaved RGB.
///
/// - `ybr`: whether they are luma and chroma
pub(super) fn of_words(words: Vec<u16>, layout: &Layout, ybr: bool) -> Values {
    let values = if layout.bytes == 1 {
        Values::Bytes(words.into_iter().map(|word| word as u8).collect())
    } else {
        Values::Words(words)
    };
    finished(values, layout, ybr)
}

/// Samples pixel by pixel, however they are stored.
fn arranged<T: Copy + Default>(samples: Vec<T>, layout: &Layout) -> Vec<T> {
    match (layout.photometric, layout.planar) {
        (Photometric::YbrFull422, _) => spread_422(&samples, layout.size.height, layout.size.width),
        (_, true) => interleave(&samples, layout.samples()),
        (_, false) => samples,
    }
}

/// Moves samples to the lowest bits, and turns luma and chroma to RGB. Bits above those of a sample stay only where it is
/// a single one, and whoever reads it leaves them out.
fn finished(values: Values, layout: &Layout, ybr: bool) -> Values {
    let (shift, is_colour) = (layout.shift, layout.samples() > 1);
    if shift == 0 && !is_colour {
        return values;
    }
    let mask = if is_colour { ((1_u32 << layout.bits) - 1) as u16 } else { u16::MAX };
    match values {
        Values::Bytes(mut bytes) if layout.bits == 8 => {
            if ybr {
                ybr_to_rgb(&mut bytes);
            }
            Values::Bytes(bytes)
        }
        Values::Bytes(bytes) => {
            let mut words: Vec<u16> = bytes.into_iter().map(|byte| u16::from(byte) >> shift & mask).collect();
            if ybr {
                ybr_of_bits_to_rgb(&mut words, layout.bits);
            }
            Values::Bytes(words.into_iter().map(|word| word as u8).collect())
        }
        Values::Words(mut words) => {
            words.iter_mut().for_each(|word| *word = *word >> shift & mask);
            if ybr {
                ybr_of_bits_to_rgb(&mut words, layout.bits);
            }
            Values::Words(words)
        }
    }
}
