//! What the data looks like.

use super::{Section, Severity, alert};
use crate::report::source::Sources;
use crate::report::thumbnail::examples;
use hico_data::Dataset;
use maud::{Markup, html};

/// Example frames a class, and classes that are shown with examples.
const EXAMPLES: usize = 6;
const CLASSES_SHOWN: usize = 12;

/// Example frames of the data set at hand, where one is.
pub(crate) fn section(sources: &Sources, dataset: Option<&Dataset>) -> Option<Section> {
    let body = match dataset {
        Some(dataset) => html! {
            @if let Some(words) = doubt(sources, dataset) { (alert(Severity::Care, &words)) }
            (pictures(dataset))
        },
        None if sources.studies.is_empty() => return None,
        None => html! { p .note { "No example frames: give the data set with `hico report --data` to show some." } },
    };
    Some(Section { id: "data".to_owned(), title: "The data".to_owned(), body })
}

/// Why the data set at hand may not be the one that was evaluated or trained on.
fn doubt(sources: &Sources, dataset: &Dataset) -> Option<String> {
    let hash = dataset.manifest().hash();
    let studied = sources.studies.iter().flat_map(|found| &found.summary.data).map(|data| data.hash.as_str());
    let records = sources.families.iter().flat_map(|family| &family.runs).filter_map(|run| run.record.as_ref());
    let used: Vec<&str> = studied.chain(records.map(|record| record.data.hash.as_str())).collect();
    used.iter().find(|_| !used.contains(&hash.as_str())).map(|other| {
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
