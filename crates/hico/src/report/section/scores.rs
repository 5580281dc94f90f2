//! The figures of every candidate: per frame, clip and patient; per class; honest beside published.

use super::Section;
use super::summary::mark;
use crate::evaluate::outcome::{Candidate, Estimate, Evaluation, Role, Scores, UnitScores};
use crate::report::answer::{answer, clip_figure, contaminated_groups};
use crate::report::chart::forest::{Forest, Mark, Row as ForestRow};
use crate::report::chart::line::{Line, LineChart, Shape};
use crate::report::number::{NONE, count, decimal, interval, percent, percent_or_none, points, spread};
use crate::report::tables::{Row, Table, confusion, text};
use maud::{Markup, html};

/// Points of a ROC curve that are drawn; more cannot be told apart.
const ROC_POINTS: usize = 300;

/// Balanced accuracy of every candidate by unit, then accuracy, F1 and AUC.
pub(crate) fn figures(evaluation: &Evaluation, prefix: &str, suffix: &str) -> Section {
    let rows = evaluation.candidates.iter().map(|candidate| Row {
        cells: [name(candidate)]
            .into_iter()
            .chain(UNITS.iter().map(|(_, of)| figure(Some(&of(&candidate.honest).balanced_accuracy))))
            .collect(),
        class: class(candidate),
    });
    let overview = Table {
        caption: "Balanced accuracy",
        head: vec!["candidate", "per clip", "per frame", "per patient"],
        rows: rows.collect(),
        figures_from: 1,
    };
    let body = html! {
        dl .candidates {
            @for candidate in &evaluation.candidates {
                div { dt { (candidate.name) } dd { (candidate.description) } }
            }
        }
        (overview.render())
        p .note {
            "Under each figure its 95\u{a0}% bootstrap interval over groups"
            @if evaluation.protocol.seeds.len() > 1 { " and seeds; ± is the standard deviation over seeds" } @else { "; one seed, so no spread over seeds" }
            ". A clip is classified by the mean probability of its frames, a patient by that of the clips."
        }
        @for (unit, of) in UNITS {
            details {
                summary { "Accuracy, F1 and AUC per " (unit) }
                (unit_table(evaluation, unit, of))
            }
        }
    };
    Section { id: format!("{prefix}figures"), title: format!("Every candidate{suffix}"), body }
}

/// Which figures of a candidate are those of one unit.
type OfUnit = fn(&Scores) -> &UnitScores;

const UNITS: [(&str, OfUnit); 3] =
    [("clip", |scores| &scores.clip), ("frame", |scores| &scores.frame), ("patient", |scores| &scores.patient)];

fn unit_table(evaluation: &Evaluation, unit: &str, of: OfUnit) -> Markup {
    let rows = evaluation.candidates.iter().map(|candidate| {
        let scores = of(&candidate.honest);
        Row {
            cells: vec![
                name(candidate),
                figure(Some(&scores.balanced_accuracy)),
                figure(Some(&scores.accuracy)),
                figure(Some(&scores.macro_f1)),
                figure(scores.auc.as_ref()),
            ],
            class: class(candidate),
        }
    });
    let number = evaluation.candidates.first().map_or(0, |candidate| of(&candidate.honest).count);
    Table {
        caption: &format!("Per {unit} ({} tested)", count(number as f64)),
        head: vec!["candidate", "balanced accuracy", "accuracy", "macro F1", "macro AUC"],
        rows: rows.collect(),
        figures_from: 1,
    }
    .render()
}

fn name(candidate: &Candidate) -> Markup {
    html! {
        (candidate.name)
        @if candidate.role == Role::Floor { " " span .tag { "baseline" } }
        @if !contaminated_groups(candidate).is_empty() { " " span .tag.spoilt { "contaminated" } }
    }
}

fn class(candidate: &Candidate) -> &'static str {
    match mark(candidate) {
        Mark::Floor => "floor",
        Mark::Contender => "best",
        Mark::Spoilt => "spoilt",
    }
}

/// A figure with its spread, and its interval below.
fn figure(estimate: Option<&Estimate>) -> Markup {
    html! {
        @if let Some(estimate) = estimate {
            span .value { (percent(estimate.mean)) }
            @if let Some(spread) = spread(estimate) { " " span .spread { (spread) } }
            span .interval { (interval(estimate)) }
        } @else {
            (NONE)
        }
    }
}

/// The honest figure beside the one of the literature's protocol; nothing where that was not asked for.
pub(crate) fn optimism(evaluation: &Evaluation, prefix: &str, suffix: &str) -> Option<Section> {
    let both: Vec<(&Candidate, &Scores)> =
        evaluation.candidates.iter().filter_map(|candidate| Some((candidate, candidate.published.as_ref()?))).collect();
    if both.is_empty() {
        return None;
    }
    let rows = both.iter().map(|(candidate, published)| {
        let [honest, lifted] = [clip_figure(candidate), &published.clip.balanced_accuracy];
        let [frame, lifted_frame] = [&candidate.honest.frame.accuracy, &published.frame.accuracy];
        Row {
            cells: vec![
                name(candidate),
                figure(Some(honest)),
                figure(Some(lifted)),
                text(points(lifted.mean - honest.mean)),
                text(percent(frame.mean)),
                text(percent(lifted_frame.mean)),
                text(points(lifted_frame.mean - frame.mean)),
            ],
            class: class(candidate),
        }
    });
    let table = Table {
        caption: "Epochs chosen by the test fold",
        head: vec![
            "candidate",
            "balanced, clip",
            "best on test fold",
            "selection bias, points",
            "accuracy, frame",
            "best on test fold",
            "selection bias, points",
        ],
        rows: rows.collect(),
        figures_from: 1,
    };
    let rows = both.iter().map(|(candidate, published)| {
        let [honest, lifted] = [clip_figure(candidate).mean, published.clip.balanced_accuracy.mean];
        ForestRow {
            name: candidate.name.clone(),
            text: format!("{} \u{2192} {} ({})", percent(honest), percent(lifted), points(lifted - honest)),
            mean: honest * 100.0,
            interval: None,
            second: Some(lifted * 100.0),
            mark: mark(candidate),
        }
    });
    let forest = Forest {
        id: format!("{prefix}optimism-plot"),
        title: "What choosing the epoch on the test fold adds",
        x: "balanced accuracy per clip, %",
        rows: rows.collect(),
        rules: Vec::new(),
        bounds: [0.0, 100.0],
        note: Some("Dot or square: as evaluated. Diamond: the epoch that is best on the test fold.".to_owned()),
    };
    let body = html! {
        p {
            "Published results in this field take, for every fold, the best of all epochs " em { "on the test fold" }
            ". The same networks look better that way, by the selection bias below; compare it with the gain of pretraining."
        }
        div .charts { (forest.render()) }
        (table.render())
    };
    Some(Section { id: format!("{prefix}optimism"), title: format!("Selection bias{suffix}"), body })
}

/// Precision, recall and F1 per class.
pub(crate) fn classes(evaluation: &Evaluation, prefix: &str, suffix: &str) -> Section {
    let body = html! {
        @for candidate in in_focus_first(evaluation) {
            details open[is_in_focus(evaluation, candidate)] {
                summary { (name(candidate)) }
                div .matrices {
                    @for (unit, of) in UNITS {
                        (class_table(evaluation, candidate, unit, of))
                    }
                }
            }
        }
        p .note { "Pooled over folds, mean over seeds. n/a: no unit of that class, or none called so." }
    };
    Section { id: format!("{prefix}classes"), title: format!("Class by class{suffix}"), body }
}

fn class_table(evaluation: &Evaluation, candidate: &Candidate, unit: &str, of: OfUnit) -> Markup {
    let per_class = evaluation.data.classes.iter().zip(&of(&candidate.honest).per_class);
    let rows = per_class.map(|(class, scores)| Row {
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
    Table {
        caption: &format!("{}, per {unit}", candidate.name),
        head: vec!["class", "precision", "recall", "F1", units.as_str()],
        rows: rows.collect(),
        figures_from: 1,
    }
    .render()
}

/// Confusion matrices of every candidate.
pub(crate) fn confusions(evaluation: &Evaluation, prefix: &str, suffix: &str) -> Section {
    let classes = &evaluation.data.classes;
    let body = html! {
        p .note { "Rows are what a clip is, columns what it was called; below each count its share of the row. Counts are summed over folds and averaged over seeds." }
        @for candidate in in_focus_first(evaluation) {
            details open[is_in_focus(evaluation, candidate)] {
                summary { (name(candidate)) }
                div .matrices {
                    @for (unit, of) in UNITS {
                        (confusion(&format!("{}, per {unit}", candidate.name), classes, &of(&candidate.honest).confusion))
                    }
                }
            }
        }
    };
    Section { id: format!("{prefix}confusion"), title: format!("Confusion matrices{suffix}"), body }
}

/// ROC curves of every candidate that has them.
pub(crate) fn roc(evaluation: &Evaluation, prefix: &str, suffix: &str) -> Option<Section> {
    let charts: Vec<(&Candidate, Markup)> = in_focus_first(evaluation)
        .into_iter()
        .enumerate()
        .filter_map(|(index, candidate)| {
            Some((candidate, roc_chart(evaluation, candidate, &format!("{prefix}roc-{index}"))?))
        })
        .collect();
    if charts.is_empty() {
        return None;
    }
    let body = html! {
        p .note { "One class against the rest, per clip, first seed, all folds together. The diagonal is guessing." }
        div .charts { @for (_, chart) in charts.iter().filter(|(candidate, _)| is_in_focus(evaluation, candidate)) { (chart) } }
        @if charts.iter().any(|(candidate, _)| !is_in_focus(evaluation, candidate)) {
            details {
                summary { "The other candidates" }
                div .charts { @for (_, chart) in charts.iter().filter(|(candidate, _)| !is_in_focus(evaluation, candidate)) { (chart) } }
            }
        }
    };
    Some(Section { id: format!("{prefix}roc"), title: format!("ROC curves{suffix}"), body })
}

fn roc_chart(evaluation: &Evaluation, candidate: &Candidate, id: &str) -> Option<Markup> {
    let scores = &candidate.honest.clip;
    let curves = evaluation.data.classes.iter().zip(&scores.roc).filter(|(_, curve)| curve.len() > 1);
    let lines: Vec<Line> = curves
        .map(|(class, curve)| Line {
            name: format!("{}: AUC {}", crate::report::chart::shortened(class, 24), decimal(area(curve), 3)),
            points: corners(curve),
        })
        .collect();
    if lines.is_empty() {
        return None;
    }
    let auc = scores.auc.map(|auc| format!("Macro AUC {} ({}), all seeds.", percent(auc.mean), interval(&auc)));
    let chart = LineChart {
        id: id.to_owned(),
        title: &candidate.name,
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

/// The candidates the answer is about first, then the others as they stand.
fn in_focus_first(evaluation: &Evaluation) -> Vec<&Candidate> {
    let (first, more): (Vec<&Candidate>, Vec<&Candidate>) =
        evaluation.candidates.iter().partition(|candidate| is_in_focus(evaluation, candidate));
    let (mut contenders, floors): (Vec<&Candidate>, Vec<&Candidate>) =
        first.into_iter().partition(|candidate| candidate.role == Role::Contender);
    contenders.extend(floors);
    contenders.extend(more);
    contenders
}

/// Whether the answer is about this candidate: the best contender or the best floor.
fn is_in_focus(evaluation: &Evaluation, candidate: &Candidate) -> bool {
    let answer = answer(evaluation);
    [answer.contender, answer.floor].into_iter().flatten().any(|other| other.name == candidate.name)
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
