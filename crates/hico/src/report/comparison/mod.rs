//! What a study found: one page, and the same tables as Markdown and for the terminal.

mod choices;
mod ranks;
mod tables;
mod words;

pub use words::{markdown, terminal};

use super::chart::line::{Line, LineChart, Shape};
use super::number::{counted, duration};
use super::page::{Head, around};
use super::section::{Gravity, Section, alert};
use super::tables::{facts, text};
use crate::compare::row::Way;
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
        sections.extend(label_curves(judged, &tables));
        sections.extend(convergence(judged, summary));
        sections.extend(tables::ablations(judged, &tables, summary));
        sections.extend(ranks::section(judged, &tables));
        sections.extend(choices::section(judged, summary));
    }
    sections.push(glossary());
    around(&Head { brand: "hico compare", title: &summary.title, subtitle: &subtitle }, &sections)
}

/// A way in words.
pub(super) const fn way(way: Way) -> &'static str {
    match way {
        Way::Knn => "nearest neighbours",
        Way::Probe => "linear probe",
        Way::Finetune => "fine-tuning",
        Way::Inner => "probe within the training groups",
    }
}

/// A label budget in words.
pub(super) fn labels(labels: Labels) -> String {
    match labels {
        Labels::All => "all labels".to_owned(),
        Labels::Groups(1) => "labels of 1 patient a class".to_owned(),
        Labels::Groups(groups) => format!("labels of {groups} patients a class"),
    }
}

/// A budget in words.
pub(super) fn budget(budget: Budget) -> String {
    match budget {
        Budget::Images(images) => format!("about {} seen in pretraining", counted(images as usize, "image", "images")),
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
        ("images", text(format!("{0}x{0} pixels, {1} frames a clip judged", summary.side, summary.frames_per_clip))),
        ("time in all", text(duration(summary.seconds))),
        ("version", text(summary.version)),
    ];
    let body = html! {
        @for warning in &summary.warnings { (alert(Gravity::Care, warning)) }
        (facts(&rows))
        p .note {
            "Groups (patients) never cross a fold. A test fold chooses nothing: with all labels a probe's strength and a "
            "fine-tuning's epoch are chosen on held-out training groups; with few labels both are fixed beforehand. "
            "Pretraining that reads labels knows no more of them than its judgement does."
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

/// Balanced accuracy over the number of labelled patients, a chart a way.
fn label_curves(judged: &Judged, tables: &[&Table]) -> Option<Section> {
    let chart = |asked: Way| {
        let mut of_way: Vec<&&Table> = tables.iter().filter(|table| table.way == asked).collect();
        of_way.sort_by_key(|table| table.labels);
        let methods = of_way.first()?.entries.len();
        let line = |method: usize| Line {
            name: of_way[0].entries[method].method.clone(),
            points: of_way
                .iter()
                .filter_map(|table| {
                    let scores = table.entries[method].scores.as_ref()?;
                    let labelled = match table.labels {
                        Labels::Groups(groups) => (groups as f64).log2(),
                        Labels::All => (scores.groups / judged.classes.len().max(1) as f64).log2(),
                    };
                    Some([labelled, scores.balanced_accuracy.mean * 100.0])
                })
                .collect(),
        };
        let lines: Vec<Line> = (0..methods).map(line).filter(|line| line.points.len() > 1).collect();
        let title = format!("{}: {}", judged.name, way(asked));
        let chart = LineChart {
            id: format!("labels-{}-{asked}", judged.name),
            title: &title,
            x: "labelled patients a class, log2",
            y: "balanced accuracy per clip, %",
            lines,
            shape: Shape::Free,
            note: None,
        };
        (!chart.lines.is_empty()).then(|| chart.render())
    };
    let charts: Vec<Markup> = [Way::Knn, Way::Probe, Way::Finetune].into_iter().filter_map(chart).collect();
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
    let chart = |curve: &Curve, over: &str, along: fn(&Point) -> f64| {
        let line = |line: &crate::compare::summary::CurveLine| Line {
            name: line.method.clone(),
            points: line.points.iter().map(|point| [along(point), point.balanced_accuracy * 100.0]).collect(),
        };
        let title = format!("{}: {}, over {over}", judged.name, way(curve.way));
        LineChart {
            id: format!("convergence-{}-{}-{over}", judged.name, curve.way),
            title: &title,
            x: over,
            y: "balanced accuracy per clip, %",
            lines: curve.lines.iter().map(line).collect(),
            shape: Shape::Free,
            note: None,
        }
        .render()
    };
    let body = html! {
        p {
            "Means over folds and seeds. Images are the views that the network saw; seconds are those of the machine that "
            "ran the cell."
        }
        div .charts {
            @for curve in &curves {
                (chart(curve, "images", |point| point.images))
                (chart(curve, "seconds", |point| point.seconds))
            }
        }
        (tables::overtakings(judged, summary))
    };
    Some(Section { id: format!("convergence-{}", judged.name), title: format!("Convergence: {}", judged.name), body })
}

fn glossary() -> Section {
    let rows = [
        ("balanced accuracy", "mean over classes of the share of that class that was told right"),
        (
            "interval",
            "95 % of 2,000 draws of groups with replacement, within each class; folds pooled, mean over seeds",
        ),
        ("±", "standard deviation over seeds"),
        (
            "p",
            "two-sided, by flipping signs of what each group adds to the difference; Holm: corrected for the comparisons of one table",
        ),
        ("published", "the best epoch on the test fold, as often reported; optimism is what it adds per frame"),
    ];
    let rows: Vec<(&str, Markup)> = rows.into_iter().map(|(name, words)| (name, text(words))).collect();
    Section { id: "glossary".to_owned(), title: "Words".to_owned(), body: facts(&rows) }
}

#[cfg(test)]
mod tests;
