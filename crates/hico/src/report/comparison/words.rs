//! The tables as Markdown, and for the terminal.

use super::{budget, choices, labels, tables, way};
use crate::compare::summary::{Entry, Summary, Table};
use crate::report::number::{NONE, counted, decimal, duration, interval, percent, points, spread};
use std::fmt::Write as _;

/// The whole summary as Markdown.
#[must_use]
pub fn markdown(summary: &Summary) -> String {
    let [done, all] = summary.cells;
    let mut text = format!(
        "# {}\n\n{done} of {all} cells; {}; {}; version {}.\n",
        summary.title,
        counted(summary.seeds.len(), "seed", "seeds"),
        budget(summary.budget),
        summary.version,
    );
    summary.warnings.iter().for_each(|warning| line(&mut text, &format!("\n> {warning}")));
    for table in &summary.tables {
        line(&mut text, &format!("\n## {}: {}, {}\n", table.data, way(table.way), labels(table.labels)));
        let published = has_published(table);
        let rows = rows(table, published);
        for (at, row) in rows.iter().enumerate() {
            line(&mut text, &format!("| {} |", row.join(" | ")));
            if at == 0 {
                line(&mut text, &format!("|{}", " --- |".repeat(row.len())));
            }
        }
        if !table.comparisons.is_empty() {
            text.push('\n');
        }
        table.comparisons.iter().for_each(|compared| line(&mut text, &format!("- {}", tables::difference(compared))));
    }
    for choice in &summary.choices {
        line(&mut text, &format!("\n## {}: {}\n\n{}\n", choice.data, choices::title(choice), choices::WORDS));
        line(&mut text, &format!("| {} |", choices::HEAD.join(" | ")));
        line(&mut text, &format!("|{}", " --- |".repeat(choices::HEAD.len())));
        let rows = choice.entries.iter().map(|entry| choices::cells(entry, choice.places));
        rows.for_each(|row| line(&mut text, &format!("| {} |", row.join(" | "))));
    }
    if !summary.overtakings.is_empty() {
        line(&mut text, "\n## How soon one method is as far as another at its end\n");
        line(&mut text, "| data | asked by | method | reaches the end of | share of images | share of seconds |");
        line(&mut text, "| --- | --- | --- | --- | --- | --- |");
        let share = |share: Option<f64>| share.map_or_else(|| "never".to_owned(), percent);
        for found in &summary.overtakings {
            let (images, seconds) = (share(found.share_of_images), share(found.share_of_seconds));
            let (data, method, mark) = (&found.data, &found.method, &found.mark);
            line(&mut text, &format!("| {data} | {} | {method} | {mark} | {images} | {seconds} |", way(found.way)));
        }
    }
    text
}

/// The tables with all labels and the least, and every warning.
#[must_use]
pub fn terminal(summary: &Summary) -> String {
    let [done, all] = summary.cells;
    let mut text = format!("{}: {done} of {}\n", summary.title, counted(all, "cell", "cells"));
    for table in &summary.tables {
        line(&mut text, &format!("\n{}: {}, {}", table.data, way(table.way), labels(table.labels)));
        text.push_str(&crate::report::terminal::aligned(&rows(table, has_published(table))));
        table.comparisons.iter().for_each(|compared| line(&mut text, &tables::difference(compared)));
    }
    for choice in &summary.choices {
        line(&mut text, &format!("\n{}: {}", choice.data, choices::title(choice)));
        let head = choices::HEAD.map(str::to_owned).to_vec();
        let rows = choice.entries.iter().map(|entry| choices::cells(entry, choice.places));
        text.push_str(&crate::report::terminal::aligned(&std::iter::once(head).chain(rows).collect::<Vec<_>>()));
    }
    summary.warnings.iter().for_each(|warning| line(&mut text, &format!("warning: {warning}")));
    text
}

/// Writing to a string cannot fail.
fn line(text: &mut String, words: &str) {
    writeln!(text, "{words}").ok();
}

fn has_published(table: &Table) -> bool {
    table.entries.iter().any(|entry| entry.scores.as_ref().is_some_and(|scores| scores.published.is_some()))
}

/// Heads, and a row a method.
fn rows(table: &Table, published: bool) -> Vec<Vec<String>> {
    let mut head = vec!["method", "per clip", "95 % interval", "per frame", "macro F1", "AUC", "pretraining", "seeds"];
    if published {
        head.extend(["published", "optimism"]);
    }
    let head = head.into_iter().map(str::to_owned).collect();
    std::iter::once(head).chain(table.asked().map(|entry| row(entry, published))).collect()
}

fn row(entry: &Entry, published: bool) -> Vec<String> {
    let columns = if published { 10 } else { 8 };
    let mut cells = vec![entry.method.clone()];
    if let Some(scores) = &entry.scores {
        let estimate = &scores.balanced_accuracy;
        let clip = [Some(percent(estimate.mean)), spread(estimate)].into_iter().flatten().collect::<Vec<_>>().join(" ");
        cells.extend([
            clip,
            interval(estimate),
            percent(scores.frame_balanced_accuracy),
            decimal(scores.macro_f1, 3),
            scores.auc.map_or_else(|| NONE.to_owned(), |auc| decimal(auc, 3)),
            duration(scores.seconds),
            entry.seeds.len().to_string(),
        ]);
        if let Some(best) = scores.published.filter(|_| published) {
            cells.extend([percent(best), points(best - scores.frame_balanced_accuracy)]);
        }
    }
    cells.resize(columns, NONE.to_owned());
    cells
}
