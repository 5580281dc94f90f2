//! The tables as Markdown, and for the terminal.

use super::verdict::Verdict;
use super::{budget, choices, contaminated, evaluation, largest_budgets, rows, tables, title};
use crate::compare::plan::{ClassPlan, StudyPlan};
use crate::compare::summary::{Summary, Table};
use crate::report::number::{counted, decimal, significant, tested};
use crate::report::tables::{aligned, plain};
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
    line(&mut text, "");
    sentences(summary).iter().for_each(|sentence| line(&mut text, &format!("- {sentence}")));
    contaminated(summary).iter().for_each(|words| line(&mut text, &format!("\n> CONTAMINATED: {words}")));
    summary.warnings.iter().for_each(|warning| line(&mut text, &format!("\n> {warning}")));
    for table in &summary.tables {
        line(&mut text, &format!("\n## {}\n", title(table)));
        grid_lines(&mut text, &grid(table, summary));
        if !table.comparisons.is_empty() {
            text.push('\n');
        }
        table
            .comparisons
            .iter()
            .for_each(|compared| line(&mut text, &format!("- {}", rows::difference(compared, summary))));
        rows::coverage(table).iter().for_each(|words| line(&mut text, &format!("- {words}")));
        if !table.strata.is_empty() {
            line(&mut text, &format!("\n{}\n", rows::STRATA));
            grid_lines(&mut text, &strata(table, summary));
        }
    }
    for choice in &summary.choices {
        line(&mut text, &format!("\n## {}: {}\n\n{}\n", choice.data, choices::title(choice), choices::WORDS));
        let head = choices::HEAD.map(str::to_owned).to_vec();
        let rows = choice.entries.iter().map(|entry| choices::cells(entry, choice.places));
        grid_lines(&mut text, &std::iter::once(head).chain(rows).collect::<Vec<_>>());
    }
    let areas: Vec<_> =
        summary.curves.iter().flat_map(|curve| curve.areas.iter().map(move |area| (curve, area))).collect();
    if !areas.is_empty() {
        line(&mut text, "\n## Area under the curve over the images seen\n");
        line(&mut text, "| data | evaluation | curves | difference in mean height, points |");
        line(&mut text, "| --- | --- | --- | --- |");
        for (curve, area) in areas {
            let words = tables::area_in_words(&area.difference);
            let (data, asked) = (&curve.data, evaluation(curve.evaluation));
            line(&mut text, &format!("| {data} | {asked} | {} minus {} | {words} |", area.method, area.baseline));
        }
    }
    text
}

/// What a study can show, before it runs.
#[must_use]
pub fn plan(plan: &StudyPlan) -> String {
    let mut text = format!(
        "{}; {}, corrected together; {}\n",
        counted(plan.cells, "cell", "cells"),
        counted(plan.tests, "test", "tests"),
        counted(plan.seeds, "seed", "seeds")
    );
    for data in &plan.data {
        let class = |class: &ClassPlan| {
            format!("{} {} (effective number {})", class.groups, class.name, decimal(class.effective, 1))
        };
        let classes: Vec<String> = data.classes.iter().map(class).collect();
        line(
            &mut text,
            &format!("{}: {}: {}", data.name, counted(data.groups, "patient", "patients"), classes.join(", ")),
        );
        line(
            &mut text,
            &format!(
                "  smallest difference with power 0.8: {} points for one test, {} corrected for all",
                decimal(data.detectable * 100.0, 1),
                decimal(data.detectable_corrected * 100.0, 1)
            ),
        );
    }
    match plan.least_p {
        Some(least) => line(&mut text, &format!("with this number of seeds no p is below {}", significant(least))),
        None => line(&mut text, "one seed: whether other seeds would show the same cannot be tested"),
    }
    line(&mut text, "differences are expected to spread as those of two pretrained methods did on 44 lung patients");
    // Spaces that do not break are for pages.
    text.replace('\u{a0}', " ")
}

/// The answer of each table with the most labels, in a sentence or two.
#[must_use]
pub fn sentences(summary: &Summary) -> Vec<String> {
    let of = |table: &Table| format!("{}: {}", title(table), Verdict::of(table, summary).sentence());
    let tables_of = |data: &str| summary.tables.iter().filter(|table| table.data == data).collect::<Vec<_>>();
    summary.data.iter().flat_map(|data| largest_budgets(&tables_of(&data.name))).map(of).collect()
}

/// The tables in short, the answers, and every warning.
///
/// Names are cleaned of control characters, so that a hostile class or method cannot move the cursor.
#[must_use]
pub fn terminal(summary: &Summary) -> String {
    let [done, all] = summary.cells;
    let mut text = format!("{}: {done} of {} finished\n", summary.title, counted(all, "cell", "cells"));
    for data in &summary.data {
        let (folds, seeds) =
            (counted(data.folds.len(), "fold", "folds"), counted(summary.seeds.len(), "seed", "seeds"));
        line(&mut text, &format!("{}: tested on {}, {folds}, {seeds}", data.name, tested(data)));
    }
    for table in &summary.tables {
        line(&mut text, &format!("\n{}; per patient where nothing else is said", title(table)));
        let rows: Vec<Vec<String>> = grid(table, summary).into_iter().map(rows::in_terminal).collect();
        text.push_str(&aligned(&rows));
        table.comparisons.iter().for_each(|compared| line(&mut text, &rows::difference(compared, summary)));
        rows::coverage(table).iter().for_each(|words| line(&mut text, words));
        if !table.strata.is_empty() {
            line(&mut text, &format!("\n{}", rows::STRATA));
            text.push_str(&aligned(&strata(table, summary)));
        }
    }
    for choice in &summary.choices {
        line(&mut text, &format!("\n{}: {}", choice.data, choices::title(choice)));
        let head = choices::HEAD.map(str::to_owned).to_vec();
        let rows = choice.entries.iter().map(|entry| choices::cells(entry, choice.places));
        text.push_str(&aligned(&std::iter::once(head).chain(rows).collect::<Vec<_>>()));
    }
    line(&mut text, "");
    sentences(summary).iter().for_each(|sentence| line(&mut text, sentence));
    contaminated(summary).iter().for_each(|words| line(&mut text, &format!("CONTAMINATED: {words}")));
    summary.warnings.iter().for_each(|warning| line(&mut text, &format!("warning: {warning}")));
    plain(&text)
}

/// Heads and rows as Markdown.
fn grid_lines(text: &mut String, rows: &[Vec<String>]) {
    for (at, row) in rows.iter().enumerate() {
        line(text, &format!("| {} |", row.join(" | ")));
        if at == 0 {
            line(text, &format!("|{}", " --- |".repeat(row.len())));
        }
    }
}

/// Heads, and a row for each stratum.
fn strata(table: &Table, summary: &Summary) -> Vec<Vec<String>> {
    let data = summary.data.iter().find(|data| data.name == table.data);
    let head = rows::strata_heads(table, data.map_or(&[], |data| &data.classes));
    std::iter::once(head).chain(rows::strata(table)).collect()
}

/// Writing to a string cannot fail.
fn line(text: &mut String, words: &str) {
    writeln!(text, "{words}").ok();
}

/// Heads, and a row for each method.
fn grid(table: &Table, summary: &Summary) -> Vec<Vec<String>> {
    let head = rows::heads(table).into_iter().map(str::to_owned).collect();
    std::iter::once(head).chain(rows::rows(table, summary.seeds.len())).collect()
}
