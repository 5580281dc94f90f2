//! Fold by fold and seed by seed: the epochs chosen, the sizes, the figures, how fast it learnt, calibration, and what went wrong.

use super::verdict::Verdict;
use super::{Detailed, Part, title};
use crate::compare::settings::ModelSelection;
use crate::compare::summary::{DataFacts, FoldRun, MISTAKES, Table};
use crate::outcome::CalibrationScores;
use crate::report::chart::line::{Line, LineChart, Shape};
use crate::report::number::{NONE, decimal, percent, percent_or_none, points};
use crate::report::section::Section;
use crate::report::section::pretraining::thinned;
use crate::report::tables::{Row, Table as Grid, text};
use crate::report::thumbnail::example;
use crate::stats;
use hico_data::Dataset;
use hico_model::rows::argmax;
use hico_train::tuning_state::CurvePoint;
use maud::{Markup, html};
use std::collections::{BTreeMap, HashMap};

/// Returns the folds of every method, how they learnt, and the clips that the best pretrained method calls wrong.
///
/// - `dataset`: where pictures are taken from
pub(super) fn sections(part: &Part<'_>, data: &DataFacts, table: &Table, dataset: Option<&Dataset>) -> Vec<Section> {
    let methods = part.in_detail(table);
    if methods.is_empty() {
        return Vec::new();
    }
    let body = html! {
        (overview(data, &methods))
        div .charts { (learning(part, table, &methods)) }
        (calibration(&methods))
        @for method in &methods {
            details {
                summary { (method.name) ": every fold and seed" }
                (runs(method))
            }
        }
    };
    let id = |of: &str| part.id(&format!("{of}-{}-{}", data.name, table.evaluation));
    let folds = Section { id: id("folds"), title: format!("Fold by fold: {}{}", title(table), part.suffix), body };
    let wrong = mistakes(part, data, table, dataset).map(|body| Section {
        id: id("mistakes"),
        title: format!("Clips called wrong: {}{}", title(table), part.suffix),
        body,
    });
    std::iter::once(folds).chain(wrong).collect()
}

/// One row a method, one column a fold.
fn overview(data: &DataFacts, methods: &[Detailed<'_>]) -> Markup {
    let heads: Vec<String> = data.folds.iter().map(|fold| format!("fold {fold}")).collect();
    let rows = methods.iter().map(|method| {
        let cells = data.folds.iter().map(|fold| {
            let figures = method.scores.runs.iter().filter(|run| run.fold == *fold).map(|run| run.balanced_accuracy);
            text(mean(figures).map_or_else(|| NONE.to_owned(), percent))
        });
        Row { cells: std::iter::once(text(method.name)).chain(cells).collect(), class: "" }
    });
    Grid {
        caption: "Balanced accuracy per frame on each test fold, mean over seeds",
        head: std::iter::once("method").chain(heads.iter().map(String::as_str)).collect(),
        rows: rows.collect(),
        figures_from: 1,
    }
    .render()
}

fn runs(method: &Detailed<'_>) -> Markup {
    let runs = &method.scores.runs;
    let with_published = runs.iter().any(|run| run.best_on_test.is_some());
    let mut head = vec![
        "fold",
        "seed",
        "groups: train / validation / test",
        "clips: train / validation / test",
        "epoch",
        "balanced accuracy",
    ];
    if with_published {
        head.extend(["best on test fold", "selection bias"]);
    }
    head.push("test groups seen in pretraining");
    let row = |run: &FoldRun| {
        let three = |[train, inner, test]: [usize; 3]| text(format!("{train} / {inner} / {test}"));
        // Epochs are counted from 0 in the record and from 1 for people.
        let epoch = run.chosen_epoch.map(|epoch| format!("{} of {}", epoch.saturating_add(1), run.curve.len()));
        let mut cells = vec![
            text(run.fold.to_string()),
            text(run.seed.to_string()),
            three(run.groups),
            three(run.clips),
            text(epoch.unwrap_or_else(|| NONE.to_owned())),
            text(percent(run.balanced_accuracy)),
        ];
        if with_published {
            let bias = run.best_on_test.map(|best| points(best - run.balanced_accuracy));
            cells.push(text(percent_or_none(run.best_on_test)));
            cells.push(text(bias.unwrap_or_else(|| NONE.to_owned())));
        }
        let seen = if run.seen_groups.is_empty() { "none".to_owned() } else { run.seen_groups.join(", ") };
        cells.push(text(seen));
        Row { cells, class: if run.seen_groups.is_empty() { "" } else { "contaminated" } }
    };
    let caption = format!("{}: balanced accuracy per frame", method.name);
    Grid { caption: &caption, head, rows: runs.iter().map(row).collect(), figures_from: 1 }.render()
}

/// How fast each method is fine-tuned: figures on the inner validation groups, epoch by epoch, mean over folds and seeds.
fn learning(part: &Part<'_>, table: &Table, methods: &[Detailed<'_>]) -> Markup {
    let curves = |value: fn(&CurvePoint) -> f64| -> Vec<Line> {
        let lines = methods.iter().map(|method| Line {
            name: method.name.to_owned(),
            points: thinned(mean_curve(&method.scores.runs, value)),
        });
        lines.filter(|line| !line.points.is_empty()).collect()
    };
    let chart = |id: &str, title, y, lines, shape| LineChart {
        id: part.id(&format!("{id}-{}-{}", table.data, table.evaluation)),
        title,
        x: "epoch of fine-tuning",
        y,
        lines,
        shape,
        note: Some("Mean over folds and seeds.".to_owned()),
    };
    let accuracy = curves(|point| point.inner_balanced_accuracy * 100.0);
    let between = Shape::Between([0.0, 100.0]);
    let y = "balanced accuracy, inner validation groups, %";
    // Without inner validation groups there is nothing to draw.
    let validated = part.summary.evaluation.model_selection == ModelSelection::InnerValidation;
    let loss = curves(|point| point.train_loss);
    html! {
        @if validated && !accuracy.is_empty() { (chart("learning", "How fast each learns", y, accuracy, between).render()) }
        @if !loss.is_empty() {
            (chart("fine-loss", "Fine-tuning loss", "training loss, nats", loss, Shape::FromZero).render())
        }
    }
}

fn mean_curve(runs: &[FoldRun], value: fn(&CurvePoint) -> f64) -> Vec<[f64; 2]> {
    let mut by_epoch: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
    for point in runs.iter().flat_map(|run| &run.curve) {
        by_epoch.entry(point.epoch).or_default().push(value(point));
    }
    let means =
        by_epoch.into_iter().filter_map(|(epoch, values)| Some([epoch as f64 + 1.0, mean(values.into_iter())?]));
    means.collect()
}

/// The mean of what is finite.
fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let finite: Vec<f64> = values.filter(|value| value.is_finite()).collect();
    (!finite.is_empty()).then(|| finite.iter().sum::<f64>() / finite.len() as f64)
}

/// How far confidence and truth are apart, before and after calibration; nothing where no network was fine-tuned.
fn calibration(methods: &[Detailed<'_>]) -> Markup {
    let row = |method: &Detailed<'_>| {
        let CalibrationScores { temperatures, frame, clip } = method.scores.calibration.as_ref()?;
        let mut cells = vec![text(method.name), text(decimal(stats::mean(temperatures)?, 2))];
        cells.extend([frame, clip].into_iter().flatten().map(|error| text(percent(*error))));
        Some(Row { cells, class: "" })
    };
    let rows: Vec<Row> = methods.iter().filter_map(row).collect();
    let head = vec!["method", "temperature", "frame, before", "frame, after", "clip, before", "clip, after"];
    let caption = "Expected calibration error on tested folds";
    html! {
        @if !rows.is_empty() {
            (Grid { caption, head, rows, figures_from: 1 }.render())
            p .note {
                "How far confidence and truth are apart, over ten bins of confidence; 0\u{a0}% is true. Logits are divided by a "
                "temperature, the likeliest for each network on its inner validation groups; above 1 it was too sure. "
                "Few tested clips make this error look larger than it is."
            }
        }
    }
}

/// Clips that the best pretrained method calls wrong, the surest first: a person may find a wrong label or a poor recording.
fn mistakes(part: &Part<'_>, data: &DataFacts, table: &Table, dataset: Option<&Dataset>) -> Option<Markup> {
    let method = Verdict::of(table, part.summary).pretrained()?;
    let wrong = &method.scores.as_ref()?.mistakes;
    if wrong.is_empty() {
        return None;
    }
    let clips: HashMap<&str, usize> = dataset.map_or_else(HashMap::new, |dataset| {
        dataset.manifest().rows.iter().enumerate().map(|(index, row)| (row.clip.as_str(), index)).collect()
    });
    let class = |index: usize| text(data.classes.get(index).map_or("", |class| class.name.as_str()));
    let rows = wrong.iter().map(|clip| {
        let called = argmax(&clip.probabilities);
        let sure = text(percent(clip.probabilities[called]));
        let mut cells = vec![text(&clip.clip), text(&clip.group), class(clip.truth), class(called), sure];
        if let Some(dataset) = dataset {
            let example = clips.get(clip.clip.as_str()).and_then(|&index| example(dataset, index));
            cells.push(html! {
                @if let Some(example) = example {
                    img .small src=(example.picture) alt=(format!("Middle frame of clip {}", example.clip));
                }
            });
        }
        Row { cells, class: "" }
    });
    let mut head = vec!["clip", "group", "is", "called", "probability"];
    head.extend(dataset.map(|_| "middle frame"));
    let caption = format!("{}: clips classified wrong with the first seed", method.method);
    let grid = Grid { caption: &caption, head, rows: rows.collect(), figures_from: 4 };
    Some(html! {
        p .note { "The surest mistakes first; look at these clips: a label may be wrong, or a recording poor." }
        details {
            summary { "Clips that " (method.method) " calls wrong, at most " (MISTAKES) }
            (grid.render())
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::synthetic;

    #[test]
    fn a_mean_curve_counts_an_epoch_by_the_runs_that_reached_it() {
        let table = synthetic::summary(2, 1).tables.pop().unwrap();
        let mut runs = table.entries.into_iter().find_map(|entry| entry.scores).unwrap().runs;
        runs.truncate(2);
        for (run, level) in runs.iter_mut().zip([0.2, 0.4]) {
            run.curve.truncate(2);
            run.curve.iter_mut().for_each(|point| point.inner_balanced_accuracy = level);
        }
        runs[1].curve.truncate(1);
        let curve = mean_curve(&runs, |point| point.inner_balanced_accuracy);
        assert!((curve[0][1] - 0.3).abs() < 1e-12 && (curve[1][1] - 0.2).abs() < 1e-12, "{curve:?}");
        assert_eq!(curve[0][0], 1.0, "people count epochs from 1");
    }
}
