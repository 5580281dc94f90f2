//! Line after line of a scan: single samples and runs (T.87, A.7 and annex B).

use super::bits::Bits;
use super::context::Contexts;

/// Says how the components of a scan follow each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Interleave {
    /// A line of each in turn; also one component alone.
    Line,
    /// A sample of each in turn.
    Sample,
}

/// T.87, A.2.1: bits that count the rest of a run.
const J: [u32; 32] =
    [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 9, 10, 11, 12, 13, 14, 15];

/// A scan that is being decoded. Lines have a sample more at both ends, so that every pixel has its neighbours.
pub(super) struct Scan<'a> {
    bits: Bits<'a>,
    width: usize,
    contexts: Contexts,
    /// The line above and the one being decoded, for each component.
    lines: Vec<[Vec<u16>; 2]>,
    run_index: Vec<usize>,
}

impl<'a> Scan<'a> {
    pub(super) fn new(data: &'a [u8], width: usize, contexts: Contexts, components: usize) -> Self {
        let line = vec![0; width + 2];
        Self {
            bits: Bits::new(data),
            width,
            contexts,
            lines: vec![[line.clone(), line]; components],
            run_index: vec![0; components],
        }
    }

    /// Decodes all lines; `take` gets component, row and `[width]`.
    pub(super) fn decode(
        &mut self,
        interleave: Interleave,
        height: usize,
        mut take: impl FnMut(usize, usize, &[u16]),
    ) -> Result<(), String> {
        for row in 0..height {
            for [above, line] in &mut self.lines {
                above[self.width + 1] = above[self.width];
                line[0] = above[1];
            }
            match interleave {
                Interleave::Line => (0..self.lines.len()).try_for_each(|component| self.line(component))?,
                Interleave::Sample => self.line_of_samples()?,
            }
            for (component, lines) in self.lines.iter_mut().enumerate() {
                take(component, row, &lines[1][1..=self.width]);
                lines.swap(0, 1);
            }
        }
        Ok(())
    }

    /// One line of one component.
    fn line(&mut self, component: usize) -> Result<(), String> {
        let Self { bits, width, contexts, lines, run_index } = self;
        let [above, line] = &mut lines[component];
        let mut x = 1;
        while x <= *width {
            let [ra, rb, rc, rd] = neighbours(above, line, x);
            let number = contexts.neighbourhood(ra, rb, rc, rd);
            if number != 0 {
                line[x] = contexts.sample(bits, number, ra, rb, rc)?;
                x += 1;
                continue;
            }
            let run = run_length(bits, &mut run_index[component], *width + 1 - x)?;
            line[x..x + run.length].fill(ra as u16);
            x += run.length;
            if run.interrupted {
                let rb = i32::from(above[x]);
                let alike = (ra - rb).abs() <= contexts.parameters.near;
                let index = &mut run_index[component];
                line[x] = contexts.interruption(bits, alike, J[*index], ra, rb)?;
                *index = index.saturating_sub(1);
                x += 1;
            }
        }
        Ok(())
    }

    /// One line of all components; a run is a run of all of them.
    fn line_of_samples(&mut self) -> Result<(), String> {
        let Self { bits, width, contexts, lines, run_index } = self;
        let index = &mut run_index[0];
        let mut x = 1;
        while x <= *width {
            let flat = lines.iter().all(|[above, line]| {
                let [ra, rb, rc, rd] = neighbours(above, line, x);
                contexts.neighbourhood(ra, rb, rc, rd) == 0
            });
            if !flat {
                for [above, line] in lines.iter_mut() {
                    let [ra, rb, rc, rd] = neighbours(above, line, x);
                    let number = contexts.neighbourhood(ra, rb, rc, rd);
                    line[x] = contexts.sample(bits, number, ra, rb, rc)?;
                }
                x += 1;
                continue;
            }
            let run = run_length(bits, index, *width + 1 - x)?;
            for [_, line] in lines.iter_mut() {
                let ra = line[x - 1];
                line[x..x + run.length].fill(ra);
            }
            x += run.length;
            if run.interrupted {
                for [above, line] in lines.iter_mut() {
                    let (ra, rb) = (i32::from(line[x - 1]), i32::from(above[x]));
                    line[x] = contexts.interruption(bits, false, J[*index], ra, rb)?;
                }
                *index = index.saturating_sub(1);
                x += 1;
            }
        }
        Ok(())
    }
}

/// Left, above, above left, above right.
#[inline]
fn neighbours(above: &[u16], line: &[u16], x: usize) -> [i32; 4] {
    [line[x - 1], above[x], above[x - 1], above[x + 1]].map(i32::from)
}

struct Run {
    length: usize,
    /// True where it ended before the line did.
    interrupted: bool,
}

/// A.7.1.2.
fn run_length(bits: &mut Bits<'_>, index: &mut usize, room: usize) -> Result<Run, String> {
    let mut length = 0;
    while bits.take(1)? == 1 {
        let step = 1 << J[*index];
        if length + step > room {
            return Ok(Run { length: room, interrupted: false });
        }
        length += step;
        *index = (*index + 1).min(31);
        if length == room {
            return Ok(Run { length, interrupted: false });
        }
    }
    length += bits.take(J[*index])? as usize;
    if length >= room { Err("a run beyond its line".to_owned()) } else { Ok(Run { length, interrupted: true }) }
}
