//! Words and names of files as they may be told: not without end, and with nothing that a terminal would obey.

/// The first letters.
#[must_use]
pub fn plain(text: &str) -> String {
    let end = if text.chars().nth(64).is_some() { "..." } else { "" };
    text.chars().take(64).flat_map(char::escape_debug).chain(end.chars()).collect()
}

/// Most letters of a decoder's reason that are told.
const REASON: usize = 400;

/// Returns what a decoder says, which may quote the file at any length.
#[must_use]
pub fn told(said: &str) -> String {
    let spelt = |letter: char| if letter.is_control() { letter.escape_debug().collect() } else { letter.to_string() };
    let end = if said.chars().nth(REASON).is_some() { "..." } else { "" };
    said.chars().take(REASON).map(spelt).chain([end.to_owned()]).collect()
}

/// The same between quotes.
#[must_use]
pub fn quoted(text: &str) -> String {
    format!("\"{}\"", plain(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_words_are_cut_and_orders_to_a_terminal_are_spelt_out() {
        assert_eq!(quoted("1.2.840"), "\"1.2.840\"");
        assert_eq!(plain("größe\u{1b}[2J\0"), "größe\\u{1b}[2J\\0");
        assert_eq!(plain(&"x".repeat(65)), format!("{}...", "x".repeat(64)));
        assert_eq!(told("a \"b\"\u{1b}[2J"), "a \"b\"\\u{1b}[2J");
        assert_eq!(told(&"x".repeat(10_000)), format!("{}...", "x".repeat(REASON)));
    }
}
