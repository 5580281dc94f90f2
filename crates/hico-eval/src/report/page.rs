//! The page around the sections: head, style, table of contents.

use super::number::counted;
use super::section::{Section, data, pretraining, provenance};
use super::source::{Found, Sources};
use super::study::{Part, glossary};
use crate::compare::summary::Summary;
use hico_data::Dataset;
use maud::{DOCTYPE, Markup, PreEscaped, html};

/// Nothing but the page's own style and the pictures inside it may load, and no script may run, whatever a name in the
/// data tries.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; img-src data:";

/// What stands above the sections.
#[derive(Debug)]
pub(crate) struct Head<'a> {
    /// The command that made the page.
    pub(crate) brand: &'a str,
    /// Title of the page.
    pub(crate) title: &'a str,
    /// A line below it.
    pub(crate) subtitle: &'a str,
}

/// The whole page.
pub(crate) fn page(sources: &Sources, dataset: Option<&Dataset>) -> String {
    let (title, subtitle) = (title(sources), subtitle(sources));
    around(&Head { brand: "hico report", title: &title, subtitle: &subtitle }, &sections(sources, dataset))
}

/// The page of one study alone.
pub(crate) fn of_study(summary: &Summary) -> String {
    let found = Found { name: summary.title.clone(), summary: summary.clone() };
    page(&Sources { studies: vec![found], ..Sources::default() }, None)
}

/// A page with a table of contents around some sections.
pub(crate) fn around(head: &Head<'_>, sections: &[Section]) -> String {
    let markup = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (head.title) }
                style { (PreEscaped(hico_model::STYLE)) }
            }
            body {
                header {
                    p .brand { (head.brand) }
                    h1 { (head.title) }
                    p .subtitle { (head.subtitle) }
                }
                div .columns {
                    (contents(sections))
                    main {
                        @for section in sections {
                            section id=(section.id) aria-labelledby=(format!("{}-h", section.id)) {
                                h2 id=(format!("{}-h", section.id)) { (section.title) }
                                (section.body)
                            }
                        }
                    }
                }
                footer { p { "hico " (env!("CARGO_PKG_VERSION")) ". A research tool; not for diagnosis." } }
            }
        }
    };
    markup.into_string()
}

fn contents(sections: &[Section]) -> Markup {
    html! {
        nav aria-label="Contents" {
            ul {
                @for section in sections {
                    li { a href=(format!("#{}", section.id)) { (section.title) } }
                }
            }
        }
    }
}

fn title(sources: &Sources) -> String {
    let studied = sources.studies.iter().map(|found| found.summary.title.as_str());
    let trained = sources.families.iter().map(|family| family.name.as_str());
    let mut names: Vec<&str> = studied.chain(trained).take(3).collect();
    names.dedup();
    // One study says it all; its runs are part of it.
    if sources.studies.len() == 1 {
        names.truncate(1);
    }
    if names.is_empty() { "Report".to_owned() } else { names.join(", ") }
}

fn subtitle(sources: &Sources) -> String {
    let runs = sources.families.iter().map(|family| family.runs.len()).sum::<usize>();
    let of_study = |found: &Found| {
        let [done, all] = found.summary.cells;
        let seeds = counted(found.summary.seeds.len(), "seed", "seeds");
        format!("{done} of {} finished; {seeds}", counted(all, "cell", "cells"))
    };
    let mut parts: Vec<String> = sources.studies.iter().take(3).map(of_study).collect();
    if runs > 0 {
        parts.push(counted(runs, "pretraining run", "pretraining runs"));
    }
    parts.join("; ")
}

/// Every section, the answers first. Ids and titles are told apart where there are several of a kind.
fn sections(sources: &Sources, dataset: Option<&Dataset>) -> Vec<Section> {
    let labelled = |index: usize, letter: char, several: bool, name: &str| {
        if several { (format!("{letter}{index}-"), format!(": {name}")) } else { (String::new(), String::new()) }
    };
    let mut sections = Vec::new();
    for (index, Found { name, summary }) in sources.studies.iter().enumerate() {
        let (prefix, suffix) = labelled(index, 's', sources.studies.len() > 1, name);
        sections.extend(Part { summary, prefix: &prefix, suffix: &suffix }.sections(dataset));
    }
    if sources.studies.is_empty() {
        sections.push(pretraining::without_study(&sources.families));
    }
    sections.extend(data::section(sources, dataset));
    for (index, family) in sources.families.iter().enumerate() {
        let (prefix, suffix) = labelled(index, 'p', sources.families.len() > 1, &family.name);
        sections.push(pretraining::section(family, &prefix, &suffix));
    }
    sections.push(provenance::section(sources));
    if !sources.studies.is_empty() {
        sections.push(glossary());
    }
    sections
}
