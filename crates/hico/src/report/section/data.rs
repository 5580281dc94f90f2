//! The data: how much of what, and what it looks like.

use super::{Gravity, Section, alert};
use crate::evaluate::outcome::{DataFacts, Tested};
use crate::report::number::{count, counted};
use crate::report::source::Sources;
use crate::report::tables::{Row, Table, text};
use crate::report::thumbnail::examples;
use hico_data::Dataset;
use maud::{Markup, html};
use std::collections::BTreeSet;

/// Example frames a class, and classes that are shown with examples.
const EXAMPLES: usize = 6;
const CLASSES_SHOWN: usize = 12;

/// The data of every evaluation, and example frames where the data set is at hand. Evaluations that tested the same of one
/// data set share an entry.
pub(crate) fn section(sources: &Sources, dataset: Option<&Dataset>) -> Option<Section> {
    let mut seen = BTreeSet::new();
    let mut tables: Vec<(&DataFacts, Tested)> = Vec::new();
    for evaluation in sources.evaluations.iter().map(|judged| &judged.evaluation) {
        let tested = evaluation.tested();
        if seen.insert((&evaluation.data.hash, tested.clips_per_class.clone())) {
            tables.push((&evaluation.data, tested));
        }
    }
    if tables.is_empty() && dataset.is_none() {
        return None;
    }
    let body = html! {
        @for (data, tested) in &tables { (table(data, tested)) }
        @if let Some(dataset) = dataset {
            @if let Some(words) = doubt(sources, dataset) { (alert(Gravity::Care, &words)) }
            (pictures(dataset))
        } @else {
            p .note { "No example frames: give the data set with `--data` to show some." }
        }
    };
    Some(Section { id: "data".to_owned(), title: "The data".to_owned(), body })
}

fn table(data: &DataFacts, tested: &Tested) -> Markup {
    let rows = data.classes.iter().enumerate().map(|(class, name)| {
        let counts = [&tested.groups_per_class, &tested.clips_per_class, &data.groups, &data.clips, &data.frames]
            .map(|column| text(count(column[class] as f64)));
        Row { cells: [text(name)].into_iter().chain(counts).collect(), class: "" }
    });
    let total = |column: &[usize]| text(count(column.iter().sum::<usize>() as f64));
    // A group may hold clips of two classes, so groups are counted once and not summed.
    let all = vec![
        text("all"),
        text(count(tested.groups as f64)),
        text(count(tested.clips as f64)),
        text(""),
        total(&data.clips),
        total(&data.frames),
    ];
    let all = Row { cells: all, class: "total" };
    let table = Table {
        caption: &format!("Labelled clips of {}: how many were tested, and how many there are", data.name),
        head: vec!["class", "patients tested", "clips tested", "groups (patients)", "clips", "frames"],
        rows: rows.chain([all]).collect(),
        figures_from: 1,
    };
    html! {
        (table.render())
        p .note {
            (counted(data.unlabelled, "clip has", "clips have")) " no label. Data hash " code { (data.hash) } "."
        }
    }
}

/// Why the data set at hand may not be the one that was judged or trained on.
fn doubt(sources: &Sources, dataset: &Dataset) -> Option<String> {
    let hash = dataset.manifest().hash();
    let judged = sources.evaluations.iter().map(|judged| judged.evaluation.data.hash.as_str());
    let records = sources.families.iter().flat_map(|family| &family.runs).filter_map(|run| run.record.as_ref());
    let mut others = judged.chain(records.map(|record| record.data.hash.as_str())).filter(|other| *other != hash);
    others.next().map(|other| {
        let [here, there] = [hash.as_str(), other].map(|hash| hash.chars().take(12).collect::<String>());
        format!("the data set that the pictures are from (hash {here}…) is not, or no longer, the one that was used (hash {there}…).")
    })
}

fn pictures(dataset: &Dataset) -> Markup {
    let classes = dataset.classes().iter().take(CLASSES_SHOWN).map(|class| Some(class.as_str()));
    html! {
        h3 { "Example frames" }
        @for class in classes.chain([None]) {
            @let examples = examples(dataset, class, EXAMPLES);
            @if !examples.is_empty() {
                h4 { (class.unwrap_or("without a label")) }
                div .thumbnails {
                    @for example in &examples {
                        figure {
                            img src=(example.picture) alt=(format!("Middle frame of clip {}", example.clip));
                            figcaption title=(format!("clip {}, group {}", example.clip, example.group)) { (example.clip) }
                        }
                    }
                }
            }
        }
    }
}
