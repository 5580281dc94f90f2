//! One scan of a JPEG, walked over code by code: its blocks are counted, and their numbers passed over.

use crate::jpeg::huffman::{Bits, END_OF_BLOCK, Huffman};

/// Coefficients of a block.
pub(crate) const BLOCK: usize = 64;

pub(crate) const NO_TABLE: &str = "a scan without its Huffman tables";

const TOO_LONG: &str = "a block of more than 64 numbers";

/// Coefficients of a scan, and their bits.
pub(crate) struct Band {
    pub(crate) first: usize,
    pub(crate) last: usize,
    /// True where it adds a bit to what earlier scans had.
    pub(crate) is_refined: bool,
}

/// The way over one scan.
pub(crate) struct Walk<'a> {
    bits: Bits<'a>,
    /// Units between two restarts; 0 for none.
    restart: usize,
    /// Units so far.
    done: usize,
    /// True where bytes were passed over that belong to no unit.
    surplus: bool,
}

impl<'a> Walk<'a> {
    /// - `tail`: what follows the scan header
    pub(crate) const fn new(tail: &'a [u8], restart: usize) -> Self {
        Self { bits: Bits::new(tail), restart, done: 0, surplus: false }
    }

    /// Returns what follows from the next marker on, and whether there were bytes that belong to no unit.
    pub(crate) fn end(mut self) -> (&'a [u8], bool) {
        let surplus = self.bits.leave() || self.surplus;
        (self.bits.rest(), surplus)
    }

    /// Begins one more unit; whether at a restart.
    fn begin(&mut self) -> Result<bool, &'static str> {
        let is_restart = self.restart > 0 && self.done > 0 && self.done.is_multiple_of(self.restart);
        if is_restart {
            self.surplus |= self.bits.leave();
            if self.bits.restart()? != ((self.done / self.restart - 1) % 8) as u8 {
                return Err("a part between two restarts is missing");
            }
        }
        self.done += 1;
        Ok(is_restart)
    }

    /// Passes over so many units of these blocks: all their numbers, or the first of each.
    pub(crate) fn units(
        &mut self,
        units: usize,
        blocks: &[[Option<&Huffman>; 2]],
        band: &Band,
    ) -> Result<(), &'static str> {
        for _ in 0..units {
            self.begin()?;
            for [dc, ac] in blocks {
                if band.is_refined {
                    self.bits.plain(1)?;
                    continue;
                }
                let category = self.bits.symbol(dc.ok_or(NO_TABLE)?)?;
                self.bits.plain(category)?;
                if band.last > 0 {
                    self.rest_of_block(ac.ok_or(NO_TABLE)?)?;
                }
            }
        }
        Ok(())
    }

    /// T.81, F.2.2.2.
    fn rest_of_block(&mut self, table: &Huffman) -> Result<(), &'static str> {
        let mut at = 1;
        while at < BLOCK {
            match self.bits.step(table)? {
                END_OF_BLOCK => return Ok(()),
                coefficients => at += usize::from(coefficients),
            }
        }
        if at > BLOCK { Err(TOO_LONG) } else { Ok(()) }
    }

    /// Passes over a band of one component of a progressive picture.
    ///
    /// - `nonzero`: a bit for each coefficient of each block that is not 0 so far
    pub(crate) fn band(&mut self, nonzero: &mut [u64], table: &Huffman, band: &Band) -> Result<(), &'static str> {
        // Blocks that have no further number.
        let mut ended = 0;
        for nonzero in nonzero {
            if self.begin()? {
                ended = 0;
            }
            if band.is_refined {
                self.refined(nonzero, &mut ended, table, band)?;
            } else if ended > 0 {
                ended -= 1;
            } else {
                ended = self.first(nonzero, table, band)?.saturating_sub(1);
            }
        }
        Ok(())
    }

    /// T.81, G.1.2.2; returns how many blocks end here, this one the first of them.
    fn first(&mut self, nonzero: &mut u64, table: &Huffman, band: &Band) -> Result<u32, &'static str> {
        let mut at = band.first;
        while at <= band.last {
            let symbol = self.bits.symbol(table)?;
            let (run, category) = (symbol >> 4, symbol & 15);
            match (run, category) {
                (15, 0) => at += 16,
                (_, 0) => return Ok((1 << run) + self.bits.plain(run)?),
                _ => {
                    at += usize::from(run);
                    *nonzero |= 1_u64.checked_shl(at as u32).ok_or(TOO_LONG)?;
                    at += 1;
                    self.bits.plain(category)?;
                }
            }
        }
        if at > band.last + 1 { Err(TOO_LONG) } else { Ok(0) }
    }

    /// T.81, G.1.2.3: each number that is not 0 has one more bit, wherever it is passed.
    fn refined(
        &mut self,
        nonzero: &mut u64,
        ended: &mut u32,
        table: &Huffman,
        band: &Band,
    ) -> Result<(), &'static str> {
        let mut at = band.first;
        while *ended == 0 && at <= band.last {
            let symbol = self.bits.symbol(table)?;
            let (mut run, category) = (symbol >> 4, symbol & 15);
            if category == 0 && run < 15 {
                *ended = (1 << run) + self.bits.plain(run)?;
                break;
            }
            let is_new = category > 0;
            if is_new {
                self.bits.plain(1)?;
            }
            while at <= band.last {
                if *nonzero >> at & 1 == 1 {
                    self.bits.plain(1)?;
                } else if run == 0 {
                    break;
                } else {
                    run -= 1;
                }
                at += 1;
            }
            if is_new {
                *nonzero |= if at <= band.last { 1 << at } else { return Err(TOO_LONG) };
            }
            at += 1;
        }
        if *ended > 0 {
            for at in at..=band.last {
                if *nonzero >> at & 1 == 1 {
                    self.bits.plain(1)?;
                }
            }
            *ended -= 1;
        }
        Ok(())
    }
}
