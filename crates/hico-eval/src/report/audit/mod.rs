//! One page about what `hico audit` found, the pairs side by side.

mod pairs;
mod phi;
mod tables;

pub use phi::phi_page;

use super::number::counted;
use super::page::{Head, around};
use super::section::Section;
use crate::confounds::Confounds;
use hico_data::audit::remedy::Remedy;
use hico_data::audit::{Corpus, Findings};
use maud::html;

/// Everything that the page is made of.
#[derive(Debug, Clone, Copy)]
pub struct Audited<'a> {
    /// What was found.
    pub findings: &'a Findings,
    /// What to do about it.
    pub remedy: &'a Remedy,
    /// How well the label is told without looking, or why that is not known.
    pub confounds: Result<&'a Confounds, &'a str>,
    /// Where the frames are.
    pub corpus: &'a Corpus<'a>,
}

/// One self-contained HTML page: no network, no script, no font.
#[must_use]
pub fn page(audited: &Audited<'_>) -> String {
    let Audited { findings, remedy, confounds, corpus } = audited;
    let names: Vec<&str> = findings.datasets.iter().map(|facts| facts.name.as_str()).collect();
    let (name, others) = names.split_first().map_or(("", &names[..]), |(name, others)| (*name, others));
    let held = if others.is_empty() { String::new() } else { format!(", held against {}", others.join(", ")) };
    let clips: usize = findings.datasets.iter().map(|facts| facts.clips).sum();
    let subtitle = format!("{}{held}", counted(clips, "clip", "clips"));
    let title = format!("Audit of {name}");
    let sections: Vec<Section> = [
        Some(tables::summary(findings, *confounds)),
        pairs::across(findings, corpus),
        pairs::clashes(findings, corpus),
        tables::sides(findings),
        Some(tables::confounds(*confounds)),
        tables::faults(findings, corpus),
        tables::remedy(findings, remedy),
        pairs::within(findings, corpus),
        pairs::nearest(findings, corpus),
        Some(tables::counts(findings)),
        Some(Section { id: "how".to_owned(), title: "How it was found".to_owned(), body: how() }),
    ]
    .into_iter()
    .flatten()
    .collect();
    around(&Head { brand: "hico audit", title: &title, subtitle: &subtitle }, &sections)
}

fn how() -> maud::Markup {
    html! {
        p {
            "A few frames of each clip are brought to 96x96 pixels; what changes slowly is taken "
            "away and what is left is given the same "
            "contrast everywhere. Signs of its cosine coefficients are a hash of 256 bits. Clips "
            "with hashes that differ in few bits, as they are, in a "
            "mirror or cropped, are then laid on each other, and the fine structure is correlated at the best shift."
        }
        p {
            b { "found" } " is the median, over the frames of one clip, of the best correlation with "
            "a frame of the other, for the clip that is found "
            "better; from 0.93 on the two are called a copy. "
            "" b { "agree" } " is the same over the frames of both; from 0.73 on "
            "they are called the same view. Pictures that have nothing in common reach 0.2 to 0.3."
        }
    }
}

#[cfg(test)]
mod tests;
