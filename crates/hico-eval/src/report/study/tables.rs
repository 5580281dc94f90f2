//! Figures of one table, its comparisons, and what was changed in ablations.

use super::verdict::{is_contaminated, tested as tested_figure};
use super::{Part, evaluation, labels, rows};
use crate::compare::summary::{Compared, DataFacts, MethodEntry, Role, Summary, Table};
use crate::outcome::Metric;
use crate::report::chart::forest::{Forest, Mark, Row as Line, Rule};
use crate::report::number::{NONE, interval, interval_on_chart, p_value, percent, points, points_interval_in_words};
use crate::report::section::Section;
use crate::report::tables::{Row, Table as Grid, text};
use hico_model::estimate::Estimate;
use maud::{Markup, html};

/// Returns one evaluation with one label budget: every method, and the comparisons.
pub(super) fn scores(part: &Part<'_>, table: &Table) -> Markup {
    let summary = part.summary;
    let title = format!("{}, {}", evaluation(table.evaluation), labels(table.labels));
    let best =
        table.asked().filter_map(|entry| tested(table, &entry.method, summary)).fold(f64::NEG_INFINITY, f64::max);
    let row = |(cells, entry): (Vec<String>, &MethodEntry)| {
        let name = part.name(&entry.method, is_contaminated(entry));
        let figures = cells.into_iter().skip(1).map(text);
        Row {
            cells: std::iter::once(name).chain(figures).collect(),
            class: match tested(table, &entry.method, summary) {
                _ if is_contaminated(entry) => "contaminated",
                figure if figure == Some(best) => "best",
                _ => "",
            },
        }
    };
    let cells = rows::rows(table, summary.seeds.len()).into_iter();
    let rows = cells.zip(table.asked()).map(row).collect();
    let caption = format!("{}: {title}, per patient", table.data);
    html! {
        h3 { (title) }
        (Grid { caption: &caption, head: rows::heads(table), rows, figures_from: 1 }.render())
        div .charts {
            (reached(part, table))
            (comparisons(part, table))
        }
        ul .note {
            @for compared in &table.comparisons { li { (rows::difference(compared, summary)) } }
            @if let Some(words) = rows::coverage(table) { li { (words) } }
        }
        (strata(part, table))
    }
}

fn strata(part: &Part<'_>, table: &Table) -> Markup {
    let data = part.summary.data.iter().find(|data| data.name == table.data);
    let heads = rows::strata_heads(table, data.map_or(&[], |data| &data.classes));
    let rows = rows::strata(table).into_iter();
    let rows = rows.map(|cells| Row { cells: cells.into_iter().map(text).collect(), class: "" });
    let caption = format!("{}, {}: by file type and size", evaluation(table.evaluation), labels(table.labels));
    let head = heads.iter().map(String::as_str).collect();
    html! {
        @if !table.strata.is_empty() {
            (Grid { caption: &caption, head, rows: rows.collect(), figures_from: 1 }.render())
            p .note { (rows::STRATA) }
        }
    }
}

/// The tested figure of each method with its interval.
fn reached(part: &Part<'_>, table: &Table) -> Markup {
    let summary = part.summary;
    let row = |entry: &MethodEntry| {
        let figure = tested_figure(entry.scores.as_ref()?, summary)?;
        Some(Line {
            name: entry.method.clone(),
            text: format!("{} ({})", percent(figure.mean), interval(figure)),
            mean: figure.mean * 100.0,
            interval: interval_on_chart(figure),
            second: None,
            mark: match part.role(&entry.method) {
                _ if is_contaminated(entry) => Mark::Contaminated,
                Some(Role::Pretrained) => Mark::Pretrained,
                _ => Mark::Baseline,
            },
        })
    };
    let metric = rows::metric(summary.evaluation.metric);
    let classes = summary.data.iter().find(|data| data.name == table.data).map_or(1, |data| data.classes.len());
    let chance = match summary.evaluation.metric {
        Metric::BalancedAccuracy => 1.0 / classes.max(1) as f64,
        Metric::MacroAuc => 0.5,
    };
    let title = format!("{}, {}: {metric} per patient", evaluation(table.evaluation), labels(table.labels));
    Forest {
        id: part.id(&format!("reached-{}-{}-{}", table.data, table.evaluation, table.labels)),
        title: &title,
        x: "%",
        rows: table.asked().filter_map(row).collect(),
        rules: vec![Rule { value: chance * 100.0, name: "chance" }],
        bounds: [0.0, 100.0],
        note: Some("Squares are baselines, dots are pretrained; lines are 95\u{a0}% intervals.".to_owned()),
    }
    .render()
}

/// A method's figure that comparisons test.
fn tested(table: &Table, method: &str, summary: &Summary) -> Option<f64> {
    let entry = table.entries.iter().find(|entry| entry.method == *method)?;
    Some(tested_figure(entry.scores.as_ref()?, summary)?.mean)
}

fn comparisons(part: &Part<'_>, table: &Table) -> Markup {
    let summary = part.summary;
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
        mark: Mark::Pretrained,
    };
    let metric = rows::metric(summary.evaluation.metric);
    let title =
        format!("{}, {}: differences in {metric} per patient", evaluation(table.evaluation), labels(table.labels));
    let chart = Forest {
        id: part.id(&format!("forest-{}-{}-{}", table.data, table.evaluation, table.labels)),
        title: &title,
        x: "points",
        rows: table.comparisons.iter().map(row).collect(),
        rules: vec![Rule { value: 0.0, name: "no difference" }],
        bounds: [-100.0, 100.0],
        note: Some("Paired over the same patients; intervals over patients and seeds.".to_owned()),
    };
    chart.render()
}

/// What each change of a method is worth, beside the method itself.
pub(super) fn ablations(part: &Part<'_>, data: &DataFacts, tables: &[&Table]) -> Option<Section> {
    let summary = part.summary;
    let bases: Vec<&String> = {
        let mut bases: Vec<&String> = summary.methods.iter().filter_map(|method| method.ablates.as_ref()).collect();
        bases.dedup();
        bases
    };
    if bases.is_empty() {
        return None;
    }
    let ablation = |base: &String| {
        let changed = summary.methods.iter().filter(|of| of.name == *base || of.ablates.as_ref() == Some(base));
        let cell = |table: &Table, name: &String| match (tested(table, name, summary), tested(table, base, summary)) {
            (Some(figure), Some(_)) if name == base => text(percent(figure)),
            (Some(figure), Some(whole)) => text(points(figure - whole)),
            _ => text(NONE),
        };
        let rows = changed.map(|method| &method.name).map(|name| Row {
            cells: std::iter::once(text(name)).chain(tables.iter().map(|table| cell(table, name))).collect(),
            class: if name == base { "best" } else { "" },
        });
        let heads: Vec<String> =
            tables.iter().map(|table| format!("{}, {}", evaluation(table.evaluation), labels(table.labels))).collect();
        let head = std::iter::once("method").chain(heads.iter().map(String::as_str)).collect();
        let caption = format!("{base}, and what each change adds, in points");
        Grid { caption: &caption, head, rows: rows.collect(), figures_from: 1 }.render()
    };
    let body = html! {
        @for base in bases { (ablation(base)) }
        p .note { "Intervals of these differences stand above where the study compares them." }
    };
    Some(part.section("ablation", "Ablation", &data.name, body))
}

/// How much higher one method's curve lies than another's.
pub(super) fn areas(data: &DataFacts, summary: &Summary) -> Markup {
    let curves = summary.curves.iter().filter(|curve| curve.data == data.name);
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
