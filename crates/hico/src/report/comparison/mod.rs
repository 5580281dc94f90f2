//! What a study found: one page, and the same tables as Markdown and for the terminal.

mod choices;
mod ranks;
mod rows;
mod tables;
mod words;

pub use words::{markdown, plan, terminal};

use super::chart::line::{Line, LineChart, Shape};
use super::number::{counted, duration};
use super::page::{Head, around};
use super::section::{Gravity, Section, alert};
use super::tables::{facts, text};
use crate::compare::answer::EvalMode;
use crate::compare::study::{Budget, Labels};
use crate::compare::summary::{Curve, Judged, Point, Summary, Table};
use maud::{Markup, html};

/// One self-contained HTML page: no network, no script, no font.
#[must_use]
pub fn page(summary: &Summary) -> String {
    let [done, all] = summary.cells;
    let seeds = counted(summary.seeds.len(), "seed", "seeds");
    let subtitle = format!("{done} of {} finished; {seeds}", counted(all, "cell", "cells"));
    let mut sections = vec![how(summary)];
    for judged in &summary.data {
        let tables: Vec<&Table> = summary.tables.iter().filter(|table| table.data == judged.name).collect();
        sections.push(data(judged, &tables, summary));
        sections.extend(label_curves(judged, &tables, summary));
        sections.extend(convergence(judged, summary));
        sections.extend(tables::ablations(judged, &tables, summary));
        sections.extend(choices::section(judged, summary));
    }
    sections.extend(ranks::section(summary));
    sections.push(glossary());
    around(&Head { brand: "hico compare", title: &summary.title, subtitle: &subtitle }, &sections)
}

/// An evaluation in words.
pub(super) const fn evaluation(evaluation: EvalMode) -> &'static str {
    match evaluation {
        EvalMode::Knn => "nearest neighbours",
        EvalMode::LinearProbe => "linear probe",
        EvalMode::Finetune => "fine-tuning",
        EvalMode::Inner => "probe within the training groups",
        EvalMode::Baseline => "baseline",
    }
}

/// A label budget in words.
pub(super) fn labels(labels: Labels) -> String {
    match labels {
        Labels::All => "all labels".to_owned(),
        Labels::Groups(1) => "labels of 1 patient a class".to_owned(),
        Labels::Groups(groups) => format!("labels of {groups} patients a class"),
        Labels::Thousandths(share) => format!("labels of {} % of the patients a class", f64::from(share) / 10.0),
    }
}

/// A budget in words.
pub(super) fn budget(budget: Budget) -> String {
    match budget {
        Budget::Images(images) => format!("about {} seen in pretraining", counted(images as usize, "image", "images")),
        Budget::Recipe => "the epochs of each recipe".to_owned(),
        Budget::Seconds(seconds) => format!("{} of pretraining", duration(seconds)),
    }
}

fn how(summary: &Summary) -> Section {
    let methods: Vec<&str> = summary.methods.iter().map(|(name, _)| name.as_str()).collect();
    let seeds: Vec<String> = summary.seeds.iter().map(u64::to_string).collect();
    let rows = [
        ("methods", text(methods.join(", "))),
        ("seeds", text(seeds.join(", "))),
        ("budget", text(format!("{}, the same for every method", budget(summary.budget)))),
        ("images", text(format!("{0}x{0} pixels, {1} frames a clip evaluated", summary.side, summary.frames_per_clip))),
        ("time in all", text(duration(summary.seconds))),
        ("version", text(summary.version)),
    ];
    let body = html! {
        @for warning in &summary.warnings { (alert(Gravity::Care, warning)) }
        (facts(&rows))
        p .note {
            "Groups (patients) never cross a fold. A test fold chooses nothing: a probe's strength and a fine-tuning's epochs "
            "are fixed beforehand, or chosen within the training groups where the study says so. "
            "Pretraining that reads labels knows no more of them than its evaluation does."
        }
    };
    Section { id: "how".to_owned(), title: "What was asked".to_owned(), body }
}

fn data(judged: &Judged, tables: &[&Table], summary: &Summary) -> Section {
    let classes = judged.classes.iter().map(|(name, clips, groups)| {
        format!("{name}: {}, {}", counted(*clips, "clip", "clips"), counted(*groups, "group", "groups"))
    });
    let rows = [
        ("classes", text(classes.collect::<Vec<_>>().join("; "))),
        ("folds tested", text(judged.folds.iter().map(usize::to_string).collect::<Vec<_>>().join(", "))),
        ("encoders pretrained on", text(&judged.pretrained_on)),
        ("table of the data", text(judged.hash.chars().take(16).collect::<String>())),
    ];
    let body = html! {
        (facts(&rows))
        @for table in tables { (tables::scores(table, summary)) }
    };
    Section { id: format!("data-{}", judged.name), title: judged.name.clone(), body }
}

/// The tested figure over the number of labelled patients, a chart for each evaluation.
fn label_curves(judged: &Judged, tables: &[&Table], summary: &Summary) -> Option<Section> {
    let y = format!("{} per patient, %", rows::metric(summary.metric));
    let chart = |asked: EvalMode| {
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
                            (scores.groups / judged.classes.len().max(1) as f64).log2()
                        }
                    };
                    Some([labelled, scores.patient.of(summary.metric)?.mean * 100.0])
                })
                .collect(),
        };
        let lines: Vec<Line> = (0..methods).map(line).filter(|line| line.points.len() > 1).collect();
        let title = format!("{}: {}", judged.name, evaluation(asked));
        let chart = LineChart {
            id: format!("labels-{}-{asked}", judged.name),
            title: &title,
            x: "labelled patients a class, log2",
            y: &y,
            lines,
            shape: Shape::Free,
            note: None,
        };
        (!chart.lines.is_empty()).then(|| chart.render())
    };
    let charts: Vec<Markup> =
        [EvalMode::Knn, EvalMode::LinearProbe, EvalMode::Finetune].into_iter().filter_map(chart).collect();
    (!charts.is_empty()).then(|| Section {
        id: format!("labels-{}", judged.name),
        title: format!("Few labels: {}", judged.name),
        body: html! { div .charts { @for chart in &charts { (chart) } } },
    })
}

/// How methods did on their way, over images and over seconds.
fn convergence(judged: &Judged, summary: &Summary) -> Option<Section> {
    let curves: Vec<&Curve> = summary.curves.iter().filter(|curve| curve.data == judged.name).collect();
    if curves.is_empty() {
        return None;
    }
    let y = format!("{} per patient, %", rows::metric(summary.metric));
    let chart = |curve: &Curve, over: &str, along: fn(&Point) -> f64| {
        let line = |line: &crate::compare::summary::CurveLine| Line {
            name: line.method.clone(),
            points: line.points.iter().map(|point| [along(point), point.value * 100.0]).collect(),
        };
        let title = format!("{}: {}, over {over}", judged.name, evaluation(curve.evaluation));
        LineChart {
            id: format!("convergence-{}-{}-{over}", judged.name, curve.evaluation),
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
        (tables::areas(judged, summary))
    };
    Some(Section { id: format!("convergence-{}", judged.name), title: format!("Convergence: {}", judged.name), body })
}

fn glossary() -> Section {
    let rows = [
        ("per patient", "the mean probability of a patient's clips, each the mean of its frames; every figure but two"),
        ("balanced accuracy", "mean over classes of the share of that class that was classified right"),
        ("macro AUC", "mean over classes of the area under the one-against-rest ROC curve"),
        ("log loss", "mean of minus the logarithm of the probability of the true class, nats"),
        ("Brier score", "mean squared distance of the probabilities from the truth, summed over classes; 0 to 2"),
        (
            "calibration error",
            "distance of confidence from the share that is right, five bins of equal mass, less what chance adds to it",
        ),
        (
            "interval",
            "95 % of 2,000 draws of patients, within each class, and of seeds, with replacement; folds pooled. Simulated on \
             small studies such intervals cover a few points less than they say",
        ),
        ("±", "standard deviation over seeds"),
        (
            "p",
            "the larger of two sign-flip tests: over what each patient adds to the difference, and over seeds. Other patients \
             and other seeds would have shown it too",
        ),
        ("Holm", "p corrected for all comparisons of the study (Holm 1979)"),
        (
            "power 0.8",
            "the smallest difference that a test at 5 % finds in four studies of five, by the standard errors of patients and \
             seeds found here",
        ),
        (
            "best on test fold",
            "the best epoch on the test fold per frame, as often reported, and what that choice adds",
        ),
    ];
    let rows: Vec<(&str, Markup)> = rows.into_iter().map(|(name, words)| (name, text(words))).collect();
    Section { id: "glossary".to_owned(), title: "Words".to_owned(), body: facts(&rows) }
}

#[cfg(test)]
mod tests;
