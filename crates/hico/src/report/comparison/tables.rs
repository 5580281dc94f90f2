//! Figures of one table, its comparisons, and what was changed in ablations.

use super::{labels, way};
use crate::compare::summary::{Compared, Entry, Judged, Summary, Table};
use crate::report::chart::forest::{Forest, Mark, Row as Line};
use crate::report::number::{
    NONE, count, decimal, duration, interval, interval_on_chart, p_value, percent, points, points_interval_in_words,
    spread,
};
use crate::report::section::Section;
use crate::report::tables::{Row, Table as Grid, text};
use maud::{Markup, html};

/// One way with one label budget: every method, and the comparisons.
pub(super) fn scores(table: &Table, summary: &Summary) -> Markup {
    let title = format!("{}, {}", way(table.way), labels(table.labels));
    let published = table.entries.iter().any(|entry| entry.scores.as_ref().is_some_and(|s| s.published.is_some()));
    let mut head = vec!["method", "per clip", "per frame", "macro F1", "AUC", "images", "pretraining", "seeds"];
    if published {
        head.extend(["published", "optimism"]);
    }
    let best = table
        .entries
        .iter()
        .filter_map(|entry| entry.scores.as_ref())
        .map(|scores| scores.balanced_accuracy.mean)
        .fold(f64::NEG_INFINITY, f64::max);
    let rows = table.asked().map(|entry| row(entry, published, best, summary.seeds.len())).collect();
    let caption = format!("{}: {title}", table.data);
    html! {
        h3 { (title) }
        (Grid { caption: &caption, head, rows, figures_from: 1 }.render())
        (comparisons(table))
    }
}

fn row(entry: &Entry, published: bool, best: f64, seeds: usize) -> Row {
    let done = format!("{} of {seeds}", entry.seeds.len());
    let Some(scores) = &entry.scores else {
        let mut cells = vec![text(&entry.method)];
        cells.extend(std::iter::repeat_with(|| text(NONE)).take(6));
        cells.push(text(done));
        cells.extend(std::iter::repeat_with(|| text(NONE)).take(if published { 2 } else { 0 }));
        return Row { cells, class: "" };
    };
    let estimate = &scores.balanced_accuracy;
    let mut cells = vec![
        text(&entry.method),
        html! {
            span .value { (percent(estimate.mean)) }
            @if let Some(spread) = spread(estimate) { " " span .spread { (spread) } }
            span .interval { (interval(estimate)) }
        },
        text(percent(scores.frame_balanced_accuracy)),
        text(decimal(scores.macro_f1, 3)),
        text(scores.auc.map_or_else(|| NONE.to_owned(), |auc| decimal(auc, 3))),
        text(count(scores.images.round())),
        text(duration(scores.seconds)),
        text(done),
    ];
    if published {
        cells.push(text(scores.published.map_or_else(|| NONE.to_owned(), percent)));
        let optimism = scores.published.map(|published| published - scores.frame_balanced_accuracy);
        cells.push(text(optimism.map_or_else(|| NONE.to_owned(), points)));
    }
    Row { cells, class: if estimate.mean == best { "best" } else { "" } }
}

fn comparisons(table: &Table) -> Markup {
    let row = |compared: &Compared| Line {
        name: name(compared),
        text: format!(
            "{}; {}, Holm {}",
            points(compared.comparison.difference.mean),
            p_value(compared.comparison.p_value),
            p_value(compared.p_holm)
        ),
        mean: compared.comparison.difference.mean * 100.0,
        interval: interval_on_chart(&compared.comparison.difference),
        second: None,
        mark: Mark::Contender,
    };
    let title = format!("{}, {}: differences in balanced accuracy per clip", way(table.way), labels(table.labels));
    Forest {
        id: format!("forest-{}-{}-{}", table.data, table.way, table.labels),
        title: &title,
        x: "points",
        rows: table.comparisons.iter().map(row).collect(),
        rules: vec![crate::report::chart::forest::Rule { value: 0.0, name: "no difference" }],
        bounds: [-100.0, 100.0],
        note: Some("Paired over the same clips; intervals by group.".to_owned()),
    }
    .render()
}

/// `better minus baseline`.
pub(super) fn name(compared: &Compared) -> String {
    format!("{} minus {}", compared.comparison.better, compared.comparison.baseline)
}

/// What each change of a method is worth, beside the method itself.
pub(super) fn ablations(judged: &Judged, tables: &[&Table], summary: &Summary) -> Option<Section> {
    let bases: Vec<&String> = {
        let mut bases: Vec<&String> = summary.methods.iter().filter_map(|(_, base)| base.as_ref()).collect();
        bases.dedup();
        bases
    };
    if bases.is_empty() {
        return None;
    }
    let ablation = |base: &String| {
        let changed = summary.methods.iter().filter(|(name, of)| name == base || of.as_ref() == Some(base));
        let cell = |table: &Table, name: &String| {
            let figure = |name: &String| {
                let entry = table.entries.iter().find(|entry| entry.method == *name)?;
                Some(entry.scores.as_ref()?.balanced_accuracy.mean)
            };
            match (figure(name), figure(base)) {
                (Some(figure), Some(_)) if name == base => text(percent(figure)),
                (Some(figure), Some(whole)) => text(points(figure - whole)),
                _ => text(NONE),
            }
        };
        let rows = changed.map(|(name, _)| Row {
            cells: std::iter::once(text(name)).chain(tables.iter().map(|table| cell(table, name))).collect(),
            class: if name == base { "best" } else { "" },
        });
        let heads: Vec<String> =
            tables.iter().map(|table| format!("{}, {}", way(table.way), labels(table.labels))).collect();
        let head = std::iter::once("method").chain(heads.iter().map(String::as_str)).collect();
        let caption = format!("{base}, and what each change adds, in points");
        Grid { caption: &caption, head, rows: rows.collect(), figures_from: 1 }.render()
    };
    Some(Section {
        id: format!("ablation-{}", judged.name),
        title: format!("Ablation: {}", judged.name),
        body: html! {
            @for base in bases { (ablation(base)) }
            p .note { "Intervals of these differences stand above where the study compares them." }
        },
    })
}

/// How soon one method came as far as another.
pub(super) fn overtakings(judged: &Judged, summary: &Summary) -> Markup {
    let share = |share: Option<f64>| text(share.map_or_else(|| "never".to_owned(), percent));
    let rows: Vec<Row> = summary
        .overtakings
        .iter()
        .filter(|overtaking| overtaking.data == judged.name)
        .map(|overtaking| Row {
            cells: vec![
                text(&overtaking.method),
                text(&overtaking.mark),
                text(way(overtaking.way)),
                share(overtaking.share_of_images),
                share(overtaking.share_of_seconds),
            ],
            class: "",
        })
        .collect();
    if rows.is_empty() {
        return html! {};
    }
    let head =
        vec!["method", "reaches the end of", "asked by", "in so many of its images", "in so many of its seconds"];
    Grid { caption: "How soon one method is as far as another at its end", head, rows, figures_from: 3 }.render()
}

/// A line of differences for text.
pub(super) fn difference(compared: &Compared) -> String {
    let comparison = &compared.comparison;
    format!(
        "{}: {} ({}), {}, Holm {}",
        name(compared),
        points(comparison.difference.mean),
        points_interval_in_words(&comparison.difference),
        p_value(comparison.p_value),
        p_value(compared.p_holm)
    )
}
