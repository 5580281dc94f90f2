//! Huffman codes of a scan and the differences that they stand for (ITU-T T.81, annexes C, F and H).

/// Tables that can be there at a time: two classes, four places.
const MOST_TABLES: usize = 8;

/// Bits of the codes that are looked up at once; nearly every symbol has one of them, and the table stays small.
const SHORT: u32 = 10;

/// Bits of the longest code.
const LONGEST: u32 = 16;

/// A table of codes.
pub(crate) struct Huffman {
    /// Symbol and length for every [`SHORT`] bits that may come; length 0 where the code is longer, or none.
    short: Vec<(u8, u8)>,
    /// The same for AC of sequential scans: coefficients passed and bits taken, with those of the number that follows.
    steps: Vec<(u8, u8)>,
    /// For each length of codes, the first 16 bits beyond them, and where their symbols begin, less the first code.
    long: [(u32, usize); LONGEST as usize + 1],
    symbols: Vec<u8>,
}

impl Huffman {
    /// - `counts`: codes of 1, 2, ... 16 bits
    pub(crate) fn new(counts: &[u8], symbols: &[u8]) -> Result<Self, String> {
        let mut short = vec![(0, 0); 1 << SHORT];
        let mut long = [(0, 0); LONGEST as usize + 1];
        // The next code, its bits the highest of 16.
        let (mut next, mut known) = (0_u32, 0_usize);
        for (length, count) in (1..=LONGEST).zip(counts) {
            let codes = usize::from(*count).min(symbols.len() - known);
            let width = 1 << (LONGEST - length);
            let end = next + codes as u32 * width;
            if end > 1 << LONGEST {
                return Err("a Huffman table makes no sense".to_owned());
            }
            if length <= SHORT {
                let places = &mut short[(next >> (LONGEST - SHORT)) as usize..(end >> (LONGEST - SHORT)) as usize];
                let each = 1 << (SHORT - length);
                for (places, symbol) in places.chunks_exact_mut(each).zip(&symbols[known..]) {
                    places.fill((*symbol, length as u8));
                }
            }
            long[length as usize] = (end, known.wrapping_sub((next / width) as usize));
            (next, known) = (end, known + codes);
        }
        let steps = short.iter().map(|(symbol, length)| match length {
            0 => (0, 0),
            _ => (passed(*symbol), length + (symbol & 15)),
        });
        Ok(Self { steps: steps.collect(), short, long, symbols: symbols.to_vec() })
    }

    /// Symbol and length of the code that begins 16 bits.
    fn find(&self, bits: u32) -> Option<(u8, u32)> {
        let (symbol, length) = self.short[(bits >> (LONGEST - SHORT)) as usize];
        if length > 0 {
            return Some((symbol, u32::from(length)));
        }
        let length = (SHORT + 1..=LONGEST).find(|length| bits < self.long[*length as usize].0)?;
        let place = self.long[length as usize].1.wrapping_add((bits >> (LONGEST - length)) as usize);
        Some((*self.symbols.get(place)?, length))
    }
}

/// Coefficients that a symbol of AC passes over (T.81, F.2.2.2): all of a block's where it ends there.
const fn passed(symbol: u8) -> u8 {
    match (symbol >> 4, symbol & 15) {
        (15, 0) => 16,
        (_, 0) => END_OF_BLOCK,
        (run, _) => run + 1,
    }
}

/// More coefficients than a block has.
pub(crate) const END_OF_BLOCK: u8 = 128;

/// The bits of a scan, stuffing taken out.
pub(crate) struct Bits<'a> {
    rest: &'a [u8],
    held: u64,
    count: u32,
    /// Bits that were made up after the end of the data.
    beyond: u32,
}

impl<'a> Bits<'a> {
    pub(crate) const fn new(rest: &'a [u8]) -> Self {
        Self { rest, held: 0, count: 0, beyond: 0 }
    }

    /// Holds 32 bits at least: a code and the number that follows it.
    #[inline]
    fn fill(&mut self) {
        if self.count >= 32 {
            return;
        }
        if let Some((word, rest)) = self.rest.split_first_chunk::<4>()
            && !word.contains(&0xff)
        {
            self.held = self.held << 32 | u64::from(u32::from_be_bytes(*word));
            (self.count, self.rest) = (self.count + 32, rest);
            return;
        }
        self.fill_slowly();
    }

    fn fill_slowly(&mut self) {
        while self.count <= 48 {
            let byte = match self.rest {
                [0xff, 0, rest @ ..] => {
                    self.rest = rest;
                    0xff
                }
                [0xff, ..] | [] => {
                    self.beyond += 8;
                    0
                }
                [byte, rest @ ..] => {
                    self.rest = rest;
                    *byte
                }
            };
            self.held = self.held << 8 | u64::from(byte);
            self.count += 8;
        }
    }

    #[inline]
    fn take(&mut self, count: u32) -> Result<u32, &'static str> {
        self.count -= count;
        // What was made up lies at the end of what is held.
        if self.count < self.beyond {
            return Err("it ends within its pixels");
        }
        Ok((self.held >> self.count) as u32 & ((1 << count) - 1))
    }

    /// The symbol of the next code.
    #[inline]
    pub(crate) fn symbol(&mut self, table: &Huffman) -> Result<u8, &'static str> {
        self.fill();
        let next = (self.held >> (self.count - LONGEST)) as u32 & 0xffff;
        let (symbol, length) = table.find(next).ok_or("bits that are no Huffman code")?;
        self.take(length)?;
        Ok(symbol)
    }

    /// Passes over the next code and its number, as sequential scans have them; returns how many coefficients that are.
    #[inline]
    pub(crate) fn step(&mut self, table: &Huffman) -> Result<u8, &'static str> {
        self.fill();
        let next = (self.held >> (self.count - SHORT)) as usize & ((1 << SHORT) - 1);
        let (coefficients, bits) = table.steps[next];
        if bits > 0 {
            self.take(u32::from(bits))?;
            return Ok(coefficients);
        }
        let symbol = self.symbol(table)?;
        self.plain(symbol & 15)?;
        Ok(passed(symbol))
    }

    /// T.81, H.1.2.2: a category, then as many bits; category 16 is 32768 and has none.
    pub(crate) fn difference(&mut self, table: &Huffman) -> Result<i32, &'static str> {
        match self.symbol(table)? {
            16 => Ok(32_768),
            category => self.number(category),
        }
    }

    /// A number of a category of up to 15, which is as many bits (T.81, F.2.2.1).
    pub(crate) fn number(&mut self, category: u8) -> Result<i32, &'static str> {
        if category == 0 {
            return Ok(0);
        }
        let bits = self.plain(category)? as i32;
        let half = 1 << (category - 1);
        Ok(if bits < half { bits - 2 * half + 1 } else { bits })
    }

    /// Up to 15 bits as they are.
    #[inline]
    pub(crate) fn plain(&mut self, count: u8) -> Result<u32, &'static str> {
        if count > 15 {
            return Err("a number of more bits than there are");
        }
        self.fill();
        self.take(u32::from(count))
    }

    /// Passes over a restart marker and returns its number, 0 to 7.
    pub(crate) fn restart(&mut self) -> Result<u8, &'static str> {
        match self.rest {
            [0xff, marker @ 0xd0..=0xd7, rest @ ..] => {
                *self = Self::new(rest);
                Ok(marker - 0xd0)
            }
            _ => Err("a restart marker is missing"),
        }
    }

    /// Goes to the next marker; whether bytes were passed over that are no padding.
    pub(crate) fn leave(&mut self) -> bool {
        let left = self.count.saturating_sub(self.beyond) / 8;
        let is_padding = |byte: u8| matches!(byte, 0 | 0xff);
        let mut passed = (0..left).any(|place| !is_padding((self.held >> (self.beyond + 8 * place)) as u8));
        let end = self.rest.windows(2).position(|pair| pair[0] == 0xff && !is_padding(pair[1]));
        let (surplus, rest) = self.rest.split_at(end.unwrap_or(self.rest.len()));
        passed |= surplus.iter().any(|byte| !is_padding(*byte));
        *self = Self::new(rest);
        passed
    }

    /// Returns what follows the bits that were taken, from a marker on if [`Self::leave`] went there.
    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }
}

/// The tables of one DHT segment, each with its class (0: DC and lossless, 1: AC) and place.
pub(crate) fn tables(mut body: &[u8]) -> Result<Vec<(u8, usize, Huffman)>, String> {
    let mut tables = Vec::new();
    while !body.is_empty() {
        // A table of no code takes 17 bytes, and here as much memory as any other.
        if tables.len() == MOST_TABLES {
            return Err("more Huffman tables than there are places for".to_owned());
        }
        let (head, rest) = body.split_at_checked(17).ok_or("a Huffman table is cut short")?;
        let count = head[1..].iter().map(|count| usize::from(*count)).sum();
        let (symbols, rest) = rest.split_at_checked(count).ok_or("a Huffman table is cut short")?;
        tables.push((head[0] >> 4, usize::from(head[0] & 15), Huffman::new(&head[1..], symbols)?));
        body = rest;
    }
    Ok(tables)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_every_length_are_found_and_what_is_none_is_not() {
        // One code of each length: 0, 10, 110, ... and of 16 bits; all ones is none.
        let table = Huffman::new(&[1; 16], &(1..=16).collect::<Vec<u8>>()).unwrap();
        for length in 1..=16_u32 {
            let code = (0xffff_u32 << (17 - length)) & 0xffff;
            assert_eq!(table.find(code), Some((length as u8, length)), "{length}");
            let filled = code | ((1 << (16 - length)) - 1);
            assert_eq!(table.find(filled), Some((length as u8, length)), "{length}");
        }
        assert_eq!(table.find(0xffff), None);
        assert!(Huffman::new(&[3], &[1, 2, 3]).is_err());
    }

    #[test]
    fn no_bit_is_made_up() {
        let table = Huffman::new(&[0, 4], &[0, 1, 2, 3]).unwrap();
        for length in 0..9 {
            let mut data = vec![0x1b; length];
            data.extend([0xff, 0xd9]);
            let mut bits = Bits::new(&data);
            for at in 0..4 * length {
                assert_eq!(bits.symbol(&table), Ok((at % 4) as u8));
            }
            assert!(bits.symbol(&table).is_err(), "{length}");
            let mut left = Bits::new(&data);
            assert_eq!((left.leave(), left.rest().len()), (length > 0, 2), "{length}");
        }
    }
}
