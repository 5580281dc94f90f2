//! A table in detail: figures per clip and frame, class by class, confusion matrices, ROC curves.

use super::rows::bare_interval;
use super::{Detailed, Part, title};
use crate::compare::summary::{DataFacts, Table};
use crate::outcome::{Scores, UnitScores};
use crate::report::chart::line::{Line, LineChart, Shape};
use crate::report::number::{count, decimal, interval, percent, percent_or_none};
use crate::report::section::Section;
use crate::report::tables::{Row, Table as Grid, confusion, text};
use maud::{Markup, html};

/// Points of a ROC curve that are drawn; more cannot be told apart.
const ROC_POINTS: usize = 300;

/// Which figures of a method are those of one unit.
type OfUnit = fn(&Scores) -> &UnitScores;

const UNITS: [(&str, OfUnit); 3] =
    [("patient", |scores| &scores.patient), ("clip", |scores| &scores.clip), ("frame", |scores| &scores.frame)];

/// Returns what stands below the tables; nothing where no method has a figure.
pub(super) fn sections(part: &Part<'_>, data: &DataFacts, table: &Table) -> Vec<Section> {
    let methods = part.in_detail(table);
    if methods.is_empty() {
        return Vec::new();
    }
    let classes: Vec<String> = data.classes.iter().map(|class| class.name.clone()).collect();
    let body = html! {
        (roc_curves(part, &classes, table, &methods))
        @for method in &methods {
            details open[method.in_focus] {
                summary { (part.name(method.name, !method.scores.seen_groups().is_empty())) }
                (figures(method))
                div .matrices {
                    @for (unit, of) in UNITS {
                        @let scores = of(&method.scores.scores);
                        (class_table(&classes, &format!("{}, per {unit}", method.name), unit, scores))
                        (confusion(&format!("{}, per {unit}", method.name), &classes, &scores.confusion))
                    }
                }
            }
        }
        p .note {
            "Pooled over folds, mean over seeds. n/a: no unit of that class, or none called so. Rows of a matrix are what a unit "
            "is, columns what it was called; below each count its fraction of the row."
        }
    };
    let id = part.id(&format!("classes-{}-{}", data.name, table.evaluation));
    vec![Section { id, title: format!("Class by class: {}{}", title(table), part.suffix), body }]
}

/// Accuracy, F1 and area of each unit.
fn figures(method: &Detailed<'_>) -> Markup {
    let row = |(unit, of): &(&str, OfUnit)| {
        let scores = of(&method.scores.scores);
        let balanced = &scores.balanced_accuracy;
        Row {
            cells: vec![
                text(unit),
                text(format!("{} ({})", percent(balanced.mean), interval(balanced))),
                text(percent(scores.accuracy.mean)),
                text(decimal(scores.macro_f1.mean, 3)),
                text(scores.auc.map_or_else(|| "n/a".to_owned(), |auc| decimal(auc.mean, 3))),
                text(count(scores.count as f64)),
            ],
            class: "",
        }
    };
    Grid {
        caption: &format!("{}, by unit", method.name),
        head: vec!["per", "balanced accuracy", "accuracy", "macro F1", "macro AUC", "tested"],
        rows: UNITS.iter().map(row).collect(),
        figures_from: 1,
    }
    .render()
}

/// Precision, recall and F1 per class.
fn class_table(classes: &[String], caption: &str, unit: &str, scores: &UnitScores) -> Markup {
    let rows = classes.iter().zip(&scores.per_class).map(|(class, scores)| Row {
        cells: vec![
            text(class),
            text(percent_or_none(scores.precision)),
            text(percent_or_none(scores.recall)),
            text(decimal(scores.f1, 3)),
            text(count(scores.count as f64)),
        ],
        class: "",
    });
    let units = format!("{unit}s");
    let head = vec!["class", "precision", "recall", "F1", units.as_str()];
    Grid { caption, head, rows: rows.collect(), figures_from: 1 }.render()
}

fn roc_curves(part: &Part<'_>, classes: &[String], table: &Table, methods: &[Detailed<'_>]) -> Markup {
    let id = |at: usize| part.id(&format!("roc-{}-{}-{at}", table.data, table.evaluation));
    let charts: Vec<(bool, Markup)> = methods
        .iter()
        .enumerate()
        .filter_map(|(at, method)| Some((method.in_focus, roc_chart(classes, method, id(at))?)))
        .collect();
    html! {
        @if !charts.is_empty() {
            p .note { "ROC curves: one class against the rest, per patient, first seed, all folds together. The diagonal is guessing." }
            div .charts { @for (_, chart) in charts.iter().filter(|(in_focus, _)| *in_focus) { (chart) } }
            @if charts.iter().any(|(in_focus, _)| !in_focus) {
                details {
                    summary { "ROC curves of the other methods" }
                    div .charts { @for (_, chart) in charts.iter().filter(|(in_focus, _)| !in_focus) { (chart) } }
                }
            }
        }
    }
}

fn roc_chart(classes: &[String], method: &Detailed<'_>, id: String) -> Option<Markup> {
    let scores = &method.scores.scores.patient;
    let curves = classes.iter().zip(&scores.roc).filter(|(_, curve)| curve.len() > 1);
    let lines: Vec<Line> = curves
        .map(|(class, curve)| Line {
            name: format!("{}: AUC {}", crate::report::chart::shortened(class, 24), decimal(area(curve), 3)),
            points: corners(curve),
        })
        .collect();
    if lines.is_empty() {
        return None;
    }
    let auc = scores.auc.map(|auc| format!("Macro AUC {} ({}), all seeds.", decimal(auc.mean, 3), bare_interval(&auc)));
    let chart = LineChart {
        id,
        title: method.name,
        x: "false positive rate",
        y: "true positive rate",
        lines,
        shape: Shape::Roc,
        note: auc,
    };
    Some(chart.render())
}

/// Area under a curve of points by growing x, by trapezoids.
fn area(curve: &[[f64; 2]]) -> f64 {
    curve.windows(2).map(|pair| (pair[1][0] - pair[0][0]) * f64::midpoint(pair[0][1], pair[1][1])).sum()
}

/// The points at which a staircase turns; then at most [`ROC_POINTS`] of them, the ends included.
fn corners(curve: &[[f64; 2]]) -> Vec<[f64; 2]> {
    let turns = |index: usize| match (index.checked_sub(1).and_then(|before| curve.get(before)), curve.get(index + 1)) {
        (Some(before), Some(after)) => {
            let [x, y] = curve[index];
            let cross = (x - before[0]) * (after[1] - y) - (y - before[1]) * (after[0] - x);
            cross.abs() > 1e-12
        }
        _ => true,
    };
    let kept: Vec<[f64; 2]> = (0..curve.len()).filter(|&index| turns(index)).map(|index| curve[index]).collect();
    match kept.len() {
        0..=ROC_POINTS => kept,
        many => (0..ROC_POINTS).map(|index| kept[index * (many - 1) / (ROC_POINTS - 1)]).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_area_under_a_staircase_is_the_sum_of_its_steps() {
        assert!((area(&[[0.0, 0.0], [0.0, 0.5], [0.5, 0.5], [0.5, 1.0], [1.0, 1.0]]) - 0.75).abs() < 1e-12);
    }

    #[test]
    fn only_the_corners_of_a_staircase_are_kept_and_its_area_with_them() {
        let fine: Vec<[f64; 2]> = (0..=1000).map(|i| f64::from(i) / 1000.0).map(|t| [t.powi(2), t]).collect();
        let thin = corners(&fine);
        assert_eq!(thin.len(), ROC_POINTS);
        assert_eq!((thin[0], thin[ROC_POINTS - 1]), ([0.0, 0.0], [1.0, 1.0]));
        assert!((area(&thin) - area(&fine)).abs() < 1e-4);
        assert_eq!(corners(&[[0.0, 0.0], [0.0, 0.2], [0.0, 1.0], [0.5, 1.0], [1.0, 1.0]]).len(), 3);
    }
}
