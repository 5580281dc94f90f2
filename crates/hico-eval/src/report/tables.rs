//! Tables of a page and of the terminal: a heading a column, a heading a row, figures to the right.

use super::number::count;
use maud::{Markup, html};

/// A table whose first column names the row.
#[derive(Debug, Default)]
pub(crate) struct Table<'a> {
    /// What it shows.
    pub(crate) caption: &'a str,
    /// Head of every column.
    pub(crate) head: Vec<&'a str>,
    /// Cells; as many a row as there are heads.
    pub(crate) rows: Vec<Row>,
    /// Columns from this one on hold figures and are set to the right.
    pub(crate) figures_from: usize,
}

/// One row.
#[derive(Debug, Default)]
pub(crate) struct Row {
    /// Its cells.
    pub(crate) cells: Vec<Markup>,
    /// A style class: `best`, `baseline`, `contaminated` or nothing.
    pub(crate) class: &'static str,
}

impl Table<'_> {
    /// The table, in a box that scrolls sideways where the window is narrow.
    pub(crate) fn render(&self) -> Markup {
        let class = |column: usize| (column >= self.figures_from).then_some("figure");
        html! {
            div .scroll tabindex="0" role="region" aria-label=(self.caption) {
                table {
                    caption { (self.caption) }
                    thead {
                        tr {
                            @for (column, head) in self.head.iter().enumerate() {
                                th scope="col" class=[class(column)] { (head) }
                            }
                        }
                    }
                    tbody {
                        @for row in &self.rows {
                            tr class=[(!row.class.is_empty()).then_some(row.class)] {
                                @for (column, cell) in row.cells.iter().enumerate() {
                                    @if column == 0 {
                                        th scope="row" { (cell) }
                                    } @else {
                                        td class=[class(column)] { (cell) }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A list of facts: name and value.
pub(crate) fn facts(rows: &[(&str, Markup)]) -> Markup {
    html! {
        dl .facts {
            @for (name, value) in rows {
                div {
                    dt { (name) }
                    dd { (value) }
                }
            }
        }
    }
}

/// A text as a cell.
pub(crate) fn text(words: impl AsRef<str>) -> Markup {
    html! { (words.as_ref()) }
}

/// A confusion matrix: every cell its count and its share of the row, shaded by the share.
///
/// - `confusion`: `[truth][prediction]`, one row and one column a class
pub(crate) fn confusion(caption: &str, classes: &[String], confusion: &[Vec<f64>]) -> Markup {
    html! {
        div .scroll tabindex="0" role="region" aria-label=(caption) {
            table .confusion {
                caption { (caption) }
                thead {
                    tr {
                        th scope="col" { "is \\ called" }
                        @for class in classes {
                            th scope="col" { (class) }
                        }
                        th scope="col" .figure { "all" }
                    }
                }
                tbody {
                    @for (truth, row) in confusion.iter().enumerate() {
                        @let all: f64 = row.iter().sum();
                        tr {
                            th scope="row" { @if let Some(class) = classes.get(truth) { (class) } }
                            @for (called, number) in row.iter().enumerate() {
                                @let share = if all > 0.0 { (number / all).clamp(0.0, 1.0) } else { 0.0 };
                                td .heat .right[called == truth] style=(format!("--share:{:.0}%", share * 100.0)) {
                                    b { (count(*number)) }
                                    @if all > 0.0 {
                                        span { (format!("{:.1}\u{a0}%", share * 100.0)) }
                                    }
                                }
                            }
                            td .figure { (count(all)) }
                        }
                    }
                }
            }
        }
    }
}

/// Words to the left, figures to the right, two spaces between columns.
pub(crate) fn aligned(rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|cell| plain(cell)).collect()).collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in &rows {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| {
            if column == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// Without control characters and with spaces that break, as a terminal wants it.
pub(crate) fn plain(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\u{a0}' => ' ',
            '\n' => '\n',
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_confusion_matrix_shows_counts_and_shares_of_the_row() {
        let classes = ["a".to_owned(), "b".to_owned()];
        let html = confusion("c", &classes, &[vec![3.0, 1.0], vec![0.0, 0.0]]).into_string();
        assert!(html.contains("<b>3</b><span>75.0\u{a0}%</span>"), "{html}");
        assert!(html.contains("--share:25%"), "{html}");
        assert!(!html.contains("NaN"), "a class without a clip has no shares: {html}");
    }

    #[test]
    fn rows_and_columns_have_headings_of_their_own() {
        let rows = vec![Row { cells: vec![text("<b>"), text("1")], class: "" }];
        let html = Table { caption: "t", head: vec!["name", "figure"], rows, figures_from: 1 }.render().into_string();
        assert!(html.contains(r#"<th scope="row">&lt;b&gt;</th><td class="figure">1</td>"#), "{html}");
        assert!(html.contains(r#"<th scope="col" class="figure">figure</th>"#), "{html}");
    }
}
