//! Figures of one table, its comparisons, and what was changed in ablations.

use super::{evaluation, labels, rows};
use crate::compare::summary::{Compared, Judged, Summary, Table};
use crate::evaluate::outcome::Estimate;
use crate::report::chart::forest::{Forest, Mark, Row as Line, Rule};
use crate::report::number::{NONE, interval_on_chart, p_value, percent, points, points_interval_in_words};
use crate::report::section::Section;
use crate::report::tables::{Row, Table as Grid, text};
use maud::{Markup, html};

/// Returns one evaluation with one label budget: every method, and the comparisons.
pub(super) fn scores(table: &Table, summary: &Summary) -> Markup {
    let title = format!("{}, {}", evaluation(table.evaluation), labels(table.labels));
    let best =
        table.asked().filter_map(|entry| tested(table, &entry.method, summary)).fold(f64::NEG_INFINITY, f64::max);
    let row = |(cells, method): (Vec<String>, &String)| Row {
        cells: cells.into_iter().map(text).collect(),
        class: if tested(table, method, summary) == Some(best) { "best" } else { "" },
    };
    let cells = rows::rows(table, summary.seeds.len()).into_iter();
    let rows = cells.zip(table.asked().map(|entry| &entry.method)).map(row).collect();
    let caption = format!("{}: {title}", table.data);
    html! {
        h3 { (title) }
        (Grid { caption: &caption, head: rows::heads(table), rows, figures_from: 1 }.render())
        (comparisons(table, summary))
    }
}

/// A method's figure that comparisons test.
fn tested(table: &Table, method: &str, summary: &Summary) -> Option<f64> {
    let entry = table.entries.iter().find(|entry| entry.method == *method)?;
    Some(entry.scores.as_ref()?.patient.of(summary.metric)?.mean)
}

fn comparisons(table: &Table, summary: &Summary) -> Markup {
    let row = |compared: &Compared| Line {
        name: rows::name(compared),
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
    let metric = rows::metric(summary.metric);
    let title =
        format!("{}, {}: differences in {metric} per patient", evaluation(table.evaluation), labels(table.labels));
    let chart = Forest {
        id: format!("forest-{}-{}-{}", table.data, table.evaluation, table.labels),
        title: &title,
        x: "points",
        rows: table.comparisons.iter().map(row).collect(),
        rules: vec![Rule { value: 0.0, name: "no difference" }],
        bounds: [-100.0, 100.0],
        note: Some("Paired over the same patients; intervals over patients and seeds.".to_owned()),
    };
    html! {
        (chart.render())
        ul .note { @for compared in &table.comparisons { li { (rows::difference(compared, summary.tests)) } } }
    }
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
        let cell = |table: &Table, name: &String| match (tested(table, name, summary), tested(table, base, summary)) {
            (Some(figure), Some(_)) if name == base => text(percent(figure)),
            (Some(figure), Some(whole)) => text(points(figure - whole)),
            _ => text(NONE),
        };
        let rows = changed.map(|(name, _)| Row {
            cells: std::iter::once(text(name)).chain(tables.iter().map(|table| cell(table, name))).collect(),
            class: if name == base { "best" } else { "" },
        });
        let heads: Vec<String> =
            tables.iter().map(|table| format!("{}, {}", evaluation(table.evaluation), labels(table.labels))).collect();
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

/// How much higher one method's curve lies than another's.
pub(super) fn areas(judged: &Judged, summary: &Summary) -> Markup {
    let curves = summary.curves.iter().filter(|curve| curve.data == judged.name);
    let rows: Vec<Row> = curves
        .flat_map(|curve| curve.areas.iter().map(move |area| (curve.evaluation, area)))
        .map(|(asked, area)| Row {
            cells: vec![
                text(format!("{} minus {}", area.method, area.baseline)),
                text(evaluation(asked)),
                text(area_in_words(&area.difference)),
            ],
            class: "",
        })
        .collect();
    if rows.is_empty() {
        return html! {};
    }
    let head = vec!["curves", "evaluation", "difference in mean height, points"];
    Grid { caption: "Area under the curve over the images seen", head, rows, figures_from: 2 }.render()
}

/// A difference in area with its interval.
pub(super) fn area_in_words(difference: &Estimate) -> String {
    format!("{} ({})", points(difference.mean), points_interval_in_words(difference))
}
