//! The parts of the page, in the order in which they are read.

pub(crate) mod data;
pub(crate) mod pretraining;
pub(crate) mod provenance;

use maud::{Markup, html};

/// A part of the page with a place in its table of contents.
#[derive(Debug)]
pub(crate) struct Section {
    /// Unique on the page; the target of links.
    pub(crate) id: String,
    /// Its heading.
    pub(crate) title: String,
    /// What it shows.
    pub(crate) body: Markup,
}

/// What a reader must know before believing a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Severity {
    /// A figure is contaminated: red.
    Contaminated,
    /// A figure is to be read with care: amber.
    Care,
}

/// A boxed warning. The word in front says what the colour says, for those who do not see it.
pub(crate) fn alert(gravity: Severity, words: &str) -> Markup {
    let (class, word) = match gravity {
        Severity::Contaminated => ("alert contaminated", "Do not believe"),
        Severity::Care => ("alert care", "Mind"),
    };
    html! { p class=(class) role="note" { b { (word) ": " } (words) } }
}

/// Up to `most` of many things in one line, and how many more there are.
pub(crate) fn listed<'a>(things: impl IntoIterator<Item = &'a str>, most: usize) -> String {
    let all: Vec<&str> = things.into_iter().collect();
    let shown = all.iter().take(most).copied().collect::<Vec<_>>().join(", ");
    if all.len() > most { format!("{shown} and {} more", all.len() - most) } else { shown }
}
