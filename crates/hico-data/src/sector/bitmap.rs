//! Pixels that are on or off: closing, opening, components.

use crate::clip::Size;

/// Pixels that are on or off, row by row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Bitmap {
    pub(super) size: Size,
    pub(super) on: Vec<bool>,
}

impl Bitmap {
    pub(super) fn count(&self) -> usize {
        self.on.iter().filter(|on| **on).count()
    }

    /// Fills gaps of up to `2 * radius` pixels.
    pub(super) fn closed(&self, radius: usize) -> Self {
        self.spread(radius, true).spread(radius, false)
    }

    /// Removes what is narrower than `2 * radius + 1` pixels.
    pub(super) fn opened(&self, radius: usize) -> Self {
        self.spread(radius, false).spread(radius, true)
    }

    pub(super) fn both(&self, other: &Self, rule: impl Fn(bool, bool) -> bool) -> Self {
        let on = self.on.iter().zip(&other.on).map(|(a, b)| rule(*a, *b)).collect();
        Self { size: self.size, on }
    }

    /// Every pixel takes `value` that has it in the square around it; what lies beyond the frame counts for nothing.
    fn spread(&self, radius: usize, value: bool) -> Self {
        let Size { height, width } = self.size;
        let mut rows = vec![!value; self.on.len()];
        spread_lines(&self.on, &mut rows, (height, width), (width, 1), radius, value);
        let mut both = vec![!value; self.on.len()];
        spread_lines(&rows, &mut both, (width, height), (1, width), radius, value);
        Self { size: self.size, on: both }
    }

    /// Components of pixels that touch with a side: the component of each pixel (0 where off), and how many there are.
    pub(super) fn components(&self) -> (Vec<u32>, u32) {
        let Size { height, width } = self.size;
        let mut labels = vec![0; self.on.len()];
        let (mut last, mut stack) = (0, Vec::new());
        for start in 0..self.on.len() {
            if !self.on[start] || labels[start] != 0 {
                continue;
            }
            last += 1;
            labels[start] = last;
            stack.push(start);
            while let Some(at) = stack.pop() {
                let (y, x) = (at / width, at % width);
                let near = [
                    (y > 0).then(|| at - width),
                    (y + 1 < height).then(|| at + width),
                    (x > 0).then(|| at - 1),
                    (x + 1 < width).then(|| at + 1),
                ];
                for next in near.into_iter().flatten() {
                    if self.on[next] && labels[next] == 0 {
                        labels[next] = last;
                        stack.push(next);
                    }
                }
            }
        }
        (labels, last)
    }

    /// The smallest rectangle around all that is on: first and last column, first and last row.
    pub(super) fn bounds(&self) -> Option<[usize; 4]> {
        let on = || self.on.iter().enumerate().filter(|(_, on)| **on).map(|(at, _)| at);
        let columns = || on().map(|at| at % self.size.width);
        Some([columns().min()?, columns().max()?, on().next()? / self.size.width, on().next_back()? / self.size.width])
    }
}

/// - `lines`: their number and length
/// - `steps`: from line to line, and within one
fn spread_lines(
    from: &[bool],
    to: &mut [bool],
    lines: (usize, usize),
    steps: (usize, usize),
    radius: usize,
    value: bool,
) {
    for line in 0..lines.0 {
        for place in (0..lines.1).filter(|place| from[line * steps.0 + place * steps.1] == value) {
            for near in place.saturating_sub(radius)..(place + radius + 1).min(lines.1) {
                to[line * steps.0 + near * steps.1] = value;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bitmap(rows: &[&str]) -> Bitmap {
        let on: Vec<bool> = rows.iter().flat_map(|row| row.bytes().map(|letter| letter == b'#')).collect();
        Bitmap { size: Size { height: rows.len(), width: rows[0].len() }, on }
    }

    #[test]
    fn closing_fills_gaps_and_opening_removes_threads() {
        assert_eq!(bitmap(&["#..#.", "#..#."]).closed(1), bitmap(&["#####", "#####"]));
        let thread = bitmap(&["###..", "#####", "###.."]);
        assert_eq!(thread.opened(1), bitmap(&["###..", "###..", "###.."]));
    }

    #[test]
    fn components_touch_with_a_side() {
        let (labels, count) = bitmap(&["##.", "..#", ".##"]).components();
        assert_eq!((count, labels), (2, vec![1, 1, 0, 0, 0, 2, 0, 2, 2]));
        assert_eq!(bitmap(&["...", ".#.", "##."]).bounds(), Some([0, 1, 1, 2]));
    }
}
