//! The bits of a scan. After a byte ff the next one brings seven (T.87, 9.1).

pub(super) struct Bits<'a> {
    rest: &'a [u8],
    held: u64,
    count: u32,
    /// True where the last byte was ff.
    stuffed: bool,
    /// Bits that were made up after the end of the data.
    beyond: u32,
}

impl<'a> Bits<'a> {
    pub(super) const fn new(rest: &'a [u8]) -> Self {
        Self { rest, held: 0, count: 0, stuffed: false, beyond: 0 }
    }

    fn fill(&mut self) {
        while self.count <= 48 {
            let width = if self.stuffed { 7 } else { 8 };
            let byte = match self.rest {
                // A byte of 80 or more after ff is a marker: the scan ends before it.
                [0xff, next, ..] if *next >= 0x80 => None,
                [] => None,
                [byte, rest @ ..] => {
                    self.rest = rest;
                    Some(*byte)
                }
            };
            self.stuffed = byte == Some(0xff);
            if byte.is_none() {
                self.beyond += width;
            }
            self.held = self.held << width | u64::from(byte.unwrap_or(0));
            self.count += width;
        }
    }

    /// Up to 32 bits.
    pub(super) fn take(&mut self, count: u32) -> Result<u32, String> {
        self.fill();
        self.count -= count;
        if self.count < self.beyond {
            return Err("it ends within its pixels".to_owned());
        }
        Ok(((self.held >> self.count) & ((1 << count) - 1)) as u32)
    }

    /// The zeros before the next one, which is taken too; at most `most`.
    pub(super) fn zeros(&mut self, most: u32) -> Result<u32, String> {
        let mut zeros = 0;
        loop {
            self.fill();
            let here = (self.held << (64 - self.count)).leading_zeros().min(self.count - 1);
            zeros += here;
            if zeros > most {
                return Err("bits that are no code".to_owned());
            }
            self.take(here)?;
            if self.take(1)? == 1 {
                return Ok(zeros);
            }
            zeros += 1;
        }
    }
}
