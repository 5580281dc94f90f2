//! JPEG lossless (ITU-T T.81, process 14): each sample is predicted from its neighbours, the difference is Huffman
//! coded.

use crate::jpeg::huffman::{self, Bits, Huffman};
use crate::jpeg::markers::{Frame, Segment, Segments};

/// A decoded picture.
#[derive(Debug, PartialEq)]
pub(super) struct Picture {
    pub(super) height: usize,
    pub(super) width: usize,
    pub(super) samples: usize,
    /// Bits of a value.
    pub(super) bits: u32,
    /// `[height, width, samples]`
    pub(super) values: Vec<u16>,
}

/// Decodes one picture.
///
/// - `expected`: height, width and samples; a picture that says otherwise is refused before memory is taken
pub(super) fn decode(data: &[u8], expected: [usize; 3]) -> Result<Picture, String> {
    let mut tables: [Option<Huffman>; 4] = [const { None }; 4];
    let (mut frame, mut restart) = (None, 0);
    let mut picture =
        Picture { height: expected[0], width: expected[1], samples: expected[2], bits: 0, values: Vec::new() };
    let mut done = [false; 4];
    for segment in Segments::new(data)? {
        let Segment { marker, body, tail } = segment?;
        match marker {
            0xc3 => {
                let read = Frame::read(body, expected)?;
                picture.bits = read.precision;
                frame = Some(read);
            }
            0xc4 => {
                for (_, place, table) in huffman::tables(body)? {
                    *tables.get_mut(place).ok_or("a Huffman table of another JPEG process")? = Some(table);
                }
            }
            0xdd => restart = usize::from(u16_at(body, 0)?),
            0xda => {
                let frame = frame.as_ref().ok_or("a scan before its frame header")?;
                picture.values.resize(expected.iter().product(), 0);
                let scan = Scan::read(body, frame, restart)?;
                // Scan after scan of one component would go on for as long as the file does.
                if scan.components.iter().any(|(component, _)| std::mem::replace(&mut done[*component], true)) {
                    return Err("a component that comes twice".to_owned());
                }
                scan.decode(tail, frame, &tables, &mut picture)?;
                if done[..picture.samples].iter().all(|done| *done) {
                    return Ok(picture);
                }
            }
            0xc0..=0xcf => return Err(format!("its frame header is of another JPEG process (SOF{})", marker - 0xc0)),
            _ => {}
        }
    }
    Err("it ends before its pixels".to_owned())
}

struct Scan {
    /// Place of each component, and its table.
    components: Vec<(usize, usize)>,
    predictor: u8,
    /// Low bits that were dropped.
    shift: u32,
    /// Pixels between two restarts; 0 for none.
    restart: usize,
}

impl Scan {
    fn read(body: &[u8], frame: &Frame, restart: usize) -> Result<Self, String> {
        let byte = |at: usize| body.get(at).copied().ok_or("its scan header is cut short");
        let count = usize::from(byte(0)?);
        let components = (0..count).map(|place| {
            let name = byte(1 + 2 * place)?;
            let component = frame.components.iter().position(|other| *other == name);
            Ok((component.ok_or("a scan of an unknown component")?, usize::from(byte(2 + 2 * place)? >> 4)))
        });
        let components = components.collect::<Result<Vec<_>, String>>()?;
        let (predictor, shift) = (byte(1 + 2 * count)?, u32::from(byte(3 + 2 * count)? & 15));
        if components.is_empty() || !(1..=7).contains(&predictor) || shift >= frame.precision {
            return Err(format!("a scan with predictor {predictor} and point transform {shift}"));
        }
        Ok(Self { components, predictor, shift, restart })
    }

    fn decode(
        &self,
        data: &[u8],
        frame: &Frame,
        tables: &[Option<Huffman>; 4],
        picture: &mut Picture,
    ) -> Result<(), String> {
        let missing = "a scan without its Huffman table";
        let table = |place: usize| tables.get(place).and_then(Option::as_ref).ok_or(missing);
        let tables = self.components.iter().map(|(_, place)| table(*place)).collect::<Result<Vec<_>, _>>()?;
        let (width, samples) = (picture.width, picture.samples);
        let first = 1 << (frame.precision - self.shift - 1);
        let mut bits = Bits::new(data);
        let mut begin = 0;
        for pixel in 0..picture.height * width {
            if self.restart > 0 && pixel > 0 && pixel % self.restart == 0 {
                bits.restart()?;
                begin = pixel;
            }
            // After a restart prediction begins anew, as in the first line.
            let (left, above) = (pixel % width > 0 && pixel > begin, pixel >= begin + width);
            for ((component, _), table) in self.components.iter().zip(&tables) {
                let at = pixel * samples + component;
                let value = |back: usize| i32::from(picture.values[at - back * samples]);
                let predicted = match (left, above) {
                    (false, false) => first,
                    (true, false) => value(1),
                    (false, true) => value(width),
                    (true, true) => predict(self.predictor, value(1), value(width), value(width + 1)),
                };
                picture.values[at] = (predicted + bits.difference(table)?) as u16;
            }
        }
        if self.shift > 0 {
            for (component, _) in &self.components {
                picture.values.iter_mut().skip(*component).step_by(samples).for_each(|value| *value <<= self.shift);
            }
        }
        Ok(())
    }
}

/// T.81, table H.1.
const fn predict(predictor: u8, left: i32, above: i32, corner: i32) -> i32 {
    match predictor {
        1 => left,
        2 => above,
        3 => corner,
        4 => left + above - corner,
        5 => left + ((above - corner) >> 1),
        6 => above + ((left - corner) >> 1),
        _ => (left + above) >> 1,
    }
}

fn u16_at(body: &[u8], at: usize) -> Result<u16, String> {
    let bytes = body.get(at..at + 2).and_then(|bytes| bytes.try_into().ok());
    bytes.map(u16::from_be_bytes).ok_or_else(|| "a segment is cut short".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One row of 8-bit values, predictor 1, categories 0 to 3 as codes 0, 10, 110, 1110.
    fn row(width: u8, bits: &[u8]) -> Vec<u8> {
        let mut data = vec![0xff, 0xd8, 0xff, 0xc3, 0, 11, 8, 0, 1, 0, width, 1, 1, 0x11, 0];
        data.extend([0xff, 0xc4, 0, 23, 0, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3]);
        data.extend([0xff, 0xda, 0, 8, 1, 1, 0, 1, 0, 0]);
        data.extend(bits);
        data.extend([0xff, 0xd9]);
        data
    }

    #[test]
    fn differences_are_added_to_what_lies_left() {
        // 128, then +1 (10 1), -3 (110 00), 0 (0), +4 (1110 100).
        let data = row(5, &[0b0101_1100, 0b0011_1010, 0b0000_0000]);
        assert_eq!(decode(&data, [1, 5, 1]).unwrap().values, [128, 129, 126, 126, 130]);
    }

    #[test]
    fn a_picture_that_is_short_or_of_another_size_is_refused() {
        let data = row(5, &[0b0101_1100]);
        assert_eq!(decode(&data, [1, 5, 1]).unwrap_err(), "it ends within its pixels");
        assert!(decode(&data, [2, 5, 1]).unwrap_err().starts_with("1x5 pixels"));
        for length in 0..data.len() {
            assert!(decode(&data[..length], [1, 5, 1]).is_err(), "{length}");
        }
    }
}
