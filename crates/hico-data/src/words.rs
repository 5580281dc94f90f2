//! Lists and counts as errors tell them.

use hico_io::words::plain;

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
