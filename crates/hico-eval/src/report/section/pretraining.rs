//! How pretraining went: loss, learning rate, speed, and the health of the representation.

use super::{Section, Severity, alert};
use crate::report::chart::line::{Line, LineChart, Shape};
use crate::report::history::{End, History, Steps};
use crate::report::number::{NONE, count, counted, decimal, duration, percent, percent_or_none, significant};
use crate::report::source::{Family, Pretraining};
use crate::report::tables::{Row, Table, text};
use hico_train::journal::{EpochEntry, Health};
use maud::{Markup, html};
use std::collections::BTreeMap;

/// Points of a curve: as many as can be told apart at the width of a figure.
const POINTS: usize = 240;
/// Points of a noisy curve, each the mean of more steps.
const NOISY_POINTS: usize = 80;
/// Warnings of one run that are shown.
const WARNINGS: usize = 8;

/// The name of the loss's sum in the journal.
const TOTAL: &str = "total";

/// The answer where nothing has been evaluated yet.
pub(crate) fn without_study(families: &[Family]) -> Section {
    let runs = families.iter().map(|family| family.runs.len()).sum::<usize>();
    let body = html! {
        div .answer.open {
            p .word { "Nothing evaluated yet" }
            p .sentence {
                (counted(runs, "pretraining run", "pretraining runs"))
                " and no evaluation: the curves below say how training went, not what it is worth. `hico crossval` evaluates it."
            }
        }
    };
    Section { id: "answer".to_owned(), title: "The answer".to_owned(), body }
}

/// The runs of one folder: a table, and every curve with a line a run.
pub(crate) fn section(family: &Family, prefix: &str, suffix: &str) -> Section {
    let runs: Vec<&Pretraining> = family.runs.iter().collect();
    let body = html! {
        (alerts(&runs))
        (overview(&runs))
        h3 { "Loss, learning rate and speed" }
        div .charts { @for chart in training_charts(&runs, prefix) { (chart.render()) } }
        h3 { "Health of the representation" }
        p .note { "Measured on validation groups, which are not trained on." }
        div .charts { @for chart in health_charts(&runs, prefix) { (chart.render()) } }
    };
    Section { id: format!("{prefix}pretraining"), title: format!("Pretraining{suffix}"), body }
}

fn alerts(runs: &[&Pretraining]) -> Markup {
    html! {
        @for run in runs {
            @if let End::Stopped { reason } = &run.history.end {
                (alert(Severity::Care, &format!("{}: stopped before its last epoch: {reason}", run.name)))
            }
            @for (epoch, message) in run.history.warnings.iter().take(WARNINGS) {
                (alert(Severity::Care, &format!("{}, epoch {}: {message}", run.name, epoch + 1)))
            }
            @if let Some(more) = run.history.warnings.len().checked_sub(WARNINGS).filter(|more| *more > 0) {
                (alert(Severity::Care, &format!("{}: {more} more warnings in its journal.", run.name)))
            }
        }
    }
}

fn overview(runs: &[&Pretraining]) -> Markup {
    let rows = runs.iter().map(|run| {
        let history = &run.history;
        let last = history.last_epoch();
        let health =
            |value: fn(&Health) -> Option<f64>| history.epochs.values().rev().find_map(|entry| value(&entry.health));
        let steps = &history.steps;
        let seconds: f64 = steps.seconds.iter().sum();
        let share = |part: &[f64]| if seconds > 0.0 { part.iter().sum::<f64>() / seconds } else { f64::NAN };
        let loss = last.and_then(|entry| entry.losses.get(TOTAL)).copied();
        let cells = [
            run.name.clone(),
            state(history),
            format!("{} of {}", count(history.epochs.len() as f64), count(history.epochs_planned as f64)),
            count(history.steps_done() as f64),
            duration(last.map_or(seconds, |entry| entry.seconds)),
            decimal(share(&steps.images), 1),
            percent(share(&steps.data_seconds)),
            loss.map_or_else(|| NONE.to_owned(), significant),
            health(|health| health.val_loss).map_or_else(|| NONE.to_owned(), significant),
            percent_or_none(health(|health| health.knn_balanced_accuracy)),
            health(|health| health.embedding_rank).map_or_else(|| NONE.to_owned(), |rank| decimal(rank, 1)),
        ];
        Row { cells: cells.into_iter().map(text).collect(), class: "" }
    });
    let head = vec![
        "run",
        "state",
        "epochs",
        "steps",
        "time",
        "images/s",
        "waiting for data",
        "last loss",
        "validation loss",
        "kNN",
        "rank",
    ];
    Table { caption: "Runs", head, rows: rows.collect(), figures_from: 2 }.render()
}

fn state(history: &History) -> String {
    let state = match &history.end {
        End::Finished { .. } => "finished",
        End::Stopped { .. } => "stopped early",
        End::Open if history.cut => "killed or running (journal cut)",
        End::Open if history.version.is_none() => "no journal",
        End::Open => "killed or running",
    };
    match history.resumed.len() {
        0 => state.to_owned(),
        1 => format!("{state}, resumed once"),
        many => format!("{state}, resumed {many} times"),
    }
}

fn training_charts(runs: &[&Pretraining], prefix: &str) -> Vec<LineChart<'static>> {
    let by_step = |value: fn(&Steps, usize) -> f64| lines(runs, |history| history.binned(NOISY_POINTS, value));
    let total = lines(runs, |history| {
        history.binned(POINTS, |steps, row| steps.losses.get(TOTAL).map_or(f64::NAN, |column| column[row]))
    });
    let (terms, note) = terms(runs);
    let chart = |id: &str, title, y, lines, shape, note: Option<String>| LineChart {
        id: format!("{prefix}{id}"),
        title,
        x: "epoch",
        y,
        lines,
        shape,
        note,
    };
    vec![
        chart("loss", "Training loss", "total loss, nats", total, Shape::Free, None),
        chart("terms", "Training loss by term", "loss, nats", terms, Shape::FromZero, Some(note)),
        chart(
            "rate",
            "Learning rate",
            "learning rate",
            lines(runs, |history| history.binned(POINTS, |steps, row| steps.learning_rate[row])),
            Shape::FromZero,
            None,
        ),
        chart(
            "gradient",
            "Gradient norm",
            "norm before clipping",
            by_step(|steps, row| steps.gradient_norm[row]),
            Shape::FromZero,
            None,
        ),
        chart(
            "speed",
            "Speed",
            "images a second",
            by_step(|steps, row| steps.images[row] / steps.seconds[row]),
            Shape::FromZero,
            None,
        ),
        chart(
            "wait",
            "Waiting for data",
            "fraction of the step, %",
            by_step(|steps, row| 100.0 * steps.data_seconds[row] / steps.seconds[row]),
            Shape::FromZero,
            Some("Above some 10\u{a0}%, more threads or smaller stored frames would make training faster.".to_owned()),
        ),
    ]
}

fn health_charts(runs: &[&Pretraining], prefix: &str) -> Vec<LineChart<'static>> {
    let chart = |id: &str, title, y, value: fn(&EpochEntry) -> Option<f64>, shape, note: &str| LineChart {
        id: format!("{prefix}{id}"),
        title,
        x: "epoch",
        y,
        lines: lines(runs, |history| thinned(history.by_epoch(value))),
        shape,
        note: Some(note.to_owned()),
    };
    vec![
        chart(
            "knn",
            "Nearest neighbours",
            "balanced accuracy, %",
            |entry| entry.health.knn_balanced_accuracy.map(|share| share * 100.0),
            Shape::Between([0.0, 100.0]),
            "5 nearest neighbours of validation frames among training frames. It should rise.",
        ),
        chart(
            "watch",
            "Loss on validation groups",
            "loss, nats",
            |entry| entry.health.val_loss,
            Shape::Free,
            "The best checkpoint is the lowest point, but for methods with a teacher, which keep the last. A rise while the \
             training loss falls is over-fitting.",
        ),
        chart(
            "rank",
            "Rank of the embeddings",
            "effective rank",
            |entry| entry.health.embedding_rank,
            Shape::FromZero,
            "How many directions the global embeddings use. Towards 1, they have collapsed.",
        ),
        chart(
            "alignment",
            "Alignment",
            "mean squared distance",
            |entry| entry.health.alignment,
            Shape::FromZero,
            "Between two views of a clip; smaller is closer. Exactly 0 is a collapse.",
        ),
        chart(
            "uniformity",
            "Uniformity",
            "log potential",
            |entry| entry.health.uniformity,
            Shape::Free,
            "Between clips; more negative is more spread out. 0 is a collapse.",
        ),
    ]
}

fn lines(runs: &[&Pretraining], points: impl Fn(&History) -> Vec<[f64; 2]>) -> Vec<Line> {
    let lines = runs.iter().map(|run| Line { name: run.name.clone(), points: points(&run.history) });
    lines.filter(|line| !line.points.is_empty()).collect()
}

/// Every term but the total: of one run step by step, of several the mean over runs epoch by epoch.
fn terms(runs: &[&Pretraining]) -> (Vec<Line>, String) {
    let note = "Every term as it enters the sum, before its weight";
    if let [run] = runs {
        let history = &run.history;
        let names = history.steps.losses.keys().filter(|name| *name != TOTAL);
        let curve = |name: &String| {
            history.binned(POINTS, |steps, row| steps.losses.get(name).map_or(f64::NAN, |column| column[row]))
        };
        return (names.map(|name| Line { name: readable(name), points: curve(name) }).collect(), format!("{note}."));
    }
    let mut sums: BTreeMap<&str, BTreeMap<usize, (f64, usize)>> = BTreeMap::new();
    for entry in runs.iter().flat_map(|run| run.history.epochs.values()) {
        for (name, value) in entry.losses.iter().filter(|(name, value)| *name != TOTAL && value.is_finite()) {
            let (sum, number) = sums.entry(name).or_default().entry(entry.epoch).or_default();
            *sum += value;
            *number += 1;
        }
    }
    let lines = sums.into_iter().map(|(name, epochs)| {
        let points = epochs.into_iter().map(|(epoch, (sum, number))| [epoch as f64 + 1.0, sum / number as f64]);
        Line { name: readable(name), points: thinned(points.collect()) }
    });
    (lines.collect(), format!("{note}; mean over {} runs, epoch by epoch.", runs.len()))
}

/// At most [`POINTS`] of them, the first and the last included.
pub(crate) fn thinned(points: Vec<[f64; 2]>) -> Vec<[f64; 2]> {
    if points.len() <= POINTS {
        return points;
    }
    let last = points.len() - 1;
    (0..POINTS).map(|index| points[index * last / (POINTS - 1)]).collect()
}

/// `cross_global_local` as words.
fn readable(name: &str) -> String {
    name.replace('_', " ")
}
