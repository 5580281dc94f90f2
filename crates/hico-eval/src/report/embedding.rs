//! The page of an embedding: its rows on a plane, by label and by group.

use super::chart::scatter::{Points, Scatter};
use super::number::counted;
use super::page::{Head, around};
use super::section::Section;
use hico_model::embed::RowId;
use hico_model::embed::picture::Picture;
use hico_model::embed::umap::NEIGHBOURS;
use maud::{Markup, html};
use std::collections::BTreeMap;

/// One self-contained HTML page.
///
/// - `title`: what was embedded by what
/// - `picture`: rows on the plane
/// - `rows`: how many rows there were
#[must_use]
pub fn page(title: &str, picture: &Picture, rows: usize) -> String {
    let shown = counted(picture.ids.len(), "row", "rows");
    let subtitle = if picture.ids.len() < rows { format!("{shown} of {rows}, evenly spaced") } else { shown };
    let charts = |id: &str, places: &[[f64; 2]]| -> Markup {
        let scatter = |what: &str, title, of, joined| Scatter {
            id: format!("{id}-{what}"),
            title,
            series: series(&picture.ids, places, of),
            joined,
            note: None,
        };
        let labels = scatter("labels", "By label", |id| &id.label, false);
        let groups = scatter("groups", "By group (patient): each joined with its middle", |id| &id.group, true);
        html! { div .charts { (labels.render()) (groups.render()) } }
    };
    let tsne = html! {
        (charts("tsne", &picture.tsne))
        p .note {
            "t-SNE of the cosines between rows: only nearness means anything, neither distances between clusters nor their sizes do. "
            "Rows of one patient that lie together whatever their label show that the encoder knows the patient or the "
            "scanner. Evaluate an encoder by its figures under cross-validation, not by this picture."
        }
    };
    let umap = html! {
        (charts("umap", &picture.umap))
        p .note {
            "UMAP of the same rows, by " (NEIGHBOURS) " neighbours of each. What both pictures show is less likely to be the picture's own."
        }
    };
    let section =
        |id: &str, title: &str, body| Section { id: id.to_owned(), title: format!("Rows on a plane: {title}"), body };
    let sections = [section("plane-tsne", "t-SNE", tsne), section("plane-umap", "UMAP", umap)];
    around(&Head { brand: "hico embed", title, subtitle: &subtitle }, &sections)
}

/// The places of each label or group; every point is named by its clip, its label and its group.
fn series(ids: &[RowId], places: &[[f64; 2]], of: fn(&RowId) -> &str) -> Vec<Points> {
    let shown = |name: &str| if name.is_empty() { "none".to_owned() } else { name.to_owned() };
    let mut named: BTreeMap<&str, Points> = BTreeMap::new();
    for (id, place) in ids.iter().zip(places) {
        let of_name = named.entry(of(id)).or_insert_with(|| Points {
            name: shown(of(id)),
            points: Vec::new(),
            names: Vec::new(),
        });
        of_name.points.push(*place);
        let frame = id.frame.map_or_else(String::new, |frame| format!(", frame {frame}"));
        of_name.names.push(format!("{}{frame}; label {}; group {}", id.clip, shown(&id.label), shown(&id.group)));
    }
    named.into_values().collect()
}
