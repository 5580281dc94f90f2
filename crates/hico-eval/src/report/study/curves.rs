//! Curves of a study: over the number of labelled patients, and over pretraining.

use super::{Part, evaluation, rows, tables};
use crate::compare::answer::Evaluation;
use crate::compare::labels::Labels;
use crate::compare::summary::{Curve, CurveLine, DataFacts, Point, Table};
use crate::report::chart::line::{Line, LineChart, Shape};
use crate::report::section::Section;
use maud::{Markup, html};
use std::collections::BTreeSet;

/// The tested figure over the number of labelled patients, a chart for each evaluation.
pub(super) fn of_labels(part: &Part<'_>, data: &DataFacts, tables: &[&Table]) -> Option<Section> {
    let summary = part.summary;
    let y = format!("{} per patient, %", rows::metric(summary.evaluation.metric));
    let chart = |asked: Evaluation| {
        let mut of_evaluation: Vec<&&Table> = tables.iter().filter(|table| table.evaluation == asked).collect();
        of_evaluation.sort_by_key(|table| table.labels);
        let methods = of_evaluation.first()?.entries.len();
        let line = |method: usize| Line {
            name: of_evaluation[0].entries[method].method.clone(),
            points: of_evaluation
                .iter()
                .filter_map(|table| {
                    let scores = table.entries[method].scores.as_ref()?;
                    let labelled = match table.labels {
                        Labels::Groups(groups) => (groups as f64).log2(),
                        Labels::Thousandths(_) | Labels::All => {
                            (scores.groups / data.classes.len().max(1) as f64).log2()
                        }
                    };
                    Some([labelled, scores.scores.patient.of(summary.evaluation.metric)?.mean * 100.0])
                })
                .collect(),
        };
        let lines: Vec<Line> = (0..methods).map(line).filter(|line| line.points.len() > 1).collect();
        let title = format!("{}: {}", data.name, evaluation(asked));
        let chart = LineChart {
            id: part.id(&format!("labels-{}-{asked}", data.name)),
            title: &title,
            x: "labelled patients a class, log2",
            y: &y,
            lines,
            shape: Shape::Free,
            note: None,
        };
        (!chart.lines.is_empty()).then(|| chart.render())
    };
    let asked: BTreeSet<Evaluation> = tables.iter().map(|table| table.evaluation).collect();
    let charts: Vec<Markup> = asked.into_iter().filter_map(chart).collect();
    let body = html! { div .charts { @for chart in &charts { (chart) } } };
    (!charts.is_empty()).then(|| part.section("labels", "Few labels", &data.name, body))
}

/// How methods did on their way, over images and over seconds.
pub(super) fn of_pretraining(part: &Part<'_>, data: &DataFacts) -> Option<Section> {
    let summary = part.summary;
    let curves: Vec<&Curve> = summary.curves.iter().filter(|curve| curve.data == data.name).collect();
    if curves.is_empty() {
        return None;
    }
    let y = format!("{} per patient, %", rows::metric(summary.evaluation.metric));
    let chart = |curve: &Curve, over: &str, along: fn(&Point) -> f64| {
        let line = |line: &CurveLine| Line {
            name: line.method.clone(),
            points: line.points.iter().map(|point| [along(point), point.value * 100.0]).collect(),
        };
        let title = format!("{}: {}, over {over}", data.name, evaluation(curve.evaluation));
        LineChart {
            id: part.id(&format!("convergence-{}-{}-{over}", data.name, curve.evaluation)),
            title: &title,
            x: over,
            y: &y,
            lines: curve.lines.iter().map(line).collect(),
            shape: Shape::Free,
            note: None,
        }
        .render()
    };
    let body = html! {
        p {
            "Folds pooled, means over seeds. Images are the views that the network saw; seconds are those of the machine that "
            "ran the cell."
        }
        div .charts {
            @for curve in &curves {
                (chart(curve, "images", |point| point.images))
                (chart(curve, "seconds", |point| point.seconds))
            }
        }
        (tables::areas(data, summary))
    };
    Some(part.section("convergence", "Convergence", &data.name, body))
}
