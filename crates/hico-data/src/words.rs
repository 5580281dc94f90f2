//! Words and names of files as they may be told: not without end, and with nothing that a terminal would obey.

/// The first letters.
pub(crate) fn plain(text: &str) -> String {
    let end = if text.chars().nth(64).is_some() { "..." } else { "" };
    text.chars().take(64).flat_map(char::escape_debug).chain(end.chars()).collect()
}

/// Most letters of a decoder's reason that are told.
const REASON: usize = 400;

/// What a decoder says, which may quote the file at any length.
pub(crate) fn told(said: &str) -> String {
    let spelt = |letter: char| if letter.is_control() { letter.escape_debug().collect() } else { letter.to_string() };
    let end = if said.chars().nth(REASON).is_some() { "..." } else { "" };
    said.chars().take(REASON).map(spelt).chain([end.to_owned()]).collect()
}

/// The same between quotes.
pub(crate) fn quoted(text: &str) -> String {
    format!("\"{}\"", plain(text))
}

/// Most names of links that are told.
const LINKS: usize = 3;

/// Most names of columns that are told.
const COLUMNS: usize = 20;

/// `3 links (a.gif, b.gif, c.gif)`.
pub(crate) fn few(links: &[String]) -> String {
    let names = links.iter().take(LINKS).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = if links.len() > LINKS { ", ..." } else { "" };
    format!("{} link{} ({names}{more})", links.len(), if links.len() == 1 { "" } else { "s" })
}

/// The first columns of a table.
pub(crate) fn columns_there_are(columns: &[String]) -> String {
    let names: Vec<String> = columns.iter().take(COLUMNS).map(|name| plain(name)).collect();
    format!("{}{}", names.join(", "), if columns.len() > COLUMNS { ", ..." } else { "" })
}

/// `there are folds 0, 1`.
pub(crate) fn folds_there_are(folds: &[String]) -> String {
    if folds.is_empty() {
        return "the data set has no folds".to_owned();
    }
    format!("there are folds {}", folds.join(", "))
}

/// Says how many folds so many groups are enough for.
pub(crate) fn enough(groups: usize) -> String {
    if groups < 2 {
        return "no patient may stand in two folds, so a split needs clips of 2 groups or more".to_owned();
    }
    format!("use at most {groups} folds")
}

/// Says what may help a class of so many groups, other than to leave it unlabelled.
pub(crate) const fn fewer(groups: usize) -> &'static str {
    if groups < 2 { "no number of folds gives each a group of it, so " } else { "use fewer folds, or " }
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
