//! An evaluation as a table of plain text, for the terminal.

use super::answer::{answer, contaminated_groups, gains_over_scratch};
use super::number::{NONE, counted, decimal, interval, percent, points, spread, tested};
use crate::evaluate::outcome::{Candidate, Evaluation, Role};

/// The candidates and their figures, the answer in one sentence, and every warning.
///
/// Lines are at most about 110 characters; names are cleaned of control characters, so that a hostile clip or class name
/// cannot move the cursor.
#[must_use]
pub fn table(evaluation: &Evaluation) -> String {
    let published = evaluation.candidates.iter().any(|candidate| candidate.published.is_some());
    let mut header = vec!["", "", "per clip", "95 % interval", "per frame", "per patient", "macro F1", "AUC"];
    if published {
        header.extend(["test fold", "bias"]);
    }
    let mut rows: Vec<Vec<String>> = vec![header.into_iter().map(str::to_owned).collect()];
    rows.extend(evaluation.candidates.iter().map(|candidate| row(candidate, published)));
    let mut text = heading(evaluation);
    text.push_str("\n\n");
    text.push_str(&aligned(&rows));
    text.push('\n');
    text.push_str(&plain(&answer(evaluation).sentence()));
    text.push('\n');
    for gain in gains_over_scratch(evaluation) {
        text.push_str(&plain(&gain));
        text.push('\n');
    }
    for candidate in &evaluation.candidates {
        let groups = contaminated_groups(candidate).len();
        if groups > 0 {
            let groups = counted(groups, "test group was", "test groups were");
            text.push_str(&plain(&format!("CONTAMINATED: {}: {groups} seen in pretraining\n", candidate.name)));
        }
    }
    for warning in &evaluation.warnings {
        text.push_str(&format!("warning: {}\n", plain(warning)));
    }
    text
}

fn heading(evaluation: &Evaluation) -> String {
    let protocol = &evaluation.protocol;
    let [folds, seeds] = [&protocol.folds.len(), &protocol.seeds.len()];
    plain(&format!(
        "{}: tested on {}, {}, {}, {}\nBalanced accuracy{}",
        evaluation.data.name,
        tested(evaluation),
        counted(evaluation.data.classes.len(), "class", "classes"),
        counted(*folds, "fold", "folds"),
        counted(*seeds, "seed", "seeds"),
        if *seeds > 1 { "; ± is the standard deviation over seeds" } else { "; one seed, so no spread over seeds" },
    ))
}

fn row(candidate: &Candidate, published: bool) -> Vec<String> {
    let honest = &candidate.honest;
    let clip = &honest.clip;
    let balanced = &clip.balanced_accuracy;
    let mut mean = percent(balanced.mean);
    if let Some(spread) = spread(balanced) {
        mean = format!("{mean} {spread}");
    }
    let mut cells = vec![
        match candidate.role {
            Role::Floor => "baseline".to_owned(),
            Role::Contender => String::new(),
        },
        candidate.name.clone(),
        mean,
        interval(balanced),
        percent(honest.frame.balanced_accuracy.mean),
        percent(honest.patient.balanced_accuracy.mean),
        decimal(clip.macro_f1.mean, 3),
        clip.auc.map_or_else(|| NONE.to_owned(), |auc| decimal(auc.mean, 3)),
    ];
    if published {
        let figure = candidate.published.as_ref().map(|scores| scores.clip.balanced_accuracy.mean);
        cells.push(figure.map_or_else(String::new, percent));
        cells.push(figure.map_or_else(String::new, |figure| points(figure - balanced.mean)));
    }
    cells
}

/// Words to the left, figures to the right, two spaces between columns.
pub(super) fn aligned(rows: &[Vec<String>]) -> String {
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(|cell| plain(cell)).collect()).collect();
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width = |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max();
    let widths: Vec<usize> = (0..columns).map(|column| width(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in &rows {
        let cells = row.iter().zip(&widths).enumerate().map(|(column, (cell, &width))| {
            if column < 2 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
        });
        text.push_str(cells.collect::<Vec<_>>().join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// Without control characters and with spaces that break, as a terminal wants it.
fn plain(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\u{a0}' => ' ',
            '\n' => '\n',
            c if c.is_control() => '\u{fffd}',
            c => c,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::super::synthetic;
    use super::*;

    #[test]
    fn every_candidate_has_a_row_with_its_interval() {
        let evaluation = synthetic::evaluation(5, 3);
        let table = table(&evaluation);
        for candidate in &evaluation.candidates {
            let row = table.lines().find(|line| line.contains(&candidate.name)).unwrap();
            let figure = &candidate.honest.clip.balanced_accuracy;
            assert!(row.contains(&percent(figure.mean).replace('\u{a0}', " ")), "{row}");
            assert!(row.contains(&interval(figure).replace('\u{a0}', " ")), "{row}");
        }
    }

    #[test]
    fn columns_stand_below_their_heads() {
        let table = table(&synthetic::evaluation(5, 1));
        let lines: Vec<&str> = table.lines().collect();
        let head = lines.iter().position(|line| line.contains("per clip")).unwrap();
        let end = |line: &str, what: &str| line.find(what).map(|at| line[..at].chars().count() + what.chars().count());
        let column = end(lines[head], "95 % interval").unwrap();
        for row in &lines[head + 1..head + 4] {
            assert_eq!(row.chars().nth(column - 1), Some('%'), "{table}");
        }
        assert!(table.contains("one seed"), "{table}");
        assert!(lines.iter().take(head + 6).all(|line| line.chars().count() <= 110), "{table}");
    }

    #[test]
    fn warnings_and_contamination_are_told() {
        let mut evaluation = synthetic::evaluation(5, 3);
        evaluation.warnings.push("fold 2 has one group of class covid".to_owned());
        evaluation.candidates[2].runs[0].contaminated_groups.push("p1".to_owned());
        let table = table(&evaluation);
        assert!(table.contains("warning: fold 2 has one group"), "{table}");
        assert!(table.contains("CONTAMINATED: "), "{table}");
    }

    #[test]
    fn a_hostile_name_cannot_move_the_cursor() {
        let mut evaluation = synthetic::evaluation(2, 1);
        evaluation.candidates[0].name = "\u{1b}[2Jx\rmajority".to_owned();
        evaluation.data.name = "a\u{7}b".to_owned();
        assert!(!table(&evaluation).chars().any(|c| c.is_control() && c != '\n'));
    }
}
