//! The page of an embedding: its rows on a plane, by label and by group.

use super::chart::scatter::{Points, Scatter};
use super::number::counted;
use super::page::{Head, around};
use super::section::Section;
use crate::embed::picture::Placed;
use maud::html;
use std::collections::BTreeMap;

/// One self-contained HTML page.
///
/// - `title`: what was embedded by what
/// - `placed`: rows on the plane
/// - `rows`: how many rows there were
#[must_use]
pub fn page(title: &str, placed: &[Placed], rows: usize) -> String {
    let series = |of: fn(&Placed) -> &str| -> Vec<Points> {
        let mut named: BTreeMap<&str, Vec<[f64; 2]>> = BTreeMap::new();
        placed.iter().for_each(|placed| named.entry(of(placed)).or_default().push(placed.place));
        let name = |name: &str| if name.is_empty() { "none".to_owned() } else { name.to_owned() };
        named.into_iter().map(|(words, points)| Points { name: name(words), points }).collect()
    };
    let labels = Scatter {
        id: "labels".to_owned(),
        title: "By label",
        series: series(|placed| &placed.id.label),
        joined: false,
        note: None,
    };
    let groups = Scatter {
        id: "groups".to_owned(),
        title: "By group (patient): each joined with its middle",
        series: series(|placed| &placed.id.group),
        joined: true,
        note: None,
    };
    let shown = counted(placed.len(), "row", "rows");
    let subtitle = if placed.len() < rows { format!("{shown} of {rows}, evenly spaced") } else { shown };
    let body = html! {
        div .charts { (labels.render()) (groups.render()) }
        p .note {
            "t-SNE of the cosines between rows: only nearness means anything, neither distances between clusters nor their sizes do. "
            "Rows of one patient that lie together whatever their label show that the encoder knows the patient or the "
            "scanner. Judge an encoder by its figures under cross-validation, not by this picture."
        }
    };
    let section = Section { id: "plane".to_owned(), title: "Rows on a plane".to_owned(), body };
    around(&Head { brand: "hico embed", title, subtitle: &subtitle }, &[section])
}
