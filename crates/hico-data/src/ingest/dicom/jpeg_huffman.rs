//! Huffman codes of a scan and the differences that they stand for (ITU-T T.81, annexes C, F and H).

/// Tables that can be there at a time: two classes, four places.
const MOST_TABLES: usize = 8;

/// A table of codes: symbol and length for every 16 bits that may come.
pub(super) struct Huffman {
    table: Vec<(u8, u8)>,
}

impl Huffman {
    /// - `counts`: codes of 1, 2, ... 16 bits
    pub(super) fn new(counts: &[u8], symbols: &[u8]) -> Result<Self, String> {
        let mut table = Vec::with_capacity(1 << 16);
        let mut symbols = symbols.iter();
        for (length, count) in (1_u8..).zip(counts) {
            for symbol in symbols.by_ref().take(usize::from(*count)) {
                let whole = table.len() + (1 << (16 - length));
                if whole > 1 << 16 {
                    return Err("a Huffman table makes no sense".to_owned());
                }
                table.resize(whole, (*symbol, length));
            }
        }
        // Length 0 marks what is no code.
        table.resize(1 << 16, (0, 0));
        Ok(Self { table })
    }
}

/// The bits of a scan, stuffing taken out.
pub(super) struct Bits<'a> {
    rest: &'a [u8],
    held: u64,
    count: u32,
    /// Bits that were made up after the end of the data.
    beyond: u32,
}

impl<'a> Bits<'a> {
    pub(super) const fn new(rest: &'a [u8]) -> Self {
        Self { rest, held: 0, count: 0, beyond: 0 }
    }

    fn fill(&mut self) {
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

    fn take(&mut self, count: u32) -> Result<u32, String> {
        self.count -= count;
        // What was made up lies at the end of what is held.
        if self.count < self.beyond {
            return Err("it ends within its pixels".to_owned());
        }
        Ok((self.held >> self.count) as u32 & ((1 << count) - 1))
    }

    /// The symbol of the next code.
    pub(super) fn symbol(&mut self, table: &Huffman) -> Result<u8, String> {
        self.fill();
        let next = (self.held >> (self.count - 16)) as usize & 0xffff;
        let (symbol, length) = table.table[next];
        if length == 0 {
            return Err("bits that are no Huffman code".to_owned());
        }
        self.take(u32::from(length))?;
        Ok(symbol)
    }

    /// T.81, H.1.2.2: a category, then as many bits; category 16 is 32768 and has none.
    pub(super) fn difference(&mut self, table: &Huffman) -> Result<i32, String> {
        match self.symbol(table)? {
            16 => Ok(32_768),
            category => self.number(category),
        }
    }

    /// A number of a category of up to 15, which is as many bits (T.81, F.2.2.1).
    pub(super) fn number(&mut self, category: u8) -> Result<i32, String> {
        if category == 0 {
            return Ok(0);
        }
        if category > 15 {
            return Err("a number of more bits than there are".to_owned());
        }
        self.fill();
        let bits = self.take(u32::from(category))? as i32;
        let half = 1 << (category - 1);
        Ok(if bits < half { bits - 2 * half + 1 } else { bits })
    }

    pub(super) fn restart(&mut self) -> Result<(), String> {
        match self.rest {
            [0xff, 0xd0..=0xd7, rest @ ..] => {
                *self = Self::new(rest);
                Ok(())
            }
            _ => Err("a restart marker is missing".to_owned()),
        }
    }
}

/// The tables of one DHT segment, each with its class (0: DC and lossless, 1: AC) and place.
pub(super) fn tables(mut body: &[u8]) -> Result<Vec<(u8, usize, Huffman)>, String> {
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
