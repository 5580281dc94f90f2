//! A method's row in a table, the same on the page, in Markdown and in the terminal.

use crate::compare::summary::{Compared, Entry, Table};
use crate::evaluate::outcome::{Estimate, Metric};
use crate::report::number::{
    NONE, counted, decimal, duration, interval, p_value, percent, points, points_interval_in_words, spread,
};

/// Heads of a table; the last two only where the published protocol was asked for.
const HEADS: [&str; 13] = [
    "method",
    "balanced accuracy",
    "95 % interval",
    "macro AUC",
    "95 % interval",
    "log loss",
    "Brier score",
    "calibration error",
    "per clip",
    "per frame",
    "pretraining",
    "seeds",
    "best on test fold (selection bias)",
];

/// Returns the heads of a table.
pub(super) fn heads(table: &Table) -> Vec<&'static str> {
    HEADS[..HEADS.len() - usize::from(!has_published(table))].to_vec()
}

/// Returns a row for each method that the study asks this.
///
/// - `seeds`: of the study
pub(super) fn rows(table: &Table, seeds: usize) -> Vec<Vec<String>> {
    table.asked().map(|entry| row(entry, has_published(table), seeds)).collect()
}

fn has_published(table: &Table) -> bool {
    table.entries.iter().any(|entry| entry.scores.as_ref().is_some_and(|scores| scores.published.is_some()))
}

fn row(entry: &Entry, published: bool, seeds: usize) -> Vec<String> {
    let mut cells = vec![entry.method.clone()];
    let optional = |figure: Option<&Estimate>, write: fn(&Estimate) -> String| figure.map_or_else(none, write);
    match &entry.scores {
        Some(scores) => {
            let patient = &scores.patient;
            cells.extend([
                with_spread(&patient.balanced_accuracy),
                interval(&patient.balanced_accuracy),
                optional(patient.auc.as_ref(), |auc| decimal(auc.mean, 3)),
                optional(patient.auc.as_ref(), bare_interval),
                optional(patient.log_loss.as_ref(), |loss| decimal(loss.mean, 3)),
                optional(patient.brier.as_ref(), |brier| decimal(brier.mean, 3)),
                patient.calibration_error.map_or_else(none, percent),
                with_spread(&scores.clip.balanced_accuracy),
                percent(scores.frame_balanced_accuracy),
                duration(scores.seconds),
            ]);
        }
        None => cells.resize_with(HEADS.len() - 2, none),
    }
    cells.push(format!("{} of {seeds}", entry.seeds.len()));
    if published {
        let scores = entry.scores.as_ref();
        let both = scores.and_then(|scores| Some((scores.published?, scores.frame_balanced_accuracy)));
        cells.push(both.map_or_else(none, |(best, honest)| format!("{} ({})", percent(best), points(best - honest))));
    }
    cells
}

fn none() -> String {
    NONE.to_owned()
}

fn with_spread(estimate: &Estimate) -> String {
    [Some(percent(estimate.mean)), spread(estimate)].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

/// The interval of a figure that is no share, as `0.801 to 0.930`.
fn bare_interval(estimate: &Estimate) -> String {
    match estimate.interval() {
        Ok([low, high]) => format!("{} to {}", decimal(low, 3), decimal(high, 3)),
        Err(why) => why.short().to_owned(),
    }
}

/// Returns what a metric is called in a sentence.
pub(super) const fn metric(metric: Metric) -> &'static str {
    match metric {
        Metric::BalancedAccuracy => "balanced accuracy",
        Metric::MacroAuc => "macro AUC",
    }
}

/// Returns `better minus baseline`.
pub(super) fn name(compared: &Compared) -> String {
    format!("{} minus {}", compared.comparison.better, compared.comparison.baseline)
}

/// Returns a comparison as a sentence.
///
/// - `tests`: how many the study has
pub(super) fn difference(compared: &Compared, tests: usize) -> String {
    let comparison = &compared.comparison;
    let least = format!(
        "{}, so p could not be below {}",
        counted(comparison.differing_groups, "patient differs", "patients differ"),
        crate::report::number::significant(comparison.least_p)
    );
    let of_seeds = comparison.p_seeds.map_or_else(String::new, |p| {
        format!(" (patients {}, seeds {})", bare_p(comparison.p_groups.unwrap_or(1.0)), bare_p(p))
    });
    let detectable = comparison.detectable.map_or_else(String::new, |detectable| {
        format!("; a difference of {} points would have been shown with power 0.8", decimal(detectable * 100.0, 1))
    });
    format!(
        "{}: {} points ({}), {}{of_seeds}, Holm over {}: {}; {least}{detectable}",
        name(compared),
        points(comparison.difference.mean),
        points_interval_in_words(&comparison.difference),
        p_value(comparison.p_value),
        counted(tests, "test", "tests"),
        bare_p(compared.p_holm),
    )
}

fn bare_p(p: f64) -> String {
    p_value(p).trim_start_matches(['p', '=', '\u{a0}', ' ']).to_owned()
}
