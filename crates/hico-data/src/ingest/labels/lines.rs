//! The text of a labels table: what separates its cells, and on which line a row stands.

/// Counts lines as an editor does; the CSV reader places a record at the line end before it where that is `\r\n`.
pub(super) struct Lines<'a> {
    text: &'a str,
    at: usize,
    line: u64,
}

impl<'a> Lines<'a> {
    pub(super) const fn new(text: &'a str) -> Self {
        Self { text, at: 0, line: 1 }
    }

    /// The line of the record that begins at or after this byte; asked in file order.
    pub(super) fn of(&mut self, byte: u64) -> u64 {
        let begin = usize::try_from(byte).unwrap_or(usize::MAX).clamp(self.at, self.text.len());
        let ends = self.text.as_bytes()[begin..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let begin = begin + ends;
        let passed = self.text.as_bytes()[self.at..begin].iter().filter(|byte| **byte == b'\n').count();
        self.at = begin;
        self.line += passed as u64;
        self.line
    }
}

/// The separator that stands in the first line most often.
pub(super) fn separator(text: &str) -> u8 {
    let first = text.lines().next().unwrap_or_default();
    let count = |separator: u8| first.bytes().filter(|byte| *byte == separator).count();
    // The last of equals wins, and a comma is the likeliest.
    [b'\t', b';', b','].into_iter().max_by_key(|separator| count(*separator)).unwrap_or(b',')
}
