//! How far confidence and truth are apart, before and after calibration.

use super::Section;
use crate::evaluate::outcome::{CalibrationScores, Candidate, Evaluation};
use crate::report::number::{decimal, percent};
use crate::report::tables::{Row, Table, text};
use crate::stats;
use maud::html;

/// Nothing where no network was fine-tuned.
pub(crate) fn section(evaluation: &Evaluation, prefix: &str, suffix: &str) -> Option<Section> {
    let row = |candidate: &Candidate| {
        let CalibrationScores { temperatures, frame, clip } = candidate.calibration.as_ref()?;
        let mut cells = vec![text(&candidate.name), text(decimal(stats::mean(temperatures)?, 2))];
        cells.extend([frame, clip].into_iter().flatten().map(|error| text(percent(*error))));
        Some(Row { cells, class: "" })
    };
    let rows: Vec<Row> = evaluation.candidates.iter().filter_map(row).collect();
    if rows.is_empty() {
        return None;
    }
    let table = Table {
        caption: "Expected calibration error on tested folds",
        head: vec!["candidate", "temperature", "frame, before", "frame, after", "clip, before", "clip, after"],
        rows,
        figures_from: 1,
    };
    let body = html! {
        (table.render())
        p .note {
            "How far confidence and truth are apart, over ten bins of confidence; 0\u{a0}% is true. Logits are divided by a "
            "temperature, the likeliest for each network on its inner validation groups; above 1 it was too sure. "
            "Few tested clips make this error look larger than it is."
        }
    };
    Some(Section { id: format!("{prefix}calibration"), title: format!("Calibration{suffix}"), body })
}
