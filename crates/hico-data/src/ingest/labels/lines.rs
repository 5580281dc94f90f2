//! The text of a table that people made: its letters, what separates its cells, and on which line a row stands.

use std::borrow::Cow;

/// The text of a table.
pub(crate) struct TableText<'a> {
    /// Without a byte-order mark and without a line that states the separator.
    pub(crate) text: Cow<'a, str>,
    /// What separates its cells.
    pub(crate) separator: u8,
    /// Lines that stand before it.
    pub(crate) before: u64,
}

/// Reads the letters of a table: UTF-8, or UTF-16 as spreadsheets write it; Excel's first line `sep=;` states the separator.
///
/// - returns: nothing where the bytes are neither
pub(crate) fn table_text(bytes: &[u8]) -> Option<TableText<'_>> {
    let text = match bytes {
        [0xff, 0xfe, rest @ ..] => Cow::Owned(utf16(rest, u16::from_le_bytes)?),
        [0xfe, 0xff, rest @ ..] => Cow::Owned(utf16(rest, u16::from_be_bytes)?),
        // A table begins with a letter, whose other byte is zero.
        [first, 0, ..] if *first != 0 => Cow::Owned(utf16(bytes, u16::from_le_bytes)?),
        [0, first, ..] if *first != 0 => Cow::Owned(utf16(bytes, u16::from_be_bytes)?),
        _ => Cow::Borrowed(std::str::from_utf8(bytes).ok()?),
    };
    let begin = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let line = text[begin..].split_inclusive('\n').next().unwrap_or_default();
    let stated = stated_separator(line.trim_end_matches(['\r', '\n']));
    let (begin, before) = if stated.is_some() { (begin + line.len(), 1) } else { (begin, 0) };
    let text = match text {
        Cow::Borrowed(text) => Cow::Borrowed(&text[begin..]),
        Cow::Owned(text) => Cow::Owned(text[begin..].to_owned()),
    };
    let separator = stated.flatten().unwrap_or_else(|| separator(&text));
    Some(TableText { text, separator, before })
}

/// Whole pairs of bytes that are UTF-16.
fn utf16(bytes: &[u8], unit: fn([u8; 2]) -> u16) -> Option<String> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    let letters = char::decode_utf16(pairs.iter().copied().map(unit)).collect::<Result<String, _>>().ok()?;
    rest.is_empty().then_some(letters)
}

/// What a line `sep=;` states; `Some(None)` where it states nothing that could separate. Saved again the line may be in
/// quotes, and have separators behind it.
fn stated_separator(line: &str) -> Option<Option<u8>> {
    let line = line.trim_matches(' ');
    let line = line.strip_prefix('"').unwrap_or(line);
    let word = line.get(..4).filter(|word| word.eq_ignore_ascii_case("sep="))?;
    let rest = &line[word.len()..];
    let Some(stated) = rest.bytes().next().filter(|byte| *byte != b'"') else { return Some(None) };
    // A column may be called `sep=x`.
    let is_rest = rest.bytes().all(|byte| byte == stated || matches!(byte, b'"' | b' ' | b',' | b';' | b'\t'));
    let separates = stated.is_ascii_punctuation() || matches!(stated, b'\t' | b' ');
    (is_rest && separates).then_some(Some(stated))
}

/// Counts lines as an editor does; the CSV reader places a record at the line end before it where that is `\r\n`.
pub(super) struct Lines<'a> {
    text: &'a str,
    at: usize,
    line: u64,
}

impl<'a> Lines<'a> {
    /// - `before`: lines of the file before the text
    pub(super) const fn new(text: &'a str, before: u64) -> Self {
        Self { text, at: 0, line: 1 + before }
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
fn separator(text: &str) -> u8 {
    let first = text.lines().next().unwrap_or_default();
    let count = |separator: u8| first.bytes().filter(|byte| *byte == separator).count();
    // The last of equals wins, and a comma is the likeliest.
    [b'\t', b';', b','].into_iter().max_by_key(|separator| count(*separator)).unwrap_or(b',')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(bytes: &[u8]) -> Option<(String, u8, u64)> {
        table_text(bytes).map(|table| (table.text.into_owned(), table.separator, table.before))
    }

    #[test]
    fn the_line_that_states_the_separator_is_no_row() {
        let table = |separator: u8| Some(("a;b,c\td\n1\n".to_owned(), separator, 1));
        for (line, separator) in [
            ("sep=;", b';'),
            ("SEP=;", b';'),
            ("sep=,", b','),
            ("\"sep=;\"", b';'),
            ("sep=;;;", b';'),
            ("sep=,,,,", b','),
            ("\u{feff}sep=;\r", b';'),
            ("sep=\t", b'\t'),
            ("sep=|", b'|'),
        ] {
            assert_eq!(read(format!("{line}\na;b,c\td\n1\n").as_bytes()), table(separator), "{line:?}");
        }
        assert_eq!(read(b"sep=\na;b\n").unwrap().1, b';');
        assert_eq!(read(b"sep=\na;b\n").unwrap().2, 1);
        assert_eq!(read(b"sep=x,b\n1,2\n").unwrap(), ("sep=x,b\n1,2\n".to_owned(), b',', 0));
        assert_eq!(read("sep=\u{e9}\n1\n".as_bytes()).unwrap().2, 0);
        for text in ["", "sep", "se\u{e9}p", "sep="] {
            assert!(read(text.as_bytes()).is_some(), "{text}");
        }
    }

    #[test]
    fn utf_16_is_read_with_and_without_its_mark() {
        let text = "file\tlabel\r\nM\u{fc}ller.gif\tx\r\n";
        for mark in ["\u{feff}", ""] {
            let units: Vec<u16> = format!("{mark}{text}").encode_utf16().collect();
            let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
            let big: Vec<u8> = units.iter().flat_map(|unit| unit.to_be_bytes()).collect();
            assert_eq!(read(&little), Some((text.to_owned(), b'\t', 0)));
            assert_eq!(read(&big), Some((text.to_owned(), b'\t', 0)));
            assert_eq!(read(&little[..little.len() - 1]), None, "half a letter");
        }
        assert_eq!(read(b"M\xfcller"), None);
        assert_eq!(read(b"\xff\xfe\x00\xd8"), None);
    }
}
