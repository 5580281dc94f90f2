//! Tells what the code blocks of a JPEG 2000 picture will cost (ITU-T T.800, A.4.2, A.6 and B.7), before the decoder
//! makes them: a kilobyte can announce one for every pixel, in dozens of layers.

/// Says how samples are cut into blocks; what a COD or COC segment says.
struct Style<'a> {
    layers: u64,
    levels: u32,
    /// Exponents of width and height.
    block: [u32; 2],
    /// Those of the precincts of each resolution, the smallest first; none for the largest there can be.
    precincts: &'a [u8],
}

/// Refuses a picture that the decoder would need far more memory for than its pixels take.
///
/// - `data`: the code stream
/// - `size`: height, width, samples
pub(super) fn check(data: &[u8], size: [usize; 3]) -> Result<(), String> {
    let [height, width, samples] = size.map(|side| side as u64);
    // A block is some 150 bytes, and 16 more for each layer; pixels take 4.
    let most = height * width * samples + (1 << 20);
    let mut layers = 1;
    for (marker, body) in (Segments { data, at: 2, tile_end: 0 }) {
        let style = match (marker, body) {
            (0x52, [style, _, l0, l1, _, rest @ ..]) => {
                layers = u64::from(u16::from_be_bytes([*l0, *l1]));
                Style::read(*style, rest, layers)
            }
            (0x53, [_, style, rest @ ..]) => Style::read(*style, rest, layers),
            _ => None,
        };
        let Some(style) = style else { continue };
        let blocks = style.blocks(height, width).saturating_mul(samples);
        if blocks.saturating_mul(8 + style.layers.clamp(1, 32)) > most {
            return Err(format!("{blocks} code blocks and precincts in {} layers", style.layers));
        }
    }
    Ok(())
}

/// Tells whether the main header says that the first three samples were mixed to luma and chroma (T.800, table A.15).
pub(super) fn is_transformed(data: &[u8]) -> bool {
    let mut segments = Segments { data, at: 2, tile_end: 0 };
    segments.find(|(marker, _)| *marker == 0x52).is_some_and(|(_, body)| body.get(4) == Some(&1))
}

impl<'a> Style<'a> {
    fn read(style: u8, body: &'a [u8], layers: u64) -> Option<Self> {
        let [levels, width, height, _, _, precincts @ ..] = body else { return None };
        let block = [width, height].map(|exponent| u32::from(exponent & 15) + 2);
        let precincts = if style & 1 == 1 { precincts } else { &[] };
        Some(Self { layers, levels: u32::from(*levels).min(32), block, precincts })
    }

    /// Blocks and precincts of one sample of all pixels.
    fn blocks(&self, height: u64, width: u64) -> u64 {
        let resolution = |number: u32| {
            let precinct = self.precincts.get(number as usize).copied().unwrap_or(0xff);
            let precinct = [u32::from(precinct & 15), u32::from(precinct >> 4)];
            // Above the lowest resolution there are three bands of half the size, and half the precinct.
            let (bands, half) = if number == 0 { (1, 0) } else { (3, 1) };
            let count =
                |side: u64, exponent: u32| side.div_ceil(1 << (self.levels - number + half)).div_ceil(1 << exponent);
            let inner = precinct.map(|exponent| exponent.saturating_sub(half));
            let blocks = [0, 1].map(|axis| self.block[axis].min(inner[axis]));
            bands
                * (count(width, blocks[0]) * count(height, blocks[1])
                    + count(width, inner[0]) * count(height, inner[1]))
        };
        (0..=self.levels).map(resolution).sum()
    }
}

/// Segments of the main header and of those of the tiles; what is no segment ends them, and the decoder will say why.
struct Segments<'a> {
    data: &'a [u8],
    at: usize,
    /// The place where the tile part ends whose header this is.
    tile_end: usize,
}

impl<'a> Iterator for Segments<'a> {
    type Item = (u8, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let [0xff, marker, rest @ ..] = self.data.get(self.at..)? else { return None };
            if *marker == 0x93 {
                // The pixels of a tile part follow, and then the next one.
                self.at = Some(self.tile_end).filter(|end| *end > self.at)?;
                continue;
            }
            let length = rest.get(..2).map(|bytes| usize::from(u16::from_be_bytes([bytes[0], bytes[1]])))?;
            let body = rest.get(2..length)?;
            if let (0x90, [_, _, l0, l1, l2, l3, ..]) = (*marker, body) {
                self.tile_end = self.at.saturating_add(u32::from_be_bytes([*l0, *l1, *l2, *l3]) as usize);
            }
            self.at += 2 + length;
            return Some((*marker, body));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A code stream whose second COD segment is that of a tile.
    fn stream(cods: [&[u8]; 2]) -> Vec<u8> {
        let segment = |marker: u8, body: &[u8]| [&[0xff, marker, 0, body.len() as u8 + 2], body].concat();
        let tile = |header: Vec<u8>| {
            let length = 12 + header.len() as u8 + 2 + 3;
            [segment(0x90, &[0, 0, 0, 0, 0, length, 0, 1]), header, vec![0xff, 0x93, 1, 2, 3]].concat()
        };
        let tiles = [tile(Vec::new()), tile(segment(0x52, cods[1]))].concat();
        [&[0xff, 0x4f][..], &segment(0x52, cods[0]), &tiles, &[0xff, 0xd9]].concat()
    }

    #[test]
    fn usual_blocks_pass_and_those_of_a_pixel_do_not_wherever_they_are_announced() {
        let usual = [0, 0, 0, 1, 0, 5, 4, 4, 0, 1];
        let smallest = [0, 0, 0, 1, 0, 5, 0, 0, 0, 1];
        let in_precincts = [1, 0, 0, 1, 0, 5, 4, 4, 0, 1, 0x77, 0x77, 0x77, 0x77, 0x77, 0x77];
        let of_a_pixel = [1, 0, 0, 1, 0, 5, 4, 4, 0, 1, 0x11, 0x11, 0x11, 0x11, 0x11, 0x11];
        let in_layers = [0, 0, 0, 32, 0, 5, 0, 0, 0, 1];
        let size = [4000, 6000, 3];
        for good in [&usual[..], &smallest, &in_precincts] {
            assert_eq!(check(&stream([good, good]), size), Ok(()));
        }
        for bad in [&of_a_pixel[..], &in_layers] {
            assert!(check(&stream([bad, &usual]), size).is_err());
            assert!(check(&stream([&usual, bad]), size).is_err());
        }
        let said = check(&stream([&of_a_pixel, &usual]), [4, 4000, 1]);
        assert_eq!(said, Ok(()), "a small picture may be cut as it likes");
    }

    #[test]
    fn blocks_are_counted_as_annex_b_cuts_them() {
        // 100 x 60 pixels, one level: 50 x 30 in blocks of 16 x 8, and three bands of that; one precinct each.
        let style = Style { layers: 1, levels: 1, block: [4, 3], precincts: &[] };
        assert_eq!(style.blocks(60, 100), 4 * (4 * 4 + 1));
        // Precincts of 32 x 16 halve to 16 x 8 in the bands, and cut 50 x 30 of the lowest resolution in 2 x 2.
        let style = Style { precincts: &[0x45, 0x45], ..style };
        assert_eq!(style.blocks(60, 100), 4 * 4 + 2 * 2 + 3 * (4 * 4 + 4 * 4));
    }

    #[test]
    fn a_stream_cut_anywhere_is_left_to_the_decoder() {
        let whole = stream([&[0, 0, 0, 1, 0, 5, 4, 4, 0, 1]; 2]);
        for length in 2..whole.len() {
            assert_eq!(check(&whole[..length], [8, 8, 1]), Ok(()));
        }
    }
}
