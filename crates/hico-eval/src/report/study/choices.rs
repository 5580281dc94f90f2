//! What may choose between methods, without a look at a test fold.

use super::{Part, evaluation, labels};
use crate::compare::summary::{Candidate, Choice, DataFacts};
use crate::report::number::{NONE, decimal, percent};
use crate::report::section::Section;
use crate::report::tables::{Row, Table as Grid, text};
use maud::html;

/// Heads of the table.
pub(super) const HEAD: [&str; 6] =
    ["method", "macro AUC", "lowest", "highest", "highest of all", "balanced accuracy per clip"];

/// What a figure means.
pub(super) const WORDS: &str = "Macro AUC per patient of a linear probe within the training groups of each fold, mean \
    over ten partings of them. Test folds were not looked at, so this may choose a recipe; it is no result.";

/// The title of a choice.
pub(super) fn title(choice: &Choice) -> String {
    format!("{}, strength {}, {}", evaluation(choice.evaluation), choice.strength, labels(choice.labels))
}

/// A method's row.
pub(super) fn cells(candidate: &Candidate, places: usize) -> Vec<String> {
    let all = &candidate.macro_auc;
    let area = |value: Option<f64>| value.map_or_else(|| NONE.to_owned(), |value| decimal(value, 3));
    vec![
        candidate.method.clone(),
        area(candidate.mean_macro_auc),
        area(all.iter().copied().reduce(f64::min)),
        area(all.iter().copied().reduce(f64::max)),
        format!("{} of {places}", candidate.first),
        candidate.mean_balanced_accuracy.map_or_else(|| NONE.to_owned(), percent),
    ]
}

/// Every choice on one data set.
pub(super) fn section(part: &Part<'_>, data: &DataFacts) -> Option<Section> {
    let choices: Vec<&Choice> = part.summary.choices.iter().filter(|choice| choice.data == data.name).collect();
    if choices.is_empty() {
        return None;
    }
    let table = |choice: &Choice| {
        let best = choice.entries.iter().filter_map(|entry| entry.mean_macro_auc).fold(f64::NEG_INFINITY, f64::max);
        let row = |entry: &Candidate| Row {
            cells: cells(entry, choice.places).into_iter().map(text).collect(),
            class: if entry.mean_macro_auc == Some(best) { "best" } else { "" },
        };
        let title = title(choice);
        let rows = choice.entries.iter().map(row).collect();
        Grid { caption: &title, head: HEAD.to_vec(), rows, figures_from: 1 }.render()
    };
    let body = html! {
        p .note { (WORDS) }
        @for choice in choices { (table(choice)) }
    };
    Some(part.section("choice", "Choice", &data.name, body))
}
