//! JPEG 2000 pictures (ITU-T T.800): the header is judged here, the pixels come from `hayro-jpeg2000`.

use super::{jpeg2000_blocks, jpeg2000_parts};
use hayro_jpeg2000::{DecodeSettings, DecoderContext, Image};

/// A decoded picture.
#[derive(Debug)]
pub(super) struct Picture {
    /// `[height, width, samples]`; the stored values, signed ones as two's complement.
    pub(super) values: Vec<u16>,
    /// Bits of a value.
    pub(super) bits: u32,
    /// True where the samples were luma and chroma in the stream, and are not any more.
    pub(super) transformed: bool,
}

/// Decodes one picture.
///
/// - `expected`: height, width and samples; a picture that says otherwise is refused before memory is taken
pub(super) fn decode(data: &[u8], expected: [usize; 3]) -> Result<Picture, String> {
    // The code stream alone: what a JP2 file around it says of colours, the DICOM header says.
    let begin = data.windows(4).position(|word| word == [0xff, 0x4f, 0xff, 0x51]);
    let data = begin.map(|begin| &data[begin..]).ok_or("it does not begin as a JPEG 2000 picture")?;
    let size = Siz::read(data)?;
    if size.size != expected {
        return Err(format!("{:?} (height, width, samples), the header says {expected:?}", size.size));
    }
    // Lossless pictures of more than 16 bits would not fit the decoder's numbers.
    if !(1..=16).contains(&size.precision) {
        return Err(format!("JPEG 2000 of {} bits a sample is not read", size.precision));
    }
    let closed = jpeg2000_parts::close(data);
    let data = closed.as_deref().unwrap_or(data);
    jpeg2000_parts::check(data, size.tiles)?;
    jpeg2000_blocks::check(data, expected)?;
    let settings = DecodeSettings { resolve_palette_indices: false, strict: true, target_resolution: None };
    let image = Image::new(data, &settings).map_err(|error| error.to_string())?;
    let mut context = DecoderContext::default();
    let decoded = image.decode(&mut context).map_err(|error| error.to_string())?;
    let components = decoded.components();
    let [height, width, samples] = expected;
    if components.len() != samples || components.iter().any(|component| component.samples().len() != height * width) {
        return Err("it decodes to another size than it says".to_owned());
    }
    // The decoder lifts signed samples as it does unsigned ones.
    let (largest, lift) = ((1_u32 << size.precision) - 1, if size.signed { 1 << (size.precision - 1) } else { 0_i32 });
    let mut values = vec![0; height * width * samples];
    for (place, component) in components.iter().enumerate() {
        for (value, sample) in values[place..].iter_mut().step_by(samples).zip(component.samples()) {
            *value = (sample.round().clamp(0.0, largest as f32) as i32 - lift) as u16;
        }
    }
    let transformed = samples == 3 && jpeg2000_blocks::is_transformed(data);
    Ok(Picture { values, bits: size.precision, transformed })
}

/// The first segment of a code stream.
#[derive(Debug)]
struct Siz {
    /// Height, width, samples.
    size: [usize; 3],
    precision: u32,
    signed: bool,
    tiles: usize,
}

impl Siz {
    fn read(data: &[u8]) -> Result<Self, String> {
        let body = data.get(6..).ok_or("its header is cut short")?;
        let word = |at: usize| {
            let bytes = body.get(at..at + 4).and_then(|bytes| bytes.try_into().ok());
            bytes.map(u32::from_be_bytes).ok_or("its header is cut short")
        };
        let side = |far: u32, near: u32| far.checked_sub(near).filter(|side| *side > 0).map(|side| side as usize);
        let width = side(word(2)?, word(10)?).ok_or("its pictures have no pixels")?;
        let height = side(word(6)?, word(14)?).ok_or("its pictures have no pixels")?;
        let (tile_width, tile_height) = (word(18)? as usize, word(22)? as usize);
        let samples = body.get(34..36).map_or(0, |pair| usize::from(u16::from_be_bytes([pair[0], pair[1]])));
        let components = body.get(36..36 + 3 * samples).ok_or("its header is cut short")?;
        let first = components.first().copied().ok_or("its pictures have no samples")?;
        if components.chunks_exact(3).any(|component| component != [first, 1, 1]) {
            return Err("its samples differ in depth or density".to_owned());
        }
        // Every tile costs memory of its own, whatever is in it.
        let along = |far: u32, near: u32, tile: usize| (far.saturating_sub(near) as usize).div_ceil(tile.max(1));
        let across = along(word(2)?, word(26)?, tile_width);
        let tiles = across.saturating_mul(along(word(6)?, word(30)?, tile_height));
        if tiles > 16_384 {
            return Err(format!("its header announces {tiles} tiles"));
        }
        let precision = u32::from(first & 0x7f) + 1;
        Ok(Self { size: [height, width, samples], precision, signed: first & 0x80 != 0, tiles })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_that_lies_is_refused_before_memory_is_taken() {
        let mut data = vec![0xff, 0x4f, 0xff, 0x51, 0, 41, 0, 0];
        for number in [40_000_u32, 30_000, 0, 0, 1, 1, 0, 0] {
            data.extend(number.to_be_bytes());
        }
        data.extend([0, 1, 7, 1, 1]);
        assert_eq!(decode(&data, [30_000, 40_000, 1]).unwrap_err(), "its header announces 1200000000 tiles");
        data[24..32].copy_from_slice(&[0, 1, 0, 0, 0, 1, 0, 0]);
        assert!(decode(&data, [10, 10, 1]).unwrap_err().starts_with("[30000, 40000, 1]"));
        assert!(decode(&data[..30], [10, 10, 1]).is_err());
        assert!(decode(b"no picture", [10, 10, 1]).is_err());
    }
}
