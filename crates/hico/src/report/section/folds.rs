//! Fold by fold and seed by seed: the epochs chosen, the sizes, the figures, how fast it learnt, and what went wrong.

use super::Section;
use super::pretraining::thinned;
use crate::evaluate::outcome::{Candidate, ClipPrediction, CurvePoint, Evaluation, FoldRun};
use crate::metrics::argmax;
use crate::report::answer::answer;
use crate::report::chart::line::{Line, LineChart, Shape};
use crate::report::number::{NONE, percent, percent_or_none, points};
use crate::report::tables::{Row, Table, text};
use crate::report::thumbnail::example;
use hico_data::Dataset;
use maud::{Markup, html};
use std::collections::{BTreeMap, HashMap};

/// Clips called wrong that are shown.
const MISTAKES: usize = 20;

/// The folds of every candidate.
pub(crate) fn section(evaluation: &Evaluation, prefix: &str, suffix: &str) -> Section {
    let body = html! {
        (overview(evaluation))
        div .charts { (learning(evaluation, prefix)) }
        @for candidate in &evaluation.candidates {
            details {
                summary { (candidate.name) ": every fold and seed" }
                (runs(evaluation, candidate))
            }
        }
    };
    Section { id: format!("{prefix}folds"), title: format!("Fold by fold{suffix}"), body }
}

/// One row a candidate, one column a fold.
fn overview(evaluation: &Evaluation) -> Markup {
    let folds = &evaluation.protocol.folds;
    let heads: Vec<String> = folds.iter().map(|fold| format!("fold {fold}")).collect();
    let rows = evaluation.candidates.iter().map(|candidate| {
        let cells = folds.iter().map(|fold| {
            let figures = candidate.runs.iter().filter(|run| run.fold == *fold).map(|run| run.balanced_accuracy);
            text(mean(figures).map_or_else(|| NONE.to_owned(), percent))
        });
        Row { cells: [text(&candidate.name)].into_iter().chain(cells).collect(), class: "" }
    });
    Table {
        caption: "Balanced accuracy per frame on each test fold, mean over seeds",
        head: ["candidate"].into_iter().chain(heads.iter().map(String::as_str)).collect(),
        rows: rows.collect(),
        figures_from: 1,
    }
    .render()
}

fn runs(evaluation: &Evaluation, candidate: &Candidate) -> Markup {
    let with_published = candidate.runs.iter().any(|run| run.best_on_test.is_some());
    let mut head = vec![
        "fold",
        "seed",
        "groups: train / watch / test",
        "clips: train / watch / test",
        "epoch chosen",
        "balanced accuracy",
    ];
    if with_published {
        head.extend(["best on test fold", "selection bias"]);
    }
    head.push("test groups seen in pretraining");
    let rows = candidate.runs.iter().map(|run| {
        let three = |[train, watch, test]: [usize; 3]| text(format!("{train} / {watch} / {test}"));
        let mut cells = vec![
            text(run.fold.to_string()),
            text(run.seed.to_string()),
            three(run.groups),
            three(run.clips),
            // Epochs are counted from 0 in the record and from 1 for people.
            text(run.chosen_epoch.map_or_else(
                || NONE.to_owned(),
                |epoch| format!("{} of {}", epoch.saturating_add(1), evaluation.protocol.epochs),
            )),
            text(percent(run.balanced_accuracy)),
        ];
        if with_published {
            cells.push(text(percent_or_none(run.best_on_test)));
            cells.push(text(
                run.best_on_test.map_or_else(|| NONE.to_owned(), |best| points(best - run.balanced_accuracy)),
            ));
        }
        cells.push(text(if run.contaminated_groups.is_empty() {
            "none".to_owned()
        } else {
            run.contaminated_groups.join(", ")
        }));
        Row { cells, class: if run.contaminated_groups.is_empty() { "" } else { "spoilt" } }
    });
    let caption = format!("{}: balanced accuracy per frame", candidate.name);
    Table { caption: &caption, head, rows: rows.collect(), figures_from: 1 }.render()
}

/// How fast each candidate learns: figures on the inner validation groups, epoch by epoch, mean over folds and seeds.
fn learning(evaluation: &Evaluation, prefix: &str) -> Markup {
    let curves = |value: fn(&CurvePoint) -> f64| -> Vec<Line> {
        let lines = evaluation.candidates.iter().map(|candidate| Line {
            name: candidate.name.clone(),
            points: thinned(mean_curve(&candidate.runs, value)),
        });
        lines.filter(|line| !line.points.is_empty()).collect()
    };
    let note = "Mean over folds and seeds.".to_owned();
    let accuracy = LineChart {
        id: format!("{prefix}learning"),
        title: "How fast each learns",
        x: "epoch of fine-tuning",
        y: "balanced accuracy, inner validation groups, %",
        lines: curves(|point| point.inner_balanced_accuracy * 100.0),
        shape: Shape::Between([0.0, 100.0]),
        note: Some(note.clone()),
    };
    let loss = LineChart {
        id: format!("{prefix}fine-loss"),
        title: "Fine-tuning loss",
        x: "epoch of fine-tuning",
        y: "training loss, nats",
        lines: curves(|point| point.train_loss),
        shape: Shape::FromZero,
        note: Some(note),
    };
    // Without inner validation groups there is nothing to draw.
    let validated = evaluation.protocol.inner_fraction > 0.0;
    html! { @if validated { (accuracy.render()) } (loss.render()) }
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

/// Clips that the best contender calls wrong, the surest first: a person may find a wrong label or a poor recording.
pub(crate) fn mistakes(
    evaluation: &Evaluation,
    dataset: Option<&Dataset>,
    prefix: &str,
    suffix: &str,
) -> Option<Section> {
    let candidate = answer(evaluation).contender?;
    let seed = candidate.runs.first()?.seed;
    let of_seed = candidate.runs.iter().filter(|run| run.seed == seed);
    let mut wrong: Vec<(&ClipPrediction, usize, f64)> = of_seed
        .flat_map(|run| &run.clips_tested)
        .filter_map(|clip| {
            let called = argmax(&clip.probabilities);
            (called != clip.truth).then(|| (clip, called, clip.probabilities[called]))
        })
        .collect();
    wrong.sort_by(|a, b| b.2.total_cmp(&a.2).then_with(|| a.0.clip.cmp(&b.0.clip)));
    if wrong.is_empty() {
        return None;
    }
    let clips: HashMap<&str, usize> = dataset.map_or_else(HashMap::new, |dataset| {
        dataset.manifest().rows.iter().enumerate().map(|(index, row)| (row.clip.as_str(), index)).collect()
    });
    let class = |index: usize| text(evaluation.data.classes.get(index).map_or("", String::as_str));
    let rows = wrong.iter().take(MISTAKES).map(|(clip, called, probability)| {
        let mut cells =
            vec![text(&clip.clip), text(&clip.group), class(clip.truth), class(*called), text(percent(*probability))];
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
    let caption = format!("{}: {} clips classified wrong, seed {seed}", candidate.name, wrong.len());
    let table = Table { caption: &caption, head, rows: rows.collect(), figures_from: 4 };
    let body = html! {
        p .note { "The surest mistakes first; look at these clips: a label may be wrong, or a recording poor." }
        details {
            summary { (wrong.len().min(MISTAKES)) " of " (wrong.len()) " clips that " (candidate.name) " calls wrong" }
            (table.render())
        }
    };
    Some(Section { id: format!("{prefix}mistakes"), title: format!("Clips called wrong{suffix}"), body })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::synthetic;

    #[test]
    fn a_mean_curve_counts_an_epoch_by_the_runs_that_reached_it() {
        let mut runs = synthetic::evaluation(2, 1).candidates.pop().unwrap().runs;
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

    #[test]
    fn the_surest_mistake_stands_first() {
        let mut evaluation = synthetic::evaluation(2, 1);
        let clip = &mut evaluation.candidates[4].runs[0].clips_tested[0];
        clip.probabilities = vec![0.0; 3];
        clip.probabilities[(clip.truth + 1) % 3] = 1.0;
        let name = clip.clip.clone();
        let html = mistakes(&evaluation, None, "", "").unwrap().body.into_string();
        let first = html.split("<tbody><tr><th scope=\"row\">").nth(1).unwrap();
        assert!(first.starts_with(&name), "{first}");
    }
}
