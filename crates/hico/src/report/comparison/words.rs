//! The tables as Markdown, and for the terminal.

use super::{budget, choices, evaluation, labels, rows, tables};
use crate::compare::plan::{ClassPlan, StudyPlan};
use crate::compare::summary::{Summary, Table};
use crate::report::number::{counted, decimal, significant};
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
        line(&mut text, &format!("\n## {}: {}, {}\n", table.data, evaluation(table.evaluation), labels(table.labels)));
        for (at, row) in grid(table, summary).iter().enumerate() {
            line(&mut text, &format!("| {} |", row.join(" | ")));
            if at == 0 {
                line(&mut text, &format!("|{}", " --- |".repeat(row.len())));
            }
        }
        if !table.comparisons.is_empty() {
            text.push('\n');
        }
        table
            .comparisons
            .iter()
            .for_each(|compared| line(&mut text, &format!("- {}", rows::difference(compared, summary.tests))));
    }
    for choice in &summary.choices {
        line(&mut text, &format!("\n## {}: {}\n\n{}\n", choice.data, choices::title(choice), choices::WORDS));
        line(&mut text, &format!("| {} |", choices::HEAD.join(" | ")));
        line(&mut text, &format!("|{}", " --- |".repeat(choices::HEAD.len())));
        let rows = choice.entries.iter().map(|entry| choices::cells(entry, choice.places));
        rows.for_each(|row| line(&mut text, &format!("| {} |", row.join(" | "))));
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
        let class =
            |class: &ClassPlan| format!("{} {} (worth {})", class.groups, class.name, decimal(class.effective, 1));
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
        Some(least) => line(&mut text, &format!("with so many seeds no p is below {}", significant(least))),
        None => line(&mut text, "one seed: whether other seeds would show the same cannot be tested"),
    }
    line(&mut text, "differences are expected to spread as those of two pretrained methods did on 44 lung patients");
    // Spaces that do not break are for pages.
    text.replace('\u{a0}', " ")
}

/// The tables with all labels and the least, and every warning.
#[must_use]
pub fn terminal(summary: &Summary) -> String {
    let [done, all] = summary.cells;
    let mut text = format!("{}: {done} of {}\n", summary.title, counted(all, "cell", "cells"));
    for table in &summary.tables {
        line(&mut text, &format!("\n{}: {}, {}", table.data, evaluation(table.evaluation), labels(table.labels)));
        text.push_str(&crate::report::terminal::aligned(&grid(table, summary)));
        table.comparisons.iter().for_each(|compared| line(&mut text, &rows::difference(compared, summary.tests)));
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

/// Heads, and a row for each method.
fn grid(table: &Table, summary: &Summary) -> Vec<Vec<String>> {
    let head = rows::heads(table).into_iter().map(str::to_owned).collect();
    std::iter::once(head).chain(rows::rows(table, summary.seeds.len())).collect()
}
