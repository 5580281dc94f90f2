//! JPEG extended (ITU-T T.81, process 4) of 12 bits, one sample a pixel: sequential blocks of cosines. Other decoders
//! stop at 8 bits.

use crate::jpeg::huffman::{self, Bits, Huffman};
use crate::jpeg::markers::{Segment, Segments};
use std::f32::consts::PI;

/// Tells whether a stream is what this decoder is for.
pub(super) fn is_12_bits(data: &[u8]) -> bool {
    let segments = Segments::new(data).into_iter().flatten().map_while(Result::ok);
    segments.take_while(|segment| segment.marker != 0xda).any(|it| it.marker == 0xc1 && it.body.first() == Some(&12))
}

/// Decodes one picture to `[height, width]`.
///
/// - `expected`: height, width and samples; a picture that says otherwise is refused before memory is taken
pub(super) fn decode(data: &[u8], expected: [usize; 3]) -> Result<Vec<u16>, String> {
    let mut tables: [[Option<Huffman>; 4]; 2] = [const { [const { None }; 4] }; 2];
    let mut quantisations = [[1_u16; 64]; 4];
    let (mut chosen, mut restart) = (None, 0);
    for segment in Segments::new(data)? {
        let Segment { marker, body, tail } = segment?;
        match (marker, body) {
            (0xdb, _) => read_quantisation(body, &mut quantisations)?,
            (0xc4, _) => {
                for (class, place, table) in huffman::tables(body)? {
                    let place = tables.get_mut(usize::from(class)).and_then(|tables| tables.get_mut(place));
                    *place.ok_or("a Huffman table that no scan can name")? = Some(table);
                }
            }
            (0xdd, [high, low, ..]) => restart = usize::from(u16::from_be_bytes([*high, *low])),
            (0xc1, [12, h0, h1, w0, w1, samples, _, _, table, ..]) => {
                let size = |a: &u8, b: &u8| usize::from(u16::from_be_bytes([*a, *b]));
                let found = [size(h0, h1), size(w0, w1), usize::from(*samples)];
                if found != expected || *samples != 1 {
                    return Err(format!("{found:?} (height, width, samples), expected {expected:?}"));
                }
                chosen = Some(usize::from(*table));
            }
            (0xda, [1, _, names, ..]) => {
                let quantisation = chosen.ok_or("a scan before its frame header")?;
                let quantisation = *quantisations.get(quantisation).ok_or("a quantisation that is not there")?;
                let table = |class: usize, place: u8| tables[class].get(usize::from(place)).and_then(Option::as_ref);
                let (dc, ac) = (table(0, names >> 4), table(1, names & 15));
                let (Some(dc), Some(ac)) = (dc, ac) else { return Err("a scan without its Huffman tables".to_owned()) };
                return Scan { dc, ac, quantisation, restart }.decode(tail, expected[0], expected[1]);
            }
            (0xc0..=0xcf | 0xda, _) => return Err("its frame is of another JPEG process".to_owned()),
            _ => {}
        }
    }
    Err("it ends before its pixels".to_owned())
}

/// Tables are kept in the order in which the numbers come.
fn read_quantisation(mut body: &[u8], tables: &mut [[u16; 64]; 4]) -> Result<(), String> {
    while let Some((head, rest)) = body.split_first() {
        let width = if head >> 4 == 0 { 1 } else { 2 };
        let (numbers, rest) = rest.split_at_checked(64 * width).ok_or("a quantisation table is cut short")?;
        let table = tables.get_mut(usize::from(head & 15)).ok_or("a quantisation table that no frame can name")?;
        for (place, number) in table.iter_mut().zip(numbers.chunks_exact(width)) {
            *place = number.iter().fold(0, |number, byte| number << 8 | u16::from(*byte));
        }
        body = rest;
    }
    Ok(())
}

/// Rows and columns of the numbers of a block, in the order in which they come (T.81, figure 5).
fn zigzag() -> [usize; 64] {
    let mut places: Vec<usize> = (0..64).collect();
    places.sort_by_key(|place| {
        let (row, column) = (place / 8, place % 8);
        let diagonal = row + column;
        (diagonal, if diagonal % 2 == 0 { column } else { row })
    });
    std::array::from_fn(|at| places[at])
}

struct Scan<'a> {
    dc: &'a Huffman,
    ac: &'a Huffman,
    quantisation: [u16; 64],
    /// Blocks between two restarts; 0 for none.
    restart: usize,
}

impl Scan<'_> {
    fn decode(&self, data: &[u8], height: usize, width: usize) -> Result<Vec<u16>, String> {
        let (zigzag, cosines) = (zigzag(), cosines());
        let mut pixels = vec![0; height * width];
        let (mut bits, mut dc) = (Bits::new(data), 0);
        let across = width.div_ceil(8);
        for block in 0..height.div_ceil(8) * across {
            if self.restart > 0 && block > 0 && block % self.restart == 0 {
                bits.restart()?;
                dc = 0;
            }
            let values = inverse(&self.block(&mut bits, &mut dc, &zigzag)?, &cosines);
            let (top, left) = (block / across * 8, block % across * 8);
            for (row, line) in pixels.chunks_exact_mut(width).skip(top).take(8).enumerate() {
                line[left..].iter_mut().zip(&values[8 * row..8 * row + 8]).for_each(|(pixel, value)| {
                    *pixel = (value + 2048.0).round().clamp(0.0, 4095.0) as u16;
                });
            }
        }
        Ok(pixels)
    }

    /// The numbers of a block, row after row (T.81, F.2.2).
    fn block(&self, bits: &mut Bits<'_>, dc: &mut i32, zigzag: &[usize; 64]) -> Result<[f32; 64], String> {
        let mut block = [0.0; 64];
        *dc = dc.wrapping_add(bits.difference(self.dc)?);
        block[0] = *dc as f32 * f32::from(self.quantisation[0]);
        let mut at = 1;
        while at < 64 {
            let symbol = bits.symbol(self.ac)?;
            let (run, category) = (usize::from(symbol >> 4), symbol & 15);
            match (run, category) {
                (15, 0) => at += 16,
                (_, 0) => break,
                _ => {
                    at += run;
                    let place = zigzag.get(at).ok_or("a block of more than 64 numbers")?;
                    block[*place] = bits.number(category)? as f32 * f32::from(self.quantisation[at]);
                    at += 1;
                }
            }
        }
        Ok(block)
    }
}

/// `cos((2 x + 1) u pi / 16) / 2`, the first row over the root of 2: `[u, x]`.
fn cosines() -> [[f32; 8]; 8] {
    std::array::from_fn(|u| {
        let scale = if u == 0 { 0.5_f32.sqrt() } else { 1.0 };
        std::array::from_fn(|x| ((2 * x + 1) as f32 * u as f32 * PI / 16.0).cos() * scale / 2.0)
    })
}

/// T.81, A.3.3: rows, then columns.
fn inverse(block: &[f32; 64], cosines: &[[f32; 8]; 8]) -> [f32; 64] {
    let mut rows = [0.0; 64];
    let mut values = [0.0; 64];
    for (at, value) in rows.iter_mut().enumerate() {
        *value = (0..8).map(|u| block[at / 8 * 8 + u] * cosines[u][at % 8]).sum();
    }
    for (at, value) in values.iter_mut().enumerate() {
        *value = (0..8).map(|v| rows[v * 8 + at % 8] * cosines[v][at / 8]).sum();
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A picture of one block: DC categories 0 to 9 as codes of 4 bits, AC only the end of block, as 0.
    fn picture(bits: &[u8]) -> Vec<u8> {
        let mut data = vec![0xff, 0xd8, 0xff, 0xdb, 0, 67, 0];
        data.extend([2; 64]);
        data.extend([0xff, 0xc1, 0, 11, 12, 0, 8, 0, 8, 1, 1, 0x11, 0]);
        data.extend([0xff, 0xc4, 0, 29, 0, 0, 0, 0, 10, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        data.extend(0..10);
        data.extend([0xff, 0xc4, 0, 20, 0x10, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        data.extend([0xff, 0xda, 0, 8, 1, 1, 0, 0, 63, 0]);
        data.extend(bits);
        data.extend([0xff, 0xd9]);
        data
    }

    #[test]
    fn a_block_of_its_mean_alone_is_flat() {
        // Category 9 (1001), then 400 in 9 bits, then the end: 400 * 2 / 8 above the middle.
        let data = picture(&[0b1001_1100, 0b1000_0011]);
        assert!(is_12_bits(&data));
        assert_eq!(decode(&data, [8, 8, 1]).unwrap(), [2048 + 100; 64]);
        assert!(decode(&data, [8, 9, 1]).is_err());
        for length in 0..data.len() - 3 {
            assert!(decode(&data[..length], [8, 8, 1]).is_err(), "{length}");
        }
    }

    #[test]
    fn numbers_come_diagonal_by_diagonal() {
        assert_eq!(zigzag()[..10], [0, 1, 8, 16, 9, 2, 3, 10, 17, 24]);
        assert_eq!(zigzag()[58..], [61, 54, 47, 55, 62, 63]);
    }
}
